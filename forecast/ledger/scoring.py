"""A ledger → scores: overall and by group, calibration, largest misses, ours beside others'.

Of each series and question the first forecast that stands is scored. The errors are those of the backtest:
whole blocks of neighbouring origins are resampled (``bootstrap``), and all forecasts of an origin go with
it, since one act can decide many of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from forecast.baselines import REFERENCE
from forecast.errors import LedgerError
from forecast.evaluation.forecast_table import ForecastTable, csv_text, table_of
from forecast.evaluation.metrics import (
    Estimate,
    block_length,
    brier_score,
    log_score,
    mean_estimate,
    pool_calibration,
    reliability_curve,
    skill_estimate,
)
from forecast.evaluation.score_table import FEWEST_OUTCOMES, claim_of
from forecast.evaluation.track_record import error_bound, error_bound_if_defined, largest_misses
from forecast.ledger.chain import Counts, Ledger, ScoredForecast, resolved_forecasts, standing_forecasts
from forecast.ledger.entries import GRACE_DAYS, ForecastEntry, JudgementEntry
from forecast.ledger.recording import Asked, history_of, others_of
from forecast.records.base import Probability, Record
from forecast.records.history import ErrorBound, LedgerSummary, ReliabilityCurve
from forecast.records.horizons import HORIZONS
from forecast.records.scale import STANDARD
from forecast.wording import count

Floats = NDArray[np.float64]
Claim = Literal["better", "worse", "none"]

_BAND_ENDS = HORIZONS[:4]
HORIZON_BANDS = tuple((last, f"{before + 1}–{last} days") for before, last in pairwise((0, *_BAND_ENDS)))
LONGEST_BAND = f"over {_BAND_ENDS[-1]} days"
AHEAD, HINDCAST = "made ahead", "hindcast"


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


def score_group(
    forecasts: Sequence[ScoredForecast], *, seed: int, by: str = "all", group: str = "all"
) -> GroupScore:
    """Score at least one forecast; ``by`` and ``group`` say what they have in common."""
    probability = np.array([forecast.entry.probability for forecast in forecasts])
    baseline = np.array([forecast.entry.baseline.probability for forecast in forecasts])
    outcome = np.array([forecast.outcome for forecast in forecasts], dtype=np.int8)
    origins = _OriginBlocks(forecasts)
    brier, reference = brier_score(probability, outcome), brier_score(baseline, outcome)
    skill = origins.skill(brier, reference, seed)
    n_yes = int(outcome.sum())
    few = min(n_yes, len(outcome) - n_yes) < FEWEST_OUTCOMES
    return GroupScore(
        by=by,
        group=group,
        n=len(outcome),
        n_yes=n_yes,
        brier=error_bound(origins.mean(brier, seed)),
        log=error_bound(origins.mean(log_score(probability, outcome), seed)),
        baseline_brier=float(reference.mean()),
        baseline_log=float(log_score(baseline, outcome).mean()),
        skill=error_bound_if_defined(skill),
        claim="none" if few else claim_of(skill),
    )


class _OriginBlocks:
    """The origins of some forecasts, and the block bootstrap over them."""

    def __init__(self, forecasts: Sequence[ScoredForecast]) -> None:
        days = np.array([forecast.origin for forecast in forecasts], dtype="datetime64[D]")
        origins, self._row_origin = np.unique(days, return_inverse=True)
        self._number = np.bincount(self._row_origin).astype(np.float64)
        self._block = block_length(origins, max(forecast.horizon_days for forecast in forecasts))

    def mean(self, values: Floats, seed: int) -> Estimate:
        """Mean over forecasts, shape (forecast,), with the error to first order of a ratio of sums."""
        mean = float(values.mean())
        apart = (self._sums(values) - mean * self._number) / self._number.mean()
        spread = mean_estimate(apart, self._block, seed)
        lower, upper = (mean + end for end in spread.interval90)
        return Estimate(mean, spread.se, (lower, upper))

    def skill(self, values: Floats, reference: Floats, seed: int) -> Estimate:
        """1 − mean score / mean reference score; NaN if the reference is perfect."""
        return skill_estimate(self._sums(values), self._sums(reference), self._block, seed)

    def _sums(self, values: Floats) -> Floats:
        return np.bincount(self._row_origin, values)


class Beside(Record):
    """Somebody else's probabilities and ours, on the questions that both answered.

    ``difference`` is the mean of our Brier score minus theirs: above 0 they were more accurate.
    """

    forecaster: str
    n: int
    n_yes: int
    n_late: int = Field(description="of theirs: made more than a week after the as-of date")
    brier: float
    our_brier: float
    log: float
    our_log: float
    difference: ErrorBound


def compare_with_others(ledger: Ledger, scored: Sequence[ScoredForecast], *, seed: int) -> list[Beside]:
    """Compare every other forecaster with ours (``scored``) where both answered.

    The first answer of each forecaster stands, and the first of ours where several models answered.
    """
    ours: dict[str, ScoredForecast] = {}
    for forecast in scored:
        ours.setdefault(forecast.entry.question.id, forecast)
    answers: dict[str, dict[str, JudgementEntry]] = {}
    for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
        if entry.question.id in ours and ledger.standing(entry) == "resolved":
            answers.setdefault(entry.forecaster, {}).setdefault(entry.question.id, entry)
    return [
        _compare(forecaster, [(theirs, ours[question]) for question, theirs in answered.items()], seed)
        for forecaster, answered in sorted(answers.items())
    ]


def _compare(forecaster: str, pairs: Sequence[tuple[JudgementEntry, ScoredForecast]], seed: int) -> Beside:
    both = [ours for _, ours in pairs]
    outcome = np.array([ours.outcome for ours in both], dtype=np.int8)
    theirs, ours = [entry.probability for entry, _ in pairs], [each.entry.probability for each in both]
    brier, our_brier = brier_score(theirs, outcome), brier_score(ours, outcome)
    return Beside(
        forecaster=forecaster,
        n=len(both),
        n_yes=int(outcome.sum()),
        n_late=sum(entry.hindcast for entry, _ in pairs),
        brier=float(brier.mean()),
        our_brier=float(our_brier.mean()),
        log=float(log_score(theirs, outcome).mean()),
        our_log=float(log_score(ours, outcome).mean()),
        difference=error_bound(_OriginBlocks(both).mean(our_brier - brier, seed)),
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

    schema_: Literal[1] = Field(1, alias="schema")
    head: str
    counts: Counts
    void_share: float | None
    groups: tuple[GroupScore, ...]
    without_early: GroupScore | None
    calibration: tuple[ReliabilityCurve, ...]
    calibration_slope: ErrorBound | None
    largest_misses: tuple[LedgerMiss, ...]
    beside: tuple[Beside, ...]
    warnings: tuple[str, ...]


def score_ledger(ledger: Ledger, *, seed: int = 0, failed: bool = False) -> LedgerScores:
    """Score a ledger by the functions that score a backtest (``LedgerError``: nothing can be scored yet).

    ``seed`` is of the bootstrap and of the consistency bands; ``failed`` scores forecasts of runs that did
    not converge as well.
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
    slope = pool_calibration(table, name, seed).slope
    groups = [score_group(scored, seed=seed), *_groups(scored, seed)]
    return LedgerScores(
        schema=1,
        head=ledger.head,
        counts=counts,
        void_share=counts.void_share,
        groups=tuple(groups),
        without_early=score_group(late, seed=seed, group="without early") if late else None,
        calibration=tuple(reliability_curve(rows, rows.models[0], seed=seed) for rows in (table, baseline)),
        calibration_slope=error_bound_if_defined(slope),
        largest_misses=_misses(scored, table),
        beside=tuple(compare_with_others(ledger, scored, seed=seed)),
        warnings=tuple(_warnings(counts, groups[0])),
    )


