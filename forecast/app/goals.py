"""What would it take: the single changes that bring a state to a probability, nearest first.

A belief is moved by reweighting until the draws can no longer tell, as ``forecast sensitivity`` does. The
probability is linear in the chance of an act, since acts are drawn apart from the futures: two answers give
the line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from forecast import wording
from forecast.app.engine import Engine
from forecast.app.state import State, StateError, state_of
from forecast.errors import did_you_mean, shown
from forecast.records.base import Record
from forecast.scenarios.compare import scenario_shares
from forecast.scenarios.evaluate import milestone_day
from forecast.sensitivity.break_even import Bound, Question, prior_break_even
from forecast.sensitivity.shifts import PriorShifts, key_assumptions
from forecast.wording.numbers import BANDS
from forecast.wording.sensitivity import assumption_label, break_even_sentence

_NEAR = 1e-9
Setting = Callable[[float], dict[str, object]]
"""A part of a state by the chance of an act."""
_SOON_DAYS = 30
"""Days from the origin to the act that is tried as a new one."""


class GoalChange(Record):
    """One change that was tried: how a state holds it, and what it comes to.

    ``setting`` is a part of a state: its ``priors`` and ``calendar`` join those that are there, its
    ``events`` take their place.
    """

    kind: Literal["prior", "act", "calendar"]
    name: str
    setting: dict[str, Any]
    text: str
    reaches: bool
    probability: float | None


class GoalAnswer(Record):
    """What would take a state to a probability; the changes that reach it come first."""

    goal: float
    probability: float | None
    text: str
    changes: tuple[GoalChange, ...]
    milliseconds: float


def read_goal(content: object) -> tuple[float | str, dict[str, object]]:
    """Take the goal out of what the page sends: a probability between 0 and 1, or one of the seven words."""
    if not isinstance(content, dict):
        raise StateError("a state with a goal is expected")
    rest = {key: value for key, value in content.items() if key != "goal"}
    goal = content.get("goal")
    words = [word for word, _, _ in BANDS]
    if isinstance(goal, str) and goal in words:
        return goal, rest
    if isinstance(goal, int | float) and not isinstance(goal, bool) and 0 < goal < 1:
        return float(goal), rest
    hint = did_you_mean(goal, words) if isinstance(goal, str) else ""
    raise StateError(
        f"goal: got {shown(goal)}; expected a number between 0 and 1, or one of {', '.join(words)}.{hint}",
        "goal",
    )


def reach_goal(engine: Engine, state: State, goal: float | str) -> GoalAnswer:
    """Search the single changes of a state that take its question to a goal."""
    begun = time.perf_counter()
    if not engine.tweaks:
        raise StateError(engine.no_tweaks)
    now = engine.answer(state)
    if now.probability is None or now.status == "withheld":
        raise StateError(f"what it would take cannot be told from here: {now.reason}")
    bound = _bound(goal, now.probability)
    if bound is None:
        changes: list[GoalChange] = []
        text = f"It is there already: {wording.percent(now.probability)} is {now.words}."
    else:
        changes = [
            *_priors(engine, state, now.probability, bound),
            *_acts(engine, state, now.probability, bound),
        ]
        changes.sort(key=lambda one: not one.reaches)
        reached = sum(one.reaches for one in changes)
        text = (
            f"{wording.count(reached, 'single change')} of those tried "
            f"{'takes' if reached == 1 else 'take'} it from {wording.percent(now.probability)} to "
            f"{wording.percent(bound)}."
        )
    return GoalAnswer(
        goal=now.probability if bound is None else bound,
        probability=now.probability,
        text=text[:1].upper() + text[1:],
        changes=tuple(changes),
        milliseconds=round(1000 * (time.perf_counter() - begun), 1),
    )


def _bound(goal: float | str, probability: float) -> float | None:
    """Return the probability to reach; ``None`` where the goal is met."""
    if not isinstance(goal, str):
        return None if abs(goal - probability) < _NEAR else goal
    if wording.words(probability) == goal:
        return None
    low, high = next((low / 100, high / 100) for word, low, high in BANDS if word == goal)
    return low if probability < low else high


def _priors(engine: Engine, state: State, probability: float, bound: float) -> Iterator[GoalChange]:
    part = next(one for one in engine.run.by_fit() if state.target in one.inputs.config.targets)
    plan = None if state.scenario is None else engine.plan(state)
    shares = scenario_shares(part, plan, state.target, milestone_day(part, state.milestone))[:, None]
    held = plan.priors if plan is not None and plan.changes_priors else None
    question = Question(
        state.target, state.milestone, probability, 0.0, (Bound("threshold", bound, None),), ()
    )
    for name in key_assumptions(part.inputs, state.target):
        shifts = PriorShifts(part, name, shares, held)
        for found in prior_break_even(shifts, 0, question):
            reaches = found.outcome == "crosses" and found.steps is not None
            low, high = found.reached
            nearest = min(max(bound, low), high)
            yield GoalChange(
                kind="prior",
                name=name,
                setting={"priors": {name: str(shifts.moved(found.steps))}} if reaches and found.steps else {},
                text=break_even_sentence(found) if reaches else _short(name, found.outcome, low, high),
                reaches=reaches,
                probability=bound if reaches else nearest,
            )


def _short(name: str, outcome: str, low: float, high: float) -> str:
    """Say how far a belief takes the probability where it does not reach the goal."""
    told = " as far as the draws can tell" if outcome == "needs a refit" else ""
    return (
        f"{assumption_label(name)}: alone it gives {wording.percent(low)} to {wording.percent(high)}{told}."
    )


def _acts(engine: Engine, state: State, probability: float, bound: float) -> Iterator[GoalChange]:
    run_id = engine.run.forecast.run_id
    asked = state_of(state.scenario, state.target, state.milestone, run_id)
    events: list[dict[str, Any]] = [*asked.get("events", [])]  # type: ignore[misc]
    chances: Mapping[str, float] = asked.get("calendar", {})  # type: ignore[assignment]
    run = engine.run
    day = run.inputs.config.milestone(state.milestone).date

    def tried(
        kind: Literal["act", "calendar"], name: str, before: float, setting: Setting
    ) -> Iterator[GoalChange]:
        sure = 0.0 if before >= 0.5 else 1.0
        found = engine.answer(engine.read(asked | setting(sure)))
        if found.probability is None:
            return
        slope = (found.probability - probability) / (sure - before)
        needed = before + (bound - probability) / slope if abs(slope) > 1e-6 else math.inf
        reaches = 0.0 <= needed <= 1.0
        ends = sorted(min(max(probability + (end - before) * slope, 0.0), 1.0) for end in (0.0, 1.0))
        if reaches:
            chance = round(needed, 4)
            text = f"{name}: {wording.share(chance)} likely in place of {wording.share(before)}."
            yield GoalChange(
                kind=kind, name=name, setting=setting(chance), text=text, reaches=True, probability=bound
            )
        else:
            low, high = map(wording.percent, ends)
            span = f"{low} to {high}" if low != high else low
            nearest = min(max(bound, ends[0]), ends[1])
            text = f"{name}: whether or not it happens, {span}."
            yield GoalChange(kind=kind, name=name, setting={}, text=text, reaches=False, probability=nearest)

    for act in run.inputs.config.calendar:
        if act.date < day:
            before = chances.get(act.label, act.probability)
            yield from tried(
                "calendar",
                act.label,
                before,
                lambda chance, label=act.label: {"calendar": {**chances, label: chance}},
            )
    for place, event in enumerate(events):
        name = event.get("label") or f"{event['category'].replace('_', ' ')} (severity {event['severity']})"
        yield from tried(
            "act",
            name,
            event.get("probability", 1.0),
            lambda chance, place=place: {"events": _with(events, place, chance)},
        )
    rule = next(rule for rule in run.inputs.rules if rule.name == state.target)
    origin = run.inputs.data.grid.origin
    soon = min(origin + timedelta(days=_SOON_DAYS), origin + (day - origin) // 2)
    for category in rule.any_of if bound > probability else ("visit",):
        severity = rule.min_severity if bound > probability else 4
        new = {"date": soon.isoformat(), "category": category, "severity": severity}
        name = f"one more {category.replace('_', ' ')} (severity {severity}) {wording.long_day(soon)}"
        yield from tried(
            "act", name, 0.0, lambda chance, new=new: {"events": [*events, {**new, "probability": chance}]}
        )


def _with(events: list[dict[str, Any]], place: int, chance: float) -> list[dict[str, Any]]:
    return [{**one, "probability": chance} if at == place else one for at, one in enumerate(events)]
