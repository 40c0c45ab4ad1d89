"""A CSV of others' probabilities → judgements on record, each matched to a question that we answered."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from forecast.errors import LedgerError
from forecast.ledger.book import Book
from forecast.ledger.canonical import DIGITS
from forecast.ledger.entries import JudgementEntry, Question, with_id
from forecast.ledger.exporting import ANSWER_COLUMNS, QUESTION_COLUMNS, target_names

REQUIRED = ("dyad", "target", "as_of", "milestone", "forecaster", "probability")
_COLUMNS = (*QUESTION_COLUMNS, *ANSWER_COLUMNS)
_MOST_FAULTS = 20


@dataclass(frozen=True)
class Answers:
    """Judgements read from a file, and the number of rows without a probability."""

    judgements: tuple[JudgementEntry, ...]
    empty: int


class _RowFaultError(Exception):
    pass


def read_answers(path: Path, book: Book, *, now: datetime) -> Answers:
    """Read probabilities of others.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 with the columns dyad, target, as_of, milestone, forecaster and probability; ``made_on``
        (day or time) and ``question`` (an id, needed when one target name stands for two rules) are optional.
        Rows with an empty probability are left out.
    book : Book
        The ledger with the questions.
    now : datetime
        Time of the import: when an answer was made if the file does not say.

    Raises
    ------
    LedgerError
        The file cannot be read or has faults; the message lists the first 20 with their lines.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: is not UTF-8 text. Save it as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    _check_header(path, reader.fieldnames)
    names = target_names(book)
    judgements, faults, empty = [], [], 0
    for row in reader:
        try:
            if None in row or None in row.values():
                raise _RowFaultError(f"does not have the {len(reader.fieldnames or ())} cells of the header")
            cells = {name: cell.strip() for name, cell in row.items()}
            if cells["probability"]:
                judgements.append(_judgement(cells, book, names, now))
            else:
                empty += 1
        except _RowFaultError as fault:
            faults.append(f"{path}:{reader.line_num}: {fault}")
    if faults:
        more = [f"… and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise LedgerError("\n".join(faults[:_MOST_FAULTS] + more))
    if not judgements:
        raise LedgerError(f"{path}: holds no probability: fill in forecaster and probability")
    return Answers(tuple(judgements), empty)


def _check_header(path: Path, header: object) -> None:
    found = [str(name) for name in header] if isinstance(header, list) else []
    for name in found:
        if name not in _COLUMNS:
            near = difflib.get_close_matches(name, _COLUMNS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" Allowed: {', '.join(_COLUMNS)}"
            raise LedgerError(f"{path}:1: unknown column '{name}'.{hint}")
        if found.count(name) > 1:
            raise LedgerError(f"{path}:1: the column '{name}' appears twice. Keep one")
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise LedgerError(
            f"{path}:1: the column '{missing[0]}' is missing. Required: {', '.join(REQUIRED)}. "
            "'forecast ledger export --format questions' writes a sheet to fill in"
        )


def _judgement(
    cells: Mapping[str, str], book: Book, names: Mapping[str, list[str]], now: datetime
) -> JudgementEntry:
    if not cells["forecaster"]:
        raise _RowFaultError("forecaster is empty. Give a name, e.g. crowd")
    return with_id(
        JudgementEntry,
        question=_question(cells, book, names).model_dump(),
        forecaster=cells["forecaster"],
        probability=_probability(cells["probability"]),
        made_on=_made_on(cells.get("made_on", ""), now),
    )


def _question(cells: Mapping[str, str], book: Book, names: Mapping[str, list[str]]) -> Question:
    as_of, milestone = _day(cells, "as_of"), _day(cells, "milestone")
    same_days = {
        key: question
        for key, question in book.questions.items()
        if question.is_about(cells["dyad"]) and (question.as_of, question.milestone) == (as_of, milestone)
    }
    if not same_days:
        raise _RowFaultError(
            f"no forecast on record is about {cells['dyad']} as of {as_of} and before {milestone}. 'forecast "
            "ledger list' shows what is"
        )
    found = [key for key in same_days if cells["target"] in names[key]]
    if not found:
        asked = sorted({name for key in same_days for name in names[key]})
        near = difflib.get_close_matches(cells["target"], asked, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise _RowFaultError(f"no target is named '{cells['target']}'.{hint} On record: {', '.join(asked)}")
    wanted = cells.get("question", "").lower()
    matching = [key for key in found if key.startswith(wanted)]
    if not matching:
        raise _RowFaultError(f"question '{wanted}' is not the one that the other columns name ({found[0]})")
    if len(matching) > 1:
        raise _RowFaultError(
            f"'{cells['target']}' was asked with {len(matching)} rules. Say which in the column question: "
            f"{', '.join(matching)}"
        )
    return same_days[matching[0]]


def _day(cells: Mapping[str, str], column: str) -> date:
    try:
        return date.fromisoformat(cells[column])
    except ValueError as error:
        raise _RowFaultError(f"{column} '{cells[column]}' is not a day. Expected: YYYY-MM-DD") from error


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _RowFaultError(f"probability '{text}' is not in 0 to 1. Write 63% as 0.63")
    return round(value, DIGITS)


def _made_on(text: str, now: datetime) -> datetime:
    if not text:
        return now.replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _RowFaultError(
            f"made_on '{text}' is neither a day nor a time. Expected: YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ"
        ) from error
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if moment > now:
        raise _RowFaultError(f"made_on {text} lies ahead")
    return moment.replace(microsecond=0)
