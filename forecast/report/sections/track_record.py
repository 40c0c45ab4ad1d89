"""How forecasts of this kind did in the past, worst misses first, and the sentence on it of page 1."""

from __future__ import annotations

from datetime import timedelta

from forecast import wording
from forecast.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    Weight,
    one_group,
)
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.records.analysis import UnusedBacktest
from forecast.records.forecast import Forecast
from forecast.records.history import ErrorBound, LedgerSummary, ReliabilityCurve, TrackRecord, TrackRow
from forecast.report.backtest_figures import draw_reliability
from forecast.report.judgement import days_ahead, headline_pair
from forecast.report.palette import name_model, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten

HOW_TO_MAKE = (
    "No backtest of this config was found, so how good such forecasts were in the past is not known. "
    "Run “forecast backtest CONFIG”, then “forecast report RUN_DIR”."
)
_READING = (
    "Lower Brier and logarithmic scores are better; ± is the block-bootstrap standard error. A baseline in "
    "bold was more accurate than the model. Skill is 1 − Brier / Brier of climatology (the share of past "
    "windows with the target); in bold where it can be claimed."
)


def track_record_section(run: RunRecords) -> Section:
    """Misses, calibration and scores beside the baselines; without a backtest, how to make one."""
    forecast, record = run.forecast, run.track_record
    unused = [one for one in run.analysis.warnings if isinstance(one, UnusedBacktest)]
    sentences = [one.sentence for one in unused] or [HOW_TO_MAKE]
    if record is not None:
        sentences = [_how_tested(record), _overall(record), reach_sentence(forecast, record)]
    if run.ledger_record:
        sentences.append(ledger_sentence(run.ledger_record))
    blocks: list[Block] = [Prose(sentence) for sentence in sentences]
    if record is not None:
        blocks += [*_misses(forecast, record), *_calibration(record), *_scores(forecast, record)]
    return Section("track-record", "Track record", tuple(blocks))


def _misses(forecast: Forecast, record: TrackRecord) -> list[Block]:
    heading = Heading("Where it was most wrong")
    if not record.largest_misses:
        return [heading, Prose("No forecast was on the wrong side of an even chance.")]
    intro = (
        "The forecasts furthest from what happened, worst first. Windows that overlap miss the same thing "
        "again and again; only the worst of each episode is shown."
    )
    table = Table(
        name="misses",
        title="Past forecasts furthest from what happened",
        columns=(
            Column("Target"),
            Column("Days of the window", 44),
            Column("Horizon", 20, "right"),
            Column("Forecast", 18, "right"),
            Column("What happened", 27),
        ),
        groups=one_group(
            (
                Cell(_label(forecast, miss.target), swatch=_colour(forecast, miss.target)),
                Cell(
                    f"{wording.short_day(miss.origin)} to "
                    f"{wording.short_day(miss.origin + timedelta(days=miss.horizon_days - 1))}"
                ),
                Cell(f"{days_ahead(forecast, miss.horizon_days):,} days"),
                Cell(wording.percent(miss.probability), weight="semibold"),
                Cell("happened" if miss.outcome else "did not happen"),
            )
            for miss in record.largest_misses
        ),
    )
    return [heading, Prose(intro), table]


def _calibration(record: TrackRecord) -> list[Block]:
    chart = Chart(
        name="track-record",
        headline="How often what was forecast happened",
        alt=describe_reliability(record.reliability),
        caption="What was forecast and how often it happened, over all targets and horizons. A dot is "
        "a tenth of the scale, its number of forecasts above; grey bars hold 90% of what calibrated "
        "forecasts would give.",
        draw=lambda: draw_reliability(record.reliability),
    )
    heading = Heading("Does what is forecast happen as often?")
    return [heading, chart, Prose(_calibration_sentence(record.calibration_slope))]


def _scores(forecast: Forecast, record: TrackRecord) -> list[Block]:
    table = Table(
        name="scores",
        title="Scores of the model beside simple baselines",
        columns=(
            Column("Horizon", 14),
            Column("Windows", 12, "right"),
            Column("With", 9, "right"),
            Column("Brier score", 19, "right"),
            Column("Climatology", 16, "right"),
            Column("Best baseline"),
            Column("Brier", 10, "right"),
            Column("Log score", 14, "right"),
            Column("Its log", 11, "right"),
            Column("Skill (90% interval)", 26, "right"),
        ),
        groups=tuple(
            Group(
                label=_label(forecast, target),
                colour=_colour(forecast, target),
                rows=tuple(_score_cells(forecast, row) for row in record.rows if row.target == target),
            )
            for target in dict.fromkeys(row.target for row in record.rows)
        ),
        lines=False,
    )
    notes = [_READING]
    if few := sum(rarer_outcomes(row) < FEWEST_OUTCOMES for row in record.rows):
        notes.append(
            f"{few} of {wording.count(len(record.rows), 'pair')} hold fewer than {FEWEST_OUTCOMES} windows "
            "with, or without, the target; no skill is claimed there."
        )
    notes.append(f"Backtest of {record.forecasts_sha256[:12]} (SHA-256 of its forecasts.csv).")
    return [Heading("Beside simple baselines"), table, *(Prose(note, tone="fine") for note in notes)]


