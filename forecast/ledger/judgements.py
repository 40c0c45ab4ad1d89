"""What others say: people's statements, CSV of forecasts, prices of markets; and the ledger as CSV for them.

A statement is about a question of a run. CSV is about questions on record, which whoever fills it in matches
by hand, by their ids. A file is taken whole or not at all, and nothing is taken twice.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from forecast.config.field_types import unknown_actor
from forecast.errors import InputError, LedgerError, clean_text, shown
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITIES,
    category_fault,
    category_named,
    severity_named,
    way,
)
from forecast.ledger.recording import RunOrigin, acts_of, forecast_entry, questions_of
from forecast.ledger.scoring import NOT_PERSONS, pooled, standing_forecasts
from forecast.ledger.store import Ledger
from forecast.phrases.ledger import asked_text
from forecast.records.forecast import Baseline, MilestoneForecast, named_milestone
from forecast.records.ledger import (
    FIRST_YEAR,
    Condition,
    ForecastEntry,
    JudgementEntry,
    Question,
    rounded_chance,
    with_id,
)
from forecast.runs.files import open_run
from forecast.runs.inputs import Inputs
from forecast.runs.run import Run, read_run
from forecast.sensitivity.reactions import chance_after
from forecast.storage import SheetRow, check_rows, csv_text, read_chance, read_rows
from forecast.targets import ActClass
from forecast.wording import long_day, percent

FORECAST_COLUMNS = ("question", "forecaster", "probability")
MORE_OF_FORECASTS = ("dyad", "target", "as_of", "milestone", "made_on", "link", "differs", "outcome")
PRICE_COLUMNS = ("date", "question", "probability", "source")
MORE_OF_PRICES = ("link", "differs")
_EXPORTED = (
    *("question", "dyad", "target", "as_of", "milestone"),
    *("forecaster", "probability", "made_on", "link", "differs"),
)
_SHEET_HELP = "'forecast ledger export --format questions' writes a sheet to fill in"
Answer = ForecastEntry | JudgementEntry
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)"
_LONGEST_NAME = 80
EMPTY = "without a probability"
LATE, EARLY = "on or after the milestone", "before the last one known on the as-of date"


# People


@dataclass(frozen=True)
class PersonalJudgement:
    """A person's judgement, and what the run itself says of the question."""

    entry: JudgementEntry
    target_label: str
    milestone: MilestoneForecast

    def pool(self, ledger: Ledger) -> tuple[float, int]:
        """Pool the latest statement of each person with the model's probability; count the people."""
        latest = {}
        for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
            if entry.person and entry.question == self.entry.question and ledger.standing(entry) != "void":
                latest[entry.forecaster] = entry.probability
        return pooled([*latest.values(), self.milestone.probability]), len(latest)

    def facts(self, ledger: Ledger) -> dict[str, object]:
        """Return plain values."""
        entry, (probability, persons) = self.entry, self.pool(ledger)
        return {
            **entry.model_dump(mode="json", include={"id", "probability", "interval", "because", "made_on"}),
            "by": entry.forecaster,
            "hindcast": entry.hindcast,
            "question": entry.question.model_dump(mode="json"),
            "model": self.milestone.probability,
            "pooled": {"probability": probability, "persons": persons},
        }


