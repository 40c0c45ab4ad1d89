"""The least changes of assumptions under which a run would say a stated probability.

Tried are: every prior that the target may hang on; several priors together, in the direction that takes the
least of them in steps of their own spread, and with the act that moves most where that is not enough; the
chance of each scheduled act, and of all together; one act that would have to be expected. Nothing is fitted
again: draws are weighted, and acts multiply the chance that nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

import numpy as np
from pydantic import Field
from scipy import special

from forecast.events.codebook import CONFLICTUAL, COOPERATIVE, actor_in_sentence, code_in_words
from forecast.inference.importance import importance_weights
from forecast.records.base import Probability, Record
from forecast.records.forecast import MethodReason
from forecast.runs.run import Run
from forecast.scenarios.answer import Answer, Way, milestone_day, parameter_draws
from forecast.sensitivity.shifts import (
    ActEffect,
    PriorShifts,
    Questions,
    ShiftedChances,
    act_effects,
    is_cut,
    key_assumptions,
    shift_to,
)
from forecast.targets import FutureAct
from forecast.wording import DisplayScale, long_day

TOLERANCE = 0.01
"""How near to the probability asked for a change has to come."""
MOST_CHANGES = 5
_SOON_DAYS = 30
"""Days from the as-of date to the act that would have to be expected."""
_TRIED_SEVERITIES = (3, 5)
_LEAST, _LEAST_SLOPE = 1e-12, 0.002
"""Least chance to divide by; effect of a certain act below which its chance says nothing."""

_MOST_TOGETHER = 5
"""Priors that are moved together."""
_CLOSE_STEP = 0.25

Kind = Literal[
    "prior", "several_priors", "priors_and_act", "expected_act", "scheduled_act", "several_scheduled_acts"
]


class Part(Record):
    """What is moved: a prior or the chance of an act, alone or one of several that are moved together."""

    what: str = Field(description="name of the prior, or the act")
    from_: float = Field(alias="from", description="what the run assumes, on the scale")
    to: float
    scale: DisplayScale | None = Field(
        description="human scale of a prior, or probability; None: steps of the spreads of several priors, "
        "or the share that is left of the chances of several scheduled acts"
    )


class ReconcilingChange(Part):
    """One change of an assumption, and what the run would say with it."""

    kind: Kind
    parts: tuple[Part, ...] = Field(default=(), description="of several priors or scheduled acts")
    plausibility: Probability = Field(
        description="prior: the smaller of the tail areas of the shift under the prior and of the shifted "
        "posterior mean under the posterior; several priors: the tail area of the shift; "
        "expected act: chance by how often the record had one, over the "
        "chance needed; scheduled acts: what is left of the stated chance that each happens, or that it "
        "does not"
    )
    act: str | None = Field(default=None, description="of priors_and_act: the act, which surely happens")
    cut: bool = Field(
        default=False, description="of priors: ends short since the draws cannot tell of a further shift"
    )
    probability: Probability = Field(description="of the run with this change")
    setting: dict[str, Any] = Field(description="the change as a scenario file holds it")


class Reconciled(Record):
    """A stated probability, that of the run, and the changes that lead there, the most plausible first."""

    target: str
    milestone: str
    asked: Probability
    probability: Probability
    changes: tuple[ReconcilingChange, ...]
    nearest: ReconcilingChange | None = Field(
        description="the change that comes nearest, whether or not it suffices; None where none is needed"
    )
    tried: int


@dataclass(frozen=True)
class _Search:
    """A question of a run and the probability to reach."""

    run: Run
    target: str
    milestone: str
    goal: float
    now: float

    @cached_property
    def _asked(self) -> list[tuple[str, str]]:
        return [(self.target, self.milestone)]

    @cached_property
    def _questions(self) -> Questions:
        return Questions.of(self.run, self._asked)

    def all(self) -> Iterator[ReconcilingChange]:
        """Yield of every kind the change that comes nearest, one after the other."""
        names = key_assumptions(self.run.inputs, self.target)
        shifts = [PriorShifts(self.run, name, self._questions) for name in names]
        yield from map(self._prior, shifts)
        strongest: ActEffect | None = None
        scheduled: list[ActEffect] = []
        acts = list(self._acts())
        effects = act_effects(self.run, self._asked, [act for act, _ in acts])
        for effect, (_, kind) in zip(effects, acts, strict=True):
            yield self._act(effect, kind)
            if kind == "scheduled_act" and abs(effect.slope(0)) > _LEAST_SLOPE:
                scheduled.append(effect)
            if kind == "expected_act" and (
                strongest is None or self._gap(effect.at(1.0, 0)) < self._gap(strongest.at(1.0, 0))
            ):
                strongest = effect
        if len(scheduled) > 1:
            yield self._several_acts(scheduled)
        yield from self._several_priors(shifts, strongest)

    def _gap(self, probability: float) -> float:
        return abs(probability - self.goal)

    def _prior(self, shifts: PriorShifts) -> ReconcilingChange:
        """The shift of a prior at which the draws say the goal, or the nearest that they can tell."""
        steps = shift_to(shifts.at, 0, self.goal)
        setting = {"priors": {shifts.name: str(shifts.moved(steps))}}
        reached = float(shifts.at(steps).probability[0])
        line = _shifted(shifts, steps) | {"cut": self._gap(reached) > TOLERANCE and is_cut(shifts.at, steps)}
        return _change("prior", line, _plausibility(shifts, steps), reached, setting)

    def _several_priors(
        self, shifts: Sequence[PriorShifts], act: ActEffect | None
    ) -> Iterator[ReconcilingChange]:
        """Move the priors that matter most together, by the least steps, until the run says the goal."""
        slopes = np.array([_slope(each) for each in shifts])
        strongest = np.argsort(-np.abs(slopes))[:_MOST_TOGETHER]
        length = float(np.linalg.norm(slopes[strongest]))
        if length < _LEAST_SLOPE:
            return
        moved = [(shifts[place], float(slopes[place]) / length) for place in strongest.tolist()]

        def at(steps: float) -> ShiftedChances:
            weights = importance_weights(np.sum([one.log_ratio(steps * part) for one, part in moved], axis=0))
            return ShiftedChances(weights, self._questions.probability(weights.weights if steps else None))

        steps = shift_to(at, 0, self.goal)
        if steps == 0.0:
            return
        reached, weights = float(at(steps).probability[0]), at(steps).weights.weights
        parts = [_shifted(one, steps * part) for one, part in moved]
        setting = {"priors": {one.name: str(one.moved(steps * part)) for one, part in moved}}
        whole = _line(f"{len(parts)} priors together", 0.0, steps)
        whole["cut"] = self._gap(reached) > TOLERANCE and is_cut(at, steps)
        plausible = 2 * float(special.ndtr(-abs(steps)))
        yield _change("several_priors", whole, plausible, reached, setting, parts)
        if act is None or self._gap(reached) <= TOLERANCE or self._gap(act.at(1.0, 0)) >= self._gap(self.now):
            return
        # Both together: the act on the draws as they are then weighted.
        place = [rule.name for rule in self.run.inputs.rules].index(self.target)
        factor = self.run.thinned_process.factor(replace(act.act, probability=1.0))
        few = Questions.of(self.run, self._asked, self.run.thinned)
        quiet = few.ahead * factor[:, place, [milestone_day(self.run, self.milestone)]]
        there = reached + float((replace(few, ahead=quiet).unclipped(weights) - few.unclipped(weights))[0])
        if self._gap(there) < self._gap(reached):
            words = _act_words(act.act)
            whole["what"] += f", and {words}"
            plausible *= min(_frequency(self.run, act.act), 1.0)
            also = setting | {"events": [_event(act.act, 1.0)]}
            there = min(max(there, 0.0), 1.0)
            yield _change("priors_and_act", whole, plausible, there, also, parts, act=words)

    def _act(self, effect: ActEffect, kind: Kind) -> ReconcilingChange:
        """The chance of an act at which the run says the goal, or the nearest of both ends."""
        act, slope = effect.act, effect.slope(0)
        chance = effect.crossing(0, self.goal) if abs(slope) > _LEAST_SLOPE else -1.0
        if not 0.0 <= chance <= 1.0:
            chance = min((0.0, 1.0), key=lambda end: self._gap(effect.at(end, 0)))
        chance, stated = round(chance, 4), act.probability
        setting: dict[str, Any]
        if kind == "scheduled_act":
            what, setting = act.label, {"calendar": {"probability": {act.label: chance}}}
            left = chance / stated if chance < stated else (1 - chance) / max(1 - stated, _LEAST)
            plausibility = left if chance != stated else 1.0
        else:
            what, setting = _act_words(act), {"events": [_event(act, chance)]}
            plausibility = min(_frequency(self.run, act) / max(chance, _LEAST), 1.0)
        return _change(
            kind, _line(what, stated, chance, "probability"), plausibility, effect.at(chance, 0), setting
        )

    def _several_acts(self, effects: Sequence[ActEffect]) -> ReconcilingChange:
        """Cut by one factor the chances that scheduled acts happen, or do not, whichever holds the run back.

        The factor is that at which the run says the goal, or zero.
        """
        run, raising = self.run, self.goal > self.now
        sides = {effect.act: (effect.slope(0) > 0) == raising for effect in effects}
        rising = {act: up for act, up in sides.items() if act.probability != float(up)}
        answered = Way("exact", MethodReason(code="only_future"))
        day = milestone_day(run, self.milestone)

        def moved(act: FutureAct, left: float) -> float:
            return round(1 - left * (1 - act.probability) if rising[act] else left * act.probability, 4)

        def at(left: float) -> float:
            changed = {act: replace(act, probability=moved(act, left)) for act in rising}
            ahead = run.thinned_process.survival([changed.get(act, act) for act in run.inputs.calendar])
            few = replace(run.thinned, ahead=ahead, plain=run.thinned.without_acts.survival)
            return float(Answer(run, few, run.thinned, answered).curves[self.target].mean[day])

        left, reached = 0.0, at(0.0)
        if (reached > self.goal) == raising:
            # The chance that nothing happens is nearly linear in that of each act.
            for _ in range(2):
                left = round(1 - (1 - left) * (self.goal - self.now) / (reached - self.now), 4)
                reached = at(left)
        parts = [_line(act.label, act.probability, moved(act, left), "probability") for act in rising]
        whole = _line(f"{len(parts)} scheduled events together", 1.0, left)
        setting = {"calendar": {"probability": {part["what"]: part["to"] for part in parts}}}
        return _change("several_scheduled_acts", whole, left, reached, setting, parts)

    def _acts(self) -> Iterator[tuple[FutureAct, Kind]]:
        """Acts whose chance is tried: those of the calendar, and those that would have to be expected.

        Expected are triggers of reactions, conflict to raise the probability, cooperation to lower it; none
        is the target itself.
        """
        inputs, day = self.run.inputs, milestone_day(self.run, self.milestone)
        origin, layout = inputs.data.grid.origin, inputs.data.layout
        for act in inputs.calendar:
            if (act.date - origin).days < day:
                yield act, "scheduled_act"
        soon = origin + timedelta(days=min(_SOON_DAYS, day // 2))
        rule = next(rule for rule in inputs.rules if rule.name == self.target)
        raising = self.goal > self.now
        for one in layout.reactions if raising else ():
            if one.when is not None:
                by = one.when.by[0] if one.when.by else inputs.config.dyad.side_a[0]
                name = one.when.subcategory[0].replace("*", "") if one.when.subcategory else ""
                severity = 4 if 4 in one.when.severities else max(one.when.severities)
                if not rule.meets(one.when.category, severity, by):
                    yield (
                        FutureAct(soon, one.when.category, severity, 0.0, by=by, subcategory=name),
                        "expected_act",
                    )
        for category in CONFLICTUAL if raising else COOPERATIVE:
            for severity in _TRIED_SEVERITIES if raising else _TRIED_SEVERITIES[:1]:
                by = inputs.who_acts(category, severity, rule) or ""
                if not rule.meets(category, severity, by):
                    yield FutureAct(soon, category, severity, 0.0, by=by), "expected_act"


def reconcile(run: Run, target: str, milestone: str, goal: float) -> Reconciled:
    """Search the changes under which a run that converged would say ``goal``, in (0, 1)."""
    milestones = run.forecast.target(target).milestones
    now = next(answer.probability for answer in milestones if answer.name == milestone)
    search = _Search(run, target, milestone, goal, now)
    tried = [] if abs(now - goal) <= TOLERANCE else list(search.all())
    changes = [one for one in tried if abs(one.probability - goal) <= TOLERANCE]
    changes.sort(key=lambda change: -change.plausibility)
    nearest = min(tried, key=lambda one: (abs(one.probability - goal), -one.plausibility), default=None)
    return Reconciled(
        target=target,
        milestone=milestone,
        asked=goal,
        probability=now,
        changes=tuple(changes[:MOST_CHANGES]),
        nearest=nearest,
        tried=len(tried),
    )


def _slope(shifts: PriorShifts) -> float:
    """Change of the forecast for a step of a prior's spread, as the draws tell it close by."""
    ahead, behind = (float(shifts.at(side * _CLOSE_STEP).probability[0]) for side in (1, -1))
    return (ahead - behind) / (2 * _CLOSE_STEP)


