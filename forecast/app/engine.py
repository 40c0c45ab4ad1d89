"""A run kept in memory, and the answer to a state of the page: the numbers of ``forecast scenario``.

``docs/page.md`` explains what the page is told. Probabilities are in [0, 1] and differences in parts of one;
a day is counted from the origin, the first day ahead.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from forecast.app.state import Goal, State, StateError, read_goal, read_state, shown_folder
from forecast.errors import MAKE_RUN, RunFolderError
from forecast.records.base import Record
from forecast.records.forecast import (
    Curve,
    Difference,
    MilestoneForecast,
    ScenarioForecast,
    ScenarioTarget,
    TargetForecast,
)
from forecast.report.answers import PLAUSIBLE, change_lines, reconciled_sentence
from forecast.report.judgement import question_sentence
from forecast.report.scenario_words import change_sentences, trust_sentence
from forecast.runs import files
from forecast.runs.folder import command_again, kind_of
from forecast.runs.run import Run, read_run
from forecast.scenarios.compare import evaluate_plan
from forecast.scenarios.evaluate import Effort
from forecast.scenarios.plan import ScenarioPlan, plan_scenario
from forecast.sensitivity.reconcile import Kind, reconcile

CHART_DAYS = 7
"""Days between two points of a curve; every milestone has one of its own."""
ANSWERED_DRAWS = 4000
"""Draws at most, about, from which futures are played anew for an answer; every so many of a larger run."""


class Point(Record):
    """Probability of the target before a day, with its 90% interval."""

    day: int
    date: date
    probability: float
    low: float
    high: float


class AnswerMilestone(Record):
    """The target before one milestone under the state, and its difference from the run."""

    name: str
    probability: float
    low: float
    high: float
    difference: float
    difference_mcse: float
    difference_at_most: float | None = None


class BaseProbability(Record):
    """What the run itself says."""

    probability: float
    low: float
    high: float


class Answer(Record):
    """The answer to a state; numbers are ``None`` where they are withheld."""

    status: Literal["ready", "withheld"]
    reason: str | None = None
    target: str
    milestone: str
    probability: float | None = None
    low: float | None = None
    high: float | None = None
    words: str | None = None
    sentence: str
    base: BaseProbability
    difference: float | None = None
    difference_mcse: float | None = None
    difference_at_most: float | None = None
    assumed: float | None = None
    model_adds: float | None = None
    curve: tuple[Point, ...] = ()
    milestones: tuple[AnswerMilestone, ...] = ()
    pareto_k: float | None = None
    effective_draws: float | None = None
    trust: str
    method: str
    changes: tuple[str, ...]
    command: str
    milliseconds: float


class PageChange(Record):
    """A change under which the run would say a probability; ``setting`` is the part of a state that makes it.

    ``lines`` say what moves, from where and to where; of several priors all together first, then each.
    """

    kind: Kind
    lines: tuple[tuple[str, str, str], ...]
    plausibility: float
    probability: float
    setting: dict[str, Any]


class PageReconciled(Record):
    """What ``forecast reconcile`` answers; ``reading`` says what plausible means."""

    sentence: str
    changes: tuple[PageChange, ...]
    reading: str


@dataclass(frozen=True)
class Engine:
    """Answers states of one run; may be asked from several threads.

    ``every``: futures are played anew from every so many draws only; differences are paired, so they stay
    unbiased, with a larger error, which each answer states.
    """

    run: Run
    every: int = 1

    @property
    def _effort(self) -> Effort:
        return Effort(every=self.every)

    @property
    def tweaks(self) -> bool:
        """Whether changes may be asked for: the run converged."""
        return self.run.forecast.converged

    def read(self, content: object) -> State:
        """Read a state as JSON gives it; see ``read_state``."""
        return read_state(content, self.run.inputs, self.run.forecast.run_id)

    def plan(self, state: State) -> ScenarioPlan:
        """Put the diff of a state upon the run (``StateError`` where it does not fit)."""
        assert state.scenario is not None
        if not self.tweaks:
            raise StateError(self.no_tweaks)
        return plan_scenario(self.run.inputs, state.scenario)

    @property
    def no_tweaks(self) -> str:
        """Why no change can be asked for."""
        return (
            "this run did not converge, so nothing can be built upon its numbers. Run it again with more "
            "draws"
        )

    def warm_up(self) -> None:
        """Answer a state that nobody sees, so that all is loaded for the next."""
        if not self.tweaks:
            return
        inputs = self.run.inputs
        act = {"date": inputs.data.grid.origin.isoformat(), "category": "visit", "severity": 1}
        if by := inputs.who_acts("visit", 1):
            act["by"] = by
        self.answer(self.read({"events": [act]}))

    def answer(
        self, state: State, *, refit: bool = False, tell: Callable[[str], None] = lambda note: None
    ) -> Answer:
        """Answer a state; with ``refit`` a new fit is made where one is needed, else numbers are withheld."""
        begun = time.perf_counter()
        known = self.run.forecast.target(state.target)
        answer = Answer(
            status="ready",
            target=state.target,
            milestone=state.milestone,
            sentence="Withheld until the model is fitted again.",
            base=base_of(_named(known.milestones, state.milestone)),
            trust="These are the numbers of the run.",
            method="run",
            changes=(),
            command=state.command(shown_folder(self.run.folder)),
            milliseconds=0.0,
        )
        if state.scenario is None:
            unmoved = dict.fromkeys((one.name for one in known.milestones), Difference(value=0.0, mcse=0.0))
            answer = answer.model_copy(update=_numbers(known, known, state.milestone, unmoved, 0.0))
        else:
            effort = replace(self._effort, target=state.target)
            plan = self.plan(state)
            scenario = evaluate_plan(self.run, plan, refit=refit, effort=effort, tell=tell)
            answer = answer.model_copy(update=_scenario_part(scenario))
            if not scenario.withheld:
                target = scenario.target(state.target)
                changes = {one.name: one.difference for one in target.milestones}
                assumed = _named(target.milestones, state.milestone).by_assumption
                answer = answer.model_copy(update=_numbers(known, target, state.milestone, changes, assumed))
        return answer.model_copy(update={"milliseconds": round(1000 * (time.perf_counter() - begun), 1)})

    def read_goal(self, content: object) -> Goal:
        """Read what the run is to be reconciled with; ``StateError`` where it is not, or cannot be."""
        goal = read_goal(content, self.run.inputs, self.run.forecast.run_id)
        if not self.tweaks:
            raise StateError(self.no_tweaks)
        return goal

    def reconcile(self, goal: Goal, tell: Callable[[str], None] = lambda note: None) -> PageReconciled:
        """Search the least changes under which the run would say a probability; takes a minute."""
        forecast = self.run.forecast
        found = reconcile(self.run, goal.target, goal.milestone, goal.probability, tell)
        changes = (
            PageChange(
                kind=one.kind,
                lines=tuple(change_lines(forecast, one)),
                plausibility=one.plausibility,
                probability=one.probability,
                # A state holds the chances of scheduled acts without the key of a scenario file.
                setting={
                    key: part["probability"] if key == "calendar" else part
                    for key, part in one.setting.items()
                },
            )
            for one in found.changes
        )
        sentence = reconciled_sentence(forecast, found)
        return PageReconciled(sentence=sentence, changes=tuple(changes), reading=PLAUSIBLE)


def _scenario_part(scenario: ScenarioForecast) -> dict[str, object]:
    """What an answer says of how it was made, and whether it can be used."""
    trust = trust_sentence(scenario)
    usable = not scenario.withheld and not scenario.failures
    return {
        "status": "ready" if usable else "withheld",
        "reason": None if usable else trust,
        "pareto_k": None if scenario.pareto_k is None else min(max(scenario.pareto_k, -99.0), 99.0),
        "effective_draws": scenario.effective_draws,
        "trust": trust,
        "method": scenario.method,
        "changes": change_sentences(scenario),
    }


def _numbers(
    known: TargetForecast,
    target: TargetForecast | ScenarioTarget,
    milestone: str,
    changes: Mapping[str, Difference],
    assumed: float | None,
) -> dict[str, object]:
    """The numbers of an answer, for a target that is the run's own or moved by ``changes``."""
    now, change = _named(target.milestones, milestone), changes[milestone]
    return {
        "probability": now.probability,
        "low": now.interval90[0],
        "high": now.interval90[1],
        "words": now.words,
        "sentence": question_sentence(known, now),
        "difference": change.value,
        "difference_mcse": change.mcse,
        "difference_at_most": change.at_most,
        "assumed": assumed,
        "model_adds": None if assumed is None else change.value - assumed,
        "curve": points_of(target.curve, known),
        "milestones": tuple(_row(one, changes[one.name]) for one in target.milestones),
    }


