"""What a probability rests on: the data, the priors, or a compromise in which the two pull apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from forecast.models.draws import Floats, log_likelihood
from forecast.records.analysis import NumberSensitivity, Reason, Robustness, WeightPull
from forecast.records.forecast import Forecast, RestsOn
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day, parameter_draws
from forecast.sensitivity.power_scaling import (
    PowerScaling,
    Sorted,
    log_hazards,
    noise_of,
    power_scaling,
    sensitivity,
    slope_per_doubling,
    sort_values,
)
from forecast.simulation.probabilities import beta_of

ALL_PRIORS, DATA = "all priors", "data"

SENSITIVE = 0.05
"""Distance per doubling from which a quantity counts as sensitive (Kallioinen et al. 2024)."""
CLEAR_ERRORS = 2.0
"""Monte Carlo errors by which a shift must differ from zero to count."""
_LEVELS = (np.arange(1000) + 0.5) / 1000
"""Quantiles that stand for the spread of the members that need no fit."""


@dataclass(frozen=True)
class Pull:
    """What more weight of a component does to a quantity.

    ``sensitivity`` is the cumulative Jensen–Shannon distance per doubling of the weight, ``noise`` what would
    be found of it by chance, ``shift`` the change of the mean per doubling with its Monte Carlo error;
    ``trusted`` says whether the draws can stand for the scaled posterior.
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


def pull_of(values: Sorted, scaling: PowerScaling, n_chains: int, means: Floats) -> Pull:
    """Measure what more weight of a component does to the distribution of a quantity, and to its mean.

    The mean is that of ``means``, what each draw says of it, shape (draw,).
    """
    shift, error = slope_per_doubling(means, scaling.log_density, n_chains)
    return Pull(
        sensitivity(values, scaling), noise_of(values, scaling, n_chains), shift, error, scaling.trusted
    )


def label_of(
    prior: Pull, likelihood: Pull, strongest_group: float, observed_before: int
) -> tuple[RestsOn, Reason]:
    """Return the label of a probability and the rule that made it.

    ``prior`` is the pull of all priors together, ``strongest_group`` the strength of one group alone (joint
    changes may cancel), ``observed_before`` counts target events in the data. The rules, in this order: never
    observed → prior-driven; weights that cannot be trusted → unclear; priors without effect → data-driven (or
    unclear, where the effects found are within the noise); data without effect → prior-driven; both with
    effect and with clear shifts of opposite signs → conflict; otherwise whichever has more effect.
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
        if prior.shift < 0:
            return "conflict", "priors lower it against the data"
        return "conflict", "priors raise it against the data"
    if strength > likelihood.strength:
        return "prior-driven", "priors move it more"
    return "data-driven", "data move it more"


def measure_sensitivities(base: Run) -> tuple[NumberSensitivity, ...]:
    """Power-scale priors and likelihood for every target × milestone of which the model is a member."""
    by_group = _group_densities(base)
    scalings = {
        **{name: power_scaling(density) for name, density in by_group.items()},
        ALL_PRIORS: power_scaling(np.sum(list(by_group.values()), axis=0)),
        DATA: power_scaling(log_likelihood(base.inputs.data, base.draws, base.inputs.priors)),
    }
    features = parameter_features(base)
    config = base.inputs.config
    asked = [(target, one.name) for target in config.targets for one in config.milestones]
    return tuple(
        _number_sensitivity(base, question, features, scalings)
        for question in asked
        if base.mixture.share(question[0])
    )


def _chances(base: Run, target: str, day: int, features: Floats) -> Sorted:
    """Log cumulative hazards of the forecast: of the model's draws, and of the other members' spread."""
    mixture, shares = base.mixture, base.hits.shares_before(target, day)
    model = log_hazards(shares, base.hits.of(target).shape[1], features)
    others = mixture.others(target)
    if others is None:
        return sort_values(model)
    curve = special.betaincinv(*beta_of(others.mean[day], others.variance[day]), _LEVELS)
    return sort_values(model, np.log(-np.log1p(-np.clip(curve, 1e-12, 1 - 1e-12))), mixture.share(target))


def _number_sensitivity(
    base: Run,
    question: tuple[str, str],
    features: Floats,
    scalings: dict[str, PowerScaling],
) -> NumberSensitivity:
    target, milestone = question
    day = milestone_day(base, milestone)
    means = base.mixture.by_draw(target, day)
    values = _chances(base, target, day, features)

    def pull(name: str) -> Pull:
        return pull_of(values, scalings[name], base.n_chains, means)

    def record(name: str, noise: float | None = None) -> WeightPull:
        scaling = scalings[name]
        change, error = slope_per_doubling(means, scaling.log_density, base.n_chains)
        return WeightPull(
            name=name,
            sensitivity=sensitivity(values, scaling),
            noise=noise,
            change=change,
            mcse=error,
            pareto_k=scaling.pareto_k,
        )

    groups = [record(name) for name in scalings if name not in (ALL_PRIORS, DATA)]
    groups.sort(key=lambda one: -one.sensitivity)
    first = pull(groups[0].name)
    groups[0] = groups[0].model_copy(update={"noise": first.noise})
    priors, data = pull(ALL_PRIORS), pull(DATA)
    observed = base.forecast.target(target).observed_before
    label, reason = label_of(priors, data, first.strength, observed)
    return NumberSensitivity(
        target=target,
        milestone=milestone,
        rests_on=label,
        reason=reason,
        priors=record(ALL_PRIORS, priors.noise),
        data=record(DATA, data.noise),
        groups=tuple(groups),
    )


def _group_densities(base: Run) -> dict[str, Floats]:
    """Log prior density of each group of parameters at each draw."""
    densities: dict[str, Floats] = {}
    for name, prior in base.inputs.priors.priors.items():
        density = prior.distribution.log_density(parameter_draws(base, name))
        before = densities.get(prior.group.name)
        densities[prior.group.name] = density if before is None else before + density
    return densities


def parameter_features(base: Run) -> Floats:
    """Standardised parameters, latest tension and level by draw, shape (draw, feature); no constants."""
    columns = []
    for name, prior in base.inputs.priors.priors.items():
        values = parameter_draws(base, name)
        support = prior.group.support
        columns.append(
            values
            if support == "real"
            else np.log(values)
            if support == "positive"
            else special.logit(values)
        )
    columns += [*base.draws.knots[:, 0, -2:].T, base.draws.level(base.inputs.data)]
    features = np.column_stack(columns)
    spread = features.std(axis=0)
    moving = spread > 1e-12
    return np.asarray((features[:, moving] - features[:, moving].mean(axis=0)) / spread[moving])


def with_labels(forecast: Forecast, robustness: Robustness) -> Forecast:
    """Return the forecast with what each of its probabilities rests on."""
    labels = {(one.target, one.milestone): one.rests_on for one in robustness.sensitivities}
    targets = tuple(
        target.model_copy(
            update={
                "milestones": tuple(
                    one.model_copy(update={"rests_on": labels.get((target.name, one.name))})
                    for one in target.milestones
                )
            }
        )
        for target in forecast.targets
    )
    return forecast.model_copy(update={"targets": targets})
