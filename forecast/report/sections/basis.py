"""Page 2 of the brief: what if, scheduled events, what counts as each target, and the severity scale."""

from __future__ import annotations

from forecast import wording
from forecast.blocks import Block, Bullets, Cell, Column, Heading, Prose, Section, Table, one_group
from forecast.events.codebook import SEVERITIES, severity_word
from forecast.records.forecast import ScenarioForecast, TargetForecast
from forecast.records.scale import ANY
from forecast.report.palette import category_colour, name_category, target_colour
from forecast.report.questions import headline_pair, named, what_counts, what_does_not
from forecast.report.run_records import RunRecords
from forecast.report.sections.scenario_parts import model_adds, split_cells, what_it_assumes
from forecast.report.typeface import first_clauses, shorten

PAGE_2 = "basis"
_MOST_SCENARIOS = 7
_MOST_ACTS = 3
MOST_EXPECTED = 8
_MOST_TARGETS = 4
_MOST_CASES = 3
_MOST_KINDS = 2
_LONGEST_CASE = 85
_MOST_LIMITS = 4
_OUTSIDE = (
    "Intentions, secret talks and plans. The forecast sees what was made public and coded; an act without "
    "precedent, or a turn of policy after the last event, is outside it unless a scenario puts it in."
)


def basis_section(run: RunRecords) -> Section:
    """Page 2: what the judgement assumes, and what its words mean."""
    blocks: list[Block] = [*_scenarios(run), *_calendar(run), what_counts_table(run), severity_table(run)]
    blocks += _limits(run)
    return Section(PAGE_2, "What if, and what the words mean", tuple(blocks), page=True)


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


def _calendar(run: RunRecords) -> list[Block]:
    acts = sorted(run.analysis.calendar, key=lambda act: (act.date, act.label))
    if not acts:
        return [Prose("No scheduled events are built into the forecast.")]
    more = f" ({len(acts) - MOST_EXPECTED} more in the appendix)" if len(acts) > MOST_EXPECTED else ""
    return [
        Table(
            name="brief-calendar",
            title=f"Scheduled events built into the forecast: the author’s judgements{more}",
            columns=(
                Column("Day", 19),
                Column("Event"),
                Column("Kind and severity", 38),
                Column("Chance", 16, "right"),
            ),
            groups=one_group(
                (
                    Cell(wording.short_day(act.date)),
                    Cell(shorten(act.label, 92)),
                    Cell(
                        f"{name_category(act.category)}, {act.severity}",
                        swatch=category_colour(act.category),
                    ),
                    Cell(wording.percent(act.probability) if act.probability < 1 else "certain"),
                )
                for act in acts[:MOST_EXPECTED]
            ),
            lines=False,
            whole=True,
        )
    ]


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
