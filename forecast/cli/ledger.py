"""``forecast ledger``, ``judge``: what is on record, how it scored, what people hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.blocks import Prose, Verbatim
from forecast.cli.options import (
    CONFIG,
    JSON,
    LEDGER,
    QUIET,
    RUN_DIR,
    SETTINGS,
    DateOrder,
    ScaleName,
    argument,
    day_option,
    days_ahead,
    ledger_place,
    option,
    print_answer,
    print_notes,
)
from forecast.cli.terminal import listening
from forecast.errors import InputError, LedgerError, UnfinishedError
from forecast.wording import LISTED

if TYPE_CHECKING:
    from forecast.ledger.store import Ledger
    from forecast.records.ledger import ProbabilityEntry

ID = argument("ID", "An id, or the first digits of it.")
PLAN = argument("FILE", "Plan of the test (YAML).")
OWN_MILESTONES = "milestones"

app = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    help="Every forecast on record, what happened, and how the forecasts scored.",
)


@app.command("list")
def list_(
    ledger: Path | None = LEDGER,
    status: Literal["open", "resolved", "void"] | None = option(None, "--status", "Only these."),
    dyad: str | None = option(None, "--dyad", "Only this pair, e.g. USA-CHN.", "A-B"),
    failed: bool = option(False, "--failed", "List those of runs that did not converge, too."),
    as_json: bool = JSON,
) -> None:
    """List the forecasts on record, with what became of them; those of runs that failed are left out."""
    from forecast.cli import ledger_page as page
    from forecast.ledger.store import is_about, open_ledger

    opened = open_ledger(ledger_place(ledger))
    if dyad:
        _refuse_unknown_pair(opened, dyad)
    chosen = [
        entry
        for entry in opened.answers
        if status in (None, opened.standing(entry)) and (not dyad or is_about(entry.question, dyad))
    ]
    listed = [entry for entry in chosen if failed or not entry.failed]
    left_out = len(chosen) - len(listed)
    facts = {
        "ledger": opened.path,
        "head": opened.head,
        "forecasts": [summary_of(opened, entry) for entry in listed],
        "failed_left_out": left_out,
    }
    print_answer(as_json, facts, page.listed(opened, listed, left_out))


@app.command()
def show(entry: str = ID, ledger: Path | None = LEDGER, as_json: bool = JSON) -> None:
    """Show one forecast with everything that was recorded about it."""
    from forecast.cli import ledger_page as page
    from forecast.ledger.store import open_ledger

    opened = open_ledger(ledger_place(ledger))
    subject = opened.find(entry)
    print_answer(as_json, _details(opened, subject), page.details(opened, subject))


@app.command()
def void(
    entry: str = ID,
    reason: str = option(..., "--reason", "Why it does not count.", "TEXT"),
    ledger: Path | None = LEDGER,
    as_json: bool = JSON,
) -> None:
    """Declare a forecast, or a question with all its forecasts, void. It stays on record with the reason."""
    from forecast.errors import clean_text
    from forecast.ledger.store import open_ledger, write_ledger
    from forecast.records.ledger import ProbabilityEntry, VoidEntry, with_id

    path, reason = ledger_place(ledger), clean_text(reason)
    if not reason:
        raise InputError("--reason: is empty. Say why it does not count; the reason is shown for good")
    subject = open_ledger(path).find(entry)
    with write_ledger(path) as writer:
        written = writer.ledger
        if subject in written:
            named = written.record(subject).entry
            if not isinstance(named, ProbabilityEntry):
                raise LedgerError(f"'{entry}' is a {named.kind}. Give a forecast or a question")
        if subject in written.voids:
            raise LedgerError(f"'{entry}' is void already: {written.voids[subject].reason}")
        added = with_id(VoidEntry, subject=subject, reason=reason)
        writer.append(added)
    facts = {"id": added.id, "subject": subject, "reason": added.reason}
    print_answer(as_json, facts, [Verbatim((f"Void: {subject[:10]} ({added.reason}).",))])


@app.command()
def verify(
    ledger: Path | None = LEDGER,
    head: str | None = option(None, "--head", "A head noted earlier; it must still be in the chain.", "HASH"),
    as_json: bool = JSON,
) -> None:
    """Check that nothing was altered, removed or moved, in the ledger and in the runs that it knows.

    Checks the file and its tables, the chain of records, and each run folder against the hash of its manifest
    on record; names the first bad record and every altered run. Exit code 2 if there is one.
    """
    from forecast.cli import ledger_page as page
    from forecast.ledger.store import verify_ledger

    checked = verify_ledger(ledger_place(ledger), head)
    print_answer(as_json, checked.facts, () if checked.error else page.verified(checked))
    if checked.error:
        raise LedgerError(checked.error)


@app.command()
def seal(plan: Path = PLAN, ledger: Path | None = LEDGER, as_json: bool = JSON) -> None:
    """Put the plan of a test on record before its windows open: questions, settings, data and program."""
    from forecast.cli import ledger_page as page
    from forecast.config.seal import load_plan
    from forecast.ledger.seal import refuse_begun, seal_of
    from forecast.ledger.store import write_ledger

    path, loaded, today = ledger_place(ledger), load_plan(plan), datetime.now(UTC).date()
    refuse_begun(loaded, today)
    entry = seal_of(loaded, today)
    with write_ledger(path) as writer:
        added = writer.append(entry)
    facts = {"ledger": str(path), "head": writer.ledger.head, "added": added}
    facts["seal"] = entry.model_dump(mode="json")
    print_answer(as_json, facts, page.sealed_plan(entry, writer.ledger.head))


@app.command("test")
def score_sealed(plan: Path = PLAN, ledger: Path | None = LEDGER, as_json: bool = JSON) -> None:
    """Score a sealed plan when its windows have closed; what is not as it was sealed is refused by name."""
    from forecast.cli import ledger_page as page
    from forecast.config.seal import load_plan
    from forecast.ledger.seal import score_seal
    from forecast.ledger.store import open_ledger

    path = ledger_place(ledger)
    scores = score_seal(open_ledger(path), load_plan(plan), datetime.now(UTC).date())
    print_answer(as_json, scores.model_dump_json(by_alias=True), page.scored_seal(scores))
    if scores.refused:
        raise UnfinishedError(f"{path}: {len(scores.refused)} of {scores.sealed} forecasts are not as sealed")


@app.command()
def resolve(
    events: str = option(..., "--events", "A coded file, or bundled:us-china.", "FILE"),
    dates: DateOrder | None = option(None, "--dates", "How the file writes days; as the runs' when absent."),
    ledger: Path | None = LEDGER,
    through: date | None = day_option(
        None, "--through", "Last day that the events cover; the last known_date of the file when absent."
    ),
    dyad: str | None = option(
        None, "--dyad", "Whose acts these are; the most frequent pair when absent.", "A-B"
    ),
    scale: ScaleName | None = option(
        None, "--scale", "Scale the file is coded by; that of the questions when absent."
    ),
    as_json: bool = JSON,
) -> None:
    """Look up what happened, by the rule that made the forecast, where the events cover the whole window."""
    from forecast.cli import ledger_page as page
    from forecast.events.reading import load_events
    from forecast.ledger.recording import dates_on_record, resolve_ledger
    from forecast.ledger.store import open_ledger

    path = ledger_place(ledger)
    table = load_events(events, Path(), dates=dates or dates_on_record(open_ledger(path)))
    print_notes(f"{note}." for note in (() if as_json else table.notes))
    today = datetime.now(UTC).date()
    done = resolve_ledger(path, table, today=today, through=through, dyad=dyad, scale=scale)
    print_answer(as_json, done.to_dict() | {"ledger": str(path)}, page.settled(done, events))


@app.command()
def score(
    ledger: Path | None = LEDGER,
    by: Literal["group", "person"] = option(
        "group", "--by", "person: people, markets, the model, base rates and the pool on the same questions."
    ),
    as_json: bool = JSON,
) -> None:
    """Score what is resolved: overall and by group, calibration, largest misses first; or by person."""
    from forecast.cli import ledger_page as page
    from forecast.ledger.scoring import score_ledger, score_persons
    from forecast.ledger.store import open_ledger

    path = ledger_place(ledger)
    opened = open_ledger(path)
    if by == "person":
        persons = score_persons(opened)
        facts = {"head": opened.head, "scores": [person.model_dump() for person in persons]}
        print_answer(as_json, facts, page.scored_persons(persons))
        return
    scores = score_ledger(opened)
    print_answer(as_json, scores.model_dump_json(by_alias=True), page.scored(scores, path))


@app.command()
def export(
    ledger: Path | None = LEDGER,
    form: Literal["csv", "questions", "chain"] = option(
        "csv",
        "--format",
        "csv: forecasts and what happened; questions: the open ones, a sheet to answer; chain: all records.",
    ),
) -> None:
    """Print the ledger for others: its forecasts, a sheet of open questions, or the chain to be verified."""
    from forecast.ledger.judgements import EXPORTS
    from forecast.ledger.store import open_ledger

    typer.echo(EXPORTS[form](open_ledger(ledger_place(ledger))), nl=False)


@app.command("import")
def import_(
    source: Path = argument("FILE", "CSV to read."),
    ledger: Path | None = LEDGER,
    form: Literal["csv", "prices"] = option(
        "csv",
        "--format",
        "csv: probabilities of others, as export writes them; prices: by day and source, with "
        "date,question,probability,source,link.",
    ),
    as_json: bool = JSON,
) -> None:
    """Take in the probabilities of a crowd, an expert or a market for questions on record."""
    from forecast.ledger.judgements import IMPORTS
    from forecast.ledger.store import open_ledger, write_ledger
    from forecast.phrases.ledger import imported_texts

    path = ledger_place(ledger)
    entries, left_out = IMPORTS[form](source, open_ledger(path), datetime.now(UTC))
    with write_ledger(path) as writer:
        added = sum([writer.append(entry) for entry in entries])
    known = len(entries) - added
    facts = {"added": added, "known": known, "left_out": left_out, "ledger": str(path)}
    lines = imported_texts(added, known, left_out)
    print_answer(as_json, facts | {"head": writer.ledger.head}, map(Prose, lines))


@app.command()
def hindcast(
    config: Path = CONFIG,
    settings: list[str] | None = SETTINGS,
    first: date = day_option(..., "--from", "First day."),
    last: date = day_option(..., "--to", "Last day."),
    ahead: str = option(
        LISTED, "--ahead", "Lengths of the windows, with commas; or: milestones, those of the config.", "DAYS"
    ),
    ledger: Path | None = LEDGER,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Forecast as of the first day of past quarters, from what was known then; put it on record as hindcasts.

    A quarter that is on record already is not fitted again, so a stopped command goes on where it was.
    """
    from forecast.config import load_config

    loaded = load_config(config, settings or ())
    lengths = None if ahead.strip() == OWN_MILESTONES else days_ahead(ahead, "--ahead")
    if lengths is not None and not lengths:
        raise InputError(f"--ahead: the list is empty. Expected e.g. {LISTED}, or {OWN_MILESTONES}")
    path = ledger_place(ledger)

    with listening(shown=not (as_json or quiet)) as listen:
        from forecast.baselines import origins_of
        from forecast.phrases.ledger import hindcast_texts
        from forecast.workflows import hindcast as hindcasts

        days = origins_of("quarterly", first, last).tolist()
        done = hindcasts.hindcast(loaded, days, lengths, path, listen)
    lines = hindcast_texts(str(path), done.added, days, done.skipped, done.unconverged, done.too_little)
    unconverged, thin = ([str(as_of) for as_of in of] for of in (done.unconverged, done.too_little))
    facts = {"ledger": str(path), "added": done.added, "as_of": [*map(str, days)], "skipped": done.skipped}
    print_answer(as_json, facts | {"unconverged": unconverged, "too_little": thin}, map(Prose, lines))


