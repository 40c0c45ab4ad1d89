from datetime import date

import numpy as np
import pytest

from forecast.config import load_config
from forecast.events.codebook import CATEGORIES, CONFLICTUAL
from forecast.events.table import EventTable
from forecast.panel import TargetRule, TimeGrid, count_events, stream_layout
from forecast.priors import default_priors
from forecast.runs.inputs import read_data

TARGETS = {
    "nested": (
        TargetRule("crisis", ("military_incident", "military_posture", "sanction"), 4),
        TargetRule("military", ("military_incident", "military_posture"), 4),
        TargetRule("lethal", ("military_incident",), 5),
    ),
    "overlapping": (
        TargetRule("coercion", ("sanction", "military_posture"), 2),
        TargetRule("force", ("military_posture", "military_incident"), 3),
    ),
    "any conflict": (TargetRule("conflict", CONFLICTUAL, 1),),
    "any act": (TargetRule("act", CATEGORIES, 1),),
}
START, WHOLE, CUT = date(2022, 1, 15), date(2022, 12, 31), date(2023, 1, 3)
KNOWN_OF_THE_LAST = (0.95, 0.9, 0.8, 0.6, 0.4, 0.15)
# Every family of distributions, some mixed within a group.
STATED = {
    "baseline.weekly_rate.dispute": "Gamma(2, 4)",
    "baseline.weekly_rate.lethal": "HalfNormal(0.5)",
    "baseline.weekly_rate.visit": "LogNormal(-1, 0.5)",
    "tension.scale": "Exponential(1.5)",
    "drift.scale": "Gamma(2, 2)",
    "excitation.branching.conflict": "Beta(2, 6)",
    "excitation.cross.sanction": "Beta(1.5, 4)",
    "excitation.severity": "HalfNormal(0.3)",
    "overdispersion.shape.cooperation": "Exponential(0.2)",
    "ballast.channel_opening": "HalfNormal(0.4)",
}


def counted(events: EventTable, targets: str, origin: date = WHOLE):
    """Counts of one dyad with its priors."""
    layout = stream_layout(TARGETS[targets])
    return count_events(events, TimeGrid(START, origin), layout), default_priors(layout)


@pytest.fixture(scope="session")
def young(us_china):
    """A short record that ends in a cut week, of whose last acts not all are known yet."""
    layout, grid = stream_layout(TARGETS["nested"]), TimeGrid(date(2022, 5, 4), CUT)
    known = np.ones(grid.n_steps)
    known[-len(KNOWN_OF_THE_LAST) :] = KNOWN_OF_THE_LAST
    return count_events(us_china, grid, layout, known), default_priors(layout)


@pytest.fixture(scope="session")
def records(us_china, young):
    """Records with their priors, by what is special about them."""
    nested, documented = counted(us_china, "nested", CUT)
    worked = read_data(load_config("configs/us-china-2023.yaml"))
    return {
        "worked case": (worked.data, worked.priors),
        "young and cut": young,
        "stated priors": (nested, documented.changed(STATED, "config")),
        "overlapping": counted(us_china, "overlapping"),
        "any conflict": counted(us_china, "any conflict"),
        "any act": counted(us_china, "any act"),
        "no act": counted(EventTable.from_events([], "nothing"), "nested"),
    }
