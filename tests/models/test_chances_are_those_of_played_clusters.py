"""Exact chances are the shares of played futures in which nothing came."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from forecast.grid import TimeGrid
from forecast.models.density import GROUPS, log_likelihood
from forecast.models.draws import point_layout, prior_arrays, record_of
from forecast.models.survival import Chances, left_of_past
from forecast.sensitivity.waterfall import without_past
from forecast.streams import Acts
from forecast.targets import FutureAct
from tools.studies.simulator import Simulator

from .conftest import DYING_OUT, ORIGIN, draws_of

SETS, HORIZON = 10, 540
SHOWN = (7, 14, 45, 200, 540)
SLOW = pytest.mark.slow


def ahead(day, category, severity, probability=1.0, *, days=1, by="", subcategory=""):
    first = ORIGIN + timedelta(days=day)
    return FutureAct(
        first,
        category,
        severity,
        probability,
        first + timedelta(days=days - 1),
        by=by,
        subcategory=subcategory,
    )


CALENDARS = (
    (),
    (
        ahead(0, "dispute", 3, 0.8, by="AAA", subcategory="contact_visit"),
        ahead(3, "sanction", 3, 0.6, days=9),
        ahead(40, "visit", 3, 0.9, by="BBB", subcategory="talks"),
        ahead(150, "military_posture", 2, 1.0, days=60, by="BBB"),
        ahead(300, "military_incident", 4, 0.3, by="CCC"),
        ahead(530, "dispute", 2, 0.5, days=30),
    ),
    (ahead(5, "visit", 4, 0.25, days=20), ahead(20, "dispute", 5, 0.1), ahead(21, "channel_opening", 2, 0.7)),
)


def played(chances, number, acts, paths, seed, occasions=True):
    """Day of the first act of each stream and severity, (path, k, s); the horizon where there is none."""
    simulator, rng = Simulator(chances, number), np.random.default_rng(seed)
    first = np.full((paths, len(chances.data.layout.kinds), 5), chances.n_days)
    for path in range(paths):
        day, stream, severity = simulator.play(rng, acts, occasions=occasions)
        np.minimum.at(first[path], (stream, severity - 1), day)
    return first


def compare(data, priors, sets, paths):
    """Standardised differences between played and exact chances, (set, target, day); calendars take turns."""
    chances = Chances(data, priors, draws_of(data, priors, sets), HORIZON, seed=5)
    exact = [chances.survival(acts).values for acts in CALENDARS]
    z = np.empty((sets, len(data.layout.targets), len(SHOWN)))
    for d in range(sets):
        number = d % len(CALENDARS)
        first = played(chances, d, CALENDARS[number], paths, d)
        for q, meets in enumerate(data.layout.meets):
            day = first[:, meets].min(axis=(1, 2))
            for place, h in enumerate(SHOWN):
                s = exact[number][d, q, h]
                error = np.sqrt(max(s * (1 - s), 1 / paths) / paths)
                z[d, q, place] = ((day >= h).mean() - s) / error
    return z


def agree(z):
    assert np.abs(z).max() < 4.5, np.argwhere(np.abs(z) >= 4.5)
    # Sets are independent, so that their mean tells a tenth of an error.
    assert np.abs(z.mean(axis=0) * np.sqrt(len(z))).max() < 4


def test_exact_chances_are_those_of_played_futures(everything):
    agree(compare(*everything, SETS, 70))


@SLOW
@pytest.mark.parametrize("name", ["everything", "stated priors", "no subcategory", "one side"])
def test_exact_chances_are_those_of_many_played_futures(records, name):
    data, priors = records[name]
    agree(compare(data, priors.changed(DYING_OUT, "config"), 9, 500))


@pytest.fixture(scope="module")
def chances(everything):
    data, priors = everything
    return Chances(data, priors, draws_of(data, priors, 6), 90, seed=5)


def test_the_chance_of_no_act_of_some_kinds_is_that_of_played_futures(chances):
    """Grave sanctions by anybody, in the first 30 days."""
    layout, paths = chances.data.layout, 400
    acts = np.zeros((len(layout.kinds), 5), dtype=bool)
    acts[[one.category == "sanction" for one in layout.kinds], 2:] = True
    quiet = chances.quiet_of(acts, [30])[..., 0].mean(axis=1)
    z = []
    for d in range(3):
        first = played(chances, d, (), paths, d, occasions=False)
        unseen = first[:, acts].min(axis=1) >= 30
        z.append((unseen.mean() - quiet[d]) / np.sqrt(quiet[d] * (1 - quiet[d]) / paths))
    assert np.abs(z).max() < 4


def test_no_act_that_meets_a_target_is_no_target(chances):
    """Asked by the acts, by the target to the horizon, and by its curve."""
    acts = np.repeat(chances.data.layout.meets[1][:, None], 5, axis=1)
    curve = chances.survival(occasions=False).of("incident")
    np.testing.assert_allclose(chances.quiet_of(acts, [7, 90]).mean(axis=1), curve[:, [7, 90]], rtol=1e-12)
    np.testing.assert_allclose(chances.quiet("incident")[0], curve[:, -1], rtol=1e-12)


def without_past_or_swings(data, priors, n_days):
    """Chances under one draw in which nothing moves rates and nothing is left of the record."""
    draws = draws_of(data, priors, 1, seed=5)
    layout, values = draws.points, draws.values.copy()
    still = {"tension.scale": 1e-9, "drift.scale": 1e-9, "ballast": 0.0, "answers.number": 0.12}
    still |= {"reaction.number": 0.8, "reaction.severity": 0.5, "answers.severity": 0.2}
    for name, value in still.items():
        at = GROUPS.index(name)
        values[0, layout.offset[at] : layout.offset[at] + layout.sizes[at]] = value
    chances = Chances(data, priors, replace(draws, values=values), n_days, seed=1, futures=1)
    chances.__dict__["record"] = without_past(chances.record, data.exposure)
    return chances


def played_records(chances, known, n_records):
    """Records of the days ahead, each with one of which the share ``known`` of each day's acts is left."""
    layout, own, n_days = chances.data.layout, chances.record, chances.n_days
    grid = TimeGrid(chances.data.grid.origin, chances.data.grid.origin + timedelta(days=n_days))
    simulator = Simulator(chances, 0)
    for number in range(n_records):
        rng = np.random.default_rng(number)
        acts = np.array(simulator.play(rng, occasions=False))
        acts = acts[:, np.argsort(acts[0], kind="stable")]
        some = acts[:, rng.random(acts.shape[1]) < known[acts[0]]]
        yield [
            record_of(Acts(grid, layout, *seen, share))._replace(
                severity=own.severity, mix=own.mix, rate_share=own.rate_share
            )
            for seen, share in ((acts, np.ones(n_days)), (some, known))
        ]