def judge(
    run_dir: Path = RUN_DIR,
    by: str | None = option(None, "--by", "Whose judgement it is.", "NAME"),
    target: str | None = option(None, "--target", "Target of the run; the headline's when absent.", "NAME"),
    before: str | None = option(
        None, "--before", "Milestone of the run, by name or day; the headline's when absent.", "DAY"
    ),
    probability: str | None = option(None, "--probability", "E.g. 40% or 0.4.", "P"),
    range_: str | None = option(None, "--range", "Range around it in percent, e.g. 25-60.", "LOW-HIGH"),
    because: str | None = option(None, "--because", "The reason, kept with it.", "TEXT"),
    made_on: str | None = option(None, "--made-on", "Day it was made; today when absent.", "DATE"),
    trigger: str | None = option(
        None,
        "--if",
        "Ask whether the target follows the first such act: a reaction of the run, or a class of acts.",
        "CATEGORY[/SUBCATEGORY][:SEVERITY][:BY[:TOWARDS]]",
    ),
    within: int = option(14, "--within", "With --if: days after the act.", "DAYS", min=1, max=365),
    ledger: Path | None = LEDGER,
    as_json: bool = JSON,
) -> None:
    """Put a person's probability on record; it is resolved and scored like the model's.

    Shown are the model's number and the mean of people and model; neither is changed. Of two statements by
    one person on one day the later counts, and both stay on record. With --if the model's chance goes on
    record too, and a person's need not be given.
    """
    from forecast.cli import ledger_page as page
    from forecast.ledger.judgements import JudgedRun
    from forecast.ledger.store import write_ledger

    required = {"by": by, "probability": probability}
    statement = {**required, "range": range_, "because": because, "made_on": made_on}
    by_model = trigger is not None and not any(statement.values())
    if missing := [name for name in required if required[name] is None and not by_model]:
        raise InputError(f"--{missing[0]}: is missing. Give --by and --probability")
    place, now = ledger_place(ledger, run_dir.absolute().parent.parent), datetime.now(UTC)
    run, asked, judged = JudgedRun(run_dir), None, None
    headline = run.forecast.headline
    target, before = target or headline.target, before or headline.milestone
    statement |= {"target": target, "before": before}
    if trigger is not None:
        asked = run.conditional(trigger, within, target, before, now)
    with write_ledger(place) as writer:
        book = writer.ledger
        if not by_model:
            judged = run.judgement({name: text or "" for name, text in statement.items()}, book, now, asked)
        added = sum([writer.append(answer.entry) for answer in (asked, judged) if answer])
    facts: dict[str, object] = {"ledger": str(place), "head": book.head, "added": added}
    facts |= judged.facts(book) if judged else {}
    facts |= {"conditional": asked.facts()} if asked else {}
    blocks = (*(page.conditional(asked) if asked else ()), *(page.judgement(judged, book) if judged else ()))
    print_answer(as_json, facts, blocks)