class JudgedRun:
    """A saved run whose questions people answer (``RunFolderError`` for a folder without one)."""

    def __init__(self, folder: Path) -> None:
        saved = open_run(folder)
        self.forecast = saved.forecast
        self._folder = folder
        self._questions = {
            (asked.target, asked.milestone): asked.question for asked in questions_of(saved.config)
        }
        self._made_on = str(saved.manifest.get("made_on", ""))[:10]

    def conditional(self, trigger: str, days: int, target: str, before: str, now: datetime) -> Conditional:
        """Answer, by the model, whether a target follows within days of an act of a class; write nothing.

        ``trigger`` is a reaction of the run, or a class of acts; the first such act before the milestone
        counts. Raises ``InputError``: it cannot be asked; ``RunFolderError``: the run cannot be read.
        """
        milestone = named_milestone(self.forecast, target, before)
        plain = self._questions[target, milestone.name]
        self._refuse_late(plain, now.date(), stated=False)
        run = read_run(self._folder)
        acts = read_trigger(trigger, run.inputs)
        condition = Condition(
            category=acts.category,
            subcategory=tuple(sorted(acts.subcategory)),
            severities=acts.severities,
            by=tuple(sorted(acts.by)),
            days=days,
        )
        question = plain.model_copy(update={"condition": condition})
        return answer_conditional(run, question, target, milestone, now)

    def judgement(
        self, statement: Mapping[str, str], ledger: Ledger, now: datetime, asked: Conditional | None = None
    ) -> PersonalJudgement:
        """Check a statement (texts by option) and make its entry, on a question of the run, or on ``asked``.

        A run of a past that was over when the run was made is an exercise: judgements on it are hindcasts.
        Else a judgement has to be made before the milestone. Raises ``InputError``; ``LedgerError``: it is
        decided or void.
        """
        given = {name: clean_text(text) for name, text in statement.items()}
        by = _name(given["by"], "--by")
        probability = read_chance(given["probability"], "--probability")
        interval = read_range(given["range"], probability, "--range") if given["range"] else None
        milestone = named_milestone(self.forecast, given["target"], given["before"])
        question = self._questions[given["target"], milestone.name]
        if asked:
            milestone, question = asked.milestone, asked.entry.question
        made_on = _day_made(given["made_on"], now)
        self._refuse_late(question, made_on.date(), stated=bool(given["made_on"]))
        if question.id in ledger.voids:
            raise LedgerError(f"this question was declared void: {ledger.voids[question.id].reason}")
        if resolution := ledger.resolution_of(question.id):
            answer = f"yes, on {resolution.decided_on}" if resolution.outcome else "no"
            raise LedgerError(
                f"this question is resolved ({answer}; {ledger.path}), so a judgement can no longer be scored"
            )
        entry = with_id(
            JudgementEntry,
            question=question,
            forecaster=by,
            person=True,
            probability=rounded_chance(probability),
            interval=interval and tuple(map(rounded_chance, interval)),
            because=given["because"] or None,
            made_on=made_on,
        )
        return PersonalJudgement(entry, self.forecast.target(given["target"]).label, milestone)

    def _refuse_late(self, question: Question, day: date, *, stated: bool) -> None:
        """Refuse what was said before the as-of date, or after the window of a question asked ahead."""
        if day < question.as_of:
            raise InputError(
                f"--made-on: {day} is before the as-of date of the run, {question.as_of}. "
                "Judge a run of that time"
            )
        if day >= question.milestone and (stated or self._made_on < question.milestone.isoformat()):
            raise InputError(
                f"--before: the window was over on {long_day(question.milestone)}; a "
                "judgement made afterwards is no forecast"
            )


@dataclass(frozen=True)
class Conditional:
    """What a run says of a conditional question; how many cases its record has, and how many answered."""

    entry: ForecastEntry
    milestone: MilestoneForecast
    cases: int
    answered: int

    def facts(self) -> dict[str, object]:
        """Return plain values."""
        own = ("id", "question", "target", "probability", "interval90", "mcse", "baseline", "model")
        plain = self.entry.model_dump(mode="json", include=set(own))
        return plain | {"cases": self.cases, "answered": self.answered, "hindcast": self.entry.hindcast}


def read_trigger(text: str, inputs: Inputs) -> ActClass:
    """Read a reaction by name, or ``CATEGORY[/SUBCATEGORY][:SEVERITY or more][:BY[:TOWARDS]]``.

    Raises ``InputError``.
    """
    named = {reaction.name: reaction for reaction in inputs.reactions}
    if text in named:
        if when := named[text].when:
            return when
        raise InputError(f"--if: '{text}' follows an occasion, not acts. Ask of its day as a milestone")
    kind, *rest = (part.strip() for part in text.split(":"))
    category, slash, subcategory = kind.partition("/")
    category, rest = category_named(category), [str(severity_named(part)) for part in rest]
    least = [part for part in rest if part.isdigit()]
    acting = [part for part in rest if part not in least]
    if category not in CATEGORIES:
        reactions = f" Reactions of the run: {', '.join(named)}." if named else ""
        raise InputError(f"--if: {category_fault(shown(category))}.{reactions}")
    bad = [grade for grade in least if int(grade) not in SEVERITIES]
    if bad or len(least) > 1 or len(acting) > 2 or bool(slash) != bool(subcategory):
        raise InputError(
            f"--if: got '{shown(text)}'; expected CATEGORY[/SUBCATEGORY][:SEVERITY][:BY[:TOWARDS]], "
            "e.g. dispute/taiwan_visit:3:USA, severities from 1 (routine) to 5 (extreme), or a reaction of "
            "the run"
        )
    actors = inputs.dyad.actors
    for actor in acting:
        if actor and actor not in actors:
            raise InputError(f"--if: {unknown_actor(shown(actor), actors)}")
    severities = tuple(grade for grade in SEVERITIES if grade >= int(least[0] if least else 1))
    by = (way(*acting),) if any(acting) else ()
    return ActClass(category, (subcategory,) if slash else (), severities, by)


