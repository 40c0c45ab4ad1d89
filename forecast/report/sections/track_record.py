"""How forecasts of this kind did in the past: of the headline event, calibration, worst misses, baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from forecast import wording
from forecast.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Group,
    Prose,
    Section,
    Table,
    Weight,
    one_group,
)
from forecast.records.analysis import UnusedBacktest
from forecast.records.explained import OtherForecast
from forecast.records.forecast import Forecast
from forecast.records.history import (
    ErrorBound,
    FewOutcomes,
    LedgerSummary,
    Miss,
    ReliabilityCurve,
    TrackRecord,
    TrackRow,
    own_record,
)
from forecast.report.curves import draw_reliability
from forecast.report.judgement import headline_pair, record_sentences, shown_days, skill_words
from forecast.report.palette import name_model, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten

HOW_TO_MAKE = (
    "No backtest of this config was found, so nobody knows how good such forecasts were. Run “forecast "
    "backtest CONFIG”, then “forecast report RUN_DIR”."
)
_READING = (
    "Brier and log scores: lower is better, ± block-bootstrap standard error. A baseline in bold was more "
    "accurate. Against base rate: by how much the Brier score is better or worse than that of the share of "
    "past periods; in bold where that can be claimed."
)
_MOST_MISSES = 4
_WIDEST_SLOPE = 1.0
"""Width of the 90% interval of a calibration slope from which on it tells nothing."""


def track_record_section(run: RunRecords) -> Section:
    """How the headline event was forecast, calibration, misses; without a backtest, how to make one."""
    forecast, record = run.forecast, run.track_record
    unused = [one for one in run.analysis.warnings if isinstance(one, UnusedBacktest)]
    said = [one.sentence for one in unused] or [HOW_TO_MAKE]
    if record is not None:
        own = " ".join(record_sentences(forecast, own_record(forecast, record)))
        said = [own, f"{_how_tested(record)} {_overall(record)} {reach_sentence(forecast, record)}"]
    blocks: list[Block] = [Prose(one) for one in said]
    if run.ledger_record:
        blocks.append(Prose(ledger_sentence(run.ledger_record)))
    if record is not None:
        rows = [row for row in record.rows if row.target == forecast.headline.target]
        blocks += [Prose(_READING), scores_table(forecast, rows, "scores")] if rows else []
        blocks += [_calibration(record), *_misses(forecast, record, record.largest_misses[:_MOST_MISSES])]
    return Section("track-record", "Track record", tuple(blocks))


def scores_section(run: RunRecords) -> Section | None:
    """For the page alone: the scores of every target and horizon."""
    forecast, record = run.forecast, run.track_record
    if record is None:
        return None
    notes = [_READING]
    if few := [one for one in record.warnings if isinstance(one, FewOutcomes)]:
        notes.append(
            f"{len(few)} of {wording.count(len(record.rows), 'row')} hold fewer than {few[0].needed} periods "
            "with, or without, the event; nothing is claimed there."
        )
    notes.append(f"Backtest of {record.forecasts_sha256[:12]} (SHA-256 of its forecasts.csv).")
    blocks = (scores_table(forecast, record.rows, "all-scores"), *(Prose(one, tone="fine") for one in notes))
    return Section("scores", "Scores of every event and horizon", blocks, printed=False)


def others_section(run: RunRecords) -> Section | None:
    """For the page alone: what others said of every event, beside this forecast."""
    if not run.analysis.others:
        return None
    labels = {target.name: target.label for target in run.forecast.targets}
    ours = {
        (target.name, one.name): wording.percent(one.probability)
        for target in run.forecast.targets
        for one in target.milestones
    }
    rows = (
        (
            Cell(shorten(one.forecaster, 60), note=one.link or ""),
            Cell(labels[one.target]),
            Cell(wording.short_day(one.ends)),
            Cell(wording.percent(one.probability), weight="semibold", value=one.probability),
            Cell(ours.get((one.target, one.milestone or ""), "–")),
            Cell(wording.short_day(one.made_on), note="after the as-of date" if one.after_as_of else ""),
            Cell("; ".join((*other_marks(one), *one.differs)) or "–"),
        )
        for one in run.analysis.others
    )
    columns = (
        Column("By", 40),
        Column("Event"),
        Column("Before", 20),
        Column("Said", 12, "right"),
        Column("Here", 12, "right"),
        Column("On", 20),
        Column("Bear in mind", 50),
    )
    said = Prose("What others say is shown beside the forecast and is no part of it.", tone="fine")
    table = Table(name="others", title="Others on the same events", columns=columns, groups=one_group(rows))
    return Section("others", "What others say of every event", (table, said), printed=False)


def other_marks(one: OtherForecast) -> tuple[str, ...]:
    """What was traded in a market, and what makes its price weaker evidence."""
    return tuple(filter(None, (one.market.traded, *one.market.marks))) if one.market else ()


def _misses(forecast: Forecast, record: TrackRecord, shown: Sequence[Miss]) -> list[Block]:
    if not record.largest_misses:
        return [Prose("No forecast was on the wrong side of an even chance.")]
    table = Table(
        name="misses",
        title="Where it was most wrong: the worst of each episode",
        columns=(
            Column("Event"),
            Column("Period", 48),
            Column("Ahead", 20, "right"),
            Column("Forecast", 18, "right"),
            Column("What happened", 30),
        ),
        groups=one_group(
            (
                Cell(_label(forecast, miss.target), swatch=_colour(forecast, miss.target)),
                Cell(
                    f"{wording.short_day(miss.origin)} to "
                    f"{wording.short_day(miss.origin + timedelta(days=miss.horizon_days - 1))}"
                ),
                Cell(f"{shown_days(forecast, miss.horizon_days):,} days"),
                Cell(wording.percent(miss.probability), weight="semibold"),
                Cell("happened" if miss.outcome else "did not happen"),
            )
            for miss in shown
        ),
    )
    return [table]


def _calibration(record: TrackRecord) -> Chart:
    return Chart(
        name="track-record",
        headline="How often what was forecast happened, over all events and horizons",
        alt=describe_reliability(record.reliability),
        caption="A dot is a tenth of the scale, its number of forecasts above; grey bars hold 90% of what "
        f"calibrated forecasts would give. {_calibration_sentence(record.calibration_slope)}",
        draw=lambda: draw_reliability(record.reliability),
    )


def scores_table(forecast: Forecast, rows: Sequence[TrackRow], name: str) -> Table:
    """Scores of the forecast beside its best baseline, by target and horizon."""
    return Table(
        name=name,
        title="Scores beside simple baselines",
        columns=(
            Column("Ahead", 18),
            Column("It happened in", 19, "right"),
            Column("Brier score", 25, "right"),
            Column("Against base rate", 27, "right"),
            Column("Best baseline"),
            Column("Its Brier", 13, "right"),
            Column("Log score", 14, "right"),
            Column("Its log", 13, "right"),
        ),
        groups=tuple(
            Group(
                label=_label(forecast, target),
                colour=_colour(forecast, target),
                rows=tuple(_score_cells(forecast, row) for row in rows if row.target == target),
            )
            for target in dict.fromkeys(row.target for row in rows)
        ),
        lines=False,
    )


def _score_cells(forecast: Forecast, row: TrackRow) -> tuple[Cell, ...]:
    best, claimed = row.best_baseline, row.claim != "none"
    error = "" if row.brier.se is None else f" ±{show_score(row.brier.se)}"
    weight: Weight = "bold" if beaten(row) else "regular"
    return (
        Cell(f"{shown_days(forecast, row.horizon_days):,} days"),
        Cell(f"{row.n_hits:,} of {row.n:,}"),
        Cell(f"{show_score(row.brier.value)}{error}", weight="semibold"),
        Cell(
            "–" if row.skill is None else skill_words(row.skill.value, row.skill.se),
            weight="bold" if claimed else "regular",
            tone="plain" if claimed else "fine",
            value=None if row.skill is None else row.skill.value,
        ),
        Cell(name_model(best.name), weight=weight),
        Cell(show_score(best.brier), weight=weight),
        Cell(show_score(row.log.value)),
        Cell(show_score(best.log)),
    )


def _how_tested(record: TrackRecord) -> str:
    return (
        f"Backtest: the {name_model(record.model)} was made at {wording.count(record.n_origins, 'date')} "
        f"from {wording.long_day(record.first_origin)} to {wording.long_day(record.last_origin)}, each time "
        f"from what was known by then, and set beside what happened by {wording.long_day(record.data_end)}."
    )


def _overall(record: TrackRecord) -> str:
    lost = sum(beaten(row) for row in record.rows)
    total = f"{wording.count(len(record.rows), 'pair')} of event and horizon"
    first = f"A simple baseline was more accurate in {lost or 'none'} of {total}."
    claims = [row.claim for row in record.rows]
    better, worse = claims.count("better"), claims.count("worse")
    if not better and not worse:
        return f"{first} There are too few cases to say whether the forecasts beat the base rate."
    return (
        f"{first} The forecasts clearly beat the share of past periods in {better or 'none'} of "
        f"{len(claims)}, and clearly lose to it in {worse or 'none'}."
    )


def reach_sentence(forecast: Forecast, record: TrackRecord) -> str:
    """How far the milestone is ahead, and how far the longest tested window reached."""
    _, milestone = headline_pair(forecast)
    length = (milestone.date - forecast.as_of).days
    longest = max(row.horizon_days for row in record.rows)
    tested = shown_days(forecast, longest)
    if length <= longest + 1:
        tested = max(tested, length)
        return f"This forecast is {length:,} days ahead; up to {tested:,} days were tested."
    return f"This forecast is {length:,} days ahead, further than the {tested:,} days that were tested."


def _calibration_sentence(slope: ErrorBound | None) -> str:
    if slope is None or slope.interval90 is None or slope.interval90[1] - slope.interval90[0] > _WIDEST_SLOPE:
        return "There are too few outcomes to say whether forecasts were too bold or too timid."
    lower, upper = slope.interval90
    within = f"slope {wording.number(slope.value)}, {wording.number(lower)} to {wording.number(upper)}"
    if lower <= 1 <= upper:
        return f"Forecasts were neither clearly too bold nor too timid ({within}; 1 is right)."
    return f"Forecasts were too {'bold' if slope.value < 1 else 'timid'} ({within}; 1 is right)."


def describe_reliability(curves: tuple[ReliabilityCurve, ...]) -> str:
    """Alt text of the reliability figure: every dot with its band."""
    parts = []
    for curve in curves:
        dots = "; ".join(
            f"{wording.percent(one.forecast_mean)} forecast {wording.times(one.number)}, "
            f"happened in {wording.share(one.observed_share)} "
            f"(band {wording.interval_percent((one.lower90, one.upper90))})"
            for one in curve.bins
        )
        parts.append(f"{name_model(curve.model)}: {dots}.")
    return f"Dot chart of how often it happened by what was forecast. {' '.join(parts)}"


def _label(forecast: Forecast, name: str) -> str:
    labels = {target.name: target.label for target in forecast.targets}
    return shorten(labels.get(name, name.replace("_", " ")), 80)


def _colour(forecast: Forecast, name: str) -> str:
    names = [*(target.name for target in forecast.targets), name]
    return target_colour(names.index(name))


def ledger_gap(run: RunRecords) -> Iterator[str]:
    """Where no forecast of the headline question is on record, what the ledger does hold of the pair."""
    ledger, asked = run.ledger_record, run.forecast.headline
    if ledger is None or not ledger.n_forecasts:
        return
    if not any((one.target, one.milestone) == (asked.target, asked.milestone) for one in ledger.history):
        held = wording.count(ledger.n_forecasts, "forecast")
        yield f"The ledger holds {held} on this pair, all on other questions."


def ledger_sentence(ledger: LedgerSummary) -> str:
    """What the ledger held about the pair before this run: how many forecasts, and how they did."""
    failed = ""
    if ledger.n_failed:
        failed = f" (not counting {ledger.n_failed:,} of runs that did not converge)"
    if not ledger.n_forecasts:
        return f"The ledger held no forecast on this pair before this run{failed}."
    held = wording.count(ledger.n_forecasts, "forecast")
    start = f"Before this run the ledger held {held} on this pair{failed}"
    if ledger.brier is None or ledger.baseline_brier is None:
        return f"{start}, none of which can be scored yet."
    late = ""
    if ledger.n_hindcasts:
        whole = ledger.n_hindcasts == ledger.n_scored
        late = f" ({'all' if whole else f'{ledger.n_hindcasts:,} of them'} made after the fact)"
    error = "" if ledger.brier.se is None else f" (standard error {show_score(ledger.brier.se)})"
    skill = {"better": "they beat the baselines", "worse": "the baselines beat them"}
    return (
        f"{start}. {ledger.n_scored:,} can be scored{late}, and {ledger.n_yes:,} came true. Their Brier "
        f"score is {show_score(ledger.brier.value)}{error}, that of the baselines recorded with them "
        f"{show_score(ledger.baseline_brier)}: {skill.get(ledger.claim, 'too few to say which is better')}."
    )


def beaten(row: TrackRow) -> bool:
    """Whether a baseline had the lower Brier score, by the digits that are shown."""
    return round(row.best_baseline.brier, 3) < round(row.brier.value, 3)


def show_score(value: float) -> str:
    """Score as shown everywhere: three decimals."""
    return wording.number(value, 3)
