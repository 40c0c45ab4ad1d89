"""The curve of late reports: recovered from truncated data, refused without any, one more factor on rates."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from forecast.config import load_config
from forecast.errors import ConfigError, EventError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.grid import (
    LEAST_DELAYED,
    LEAST_DELAYED_SHARE,
    LONGEST_DAYS,
    DelayCurve,
    TimeGrid,
    completeness_of,
    estimate_delay,
    stated_delay,
)
from forecast.inference.sampling import PosteriorDensity
from forecast.models.draws import StreamDraws, record_of
from forecast.models.intensity import intensity
from forecast.priors import default_priors
from forecast.runs.inputs import read_inputs
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule

START = date(2021, 1, 4)
DAYS = 728
TRUTH = stated_delay(0.5, 25.0)
RATE_A_DAY = 0.9


def events_with_delays(coded, seed: int, a_day: float, most: int = 99) -> EventTable:
    """Acts at a steady rate, each known after a delay drawn from the curve (whether by the end or not).

    With at most one act a day the rate is the chance of a day: the target's stream counts a day once.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for happened in (START + timedelta(days=day) for day in range(DAYS)):
        for _ in range(rng.poisson(a_day) if most > 1 else rng.binomial(1, a_day)):
            delay = int(np.searchsorted(TRUTH.known, rng.uniform(), side="right"))
            rows.append((happened, "dispute", 4, happened + timedelta(days=delay)))
    return coded(*rows)


AS_OF = START + timedelta(days=DAYS - 1)


def test_the_curve_is_recovered_from_what_is_known(coded):
    curve = estimate_delay(events_with_delays(coded, 1, 4.0).known_by(AS_OF), AS_OF)
    # Binomial error of a share at about 2,900 acts, times four.
    assert np.abs(curve.after(np.arange(120)) - TRUTH.after(np.arange(120))).max() < 4 * 0.5 / np.sqrt(2800)
    assert curve.mean_days == pytest.approx(TRUTH.mean_days, rel=0.1)
    assert (np.diff(curve.known) >= 0).all()
    assert curve.known[-1] == 1.0


def test_a_plain_histogram_of_delays_would_be_too_short(coded):
    """With as little time behind the acts as their delays are long, only the correction finds the curve."""
    recent = []
    for seed in range(8):
        table = events_with_delays(coded, 100 + seed, 4.0).known_by(AS_OF)
        recent.append(table.select(table.date > np.datetime64(AS_OF - timedelta(days=60), "D")))
    naive = np.mean([np.mean((t.known_date - t.date).astype(int) <= 7) for t in recent])
    corrected = np.mean([estimate_delay(t, AS_OF, longest_days=59).known[7] for t in recent])
    # The curve is conditioned on the longest delay that can be seen.
    truth = TRUTH.known[7] / TRUTH.known[59]
    spread = np.sqrt(truth * (1 - truth) / sum(map(len, recent)))
    assert abs(corrected - truth) < 5 * spread
    assert naive - truth > 5 * spread


def test_a_file_that_records_no_delays_is_refused(us_china):
    with pytest.raises(EventError, match=r"\d+ of \d+ acts known on 2023-07-10 and within \d+ days"):
        estimate_delay(us_china.known_by(date(2023, 7, 10)), date(2023, 7, 10))
    assert (LEAST_DELAYED, LEAST_DELAYED_SHARE) == (50, 0.1)


def test_a_stated_curve_has_its_share_and_its_mean():
    curve = stated_delay(0.6, 5.0)
    assert curve.known[0] == pytest.approx(0.6)
    # 0.4 of the acts with a geometric delay of mean 5; the cut at 180 days takes nothing that is seen.
    assert curve.mean_days == pytest.approx(0.4 * 5.0, rel=1e-6)
    assert len(curve.known) <= LONGEST_DAYS + 1


def test_the_share_of_a_day_is_what_is_known_at_the_end_of_the_grid():
    curve = DelayCurve(np.array([0.2, 0.5, 1.0]), "stated", 0)
    grid = TimeGrid(START, START + timedelta(days=17))
    assert completeness_of(curve, grid) == pytest.approx([1.0] * 15 + [0.5, 0.2])
    assert curve.after(np.array([-1])) == 0.0


