"""Blocks that report and terminal share: judgement, targets, scenarios, sensitivity, scores."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from forecast.blocks import (
    Alert,
    Block,
    Bullets,
    Cell,
    Column,
    Group,
    Heading,
    Prose,
    Table,
    cells,
    plain_table,
    right,
)
from forecast.config.scenario import UNNAMED
from forecast.evaluation.number_tests import REFERENCE_RATE, NumberTests
from forecast.phrases import assumptions
from forecast.phrases.chances import (
    NO_TITLES,
    Titles,
    likelihood,
    members_say,
    number_sentence,
    seen_before,
    shown_change,
    target_titles,
)
from forecast.phrases.news import change_text, news_parts, no_news_text
from forecast.phrases.notices import (
    HEAD,
    TOO_LITTLE,
    UNCONVERGED,
    UNUSABLE,
    caution_lines,
    gate_texts,
    too_little_text,
)
from forecast.phrases.record import TESTS_READ, change_mark, said_came
from forecast.phrases.scenarios import (
    AFTER_SHOWN,
    WITHHELD,
    assumed_part,
    basis_sentence,
    by_effect,
    changes_read,
    if_words,
    is_assumed,
    kinds_read,
    method_sentence,
    no_effect_sentence,
    trust_sentence,
    what_it_assumes,
    withheld_sentence,
)
from forecast.records.analysis import (
    SENSITIVE,
    NumberSensitivity,
    PreviousRun,
    Reconciled,
    Sensitivity,
    ShiftEnd,
    WeightPull,
    windows_like,
)
from forecast.records.forecast import (
    AfterAct,
    Forecast,
    MilestoneForecast,
    ScenarioForecast,
    ScenarioMilestone,
    ScenarioTarget,
    TargetForecast,
)
from forecast.records.notices import STAMPED
from forecast.report.palette import name_model, target_colour
from forecast.report.run_records import RunRecords
from forecast.wording import (
    interval_percent,
    listing,
    long_day,
    number,
    on_scale,
    percent,
    share,
    short_day,
    shorten,
    signed_points,
)

_MOST_BARS = 14
_COMPARED = (Column("Scenario"), Column("Kind"), right("Chance"), right("Change"))
_COLUMNS: dict[str, Column] = {
    "milestone": Column("Before"),
    "chance": right("Chance", 12),
    "range": right("Plausible range", 19),
    "words": Column("In words", 29),
    "windows": right("Past periods", 12),
    "rate": right("Constant rate", 14),
    "tested": right("Tested", 15),
    "change": right("Change", 13),
}
"""Columns of targets before milestones."""
_SHORT_MODELS = {
    "combined": "both",
    "pooled_hazard": "haz.",
    "climatology": "share",
    "constant_rate": "rate",
    "last_window": "alike",
    "gamma_poisson": "fade",
    "decayed_logistic": "regr.",
    "pooled_line": "line",
}


# A forecast


def alarm(forecast: Forecast) -> tuple[Block, ...]:
    """Say that a fit failed, and where, or that the record is too little; nothing where all is well."""
    if forecast.converged:
        thin = too_little_text(forecast)
        return (Alert(text=f"{TOO_LITTLE}.", items=(thin,)),) if thin else ()
    failures = gate_texts(forecast.diagnostics.failures)
    return (Alert(text=f"{UNCONVERGED}.", items=failures or ("The run is recorded as not converged.",)),)


def cautions(
    forecast: Forecast, more: Iterable[str] = (), most: int | None = None, placed: Collection[str] = ()
) -> tuple[Block, ...]:
    """Return at most so many cautions, ``more`` first, without those ``placed`` beside a number."""
    # The alarm says what is stamped.
    lines = [*more, *caution_lines(forecast.cautions, without=STAMPED.union(placed))]
    if most is not None and len(lines) > most:
        # Those that are placed stand there too.
        there = caution_lines(forecast.cautions)
        hidden = len({*lines, *there} - {*lines[:most]})
        lines = [*lines[:most], f"{hidden} more under “Data and limits”."]
    return (Alert(text=HEAD, items=tuple(lines), tone="caution"),) if lines else ()


def milestone_table(run: RunRecords) -> Table:
    """Return the targets of a forecast × their milestones; the row of the headline is set off."""
    forecast, previous, asked = run.forecast, run.previous, run.forecast.headline
    left_out = {"change" if previous is None else "", "tested" if run.track_record is None else ""}
    shown = {name: column for name, column in _COLUMNS.items() if name not in left_out}
    groups = []
    for place, target in enumerate(forecast.targets):
        every = [_milestone_cells(run, target, milestone) for milestone in target.milestones]
        names = [milestone.name for milestone in target.milestones]
        counted = target.milestone(asked.milestone)
        number = counted.number
        groups.append(
            Group(
                label=shorten(target.label, 90),
                note=seen_before(target),
                detail="" if number is None else number_sentence(number, counted),
                colour=target_colour(place),
                rows=tuple(tuple(row[name] for name in shown) for row in every),
                marked=(names.index(asked.milestone),) if target.name == asked.target else (),
            )
        )
    title = "Chance of each event before each milestone"
    columns = tuple(shown.values())
    return Table(name="milestones", title=title, columns=columns, groups=tuple(groups), lines=False)


def _milestone_cells(
    run: RunRecords, target: TargetForecast, milestone: MilestoneForecast
) -> dict[str, Cell]:
    def base(part: float | None) -> Cell:
        return Cell(share(part), value=part) if part else Cell("–" if part is None else "none", tone="fine")

    chance, counted = milestone.probability, milestone.baseline.counted
    before = run.previous.change(target.name, milestone.name) if run.previous else None
    return {
        # What a label says after a comma is its place or its detail.
        "milestone": Cell(
            f"{short_day(milestone.date)} · {shorten(milestone.label.split(',')[0], 80)}",
            note=members_say(milestone),
        ),
        "chance": Cell(percent(chance), weight="semibold", value=chance),
        "range": Cell(interval_percent(milestone.interval90), value=milestone.interval90),
        "words": Cell(likelihood(target, milestone)),
        "windows": base(counted),
        "rate": base(milestone.constant_rate),
        "tested": Cell(
            said_came(windows_like(run.forecast, run.track_record, target.name, milestone.date)), tone="fine"
        ),
        "change": Cell(
            change_mark(milestone, before),
            weight="semibold",
            value=None if before is None else chance - before.probability,
        ),
    }


def news_blocks(previous: PreviousRun | None) -> Iterator[Block]:
    """Yield how far the headline moved since an earlier run, and what moved it; nothing without one."""
    if previous is None:
        return
    if previous.moved is None:
        yield Prose(no_news_text(previous))
        return
    yield Prose(change_text(previous.moved), lead="What is new:")
    rows = [(Cell(text), Cell(moved, weight="semibold")) for text, moved in news_parts(previous.moved)]
    columns = ("Part", right("Points", 18))
    yield plain_table(columns, rows, "What moved the headline since the run before", "news")


# Scenarios


def scenario_tables(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Block]:
    """Yield of each scenario how it was computed, and target × milestone: run, scenario, change, words."""
    yield from alarm(forecast)
    titles, thin = target_titles(forecast), forecast.too_little is not None
    for scenario in scenarios:
        basis = basis_sentence(scenario, titles)
        yield Heading(scenario.label)
        if scenario.rationale not in UNNAMED.values():
            yield Prose(scenario.rationale, tone="fine")
            assumes = what_it_assumes(scenario, forecast.headline.target, len(scenario.acts), titles)
            if assumes != basis:
                yield Prose(f"{assumes.rstrip('.')}.", lead="It assumes:")
        head, read = if_words(scenario.kinds)
        yield Prose(read, lead=f"{head}:")
        if basis:
            yield Prose(basis, lead="Rests on:")
        if scenario.no_effect:
            yield Prose(no_effect_sentence(scenario), lead="Hardly moves the headline:")
        if scenario.withheld:
            yield Prose(withheld_sentence(scenario), lead="Withheld:", tone="warning")
            continue
        yield Prose(method_sentence(scenario), lead="Method:")
        if scenario.failures:
            yield Alert(text=f"{UNUSABLE}.", items=gate_texts(scenario.failures))
        groups = []
        for target in scenario.targets:
            base = forecast.target(target.name)
            rows = [
                cells(
                    f"{AFTER_SHOWN} days on",
                    percent(after.base),
                    *_soon(after.probability, after.base, met=any(map(is_assumed, target.milestones))),
                    "",
                )
                for after in _after(target)
            ]
            rows += [
                cells(
                    short_day(then.date),
                    percent(base.milestone(then.name).probability),
                    *_answer(then),
                    "" if is_assumed(then) or not then.carried else likelihood(base, then, thin=thin),
                )
                for then in target.milestones
            ]
            groups.append(Group(label=base.label, rows=tuple(rows)))
        heads = ("Before", "Run", "Then", "Change")
        yield Table(columns=(*map(right, heads), Column("In words")), groups=tuple(groups))
    after = any(_after(target) for scenario in scenarios for target in scenario.targets)
    yield Prose(changes_read(scenarios, after=after), tone="fine")


def scenario_comparison(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Iterator[Block]:
    """Yield one table across scenarios, the headline's target first, at the milestone of the headline."""
    yield from alarm(forecast)
    asked, scenarios = forecast.headline, by_effect(forecast, scenarios)
    milestone = forecast.headline_milestone
    groups = []
    for target in sorted(forecast.targets, key=lambda target: target.name != asked.target):
        base = percent(target.milestone(asked.milestone).probability)
        rows = (("The run", "", base, ""), *_compared(scenarios, target.name, asked.milestone))
        groups.append(Group(label=target.label, rows=tuple(cells(*row) for row in rows)))
    title = f"Before {long_day(milestone.date)} ({milestone.label})"
    yield Table(title=title, columns=_COMPARED, groups=tuple(groups))
    by_method: dict[str, list[str]] = {}
    for scenario in scenarios:
        by_method.setdefault(method_sentence(scenario), []).append(scenario.label)
    yield Bullets(tuple(f"{'; '.join(labels)}: {method}" for method, labels in by_method.items()))
    for scenario in scenarios:
        if scenario.failures:
            yield Alert(text=f"{scenario.label}. {trust_sentence(scenario)}")
    yield Prose(kinds_read(scenarios), tone="fine")
    yield Prose(changes_read(scenarios, milestone=asked.milestone), tone="fine")


