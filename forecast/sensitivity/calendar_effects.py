"""What the probability of each act ahead does to a forecast, read off the paths of the run.

Whether an act happens is drawn apart from all else on a path: it is an experiment at random within the
simulation. The difference between the paths on which it happens and those on which it does not is therefore
its effect, and a forecast is linear in its probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day
from forecast.simulation.paths import acts_on_paths


@dataclass(frozen=True)
class CalendarEffect:
    """Effect of one act ahead on the questions asked.

    Parameters
    ----------
    position : int
        Place of the act in the calendar of the run.
    slope, mcse : ndarray, shape (question,)
        Probability if it surely happens minus probability if it surely does not, with its error; zero for
        milestones that come before the act.
    """

    position: int
    slope: Floats
    mcse: Floats


def calendar_effects(base: Run, questions: Sequence[tuple[str, str]]) -> tuple[CalendarEffect, ...]:
    """Measure the acts of the run's calendar on (target, milestone) questions.

    Acts of probability 0 or 1 are left out: no path tells what else would be.
    """
    calendar = base.inputs.calendar
    if not calendar:
        return ()
    data, days = base.inputs.data, [milestone_day(base, milestone) for _, milestone in questions]
    happens = acts_on_paths(data, base.n_draws, base.simulation, calendar)
    hits = [base.first_day[target] < day for (target, _), day in zip(questions, days, strict=True)]
    effects = []
    for position, act in enumerate(calendar):
        if act.probability in (0.0, 1.0):
            continue
        begins = (act.date - data.grid.origin).days
        # Σ(h − q)(y − P) / q(1 − q): unbiased, as q is known; taking P off lowers the variance.
        lean = (happens[position] - act.probability) / (act.probability * (1 - act.probability))
        slopes, errors = np.zeros(len(questions)), np.zeros(len(questions))
        for column, (hit, day) in enumerate(zip(hits, days, strict=True)):
            if begins < day:
                by_draw = (lean * (hit - hit.mean())).mean(axis=1)
                slopes[column] = by_draw.mean()
                errors[column] = monte_carlo_error(by_draw, base.n_chains)
        effects.append(CalendarEffect(position, slopes, errors))
    return tuple(effects)
