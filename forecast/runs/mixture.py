"""The forecast: a mixture of the draws of all members of a family, with the acts ahead, by target and day.

Every number that is shown, scored or explained is read here: of a run, a scenario, a watched dyad, a page.
Draws of the members stand beside one another with weights; the probability is their mean, an interval holds
their quantiles. The model knows acts ahead (scheduled events, those of a scenario) and which acts set off a
reaction; the other members do not. So they are moved by the factor by which acts ahead, and reactions to past
acts, change the model's chance that nothing happens, S′ = S·factor: alike before and after an act has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.events.table import EventTable
from forecast.families import MODEL
from forecast.inference.importance import monte_carlo_error
from forecast.models.survival import MOST_COUNTED, Chances, Survival, window_of
from forecast.records.forecast import Member, MemberForecast
from forecast.runs.inputs import Inputs
from forecast.targets import FutureAct, TargetRule

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LEVELS = (0.05, 0.95)
COUNTED_DRAWS = 250
"""Draws, about, that numbers of acts are computed from: their distribution varies less than its mean errs."""
_LEAST = 1e-12


@dataclass(frozen=True)
class Curve:
    """P(target has happened before day t), t = 0 … horizon, in days from the origin.

    ``low`` and ``high`` are the 5% and 95% quantiles over draws; none ever falls.
    """

    mean: Floats
    low: Floats
    high: Floats


class NestedCurves(Mapping[str, Curve]):
    """Curves of targets, each worked out when it is asked for; none lies below that of one that it includes.

    ``alone`` gives probability, low and high of a target, each of shape (day,), whatever the others are.
    """

    def __init__(self, rules: Sequence[TargetRule], alone: Callable[[str], Sequence[Floats]]) -> None:
        self._rules, self._alone = {rule.name: rule for rule in rules}, alone
        self._parts: dict[str, Sequence[Floats]] = {}
        self._curves: dict[str, Curve] = {}

    def __getitem__(self, target: str) -> Curve:
        if target not in self._curves:
            included = [name for name, rule in self._rules.items() if self._rules[target].includes(rule)]
            for name in included:
                self._parts[name] = self._parts.get(name) or self._alone(name)
            probability, low, high = (
                np.maximum.reduce([self._parts[name][at] for name in included]) for at in range(3)
            )
            self._curves[target] = Curve(np.maximum.accumulate(probability), low, high)
        return self._curves[target]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)


def mean_of_members(answers: Sequence[Floats]) -> Floats:
    """Mean of what the members say; those that are silent, with NaN, do not count. NaN where all are."""
    given = ~np.isnan(answers)
    number, total = given.sum(axis=0), np.where(given, answers, 0.0).sum(axis=0)
    return np.asarray(np.where(number, total / np.maximum(number, 1), np.nan))


def quantiles(draws: Floats, weights: Floats, levels: Sequence[float] = _LEVELS) -> Floats:
    """Quantiles of weighted draws, (draw, …), along their first axis; shape (level, …).

    Each draw stands for the part of the unit interval that its weight covers, its own place in the middle;
    between them quantiles are linear.
    """
    # Sorting is faster where the draws of a day lie beside one another.
    draws = np.ascontiguousarray(np.moveaxis(draws, 0, -1))
    order = np.argsort(draws, axis=-1)
    values, weight = np.take_along_axis(draws, order, axis=-1), weights[order]
    place = np.cumsum(weight, axis=-1) - weight / 2
    found = []
    for level in levels:
        right = np.clip((place < level).sum(axis=-1, keepdims=True), 1, draws.shape[-1] - 1)
        x0, x1 = (np.take_along_axis(place, at, axis=-1)[..., 0] for at in (right - 1, right))
        y0, y1 = (np.take_along_axis(values, at, axis=-1)[..., 0] for at in (right - 1, right))
        part = np.clip((level - x0) / np.maximum(x1 - x0, _LEAST), 0.0, 1.0)
        found.append(y0 + part * (y1 - y0))
    return np.array(found)


def weighted_by_draw(values: Floats, weights: Floats | None) -> Floats:
    """What each draw says of a weighted mean, shape (draw, …): its plain mean is that mean.

    A weighted mean is linearised in what each draw adds to it, so that its Monte Carlo error, and that of a
    difference, is that of a plain mean. Weights sum to one; all draws alike when absent.
    """
    if weights is None or np.ptp(weights) == 0.0:
        return values
    mean = np.tensordot(weights, values, axes=1)
    return np.asarray(mean + len(values) * (weights * (values - mean).T).T)


def ratio_by_draw(above: Floats, below: Floats) -> Floats:
    """What each draw says of a ratio of means over draws, shape (draw, …): its plain mean is the ratio."""
    mean = np.maximum(below.mean(axis=0), _LEAST)
    ratio = above.mean(axis=0) / mean
    return np.asarray(ratio + (above - ratio * below) / mean)


def meets(act: FutureAct, rule: TargetRule) -> bool:
    """Whether an act meets a target by itself."""
    return rule.meets(act.category, act.severity, act.by)


def chance_before(act: FutureAct, origin: date, days: Floats) -> Floats:
    """Chance that an act ahead has happened before each day, in days from the origin."""
    first, length = window_of(act, origin)
    return np.asarray(act.probability * np.clip(days - first, 0, length) / length)


def quiet_chance(acts: Sequence[FutureAct], rule: TargetRule, origin: date, days: Floats) -> Floats:
    """Chance that no act ahead has met a target by itself before each day, in days from the origin."""
    quiet = np.ones(np.shape(days))
    for act in acts:
        if meets(act, rule):
            quiet = quiet * (1 - chance_before(act, origin, days))
    return quiet


@dataclass(frozen=True)
class DirectAnswers:
    """What the members that need no fit say without acts ahead: P by member and target, (draw, day)."""

    by_member: Mapping[str, Mapping[str, Floats]]

    def of(self, target: str) -> tuple[Floats, ...]:
        """Draws of the members that answer."""
        return tuple(answers[target] for answers in self.by_member.values() if target in answers)


def direct_answers(
    inputs: Inputs, events: EventTable, horizon_days: int, plain: Survival | None = None
) -> DirectAnswers:
    """Ask the members of a run's family that need no fit, of these events.

    Beyond the longest horizon that a member answers, its chance that nothing happens falls as that of the
    model without acts ahead, ``plain``.
    """
    grid = inputs.data.grid
    by_member = {}
    for member in inputs.family.direct:
        last = min(horizon_days, member.furthest_days or horizon_days)
        answers = member.by_day(events, inputs.rules, grid.origin, grid.start, last)
        if plain is not None and last < horizon_days:
            quiet = {name: plain.of(name).mean(axis=0) for name in answers}
            answers = {name: _carried_on(draws, quiet[name]) for name, draws in answers.items()}
        by_member[member.name] = answers
    return DirectAnswers(by_member)


def _carried_on(draws: Floats, quiet: Floats) -> Floats:
    """P by day, shape (draw, day), carried on by how a chance of nothing, shape (day,), falls after it."""
    last = draws.shape[1] - 1
    further = 1 - (1 - draws[:, -1:]) * quiet[last + 1 :] / max(quiet[last], _LEAST)
    return np.concatenate([draws, further], axis=1)


@dataclass(frozen=True)
class Mixture:
    """The draws of all members of a family.

    ``ahead`` is S of the model with the acts ahead, read from ``process``, both ``None`` where no model was
    fitted; ``plain`` without them, ``None`` where there are none; ``known`` without reactions to past acts as
    well, which is all that the other members know of, ``None`` where that is ``plain``. ``weights``, shape
    (draw,), of the model's draws sum to one; all alike when absent.
    """

    inputs: Inputs
    direct: DirectAnswers
    ahead: Survival | None
    plain: Survival | None = None
    weights: Floats | None = None
    process: Chances | None = None
    known: Survival | None = None

    @property
    def survival(self) -> Survival:
        """S of the model with the acts ahead."""
        if self.ahead is None:
            raise ValueError("no model was fitted")
        return self.ahead

    @property
    def known_to_others(self) -> Survival:
        """S of the model by what the other members know of."""
        return self.known or self.plain or self.survival

    @property
    def without_acts(self) -> Mixture:
        """The same without the acts ahead."""
        return self if self.plain is None else replace(self, ahead=self.plain, plain=None)

    @property
    def horizon_days(self) -> int:
        """Days from the origin to the last milestone."""
        if self.ahead is not None:
            return self.ahead.horizon_days
        return next(len(draws[0]) for many in self.direct.by_member.values() for draws in many.values()) - 1

    def share(self, target: str) -> float:
        """Weight of the model in the forecast of a target."""
        answering = len(self.direct.of(target))
        if not answering:
            return 1.0
        return 1 / (1 + answering) if self.inputs.family.fitted and self.ahead is not None else 0.0

    def _mean(self, values: Floats) -> Floats:
        return np.asarray(
            values.mean(axis=0) if self.weights is None else np.tensordot(self.weights, values, axes=1)
        )

    @cached_property
    def _factors(self) -> Floats | None:
        """What ``factor`` says of all targets, shape (target, day)."""
        if self.known is self.plain is None:
            return None
        return self._mean(self.survival.values) / np.maximum(self._mean(self.known_to_others.values), _LEAST)

    def factor(self, target: str) -> Floats:
        """What the other members do not know multiplies the model's chance of nothing by, shape (day,)."""
        if self._factors is None:
            return np.ones(self.horizon_days + 1)
        return np.asarray(self._factors[self.survival.targets.index(target)])

    def _others(self, target: str) -> tuple[Floats, ...]:
        """Draws of the members that need no fit, times the factor, each of shape (draw, day)."""
        factor = self.factor(target)
        moved = (np.clip(1 - (1 - draws) * factor, 0.0, 1.0) for draws in self.direct.of(target))
        return tuple(np.maximum.accumulate(draws, axis=1) for draws in moved)

    def draws(self, target: str) -> tuple[Floats, Floats]:
        """Draws of all members by day, (draw, day), and their weights, (draw,), which sum to one."""
        share, others = self.share(target), self._others(target)
        parts = list(others)
        weights = [np.full(len(draws), (1 - share) / len(others) / len(draws)) for draws in others]
        if share:
            model = 1 - self.survival.of(target)
            parts.insert(0, model)
            own = np.full(len(model), 1 / len(model)) if self.weights is None else self.weights
            weights.insert(0, share * own)
        return np.concatenate(parts), np.concatenate(weights)

    @cached_property
    def curves(self) -> Mapping[str, Curve]:
        """Probability of every target by day, with its interval, in order where targets are nested."""
        rules = [rule for rule in self.inputs.rules if self.ahead is not None or self.direct.of(rule.name)]
        return NestedCurves(rules, self._alone)

    def _alone(self, target: str) -> Sequence[Floats]:
        """Probability, low and high of a target by day; a method, so that a mixture can be pickled."""
        draws, weights = self.draws(target)
        return np.clip(weights @ draws, 0.0, 1.0), *quantiles(draws, weights)

    def counts(self, days: Sequence[int]) -> Mapping[str, Floats]:
        """Chance of n events of each target before each day, (day, n); at the last n of so many or more.

        The model counts; a member that tells of none and any alone counts as Poisson, draw by draw. The
        chance of none is that of the forecast.
        """
        made: Floats | None = None
        if self.process is not None and self.inputs.family.fitted:
            rows = np.arange(0, len(self.process.draws), max(1, len(self.process.draws) // COUNTED_DRAWS))
            own = None if self.weights is None else self.weights[rows]
            some = replace(self.process, draws=self.process.draws.rows(rows))
            made = some.counts(some.of_targets, days, self.inputs.calendar, weights=own)
        found = {}
        for place, (target, curve) in enumerate(self.curves.items()):
            others = [-np.log1p(-np.minimum(draws[:, days], 1 - _LEAST)) for draws in self._others(target)]
            most = int(min(20 + 2 * max((x.max() for x in others), default=0.0), MOST_COUNTED))
            n = np.arange(most if made is None else max(most, made.shape[-1]))
            parts = [
                np.exp(special.xlogy(n, x[..., None]) - x[..., None] - special.gammaln(n + 1)) for x in others
            ]
            share = self.share(target)
            number = np.zeros((len(days), len(n)))
            for part in parts:
                number += (1 - share) / len(parts) * part.mean(axis=0)
            if made is not None and share:
                number[:, : made.shape[-1]] += share * made[place]
            any_at_all, chance = 1 - number[:, :1], curve.mean[[*days], None]
            number = number * np.where(any_at_all > 0, chance / np.maximum(any_at_all, _LEAST), 0.0)
            number[:, :1] = 1 - chance
            found[target] = number
        return found

    def probability(self, target: str, day: int) -> float:
        """Probability that a target happens before a day."""
        return float(self.curves[target].mean[day])

    def chance_above(self, target: str, day: int, threshold: float) -> float:
        """Weight of the draws that are at or above a threshold."""
        draws, weights = self.draws(target)
        return float(weights[draws[:, day] >= threshold].sum())

    def by_draw(self, target: str, day: int) -> Floats:
        """What each draw says of the probability, shape (draw,): its plain mean is it, and has its error."""
        return self.by_draw_at(target, np.array([day]))[:, 0]

    def by_draw_at(self, target: str, days: Integers) -> Floats:
        """The same on several days, shape (draw, day)."""
        quiet = weighted_by_draw(self.survival.of(target)[:, days], self.weights)
        share, others = self.share(target), self.direct.of(target)
        found = share * (1 - quiet)
        if others:
            silent = np.mean([1 - draws[:, days].mean(axis=0) for draws in others], axis=0)
            known = weighted_by_draw(self.known_to_others.of(target)[:, days], self.weights)
            found = found + (1 - share) * (1 - silent * ratio_by_draw(quiet, known))
        # Curves keep the order of days and of nested targets.
        return np.asarray(found + (self.curves[target].mean[days] - found.mean(axis=0)))

    def error(self, target: str, day: int, n_chains: int) -> float:
        """Monte Carlo error of the probability before a day."""
        direct = self.direct_error(target, day)
        if self.ahead is None:
            return direct
        return float(np.hypot(direct, monte_carlo_error(self.by_draw(target, day), n_chains)))

    def direct_error(self, target: str, day: int) -> float:
        """Part of the error due to the number of draws of members that need no fit."""
        others = self.direct.of(target)
        if not others:
            return 0.0
        errors = [draws[:, day].std() / np.sqrt(len(draws)) for draws in others]
        return float((1 - self.share(target)) * np.sqrt(np.mean(np.square(errors)) / len(others)))

    def member_forecasts(self, target: str, day: int) -> tuple[MemberForecast, ...]:
        """What each member says of a question, without the acts ahead and with; empty for the model alone."""
        if not self.direct.by_member:
            return ()
        share, found = self.share(target), []
        if share:
            model = 1 - self.without_acts.survival.of(target)[:, day]
            own = np.full(len(model), 1 / len(model)) if self.weights is None else self.weights
            with_acts = float(1 - own @ self.survival.of(target)[:, day])
            found.append(_member(MODEL.name, MODEL.label, share, model, own, with_acts))
        labels = {member.name: member.label for member in self.inputs.family.direct}
        by_member = self.direct.by_member.items()
        answering = {name: answers[target] for name, answers in by_member if target in answers}
        for (name, draws), moved in zip(answering.items(), self._others(target), strict=True):
            even, weight = np.full(len(draws), 1 / len(draws)), (1 - share) / len(answering)
            found.append(_member(name, labels[name], weight, draws[:, day], even, moved[:, day].mean()))
        return tuple(found)

    def members(self) -> tuple[Member, ...]:
        """What the forecast is the mean of, with the weights for the headline target."""
        target, direct = self.inputs.config.headline.target, self.inputs.family.direct
        share = self.share(target)
        answering = [member for member in direct if target in self.direct.by_member[member.name]]
        weights = {member.name: (1 - share) / len(answering) for member in answering}
        members = [
            Member(name=member.name, label=member.label, weight=weights.get(member.name, 0.0))
            for member in direct
        ]
        if self.inputs.family.fitted or share:
            members.insert(0, Member(name=MODEL.name, label=MODEL.label, weight=share))
        return tuple(members)


def _member(
    name: str, label: str, weight: float, draws: Floats, weights: Floats, with_acts: float
) -> MemberForecast:
    low, high = quantiles(draws, weights)
    return MemberForecast(
        name=name,
        label=label,
        weight=weight,
        probability=float(weights @ draws),
        interval90=(float(low), float(high)),
        with_acts=min(max(float(with_acts), 0.0), 1.0),
    )
