"""What defends the forecast: how such forecasts did, the data behind it, and the method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from forecast import wording
from forecast.blocks import (
    Bar,
    Beside,
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    Weight,
    cells,
    plain_table,
    right,
)
from forecast.events.codebook import CATEGORIES, SEVERITIES, category_label, severity_word
from forecast.phrases import record as phrases
from forecast.phrases.assumptions import group_of
from forecast.phrases.chances import target_titles
from forecast.phrases.data import coverage_sentences, learned_paragraph
from forecast.phrases.fit import check_sentences, describe_method, method_paragraphs
from forecast.phrases.notices import HEAD, caution_lines, notice_text
from forecast.records.analysis import (
    DataSummary,
    Miss,
    ParameterSummary,
    ReliabilityCurve,
    TrackRow,
)
from forecast.records.base import ANY
from forecast.records.forecast import Forecast
from forecast.report.charts import draw_reliability
from forecast.report.palette import category_colour, name_model, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import web_address

HOW_TO_MAKE = (
    "This question was never tested on past dates of this pair, so nobody knows how good such forecasts are. "
    "The command “forecast backtest” tests it."
)
ALL_SCORES = "Scores of every event and horizon"
_MOST_MISSES = 4
_MOST_KINDS = 1
_READING = (
    "Brier and log scores: lower is better, ± standard error. Episodes: past cases that decided the periods. "
    "Against past periods: 90% interval of the gain in Brier score over their share, bold where a gain or "
    "loss can be claimed; – too few cases."
)
_BOLD = " A bold baseline was more accurate."
_READING_PARAMETERS = (
    "Each parameter with its mean and 90% interval before (prior) and after (posterior) the data. A prior "
    "that the config sets is marked with a star."
)


# Track record


def track_record_section(run: RunRecords) -> Section:
    """How the headline event was forecast, calibration, misses; without a backtest, how to make one."""
    forecast, record = run.forecast, run.track_record
    unused = [notice_text(warning) for warning in run.analysis.warnings if warning.code == "unused_backtest"]
    told = unused or [HOW_TO_MAKE]
    if record is not None:
        ours = phrases.record_sentences(forecast, record)
        told = [" ".join((*ours, *phrases.how_tested(forecast, record, name_model(record.model))))]
    if run.ledger_record:
        told.append(phrases.ledger_sentence(run.ledger_record))
    blocks: list[Block] = [*map(Prose, told)]
    if record is not None:
        rows = [row for row in record.rows if row.target == forecast.headline.target]
        if rows:
            reading, others = Prose(_reading(rows)), len(record.rows) - len(rows)
            blocks += [reading, scores_table(forecast, rows, "scores")]
            if others:
                rest = f"The other {wording.count(others, 'pair')} are in report.html, under “{ALL_SCORES}”."
                blocks.append(Prose(f"Of these, {phrases.beaten_clause(rows)}. {rest}", tone="fine"))
        calibration = Chart(
            name="track-record",
            headline="How often what was forecast happened, over all events and horizons",
            alt=describe_reliability(record.reliability),
            caption="A dot is a tenth of the scale, its number of forecasts above; grey bars hold 90% of "
            f"what calibrated forecasts would give. {phrases.calibration_sentence(record.calibration_slope)}",
            draw=lambda: draw_reliability(record.reliability),
        )
        blocks += [_misses(forecast, record.largest_misses[:_MOST_MISSES]), calibration]
    return Section("track-record", "Track record", tuple(blocks))


def scores_section(run: RunRecords) -> Section | None:
    """For the page alone: the scores of every target and horizon."""
    record = run.track_record
    if record is None:
        return None
    notes = [_reading(record.rows)]
    notes.append(f"Backtest of {record.forecasts_sha256[:12]} (SHA-256 of its forecasts.csv).")
    table = scores_table(run.forecast, record.rows, "all-scores")
    blocks = (table, *(Prose(note, tone="fine") for note in notes))
    return Section("scores", ALL_SCORES, blocks, printed=False)


def _reading(rows: Sequence[TrackRow]) -> str:
    return _READING + (_BOLD if any(row.more_accurate == "baseline" for row in rows) else "")


def _misses(forecast: Forecast, misses: Sequence[Miss]) -> Block:
    if not misses:
        return Prose("No forecast was on the wrong side of an even chance.")
    rows = []
    for miss in misses:
        last = miss.origin + timedelta(days=miss.horizon_days - 1)
        rows.append(
            (
                Cell(_label(forecast, miss.target), swatch=_colour(forecast, miss.target)),
                f"{wording.short_day(miss.origin)} to {wording.short_day(last)}",
                f"{miss.horizon_days:,} days",
                Cell(wording.percent(miss.probability), weight="semibold"),
                "happened" if miss.outcome else "did not happen",
            )
        )
    columns = (right("Ahead", 20), right("Forecast", 18), Column("What happened", 30))
    title = "Where it was most wrong: the worst of each episode"
    return plain_table(("Event", Column("Period", 48), *columns), rows, title, "misses")


def scores_table(forecast: Forecast, rows: Sequence[TrackRow], name: str) -> Table:
    """Scores of the forecast beside its best baseline, by target and horizon."""
    groups = []
    for target in dict.fromkeys(row.target for row in rows):
        scores = tuple(_score_cells(row) for row in rows if row.target == target)
        groups.append(Group(label=_label(forecast, target), colour=_colour(forecast, target), rows=scores))
    columns = (
        *(Column("Ahead", 17), right("It happened in", 18), right("Episodes", 16), right("Said → came", 20)),
        *(right("Brier score", 24), right("Against past periods", 26), Column("Best baseline")),
        *(right("Its Brier", 13), right("Log score", 14)),
    )
    title = "Scores beside simple baselines"
    return Table(
        name=name, title=title, columns=columns, groups=tuple(groups), lines=False, whole=len(groups) == 1
    )


def _score_cells(row: TrackRow) -> tuple[Cell, ...]:
    best, span = row.best_baseline, row.skill_told
    error = "" if row.brier.se is None else f" ±{phrases.show_score(row.brier.se)}"
    weight: Weight = "bold" if row.more_accurate == "baseline" else "regular"
    against = Cell("–", tone="fine")
    if span:
        low, high = (f"{round(100 * end):+d}".replace("-", "−") for end in span)
        against = Cell(f"{low} to {high}%", weight="bold", value=span)
        if row.claim == "none":
            against = replace(against, weight="regular", tone="fine")
    return cells(
        f"{row.horizon_days:,} days",
        f"{row.n_hits:,} of {row.n:,}",
        f"{row.episodes:,}",
        phrases.said_came(row),
        f"{phrases.show_score(row.brier.value)}{error}",
        against,
        Cell(name_model(best.name), weight=weight),
        Cell(phrases.show_score(best.brier), weight=weight),
        phrases.show_score(row.log.value),
    )


def describe_reliability(curves: tuple[ReliabilityCurve, ...]) -> str:
    """Alt text of the reliability figure: every dot with its band."""
    parts = []
    for curve in curves:
        dots = "; ".join(
            f"{wording.percent(one.forecast_mean)} forecast {wording.times(one.number)}, happened in "
            f"{wording.share(one.observed_share)} "
            f"(band {wording.interval_percent((one.lower90, one.upper90))})"
            for one in curve.bins
        )
        parts.append(f"{name_model(curve.model)}: {dots}.")
    return f"Dot chart of how often it happened by what was forecast. {' '.join(parts)}"


def _label(forecast: Forecast, name: str) -> str:
    return wording.shorten(target_titles(forecast).get(name, name.replace("_", " ")), 80)


def _colour(forecast: Forecast, name: str) -> str:
    names = [*(target.name for target in forecast.targets), name]
    return target_colour(names.index(name))


# Data and limits


def data_section(run: RunRecords) -> Section:
    """What the forecast was made from, what to bear in mind, its limits, and what severities mean."""
    data = run.analysis.data
    cautions = caution_lines(run.forecast.cautions)
    told = coverage_sentences(run.forecast, run.analysis)
    blocks: list[Block] = [
        Beside(left=tuple(map(Prose, told)), right=(_counts_table(data),), right_width=72),
        *_terms_table(data),
    ]
    for head, lines in ((HEAD, cautions), ("Known limits", data.limits)):
        blocks += [Heading(head), Bullets(tuple(lines))] if lines else []
    return Section("data", "Data and limits", (*blocks, _severity_table(run.forecast)))


def _severity_table(forecast: Forecast) -> Table:
    """What the numbers of the severity scale mean, in general and for the kinds that the headline counts."""
    target = forecast.headline_target
    kinds = target.any_of if len(target.any_of) <= _MOST_KINDS else ()
    scale = forecast.scale
    columns = [Column("Severity", 24), Column("Any act", 56 if kinds else None)]
    columns += [Column(category_label(kind)) for kind in kinds]
    rows = []
    for severity in SEVERITIES:
        anchors = (Cell(scale.anchor(kind, severity)) for kind in (ANY, *kinds))
        rows.append((Cell(f"{severity} {severity_word(severity)}", weight="semibold"), *anchors))
    title = f"What severities mean: the scale '{scale.name}'"
    return plain_table(columns, rows, title, "severity", lines=False, whole=True)


def _terms_table(data: DataSummary) -> Iterator[Table]:
    """On what terms the events may be used, by source; nothing for a file of the user's own alone."""
    if any(source.licence for source in data.sources):
        rows = (
            (
                Cell("own file" if one.source == "file" else one.source, url=web_address(one.page)),
                f"{one.acts:,}",
                f"{one.licence}: {one.terms}" if one.licence else "Not known to the program.",
                " and ".join(one.bars) or "–",
                wording.long_day(one.known_on) if one.known_on else "–",
            )
            for one in data.sources
        )
        needs = Column("Needs a licence for", 28), Column("As known on", 28)
        columns = (Column("Source", 18), right("Events", 16), "Terms", *needs)
        yield plain_table(columns, rows, "Sources and their terms", "terms")


