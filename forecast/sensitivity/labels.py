"""What a probability rests on: the data, the priors, or a compromise in which the two pull apart.

A component of the posterior (some priors, or the likelihood) is raised to the power α; α = 2 counts it
twice. Draws are reweighted by the component's density to the power α − 1. Two measures are made of it: the
cumulative Jensen–Shannon distance between the distributions before and after, per doubling of α (Kallioinen,
Paananen, Bürkner and Vehtari 2024, "Detecting and diagnosing prior and likelihood sensitivity with
power-scaling", doi:10.1007/s11222-023-10366-5), and the slope of a mean, which is a covariance and has an
error. Chances are exact by draw, so that no noise has to be taken off them. Written on NumPy alone, since
importing ArviZ takes longer than a scenario may; tests hold the distance to ArviZ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats, log_likelihood
from forecast.records.analysis import LabelReason, NumberSensitivity, Sensitivity, WeightPull
from forecast.records.forecast import Forecast, RestsOn, TargetForecast
from forecast.runs.cautions import FEWEST_TARGET_DAYS
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day, parameter_draws

ALPHAS = (0.99, 1.01)
"""Powers on both sides of one at which the distance is taken."""
SENSITIVE = 0.05
"""Distance per doubling from which a quantity counts as sensitive (Kallioinen et al. 2024)."""
CLEAR_ERRORS = 2.0
"""Monte Carlo errors by which a shift must differ from zero to count."""
ALL_PRIORS, DATA = "all priors", "data"
_RE_PAIRINGS = tuple(part / 7 for part in range(1, 7))
_LEAST_CHANCE = 1e-12


def measure_labels(base: Run) -> tuple[NumberSensitivity, ...]:
    """Power-scale priors and likelihood for every target × milestone of which the model is a member."""
    by_group: dict[str, Floats] = {}
    for name, prior in base.inputs.priors.priors.items():
        density = prior.distribution.log_density(parameter_draws(base, name))
        by_group[prior.group.name] = by_group.get(prior.group.name, 0.0) + density
    scalings = {
        **{name: power_scaling(density) for name, density in by_group.items()},
        ALL_PRIORS: power_scaling(np.sum(list(by_group.values()), axis=0)),
        DATA: power_scaling(log_likelihood(base.inputs.data, base.draws, base.inputs.priors)),
    }
    config = base.inputs.config
    return tuple(
        _number_sensitivity(base, target, milestone.name, scalings)
        for target in config.targets
        for milestone in config.milestones
        if base.mixture.share(target)
    )


def _number_sensitivity(
    base: Run, target: str, milestone: str, scalings: dict[str, PowerScaling]
) -> NumberSensitivity:
    day = milestone_day(base, milestone)
    means, values = base.mixture.by_draw(target, day), _chances(base, target, day)

    def pull(name: str, *, noise: bool = True) -> WeightPull:
        return pull_of(values, scalings[name], base.n_chains, means, name=name, noise=noise)

    names = (name for name in scalings if name not in (ALL_PRIORS, DATA))
    groups = sorted((pull(name, noise=False) for name in names), key=lambda group: -group.sensitivity)
    groups[0], priors, data = (pull(name) for name in (groups[0].name, ALL_PRIORS, DATA))
    observed = base.forecast.target(target).observed_before
    trusted = scalings[ALL_PRIORS].trusted and scalings[DATA].trusted
    label, reason = label_of(priors, data, groups[0].strength, observed, trusted=trusted)
    return NumberSensitivity(
        target=target,
        milestone=milestone,
        rests_on=label,
        reason=reason,
        priors=priors,
        data=data,
        groups=tuple(groups),
    )


def with_labels(forecast: Forecast, sensitivity: Sensitivity) -> Forecast:
    """Return the forecast with what each of its probabilities rests on."""
    labels = {(one.target, one.milestone): one.rests_on for one in sensitivity.labels}

    def labelled(target: TargetForecast) -> TargetForecast:
        milestones = tuple(
            one.model_copy(update={"rests_on": labels.get((target.name, one.name))})
            for one in target.milestones
        )
        return target.model_copy(update={"milestones": milestones})

    return forecast.model_copy(update={"targets": tuple(map(labelled, forecast.targets))})


def has_effect(pull: WeightPull) -> bool:
    """Whether a pull is above the threshold, and not by chance: without the noise, or with a clear shift."""
    return pull.sensitivity >= SENSITIVE and (pull.strength >= SENSITIVE or is_clear_shift(pull))


def is_clear_shift(pull: WeightPull) -> bool:
    """Whether the mean surely moves."""
    return abs(pull.change) > CLEAR_ERRORS * pull.mcse


def pull_of(
    values: Sorted, scaling: PowerScaling, n_chains: int, means: Floats, *, name: str = "", noise: bool = True
) -> WeightPull:
    """Measure what more weight of a component does to the distribution of a quantity, and to its mean.

    The mean is that of ``means``, what each draw says of it, shape (draw,). What would be found by chance is
    measured where ``noise`` is asked for.
    """
    change, error = slope_per_doubling(means, scaling.log_density, n_chains)
    return WeightPull(
        name=name,
        sensitivity=sensitivity(values, scaling),
        noise=noise_of(values, scaling, n_chains) if noise else None,
        change=change,
        mcse=error,
        pareto_k=scaling.pareto_k,
    )


def label_of(
    priors: WeightPull,
    data: WeightPull,
    strongest_group: float,
    observed_before: int,
    *,
    trusted: bool = True,
) -> tuple[RestsOn, LabelReason]:
    """Return the label of a probability and the rule that made it.

    ``strongest_group`` is the strength of one group of priors alone (joint changes may cancel),
    ``observed_before`` counts cases in the data; ``trusted``: draws can stand for the scaled posteriors. The
    rules, in this order: seen on fewer than ``FEWEST_TARGET_DAYS`` days → prior-driven; weights that cannot
    be trusted → unclear; priors without effect → data-driven (or unclear, where the effects found are within
    the noise); data without effect → prior-driven; both with effect and with clear shifts of opposite signs →
    conflict; otherwise whichever has more effect.
    """
    if not observed_before:
        return "prior-driven", "never observed"
    if observed_before < FEWEST_TARGET_DAYS:
        return "prior-driven", "too few cases"
    if not trusted:
        return "unclear", "too few draws"
    if not (has_effect(priors) or strongest_group >= SENSITIVE):
        if has_effect(data):
            return "data-driven", "priors move it little"
        if max(priors.sensitivity, data.sensitivity) >= SENSITIVE:
            return "unclear", "within the noise"
        return "data-driven", "nothing moves it"
    if not has_effect(data):
        return "prior-driven", "data do not move it"
    if priors.change * data.change < 0 and is_clear_shift(priors) and is_clear_shift(data):
        if priors.change < 0:
            return "conflict", "priors lower it against the data"
        return "conflict", "priors raise it against the data"
    if max(priors.strength, strongest_group) > data.strength:
        return "prior-driven", "priors move it more"
    return "data-driven", "data move it more"


@dataclass(frozen=True)
class PowerScaling:
    """A component's log density at each draw, up to a constant, and the weights for the two ``ALPHAS``."""

    log_density: Floats
    lower: ImportanceWeights
    upper: ImportanceWeights

    @property
    def pareto_k(self) -> float:
        """The larger of the two tail shapes."""
        return max(self.lower.pareto_k, self.upper.pareto_k)

    @property
    def trusted(self) -> bool:
        """Whether the draws can stand for both scaled posteriors."""
        return self.lower.trusted and self.upper.trusted


