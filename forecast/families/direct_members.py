"""Members of combinations that need no fit: they read their forecast off the record alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from forecast.baselines.windows import Days, Floats, Horizons
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import PooledHazard, shipped_hazard
from forecast.pooled_hazard.hazard import FURTHEST_DAYS, forecast_by_day, forecast_origins
from forecast.simulation.probabilities import HitMoments


class DirectMember(Hashable, Protocol):
    """A member that needs no sampling: it reads the record alone."""

    @property
    def name(self) -> str:
        """Name in tables of scores."""

    @property
    def label(self) -> str:
        """Name in running text."""

    @property
    def colour(self) -> str:
        """Colour of its marks in charts, ``#rrggbb``."""

    @property
    def method(self) -> tuple[str, ...]:
        """What it is, in paragraphs for the method section of a report."""

    @property
    def furthest_days(self) -> int | None:
        """The longest horizon that it answers; ``None``: any."""

    def by_day(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origin: date,
        start: date,
        horizon_days: int,
    ) -> Mapping[str, HitMoments]:
        """Mean and variance of P(target before day t), t = 0 … horizon_days, by target.

        ``events`` may be more than was known before the origin; only what was known is read, of ``start`` and
        later. Means never fall, and are in order where targets are nested. A target of which the member can
        say nothing is left out.
        """

    def at_origins(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origins: Days,
        start: date,
        horizons: Horizons,
    ) -> Mapping[str, Floats]:
        """P(target within each horizon) at each origin, shape (origin, horizon): means of ``by_day``.

        NaN where the member can say nothing.
        """


@dataclass(frozen=True)
class PanelMember:
    """The pooled hazard, learned on other dyads; ``hazard`` is the shipped one when absent."""

    hazard: PooledHazard | None = None
    name: str = "panel"
    label: str = "pooled hazard"
    colour: str = "#7B5E00"
    method: tuple[str, ...] = (
        "The pooled hazard starts from how often a target came to this pair, recent cases first (its "
        "gamma–Poisson rate). Other pairs of countries teach how far to depart from it: by what came lately, "
        "beside what is usual for this pair, and by how long ago the last case was. The fewer cases a target "
        "has, the less it departs; one that never happened keeps its own rate.",
    )
    furthest_days: int | None = FURTHEST_DAYS

    @property
    def learned(self) -> PooledHazard:
        """Its coefficients."""
        return self.hazard or shipped_hazard()

    def by_day(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origin: date,
        start: date,
        horizon_days: int,
    ) -> dict[str, HitMoments]:
        """Mean and variance over draws of the coefficients."""
        return forecast_by_day(self.learned, events, targets, origin, start, horizon_days)

    def at_origins(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origins: Days,
        start: date,
        horizons: Horizons,
    ) -> dict[str, Floats]:
        """The same means at several origins."""
        return forecast_origins(self.learned, events, targets, origins, start, horizons)


PANEL = PanelMember()