def _counts_table(data: DataSummary) -> Table:
    counts = data.counts_by_category
    most = max(counts.values(), default=0) or 1
    known = [name for name in CATEGORIES if name in counts]
    rows = (
        (
            category_label(name),
            Cell(mark=Bar(value=counts[name] / most, colour=category_colour(name))),
            f"{counts[name]:,}",
        )
        for name in (*known, *sorted(set(counts) - set(known)))
    )
    columns = (Column("Kind", 29), "Events", right("Count", 11))
    return plain_table(columns, rows, "Events by kind", "event-counts", lines=False)


# Method


def method_section(run: RunRecords) -> Section:
    """The method in half a page: what the forecast is, its range, its checks, and where to read more."""
    paragraphs = method_paragraphs(run.forecast, run.analysis, describe_method(run.forecast.model))
    return Section("method", "Method", tuple(map(Prose, paragraphs)))


def methods_section(run: RunRecords) -> Section:
    """For the page alone: what was learned from other pairs, and every check of the fit."""
    analysis = run.analysis
    warnings = map(notice_text, analysis.warnings)
    parts: dict[str, Sequence[str]] = {
        "What was learned from other pairs": tuple(map(learned_paragraph, analysis.learned)),
        "Did the sampler explore fully?": (*check_sentences(run.forecast, analysis), *warnings),
    }
    blocks: list[Block] = []
    for heading, paragraphs in parts.items():
        if paragraphs:
            blocks += [Heading(heading), *map(Prose, paragraphs)]
    return Section("methods", "What was learned, and the checks", tuple(blocks), printed=False)


