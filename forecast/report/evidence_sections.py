"""What defends the forecast: how such forecasts did, the data behind it, and the method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
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
    one_group,
)
from forecast.events.codebook import CATEGORIES, SEVERITIES, severity_word, weak_kind
from forecast.events.dyads import DyadRule, PairRows, left_out_in_words
from forecast.events.table import Event, EventTable
from forecast.panel import TargetRule, stream_layout
from forecast.records.analysis import (
    Analysis,
    DataSummary,
    ErrorBound,
    LedgerSummary,
    Miss,
    ParameterSummary,
    ReliabilityCurve,
    TrackRecord,
    TrackRow,
    own_record,
)
from forecast.records.forecast import Forecast
from forecast.records.notices import HEAD, caution_lines
from forecast.records.scale import ANY
from forecast.report.charts import draw_reliability
from forecast.report.palette import category_colour, describe_model, name_category, name_model, target_colour
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten, web_address
from forecast.report.words import (
    group_of,
    headline_pair,
    learned_paragraphs,
    members_sentence,
    record_sentences,
    shown_days,
    skill_words,
)

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
    unused = [one for one in run.analysis.warnings if one.code == "unused_backtest"]
    said = [one.text for one in unused] or [HOW_TO_MAKE]
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
    if few := [one for one in record.warnings if one.code == "few_outcomes"]:
        notes.append(
            f"{len(few)} of {wording.count(len(record.rows), 'row')} hold fewer than {few[0]['needed']} "
            "periods with, or without, the event; nothing is claimed there."
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
            Cell("; ".join(one.differs) or "–"),
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


RECENT_DAYS = 183
MOST_EVENTS_PRINTED = 40
_MOST_KINDS = 1


def data_section(run: RunRecords) -> Section:
    """What the forecast was made from, what to bear in mind, its limits, and what severities mean."""
    data = run.analysis.data
    said = [*coverage_sentences(run.forecast, run.analysis), *weak_sources(run.events)]
    beside = Beside(
        left=tuple(Prose(sentence) for sentence in said),
        right=(_counts_table(data),),
        right_width=78,
    )
    cautions = caution_lines([one for one in run.forecast.cautions if one.code != "not_converged"])
    told: tuple[Block, ...] = (Heading(HEAD), Bullets(tuple(cautions))) if cautions else ()
    limits: tuple[Block, ...] = (Heading("Known limits"), Bullets(data.limits)) if data.limits else ()
    return Section(
        "data", "Data and limits", (beside, *_terms_table(data), *told, *limits, severity_table(run))
    )


def severity_table(run: RunRecords) -> Table:
    """What the numbers of the severity scale mean, in general and for the kinds that the headline counts."""
    target, _ = headline_pair(run.forecast)
    kinds = target.any_of if len(target.any_of) <= _MOST_KINDS else ()
    return Table(
        name="severity",
        title=f"What severities mean: the scale '{run.forecast.scale.name}'",
        columns=(
            Column("Severity", 24),
            Column("Any act", None if not kinds else 56),
            *(Column(name_category(one)) for one in kinds),
        ),
        groups=one_group(
            (
                Cell(f"{number} {severity_word(number)}", weight="semibold"),
                *(Cell(run.forecast.scale.anchor(one, number) or "–") for one in (ANY, *kinds)),
            )
            for number in SEVERITIES
        ),
        lines=False,
        whole=True,
    )


def _terms_table(data: DataSummary) -> tuple[Block, ...]:
    """Return on what terms the events may be used, by source; nothing for a file of the user's own alone."""
    if not any(one.licence for one in data.sources):
        return ()
    rows = (
        (
            Cell("own file" if one.source == "file" else one.source, url=web_address(one.page)),
            Cell(f"{one.acts:,}"),
            Cell(f"{one.licence}: {one.terms}" if one.licence else "Not known to the program."),
            Cell(" and ".join(one.bars) or "–"),
            Cell(wording.long_day(one.known_on) if one.known_on else "–"),
        )
        for one in data.sources
    )
    table = Table(
        name="terms",
        title="Sources and their terms",
        columns=(
            Column("Source", 22),
            Column("Events", 16, "right"),
            Column("Terms"),
            Column("Needs a licence for", 32),
            Column("As known on", 28),
        ),
        groups=one_group(rows),
    )
    return (table,)


