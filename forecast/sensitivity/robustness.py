"""How far a call rests on assumptions: labels of all numbers, tornado chart, break-evens.

Everything is made from the draws of the run by reweighting, and from a few short simulations for the acts
ahead; nothing is fitted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.models.draws import Floats
from forecast.records.analysis import (
    AssumptionEffect,
    BreakEven,
    CertainActs,
    NumberSensitivity,
    Robustness,
    RobustnessNote,
    WeightPull,
)
from forecast.records.forecast import Forecast
from forecast.runs.run import Run
from forecast.scenarios.reweighting import parameter_draws
from forecast.sensitivity.assumptions import key_assumptions
from forecast.sensitivity.break_even_words import (
    Question,
    calendar_break_even,
    prior_break_even,
    question_of,
)
from forecast.sensitivity.calendar_effects import calendar_effects
from forecast.sensitivity.labels import label_of, pull_of
from forecast.sensitivity.power_scaling import (
    PowerScaling,
    power_scaling,
    sensitivity,
    slope_per_doubling,
    sort_values,
)
from forecast.sensitivity.shifts import PriorShifts, stacked_shares
from forecast.sensitivity.smooth_chances import log_hazards, parameter_features
from forecast.sensitivity.tornado import calendar_bar, prior_bar, strongest_first

ALL_PRIORS, DATA = "all priors", "data"


@dataclass(frozen=True, kw_only=True)
class RobustnessOptions:
    """What to measure.

    Parameters
    ----------
    target, milestone : str or None
        The question of the tornado chart; the headline's when absent.
    threshold : float or None
        A probability whose crossing matters to the user, beside the bounds of the words.
    all_targets : bool
        Break-evens for every target, not only for that of the question.
    """

    target: str | None = None
    milestone: str | None = None
    threshold: float | None = None
    all_targets: bool = False


def measure_robustness(base: Run, options: RobustnessOptions | None = None) -> Robustness:
    """Measure what every probability rests on, and what would change the call.

    Parameters
    ----------
    base : Run
        The run.
    options : RobustnessOptions, optional
        The headline question without a threshold when absent.

    Returns
    -------
    Robustness
        Labels of every target × milestone, the tornado chart of one question, and the break-evens of its
        target (or of all) at every milestone.
    """
    sensitivities = measure_sensitivities(base)
    return measure_shifts(base, options or RobustnessOptions(), sensitivities)


def measure_shifts(
    base: Run, options: RobustnessOptions, sensitivities: tuple[NumberSensitivity, ...]
) -> Robustness:
    """Tornado chart and break-evens, beside sensitivities that are known already."""
    config = base.inputs.config
    target = options.target or config.headline.target
    milestone = options.milestone or config.headline.milestone
    targets = tuple(config.targets) if options.all_targets else (target,)
    asked = [(name, one.name) for name in targets for one in config.milestones]
    shares = stacked_shares(base, asked)
    effects = calendar_effects(base, asked)
    questions = [
        question_of(base, name, one, shares[:, column], options.threshold)
        for column, (name, one) in enumerate(asked)
    ]
    main = asked.index((target, milestone))
    bars: list[AssumptionEffect] = []
    break_evens: list[BreakEven] = []
    for name in dict.fromkeys(name for one in targets for name in key_assumptions(base.inputs, one)):
        shifts = PriorShifts(base, name, shares)
        for column, question in enumerate(questions):
            if name in key_assumptions(base.inputs, question.target):
                break_evens += prior_break_even(shifts, column, question)
        if name in key_assumptions(base.inputs, target):
            bars.append(prior_bar(shifts, main))
    for effect in effects:
        act = base.inputs.config.calendar[effect.position]
        bars.append(calendar_bar(act, effect, main, questions[main].probability))
        for column, question in enumerate(questions):
            break_evens += calendar_break_even(act, effect, column, question)
    return Robustness(
        target=target,
        milestone=milestone,
        threshold=options.threshold,
        sensitivities=sensitivities,
        tornado=strongest_first(bars),
        break_evens=_in_order(break_evens, questions),
        notes=_notes(questions, len(base.inputs.calendar) - len(effects)),
    )


def measure_sensitivities(base: Run) -> tuple[NumberSensitivity, ...]:
    """Power-scale priors and likelihood for every target × milestone."""
    # Here, because it brings PyMC's machinery, which takes longer to load than everything else here to run.
    from forecast.models.likelihood import log_likelihood

    by_group = _group_densities(base)
    scalings = {name: power_scaling(density) for name, density in by_group.items()}
    priors = power_scaling(np.sum(list(by_group.values()), axis=0))
    data = power_scaling(log_likelihood(base.inputs.data, base.draws))
    features = parameter_features(base)
    config = base.inputs.config
    asked = [(target, one.name) for target in config.targets for one in config.milestones]
    shares = stacked_shares(base, asked)
    return tuple(
        _number_sensitivity(base, question, shares[:, column], features, priors, data, scalings)
        for column, question in enumerate(asked)
    )


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


def _number_sensitivity(
    base: Run,
    question: tuple[str, str],
    shares: Floats,
    features: Floats,
    priors: PowerScaling,
    data: PowerScaling,
    groups: dict[str, PowerScaling],
) -> NumberSensitivity:
    target, milestone = question
    chances = log_hazards(shares, base.first_day[target].shape[1], features)
    values = sort_values(chances)

    def record(name: str, scaling: PowerScaling, noise: float | None) -> WeightPull:
        change, error = slope_per_doubling(shares, scaling.log_density, base.n_chains)
        return WeightPull(
            name=name,
            sensitivity=sensitivity(values, scaling),
            noise=noise,
            change=change,
            mcse=error,
            pareto_k=scaling.pareto_k,
        )

    found = [record(name, scaling, None) for name, scaling in groups.items()]
    by_strength = sorted(found, key=lambda one: -one.sensitivity)
    of_priors, of_data = (pull_of(chances, scaling, base.n_chains, shares) for scaling in (priors, data))
    alone = pull_of(chances, groups[by_strength[0].name], base.n_chains, shares).strength
    observed = base.forecast.target(target).observed_before
    label, reason = label_of(of_priors, of_data, alone, observed)
    return NumberSensitivity(
        target=target,
        milestone=milestone,
        rests_on=label,
        reason=reason,
        priors=record(ALL_PRIORS, priors, of_priors.noise),
        data=record(DATA, data, of_data.noise),
        groups=tuple(by_strength),
    )


def _group_densities(base: Run) -> dict[str, Floats]:
    """Log prior density of each group of parameters at each draw."""
    densities: dict[str, Floats] = {}
    for name, prior in base.inputs.priors.priors.items():
        density = prior.distribution.log_density(parameter_draws(base, name))
        before = densities.get(prior.group.name)
        densities[prior.group.name] = density if before is None else before + density
    return densities


def _in_order(found: list[BreakEven], questions: Sequence[Question]) -> tuple[BreakEven, ...]:
    """By question; within it crossings first, the smallest change of a belief before larger ones."""
    place = {(one.target, one.milestone): index for index, one in enumerate(questions)}
    outcome = {"crosses": 0, "needs a refit": 1, "never": 2}
    return tuple(
        sorted(
            found,
            key=lambda one: (
                place[one.target, one.milestone],
                outcome[one.outcome],
                abs(one.steps) if one.steps is not None else 0.0,
            ),
        )
    )


def _notes(questions: Sequence[Question], left_out: int) -> tuple[RobustnessNote, ...]:
    notes = [note for question in questions for note in question.notes]
    return (*notes, CertainActs(number=left_out)) if left_out else tuple(notes)
