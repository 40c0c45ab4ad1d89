"""Forecasts with each assumption moved: a prior shifted, by weights of draws, and the chance of an act.

A *step* moves a prior by one standard deviation of its own, on the scale on which it is normal; its width
stays. The pooled hazard knows nothing of priors: they move it only through what acts ahead do. The chance
that nothing happens is linear in the chance of an act of conflict, and nearly so of one of cooperation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats
from forecast.priors import Distribution, NamedPrior
from forecast.priors.distributions import parse_distribution, shifted
from forecast.records.analysis import Assumed, AssumptionEffect, NumberSensitivity, Sensitivity, ShiftEnd
from forecast.records.forecast import named_milestone
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import Mixture, ratio_by_draw, weighted_by_draw
from forecast.runs.run import Run
from forecast.scenarios.answer import is_updated, milestone_day, of_rows, parameter_draws
from forecast.sensitivity.labels import measure_labels
from forecast.targets import FutureAct

ONE_STEP = 1.0
"""Spreads by which an assumption is moved: its median goes to its 16% and its 84% quantile."""
_LEAST, _ROUND = 1e-12, 1e-9


def key_assumptions(inputs: Inputs, target: str) -> tuple[str, ...]:
    """Names of the priors that a target may hang on, in the order of the catalogue.

    All that hold for the whole model, for answers, reactions and ballast; of rates and loadings those of the
    acts that meet the target.
    """
    layout = inputs.data.layout
    met = [rule.name == target for rule in inputs.rules].index(True)
    streams = np.flatnonzero(layout.meets[met]).tolist()
    own = {
        "rate": {layout.rates[layout.rate_of[k]] for k in streams},
        "category": {layout.kinds[k].category for k in streams},
    }
    return tuple(
        name
        for name, prior in inputs.priors.priors.items()
        if prior.group.dimension not in own or prior.element in own[prior.group.dimension]
    )


@dataclass(frozen=True)
class Questions:
    """What the members say of several (target, milestone) questions, on some draws of a run.

    ``ahead`` and ``known``, shape (draw, question), are chances that nothing happens by the model: with the
    acts ahead, and by what the other members know of; ``share`` is the weight of the model, ``silent`` that
    chance by the other members alone, and ``shown`` the forecast of the run, each of shape (question,).
    ``rows`` are the positions of these draws among all of the run.
    """

    ahead: Floats
    known: Floats
    share: Floats
    silent: Floats
    shown: Floats
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, base: Run, asked: Sequence[tuple[str, str]], few: Mixture | None = None) -> Questions:
        """Read the questions of a run, on all its draws, or of a mixture on its few draws."""
        mixture = few or base.mixture
        days = [(target, milestone_day(base, milestone)) for target, milestone in asked]
        ahead, known = (
            np.column_stack([one.of(target)[:, day] for target, day in days])
            for one in (mixture.survival, mixture.known_to_others)
        )
        silent = [
            sum(float(1 - draws[:, day].mean()) for draws in mixture.direct.of(target))
            / max(len(mixture.direct.of(target)), 1)
            for target, day in days
        ]
        shown = np.array([base.curves[target].mean[day] for target, day in days])
        share = np.array([mixture.share(one) for one, _ in asked])
        rows = base.thinned_rows if few else np.arange(base.n_draws)
        return cls(ahead, known, share, np.array(silent), shown, rows)

    def unclipped(self, weights: Floats | None = None) -> Floats:
        """Forecasts by these draws alone, under weights of all draws of the run, shape (question,)."""
        own = of_rows(weights, self.rows)
        ahead, known = (one.mean(axis=0) if own is None else own @ one for one in (self.ahead, self.known))
        moved = self.silent * ahead / np.maximum(known, _LEAST)
        return np.asarray(self.share * (1 - ahead) + (1 - self.share) * (1 - moved))

    def probability(self, weights: Floats | None = None) -> Floats:
        """Forecasts under weights of all draws of the run, shape (question,)."""
        if weights is None:
            return self.shown
        return np.asarray(np.clip(self.shown + self.unclipped(weights) - self.unclipped(None), 0.0, 1.0))

    def by_draw(self, question: int, weights: Floats | None = None) -> Floats:
        """What each draw says of one forecast, shape (draw,): its plain mean has the forecast's error."""
        own = of_rows(weights, self.rows)
        ahead, known = (weighted_by_draw(one[:, question], own) for one in (self.ahead, self.known))
        share, silent = self.share[question], self.silent[question]
        return np.asarray(share * (1 - ahead) + (1 - share) * (1 - silent * ratio_by_draw(ahead, known)))