def _score_cells(forecast: Forecast, row: TrackRow) -> tuple[Cell, ...]:
    best, claimed = row.best_baseline, row.claim != "none"
    climatology = {scores.name: scores for scores in row.baselines}.get("climatology")
    error = "" if row.brier.se is None else f" ±{show_score(row.brier.se)}"
    weight: Weight = "bold" if beaten(row) else "regular"
    return (
        Cell(f"{days_ahead(forecast, row.horizon_days):,} days"),
        Cell(f"{row.n:,}"),
        Cell(f"{row.n_hits:,}"),
        Cell(f"{show_score(row.brier.value)}{error}", weight="semibold"),
        Cell("–" if climatology is None else show_score(climatology.brier)),
        Cell(name_model(best.name), weight=weight),
        Cell(show_score(best.brier), weight=weight),
        Cell(show_score(row.log.value)),
        Cell(show_score(best.log)),
        Cell(
            "–" if row.skill is None else _with_interval(row.skill),
            weight="bold" if claimed else "regular",
            tone="plain" if claimed else "fine",
        ),
    )


def _how_tested(record: TrackRecord) -> str:
    baselines = wording.count(len(record.rows[0].baselines), "simple baseline")
    return (
        f"The {name_model(record.model)} was fitted or updated at "
        f"{wording.count(record.n_origins, 'origin')} from {wording.long_day(record.first_origin)} to "
        f"{wording.long_day(record.last_origin)}, each time on what was known by then only. Its forecasts "
        f"are set beside what had happened by {wording.long_day(record.data_end)}, and beside {baselines} "
        "made from the same past."
    )


def _overall(record: TrackRecord) -> str:
    lost = sum(beaten(row) for row in record.rows)
    total = wording.count(len(record.rows), "pair of target and horizon", "pairs of target and horizon")
    first = f"In none of {total} was a baseline more accurate."
    if lost:
        first = f"In {lost} of {total} a baseline was more accurate, shown in bold below."
    claims = [row.claim for row in record.rows]
    better, worse = claims.count("better"), claims.count("worse")
    if not better and not worse:
        return f"{first} There are too few cases to say whether the forecasts beat climatology."
    return (
        f"{first} Against climatology skill can be claimed in {better or 'none'} of "
        f"{len(claims)}, its opposite in {worse or 'none'}."
    )


def reach_sentence(forecast: Forecast, record: TrackRecord) -> str:
    """How far the milestone is ahead, and how far the longest tested window reached."""
    _, milestone = headline_pair(forecast)
    length = (milestone.date - forecast.as_of).days
    longest = max(row.horizon_days for row in record.rows)
    tested = days_ahead(forecast, longest)
    if length <= longest + 1:
        tested = max(tested, length)
        return f"This forecast is about {length:,} days; horizons up to {tested:,} days were tested."
    return f"This forecast is about {length:,} days, beyond the longest horizon tested, {tested:,} days."


def _calibration_sentence(slope: ErrorBound | None) -> str:
    if slope is None:
        return "No calibration line can be fitted: the outcomes do not allow one."
    start = f"The calibration slope is {_with_interval(slope)}; 1 is calibrated"
    if slope.interval90 is None:
        return f"{start}. Its error cannot be worked out from so few windows, so that this shows little."
    if slope.interval90[0] <= 1 <= slope.interval90[1]:
        return f"{start}, and the forecasts cannot be told apart from that."
    if slope.value < 1:
        return f"{start}, below it forecasts were too extreme."
    return f"{start}, above it forecasts were too timid."


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


def _with_interval(bound: ErrorBound) -> str:
    value = wording.number(bound.value, 2)
    if bound.interval90 is None:
        return value
    lower, upper = (wording.number(end, 2) for end in bound.interval90)
    return f"{value} ({lower} to {upper})"


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
        f"{show_score(ledger.baseline_brier)}: {skill.get(ledger.claim, 'no skill can be claimed')}."
    )


def beaten(row: TrackRow) -> bool:
    """Whether a baseline had the lower Brier score, by the digits that are shown."""
    return round(row.best_baseline.brier, 3) < round(row.brier.value, 3)


def rarer_outcomes(row: TrackRow) -> int:
    """Windows with the target or without it, whichever are fewer."""
    return min(row.n_hits, row.n - row.n_hits)


def show_score(value: float) -> str:
    """Score as shown everywhere: three decimals."""
    return wording.number(value, 3)
