"""A ledger as text for others: JSON Lines, hubverse tables, and a sheet of questions to answer.

The hubverse tables (https://docs.hubverse.io/en/latest/user-guide/model-output.html) hold the task columns
``origin_date`` (the as-of date), ``target``, ``horizon`` (days), ``target_end_date`` (last day that counts,
the one before the milestone) and ``location`` (the dyad), with a ``pmf`` of ``yes`` and ``no``.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from forecast.errors import LedgerError
from forecast.evaluation.forecast_table import csv_text
from forecast.ledger.book import Book
from forecast.ledger.entries import ChainLine, Question, canonical_json
from forecast.ledger.scored import standing_forecasts
from forecast.storage import write_file

QUESTION_COLUMNS = ("question", "dyad", "target", "as_of", "milestone")
ANSWER_COLUMNS = ("forecaster", "probability", "made_on")
_TASK_COLUMNS = ("origin_date", "target", "horizon", "target_end_date", "location")


def chain_lines(book: Book) -> str:
    """Return the whole chain as JSON Lines, one record a line, in canonical JSON."""
    lines = (
        {name: getattr(record, name) for name in ("sequence", "previous", "hash")}
        | {"payload": json.loads(record.payload)}
        for record in book.records
    )
    return "".join(canonical_json(line) + "\n" for line in lines)


def ledger_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a line of the export."""
    schema = ChainLine.model_json_schema(by_alias=True, mode="serialization")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": "A line of a ledger's JSON Lines export"}


def hubverse_forecasts(book: Book) -> str:
    """Return the forecasts that count, their baselines and others' probabilities as hubverse model output.

    ``model_id`` is ``<config name>-<model>``, ``<config name>-<baseline>`` or ``others-<forecaster>``; of
    each model and question the first answer is given.
    """
    answers: dict[tuple[str, ...], float] = {}
    standing, _ = standing_forecasts(book)
    for entry in standing:
        task = _task(entry.question, entry.target)
        answers.setdefault((_model_id(entry.name, entry.model), *task), entry.probability)
        baseline = entry.baseline
        answers.setdefault((_model_id(entry.name, baseline.name), *task), baseline.probability)
    names = target_names(book)
    for judgement in sorted(book.judgements, key=lambda one: one.made_on):
        if book.standing(judgement) != "void":
            task = _task(judgement.question, names[judgement.question.id][0])
            answers.setdefault((_model_id("others", judgement.forecaster), *task), judgement.probability)
    rows = (
        (*key, "pmf", category, canonical_json(round(value, 6)))
        for key, probability in answers.items()
        for category, value in (("yes", probability), ("no", 1 - probability))
    )
    return csv_text(("model_id", *_TASK_COLUMNS, "output_type", "output_type_id", "value"), rows)


def hubverse_outcomes(book: Book) -> str:
    """Return what happened as hubverse oracle output: 1 for the category that came true, 0 for the other."""
    names = target_names(book)
    rows = [
        (*_task(question, name), "pmf", category, int((resolution.outcome == 1) == (category == "yes")))
        for question in book.questions.values()
        if question.id not in book.voids and (resolution := book.resolution_of(question.id))
        for name in names[question.id]
        for category in ("yes", "no")
    ]
    return csv_text((*_TASK_COLUMNS, "output_type", "output_type_id", "oracle_value"), rows)


def question_sheet(book: Book) -> str:
    """Return the open questions with empty columns for a forecaster's name, probability and day."""
    names = target_names(book)
    rows = [
        (question.id, question.pair, name, question.as_of, question.milestone, "", "", "")
        for question in book.questions.values()
        if question.id not in book.voids and not book.resolution_of(question.id)
        for name in names[question.id]
    ]
    return csv_text((*QUESTION_COLUMNS, *ANSWER_COLUMNS), rows)


def write_text(text: str, path: Path) -> None:
    """Write a file whole, or leave what was there (``LedgerError``)."""
    try:
        write_file(path, text)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written: {error.strerror or error}") from error


def target_names(book: Book) -> dict[str, list[str]]:
    """Names under which each question was asked, by its id, the first one first."""
    names: dict[str, dict[str, None]] = {}
    for entry in book.forecasts:
        names.setdefault(entry.question.id, {})[entry.target] = None
    for question in book.questions:
        # A colleague's chain may hold judgements on questions that nobody here forecast.
        names.setdefault(question, {f"question_{question[:8]}": None})
    return {question: list(found) for question, found in names.items()}


def _task(question: Question, target: str) -> tuple[str, ...]:
    last = question.milestone - timedelta(days=1)
    days = (last - question.as_of).days
    return question.as_of.isoformat(), target, str(days), last.isoformat(), question.pair


def _model_id(team: str, model: str) -> str:
    # The hubverse allows letters, figures and underscores, and one hyphen between team and model.
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "_", part).strip("_") or "_" for part in (team, model))
