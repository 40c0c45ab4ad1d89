"""What ``forecast scenario`` and ``sensitivity`` answer, as blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from forecast import wording
from forecast.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Entry,
    Group,
    Heading,
    Prose,
    Table,
    cells,
    plain_table,
    right,
)
from forecast.records.analysis import NumberSensitivity, Robustness, ShiftEnd, WeightPull
from forecast.records.forecast import (
    Forecast,
    MilestoneForecast,
    ScenarioForecast,
    ScenarioMilestone,
    TargetForecast,
)
from forecast.report.assumption_words import (
    LABEL_SHORT,
    REASON_WORDS,
    SENSITIVE,
    assumed_text,
    assumption_label,
    assumptions_pull,
    break_even_sentence,
    change_with_error,
    crossing_first,
    group_label,
    note_sentence,
    odds_factor,
    odds_text,
    rest_sentence,
    strength,
    titles_of,
)
from forecast.report.headline import alarm
from forecast.report.judgement import headline_pair, named
from forecast.report.scenario_words import by_effect, method_sentence, withheld_sentence
from forecast.report.typesetting import shorten

if TYPE_CHECKING:
    # Not loaded, since a report is built without the model: it brings scipy and numba.
    from forecast.sensitivity.reconcile import Reconciled, ReconcilingChange

_MOST_BARS = 14
_MOST_CROSSINGS = 6
PULLS = (
    "Pull: how far the distribution of the log odds moves when the assumptions, or the data, have twice "
    f"their weight (0 to 1; from {SENSITIVE:g} it counts; what chance alone would give is taken off). The "
    "larger pull decides what the chance rests on. Odds: what twice the weight would multiply the odds of "
    "the event by, ± Monte Carlo error."
)
PLAUSIBLE = (
    "Plausible, 0 to 1: of a prior how far the shift lies in the tails of prior and posterior; of an "
    "expected act how often the record had one, over the chance needed; of a scheduled act how much of "
    "the stated chance is left."
)
_COMPARED = "Scenario", right("Chance"), right("Change"), right("Assumed")


def headline_scenarios(forecast: Forecast, most: int | None = None) -> Iterator[Block]:
    """Yield the short table of what the scenarios, or the first of them, do to the headline."""
    asked, scenarios = forecast.headline, by_effect(forecast, forecast.scenarios)[:most]
    rows = _compared(scenarios, asked.target, asked.milestone)
    yield plain_table(_COMPARED, rows, "Scenarios, the largest effect on the headline first")
    yield _reading(scenarios, _changes(scenarios, asked.target, asked.milestone))


def scenario_tables(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Block]:
    """Yield of each scenario how it was computed, and target × milestone: run, scenario, change, words."""
    yield from alarm(forecast)
    for scenario in scenarios:
        yield Heading(scenario.label)
        if scenario.rationale:
            yield Prose(scenario.rationale, tone="fine")
        yield Prose(method_sentence(scenario), lead="Method:")
        if scenario.withheld:
            yield Prose(withheld_sentence(scenario), lead="Withheld:", tone="warning")
            continue
        for failure in scenario.failures:
            yield Prose(failure.sentence, lead="The new fit did not converge:", tone="warning")
        groups = []
        for target in scenario.targets:
            base = forecast.target(target.name).milestones
            rows = (
                cells(
                    wording.short_day(milestone.date),
                    wording.percent(named(base, milestone.name).probability),
                    wording.percent(milestone.probability),
                    _change(milestone),
                    _assumed(milestone),
                    milestone.words,
                )
                for milestone in target.milestones
            )
            groups.append(Group(label=target.label, rows=tuple(rows)))
        heads = (right("Before"), right("Run"), right("Then"), right("Change"), right("Assumed"))
        yield Table(columns=(*heads, Column("In words")), groups=tuple(groups))
    yield _reading(scenarios, _changes(scenarios))


def scenario_comparison(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Block]:
    """Yield one table across scenarios, the headline's target first, at the milestone of the headline."""
    yield from alarm(forecast)
    asked, scenarios = forecast.headline, by_effect(forecast, scenarios)
    _, milestone = headline_pair(forecast)
    groups = []
    for target in sorted(forecast.targets, key=lambda target: target.name != asked.target):
        base = named(target.milestones, asked.milestone)
        run = cells("The run", wording.percent(base.probability), "", "")
        rows = _compared(scenarios, target.name, asked.milestone)
        groups.append(Group(label=target.label, rows=(run, *(cells(*row) for row in rows))))
    columns = tuple(Column(head) if isinstance(head, str) else head for head in _COMPARED)
    title = f"Before {wording.long_day(milestone.date)} ({milestone.label})"
    yield Table(title=title, columns=columns, groups=tuple(groups))
    by_method: dict[str, list[str]] = {}
    for scenario in scenarios:
        by_method.setdefault(method_sentence(scenario), []).append(scenario.label)
    yield Bullets(tuple(f"{'; '.join(labels)}: {method}" for method, labels in by_method.items()))
    yield _reading(scenarios, _changes(scenarios, milestone=asked.milestone))


