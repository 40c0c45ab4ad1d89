"""A run kept in memory, and the answer to a state of the page: the numbers of ``forecast scenario``."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from forecast.app.records import Answer, AnswerMilestone, BaseProbability, Point
from forecast.app.state import State, StateError, read_state, shown_folder
from forecast.records.forecast import Curve, Difference, MilestoneForecast, ScenarioForecast, TargetForecast
from forecast.report.judgement import question_sentence
from forecast.report.scenario_words import change_sentences, trust_sentence
from forecast.runs.run import Run
from forecast.scenarios import plan_scenario
from forecast.scenarios.compare import evaluate_plan
from forecast.scenarios.evaluate import Effort
from forecast.scenarios.plan import ScenarioPlan

CHART_DAYS = 7
"""Days between two points of a curve; every milestone has one of its own."""


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
        command = state.command(shown_folder(self.run.folder))
        if state.scenario is None:
            return _unchanged(known, state, command, begun)
        plan = self.plan(state)
        effort = replace(self._effort, target=state.target)
        found = evaluate_plan(self.run, plan, refit=refit, effort=effort, tell=tell)
        return _answer(known, state, found, command, begun)

    def all_targets(self, state: State) -> ScenarioForecast:
        """Compute what ``answer`` says of each target, in one go; withheld where a new fit is needed."""
        return evaluate_plan(self.run, self.plan(state), refit=False, effort=self._effort)


def _unchanged(known: TargetForecast, state: State, command: str, begun: float) -> Answer:
    asked = _named(known.milestones, state.milestone)
    return Answer(
        status="ready",
        target=state.target,
        milestone=state.milestone,
        probability=asked.probability,
        low=asked.interval90[0],
        high=asked.interval90[1],
        words=asked.words,
        sentence=question_sentence(known, asked),
        base=base_of(asked),
        difference=0.0,
        difference_mcse=0.0,
        assumed=0.0,
        model_adds=0.0,
        curve=points_of(known.curve, known),
        milestones=tuple(_row(one, Difference(value=0.0, mcse=0.0)) for one in known.milestones),
        trust="These are the numbers of the run; nothing is changed.",
        method="run",
        changes=(),
        command=command,
        milliseconds=_since(begun),
    )


def _answer(
    known: TargetForecast, state: State, found: ScenarioForecast, command: str, begun: float
) -> Answer:
    said = trust_sentence(found)
    answer = Answer(
        status="withheld",
        reason=said,
        target=state.target,
        milestone=state.milestone,
        sentence="Withheld until the model is fitted again.",
        base=base_of(_named(known.milestones, state.milestone)),
        pareto_k=_finite(found.pareto_k),
        effective_draws=found.effective_draws,
        trust=said,
        method=found.method,
        changes=change_sentences(found),
        command=command,
        milliseconds=_since(begun),
    )
    if found.withheld:
        return answer
    target = found.target(state.target)
    now = _named(target.milestones, state.milestone)
    assumed, change = now.by_assumption, now.difference
    numbers = {
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
        "milestones": tuple(_row(one, one.difference) for one in target.milestones),
        "milliseconds": _since(begun),
    }
    if not found.failures:
        numbers |= {"status": "ready", "reason": None}
    return answer.model_copy(update=numbers)


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


def _finite(value: float | None) -> float | None:
    """Return a number as JSON can hold it: at most a large one where there is no bound."""
    return None if value is None else min(max(value, -99.0), 99.0)


def _since(begun: float) -> float:
    return round(1000 * (time.perf_counter() - begun), 1)
