"""What every view of a forecast shows, as blocks: judgement, cautions, targets before milestones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

from forecast import wording
from forecast.blocks import (
    Alert,
    Block,
    BottomLine,
    Cell,
    Column,
    Group,
    Prose,
    Table,
    Track,
    Weight,
    right,
)
from forecast.records.cautions import HEAD, caution_lines
from forecast.records.forecast import (
    Forecast,
    Headline,
    MemberForecast,
    MilestoneForecast,
    TargetForecast,
)
from forecast.records.history import PreviousRun, TrackRecord
from forecast.report.judgement import (
    MOST_IN_CHART,
    base_rate_sentence,
    chosen_milestones,
    confidence,
    days_ahead,
    headline_pair,
    judgement_sentence,
    members_sentence,
    seen_before,
    shown_error,
    what_counts,
)
from forecast.report.previous_run import change_mark
from forecast.report.typesetting import shorten

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
