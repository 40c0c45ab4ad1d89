"""Forward paths from every draw, and the day on which each target first happens.

All targets read the same paths, so that nested targets stay ordered and one array answers every question
about dates. Paths are played by ``forecast.simulation.play``, some on each core.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from forecast.models.density import Record
from forecast.models.draws import StreamDraws, record_of
from forecast.panel.panel import KNOT_STEPS, STEP_DAYS, Panel
from forecast.panel.streams import FutureAct
from forecast.simulation.acts import NewTypeEffect, acts_ahead
from forecast.simulation.first_passages import FirstPassages
from forecast.simulation.options import SimulationOptions, seed_words
from forecast.simulation.play import NEVER, Parameters, play

_NO_NEW_TYPES: Mapping[str, NewTypeEffect] = {}


def simulate_first_passages(
    panel: Panel,
    draws: StreamDraws,
    options: SimulationOptions,
    calendar: Sequence[FutureAct] = (),
    new_types: Mapping[str, NewTypeEffect] = _NO_NEW_TYPES,
    past: Record | None = None,
) -> FirstPassages:
    """Simulate the paths of all dyads; first days of the targets of the panel's layout.

    Parameters
    ----------
    panel : Panel
        The past; paths go on from its origin.
    draws : StreamDraws
        One parameter set a draw and dyad, with knots that cover the past.
    calendar : sequence of FutureAct
        Future acts; each happens on a path with its probability and then acts like any other. Only for a
        panel of one dyad.
    new_types : mapping of str to NewTypeEffect, optional
        What acts of a category that the codebook does not know do, one row a draw.
    past : Record, optional
        In place of the record of the panel's one dyad.

    Raises
    ------
    ValueError
        Future acts in a panel of several dyads.
    """
    if calendar and len(panel) > 1:
        raise ValueError(f"future acts are of one dyad; the panel holds {len(panel)}")
    layout, chosen = panel.layout, options.draws(len(draws))
    shape = len(chosen), options.n_paths
    names = [target.name for target in layout.targets]
    ahead = acts_ahead(calendar, panel.grid.origin, layout, new_types)
    other = options.other
    played = np.ones(shape, dtype=bool) if other is None else other.since < NEVER
    row, path = (place.astype(np.int64) for place in np.nonzero(played))
    target = names.index(other.target) if other and other.target else -1
    begins = (panel.grid.first_day(panel.grid.n_steps - 1) - panel.grid.origin).days
    days = np.full((len(panel), len(names), *shape), NEVER, dtype=np.int32)
    acts = np.zeros((len(panel), *shape, len(layout.streams)), dtype=np.int64)
    cores = os.cpu_count() or 1
    cut = np.linspace(0, len(row), min(cores, max(len(row), 1)) + 1).astype(int)
    capped = cells = 0
    for dyad in range(len(panel)):
        parameters, record = _parameters(draws, dyad), past or record_of(panel, dyad)
        words = seed_words(options.seed, dyad)

        def run(
            place: int,
            parameters: Parameters = parameters,
            record: object = record,
            words: NDArray[np.int64] = words,
        ) -> tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]]:
            some = slice(cut[place], cut[place + 1])
            first = np.empty((len(names), len(row[some])), dtype=np.int32)
            happened = np.empty((len(row[some]), len(layout.streams)), dtype=np.int32)
            counted = play(
                parameters,
                record,
                layout.meets,
                ahead,
                words,
                chosen[row[some]],
                path[some],
                begins,
                options.horizon_days,
                target,
                first,
                happened,
            )
            return first, happened, counted

        with ThreadPoolExecutor(max_workers=cores) as pool:
            results = list(pool.map(run, range(len(cut) - 1)))
        days[dyad][:, row, path] = np.concatenate([first for first, _, _ in results], axis=1)
        acts[dyad][row, path] = np.concatenate([happened for _, happened, _ in results])
        capped += sum(one for _, _, (one, _) in results)
        cells += sum(one for _, _, (_, one) in results)
    told = slice(None) if target < 0 else slice(target, target + 1)
    return FirstPassages(
        tuple(names[told]),
        panel.grid.origin,
        days[:, told],
        acts,
        options.horizon_days,
        capped / max(cells, 1),
    )


def _parameters(draws: StreamDraws, dyad: int) -> Parameters:
    streams, own = draws.streams, {name: values[:, dyad] for name, values in draws.variables.items()}
    share = draws.by_stream("excitation_cross", streams.conflict_index)[:, dyad]
    ballast = draws.by_stream("ballast", streams.calming_index)[:, dyad]
    half_lives = ("excitation_half_life_days", "excitation_cross_half_life_days", "ballast_half_life_days")
    decays = [np.exp2(-STEP_DAYS / own[name]) for name in half_lives]
    decays.append(np.exp(-STEP_DAYS * KNOT_STEPS / own["tension_persistence"]))
    each = (
        own["baseline_weekly_rate"],
        share,
        own["tension_loading"] * own["tension_scale"][:, None],
        draws.own[:, dyad],
        own["overdispersion_shape"],
        ballast,
        own["excitation_severity"],
        np.column_stack(decays),
        draws.knots[:, dyad],
        draws.drift[:, dyad],
        own["drift_scale"],
    )
    return Parameters(*(np.ascontiguousarray(values, dtype=np.float64) for values in each))
