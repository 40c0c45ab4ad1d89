"""What would have to be believed for a run to say a stated probability: the least change of all its draws.

The draws of all members are weighted by exp(λ·chance), with λ such that their mean is the probability. Of all
weights with that mean these have the smallest relative entropy to those of the forecast (Csiszár 1975,
doi:10.1214/aop/1176996454). A chance below or above all draws cannot be reached. Nothing is fitted again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from scipy import special

from forecast.errors import InputError
from forecast.inference.importance import PARETO_K_MAX
from forecast.models.draws import Floats
from forecast.records.analysis import BeliefAlone, PriorMoved, Reconciled
from forecast.records.forecast import named_milestone
from forecast.runs.run import Run
from forecast.scenarios.answer import least_draws, milestone_day, parameter_draws
from forecast.sensitivity.shifts import PriorShifts, Questions, key_assumptions
from forecast.wording import percent

MOST_SHIFTS = 6
LEAST_SHIFT = 0.1
"""Posterior standard deviations below which a quantity has not moved."""
_CLEAR_ERRORS, _FURTHEST, _MOST_TIMES = 2.0, 8.0, 1000.0
_LINKS = {
    "real": (np.asarray, float),
    "positive": (np.log, np.exp),
    "unit": (special.logit, special.expit),
}
"""Of each support, to the scale on which a prior is normal, and back."""


def reconcile(
    run: Run, probability: float, *, target: str | None = None, milestone: str | None = None
) -> Reconciled:
    """Say what a run would have to believe to say a probability, in (0, 1), of one of its questions.

    The headline's target and milestone, by name or day, when absent. Raises ``InputError``: no draw of the
    run goes so far, or the run did not converge.
    """
    headline = run.forecast.headline
    target = target or headline.target
    asked = named_milestone(run.forecast, target, milestone or headline.milestone)
    if not run.forecast.converged:
        raise InputError("the run did not converge, so nothing can be built upon it. Use more draws")
    day = milestone_day(run, asked.name)
    by_day, weights = run.mixture.draws(target)
    # Where a member that is silent on a target finds a narrower one likelier, all draws are raised with it.
    chances = by_day[:, day] + (asked.probability - float(weights @ by_day[:, day]))
    low, high = float(chances.min()), float(chances.max())
    if not low < probability < high:
        raise InputError(
            f"probability: got {100 * probability:.3g}%; the draws of this run reach from {percent(low)} to "
            f"{percent(high)}. Ask for one between, or state a belief or a prior with 'forecast scenario'"
        )
    moved, nats = tilted(chances, weights, probability)
    share, model = run.mixture.share(target), slice(0, run.n_draws if run.mixture.share(target) else 0)
    own = moved[model] / moved[model].sum() if share else None
    return Reconciled(
        target=target,
        milestone=asked.name,
        asked=probability,
        probability=asked.probability,
        reach=(low, high),
        nats=nats,
        share=float(np.exp(-nats)),
        effective_draws=float(1 / (moved**2).sum()),
        model=(share, min(1.0, float(moved[model].sum()))),
        level=None if own is None else _means(np.exp(run.draws.level(run.inputs.data)), own),
        tension=None if own is None else _means(run.draws.tension_now(run.inputs.data), own),
        priors=() if own is None else tuple(_shifts(run, target, asked.name, own))[:MOST_SHIFTS],
        belief=_belief(run, target, asked.name, asked.probability, probability),
    )


def tilted(values: Floats, weights: Floats, goal: float) -> tuple[Floats, float]:
    """Weights in proportion to w·exp(λ·value) under which the mean is a goal, and how far they lie from w.

    Parameters
    ----------
    values, weights : ndarray, shape (draw,)
        Weights sum to one.
    goal : float
        Between the least and the largest value.

    Returns
    -------
    tuple of ndarray and float
        New weights, which sum to one, and their relative entropy Σ v·log(v/w), in nats. Half of even draws
        kept alike have log 2, so that exp(−nats) is the share of the settings that would have to be kept.
    """
    away = values - goal

    def at(slope: float) -> Floats:
        exponent = slope * away
        found = weights * np.exp(exponent - exponent[weights > 0].max())
        return np.asarray(found / found.sum())

    side = -float(np.sign(weights @ away)) or 1.0
    inner, outer = 0.0, side
    while side * (at(outer) @ away) < 0:
        inner, outer = outer, 2 * outer
    for _ in range(100):
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if side * (at(middle) @ away) < 0 else (inner, middle)
    found = at(outer)
    return found, float(special.rel_entr(found, weights).sum())


def _means(values: Floats, weights: Floats) -> tuple[float, float]:
    return float(values.mean()), float(weights @ values)


def _shifts(run: Run, target: str, milestone: str, weights: Floats) -> Iterator[PriorMoved]:
    """Yield the parameters that shift under weights of the model's draws, the furthest first.

    A prior of the same width that is moved by (m′ − m)·τ/s² of its own spreads τ takes a normal posterior of
    mean m and spread s to the mean m′: that prior, stated alone, repeats the shift.
    """
    questions, found = Questions.of(run, [(target, milestone)]), []
    error = float(np.sqrt((weights**2).sum()))
    for name in key_assumptions(run.inputs, target):
        shifts = PriorShifts(run, name, questions)
        link, back = _LINKS[shifts.prior.group.support]
        values = link(parameter_draws(run, name))
        middle, after, spread = float(values.mean()), float(weights @ values), float(values.std())
        distance = (after - middle) / spread if spread else 0.0
        if abs(distance) < max(LEAST_SHIFT, _CLEAR_ERRORS * error):
            continue
        ends = link(shifts.prior.distribution.quantile(special.ndtr([-1.0, 1.0])))
        steps = float(np.clip(distance / spread * np.diff(ends)[0] / 2, -_FURTHEST, _FURTHEST))
        alone, scale = shifts.at(steps), shifts.prior.group.scale
        told = alone.weights.pareto_k <= PARETO_K_MAX
        told = told and alone.weights.effective_draws >= least_draws(run)
        moved = PriorMoved.model_validate(
            {
                "name": name,
                "from": scale.of(float(back(middle))),
                "to": scale.of(float(back(after))),
                "scale": scale.name,
                "distance": distance,
                "probability": float(alone.probability[0]) if told else None,
                "setting": {"priors": {name: str(shifts.moved(steps))}},
            }
        )
        found.append(moved)
    yield from sorted(found, key=lambda one: -abs(one.distance))


def _belief(run: Run, target: str, milestone: str, now: float, goal: float) -> BeliefAlone | None:
    """So many times the hazard of the target on all days: S^ratio is 1 less the goal."""
    if not 0 < now < 1 or (ratio := float(f"{np.log1p(-goal) / np.log1p(-now):.6g}")) > _MOST_TIMES:
        return None
    config = run.inputs.config
    first, last = config.as_of + timedelta(days=1), config.milestone(milestone).date - timedelta(days=1)
    stated = {"target": target, "window": [first.isoformat(), last.isoformat()], "ratio": ratio}
    setting = {"beliefs": [stated]}
    return BeliefAlone(ratio=ratio, first_day=first, last_day=last, setting=setting)
