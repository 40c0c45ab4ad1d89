"""People and the model on the same questions: who was how good, and what they say together.

The pool is a weighted mean of log odds, sharpened: logit p = a Σ wᵢ logit pᵢ (Satopää et al. 2014,
doi:10.1016/j.ijforecast.2013.09.009). Weights and a are learned from resolved questions with a strong prior
for equal weights and for a = 1, so that a few questions move them little. A judgement fades as its question
draws to its end: one made when t days were left counts with r / t when r days are left.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from forecast.blocks import Block, Bullets, Cell, Column, Group, Prose, Table, right
from forecast.errors import LedgerError
from forecast.evaluation.metrics import block_length, brier_score, log_score, mean_estimate, skill_estimate
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.ledger.chain import Ledger, standing_forecasts
from forecast.ledger.entries import ForecastEntry, JudgementEntry, Question
from forecast.records.base import Record
from forecast.wording import count, listing, number, percent

Floats = NDArray[np.float64]

MODEL, BASE_RATE, EQUAL, POOLED = "model", "base rate", "equal pool", "pooled"
NOT_PERSONS = (MODEL, BASE_RATE, EQUAL, POOLED)
WEIGHT_SD = 0.3
"""Prior standard deviation of the log of a weight: two weights differ by less than 2.3 times (95%)."""
SHARPENING_SD = 0.25
"""Prior scale of log a, which is not below 0."""
SKILL_SD = 0.2
"""Prior standard deviation of skill between forecasters, towards which few questions are shrunk."""
LEAST, MOST = 0.005, 0.995
"""What a single answer can say in the pool, so that nobody alone decides it."""


@dataclass(frozen=True)
class Pool:
    """What was learned: weights by forecaster (mean 1), how much the mean is sharpened, from how many."""

    weights: Mapping[str, float]
    sharpening: float
    n_questions: int

    def probability(self, answers: Mapping[str, float], fading: Mapping[str, float]) -> float:
        """Pool answers by forecaster, of whom one at least has an answer; unknown ones weigh 1."""
        names = list(answers)
        weights = np.array([self.weights.get(name, 1.0) * fading.get(name, 1.0) for name in names])
        odds = logit(np.clip([answers[name] for name in names], LEAST, MOST))
        if not weights.sum():
            weights = np.ones_like(weights)
        return float(expit(self.sharpening * (weights @ odds) / weights.sum()))


@dataclass(frozen=True)
class Pooled:
    """A question's pool: what it comes to, of how many people, and by what it was learned."""

    probability: float
    persons: int
    pool: Pool

    @property
    def facts(self) -> dict[str, object]:
        """What a program is told."""
        return {
            "probability": self.probability,
            "persons": self.persons,
            "sharpening": self.pool.sharpening,
            "learned_on": self.pool.n_questions,
        }

    @property
    def sentence(self) -> str:
        """The pool in words."""
        people = f"{self.persons} {'person' if self.persons == 1 else 'people'}"
        learned = (
            f"weights learned on {self.pool.n_questions} resolved questions"
            if self.pool.n_questions
            else "equal weights, since no such question is resolved yet"
        )
        return f"{percent(self.probability)} ({people} and the model; {learned})"


@dataclass(frozen=True)
class Answered:
    """A resolved question that the model answered, and people or ``others``, who are never pooled."""

    question: Question
    outcome: int
    answers: Mapping[str, float]
    base_rate: float
    others: Mapping[str, JudgementEntry] = field(default_factory=dict)

    @property
    def pooled(self) -> bool:
        """Whether a person answered it, so that there is a pool."""
        return len(self.answers) > 1


class PersonScore(Record):
    """One forecaster on the questions that it answered; Brier and log score (nats): lower is better.

    ``skill`` is 1 − Brier / that of the base rate on the same questions; ``skill_shrunk`` is drawn towards 0
    by its error, so that few questions claim little. ``model_brier`` is the model's on the same questions,
    ``lead`` the model's Brier score minus this one: above 0 it was better than the model. ``weight`` is the
    one in the pool (mean 1). Of its questions ``n_thin`` had a thin market, ``n_closed`` one that had closed
    when its file was made, ``n_late`` an answer made more than a week after the as-of date.
    """

    by: str
    n: int
    n_yes: int
    brier: float
    brier_se: float | None
    log: float
    skill: float | None
    skill_se: float | None
    skill_shrunk: float
    weight: float | None
    model_brier: float
    lead: float
    lead_se: float | None
    n_thin: int = 0
    n_closed: int = 0
    n_late: int = 0


def person_answers(ledger: Ledger) -> dict[str, dict[str, JudgementEntry]]:
    """Return what counts of each person by question: the last statement of the first day."""
    chosen: dict[str, dict[str, JudgementEntry]] = {}
    for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
        if entry.person and ledger.standing(entry) != "void":
            answers = chosen.setdefault(entry.forecaster, {})
            first = answers.get(entry.question.id)
            if first is None or first.made_on.date() == entry.made_on.date():
                answers[entry.question.id] = entry
    return chosen


