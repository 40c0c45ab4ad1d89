"""``forecast ledger``: what is on record, whether it can be trusted, what does not count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.cli import ledger_exchange, ledger_score, ledger_verify
from forecast.cli.options import LEDGER, Answer, argument, ledger_place, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, line, right, text
from forecast.errors import InputError, LedgerError
from forecast.wording import count, interval_percent, percent

if TYPE_CHECKING:
    from forecast.ledger.book import Book
    from forecast.ledger.entries import ProbabilityEntry, ResolutionEntry

_SHOWN_ACTS = 5
ID = argument("ID", "An id, or the first digits of it.")

app = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    help="Every forecast on record, what happened, and how the forecasts scored.",
)


@app.command("list")
@takes_options
def list_(
    ledger: Path | None = LEDGER,
    status: Literal["open", "resolved", "void"] | None = option(None, "--status", "Only these."),
    dyad: str | None = option(None, "--dyad", "Only this pair, e.g. USA-CHN.", "A-B"),
    failed: bool = option(False, "--failed", "List those of runs that did not converge, too."),
    *,
    answer: Answer,
) -> None:
    """List the forecasts on record, with what became of them; those of runs that failed are left out."""
    from forecast.ledger.store import open_ledger

    book = open_ledger(ledger_place(ledger))
    if dyad and not any(question.is_about(dyad) for question in book.questions.values()):
        from forecast.events.countries import pair_named
        from forecast.events.dyads import near_actors

        known = sorted({question.pair for question in book.questions.values()})
        actors = {actor for question in book.questions.values() for actor in question.dyad}
        raise LedgerError(
            f"--dyad: nothing on record is about '{dyad}'.{near_actors(pair_named(dyad), actors)} "
            f"On record: {', '.join(known) or 'none'}"
        )
    chosen = [
        entry
        for entry in book.answers
        if (status is None or book.standing(entry) == status) and (not dyad or entry.question.is_about(dyad))
    ]
    shown = [entry for entry in chosen if failed or not entry.failed]
    left_out = len(chosen) - len(shown)
    facts = {
        "ledger": book.path,
        "head": book.head,
        "forecasts": [_summary(book, entry) for entry in shown],
        "failed_left_out": left_out,
    }
    answer.print(facts, _listed(book, shown, left_out))


@app.command("show")
@takes_options
def show_(entry: str = ID, ledger: Path | None = LEDGER, *, answer: Answer) -> None:
    """Show one forecast with everything that was recorded about it."""
    from forecast.ledger.store import open_ledger

    book = open_ledger(ledger_place(ledger))
    found = book.find(entry)
    answer.print(_everything(book, found), _shown(book, found))


def _summary(book: Book, entry: ProbabilityEntry) -> dict[str, Any]:
    resolution = book.resolution_of(entry.question.id)
    return entry.model_dump(mode="json", exclude={"provenance"}) | {
        "question_id": entry.question.id,
        "standing": book.standing(entry),
        "failed": entry.failed,
        "outcome": resolution.outcome if resolution else None,
        "imported": bool(entry.provenance),
    }


def _everything(book: Book, subject: str) -> dict[str, Any]:
    """A record with its place in the chain, or a question with everything on record about it."""

    def resolutions(question_id: str) -> list[dict[str, Any]]:
        return [one.model_dump(mode="json") for one in book.resolutions.get(question_id, [])]

    if subject not in book:
        return {
            "question_id": subject,
            "question": book.questions[subject].model_dump(mode="json"),
            "forecasts": [_summary(book, one) for one in book.answers if one.question.id == subject],
            "resolutions": resolutions(subject),
        }
    record = book.record(subject)
    content: dict[str, Any] = {
        "sequence": record.sequence,
        "hash": record.hash,
        "recorded_on": record.recorded_on.isoformat(),
        "clock_behind_s": record.clock_behind_s,
        "entry": record.entry.model_dump(mode="json"),
    }
    if record.entry.kind in ("forecast", "judgement"):
        content["question_id"] = record.entry.question.id
        content["standing"] = book.standing(record.entry)
        content["resolutions"] = resolutions(record.entry.question.id)
    return content


def _listed(book: Book, entries: Sequence[ProbabilityEntry], left_out: int = 0) -> Iterator[Part]:
    """A row a forecast: id, days, target, probability, what happened; ``left_out`` failed ones counted."""
    from forecast.ledger.book import SHOWN_DIGITS
    from forecast.ledger.entries import JudgementEntry

    of_failed = "of runs that did not converge"
    without = f"{count(left_out, 'forecast')} {of_failed} left out: --failed lists them."
    if not entries:
        yield text(f"{book.path}: no such forecast on record.{f' {without}' if left_out else ''}")
        return
    columns = *map(left, ("Id", "As of", "Before", "Pair")), left("Target", 22), right("Chance"), left("Ends")
    rows = (
        (
            entry.id[:SHOWN_DIGITS],
            str(entry.question.as_of),
            str(entry.question.milestone),
            entry.question.pair,
            f"({entry.forecaster})" if isinstance(entry, JudgementEntry) else getattr(entry, "target", ""),
            percent(entry.probability),
            _end(book, entry),
        )
        for entry in entries
    )
    styles = ("dim" if entry.failed or book.standing(entry) == "void" else "" for entry in entries)
    yield Table(columns, rows, styles, indent=0, gap=1)
    yield BLANK
    failed = sum(entry.failed for entry in entries)
    if failed:
        yield text(f"{count(failed, 'forecast')} {of_failed}: not scored.")
    if left_out:
        yield text(without)
    yield text("One with everything recorded: forecast ledger show ID", "dim")


def _end(book: Book, entry: ProbabilityEntry) -> str:
    standing = book.standing(entry)
    if entry.failed and standing != "void":
        return "failed"
    resolution = book.resolution_of(entry.question.id)
    return ("yes" if resolution.outcome else "no") if standing == "resolved" and resolution else standing


def _shown(book: Book, subject: str) -> Iterator[Part]:
    """Everything on record about a forecast, a question or an outcome."""
    from forecast.ledger.book import SHOWN_DIGITS

    if subject not in book:
        yield text(f"Question {subject[:SHOWN_DIGITS]}", "bold")
        yield BLANK
        yield from _listed(book, [one for one in book.answers if one.question.id == subject])
        yield from _outcome_lines(book, subject)
        return
    record = book.record(subject)
    entry = record.entry
    yield text(f"{entry.kind.capitalize()} {subject[:SHOWN_DIGITS]}", "bold")
    if entry.kind == "run":
        yield _field("Run", f"{entry.run_id}, {entry.run_folder}")
        yield _field("Manifest", f"sha256 {entry.manifest_sha256}")
    elif entry.kind == "void":
        yield _field("Void", f"{entry.subject[:SHOWN_DIGITS]}: {entry.reason}")
    elif entry.kind == "resolution":
        yield from _resolution_lines(entry)
    else:
        yield from _answer_lines(book, entry)
    yield _field("Recorded", f"{record.recorded_on:%Y-%m-%d %H:%M:%S} UTC, record {record.sequence}")
    if record.clock_behind_s:
        yield _field("Clock", f"stood {record.clock_behind_s} s behind an earlier record")
    yield _field("Hash", record.hash)
    for step in entry.provenance:
        yield _field("Came from", f"a chain with head {step.chain_head[:16]}…, there {step.hash[:16]}…")


def _answer_lines(book: Book, entry: ProbabilityEntry) -> Iterator[Part]:
    from forecast.ledger.book import SHOWN_DIGITS
    from forecast.ledger.entries import ForecastEntry, JudgementEntry

    question = entry.question
    severity = "" if question.min_severity == 1 else f" of severity {question.min_severity} or more"
    by = f" by {' or '.join(question.by)}" if question.by else ""
    kinds = " or ".join(one.replace("_", " ") for one in question.any_of)
    rule = f"{kinds}{severity}{by}, scale {question.scale or 'standard'}"
    window = f"after {question.as_of} and before {question.milestone}"
    if isinstance(entry, ForecastEntry):
        yield _field("Pair", f"{entry.dyad_label} ({question.pair})")
        yield _field("Target", f"{entry.target_label} ({entry.target}): {rule}")
        if entry.rule:
            yield _field("Question", entry.rule.question)
            yield _field("Counts", entry.rule.counts)
            yield _field("Does not", entry.rule.does_not_count)
            for case in entry.rule.edge_cases:
                yield _field("Edge case", case)
        yield _field("Window", f"{window} ({entry.milestone_label})")
        yield _field(
            "Chance",
            f"{percent(entry.probability)} ({entry.probability:g}), 90% interval "
            f"{interval_percent(entry.interval90)}, Monte Carlo error {entry.mcse:g}: {entry.words}",
        )
        yield _field("Baseline", f"{percent(entry.baseline.probability)} ({entry.baseline.name})")
        fit = "did not converge: not scored" if entry.failed else "converged"
        yield _field("Model", f"{entry.model}, forecast {entry.code_version}; {fit}")
        yield _field("Run", f"{entry.run_id}, {entry.run_folder or 'not kept'}")
        yield _field("Config", f"sha256 {entry.config_sha256[:16]}…, data {entry.data_sha256[:16]}…")
    elif isinstance(entry, JudgementEntry):
        yield _field("Pair", question.pair)
        yield _field("Target", rule)
        yield _field("Window", window)
        yield _field("Chance", f"{percent(entry.probability)} ({entry.probability:g}) by {entry.forecaster}")
    late = " (hindcast: part of the answer could be known)" if entry.hindcast else ""
    yield _field("Made on", f"{entry.made_on:%Y-%m-%d %H:%M:%S} UTC{late}")
    yield _field("Question", question.id[:SHOWN_DIGITS])
    yield from _outcome_lines(book, question.id)
    void = book.void_of(entry)
    if void:
        yield _field("Void", void.reason)


def _outcome_lines(book: Book, question_id: str) -> Iterator[Part]:
    for resolution in book.resolutions.get(question_id, []):
        yield from _resolution_lines(resolution)
    if question_id not in book.resolutions:
        yield _field("Outcome", "open")


def _resolution_lines(entry: ResolutionEntry) -> Iterator[Part]:
    acts = ", ".join(entry.acts[:_SHOWN_ACTS]) + (" …" if len(entry.acts) > _SHOWN_ACTS else "")
    said = f"yes, on {entry.decided_on} ({acts})" if entry.outcome else "no"
    where = f"{entry.events_source}, which reaches {entry.through}"
    yield _field("Corrected" if entry.corrects else "Outcome", f"{said}; by {where}")


def _field(name: str, said: str) -> Part:
    return text(f"{name:<10}{said}", hang=10)


@app.command()
@takes_options
def void(
    entry: str = ID,
    reason: str = option(..., "--reason", "Why it does not count.", "TEXT"),
    ledger: Path | None = LEDGER,
    *,
    answer: Answer,
) -> None:
    """Declare a forecast, or a question with all its forecasts, void. It stays on record with the reason."""
    from forecast.ledger.entries import VoidEntry, with_id
    from forecast.ledger.store import open_ledger, write_ledger

    path = ledger_place(ledger)
    if not reason.strip():
        raise InputError("--reason: is empty. Say why it does not count; the reason is shown for good")
    subject = open_ledger(path).find(entry)
    with write_ledger(path) as writer:
        book = writer.book
        if subject in book and book.record(subject).entry.kind in ("resolution", "void", "run"):
            raise LedgerError(
                f"'{entry}' is a {book.record(subject).entry.kind}. Give a forecast or a question"
            )
        if subject in book.voids:
            raise LedgerError(f"'{entry}' is void already: {book.voids[subject].reason}")
        added = with_id(VoidEntry, subject=subject, reason=reason.strip())
        writer.append(added)
    facts = {"id": added.id, "subject": subject, "reason": added.reason}
    answer.print(facts, [line(f"Void: {subject[:10]} ({added.reason}).")])


app.command("verify")(ledger_verify.verify)
app.command("stamp")(ledger_verify.stamp)
app.command("resolve")(ledger_score.resolve)
app.command("score")(ledger_score.score)
app.command("export")(ledger_exchange.export)
app.command("import")(ledger_exchange.import_)
app.command("hindcast")(ledger_exchange.hindcast)
