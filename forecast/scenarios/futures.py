"""Futures under a scenario: simulated anew on the random numbers of the run, beside the run's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast.inference.importance import ImportanceWeights
from forecast.models.draws import Floats, stream_draws
from forecast.panel.streams import FutureAct
from forecast.runs.mixture import Mixture, direct_answers, met_by_themselves
from forecast.runs.run import Run
from forecast.scenarios.evaluate import Days, ScenarioDraws
from forecast.scenarios.plan import ScenarioPlan, draw_effects
from forecast.simulation.first_passages import FirstPassages
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


def simulate_plan(base: Run, plan: ScenarioPlan, effort: Effort) -> dict[str, Days]:
    """First days of each target under a scenario, on the draws and the random numbers of the run.

    A path of the run on which the acts ahead come to the same is the run's.
    """
    data = plan.data
    options = replace(base.simulation, first_paths=effort.paths, every=effort.every)
    since = futures_differ_since(data, base.n_draws, options, base.inputs.calendar, plan.acts)
    options = replace(options, other=OtherFutures(since, effort.target))
    past = plan.events.between(data.grid.start, base.inputs.config.as_of)
    effects = draw_effects(plan.types, past, data.layout, base.n_draws, options.seed)
    hits = simulate_first_passages(data, base.draws, options, plan.acts, effects)
    run = {name: base.hits.of(name)[:: options.every, : effort.paths] for name in hits.targets}
    # A target that was met before nothing else can meet earlier.
    return {name: np.where(since <= days, hits.of(name), days) for name, days in run.items()}


def refitted(base: Run, plan: ScenarioPlan, variables: Mapping[str, Floats]) -> Mixture:
    """Return the forecast of a scenario from the draws of a new fit."""
    inputs, horizon = base.inputs, base.simulation.horizon_days
    hits = _simulated(base, plan, variables, plan.acts)
    direct = base.mixture.direct if not plan.changes_past else direct_answers(inputs, plan.events, horizon)
    if not (plan.acts and inputs.family.direct):
        return Mixture(inputs, direct, hits, acts=plan.acts, types=plan.types)
    plain = _simulated(base, plan, variables, ())
    n_draws = hits.day.shape[2]
    met = met_by_themselves(inputs, plan.acts, plan.types, n_draws, base.simulation)
    return Mixture(inputs, direct, hits, plain, met, plan.acts, plan.types)


def _simulated(
    base: Run, plan: ScenarioPlan, variables: Mapping[str, Floats], acts: Sequence[FutureAct]
) -> FirstPassages:
    layout = plan.data.layout
    draws = stream_draws(layout, variables, plan.priors)
    past = plan.events.between(plan.data.grid.start, base.inputs.config.as_of)
    effects = draw_effects(plan.types, past, layout, len(draws), base.simulation.seed)
    return simulate_first_passages(plan.data, draws, base.simulation, acts, effects if acts else {})


def scenario_draws(
    base: Run, plan: ScenarioPlan, found: ImportanceWeights | None, effort: Effort
) -> dict[str, ScenarioDraws]:
    """Put draws, weights and futures of each target under a scenario of the same draws together.

    With a target asked for, that of targets that it includes comes along: it is never less likely.
    """
    paths = min(effort.paths, base.simulation.paths_per_draw)
    rules = {rule.name: rule for rule in base.inputs.rules}
    asked = [
        name for name, rule in rules.items() if effort.target is None or rules[effort.target].includes(rule)
    ]
    effort = replace(effort, paths=paths, target=asked[0] if len(asked) == 1 else None)
    new_days = simulate_plan(base, plan, effort) if plan.changes_future else {}
    inputs, mixture = base.inputs, base.mixture
    told = bool(inputs.family.direct and (inputs.calendar or plan.acts))
    plain = mixture.plain or mixture.paths
    met: Mapping[str, Days] = {}
    if told:
        some = replace(base.simulation, first_paths=paths, every=effort.every)
        met = met_by_themselves(inputs, plan.acts, plan.types, base.n_draws, some)
        never = mixture.met or met_by_themselves(inputs, (), {}, base.n_draws, base.simulation)
        mixture = replace(mixture, plain=plain, met=never)
    run = {name: mixture.futures(name) for name in asked}
    weights = found.weights if found else np.full(base.n_draws, 1 / base.n_draws)
    return {
        name: ScenarioDraws(
            weights,
            base.simulation.horizon_days,
            run[name],
            run[name].part(effort.every, paths)._replace(first=new_days[name], met=met.get(name))
            if name in new_days
            else None,
            effort.every,
        )
        for name in asked
    }
