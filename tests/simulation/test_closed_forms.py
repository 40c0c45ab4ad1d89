from datetime import timedelta

import numpy as np
import pytest
from forecast.simulation import NewTypeEffect, SimulationOptions, probability_curve, simulate_first_passages
from forecast.simulation.play import RATE_CAP

from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS
from forecast.panel import DRIFT_DECAY, DRIFT_KNOT_STEPS, HALF_SATURATION, FutureAct, drift_knots_for

N_DRAWS, N_PATHS = 100, 200
N = N_DRAWS * N_PATHS
DAYS = np.array([1, 3, 4, 5, 11, 12, 30, 75, 100])


def one_stream(layout, value: float, silent: float = 1e-12) -> np.ndarray:
    """A value for the stream of disputes, and next to nothing for the others."""
    return np.where(np.array(layout.streams) == "quarrel", value, silent)


def half_life(decay: float) -> float:
    """Days after which half is left, where a week leaves this share."""
    return -7 * np.log(2) / np.log(decay)


@pytest.fixture
def plays(any_dispute, quiet_past, draws_with):
    """What draws of known parameters play after a quiet past, for a horizon and acts ahead."""

    def make(rate: float, *, past_days=70, n_draws=N_DRAWS, n_paths=N_PATHS, silent=1e-12, **values):
        data = quiet_past(any_dispute, past_days)
        rates = one_stream(any_dispute, rate, silent)
        draws = draws_with(any_dispute, n_draws, data.grid.n_knots, baseline_weekly_rate=rates, **values)

        def play(horizon_days: int, *acts, types=None):
            options = SimulationOptions(seed=1, horizon_days=horizon_days, paths_per_draw=n_paths)
            ahead = [
                FutureAct(data.grid.origin + timedelta(days=day), kind, severity, 1.0, label=str(n))
                for n, (day, kind, severity) in enumerate(acts)
            ]
            return simulate_first_passages(data, draws, options, ahead, types or {})

        return data, play

    return make


def counted(found, layout):
    return found.acts[..., layout.streams.index("quarrel")]


def assert_mean(values: np.ndarray, expected: float) -> None:
    z = (values.mean() - expected) / (values.std() / np.sqrt(values.size))
    assert abs(z) < 4.5, f"mean {values.mean():.4f}, expected {expected:.4f}, z {z:.1f}"


@pytest.mark.parametrize("past_days", [70, 73, 76], ids=["whole step", "three days in", "one day left"])
@pytest.mark.parametrize(("rate", "shape"), [(0.15, 1e8), (0.4, 0.3)], ids=["Poisson", "gamma-mixed"])
def test_a_mixed_process_of_known_rate_stays_quiet_with_its_probability(
    past_days, rate, shape, plays, assert_shares
):
    data, play = plays(rate, past_days=past_days, overdispersion_shape=shape)
    curve = probability_curve(play(100).of("quarrel"), 100)
    assert curve.probability[0] == 0.0
    rest = 7 * data.grid.n_steps - past_days  # days of the step under way that are left
    lengths = np.array([rest, *[7] * 15])
    starts = np.cumsum(lengths) - lengths
    for day in DAYS:
        # Within a step of share e the gamma multiplier is one, of shape αe: a fraction s of the step is quiet
        # with probability (1+ms/α)^(−αe), which is exp(−mse) for a large shape.
        s = np.clip(day - starts, 0, lengths) / np.maximum(lengths, 1)
        log_quiet = -(shape * lengths / 7 * np.log1p(rate * s / shape)).sum()
        assert_shares(curve.probability[day], 1 - np.exp(log_quiet), N)


