"""The ledger: every forecast on record, resolved by the rule that made it, scored in public.

The modules in the order of the flow::

    entries      what is put on record, as types
    chain        records linked by hashes      → the ledger: what stands, what counts; or the first bad record
    store        the SQLite file               open_ledger, write_ledger
    recording    a run                         → forecasts on record
    resolving    events                        → outcomes
    scoring      a ledger                      → all its scores
    stamping     the head of a ledger          → a time stamp by a service
    verifying    file, chain, runs, stamps     → what is not as it was made
    exchange     a ledger                      ⇄ JSON Lines, hubverse and question CSV, answers of others
    answers      all of these                  → blocks and plain values that the commands print

Nothing here is ever overwritten: a correction is a new record that points to the old one.
"""
