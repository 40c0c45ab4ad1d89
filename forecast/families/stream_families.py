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

from forecast.families.family import Ability, DirectMember, EventModel, ModelFamily
from forecast.models.draws import StreamDraws, linear_between, stream_draws, tension_at_steps
from forecast.panel.panel import DRIFT_KNOT_STEPS, Panel
from forecast.panel.streams import Family, FutureAct, StreamLayout, TargetRule, stream_layout
from forecast.priors import PriorSet, default_priors
from forecast.priors.population import Population
from forecast.simulation.acts import NewTypeEffect
from forecast.simulation.first_passages import FirstPassages
from forecast.simulation.options import SimulationOptions
from forecast.simulation.paths import simulate_first_passages

if TYPE_CHECKING:
    import pymc as pm

    from forecast.models.pointwise import RecordUnderDraws

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

    def default_priors(self, panel: Panel, population: Population | None) -> PriorSet:
        """Return the population's priors for a record as dense as this, or the documented ones."""
        if population is None:
            return default_priors(self.layout)
        return population.priors(self.layout, panel.acts_a_month)

    def build(self, panel: Panel, priors: PriorSet, n_knots: int | None = None) -> pm.Model:
        """Build the PyMC model, in its fused form."""
        from forecast.models.streams import build_model

        return build_model(panel, priors, n_knots=n_knots)

    def arrays(self, panel: Panel, priors: PriorSet) -> Mapping[str, Floats]:
        """Return the fields of ``LikelihoodData``, and the parameters of the priors."""
        from forecast.models.likelihood import likelihood_data, prior_data

        return vars(likelihood_data(panel)) | prior_data(priors)

    def draws(self, variables: Mapping[str, Floats]) -> StreamDraws:
        """Arrange variables by role."""
        return stream_draws(self.layout, variables)

    def log_likelihood(self, panel: Panel, draws: StreamDraws) -> Floats:
        """Log likelihood of counts and severities, shape (draw,)."""
        from forecast.models.likelihood import log_likelihood

        return log_likelihood(panel, draws)

    def record_under_draws(
        self, panel: Panel, priors: PriorSet, variables: Mapping[str, Floats]
    ) -> RecordUnderDraws:
        """Return the record of a panel of one dyad under draws; see ``ExplainsRecord``."""
        from forecast.models.pointwise import record_under_draws

        return record_under_draws(panel, priors, variables)

    def simulate(
        self,
        panel: Panel,
        draws: StreamDraws,
        options: SimulationOptions,
        calendar: Sequence[FutureAct] = (),
        new_types: Mapping[str, NewTypeEffect] | None = None,
    ) -> FirstPassages:
        """Simulate paths, and read the first days of the targets off them."""
        return simulate_first_passages(panel, draws, self.targets, options, calendar, new_types or {})

    def tension(self, draws: StreamDraws, n_steps: int) -> Floats | None:
        """Latent tension of the first dyad, shape (draw, step)."""
        return tension_at_steps(draws.knots[:, 0], n_steps)

    def drift(self, panel: Panel, draws: StreamDraws) -> Floats:
        """Drift of the first dyad at the end of its record, shape (draw,)."""
        last = np.array([panel.grid.n_steps - 1])
        return linear_between(draws.drift_of_record(panel)[:, 0], last, DRIFT_KNOT_STEPS)[:, 0]


@dataclass(frozen=True)
class StreamFamily:
    """A layout of the event-stream model as a family; see ``ModelFamily``."""

    name: Family
    label: str
    colour: str
    method: tuple[str, ...]
    cost: int
    shared: bool = False
    needs_target: bool = True
    abilities: frozenset[Ability] = field(default=frozenset({"drivers", "robustness", "scenarios"}))

    @property
    def sampled(self) -> tuple[ModelFamily, ...]:
        """Itself alone."""
        return (self,)

    @property
    def stand_ins(self) -> tuple[ModelFamily, ...]:
        """None: it averages nothing."""
        return ()

    @property
    def direct(self) -> tuple[DirectMember, ...]:
        """None: it averages nothing."""
        return ()

    def models(self, targets: Sequence[TargetRule]) -> tuple[EventModel, ...]:
        """One model for all targets (``joint``), or one each."""
        if self.shared:
            return (StreamModel(self.name, stream_layout(self.name), tuple(targets)),)
        return tuple(
            StreamModel(f"{self.name}-{target.name}", stream_layout(self.name, target), (target,))
            for target in targets
        )


COUNTS = (
    "Public acts between the two sides are coded by kind and severity and counted by week. The model assumes "
    "that the rate of events depends on four things: how tense the relationship is, what has just happened, "
    "how often such acts come in ordinary times, and how the level of conflict has moved over the years."
)
EXCITATION = (
    "Acts bring about further acts: a sanction makes the next one more likely for some weeks, and conflict "
    "in one field feeds the others. This pull fades with a half-life that the data estimate, and it is kept "
    "below the point at which one act would set off an endless chain."
)
TENSION = (
    "Tension is not observed. It is inferred from all kinds of acts at once as a wave that lasts months; its "
    "unit is its own standard deviation. Calm, strained and crisis are readings of this wave by fixed "
    "thresholds, not states of the model. Beneath it the level of conflict drifts over years, as when a war "
    "ends, and a forecast starts from where this level stands."
)
SEVERITY = (
    "How severe an act turns out is decided step by step. Each step has its own odds, which depend on "
    "tension "
    "and on recent severe acts. Steps that never occurred in the data rest on the prior, and the report "
    "says so "
    "wherever they matter."
)

JOINT = StreamFamily(
    "joint",
    "joint model",
    "#D55E00",
    (COUNTS, EXCITATION, TENSION, SEVERITY),
    cost=8,
    shared=True,
    needs_target=False,
)
FOCUSED = StreamFamily(
    "focused",
    "focused model",
    "#009E73",
    (
        COUNTS,
        "This family fits each target on four streams of acts: cooperative acts, disputes, other conflict, "
        "and the target itself. It uses no severities beyond those that define the target.",
        EXCITATION,
        TENSION,
    ),
    cost=3,
)
TARGET = StreamFamily(
    "target",
    "target-only model",
    "#A6538A",
    (
        "This family looks only at the days on which the target itself happened. Their rate follows two "
        "hidden waves, of months and of years, and rises for some weeks after each one.",
        EXCITATION,
    ),
    cost=1,
)