@dataclass(frozen=True)
class Sorted:
    """Values in rising order: what every distance of one quantity shares.

    The first values are of the draws; the others have the weights ``rest``, which no component moves.
    """

    order: np.ndarray
    gaps: Floats
    rest: Floats

    def weights(self, of_draws: Floats) -> Floats:
        """Weights of all values in rising order, summing to one, from those of the draws."""
        own = (1 - self.rest.sum()) * of_draws
        return np.asarray(np.concatenate([own, self.rest])[self.order])


def power_scaling(log_density: Floats) -> PowerScaling:
    """Weights for a component's log density at each draw, shape (draw,)."""
    lower, upper = (importance_weights((alpha - 1) * log_density) for alpha in ALPHAS)
    return PowerScaling(log_density, lower, upper)


def sort_values(values: Floats, others: Floats | None = None, weights: Floats | None = None) -> Sorted:
    """Sort a quantity once for all its distances.

    ``others`` are values of it that come from another source than the draws, with their ``weights`` among
    all values, which sum to one.
    """
    none = np.empty(0)
    all_values = np.concatenate([values, none if others is None else others])
    order = np.argsort(all_values, kind="stable")
    return Sorted(order, np.diff(all_values[order]), none if weights is None else weights)


def sensitivity(values: Sorted, scaling: PowerScaling, roll: float = 0.0, n_chains: int = 1) -> float:
    """Distance that a doubling of the component's weight would move the distribution, from the two powers.

    ``roll`` is the share of each chain by which the weights are shifted against the values; see ``noise_of``.
    """
    by_doubling = []
    for alpha, scaled in zip(ALPHAS, (scaling.lower, scaling.upper), strict=True):
        chains = scaled.weights.reshape(n_chains, -1)
        rolled = np.roll(chains, int(roll * chains.shape[1]), axis=1).ravel()
        by_doubling.append(cjs_distance(values, rolled) / np.log2(alpha))
    lower, upper = by_doubling
    return float((upper - lower) / 2)


