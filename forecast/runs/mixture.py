"""The forecast: the mean of the members of a family, with the acts ahead, by target and day.

Every number that is shown, scored or explained is read here: of a run, a scenario, a watched dyad, a page.
The model knows acts ahead (scheduled events, those of a scenario); the other members do not. What these say
is moved by what the acts do on the model's paths, so that every member answers the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.events.table import EventTable
from forecast.families import MODEL
from forecast.inference.importance import monte_carlo_error
from forecast.panel import FutureAct, TargetRule, raised_to_included
from forecast.pooled_hazard.hazard import N_DRAWS
from forecast.records.forecast import Member, MemberForecast
from forecast.runs.inputs import Inputs
from forecast.simulation.paths import CountsAs, SimulationOptions, meets, met_on_paths, quiet_chance
from forecast.simulation.probabilities import (
    FirstPassages,
    HitMoments,
    ProbabilityCurve,
    beta_of,
    curve_from_moments,
    hit_moments,
    hit_share,
    weighted_by_draw,
)

Floats = NDArray[np.float64]
Days = NDArray[np.int32]
Integers = NDArray[np.int64]


def mean_of_members(answers: Sequence[Floats]) -> Floats:
    """Mean of what the members say; those that are silent, with NaN, do not count. NaN where all are."""
    given = ~np.isnan(answers)
    number, total = given.sum(axis=0), np.where(given, answers, 0.0).sum(axis=0)
    return np.asarray(np.where(number, total / np.maximum(number, 1), np.nan))


def mixture(parts: Sequence[HitMoments], weights: Sequence[float]) -> HitMoments:
    """Moments of a draw from one of the parts, with these weights, which sum to one."""
    mean = sum(weight * part.mean for weight, part in zip(weights, parts, strict=True))
    # A variance that is found from pairs of paths may be negative by chance.
    square = sum(
        weight * (np.maximum(part.variance, 0.0) + part.mean**2)
        for weight, part in zip(weights, parts, strict=True)
    )
    return HitMoments(np.asarray(mean), np.asarray(square - mean**2))


@dataclass(frozen=True)
class ActsAhead:
    """What acts ahead do to a target on the model's paths, elementwise (over days, or questions).

    Parameters
    ----------
    plain : array_like
        Share of the paths on which the target is met without the acts, and no act ahead has met it by itself.
    ahead : array_like
        Probability with the acts, on the same random numbers.
    met : array_like
        Share of the paths on which an act ahead has met the target by itself.
    quiet : array_like
        Chance that none has: ``1 − met`` but for the luck of the paths.
    least : float
        Half a path: what a share that is zero may be.

    Notes
    -----
    An act that meets the target itself adds by arithmetic: 1 − p′ = quiet · (1 − p̃). What else the acts do
    moves p̃: by the change of log odds on the paths where none has met the target itself. A certain act that
    meets the target therefore gives 1, and no act that raises risk gives less than its own chance. Both odds
    are of the same paths, so that the luck of which paths these are says nothing.
    """

    plain: Floats
    ahead: Floats
    met: Floats
    quiet: Floats
    least: float

    @cached_property
    def open(self) -> Floats:
        """Probability on the paths where no act ahead has met the target by itself."""
        return self._of_open(self.ahead - self.met)

    @cached_property
    def before(self) -> Floats:
        """Probability without the acts on the same paths."""
        return self._of_open(self.plain)

    def _of_open(self, share: Floats) -> Floats:
        return np.asarray(np.clip(share / np.maximum(1.0 - self.met, self.least), 0.0, 1.0))

    @cached_property
    def gap(self) -> Floats:
        """Change of log odds by the acts, where none has met the target by itself."""
        inside = (
            np.clip(probability, self.least, 1 - self.least) for probability in (self.open, self.before)
        )
        now, before = (special.logit(probability) for probability in inside)
        return np.asarray(np.where(self.met < 1.0 - self.least, now - before, 0.0))

    def moved(self, direct: Floats) -> Floats:
        """Move what a member says that does not know the acts."""
        moved = special.expit(special.logit(direct) + self.gap)
        return np.asarray((1.0 - self.quiet) + self.quiet * moved)

    def slopes(self, direct: Floats) -> tuple[Floats, Floats, Floats]:
        """Derivatives of ``moved`` in ``plain``, ``ahead`` and ``met``."""
        moved = special.expit(special.logit(direct) + self.gap)
        turn = self.quiet * moved * (1 - moved)
        turn = turn / np.maximum(1.0 - self.met, self.least)
        now, before = (turn / self._room(probability) for probability in (self.open, self.before))
        return -before, now, -now * (1.0 - self.open) - before * self.before

    def _room(self, probability: Floats) -> Floats:
        inside = np.clip(probability, self.least, 1 - self.least)
        return np.asarray(inside * (1 - inside))


@dataclass(frozen=True)
class DrawShares:
    """What each draw of the model says, each of shape (draw,) or (draw, question).

    Plain means over the draws are the shares. ``plain`` and ``met`` are as in ``ActsAhead``; both ``None``
    where there are no acts ahead, or no member to tell.
    """

    ahead: Floats
    plain: Floats | None = None
    met: Floats | None = None

    def acts(self, quiet: Floats, least: float) -> ActsAhead | None:
        """What acts ahead do, from means over the draws; ``None`` where there are none."""
        if self.plain is None or self.met is None:
            return None
        return ActsAhead(self.plain, self.ahead, self.met, quiet, least)

    def with_each(self, change: Callable[..., Floats], *others: DrawShares) -> DrawShares:
        """Return what a function makes of each kind of share here and in others that have the same kinds."""
        ahead, plain, met = zip(*((one.ahead, one.plain, one.met) for one in (self, *others)), strict=True)
        if plain[0] is None:
            return DrawShares(change(*ahead))
        return DrawShares(change(*ahead), change(*plain), change(*met))

    def weighted(self, weights: Floats | None) -> DrawShares:
        """Return the same under weights of the draws, linearised so that plain means are the weighted."""
        return self.with_each(lambda values: weighted_by_draw(values, weights))

    def mean(self, weights: Floats | None = None) -> DrawShares:
        """Return the shares themselves, shape () or (question,), under weights of the draws."""

        def of(one: Floats) -> Floats:
            return np.asarray(one.mean(axis=0) if weights is None else np.tensordot(weights, one, axes=1))

        return self.with_each(of)


@dataclass(frozen=True)
class Mixing:
    """The mean of the model and the other members for one or several questions.

    ``share`` is the weight of the model, ``direct`` what the other members say without acts ahead (anything
    where ``share`` is 1), ``quiet`` the chance that no act ahead has met the target by itself, ``least``
    half a path.
    """

    share: Floats
    direct: Floats
    quiet: Floats
    least: float

    def acts(self, mean: DrawShares) -> ActsAhead | None:
        """What acts ahead do, from the model's shares; ``None`` where there are none."""
        return mean.acts(self.quiet, self.least)

    def value(self, mean: DrawShares) -> Floats:
        """The forecast where the model says this."""
        acts = self.acts(mean)
        others = self.direct if acts is None else acts.moved(self.direct)
        return np.asarray(self.share * mean.ahead + (1 - self.share) * others)

    def by_draw(self, shares: DrawShares) -> Floats:
        """The forecast, linearised in what each draw of the model adds: its plain mean is the value."""
        mean = shares.mean()
        value = self.value(mean) + self.share * (shares.ahead - mean.ahead)
        acts = self.acts(mean)
        if acts is None or shares.plain is None or shares.met is None:
            return value
        parts = ((shares.plain, acts.plain), (shares.ahead, acts.ahead), (shares.met, acts.met))
        for slope, (each, average) in zip(acts.slopes(self.direct), parts, strict=True):
            value = value + (1 - self.share) * slope * (each - average)
        return value


