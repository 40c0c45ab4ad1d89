"""Which forecasts of a ledger are scored, the scores of a group of them, and others' beside ours.

Of each series and question the first forecast that stands is scored. The errors are those of the backtest:
whole blocks of neighbouring origins are resampled (``bootstrap``), and all forecasts of an origin go with
it, since one act can decide many of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from forecast.evaluation.score_table import FEWEST_OUTCOMES, claim_of
from forecast.evaluation.scores import (
    Estimate,
    block_length,
    brier_score,
    log_score,
    mean_estimate,
    skill_estimate,
)
from forecast.evaluation.track_record import error_bound, error_bound_if_defined
from forecast.ledger.book import Book
from forecast.ledger.entries import ForecastEntry, JudgementEntry, ResolutionEntry
from forecast.records.base import Record
from forecast.records.history import ErrorBound

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredForecast:
    """A forecast and what happened."""

    entry: ForecastEntry
    resolution: ResolutionEntry

    @property
    def outcome(self) -> Literal[0, 1]:
        """1 when the target happened in the window."""
        return self.resolution.outcome

    @property
    def origin(self) -> date:
        """First day of the window."""
        return self.entry.question.origin

    @property
    def horizon_days(self) -> int:
        """Length of the window."""
        return self.entry.question.horizon_days

    @property
    def early(self) -> bool:
        """Whether the answer, a yes, was there before the window was half over."""
        decided = self.resolution.decided_on
        return decided is not None and 2 * (decided - self.origin).days < self.horizon_days


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

    @property
    def void_share(self) -> float | None:
        """Void forecasts as a share of void and scored ones; ``None`` without either."""
        closed = self.void + self.scored
        return self.void / closed if closed else None


def standing_forecasts(book: Book, *, failed: bool = False) -> tuple[list[ForecastEntry], Counts]:
    """Choose what counts: of each config name, model and question the first forecast that stands.

    Later ones do not count, or the best could be picked afterwards. One that was declared void, or did not
    converge (unless ``failed`` ones count as well), makes room for the next. Given are the open and the
    resolved ones, in the order they were made, and what became of all.
    """
    chosen: dict[tuple[str, str, str], ForecastEntry] = {}
    left = dict.fromkeys(("void", "unconverged", "repeated"), 0)
    forecasts = sorted(book.forecasts, key=lambda entry: entry.made_on)
    for entry in forecasts:
        key = (entry.question.id, entry.name, entry.model)
        if book.standing(entry) == "void":
            left["void"] += 1
        elif entry.failed and not failed:
            left["unconverged"] += 1
        elif key in chosen:
            left["repeated"] += 1
        else:
            chosen[key] = entry
    resolved = resolved_forecasts(book, chosen.values())
    return list(chosen.values()), Counts(
        forecasts=len(forecasts),
        scored=len(resolved),
        open=len(chosen) - len(resolved),
        hindcasts=sum(one.entry.hindcast for one in resolved),
        early=sum(one.early for one in resolved),
        **left,
    )


def resolved_forecasts(book: Book, entries: Iterable[ForecastEntry]) -> list[ScoredForecast]:
    """Return those whose question is resolved, each with the resolution that stands."""
    found = ((entry, book.resolution_of(entry.question.id)) for entry in entries)
    return [ScoredForecast(entry, resolution) for entry, resolution in found if resolution]


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
    claim: Literal["better", "worse", "none"]


def score_group(
    forecasts: Sequence[ScoredForecast], *, seed: int, by: str = "all", group: str = "all"
) -> GroupScore:
    """Score at least one forecast; ``by`` and ``group`` say what they have in common."""
    probability = np.array([one.entry.probability for one in forecasts])
    baseline = np.array([one.entry.baseline.probability for one in forecasts])
    outcome = np.array([one.outcome for one in forecasts], dtype=np.int8)
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
        days = np.array([one.origin for one in forecasts], dtype="datetime64[D]")
        origins, self._row_origin = np.unique(days, return_inverse=True)
        self._number = np.bincount(self._row_origin).astype(np.float64)
        self._block = block_length(origins, max(one.horizon_days for one in forecasts))

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


def compare_with_others(book: Book, scored: Sequence[ScoredForecast], *, seed: int) -> list[Beside]:
    """Compare every other forecaster with ours (``scored``) where both answered.

    The first answer of each forecaster stands, and the first of ours where several models answered.
    """
    ours: dict[str, ScoredForecast] = {}
    for one in scored:
        ours.setdefault(one.entry.question.id, one)
    answers: dict[str, dict[str, JudgementEntry]] = {}
    for entry in sorted(book.judgements, key=lambda entry: entry.made_on):
        if entry.question.id in ours and book.standing(entry) == "resolved":
            answers.setdefault(entry.forecaster, {}).setdefault(entry.question.id, entry)
    return [
        _compare(forecaster, [(theirs, ours[question]) for question, theirs in found.items()], seed)
        for forecaster, found in sorted(answers.items())
    ]


def _compare(forecaster: str, pairs: Sequence[tuple[JudgementEntry, ScoredForecast]], seed: int) -> Beside:
    both = [one for _, one in pairs]
    outcome = np.array([one.outcome for one in both], dtype=np.int8)
    their_probability = [theirs.probability for theirs, _ in pairs]
    our_probability = [one.entry.probability for one in both]
    brier, our_brier = brier_score(their_probability, outcome), brier_score(our_probability, outcome)
    return Beside(
        forecaster=forecaster,
        n=len(both),
        n_yes=int(outcome.sum()),
        n_late=sum(theirs.hindcast for theirs, _ in pairs),
        brier=float(brier.mean()),
        our_brier=float(our_brier.mean()),
        log=float(log_score(their_probability, outcome).mean()),
        our_log=float(log_score(our_probability, outcome).mean()),
        difference=error_bound(_OriginBlocks(both).mean(our_brier - brier, seed)),
    )
