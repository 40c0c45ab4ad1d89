"""Members of combinations that need no fit: they read their forecast off the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forecast.baselines.methods import PRIOR_HITS, climatology
from forecast.baselines.windows import Days, Floats, Horizons, seen_before
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import PooledHazard, shipped_hazard
from forecast.pooled_hazard.hazard import FURTHEST_DAYS, forecast_by_day, forecast_origins
from forecast.simulation.probabilities import HitMoments


@dataclass(frozen=True)
class Climatology:
    """The share of past windows of the same length that held the target; see ``DirectMember``.

    With ``unseen_only`` it answers only targets that never happened, of which others may know nothing.
    """

    name: str = "climatology"
    label: str = "climatology"
    colour: str = "#5A6673"
    method: tuple[str, ...] = (
        "Climatology is the share of past windows of the same length in which the target happened, "
        "whatever has happened lately.",
    )
    furthest_days: int | None = None
    unseen_only: bool = False

    def by_day(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origin: date,
        start: date,
        horizon_days: int,
    ) -> dict[str, HitMoments]:
        """Mean of the share of windows, and the variance of its Beta(hits + ½, windows − hits + ½).

        Hits and windows are counted in distinct windows, as for the baseline of this name.
        """
        lengths = np.arange(horizon_days + 1, dtype=np.int64)
        windows = np.maximum((origin - start).days - lengths + 1, 0) / np.maximum(lengths, 1)
        found = {}
        for target in targets:
            if self.unseen_only and seen_before(events, target, origin, start):
                continue
            share = climatology(events, target, origin, start, lengths)
            # A longer window holds all that a shorter one does, but fewer such windows fit into the record.
            share = np.maximum.accumulate(share)
            found[target.name] = HitMoments(share, share * (1 - share) / (windows + 2 * PRIOR_HITS + 1))
        return found

    def at_origins(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origins: Days,
        start: date,
        horizons: Horizons,
    ) -> dict[str, Floats]:
        """The same means at several origins."""
        furthest = int(np.max(horizons))
        found = {target.name: np.full((len(origins), len(horizons)), np.nan) for target in targets}
        for place, origin in enumerate(origins.tolist()):
            for name, moments in self.by_day(events, targets, origin, start, furthest).items():
                found[name][place] = moments.mean[horizons]
        return found


@dataclass(frozen=True)
class PanelMember:
    """The pooled hazard, learned on other dyads; see ``DirectMember``. ``None`` is the shipped one."""

    hazard: PooledHazard | None = None
    name: str = "panel"
    label: str = "pooled hazard"
    colour: str = "#7B5E00"
    method: tuple[str, ...] = (
        "The pooled hazard is learned on other pairs of countries: how likely a target is in the days ahead, "
        "given how often it came before, how long ago it last came, and how many acts of other kinds came "
        "lately. It is adjusted to how often targets came to this pair beside what it foresaw.",
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


CLIMATOLOGY = Climatology()
CLIMATOLOGY_OF_UNSEEN = Climatology(unseen_only=True)
PANEL = PanelMember()