def _compared(
    scenarios: Sequence[ScenarioForecast], target: str, milestone: str
) -> Iterator[tuple[str, ...]]:
    for scenario in scenarios:
        answer = (WITHHELD[scenario.withheld], "") if scenario.withheld else None
        answer = answer or _answer(scenario.answer(target, milestone))
        yield scenario.label, ", ".join(scenario.kinds), *answer


def _after(target: ScenarioTarget) -> list[AfterAct]:
    return [after for after in target.after if after.days == AFTER_SHOWN]


def _soon(now: float, base: float, *, met: bool) -> tuple[str, str]:
    return ("assumed", "") if met and percent(now)[0] in "<>" else (percent(now), signed_points(now - base))


def _answer(then: ScenarioMilestone) -> tuple[str, str]:
    """Chance under a scenario, and its change."""
    if is_assumed(then):
        return "assumed", ""
    if not then.carried:
        return percent(then.probability), "="
    own = " ●" if assumed_part(then) else ""
    return percent(then.probability), shown_change(then.difference.value, then.difference.mcse) + own


# What would make the run say another probability


def reconciled(forecast: Forecast, answer: Reconciled, reactions: Titles = NO_TITLES) -> Iterator[Block]:
    """Yield how far a stated probability lies from the run, what shifts with it, and the one belief."""
    yield Prose(assumptions.reconciled_sentence(forecast, answer))
    titles = assumptions.titles_of(forecast, reactions)
    rows = [
        (
            assumptions.assumption_label(one.name, titles=titles),
            *(on_scale(end, one.scale) for end in (one.from_, one.to)),
            "–" if one.probability is None else percent(one.probability),
        )
        for one in answer.priors
    ]
    if rows:
        columns = (Column("What shifts, furthest first"), right("Now"), right("Then"), right("Alone"))
        yield plain_table(columns, rows)
    for said in assumptions.reconciled_notes(answer):
        yield Prose(said, tone="fine")