def parameters_section(run: RunRecords) -> Section:
    """For the page alone: every parameter before and after the data."""

    def group(one: ParameterSummary) -> tuple[str, str, str]:
        # ``ballast.visit`` is the element 'visit' of the group 'ballast'.
        return group_of(one.name)[0] or one.name, one.meaning, one.unit

    groups = [
        Group(label=meaning, note=f"({unit}) · {name}", rows=tuple(_parameter(one, name) for one in members))
        for (name, meaning, unit), members in groupby(run.analysis.parameters, key=group)
    ]
    columns = (
        *(Column("Parameter", 30), Column("Prior"), right("Mean", 11), Column("90% interval", 21)),
        *(right("After data", 11), Column("90% interval", 21), right("R-hat", 9)),
    )
    title = "Prior and posterior of every parameter"
    table = Table(name="parameters", title=title, columns=columns, groups=tuple(groups), lines=False)
    blocks = (Prose(_READING_PARAMETERS), table)
    return Section("parameters", "What was assumed and what the data say", blocks, printed=False)


def _parameter(one: ParameterSummary, group: str) -> tuple[Cell, ...]:
    # Rates of rare acts would show as 0.00.
    figure = wording.plain_number if 0 < one.prior_interval90[1] < 0.1 else wording.number
    return cells(
        one.name.removeprefix(group).lstrip(".").replace("_", " ") or "all",
        Cell(one.prior + ("" if one.prior_origin == "default" else "*"), tone="fine"),
        figure(one.prior_mean),
        " to ".join(map(figure, one.prior_interval90)),
        Cell(figure(one.posterior_mean), weight="semibold"),
        " to ".join(map(figure, one.posterior_interval90)),
        Cell(wording.number(one.rhat, 3), tone="fine"),
    )


def identity_section(run: RunRecords) -> Section:
    """For the page alone: run id, model, hashes and versions, to make the same report again."""
    forecast = run.forecast
    labels = {
        "config_sha256": "Config (SHA-256)",
        "data_sha256": "Events (SHA-256)",
        "code_version": "Code",
        "seed": "Seed",
    }
    versions = ", ".join(f"{name} {version}" for name, version in sorted(forecast.versions.items()))
    rows = [
        ("Run", forecast.run_id),
        ("Model family", forecast.model),
        ("As of", forecast.as_of.isoformat()),
        ("Made on", forecast.made_on.isoformat() if forecast.made_on else "not recorded"),
        *((label, str(run.manifest[key])) for key, label in labels.items() if key in run.manifest),
        *([("Ledger head", run.ledger_record.head)] if run.ledger_record else []),
        ("Versions", versions or "not recorded"),
    ]
    columns = (Column("What", 30), "Value")
    table = plain_table(columns, rows, "Identity of this run", "run", lines=False, whole=True)
    return Section("run", "Reproduce this report", (table,), printed=False)
