"""How past forecasts did: of the headline target at a like distance, of every pair of target and horizon."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from forecast.phrases.chances import cases_marked, chance, chosen_milestones, plural
from forecast.records.analysis import (
    FEWEST_EPISODES,
    ErrorBound,
    LedgerSummary,
    MilestoneChange,
    Outcome,
    PastForecast,
    PreviousRun,
    TrackRecord,
    TrackRow,
    own_record,
)
from forecast.records.forecast import Forecast, MilestoneForecast
from forecast.wording import (
    count,
    interval_percent,
    listing,
    long_day,
    month_name,
    number,
    percent,
    points,
    share,
    short_day,
    shorten,
    shown_difference,
    signed_points,
    small_number,
    span_in_words,
    title_in_sentence,
)

NO_BACKTEST = "This run has no backtest."
NEVER_TESTED = "Never tested: no backtest of this event so far ahead."


def record_sentences(forecast: Forecast, tested: TrackRecord | None) -> Iterator[str]:
    """How forecasts of the headline target did at such a distance."""
    record = own_record(forecast, tested)
    if tested is None:
        yield NO_BACKTEST
        return
    if record.never_tested:
        yield NEVER_TESTED
        return
    assert record.mean_said is not None
    assert record.windows is not None
    held, episodes = record.held or 0, record.episodes or 0
    apart = "overlapping " if record.overlapping else ""
    came = f"it came in {percent(held / record.windows)}" if held else "it never came"
    cases = ", all one case" if held > 1 and episodes == 1 else ""
    yield (
        f"In {record.windows:,} {apart}past tests as far ahead we said "
        f"{percent(record.mean_said)} on average; {came}{cases}."
    )
    yield {
        "better": "It did better than counting past cases.",
        "worse": "Counting past cases did better.",
        "none": "Not shown to beat counting past cases.",
    }[record.claim]


def outcome_lines(forecast: Forecast, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What came of each target by the last milestone, and that a run of the past may know it."""
    through = outcomes[0].through
    if through <= forecast.as_of:
        yield f"Not known: the event file ends on {long_day(through)}."
        return
    for one in outcomes:
        target = forecast.target(one.target)
        last = target.milestones[-1].date
        if one.came_on and one.came_on < last:
            said = f"came on {long_day(one.came_on)}"
        elif (last - through).days > 1:
            said = f"had not come by {long_day(through)}, where the event file ends"
        else:
            said = f"did not come before {long_day(last)}"
        yield f"{target.label}: {said}."
    yield (
        "The author may have known this when setting calendar, classes and coding, so it is no test of the "
        "forecast."
    )


def skill_span(interval: tuple[float, float]) -> str:
    """A 90% interval of a skill as a comparison, e.g. ``"10 to 40% better"``."""
    low, high = (round(100 * end) for end in interval)
    if low < 0 < high:
        return "we cannot say which is better"
    ends = sorted((abs(low), abs(high)))
    span = f"{ends[0]}%" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}%"
    return f"{span} {'worse' if low + high < 0 else 'better'}"


def said_came(row: TrackRow | None) -> str:
    """What forecasts of such a window said on average, and in what share it came, e.g. ``"22 → 23%"``."""
    if row is None:
        return "–"
    came = row.n_hits / row.n
    return f"{percent(row.mean_said)[:-1]} → {percent(came) if 0 < came < 1 else f'{came:.0%}'}"


_WIDEST_SLOPE = 1.0
"""Width of the 90% interval of a calibration slope from which on it tells nothing."""


def beaten_clause(rows: Sequence[TrackRow]) -> str:
    """Say how many rows have enough episodes, and in how many of them a baseline was more accurate."""
    decided = [row.more_accurate for row in rows if row.episodes >= FEWEST_EPISODES]
    least = f"{small_number(FEWEST_EPISODES)} episodes or more"
    if not decided:
        return f"none has {least}, so nothing is said of who was more accurate"
    beaten = f"a simple baseline was more accurate in {decided.count('baseline') or 'none'}"
    return f"{len(decided)} {plural(len(decided), 'has', 'have')} {least}; {beaten}"


def calibration_sentence(slope: ErrorBound | None) -> str:
    """Say whether forecasts were too bold or too timid."""
    if slope is None or slope.interval90 is None or slope.interval90[1] - slope.interval90[0] > _WIDEST_SLOPE:
        return "There are too few outcomes to say whether forecasts were too bold or too timid."
    lower, upper = slope.interval90
    within = f"(slope {number(slope.value)}, {number(lower)} to {number(upper)}; 1 is right)"
    if lower <= 1 <= upper:
        return f"Forecasts were neither clearly too bold nor too timid {within}."
    return f"Forecasts were too {'bold' if slope.value < 1 else 'timid'} {within}."


