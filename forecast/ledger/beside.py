"""Others' probabilities beside ours, on the questions that both answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from forecast.evaluation.scores import brier_score, log_score
from forecast.evaluation.track_record import error_bound
from forecast.ledger.book import Book
from forecast.ledger.entries import JudgementEntry
from forecast.ledger.score_groups import OriginBlocks
from forecast.ledger.scored import ScoredForecast
from forecast.records.base import Record
from forecast.records.history import ErrorBound


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
    """Compare every other forecaster with ours where both answered; of each the first answer stands.

    Parameters
    ----------
    book : Book
    scored : sequence of ScoredForecast
        Ours; where several models answered, the first stands.
    seed : int
        Of the bootstrap.
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
        difference=error_bound(OriginBlocks(both).mean(our_brier - brier, seed)),
    )