def _others_answers(ledger: Ledger) -> dict[str, dict[str, JudgementEntry]]:
    """Return the first answer of each market, crowd or expert by question."""
    chosen: dict[str, dict[str, JudgementEntry]] = {}
    for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
        if not entry.person and ledger.standing(entry) != "void":
            chosen.setdefault(entry.question.id, {}).setdefault(entry.forecaster, entry)
    return chosen


def answered_questions(ledger: Ledger) -> list[Answered]:
    """Return the resolved questions that a person or others answered, in the order of their milestones."""
    persons, others = person_answers(ledger), _others_answers(ledger)
    ours: dict[str, ForecastEntry] = {}
    for entry in standing_forecasts(ledger)[0]:
        ours.setdefault(entry.question.id, entry)
    found = []
    for key, forecast in ours.items():
        resolution = ledger.resolution_of(key)
        answers = {name: said[key].probability for name, said in persons.items() if key in said}
        beside = {name: entry for name, entry in others.get(key, {}).items() if name not in answers}
        if resolution and (answers or beside):
            answers[MODEL] = forecast.probability
            base_rate = forecast.baseline.probability
            found.append(Answered(forecast.question, resolution.outcome, answers, base_rate, beside))
    return sorted(found, key=lambda one: (one.question.milestone, one.question.id))


def learn_pool(questions: Sequence[Answered]) -> Pool:
    """Learn weights and sharpening as the mode of their posterior, from the questions that people answered.

    Questions about one milestone share their outcome, so that together they count as one.
    """
    questions = [one for one in questions if one.pooled]
    names = sorted({name for one in questions for name in one.answers})
    if not questions:
        return Pool({}, 1.0, 0)
    answers = np.array([[one.answers.get(name, math.nan) for name in names] for one in questions])
    odds = logit(np.clip(answers, LEAST, MOST))
    said = ~np.isnan(odds)
    odds = np.where(said, odds, 0.0)
    outcome = np.array([one.outcome for one in questions])
    group = Counter(map(_shared_outcome, questions))
    counts = np.array([1 / group[_shared_outcome(one)] for one in questions])

    def loss(parameters: Floats) -> float:
        weights = said * np.exp(parameters[:-1])
        pooled = expit(math.exp(parameters[-1]) * (weights * odds).sum(axis=1) / weights.sum(axis=1))
        prior = (parameters[:-1] @ parameters[:-1] / WEIGHT_SD**2 + (parameters[-1] / SHARPENING_SD) ** 2) / 2
        return float(counts @ log_score(pooled, outcome) + prior)

    bounds = [(-3.0, 3.0)] * len(names) + [(0.0, 2.0)]
    mode = minimize(loss, np.zeros(len(names) + 1), bounds=bounds, method="L-BFGS-B").x
    weights = np.exp(mode[:-1])
    shares = weights / weights.mean()
    return Pool(dict(zip(names, shares.tolist(), strict=True)), math.exp(mode[-1]), len(questions))


def _shared_outcome(one: Answered) -> str:
    return one.question.model_copy(update={"as_of": one.question.milestone}).id


def pool_of(ledger: Ledger, question: Question, model: float, now: datetime) -> Pooled:
    """Pool the latest statement of each person on a question with the model's probability."""
    latest: dict[str, JudgementEntry] = {}
    for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
        if entry.person and entry.question.id == question.id and ledger.standing(entry) != "void":
            latest[entry.forecaster] = entry
    left = max((question.milestone - now.date()).days, 0)
    fading = {
        name: min(left / max((question.milestone - entry.made_on.date()).days, 1), 1.0) if left else 1.0
        for name, entry in latest.items()
    }
    pool = learn_pool(answered_questions(ledger))
    answers = {name: entry.probability for name, entry in latest.items()} | {MODEL: model}
    return Pooled(pool.probability(answers, fading), len(latest), pool)


def score_persons(ledger: Ledger, *, seed: int = 0) -> list[PersonScore]:
    """Score people and others, the model, the base rate and both pools on the questions that they answered.

    The pool is scored ahead: on each question with what was learned from those that were over before it was
    asked. ``LedgerError`` when no question that a person or others answered is resolved.
    """
    questions = answered_questions(ledger)
    if not questions:
        raise LedgerError(
            f"{ledger.path}: no question that a person or a market answered is resolved. 'forecast judge' "
            "and 'forecast ledger import' put answers on record, 'forecast ledger resolve' looks up what "
            "happened"
        )
    final = learn_pool(questions)
    columns: dict[str, list[float]] = {}
    for place, one in enumerate(questions):
        before = learn_pool([past for past in questions if past.question.milestone <= one.question.as_of])
        of_all = {name: entry.probability for name, entry in one.others.items()}
        of_all |= {**one.answers, BASE_RATE: one.base_rate}
        if one.pooled:
            of_all[EQUAL] = Pool({}, 1.0, 0).probability(one.answers, {})
            of_all[POOLED] = before.probability(one.answers, {})
        for name, probability in of_all.items():
            columns.setdefault(name, [math.nan] * len(questions))[place] = probability
    order = {name: place for place, name in enumerate(NOT_PERSONS)}
    names = sorted(columns, key=lambda name: (order.get(name, -1), name.casefold()))
    return [_score(name, np.array(columns[name]), questions, final, seed) for name in names]


