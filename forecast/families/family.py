"""What a model family offers, from its priors to its forecast: the only door between a run and its models."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from forecast.baselines.windows import Days, Horizons
from forecast.events.table import EventTable
from forecast.panel.panel import Panel
from forecast.panel.streams import FutureAct, StreamLayout, TargetRule
from forecast.priors import PriorSet
from forecast.priors.population import Population
from forecast.simulation.acts import NewTypeEffect
from forecast.simulation.first_passages import FirstPassages
from forecast.simulation.options import SimulationOptions
from forecast.simulation.probabilities import HitMoments

if TYPE_CHECKING:
    import pymc as pm  # takes seconds to load

    from forecast.models.pointwise import RecordUnderDraws

Floats = NDArray[np.float64]
Draws = Any
"""Posterior draws as a model's own likelihood and simulator read them; ``len`` gives their number."""

Ability = Literal["drivers", "robustness", "scenarios"]
"""What a run can tell beside its probabilities: what moved the headline, what it rests on, what if."""


class EventModel(Hashable, Protocol):
    """One model to fit, and the targets that it answers; a value, so that it can be a key."""

    @property
    def name(self) -> str:
        """Name within its family: of its draws on disk, and of its gates."""

    @property
    def targets(self) -> tuple[TargetRule, ...]:
        """The targets it forecasts."""

    @property
    def layout(self) -> StreamLayout:
        """Which events it counts."""

    def asked(self, targets: tuple[TargetRule, ...]) -> EventModel:
        """Return the same model asked for some of its targets."""

    def default_priors(self, panel: Panel, population: Population | None) -> PriorSet:
        """Return a prior for every parameter, scaled to the record; documented ones without a population."""

    def build(self, panel: Panel, priors: PriorSet, n_knots: int | None = None) -> pm.Model:
        """Build the PyMC model; more ``n_knots`` than the panel needs allow refits to longer data."""

    def arrays(self, panel: Panel, priors: PriorSet) -> Mapping[str, Floats]:
        """Return the values of the model's data containers: what a refit to other data exchanges."""

    def draws(self, variables: Mapping[str, Floats]) -> Draws:
        """Arrange posterior variables, each of shape (draw, dyad, …)."""

    def log_likelihood(self, panel: Panel, draws: Draws) -> Floats:
        """Log likelihood of counts under each draw up to a constant, shape (draw,): for reweighting."""

    def simulate(
        self,
        panel: Panel,
        draws: Draws,
        options: SimulationOptions,
        calendar: Sequence[FutureAct] = (),
        new_types: Mapping[str, NewTypeEffect] | None = None,
    ) -> FirstPassages:
        """Play the relationship forward: first days of the model's targets."""

    def tension(self, draws: Draws, n_steps: int) -> Floats | None:
        """Latent tension of the first dyad, shape (draw, step); ``None`` where the model has none."""


class Member(Protocol):
    """What gives the probability of every target by every day; a value."""

    @property
    def name(self) -> str:
        """Key in ``model.family``, or in tables of scores."""

    @property
    def label(self) -> str:
        """Name in running text, e.g. ``joint model``."""

    @property
    def colour(self) -> str:
        """Colour of its marks in charts, ``#rrggbb``."""

    @property
    def method(self) -> tuple[str, ...]:
        """What it is, in paragraphs for the method section of a report."""


@runtime_checkable
class ExplainsRecord(Protocol):
    """An ``EventModel`` that says how likely each week of the record is; for checks of its fit."""

    def record_under_draws(
        self, panel: Panel, priors: PriorSet, variables: Mapping[str, Floats]
    ) -> RecordUnderDraws:
        """Return the record of a panel of one dyad under draws, given what was seen before each step."""


@runtime_checkable
class HasDrift(Protocol):
    """An ``EventModel`` in which the level of conflict moves over years."""

    def drift(self, panel: Panel, draws: Draws) -> Floats:
        """Log of the level of conflict at the end of the record less its mean over it, shape (draw,)."""


@runtime_checkable
class DirectMember(Member, Hashable, Protocol):
    """A member of combinations that needs no sampling: it reads the record alone."""

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


class ModelFamily(Member, Protocol):
    """A family: the models that it fits for some targets, and how it describes itself."""

    @property
    def needs_target(self) -> bool:
        """Of a target that never happened it has nothing but its prior: combinations leave it out there."""

    @property
    def shared(self) -> bool:
        """One model answers all targets."""

    @property
    def cost(self) -> int:
        """Rough time of one origin of a backtest, in units of the cheapest family."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What its runs can tell beside probabilities."""

    @property
    def sampled(self) -> tuple[ModelFamily, ...]:
        """Fitted families that it averages with equal weights; itself where it averages nothing."""

    @property
    def stand_ins(self) -> tuple[ModelFamily, ...]:
        """Fitted families that it averages in for targets that never happened, and for no others."""

    @property
    def direct(self) -> tuple[DirectMember, ...]:
        """Members beside them that need no fit."""

    def models(self, targets: Sequence[TargetRule]) -> tuple[EventModel, ...]:
        """Return the models to fit for these targets, in the order in which they are fitted."""