def _row(one: MilestoneForecast, change: Difference) -> AnswerMilestone:
    low, high = one.interval90
    return AnswerMilestone(
        name=one.name,
        probability=one.probability,
        low=low,
        high=high,
        difference=change.value,
        difference_mcse=change.mcse,
        difference_at_most=change.at_most,
    )


def _named[M: MilestoneForecast](milestones: Sequence[M], name: str) -> M:
    return next(one for one in milestones if one.name == name)


def base_of(milestone: MilestoneForecast) -> BaseProbability:
    """What the run says of a milestone."""
    low, high = milestone.interval90
    return BaseProbability(probability=milestone.probability, low=low, high=high)


def points_of(curve: Curve, target: TargetForecast) -> tuple[Point, ...]:
    """Points of a curve for the chart: one a week, and one at every milestone."""
    return tuple(
        Point(
            day=day,
            date=curve.date[day],
            probability=curve.probability[day],
            low=curve.lower90[day],
            high=curve.upper90[day],
        )
        for day in _chart_days(curve, target)
    )


def _chart_days(curve: Curve, target: TargetForecast) -> Iterator[int]:
    last = len(curve.date) - 1
    milestones = (min(bisect_left(curve.date, one.date), last) for one in target.milestones)
    yield from sorted({*range(0, last + 1, CHART_DAYS), *milestones, last})


def open_engine(folder: Path) -> Engine:
    """Read a run for the page.

    Raises
    ------
    RunFolderError
        The folder holds no run, was altered, or was kept without its draws; with the command that makes it
        anew.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder. {MAKE_RUN}")
    kind = kind_of(folder)
    if kind not in ("run", "watched dyad"):
        holds = f"holds a {kind}" if kind else "holds no run"
        raise RunFolderError(
            f"{folder}: {holds}. Give a folder that 'forecast run' made, or one with runs below it"
        )
    if not (folder / files.POSTERIOR).is_file():
        raise RunFolderError(
            f"{folder}: kept without its draws ({files.POSTERIOR}), which the page needs. Make it again: "
            f"{command_again(folder)}"
        )
    run = read_run(folder)
    return Engine(run, max(1, run.n_draws // ANSWERED_DRAWS))
