"""What is said of a call's robustness in the terminal and in the report alike."""

from __future__ import annotations

from collections.abc import Sequence

from forecast import wording
from forecast.records.analysis import BreakEven, NumberSensitivity

LABEL_WORDS = {
    "data-driven": "The data carry this number",
    "prior-driven": "The priors carry this number",
    "conflict": "This number is a compromise between priors and data",
    "unclear": "What carries this number cannot be told from these draws",
}


def change_with_error(change: float, error: float) -> str:
    """Change of a probability in points with its Monte Carlo error, e.g. ``−7.3 ± 1.3``."""
    return f"{wording.signed_points(change)} ± {wording.points(error).split(' ')[0]}"


def label_sentence(one: NumberSensitivity) -> str:
    """What a probability rests on, and by how much it would move, in two sentences."""
    return (
        f"{LABEL_WORDS[one.rests_on]}: {one.reason}. With twice the weight on the priors it would change by "
        f"{change_with_error(one.priors.change, one.priors.mcse)} points at the present rate, with twice the "
        f"weight on the data by {change_with_error(one.data.change, one.data.mcse)}; the most influential "
        f"priors are those of {one.groups[0].name}."
    )


def crossing_first(break_evens: Sequence[BreakEven], target: str, milestone: str) -> list[BreakEven]:
    """Break-evens of one question that are crossings, the smallest change first."""
    return [
        one
        for one in break_evens
        if (one.target, one.milestone) == (target, milestone) and one.outcome == "crosses"
    ]


def rest_sentence(here: Sequence[BreakEven], shown: int) -> str:
    """What is to be said of the assumptions of one question beside the ``shown`` crossings."""
    outcomes: dict[str, set[str]] = {}
    for one in here:
        outcomes.setdefault(one.name, set()).add(one.outcome)
    crossing = sum(one.outcome == "crosses" for one in here)
    quiet = [found for found in outcomes.values() if "crosses" not in found]
    unknown = sum("needs a refit" in found for found in quiet)
    parts = []
    if crossing > shown:
        parts.append(f"{crossing - shown} more need a larger change")
    if not crossing and here:
        low, high = min(one.reached[0] for one in here), max(one.reached[1] for one in here)
        parts.append(
            "no single assumption does, as far as the draws can tell (the chance stays within "
            f"{wording.interval_percent((low, high))})"
        )
    if unknown:
        parts.append(f"of {unknown} the draws cannot tell more: a refit with the prior set would")
    if len(quiet) > unknown:
        parts.append(f"{len(quiet) - unknown} change it nowhere")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