def coverage_sentences(forecast: Forecast, analysis: Analysis) -> list[str]:
    """How many events, from when to when, and how many of them were checked against their source."""
    data = analysis.data
    quiet = (forecast.as_of - data.last_date).days
    sentences = [
        f"{wording.count(data.rows, 'event').capitalize()} known by {wording.long_day(forecast.as_of)} "
        f"({data.source}); {data.rows_fitted:,} of them lie on the grid that is fitted, from "
        f"{wording.long_day(first_used(data))}.",
        f"The last event known is of {wording.long_day(data.last_date)}, "
        + ("the as-of day." if quiet == 0 else f"{wording.count(quiet, 'day')} before the as-of day."),
    ]
    sentences += _whose_acts(data)
    if data.verified_share is not None:
        read = round(data.verified_share * data.rows)
        sentences.append(
            f"For {read:,} of the {data.rows:,} rows ({wording.share(data.verified_share)}) a page that "
            "reports the "
            f"act was read; {data.rows - read:,} rest on general knowledge or on a page that was not read."
        )
    return sentences


def weak_sources(events: EventTable) -> list[str]:
    """How many events rest on a weak outlet alone, by its kind, the most first; nothing where none does."""
    kinds = Counter(kind for url in events.source_url if (kind := weak_kind(url)))
    if not kinds:
        return []
    by_kind = wording.listing(tuple(f"{kind} {number:,}" for kind, number in kinds.most_common()))
    return [
        f"{wording.count(kinds.total(), 'row').capitalize()} cite an outlet that needs a second source "
        f"({by_kind}); the table of what moves the number marks it."
    ]


def first_used(data: DataSummary) -> date:
    """Return the first day that is used: that of the first event, or a later start of the config."""
    return max(data.first_date, data.start)


def _whose_acts(data: DataSummary) -> list[str]:
    """Which acts count and which rows were left out."""
    dyad = DyadRule(data.dyad.a, data.dyad.b, data.dyad.theatre)
    a, b = "+".join(dyad.a), "+".join(dyad.b)
    third = f", with third parties {data.dyad.rows_theatre:,}" if dyad.theatre else ""
    sentences = [
        f"These are {dyad.in_words()}: by {a} towards {b} {data.dyad.rows_a_to_b:,}, by {b} towards {a} "
        f"{data.dyad.rows_b_to_a:,}{third}."
    ]
    if data.rows_left_out:
        pairs = [PairRows(one.initiator, one.recipient, one.rows) for one in data.left_out]
        sentences.append(f"Left out as acts of others: {left_out_in_words(pairs, data.rows_left_out, 5)}.")
    return sentences


def _counts_table(data: DataSummary) -> Table:
    counts = data.counts_by_category
    most = max(counts.values(), default=0) or 1
    known = [name for name in CATEGORIES if name in counts]
    return Table(
        name="event-counts",
        title="Events by kind",
        columns=(Column("Kind", 29), Column("Events"), Column("Count", 11, "right")),
        groups=one_group(
            (
                Cell(name_category(name)),
                Cell(mark=Bar(value=counts[name] / most, colour=category_colour(name))),
                Cell(f"{counts[name]:,}"),
            )
            for name in (*known, *sorted(set(counts) - set(known)))
        ),
        lines=False,
    )


def recent_events_section(run: RunRecords) -> Section:
    """For the page alone: newest first, with their sources; all events are attached to the report."""
    intro, printed = recent_events(run.events, run.forecast.as_of)
    title = "Events of the last six months"
    table = Table(
        name="recent-events",
        title="Each event with its source, newest first",
        columns=(
            Column("Day", 17),
            Column("Kind", 26),
            Column("Sev.", 8, "center"),
            Column("What happened"),
            Column("Source", 31),
        ),
        groups=one_group(
            (
                Cell(wording.short_day(event.date)),
                Cell(name_category(event.category), swatch=category_colour(event.category)),
                Cell(str(event.severity)),
                Cell(shorten(event.summary, 320)),
                Cell(
                    shorten(event.source_outlet, 60) + (" •" if event.verified else ""),
                    url=web_address(event.source_url),
                ),
            )
            for event in printed
        ),
    )
    return Section("recent-events", title, (Prose(intro), table), printed=False)


