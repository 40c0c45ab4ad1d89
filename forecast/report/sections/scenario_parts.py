"""What a scenario assumes, in words, and its change split into the part assumed and the part added."""

from __future__ import annotations

from forecast import wording
from forecast.blocks import Cell
from forecast.records.forecast import ActAssumed, ExpectationChanged, ScenarioForecast, ScenarioMilestone
from forecast.report.palette import name_category
from forecast.report.questions import named, shown_change, stands_out
from forecast.report.typeface import shorten
from forecast.wording.judgement import in_sentence
from forecast.wording.sensitivity import assumption_label


def model_adds(scenario: ScenarioForecast, target: str, milestone: str) -> float:
    """What is left of a change once the part met by assumption is taken off; 0 where it is not clear."""
    one = named(scenario.target(target).milestones, milestone)
    added = one.difference.value - (one.by_assumption or 0.0)
    return added if stands_out(added, one.difference.mcse) else 0.0


def split_cells(one: ScenarioMilestone) -> tuple[Cell, Cell, Cell]:
    """Chance under the scenario; points met by assumption; points that the model adds, where clear."""
    assumed = one.by_assumption
    added = one.difference.value - (assumed or 0.0)
    clear = stands_out(added, one.difference.mcse)
    return (
        Cell(wording.percent(one.probability), value=one.probability),
        Cell("–" if not assumed else wording.signed_points(assumed), value=assumed or 0.0),
        Cell(shown_change(added, one.difference.mcse) if clear else "–", value=added),
    )


def what_it_assumes(scenario: ScenarioForecast, target: str, most: int) -> str:
    """Acts with their chance, those that meet the target first and marked; then what else differs."""
    acts = sorted(scenario.acts, key=lambda one: (target not in one.meets, -one.probability))
    parts = [_act(one, target) for one in acts[:most]]
    if len(acts) > most:
        parts.append(f"{wording.small_number(len(acts) - most)} more")
    parts += [_expected(one) for one in scenario.expectations[:1]]
    if scenario.taken_out:
        parts.append(f"{wording.count(scenario.taken_out, 'past event')} taken out")
    if scenario.priors:
        titles = {one.name: in_sentence(one.label) for one in scenario.targets}
        labels = [in_sentence(assumption_label(one, titles=titles)) for one in scenario.priors[:2]]
        labels += [f"{wording.small_number(len(scenario.priors) - 2)} more"] * (len(scenario.priors) > 2)
        parts.append(f"another belief on {wording.listing(tuple(labels))}")
    text = "; ".join(part for part in parts if part)
    return text[:1].upper() + text[1:] if text else shorten(scenario.rationale, 120)


def _act(act: ActAssumed, target: str) -> str:
    mark = "● " if target in act.meets else ""
    sure = "certain" if act.probability == 1 else wording.percent(act.probability)
    return f"{mark}{act.label or name_category(act.category)} ({sure})"


def _expected(change: ExpectationChanged) -> str:
    moved = f"{wording.percent(change.after)}, from {wording.percent(change.before)}"
    return f"{change.label} ({ {0.0: 'does not happen', 1.0: 'certain'}.get(change.after, moved) })"
