"""Everything that is said in words: chances, changes, days, and sentences about what a run found.

Records hold numbers and names; what a reader sees of them is made here and nowhere else.
"""

from forecast.wording.numbers import (
    BANDS,
    count,
    frequency,
    interval_percent,
    likelihood,
    listing,
    long_day,
    month_name,
    neighbouring_words,
    number,
    on_scale,
    percent,
    plain_number,
    points,
    share,
    short_day,
    shown_difference,
    signed_points,
    small_number,
    times,
    words,
)

__all__ = [
    "BANDS",
    "count",
    "frequency",
    "interval_percent",
    "likelihood",
    "listing",
    "long_day",
    "month_name",
    "neighbouring_words",
    "number",
    "on_scale",
    "percent",
    "plain_number",
    "points",
    "share",
    "short_day",
    "shown_difference",
    "signed_points",
    "small_number",
    "times",
    "words",
]
