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
    colour: ClassVar[str] = "#7B5E00"
    method: ClassVar[str] = (
        "The pooled hazard starts from how often a target came to this pair, recent cases first (its "
        "gamma–Poisson rate). Other pairs of countries teach how far to depart from it: by what came "
        "lately, beside what is usual for this pair, and by how long ago the last case was. The fewer "
        "cases a target has, the less it departs; one that never happened keeps its own rate."
    )
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

    ``name`` is its key in ``model.family``, ``label`` its name in running text, ``colour`` that of its marks
    in charts, ``about`` what the forecast is, in paragraphs.
    """

    name: str
    label: str
    colour: str
    about: tuple[str, ...]
    fitted: bool
    direct: tuple[PooledMember, ...] = ()

    @property
    def method(self) -> tuple[str, ...]:
        """What it is, what each direct member is, and what the model is."""
        return (*self.about, *(member.method for member in self.direct), *MODEL_METHOD)

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


MODEL_METHOD = (
    "Public acts between the two sides are coded by day, side, kind and severity. The targets cut them into "
    "cells of acts that meet the same targets; acts that meet none are told apart by kind and side. The "
    "model assumes that acts come in two ways. Some come by themselves, at the rate of the record, moved by "
    "how tense the relationship is, by recent cooperation, and by how the level of conflict has moved over "
    "the years. Others answer an act of the days before.",
    "Both sides answer acts of conflict: the other side, and the side that acted with a further act. Half of "
    "the answers come within a few days. Graver acts are answered more often, and by graver acts. Part of "
    "the answers are of the same kind as the act. Their number is kept below the point at which one act "
    "would set off an endless chain. A reaction that the config names has answers of its own. Cooperation "
    "brings about further cooperation of its kind.",
    "Tension is not observed. It is inferred from all kinds of acts at once as a wave that lasts months; its "
    "unit is its own standard deviation. Calm, strained and crisis are readings of this wave by fixed "
    "thresholds, not states of the model. Beneath it the level of conflict drifts over years, as when a war "
    "ends, and a forecast starts from where this level stands.",
    "A target that never happened takes its rate from the next milder kind of act and from how often acts go "
    "one step further in other pairs of countries, lowered by its own silence.",
)
MODEL = Family(
    "model", "model", "#009E73", ("The forecast is that of one model of all kinds of acts.",), fitted=True
)
POOLED_ALONE = Family(
    "pooled_hazard",
    "pooled hazard",
    "#7B5E00",
    ("The forecast is that of a hazard learned on other pairs of countries.",),
    fitted=False,
    direct=(PooledMember(),),
)
COMBINED = Family(
    "combined",
    "combination",
    "#0B3C6F",
    (
        "The forecast is the equal-weight mean of a model of all kinds of acts and a hazard learned on other "
        "pairs of countries. The 90% interval covers what each leaves open and how far they are apart.",
    ),
    fitted=True,
    direct=(PooledMember(),),
)

FAMILIES: Mapping[str, Family] = {family.name: family for family in (MODEL, POOLED_ALONE, COMBINED)}


def family_named(name: str) -> Family:
    """Return the family of that name.

    Raises ``InputError``: there is none; lists those there are.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    raise InputError(f"got {name!r}; allowed: {', '.join(FAMILIES)}.{did_you_mean(name, FAMILIES)}")
