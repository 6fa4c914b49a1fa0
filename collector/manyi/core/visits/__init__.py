"""Visits told by queue systems: what is taken, what it is counted as, and how it arrives."""
