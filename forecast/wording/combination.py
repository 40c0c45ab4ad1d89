"""How a combination was put together, in sentences."""

from __future__ import annotations

from forecast.records.forecast import CombinationRecord
from forecast.wording.numbers import listing


def members_sentence(combination: CombinationRecord) -> str:
    """Name the members, and which of them answers for the headline."""
    members = [f"the {one.label}" for one in combination.members]
    asked = [f"the {one.label}" for one in combination.members if one.weight]
    if len(members) == 1:
        return f"The forecast is that of {members[0]}."
    if len(asked) == 1:
        (other,) = (one for one in members if one not in asked)
        return f"The headline is that of {asked[0]} alone; {other} answers for other targets."
    return (
        f"The forecast is the mean of {listing(tuple(members))}, with equal weights; where one has no "
        "answer, it is the other's."
    )


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
