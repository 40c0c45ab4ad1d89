"""What would it take: the single changes that bring a state to a probability, nearest first.

A belief is moved by reweighting until the draws can no longer tell, as ``forecast sensitivity`` does. The
probability is as good as linear in the chance of an act, since acts are drawn apart from the futures: two
answers give the line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Literal

from forecast import wording
from forecast.app.engine import Engine
from forecast.app.state import MOST_ACTS, State, StateError, state_of
from forecast.errors import did_you_mean, shown
from forecast.records.base import Record
from forecast.report.assumption_words import assumption_label, break_even_sentence, titles_of
from forecast.sensitivity.robustness import Bound, Question, prior_break_even
from forecast.sensitivity.shifts import PriorShifts, key_assumptions, scenario_shares
from forecast.wording import BANDS

_NEAR = 1e-9
_FLAT = 1e-6
"""Slope below which the chance of an act says nothing."""
_TRIED_PART = 0.25
"""How much the chance of an act is moved to see what it adds: the part of all paths that is played."""
_MOST_TRIED = 20


class PageTrials(Record):
    """Acts that are tried as new ones, here and on the static page.

    ``soon_days`` lie between the origin and the act; ``calming`` acts, by category and severity, are tried
    where a probability is to fall.
    """

    soon_days: int = 30
    calming: tuple[tuple[str, int], ...] = (("visit", 4), ("channel_opening", 3))


TRIALS = PageTrials()


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
    run, titles = engine.run, titles_of(engine.run.forecast)
    plan = None if state.scenario is None else engine.plan(state)
    shares = scenario_shares(run, plan, state.target, state.milestone)
    held = plan.priors if plan is not None and plan.changes_priors else None
    question = Question(
        state.target, state.milestone, probability, 0.0, (Bound("threshold", bound, None),), ()
    )
    for name in key_assumptions(run.inputs, state.target):
        shifts = PriorShifts(run, name, shares, held)
        for found in prior_break_even(shifts, 0, question):
            reaches = found.outcome == "crosses" and found.steps is not None
            low, high = found.reached
            nearest = min(max(bound, low), high)
            yield GoalChange(
                kind="prior",
                name=name,
                setting={"priors": {name: str(shifts.moved(found.steps))}} if reaches and found.steps else {},
                text=break_even_sentence(found, titles)
                if reaches
                else _short(assumption_label(name, titles=titles), found.outcome, low, high),
                reaches=reaches,
                probability=bound if reaches else nearest,
            )


def _short(label: str, outcome: str, low: float, high: float) -> str:
    """Say how far a belief takes the probability where it does not reach the goal."""
    told = " as far as the draws can tell" if outcome == "needs a refit" else ""
    return f"{label}: alone it gives {wording.percent(low)} to {wording.percent(high)}{told}."


@dataclass(frozen=True)
class _Act:
    """An act whose chance is moved: what it is now, and how a state holds another chance of it."""

    kind: Literal["act", "calendar"]
    name: str
    chance: float
    setting: Callable[[float], dict[str, object]]


def _acts(engine: Engine, state: State, probability: float, bound: float) -> Iterator[GoalChange]:
    asked = state_of(state.scenario, state.target, state.milestone, engine.run.forecast.run_id)
    for act in islice(_movable(engine, state, asked, up=bound > probability), _MOST_TRIED):
        moved = _TRIED_PART if act.chance < 0.5 else -_TRIED_PART
        found = engine.answer(engine.read(asked | act.setting(act.chance + moved)))
        if found.probability is not None:
            slope = (found.probability - probability) / moved
            yield _along(act, probability, slope, bound)


def _along(act: _Act, probability: float, slope: float, bound: float) -> GoalChange:
    """How likely the act has to be, given what its chance adds to the probability."""
    needed = act.chance + (bound - probability) / slope if abs(slope) > _FLAT else math.inf
    if 0.0 <= needed <= 1.0:
        chance = round(needed, 4)
        return GoalChange(
            kind=act.kind,
            name=act.name,
            setting=act.setting(chance),
            text=f"{act.name}: {wording.share(chance)} likely in place of {wording.share(act.chance)}.",
            reaches=True,
            probability=bound,
        )
    ends = sorted(min(max(probability + (end - act.chance) * slope, 0.0), 1.0) for end in (0.0, 1.0))
    low, high = map(wording.percent, ends)
    return GoalChange(
        kind=act.kind,
        name=act.name,
        setting={},
        text=f"{act.name}: whether or not it happens, {low if low == high else f'{low} to {high}'}.",
        reaches=False,
        probability=min(max(bound, ends[0]), ends[1]),
    )


def _movable(engine: Engine, state: State, asked: dict[str, object], *, up: bool) -> Iterator[_Act]:
    """Scheduled acts, those that the state assumes, and one new one of each kind that could help."""
    run = engine.run
    day = run.inputs.config.milestone(state.milestone).date
    chances: dict[str, float] = dict(asked.get("calendar", {}))  # type: ignore[call-overload]
    events: list[dict[str, Any]] = list(asked.get("events", []))  # type: ignore[call-overload]

    def scheduled(label: str) -> Callable[[float], dict[str, object]]:
        return lambda chance: {"calendar": {**chances, label: chance}}

    def assumed(place: int, event: dict[str, Any]) -> Callable[[float], dict[str, object]]:
        before, after = events[:place], events[place + 1 :]
        return lambda chance: {"events": [*before, {**event, "probability": chance}, *after]}

    for act in run.inputs.config.calendar:
        if act.date < day:
            chance = chances.get(act.label, act.probability)
            yield _Act("calendar", act.label, chance, scheduled(act.label))
    for place, event in enumerate(events):
        name = event.get("label") or _name(event["category"], event["severity"])
        yield _Act("act", name, event.get("probability", 1.0), assumed(place, event))
    rule = next(rule for rule in run.inputs.rules if rule.name == state.target)
    origin = run.inputs.data.grid.origin
    soon = origin + min(timedelta(days=TRIALS.soon_days), (day - origin) // 2)
    kinds = [(category, rule.min_severity) for category in rule.any_of] if up else TRIALS.calming
    for category, severity in kinds if len(events) < MOST_ACTS else ():
        new: dict[str, Any] = {"date": soon.isoformat(), "category": category, "severity": severity}
        name = f"one more {_name(category, severity)}"
        if by := run.inputs.who_acts(category, severity, rule):
            new["by"] = by
            name += f" by {by}"
        name += f" on {wording.long_day(soon)}"
        yield _Act("act", name, 0.0, assumed(len(events), new))


def _name(category: str, severity: int) -> str:
    return f"{category.replace('_', ' ')} (severity {severity})"
