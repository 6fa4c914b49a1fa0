"""Every alarm of the wall: its kinds and words, and the rules that raise it."""