def groups_csv(scores: LedgerScores) -> str:
    """Return the score of every group as CSV; what is not defined is an empty cell."""
    rows = []
    for group in filter(None, (*scores.groups, scores.without_early)):
        skill = group.skill
        rows.append(
            (
                *(group.by, group.group, group.n, group.n_yes, group.brier.value, group.brier.se),
                *(group.log.value, group.log.se, group.baseline_brier, group.baseline_log),
                *(skill and skill.value, *((skill and skill.interval90) or (None, None)), group.claim),
            )
        )
    columns = "by,group,n,n_yes,brier,brier_se,log,log_se,baseline_brier,baseline_log"
    return csv_text(f"{columns},skill,skill_lower90,skill_upper90,claim".split(","), rows)


def summarise_ledger(
    ledger: Ledger, dyad: tuple[str, str], asked: Sequence[Asked] = (), *, seed: int = 0
) -> LedgerSummary:
    """Return what a report says of the ledger: the forecasts on one dyad, how they did, and the history.

    ``asked`` are the questions of the run, whose earlier forecasts are the history.
    """
    pair = tuple(sorted(dyad))
    of_dyad = [entry for entry in ledger.forecasts if entry.question.dyad == pair]
    n_failed = sum(entry.failed for entry in of_dyad)
    standing, _ = standing_forecasts(ledger)
    scored = resolved_forecasts(ledger, (entry for entry in standing if entry.question.dyad == pair))
    score = score_group(scored, seed=seed) if scored else None
    return LedgerSummary(
        schema=1,
        head=ledger.head,
        n_forecasts=len(of_dyad) - n_failed,
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


def _groups(scored: Sequence[ScoredForecast], seed: int) -> list[GroupScore]:
    # Groups stand in this order, then by name.
    order = [*(name for _, name in HORIZON_BANDS), AHEAD]
    # Where one name stands for several rules, the rule is told with it.
    rules = Counter(name for name, _ in {_rule(forecast.entry) for forecast in scored})
    kinds: dict[str, Callable[[ScoredForecast], str]] = {
        "horizon": lambda forecast: horizon_band(forecast.horizon_days),
        "target": lambda forecast: _rule(forecast.entry)[rules[forecast.entry.target] > 1],
        "dyad": lambda forecast: forecast.entry.question.pair,
        "model": lambda forecast: forecast.entry.model,
        "made": lambda forecast: HINDCAST if forecast.entry.hindcast else AHEAD,
    }
    scores = []
    for by, group_of in kinds.items():
        members: dict[str, list[ScoredForecast]] = {}
        for forecast in scored:
            members.setdefault(group_of(forecast), []).append(forecast)
        names = sorted(members, key=lambda name: (order.index(name) if name in order else len(order), name))
        scores += [score_group(members[name], seed=seed, by=by, group=name) for name in names]
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
    return entry.target, f"{entry.target} ({kinds}, severity {question.min_severity} or more{by}{scale})"


def _as_table(scored: Sequence[ScoredForecast], model: str, *, baseline: bool = False) -> ForecastTable:
    """Put forecasts, or the baselines they were recorded with, into the table that the backtest scores."""
    entries = [forecast.entry for forecast in scored]
    chosen = [entry.baseline.probability if baseline else entry.probability for entry in entries]
    windows = [one.origin for one in scored], [one.horizon_days for one in scored]
    outcome = [forecast.outcome for forecast in scored]
    return table_of(*windows, [_series(entry) for entry in entries], [model] * len(scored), chosen, outcome)


def _series(entry: ForecastEntry) -> str:
    """What sets apart forecasts of windows that are the same."""
    question = entry.question
    rule = ",".join(question.any_of)
    theatre = "," if question.theatre is None else ",".join(question.theatre)
    asked = question.pair, theatre, rule, str(question.min_severity), ",".join(question.by or ())
    return "|".join((*asked, question.scale_key, entry.name, entry.model))


def _misses(scored: Sequence[ScoredForecast], table: ForecastTable) -> tuple[LedgerMiss, ...]:
    by_window = {
        (forecast.origin, forecast.horizon_days, _series(forecast.entry)): forecast for forecast in scored
    }
    missed = [by_window[miss.origin, miss.horizon_days, miss.target] for miss in largest_misses(table)]
    return tuple(
        LedgerMiss(
            id=row.entry.id,
            dyad=row.entry.question.pair,
            target=row.entry.target,
            as_of=row.entry.question.as_of,
            milestone=row.entry.question.milestone,
            probability=row.entry.probability,
            outcome=row.outcome,
        )
        for row in missed
    )


def _warnings(counts: Counts, everything: GroupScore) -> list[str]:
    warnings = []
    if counts.hindcasts:
        share = "All" if counts.hindcasts == counts.scored else f"{counts.hindcasts:,} of {counts.scored:,}"
        warnings.append(
            f"{share} scored forecasts are hindcasts: made more than {GRACE_DAYS} days after the as-of date, "
            "when part of the answer could be known. They show how the method does, not what we foresaw."
        )
    no = everything.n - everything.n_yes
    if min(everything.n_yes, no) < FEWEST_OUTCOMES:
        warnings.append(
            f"{count(everything.n_yes, 'question')} ended in a yes and {no:,} in a no. "
            f"With fewer than {FEWEST_OUTCOMES} of either no skill is claimed."
        )
    if counts.unconverged:
        warnings.append(f"{count(counts.unconverged, 'forecast')} of runs that did not converge left out.")
    if counts.repeated:
        warnings.append(
            f"{count(counts.repeated, 'later forecast')} of a question that was answered before left out: "
            "the first one stands."
        )
    return warnings


def _nothing_to_score(counts: Counts) -> str:
    if not counts.forecasts:
        return "holds no forecast yet. 'forecast run' puts them on record"
    parts = {
        "open": "open; see 'forecast ledger resolve'",
        "void": "void",
        "unconverged": "of runs that did not converge (score them with --failed)",
    }
    numbers = ((getattr(counts, name), words) for name, words in parts.items())
    why = ", ".join(f"{number:,} {words}" for number, words in numbers if number)
    return f"nothing can be scored yet: of {count(counts.forecasts, 'forecast')} {why}"
