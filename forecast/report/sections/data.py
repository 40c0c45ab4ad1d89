"""What the numbers rest on: the data, recent events, sources of the drivers, identity of the run."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from forecast import wording
from forecast.blocks import (
    Bar,
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
)
from forecast.events.codebook import CATEGORIES, SEVERITIES, severity_word, weak_kind
from forecast.events.dyads import DyadRule, PairRows, left_out_in_words
from forecast.events.table import Event, EventTable
from forecast.records.analysis import Analysis, DataSummary
from forecast.records.cautions import HEAD, caution_lines
from forecast.records.forecast import Forecast
from forecast.records.scale import ANY
from forecast.report.judgement import headline_pair
from forecast.report.palette import category_colour, name_category
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten, web_address

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
