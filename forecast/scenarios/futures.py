"""Futures under a scenario: simulated anew on the random numbers of the run, beside the run's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from forecast.inference.importance import ImportanceWeights
from forecast.models.draws import Floats, stream_draws
from forecast.runs.run import Run
from forecast.scenarios.evaluate import Days, ScenarioDraws
from forecast.scenarios.plan import ScenarioPlan, draw_effects
from forecast.simulation.options import OtherFutures, futures_differ_since
from forecast.simulation.paths import simulate_first_passages

SCENARIO_PATHS = 2
"""Paths a draw that are simulated anew for a paired difference, unless more are asked for."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is computed of a scenario that needs no new fit.

    Parameters
    ----------
    paths : int
        Paths a draw that are simulated anew, at least 2; never more than the run has.
    every : int
        They are simulated from every so many draws.
    target : str, optional
        Nothing is said of other targets; of all when absent.
    """

    paths: int = SCENARIO_PATHS
    every: int = 1
    target: str | None = None


def simulate_plan(
    base: Run,
    plan: ScenarioPlan,
    variables: Mapping[str, Floats],
    effort: Effort | None = None,
) -> dict[str, Days]:
    """First days of each target under a scenario, on the random numbers of the run.

    ``variables`` are draws of the run or of a new fit; all paths of all draws are simulated where no
    ``effort`` is given. A path of the run on which the acts ahead come to the same is the run's.
    """
    options, data = base.simulation, plan.data
    if effort:
        options = replace(options, first_paths=effort.paths, every=effort.every)
    same = variables is base.variables
    if same:
        since = futures_differ_since(data, base.n_draws, options, base.inputs.calendar, plan.acts)
        other = OtherFutures(since, effort.target if effort else None)
        options = replace(options, other=other)
    draws = base.draws
    if not same:
        draws = stream_draws(data.layout, variables, plan.priors)
    past = plan.events.between(data.grid.start, base.inputs.config.as_of)
    effects = draw_effects(plan.types, past, data.layout, len(draws), options.seed)
    hits = simulate_first_passages(data, draws, options, plan.acts, effects)
    if not same:
        return {name: hits.of(name) for name in hits.targets}
    n_paths = since.shape[1]
    run = {name: base.hits.of(name)[:: options.every, :n_paths] for name in hits.targets}
    # A target that was met before nothing else can meet earlier.
    return {name: np.where(since <= days, hits.of(name), days) for name, days in run.items()}


def new_futures(base: Run, plan: ScenarioPlan, effort: Effort) -> Mapping[str, Days]:
    """First days of each target under a scenario of the same draws; empty where no future changes."""
    if not plan.changes_future:
        return {}
    paths = min(effort.paths, base.simulation.paths_per_draw)
    return simulate_plan(base, plan, base.variables, replace(effort, paths=paths))


def scenario_draws(
    base: Run, target: str, found: ImportanceWeights | None, new_days: Days | None, effort: Effort
) -> ScenarioDraws:
    """Put draws, weights and futures of one target under a scenario together."""
    return ScenarioDraws(
        base.hits.of(target),
        found.weights if found else np.full(base.n_draws, 1 / base.n_draws),
        base.simulation.horizon_days,
        new_days,
        base.hits.weights,
        base.hits.dispersion[target] if base.hits.dispersion else None,
        effort.every,
    )


def scenario_shares(base: Run, plan: ScenarioPlan | None, target: str, day: int) -> Floats:
    """Share of each draw's own paths hit before a day in the futures of a scenario, shape (draw,).

    The run's where no future changes. The probability under any weights of the draws is the mean of the
    shares with these weights and those of the run (``FirstPassages.draw_weights``). Single shares can leave
    [0, 1], as in ``ScenarioDraws.by_draw``.
    """
    shares = base.hits.shares_before(target, day)
    effort = Effort(target=target)
    new_days = {} if plan is None else new_futures(base, plan, effort)
    if target not in new_days:
        return shares
    draws = scenario_draws(base, target, None, new_days[target], effort)
    both = draws.simulated_anew
    if both is None:
        return shares
    n_paths = both[0].shape[1]
    weights = (
        np.ones((base.n_draws, n_paths)) if base.hits.weights is None else base.hits.weights[:, :n_paths]
    )
    new, old = ((weights * (days < day)).sum(axis=1) / weights.sum(axis=1) for days in both)
    return np.asarray(new + draws.kept_share[day] * (shares - old))
