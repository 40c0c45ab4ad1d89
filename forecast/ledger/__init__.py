"""The ledger: every forecast on record, resolved by the rule that made it, scored in public.

The modules in the order of the flow::

    canonical    values                        → one text, one hash
    entries      what is put on record, as types
    chain        records linked by hashes      → the first bad one, if any
    store        the SQLite file               open_ledger, write_ledger
    book         records                       → what stands (open, resolved, void)
    recording    a run                         → forecasts on record
    resolving    events                        → outcomes
    scoring      outcomes                      → scores
    exporting    a ledger                      → JSON Lines, hubverse and question CSV
    importing    chains of colleagues, probabilities of others

Nothing here is ever overwritten: a correction is a new record that points to the old one.
"""

from forecast.ledger.book import Book
from forecast.ledger.store import open_ledger, write_ledger

__all__ = ["Book", "open_ledger", "write_ledger"]