# Sensitivity


def sensitivity_blocks(
    forecast: Forecast, sensitivity: Sensitivity, reactions: Titles = NO_TITLES
) -> Iterator[Block]:
    """Yield what each number rests on, and what each assumption does to one."""
    yield from alarm(forecast)
    yield labels_table(forecast, sensitivity.labels)
    yield Prose(assumptions.PULLS, tone="fine")
    yield from assumption_blocks(
        forecast, sensitivity, assumptions.titles_of(forecast, reactions), _MOST_BARS
    )


def labels_table(forecast: Forecast, labels: Sequence[NumberSensitivity]) -> Table:
    """Return what each number rests on, and why."""
    groups = []
    for target in forecast.targets:
        known = {label.milestone: label for label in labels if label.target == target.name}
        rows = []
        for milestone in target.milestones:
            if label := known.get(milestone.name):
                chance = milestone.probability
                rows.append(
                    cells(
                        short_day(milestone.date),
                        Cell(percent(chance), value=chance),
                        Cell(assumptions.rests_on_words(label, brief=True), weight="semibold"),
                        *_pull_cells(assumptions.assumptions_pull(label), label.priors, chance),
                        *_pull_cells(label.data.strength, label.data, chance),
                    )
                )
        by_reason: dict[str, list[NumberSensitivity]] = {}
        for label in known.values():
            by_reason.setdefault(label.reason, []).append(label)
        said = [
            assumptions.why_sentence(target, some, several=len(by_reason) > 1) for some in by_reason.values()
        ]
        strongest = listing({assumptions.group_label(label.groups[0].name): None for label in known.values()})
        said += [f"Strongest kind of assumption: {strongest}."] if known else []
        detail = ("\n" if len(by_reason) > 1 else " ").join(said)
        groups.append(Group(label=shorten(target.label, 80), detail=detail, rows=tuple(rows)))
    columns = (
        *(right("Before", 20), right("Chance", 14), Column("Rests on", 24)),
        *(right("Pull of assumptions", 20), right("Odds", 22), right("Pull of data", 16), right("Odds", 22)),
    )
    title = "What each probability rests on"
    return Table(name="assumptions", title=title, columns=columns, groups=tuple(groups))