@dataclass(frozen=True)
class ModelAnswer:
    """What the model says of a target by day: its moments with the acts ahead, and what the acts do to it.

    ``acts`` is ``None`` where there are none, or no other member to tell of them.
    """

    moments: HitMoments
    acts: ActsAhead | None = None


class Futures(NamedTuple):
    """First days of a target on some paths of the model, each of shape (draw, path).

    ``plain`` are those without the acts ahead on the same random numbers, ``met`` those on which an act ahead
    meets it by itself; both ``None`` where there are no acts, or no member to tell of them.
    """

    first: Days
    plain: Days | None = None
    met: Days | None = None

    def part(self, every: int, n_paths: int) -> Futures:
        """The first paths of every so many draws."""
        first, plain, met = (None if days is None else days[::every, :n_paths] for days in self)
        assert first is not None
        return Futures(first, plain, met)

    def shares(self, day: int) -> DrawShares:
        """What each draw says before a day, shape (draw,)."""
        return self._hits(day).with_each(lambda hit: np.asarray(hit.mean(axis=1)))

    def shares_at(self, days: Integers) -> DrawShares:
        """The same before each of some ascending days, shape (draw, day)."""

        def before(first: Days) -> Floats:
            rows, n = np.arange(len(first))[:, None] * (len(days) + 1), len(first)
            place = rows + np.searchsorted(days, first, side="right")
            counts = np.bincount(place.ravel(), minlength=n * (len(days) + 1)).reshape(n, -1)
            return np.asarray(counts[:, :-1].cumsum(axis=1) / first.shape[1])

        if self.plain is None or self.met is None:
            return DrawShares(before(self.first))
        plain = before(self.plain) - before(np.maximum(self.plain, self.met))
        return DrawShares(before(self.first), plain, before(self.met))

    def effects(self, lean: Floats, day: int) -> DrawShares:
        """What each draw says of the mean of ``lean`` × (hit − its mean); ``lean`` of shape (draw, path)."""
        return self._hits(day).with_each(lambda hit: np.asarray((lean * (hit - hit.mean())).mean(axis=1)))

    def _hits(self, day: int) -> DrawShares:
        first = (self.first < day).astype(float)
        if self.plain is None or self.met is None:
            return DrawShares(first)
        met = self.met < day
        return DrawShares(first, ((self.plain < day) & ~met).astype(float), met.astype(float))

    def shares_by_day(self, horizon_days: int, weights: Floats) -> DrawShares:
        """Return the shares under weights of the draws, shape (horizon_days + 1,)."""

        def before(days: Days) -> Floats:
            return hit_share(days, horizon_days, weights)

        if self.plain is None or self.met is None:
            return DrawShares(before(self.first))
        plain = before(self.plain) - before(np.maximum(self.plain, self.met))
        return DrawShares(before(self.first), plain, before(self.met))


