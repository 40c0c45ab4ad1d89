"""A ledger as text for others, and what comes from others.

Out go the chain as JSON Lines, hubverse tables, and a sheet of questions to answer. In come the chain of a
colleague and a CSV of probabilities, each checked whole; nothing is taken twice, nothing of ours overruled.

Hubverse tables (https://docs.hubverse.io/en/latest/user-guide/model-output.html): ``origin_date`` is the
as-of date, ``horizon`` in days, ``target_end_date`` the last day that counts, ``location`` the dyad.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from forecast.errors import InputError, LedgerError, did_you_mean
from forecast.evaluation.forecast_table import csv_text
from forecast.ledger.chain import (
    BadRecordError,
    Ledger,
    Link,
    standing_forecasts,
    unknown_record,
)
from forecast.ledger.entries import (
    FIRST_YEAR,
    ChainLine,
    JudgementEntry,
    ProbabilityEntry,
    Provenance,
    Question,
    ResolutionEntry,
    VoidEntry,
    canonical_json,
    rounded_chance,
    with_id,
)
from forecast.ledger.store import MAX_VALUE_BYTES, LedgerWriter, open_ledger
from forecast.storage import open_plain, write_file
from forecast.storage.reading import SheetRow, check_rows, read_chance, read_rows

QUESTION_COLUMNS = "question", "dyad", "target", "as_of", "milestone"
ANSWER_COLUMNS = "forecaster", "probability", "made_on", "link", "differs"
REQUIRED = ("dyad", "target", "as_of", "milestone", "forecaster", "probability")
OPTIONAL = ("made_on", "link", "differs", "question")
_SHEET_HELP = "'forecast ledger export --format questions' writes a sheet to fill in"
_TASK_COLUMNS = ("origin_date", "target", "horizon", "target_end_date", "location")

MAX_CHAIN_BYTES = 1_000_000_000
_MOST_LINE_BYTES = MAX_VALUE_BYTES + 1_000  # a value with its place in the chain and its hashes
_MOST_BLANK = 1_000
_SQLITE = b"SQLite format 3\x00"


def chain_lines(ledger: Ledger) -> str:
    """Return the whole chain as JSON Lines, one record a line, in canonical JSON."""
    lines = (
        {name: getattr(record, name) for name in ("sequence", "previous", "hash")}
        | {"payload": json.loads(record.payload)}
        for record in ledger.records
    )
    return "".join(canonical_json(line) + "\n" for line in lines)


def hubverse_forecasts(ledger: Ledger) -> str:
    """Return the forecasts that count, their baselines and others' probabilities as hubverse model output.

    ``model_id`` is ``<config name>-<model>``, ``<config name>-<baseline>`` or ``others-<forecaster>``; of
    each model and question the first answer is given.
    """
    answers: dict[tuple[str, ...], float] = {}
    standing, _ = standing_forecasts(ledger)
    for entry in standing:
        task = _task(entry.question, entry.target)
        answers.setdefault((_model_id(entry.name, entry.model), *task), entry.probability)
        baseline = entry.baseline
        answers.setdefault((_model_id(entry.name, baseline.name), *task), baseline.probability)
    names = target_names(ledger)
    for judgement in sorted(ledger.judgements, key=lambda judgement: judgement.made_on):
        if ledger.standing(judgement) != "void":
            task = _task(judgement.question, names[judgement.question.id][0])
            answers.setdefault((_model_id("others", judgement.forecaster), *task), judgement.probability)
    rows = (
        (*key, "pmf", category, canonical_json(round(value, 6)))
        for key, probability in answers.items()
        for category, value in (("yes", probability), ("no", 1 - probability))
    )
    return csv_text(("model_id", *_TASK_COLUMNS, "output_type", "output_type_id", "value"), rows)


def hubverse_outcomes(ledger: Ledger) -> str:
    """Return what happened as hubverse oracle output: 1 for the category that came true, 0 for the other."""
    rows = [
        (*_task(question, name), "pmf", category, int((resolution.outcome == 1) == (category == "yes")))
        for question, name, resolution in _asked(ledger)
        if resolution
        for category in ("yes", "no")
    ]
    return csv_text((*_TASK_COLUMNS, "output_type", "output_type_id", "oracle_value"), rows)


def question_sheet(ledger: Ledger) -> str:
    """Return the open questions with empty columns for a forecaster's name, probability and day."""
    rows = [
        (question.id, question.pair, name, question.as_of, question.milestone, *[""] * len(ANSWER_COLUMNS))
        for question, name, resolution in _asked(ledger)
        if not resolution
    ]
    return csv_text((*QUESTION_COLUMNS, *ANSWER_COLUMNS), rows)


