"""The cluster model: its density is the definition's, its chances are those of played clusters, laws hold."""

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytensor.tensor as pt
import pytest
from pymc.pytensorf import compile as compile_graph
from pytensor.compile.mode import get_mode

from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.table import Event, EventTable
from forecast.panel import TargetRule

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/studies"))

from cluster_model import density
from cluster_model.definition import build_model
from cluster_model.fit import documented_priors, prior_draws
from cluster_model.simulate import simulate
from cluster_model.streams import ActClass, Reaction, Streams, acts_of, own_rates
from cluster_model.survival import ActAhead, survival

START, DAYS = date(2020, 1, 1), 400
CONFLICT = tuple(CONFLICTUAL)
TARGETS = (
    TargetRule("grave", CONFLICT, 4),
    TargetRule("incident", ("military_incident",), 4),
    TargetRule("drills", ("military_posture",), 3, ("BBB",)),
)
DYAD = DyadRule(("AAA",), ("BBB",), ("CCC",))
CONTACT = Reaction("contact", ActClass("dispute", ("contact*",), ("AAA",)), then=("military_posture",), by=1)


def event(number, day, initiator, recipient, category, severity, subcategory=""):
    on = START + timedelta(days=int(day))
    return Event(
        id=f"e{number:04}",
        date=on,
        known_date=on,
        initiator=initiator,
        recipient=recipient,
        category=category,
        severity=int(severity),
        subcategory=subcategory,
    )


def random_record(seed, sides=("AAA", "BBB")):
    rng = np.random.default_rng(seed)
    kinds = (*CONFLICT, "visit", "cooperation")
    rows = []
    for number in range(120):
        a, b = sides if rng.random() < 0.5 else sides[::-1]
        category = str(rng.choice(kinds))
        name = "contact_visit" if category == "dispute" and a == sides[0] and rng.random() < 0.5 else ""
        severity = rng.choice(SEVERITIES, p=(0.3, 0.3, 0.2, 0.15, 0.05))
        rows.append(event(number, rng.integers(DAYS), a, b, category, severity, name))
    return EventTable.from_events(rows, "a test")


@pytest.fixture(scope="module")
def acts():
    streams = Streams(TARGETS, DYAD, (CONTACT,))
    known = np.ones(DAYS)
    known[-30:] = np.linspace(1, 0.3, 30)
    return acts_of(random_record(1), streams, START, START + timedelta(days=DAYS), known)


@pytest.fixture(scope="module")
def priors(acts):
    return documented_priors(acts)


@pytest.fixture(scope="module")
def draws(acts):
    """Parameters under which chains of acts die out, though every fifth act of the record is grave."""
    fewer = {
        density.ANSWERS: (density.LOG_NORMAL, np.log(0.03), 0.5),
        density.SEVERITY: (density.LOG_NORMAL, np.log(0.2), 0.5),
        density.GRAVITY: (density.LOG_NORMAL, np.log(0.1), 0.5),
    }
    return prior_draws(documented_priors(acts, fewer), 4, np.random.default_rng(3), 0.7)


def place(acts, category, side, severity, group=()):
    """Position of the stream of an act."""
    (found,) = [
        k
        for k, (stream, held) in enumerate(acts.streams.held.items())
        if (stream.category, stream.side, stream.classes) == (category, side, group)
        and severity in held
        and stream.cell == acts.streams.cell(category, severity, "BBB" if side else "")
    ]
    return found


def test_density_and_gradient_are_those_of_the_definition(acts, priors):
    rng = np.random.default_rng(2)
    size = len(priors.family)
    point = rng.standard_normal(size + priors.n_knots + priors.n_drift_knots)
    point[:size] = priors.value[:, 0] + 0.5 * rng.standard_normal(size)
    gradient = np.empty(len(point))
    value = density.log_density(point, priors, acts.record, gradient)

    groups = [
        np.arange(begin, end) for begin, end in zip(priors.offset, [*priors.offset[1:], size], strict=True)
    ]
    places = {
        f"{name}.{family}": own[priors.family[own] == family]
        for name, own in zip(density.GROUPS, groups, strict=True)
        for family in np.unique(priors.family[own])
    } | {
        "tension_innovations": np.arange(size, size + priors.n_knots),
        "drift_innovations": np.arange(size + priors.n_knots, len(point)),
    }
    model = build_model(acts.record, priors)
    names = {name: name.removesuffix("_log__").removesuffix("_logodds__") for name in model.initial_point()}
    given = {name: point[places[own]] for name, own in names.items()}
    total = pt.stack([term.sum() for term in model.logp(sum=False)]).sum()
    outputs = [total, pt.concatenate([pt.atleast_1d(one) for one in pt.grad(total, model.value_vars)])]
    # Sums of more than 32 terms, which flattening makes, need a compiler.
    plain = get_mode("FAST_COMPILE").excluding("canonicalize", "add_mul_fusion", "fusion")
    evaluate = compile_graph(model.value_vars, outputs, mode=plain)
    expected, slopes = evaluate(*(given[one.name] for one in model.value_vars))
    order = np.concatenate([places[names[one.name]] for one in model.value_vars])
    assert value == pytest.approx(float(expected), rel=1e-9)
    np.testing.assert_allclose(gradient[order], slopes, rtol=1e-8, atol=1e-8 * np.abs(slopes).max())


