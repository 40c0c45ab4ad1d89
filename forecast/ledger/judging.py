"""Stated judgements: a person's probability for a question of a run, checked and put on record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, get_args

from forecast.blocks import Block, Pairs, Prose
from forecast.config import load_config
from forecast.errors import InputError, LedgerError, did_you_mean, shown
from forecast.ledger.chain import Ledger
from forecast.ledger.entries import JudgementEntry, Question, rounded_chance, with_id
from forecast.ledger.pooling import NOT_PERSONS, Pooled
from forecast.ledger.recording import make_question
from forecast.records.explained import Site
from forecast.records.forecast import Forecast, MilestoneForecast
from forecast.runs import files
from forecast.runs.folder import read_manifest, read_record
from forecast.runs.inputs import config_scale, dyad_rule, target_rules
from forecast.storage.reading import SheetRow, check_rows, read_chance
from forecast.wording import interval_percent, long_day, percent

SHEET_COLUMNS = ("by", "target", "before", "probability")
MORE_COLUMNS = ("range", "because", "made_on")
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)"
_LONGEST_NAME = 80
_NO_NAMES = (*NOT_PERSONS, *get_args(Site))


class AskedOfRun(NamedTuple):
    """A question of a run, and what the run itself says."""

    question: Question
    target_label: str
    milestone: MilestoneForecast


@dataclass(frozen=True)
class Statement:
    """A statement as text, from options or a row of a sheet."""

    by: str
    target: str
    before: str
    probability: str
    range: str = ""
    because: str = ""
    made_on: str = ""


def read_range(text: str, probability: float, name: str) -> tuple[float, float]:
    """Return a range around a probability from ``25-60``, in percent, or ``0.25-0.6``."""
    found = re.fullmatch(rf"{_NUMBER}\s*[-–]\s*{_NUMBER}", text.strip())
    if found:
        ends = float(found[1]), float(found[3])
        parts = found[2] == found[4] == "" and max(ends) <= 1
        low, high = ends if parts else (ends[0] / 100, ends[1] / 100)
        if 0.0 <= low <= probability <= high <= 1.0:
            return low, high
    raise InputError(
        f"{name}: got '{shown(text)}'; expected two numbers around {percent(probability)} in percent, e.g. "
        "25-60"
    )


def question_of_run(folder: Path, target: str, before: str) -> AskedOfRun:
    """Return a question of a saved run; ``before`` is the name or the day of a milestone.

    Raises ``InputError`` for a target or milestone that the run does not have, ``RunFolderError`` for a
    folder without a run.
    """
    forecast = read_record(folder / files.FORECAST, Forecast)
    targets = {one.name: one for one in forecast.targets}
    if target not in targets:
        hint = did_you_mean(target, tuple(targets))
        raise InputError(f"--target: the run has no '{shown(target)}'.{hint} It has: {', '.join(targets)}")
    milestones = targets[target].milestones
    chosen = [one for one in milestones if before in (one.name, one.date.isoformat())]
    if not chosen:
        known = ", ".join(f"{one.date} ({one.name})" for one in milestones)
        hint = did_you_mean(before, [one.name for one in milestones])
        raise InputError(f"--before: the run has no milestone '{shown(before)}'.{hint} It has: {known}")
    config = load_config(folder / files.CONFIG)
    rule = next(rule for rule in target_rules(config) if rule.name == target)
    question = make_question(dyad_rule(config), rule, config.as_of, chosen[0].date, config_scale(config))
    return AskedOfRun(question, targets[target].label, chosen[0])


def judgement_of(
    folder: Path, statement: Statement, ledger: Ledger, now: datetime
) -> tuple[JudgementEntry, AskedOfRun]:
    """Check a statement and make its entry; nothing is written.

    A run of a past that was over when the run was made is an exercise: judgements on it are hindcasts. Else
    a judgement has to be made before the milestone.

    Raises
    ------
    InputError
        No name, probability, range, target or milestone; a day that lies ahead or not before the milestone.
    LedgerError
        The question is resolved or void.
    """
    by = " ".join(statement.by.split())
    if not by or len(by) > _LONGEST_NAME or by.casefold() in map(str.casefold, _NO_NAMES):
        raise InputError(
            f"--by: got '{shown(statement.by)}'; expected a person's name of at most "
            f"{_LONGEST_NAME} characters, and none of {', '.join(_NO_NAMES)}"
        )
    probability = read_chance(statement.probability, "--probability")
    interval = None
    if statement.range.strip():
        interval = read_range(statement.range, probability, "--range")
    asked = question_of_run(folder, statement.target.strip(), statement.before.strip())
    made_on = _made_on(statement, now)
    _refuse_late(folder, statement, asked.question, made_on)
    _refuse_closed(ledger, asked.question)
    entry = with_id(
        JudgementEntry,
        question=asked.question.model_dump(),
        forecaster=by,
        person=True,
        probability=rounded_chance(probability),
        interval=None if interval is None else (rounded_chance(interval[0]), rounded_chance(interval[1])),
        because=statement.because.strip() or None,
        made_on=made_on,
    )
    return entry, asked


def _made_on(statement: Statement, now: datetime) -> datetime:
    if not statement.made_on.strip():
        return now.replace(microsecond=0)
    try:
        day = date.fromisoformat(statement.made_on.strip())
    except ValueError as error:
        raise InputError(
            f"--made-on: got '{shown(statement.made_on)}'; expected a day, YYYY-MM-DD"
        ) from error
    if day > now.date():
        raise InputError(f"--made-on: {day} lies ahead")
    return now.replace(microsecond=0) if day == now.date() else datetime(*day.timetuple()[:3], tzinfo=UTC)


def _refuse_late(folder: Path, statement: Statement, question: Question, made_on: datetime) -> None:
    """Refuse what was said before the as-of date, or after the window of a question that was asked ahead."""
    day = made_on.date()
    if day < question.as_of:
        raise InputError(
            f"--made-on: {day} is before the as-of date of the run, {question.as_of}. "
            "Judge a run of that time"
        )
    if day < question.milestone:
        return
    run_day = str(read_manifest(folder).get("made_on", ""))[:10]
    if statement.made_on.strip() or run_day < question.milestone.isoformat():
        raise InputError(
            f"--before: the window was over on {long_day(question.milestone)}; a "
            "judgement made afterwards is no forecast"
        )


def _refuse_closed(ledger: Ledger, question: Question) -> None:
    if question.id in ledger.voids:
        raise LedgerError(f"this question was declared void: {ledger.voids[question.id].reason}")
    if resolution := ledger.resolution_of(question.id):
        answer = f"yes, on {resolution.decided_on}" if resolution.outcome else "no"
        raise LedgerError(
            f"this question is resolved ({answer}; {ledger.path}), so a judgement can no longer be scored"
        )


def judgements_of(
    folder: Path, rows: Sequence[SheetRow], ledger: Ledger, now: datetime
) -> list[tuple[JudgementEntry, AskedOfRun]]:
    """Check all rows of a sheet before one is kept (``InputError`` lists faults with their lines)."""
    return check_rows(rows, lambda row: judgement_of(folder, Statement(**row.cells), ledger, now))


@dataclass(frozen=True)
class Judged:
    """A judgement on record, the question as the run asks it, and the pool with it."""

    entry: JudgementEntry
    asked: AskedOfRun
    pooled: Pooled

    @property
    def facts(self) -> dict[str, object]:
        """What a program is told."""
        entry = self.entry
        return {
            **entry.model_dump(mode="json", include={"id", "probability", "interval", "because", "made_on"}),
            "by": entry.forecaster,
            "hindcast": entry.hindcast,
            "question": entry.question.model_dump(mode="json"),
            "model": self.asked.milestone.probability,
            "pooled": self.pooled.facts,
        }

    def blocks(self) -> Iterator[Block]:
        """What a person is told."""
        entry, milestone = self.entry, self.asked.milestone
        late = " A hindcast: part of the answer could be known." if entry.hindcast else ""
        yield Prose(f"On record: {self.asked.target_label}, before {long_day(milestone.date)}.{late}")
        span = f", range {interval_percent(entry.interval)}" if entry.interval else ""
        yield Pairs(
            (
                (entry.forecaster, f"{percent(entry.probability)}{span}"),
                ("Model", percent(milestone.probability)),
                ("Pooled", self.pooled.sentence),
            )
        )