def test_a_target_is_hit_at_the_summed_rate_of_its_cells(
    nested, nested_layout, quiet_past, draws_with, assert_shares
):
    data = quiet_past(nested_layout, 72)
    rates = np.linspace(0.02, 0.2, len(nested_layout.streams))
    draws = draws_with(nested_layout, N_DRAWS, data.grid.n_knots, baseline_weekly_rate=rates)
    options = SimulationOptions(seed=1, horizon_days=40, paths_per_draw=N_PATHS)
    hits = simulate_first_passages(data, draws, options)
    for rule, meets in zip(nested, nested_layout.meets, strict=True):
        expected = 1 - np.exp(-rates[meets].sum() * 40 / 7)
        assert_shares((hits.of(rule.name) < 40).mean(), expected, N)


@pytest.mark.parametrize("severity", [1, 2, 5])
def test_an_act_ahead_excites_other_kinds_by_its_severity_with_a_kernel_that_sums_to_their_share(
    severity, plays, assert_shares
):
    decay, kappa = 0.6, 0.3
    # Acts that others bring, and hardly any more: rate × share over the mean of conflict in a week, which is
    # half an act over the record of ten weeks.
    brought, mean = 0.5, 0.5 / 10
    _, play = plays(
        brought * mean,
        excitation_cross=1 - 1e-9,
        excitation_cross_half_life_days=half_life(decay),
        excitation_severity=kappa,
    )
    # Without chains: a dispute excites as the others do, so only the first one has a closed form.
    hits = play(70, (2, "sanction", severity)).of("quarrel")
    for steps in (1, 2, 3, 10):
        # The act itself falls in the first step and pulls from the second on.
        expected = brought * np.exp(kappa * (severity - 2)) * (1 - decay ** (steps - 1))
        assert_shares((hits < 7 * steps).mean(), 1 - np.exp(-expected), N)


def test_own_excitation_multiplies_a_constant_baseline_as_a_branching_process(plays, any_dispute):
    rate, own, decay = 0.5, 0.6, 0.7
    _, play = plays(
        rate,
        excitation_branching=[own, 1e-12],
        excitation_half_life_days=half_life(decay),
        overdispersion_shape=2.0,
    )
    acts = {steps: counted(play(7 * steps), any_dispute) for steps in (1, 5, 40, 60)}
    mean, excitation = 0.0, 0.0
    for step in range(1, 61):
        now = rate + own * excitation
        mean += now
        excitation = decay * excitation + (1 - decay) * now
        if step in acts:
            assert_mean(acts[step], mean)
    assert_mean((acts[60] - acts[40]) / 20, rate / (1 - own))


def test_recent_cooperation_calms_conflict_by_a_saturating_ballast(plays, any_dispute, assert_shares):
    rate, decay, effects = 0.6, 0.5, {"visit": 1.2, "cooperation": -0.4}
    ballast = [effects.get(name, 0.0) for name in any_dispute.cooperative]
    _, play = plays(rate, ballast=ballast, ballast_half_life_days=half_life(decay))
    for category, n_acts, severity in (("visit", 8, 1), ("visit", 8, 5), ("cooperation", 3, 2)):
        hits = play(21, *[(1, category, severity)] * n_acts).of("quarrel")
        recent = n_acts * decay ** np.arange(1, 3)
        calm = np.exp(-effects[category] * recent / (recent + HALF_SATURATION))
        for weeks, expected in ((1, rate), (2, rate * (1 + calm[0])), (3, rate * (1 + calm.sum()))):
            assert_shares((hits < 7 * weeks).mean(), 1 - np.exp(-expected), N)


