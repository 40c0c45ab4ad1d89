"""The brief: two pages. Page 1 has the judgement and its reasons, page 2 what it assumes and what words mean.

Page 1 stands alone when torn off: whoever reads nothing else knows what is likely, how sure we are, why, what
would change it, and how good such forecasts have been.
"""

from __future__ import annotations

from collections.abc import Sequence

from forecast import wording
from forecast.blocks import (
    Beside,
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Prose,
    Section,
    Table,
    one_group,
    right,
)
from forecast.events.codebook import SEVERITIES, severity_word
from forecast.records.analysis import CalendarAct
from forecast.records.explained import Driver
from forecast.records.forecast import Forecast, ScenarioForecast, TargetForecast
from forecast.records.history import own_record
from forecast.records.scale import ANY
from forecast.report import headline
from forecast.report.assumption_words import assumption_label, titles_of
from forecast.report.judgement import (
    chosen_milestones,
    headline_pair,
    learned_sentence,
    named,
    record_sentences,
    stands_out,
    waterfall_sentence,
    what_counts,
    what_does_not,
)
from forecast.report.palette import category_colour, name_category, target_colour
from forecast.report.previous_run import change_line, change_sentences
from forecast.report.run_records import RunRecords
from forecast.report.scenario_words import model_adds, split_cells, what_it_assumes
from forecast.report.sections.drivers import chosen_indicators, indicator_sentence
from forecast.report.sections.outlook import course_chart
from forecast.report.typesetting import first_clauses, shorten

_MOST_TARGETS = 4
_MOST_ROWS = 14
_MOST_REASONS = 2
_LONGEST_REASON = 84
_MOST_CAUTIONS = 3
_RIGHT_MM = 80.0
_WIDTHS: dict[headline.MilestoneColumn, float | None] = {
    "short": None,
    "track": 22,
    "chance": 12,
    "range": 18,
    "words": 28.5,
    "windows": 14.5,
    "rate": 14.5,
}
_MOST_SCENARIOS = 7
_MOST_ACTS = 3
MOST_EXPECTED = 8
_MOST_CASES = 3
_MOST_KINDS = 2
_LONGEST_CASE = 85
_MOST_LIMITS = 4
_OUTSIDE = (
    "Intentions, secret talks and plans. The forecast sees what was made public and coded; an act without "
    "precedent, or a turn of policy after the last event, is outside it unless a scenario puts it in."
)


def brief_section(run: RunRecords) -> Section:
    """Page 1: all that a principal needs to act on."""
    forecast = run.forecast
    grave = (one.sentence for one in run.analysis.warnings if one.code == "unused_backtest")
    blocks = (
        *headline.alarm(forecast),
        headline.judgement(forecast, run.track_record, change_line(forecast, run.previous)),
        *headline.cautions(forecast, (*run.notes, *grave), _MOST_CAUTIONS),
        questions_table(run),
        course_chart(run),
        Beside(
            left=(Heading("Why"), Bullets(why(run))),
            right=(Heading("What would change it"), Bullets(what_would_change_it(forecast))),
            right_width=_RIGHT_MM,
        ),
        Heading("How good have we been"),
        Prose(" ".join(record_sentences(forecast, own_record(forecast, run.track_record)))),
        Prose(learned_sentence(run.analysis.learned), tone="fine"),
    )
    return Section("brief", None, blocks, page=True)


