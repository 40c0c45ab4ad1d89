"""How far a call rests on assumptions: labels of all numbers, tornado chart, break-evens.

A break-even is the smallest change of an assumption that takes a probability to another word, or across a
threshold. Shifts of a prior are scanned outwards on both sides by reweighting, and the first crossing is
found by bisection. Where the draws can no longer stand for the shifted posterior (Pareto k, effective
draws) the scan ends, and the answer is that they cannot tell: a refit would have to.

Whether an act ahead happens is drawn apart from all else on a path: it is an experiment at random within the
simulation. The difference between the paths on which it happens and those on which it does not is therefore
its effect, and what the model says is linear in its probability; the other members follow by their odds. So
the forecast is known at every probability. Nothing is fitted again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np

from forecast import wording
from forecast.config import CalendarAct
from forecast.inference.importance import ImportanceWeights, importance_weights, monte_carlo_error
from forecast.models.draws import Floats
from forecast.priors import Distribution, NamedPrior
from forecast.priors.distributions import shifted
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    BreakEven,
    NumberSensitivity,
    Robustness,
    ShiftEnd,
)
from forecast.records.notices import Notice, notice
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import DrawShares, Mixing, Mixture
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day, parameter_draws
from forecast.sensitivity.labels import measure_sensitivities
from forecast.simulation.paths import acts_on_paths

FURTHEST = 2.0
"""Steps of a prior's own spread beyond which a shift is no longer the same belief."""
SCANNED = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, FURTHEST)
ONE_STEP = 1.0
"""Spreads of the prior by which a bar moves it: its median goes to its 16% and its 84% quantile."""
CHANCES = np.linspace(0.0, 1.0, 21)
"""Probabilities of an act ahead at which the forecast is worked out; between them it is nearly straight."""
_TOLERANCE = 1e-3
_SLOPE_STEP = 0.05
_CLOSE_ERRORS = 2.0
"""Monte Carlo errors from a bound within which a probability may as well stand on its other side."""
_OF_THE_TARGET = ("baseline.weekly_rate", "tension.loading", "excitation.cross")

BoundKind = Literal["word", "threshold"]


@dataclass(frozen=True, kw_only=True)
class RobustnessOptions:
    """What to measure.

    The tornado chart is of one question, the headline's when absent; break-evens are of its target or of all.
    ``threshold`` is a probability whose crossing matters to the user, beside the bounds of the words.
    """

    target: str | None = None
    milestone: str | None = None
    threshold: float | None = None
    all_targets: bool = False


def measure_robustness(
    base: Run,
    options: RobustnessOptions | None = None,
    sensitivities: tuple[NumberSensitivity, ...] | None = None,
) -> Robustness:
    """Measure what every probability rests on, and what would change the call.

    Labels are of every target × milestone, the tornado chart of one question, the break-evens of its target
    (or of all) at every milestone; of the headline without a threshold when no options are given.
    ``sensitivities`` that are known already are taken over.
    """
    options, config = options or RobustnessOptions(), base.inputs.config
    if sensitivities is None:
        sensitivities = measure_sensitivities(base)
    target = options.target or config.headline.target
    milestone = options.milestone or config.headline.milestone
    targets = tuple(config.targets) if options.all_targets else (target,)
    asked = [(name, one.name) for name in targets for one in config.milestones]
    main, shares = asked.index((target, milestone)), stacked_shares(base, asked)
    numbers = [_bounded_number(base, name, one, options.threshold) for name, one in asked]
    assumptions = {name: key_assumptions(base.inputs, name) for name in targets}
    bars: list[AssumptionEffect] = []
    break_evens: list[BreakEven] = []
    for name in dict.fromkeys(name for names in assumptions.values() for name in names):
        shifts = PriorShifts(base, name, shares)
        for column, number in enumerate(numbers):
            if name in assumptions[number.target]:
                break_evens += _prior_break_evens(shifts, column, number)
        if name in assumptions[target]:
            bars.append(prior_bar(shifts, main))
    effects = calendar_effects(base, asked)
    for effect in effects:
        act = config.calendar[effect.position]
        bars.append(_calendar_bar(act, effect, main, numbers[main].probability))
        for column, number in enumerate(numbers):
            break_evens += _calendar_break_evens(act, effect, column, number)
    certain = len(base.inputs.calendar) - len(effects)
    left_out = [notice("certain_acts", number=certain)] if certain else []
    return Robustness(
        target=target,
        milestone=milestone,
        threshold=options.threshold,
        sensitivities=sensitivities,
        tornado=strongest_first(bars),
        break_evens=_in_order(break_evens, asked),
        notes=(*(note for number in numbers for note in number.notes), *left_out),
    )


