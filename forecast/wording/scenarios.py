"""How a scenario was computed, in sentences."""

from __future__ import annotations

from forecast import wording
from forecast.records.base import WrittenText
from forecast.records.forecast import ScenarioForecast, ScenarioReason

REASON_WORDS = {
    "only_future": "Only the future changes: the same draws, with other futures on the same random numbers.",
    "only_priors": "Only priors change: the draws of the run are weighted by the ratio of the priors.",
    "priors_and_future": (
        "Priors and the future change: the draws of the run are weighted by the ratio of the priors."
    ),
    "past_taken_out": "Past events are taken out, so the model must be fitted again.",
    "weights_not_trusted": (
        "The draws of the run cannot stand for these priors (Pareto k {value:.2f}, at most {limit:g} "
        "allowed)."
    ),
    "too_few_effective_draws": (
        "Too few draws of the run fit these priors ({value:.0f} effective draws, at least {limit:.0f} "
        "needed)."
    ),
}


def reason_sentence(reason: ScenarioReason) -> str:
    """Say why a scenario was computed as it was."""
    return (
        reason.text if isinstance(reason, WrittenText) else REASON_WORDS[reason.code].format(**dict(reason))
    )


def method_sentence(scenario: ScenarioForecast) -> str:
    """Name the method with its reason and, of a reweighting, what the weights are worth."""
    said = f"{scenario.method}. {reason_sentence(scenario.reason)}"
    if scenario.method.startswith("reweight") and scenario.pareto_k is not None:
        said += (
            f" Pareto k {wording.number(scenario.pareto_k)}, "
            f"{wording.number(scenario.effective_draws or 0.0, 0)} effective draws."
        )
    if scenario.carried_over == "log_odds":
        said += (
            " The new fit is of the joint model alone; what it changes there was added to the log odds of "
            "the combination."
        )
    return said


def withheld_sentence(scenario: ScenarioForecast) -> str:
    """Say why a scenario has no numbers, and how to get them."""
    return (
        f"{reason_sentence(scenario.reason)} A new fit takes about as long as the run; leave out --no-refit "
        "to make it."
    )