def level_at_origin(events: EventTable, curve: DelayCurve | None) -> float:
    """Most probable log rate of the last week, relative to the true one, all parameters but tension known."""
    layout = stream_layout([TargetRule("quarrel", ("dispute",), 4)], DyadRule(("USA",), ("CHN",)))
    grid = TimeGrid(START, AS_OF + timedelta(days=1))
    data = acts_of(events, grid, layout, None if curve is None else completeness_of(curve, grid))
    known = dict.fromkeys(("drift.scale", "answers.number"), "LogNormal(-20, 0.01)")
    known |= {"follow_on.number": "LogitNormal(-20, 0.01)", "ballast": "Normal(0, 0.01)"}
    known |= {"baseline.weekly_rate": "LogNormal(-20, 0.01)", "tension.scale": "LogNormal(0, 0.01)"}
    known |= {f"tension.loading.{name}": "Normal(0, 0.01)" for name in COOPERATIVE}
    known |= {f"tension.loading.{name}": "LogNormal(-20, 0.01)" for name in CONFLICTUAL}
    known |= {"tension.loading.dispute": "LogNormal(0, 0.01)"}
    # The cell is shared by sides and categories; it is that of disputes by side a.
    own = layout.streams.index("dispute.quarrel.USA")
    centre = np.log(7 * RATE_A_DAY / data.rate_shares[own])
    known |= {"baseline.weekly_rate.quarrel": f"LogNormal({centre:.6g}, 0.01)"}
    priors = default_priors(layout).changed(known, "config")
    density = PosteriorDensity.of(data, priors)
    point = density.starting_point(1)
    n = density.layout.n_parameters
    point[:n] = density.arrays.value[:, 0]
    free = slice(n, n + grid.n_knots)
    point[n:] = 0.0

    def negative(innovations):
        point[free] = innovations
        (value,), (gradient,) = density(point[None])
        return -value, -gradient[free]

    point[free] = minimize(negative, np.zeros(grid.n_knots), jac=True, method="L-BFGS-B").x
    draws = StreamDraws(layout, density.layout, density.values(point)[None])
    return float(np.log(intensity(data, priors, draws, 0).total[-1, own] / RATE_A_DAY))


@pytest.mark.slow
def test_the_level_at_the_origin_is_unbiased_with_the_delay_and_biased_without(coded):
    with_delay, without = [], []
    for seed in range(30):
        events = events_with_delays(coded, 200 + seed, RATE_A_DAY, most=1).known_by(AS_OF)
        with_delay.append(level_at_origin(events, TRUTH))
        without.append(level_at_origin(events, None))
    error = np.std(with_delay, ddof=1) / np.sqrt(len(with_delay))
    assert abs(np.mean(with_delay)) < 4 * error
    assert np.mean(without) < -8 * error


CONFIG = """\
name: late
dyad: {a: USA, b: CHN}
as_of: 2023-07-10
events: {source: "bundled:us-china"%s}
targets:
  crisis: {any_of: [sanction], min_severity: 4}
milestones:
  - {name: election, date: 2024-11-05}
sampler: {seed: 7}
"""


@pytest.fixture
def config(tmp_path: Path):
    def write(delay: str):
        path = tmp_path / "case.yaml"
        path.write_text(CONFIG % (f", reporting_delay: {delay}" if delay else ""))
        return path

    return write


def test_a_stated_delay_reaches_the_likelihood_and_without_it_all_is_taken_to_be_known(config):
    inputs = read_inputs(load_config(config("")))
    assert inputs.delay is None
    assert (inputs.data.weekly_completeness == 1).all()
    inputs = read_inputs(load_config(config("{same_day: 0.5, mean_days: 10}")))
    assert inputs.data.weekly_completeness[-1] < 0.7
    np.testing.assert_array_equal(record_of(inputs.data).completeness, inputs.data.completeness)
    assert (inputs.data.weekly_completeness[:-30] == 1).all()


def test_a_delay_that_cannot_be_is_refused(config, refused, snapshot):
    faults = (
        "estimate",
        "{same_day: 1.5, mean_days: 10}",
        "{same_day: 0.5}",
        "{same_day: 0.5, mean_days: 0}",
    )
    faults += ("{same_dya: 0.5, mean_days: 2}",)
    assert refused(lambda delay: load_config(config(delay)), *((one,) for one in faults)) == snapshot


def test_a_backtest_refuses_to_pass_over_the_setting(config):
    from forecast.workflows.backtest_folder import run_backtest

    loaded = load_config(config("{same_day: 0.5, mean_days: 10}"))
    with pytest.raises(ConfigError, match="a backtest does not correct for it"):
        run_backtest(loaded)
