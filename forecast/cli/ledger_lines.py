"""Records of a ledger on the terminal, in lines of at most 80 signs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from forecast.cli.score_lines import WIDTH, Line
from forecast.ledger.book import SHOWN_DIGITS, Book
from forecast.ledger.entries import (
    ForecastEntry,
    JudgementEntry,
    ProbabilityEntry,
    ResolutionEntry,
    VoidEntry,
)
from forecast.wording import count, interval_percent, percent

if TYPE_CHECKING:
    from forecast.ledger.resolving import Resolved

_TARGET_WIDTH = 22
_SHOWN_ACTS = 5


def list_lines(book: Book, entries: Sequence[ProbabilityEntry]) -> Iterator[Line]:
    """Yield a line a forecast: id, days, target, probability, what happened."""
    if not entries:
        yield f"{book.path}: no such forecast on record.", ""
        return
    heads = f"{'Id':<{SHOWN_DIGITS}}  {'As of':<10}  {'Before':<10}  {'Pair':<7}  {'Target':<22} Chance"
    yield f"{heads}  Ends", "bold"
    for entry in entries:
        question = entry.question
        yield (
            f"{entry.id[:SHOWN_DIGITS]}  {question.as_of}  {question.milestone}  {question.pair:<7}  "
            f"{_cut(_what(entry)):<{_TARGET_WIDTH}} {percent(entry.probability):>6}  "
            f"{_end(book, entry)}",
            "dim" if book.standing(entry) == "void" else "",
        )
    yield "", ""
    unconverged = sum(isinstance(entry, ForecastEntry) and not entry.converged for entry in entries)
    if unconverged:
        yield from wrapped(f"{count(unconverged, 'forecast')} of a fit that did not converge: not scored.")
    yield from wrapped("One with everything recorded: forecast ledger show ID", "dim")


def _what(entry: ProbabilityEntry) -> str:
    return f"({entry.forecaster})" if isinstance(entry, JudgementEntry) else getattr(entry, "target", "")


def _end(book: Book, entry: ProbabilityEntry) -> str:
    standing = book.standing(entry)
    resolution = book.resolution_of(entry.question.id)
    return ("yes" if resolution.outcome else "no") if standing == "resolved" and resolution else standing


def _cut(text: str) -> str:
    return text if len(text) <= _TARGET_WIDTH else text[: _TARGET_WIDTH - 1] + "…"


def show_lines(book: Book, subject: str) -> Iterator[Line]:
    """Yield everything on record about a forecast, a question or an outcome."""
    if subject not in book:
        yield f"Question {subject[:SHOWN_DIGITS]}", "bold"
        yield "", ""
        yield from list_lines(book, [one for one in book.answers if one.question.id == subject])
        yield from _outcome_lines(book, subject)
        return
    record = book.record(subject)
    entry = record.entry
    yield f"{entry.kind.capitalize()} {subject[:SHOWN_DIGITS]}", "bold"
    if isinstance(entry, VoidEntry):
        yield from _field("Void", f"{entry.subject[:SHOWN_DIGITS]}: {entry.reason}")
    elif isinstance(entry, ResolutionEntry):
        yield from _resolution_lines(entry)
    else:
        yield from _answer_lines(book, entry)
    yield from _field("Recorded", f"{record.recorded_on:%Y-%m-%d %H:%M:%S} UTC, record {record.sequence}")
    if record.clock_behind_s:
        yield from _field("Clock", f"stood {record.clock_behind_s} s behind an earlier record")
    yield from _field("Hash", record.hash)
    for step in entry.provenance:
        yield from _field("Came from", f"a chain with head {step.chain_head[:16]}…, there {step.hash[:16]}…")


def _answer_lines(book: Book, entry: ProbabilityEntry) -> Iterator[Line]:
    question = entry.question
    severity = "" if question.min_severity == 1 else f" of severity {question.min_severity} or more"
    rule = f"{' or '.join(one.replace('_', ' ') for one in question.any_of)}{severity}"
    if isinstance(entry, ForecastEntry):
        yield from _field("Pair", f"{entry.dyad_label} ({question.pair})")
        yield from _field("Target", f"{entry.target_label} ({entry.target}): {rule}")
        yield from _field(
            "Window", f"after {question.as_of} and before {question.milestone} ({entry.milestone_label})"
        )
        yield from _field(
            "Chance",
            f"{percent(entry.probability)} ({entry.probability:g}), 90% interval "
            f"{interval_percent(entry.interval90)}, Monte Carlo error {entry.mcse:g}: {entry.words}",
        )
        yield from _field("Baseline", f"{percent(entry.baseline.probability)} ({entry.baseline.name})")
        fit = "converged" if entry.converged else "did not converge: not scored"
        yield from _field("Model", f"{entry.model}, forecast {entry.code_version}; {fit}")
        yield from _field("Run", f"{entry.run_id}, {entry.run_folder or 'not kept'}")
        yield from _field("Config", f"sha256 {entry.config_sha256[:16]}…, data {entry.data_sha256[:16]}…")
    elif isinstance(entry, JudgementEntry):
        yield from _field("Pair", question.pair)
        yield from _field("Target", rule)
        yield from _field("Window", f"after {question.as_of} and before {question.milestone}")
        yield from _field(
            "Chance", f"{percent(entry.probability)} ({entry.probability:g}) by {entry.forecaster}"
        )
    late = " (hindcast: part of the answer could be known)" if entry.hindcast else ""
    yield from _field("Made on", f"{entry.made_on:%Y-%m-%d %H:%M:%S} UTC{late}")
    yield from _field("Question", question.id[:SHOWN_DIGITS])
    yield from _outcome_lines(book, question.id)
    void = book.void_of(entry)
    if void:
        yield from _field("Void", void.reason)


def _outcome_lines(book: Book, question_id: str) -> Iterator[Line]:
    for resolution in book.resolutions.get(question_id, []):
        yield from _resolution_lines(resolution)
    if question_id not in book.resolutions:
        yield from _field("Outcome", "open")


def _resolution_lines(entry: ResolutionEntry) -> Iterator[Line]:
    acts = ", ".join(entry.acts[:_SHOWN_ACTS]) + (" …" if len(entry.acts) > _SHOWN_ACTS else "")
    said = f"yes, on {entry.decided_on} ({acts})" if entry.outcome else "no"
    where = f"{entry.events_source}, which reaches {entry.through}"
    yield from _field("Corrected" if entry.corrects else "Outcome", f"{said}; by {where}")


def resolved_lines(done: Resolved, source: str) -> Iterator[Line]:
    """Yield what a file of events settled, and what stays open until when."""
    coverage = done.coverage
    why = "as stated" if coverage.stated else "the last day on which anything became known"
    yield from wrapped(
        f"{source}: acts of {'-'.join(coverage.dyad)}, taken to cover the days through {coverage.through} "
        f"({why})."
    )
    if coverage.unseen:
        yield from wrapped(
            f"No row names {' or '.join(coverage.unseen)}. Does the file cover their acts?", "yellow"
        )
    yes = sum(one.outcome for one in done.new)
    settled = f": {yes} yes, {len(done.new) - yes} no" if done.new else " that was not before"
    before = f" {count(len(done.unchanged), 'question')} unchanged." if done.unchanged else ""
    yield from wrapped(f"Resolved: {count(len(done.new), 'question')}{settled}.{before}")
    if done.corrected:
        yield from wrapped(
            f"{count(len(done.corrected), 'outcome')} corrected; the earlier ones stay on record.", "yellow"
        )
    if done.open:
        soonest = min(question.milestone for question in done.open)
        yield from wrapped(
            f"{count(len(done.open), 'question')} open: the events do not reach the milestone. The next is "
            f"over when they cover the day before {soonest}."
        )
    if done.open_met:
        yield from wrapped(
            f"{count(len(done.open_met), 'open question')} met already. They wait for their milestone like "
            "the others, so that a yes does not count sooner than a no."
        )
    if done.void:
        yield from wrapped(f"{count(len(done.void), 'void question')} left alone.")
    if done.other_dyads:
        yield from wrapped(f"{count(len(done.other_dyads), 'question')} on other pairs left alone.")


def _field(name: str, text: str) -> Iterator[Line]:
    yield from wrapped(f"{name:<10}{text}", hang=" " * 10)


def wrapped(text: str, style: str = "", hang: str = "") -> Iterator[Line]:
    """Yield a text in lines that fit; what follows the first line hangs."""
    # A path that is longer than a line stays whole, so that it can be copied.
    for line in textwrap.wrap(
        text, WIDTH, subsequent_indent=hang, break_on_hyphens=False, break_long_words=False
    ):
        yield line, style