@dataclass(frozen=True)
class ActEffect:
    """Forecast where an act surely does not happen, and where it surely does; the error of the difference."""

    act: FutureAct
    ends: tuple[float, float]
    mcse: float

    @property
    def slope(self) -> float:
        """Forecast if the act surely happens minus if it surely does not."""
        return self.ends[1] - self.ends[0]

    def at(self, chance: float) -> float:
        """Forecast where the act has this probability."""
        return float(np.clip(self.ends[0] + chance * self.slope, 0.0, 1.0))


def act_effects(base: Run, target: str, milestone: str, acts: Sequence[FutureAct]) -> Iterator[ActEffect]:
    """Yield the effects of acts on a probability.

    An act is one of the run's calendar, or another one, whose stated probability is 0.
    """
    now = Questions.of(base, [(target, milestone)], base.thinned)
    ahead = (*base.inputs.calendar, *(act for act in acts if act not in base.inputs.calendar))
    ends = [1.0 if act.probability < 0.5 else 0.0 for act in ahead]
    then = base.thinned_process.with_each(ahead, ends, target, milestone_day(base, milestone))
    shown, before = float(now.shown[0]), now.by_draw(0)
    # As a scenario carries them over to the run: by the factor of the chance that nothing happens.
    quiet = (1 - shown) / max(1 - before.mean(), _LEAST) if 1 - shown > _ROUND else 1.0
    for act in acts:
        place, stated = ahead.index(act), act.probability
        change = replace(now, ahead=then[place][:, None]).by_draw(0) - before
        change *= quiet / (ends[place] - stated)
        slope = float(change.mean())
        # Through the forecast of the run at the act's own chance.
        through = shown - stated * slope, shown + (1 - stated) * slope
        yield ActEffect(act, through, monte_carlo_error(change, base.n_chains))


class ShiftedChances(NamedTuple):
    """Forecasts under a shift of a prior, shape (question,), and the weights of the draws there."""

    weights: ImportanceWeights
    probability: Floats


@dataclass
class PriorShifts:
    """Shifts of one prior by steps of its spread, each worked out once."""

    base: Run
    name: str
    questions: Questions
    _known: dict[float, ShiftedChances] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._values = parameter_draws(self.base, self.name)
        self._before = self.prior.distribution.log_density(self._values)

    @property
    def prior(self) -> NamedPrior:
        """The prior that is shifted."""
        return self.base.inputs.priors.priors[self.name]

    def moved(self, steps: float) -> Distribution:
        """The prior after a shift, to the digits of a scenario file, so that this file gives the same."""
        prior = self.prior.distribution
        return parse_distribution(str(shifted(prior, steps))) if steps else prior

    def assumed(self, steps: float) -> Assumed:
        """Middle of the prior after a shift, in its own unit and on its human scale."""
        middle, scale = float(self.moved(steps).quantile(0.5)), self.prior.group.scale
        return Assumed(parameter=middle, value=scale.of(middle), scale=scale.name)

    def log_ratio(self, steps: float) -> Floats:
        """Log of the shifted density over that of the run at each draw; exactly zero for no shift."""
        moved = self.moved(steps)
        if moved == self.prior.distribution:
            return np.zeros(len(self._values))
        return np.asarray(moved.log_density(self._values) - self._before)

    def at(self, steps: float) -> ShiftedChances:
        """Forecasts under a shift; those of the run, exactly, for none."""
        if steps not in self._known:
            ratio = self.log_ratio(steps)
            weights = importance_weights(ratio)
            probability = self.questions.probability(weights.weights if ratio.any() else None)
            self._known[steps] = ShiftedChances(weights, probability)
        return self._known[steps]

    def change_error_at(self, steps: float, question: int) -> float:
        """Monte Carlo error of the change against the run, draw by draw."""
        change = self._by_draw(steps, question) - self._by_draw(0.0, question)
        return monte_carlo_error(change, self.base.n_chains)

    def _by_draw(self, steps: float, question: int) -> Floats:
        return self.questions.by_draw(question, self.at(steps).weights.weights)


