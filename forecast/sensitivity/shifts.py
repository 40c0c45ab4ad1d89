"""Probabilities under another assumption: a shifted prior by reweighting, or an act ahead.

Whether an act ahead happens is drawn apart from all else on a path: it is an experiment at random within the
simulation. The difference between the paths on which it happens and those on which it does not is therefore
its effect, and what the model says is linear in its probability; the other members follow by their odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats
from forecast.priors import Distribution, NamedPrior, PriorSet
from forecast.priors.distributions import shifted
from forecast.records.analysis import Assumed
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import DrawShares, Mixing, Mixture
from forecast.runs.run import Run
from forecast.scenarios.evaluate import (
    Effort,
    log_prior_ratio,
    milestone_day,
    parameter_draws,
    scenario_draws,
)
from forecast.scenarios.plan import ScenarioPlan
from forecast.simulation.paths import acts_on_paths

_OF_THE_TARGET = ("baseline.weekly_rate", "tension.loading", "excitation.cross")


def key_assumptions(inputs: Inputs, target: str) -> tuple[str, ...]:
    """Names of the priors that a target may hang on, in the order of the catalogue.

    All that hold for the whole model, ballast, and of the groups by stream those of the cells of the target.
    """
    layout = inputs.data.layout
    (at,) = (place for place, rule in enumerate(inputs.rules) if rule.name == target)
    cells = {name for name, met in zip(layout.streams, layout.meets[at], strict=True) if met}
    return tuple(
        name
        for name, prior in inputs.priors.priors.items()
        if prior.group.dimension in (None, "side", "calming_stream")
        or (prior.group.name in _OF_THE_TARGET and prior.element in cells)
    )


def assumed(prior: NamedPrior, distribution: Distribution) -> Assumed:
    """Middle of a distribution of this parameter, in its own unit and on its human scale."""
    middle, scale = float(distribution.quantile(0.5)), prior.group.scale
    return Assumed(parameter=middle, value=scale.of(middle), scale=scale.name)


def assumed_chance(probability: float) -> Assumed:
    """Probability of an act ahead as an assumption."""
    return Assumed(parameter=probability, value=probability, scale="probability")


@dataclass(frozen=True)
class Shares:
    """What the model's draws say of several questions, (draw, question), and the forecast made of it.

    ``shown`` is the forecast where all draws count alike, shape (question,).
    """

    model: DrawShares
    mixing: Mixing
    shown: Floats

    def probability(self, weights: Floats | None = None) -> Floats:
        """Return the forecast under weights of the draws, shape (question,)."""
        if weights is None:
            return self.shown
        change = self.mixing.value(self.model.mean(weights)) - self.mixing.value(self.model.mean())
        return np.asarray(np.clip(self.shown + change, 0.0, 1.0))

    def by_draw(self, quantity: int, weights: Floats | None = None) -> Floats:
        """What each draw says of one forecast, shape (draw,): its plain mean has the forecast's error."""
        model = self.model.with_each(lambda one: one[:, quantity])
        whole = self.mixing
        parts = np.broadcast_arrays(whole.share, whole.direct, whole.quiet)
        share, direct, quiet = (part[quantity] for part in parts)
        return Mixing(share, direct, quiet, whole.least).by_draw(model.weighted(weights))


def stacked_shares(base: Run, questions: Sequence[tuple[str, str]]) -> Shares:
    """Read (target, milestone) questions of a run."""
    mixture = base.mixture
    asked = [(target, milestone_day(base, milestone)) for target, milestone in questions]
    return _stacked(
        [mixture.shares(*one) for one in asked],
        [mixture.mixing(*one) for one in asked],
        np.array([mixture.probability(*one) for one in asked]),
    )


def scenario_shares(base: Run, plan: ScenarioPlan | None, target: str, milestone: str) -> Shares:
    """Read one question in the futures of a scenario, under the priors of the run.

    Shares of single draws can leave [0, 1], as in ``ScenarioDraws.shares``.
    """
    if plan is None:
        return stacked_shares(base, [(target, milestone)])
    day = milestone_day(base, milestone)
    draws = scenario_draws(base, plan, None, Effort(target=target))[target]
    mixing = replace(base.mixture, acts=plan.acts, types=plan.types).mixing(target, day)
    shares = draws.shares(day)
    return _stacked([shares], [mixing], np.array([mixing.value(shares.mean())]))


def _stacked(shares: Sequence[DrawShares], mixings: Sequence[Mixing], shown: Floats) -> Shares:
    share, direct, quiet = (
        np.array([getattr(one, name) for one in mixings]) for name in ("share", "direct", "quiet")
    )
    model = shares[0].with_each(lambda *each: np.column_stack(each), *shares[1:])
    return Shares(model, Mixing(share, direct, quiet, mixings[0].least), shown)


@dataclass(frozen=True)
class ShiftedChances:
    """Forecasts under a shift of so many steps of the prior's spread, and the weights of the draws there."""

    steps: float
    weights: ImportanceWeights
    probability: Floats