def ledger_gap(forecast: Forecast, ledger: LedgerSummary | None) -> Iterator[str]:
    """Where the chart has no earlier forecast of the headline question: what is on record, or none."""
    asked = forecast.headline
    question = (asked.target, asked.milestone)
    if (
        ledger is None
        or forecast.too_little
        or any((one.target, one.milestone) == question for one in ledger.history)
    ):
        return
    if not ledger.n_same:
        yield "This is the first forecast of this question on record."
        return
    late = ", made in hindsight" if ledger.n_hindcasts == ledger.n_forecasts else ""
    are = plural(ledger.n_same, "is", "are")
    scored = f"; {ledger.n_scored:,} on this pair scored, see Track record" if ledger.n_scored else ""
    yield f"{count(ledger.n_same, 'earlier forecast')} of these questions {are} on record{late}{scored}."


def ledger_sentence(ledger: LedgerSummary) -> str:
    """What the ledger held about the pair before this run: how many forecasts, and how they did."""
    failed = ""
    if ledger.n_failed:
        failed = f" (not counting {ledger.n_failed:,} of runs that did not converge)"
    if not ledger.n_forecasts:
        return f"The ledger held no forecast on this pair before this run{failed}."
    start = f"Before this run the ledger held {count(ledger.n_forecasts, 'forecast')} on this pair{failed}"
    for some, what in ((ledger.n_same, "on these questions"), (ledger.n_hindcasts, "made in hindsight")):
        if some:
            start += f", {'all' if some == ledger.n_forecasts else f'{some:,} of them'} {what}"
    if ledger.brier is None or ledger.baseline_brier is None:
        return f"{start}; none has been scored."
    error = "" if ledger.brier.se is None else f" (standard error {show_score(ledger.brier.se)})"
    skill = {"better": "they beat the baselines", "worse": "the baselines beat them"}
    return (
        f"{start}. {ledger.n_scored:,} can be scored; in {ledger.n_yes or 'none'} it happened. Their Brier "
        f"score is {show_score(ledger.brier.value)}{error}, that of the baselines recorded with them "
        f"{show_score(ledger.baseline_brier)}: {skill.get(ledger.claim, 'too few to say which is better')}."
    )


def show_score(value: float) -> str:
    """Score as shown everywhere: three decimals."""
    return number(value, 3)


def how_tested(forecast: Forecast, record: TrackRecord, model: str) -> Iterator[str]:
    """How the backtest was made, how it went, and how far ahead it reached beside this forecast."""
    yield (
        f"Backtest: the {model} was made on {count(record.n_origins, 'date')} from "
        f"{long_day(record.first_origin)} to {long_day(record.last_origin)}, each time from what was known "
        f"by then, and set beside what happened by {long_day(record.data_end)}."
    )
    yield f"Of {count(len(record.rows), 'pair')} of event and horizon, {beaten_clause(record.rows)}."
    claims = Counter(row.claim for row in record.rows)
    if claims["better"] or claims["worse"]:
        yield (
            f"The forecasts clearly beat the share of past periods in {claims['better'] or 'none'} of them "
            f"and clearly lose to it in {claims['worse'] or 'none'}."
        )
    length, tested = forecast.days_ahead, max(row.horizon_days for row in record.rows)
    further = "further than the tests, which reach" if length > tested else "and tests reach"
    yield f"This forecast looks {span_in_words(length)} ahead, {further} {span_in_words(tested)}."