def reconciled(forecast: Forecast, found: Reconciled) -> Iterator[Block]:
    """Yield the single changes under which the run would say a stated probability."""
    yield Prose(reconciled_sentence(forecast, found))
    if not found.changes:
        return
    rows: list[tuple[str, ...]] = []
    for one in found.changes:
        change, *parts = change_lines(forecast, one)
        rows.append((*change, f"{one.plausibility:.2f}", wording.percent(one.probability)))
        rows += [(f"  {what}", *ends, "", "") for what, *ends in parts]
    columns = ("Change", right("From"), right("To"), right("Plausible"), right("Gives"))
    yield plain_table(columns, rows)
    yield Prose(PLAUSIBLE, tone="fine")


def reconciled_sentence(forecast: Forecast, found: Reconciled) -> str:
    """Say what the run says, and whether a single change would make it say what is asked."""
    target = forecast.target(found.target)
    milestone = named(target.milestones, found.milestone)
    now, asked = wording.percent(found.probability), wording.percent(found.asked)
    said = f"{target.label}, before {wording.long_day(milestone.date)}: the run says {now}"
    if not found.tried:
        return f"{said}, so nothing has to change."
    if not found.changes:
        nearest = wording.percent(found.nearest)
        return (
            f"{said}. No single change of the {found.tried} tried gives {asked}; the nearest gives {nearest}."
        )
    return f"{said}. It would say about {asked} with one of these changes."


def change_lines(forecast: Forecast, change: ReconcilingChange) -> Iterator[tuple[str, str, str]]:
    """Yield what a change moves, from where and to where; then each of several priors that move together."""
    titles = titles_of(forecast)
    if change.scale is None:
        yield f"{len(change.parts)} priors together", "", ""
    else:
        what = assumption_label(change.what, titles=titles) if change.kind == "prior" else change.what
        yield what, *(wording.on_scale(end, change.scale) for end in (change.from_, change.to))  # type: ignore[misc]
    for part in change.parts:
        ends = (wording.on_scale(end, part.scale) for end in (part.from_, part.to))
        yield assumption_label(part.what, titles=titles), *ends  # type: ignore[misc]


def _compared(scenarios: Sequence[ScenarioForecast], target: str, milestone: str) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for scenario in scenarios:
        if scenario.withheld:
            rows.append((scenario.label, "–", "withheld", "new fit"))
            continue
        then = named(scenario.target(target).milestones, milestone)
        rows.append((scenario.label, wording.percent(then.probability), _change(then), _assumed(then)))
    return rows


def _change(milestone: ScenarioMilestone) -> str:
    difference = milestone.difference
    return change_with_error(difference.value, difference.mcse, difference.at_most)


def _assumed(milestone: ScenarioMilestone) -> str:
    part = milestone.by_assumption
    return "" if part is None else wording.signed_points(part) if part else "–"


def _changes(
    scenarios: Sequence[ScenarioForecast], target: str | None = None, milestone: str | None = None
) -> list[ScenarioMilestone]:
    """Return the changes of one target, or of all, before one milestone, or before all."""
    return [
        change
        for scenario in scenarios
        for changed in scenario.targets
        if target in (None, changed.name)
        for change in changed.milestones
        if milestone in (None, change.name)
    ]


def _reading(scenarios: Sequence[ScenarioForecast], changes: Sequence[ScenarioMilestone]) -> Prose:
    said = (
        "Change: percentage points against the run, ± its Monte Carlo standard error. Assumed: the part that "
        "assumed acts make by being what is forecast."
    )
    if any(change.difference.at_most is not None for change in changes):
        said += " In brackets: no path that was played shows a change, so it is below this (95% confidence)."
    refitted = [scenario.method == "refit" for scenario in scenarios]
    if not all(refitted):
        said += " The change is taken draw by draw, so its error is far below that of the chances"
        said += ", but for a new fit." if any(refitted) else "."
    return Prose(said, tone="fine")


