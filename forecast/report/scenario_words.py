"""What a scenario assumes, how it was computed, and which part of its change is assumed."""

from __future__ import annotations

from collections.abc import Sequence

from forecast import wording
from forecast.blocks import Cell
from forecast.records.forecast import (
    ActAssumed,
    ExpectationChanged,
    Forecast,
    ScenarioForecast,
    ScenarioMilestone,
    ScenarioReason,
)
from forecast.report.assumption_words import assumption_label
from forecast.report.judgement import named, shown_change, stands_out
from forecast.report.palette import name_category
from forecast.report.typesetting import shorten
from forecast.wording import in_sentence

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


def trust_sentence(scenario: ScenarioForecast) -> str:
    """Say in one plain sentence how far the numbers of a scenario can be trusted."""
    if scenario.withheld:
        return f"{reason_sentence(scenario.reason)} A new fit takes about as long as the run."
    if scenario.failures:
        said = "; ".join(one.sentence for one in scenario.failures)
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


LEAST_SHOWN = 0.01
"""Change of a chance below which a table says ``≈``: it may turn a rounded figure, and tells nothing."""


def by_effect(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> list[ScenarioForecast]:
    """Scenarios by the size of their change of the headline, then of any target; those without numbers last.

    Report, terminal and notebook show scenarios in this order.
    """
    asked = forecast.headline

    def size(scenario: ScenarioForecast) -> tuple[bool, float, float]:
        changes = {
            one.name: abs(named(one.milestones, asked.milestone).difference.value) for one in scenario.targets
        }
        known = 0.0 if scenario.withheld else changes[asked.target]
        # What a table shows as no change sorts as none, so that the other targets decide.
        seen = known if known >= LEAST_SHOWN else 0.0
        return bool(scenario.withheld), -seen, 0.0 if scenario.withheld else -max(changes.values())

    return sorted(scenarios, key=size)


def split_cells(one: ScenarioMilestone) -> tuple[Cell, Cell, Cell]:
    """Chance under the scenario; points met by assumption; points that the model adds, where clear."""
    assumed = one.by_assumption
    added = one.difference.value - (assumed or 0.0)
    clear = stands_out(added, one.difference.mcse)
    shown = wording.percent(one.probability) if abs(one.difference.value) >= LEAST_SHOWN else "≈"
    return (
        Cell(shown, value=one.probability),
        Cell("–" if not assumed else wording.signed_points(assumed), value=assumed or 0.0),
        Cell(shown_change(added, one.difference.mcse) if clear else "–", value=added),
    )


def what_it_assumes(scenario: ScenarioForecast, target: str, most: int) -> str:
    """Acts with their chance, those that meet the target first and marked; then what else differs."""
    acts = sorted(scenario.acts, key=lambda one: (target not in one.meets, -one.probability))
    parts = [_act(one, target) for one in acts[:most]]
    if len(acts) > most:
        parts.append(f"and {wording.count(len(acts) - most, 'more act')}")
    parts += [_expected(one) for one in scenario.expectations[:1]]
    if scenario.taken_out:
        parts.append(f"{wording.count(scenario.taken_out, 'past event')} taken out")
    if scenario.priors:
        titles = {one.name: in_sentence(one.label) for one in scenario.targets}
        labels = [in_sentence(assumption_label(one, titles=titles)) for one in scenario.priors[:2]]
        labels += [f"{wording.small_number(len(scenario.priors) - 2)} more"] * (len(scenario.priors) > 2)
        parts.append(f"another belief on {wording.listing(tuple(labels))}")
    text = "; ".join(part for part in parts if part).replace("; and ", " and ")
    return text[:1].upper() + text[1:] if text else shorten(scenario.rationale, 120)


def _act(act: ActAssumed, target: str) -> str:
    mark = "● " if target in act.meets else ""
    sure = "certain" if act.probability == 1 else wording.percent(act.probability)
    return f"{mark}{act.label or name_category(act.category)} ({sure})"


def _expected(change: ExpectationChanged) -> str:
    moved = f"{wording.percent(change.after)}, from {wording.percent(change.before)}"
    return f"{change.label} ({ {0.0: 'does not happen', 1.0: 'certain'}.get(change.after, moved) })"
