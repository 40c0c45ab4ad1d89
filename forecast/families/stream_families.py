"""The families of the event-stream model: all kinds of act at once, or one model a target.

``joint`` counts all categories with their severities, so that one set of paths answers every target.
``focused`` counts four streams around one target, ``target`` the days of the target alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.families.family import Ability, EventModel, ModelFamily
from forecast.models.draws import StreamDraws, stream_draws, tension_at_steps
from forecast.panel.panel import Panel
from forecast.panel.streams import Family, FutureAct, StreamLayout, TargetRule, stream_layout
from forecast.priors import PriorSet, default_priors
from forecast.simulation.acts import NewTypeEffect
from forecast.simulation.paths import FirstHits, SimulationOptions, simulate_first_hits

if TYPE_CHECKING:
    import pymc as pm

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StreamModel:
    """The event-stream model of one layout; see ``EventModel``."""

    name: str
    layout: StreamLayout
    targets: tuple[TargetRule, ...]

    def asked(self, targets: tuple[TargetRule, ...]) -> StreamModel:
        """Return the same model asked for some of its targets."""
        return replace(self, targets=targets)

    def default_priors(self) -> PriorSet:
        """Return the documented defaults of the layout."""
        return default_priors(self.layout)

    def build(self, panel: Panel, priors: PriorSet, n_knots: int | None = None) -> pm.Model:
        """Build the PyMC model, in its fused form."""
        from forecast.models.streams import build_model

        return build_model(panel, priors, n_knots=n_knots)

    def arrays(self, panel: Panel) -> Mapping[str, Floats]:
        """Return the fields of ``LikelihoodData``."""
        from forecast.models.likelihood import likelihood_data

        return vars(likelihood_data(panel))

    def draws(self, variables: Mapping[str, Floats]) -> StreamDraws:
        """Arrange variables by role."""
        return stream_draws(self.layout, variables)

    def log_likelihood(self, panel: Panel, draws: StreamDraws) -> Floats:
        """Log likelihood of counts and severities, shape (draw,)."""
        from forecast.models.likelihood import log_likelihood

        return log_likelihood(panel, draws)

    def simulate(
        self,
        panel: Panel,
        draws: StreamDraws,
        options: SimulationOptions,
        calendar: Sequence[FutureAct] = (),
        new_types: Mapping[str, NewTypeEffect] | None = None,
    ) -> FirstHits:
        """Simulate paths, and read the first days of the targets off them."""
        return simulate_first_hits(panel, draws, self.targets, options, calendar, new_types or {})

    def tension(self, draws: StreamDraws, n_steps: int) -> Floats | None:
        """Latent tension of the first dyad, shape (draw, step)."""
        return tension_at_steps(draws.knots[:, 0], n_steps)


@dataclass(frozen=True)
class StreamFamily:
    """A layout of the event-stream model as a family; see ``ModelFamily``."""

    name: Family
    label: str
    colour: str
    sentence: str
    cost: int
    abilities: frozenset[Ability] = field(default=frozenset({"drivers", "robustness", "scenarios"}))

    @property
    def members(self) -> tuple[ModelFamily, ...]:
        """Itself alone."""
        return (self,)

    def models(self, targets: Sequence[TargetRule]) -> tuple[EventModel, ...]:
        """One model for all targets (``joint``), or one each."""
        if self.name == "joint":
            return (StreamModel("joint", stream_layout("joint"), tuple(targets)),)
        return tuple(
            StreamModel(f"{self.name}-{target.name}", stream_layout(self.name, target), (target,))
            for target in targets
        )


JOINT = StreamFamily(
    "joint",
    "joint model",
    "#1f4e79",
    "All kinds of act and their severities are modelled together; every target is read off the same paths.",
    cost=8,
)
FOCUSED = StreamFamily(
    "focused",
    "focused model",
    "#b5651d",
    "Each target has a model of its own, with three further streams around it: cooperative acts, disputes "
    "and other conflictual acts.",
    cost=3,
)
TARGET = StreamFamily(
    "target",
    "target-only model",
    "#6b7f3a",
    "Each target has a model of its own, fitted to the days on which it happened and to nothing else.",
    cost=1,
)