def _asked(ledger: Ledger) -> Iterator[tuple[Question, str, ResolutionEntry | None]]:
    """Every question that is not void, under each name it was asked by, and what happened."""
    for key, names in target_names(ledger).items():
        if key not in ledger.voids:
            yield from ((ledger.questions[key], name, ledger.resolution_of(key)) for name in names)


FORMATS: dict[str, Callable[[Ledger], str]] = {
    "jsonl": chain_lines,
    "hubverse": hubverse_forecasts,
    "hubverse-outcomes": hubverse_outcomes,
    "questions": question_sheet,
}
"""What ``forecast ledger export`` writes, by its --format."""


def write_out(text: str, path: Path) -> None:
    """Write a file whole, or leave what was there (``LedgerError``)."""
    try:
        write_file(path, text)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written: {error.strerror or error}") from error


def target_names(ledger: Ledger) -> dict[str, list[str]]:
    """Names under which each question was asked, by its id, the first one first."""
    names: dict[str, dict[str, None]] = {key: {} for key in ledger.questions}
    for entry in ledger.forecasts:
        names[entry.question.id][entry.target] = None
    # A colleague's chain may hold judgements on questions that nobody here forecast.
    return {key: [*asked] or [f"question_{key[:8]}"] for key, asked in names.items()}


def _task(question: Question, target: str) -> tuple[str, ...]:
    last = question.milestone - timedelta(days=1)
    return question.as_of.isoformat(), target, str(question.horizon_days), last.isoformat(), question.pair


def _model_id(team: str, model: str) -> str:
    # The hubverse allows letters, figures and underscores, and one hyphen between team and model.
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "_", part).strip("_") or "_" for part in (team, model))


@dataclass
class Imported:
    """What an import did, in records.

    ``different`` counts forecasts that are on record here with another probability (as another machine may
    give), ``refused`` outcomes and voids that would have overruled ours.
    """

    head: str
    added: int = 0
    known: int = 0
    different: int = 0
    refused: int = 0


def read_chain_file(path: Path) -> Ledger:
    """Read a chain from an export or from a ledger, and check it (``LedgerError``, with the line)."""
    try:
        with open_plain(path, MAX_CHAIN_BYTES) as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                return open_ledger(path)
            file.seek(0)
            return _read_export(path, file)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: is no text. Give a ledger, or what its export wrote") from error


def _read_export(path: Path, file: BinaryIO) -> Ledger:
    ledger, blank = Ledger(str(path)), 0
    for number, line in enumerate(_lines(path, file), start=1):
        if not line.strip():
            blank += 1
            if blank > _MOST_BLANK:
                raise LedgerError(f"{path}: has more than {_MOST_BLANK:,} blank lines, so it is no export")
            continue
        try:
            ledger.add(_read_line(line))
        except BadRecordError as bad:
            advice = "Nothing was imported; ask for a new export"
            raise LedgerError(f"{path}:{number}: the record {bad}. {advice}") from bad
    if not len(ledger):
        raise LedgerError(f"{path}: holds no record")
    return ledger


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    number, encoding = 1, "utf-8-sig"
    while raw := file.readline(_MOST_LINE_BYTES + 1):
        if len(raw) > _MOST_LINE_BYTES:
            raise LedgerError(
                f"{path}:{number}: a line of more than {_MOST_LINE_BYTES:,} bytes, so it is no export of a "
                "ledger. Nothing was imported; ask for a new export"
            )
        yield raw.decode(encoding)
        number, encoding = number + 1, "utf-8"