def _shifted(shifts: PriorShifts, steps: float) -> dict[str, Any]:
    before, after = (shifts.assumed(one) for one in (0.0, steps))
    return _line(shifts.name, before.value, after.value, after.scale)


def _line(what: str, before: float, after: float, scale: DisplayScale | None = None) -> dict[str, Any]:
    return {"what": what, "from": before, "to": after, "scale": scale}


def _change(
    kind: Kind,
    line: dict[str, Any],
    plausibility: float,
    probability: float,
    setting: dict[str, Any],
    parts: Sequence[dict[str, Any]] = (),
    act: str | None = None,
) -> ReconcilingChange:
    found = {"plausibility": plausibility, "probability": probability, "setting": setting, "act": act}
    return ReconcilingChange.model_validate(line | found | {"kind": kind, "parts": tuple(parts)})


def _plausibility(shifts: PriorShifts, steps: float) -> float:
    draws, weights = parameter_draws(shifts.base, shifts.name), shifts.at(steps).weights.weights
    mean = float(weights @ draws / weights.sum())
    tail = min(float((draws <= mean).mean()), float((draws >= mean).mean()))
    return min(2 * float(special.ndtr(-abs(steps))), 2 * tail, 1.0)


def _act_words(act: FutureAct) -> str:
    by = f" by {actor_in_sentence(act.by)}" if act.by else ""
    name = code_in_words(act.subcategory or act.category)
    return f"{name} of severity {act.severity}{by} on {long_day(act.date)}"


def _event(act: FutureAct, chance: float) -> dict[str, Any]:
    stated = {"date": act.date.isoformat(), "category": act.category, "subcategory": act.subcategory}
    stated |= {"by": act.by}
    return {name: text for name, text in stated.items() if text} | {
        "severity": act.severity,
        "probability": chance,
    }


def _frequency(run: Run, act: FutureAct) -> float:
    """Chance of such an act, or a graver one, within thirty days, by how often the record had one."""
    events, grid = run.inputs.events, run.inputs.data.grid
    alike = (events.category == act.category) & (events.severity >= act.severity)
    if act.subcategory:
        alike &= events.subcategory == act.subcategory
    days = max((grid.origin - grid.start).days, 1)
    return float(-np.expm1(-(int(alike.sum()) + 0.5) * _SOON_DAYS / days))
