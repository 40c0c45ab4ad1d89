"""Forecasts where an act ahead surely happens, and where it surely does not.

The chance that nothing happens is linear in the chance of an act, and so is the forecast. An act of conflict
multiplies the chance of nothing; one of cooperation moves ballast, which is worked out anew on fewer draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import COOPERATIVE
from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats
from forecast.models.survival import Chances
from forecast.panel import FutureAct
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day
from forecast.sensitivity.shifts import Questions

_FEW_DRAWS = 100
_LEAST = 1e-12


def thinned(base: Run, most: int) -> NDArray[np.int64]:
    """Positions of so many draws, evenly spaced within each chain."""
    by_chain = np.arange(base.n_draws).reshape(base.n_chains, -1)
    step = max(1, by_chain.size // most)
    return np.asarray(by_chain[:, ::step].ravel())


@dataclass(frozen=True)
class ActEffect:
    """Forecasts where an act surely does not happen, and where it surely does, shape (2, question).

    ``mcse``, shape (question,), is the error of the difference.
    """

    act: FutureAct
    ends: Floats
    mcse: Floats

    def slope(self, question: int) -> float:
        """Forecast if the act surely happens minus if it surely does not."""
        return float(self.ends[1, question] - self.ends[0, question])

    def at(self, chance: float, question: int) -> float:
        """Forecast of one question where the act has this probability."""
        return float(np.clip(self.ends[0, question] + chance * self.slope(question), 0.0, 1.0))

    def crossing(self, question: int, bound: float) -> float:
        """Chance of the act at which the forecast of one question is this; beyond [0, 1] where none is."""
        return (bound - float(self.ends[0, question])) / self.slope(question)


def act_effects(
    base: Run, asked: Sequence[tuple[str, str]], acts: Sequence[FutureAct]
) -> Iterator[ActEffect]:
    """Yield the effects of acts on (target, milestone) questions.

    An act is one of the run's calendar, or another one, whose stated probability is 0.
    """
    quiet = _Quiet(base, asked)
    base.chances.prepare(act for act in acts if act.category not in COOPERATIVE)
    for act in acts:
        calms = act.category in COOPERATIVE
        without, sure = quiet.calming(act) if calms else quiet.conflict(act)
        n_chains = base.n_chains
        by_draw = [[one.by_draw(column) for column in range(len(asked))] for one in (without, sure)]
        slope = np.array([high.mean() - low.mean() for low, high in zip(*by_draw, strict=True)])
        errors = [monte_carlo_error(high - low, n_chains) for low, high in zip(*by_draw, strict=True)]
        # Through the forecast of the run at the act's own chance.
        ends = quiet.now.shown + np.outer([-act.probability, 1 - act.probability], slope)
        yield ActEffect(act, ends, np.array(errors))


@dataclass(frozen=True)
class _Quiet:
    """Questions of a run without an act and with it."""

    base: Run
    asked: Sequence[tuple[str, str]]

    @cached_property
    def now(self) -> Questions:
        return Questions.of(self.base, self.asked)

    @cached_property
    def _places(self) -> tuple[list[int], list[int]]:
        names = [rule.name for rule in self.base.inputs.rules]
        return (
            [names.index(target) for target, _ in self.asked],
            [milestone_day(self.base, milestone) for _, milestone in self.asked],
        )

    def _asked(self, values: Floats) -> Floats:
        """Values of the questions, (draw, question), of those by target and day."""
        targets, days = self._places
        return values[:, targets, days]

    @cached_property
    def _factors(self) -> dict[FutureAct, Floats]:
        """What each act of conflict of the calendar multiplies the chance of nothing by."""
        acts = (act for act in self.base.inputs.calendar if act not in self._calm)
        return {act: self._asked(self.base.chances.factor(act)) for act in acts}

    @cached_property
    def _still(self) -> Floats:
        """Chance of nothing without acts of conflict ahead."""
        return self._asked(self.base.chances.survival(self._calm).values)

    @cached_property
    def _calm(self) -> tuple[FutureAct, ...]:
        return tuple(act for act in self.base.inputs.calendar if act.category in COOPERATIVE)

    def conflict(self, act: FutureAct) -> tuple[Questions, Questions]:
        """Without an act of conflict, and with it."""
        without = self.now.ahead
        if act in self._factors:
            without = self._still
            for other, factor in self._factors.items():
                if other is not act:
                    without = without * factor
        sure = without * self._asked(self.base.chances.factor(replace(act, probability=1.0)))
        return replace(self.now, ahead=without), replace(self.now, ahead=sure)

    @cached_property
    def _thin(self) -> tuple[NDArray[np.int64], Chances, Floats]:
        """Positions of a few draws, chances on them, and those of now with the acts of cooperation alone."""
        base = self.base
        rows = thinned(base, _FEW_DRAWS)
        few = replace(base.chances, draws=base.draws.rows(rows))
        return rows, few, self._asked(few.survival(self._calm).values)

    def calming(self, act: FutureAct) -> tuple[Questions, Questions]:
        """Without an act of cooperation, and with it, on a few draws."""
        rows, few, held = self._thin
        stated, ahead = act.probability, self.now.ahead[rows]
        sure = 1.0 if stated < 0.5 else 0.0
        others = tuple(one for one in self._calm if one is not act)
        moved = few.survival((*others, replace(act, probability=1.0)) if sure else others)
        other = ahead * self._asked(moved.values) / np.maximum(held, _LEAST)
        # The chance of nothing is nearly linear in the chance of the act.
        slope = (other - ahead) / (sure - stated)
        few_now = replace(self.now, plain=self.now.plain[rows])
        without, with_it = (np.clip(ahead + (end - stated) * slope, 0.0, 1.0) for end in (0.0, 1.0))
        return replace(few_now, ahead=without), replace(few_now, ahead=with_it)
