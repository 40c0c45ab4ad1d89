"""A ledger → scores: overall and by group, calibration, largest misses; people, markets and model together.

Of each series and question the first forecast that stands is scored. The errors are those of the backtest:
whole blocks of neighbouring origins are resampled (``bootstrap``), and all forecasts of an origin go with
it, since one act can decide many of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit, logit

from forecast.baselines import REFERENCE
from forecast.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Group,
    Heading,
    Pairs,
    Prose,
    Table,
    cells,
    plain_table,
    right,
)
from forecast.errors import LedgerError
from forecast.evaluation.forecast_table import ForecastTable, table_of
from forecast.evaluation.metrics import OriginBlocks, brier_score, log_score, reliability_curve
from forecast.evaluation.score_table import FEWEST_OUTCOMES, Claim, claim_of, largest_misses, score_by
from forecast.evaluation.track_record import error_bound, error_bound_if_defined
from forecast.ledger.chain import (
    GRACE_DAYS,
    SHOWN_DIGITS,
    ForecastEntry,
    JudgementEntry,
    Ledger,
    Question,
    ResolutionEntry,
)
from forecast.ledger.recording import RunQuestion, history_of, others_of
from forecast.records.analysis import ErrorBound, LedgerSummary, ReliabilityCurve
from forecast.records.base import HORIZONS, Probability, Record
from forecast.records.scale import STANDARD
from forecast.wording import count, number, percent, share

Floats = NDArray[np.float64]

_BAND_ENDS = HORIZONS[:4]
HORIZON_BANDS = tuple((last, f"{before + 1}–{last} days") for before, last in pairwise((0, *_BAND_ENDS)))
LONGEST_BAND = f"over {_BAND_ENDS[-1]} days"
AHEAD, HINDCAST = "made ahead", "hindcast"
MODEL, BASE_RATE, EQUAL = "model", "base rate", "equal pool"
NOT_PERSONS = (MODEL, BASE_RATE, EQUAL)
SEED = 0
"""Of the bootstrap and of the consistency bands."""
LEAST, MOST = 0.005, 0.995
"""What a single answer can say in the pool, so that nobody alone decides it."""
_GROUP_HEADS = {
    "horizon": "By horizon",
    "target": "By target",
    "dyad": "By pair",
    "model": "By model",
    "made": "By time",
}


class ScoredForecast(NamedTuple):
    """A forecast and what happened."""

    entry: ForecastEntry
    resolution: ResolutionEntry
    outcome: Literal[0, 1]

    @property
    def question(self) -> Question:
        """What was forecast."""
        return self.entry.question

    @property
    def early(self) -> bool:
        """Whether the answer, a yes, was there before the window was half over."""
        decided, asked = self.resolution.decided_on, self.question
        if asked.condition:
            return False
        return decided is not None and 2 * (decided - asked.origin).days < asked.horizon_days


class Counts(Record):
    """What became of every forecast on record; all but the last two add up to ``forecasts``."""

    forecasts: int
    scored: int
    open: int
    void: int
    unconverged: int = Field(description="not scored: the run did not converge")
    repeated: int = Field(description="not scored: an earlier forecast of the same question stands")
    hindcasts: int = Field(description="of the scored: made more than a week after the as-of date")
    early: int = Field(description="of the scored: a yes before the window was half over")


def standing_forecasts(ledger: Ledger, *, failed: bool = False) -> tuple[list[ForecastEntry], Counts]:
    """Choose what counts: of each config name, model and question the first forecast that stands.

    Later ones do not count, or the best could be picked afterwards. One that was declared void, or did not
    converge (unless ``failed`` ones count as well), makes room for the next. Given are the open and the
    resolved ones, in the order they were made, and what became of all.
    """
    chosen: dict[tuple[str, str, str], ForecastEntry] = {}
    left = dict.fromkeys(("void", "unconverged", "repeated"), 0)
    forecasts = sorted(ledger.forecasts, key=lambda entry: entry.made_on)
    for entry in forecasts:
        key = (entry.question.id, entry.name, entry.model)
        if ledger.standing(entry) == "void":
            left["void"] += 1
        elif entry.failed and not failed:
            left["unconverged"] += 1
        elif key in chosen:
            left["repeated"] += 1
        else:
            chosen[key] = entry
    resolved = resolved_forecasts(ledger, chosen.values())
    return list(chosen.values()), Counts(
        forecasts=len(forecasts),
        scored=len(resolved),
        open=len(chosen) - len(resolved),
        hindcasts=sum(forecast.entry.hindcast for forecast in resolved),
        early=sum(forecast.early for forecast in resolved),
        **left,
    )


def resolved_forecasts(ledger: Ledger, entries: Iterable[ForecastEntry]) -> list[ScoredForecast]:
    """Return those whose question is resolved, each with the resolution that stands."""
    answers = ((entry, ledger.resolution_of(entry.question.id)) for entry in entries)
    return [
        ScoredForecast(entry, resolution, resolution.outcome)
        for entry, resolution in answers
        if resolution and resolution.outcome is not None
    ]


def _blocks(questions: Sequence[Question]) -> OriginBlocks:
    origins = np.array([question.origin for question in questions], dtype="datetime64[D]")
    return OriginBlocks(origins, max(question.horizon_days for question in questions), SEED)


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None


class GroupScore(Record):
    """Mean scores of a group, beside those of the baseline that each forecast was recorded with.

    ``brier`` and ``log`` (in nats) are better when lower. ``skill`` is 1 − Brier / baseline's Brier.
    """

    by: str = "all"
    group: str = "all"
    n: int
    n_yes: int
    brier: ErrorBound
    log: ErrorBound
    baseline_brier: float
    baseline_log: float
    skill: ErrorBound | None
    claim: Claim


def score_group(forecasts: Sequence[ScoredForecast], *, by: str = "all", group: str = "all") -> GroupScore:
    """Score at least one forecast; ``by`` and ``group`` say what they have in common."""
    probability = np.array([forecast.entry.probability for forecast in forecasts])
    baseline = np.array([forecast.entry.baseline.probability for forecast in forecasts])
    outcome = np.array([forecast.outcome for forecast in forecasts], dtype=np.int8)
    origins = _blocks([forecast.question for forecast in forecasts])
    brier, reference = brier_score(probability, outcome), brier_score(baseline, outcome)
    skill = origins.skill(brier, reference)
    n_yes = int(outcome.sum())
    return GroupScore(
        by=by,
        group=group,
        n=len(outcome),
        n_yes=n_yes,
        brier=error_bound(origins.mean(brier)),
        log=error_bound(origins.mean(log_score(probability, outcome))),
        baseline_brier=float(reference.mean()),
        baseline_log=float(log_score(baseline, outcome).mean()),
        skill=error_bound_if_defined(skill),
        claim=claim_of(skill, n_yes, len(outcome)),
    )


class LedgerMiss(Record):
    """A forecast on the wrong side of an even chance."""

    id: str
    dyad: str
    target: str
    as_of: date
    milestone: date
    probability: Probability
    outcome: Literal[0, 1]


class LedgerScores(Record):
    """All scores of a ledger; ``groups`` begins with all forecasts together."""

    schema_: Literal[2] = Field(2, alias="schema")
    head: str
    counts: Counts
    void_share: float | None
    groups: tuple[GroupScore, ...]
    without_early: GroupScore | None
    calibration: tuple[ReliabilityCurve, ...]
    calibration_slope: ErrorBound | None
    largest_misses: tuple[LedgerMiss, ...]
    warnings: tuple[str, ...]

    def blocks(self, path: Path, figure: Path | None) -> Iterator[Block]:
        """Counts, the score of every group, calibration and misses."""
        counts = self.counts
        parts = [f"{counts.scored:,} scored", f"{counts.open:,} open", f"{counts.void:,} void"]
        parts += [f"{counts.unconverged:,} not converged"] if counts.unconverged else []
        parts += [f"{counts.repeated:,} repeated"] if counts.repeated else []
        yield Heading(f"{path}: {count(counts.forecasts, 'forecast')} on record, {', '.join(parts)}.")
        if counts.void and self.void_share is not None:
            yield Prose(f"Void share: {percent(self.void_share)} of void and scored.")
        if self.warnings:
            yield Bullets(self.warnings)
        everything, *others = self.groups
        rows = [_score_row("All", everything)]
        if self.without_early:
            rows.append(_score_row("without early answers", self.without_early))
        groups = [Group(rows=tuple(rows), marked=(0,))]
        for by, head in _GROUP_HEADS.items():
            members = [group for group in others if group.by == by]
            if len(members) > 1 or by == "target":
                groups.append(
                    Group(rows=tuple(_score_row(member.group, member) for member in members), label=head)
                )
        numbers = map(right, ("n", "yes", "Brier", "±", "base", "log"))
        yield Table(columns=(Column(""), *numbers, Column("Skill (90%)")), groups=tuple(groups))
        if everything.claim != "none":
            excludes = "(the interval of the skill excludes 0)"
            yield Prose(f"Over all, the forecasts are {everything.claim} than the baseline {excludes}.")
        yield Prose(
            "Brier and log score: lower is better. ± is the standard error, by blocks of neighbouring as-of "
            "dates. base is the Brier score of the baseline that was recorded with each forecast. An "
            f"asterisk: the interval excludes 0, and there are {FEWEST_OUTCOMES} outcomes of either kind. "
            "Without it no skill is claimed.",
            tone="fine",
        )
        early = f"{count(counts.early, 'question')} with a yes in the first half of the window"
        yield Prose(f"Early: {early}. Left out, only slower answers remain.", tone="fine")
        yield from self._calibration_blocks()
        misses = [
            (
                *(miss.id[:SHOWN_DIGITS], str(miss.as_of), str(miss.milestone), miss.target),
                *(percent(miss.probability), "happened" if miss.outcome else "did not happen"),
            )
            for miss in self.largest_misses
        ]
        if misses:
            columns = "Id", "As of", "Before", "Target", right("Said"), "It"
            yield plain_table(columns, misses, "Largest misses, of each episode the worst")
        else:
            yield Prose("No forecast was on the wrong side of an even chance.")
        if figure:
            yield Pairs((("Written", str(figure)),))

    def _calibration_blocks(self) -> Iterator[Block]:
        rows = [
            (
                *(percent(each.forecast_mean), share(each.observed_share), f"{each.number:,}"),
                f"{share(each.lower90)} to {share(each.upper90)}",
            )
            for each in self.calibration[0].bins
        ]
        columns = right("forecast"), right("happened"), right("n"), "90% of calibrated ones"
        yield plain_table(columns, rows, "Calibration")
        slope = self.calibration_slope
        if slope and slope.interval90:
            low, high = (number(end, 2) for end in slope.interval90)
            text = f"Slope {number(slope.value, 2)} (90% interval {low} to {high})"
            yield Prose(f"{text}; 1 is calibrated, below 1 too extreme.", tone="fine")


def score_ledger(ledger: Ledger, *, failed: bool = False) -> LedgerScores:
    """Score a ledger by the functions that score a backtest (``LedgerError``: nothing can be scored yet).

    ``failed`` scores forecasts of runs that did not converge as well.
    """
    standing, counts = standing_forecasts(ledger, failed=failed)
    scored = resolved_forecasts(ledger, standing)
    if not scored:
        raise LedgerError(f"{ledger.path}: {_nothing_to_score(counts)}")
    late = [forecast for forecast in scored if not forecast.early]
    models = {forecast.entry.model for forecast in scored}
    name = models.pop() if len(models) == 1 else "all_models"
    table = _as_table(scored, name)
    baseline = _as_table(scored, REFERENCE, baseline=True)
    groups = [score_group(scored), *_groups(scored)]
    return LedgerScores(
        schema=2,
        head=ledger.head,
        counts=counts,
        void_share=counts.void / closed if (closed := counts.void + counts.scored) else None,
        groups=tuple(groups),
        without_early=score_group(late, group="without early") if late else None,
        calibration=tuple(reliability_curve(rows, rows.models[0], seed=SEED) for rows in (table, baseline)),
        calibration_slope=error_bound_if_defined(score_by(table, seed=SEED)[()].line[1]),
        largest_misses=tuple(_misses(scored, table)),
        warnings=tuple(_warnings(counts, groups[0])),
    )


def summarise_ledger(
    ledger: Ledger, dyad: tuple[str, str], asked: Sequence[RunQuestion] = (), run_id: str | None = None
) -> LedgerSummary:
    """Return what a report says of the ledger: the forecasts on one dyad, how they did, and the history.

    ``asked`` are the questions of the run, whose earlier forecasts are the history. What the run itself
    (``run_id``) put on record before is left out.
    """
    pair = tuple(sorted(dyad))

    def counts(entry: ForecastEntry) -> bool:
        return entry.question.dyad == pair and entry.run_id != run_id

    of_dyad = list(filter(counts, ledger.forecasts))
    n_failed = sum(entry.failed for entry in of_dyad)
    own = {one.question.model_copy(update={"as_of": date.min}) for one in asked}
    standing, _ = standing_forecasts(ledger)
    scored = resolved_forecasts(ledger, filter(counts, standing))
    score = score_group(scored) if scored else None
    return LedgerSummary(
        schema=1,
        head=ledger.head,
        n_forecasts=len(of_dyad) - n_failed,
        n_same=sum(
            not entry.failed and entry.question.model_copy(update={"as_of": date.min}) in own
            for entry in of_dyad
        ),
        n_failed=n_failed,
        n_scored=len(scored),
        n_yes=score.n_yes if score else 0,
        n_hindcasts=sum(forecast.entry.hindcast for forecast in scored),
        brier=score.brier if score else None,
        baseline_brier=score.baseline_brier if score else None,
        claim=score.claim if score else "none",
        history=history_of(ledger, asked),
        others=others_of(ledger, asked, asked[0].question.as_of) if asked else (),
    )


def _groups(scored: Sequence[ScoredForecast]) -> list[GroupScore]:
    # Groups stand in this order, then by name.
    order = [*(name for _, name in HORIZON_BANDS), AHEAD]
    # Where one name stands for several rules, the rule is told with it.
    rules = Counter(name for name, _ in {_rule(forecast.entry) for forecast in scored})
    kinds: dict[str, Callable[[ScoredForecast], str]] = {
        "horizon": lambda forecast: horizon_band(forecast.question.horizon_days),
        "target": lambda forecast: _rule(forecast.entry)[rules[forecast.entry.asked] > 1],
        "dyad": lambda forecast: forecast.question.pair,
        "model": lambda forecast: forecast.entry.model,
        "made": lambda forecast: HINDCAST if forecast.entry.hindcast else AHEAD,
    }
    scores = []
    for by, group_of in kinds.items():
        members: dict[str, list[ScoredForecast]] = {}
        for forecast in scored:
            members.setdefault(group_of(forecast), []).append(forecast)
        names = sorted(members, key=lambda name: (order.index(name) if name in order else len(order), name))
        scores += [score_group(members[name], by=by, group=name) for name in names]
    return scores


def horizon_band(days: int) -> str:
    """Name of the band that a window of so many days is counted in."""
    return next((name for longest, name in HORIZON_BANDS if days <= longest), LONGEST_BAND)


def _rule(entry: ForecastEntry) -> tuple[str, str]:
    """A target by its name and by what meets it."""
    question = entry.question
    by = f" by {' or '.join(question.by)}" if question.by else ""
    scale = "" if question.scale_key == STANDARD else f", scale {question.scale}"
    kinds = ", ".join(question.any_of)
    return entry.asked, f"{entry.asked} ({kinds}, severity {question.min_severity} or more{by}{scale})"


def _as_table(scored: Sequence[ScoredForecast], model: str, *, baseline: bool = False) -> ForecastTable:
    """Put forecasts, or the baselines they were recorded with, into the table that the backtest scores."""
    entries = [forecast.entry for forecast in scored]
    questions = [entry.question for entry in entries]
    return table_of(
        {
            "what": [question.pair for question in questions],
            "target": [_series(entry) for entry in entries],
            "origin": [question.origin for question in questions],
            "day": [question.milestone for question in questions],
            "who": model,
            "chance": [entry.baseline.probability if baseline else entry.probability for entry in entries],
            "outcome": [forecast.outcome for forecast in scored],
        }
    )


def _series(entry: ForecastEntry) -> str:
    """What sets apart forecasts of windows that are the same."""
    question = entry.question
    asked = question.pair, ",".join(question.theatre), ",".join(question.any_of), str(question.min_severity)
    condition = question.condition.words if question.condition else ""
    return "|".join(
        (*asked, condition, ",".join(question.by or ()), question.scale_key, entry.name, entry.model)
    )


def _misses(scored: Sequence[ScoredForecast], table: ForecastTable) -> Iterator[LedgerMiss]:
    for miss in (scored[row] for row in largest_misses(table)):
        yield LedgerMiss(
            id=miss.entry.id,
            dyad=miss.question.pair,
            target=miss.entry.target,
            as_of=miss.question.as_of,
            milestone=miss.question.milestone,
            probability=miss.entry.probability,
            outcome=miss.outcome,
        )


def _warnings(counts: Counts, everything: GroupScore) -> Iterator[str]:
    if counts.hindcasts:
        part = "All" if counts.hindcasts == counts.scored else f"{counts.hindcasts:,} of {counts.scored:,}"
        yield (
            f"{part} scored forecasts are hindcasts: made more than {GRACE_DAYS} days after the as-of date, "
            "when part of the answer could be known. They show how the method does, not what we foresaw."
        )
    no = everything.n - everything.n_yes
    if min(everything.n_yes, no) < FEWEST_OUTCOMES:
        yield (
            f"{count(everything.n_yes, 'question')} ended in a yes and {no:,} in a no. "
            f"With fewer than {FEWEST_OUTCOMES} of either no skill is claimed."
        )
    if counts.unconverged:
        yield f"{count(counts.unconverged, 'forecast')} of runs that did not converge left out."
    if counts.repeated:
        yield (
            f"{count(counts.repeated, 'later forecast')} of a question that was answered before left out: "
            "the first one stands."
        )


def _nothing_to_score(counts: Counts) -> str:
    if not counts.forecasts:
        return "holds no forecast yet. 'forecast run' puts them on record"
    why = [f"{counts.open:,} open; see 'forecast ledger resolve'"] if counts.open else []
    why += [f"{counts.void:,} void"] if counts.void else []
    failed = f"{counts.unconverged:,} of runs that did not converge (score them with --failed)"
    why += [failed] if counts.unconverged else []
    return f"nothing can be scored yet: of {count(counts.forecasts, 'forecast')} {', '.join(why)}"


def _score_row(label: str, group: GroupScore) -> tuple[Cell, ...]:
    return cells(
        *(label, f"{group.n:,}", f"{group.n_yes:,}", f"{group.brier.value:.3f}"),
        "–" if group.brier.se is None else f"{group.brier.se:.3f}",
        *(f"{group.baseline_brier:.3f}", f"{group.log.value:.3f}", _skill_cell(group)),
    )


def _skill_cell(group: GroupScore) -> str:
    # Against a baseline that is all but perfect a skill is a huge number without a meaning.
    if group.skill is None or abs(group.skill.value) >= 10:
        return "–"
    text = f"{number(100 * group.skill.value, 0)}%"
    if group.skill.interval90:
        low, high = (number(100 * end, 0) for end in group.skill.interval90)
        text += f" ({low} to {high})"
    return text + ("" if group.claim == "none" else " *")


def pooled(probabilities: Sequence[float]) -> float:
    """Return the plain mean of log odds of at least one probability, none counted as nearly certain."""
    return float(expit(logit(np.clip(probabilities, LEAST, MOST)).mean()))


@dataclass(frozen=True)
class AnsweredQuestion:
    """A resolved question with its answers by forecaster: people, others, model, base rate and pool.

    ``late`` are others who answered more than a week after the as-of date.
    """

    question: Question
    outcome: int
    answers: Mapping[str, float]
    late: frozenset[str]


class PersonScore(Record):
    """One forecaster on the questions that it answered; Brier and log score (nats): lower is better.

    On the same questions, ``skill`` is 1 − Brier / that of the base rate, ``model_brier`` the model's, and
    ``lead`` the model's Brier score minus this one: above 0 it was better than the model. ``n_late`` of its
    answers were made more than a week after the as-of date.
    """

    by: str
    n: int
    n_yes: int
    brier: float
    brier_se: float | None
    log: float
    skill: float | None
    skill_se: float | None
    model_brier: float
    lead: float
    lead_se: float | None
    n_late: int

    @property
    def sure(self) -> bool:
        """Whether the lead exceeds twice its error, with enough outcomes of either kind."""
        enough = min(self.n_yes, self.n - self.n_yes) >= FEWEST_OUTCOMES
        return enough and self.lead_se is not None and abs(self.lead) > 2 * self.lead_se


def first_answers(ledger: Ledger, *, of_persons: bool) -> dict[str, dict[str, JudgementEntry]]:
    """Return the first answer of each person, or of each other forecaster, by forecaster and question.

    Of a person's statements of its first day the last counts.
    """
    chosen: dict[str, dict[str, JudgementEntry]] = {}
    for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
        if entry.person == of_persons and ledger.standing(entry) != "void":
            answers = chosen.setdefault(entry.forecaster, {})
            first = answers.setdefault(entry.question.id, entry)
            if of_persons and first.made_on.date() == entry.made_on.date():
                answers[entry.question.id] = entry
    return chosen


def answered_questions(ledger: Ledger) -> list[AnsweredQuestion]:
    """Return the resolved questions that a person or others answered, in the order of their milestones."""
    persons, others = (first_answers(ledger, of_persons=of_persons) for of_persons in (True, False))
    forecasts: dict[str, ForecastEntry] = {}
    for entry in standing_forecasts(ledger)[0]:
        forecasts.setdefault(entry.question.id, entry)
    questions = []
    for key, forecast in forecasts.items():
        resolution = ledger.resolution_of(key)
        people = {name: answers[key].probability for name, answers in persons.items() if key in answers}
        beside = {
            name: answers[key] for name, answers in others.items() if key in answers and name not in people
        }
        if not resolution or resolution.outcome is None or not (people or beside):
            continue
        answers = {name: entry.probability for name, entry in beside.items()} | people
        answers |= {MODEL: forecast.probability, BASE_RATE: forecast.baseline.probability}
        if people:
            answers[EQUAL] = pooled([*people.values(), forecast.probability])
        late = frozenset(name for name, entry in beside.items() if entry.hindcast)
        questions.append(AnsweredQuestion(forecast.question, resolution.outcome, answers, late))
    return sorted(questions, key=lambda answered: (answered.question.milestone, answered.question.id))


def score_persons(ledger: Ledger) -> list[PersonScore]:
    """Score people and others, the model, the base rate and the pool on the questions that they answered.

    ``LedgerError`` when no question that a person or others answered is resolved.
    """
    questions = answered_questions(ledger)
    if not questions:
        raise LedgerError(
            f"{ledger.path}: no question that a person or a market answered is resolved. 'forecast judge' "
            "and 'forecast ledger import' put answers on record, 'forecast ledger resolve' looks up what "
            "happened"
        )
    order = {name: place for place, name in enumerate(NOT_PERSONS)}
    names = {name for answered in questions for name in answered.answers}
    return [
        _score_person(name, [answered for answered in questions if name in answered.answers])
        for name in sorted(names, key=lambda name: (order.get(name, -1), name.casefold()))
    ]


def _score_person(name: str, questions: Sequence[AnsweredQuestion]) -> PersonScore:
    outcome = np.array([answered.outcome for answered in questions])
    probability, of_model, base_rate = (
        np.array([answered.answers[who] for answered in questions]) for who in (name, MODEL, BASE_RATE)
    )
    brier, model_brier, reference = (
        brier_score(each, outcome) for each in (probability, of_model, base_rate)
    )
    origins = _blocks([answered.question for answered in questions])
    skill = origins.skill(brier, reference)
    return PersonScore(
        by=name,
        n=len(questions),
        n_yes=int(outcome.sum()),
        brier=float(brier.mean()),
        brier_se=_defined(origins.mean(brier).se),
        log=float(log_score(probability, outcome).mean()),
        skill=_defined(skill.value),
        skill_se=_defined(skill.se),
        model_brier=float(model_brier.mean()),
        lead=float((model_brier - brier).mean()),
        lead_se=_defined(origins.mean(model_brier - brier).se),
        n_late=sum(name in answered.late for answered in questions),
    )


def person_blocks(scores: Sequence[PersonScore]) -> Iterator[Block]:
    """A row a forecaster, with an asterisk where it is sure who was better, and who answered late."""
    rows = [
        (
            *(score.by, f"{score.n:,}", f"{score.n_yes:,}", _with_error(score.brier, score.brier_se)),
            *(f"{score.log:.3f}", f"{score.model_brier:.3f}"),
            "–" if score.by == MODEL else _with_error(score.lead, score.lead_se) + " *" * score.sure,
            "–" if score.skill is None else f"{number(100 * score.skill, 0)}%",
        )
        for score in scores
    ]
    yield plain_table(("By", *map(right, ("n", "yes", "Brier", "log", "Model", "Lead", "Skill"))), rows)
    late = [
        f"{score.by}: of {count(score.n, 'question')}, {score.n_late:,} answered more than a week after the "
        "as-of date"
        for score in scores
        if score.n_late
    ]
    if late:
        yield Bullets(tuple(late))
    yield Prose(
        "Questions that at least one person, market or crowd answered. Brier and log score: lower is better. "
        "Model: the model's Brier score on the same questions; lead: by how much theirs is lower. An "
        f"asterisk: it exceeds twice its error, and there are {FEWEST_OUTCOMES} outcomes of either kind; "
        "without it there are too few questions to tell who is better. Skill is the gain on the base rate's "
        "Brier score. The equal pool is the mean log odds of people and model.",
        tone="fine",
    )


def _with_error(value: float, error: float | None) -> str:
    return number(value, 3) + ("" if error is None else f" ± {number(error, 3)}")
