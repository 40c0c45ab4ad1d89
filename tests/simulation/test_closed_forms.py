from datetime import timedelta

import numpy as np
import pytest

from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    HALF_SATURATION,
    FutureAct,
    TargetRule,
    drift_knots_for,
    stream_layout,
)
from forecast.simulation import NewTypeEffect, SimulationOptions, probability_curve, simulate_first_passages
from forecast.simulation.play import RATE_CAP

N_DRAWS, N_PATHS = 100, 200
N = N_DRAWS * N_PATHS
DAYS = np.array([1, 3, 4, 5, 11, 12, 30, 75, 100])


def options(horizon_days: int = 100, seed: int = 1) -> SimulationOptions:
    return SimulationOptions(seed=seed, horizon_days=horizon_days, paths_per_draw=N_PATHS)


def one_stream(layout, name: str, value: float, silent: float = 1e-12) -> np.ndarray:
    """A value for one stream, and next to nothing for the others."""
    values = np.full(len(layout.streams), silent)
    values[layout.streams.index(name)] = value
    return values


def half_life(decay: float) -> float:
    """Days after which half is left, where a week leaves this share."""
    return -7 * np.log(2) / np.log(decay)


@pytest.mark.parametrize("past_days", [70, 73, 76], ids=["whole step", "three days in", "one day left"])
def test_a_poisson_process_of_known_rate_is_hit_with_probability_one_minus_exp(
    past_days, any_dispute, quiet_past, draws_with, assert_shares
):
    data = quiet_past(any_dispute, past_days)
    rate = 0.15
    draws = draws_with(
        any_dispute, N_DRAWS, data.grid.n_knots, baseline_weekly_rate=one_stream(any_dispute, "quarrel", rate)
    )
    hits = simulate_first_passages(data, draws, options())
    curve = probability_curve(hits.of("quarrel"), 100)
    assert_shares(curve.probability[DAYS], 1 - np.exp(-rate * DAYS / 7), N)
    assert curve.probability[0] == 0.0


def test_a_target_is_hit_at_the_summed_rate_of_its_cells(
    nested, nested_layout, quiet_past, draws_with, assert_shares
):
    data = quiet_past(nested_layout, 72)
    rates = np.linspace(0.02, 0.2, len(nested_layout.streams))
    draws = draws_with(nested_layout, N_DRAWS, data.grid.n_knots, baseline_weekly_rate=rates)
    hits = simulate_first_passages(data, draws, options(40))
    for rule, meets in zip(nested, nested_layout.meets, strict=True):
        expected = 1 - np.exp(-rates[meets].sum() * 40 / 7)
        assert_shares((hits.of(rule.name) < 40).mean(), expected, N)


@pytest.mark.parametrize("past_days", [70, 73], ids=["whole step", "three days in"])
def test_a_gamma_mixed_process_stays_quiet_with_the_power_law_probability(
    past_days, any_dispute, quiet_past, draws_with, assert_shares
):
    data = quiet_past(any_dispute, past_days)
    rate, shape = 0.4, 0.3
    draws = draws_with(
        any_dispute,
        N_DRAWS,
        data.grid.n_knots,
        baseline_weekly_rate=one_stream(any_dispute, "quarrel", rate),
        overdispersion_shape=shape,
    )
    hits = simulate_first_passages(data, draws, options())
    curve = probability_curve(hits.of("quarrel"), 100)
    rest = 7 * data.grid.n_steps - past_days  # days of the step under way that are left
    lengths = np.array([rest, *[7] * 15])
    starts = np.cumsum(lengths) - lengths
    for day in DAYS:
        # Within a step of share e the gamma multiplier is one, of shape αe: a fraction s of the step is quiet
        # with probability (1+ms/α)^(−αe).
        s = np.clip(day - starts, 0, lengths) / np.maximum(lengths, 1)
        log_quiet = -(shape * lengths / 7 * np.log1p(rate * s / shape)).sum()
        assert_shares(curve.probability[day], 1 - np.exp(log_quiet), N)


@pytest.mark.parametrize("severity", [1, 2, 5])
def test_an_act_ahead_excites_other_kinds_by_its_severity_with_a_kernel_that_sums_to_their_share(
    severity, any_dispute, quiet_past, draws_with, assert_shares
):
    data = quiet_past(any_dispute, 70)
    decay, kappa = 0.6, 0.3
    # Acts that others bring, and hardly any more: rate × share over the mean of conflict in a week, which is
    # half an act over the record.
    brought, mean = 0.5, 0.5 / data.weeks
    draws = draws_with(
        any_dispute,
        N_DRAWS,
        data.grid.n_knots,
        baseline_weekly_rate=one_stream(any_dispute, "quarrel", brought * mean),
        excitation_cross=1 - 1e-9,
        excitation_cross_half_life_days=half_life(decay),
        excitation_severity=kappa,
        overdispersion_shape=1e8,
    )
    act = FutureAct(data.grid.origin + timedelta(days=2), "sanction", severity, 1.0)
    # Without chains: a dispute excites as the others do, so only the first one has a closed form.
    hits = simulate_first_passages(data, draws, options(70), [act]).of("quarrel")
    for steps in (1, 2, 3, 10):
        # The act itself falls in the first step and pulls from the second on.
        expected = brought * np.exp(kappa * (severity - 2)) * (1 - decay ** (steps - 1))
        assert_shares((hits < 7 * steps).mean(), 1 - np.exp(-expected), N)


