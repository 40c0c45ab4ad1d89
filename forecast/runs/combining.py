"""The mean of the members of a family, put onto the paths of the model.

Members are compared without the acts of the calendar, which direct members do not know. The weights found
there are kept path by path: under the calendar, and under any scenario, the same path keeps its weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.families import MODEL
from forecast.inference.importance import EFFECTIVE_DRAWS_MIN, monte_carlo_error
from forecast.records.forecast import (
    CombinationMember,
    CombinationRecord,
    DroppedProbability,
    MemberForecast,
    TooFewEffective,
)
from forecast.runs.inputs import Inputs
from forecast.simulation.first_passages import FirstPassages
from forecast.simulation.probabilities import HitMoments, ProbabilityCurve, curve_from_moments, hit_moments
from forecast.simulation.tilting import Dropped, Tilt, Wanted, tilt_paths

Floats = NDArray[np.float64]

EFFECTIVE_SHARE_MIN = 0.1
"""Share of the paths that the weights must be worth, 1/Σw² over their number."""


@dataclass(frozen=True)
class MemberAnswer:
    """What one member says, without the acts of the calendar.

    Parameters
    ----------
    name, label : str
    moments : mapping of str to HitMoments
        Of each target that it answers, by day.
    paths : FirstPassages or None
        The paths it was read from; ``None`` for a direct member.
    """

    name: str
    label: str
    moments: Mapping[str, HitMoments]
    paths: FirstPassages | None = None

    def curve(self, target: str) -> ProbabilityCurve:
        """Its probability by day with its interval; ``per_draw`` stays empty."""
        moments = self.moments[target]
        return curve_from_moments(moments, np.empty((0, len(moments.mean))))

    def error(self, target: str, day: int, n_chains: int) -> float:
        """Monte Carlo error of its probability before a day; none for a direct member."""
        if self.paths is None:
            return 0.0
        return monte_carlo_error(self.paths.by_draw(target, day), n_chains)


@dataclass(frozen=True)
class Combined:
    """The members' mean, and the weights that put it onto the paths of the model.

    Parameters
    ----------
    members : sequence of MemberAnswer
        With equal weights.
    moments : mapping of str to HitMoments
        Of the mixture of the members' posteriors: mean and variance of each target's probability by day.
    paths : FirstPassages
        Of the model without the calendar, unweighted.
    tilt : Tilt
        The weights; where ``too_few`` is given those that were tried, and are not used.
    too_few : TooFewEffective or None
        Why no weights could be used at all.
    """

    members: tuple[MemberAnswer, ...]
    moments: Mapping[str, HitMoments]
    paths: FirstPassages
    tilt: Tilt
    too_few: TooFewEffective | None = None

    def weighted(self, paths: FirstPassages) -> FirstPassages:
        """Give paths of the model, simulated on the same random numbers, the weights of the mean.

        They stay as they are where the weights leave too few effective paths or draws.
        """
        if self.too_few:
            return paths
        dispersion = {name: _dispersion(moments) for name, moments in self.moments.items()}
        return replace(paths, weights=self.tilt.weights, dispersion=dispersion)

    def probability(self, target: str, day: int) -> float | None:
        """Probability before a day under the weights, without the calendar; ``None`` without weights."""
        return None if self.too_few else self.weighted(self.paths).probability(target, day)

    def error(self, hits: FirstPassages, target: str, day: int, n_chains: int) -> float:
        """Monte Carlo error of a probability before a day, on weighted paths with the calendar.

        That of the mean of independent members, and that of what the calendar adds to it on the paths.
        """
        errors = [one.error(target, day, n_chains) for one in self.answering(target)]
        without = replace(self.paths, weights=hits.weights)
        added = hits.by_draw(target, day) - without.by_draw(target, day)
        return float(np.hypot(np.linalg.norm(errors) / len(errors), monte_carlo_error(added, n_chains)))

    def answering(self, target: str) -> tuple[MemberAnswer, ...]:
        """Return the members that answer a target."""
        return tuple(one for one in self.members if target in one.moments)

    def member_forecasts(self, target: str, day: int) -> tuple[MemberForecast, ...]:
        """What each member says of one question."""
        found = []
        answering = self.answering(target)
        for one in answering:
            curve = one.curve(target)
            found.append(
                MemberForecast(
                    name=one.name,
                    label=one.label,
                    probability=float(curve.probability[day]),
                    interval90=(float(curve.lower90[day]), float(curve.upper90[day])),
                    weight=1 / len(answering),
                )
            )
        return tuple(found)

    def record(self, inputs: Inputs) -> CombinationRecord:
        """What ``forecast.json`` says of it."""
        origin = inputs.data.grid.origin
        answering = self.answering(inputs.config.headline.target)
        return CombinationRecord(
            members=tuple(
                CombinationMember(
                    name=one.name, label=one.label, weight=1 / len(answering) if one in answering else 0.0
                )
                for one in self.members
            ),
            paths=self.tilt.weights.size,
            effective_paths=self.tilt.effective_paths,
            effective_draws=self.tilt.effective_draws,
            tilted=self.too_few is None,
            reason=self.too_few,
            dropped=tuple(
                DroppedProbability(
                    target=one.wanted.target,
                    milestone=milestone.name,
                    probability=one.wanted.probability,
                    reason=one.reason,
                )
                for one in self.tilt.dropped
                for milestone in inputs.config.milestones
                if (milestone.date - origin).days == one.wanted.day
            ),
        )


def combine(inputs: Inputs, paths: FirstPassages) -> Combined:
    """Average the members and find the weights of the model's paths, simulated without the calendar.

    The model answers alone for a target of which no other member can say anything.
    """
    origin, start, family = inputs.data.grid.origin, inputs.data.grid.start, inputs.family
    direct = [
        MemberAnswer(
            one.name, one.label, one.by_day(inputs.events, inputs.rules, origin, start, paths.horizon_days)
        )
        for one in family.direct
    ]
    names = [rule.name for rule in inputs.rules]
    silent = [name for name in names if not any(name in one.moments for one in direct)]
    members = [one for one in (_fitted(paths, names if family.fitted else silent), *direct) if one.moments]
    moments = {name: mixture([one.moments[name] for one in members if name in one.moments]) for name in names}
    days = sorted({(one.date - origin).days for one in inputs.config.milestones})
    wanted = [Wanted(name, day, float(mixed.mean[day])) for name, mixed in moments.items() for day in days]
    return Combined(tuple(members), moments, paths, *_weights(paths, wanted))


def _weights(paths: FirstPassages, wanted: Sequence[Wanted]) -> tuple[Tilt, TooFewEffective | None]:
    """Weights that are worth enough paths and draws, and why there are none.

    Where those for all targets are worth too little, the target without which they are worth the most is
    given up, and so on: one rare target does not take the mean from the others.
    """
    first_day = {name: paths.of(name) for name in paths.targets}
    whole = tilt = tilt_paths(first_day, wanted)
    asked, given_up = list(wanted), list[Dropped]()
    while asked and too_few_effective(tilt):
        without = {
            name: tilt_paths(first_day, [one for one in asked if one.target != name])
            for name in dict.fromkeys(one.target for one in asked)
        }
        worst = max(without, key=lambda name: without[name].effective_paths)
        given_up += [Dropped(one, "too_few_effective") for one in asked if one.target == worst]
        asked = [one for one in asked if one.target != worst]
        tilt = without[worst]
    if not asked:
        return replace(whole, dropped=()), too_few_effective(whole)
    return replace(tilt, dropped=(*tilt.dropped, *given_up)), None


def too_few_effective(tilt: Tilt) -> TooFewEffective | None:
    """Why weights must not be used; ``None`` where they leave enough paths and draws."""
    needed = EFFECTIVE_SHARE_MIN * tilt.weights.size
    # As many draws of equal weight as are needed may be a little fewer by rounding.
    few = 1 - 1e-9
    if tilt.effective_paths < few * needed:
        return TooFewEffective(code="too_few_effective_paths", value=tilt.effective_paths, limit=needed)
    if tilt.effective_draws < few * EFFECTIVE_DRAWS_MIN:
        return TooFewEffective(
            code="too_few_effective_draws", value=tilt.effective_draws, limit=EFFECTIVE_DRAWS_MIN
        )
    return None


def _fitted(paths: FirstPassages, names: Sequence[str]) -> MemberAnswer:
    """What the model says of these targets."""
    moments = {}
    for name in names:
        days = paths.of(name)
        moments[name] = hit_moments(days, paths.horizon_days, np.full(len(days), 1 / len(days)))
    return MemberAnswer(MODEL.name, MODEL.label, moments, paths)


def mixture(parts: Sequence[HitMoments]) -> HitMoments:
    """Moments of a draw from one of the parts, each as likely as the others."""
    mean = np.mean([one.mean for one in parts], axis=0)
    # A variance that is found from pairs of paths may be negative by chance.
    square = np.mean([np.maximum(one.variance, 0.0) + one.mean**2 for one in parts], axis=0)
    return HitMoments(mean, square - mean**2)


def _dispersion(moments: HitMoments) -> Floats:
    room = moments.mean * (1 - moments.mean)
    open_ = room > 1e-12
    return np.asarray(np.where(open_, np.clip(moments.variance / np.where(open_, room, 1.0), 0.0, 1.0), 0.0))