def import_chain(writer: LedgerWriter, chain: Ledger) -> Imported:
    """Put the records of another chain on record here, each with the head of that chain and its hash there.

    Outcomes are taken for questions that have none here; a question or forecast of ours is not declared void
    by others.
    """
    done, ledger = Imported(chain.head), writer.ledger
    own = [entry for entry in ledger.answers if not entry.provenance]
    ours = {key for entry in own for key in (entry.id, entry.question.id)}
    for record in chain.records:
        entry = record.entry
        if entry.id in ledger:
            done.known += 1
            here = ledger.record(entry.id).entry
            if isinstance(entry, ProbabilityEntry) and isinstance(here, ProbabilityEntry):
                done.different += here.probability != entry.probability
        elif isinstance(entry, ResolutionEntry) and not ledger.is_next(entry):
            standing = ledger.resolution_of(entry.question_id)
            same = standing is not None and standing.outcome == entry.outcome
            done.known += same
            done.refused += not same
        elif isinstance(entry, VoidEntry) and entry.subject in ours:
            done.refused += 1
        else:
            origin = Provenance(chain_head=chain.head, hash=record.hash)
            writer.append(entry.model_copy(update={"provenance": (*entry.provenance, origin)}))
            done.added += 1
    return done


def _read_line(line: str) -> Link:
    try:
        content = json.loads(line)
        ChainLine.model_validate_json(line)
        place = content["sequence"], content["previous"], content["hash"]
        return Link(*place, canonical_json(content["payload"]))
    except ValidationError as error:
        raise unknown_record(error, "the line") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is no JSON ({error}); the line may have been cut") from error


def read_answers(path: Path, ledger: Ledger, *, now: datetime) -> tuple[list[JudgementEntry], int]:
    """Read probabilities of others on the questions of a ledger; count the rows without one.

    The file is CSV in UTF-8 with the columns dyad, target, as_of, milestone, forecaster and probability;
    ``made_on`` (day or time; ``now`` where not given), ``link``, ``differs`` (how their question differs) and
    ``question`` (an id, where one name stands for two rules) are optional. ``InputError`` with the first 20
    faults and their lines.
    """
    rows = read_rows(path, REQUIRED, OPTIONAL, help=_SHEET_HELP)
    answered = [row for row in rows if row["probability"]]
    if not answered:
        raise InputError(f"{path}: holds no probability: fill in forecaster and probability")
    names = target_names(ledger)
    judgements = check_rows(answered, lambda row: _judgement(row, ledger, names, now))
    return judgements, len(rows) - len(answered)


def _judgement(
    row: SheetRow, ledger: Ledger, names: Mapping[str, list[str]], now: datetime
) -> JudgementEntry:
    if not row["forecaster"]:
        raise row.fault("forecaster", "a name, e.g. crowd")
    question = _question(row, ledger, names)
    probability = read_chance(row["probability"], f"{row.place}: probability", certain=True)
    return with_id(
        JudgementEntry,
        question=question.model_dump(),
        forecaster=row["forecaster"],
        probability=rounded_chance(probability),
        made_on=_made_on(row, now),
        link=row["link"] or None,
        differs=row["differs"] or None,
    )


def _question(row: SheetRow, ledger: Ledger, names: Mapping[str, list[str]]) -> Question:
    as_of, milestone = _day(row, "as_of"), _day(row, "milestone")
    same_days = {
        key: question
        for key, question in ledger.questions.items()
        if question.is_about(row["dyad"]) and (question.as_of, question.milestone) == (as_of, milestone)
    }
    if not same_days:
        raise InputError(
            f"no forecast on record is about {row['dyad']} as of {as_of} and before {milestone}. 'forecast "
            "ledger list' shows what is"
        )
    so_named = [key for key in same_days if row["target"] in names[key]]
    if not so_named:
        asked = sorted({name for key in same_days for name in names[key]})
        hint = did_you_mean(row["target"], asked)
        raise row.fault("target", f"a target on record.{hint} On record: {', '.join(asked)}")
    matching = [key for key in so_named if key.startswith(row["question"].lower())]
    if not matching:
        raise row.fault("question", f"the one that the other columns name, {so_named[0]}")
    if len(matching) > 1:
        raise InputError(
            f"'{row['target']}' was asked with {len(matching)} rules. Say which in the column question: "
            f"{', '.join(matching)}"
        )
    return same_days[matching[0]]


def _day(row: SheetRow, column: str) -> date:
    try:
        return date.fromisoformat(row[column])
    except ValueError as error:
        raise row.fault(column, "a day, YYYY-MM-DD") from error


def _made_on(row: SheetRow, now: datetime) -> datetime:
    text = row["made_on"]
    if not text:
        return now.replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise row.fault("made_on", "a day or a time, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ") from error
    if moment.year < FIRST_YEAR:
        raise row.fault("made_on", f"a day from the year {FIRST_YEAR} on")
    if moment > now:
        raise row.fault("made_on", "a day that does not lie ahead")
    return moment.replace(microsecond=0)
