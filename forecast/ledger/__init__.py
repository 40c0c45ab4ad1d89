"""The ledger: every forecast on record, resolved by the rule that made it, scored in public.

``chain`` links records, ``store`` keeps them in one SQLite file; ``recording`` puts runs on record,
``judgements`` what others say, ``resolving`` what happened; ``scoring`` and ``listing`` tell of it.
Nothing is ever overwritten: a correction is a new record that points to the old one.
"""
