"""What a forecast is the mean of, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.records.forecast import Member
from forecast.wording.numbers import listing


def members_sentence(members: Sequence[Member]) -> str:
    """Name the members, and which of them answers for the headline."""
    names = [f"the {one.label}" for one in members]
    asked = [f"the {one.label}" for one in members if one.weight]
    if len(names) == 1:
        return f"The forecast is that of {names[0]}."
    if len(asked) == 1:
        (other,) = (name for name in names if name not in asked)
        return f"The headline is that of {asked[0]} alone; {other} answers for other targets."
    return f"The forecast is the mean of {listing(tuple(names))}, with equal weights."
