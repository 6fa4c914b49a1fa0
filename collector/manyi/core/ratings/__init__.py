"""From ledger rows to ratings: settled, dated, attributed, and kept in ratings.db."""
