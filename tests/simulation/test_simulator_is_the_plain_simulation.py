"""The compiled simulator beside the model's equations in plain NumPy, with other random numbers."""

from datetime import date

import numpy as np
import pytest
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages

from forecast.panel import FutureAct, TargetRule

TARGETS = (
    TargetRule("military", ("military_incident", "military_posture"), 3),
    TargetRule("pressure", ("sanction", "military_posture"), 2),
    TargetRule("lethal", ("military_incident",), 5),
)
HORIZON = 130
N_DRAWS, N_PATHS = 3, 10_000
AHEAD = [
    FutureAct(date(2023, 7, 12), "visit", 4, 0.8),
    FutureAct(date(2023, 7, 20), "military_incident", 5, 0.2, date(2023, 8, 20)),
    FutureAct(date(2023, 8, 3), "dispute", 4, 0.6),
]


def half(days):
    return 2.0 ** (-7 / days)


def simulate_plainly(panel, value, rng, acts):
    """Acts by week, (path, week, stream), and first days, (target, path), of one draw."""
    layout, steps = panel.layout, panel.grid.n_steps
    names, conflict = list(layout.streams), np.array(layout.conflictual)
    calming = ~conflict
    weight = np.exp(value["excitation_severity"] * (np.arange(1, 6) - 2.0))
    own_decay, pull_decay, calm_decay = (
        half(value[f"{name}_half_life_days"]) for name in ("excitation", "excitation_cross", "ballast")
    )
    branching = np.where(conflict, *value["excitation_branching"])
    share, ballast = np.zeros(len(names)), np.zeros(len(names))
    share[conflict], ballast[calming] = value["excitation_cross"], value["ballast"]
    loading = value["tension_loading"] * value["tension_scale"]
    phi, psi = np.exp(-28 / value["tension_persistence"]), np.exp(-168 / (4 * 365.25))

    def walk(innovations, decay):
        knots = [innovations[0]]
        for innovation in innovations[1:]:
            knots.append(decay * knots[-1] + np.sqrt(1 - decay**2) * innovation)
        return knots

    tension = [np.full(N_PATHS, x) for x in walk(value["tension_innovations"], phi)]
    drift = [np.full(N_PATHS, z * value["drift_scale"]) for z in walk(value["drift_innovations"], psi)]
    last = steps + HORIZON // 7 + 1
    while len(tension) < last // 4 + 2:
        tension.append(phi * tension[-1] + np.sqrt(1 - phi**2) * rng.standard_normal(N_PATHS))
    while len(drift) < last // 24 + 2:
        noise = value["drift_scale"] * np.sqrt(1 - psi**2) * rng.standard_normal(N_PATHS)
        drift.append(psi * drift[-1] + noise)

    def at(knots, step, every):
        left, part = divmod(step, every)
        return knots[left] * (1 - part / every) + knots[left + 1] * part / every

    exposure = panel.exposure
    level = np.average([np.exp(at(drift, t, 24)[0]) for t in range(steps)], weights=exposure)
    mean = (0.5 + (panel.graded @ weight).sum()) / exposure.sum()

    # Numbers of acts by week, of the record and then of each path, with the weight of its conflict.
    own, calm = np.zeros((N_PATHS, len(names))), np.zeros((N_PATHS, len(names)))
    pull = np.zeros(N_PATHS)
    counted = np.zeros((N_PATHS, HORIZON // 7 + 2, len(names)))
    first = np.full((len(layout.targets), N_PATHS), float(NEVER))
    happens = []
    for act in acts:
        days = (act.until - act.date).days + 1 if act.until else 1
        day = (act.date - panel.grid.origin).days + rng.integers(days, size=N_PATHS)
        happens.append((act, np.where(rng.random(N_PATHS) < act.probability, day, -1)))
    start = (panel.grid.start - panel.grid.origin).days
    for step in range(last):
        begin, end = start + 7 * step, start + 7 * step + 7
        new, weighed = np.zeros((N_PATHS, len(names))), np.zeros(N_PATHS)
        if step < steps:
            new += panel.counts[step]
            weighed += panel.graded[step] @ weight
        open_from = max(begin, 0)
        if open_from < min(end, HORIZON + 7):
            part = (end - open_from) / 7
            rate = value["baseline_weekly_rate"] * (
                (1 - share) * np.exp(np.outer(at(tension, step, 4), loading) - loading**2 / 2)
            )
            rate[:, conflict] *= np.exp(at(drift, step, 24))[:, None] / level
            rate += value["baseline_weekly_rate"] * share * (pull / mean)[:, None] + branching * own
            rate[:, conflict] *= np.exp(-(ballast * calm / (calm + 5)).sum(axis=1))[:, None]
            shape = value["overdispersion_shape"] * part
            fresh = rng.poisson(rng.gamma(shape, rate * part / shape))
            counted[:, (begin + 6) // 7] = fresh
            for q, rows in enumerate(layout.meets):
                n = fresh[:, rows].sum(axis=1)
                for i in np.flatnonzero(n):
                    # The earliest of so many days.
                    first[q, i] = min(
                        first[q, i], open_from + int(rng.random(n[i]).min() * (end - open_from))
                    )
            new += fresh
            weighed += fresh[:, conflict] @ (panel.mix @ weight)[conflict]
            for act, day in happens:
                now = (open_from <= day) & (day < end)
                new[now, layout.stream_of(act.category, act.severity)] += 1
                if act.category not in ("visit", "channel_opening", "cooperation"):
                    weighed[now] += weight[act.severity - 1]
                for q, target in enumerate(layout.targets):
                    if target.meets(act.category, act.severity):
                        first[q, now] = np.minimum(first[q, now], day[now])
        own = own_decay * own + (1 - own_decay) * new
        pull = pull_decay * pull + (1 - pull_decay) * weighed
        calm = calm_decay * (calm + new * calming)
    return counted, first


def weeks_begun(panel):
    """Weeks begun before the horizon, that of the origin first, which the record cuts."""
    begins = (panel.grid.first_day(panel.grid.n_steps - 1) - panel.grid.origin).days
    assert begins < 0
    return len(range(begins, HORIZON, 7))


@pytest.mark.parametrize("acts", [[], AHEAD], ids=["no acts ahead", "acts ahead"])
def test_means_of_acts_and_chances_of_targets_agree(past, from_prior, acts):
    panel = past(TARGETS)
    draws = from_prior(
        panel,
        N_DRAWS,
        ballast="calms strongly",
        excitation__branching="medium",
        excitation__severity="LogNormal(-1.2, 0.2)",
        tension__scale="LogNormal(-0.5, 0.3)",
        drift__scale="LogNormal(-0.3, 0.2)",
        tension__loading="follows",
    )
    options = SimulationOptions(seed=6, horizon_days=HORIZON, paths_per_draw=N_PATHS)
    found = simulate_first_passages(panel, draws, options, acts)
    assert found.capped_share < 1e-4
    days = (3, 4, 10, 25, 60, HORIZON)
    weeks = weeks_begun(panel)
    for d in range(N_DRAWS):
        value = {name: values[d] for name, values in draws.variables.items()}
        counted, first = simulate_plainly(panel, value, np.random.default_rng([7, d]), acts)
        ours, plain = found.acts[d], counted[:, :weeks].sum(axis=1)
        error = np.sqrt((ours.var(axis=0) + plain.var(axis=0)) / N_PATHS) + 1e-9
        z = (ours.mean(axis=0) - plain.mean(axis=0)) / error
        assert np.abs(z).max() < 4.5, dict(zip(panel.layout.streams, z.round(1), strict=True))
        for q, target in enumerate(TARGETS):
            for day in days:
                one, other = (found.day[q, d] < day).mean(), (first[q] < day).mean()
                spread = np.sqrt((one * (1 - one) + other * (1 - other)) / N_PATHS) + 1 / N_PATHS
                assert abs(one - other) < 4.5 * spread, (d, target.name, day, one, other)


def test_the_plain_simulation_sees_a_wrong_parameter(past, from_prior):
    panel = past(TARGETS)
    draws = from_prior(panel, 1, excitation__branching="medium")
    options = SimulationOptions(seed=6, horizon_days=HORIZON, paths_per_draw=N_PATHS)
    ours = simulate_first_passages(panel, draws, options).acts[0].sum(axis=1)
    value = {name: values[0] for name, values in draws.variables.items()}
    value["excitation_branching"] = value["excitation_branching"] * 0.5
    counted, _ = simulate_plainly(panel, value, np.random.default_rng(8), [])
    plain = counted[:, : weeks_begun(panel)].sum(axis=(1, 2))
    z = (ours.mean() - plain.mean()) / np.sqrt((ours.var() + plain.var()) / N_PATHS)
    assert z > 4.5
