"""The ledger (账本): postings, lots, balances, statements."""
