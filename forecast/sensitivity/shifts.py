"""Probabilities under another assumption: a shifted prior by reweighting, or an act ahead.

Whether an act ahead happens is drawn apart from all else on a path: it is an experiment at random within the
simulation. The difference between the paths on which it happens and those on which it does not is therefore
its effect, and a forecast is linear in its probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats
from forecast.priors import Distribution, NamedPrior, PriorSet
from forecast.priors.distributions import shifted
from forecast.records.analysis import Assumed
from forecast.runs.inputs import Inputs
from forecast.runs.run import Run
from forecast.scenarios.evaluate import base_shares, log_prior_ratio, milestone_day, parameter_draws
from forecast.simulation.options import acts_on_paths
from forecast.simulation.probabilities import within_rounding

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
class ShiftedChances:
    """Probabilities under a shift of so many steps of the prior's spread: weighted means of the shares.

    ``draws`` are the weights of the draws there, those of the run included, shape (draw,).
    """

    steps: float
    weights: ImportanceWeights
    draws: Floats
    probability: Floats


@dataclass
class PriorShifts:
    """Shifts of one prior, each worked out once; ``shares`` are of hit paths, shape (draw, question).

    With ``held`` the shifts start from these priors, whatever the run's are.
    """

    base: Run
    name: str
    shares: Floats
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
        """Probabilities under a shift; those of the run, exactly, for none."""
        if steps not in self._known:
            moved = self.moved(steps)
            ratio = np.zeros(len(self._values))
            changed = moved != self.prior.distribution
            if changed:
                ratio = moved.log_density(self._values) - self._before
            if self._others is not None:
                ratio = ratio + self._others
            before = self.base.hits.draw_weights
            weights = importance_weights(ratio, before)
            draws = weights.together
            if changed or self._others is not None:
                probability = draws @ self.shares
            elif before is None:
                probability = self.shares.mean(axis=0)
            else:
                draws, probability = before, before @ self.shares
            self._known[steps] = ShiftedChances(steps, weights, draws, within_rounding(probability))
        return self._known[steps]

    def error_at(self, steps: float, quantity: int) -> float:
        """Monte Carlo error of the probability of one question under a shift."""
        return monte_carlo_error(self._by_draw(steps, quantity), self.base.n_chains)

    def change_error_at(self, steps: float, quantity: int) -> float:
        """Monte Carlo error of the change against the run, draw by draw."""
        change = self._by_draw(steps, quantity) - self._by_draw(0.0, quantity)
        return monte_carlo_error(change, self.base.n_chains)

    def _by_draw(self, steps: float, quantity: int) -> Floats:
        """What each draw adds to a probability under a shift, shape (draw,): their mean is zero."""
        found = self.at(steps)
        apart = self.shares[:, quantity] - found.probability[quantity]
        return np.asarray(len(self._values) * found.draws * apart)


def stacked_shares(base: Run, questions: Sequence[tuple[str, str]]) -> Floats:
    """Share of each draw's own paths that are hit for (target, milestone) questions, shape (draw, question).

    The probability is their mean with the weights of the draws (``FirstPassages.draw_weights``).
    """
    return np.column_stack([base_shares(base, target, milestone) for target, milestone in questions])


@dataclass(frozen=True)
class CalendarEffect:
    """Probability if an act of the run's calendar surely happens minus if it surely does not, by question.

    With its error; zero for milestones that come before the act.
    """

    position: int
    slope: Floats
    mcse: Floats


def calendar_effects(base: Run, questions: Sequence[tuple[str, str]]) -> tuple[CalendarEffect, ...]:
    """Measure the acts of the run's calendar on (target, milestone) questions.

    Acts of probability 0 or 1 are left out: no path tells what else would be.
    """
    calendar = base.inputs.calendar
    if not calendar:
        return ()
    data, days = base.inputs.data, [milestone_day(base, milestone) for _, milestone in questions]
    happens = acts_on_paths(base.n_draws, base.simulation, calendar)
    hits = [base.hits.of(target) < day for (target, _), day in zip(questions, days, strict=True)]
    # The weights come from paths without the calendar, so that they know nothing of its chances.
    weights = base.hits.weights
    effects = []
    for position, act in enumerate(calendar):
        if act.probability in (0.0, 1.0):
            continue
        begins = (act.date - data.grid.origin).days
        # Σ(h − q)(y − P) / q(1 − q): unbiased, as q is known; taking P off lowers the variance.
        lean = (happens[position] - act.probability) / (act.probability * (1 - act.probability))
        slopes, errors = np.zeros(len(questions)), np.zeros(len(questions))
        for column, (hit, day) in enumerate(zip(hits, days, strict=True)):
            if begins < day:
                by_draw = effect_by_draw(lean, hit, weights)
                slopes[column] = by_draw.mean()
                errors[column] = monte_carlo_error(by_draw, base.n_chains)
        effects.append(CalendarEffect(position, slopes, errors))
    return tuple(effects)


def effect_by_draw(lean: Floats, hit: NDArray[np.bool_], weights: Floats | None) -> Floats:
    """What each draw says of the mean of ``lean`` × (hit − its mean), shape (draw,); all of (draw, path)."""
    if weights is None:
        return np.asarray((lean * (hit - hit.mean())).mean(axis=1))
    return np.asarray(len(hit) * (weights * lean * (hit - (weights * hit).sum())).sum(axis=1))
