"""Sign-ins told by queue and personnel systems: what is taken (report.py), which word counts (stay.py), how it gets into the
ledger (intake.py)."""
