"""The ledger: an append-only, hash-chained SQLite file that is the system of record.

schema.py (what is in the file), chain.py (the row chain), ingest.py (pure: what a batch means), asked.py (what was
answered without being stored), heads.py (the head table), writer.py (the pipeline's one transaction), facts.py (rows of
the roster), reader.py (what projections read).
"""