def strongest_first(bars: Sequence[AssumptionEffect]) -> tuple[AssumptionEffect, ...]:
    """Order by the largest change either way; those that need a refit come last."""
    return tuple(
        sorted(bars, key=lambda bar: -max(abs(bar.lower.change or 0.0), abs(bar.upper.change or 0.0)))
    )


def _in_order(break_evens: list[BreakEven], asked: Sequence[tuple[str, str]]) -> tuple[BreakEven, ...]:
    """By question; within it crossings first, the smallest change of a belief before larger ones."""
    outcome = {"crosses": 0, "needs a refit": 1, "never": 2}

    def rank(one: BreakEven) -> tuple[int, int, float]:
        return asked.index((one.target, one.milestone)), outcome[one.outcome], abs(one.steps or 0.0)

    return tuple(sorted(break_evens, key=rank))


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


def assumed_chance(probability: float) -> Assumed:
    """Probability of an act ahead as an assumption."""
    return Assumed(parameter=probability, value=probability, scale="probability")


class Bound(NamedTuple):
    """A probability that matters, and the word beyond it; ``None`` for a threshold, or where none is said."""

    kind: BoundKind
    probability: float
    becomes: str | None


@dataclass(frozen=True)
class BoundedNumber:
    """One probability of the run, the nearest bounds of the words each way, and the threshold."""

    target: str
    milestone: str
    probability: float
    mcse: float
    bounds: tuple[Bound, ...]
    notes: tuple[Notice, ...]

    def by_kind(self) -> Iterator[tuple[BoundKind, dict[float, Bound]]]:
        """Bounds of the words, then the threshold, each by its probability."""
        for kind in dict.fromkeys(bound.kind for bound in self.bounds):
            yield kind, {bound.probability: bound for bound in self.bounds if bound.kind == kind}

    def missed(self, kind: BoundKind, **known: object) -> BreakEven:
        """A break-even whose bound is not reached."""
        asked = {"target": self.target, "milestone": self.milestone, "probability": self.probability}
        return BreakEven.model_validate({"outcome": "never", **asked, "kind": kind, **known})


def _bounded_number(base: Run, target: str, milestone: str, threshold: float | None) -> BoundedNumber:
    """Read a probability of the forecast and the bounds around it."""
    day = milestone_day(base, milestone)
    probability = base.mixture.probability(target, day)
    error = base.mixture.error(target, day, base.n_chains)
    here = wording.words(probability)
    grave = base.forecast.target(target).grave

    def worded(near: wording.WordBound) -> bool:
        """Whether both sides of a bound have words: small chances of a grave event have none."""
        return not grave or near.probability > wording.LEAST_WORDED

    bounds: list[Bound] = []
    notes: list[Notice] = []
    asked: dict[str, Any] = {
        "target": target,
        "label": base.forecast.target(target).label,
        "milestone": milestone,
        "before": next(one.title for one in base.inputs.config.milestones if one.name == milestone),
        "probability": probability,
    }
    for near in wording.neighbouring_words(probability):
        bound: wording.WordBound | None = near
        if abs(near.probability - probability) <= _CLOSE_ERRORS * error and worded(near):
            notes.append(notice("on_word_bound", **asked, words=(here, near.words)))
            further = wording.neighbouring_words(near.probability + (1e-6 if near.above else -1e-6))
            bound = next((one for one in further if one.above == near.above), None)
        if bound is not None:
            bounds.append(Bound("word", bound.probability, bound.words if worded(bound) else None))
    if threshold is not None:
        if abs(threshold - probability) <= _CLOSE_ERRORS * error:
            notes.append(notice("on_threshold", **asked, threshold=threshold))
        else:
            bounds.append(Bound("threshold", threshold, None))
    return BoundedNumber(target, milestone, probability, error, tuple(bounds), tuple(notes))


def _prior_break_evens(shifts: PriorShifts, quantity: int, number: BoundedNumber) -> Iterator[BreakEven]:
    """Yield the break-even of one prior, and that of the threshold where there is one."""
    for kind, bounds in number.by_kind():
        search = find_break_evens(shifts, quantity, tuple(bounds))
        missed = number.missed(
            kind,
            name=shifts.name,
            outcome="never" if search.whole else "needs a refit",
            now=shifts.assumed(0.0),
            reached=_reached(shifts, quantity, search),
        )
        if not search.crossings:
            yield missed
            continue
        steps, mcse, at = search.crossings[0]
        # An error as large as the prior is wide says no more than that it is larger than all asked.
        error = min(mcse, 2 * FURTHEST)
        there, low, high = (shifts.assumed(steps + side * error) for side in (0, -1, 1))
        yield _crossed(missed, bounds[at], steps, mcse, there, (low, high))