@dataclass(frozen=True)
class DirectAnswers:
    """What the members that need no fit say, without acts ahead: moments by member, target and day."""

    by_member: Mapping[str, Mapping[str, HitMoments]]

    def of(self, target: str) -> HitMoments | None:
        """Moments of their mixture; ``None`` where none of them answers."""
        parts = [moments[target] for moments in self.by_member.values() if target in moments]
        return mixture(parts, [1 / len(parts)] * len(parts)) if parts else None


def direct_answers(inputs: Inputs, events: EventTable, horizon_days: int) -> DirectAnswers:
    """Ask the members of a run's family that need no fit, of these events."""
    grid = inputs.data.grid
    return DirectAnswers(
        {
            member.name: {
                name: HitMoments(draws.mean(axis=0), draws.var(axis=0))
                for name, draws in member.by_day(
                    events, inputs.rules, grid.origin, grid.start, horizon_days
                ).items()
            }
            for member in inputs.family.direct
        }
    )


@dataclass(frozen=True)
class Mixture:
    """The mean of the members of a family, read off the model's paths and the members' own answers.

    ``ahead`` are the paths of the model with the acts ahead, ``None`` where no model was fitted; ``plain``
    the same on the same random numbers without them, and ``met`` (draw, path) the first day on which an act
    ahead meets a target by itself; both ``None`` where there are no acts, or no member to tell of them.
    ``types`` are types of acts that the codebook does not know.
    """

    inputs: Inputs
    direct: DirectAnswers
    ahead: FirstPassages | None
    plain: FirstPassages | None = None
    met: Mapping[str, Days] | None = None
    acts: Sequence[FutureAct] = ()
    types: Mapping[str, CountsAs] | None = None

    @property
    def paths(self) -> FirstPassages:
        """Paths of the model with the acts ahead."""
        if self.ahead is None:
            raise ValueError("no model was fitted")
        return self.ahead

    @property
    def least(self) -> float:
        """Half a path: what a share that is zero may be."""
        return 0.5 / float(self.paths.day[0].size)

    def share(self, target: str) -> float:
        """Weight of the model in the forecast of a target."""
        if self.direct.of(target) is None:
            return 1.0
        answering = sum(target in moments for moments in self.direct.by_member.values())
        return 1 / (1 + answering) if self.inputs.family.fitted and self.ahead is not None else 0.0

    def quiet(self, target: str, days: Floats) -> Floats:
        """Chance that no act ahead has met a target by itself before each day."""
        origin = self.inputs.data.grid.origin
        return quiet_chance(self.acts, self._rule(target), origin, days, self.types or {})

    def unchanged_days(self, target: str, other: Mixture) -> int:
        """Days from the origin on which acts ahead are as likely as in another one to have met a target.

        All, where no member asks for it: the model's paths tell by themselves.
        """
        days = np.arange(self.paths.horizon_days + 1.0)
        if self.direct.of(target) is None:
            return len(days)
        same = self.quiet(target, days) == other.quiet(target, days)
        return len(days) if same.all() else int(np.argmin(same))

    def _rule(self, target: str) -> TargetRule:
        return next(rule for rule in self.inputs.rules if rule.name == target)

    @cached_property
    def answers(self) -> Mapping[str, ModelAnswer]:
        """What the model says of each target by day."""
        return {} if self.ahead is None else {name: self._answer(name) for name in self.ahead.targets}

    def _answer(self, target: str) -> ModelAnswer:
        futures, horizon = self.futures(target), self.paths.horizon_days
        equal = np.full(len(futures.first), 1 / len(futures.first))
        moments = hit_moments(futures.first, horizon, equal)
        shares = futures.shares_by_day(horizon, equal)
        return ModelAnswer(moments, shares.acts(self.quiet(target, np.arange(horizon + 1.0)), self.least))

    @cached_property
    def curves(self) -> Mapping[str, ProbabilityCurve]:
        """Probability of every target by day, with its interval; ``per_draw`` stays empty."""
        return self.curves_of(self.answers)

    def curves_of(self, answers: Mapping[str, ModelAnswer]) -> dict[str, ProbabilityCurve]:
        """Curves where the model says this, in order where targets are nested."""
        moments = {
            rule.name: self.moments(rule.name, answers.get(rule.name))
            for rule in self.inputs.rules
            if rule.name in answers or not answers
        }
        curves = {
            name: curve_from_moments(moment, np.empty((0, len(moment.mean))))
            for name, moment in moments.items()
        }
        rules = [rule for rule in self.inputs.rules if rule.name in curves]
        probability, lower, upper = (
            raised_to_included({name: getattr(curve, part) for name, curve in curves.items()}, rules)
            for part in ("probability", "lower90", "upper90")
        )
        return {
            name: ProbabilityCurve(probability[name], lower[name], upper[name], curve.per_draw)
            for name, curve in curves.items()
        }

    def moments(self, target: str, answer: ModelAnswer | None) -> HitMoments:
        """Moments of a target by day where the model says this."""
        direct, share = self.direct.of(target), self.share(target)
        if answer is None:
            assert direct is not None
            return direct
        others = _moved(direct, answer.acts)
        return answer.moments if others is None else mixture([answer.moments, others], [share, 1 - share])

    def others(self, target: str) -> HitMoments | None:
        """Moments of the members that need no fit, with the acts ahead; ``None`` where none answers."""
        return _moved(self.direct.of(target), self.answers[target].acts)

    def probability(self, target: str, day: int) -> float:
        """Probability that a target happens before a day."""
        return float(self.curves[target].probability[day])

    def chance_above(self, target: str, day: int, threshold: float) -> float:
        """Chance that the true probability is at or above a threshold, by the beta of its interval."""
        mean = self.probability(target, day)
        variance = float(self.moments(target, self.answers.get(target)).variance[day])
        if not 0.0 < mean < 1.0 or variance <= 0.0:
            return float(mean >= threshold)
        a, b = beta_of(np.array(mean), np.array(variance))
        return float(special.betaincc(a, b, threshold))

    def futures(self, target: str) -> Futures:
        """First days of a target on the paths of the model."""
        if self.plain is None or self.met is None:
            return Futures(self.paths.of(target))
        return Futures(self.paths.of(target), self.plain.of(target), self.met[target])

    def shares(self, target: str, day: int) -> DrawShares:
        """What each draw of the model says of a target before a day."""
        return self.futures(target).shares(day)

    def mixing(self, target: str, day: int) -> Mixing:
        """How the members make the forecast of a target before a day."""
        direct = self.direct.of(target)
        return Mixing(
            np.asarray(self.share(target)),
            np.asarray(0.5 if direct is None else direct.mean[day]),
            self.quiet(target, np.asarray(float(day))),
            self.least,
        )

    def by_draw(self, target: str, day: int) -> Floats:
        """What each draw says of the probability, shape (draw,): its plain mean is it, and has its error."""
        values = self.mixing(target, day).by_draw(self.shares(target, day))
        # Curves keep the order of days and of nested targets.
        return np.asarray(values + (self.probability(target, day) - values.mean()))

    def by_draw_at(self, target: str, days: Integers) -> Floats:
        """The same at ascending days, shape (draw, day)."""
        direct = self.direct.of(target)
        mixing = Mixing(
            np.asarray(self.share(target)),
            np.full(len(days), 0.5) if direct is None else direct.mean[days],
            self.quiet(target, days.astype(np.float64)),
            self.least,
        )
        found = mixing.by_draw(self.futures(target).shares_at(days))
        return np.asarray(found + (self.curves[target].probability[days] - found.mean(axis=0)))

    def error(self, target: str, day: int, n_chains: int) -> float:
        """Monte Carlo error of the probability before a day."""
        direct = self.direct_error(target, day)
        return (
            direct
            if self.ahead is None
            else float(np.hypot(direct, monte_carlo_error(self.by_draw(target, day), n_chains)))
        )

    def direct_error(self, target: str, day: int) -> float:
        """Part of the error due to the number of draws of members that need no fit."""
        direct = self.direct.of(target)
        if direct is None:
            return 0.0
        return float((1 - self.share(target)) * np.sqrt(max(direct.variance[day], 0.0) / N_DRAWS))

    def member_forecasts(self, target: str, day: int) -> tuple[MemberForecast, ...]:
        """What each member says of one question without the acts ahead; empty for the model alone."""
        if not self.direct.by_member:
            return ()
        said: list[tuple[str, str, float, HitMoments]] = []
        share = self.share(target)
        if share:
            days = (self.plain or self.paths).of(target)
            moments = hit_moments(days, self.paths.horizon_days, np.full(len(days), 1 / len(days)))
            said.append((MODEL.name, MODEL.label, share, moments))
        labels = {member.name: member.label for member in self.inputs.family.direct}
        answering = {name: one[target] for name, one in self.direct.by_member.items() if target in one}
        said += [(name, labels[name], (1 - share) / len(answering), one) for name, one in answering.items()]
        return tuple(_member(*values, day) for values in said)

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


