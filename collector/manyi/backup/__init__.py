"""Copies of an installation that can be trusted: made while it runs, checked after writing, put back and compared.

copy.py (makes one), manifest.py (what a copy says of itself), restore.py (puts one back), rotation.py (which to keep),
cli.py (`manyi backup`, `manyi restore`). Refuses to call a copy good that it has not read again.
"""