def _calendar_break_evens(
    act: CalendarAct, effect: CalendarEffect, quantity: int, number: BoundedNumber
) -> Iterator[BreakEven]:
    """Yield the probability of an act ahead from which another word holds."""
    slope, slope_error = float(effect.slope[quantity]), float(effect.mcse[quantity])
    low, high = sorted(effect.at(happens, quantity) for happens in (0.0, 1.0))
    for kind, bounds in number.by_kind():
        missed = number.missed(
            kind,
            name=f"calendar.{effect.position}",
            act=act.label,
            now=assumed_chance(act.probability),
            reached=(low, high),
        )
        crossings = [
            (needed, bound)
            for bound in bounds.values()
            if slope
            for needed in effect.crossings(quantity, bound.probability).tolist()
        ]
        if not crossings:
            yield missed
            continue
        needed, bound = min(crossings, key=lambda crossing: abs(crossing[0] - act.probability))
        moved = needed - act.probability
        error = ((number.mcse / slope) ** 2 + (moved * slope_error / slope) ** 2) ** 0.5
        least, most = (assumed_chance(min(max(needed + side * error, 0.0), 1.0)) for side in (-1, 1))
        yield _crossed(missed, bound, moved, error, assumed_chance(needed), (least, most))


def _crossed(
    missed: BreakEven, bound: Bound, steps: float, mcse: float, there: Assumed, ends: tuple[Assumed, Assumed]
) -> BreakEven:
    """Return a break-even that is reached: the assumption there, and one Monte Carlo error to each side."""
    crossing = {"becomes": bound.becomes, "bound": bound.probability, "steps": steps, "mcse": mcse}
    return missed.model_copy(
        update={"outcome": "crosses", **crossing, "assumed": there, "assumed_mcse": ends}
    )


def prior_bar(shifts: PriorShifts, quantity: int) -> AssumptionEffect:
    """Bar of one prior for the question in one column of the shares."""
    base = float(shifts.at(0.0).probability[quantity])

    def end(steps: float) -> ShiftEnd:
        there, chances = shifts.assumed(steps), shifts.at(steps)
        if not chances.weights.trusted:
            return ShiftEnd(assumed=there, probability=None, change=None, mcse=None)
        probability = float(chances.probability[quantity])
        error = shifts.change_error_at(steps, quantity)
        return ShiftEnd(assumed=there, probability=probability, change=probability - base, mcse=error)

    return AssumptionEffect(
        name=shifts.name, now=shifts.assumed(0.0), lower=end(-ONE_STEP), upper=end(ONE_STEP)
    )


def _calendar_bar(
    act: CalendarAct, effect: CalendarEffect, quantity: int, probability: float
) -> AssumptionEffect:
    """Bar of an act ahead: it surely does not happen, and it surely does."""

    def end(happens: float) -> ShiftEnd:
        there = effect.at(happens, quantity)
        error = abs(happens - act.probability) * float(effect.mcse[quantity])
        change = there - probability
        return ShiftEnd(assumed=assumed_chance(happens), probability=there, change=change, mcse=error)

    return AssumptionEffect(
        name=f"calendar.{effect.position}",
        act=act.label,
        now=assumed_chance(act.probability),
        lower=end(0.0),
        upper=end(1.0),
    )


class Crossing(NamedTuple):
    """Where a probability meets a bound: the shift in steps of the prior's spread, and its error."""

    steps: float
    mcse: float
    bound: float


@dataclass(frozen=True)
class BreakEvenSearch:
    """The nearest crossing of each bound that is met, nearest first.

    The draws can tell between the shifts ``told_from`` and ``told_to``; ``FURTHEST`` on a side that was
    scanned whole.
    """

    crossings: tuple[Crossing, ...]
    told_from: float
    told_to: float

    @property
    def whole(self) -> bool:
        """Whether the draws could tell of every shift that was to be scanned."""
        return (self.told_from, self.told_to) == (-FURTHEST, FURTHEST)