def answer_conditional(
    run: Run, question: Question, target: str, milestone: MilestoneForecast, now: datetime
) -> Conditional:
    """Give the model's chance that a target follows within days of an act of the question's condition.

    The baseline is the share of all other days of the record that were followed as soon.
    """
    inputs, condition = run.inputs, question.condition
    if condition is None:
        raise ValueError("a question without a condition")
    found = chance_after(run, acts_of(condition), condition.days, target)
    baseline = Baseline(name="other days", probability=found.by_chance)
    chance = {"probability": found.probability, "mcse": found.mcse, "interval90": found.interval90}
    answer = milestone.model_copy(update={**chance, "baseline": baseline})
    origin = replace(RunOrigin.of(inputs.config, inputs.events, run.folder), made_on=now)
    entry = forecast_entry(
        run.forecast.target(target), answer, question, origin, converged=run.forecast.converged
    )
    return Conditional(entry, answer, found.cases, found.answered)


def read_range(text: str, probability: float, name: str) -> tuple[float, float]:
    """Return a range around a probability from ``25-60``, in percent, or ``0.25-0.6``."""
    parts = re.fullmatch(rf"{_NUMBER}\s*[-–]\s*{_NUMBER}", text.strip())
    if parts:
        low, high = float(parts[1]), float(parts[3])
        if not parts[2] == parts[4] == "" or max(low, high) > 1:
            low, high = low / 100, high / 100
        if 0.0 <= low <= probability <= high <= 1.0:
            return low, high
    raise InputError(
        f"{name}: got '{shown(text)}'; expected two numbers around {percent(probability)} in percent, e.g. "
        "25-60"
    )


def _name(text: str, option: str) -> str:
    name = " ".join(text.split())
    if name and len(name) <= _LONGEST_NAME and name.casefold() not in NOT_PERSONS:
        return name
    raise InputError(
        f"{option}: got '{shown(text)}'; expected a name of at most {_LONGEST_NAME} characters, and none of "
        f"{', '.join(NOT_PERSONS)}"
    )


def _day_made(text: str, now: datetime) -> datetime:
    try:
        day = date.fromisoformat(text) if text else now.date()
    except ValueError as error:
        raise InputError(f"--made-on: got '{shown(text)}'; expected a day, YYYY-MM-DD") from error
    if day > now.date():
        raise InputError(f"--made-on: {day} lies ahead")
    return now.replace(microsecond=0) if day == now.date() else _midnight(day)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# The ledger as CSV


def forecasts_csv(ledger: Ledger) -> str:
    """Return the forecasts that count, ours by ``<config>/<model>``, others' answers, and what happened."""
    names, rows = target_names(ledger), []
    for entry, forecaster in _answers(ledger):
        if ledger.standing(entry) == "void":
            continue
        if isinstance(entry, ForecastEntry):
            target, more = asked_text(entry), ("", "")
        else:
            target, more = names[entry.question.id][0], (entry.link or "", entry.differs or "")
        resolution = ledger.resolution_of(entry.question.id)
        outcome = ("no", "yes")[resolution.outcome or 0] if resolution else ""
        answer = forecaster, entry.probability, entry.made_on.isoformat(), *more, outcome
        rows.append((*_question_cells(entry.question, target), *answer))
    return csv_text([(*_EXPORTED, "outcome"), *rows])


def question_sheet(ledger: Ledger) -> str:
    """Return the open questions with empty columns for a forecaster's name, probability and day."""
    rows = [
        (*_question_cells(ledger.questions[key], name), *[""] * 5)
        for key, names in target_names(ledger).items()
        if key not in ledger.voids and not ledger.resolution_of(key)
        for name in names
    ]
    return csv_text([_EXPORTED, *rows])


def chain_lines(ledger: Ledger) -> str:
    """Return the chain itself, a JSON object a record: what ``tools/verify_ledger.py`` checks."""
    stored = ("sequence", "previous", "hash", "payload")
    links = ({name: getattr(record, name) for name in stored} for record in ledger.records)
    return "".join(json.dumps(link) + "\n" for link in links)


EXPORTS = {"csv": forecasts_csv, "questions": question_sheet, "chain": chain_lines}
"""What ``forecast ledger export`` writes, by its --format."""


def _question_cells(question: Question, target: str) -> tuple[object, ...]:
    return question.id, question.pair, target, question.as_of, question.milestone


def target_names(ledger: Ledger) -> dict[str, list[str]]:
    """Names under which each question was asked, by its id, the first one first."""
    names: dict[str, dict[str, None]] = {key: {} for key in ledger.questions}
    for entry in ledger.forecasts:
        names[entry.question.id][asked_text(entry)] = None
    # People may judge a run that is not on record.
    return {key: [*asked] or [f"question_{key[:8]}"] for key, asked in names.items()}


