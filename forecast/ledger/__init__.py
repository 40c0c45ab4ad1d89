"""The ledger: every forecast on record, resolved by the rule that made it, scored in public.

The modules in the order of the flow::

    entries      what is put on record, as types
    book         records linked by hashes      → what stands (open, resolved, void), or the first bad one
    store        the SQLite file               open_ledger, write_ledger
    recording    a run                         → forecasts on record
    resolving    events                        → outcomes
    scored       outcomes                      → which forecasts count, scores of a group, others' beside
    scoring      a ledger                      → all its scores
    exporting    a ledger                      → JSON Lines, hubverse and question CSV
    importing    chains of colleagues, probabilities of others

Nothing here is ever overwritten: a correction is a new record that points to the old one.
"""