def recent_events(events: EventTable, as_of: date) -> tuple[str, list[Event]]:
    """Events of the last six months, newest first; the least severe go when there are too many to show."""
    first = as_of - timedelta(days=RECENT_DAYS)
    window = list(events.between(first, as_of).rows())
    printed = sorted(window, key=lambda event: (event.severity, event.date, event.id))[-MOST_EVENTS_PRINTED:]
    intro = (
        f"{wording.count(len(window), 'event').capitalize()} from {wording.long_day(first)} to "
        f"{wording.long_day(as_of)}, newest first."
    )
    if len(printed) < len(window):
        intro += f" The {len(printed)} most severe are shown."
    if events.has_verified:
        intro += " A dot after the source marks a page that was read."
    intro += f" All {wording.count(len(events), 'event')} are in events.csv."
    return intro, sorted(printed, key=lambda event: (event.date, event.id), reverse=True)


def identity_section(run: RunRecords) -> Section:
    """For the page alone: run id, hashes and versions."""
    identity = Table(
        name="run",
        title="Identity of this run",
        columns=(Column("What", 30), Column("Value")),
        groups=one_group((Cell(name), Cell(value)) for name, value in identity_rows(run)),
        lines=False,
        whole=True,
    )
    return Section("run", "Reproduce this report", (identity,), printed=False)


def identity_rows(run: RunRecords) -> list[tuple[str, str]]:
    """Run id, model, hashes and versions: what is needed to make the same report again."""
    forecast = run.forecast
    labels = {
        "config_sha256": "Config (SHA-256)",
        "data_sha256": "Events (SHA-256)",
        "code_version": "Code",
        "seed": "Seed",
    }
    versions = ", ".join(f"{name} {version}" for name, version in sorted(forecast.versions.items()))
    return [
        ("Run", forecast.run_id),
        ("Model family", forecast.model),
        ("As of", forecast.as_of.isoformat()),
        *((label, str(run.manifest[key])) for key, label in labels.items() if key in run.manifest),
        *([("Ledger head", run.ledger_record.head)] if run.ledger_record else []),
        ("Versions", versions or "not recorded"),
    ]


_CALMING = {"visit": "visits", "channel_opening": "channels that open", "cooperation": "cooperative acts"}
_FINDINGS = {
    # Parameter: what a positive value means, what a negative one means, and the question it answers.
    f"ballast.{kind}": (
        f"after {name} conflictual acts come less often",
        f"after {name} conflictual acts come more often",
        f"whether {name} calm",
    )
    for kind, name in _CALMING.items()
}
UNMOVED_SHIFT, UNMOVED_WIDTH = 0.25, 0.9
"""Of a posterior that the data left as it was: largest move of its mean, in half-widths of the prior, and
least width, in widths of the prior."""
_FORECAST = (
    "The model plays the relationship forward, week by week, thousands of times from every plausible "
    "setting. Its probability is the share of these futures in which the target happens before the day of "
    "the milestone."
)
_SHORT = (
    "The model assumes that the rate of each kind of act depends on the pair's own record, on how tense "
    "the relationship is (inferred from all acts, lasting months), on what has just happened (acts bring "
    "about further acts, graver ones more), on recent cooperation, and on a level of conflict that drifts "
    "over years.",
    "An event that never happened takes its rate from milder acts and from how often others went further.",
)
_MORE = (
    "The equations are in docs/model.md, every prior in docs/priors.md, and how to read this report in "
    "docs/report.md, all in the manual of the program. Priors, parameters, scores, events and hashes are in "
    "report.html; the tables are attached to this file as CSV."
)
_MOVED = (
    "Members that know no scheduled events are moved by what these do to the odds in the model's futures; an "
    "event that meets a target itself counts with its own probability."
)
_INTERVAL = (
    "The plausible range (a 90% interval) shows how far the probability moves between plausible settings{}; "
    "it does not cover errors in the data or a world that changes its rules."
)
_NOT = (
    "The model does not know intentions, secret talks or plans. It sees what was made public and coded, and "
    "coding may be denser in some years than in others. It estimates how often such acts follow, not why. "
    "An act without precedent, or a shift of policy after the last event known, is outside it "
    "unless a scenario puts it in."
)


