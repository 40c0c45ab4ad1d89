"""What a probability rests on: the data, the priors, or a compromise in which the two pull apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecast.models.draws import Floats
from forecast.records.analysis import Reason
from forecast.records.forecast import RestsOn
from forecast.sensitivity.power_scaling import (
    PowerScaling,
    noise_of,
    sensitivity,
    slope_per_doubling,
    sort_values,
)

SENSITIVE = 0.05
"""Distance per doubling from which a quantity counts as sensitive (Kallioinen et al. 2024)."""
CLEAR_ERRORS = 2.0
"""Monte Carlo errors by which a shift must differ from zero to count."""


@dataclass(frozen=True)
class Pull:
    """What more weight of a component does to a quantity.

    Parameters
    ----------
    sensitivity : float
        Cumulative Jensen–Shannon distance per doubling of the weight.
    noise : float
        What would be found of it by chance.
    shift, shift_mcse : float
        Change of the mean per doubling, and its Monte Carlo error.
    trusted : bool
        Whether the draws can stand for the scaled posterior.
    """

    sensitivity: float
    noise: float
    shift: float
    shift_mcse: float
    trusted: bool = True

    @property
    def strength(self) -> float:
        """Sensitivity without what chance adds: distances of independent causes add in squares."""
        return math.sqrt(max(self.sensitivity**2 - self.noise**2, 0.0))

    @property
    def has_effect(self) -> bool:
        """Whether it is above the threshold, and not by chance: without the noise, or with a clear shift."""
        return self.sensitivity >= SENSITIVE and (self.strength >= SENSITIVE or self.is_clear_shift)

    @property
    def is_clear_shift(self) -> bool:
        """Whether the mean surely moves."""
        return abs(self.shift) > CLEAR_ERRORS * self.shift_mcse


def pull_of(values: Floats, scaling: PowerScaling, n_chains: int, shares: Floats | None = None) -> Pull:
    """Measure what more weight of a component does to a quantity.

    Parameters
    ----------
    values : ndarray, shape (draw,)
        The quantity whose distribution is compared.
    scaling : PowerScaling
    n_chains : int
    shares : ndarray, shape (draw,), optional
        What the mean is taken of, where that is not the quantity itself.
    """
    ordered = sort_values(values)
    moved = values if shares is None else shares
    shift, error = slope_per_doubling(moved, scaling.log_density, n_chains)
    return Pull(
        sensitivity(ordered, scaling), noise_of(ordered, scaling, n_chains), shift, error, scaling.trusted
    )


def label_of(
    prior: Pull, likelihood: Pull, strongest_group: float, observed_before: int
) -> tuple[RestsOn, Reason]:
    """Return the label of a probability and the rule that made it.

    Parameters
    ----------
    prior, likelihood : Pull
        Of all priors together, and of the likelihood.
    strongest_group : float
        Largest strength of one group of priors alone (joint changes may cancel).
    observed_before : int
        Target events in the data.

    Notes
    -----
    The rules, in this order: never observed → prior-driven; weights that cannot be trusted → unclear; priors
    without effect → data-driven (or unclear, where the effects found are within the noise); data without
    effect → prior-driven; both with effect and with clear shifts of opposite signs → conflict; otherwise
    whichever has more effect.
    """
    if not observed_before:
        return "prior-driven", "never observed"
    if not (prior.trusted and likelihood.trusted):
        return "unclear", "too few draws"
    strength = max(prior.strength, strongest_group)
    if not (prior.has_effect or strongest_group >= SENSITIVE):
        if likelihood.has_effect:
            return "data-driven", "priors move it little"
        if max(prior.sensitivity, likelihood.sensitivity) >= SENSITIVE:
            return "unclear", "within the noise"
        return "data-driven", "nothing moves it"
    if not likelihood.has_effect:
        return "prior-driven", "data do not move it"
    opposed = prior.shift * likelihood.shift < 0
    if opposed and prior.is_clear_shift and likelihood.is_clear_shift:
        lowers = prior.shift < 0
        return "conflict", (
            "priors lower it against the data" if lowers else "priors raise it against the data"
        )
    if strength > likelihood.strength:
        return "prior-driven", "priors move it more"
    return "data-driven", "data move it more"
