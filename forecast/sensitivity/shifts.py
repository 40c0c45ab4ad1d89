"""Probabilities under a shifted prior, by reweighting: what break-evens and the tornado chart are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats
from forecast.priors import Distribution, NamedPrior
from forecast.priors.distributions import shifted
from forecast.runs.run import Run
from forecast.scenarios.reweighting import parameter_draws


@dataclass(frozen=True)
class ShiftedChances:
    """Probabilities under one shift.

    Parameters
    ----------
    steps : float
        The shift, in steps of the prior's own spread.
    weights : ImportanceWeights
        Of the draws.
    probability : ndarray, shape (quantity,)
        Weighted means of the shares of paths.
    """

    steps: float
    weights: ImportanceWeights
    probability: Floats


@dataclass
class PriorShifts:
    """Shifts of one prior, each worked out once.

    Parameters
    ----------
    base : Run
    name : str
        The prior that is moved.
    shares : ndarray, shape (draw, quantity)
        Share of each draw's paths that are hit, for every question at once.
    """

    base: Run
    name: str
    shares: Floats
    _values: Floats = field(init=False, repr=False)
    _before: Floats = field(init=False, repr=False)
    _known: dict[float, ShiftedChances] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._values = parameter_draws(self.base, self.name)
        self._before = self.prior.distribution.log_density(self._values)

    @property
    def prior(self) -> NamedPrior:
        """The prior of the run."""
        return self.base.inputs.priors.priors[self.name]

    def moved(self, steps: float) -> Distribution:
        """The prior after a shift."""
        return shifted(self.prior.distribution, steps)

    def at(self, steps: float) -> ShiftedChances:
        """Probabilities under a shift; those of the run, exactly, for none."""
        if steps not in self._known:
            moved = self.moved(steps)
            ratio = np.zeros(len(self._values))
            if moved != self.prior.distribution:
                ratio = moved.log_density(self._values) - self._before
            weights = importance_weights(ratio)
            plain = moved == self.prior.distribution
            probability = self.shares.mean(axis=0) if plain else weights.weights @ self.shares
            self._known[steps] = ShiftedChances(steps, weights, probability)
        return self._known[steps]

    def error_at(self, steps: float, quantity: int) -> float:
        """Monte Carlo error of the probability of one question under a shift."""
        found = self.at(steps)
        relative = len(self._values) * found.weights.weights
        return monte_carlo_error(
            relative * (self.shares[:, quantity] - found.probability[quantity]), self.base.n_chains
        )

    def change_error_at(self, steps: float, quantity: int) -> float:
        """Monte Carlo error of the change against the run, draw by draw."""
        found, shares = self.at(steps), self.shares[:, quantity]
        relative = len(self._values) * found.weights.weights
        own = relative * (shares - found.probability[quantity])
        return monte_carlo_error(own - (shares - shares.mean()), self.base.n_chains)


def stacked_shares(base: Run, questions: Sequence[tuple[str, str]]) -> Floats:
    """Shares of hit paths for (target, milestone) questions, shape (draw, question)."""
    from forecast.scenarios.evaluate import base_shares

    return np.column_stack([base_shares(base, target, milestone) for target, milestone in questions])