def method_section(run: RunRecords) -> Section:
    """The method in half a page: what the forecast is, its range, its checks, and where to read more."""
    several = len(run.forecast.members) > 1
    paragraphs = (
        " ".join((*describe_model(run.forecast.model)[:1], *_SHORT)),
        f"{_FORECAST} {_INTERVAL.format(' and members' if several else '')}",
        " ".join(health_sentences(run.forecast, run.analysis)),
        _MORE,
    )
    return Section("method", "Method", tuple(Prose(one) for one in paragraphs))


def methods_section(run: RunRecords) -> Section:
    """For the page alone: the model in full, what the data say of it, what was learned, every check."""
    several = len(run.forecast.members) > 1
    parts = (
        ("What the model is", describe_model(run.forecast.model)),
        ("What the data say of it", tuple(parameter_sentences(run.analysis.parameters))),
        ("What was put together", (members_sentence(run.forecast.members), _MOVED) if several else ()),
        ("What was learned from other pairs", tuple(learned_paragraphs(run.analysis.learned))),
        ("What the model is not", (_NOT,)),
        (
            "Did the sampler explore fully?",
            (*check_sentences(run.forecast, run.analysis), *(one.text for one in run.analysis.warnings)),
        ),
    )
    blocks: list[Block] = []
    for heading, paragraphs in parts:
        if paragraphs:  # a run of a family that this version does not know has none on its model
            blocks += [Heading(heading), *(Prose(paragraph) for paragraph in paragraphs)]
    return Section("methods", "Method in full", tuple(blocks), printed=False)


def parameter_sentences(parameters: tuple[ParameterSummary, ...]) -> list[str]:
    """Say of each such parameter what the data show, with its interval, or that they are silent."""
    said = []
    silent: list[str] = []
    for name, (positive, negative, question) in _FINDINGS.items():
        found = next((one for one in parameters if one.name == name), None)
        if found is None:
            continue
        lower, upper = found.posterior_interval90
        interval = f"{wording.number(lower)} to {wording.number(upper)}"
        shown = f"{wording.number(found.posterior_mean)}, 90% interval {interval}"
        if lower > 0 or upper < 0:
            said.append(f"The data show that {positive if lower > 0 else negative} ({shown}).")
        elif _is_unmoved(found):
            silent.append(question)
        else:
            said.append(f"The data do not settle {question} ({shown}).")
    if silent:
        questions = f"{', '.join(silent[:-1])}{', or ' if len(silent) > 1 else ''}{silent[-1]}"
        said.append(f"The data are silent on {questions}: the model's answer is its prior.")
    return said


def _is_unmoved(one: ParameterSummary) -> bool:
    """Whether the posterior is the prior: the data added nothing."""
    low, high = one.prior_interval90
    lower, upper = one.posterior_interval90
    half = (high - low) / 2
    moved = abs(one.posterior_mean - one.prior_mean)
    return moved < UNMOVED_SHIFT * half and upper - lower > UNMOVED_WIDTH * (high - low)


def health_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """Whether the fit passed its checks, and how many draws stand behind it."""
    worst, how = forecast.diagnostics, analysis.sampler
    again = f" after {wording.count(how.reruns, 'automatic rerun')}" if how.reruns else ""
    checks = wording.count(len(worst.failures), "check").capitalize()
    failed = f"{checks} of the fit failed{again}: do not use the numbers."
    return (
        f"The fit passed all its checks{again}." if forecast.converged else failed,
        f"It rests on {how.chains * how.draws:,} posterior draws, each played forward "
        f"{wording.count(how.paths_per_draw, 'time')}.",
    )


def check_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """What each check of the sampler found, with its limit."""
    worst, how = forecast.diagnostics, analysis.sampler
    draws = how.chains * how.draws
    return (
        *health_sentences(forecast, analysis),
        f"{wording.count(how.chains, 'chain')}, {how.tune:,} tuning draws each, target acceptance "
        f"{how.target_accept:.2f}, seed {how.seed}.",
        f"Do the chains agree? The largest R-hat is {worst.rhat_max:.3f}; up to 1.010 passes.",
        f"Is the sample large enough? It is worth at least {wording.number(worst.ess_bulk_min, 0)} "
        f"independent draws for the centre and {wording.number(worst.ess_tail_min, 0)} for the tails "
        "of every quantity; from 400 passes.",
        f"{_divergence_sentence(worst.divergences, draws)} The smallest energy fraction (BFMI) is "
        f"{worst.bfmi_min:.2f}; from 0.30 passes.",
        "These checks cover the milestone probabilities themselves, not only the parameters.",
    )