# Every assumption, moved one step each way


def measure_sensitivity(
    base: Run,
    labels: tuple[NumberSensitivity, ...] | None = None,
    *,
    target: str | None = None,
    milestone: str | None = None,
) -> Sensitivity:
    """Measure what every probability rests on, and what one is with each assumption moved.

    Labels are of every target × milestone, those that are known already are taken over; assumptions are moved
    for one question, the headline's when absent (``InputError``: the run has no such question).
    """
    headline = base.forecast.headline
    target = target or headline.target
    milestone = named_milestone(base.forecast, target, milestone or headline.milestone, "--milestone").name
    questions = Questions.of(base, [(target, milestone)])
    bars = [prior_bar(PriorShifts(base, name, questions), 0) for name in key_assumptions(base.inputs, target)]
    effects = act_effects(base, target, milestone, base.inputs.calendar)
    bars += [_calendar_bar(position, effect) for position, effect in enumerate(effects)]
    return Sensitivity(
        target=target,
        milestone=milestone,
        labels=measure_labels(base) if labels is None else labels,
        assumptions=strongest_first(bars),
    )


def strongest_first(bars: Sequence[AssumptionEffect]) -> tuple[AssumptionEffect, ...]:
    """Order by the largest change either way; those that need a refit come last."""
    return tuple(
        sorted(bars, key=lambda bar: -max(abs(bar.lower.change or 0.0), abs(bar.upper.change or 0.0)))
    )


def prior_bar(shifts: PriorShifts, question: int) -> AssumptionEffect:
    """Bar of one prior for the question in one column of the shares."""
    base = float(shifts.at(0.0).probability[question])

    def end(steps: float) -> ShiftEnd:
        there, chances = shifts.assumed(steps), shifts.at(steps)
        if not chances.weights.trusted:
            return ShiftEnd(assumed=there, probability=None, change=None, mcse=None)
        probability = float(chances.probability[question])
        error = shifts.change_error_at(steps, question)
        return ShiftEnd(assumed=there, probability=probability, change=probability - base, mcse=error)

    return AssumptionEffect(
        name=shifts.name,
        updated=is_updated(shifts.base, shifts.name),
        now=shifts.assumed(0.0),
        lower=end(-ONE_STEP),
        upper=end(ONE_STEP),
    )


def _calendar_bar(position: int, effect: ActEffect) -> AssumptionEffect:
    """Bar of an act ahead: it surely does not happen, and it surely does."""
    act = effect.act

    def assumed(chance: float) -> Assumed:
        return Assumed(parameter=chance, value=chance, scale="probability")

    def end(happens: float) -> ShiftEnd:
        there, moved = effect.at(happens), happens - act.probability
        error = abs(moved) * effect.mcse
        change = moved * effect.slope
        return ShiftEnd(assumed=assumed(happens), probability=there, change=change, mcse=error)

    return AssumptionEffect(
        name=f"calendar.{position}",
        act=act.label,
        now=assumed(act.probability),
        lower=end(0.0),
        upper=end(1.0),
    )
