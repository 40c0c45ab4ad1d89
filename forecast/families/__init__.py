"""The model families that ``model.family`` of a config chooses from: what a forecast is the mean of.

Every family fits the model, whose paths tell what acts ahead do. ``model`` forecasts by it alone,
``panel`` by the pooled hazard, ``combined`` by their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from forecast.errors import InputError, did_you_mean
from forecast.families.direct_members import PANEL, DirectMember, PanelMember
from forecast.pooled_hazard.coefficients import PooledHazard


@dataclass(frozen=True)
class Family:
    """A family by its members, which have equal weights.

    Parameters
    ----------
    name : str
        Key in ``model.family``.
    label : str
        Name in running text.
    colour : str
        Of its marks in charts, ``#rrggbb``.
    about : tuple of str
        What the forecast is, in paragraphs for the method section of a report.
    fitted : bool
        Whether the model is a member.
    direct : tuple of DirectMember
        Members that need no fit.
    """

    name: str
    label: str
    colour: str
    about: tuple[str, ...]
    fitted: bool
    direct: tuple[DirectMember, ...] = ()

    @property
    def method(self) -> tuple[str, ...]:
        """What it is, what each direct member is, and what the model is."""
        return (*self.about, *(paragraph for one in self.direct for paragraph in one.method), *MODEL_METHOD)

    @property
    def furthest_days(self) -> int | None:
        """The longest horizon that every member answers; ``None``: any."""
        return min((one.furthest_days for one in self.direct if one.furthest_days is not None), default=None)

    @property
    def uses_panel(self) -> bool:
        """Whether the pooled hazard is among its members."""
        return any(isinstance(one, PanelMember) for one in self.direct)

    def with_hazard(self, hazard: PooledHazard) -> Family:
        """Return the same with these coefficients of the pooled hazard."""
        direct = (replace(one, hazard=hazard) if isinstance(one, PanelMember) else one for one in self.direct)
        return replace(self, direct=tuple(direct))


MODEL_METHOD = (
    "Public acts between the two sides are coded by kind and severity and counted by week. The targets cut "
    "them into cells of acts that meet the same targets; acts that meet none are counted by kind. The "
    "model assumes that the rate of each stream of acts is its own rate over the record, moved by four "
    "things: how tense the relationship is, what has just happened, recent cooperation, and how the level "
    "of conflict has moved over the years.",
    "Acts bring about further acts: a sanction makes the next one more likely for some weeks, and conflict "
    "in one field feeds the others, the more so the graver it is. This pull fades with a half-life that "
    "the data estimate, and it is kept below the point at which one act would set off an endless chain.",
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
PANEL_ALONE = Family(
    "panel",
    "pooled hazard",
    "#7B5E00",
    ("The forecast is that of a hazard learned on other pairs of countries.",),
    fitted=False,
    direct=(PANEL,),
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
    direct=(PANEL,),
)

FAMILIES: Mapping[str, Family] = {family.name: family for family in (MODEL, PANEL_ALONE, COMBINED)}
_GONE = ("joint", "focused", "target", "ensemble")


def family_named(name: str) -> Family:
    """Return the family of that name.

    Raises
    ------
    InputError
        There is none; lists those there are.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    known = ", ".join(FAMILIES)
    if name in _GONE:
        raise InputError(f"got {name!r}; 'model' took its place. Allowed: {known}")
    raise InputError(f"got {name!r}; allowed: {known}.{did_you_mean(name, FAMILIES)}")
