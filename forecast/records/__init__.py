"""What runs, watches and the ledger leave, as types: numbers, codes, days, ids, and what users wrote."""