def test_acts_of_a_new_type_excite_calm_and_meet_targets_as_stated(plays, any_dispute, assert_shares):
    rate, decay, calms, brings = 0.4, 0.6, 0.5, 0.9
    _, play = plays(rate)
    wide = np.ones(N_DRAWS)
    excites = brings * one_stream(any_dispute, 1.0, 0.0) * wide[:, None]
    types = {
        "shock": NewTypeEffect(excites, 0 * wide, decay * wide),
        "truce": NewTypeEffect(0 * excites, calms * wide, decay * wide),
        "raid": NewTypeEffect(0 * excites, 0 * wide, decay * wide, counts_as="dispute"),
    }
    shock, truce, raid = (play(28, (3, name, 1), types=types).of("quarrel") for name in types)
    left = decay ** np.arange(3)  # of the act, in the weeks after its own
    for weeks in (1, 2, 4):
        excited = rate * weeks + brings * (1 - decay) * left[: weeks - 1].sum()
        assert_shares((shock < 7 * weeks).mean(), 1 - np.exp(-excited), N)
        calmed = rate * (1 + np.exp(-calms * left[: weeks - 1]).sum())
        assert_shares((truce < 7 * weeks).mean(), 1 - np.exp(-calmed), N)
    assert raid.max() == 3


def test_tension_is_stationary_and_leaves_the_mean_rate_as_it_is(plays, any_dispute):
    # Seen through the counts: E[n] = rate at the knots, and E[n·n'] shows the correlation of two knots.
    load, decay, n_draws = 0.5, 0.6, 20_000
    n_knots = 3
    data, play = plays(
        1.0,
        past_days=7 * 8,
        n_draws=n_draws,
        n_paths=2,
        tension_scale=load,
        tension_loading=one_stream(any_dispute, 1.0, 0.0),
        tension_persistence=-28 / np.log(decay),
        **{INNOVATIONS: np.random.default_rng(1).standard_normal((n_draws, n_knots))},
    )
    assert data.grid.n_knots == n_knots

    def counts_of_step(step: int) -> np.ndarray:
        weeks = step - data.grid.n_steps
        before, after = (counted(play(7 * n), any_dispute)[:, 0] for n in (weeks, weeks + 1))
        return after - before

    first, half, second = (counts_of_step(step) for step in (40, 42, 44))
    for counts, variance in ((first, 1.0), (half, (1 + decay) / 2), (second, 1.0)):
        assert_mean(counts, np.exp(load**2 * (variance - 1) / 2))
    assert_mean(first * second, np.exp(load**2 * decay))


def test_drift_goes_on_from_where_the_record_leaves_it(plays, any_dispute, quiet_past):
    past_days, n_draws, scale = 7 * DRIFT_KNOT_STEPS, 20_000, 0.6
    # One innovation on the last knot that the record reaches: a ramp from 0 to ``end``.
    n_knots = quiet_past(any_dispute, past_days).grid.n_knots
    innovations = np.zeros((n_draws, drift_knots_for(n_knots)))
    innovations[:, 1] = 2.0
    end = scale * np.sqrt(1 - DRIFT_DECAY**2) * 2.0
    values = {"drift_scale": scale, DRIFT_INNOVATIONS: innovations}
    _, play = plays(1.0, past_days=past_days, n_draws=n_draws, n_paths=2, **values)
    level = np.log(np.exp(end * np.arange(DRIFT_KNOT_STEPS) / DRIFT_KNOT_STEPS).mean())
    variance = scale**2 * (1 - DRIFT_DECAY**2)
    totals = [
        counted(play(7 * weeks), any_dispute)[:, 0] for weeks in (1, DRIFT_KNOT_STEPS, DRIFT_KNOT_STEPS + 1)
    ]
    # On its knots: at the first step ahead, and a whole interval of knots later.
    assert_mean(totals[0], np.exp(end - level))
    assert_mean(totals[2] - totals[1], np.exp(DRIFT_DECAY * end - level + variance / 2))


def test_intensities_above_the_cap_are_cut_and_counted(plays, any_dispute):
    hits = plays(5 * RATE_CAP, n_draws=20, silent=1.0)[1](14)
    assert hits.capped_share == pytest.approx(1 / len(any_dispute.streams))
    mean = counted(hits, any_dispute).mean() / 2
    assert mean == pytest.approx(RATE_CAP, abs=4.5 * np.sqrt(RATE_CAP / (2 * 20 * N_PATHS)))
    assert plays(1.0, n_draws=20, silent=1.0)[1](14).capped_share == 0.0