def test_own_excitation_multiplies_a_constant_baseline_as_a_branching_process(
    any_dispute, quiet_past, draws_with
):
    data = quiet_past(any_dispute, 70)
    rate, own, decay = 0.5, 0.6, 0.7
    draws = draws_with(
        any_dispute,
        N_DRAWS,
        data.grid.n_knots,
        baseline_weekly_rate=one_stream(any_dispute, "quarrel", rate),
        excitation_branching=[own, 1e-12],
        excitation_half_life_days=half_life(decay),
        overdispersion_shape=2.0,
    )
    place = any_dispute.streams.index("quarrel")
    acts = {
        steps: simulate_first_passages(data, draws, options(7 * steps)).acts[..., place]
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


def test_one_act_has_the_same_own_excitation_whatever_its_severity(
    any_dispute, quiet_past, draws_with, assert_shares
):
    data = quiet_past(any_dispute, 70)
    own, decay = 0.7, 0.5
    draws = draws_with(
        any_dispute,
        N_DRAWS,
        data.grid.n_knots,
        excitation_branching=[own, 1e-12],
        excitation_half_life_days=half_life(decay),
        excitation_severity=1.0,
    )
    for severity in (1, 5):
        act = FutureAct(data.grid.origin, "dispute", severity, 1.0)
        acts = simulate_first_passages(data, draws, options(14), [act]).acts
        # Acts of the second week: a Poisson number, since those of the first are the act ahead alone.
        happened = acts[..., any_dispute.streams.index("quarrel")] > 0
        assert_shares(happened.mean(), 1 - np.exp(-own * (1 - decay)), N)


def test_recent_cooperation_calms_conflict_by_a_saturating_ballast(
    any_dispute, quiet_past, draws_with, assert_shares
):
    data = quiet_past(any_dispute, 70)
    rate, decay, effects = 0.6, 0.5, {"visit": 1.2, "cooperation": -0.4}
    ballast = [effects.get(name, 0.0) for name in any_dispute.cooperative]
    draws = draws_with(
        any_dispute,
        N_DRAWS,
        data.grid.n_knots,
        baseline_weekly_rate=one_stream(any_dispute, "quarrel", rate),
        ballast=ballast,
        ballast_half_life_days=half_life(decay),
    )
    for category, n_acts, severity in (("visit", 8, 1), ("visit", 8, 5), ("cooperation", 3, 2)):
        acts = [
            FutureAct(data.grid.origin + timedelta(days=1), category, severity, 1.0, label=str(n))
            for n in range(n_acts)
        ]
        hits = simulate_first_passages(data, draws, options(21), acts).of("quarrel")
        recent = n_acts * decay ** np.arange(1, 3)
        calm = np.exp(-effects[category] * recent / (recent + HALF_SATURATION))
        for weeks, expected in ((1, rate), (2, rate * (1 + calm[0])), (3, rate * (1 + calm.sum()))):
            assert_shares((hits < 7 * weeks).mean(), 1 - np.exp(-expected), N)


def test_acts_of_a_new_type_excite_calm_and_meet_targets_as_stated(
    any_dispute, quiet_past, draws_with, assert_shares
):
    data = quiet_past(any_dispute, 70)
    rate, decay, calms, brings = 0.4, 0.6, 0.5, 0.9
    draws = draws_with(
        any_dispute, N_DRAWS, data.grid.n_knots, baseline_weekly_rate=one_stream(any_dispute, "quarrel", rate)
    )
    wide = np.ones(N_DRAWS)
    excites = brings * one_stream(any_dispute, "quarrel", 1.0, 0.0) * wide[:, None]
    types = {
        "shock": NewTypeEffect(excites, 0 * wide, decay * wide),
        "truce": NewTypeEffect(0 * excites, calms * wide, decay * wide),
        "raid": NewTypeEffect(0 * excites, 0 * wide, decay * wide, counts_as="dispute"),
    }
    day = data.grid.origin + timedelta(days=3)

    def hits(name: str, severity: int = 1):
        act = FutureAct(day, name, severity, 1.0)
        return simulate_first_passages(data, draws, options(28), [act], types).of("quarrel")

    left = decay ** np.arange(3)  # of the act, in the weeks after its own
    for weeks in (1, 2, 4):
        excited = rate * weeks + brings * (1 - decay) * left[: weeks - 1].sum()
        assert_shares((hits("shock") < 7 * weeks).mean(), 1 - np.exp(-excited), N)
        calmed = rate * (1 + np.exp(-calms * left[: weeks - 1]).sum())
        assert_shares((hits("truce") < 7 * weeks).mean(), 1 - np.exp(-calmed), N)
    assert hits("raid").max() == 3


def test_tension_is_stationary_and_leaves_the_mean_rate_as_it_is(any_dispute, quiet_past, draws_with):
    # Seen through the counts: E[n] = rate at the knots, and E[n·n'] shows the correlation of two knots.
    data = quiet_past(any_dispute, 7 * 8)
    load, decay, n_draws = 0.5, 0.6, 20_000
    innovations = np.random.default_rng(1).standard_normal((n_draws, data.grid.n_knots))
    draws = draws_with(
        any_dispute,
        n_draws,
        data.grid.n_knots,
        baseline_weekly_rate=one_stream(any_dispute, "quarrel", 1.0),
        tension_scale=load,
        tension_loading=one_stream(any_dispute, "quarrel", 1.0, 0.0),
        tension_persistence=-28 / np.log(decay),
        **{INNOVATIONS: innovations},
    )
    place = any_dispute.streams.index("quarrel")

    def counts_of_step(step: int) -> np.ndarray:
        ahead = step - data.grid.n_steps
        before, after = (
            simulate_first_passages(
                data, draws, SimulationOptions(seed=2, horizon_days=7 * steps, paths_per_draw=2)
            ).acts[:, 0, place]
            for steps in (ahead, ahead + 1)
        )
        return after - before

    def check(values: np.ndarray, expected: float) -> None:
        z = (values.mean() - expected) / (values.std() / np.sqrt(len(values)))
        assert abs(z) < 4.5, f"mean {values.mean():.4f}, expected {expected:.4f}, z {z:.1f}"

    first, half, second = (counts_of_step(step) for step in (40, 42, 44))
    for counts, variance in ((first, 1.0), (half, (1 + decay) / 2), (second, 1.0)):
        check(counts, np.exp(load**2 * (variance - 1) / 2))
    check(first * second, np.exp(load**2 * decay))


def test_drift_goes_on_from_where_the_record_leaves_it(any_dispute, quiet_past, draws_with):
    data = quiet_past(any_dispute, 7 * DRIFT_KNOT_STEPS)
    n_draws, scale = 20_000, 0.6
    # One innovation on the last knot that the record reaches: a ramp from 0 to ``end``.
    innovations = np.zeros((n_draws, drift_knots_for(data.grid.n_knots)))
    innovations[:, 1] = 2.0
    end = scale * np.sqrt(1 - DRIFT_DECAY**2) * 2.0
    draws = draws_with(
        any_dispute,
        n_draws,
        data.grid.n_knots,
        baseline_weekly_rate=one_stream(any_dispute, "quarrel", 1.0),
        drift_scale=scale,
        **{DRIFT_INNOVATIONS: innovations},
    )
    place = any_dispute.streams.index("quarrel")
    steps = np.arange(DRIFT_KNOT_STEPS)
    level = np.log(np.exp(end * steps / DRIFT_KNOT_STEPS).mean())
    variance = scale**2 * (1 - DRIFT_DECAY**2)
    totals = [
        simulate_first_passages(
            data, draws, SimulationOptions(seed=5, horizon_days=7 * weeks, paths_per_draw=2)
        ).acts[:, 0, place]
        for weeks in (1, DRIFT_KNOT_STEPS, DRIFT_KNOT_STEPS + 1)
    ]
    # On its knots: at the first step ahead, and a whole interval of knots later.
    at = [totals[0], totals[2] - totals[1]]
    for counts, centre, spread in zip(at, (end, DRIFT_DECAY * end), (0.0, variance), strict=True):
        expected = np.exp(centre - level + spread / 2)
        z = (counts.mean() - expected) / (counts.std() / np.sqrt(n_draws))
        assert abs(z) < 4.5, f"mean {counts.mean():.4f}, expected {expected:.4f}, z {z:.1f}"


def test_intensities_above_the_cap_are_cut_and_counted(quiet_past, draws_with):
    layout = stream_layout([TargetRule("quarrel", ("dispute",), 1)])
    data = quiet_past(layout, 70)
    rates = one_stream(layout, "quarrel", 5 * RATE_CAP, 1.0)
    draws = draws_with(layout, 20, data.grid.n_knots, baseline_weekly_rate=rates)
    hits = simulate_first_passages(data, draws, options(14))
    assert hits.capped_share == pytest.approx(1 / len(layout.streams))
    mean = hits.acts[..., layout.streams.index("quarrel")].mean() / 2
    assert mean == pytest.approx(RATE_CAP, abs=4.5 * np.sqrt(RATE_CAP / (2 * 20 * N_PATHS)))
    calm = draws_with(layout, 20, data.grid.n_knots, baseline_weekly_rate=1.0)
    assert simulate_first_passages(data, calm, options(14)).capped_share == 0.0
