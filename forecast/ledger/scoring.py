"""A ledger → scores: overall and by group, calibration, largest misses; people, markets and model together.

Of each series and question the first forecast that stands is scored. The errors are those of the backtest:
whole blocks of neighbouring origins are resampled (``bootstrap``), and all forecasts of an origin go with
it, since one act can decide many of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import scipy

from forecast.baselines import REFERENCE
from forecast.errors import LedgerError
from forecast.evaluation.metrics import brier_score
from forecast.evaluation.score_table import (
    ForecastTable,
    Score,
    Scores,
    largest_misses,
    reliability_curve,
    score_by,
    table_of,
)
from forecast.evaluation.track_record import count_apart, error_bound, error_bound_if_defined
from forecast.events.codebook import acted
from forecast.ledger.recording import RunQuestion, history_of
from forecast.ledger.store import Ledger
from forecast.phrases.ledger import asked_text, nothing_to_score_text
from forecast.records.analysis import FEWEST_EPISODES, FEWEST_OUTCOMES, LedgerSummary
from forecast.records.base import STANDARD
from forecast.records.ledger import (
    GRACE_DAYS,
    Counts,
    ForecastEntry,
    GroupScore,
    JudgementEntry,
    LedgerMiss,
    LedgerScores,
    PersonScore,
    Question,
    content_hash,
)
from forecast.records.notices import Notice, notice
from forecast.wording import HORIZONS

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


class Scored(NamedTuple):
    """A forecast, what happened, and on which day first."""

    entry: ForecastEntry
    outcome: Literal[0, 1]
    decided_on: date | None


def standing_forecasts(ledger: Ledger) -> tuple[list[ForecastEntry], Counts]:
    """Choose what counts: of each config name, model and question the first forecast that stands.

    Later ones do not count, or the best could be picked afterwards. One that was declared void, or did not
    converge, makes room for the next. Given are the open and the
    resolved ones, in the order they were made, and what became of all.
    """
    chosen: dict[tuple[str, str, str], ForecastEntry] = {}
    left = dict.fromkeys(("void", "unconverged", "repeated"), 0)
    forecasts = sorted(ledger.forecasts, key=lambda entry: entry.made_on)
    for entry in forecasts:
        key = (entry.question.id, entry.name, entry.model)
        if ledger.standing(entry) == "void":
            left["void"] += 1
        elif entry.failed:
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
        **left,
    )


def resolved_forecasts(ledger: Ledger, entries: Iterable[ForecastEntry]) -> list[Scored]:
    """Return those whose question has an answer, each with the one that stands."""
    answers = ((entry, ledger.resolution_of(entry.question.id)) for entry in entries)
    return [
        Scored(entry, found.outcome, found.decided_on)
        for entry, found in answers
        if found and found.outcome is not None
    ]


def score_groups(scored: Sequence[Scored], by: str = "all", of: Sequence[str] = ()) -> list[GroupScore]:
    """Score at least one forecast in groups; ``of`` are their groups, one for all when empty."""
    table = _as_table(scored)
    of = of or ["all"] * len(scored)
    groups = np.array([*of, *of], dtype=object)
    scores = score_by(table, "group", "who", seed=SEED, also={"group": groups})
    # Bands and what was made ahead stand in this order, others by name.
    order = [*(name for _, name in HORIZON_BANDS), AHEAD]
    found = []
    for name in sorted({*groups.tolist()}, key=lambda one: (order.index(one) if one in order else 99, one)):
        ours, base = scores[name, MODEL], scores[name, REFERENCE]
        skill, met = ours.skill(base), dict[str, list[date]]()
        for (entry, _, day), group in zip(scored, of, strict=True):
            if day and group == name:
                met.setdefault(entry.question.pair, []).append(day)
        episodes = sum(map(count_apart, met.values()))
        found.append(
            GroupScore(
                by=by,
                group=name,
                n=ours.n,
                n_yes=ours.n_hits,
                episodes=episodes,
                brier=error_bound(ours.brier),
                log=error_bound(ours.log),
                baseline_brier=base.brier.value,
                baseline_log=base.log.value,
                skill=error_bound_if_defined(skill.brier) if skill else None,
                claim=skill.claim if skill and episodes >= FEWEST_EPISODES else "none",
            )
        )
    return found


def score_ledger(ledger: Ledger) -> LedgerScores:
    """Score a ledger by the functions that score a backtest (``LedgerError``: nothing can be scored yet)."""
    standing, counts = standing_forecasts(ledger)
    scored = resolved_forecasts(ledger, standing)
    if not scored:
        raise LedgerError(f"{ledger.path}: {nothing_to_score_text(counts)}")
    table, groups = _as_table(scored), score_groups(scored)
    for by, group_of in _group_names(scored).items():
        groups += score_groups(scored, by, [group_of(forecast.entry) for forecast in scored])
    ours = table.select(who=MODEL)
    models = {forecast.entry.model for forecast in scored}
    named = {MODEL: models.pop() if len(models) == 1 else "all_models", REFERENCE: REFERENCE}
    curves = (
        reliability_curve(table, who, seed=SEED).model_copy(update={"model": name})
        for who, name in named.items()
    )
    return LedgerScores(
        schema=4,
        head=ledger.head,
        counts=counts,
        void_share=counts.void / closed if (closed := counts.void + counts.scored) else None,
        groups=tuple(groups),
        calibration=tuple(curves),
        calibration_slope=error_bound_if_defined(score_by(ours, seed=SEED)[()].line[1]),
        largest_misses=tuple(_misses(scored)),
        warnings=tuple(_warnings(counts, groups[0])),
    )


def summarise_ledger(
    ledger: Ledger, dyad: tuple[str, str], asked: Sequence[RunQuestion] = (), run_id: str | None = None
) -> LedgerSummary:
    """Return what a report says of the ledger: the forecasts on one dyad, how they did, and the history.

    ``asked`` are the questions of the run; what the run itself (``run_id``) put on record is left out.
    """
    pair = tuple(sorted(dyad))

    def counts(entry: ForecastEntry) -> bool:
        return entry.question.dyad == pair and entry.run_id != run_id

    of_dyad = list(filter(counts, ledger.forecasts))
    n_failed = sum(entry.failed for entry in of_dyad)
    own = {asked_for.question.model_copy(update={"as_of": date.min}) for asked_for in asked}
    standing, _ = standing_forecasts(ledger)
    scored = resolved_forecasts(ledger, filter(counts, standing))
    score = score_groups(scored)[0] if scored else None
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
        n_hindcasts=sum(entry.hindcast and not entry.failed for entry in of_dyad),
        brier=score.brier if score else None,
        baseline_brier=score.baseline_brier if score else None,
        claim=score.claim if score else "none",
        history=history_of(ledger, asked),
    )


def _group_names(scored: Sequence[Scored]) -> dict[str, Callable[[ForecastEntry], str]]:
    # Where one name stands for several rules, the rule stands beside it.
    rules = Counter(name for name, _ in {_rule(forecast.entry) for forecast in scored})
    return {
        "horizon": lambda entry: horizon_band(entry.question.horizon_days),
        "target": lambda entry: _rule(entry)[rules[asked_text(entry)] > 1],
        "dyad": lambda entry: entry.question.pair,
        "model": lambda entry: entry.model,
        "made": lambda entry: HINDCAST if entry.hindcast else AHEAD,
    }


def horizon_band(days: int) -> str:
    """Name of the band that a window of so many days is counted in."""
    return next((name for longest, name in HORIZON_BANDS if days <= longest), LONGEST_BAND)


def _rule(entry: ForecastEntry) -> tuple[str, str]:
    """A target by its name and by what meets it."""
    question = entry.question
    by = acted(question.by or ())
    scale = "" if question.scale_key == STANDARD else f", scale {question.scale}"
    kinds = ", ".join(question.any_of)
    asked = asked_text(entry)
    return asked, f"{asked} ({kinds}, severity {question.min_severity} or more{by}{scale})"


def _warnings(counts: Counts, everything: GroupScore) -> Iterator[Notice]:
    if counts.hindcasts:
        yield notice("hindcasts", hindcasts=counts.hindcasts, scored=counts.scored, grace_days=GRACE_DAYS)
    if min(everything.n_yes, everything.n - everything.n_yes) < FEWEST_OUTCOMES or (
        everything.episodes < FEWEST_EPISODES
    ):
        needed = {"needed": FEWEST_OUTCOMES, "needed_episodes": FEWEST_EPISODES}
        yield notice("few_scored", n=everything.n, n_yes=everything.n_yes, **needed)
    if counts.unconverged:
        yield notice("unconverged_left_out", forecasts=counts.unconverged)
    if counts.repeated:
        yield notice("later_left_out", forecasts=counts.repeated)


def _as_table(scored: Sequence[Scored]) -> ForecastTable:
    """Return the table that a backtest scores: forecasts, then the baselines they were recorded with."""
    entries = [forecast.entry for forecast in scored]
    questions = [entry.question for entry in entries]
    chances = [entry.probability for entry in entries], [entry.baseline.probability for entry in entries]
    # What sets apart forecasts of windows that are the same.
    series = [
        content_hash(
            [entry.name, entry.model, entry.question.model_dump(mode="json", exclude={"as_of", "milestone"})]
        )
        for entry in entries
    ]
    return table_of(
        {
            "what": [question.pair for question in questions] * 2,
            "target": series * 2,
            "origin": [question.origin for question in questions] * 2,
            "day": [question.milestone for question in questions] * 2,
            "who": [MODEL] * len(entries) + [REFERENCE] * len(entries),
            "chance": chances[0] + chances[1],
            "outcome": [forecast.outcome for forecast in scored] * 2,
        }
    )


def _misses(scored: Sequence[Scored]) -> Iterator[LedgerMiss]:
    # What several configs or models missed is one episode.
    rules = [
        content_hash(forecast.entry.question.model_dump(mode="json", exclude={"as_of", "milestone"}))
        for forecast in scored
    ]
    rows = largest_misses(_as_table(scored).take(np.arange(len(scored))), rules=rules)
    for entry, outcome, _ in (scored[row] for row in rows):
        yield LedgerMiss(
            id=entry.id,
            dyad=entry.question.pair,
            target=asked_text(entry),
            as_of=entry.question.as_of,
            milestone=entry.question.milestone,
            probability=entry.probability,
            outcome=outcome,
        )


def pooled(probabilities: Sequence[float]) -> float:
    """Return the plain mean of log odds of at least one probability, none counted as nearly certain."""
    return float(scipy.special.expit(scipy.special.logit(np.clip(probabilities, LEAST, MOST)).mean()))


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


def score_persons(ledger: Ledger) -> list[PersonScore]:
    """Score people and others, model, base rate and pool on what they answered (``LedgerError``)."""
    persons, others = (first_answers(ledger, of_persons=of_persons) for of_persons in (True, False))
    forecasts: dict[str, ForecastEntry] = {}
    for entry in standing_forecasts(ledger)[0]:
        forecasts.setdefault(entry.question.id, entry)
    rows: list[tuple[str, Question, float, int]] = []
    late = Counter[str]()
    for entry, outcome, _ in resolved_forecasts(ledger, forecasts.values()):
        question = entry.question
        people, beside = (
            {name: answers[question.id] for name, answers in group.items() if question.id in answers}
            for group in (persons, others)
        )
        answered = {name: answer.probability for name, answer in (beside | people).items()}
        if not answered:
            continue
        late.update(name for name, answer in beside.items() if name not in people and answer.hindcast)
        answered |= {MODEL: entry.probability, BASE_RATE: entry.baseline.probability}
        if people:
            answers = [answer.probability for answer in people.values()]
            answered[EQUAL] = pooled([*answers, entry.probability])
        rows += [(name, question, chance, outcome) for name, chance in answered.items()]
    if not rows:
        raise LedgerError(
            f"{ledger.path}: no question that a person or a market answered is resolved. 'forecast judge' "
            "and 'forecast ledger import' put answers on record, 'forecast ledger resolve' looks up what "
            "happened"
        )
    return compare_forecasters(rows, late)


def compare_forecasters(
    rows: Iterable[tuple[str, Question, float, int]], late: Mapping[str, int]
) -> list[PersonScore]:
    """Score rows of forecaster, question, probability, outcome; model and base rate answered them all."""
    who, questions, chances, outcomes = zip(*rows, strict=True)
    columns = {"who": who, "chance": chances, "outcome": outcomes, "target": ""}
    columns["what"] = [question.id for question in questions]
    columns["origin"] = [question.origin for question in questions]
    columns["day"] = [question.milestone for question in questions]
    scores = score_by(table_of(columns), "who", seed=SEED)
    order = {name: place for place, name in enumerate(NOT_PERSONS)}
    names = sorted((name for (name,) in scores), key=lambda name: (order.get(name, -1), name.casefold()))
    return [_person_score(scores[name,], scores, late.get(name, 0)) for name in names]


def _person_score(own: Score, scores: Scores, n_late: int) -> PersonScore:
    # Model and base rate answered every question that anybody did.
    ours, model = own.beside(scores[MODEL,]) or (own.rows, own.rows)
    _, base = own.beside(scores[BASE_RATE,]) or (own.rows, own.rows)
    brier, of_model, of_base = (brier_score(rows.chance, rows.outcome) for rows in (ours, model, base))
    lead = error_bound(own.blocks_of(ours).mean(of_model - brier))
    enough = min(own.n_hits, own.n - own.n_hits) >= FEWEST_OUTCOMES
    return PersonScore(
        by=str(own.group["who"]),
        n=own.n,
        n_yes=own.n_hits,
        brier=own.brier.value,
        brier_se=error_bound(own.brier).se,
        log=own.log.value,
        skill=1 - own.brier.value / float(of_base.mean()) if of_base.any() else None,
        model_brier=float(of_model.mean()),
        lead=lead.value,
        lead_se=lead.se,
        n_late=n_late,
        sure=enough and lead.se is not None and abs(lead.value) > 2 * lead.se,
    )
