"""Records with their priors: one of everything, odd ones, the worked case; and draws whose chains die out."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config import load_config
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.table import Event, EventTable
from forecast.grid import TimeGrid
from forecast.models.draws import prior_draws, stream_draws
from forecast.priors.population import record_priors
from forecast.runs.inputs import read_data
from forecast.streams import acts_of, stream_layout
from forecast.targets import ActClass, Reaction, TargetRule

START, DAYS = date(2020, 1, 1), 401
ORIGIN = START + timedelta(days=DAYS)
GRID = TimeGrid(START, ORIGIN)
CONFLICT = tuple(CONFLICTUAL)
TARGETS = (
    TargetRule("grave", CONFLICT, 4),
    TargetRule("incident", ("military_incident",), 4),
    TargetRule("drills", ("military_posture",), 3, ("BBB",)),
    TargetRule("summit", ("visit",), 4),
)
DYAD = DyadRule(("AAA",), ("BBB",), ("CCC",))
REACTIONS = (
    Reaction(
        "contact",
        "Contacts are answered by drills",
        ActClass("dispute", ("contact*",), by=("AAA",)),
        then=("military_posture",),
        by=("BBB",),
    ),
    Reaction(
        "handover",
        "Handovers are answered gravely",
        None,
        target="grave",
        past=(START + timedelta(days=90), START + timedelta(days=395)),
        ahead=ORIGIN + timedelta(days=12),
        ahead_probability=0.6,
    ),
    Reaction("talks", "Talks end in quarrels", ActClass("visit", ("talks",)), then=("dispute", "sanction")),
)
# Every family of distributions, some mixed within a group.
STATED = {
    "baseline.weekly_rate.grave": "Gamma(2, 4)",
    "baseline.weekly_rate.drills": "HalfNormal(0.5)",
    "tension.scale": "Exponential(1.5)",
    "drift.scale": "Gamma(2, 2)",
    "answers.in_kind.other_side": "Beta(2, 6)",
    "answers.severity": "HalfNormal(0.3)",
    "reaction.number.handover": "Exponential(2)",
    "ballast.visit": "HalfNormal(0.4)",
}
DYING_OUT = {
    "answers.number": "LogNormal(-3.5, 0.4)",
    "answers.severity": "LogNormal(-1.6, 0.4)",
    "answers.gravity": "LogNormal(-2.3, 0.4)",
    "tension.scale": "LogNormal(-1, 0.3)",
    "drift.scale": "LogNormal(-1, 0.3)",
}
"""Priors under which chains of acts end, in a record in which every fifth act is grave."""


def event(number, day, initiator, recipient, category, severity, subcategory=""):
    on = START + timedelta(days=int(day))
    return Event(
        id=f"e{number:04}",
        date=on,
        known_date=on,
        initiator=initiator,
        recipient=recipient,
        category=str(category),
        severity=int(severity),
        subcategory=subcategory,
    )


def random_record(seed, n=120, days=DAYS, sides=("AAA", "BBB"), third="CCC", categories=None, order=None):
    """Acts at random of all kinds, some by a third party, some of the classes that set off reactions.

    ``order``, a permutation, gives rows and ids another order.
    """
    rng = np.random.default_rng(seed)
    kinds = categories or (*CONFLICT, "visit", "cooperation")
    rows = []
    for number in range(n):
        a, b = sides if rng.random() < 0.5 else sides[::-1]
        if third and rng.random() < 0.1:
            a = third
        category = str(rng.choice(kinds))
        named = {"dispute": "contact_visit", "visit": "talks"}.get(category, "")
        name = named if rng.random() < 0.5 else ""
        severity = rng.choice(SEVERITIES, p=(0.3, 0.3, 0.2, 0.15, 0.05))
        rows.append(event(number, rng.integers(days), a, b, category, severity, name))
    if order is not None:
        rows = [replace(rows[place], id=f"e{number:04}") for number, place in enumerate(order)]
    return EventTable.from_events(rows, "a test")


def acts_with_priors(
    events, *, stated=None, reactions=REACTIONS, targets=TARGETS, dyad=DYAD, known=None, grid=GRID
):
    """Acts of a record, and its priors without a population."""
    layout = stream_layout(targets, dyad, reactions, events)
    data = acts_of(events, grid, layout, known)
    return data, record_priors(data, None).changed(stated or {}, "config")


def late(days=DAYS):
    """Share of each day's acts that is known where reports of the last month come late."""
    known = np.ones(days)
    known[-30:] = np.linspace(1, 0.3, 30)
    return known


def factor_of(chances, act):
    """What an act ahead multiplies S by, (draw, target, day): chance that it leads to no target."""
    acting = replace(chances, keeps=True)
    quiet = [acting.survival(acts, occasions=False).values for acts in ([act], [])]
    return quiet[0] / quiet[1]


def draws_of(data, priors, n, seed=3):
    return stream_draws(
        data.layout, prior_draws(priors, n, data.grid.n_knots, np.random.default_rng(seed)), priors
    )


@pytest.fixture(scope="session")
def everything():
    """A record with late reports, nested targets, one by a side, one of cooperation, three reactions."""
    return acts_with_priors(random_record(1), known=late(), stated=DYING_OUT)


@pytest.fixture(scope="session")
def records(everything):
    """Records with their priors, by what is special about them."""
    worked = read_data(load_config("configs/us-china-2023.yaml"))
    one_day = EventTable.from_events(
        [event(n, 200, "AAA", "BBB", CONFLICT[n % len(CONFLICT)], 1 + n % 5) for n in range(30)], "a test"
    )
    week = TimeGrid(START, START + timedelta(days=7))
    month = TimeGrid(START, START + timedelta(days=30))
    bare = EventTable.from_events(
        [event(n, 3 * n, *(("AAA", "BBB")[:: (-1) ** n]), "dispute", 1 + n % 5) for n in range(100)], "a test"
    )
    mute = EventTable.from_events([], "a test")
    return {
        "everything": everything,
        "worked case": (worked.data, worked.priors),
        "stated priors": acts_with_priors(random_record(2), known=late(), stated=STATED),
        "no subcategory": acts_with_priors(bare),
        "no reactions": acts_with_priors(random_record(4), reactions=()),
        "silent before": acts_with_priors(
            random_record(4),
            targets=(replace(TARGETS[1], silent_since=date(2001, 3, 1)), TARGETS[2]),
            reactions=(),
        ),
        "no target": acts_with_priors(random_record(4), targets=(), reactions=REACTIONS[:1]),
        "one side": acts_with_priors(random_record(5, sides=("AAA", "AAA"), third="")),
        "one day": acts_with_priors(one_day),
        "a crowded month": acts_with_priors(random_record(6, 5_000, 30), grid=month, known=late(30)),
        "one week": acts_with_priors(random_record(7, 20, 7), grid=week),
        "no act": acts_with_priors(mute),
    }
