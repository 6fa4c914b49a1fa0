"""The ledger: an append-only, hash-chained SQLite file that is the system of record.

schema.py (what is in the file), chain.py (the row chain), ingest.py (pure: what a batch means), writer.py
(the one transaction of the pipeline), facts.py (rows of the roster), reader.py (what projections read).
"""