def _pull_cells(size: float, pull: WeightPull, probability: float) -> tuple[Cell, Cell]:
    return (
        Cell(number(size), weight="semibold" if size >= SENSITIVE else "regular", value=size),
        Cell(assumptions.odds_text(pull, probability), value=assumptions.odds_factor(pull, probability)),
    )


def assumption_blocks(
    forecast: Forecast, sensitivity: Sensitivity, titles: Titles, most: int | None = None
) -> Iterator[Block]:
    """Yield the table of a chance with each assumption moved, at most so many, and how to read it."""

    def moved(end: ShiftEnd) -> Cell:
        unknown = end.change is None or end.mcse is None
        change = "needs a new fit" if unknown else shown_change(end.change or 0.0, end.mcse or 0.0)
        return Cell(change, note=assumptions.assumed_text(end.assumed))

    target = forecast.target(sensitivity.target)
    bars = sensitivity.assumptions[:most]
    rows = (
        (
            Cell(assumptions.assumption_label(bar.name, bar.act, titles), note=assumptions.now_text(bar)),
            moved(bar.lower),
            moved(bar.upper),
        )
        for bar in bars
    )
    asked = target.milestone(sensitivity.milestone)
    chance = f"{target.label} before {long_day(asked.date)} ({percent(asked.probability)})"
    heads = "Assumption (now)", right("one step down", 40), right("one step up", 40)
    yield plain_table(heads, rows, f"What each assumption does to {chance}", "moves")
    hidden = len(sensitivity.assumptions) - len(bars)
    more = f" {hidden} more with smaller effects: --json." if hidden else ""
    yield Prose(
        "Change in points ± Monte Carlo error. A step moves the middle of the prior to its 16% or 84% "
        f"quantile; a scheduled event goes to 0% or 100%.{more}",
        tone="fine",
    )