def _moved(direct: HitMoments | None, acts: ActsAhead | None) -> HitMoments | None:
    if direct is None or acts is None:
        return direct
    mean = acts.moved(direct.mean)
    # The spread is kept as a share of p(1 − p).
    before = np.maximum(direct.mean * (1 - direct.mean), 1e-12)
    return HitMoments(mean, np.maximum(direct.variance, 0.0) / before * mean * (1 - mean))


def _member(name: str, label: str, weight: float, moments: HitMoments, day: int) -> MemberForecast:
    curve = curve_from_moments(moments, np.empty((0, len(moments.mean))))
    return MemberForecast(
        name=name,
        label=label,
        weight=weight,
        probability=float(curve.probability[day]),
        interval90=(float(curve.lower90[day]), float(curve.upper90[day])),
    )


def met_by_themselves(
    inputs: Inputs,
    acts: Sequence[FutureAct],
    types: Mapping[str, CountsAs],
    n_draws: int,
    options: SimulationOptions,
) -> dict[str, Days]:
    """First day on which an act ahead meets each target by itself on each path, shape (draw, path)."""
    return {
        rule.name: met_on_paths(
            n_draws, options, [act for act in acts if meets(act, rule, types)], inputs.data.grid.origin
        )
        for rule in inputs.rules
    }
