"""Everything that is said in words: chances, changes, days, and sentences about what a run found.

Records hold numbers and names; what a reader sees of them is made here and nowhere else.
"""

from forecast.wording.numbers import (
    BANDS,
    count,
    frequency,
    interval_percent,
    listing,
    long_day,
    neighbouring_words,
    number,
    on_scale,
    percent,
    plain_number,
    points,
    predicate,
    share,
    short_day,
    shown_difference,
    signed_points,
    times,
    words,
)

__all__ = [
    "BANDS",
    "count",
    "frequency",
    "interval_percent",
    "listing",
    "long_day",
    "neighbouring_words",
    "number",
    "on_scale",
    "percent",
    "plain_number",
    "points",
    "predicate",
    "share",
    "short_day",
    "shown_difference",
    "signed_points",
    "times",
    "words",
]