def course_headline(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    """Say the number, and between what earlier forecasts on record lay."""
    milestone = forecast.headline_milestone
    now = percent(milestone.probability)
    if not past:
        return "Chance that it has happened, by day"
    said = sorted(one.probability for one in past)
    month = f"{month_name(past[0].as_of)} {past[0].as_of.year}"
    return f"The number is {now}; since {month} it was {interval_percent((said[0], said[-1]))}"


def course_caption(forecast: Forecast, ledger: LedgerSummary | None, past: tuple[PastForecast, ...]) -> str:
    """Say how to read the chart, and what is on record where it has no history."""
    target, milestone = forecast.headline_target, forecast.headline_milestone
    outlook = "Dots: milestones; band: plausible range."
    if not past:
        return " ".join((outlook, *ledger_gap(forecast, ledger)))
    late = " (made later, from what was known then)" if all(one.hindcast for one in past) else ""
    return (
        f"Left: earlier forecasts{late} for {short_day(milestone.date)}; triangles: "
        f"{cases_marked(target, past[0].as_of)}. Right: chance that it has happened. {outlook}"
    )


def course_alt(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    """Say in words all that the chart of history and outlook draws."""
    target, milestone = forecast.headline_target, forecast.headline_milestone
    history = "; ".join(f"{percent(one.probability)} as of {long_day(one.as_of)}" for one in past)
    before = (
        f"Earlier forecasts of {title_in_sentence(shorten(target.label, 80))}: {history}. " if past else ""
    )
    shown = chosen_milestones(target.milestones, milestone.name, _MOST_NAMED)
    each = "; ".join(f"{chance(one)} before {short_day(one.date)}" for one in shown)
    return f"Line chart on one time axis. {before}Chance by day from now on: {each}."


_MOST_NAMED = 12
"""Milestones that the alternative text of a chart names."""


def backtest_span(origins: Sequence[date], data_end: date) -> str:
    """State what was forecast from when, and how the tables are read."""
    return (
        f"Backtest: {count(len(origins), 'origin')} from {origins[0]} to {origins[-1]}, data to {data_end}. "
        "Brier and log score: lower is better, * marks the best."
    )


def list_backtest_span(name: str, dyads: int, origins: Mapping[str, Any]) -> str:
    """State what of a list was forecast from when, and how the tables are read."""
    return (
        f"Backtest of the list {name}: {count(dyads, 'dyad')}, {count(origins['number'], 'origin')} from "
        f"{origins['first']} to {origins['last']}. Brier and log score: lower is better; AUC and precision "
        "at 5: higher."
    )


def target_came(by_days: Mapping[int, tuple[float, int]]) -> str:
    """State in what share of how many windows a target happened, by days ahead."""
    came = (f"{share(rate)} of {count(n, 'window')} of {days} days" for days, (rate, n) in by_days.items())
    return f"It happened in {listing(came)}."


def accuracy_verdict(row: TrackRow, model: str, baseline: str, skill: str | None) -> str:
    """State whether a model or a baseline is more accurate; by their names, ``skill`` as a comparison."""
    says = f"is behind the {baseline}" if row.more_accurate == "baseline" else "beats every baseline"
    scores = f"(Brier {row.brier.value:.3f}, {baseline} {row.best_baseline.brier:.3f})"
    return f"{row.horizon_days} days: the {model} {says} {scores}.{(skill and f' {skill}.') or ''}"


def log_score_gap(model: str, baseline: str, value: float, se: float, *, distinguishable: bool) -> str:
    """State by how much the log score of a model differs from that of the best baseline."""
    return (
        f"The log score of the {model} is {number(abs(value), 3)} {'better' if value < 0 else 'worse'} "
        f"than that of the best baseline, {baseline} (standard error {number(se, 3)}"
        f"{'' if distinguishable else ': not distinguishable'})."
    )


def no_skill_claimed(days_by_title: Mapping[str, Sequence[int]], fewest_outcomes: int) -> str:
    """State of which targets and days ahead too little came, or did not come, to claim skill."""
    listed = "; ".join(f"{title} at {listing(map(str, days))} days" for title, days in days_by_title.items())
    return (
        f"Too few cases to claim skill (under {fewest_outcomes} windows with or without the target, or "
        f"{small_number(FEWEST_EPISODES)} episodes): {listed}."
    )


def forecasts_absent(title: str, days: int, model: str, n: int, asked: int) -> str:
    """State how many forecasts of a model there are where some are missing."""
    return f"{title}, {days} days: {model} has {n} of {asked} forecasts."


LEVEL = "≈"


def change_mark(now: MilestoneForecast, before: MilestoneChange | None) -> str:
    """Arrow and whole points, e.g. ``"↑ +6"``; ``"≈"`` within twice the Monte Carlo error, ``"new"`` else."""
    if before is None:
        return "new"
    shown = signed_points(shown_difference(now.probability, before.probability), 0)
    error = math.hypot(now.mcse, before.mcse)  # of the change, Monte Carlo
    if abs(now.probability - before.probability) <= 2 * error or shown == "0":
        return LEVEL
    return f"{'↑' if now.probability > before.probability else '↓'} {shown}"


TESTS_READ = (
    "Reject: the forecasts gave so many acts, or so few, a chance below 2.5%; or the gain is below 0. Too "
    "few: no number of acts would have been too low, or the interval of the gain holds 0. A gain is per "
    "window with the target."
)


def change_line(forecast: Forecast, previous: PreviousRun | None) -> str:
    """Short line below the big number; empty without an earlier answer."""
    target, now = forecast.headline_target, forecast.headline_milestone
    before = previous.change(target.name, now.name) if previous else None
    if previous is None or before is None:
        return ""
    mark, moved = change_mark(now, before), shown_difference(now.probability, before.probability)
    change = f"{LEVEL} unchanged" if mark == LEVEL else f"{mark[0]} {points(moved, 0)}"
    return f"{change} since {short_day(previous.as_of)}"
