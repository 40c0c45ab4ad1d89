"""What counting the past cases of a target says: which they are, and a constant rate of the days with one."""

from __future__ import annotations

from datetime import date

import numpy as np

from forecast.baselines.windows import past_events
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.records.forecast import PastCase

MOST_CASES = 10
"""Cases kept by name, the last ones."""


def past_cases(events: EventTable, rule: TargetRule, origin: date, start: date) -> tuple[PastCase, ...]:
    """Return the last events of the record that met a target, in their order.

    ``origin`` is the first day that is not known, ``start`` the first that counts as observed.
    """
    inside = (events.date >= np.datetime64(start, "D")) & (events.date < np.datetime64(origin, "D"))
    met = events.select(np.asarray(inside & rule.mask(events)))
    return tuple(PastCase(event_id=one.id, date=one.date) for one in met.rows())[-MOST_CASES:]


def constant_rate(
    events: EventTable, rule: TargetRule, origin: date, start: date, horizon_days: int
) -> float | None:
    """Probability of a target event within the horizon, had it the same rate on every day.

    1 − exp(−n h / T): n days with a target event in T days of record. Nothing is added to n, so that a reader
    can check it by hand; ``None`` where n is 0.
    """
    past = past_events(events, rule, origin, start)
    days = int(past.first_of_day().sum())
    return float(-np.expm1(-days * horizon_days / past.n_days)) if days else None