def _score(name: str, column: Floats, questions: Sequence[Answered], pool: Pool, seed: int) -> PersonScore:
    some = [one for one, said in zip(questions, ~np.isnan(column), strict=True) if said]
    said = column[~np.isnan(column)]
    outcome = np.array([one.outcome for one in some])
    days = np.array([one.question.origin for one in some], dtype="datetime64[D]")
    origins, place = np.unique(days, return_inverse=True)
    block = block_length(origins, max(one.question.horizon_days for one in some))
    brier = brier_score(said, outcome)
    reference = brier_score(np.array([one.base_rate for one in some]), outcome)
    of_model = brier_score(np.array([one.answers[MODEL] for one in some]), outcome)
    sums, base_sums, lead_sums = (np.bincount(place, of) for of in (brier, reference, of_model - brier))
    error, lead_error = (
        _defined(mean_estimate(of / np.bincount(place), block, seed).se) for of in (sums, lead_sums)
    )
    entries = [one.others[name] for one in some if name in one.others]
    markets = [entry.market for entry in entries if entry.market]
    skill = skill_estimate(sums, base_sums, block, seed)
    skill_se = _defined(skill.se)
    value = _defined(skill.value)
    # Without an error of its own a skill is as uncertain as a Brier score can be.
    kept = SKILL_SD**2 / (SKILL_SD**2 + (1.0 if skill_se is None else skill_se) ** 2)
    return PersonScore(
        by=name,
        n=len(some),
        n_yes=int(outcome.sum()),
        brier=float(brier.mean()),
        brier_se=error,
        log=float(log_score(said, outcome).mean()),
        skill=value,
        skill_se=skill_se,
        skill_shrunk=0.0 if value is None else kept * value,
        weight=pool.weights.get(name),
        model_brier=float(of_model.mean()),
        lead=float((of_model - brier).mean()),
        lead_se=lead_error,
        n_thin=sum(market.thin is not None for market in markets),
        n_closed=sum(market.closed is not None for market in markets),
        n_late=sum(entry.hindcast for entry in entries),
    )


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None


def person_table(scores: Sequence[PersonScore]) -> Iterator[Block]:
    """A row a forecaster, who was better than the model so far, and what makes answers weaker evidence."""
    rows = tuple(
        tuple(
            Cell(text)
            for text in (
                one.by,
                f"{one.n:,}",
                f"{one.n_yes:,}",
                _with_error(one.brier, one.brier_se),
                f"{one.log:.3f}",
                f"{one.model_brier:.3f}",
                "–" if one.by == MODEL else _with_error(one.lead, one.lead_se),
                number(100 * one.skill_shrunk, 0) + "%",
                "–" if one.weight is None else f"{one.weight:.2f}",
            )
        )
        for one in scores
    )
    heads = ("n", "yes", "Brier", "log", "Model", "Lead", "Skill", "Weight")
    yield Table(columns=(Column("By"), *map(right, heads)), groups=(Group(rows=rows),))
    yield Prose(_leaders(scores))
    weak = [
        f"{one.by}: of {count(one.n, 'question')}, {listing(tuple(said))}"
        for one in scores
        if (said := [f"{n:,} {what}" for n, what in zip(_weak(one), _WEAK, strict=True) if n])
    ]
    if weak:
        yield Bullets(tuple(weak))
    yield Prose(
        "Questions that at least one person, market or crowd answered. Brier and log score: lower is better. "
        "Model: the model's Brier score on the same questions; lead: by how much theirs is lower. Skill is "
        "the gain on the base rate's Brier score, drawn towards 0 where questions are few. Weight is that in "
        "the pool of people and model, which is scored by what was learned before each question was asked.",
        tone="fine",
    )


_WEAK = "in a thin market", "in a market that has closed", "answered more than a week after the as-of date"


def _weak(one: PersonScore) -> tuple[int, ...]:
    return one.n_thin, one.n_closed, one.n_late


def _with_error(value: float, error: float | None) -> str:
    return number(value, 3) + ("" if error is None else f" ± {number(error, 3)}")


def _leaders(scores: Sequence[PersonScore]) -> str:
    """Who was better than the model by more than twice the error, with enough outcomes of either kind."""
    rivals = [one for one in scores if one.by not in NOT_PERSONS]
    sure = [
        one
        for one in rivals
        if one.lead_se is not None
        and abs(one.lead) > 2 * one.lead_se
        and min(one.n_yes, one.n - one.n_yes) >= FEWEST_OUTCOMES
    ]
    better = listing(tuple(one.by for one in sure if one.lead > 0))
    worse = listing(tuple(one.by for one in sure if one.lead < 0))
    said = [f"{better}: better than the model so far." if better else ""]
    said += [f"{worse}: worse than the model so far." if worse else ""]
    if open_ := listing(tuple(one.by for one in rivals if one not in sure)):
        said.append(f"{open_}: too few questions to tell who is better.")
    return " ".join(filter(None, said))
