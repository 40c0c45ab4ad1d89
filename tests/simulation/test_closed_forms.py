from datetime import timedelta

import numpy as np
import pytest

from forecast.panel.streams import FutureAct, TargetRule
from forecast.simulation import SimulationOptions, probability_curve, simulate_first_passages
from forecast.simulation.paths import RATE_CAP

N_DRAWS, N_PATHS = 100, 200
N = N_DRAWS * N_PATHS
SILENT = -60.0  # log rate of a stream in which nothing happens
DAYS = np.array([1, 3, 4, 5, 11, 12, 30, 75, 100])


def options(horizon_days: int = 100, seed: int = 1) -> SimulationOptions:
    return SimulationOptions(seed=seed, horizon_days=horizon_days, paths_per_draw=N_PATHS)


@pytest.mark.parametrize("past_days", [70, 73, 76], ids=["whole step", "three days in", "one day left"])
def test_a_poisson_process_of_known_rate_is_hit_with_probability_one_minus_exp(
    past_days, layouts, quiet_past, draws_with, target, assert_shares
):
    layout, data = layouts["target"], quiet_past(layouts["target"], past_days)
    rate = 0.15
    draws = draws_with(layout, N_DRAWS, data.grid.n_knots, log_rate=np.log(rate))
    hits = simulate_first_passages(data, draws, [target], options())
    curve = probability_curve(hits.of("military"), 100)
    assert_shares(curve.probability[DAYS], 1 - np.exp(-rate * DAYS / 7), N)
    assert curve.probability[0] == 0.0


@pytest.mark.parametrize("past_days", [70, 73], ids=["whole step", "three days in"])
def test_a_gamma_mixed_process_stays_quiet_with_the_power_law_probability(
    past_days, layouts, quiet_past, draws_with, target, assert_shares
):
    layout, data = layouts["target"], quiet_past(layouts["target"], past_days)
    rate, shape = 0.4, 0.3
    draws = draws_with(layout, N_DRAWS, data.grid.n_knots, log_rate=np.log(rate), shape=shape)
    hits = simulate_first_passages(data, draws, [target], options())
    curve = probability_curve(hits.of("military"), 100)
    rest = 7 * data.grid.n_steps - past_days  # days of the step under way that are left
    lengths = np.array([rest, *[7] * 15])
    starts = np.cumsum(lengths) - lengths
    for day in DAYS:
        # Within a step of share e the gamma multiplier is one, of shape αe: a fraction s of the step is quiet
        # with probability (1+ms/α)^(−αe).
        s = np.clip(day - starts, 0, lengths) / np.maximum(lengths, 1)
        log_quiet = -(shape * lengths / 7 * np.log1p(rate * s / shape)).sum()
        assert_shares(curve.probability[day], 1 - np.exp(log_quiet), N)


def test_severity_thins_the_process(layouts, quiet_past, draws_with, assert_shares):
    layout = layouts["joint"]
    data = quiet_past(layout, 72)
    log_rate = np.full(8, SILENT)
    log_rate[[layout.streams.index("dispute"), layout.streams.index("sanction")]] = np.log([0.9, 0.5])
    level = np.array([0.4, -0.3, -0.8, -1.0])
    kinds = {"stage_2": np.zeros(8), "stage_3": np.zeros(8), "stage_4": np.zeros(8)}
    for name, shift in (("stage_2", -0.5), ("stage_3", 0.7), ("stage_4", 0.4)):
        kinds[name][layout.streams.index("sanction")] = shift
    draws = draws_with(layout, N_DRAWS, data.grid.n_knots, log_rate=log_rate, level=level, **kinds)
    rules = [TargetRule(f"s{level}", ("dispute", "sanction"), level) for level in range(1, 6)]
    rules.append(TargetRule("only", ("sanction",), 4))
    hits = simulate_first_passages(data, draws, rules, options(40))
    passes = {
        kind: np.cumprod([1, *1 / (1 + np.exp(-(level + np.array(shift))))])
        for kind, shift in (("d", [0, 0, 0, 0]), ("s", [-0.5, 0.7, 1.1, 1.1]))
    }
    for rule in rules[:-1]:
        share_d, share_s = passes["d"][rule.min_severity - 1], passes["s"][rule.min_severity - 1]
        expected = 1 - np.exp(-(0.9 * share_d + 0.5 * share_s) * 40 / 7)
        assert_shares((hits.of(rule.name) < 40).mean(), expected, N)
    assert_shares((hits.of("only") < 40).mean(), 1 - np.exp(-0.5 * passes["s"][3] * 40 / 7), N)