# What is shown


def _refuse_unknown_pair(ledger: Ledger, pair: str) -> None:
    """Raise ``LedgerError`` for a pair that nothing on record is about."""
    from forecast.events.codebook import pair_named
    from forecast.events.dyads import near_actors
    from forecast.ledger.store import is_about

    asked = ledger.questions.values()
    if not any(is_about(question, pair) for question in asked):
        near = near_actors(pair_named(pair), {actor for question in asked for actor in question.dyad})
        known = ", ".join(sorted({question.pair for question in asked})) or "none"
        raise LedgerError(f"--dyad: nothing on record is about '{pair}'.{near} On record: {known}")


def summary_of(ledger: Ledger, entry: ProbabilityEntry) -> dict[str, Any]:
    """Return a forecast and what became of it as plain values."""
    resolution = ledger.resolution_of(entry.question.id)
    return entry.model_dump(mode="json") | {
        "question_id": entry.question.id,
        "standing": ledger.standing(entry),
        "failed": entry.failed,
        "outcome": resolution.outcome if resolution else None,
    }


def _details(ledger: Ledger, subject: str) -> dict[str, Any]:
    """Return a record with its place in the chain, or a question with everything on record about it."""
    from forecast.records.ledger import ProbabilityEntry

    def resolutions(question_id: str) -> list[dict[str, Any]]:
        return [entry.model_dump(mode="json") for entry in ledger.resolutions.get(question_id, [])]

    if subject not in ledger:
        return {
            "question_id": subject,
            "question": ledger.questions[subject].model_dump(mode="json"),
            "forecasts": [
                summary_of(ledger, entry) for entry in ledger.answers if entry.question.id == subject
            ],
            "resolutions": resolutions(subject),
        }
    record = ledger.record(subject)
    content: dict[str, Any] = {
        "sequence": record.sequence,
        "hash": record.hash,
        "recorded_on": record.recorded_on.isoformat(),
        "entry": record.entry.model_dump(mode="json"),
    }
    if isinstance(record.entry, ProbabilityEntry):
        question_id = record.entry.question.id
        content |= {"question_id": question_id, "standing": ledger.standing(record.entry)}
        content["resolutions"] = resolutions(question_id)
    return content
