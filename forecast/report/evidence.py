"""What stands behind the numbers: sampler health, data, recent events, sources, identity of the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from forecast import wording
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import DyadRule, PairRows, left_out_in_words
from forecast.events.table import Event, EventTable
from forecast.records.analysis import Analysis, DataSummary
from forecast.records.forecast import Forecast
from forecast.report.explanation import name_category, ordered_drivers
from forecast.report.palette import category_colour
from forecast.report.printable import shorten, web_address

RECENT_DAYS = 183
MOST_EVENTS_PRINTED = 40


def health_sentences(forecast: Forecast, analysis: Analysis) -> list[str]:
    """How the posterior was sampled and what its checks say, in words."""
    worst, how = forecast.diagnostics, analysis.sampler
    draws = how.chains * how.draws
    again = f" after {wording.count(how.reruns, 'automatic rerun')}" if how.reruns else ""
    verdict = (
        f"All checks passed{again}."
        if forecast.converged
        else f"{wording.count(len(worst.failures), 'check').capitalize()} failed{again}: "
        "do not use the numbers."
    )
    return [
        f"{verdict} The posterior holds {draws:,} draws from {wording.count(how.chains, 'chain')}, after "
        f"{how.tune:,} tuning draws each, at a target acceptance of {how.target_accept:.2f} and seed "
        f"{how.seed}. Sampling took {wording.number(how.seconds, 0)} seconds.",
        f"Do the chains agree? The largest R-hat is {worst.rhat_max:.3f}; up to 1.010 passes.",
        f"Is the sample large enough? It is worth at least {wording.number(worst.ess_bulk_min, 0)} "
        f"independent draws for the centre and {wording.number(worst.ess_tail_min, 0)} for the tails "
        "of every quantity; from 400 passes.",
        f"Did the sampler get everywhere? {_divergence_sentence(worst.divergences, draws)} The smallest "
        f"energy fraction (BFMI) is {worst.bfmi_min:.2f}; from 0.30 passes.",
        "These checks cover the milestone probabilities themselves, not only the parameters. Each draw was "
        f"played forward {wording.count(how.paths_per_draw, 'time')}.",
    ]


def _divergence_sentence(divergences: int, draws: int) -> str:
    if divergences == 0:
        return "No draw diverged."
    share = 100 * divergences / draws
    return f"{wording.count(divergences, 'draw')} of {draws:,} diverged ({share:.2f}%; up to 0.10% passes)."


def data_content(forecast: Forecast, analysis: Analysis) -> dict[str, Any]:
    """Coverage, verified share, last event known, limits, and counts by category."""
    data = analysis.data
    quiet = (forecast.as_of - data.last_date).days
    sentences = [
        f"{wording.count(data.rows, 'event').capitalize()} known by {wording.long_day(forecast.as_of)} "
        f"({data.source}); {data.rows_fitted:,} of them lie on the grid that is fitted, from "
        f"{wording.long_day(data.first_date)}.",
        f"The last event known is of {wording.long_day(data.last_date)}, "
        + ("the as-of day." if quiet == 0 else f"{wording.count(quiet, 'day')} before the as-of day."),
    ]
    sentences += _whose_acts(data)
    if data.verified_share is not None:
        sentences.append(
            f"{wording.share(data.verified_share).capitalize()} of the rows name a page that was read "
            "and reports the act."
        )
    most = max(data.counts_by_category.values(), default=0) or 1
    known = [name for name in CATEGORIES if name in data.counts_by_category]
    others = sorted(set(data.counts_by_category) - set(known))
    counts = [
        {
            "label": name_category(name),
            "colour": category_colour(name),
            "count": f"{data.counts_by_category[name]:,}",
            "share": data.counts_by_category[name] / most,
        }
        for name in (*known, *others)
    ]
    return {"sentences": sentences, "limits": list(data.limits), "counts": counts}


def _whose_acts(data: DataSummary) -> list[str]:
    """Which acts count and which rows were left out; nothing of a run that read whole files."""
    if data.dyad is None:
        return []
    dyad = DyadRule(data.dyad.a, data.dyad.b, data.dyad.theatre)
    a, b = "+".join(dyad.a), "+".join(dyad.b)
    third = f", {data.dyad.rows_theatre:,} with {' or '.join(dyad.theatre)}" if dyad.theatre else ""
    sentences = [
        f"What counts: {dyad.in_words()}. {data.dyad.rows_a_to_b:,} are by {a} towards {b}, "
        f"{data.dyad.rows_b_to_a:,} by {b} towards {a}{third}."
    ]
    if data.rows_left_out:
        pairs = [PairRows(one.initiator, one.recipient, one.rows) for one in data.left_out]
        sentences.append(f"Left out as acts of others: {left_out_in_words(pairs, data.rows_left_out, 5)}.")
    return sentences


def recent_events(events: EventTable, as_of: date) -> dict[str, Any]:
    """Events of the last six months, newest first; the least severe go when there are too many to print."""
    first = as_of - timedelta(days=RECENT_DAYS)
    window = list(events.between(first, as_of).rows())
    printed = sorted(window, key=lambda event: (event.severity, event.date, event.id))[-MOST_EVENTS_PRINTED:]
    newest_first = sorted(printed, key=lambda event: (event.date, event.id), reverse=True)
    intro = (
        f"{wording.count(len(window), 'event').capitalize()} from {wording.long_day(first)} to "
        f"{wording.long_day(as_of)}, newest first."
    )
    if len(printed) < len(window):
        intro += f" The {len(printed)} most severe are printed."
    if events.has_verified:
        intro += " A dot after the source marks a page that was read."
    intro += f" All {wording.count(len(events), 'event')} are attached to this file as events.csv."
    return {"intro": intro, "rows": [_event_row(event) for event in newest_first]}


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "day": wording.short_day(event.date),
        "category": name_category(event.category),
        "colour": category_colour(event.category),
        "severity": str(event.severity),
        "summary": shorten(event.summary, 320),
        "source": shorten(event.source_outlet, 60),
        "url": web_address(event.source_url),
        "verified": event.verified,
    }


def cited_sources(forecast: Forecast, events: EventTable) -> list[dict[str, Any]]:
    """Sources of the drivers, numbered as they are; the link only where the address is plain http(s)."""
    by_id = {event.id: event for event in events.rows()}
    cited = []
    for number, driver in enumerate(ordered_drivers(forecast.drivers), start=1):
        event = by_id.get(driver.event_id)
        cited.append(
            {
                "number": str(number),
                "day": wording.short_day(driver.date),
                "outlet": shorten(event.source_outlet if event else driver.source, 120),
                "title": shorten(event.source_title, 200) if event else "",
                "url": web_address(event.source_url) if event else None,
                "verified": bool(event and event.verified),
            }
        )
    return cited


def identity_rows(forecast: Forecast, manifest: Mapping[str, object]) -> list[list[str]]:
    """Run id, model, hashes and versions: what is needed to make the same report again."""
    named = {
        "config_sha256": "Config (SHA-256)",
        "data_sha256": "Events (SHA-256)",
        "code_version": "Code",
        "seed": "Seed",
    }
    rows = [["Run", forecast.run_id], ["Model family", forecast.model], ["As of", forecast.as_of.isoformat()]]
    rows += [[label, str(manifest[key])] for key, label in named.items() if key in manifest]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(forecast.versions.items()))
    return [*rows, ["Versions", versions or "not recorded"]]
