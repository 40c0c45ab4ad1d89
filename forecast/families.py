"""The model families that ``model.family`` of a config chooses from: what a forecast is the mean of.

Every family fits the model, which tells what acts ahead do. ``model`` forecasts by it alone,
``pooled_hazard`` by that hazard, ``combined`` by their mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from forecast.errors import InputError, did_you_mean
from forecast.pooled_hazard import FURTHEST_DAYS, PooledHazard, draws_by_day, forecast_origins

if TYPE_CHECKING:
    from forecast.baselines import Days, Floats, Horizons
    from forecast.events.table import EventTable
    from forecast.targets import TargetRule


@dataclass(frozen=True)
class PooledMember:
    """The pooled hazard as a member that needs no fit: it reads its forecast off the record alone.

    With other coefficients than the shipped ones where ``hazard`` is given. What was not known before an
    origin is never read.
    """

    hazard: PooledHazard | None = None
    name: ClassVar[str] = "pooled_hazard"
    label: ClassVar[str] = "pooled hazard"
    furthest_days: ClassVar[int] = FURTHEST_DAYS

    def by_day(
        self, events: EventTable, targets: Sequence[TargetRule], origin: date, start: date, horizon_days: int
    ) -> Mapping[str, Floats]:
        """Draws of P(target before day t), t = 0 … horizon, shape (draw, day), by target, of equal weight.

        They never fall, and are in order where targets are nested. A target of which nothing can be said is
        left out.
        """
        return draws_by_day(self.hazard, events, targets, origin, start, horizon_days)

    def at_origins(
        self,
        events: EventTable,
        targets: Sequence[TargetRule],
        origins: Days,
        start: date,
        horizons: Horizons,
    ) -> Mapping[str, Floats]:
        """The means of these draws, shape (origin, horizon), by target; NaN where nothing can be said."""
        return forecast_origins(self.hazard, events, targets, origins, start, horizons)


@dataclass(frozen=True)
class Family:
    """A family by its members, which have equal weights: the model where ``fitted``, and the pooled hazard.

    ``name`` is its key in ``model.family``, ``label`` its name in running text.
    """

    name: str
    label: str
    fitted: bool
    direct: tuple[PooledMember, ...] = ()

    @property
    def furthest_days(self) -> int | None:
        """The longest horizon that every member answers; ``None``: any."""
        return min((member.furthest_days for member in self.direct), default=None)

    @property
    def pooled(self) -> bool:
        """Whether the pooled hazard is among its members."""
        return any(isinstance(member, PooledMember) for member in self.direct)

    def with_hazard(self, hazard: PooledHazard) -> Family:
        """Return the same with these coefficients of the pooled hazard."""
        return replace(self, direct=(PooledMember(hazard),)) if self.pooled else self


MODEL = Family("model", "model", fitted=True)
POOLED_ALONE = Family("pooled_hazard", "pooled hazard", fitted=False, direct=(PooledMember(),))
COMBINED = Family("combined", "combination", fitted=True, direct=(PooledMember(),))

FAMILIES: Mapping[str, Family] = {family.name: family for family in (MODEL, POOLED_ALONE, COMBINED)}


def family_named(name: str) -> Family:
    """Return the family of that name.

    Raises ``InputError``: there is none; lists those there are.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    raise InputError(f"got {name!r}; allowed: {', '.join(FAMILIES)}.{did_you_mean(name, FAMILIES)}")