def read_forecasts(path: Path, ledger: Ledger, now: datetime) -> tuple[list[Answer], dict[str, int]]:
    """Read others' probabilities for questions on record from CSV; count what is left out by reason.

    Columns that describe a question must agree with it; ``made_on`` is a day or a time, ``now`` where it is
    not given; ``outcome`` is for people to read. An answer that is on record is given as it stands there.
    ``InputError`` names the faults with their lines.
    """
    rows = read_rows(path, FORECAST_COLUMNS, MORE_OF_FORECASTS, help=_SHEET_HELP)
    answered = [row for row in rows if row["probability"]]
    if not answered:
        raise InputError(f"{path}: holds no probability: fill in forecaster and probability")
    names, known = target_names(ledger), {_cells(*answer): answer[0] for answer in _answers(ledger)}

    def entry_of(row: SheetRow) -> Answer:
        entry = _csv_entry(row, ledger, names, now)
        return known.get(_cells(entry, entry.forecaster), entry)

    empty = len(rows) - len(answered)
    return check_rows(answered, entry_of), {EMPTY: empty} if empty else {}


def _answers(ledger: Ledger) -> Iterator[tuple[Answer, str]]:
    """Forecasts that count and others' answers, each with the name of who gave it."""
    yield from ((entry, f"{entry.name}/{entry.model}") for entry in standing_forecasts(ledger)[0])
    yield from ((entry, entry.forecaster) for entry in ledger.judgements)


def _cells(entry: Answer, forecaster: str) -> tuple[object, ...]:
    return entry.question.id, forecaster, entry.probability, entry.made_on


def _csv_entry(
    row: SheetRow, ledger: Ledger, names: Mapping[str, list[str]], now: datetime
) -> JudgementEntry:
    question = _question_on_record(row, ledger)
    stated = {
        "dyad": [question.pair],
        "target": names[question.id],
        "as_of": [question.as_of.isoformat()],
        "milestone": [question.milestone.isoformat()],
    }
    for column, due in stated.items():
        if row[column] and row[column] not in due:
            raise row.fault(column, f"that of the question on record: {' or '.join(due)}")
    made_on = _moment(row, "made_on", now) if row["made_on"] else now
    return _entry(row, question, "forecaster", made_on.replace(microsecond=0))


def _entry(row: SheetRow, question: Question, by: str, made_on: datetime, **kind: bool) -> JudgementEntry:
    return with_id(
        JudgementEntry,
        question=question,
        forecaster=_name(row[by], f"{row.place}: {by}"),
        probability=rounded_chance(
            read_chance(row["probability"], f"{row.place}: probability", certain=True)
        ),
        made_on=made_on,
        link=row["link"] or None,
        differs=row["differs"] or None,
        **kind,
    )


def _question_on_record(row: SheetRow, ledger: Ledger) -> Question:
    beginning = row["question"].lower()
    keys = [key for key in ledger.questions if beginning and key.startswith(beginning)]
    if len(keys) != 1:
        raise row.fault("question", f"the id of one question on record. {_SHEET_HELP}")
    return ledger.questions[keys[0]]


def _moment(row: SheetRow, column: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(row[column])
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise row.fault(column, "a day or a time, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ") from error
    if moment.year < FIRST_YEAR:
        raise row.fault(column, f"a day from the year {FIRST_YEAR} on")
    if moment > now:
        raise row.fault(column, "a day that does not lie ahead")
    return moment


def read_prices(path: Path, ledger: Ledger, now: datetime) -> tuple[list[Answer], dict[str, int]]:
    """Read prices of markets, a row a day, for questions on record from CSV; count as ``read_forecasts``.

    Of a source and question what was known last on the as-of date is kept, and every later day before the
    milestone. ``InputError`` names the faults with their lines.
    """
    rows = read_rows(path, PRICE_COLUMNS, MORE_OF_PRICES, help="Give one price a row")
    series: dict[tuple[str, str], dict[date, JudgementEntry]] = {}

    def add(row: SheetRow) -> None:
        day = _moment(row, "date", now).date()
        entry = _entry(row, _question_on_record(row, ledger), "source", _midnight(day), price=True)
        prices = series.setdefault((entry.question.id, entry.forecaster), {})
        if prices.setdefault(day, entry) is not entry:
            raise row.fault("date", f"one price of {entry.forecaster} a day and question. Keep one")

    check_rows(rows, add)
    entries: list[Answer] = []
    left_out = Counter[str]()
    for prices in series.values():
        question = next(iter(prices.values())).question
        days = sorted(day for day in prices if day < question.milestone)
        early = max(sum(day <= question.as_of for day in days) - 1, 0)
        entries += [prices[day] for day in days[early:]]
        left_out.update({LATE: len(prices) - len(days), EARLY: early})
    return entries, {why: number for why, number in left_out.items() if number}


IMPORTS = {"csv": read_forecasts, "prices": read_prices}
"""What ``forecast ledger import`` reads, by its --format."""
