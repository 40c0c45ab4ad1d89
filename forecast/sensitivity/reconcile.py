"""The least changes of assumptions under which a run would say a stated probability.

Tried are: every prior that the target may hang on; several priors together, in the direction that takes the
least of them in steps of their own spread; the chance of each scheduled act; one act that would have to be
expected; a past act left out. A change counts when the scenario that holds it, computed anew, lies within
``TOLERANCE`` of the probability asked for. Where the draws cannot tell of several priors, the model is fitted
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import expit, logit
from scipy.stats import norm

from forecast.config import Scenario
from forecast.config.settings_file import SourceMap
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.records.base import Probability, Record
from forecast.runs.run import Run
from forecast.scenarios.evaluate import evaluate_plan, milestone_day, parameter_draws
from forecast.scenarios.plan import plan_scenario
from forecast.sensitivity.robustness import (
    FURTHEST,
    PriorShifts,
    find_break_evens,
    key_assumptions,
    stacked_shares,
)
from forecast.wording import Scale

TOLERANCE = 0.01
"""How near to the probability asked for a change has to come, computed anew."""
MOST_CHANGES = 5
_SOON_DAYS = 30
"""Days from the as-of date to the act that would have to be expected."""
_TRIED_SEVERITIES = (3, 5)
_LEAST_SLOPE = 0.002
"""Effect of a certain act below which its chance says nothing."""

_MOST_TOGETHER = 5
"""Priors that are moved together."""
_MOST_STEPS = 4
_CLOSE_STEP = 0.25

Kind = Literal["prior", "several_priors", "expected_act", "scheduled_act", "past_act_left_out"]


class ShiftedPrior(Record):
    """One of several priors that are moved together."""

    what: str
    from_: float = Field(alias="from", description="what the run assumes, on the scale")
    to: float
    scale: Scale


class ReconcilingChange(Record):
    """One change of an assumption, and what the run would say with it."""

    kind: Kind
    what: str = Field(description="name of the prior, the act, or the id of the past act")
    from_: float = Field(alias="from", description="what the run assumes, on the scale")
    to: float
    scale: Scale | None = Field(
        description="human scale of a prior, or probability; None: steps of the spreads of several priors"
    )
    parts: tuple[ShiftedPrior, ...] = Field(default=(), description="of several_priors")
    plausibility: Probability = Field(
        description="prior: the smaller of the tail areas of the shift under the prior and of the shifted "
        "posterior mean under the posterior; several priors: the tail area of the shift; "
        "expected act: chance by how often the record had one, over the "
        "chance needed; scheduled act: what is left of the stated chance that it happens, or that it does "
        "not; past act: 0, since it did happen"
    )
    probability: Probability = Field(description="of the run with this change, computed anew")
    setting: dict[str, Any] = Field(description="the change as a scenario file holds it")


class Reconciled(Record):
    """A stated probability, that of the run, and the changes that lead there, the most plausible first."""

    target: str
    milestone: str
    asked: Probability
    probability: Probability
    changes: tuple[ReconcilingChange, ...]
    nearest: Probability = Field(description="the nearest that a single change comes")
    tried: int


class _Tried(NamedTuple):
    """What a change comes to; ``change`` where that is near enough."""

    reached: float
    change: ReconcilingChange | None = None


@dataclass(frozen=True)
class _Act:
    """An act whose chance is moved: what is stated, how a scenario holds it, how plausible it is."""

    kind: Kind
    what: str
    stated: float
    setting: Callable[[float], dict[str, Any]]
    plausibility: Callable[[float], float]


@dataclass(frozen=True)
class _Search:
    """A question of a run and the probability to reach."""

    run: Run
    target: str
    milestone: str
    goal: float
    now: float

    def under(self, setting: Mapping[str, Any], *, refit: bool = False) -> float | None:
        """The run's answer under a change; ``None`` where it takes a new fit, or that fit failed."""
        named = {"name": "reconcile", "rationale": "Tried by 'forecast reconcile'.", **setting}
        plan = plan_scenario(self.run.inputs, Scenario.checked(named, SourceMap("reconcile")))
        scenario = evaluate_plan(self.run, plan, refit=refit)
        if scenario.withheld or scenario.failures:
            return None
        milestones = scenario.target(self.target).milestones
        return next(answer.probability for answer in milestones if answer.name == self.milestone)

    def near(self, probability: float) -> bool:
        """Whether a probability is the one asked for."""
        return abs(probability - self.goal) <= TOLERANCE

    def tried(self, reached: float | None, setting: dict[str, Any], **change: Any) -> _Tried:  # noqa: ANN401
        """What a change comes to, and the change itself where that is near enough."""
        if reached is None or not self.near(reached):
            return _Tried(self.now if reached is None else reached)
        return _Tried(reached, ReconcilingChange(**change, probability=reached, setting=setting))

    def all(self) -> Iterator[_Tried]:
        """Try every change, one kind after the other."""
        shares = stacked_shares(self.run, [(self.target, self.milestone)])
        names = key_assumptions(self.run.inputs, self.target)
        shifts = [PriorShifts(self.run, name, shares) for name in names]
        yield from map(self._prior, shifts)
        yield from self._several_priors(shifts)
        for act in (*self._scheduled(), *self._expected()):
            yield from self._act(act)
        yield from self._left_out()

    def _prior(self, shifts: PriorShifts) -> _Tried:
        """Shift a prior until the draws say the goal, and compute that scenario."""
        search = find_break_evens(shifts, 0, [self.goal])
        if not search.crossings:
            ends = [float(shifts.at(end).probability[0]) for end in (search.told_from, search.told_to)]
            return _Tried(min(ends, key=lambda reached: abs(reached - self.goal)))
        steps = search.crossings[0].steps
        setting = {"priors": {shifts.name: str(shifts.moved(steps))}}
        change = {"kind": "prior", "plausibility": _plausibility(shifts, steps)}
        change |= _part(shifts, steps).model_dump(by_alias=True)
        return self.tried(self.under(setting), setting, **change)

    def _several_priors(self, shifts: Sequence[PriorShifts]) -> Iterator[_Tried]:
        """Move the priors that matter most together, by the least steps, until the run says the goal."""
        slopes = np.array([_slope(each) for each in shifts])
        strongest = np.argsort(-np.abs(slopes))[:_MOST_TOGETHER]
        length = float(np.linalg.norm(slopes[strongest]))
        parts = [
            (shifts[place], float(slopes[place]) / max(length, _LEAST_SLOPE)) for place in strongest.tolist()
        ]
        goal, at = float(logit(self.goal)), float(logit(self.now))
        slope = length / (self.now * (1 - self.now))
        steps = 0.0
        for _ in range(_MOST_STEPS):
            further = float(np.clip(steps + (goal - at) / max(slope, _LEAST_SLOPE), -FURTHEST, FURTHEST))
            if further == steps:
                break
            setting = {"priors": {prior.name: str(prior.moved(further * part)) for prior, part in parts}}
            reached = self.under(setting) or self.under(setting, refit=True)
            if reached is None:
                return
            if self.near(reached):
                yield self.tried(
                    reached,
                    setting,
                    kind="several_priors",
                    what=f"{len(parts)} priors together",
                    parts=tuple(_part(prior, further * part) for prior, part in parts),
                    scale=None,
                    plausibility=2 * float(norm.sf(abs(further))),
                    **{"from": 0.0, "to": further},
                )
                return
            slope = (float(logit(reached)) - at) / (further - steps)
            steps, at = further, float(logit(reached))
        yield _Tried(float(expit(at)))

    def _act(self, act: _Act) -> Iterator[_Tried]:
        """Find the chance of an act at which the run says the goal.

        The forecast is nearly straight in the chance of an act: two secant steps are near enough.
        """
        low, low_at, high = act.stated, self.now, 1.0 if act.stated < 0.5 else 0.0
        high_at = self.under(act.setting(high))
        if high_at is None:
            return
        tried = _Tried(high_at)
        for _ in range(2):
            if high_at is None or abs(high_at - low_at) < _LEAST_SLOPE:
                break
            chance = round(low + (self.goal - low_at) * (high - low) / (high_at - low_at), 4)
            if not 0.0 <= chance <= 1.0 or chance == act.stated:
                break
            high, high_at = chance, self.under(act.setting(chance))
            if high_at is not None and self.near(high_at):
                change = {"kind": act.kind, "what": act.what, "from": act.stated, "to": chance}
                plausibility = min(act.plausibility(chance), 1.0)
                setting = act.setting(chance)
                tried = self.tried(high_at, setting, **change, scale="probability", plausibility=plausibility)
                break
        yield tried

    def _scheduled(self) -> Iterator[_Act]:
        config = self.run.inputs.config

        def scheduled(label: str, stated: float) -> _Act:
            def left_of(chance: float) -> float:
                return chance / stated if chance < stated else (1 - chance) / (1 - stated)

            return _Act(
                "scheduled_act",
                label,
                stated,
                lambda chance: {"calendar": {"probability": {label: chance}}},
                left_of,
            )

        for act in config.calendar:
            if act.date < config.milestone(self.milestone).date:
                yield scheduled(act.label, act.probability)

    def _expected(self) -> Iterator[_Act]:
        """Acts that are not the target themselves: of conflict to raise it, of cooperation to lower it."""
        inputs = self.run.inputs
        ahead = timedelta(days=milestone_day(self.run, self.milestone))
        soon = inputs.data.grid.origin + min(timedelta(days=_SOON_DAYS), ahead // 2)
        rule = next(rule for rule in inputs.rules if rule.name == self.target)

        def expected(category: str, severity: int, by: str | None) -> _Act:
            act = {"date": soon.isoformat(), "category": category, "severity": severity}
            act |= {"by": by} if by else {}
            often = _frequency(self.run, category, severity)
            return _Act(
                "expected_act",
                f"{category.replace('_', ' ')} of severity {severity} on {soon}",
                0.0,
                lambda chance: {"events": [act | {"probability": chance}]},
                lambda chance: often / chance,
            )

        for category in CONFLICTUAL if self.goal > self.now else COOPERATIVE:
            for severity in _TRIED_SEVERITIES:
                by = inputs.who_acts(category, severity, rule)
                if not rule.meets(category, severity, by or ""):
                    yield expected(category, severity, by)

    def _left_out(self) -> Iterator[_Tried]:
        """Past acts whose absence would give the goal by the run's own account; checked by a new fit."""
        headline = self.run.forecast.headline
        if (self.target, self.milestone) != (headline.target, headline.milestone):
            return
        for driver in self.run.forecast.drivers:
            if self.near(self.now - driver.change):
                setting = {"without": [driver.event_id]}
                reached = self.under(setting, refit=True)
                if reached is not None and self.near(reached):
                    change = {"kind": "past_act_left_out", "what": driver.event_id, "from": 1.0, "to": 0.0}
                    yield self.tried(reached, setting, **change, scale="probability", plausibility=0.0)


def reconcile(
    run: Run, target: str, milestone: str, goal: float, tell: Callable[[str], None] = lambda note: None
) -> Reconciled:
    """Search the single changes under which a run that converged would say ``goal``, in (0, 1).

    ``tell`` is told how many changes are tried.
    """
    milestones = run.forecast.target(target).milestones
    now = next(answer.probability for answer in milestones if answer.name == milestone)
    search = _Search(run, target, milestone, goal, now)
    tried: list[_Tried] = []
    for attempt in [] if search.near(now) else search.all():
        tried.append(attempt)
        tell(f"{len(tried)} changes tried")
    changes = [attempt.change for attempt in tried if attempt.change is not None]
    changes.sort(key=lambda change: -change.plausibility)
    reached = [attempt.reached for attempt in tried]
    return Reconciled(
        target=target,
        milestone=milestone,
        asked=goal,
        probability=now,
        changes=tuple(changes[:MOST_CHANGES]),
        nearest=min(reached, key=lambda probability: abs(probability - goal), default=now),
        tried=len(tried),
    )


def _slope(shifts: PriorShifts) -> float:
    """Change of the forecast for a step of a prior's spread, as the draws tell it close by."""
    ahead, behind = (float(shifts.at(side * _CLOSE_STEP).probability[0]) for side in (1, -1))
    return (ahead - behind) / (2 * _CLOSE_STEP)


def _part(shifts: PriorShifts, steps: float) -> ShiftedPrior:
    before, after = (shifts.assumed(one) for one in (0.0, steps))
    ends: dict[str, Any] = {"from": before.value, "to": after.value}
    return ShiftedPrior(what=shifts.name, scale=after.scale, **ends)


def _plausibility(shifts: PriorShifts, steps: float) -> float:
    draws, weights = parameter_draws(shifts.base, shifts.name), shifts.at(steps).weights.weights
    mean = float(weights @ draws / weights.sum())
    tail = min(float((draws <= mean).mean()), float((draws >= mean).mean()))
    return min(2 * float(norm.sf(abs(steps))), 2 * tail, 1.0)


def _frequency(run: Run, category: str, severity: int) -> float:
    """Chance of such an act, or a graver one, within thirty days, by how often the record had one."""
    events, grid = run.inputs.events, run.inputs.data.grid
    acts = int(((events.category == category) & (events.severity >= severity)).sum())
    days = max((grid.origin - grid.start).days, 1)
    return float(-np.expm1(-(acts + 0.5) * _SOON_DAYS / days))
