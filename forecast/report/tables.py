"""Blocks that report, terminal and notebook share: judgement, targets, scenarios, sensitivity, scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from forecast import wording
from forecast.blocks import (
    Alert,
    Block,
    BottomLine,
    Bullets,
    Cell,
    Column,
    Entry,
    Group,
    Heading,
    Prose,
    Table,
    Track,
    Weight,
    cells,
    plain_table,
    right,
)
from forecast.families import FAMILIES
from forecast.records.analysis import (
    NumberSensitivity,
    PreviousRun,
    Robustness,
    ShiftEnd,
    TrackRecord,
    WeightPull,
)
from forecast.records.forecast import (
    Forecast,
    Headline,
    MemberForecast,
    MilestoneForecast,
    ScenarioForecast,
    ScenarioMilestone,
    TargetForecast,
)
from forecast.records.notices import HEAD, caution_lines
from forecast.report.palette import name_model
from forecast.report.run_records import change_mark
from forecast.report.typesetting import shorten
from forecast.report.words import (
    LABEL_SHORT,
    MOST_IN_CHART,
    REASON_WORDS,
    SENSITIVE,
    assumed_text,
    assumption_label,
    assumptions_pull,
    base_rate_sentence,
    break_even_sentence,
    by_effect,
    change_with_error,
    chosen_milestones,
    confidence,
    crossing_first,
    days_ahead,
    group_label,
    headline_pair,
    judgement_sentence,
    members_sentence,
    method_sentence,
    named,
    odds_factor,
    odds_text,
    rest_sentence,
    seen_before,
    shown_error,
    strength,
    titles_of,
    what_counts,
    withheld_sentence,
)
from forecast.wording import number, share

if TYPE_CHECKING:
    from forecast.sensitivity.reconcile import Reconciled, ReconcilingChange

_UNCONVERGED = "DID NOT CONVERGE – do not use these numbers."

MilestoneColumn = Literal[
    "day", "milestone", "track", "chance", "range", "words", "windows", "rate", "error", "change"
]
_HEADS: dict[MilestoneColumn, tuple[str, Literal["left", "right"]]] = {
    "day": ("Before", "right"),
    "milestone": ("Before", "left"),
    "track": ("0 to 100%", "left"),
    "chance": ("Chance", "right"),
    "range": ("Plausible range", "right"),
    "words": ("In words", "left"),
    "windows": ("Past periods", "right"),
    "rate": ("Constant rate", "right"),
    "error": ("Error", "right"),
    "change": ("Change", "right"),
}


def alarm(forecast: Forecast) -> tuple[Block, ...]:
    """Say that a fit failed, and where; nothing where it did not."""
    if forecast.converged:
        return ()
    failures = tuple(one.sentence for one in forecast.diagnostics.failures)
    return (Alert(text=_UNCONVERGED, items=failures or ("The run is recorded as not converged.",)),)


def cautions(
    forecast: Forecast, more: Iterable[str] = (), most: int | None = None, placed: Collection[str] = ()
) -> tuple[Block, ...]:
    """Return what to bear in mind, and what else is given, at most so many; nothing where there is none.

    Cautions whose code is ``placed`` stand beside the number that they weaken.
    """
    # The alarm says that the fit failed, and why.
    told = [one for one in forecast.cautions if one.code != "not_converged" and one.code not in placed]
    lines = [*more, *caution_lines(told)]
    hidden = 0 if most is None else len(lines) - most
    if hidden > 0:
        lines = [*lines[:most], f"{hidden} more under “Data and limits”."]
    return (Alert(text=HEAD, items=tuple(lines), tone="caution"),) if lines else ()


def judgement(forecast: Forecast, record: TrackRecord | None, change: str = "") -> BottomLine:
    """Return the number, the judgement in one sentence, confidence with its reasons, and base rates."""
    target, milestone = headline_pair(forecast)
    details = (
        confidence(forecast, record).sentence,
        base_rate_sentence(forecast),
        f"What counts: {what_counts(target)}",
    )
    return BottomLine(
        percent=wording.percent(milestone.probability),
        interval=f"within {days_ahead(forecast)} days",
        change=change,
        sentence=judgement_sentence(forecast),
        details=details,
    )


def milestone_table(
    targets: Iterable[tuple[int, TargetForecast]],
    widths: Mapping[MilestoneColumn, float | None],
    *,
    asked: Headline | None = None,
    name: str = "milestones",
    title: str = "Chance of each event before each milestone",
    shown: Callable[[TargetForecast], Sequence[MilestoneForecast]] = lambda target: target.milestones,
    colour: Callable[[int], str | None] = lambda place: None,
    note: Callable[[TargetForecast], str] = seen_before,
    detail: Callable[[TargetForecast], str] = lambda target: "",
    previous: PreviousRun | None = None,
    whole: bool = False,
) -> Table:
    """Return targets × milestones in the columns that have a width (in millimetres of the PDF).

    Targets come with their places in the forecast, by which ``colour`` paints them; ``shown`` chooses their
    milestones, and the row ``asked`` is set off. The change is that since the ``previous`` run.
    """
    groups = []
    for place, target in targets:
        milestones = shown(target)
        marked = (
            row
            for row, milestone in enumerate(milestones)
            if asked and (target.name, milestone.name) == (asked.target, asked.milestone)
        )
        rows = (
            tuple(_milestone_cell(column, target, milestone, colour(place), previous) for column in widths)
            for milestone in milestones
        )
        group = Group(
            label=shorten(target.label, 90),
            note=note(target),
            detail=detail(target),
            colour=colour(place),
            rows=tuple(rows),
            marked=tuple(marked),
        )
        groups.append(group)
    columns = tuple(Column(_HEADS[key][0], width, _HEADS[key][1]) for key, width in widths.items())
    return Table(name=name, title=title, columns=columns, groups=tuple(groups), lines=False, whole=whole)


def _milestone_cell(
    column: MilestoneColumn,
    target: TargetForecast,
    milestone: MilestoneForecast,
    colour: str | None,
    previous: PreviousRun | None,
) -> Cell:
    probability, (lower, upper) = milestone.probability, milestone.interval90
    match column:
        case "day":
            return Cell(wording.short_day(milestone.date))
        case "milestone":
            # What a label says after a comma is its place or its detail.
            return Cell(f"{wording.short_day(milestone.date)} · {shorten(milestone.label.split(',')[0], 60)}")
        case "track":
            assert colour is not None
            return Cell(mark=Track(lower=lower, value=probability, upper=upper, colour=colour))
        case "chance":
            return Cell(wording.percent(probability), weight="semibold", value=probability)
        case "range":
            return Cell(wording.interval_percent(milestone.interval90), value=milestone.interval90)
        case "words":
            return Cell(milestone.words)
        case "windows" | "rate":
            base = milestone.baseline.probability if column == "windows" else milestone.constant_rate
            return Cell("–", tone="fine") if base is None else Cell(wording.percent(base), value=base)
        case "error":
            return Cell(shown_error(milestone.mcse), tone="fine", value=milestone.mcse)
        case "change":
            before = previous.change(target.name, milestone.name) if previous else None
            moved = None if before is None else probability - before.probability
            return Cell(change_mark(milestone, before), weight="semibold", value=moved)


def members_table(
    forecast: Forecast,
    *,
    most: int = MOST_IN_CHART,
    intervals: bool = False,
    colour: Callable[[int], str | None] = lambda place: None,
) -> tuple[Table, Prose] | tuple[()]:
    """Return what each member says beside the forecast, and how to read it; nothing where there is one."""
    if len(forecast.members) < 2:
        return ()

    def cell(said: MilestoneForecast | MemberForecast | None, weight: Weight = "regular") -> Cell:
        if said is None:
            return Cell("–")
        note = wording.interval_percent(said.interval90) if intervals else ""
        return Cell(wording.percent(said.probability), note=note, value=said.probability, weight=weight)

    groups = []
    for place, target in enumerate(forecast.targets):
        rows = []
        for milestone in chosen_milestones(target.milestones, forecast.headline.milestone, most):
            said = {member.name: member for member in milestone.members or ()}
            of_members = (cell(said.get(member.name)) for member in forecast.members)
            rows.append((Cell(wording.short_day(milestone.date)), cell(milestone, "semibold"), *of_members))
        groups.append(Group(label=shorten(target.label, 80), colour=colour(place), rows=tuple(rows)))
    labels = (f"{member.label[:1].upper()}{member.label[1:]}" for member in forecast.members)
    table = Table(
        name="members",
        title="What each member of the forecast says",
        columns=(right("Before", 24), right("Forecast", 26), *map(right, labels)),
        groups=tuple(groups),
    )
    unknown = "Members do not know the scheduled events; the forecast does."
    return table, Prose(f"{members_sentence(forecast.members)} {unknown}", tone="fine")


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
        yield Prose(note.text)


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


_SHORT_MODELS = {
    "combined": "combi.",
    "panel": "panel",
    "climatology": "clima.",
    "constant_rate": "const.",
    "last_window": "like w",
    "gamma_poisson": "gam-P.",
    "decayed_logistic": "logis.",
}


def score_table(
    models: Sequence[str],
    rows: Iterable[tuple[tuple[str, ...], Mapping[str, float]]],
    heads: Sequence[Column | str] = (right("Days"), "Score"),
    title: str = "",
) -> Table:
    """Return models side by side: a row is its labels and the value of each model, a dash where it has none.

    The lowest value of a row has an asterisk. ``heads`` are those of the labels.
    """
    marked = []
    for labels, values in rows:
        known = [value for value in values.values() if math.isfinite(value)]
        # Equal as printed is equal: no asterisk for a difference that cannot be seen.
        lowest = f"{min(known):.3f}" if known else ""
        texts = [_fixed(values.get(model, math.nan)) for model in models]
        marked.append((*labels, *(f"{text}*" if text == lowest else text for text in texts)))
    return plain_table((*heads, *(_SHORT_MODELS.get(model, model) for model in models)), marked, title)


def _fixed(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def score_rows(
    brier: Mapping[int, Mapping[str, float]],
    log: Mapping[int, Mapping[str, float]],
    windows: Mapping[int, int] | None = None,
) -> Iterable[tuple[tuple[str, ...], Mapping[str, float]]]:
    """Yield the rows of Brier and log score of each horizon, from scores by horizon in days and model.

    Numbers of ``windows`` stand under the days where they are given.
    """
    for days, values in brier.items():
        yield (str(days), "Brier"), values
        yield (f"n {windows[days]}" if windows else "", "log"), log[days]


def windows_sentence(windows: Mapping[int, tuple[int, float]]) -> Prose:
    """Say of each horizon in days how many windows it has, and in what share the target happened."""
    said = "; ".join(f"of {days} days {n:,}, {share(rate)}" for days, (n, rate) in windows.items())
    return Prose(f"Windows, and share in which it happened: {said}.", tone="fine")


def model_legend(models: Sequence[str]) -> Prose:
    """Return what the short heads of the table stand for."""
    said = "; ".join(
        f"{_SHORT_MODELS[model]} = {name_model(model)}" for model in models if model in _SHORT_MODELS
    )
    return Prose(f"{said}.", tone="fine")


def plain_name(model: str) -> str:
    """Return a short name of a model or baseline: ``decayed logistic``."""
    return FAMILIES[model].label if model in FAMILIES else model.replace("_", " ")


def value_text(value: float | None, se: float | None, digits: int = 2) -> str:
    """Return ``0.12 ± 0.03``, with a dash for what is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{number(value, digits)} ± {'–' if se is None or not math.isfinite(se) else number(se, digits)}"


def gap_text(value: float, se: float, digits: int = 4) -> str:
    """Return a difference with its sign: ``+0.0123 ± 0.0045``."""
    return f"{value:+.{digits}f} ± {f'{se:.{digits}f}' if math.isfinite(se) else '–'}"
