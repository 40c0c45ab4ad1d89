"""Past moments of a pair that were like today, by the model's own state, and what followed.

The state has four parts: tension and the level of conflict, which the fit knows best looking back and so are
smoothed; recent acts of conflict, decayed and weighed by severity as the model feels them; and how often the
target had happened until then. The last two use nothing that came later, but for the parameters.
"""

from __future__ import annotations

from datetime import date
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from forecast.baselines import monthly_origins
from forecast.events.table import Event, EventTable
from forecast.models.density import severity_weights
from forecast.models.draws import linear_between, record_of, tension_at_steps
from forecast.panel import DRIFT_KNOT_STEPS, STEP_DAYS, TargetRule, decay_per_step
from forecast.records.explained import Analogue, MomentState, StatePart
from forecast.runs.run import Run

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

MOST_ANALOGUES = 5
FIRST_DAYS = 182
"""Days of record before the first moment that is compared: earlier there is no state to speak of."""
_SMOOTHED = {"tension": True, "drift": True, "conflict": False, "past_cases": False}
_YEAR = 365.25


def find_analogues(base: Run) -> tuple[Analogue, ...]:
    """Find the months most like today with a whole horizon of record after them, the most alike first.

    None begins within the horizon of another: what followed one is not told again for the next. Empty where
    the record is too short.
    """
    inputs, config, grid = base.inputs, base.inputs.config, base.inputs.data.grid
    rule = next(one for one in inputs.rules if one.name == config.headline.target)
    horizon = (config.headline_milestone.date - grid.origin).days
    today = np.datetime64(grid.origin, "D")
    months = _months(grid.start, grid.origin)
    # Of all months with a state: how it spreads is known from those without a whole window after them, too.
    states = _states(base, rule, np.append(months, today))
    spread = states[:-1].std(axis=0) if len(months) > 1 else np.zeros(states.shape[1])
    told = np.flatnonzero(spread > 1e-9)
    complete = np.flatnonzero(months + np.timedelta64(horizon, "D") <= today)
    if horizon < 1 or not len(complete) or not len(told):
        return ()
    apart = (states[:-1] - states[-1])[:, told] / spread[told]
    distance = np.sqrt((apart**2).mean(axis=1))
    chosen: list[int] = []
    for at in complete[np.argsort(distance[complete], kind="stable")]:
        near = (abs((months[at] - months[other]).astype(int)) < horizon for other in chosen)
        if len(chosen) < MOST_ANALOGUES and not any(near):
            chosen.append(int(at))
    names = get_args(StatePart)
    found = []
    for at in chosen:
        case = _first_case(inputs.events, rule, months[at], horizon)
        found.append(
            Analogue(
                day=months[at].item(),
                distance=float(distance[at]),
                closer_than=float((distance > distance[at]).sum() / max(len(months) - 1, 1)),
                state=tuple(
                    MomentState(
                        name=names[part],
                        then=float(states[at, part]),
                        now=float(states[-1, part]),
                        spread=float(spread[part]),
                        smoothed=_SMOOTHED[names[part]],
                    )
                    for part in told
                ),
                horizon_days=horizon,
                happened=case is not None,
                first_case=case.id if case else None,
                after_days=(case.date - months[at].item()).days if case else None,
            )
        )
    return tuple(found)


def _months(start: date, origin: date) -> Days:
    first = np.datetime64(start, "D") + np.timedelta64(FIRST_DAYS, "D")
    last = np.datetime64(origin, "D") - np.timedelta64(1, "D")
    # A month's first day lies in any 31 days.
    if last - first < np.timedelta64(31, "D"):
        return np.array([], dtype="datetime64[D]")
    return monthly_origins(first.item(), last.item())


def _states(base: Run, rule: TargetRule, days: Days) -> Floats:
    """Parts of the state at these days, shape (day, part), in the order of ``StatePart``."""
    data, draws = base.inputs.data, base.draws
    grid = data.grid
    n = grid.n_steps
    since = (days - np.datetime64(grid.start, "D")).astype(np.int64)
    step = np.minimum(since // STEP_DAYS, n - 1)
    tension = tension_at_steps(draws.knots.mean(axis=0), n)
    drift = linear_between(draws.drift.mean(axis=0), np.arange(n), DRIFT_KNOT_STEPS)
    record, own = record_of(data), draws.variables
    came = record.graded @ severity_weights(float(own["excitation_severity"].mean()))
    decay = float(decay_per_step(float(np.median(own["excitation_cross_half_life_days"]))))
    pull = np.zeros(n + 1)
    for t in range(n):
        pull[t + 1] = decay * pull[t] + (1 - decay) * came[t]
    usual = came.sum() / data.weeks
    # What is felt on a day are the whole weeks before it; today, the last week as far as it is known.
    felt = pull[np.where(since >= (n - 1) * STEP_DAYS + 1, n, step)]
    events = base.inputs.events
    target = np.unique(events.date[rule.mask(events) & (events.date >= np.datetime64(grid.start, "D"))])
    cases = np.searchsorted(target, days) / (since / _YEAR)
    return np.column_stack([tension[step], drift[step] - drift.mean(), felt / max(usual, 1e-12), cases])


def _first_case(events: EventTable, rule: TargetRule, day: np.datetime64, horizon: int) -> Event | None:
    inside = (events.date >= day) & (events.date < day + np.timedelta64(horizon, "D"))
    return next(iter(events.select(np.asarray(inside & rule.mask(events))).rows()), None)
