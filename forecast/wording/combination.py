"""How a combination was put together, in sentences."""

from __future__ import annotations

from forecast.records.forecast import CombinationMember, CombinationRecord
from forecast.wording.numbers import listing, percent


def members_sentence(combination: CombinationRecord) -> str:
    """Name the members with their weights."""
    members = combination.members
    weights = {one.weight for one in members}
    if 0.0 in weights:
        asked = tuple(one.label for one in members if one.weight)
        others = listing(tuple(one.label for one in members if not one.weight))
        of = f"the mean of {listing(asked)}, with equal weights" if len(asked) > 1 else f"that of {asked[0]}"
        return (
            f"The headline is {of}. Not members for it: {others}. Which members answer for a target depends "
            "on whether it happened before."
        )
    if len(members) == 1:
        return f"The forecast is that of one member, {members[0].label}."
    if len(weights) == 1:
        return (
            f"The forecast is the mean of {listing(tuple(one.label for one in members))}, each with a weight "
            f"of 1/{len(members)}."
        )
    return f"The forecast is the weighted mean of {listing(tuple(map(_weighted, members)))}."


def _weighted(member: CombinationMember) -> str:
    return f"{member.label} ({percent(member.weight)})"


def weights_sentence(combination: CombinationRecord) -> str:
    """Say what the weights of the simulated futures are worth, or why they were not used."""
    if combination.reason is not None:
        of = "futures" if combination.reason.code == "too_few_effective_paths" else "draws"
        return (
            "The mean could not be put onto the simulated futures: its weights leave "
            f"{combination.reason.value:,.0f} effective {of}, fewer than {combination.reason.limit:,.0f}. "
            "All figures are the model's own."
        )
    said = (
        f"The {combination.paths:,} weighted futures are worth {combination.effective_paths:,.0f} futures "
        f"and {combination.effective_draws:,.0f} draws of equal weight."
    )
    if combination.dropped:
        number = len(combination.dropped)
        probabilities = "1 probability" if number == 1 else f"{number:,} probabilities"
        said += f" {probabilities} of the mean could not be put onto them."
    return said