@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_exact_chances_are_those_of_played_clusters(acts, priors, draws, number):
    days, paths = (7, 30, 60), 300
    ahead = (
        ActAhead(5, place(acts, "dispute", 0, 3, (0,)), 3, 0.7),
        ActAhead(20, place(acts, "military_posture", 1, 2), 2, 0.4, days=10),
    )
    exact = survival(draws[[number]], priors, acts, days, np.random.default_rng(1), futures=500, ahead=ahead)
    played = simulate(draws[number], priors, acts, 60, np.random.default_rng(2), paths=paths, ahead=ahead)
    for q in range(len(TARGETS)):
        met = acts.streams.meets[q]
        first = np.array([min(day[met[stream]], default=1000) for day, stream, _ in played])
        for day in days:
            chance = 1 - exact.at(day)[0, q]
            error = np.sqrt(max(chance * (1 - chance), 1 / paths) / paths)
            assert abs((first <= day).mean() - chance) < 4 * error, (q, day)


def test_without_answers_and_swings_acts_are_poisson(acts, priors):
    point = np.zeros((1, len(priors.family) + priors.n_knots + priors.n_drift_knots))
    point[:, : len(priors.family)] = np.exp(priors.value[:, 0])
    for group in (density.SCALE, density.DRIFT, density.ANSWERS, density.REACTION):
        point[0, priors.offset[group]] = 1e-12
    point[0, priors.offset[density.ANSWERS] + density.OTHER] = 1e-12
    point[0, priors.offset[density.BALLAST] :][: len(acts.record.calming)] = 0.0
    found = survival(point, priors, acts, (10, 200), np.random.default_rng(1), futures=1)
    rate = point[0, : len(acts.streams.streams)] / 7
    for q in range(len(TARGETS)):
        expected = np.exp(-200 * rate[acts.streams.meets[q]].sum())
        assert found.at(200)[0, q] == pytest.approx(expected, rel=1e-9)


def test_the_curve_never_falls_and_a_wider_target_is_never_less_likely(acts, priors, draws):
    found = survival(draws, priors, acts, range(1, 120), np.random.default_rng(1))
    assert (np.diff(found.values, axis=2) <= 0).all()
    assert (found.values[:, 0] <= found.values[:, 1] + 1e-12).all()


def chances_with(acts, priors, draws, category, side, severity, group=()):
    act = ActAhead(3, place(acts, category, side, severity, group), severity)
    found = survival(draws, priors, acts, (30,), np.random.default_rng(1), futures=1, ahead=[act])
    return 1 - found.values[:, :, -1]


def test_no_act_of_conflict_lowers_a_chance_and_a_graver_one_does_no_less(acts, priors, draws):
    base = 1 - survival(draws, priors, acts, (30,), np.random.default_rng(1), futures=1).values[:, :, -1]
    for category in CONFLICT:
        for side in (0, 1):
            before = base
            for severity in SEVERITIES:
                now = chances_with(acts, priors, draws, category, side, severity)
                assert (now >= before - 1e-12).all(), (category, side, severity)
                before = now
    milder = chances_with(acts, priors, draws, "dispute", 0, 2)
    assert (chances_with(acts, priors, draws, "dispute", 0, 2, (0,)) > milder).any()


def test_swapping_the_names_of_the_sides_changes_nothing(priors):
    def value(sides, dyad):
        targets = (TargetRule("grave", CONFLICT, 4),)
        streams = Streams(targets, dyad)
        found = acts_of(random_record(1, sides), streams, START, START + timedelta(days=DAYS))
        own = documented_priors(found)
        order = [(stream.category, stream.side, stream.cell) for stream in streams.streams]
        rates = dict(zip(order, own_rates(found, (0.12, 0.78)), strict=True))
        middle = np.exp(own.value[:, 0])
        middle[own.family == density.NORMAL] = 0.0
        middle = np.concatenate([middle, np.zeros(own.n_knots + own.n_drift_knots)])
        return density.log_likelihood(middle, own, found.record), rates

    (first, rates), (second, swapped) = (
        value(("AAA", "BBB"), DyadRule(("AAA",), ("BBB",))),
        value(("AAA", "BBB"), DyadRule(("BBB",), ("AAA",))),
    )
    assert first == pytest.approx(second, rel=1e-12)
    for (category, side, cell), rate in rates.items():
        assert swapped[category, side if side < 0 else 1 - side, cell] == pytest.approx(rate)


def test_an_act_of_a_third_party_is_of_the_side_opposite_the_one_it_is_aimed_at():
    rows = [event(0, 0, "CCC", "BBB", "dispute", 2), event(1, 1, "CCC", "AAA", "dispute", 2)]
    table = EventTable.from_events(rows, "a test")
    assert Streams(TARGETS, DYAD).sides(table).tolist() == [0, 1]


def test_half_an_act_is_added_to_a_cell_once_and_not_to_each_of_its_streams(acts):
    rates = own_rates(acts, (0.12, 0.78))
    every = acts.streams.streams
    cell = [k for k, one in enumerate(every) if one.cell == () and one.side >= 0]
    weeks = DAYS / 7
    assert sum(rates[k].weekly for k in cell) == pytest.approx((acts.counts[cell].sum() + 0.5) / weeks)
