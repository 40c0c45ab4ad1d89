"""The forecast: the mean of the members of a family, with the acts ahead, by target and day.

Every number that is shown, scored or explained is read here: of a run, a scenario, a watched dyad, a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.events.table import EventTable
from forecast.families import MODEL
from forecast.families.mixing import ActsAhead, DrawShares, Mixing, mixture
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
)

Floats = NDArray[np.float64]
Days = NDArray[np.int32]
Integers = NDArray[np.int64]


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
            member.name: member.by_day(events, inputs.rules, grid.origin, grid.start, horizon_days)
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
