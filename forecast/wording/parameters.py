"""What the data say of the parameters whose sign matters to a reader, from prior and posterior."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.records.analysis import ParameterSummary
from forecast.wording.numbers import number

_KINDS = {"visit": "visits", "channel_opening": "channels that open", "cooperation": "cooperative acts"}
_FINDINGS = {
    # Parameter: what a positive value means, what a negative one means, and the question it answers.
    f"ballast.{kind}": (
        f"after {name} conflictual acts come less often",
        f"after {name} conflictual acts come more often",
        f"whether {name} calm",
    )
    for kind, name in _KINDS.items()
}
UNMOVED_SHIFT, UNMOVED_WIDTH = 0.25, 0.9
"""Of a posterior that the data left as it was: largest move of its mean, in half-widths of the prior, and
least width, in widths of the prior."""


def parameter_sentences(parameters: Sequence[ParameterSummary]) -> list[str]:
    """Say of each such parameter what the data show, with its interval, or that they are silent."""
    said = []
    silent: list[str] = []
    for name, (positive, negative, question) in _FINDINGS.items():
        found = next((one for one in parameters if one.name == name), None)
        if found is None:
            continue
        lower, upper = found.posterior_interval90
        shown = f"{number(found.posterior_mean)}, 90% interval {number(lower)} to {number(upper)}"
        if lower > 0 or upper < 0:
            said.append(f"The data show that {positive if lower > 0 else negative} ({shown}).")
        elif is_unmoved(found):
            silent.append(question)
        else:
            said.append(f"The data do not settle {question} ({shown}).")
    if silent:
        questions = f"{', '.join(silent[:-1])}{', or ' if len(silent) > 1 else ''}{silent[-1]}"
        said.append(f"The data are silent on {questions}: the model's answer is its prior.")
    return said


def is_unmoved(one: ParameterSummary) -> bool:
    """Whether the posterior is the prior: the data added nothing."""
    low, high = one.prior_interval90
    lower, upper = one.posterior_interval90
    half = (high - low) / 2
    moved = abs(one.posterior_mean - one.prior_mean)
    return moved < UNMOVED_SHIFT * half and upper - lower > UNMOVED_WIDTH * (high - low)