def find_break_evens(shifts: PriorShifts, quantity: int, bounds: Sequence[float]) -> BreakEvenSearch:
    """Search the nearest shift that takes the probability in one column to each bound (none its own)."""
    nearest: dict[float, float] = {}
    reach = {}
    for side in (-1.0, 1.0):
        reach[side] = 0.0
        for inner, outer in pairwise(SCANNED):
            if not shifts.at(side * outer).weights.trusted:
                break
            reach[side] = outer
            low = float(shifts.at(side * inner).probability[quantity])
            high = float(shifts.at(side * outer).probability[quantity])
            for bound in bounds:
                if (low < bound) == (high < bound) or abs(nearest.get(bound, outer)) < inner:
                    continue
                crossing = _bisect(shifts, quantity, bound, side * inner, side * outer)
                if bound not in nearest or abs(crossing) < abs(nearest[bound]):
                    nearest[bound] = crossing
    crossings = sorted(
        (Crossing(steps, _error(shifts, quantity, steps), bound) for bound, steps in nearest.items()),
        key=lambda crossing: abs(crossing.steps),
    )
    return BreakEvenSearch(tuple(crossings), -reach[-1.0], reach[1.0])


def _bisect(shifts: PriorShifts, quantity: int, bound: float, inner: float, outer: float) -> float:
    starts_below = bool(shifts.at(inner).probability[quantity] < bound)
    while abs(outer - inner) > _TOLERANCE:
        middle = 0.5 * (inner + outer)
        if bool(shifts.at(middle).probability[quantity] < bound) == starts_below:
            inner = middle
        else:
            outer = middle
    return 0.5 * (inner + outer)


def _error(shifts: PriorShifts, quantity: int, steps: float) -> float:
    """Error of the probability at the crossing, over the slope there."""
    ahead, behind = (shifts.at(steps + side * _SLOPE_STEP).probability[quantity] for side in (1.0, -1.0))
    slope = abs(float(ahead - behind)) / (2 * _SLOPE_STEP)
    return shifts.error_at(steps, quantity) / slope if slope > 0 else float("inf")


def _reached(shifts: PriorShifts, quantity: int, search: BreakEvenSearch) -> tuple[float, float]:
    """Lowest and highest probability over the shifts that were scanned."""
    scanned = [
        float(shifts.at(side * steps).probability[quantity])
        for side, limit in ((-1.0, -search.told_from), (1.0, search.told_to))
        for steps in SCANNED
        if steps <= limit
    ]
    return max(min(scanned), 0.0), min(max(scanned), 1.0)


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
        model, whole = self.model.with_each(lambda one: one[:, quantity]), self.mixing
        share, direct, quiet = (part[quantity] for part in (whole.share, whole.direct, whole.quiet))
        return Mixing(share, direct, quiet, whole.least).by_draw(model.weighted(weights))


def stacked_shares(base: Run, questions: Sequence[tuple[str, str]]) -> Shares:
    """Read (target, milestone) questions of a run."""
    mixture = base.mixture
    asked = [(target, milestone_day(base, milestone)) for target, milestone in questions]
    first, *others = (mixture.shares(*one) for one in asked)
    mixings = [mixture.mixing(*one) for one in asked]
    share, direct, quiet = (
        np.array([getattr(one, name) for one in mixings]) for name in ("share", "direct", "quiet")
    )
    return Shares(
        first.with_each(lambda *each: np.column_stack(each), *others),
        Mixing(share, direct, quiet, mixings[0].least),
        np.array([mixture.probability(*one) for one in asked]),
    )


class ShiftedChances(NamedTuple):
    """Forecasts under a shift of a prior, shape (question,), and the weights of the draws there."""

    weights: ImportanceWeights
    probability: Floats


@dataclass
class PriorShifts:
    """Shifts of one prior by steps of its spread, each worked out once."""

    base: Run
    name: str
    shares: Shares
    _known: dict[float, ShiftedChances] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._values = parameter_draws(self.base, self.name)
        self._before = self.prior.distribution.log_density(self._values)

    @property
    def prior(self) -> NamedPrior:
        """The prior that is shifted."""
        return self.base.inputs.priors.priors[self.name]

    def moved(self, steps: float) -> Distribution:
        """The prior after a shift."""
        return shifted(self.prior.distribution, steps)

    def assumed(self, steps: float) -> Assumed:
        """Middle of the prior after a shift, in its own unit and on its human scale."""
        middle, scale = float(self.moved(steps).quantile(0.5)), self.prior.group.scale
        return Assumed(parameter=middle, value=scale.of(middle), scale=scale.name)

    def at(self, steps: float) -> ShiftedChances:
        """Forecasts under a shift; those of the run, exactly, for none."""
        if steps not in self._known:
            moved = self.moved(steps)
            changed = moved != self.prior.distribution
            ratio = moved.log_density(self._values) - self._before if changed else np.zeros(len(self._values))
            weights = importance_weights(ratio)
            probability = self.shares.probability(weights.weights if changed else None)
            self._known[steps] = ShiftedChances(weights, probability)
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