def _divergence_sentence(divergences: int, draws: int) -> str:
    if divergences == 0:
        return "No draw diverged."
    share = 100 * divergences / draws
    return f"{wording.count(divergences, 'draw')} of {draws:,} diverged ({share:.2f}%; up to 0.10% passes)."


_KINDS = (
    "The targets cut the acts into kinds that the model tells apart: acts that meet no target, by category, "
    "and acts that meet the same targets, named after the narrowest one and counted at most once a day."
)
_READING_PARAMETERS = (
    "Each parameter with its mean and 90% interval before (prior) and after (posterior) the data. A prior "
    "that the config sets is marked with a star."
)


def parameters_section(run: RunRecords) -> Section:
    """For the page alone: the kinds of act that the model counts, and every parameter before and after."""
    keyed = groupby(run.analysis.parameters, key=lambda one: (_group_name(one), one.meaning, one.unit))
    table = Table(
        name="parameters",
        title="Prior and posterior of every parameter",
        columns=(
            Column("Parameter", 30),
            Column("Prior"),
            Column("Mean", 11, "right"),
            Column("90% interval", 21),
            Column("After data", 11, "right"),
            Column("90% interval", 21),
            Column("R-hat", 9, "right"),
        ),
        groups=tuple(
            Group(label=meaning, note=f"({unit}) · {name}", rows=tuple(_cells(one, name) for one in members))
            for (name, meaning, unit), members in keyed
        ),
        lines=False,
    )
    blocks = (Prose(_KINDS), kinds_table(run), Prose(_READING_PARAMETERS), table)
    return Section("parameters", "What was assumed and what the data say", blocks, printed=False)


def kinds_table(run: RunRecords) -> Table:
    """Each kind of act that the model counts: which acts, how many were seen, and how many a year."""
    forecast, events = run.forecast, run.events.between(run.analysis.data.start, run.forecast.as_of)
    layout = stream_layout(
        [TargetRule(one.name, one.any_of, one.min_severity, one.by) for one in forecast.targets]
    )
    streams = layout.assign(events)
    years = ((forecast.as_of - run.analysis.data.start).days + 1) / 365.25
    rows = []
    for place, name in enumerate(layout.streams):
        days = events.date[streams == place]
        seen = len(days) if place < len(layout.ordinary) else len(set(days.tolist()))
        rows.append(
            (
                Cell(name.replace("_", " ")),
                Cell("; ".join(layout.acts_in_words(place))),
                Cell(f"{seen:,}", value=seen),
                Cell(wording.plain_number(seen / years), value=seen / years),
            )
        )
    return Table(
        name="kinds",
        title="What the model counts",
        columns=(
            Column("Kind", 40),
            Column("Acts"),
            Column("Seen", 14, "right"),
            Column("A year", 16, "right"),
        ),
        groups=one_group(rows),
        lines=False,
        whole=True,
    )


def _cells(one: ParameterSummary, group: str) -> tuple[Cell, ...]:
    element = one.name.removeprefix(group).lstrip(".")
    # Rates of rare acts would show as 0.00.
    figure = wording.plain_number if 0 < one.prior_interval90[1] < 0.1 else wording.number
    return (
        Cell(element.replace("_", " ") if element else "all"),
        Cell(one.prior + ("" if one.prior_origin == "default" else "*"), tone="fine"),
        Cell(figure(one.prior_mean)),
        Cell(" to ".join(map(figure, one.prior_interval90))),
        Cell(figure(one.posterior_mean), weight="semibold"),
        Cell(" to ".join(map(figure, one.posterior_interval90))),
        Cell(wording.number(one.rhat, 3), tone="fine"),
    )


def _group_name(one: ParameterSummary) -> str:
    # ``ballast.visit`` is the element 'visit' of the group 'ballast'.
    return group_of(one.name)[0] or one.name