def test_an_act_ahead_excites_other_kinds_with_the_kernel_that_sums_to_its_branching_ratio(
    layouts, quiet_past, draws_with, assert_shares
):
    layout = layouts["joint"]
    data = quiet_past(layout, 70)
    cross, decay = np.zeros(8), 0.6
    cross[layout.streams.index("dispute")] = 0.8
    draws = draws_with(layout, N_DRAWS, data.grid.n_knots, log_rate=SILENT, cross=cross, cross_decay=decay)
    act = FutureAct(data.grid.origin + timedelta(days=2), "sanction", 3, 1.0)
    rule = TargetRule("dispute", ("dispute",), 1)
    hits = simulate_first_passages(data, draws, [rule], options(70), [act]).of("dispute")
    for steps in (1, 2, 3, 10):
        # The act itself falls in the first step and pulls from the second on.
        expected = 1 - np.exp(-0.8 * (1 - decay ** (steps - 1)))
        assert_shares((hits < 7 * steps).mean(), expected, N)


def test_own_excitation_multiplies_a_constant_baseline_as_a_branching_process(
    layouts, quiet_past, draws_with, target
):
    layout = layouts["target"]
    data = quiet_past(layout, 70)
    rate, own, decay = 0.5, 0.6, 0.7
    draws = draws_with(
        layout, N_DRAWS, data.grid.n_knots, log_rate=np.log(rate), own=own, own_decay=decay, shape=2.0
    )
    acts = {
        steps: simulate_first_passages(data, draws, [target], options(7 * steps)).acts
        for steps in (1, 5, 40, 60)
    }
    mean, excitation, expected = 0.0, 0.0, {}
    for step in range(1, 61):
        now = rate + own * excitation
        mean += now
        excitation = decay * excitation + (1 - decay) * now
        expected[step] = mean
    for steps, counted in acts.items():
        z = (counted.mean() - expected[steps]) / (counted.std() / np.sqrt(N))
        assert abs(z) < 4.5, f"{steps} steps: mean {counted.mean():.3f}, expected {expected[steps]:.3f}"
    late = (acts[60] - acts[40]) / 20
    stationary = rate / (1 - own)
    assert late.mean() == pytest.approx(stationary, abs=4.5 * late.std() / np.sqrt(N))


def test_tension_is_stationary_with_unit_variance_at_the_knots(layouts, quiet_past, draws_with, target):
    # Seen through the counts: E[n] = exp(μ + load²·v/2), and E[n·n'] shows the correlation of two knots.
    layout = layouts["target"]
    data = quiet_past(layout, 7 * 8)
    load, decay, n_draws = 0.5, 0.6, 20_000
    knots = np.random.default_rng(1).standard_normal((n_draws, data.grid.n_knots))
    draws = draws_with(layout, n_draws, data.grid.n_knots, loading=load, knot_decay=decay, knots=knots)

    def counts_of_step(step: int) -> np.ndarray:
        ahead = step - data.grid.n_steps
        before, after = (
            simulate_first_passages(
                data, draws, [target], SimulationOptions(seed=2, horizon_days=7 * steps, paths_per_draw=2)
            ).acts[0, :, 0, 0]
            for steps in (ahead, ahead + 1)
        )
        return after - before

    def check(values: np.ndarray, expected: float) -> None:
        z = (values.mean() - expected) / (values.std() / np.sqrt(len(values)))
        assert abs(z) < 4.5, f"mean {values.mean():.4f}, expected {expected:.4f}, z {z:.1f}"

    first, half, second = (counts_of_step(step) for step in (40, 42, 44))
    for counts, variance in ((first, 1.0), (half, (1 + decay) / 2), (second, 1.0)):
        check(counts, np.exp(load**2 * variance / 2))
    check(first * second, np.exp(load**2 * (1 + decay)))


def test_intensities_above_the_cap_are_cut_and_counted(layouts, quiet_past, draws_with, target):
    layout = layouts["focused"]
    data = quiet_past(layout, 70)
    log_rate = np.log([5 * RATE_CAP, 1.0, 1.0, 1.0])
    draws = draws_with(layout, 20, data.grid.n_knots, log_rate=log_rate)
    hits = simulate_first_passages(data, draws, [target], options(14))
    assert hits.capped_share == pytest.approx(0.25)
    mean = hits.acts[..., 0].mean() / 2
    assert mean == pytest.approx(RATE_CAP, abs=4.5 * np.sqrt(RATE_CAP / (2 * 20 * N_PATHS)))
    calm = draws_with(layout, 20, data.grid.n_knots, log_rate=0.0)
    assert simulate_first_passages(data, calm, [target], options(14)).capped_share == 0.0
