"""Two zones: the ledger crosses a one-way gap in numbered files, and an inner installation follows it.

    collector's zone                          gap              inner zone
    ledger ─▶ sender.py ─▶ out/ID-NUMBER.feed ─▶ in/ ─▶ receiver.py ─▶ copy of the ledger ─▶ projections, pages

page.py (one file: written, read, checked), sender.py, receiver.py, follower.py (the inner service), cli.py. Files may come
late, twice and in any order. Refuses a gap, a changed row, and any row that the collector's zone did not write.
"""