def noise_of(values: Sorted, scaling: PowerScaling, n_chains: int) -> float:
    """Return the sensitivity that is found by chance: the root mean square over re-paired draws.

    Weights and values are shifted against each other along the chains: they then have nothing to do with
    each other, but keep how slowly each of them moves.
    """
    found = [sensitivity(values, scaling, roll, n_chains) for roll in _RE_PAIRINGS]
    return float(np.sqrt(np.mean(np.square(found))))


def slope_per_doubling(values: Floats, log_density: Floats, n_chains: int) -> tuple[float, float]:
    """Change of the mean per doubling of a component's weight, with its Monte Carlo error.

    The derivative of E[v] in α at 1 is the covariance of v and the log density; in log₂ α, log 2 times it.
    """
    if np.ptp(log_density) == 0.0:
        return 0.0, 0.0
    product = np.log(2) * (values - values.mean()) * (log_density - log_density.mean())
    return float(product.mean()), monte_carlo_error(product, n_chains)


def cjs_distance(values: Sorted, weights: Floats) -> float:
    """Cumulative Jensen–Shannon distance between draws and the same draws weighted, in [0, 1].

    The larger of the distances of the quantity and of its negative, since the measure is not symmetric.
    """
    if not values.gaps.any():
        return 0.0
    equal = np.full(len(weights), 1 / len(weights))
    plain, weighted = (np.cumsum(values.weights(one))[:-1] for one in (equal, weights))
    below = _one_sided(plain, weighted, values.gaps)
    above = _one_sided(1 - plain[::-1], 1 - weighted[::-1], values.gaps[::-1])
    return float(np.sqrt(max(below, above, 0.0)))


def _one_sided(first: Floats, second: Floats, gaps: Floats) -> float:
    p, q = np.clip(first, 0.0, 1.0), np.clip(second, 0.0, 1.0)
    middle = 0.5 * (p + q)
    safe = np.maximum(middle, 1e-300)

    def divergence(one: Floats) -> float:
        ratio = np.maximum(one, 1e-300) / safe
        return float(gaps @ (one * np.log2(ratio)))

    p_mass, q_mass = float(gaps @ p), float(gaps @ q)
    linear = 0.5 / np.log(2) * (q_mass - p_mass)
    total = max(divergence(p) + linear, 0.0) + max(divergence(q) - linear, 0.0)
    return total / (p_mass + q_mass) if p_mass + q_mass > 0 else 0.0


def _chances(base: Run, target: str, day: int) -> Sorted:
    """Log cumulative hazards of the forecast: of the model's draws, and of those of the other members."""
    draws, weights = base.mixture.draws(target)
    hazards = np.log(-np.log1p(-np.clip(draws[:, day], _LEAST_CHANCE, 1 - _LEAST_CHANCE)))
    model, others = np.split(hazards, [base.n_draws])
    return sort_values(model, others, weights[base.n_draws :])
