"""What ``forecast ledger list`` and ``show`` tell: plain values, and blocks for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from forecast.blocks import Block, Cell, Heading, Prose, plain_table, right
from forecast.errors import LedgerError
from forecast.events.countries import pair_named
from forecast.events.dyads import near_actors
from forecast.ledger.chain import (
    SHOWN_DIGITS,
    ForecastEntry,
    JudgementEntry,
    Ledger,
    ProbabilityEntry,
    ResolutionEntry,
    RunEntry,
    VoidEntry,
)
from forecast.wording import count, interval_percent, percent

_SHOWN_ACTS = 5
_OF_FAILED = "of runs that did not converge"
_Fields = Iterator[tuple[str, str]]


def refuse_unknown_pair(ledger: Ledger, pair: str) -> None:
    """Raise ``LedgerError`` for a pair that nothing on record is about."""
    asked = ledger.questions.values()
    if not any(question.is_about(pair) for question in asked):
        near = near_actors(pair_named(pair), {actor for question in asked for actor in question.dyad})
        known = ", ".join(sorted({question.pair for question in asked})) or "none"
        raise LedgerError(f"--dyad: nothing on record is about '{pair}'.{near} On record: {known}")


def summary(ledger: Ledger, entry: ProbabilityEntry) -> dict[str, Any]:
    """Return a forecast and what became of it as plain values."""
    resolution = ledger.resolution_of(entry.question.id)
    return entry.model_dump(mode="json") | {
        "question_id": entry.question.id,
        "standing": ledger.standing(entry),
        "failed": entry.failed,
        "outcome": resolution.outcome if resolution else None,
    }


def details(ledger: Ledger, subject: str) -> dict[str, Any]:
    """Return a record with its place in the chain, or a question with everything on record about it."""

    def resolutions(question_id: str) -> list[dict[str, Any]]:
        return [entry.model_dump(mode="json") for entry in ledger.resolutions.get(question_id, [])]

    if subject not in ledger:
        return {
            "question_id": subject,
            "question": ledger.questions[subject].model_dump(mode="json"),
            "forecasts": [summary(ledger, entry) for entry in _answers_to(ledger, subject)],
            "resolutions": resolutions(subject),
        }
    record = ledger.record(subject)
    content: dict[str, Any] = {
        "sequence": record.sequence,
        "hash": record.hash,
        "recorded_on": record.recorded_on.isoformat(),
        "clock_behind_s": record.clock_behind_s,
        "entry": record.entry.model_dump(mode="json"),
    }
    if isinstance(record.entry, ProbabilityEntry):
        question_id = record.entry.question.id
        content |= {"question_id": question_id, "standing": ledger.standing(record.entry)}
        content["resolutions"] = resolutions(question_id)
    return content


def _answers_to(ledger: Ledger, question_id: str) -> list[ForecastEntry | JudgementEntry]:
    return [entry for entry in ledger.answers if entry.question.id == question_id]


def list_blocks(
    ledger: Ledger, entries: Sequence[ForecastEntry | JudgementEntry], left_out: int = 0
) -> Iterator[Block]:
    """A row a forecast: id, days, target, probability, what happened; ``left_out`` failed ones counted."""
    without = f"{count(left_out, 'forecast')} {_OF_FAILED} left out: --failed lists them."
    if not entries:
        yield Prose(f"{ledger.path}: no such forecast on record.{f' {without}' if left_out else ''}")
        return
    rows = []
    for entry in entries:
        ending = _ending(ledger, entry)
        target = entry.target if isinstance(entry, ForecastEntry) else f"({entry.forecaster})"
        texts = (
            *(entry.id[:SHOWN_DIGITS], str(entry.question.as_of), str(entry.question.milestone)),
            *(entry.question.pair, target, percent(entry.probability), ending),
        )
        rows.append([Cell(text, tone="fine" if ending in ("failed", "void") else "plain") for text in texts])
    yield plain_table(("Id", "As of", "Before", "Pair", "Target", right("Chance"), "Ends"), rows)
    if failed := sum(entry.failed for entry in entries):
        yield Prose(f"{count(failed, 'forecast')} {_OF_FAILED}: not scored.")
    if left_out:
        yield Prose(without)
    yield Prose("One with everything recorded: forecast ledger show ID", tone="fine")


def _ending(ledger: Ledger, entry: ProbabilityEntry) -> str:
    standing = ledger.standing(entry)
    if entry.failed and standing != "void":
        return "failed"
    resolution = ledger.resolution_of(entry.question.id)
    return ("yes" if resolution.outcome else "no") if standing == "resolved" and resolution else standing


def detail_blocks(ledger: Ledger, subject: str) -> Iterator[Block]:
    """Everything on record about a forecast, a question or an outcome."""
    if subject in ledger:
        yield Heading(f"{ledger.record(subject).entry.kind.capitalize()} {subject[:SHOWN_DIGITS]}")
        fields = _record_fields(ledger, subject)
    else:
        yield Heading(f"Question {subject[:SHOWN_DIGITS]}")
        yield from list_blocks(ledger, _answers_to(ledger, subject))
        fields = _outcomes(ledger, subject)
    # No table, whose cells would break long paths and hashes.
    yield from (Prose(text, lead=f"{name}:") for name, text in fields)


def _record_fields(ledger: Ledger, subject: str) -> _Fields:
    record = ledger.record(subject)
    match record.entry:
        case RunEntry() as run:
            yield "Run", f"{run.run_id}, {run.run_folder}"
            yield "Manifest", f"sha256 {run.manifest_sha256}"
        case VoidEntry() as void:
            yield "Void", f"{void.subject[:SHOWN_DIGITS]}: {void.reason}"
        case ResolutionEntry() as resolution:
            yield _outcome(resolution)
        case ForecastEntry() | JudgementEntry() as answer:
            yield from _answer_fields(ledger, answer)
    yield "Recorded", f"{record.recorded_on:%Y-%m-%d %H:%M:%S} UTC, record {record.sequence}"
    if record.clock_behind_s:
        yield "Clock", f"stood {record.clock_behind_s} s behind an earlier record"
    yield "Hash", record.hash


def _answer_fields(ledger: Ledger, entry: ForecastEntry | JudgementEntry) -> _Fields:
    question = entry.question
    severity = "" if question.min_severity == 1 else f" of severity {question.min_severity} or more"
    by = f" by {' or '.join(question.by)}" if question.by else ""
    kinds = " or ".join(kind.replace("_", " ") for kind in question.any_of)
    rule = f"{kinds}{severity}{by}, scale {question.scale_key}"
    window = f"after {question.as_of} and before {question.milestone}"
    chance = f"{percent(entry.probability)} ({entry.probability:g})"
    if isinstance(entry, JudgementEntry):
        yield "Pair", question.pair
        yield "Target", rule
        yield "Window", window
        yield "Chance", f"{chance} by {entry.forecaster}"
        for name, text in (("Because", entry.because), ("Differs", entry.differs), ("Link", entry.link)):
            if text:
                yield name, text
    else:
        yield "Pair", f"{entry.dyad_label} ({question.pair})"
        yield "Target", f"{entry.target_label} ({entry.target}): {rule}"
        if entry.rule:
            yield "Question", entry.rule.question
            yield "Counts", entry.rule.counts
            yield "Does not", entry.rule.does_not_count
            yield from (("Edge case", case) for case in entry.rule.edge_cases)
        yield "Window", f"{window} ({entry.milestone_label})"
        span = f"90% interval {interval_percent(entry.interval90)}, Monte Carlo error {entry.mcse:g}"
        yield "Chance", f"{chance}, {span}: {entry.words}"
        yield "Baseline", f"{percent(entry.baseline.probability)} ({entry.baseline.name})"
        fit = "did not converge: not scored" if entry.failed else "converged"
        yield "Model", f"{entry.model}, forecast {entry.code_version}; {fit}"
        yield "Run", f"{entry.run_id}, {entry.run_folder or 'not kept'}"
        yield "Config", f"sha256 {entry.config_sha256[:16]}…, data {entry.data_sha256[:16]}…"
    late = " (hindcast: part of the answer could be known)" if entry.hindcast else ""
    yield "Made on", f"{entry.made_on:%Y-%m-%d %H:%M:%S} UTC{late}"
    yield "Question", question.id[:SHOWN_DIGITS]
    yield from _outcomes(ledger, question.id)
    if void := ledger.void_of(entry):
        yield "Void", void.reason


def _outcomes(ledger: Ledger, question_id: str) -> _Fields:
    resolutions = ledger.resolutions.get(question_id, [])
    yield from map(_outcome, resolutions) if resolutions else (("Outcome", "open"),)


def _outcome(entry: ResolutionEntry) -> tuple[str, str]:
    acts = ", ".join(entry.acts[:_SHOWN_ACTS]) + (" …" if len(entry.acts) > _SHOWN_ACTS else "")
    answer = f"yes, on {entry.decided_on} ({acts})" if entry.outcome else "no"
    where = f"{entry.events_source}, which reaches {entry.through}"
    return "Corrected" if entry.corrects else "Outcome", f"{answer}; by {where}"
