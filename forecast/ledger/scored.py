"""Which forecasts of a ledger are scored: of each series and question the first that stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field

from forecast.ledger.book import Book
from forecast.ledger.entries import ForecastEntry, ResolutionEntry
from forecast.records.base import Record


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
    unconverged: int = Field(description="not scored: the fit had failed a gate")
    repeated: int = Field(description="not scored: an earlier forecast of the same question stands")
    hindcasts: int = Field(description="of the scored: made more than a week after the as-of date")
    early: int = Field(description="of the scored: a yes before the window was half over")

    @property
    def void_share(self) -> float | None:
        """Void forecasts as a share of void and scored ones; ``None`` without either."""
        closed = self.void + self.scored
        return self.void / closed if closed else None


def standing_forecasts(book: Book, *, unconverged: bool = False) -> tuple[list[ForecastEntry], Counts]:
    """Choose what counts: of each config name, model and question the first forecast that stands.

    Later ones do not count, or the best could be picked afterwards. One that was declared void, or did not
    converge, makes room for the next.

    Parameters
    ----------
    book : Book
    unconverged : bool
        Count forecasts whose fit failed a gate as well.

    Returns
    -------
    list of ForecastEntry
        Open and resolved, in the order they were made.
    Counts
    """
    chosen: dict[tuple[str, str, str], ForecastEntry] = {}
    left = dict.fromkeys(("void", "unconverged", "repeated"), 0)
    forecasts = sorted(book.forecasts, key=lambda entry: entry.made_on)
    for entry in forecasts:
        key = (entry.question.id, entry.name, entry.model)
        if book.standing(entry) == "void":
            left["void"] += 1
        elif not (entry.converged or unconverged):
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
