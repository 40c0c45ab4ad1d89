"""The ledger: every forecast on record, resolved by the rule that made it, scored in public.

``store`` links records in one SQLite file (their types: ``forecast.records.ledger``); ``recording`` puts runs
on record and what happened, ``judgements`` what others say and conditional questions; ``scoring`` scores it.
Nothing is ever overwritten: a correction is a new record that points to the old one.
"""
