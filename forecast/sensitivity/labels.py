"""What a probability rests on: the data, the priors, or a compromise in which the two pull apart.

A component of the posterior (some priors, or the likelihood) is raised to the power α; α = 2 counts it twice
(power-scaling: Kallioinen, Paananen, Bürkner and Vehtari 2024, "Detecting and diagnosing prior and likelihood
sensitivity with power-scaling", doi:10.1007/s11222-023-10366-5). The derivative of a mean in α is the
covariance of the quantity and the component's log density, so that no draw is weighted again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats, log_likelihood
from forecast.records.analysis import SENSITIVE, LabelReason, NumberSensitivity, Sensitivity, WeightPull
from forecast.records.forecast import Forecast, RestsOn, TargetForecast
from forecast.runs.cautions import FEWEST_TARGET_DAYS
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day, parameter_draws

CLEAR_ERRORS = 2.0
"""Monte Carlo errors by which a pull must differ from zero to count."""
ALL_PRIORS, DATA = "all priors", "data"


def measure_labels(base: Run) -> tuple[NumberSensitivity, ...]:
    """Power-scale priors and likelihood for every target × milestone of which the model is a member."""
    groups: dict[str, Floats] = {}
    for name, prior in base.inputs.priors.priors.items():
        density = prior.distribution.log_density(parameter_draws(base, name))
        groups[prior.group.name] = groups.get(prior.group.name, 0.0) + density
    priors = np.sum(list(groups.values()), axis=0)
    data = log_likelihood(base.inputs.data, base.draws, base.inputs.priors)
    components = [(ALL_PRIORS, priors), (DATA, data), *groups.items()]
    milestones = {one.name: milestone_day(base, one.name) for one in base.inputs.config.milestones}

    def measured(target: str) -> Iterator[NumberSensitivity]:
        by_draw = base.mixture.by_draw_at(target, np.array([*milestones.values()]))
        by_day, weights = base.mixture.draws(target)
        observed = base.forecast.target(target).observed_before
        for (milestone, day), chances in zip(milestones.items(), by_draw.T, strict=True):
            spread = float(np.sqrt(np.cov(by_day[:, day], aweights=weights, ddof=0)))
            of_priors, of_data, *of_groups = (
                pull_of(chances, density, base.n_chains, spread, name) for name, density in components
            )
            strongest = sorted(of_groups, key=lambda one: -one.strength)
            label, reason = label_of(of_priors, of_data, strongest[0], observed)
            yield NumberSensitivity(
                target=target,
                milestone=milestone,
                rests_on=label,
                reason=reason,
                priors=of_priors,
                data=of_data,
                groups=tuple(strongest),
            )

    asked = (target for target in base.inputs.config.targets if base.mixture.share(target))
    return tuple(found for target in asked for found in measured(target))


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


def pull_of(values: Floats, log_density: Floats, n_chains: int, spread: float, name: str = "") -> WeightPull:
    """Measure what twice the weight of a component does to a mean, with its Monte Carlo error.

    ``values`` and ``log_density`` have shape (draw,), chains one after another; ``spread`` is the standard
    deviation of the forecast that the values are a part of. In log₂ α, the derivative of E[v] in α at 1 is
    log 2 times the covariance of v and the log density.
    """
    if np.ptp(log_density) == 0.0 or np.ptp(values) == 0.0:
        return WeightPull(name=name, change=0.0, mcse=0.0, strength=0.0)
    product = np.log(2) * (values - values.mean()) * (log_density - log_density.mean())
    change, error = float(product.mean()), monte_carlo_error(product, n_chains)
    return WeightPull(name=name, change=change, mcse=error, strength=abs(change) / spread)


def is_clear(pull: WeightPull) -> bool:
    """Whether the mean surely moves."""
    return abs(pull.change) > CLEAR_ERRORS * pull.mcse


def has_effect(pull: WeightPull) -> bool:
    """Whether a pull counts: it is strong, and not by chance."""
    return pull.strength >= SENSITIVE and is_clear(pull)


def label_of(
    priors: WeightPull, data: WeightPull, strongest_group: WeightPull, observed_before: int
) -> tuple[RestsOn, LabelReason]:
    """Return the label of a probability and the rule that made it.

    ``strongest_group`` is the one group of priors that moves it most (joint changes may cancel),
    ``observed_before`` counts cases in the data. The rules, in this order: seen on fewer than
    ``FEWEST_TARGET_DAYS`` days → prior-driven; priors without effect → data-driven (or unclear, where a
    strong pull may be chance); data without effect → prior-driven; both with effect, with opposite signs →
    conflict; otherwise whichever has more effect.
    """
    if not observed_before:
        return "prior-driven", "never observed"
    if observed_before < FEWEST_TARGET_DAYS:
        return "prior-driven", "too few cases"
    if not (has_effect(priors) or has_effect(strongest_group)):
        if has_effect(data):
            return "data-driven", "priors move it little"
        if max(priors.strength, data.strength) >= SENSITIVE:
            return "unclear", "within the noise"
        return "data-driven", "nothing moves it"
    if not has_effect(data):
        return "prior-driven", "data do not move it"
    if priors.change * data.change < 0 and is_clear(priors):
        if priors.change < 0:
            return "conflict", "priors lower it against the data"
        return "conflict", "priors raise it against the data"
    if max(priors.strength, strongest_group.strength) > data.strength:
        return "prior-driven", "priors move it more"
    return "data-driven", "data move it more"
