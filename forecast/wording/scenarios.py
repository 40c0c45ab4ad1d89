"""How a scenario was computed, in sentences."""

from __future__ import annotations

from forecast import wording
from forecast.records.forecast import ScenarioForecast, ScenarioReason
from forecast.wording.sensitivity import assumption_label
from forecast.wording.warnings import failure_sentence

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
    return REASON_WORDS[reason.code].format(**dict(reason))


def method_sentence(scenario: ScenarioForecast) -> str:
    """Name the method with its reason and, of a reweighting, what the weights are worth."""
    said = f"{scenario.method}. {reason_sentence(scenario.reason)}"
    if scenario.method.startswith("reweight") and scenario.pareto_k is not None:
        said += (
            f" Pareto k {wording.number(scenario.pareto_k)}, "
            f"{wording.number(scenario.effective_draws or 0.0, 0)} effective draws."
        )
    return said


def withheld_sentence(scenario: ScenarioForecast) -> str:
    """Say why a scenario has no numbers, and how to get them."""
    return (
        f"{reason_sentence(scenario.reason)} A new fit takes about as long as the run; leave out --no-refit "
        "to make it."
    )


def withheld_reason(scenario: ScenarioForecast) -> str:
    """Say why a scenario has no numbers where the reader can ask for a new fit beside the sentence."""
    return f"{reason_sentence(scenario.reason)} A new fit takes about as long as the run."


def trust_sentence(scenario: ScenarioForecast) -> str:
    """Say in one plain sentence how far the numbers of a scenario can be trusted."""
    if scenario.withheld:
        return withheld_reason(scenario)
    if scenario.failures:
        said = "; ".join(failure_sentence(one) for one in scenario.failures)
        return f"The new fit did not converge, so its numbers must not be used: {said}."
    if scenario.method == "refit":
        return "The model was fitted again for this state and passed its checks."
    if scenario.pareto_k is None:
        return "The past and the beliefs are the run's, so its draws serve as they are."
    left = wording.number(scenario.effective_draws or 0.0, 0)
    return (
        f"Reweighted to these beliefs, the run's draws are worth {left} independent draws; no small group of "
        f"them dominates (Pareto k {wording.number(max(scenario.pareto_k, -9.0))})."
    )


def change_sentences(scenario: ScenarioForecast) -> tuple[str, ...]:
    """Say what a scenario assumes, one text a change, for a caption."""
    titles = {target.name: target.label for target in scenario.targets}
    said = []
    for act in scenario.acts:
        days = wording.long_day(act.first_day)
        if act.last_day != act.first_day:
            days = f"between {days} and {wording.long_day(act.last_day)}"
        by = f" by {act.by}" if act.by else ""
        kind = act.label or act.category.replace("_", " ")
        chance = "" if act.probability == 1.0 else f", {wording.share(act.probability)} likely"
        said.append(f"{kind} (severity {act.severity}){by} {days}{chance}")
    said += [
        f"{one.label}: {wording.share(one.before)} → {wording.share(one.after)}"
        for one in scenario.expectations
    ]
    said += [f"another belief: {assumption_label(name, titles=titles)}" for name in scenario.priors]
    if scenario.taken_out:
        said.append(f"without {wording.count(scenario.taken_out, 'past event')}")
    return tuple(said)