@dataclass
class PriorShifts:
    """Shifts of one prior, each worked out once.

    With ``held`` the shifts start from these priors, whatever the run's are.
    """

    base: Run
    name: str
    shares: Shares
    held: PriorSet | None = None
    _values: Floats = field(init=False, repr=False)
    _before: Floats = field(init=False, repr=False)
    _others: Floats | None = field(init=False, repr=False)
    _known: dict[float, ShiftedChances] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._values = parameter_draws(self.base, self.name)
        self._before = self.prior.distribution.log_density(self._values)
        self._others = None if self.held is None else log_prior_ratio(self.base, self.held)

    @property
    def prior(self) -> NamedPrior:
        """The prior that is shifted."""
        return (self.held or self.base.inputs.priors).priors[self.name]

    def moved(self, steps: float) -> Distribution:
        """The prior after a shift."""
        return shifted(self.prior.distribution, steps)

    def at(self, steps: float) -> ShiftedChances:
        """Forecasts under a shift; those of the run, exactly, for none."""
        if steps not in self._known:
            moved = self.moved(steps)
            ratio = np.zeros(len(self._values))
            changed = moved != self.prior.distribution
            if changed:
                ratio = moved.log_density(self._values) - self._before
            if self._others is not None:
                ratio = ratio + self._others
            weights = importance_weights(ratio)
            used = weights.weights if changed or self._others is not None else None
            self._known[steps] = ShiftedChances(steps, weights, self.shares.probability(used))
        return self._known[steps]

    def error_at(self, steps: float, quantity: int) -> float:
        """Monte Carlo error of the forecast of one question under a shift."""
        return monte_carlo_error(self._by_draw(steps, quantity), self.base.n_chains)

    def change_error_at(self, steps: float, quantity: int) -> float:
        """Monte Carlo error of the change against the run, draw by draw."""
        change = self._by_draw(steps, quantity) - self._by_draw(0.0, quantity)
        return monte_carlo_error(change, self.base.n_chains)

    def _by_draw(self, steps: float, quantity: int) -> Floats:
        return self.shares.by_draw(quantity, self.at(steps).weights.weights)


CHANCES = np.linspace(0.0, 1.0, 21)
"""Probabilities of an act ahead at which the forecast is worked out; between them it is nearly straight."""


@dataclass(frozen=True)
class CalendarEffect:
    """Forecast by the probability of the act at a ``position`` of the run's calendar.

    ``forecast`` (chance, question) stands at the probabilities ``CHANCES`` of the act; it is the same at
    all for milestones that come before it. ``mcse`` (question,) is the error of the forecast if the act
    surely happens minus if it surely does not.
    """

    position: int
    forecast: Floats
    mcse: Floats

    @property
    def slope(self) -> Floats:
        """Forecast if the act surely happens minus if it surely does not, shape (question,)."""
        return np.asarray(self.forecast[-1] - self.forecast[0])

    def at(self, chance: float, quantity: int) -> float:
        """Forecast of one question where the act has this probability."""
        return float(np.clip(np.interp(chance, CHANCES, self.forecast[:, quantity]), 0.0, 1.0))

    def crossings(self, quantity: int, bound: float) -> Floats:
        """Probabilities of the act at which the forecast of one question is this."""
        gap = self.forecast[:, quantity] - bound
        (low,) = np.nonzero((gap[:-1] < 0) != (gap[1:] < 0))
        part = gap[low] / (gap[low] - gap[low + 1])
        return np.asarray(CHANCES[low] + part * (CHANCES[low + 1] - CHANCES[low]))


def calendar_effects(base: Run, questions: Sequence[tuple[str, str]]) -> tuple[CalendarEffect, ...]:
    """Measure the acts of the run's calendar on (target, milestone) questions.

    Acts of probability 0 or 1 are left out: no path tells what else would be.
    """
    calendar, mixture = base.inputs.calendar, base.mixture
    if not calendar:
        return ()
    origin = base.inputs.data.grid.origin
    happens = acts_on_paths(base.n_draws, base.simulation, calendar)
    effects = []
    for position, act in enumerate(calendar):
        if act.probability in (0.0, 1.0):
            continue
        # Σ(h − q)(y − P) / q(1 − q): unbiased, as q is known; taking P off lowers the variance.
        lean = (happens[position] - act.probability) / (act.probability * (1 - act.probability))
        shown = [mixture.probability(target, milestone_day(base, one)) for target, one in questions]
        forecast, errors = np.tile(shown, (len(CHANCES), 1)), np.zeros(len(questions))
        for column, (target, milestone) in enumerate(questions):
            day = milestone_day(base, milestone)
            if (act.date - origin).days < day:
                known = mixture.shares(target, day)
                moves = mixture.futures(target).effects(lean, day)
                now, *by_chance = (
                    _where_it_happens(mixture, position, target, day, known, moves, chance)
                    for chance in (act.probability, *CHANCES)
                )
                forecast[:, column] += np.mean(by_chance, axis=1) - now.mean()
                errors[column] = monte_carlo_error(by_chance[-1] - by_chance[0], base.n_chains)
        effects.append(CalendarEffect(position, forecast, errors))
    return tuple(effects)


def _where_it_happens(
    mixture: Mixture,
    position: int,
    target: str,
    day: int,
    known: DrawShares,
    moves: DrawShares,
    chance: float,
) -> Floats:
    """The forecast by draw where an act ahead has another chance; ``moves`` are a certain act's effects."""
    act = mixture.acts[position]
    acts = [*mixture.acts[:position], replace(act, probability=chance), *mixture.acts[position + 1 :]]
    step = chance - act.probability
    moved = known.with_each(lambda share, effect: share + step * effect, moves)
    return replace(mixture, acts=acts).mixing(target, day).by_draw(moved)
