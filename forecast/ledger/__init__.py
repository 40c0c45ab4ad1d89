"""The ledger: every forecast on record, resolved by the rule that made it, scored in public.

``chain`` links records, ``store`` keeps them in one SQLite file; ``recording`` puts runs on
record and what happened, ``judgements`` what others say and conditional questions; ``scoring`` tells of it.
Nothing is ever overwritten: a correction is a new record that points to the old one.
"""