# Scores


def score_table(
    models: Sequence[str],
    rows: Iterable[tuple[tuple[str, ...], Mapping[str, float]]],
) -> Table:
    """Return models side by side by days and score; an asterisk marks the lowest value of a row."""
    marked = []
    for labels, values in rows:
        known = [value for value in values.values() if math.isfinite(value)]
        # Equal as printed is equal: no asterisk for a difference that cannot be seen.
        lowest = f"{min(known):.3f}".removeprefix("0") if known else ""
        scores = (values.get(model, math.nan) for model in models)
        # Without the leading 0, so that nine models fit beside one another.
        texts = [f"{score:.3f}".removeprefix("0") if math.isfinite(score) else "–" for score in scores]
        marked.append((*labels, *(f"{text}*" if text == lowest else text for text in texts)))
    heads = (*(_SHORT_MODELS.get(model, model) for model in models),)
    return plain_table((right("Days"), "Score", *heads), marked)


def number_test_blocks(tests: NumberTests, titles: Mapping[str, str]) -> Iterator[Block]:
    """Yield the tests of numbers and of gains, failures first; nothing where no model was fitted."""
    if not tests.numbers:
        return
    heads = ("", "", "Event", right("Came"), right("Foreseen"), right("90%"))
    numbers = (
        (
            *(test.verdict, name_model(test.model), titles.get(test.target, test.target)),
            *(f"{test.observed:,}", number(test.expected, 1)),
            "{:,} to {:,}".format(*test.interval90),
        )
        for test in tests.numbers
    )
    yield plain_table(heads, numbers, f"Acts in windows of {tests.numbers[0].horizon_days} days")
    gains = (
        (
            *(test.verdict, name_model(test.model), titles.get(test.target or "", test.target or "all")),
            name_model(test.reference) if test.reference == REFERENCE_RATE else "its last forecast",
            *(f"{test.events:,}", "–" if test.gain is None else number(test.gain)),
            " to ".join(map(number, test.interval90)) if test.interval90 else "–",
        )
        for test in tests.gains
    )
    told = right("Windows with it"), right("Nats each"), right("90%")
    yield plain_table(("", "", "Event", "On", *told), gains, "Information gained")
    yield Prose(TESTS_READ, tone="fine")


def model_legend(models: Sequence[str]) -> Prose:
    """Return what the short heads of the table stand for."""
    known = (model for model in models if model in _SHORT_MODELS)
    each = "; ".join(f"{_SHORT_MODELS[model]} = {name_model(model)}" for model in known)
    return Prose(f"{each}.", tone="fine")


def value_text(value: float | None, se: float | None, digits: int = 2) -> str:
    """Return ``0.12 ± 0.03``, with a dash for what is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{number(value, digits)} ± {'–' if se is None or not math.isfinite(se) else number(se, digits)}"
