"""What defends the forecast: how such forecasts did, the data behind it, and the method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

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
from forecast.events.codebook import CATEGORIES, SEVERITIES, code_in_words, severity_word
from forecast.events.dyads import DyadRule, PairRows
from forecast.phrases.data import learned_paragraph, left_out_in_words
from forecast.phrases.method import describe_method
from forecast.phrases.notices import HEAD, caution_lines, notice_text
from forecast.records.analysis import (
    FEWEST_EPISODES,
    Analysis,
    DataSummary,
    ErrorBound,
    LedgerSummary,
    Miss,
    ParameterSummary,
    ReactionMeasured,
    ReliabilityCurve,
    TrackRecord,
    TrackRow,
)
from forecast.records.forecast import Forecast
from forecast.records.scale import ANY
from forecast.report.charts import draw_reliability
from forecast.report.palette import category_colour, name_category, name_model, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import web_address
from forecast.report.words import (
    answered_words,
    capitalised,
    days_ahead,
    group_of,
    headline_pair,
    plural,
    record_sentences,
    said_came,
    shown_change,
)
from forecast.wording import (
    count,
    interval_percent,
    long_day,
    number,
    percent,
    plain_number,
    share,
    short_day,
    shorten,
    small_number,
    sourced_in_words,
    times,
)

HOW_TO_MAKE = (
    "No backtest of this config was found, so nobody knows how good such forecasts were. Run “forecast "
    "backtest CONFIG”, then “forecast report RUN_DIR”."
)
ALL_SCORES = "Scores of every event and horizon"
_MOST_MISSES = 4
_MOST_CASES = 6
"""Cases of a reaction that are printed."""
_WIDEST_SLOPE = 1.0
"""Width of the 90% interval of a calibration slope from which on it tells nothing."""
_MOST_KINDS = 1
_READING = (
    "Brier and log scores: lower is better, ± block-bootstrap standard error. Episodes: past cases that "
    "decided the periods. Said → came: said on average, and the share that came. Against past periods: 90% "
    "interval of the gain in Brier score over the share of past periods, bold where a gain or loss can be "
    "claimed; – where it leaves out 0 but rests on too few cases."
)
_BOLD = " A bold baseline was more accurate."
_FORECAST = (
    "Under each plausible setting the chance that no act ahead, and no answer to an act, meets the target "
    "before the milestone is computed day by day; only tension and drift are drawn ahead. The probability is "
    "the mean over settings."
)
_SHORT = (
    "The model assumes that acts come by themselves or answer an act of the days before. How many come by "
    "themselves depends on the pair's own record, on how tense the relationship is (inferred from all acts, "
    "lasting months), on recent cooperation, and on a level of conflict that drifts over years. How many "
    "answer depends on who acted and how gravely.",
    "An event that never happened takes its rate from milder acts and from how often others went further.",
)
_MORE = (
    "The equations are in docs/model.md, every prior in docs/priors.md, and how to read this report in "
    "docs/report.md, all in the manual of the program. Parameters, scores and hashes are in report.html; "
    "report.pdf has the tables attached as CSV."
)
_INTERVAL = (
    "The plausible range (a 90% interval) shows how far the probability moves between plausible settings{}; "
    "it does not cover errors in the data or a world that changes its rules."
)
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
        ours = " ".join(record_sentences(forecast, record))
        told = [ours, " ".join(_how_tested(forecast, record))]
    if run.ledger_record:
        told.append(ledger_sentence(run.ledger_record))
    blocks: list[Block] = [*map(Prose, told)]
    if record is not None:
        rows = [row for row in record.rows if row.target == forecast.headline.target]
        if rows:
            reading, others = Prose(_reading(rows)), len(record.rows) - len(rows)
            blocks += [reading, scores_table(forecast, rows, "scores")]
            if others:
                rest = f"The other {count(others, 'pair')} are in report.html, under “{ALL_SCORES}”."
                blocks.append(Prose(f"Of these, {_beaten(rows)}. {rest}", tone="fine"))
        calibration = Chart(
            name="track-record",
            headline="How often what was forecast happened, over all events and horizons",
            alt=describe_reliability(record.reliability),
            caption="A dot is a tenth of the scale, its number of forecasts above; grey bars hold 90% of "
            f"what calibrated forecasts would give. {_calibration_sentence(record.calibration_slope)}",
            draw=lambda: draw_reliability(record.reliability),
        )
        blocks += [calibration, _misses(forecast, record.largest_misses[:_MOST_MISSES])]
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


def _beaten(rows: Sequence[TrackRow]) -> str:
    """Say how many rows have enough episodes, and in how many of them a baseline was more accurate."""
    decided = [row.more_accurate for row in rows if row.episodes >= FEWEST_EPISODES]
    least = f"{small_number(FEWEST_EPISODES)} episodes or more"
    if not decided:
        return f"none has {least}, so nothing is said of who was more accurate"
    beaten = f"a simple baseline was more accurate in {decided.count('baseline') or 'none'}"
    return f"{len(decided)} {plural(len(decided), 'has', 'have')} {least}: {beaten}"


def _misses(forecast: Forecast, misses: Sequence[Miss]) -> Block:
    if not misses:
        return Prose("No forecast was on the wrong side of an even chance.")
    rows = []
    for miss in misses:
        last = miss.origin + timedelta(days=miss.horizon_days - 1)
        rows.append(
            (
                Cell(_label(forecast, miss.target), swatch=_colour(forecast, miss.target)),
                f"{short_day(miss.origin)} to {short_day(last)}",
                f"{miss.horizon_days:,} days",
                Cell(percent(miss.probability), weight="semibold"),
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
        scores = tuple(_score_cells(forecast, row) for row in rows if row.target == target)
        groups.append(Group(label=_label(forecast, target), colour=_colour(forecast, target), rows=scores))
    columns = (
        *(Column("Ahead", 17), right("It happened in", 18), right("Episodes", 16), right("Said → came", 20)),
        *(right("Brier score", 24), right("Against past periods", 26), Column("Best baseline")),
        *(right("Its Brier", 13), right("Log score", 14)),
    )
    title = "Scores beside simple baselines"
    return Table(name=name, title=title, columns=columns, groups=tuple(groups), lines=False)


def _score_cells(forecast: Forecast, row: TrackRow) -> tuple[Cell, ...]:
    best, span = row.best_baseline, row.skill_told
    error = "" if row.brier.se is None else f" ±{show_score(row.brier.se)}"
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
        said_came(row),
        Cell(f"{show_score(row.brier.value)}{error}", weight="semibold"),
        against,
        Cell(name_model(best.name), weight=weight),
        Cell(show_score(best.brier), weight=weight),
        show_score(row.log.value),
    )


def _how_tested(forecast: Forecast, record: TrackRecord) -> Iterator[str]:
    """How the backtest was made, how it went, and how far ahead it reached beside this forecast."""
    yield (
        f"Backtest: the {name_model(record.model)} was made at {count(record.n_origins, 'date')} from "
        f"{long_day(record.first_origin)} to {long_day(record.last_origin)}, each time from what was known "
        f"by then, and set beside what happened by {long_day(record.data_end)}."
    )
    yield f"Of {count(len(record.rows), 'pair')} of event and horizon, {_beaten(record.rows)}."
    claims = Counter(row.claim for row in record.rows)
    if claims["better"] or claims["worse"]:
        yield (
            f"The forecasts clearly beat the share of past periods in {claims['better'] or 'none'} of them, "
            f"and clearly lose to it in {claims['worse'] or 'none'}."
        )
    length, tested = days_ahead(forecast), max(row.horizon_days for row in record.rows)
    if length <= tested:
        yield f"This forecast is {length:,} days ahead; up to {tested:,} days were tested."
    else:
        yield f"This forecast is {length:,} days ahead, further than the {tested:,} days that were tested."


def _calibration_sentence(slope: ErrorBound | None) -> str:
    if slope is None or slope.interval90 is None or slope.interval90[1] - slope.interval90[0] > _WIDEST_SLOPE:
        return "There are too few outcomes to say whether forecasts were too bold or too timid."
    lower, upper = slope.interval90
    within = f"(slope {number(slope.value)}, {number(lower)} to {number(upper)}; 1 is right)"
    if lower <= 1 <= upper:
        return f"Forecasts were neither clearly too bold nor too timid {within}."
    return f"Forecasts were too {'bold' if slope.value < 1 else 'timid'} {within}."


def describe_reliability(curves: tuple[ReliabilityCurve, ...]) -> str:
    """Alt text of the reliability figure: every dot with its band."""
    parts = []
    for curve in curves:
        dots = "; ".join(
            f"{percent(one.forecast_mean)} forecast {times(one.number)}, happened in "
            f"{share(one.observed_share)} (band {interval_percent((one.lower90, one.upper90))})"
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
    """Where the chart has no earlier forecast of the headline question: what is on record, or none."""
    ledger, asked = run.ledger_record, run.forecast.headline
    question = (asked.target, asked.milestone)
    if (
        ledger is None
        or run.forecast.too_little
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


# Data and limits


def data_section(run: RunRecords) -> Section:
    """What the forecast was made from, what to bear in mind, its limits, and what severities mean."""
    data = run.analysis.data
    cautions = caution_lines(run.forecast.cautions)
    told = coverage_sentences(run.forecast, run.analysis)
    blocks: list[Block] = [
        Beside(left=tuple(map(Prose, told)), right=(_counts_table(data),), right_width=78),
        *_terms_table(data),
    ]
    for head, lines in ((HEAD, cautions), ("Known limits", data.limits)):
        blocks += [Heading(head), Bullets(tuple(lines))] if lines else []
    return Section("data", "Data and limits", (*blocks, _severity_table(run.forecast)))


def _severity_table(forecast: Forecast) -> Table:
    """What the numbers of the severity scale mean, in general and for the kinds that the headline counts."""
    target, _ = headline_pair(forecast)
    kinds = target.any_of if len(target.any_of) <= _MOST_KINDS else ()
    scale = forecast.scale
    columns = [Column("Severity", 24), Column("Any act", 56 if kinds else None)]
    columns += [Column(name_category(kind)) for kind in kinds]
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
                long_day(one.known_on) if one.known_on else "–",
            )
            for one in data.sources
        )
        needs = Column("Needs a licence for", 32), Column("As known on", 28)
        columns = (Column("Source", 22), right("Events", 16), "Terms", *needs)
        yield plain_table(columns, rows, "Sources and their terms", "terms")


def coverage_sentences(forecast: Forecast, analysis: Analysis) -> Iterator[str]:
    """How many events, from when to when, whose, and how many were checked against their source."""
    data, as_of = analysis.data, long_day(forecast.as_of)
    # The first day that is used: that of the first event, or a later start of the config.
    yield (
        f"{count(data.rows, 'event').capitalize()} known by {as_of} ({data.source}), "
        + ("all used" if data.rows == data.rows_fitted else f"{data.rows_fitted:,} of them used")
        + f", from {long_day(max(data.first_date, data.start))} on."
    )
    quiet = (forecast.as_of - data.last_date).days
    before = f"{count(quiet, 'day')} before the as-of day" if quiet else "the as-of day"
    yield f"The last event known is of {long_day(data.last_date)}, {before}."
    dyad = DyadRule(data.dyad.a, data.dyad.b, data.dyad.theatre)
    a, b = "+".join(dyad.a), "+".join(dyad.b)
    third = f", with third parties {data.dyad.rows_theatre:,}" if dyad.theatre else ""
    yield (
        f"These are {dyad.in_words()}: by {a} towards {b} {data.dyad.rows_a_to_b:,}, by {b} towards {a} "
        f"{data.dyad.rows_b_to_a:,}{third}."
    )
    if data.rows_left_out:
        pairs = [PairRows(one.initiator, one.recipient, one.rows) for one in data.left_out]
        yield f"Left out as acts of others: {left_out_in_words(pairs, data.rows_left_out, 5)}."
    read = None if data.verified_share is None else round(data.verified_share * data.rows)
    if read is not None or data.rows_sourced is not None:
        yield sourced_in_words(data.rows_sourced or 0, data.rows, read)


def _counts_table(data: DataSummary) -> Table:
    counts = data.counts_by_category
    most = max(counts.values(), default=0) or 1
    known = [name for name in CATEGORIES if name in counts]
    rows = (
        (
            name_category(name),
            Cell(mark=Bar(value=counts[name] / most, colour=category_colour(name))),
            f"{counts[name]:,}",
        )
        for name in (*known, *sorted(set(counts) - set(known)))
    )
    columns = (Column("Kind", 29), "Events", right("Count", 11))
    return plain_table(columns, rows, "Events by kind", "event-counts", lines=False)


# Reactions


def reaction_sentences(one: ReactionMeasured) -> Iterator[str]:
    """Say what sets the reaction off, how often it came, what chance alone gives, and its chance."""
    sentence = one.sentence.partition(f"({one.name}): ")[2] or one.sentence
    yield capitalised(code_in_words(sentence))
    if one.cases:
        yield f"The record: {answered_words(one)}; answers on the same day do not count."
    else:
        yield "The record holds no case whose days are over."
    of_acts = one.effects or one.counts_itself
    trigger = "a trigger of severity 4" if of_acts else "the occasion"
    before = f"mean {percent(one.prior)} ({interval_percent(one.prior90)})"
    # What is stated holds for the days of the reaction; a few answers come later.
    later = ", within these days or later" if one.stated else ""
    after = f"{percent(one.chance)} (90% interval {interval_percent(one.chance90)})"
    said = f"Chance that {trigger} brings about an answer"
    said += (" beyond those to any act as grave" if of_acts else "") + later
    if one.counts_itself:
        yield "A trigger counts as the event itself, so no effect of one is shown."
    if not one.uses_record:
        yield f"{said}: {before}, as the config states it, whatever the record says."
        return
    source = "by the config's statement" if one.stated else "our assumption"
    yield f"{said}: {after}. Before the record, {source}: {before}."


def reaction_tables(run: RunRecords, one: ReactionMeasured) -> Iterator[Table]:
    """What one trigger does, some days on and by the milestone; and the cases of the record with dates."""
    forecast = run.forecast
    if one.effects:
        rows = (
            (
                f"{effect.days} days after" if effect.days else f"before {short_day(effect.date)}",
                percent(effect.base),
                Cell(percent(effect.probability), weight="semibold", value=effect.probability),
                shown_change(effect.probability - effect.base, effect.mcse),
            )
            for effect in one.effects
        )
        columns = (Column("", 40), right("Without", 20), right("With", 20), right("Change, points", 30))
        trigger = f"trigger of severity {one.severity}" if one.severity else "such trigger"
        title = f"{_label(forecast, one.target)}: what one {trigger} on the next day does"
        yield plain_table(columns, rows, title, f"effect-{one.name}", lines=False, whole=True)
    if one.shown:
        cases = (
            (
                short_day(case.date),
                str(case.severity or "–"),
                shorten(case.what, 160) or "the occasion",
                short_day(case.answered_on)
                if case.answered_on
                else f"not in {one.days} days"
                if case.over
                else f"{count(one.days, 'day')} not over yet",
            )
            for case in sorted(one.shown, key=lambda case: case.answered_on is None)[:_MOST_CASES]
        )
        heads = (Column("Day", 20), Column("Sev.", 10, "center"), "What happened", Column("Answered", 30))
        title = "Its cases in the record"
        if len(one.shown) > _MOST_CASES:
            some = small_number(_MOST_CASES).capitalize()
            title = f"{some} of its cases in the record: the answered, then the gravest, then the latest"
        yield plain_table(heads, cases, title, f"cases-{one.name}")


# Method


def method_section(run: RunRecords) -> Section:
    """The method in half a page: what the forecast is, its range, its checks, and where to read more."""
    several = " and members" if len(run.forecast.members) > 1 else ""
    paragraphs = (
        " ".join((*describe_method(run.forecast.model)[:1], *_SHORT)),
        f"{_FORECAST} {_INTERVAL.format(several)}",
        " ".join(health_sentences(run.forecast, run.analysis)),
        _MORE,
    )
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


def health_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """Whether the fit passed its checks, and how many draws stand behind it."""
    how, failures = analysis.sampler, len(forecast.diagnostics.failures)
    again = f" after {count(how.reruns, 'automatic rerun')}" if how.reruns else ""
    failed = f"{count(failures, 'check').capitalize()} of the fit failed{again}: do not use the numbers."
    return (
        f"The fit passed all its checks{again}." if forecast.converged else failed,
        f"It rests on {how.chains * how.draws:,} posterior draws; their chances are computed, not simulated.",
    )


def check_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """What each check of the sampler found, with its limit."""
    worst, how = forecast.diagnostics, analysis.sampler
    draws, diverged = how.chains * how.draws, "No draw diverged."
    if worst.divergences:
        part = f"{100 * worst.divergences / draws:.2f}%; up to 0.10% passes"
        diverged = f"{count(worst.divergences, 'draw')} of {draws:,} diverged ({part})."
    return (
        *health_sentences(forecast, analysis),
        f"{count(how.chains, 'chain')}, {how.tune:,} tuning draws each, target acceptance "
        f"{how.target_accept:.2f}, seed {how.seed}.",
        f"Do the chains agree? The largest R-hat is {worst.rhat_max:.3f}; up to 1.010 passes.",
        f"Is the sample large enough? It is worth at least {number(worst.ess_bulk_min, 0)} independent draws "
        f"for the centre and {number(worst.ess_tail_min, 0)} for the tails of every quantity; from 400 "
        "passes.",
        f"{diverged} The smallest energy fraction (BFMI) is {worst.bfmi_min:.2f}; from 0.30 passes.",
        "These checks cover the milestone probabilities themselves, not only the parameters.",
    )


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
    figure = plain_number if 0 < one.prior_interval90[1] < 0.1 else number
    return cells(
        one.name.removeprefix(group).lstrip(".").replace("_", " ") or "all",
        Cell(one.prior + ("" if one.prior_origin == "default" else "*"), tone="fine"),
        figure(one.prior_mean),
        " to ".join(map(figure, one.prior_interval90)),
        Cell(figure(one.posterior_mean), weight="semibold"),
        " to ".join(map(figure, one.posterior_interval90)),
        Cell(number(one.rhat, 3), tone="fine"),
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