def robustness_blocks(forecast: Forecast, robustness: Robustness) -> Iterator[Block]:
    """Yield what each number rests on, what each assumption does to one, and what would change the words."""
    yield from alarm(forecast)
    yield labels_table(forecast, robustness.sensitivities, printed=True)
    yield Prose(PULLS, tone="fine")
    yield from _tornado(forecast, robustness)
    yield Heading("What would change the words")
    for target in forecast.targets:
        for milestone in target.milestones:
            of_milestone = [
                shift
                for shift in robustness.break_evens
                if (shift.target, shift.milestone) == (target.name, milestone.name)
            ]
            if any(shift.target == target.name for shift in robustness.break_evens):
                crossing = crossing_first(of_milestone, target.name, milestone.name)[:_MOST_CROSSINGS]
                said = tuple(break_even_sentence(shift, titles_of(forecast)) for shift in crossing)
                rest = Prose(rest_sentence(of_milestone, len(crossing)), tone="fine")
                yield Entry(_question(target, milestone), (*([Bullets(said)] if said else ()), rest))
    for note in robustness.notes:
        yield Prose(note_sentence(note, forecast))


def labels_table(
    forecast: Forecast,
    sensitivities: Sequence[NumberSensitivity],
    *,
    printed: bool = False,
    colour: Callable[[int], str | None] = lambda place: None,
) -> Table:
    """Return what each number rests on; where it is ``printed``, by its name in the record, with reasons."""
    groups = []
    for place, target in enumerate(forecast.targets):
        known = {label.milestone: label for label in sensitivities if label.target == target.name}
        rows = []
        for milestone in target.milestones:
            if label := known.get(milestone.name):
                rests_on = LABEL_SHORT[label.rests_on].removeprefix("rests on ")
                row = (
                    Cell(wording.short_day(milestone.date)),
                    Cell(wording.percent(milestone.probability), value=milestone.probability),
                    Cell(label.rests_on if printed else rests_on, weight="semibold"),
                    *_pull_cells(assumptions_pull(label), label.priors, milestone.probability),
                    *_pull_cells(strength(label.data), label.data, milestone.probability),
                )
                strongest = Cell(group_label(label.groups[0].name), tone="fine")
                rows.append(row if printed else (*row, strongest))
        reasons = (
            f"{label.rests_on}: {REASON_WORDS[reason]} (strongest: {group_label(label.groups[0].name)})."
            for reason, label in {label.reason: label for label in known.values()}.items()
        )
        detail = " ".join(reasons) if printed else ""
        label_of_group = shorten(target.label, 80)
        groups.append(Group(label=label_of_group, detail=detail, colour=colour(place), rows=tuple(rows)))
    columns = (
        right("Before", 20),
        right("Chance", 14),
        Column("Rests on", 24),
        right("Assumptions: pull", 20),
        right("odds", 22),
        right("Data: pull", 16),
        right("odds", 22),
        Column("Most influential assumption"),
    )
    return Table(
        name="assumptions",
        title="What each probability rests on",
        columns=columns[:-1] if printed else columns,
        groups=tuple(groups),
    )


def _pull_cells(size: float, pull: WeightPull, probability: float) -> tuple[Cell, Cell]:
    return (
        Cell(wording.number(size), weight="semibold" if size >= SENSITIVE else "regular", value=size),
        Cell(odds_text(pull, probability), value=odds_factor(pull, probability)),
    )


def _tornado(forecast: Forecast, robustness: Robustness) -> Iterator[Block]:
    target = forecast.target(robustness.target)
    milestone = named(target.milestones, robustness.milestone)
    bars, titles = robustness.tornado[:_MOST_BARS], titles_of(forecast)
    rows = (
        (
            Cell(assumption_label(bar.name, bar.act, titles), note=assumed_text(bar.now)),
            *(Cell(_end(end), note=assumed_text(end.assumed)) for end in (bar.lower, bar.upper)),
        )
        for bar in bars
    )
    yield plain_table(
        ("Assumption (now)", right("one step down"), right("one step up")),
        rows,
        f"What each assumption does to {_question(target, milestone)}",
    )
    hidden = len(robustness.tornado) - len(bars)
    more = f" {hidden} more with smaller effects: --json." if hidden else ""
    yield Prose(
        "Change in points ± Monte Carlo error. A step moves the middle of the prior to its 16% or 84% "
        f"quantile; a scheduled event surely fails to happen, or surely happens.{more}",
        tone="fine",
    )


def _question(target: TargetForecast, milestone: MilestoneForecast) -> str:
    chance = wording.percent(milestone.probability)
    return f"{target.label} before {wording.long_day(milestone.date)} ({chance})"


def _end(end: ShiftEnd) -> str:
    if end.change is None or end.mcse is None:
        return "needs a refit"
    return change_with_error(end.change, end.mcse)