def questions_table(run: RunRecords) -> Table:
    """Every target before every milestone, or a selection that fits the page, with both base rates."""
    forecast = run.forecast
    placed = list(enumerate(forecast.targets))
    placed.sort(key=lambda pair: pair[1].name != forecast.headline.target)
    targets = sorted(placed[:_MOST_TARGETS], key=lambda pair: pair[0])
    most = max(_MOST_ROWS // len(targets), 3)
    left_out = len(forecast.targets) - len(targets)
    more = f" ({wording.count(left_out, 'further target')} in the appendix)" if left_out else ""
    return headline.milestone_table(
        targets,
        _WIDTHS | ({"track": 20, "change": 12} if run.previous else {}),
        name="brief",
        title=f"How likely each event is, and what counting the past alone would say{more}",
        shown=lambda target: chosen_milestones(target.milestones, forecast.headline.milestone, most),
        asked=forecast.headline,
        colour=target_colour,
        note=lambda target: _about(run, target),
        previous=run.previous,
        whole=True,
    )


def _about(run: RunRecords, target: TargetForecast) -> str:
    seen = wording.count(target.observed_before, "past case") if target.observed_before else "no past case"
    impact = run.options.impact.get(target.name)
    return f"{seen} · impact: {impact.level}" if impact else seen


def why(run: RunRecords) -> tuple[str, ...]:
    """Where the number comes from, what moves it most, and what changed since the last run."""
    clear = [one for one in run.forecast.drivers if stands_out(one.change, one.mcse)]
    clear.sort(key=lambda one: -abs(one.change))
    said = [driver_sentence(one) for one in clear[:_MOST_REASONS]]
    if not run.forecast.drivers:
        said.append("Which past events move the number was not measured.")
    elif not clear:
        said.append("No single past event moves the number by more than its error.")
    explained = (waterfall_sentence(run.forecast), assumption_sentence(run))
    return (*filter(None, explained), *said, *change_sentences(run.forecast, run.previous)[:1])


def assumption_sentence(run: RunRecords) -> str:
    """Name the prior that moves the number most, and by how much; empty where it was not measured."""
    found = run.analysis.robustness
    bars = [one for one in found.tornado if one.act is None] if found else []
    ends = [
        (abs(end.change), bar) for bar in bars for end in (bar.lower, bar.upper) if end.change is not None
    ]
    if not ends:
        return ""
    most, bar = max(ends, key=lambda one: one[0])
    label = assumption_label(bar.name, bar.act, titles_of(run.forecast))
    return (
        f"Strongest assumption: “{label}”; one step of it moves the number by up to {wording.points(most)}."
    )


def driver_sentence(driver: Driver) -> str:
    """What an event did to the number: ``"+8.0 points: … (4 February 2023)"``."""
    text = first_clauses(driver.summary.rstrip("."), _LONGEST_REASON)
    return f"{wording.signed_points(driver.change)} points from {wording.long_day(driver.date)}: {text}."


def what_would_change_it(forecast: Forecast) -> tuple[str, ...]:
    """Observable things with a day and the chance that they would leave, the largest change first."""
    shown = chosen_indicators(forecast)
    if not shown:
        return ("No indicator was measured for this run.",)
    return tuple(indicator_sentence(forecast, one) for one in shown)


def basis_section(run: RunRecords) -> Section:
    """Page 2: what the judgement assumes, and what its words mean."""
    blocks: list[Block] = [*_scenarios(run), _calendar(run), what_counts_table(run), severity_table(run)]
    blocks += _limits(run)
    return Section("basis", "What if, and what the words mean", tuple(blocks), page=True)


def _scenarios(run: RunRecords) -> list[Block]:
    forecast = run.forecast
    target, milestone = headline_pair(forecast)
    if not forecast.scenarios:
        return [Prose("This run compares no scenarios.")]
    known = [one for one in forecast.scenarios if not one.withheld]
    known.sort(key=lambda one: -abs(model_adds(one, target.name, milestone.name)))
    left_out = len(forecast.scenarios) - len(known[:_MOST_SCENARIOS])
    more = f" {wording.count(left_out, 'further scenario')} in the appendix." if left_out else ""
    reading = (
        "A scenario may assume acts that are themselves what is forecast (marked ●): that part of its "
        "change is "
        "met by assumption and is no finding. “Model adds” is the rest, with its Monte Carlo error; a dash "
        "means "
        f"none that can be measured. Largest first.{more}"
    )
    rows = [
        (
            Cell("This forecast", weight="semibold"),
            Cell("The scheduled events below"),
            Cell(wording.percent(milestone.probability), weight="semibold", value=milestone.probability),
            Cell(),
            Cell(),
        ),
        *(_scenario_row(one, target, milestone.name) for one in known[:_MOST_SCENARIOS]),
    ]
    table = Table(
        name="brief-scenarios",
        title=f"What if: {target.label} before {wording.long_day(milestone.date)} under each scenario",
        columns=(
            Column("Scenario", 37),
            Column("What it assumes"),
            Column("Chance", 13, "right"),
            Column("By assumption", 19, "right"),
            Column("Model adds", 20, "right"),
        ),
        groups=one_group(rows),
        whole=True,
    )
    return [table, Prose(reading, tone="fine")]


def _scenario_row(scenario: ScenarioForecast, target: TargetForecast, milestone: str) -> tuple[Cell, ...]:
    one = named(scenario.target(target.name).milestones, milestone)
    return (
        Cell(scenario.label, weight="semibold"),
        Cell(what_it_assumes(scenario, target.name, _MOST_ACTS)),
        *split_cells(one),
    )


def _calendar(run: RunRecords) -> Block:
    acts = _acts(run)
    if not acts:
        return Prose("No scheduled events are built into the forecast.")
    more = f" ({len(acts) - MOST_EXPECTED} more in the appendix)" if len(acts) > MOST_EXPECTED else ""
    title = f"Scheduled events built into the forecast: the author’s judgements{more}"
    return _calendar_table(acts[:MOST_EXPECTED], name="brief-calendar", title=title, longest=92, whole=True)


def calendar_section(run: RunRecords) -> Section | None:
    """Acts of the config's calendar with their probability; nothing when page 2 of the brief has them all."""
    acts = _acts(run)
    if not acts or (len(acts) <= MOST_EXPECTED and run.options.shows("brief")):
        return None
    title = "Scheduled events that enter the simulation"
    table = _calendar_table(acts, name="calendar", title=title, longest=200, whole=False)
    return Section("calendar", "Scheduled events built into the forecast", (table,))


def _acts(run: RunRecords) -> list[CalendarAct]:
    return sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))