def parameters_of(chances, n_days):
    """The draw, and its priors, on the grid of a record of so many days, without swings."""
    points = point_layout(chances.priors, TimeGrid(ORIGIN, ORIGIN + timedelta(days=n_days)).n_knots)
    at = np.zeros(points.n_coordinates)
    at[: points.n_parameters] = chances.draws.values[0, : points.n_parameters]
    return prior_arrays(chances.priors, points), at


def test_acts_still_to_be_reported_are_made_up_for_on_average(everything):
    """What is left of acts at the origin, of whole records and of what is known of them."""
    chances, n_days, n_records = without_past_or_swings(*everything, 60), 60, 150
    known = np.ones(n_days)
    known[-30:] = np.linspace(1, 0.1, 30)
    arrays, at = parameters_of(chances, n_days)
    found = np.array(
        [
            [
                np.concatenate(left_of_past(at, arrays, one, chances.data.layout.sets_off)).sum(axis=1)
                for one in (whole, some, some._replace(completeness=np.ones(n_days)))
            ]
            for whole, some in played_records(chances, known, n_records)
        ]
    )

    found = found[:, :, found[:, 0].sum(axis=0) > 10]  # so that a mean is near normal

    def standardised(record):
        gap = found[:, record] - found[:, 0]
        return gap.mean(axis=0) / gap.std(axis=0, ddof=1) * np.sqrt(n_records)

    assert len(found[0, 0]) > 7
    assert np.abs(standardised(1)).max() < 4.5
    assert np.abs(standardised(1)).mean() < 1.5
    assert standardised(2).mean() < -4  # as if all were known


def test_the_slope_of_the_likelihood_is_zero_on_average_over_played_records(everything):
    """At the parameters that records were played with, each of which is moved by a thousandth either way."""
    chances, n_days, n_records = without_past_or_swings(*everything, 800), 800, 100
    layout = chances.draws.points
    moved = [
        place
        for name, begin, size in zip(GROUPS, layout.offset, layout.sizes, strict=True)
        if name.split(".")[0] in ("baseline", "answers", "follow_on", "reaction")
        for place in range(begin, begin + size)
    ]
    arrays, at = parameters_of(chances, n_days)
    slopes = np.zeros((n_records, len(moved)))
    for number, (record, _) in enumerate(played_records(chances, np.ones(n_days), n_records)):
        for column, place in enumerate(moved):
            around = np.array([at, at])
            around[:, place] *= (1.001, 0.999)
            high, low = log_likelihood(around, arrays, record)
            slopes[number, column] = high - low
    error = slopes.std(axis=0, ddof=1) / np.sqrt(n_records)
    z = slopes.mean(axis=0)[error > 0] / error[error > 0]
    assert len(z) > 30  # all but those of the occasion, of which there is none
    assert np.abs(z).max() < 4
    assert (z**2).mean() < 2
