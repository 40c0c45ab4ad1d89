"""The model families that ``model.family`` of a config chooses from: what a forecast is the mean of.

Every family fits the model, which tells what acts ahead do. ``model`` forecasts by it alone,
``pooled_hazard`` by that hazard, ``combined`` by their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from forecast.errors import InputError, did_you_mean
from forecast.pooled_hazard import FURTHEST_DAYS, PooledHazard


@dataclass(frozen=True)
class Family:
    """A family by its members, which have equal weights: the model where ``fitted``, and those of ``direct``.

    ``name`` is its key in ``model.family``, ``label`` its name in running text. ``direct`` members need no
    fit: they read their forecast off the record alone. The pooled hazard, where it is a member (``pooled``),
    is among them from ``with_hazard`` on.
    """

    name: str
    label: str
    fitted: bool
    direct: tuple[PooledHazard, ...] = ()
    pooled: bool = False

    @property
    def furthest_days(self) -> int | None:
        """The longest horizon that every member answers; ``None``: any."""
        if self.pooled:
            return FURTHEST_DAYS
        return min((member.furthest_days for member in self.direct), default=None)

    def with_hazard(self, hazard: PooledHazard) -> Family:
        """Return the same with these coefficients of the pooled hazard."""
        return replace(self, direct=(hazard,)) if self.pooled else self


MODEL = Family("model", "model", fitted=True)
FAMILIES: Mapping[str, Family] = {
    "model": MODEL,
    "pooled_hazard": Family("pooled_hazard", "pooled hazard", fitted=False, pooled=True),
    "combined": Family("combined", "combination", fitted=True, pooled=True),
}


def family_named(name: str) -> Family:
    """Return the family of that name; ``InputError`` lists those there are."""
    if name in FAMILIES:
        return FAMILIES[name]
    raise InputError(f"got {name!r}; allowed: {', '.join(FAMILIES)}.{did_you_mean(name, FAMILIES)}")