def _calendar_table(
    acts: Sequence[CalendarAct], *, name: str, title: str, longest: int, whole: bool
) -> Table:
    return Table(
        name=name,
        title=title,
        columns=(Column("Day", 19), Column("Event"), Column("Kind and severity", 38), right("Chance", 16)),
        groups=one_group(
            (
                wording.short_day(act.date),
                shorten(act.label, longest),
                Cell(f"{name_category(act.category)}, {act.severity}", swatch=category_colour(act.category)),
                wording.percent(act.probability) if act.probability < 1 else "certain",
            )
            for act in acts
        ),
        lines=not whole,
        whole=whole,
    )


def what_counts_table(run: RunRecords) -> Table:
    """What meets each target, its past cases, and how grave it would be."""
    summaries = {event.id: event.summary for event in run.events.rows()}
    rows = []
    for index, target in list(enumerate(run.forecast.targets))[:_MOST_TARGETS]:
        impact = run.options.impact.get(target.name)
        rows.append(
            (
                Cell(
                    target.label,
                    note=f"impact: {impact.level}" if impact else "",
                    weight="semibold",
                    colour=target_colour(index),
                ),
                Cell(
                    what_counts(target),
                    note=" ".join(filter(None, [what_does_not(target), impact.rationale if impact else ""])),
                ),
                Cell(_cases(target, summaries)),
            )
        )
    return Table(
        name="brief-targets",
        title="What counts as each event, its past cases, and its impact as the author judges it",
        columns=(Column("Event", 34), Column("What counts, and why it matters", 62), Column("Past cases")),
        groups=one_group(rows),
        whole=True,
    )


def _cases(target: TargetForecast, summaries: dict[str, str]) -> str:
    if not target.observed_before:
        return "No past case in the data: the figure reflects our assumptions."
    shown = [
        f"{wording.short_day(one.date)}: {first_clauses(said.rstrip('.'), _LONGEST_CASE)}"
        for one in target.cases[-_MOST_CASES:][::-1]
        if (said := summaries.get(one.event_id)) is not None
    ]
    earlier = max(target.observed_before - len(shown), 0)
    if not shown:
        return f"{wording.count(target.observed_before, 'case')} in the data."
    return "; ".join(shown) + (f"; and {earlier} before." if earlier else ".")


def severity_table(run: RunRecords) -> Table:
    """What the numbers of the severity scale mean, in general and for the kinds that the headline counts."""
    target, _ = headline_pair(run.forecast)
    kinds = target.any_of if len(target.any_of) <= _MOST_KINDS else ()
    return Table(
        name="severity",
        title=f"The severity scale '{run.forecast.scale.name}'",
        columns=(
            Column("Severity", 22),
            Column("Any act", None if not kinds else 40),
            *(Column(name_category(one)) for one in kinds),
        ),
        groups=one_group(
            (
                Cell(f"{number} {severity_word(number)}", weight="semibold"),
                *(Cell(run.forecast.scale.anchor(one, number) or "–") for one in (ANY, *kinds)),
            )
            for number in SEVERITIES
        ),
        lines=bool(kinds),
        whole=True,
    )


def _limits(run: RunRecords) -> tuple[Block, ...]:
    known = (_OUTSIDE, *run.analysis.data.limits)[:_MOST_LIMITS]
    return Heading("What it does not know"), Bullets(known)
