"""Which window a box stands at: from scanned labels into the roster's own file, and from there into the ledger."""
