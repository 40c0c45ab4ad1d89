"""What a page in one file carries of a run: draws enough to weigh, and draws fewer to play forward.

All draws of a run of 4,000 (every so many of a larger one) are carried with each parameter rounded to one of
65,536 places between the lowest and the highest draw, on a scale that has no bounds, and with the first days
of all their paths. Every fourth or so is played forward anew, on its first paths, with the random numbers of
the run; what an engine cannot work out itself is carried: standard normals, rounded, and where tension and
drift stand.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.events.codebook import CATEGORIES, SEVERITIES
from forecast.families.stream_families import StreamModel
from forecast.inference.importance import EFFECTIVE_DRAWS_MIN, PARETO_K_MAX
from forecast.models.draws import DRIFT_DECAY, Floats, StreamDraws
from forecast.panel import panel as steps
from forecast.panel.streams import FutureAct, StreamLayout
from forecast.priors import Distribution, NamedPrior, elements
from forecast.priors.distributions import Support
from forecast.runs.run import Run
from forecast.scenarios.evaluate import parameter_draws
from forecast.scenarios.futures import SCENARIO_PATHS
from forecast.sensitivity.shifts import key_assumptions
from forecast.simulation import options as numbers
from forecast.simulation.paths import MOST_LOG_RATE, RATE_CAP
from forecast.simulation.random_numbers import RandomStreams
from forecast.wording.sensitivity import assumption_label

MOST_DRAWS = 4000
"""Draws that are carried at most: they are weighed by priors."""
PLAYED_DRAWS = 1000
"""Draws about that are played forward anew."""
NORMAL_UNIT = 1 / 4096
"""What carried standard normals are whole multiples of."""
MOST_FIRST_DAYS = 200_000
"""First days, of all targets, draws and paths, that are carried at most: some paths of each draw."""
_PLACES = 65_535
_NEVER = 65_535


@dataclass(frozen=True)
class Kept:
    """Draws that are carried, by their position in the run, the first paths of each, and which are played.

    Every so many of the carried draws are played.
    """

    draws: NDArray[np.int64]
    every: int
    paths: int

    @property
    def played(self) -> NDArray[np.int64]:
        """Positions in the run of the draws that are played forward."""
        return self.draws[:: self.every]


def kept_draws(run: Run) -> Kept:
    """Choose the draws: every so many of each chain, and as many of each."""
    a_chain = run.n_draws // run.n_chains
    stride = -(-run.n_draws // MOST_DRAWS)
    of_chain = stride * np.arange(a_chain // stride)
    draws = (a_chain * np.arange(run.n_chains)[:, None] + of_chain).ravel()
    room = MOST_FIRST_DAYS // (len(draws) * len(run.hits.targets))
    paths = min(max(room, SCENARIO_PATHS), run.simulation.paths_per_draw)
    return Kept(draws, max(1, len(draws) // PLAYED_DRAWS), paths)


def can_be_carried(run: Run) -> bool:
    """Whether the engine of the page can answer for a run: one model of streams answers all targets."""
    return (
        run.forecast.converged
        and "scenarios" in run.inputs.family.abilities
        and len(run.inputs.answering) == 1
        and isinstance(run.inputs.main.model, StreamModel)
        and run.simulation.paths_per_draw >= SCENARIO_PATHS
    )


def packed(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Content and arrays as text: their JSON and bytes, compressed, in base64."""
    places: dict[str, Any] = {}
    blocks: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        block = little.tobytes()
        places[name] = {"type": array.dtype.name, "at": at, "shape": list(array.shape)}
        blocks += [block, bytes(-len(block) % 8)]
        at += len(block) + -len(block) % 8
    said = json.dumps({**content, "arrays": places}, allow_nan=False, separators=(",", ":")).encode()
    said += b" " * (-len(said) % 8)
    whole = b"".join([len(said).to_bytes(8, "little"), said, *blocks])
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode("ascii")


def carried(run: Run) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what the engine needs of a run beside its page model: plain values, and arrays by name."""
    kept = kept_draws(run)
    config, grid = run.inputs.config, run.inputs.data.grid
    layout = run.inputs.data.layout
    plain: dict[str, Any] = {
        "origin": grid.origin.isoformat(),
        "lastDay": max(one.date for one in config.milestones).isoformat(),
        "targets": list(run.hits.targets),
        "rules": [
            {"name": rule.name, "anyOf": list(rule.any_of), "minSeverity": rule.min_severity}
            for rule in run.inputs.rules
        ],
        "calendar": [_act(act) for act in run.inputs.calendar],
        "chains": run.n_chains,
        "every": kept.every,
        "gates": {"k": PARETO_K_MAX, "draws": EFFECTIVE_DRAWS_MIN},
        "layout": _layout(layout),
        "priors": [_prior(place, prior) for place, prior in enumerate(run.inputs.priors.priors.values())],
        "groups": [group.name for group in run.inputs.priors.groups],
        "key": {rule.name: list(key_assumptions(run.inputs, rule.name)) for rule in run.inputs.rules},
        "pastIds": [str(one) for one in run.inputs.events.id],
        "simulation": _simulation(run),
    }
    arrays: dict[str, NDArray[Any]] = {
        "draws": kept.draws.astype(np.uint32),
        **_parameters(run, kept),
        **_first_days(run, kept),
        **_curves(run),
        **_state(run, kept),
    }
    return plain, arrays


def _act(act: FutureAct) -> dict[str, Any]:
    return {
        "date": act.date.isoformat(),
        "until": None if act.until is None else act.until.isoformat(),
        "category": act.category,
        "severity": act.severity,
        "probability": act.probability,
        "label": act.label,
    }


def _layout(layout: StreamLayout) -> dict[str, Any]:
    counted: dict[str, list[int | None]] = {category: [] for category in CATEGORIES}
    for category, severity in product(CATEGORIES, SEVERITIES):
        counted[category].append(layout.stream_of(category, severity))
    return {
        "streams": list(layout.streams),
        "conflict": layout.conflict_index.tolist(),
        "calming": layout.calming_index.tolist(),
        "marked": layout.marked,
        "streamOf": counted,
    }


def _stated(distribution: Distribution) -> list[Any]:
    return [distribution.family, *distribution.values]


def _prior(place: int, prior: NamedPrior) -> dict[str, Any]:
    group, scale = prior.group, prior.group.scale
    return {
        "name": prior.name,
        "label": assumption_label(prior.name),
        "group": group.name,
        "column": place,
        "support": group.support,
        "now": _stated(prior.distribution),
        "words": {word: _stated(one) for word, one in {"default": prior.default, **group.words}.items()},
        "scale": scale.name,
        "falls": scale.falls,
        "lowest": scale.lowest if np.isfinite(scale.lowest) else None,
        "highest": scale.highest if np.isfinite(scale.highest) else None,
    }


def _simulation(run: Run) -> dict[str, Any]:
    grid, options = run.inputs.data.grid, run.simulation
    width, keys = numbers.path_keys(run.n_draws, len(run.inputs.data.layout.streams), options)
    return {
        "horizon": options.horizon_days,
        "firstStepDay": (grid.first_day(0) - grid.origin).days,
        "steps": grid.n_steps,
        "stepDays": steps.STEP_DAYS,
        "knotSteps": steps.KNOT_STEPS,
        "driftKnotSteps": steps.DRIFT_KNOT_STEPS,
        "driftDecay": DRIFT_DECAY,
        "halfSaturation": steps.HALF_SATURATION,
        "severe": steps.SEVERE,
        "severeDecay": float(steps.decay_per_step(steps.SEVERE_HALF_LIFE_DAYS)),
        "rateCap": RATE_CAP,
        "mostLogRate": MOST_LOG_RATE,
        "normalUnit": NORMAL_UNIT,
        "paths": SCENARIO_PATHS,
        "draws": run.n_draws,
        "width": width,
        "keys": [[f"{int(half):016x}" for half in key] for key in keys],
        "purposes": dict(numbers.PURPOSES),
    }


def _parameters(run: Run, kept: Kept) -> dict[str, NDArray[Any]]:
    """Draws of named parameters in whole numbers, shape (parameter, draw), and the ends of their scales."""
    columns, ends = [], []
    for name, prior in run.inputs.priors.priors.items():
        column, low, high = rounded(parameter_draws(run, name)[kept.draws], prior.group.support)
        columns.append(column)
        ends.append((low, high))
    return {"parameters": np.stack(columns), "parameterEnds": np.array(ends)}


def rounded(values: Floats, support: Support) -> tuple[NDArray[np.uint16], float, float]:
    """Places of draws between their lowest and highest, on a scale without bounds, and these two."""
    linked: Floats = {"real": np.asarray, "positive": np.log, "unit": special.logit}[support](values)
    low, high = float(linked.min()), float(linked.max())
    span = high - low or 1.0
    return np.round((linked - low) / span * _PLACES).astype(np.uint16), low, high


def restored(places: NDArray[np.uint16], low: float, high: float, support: Support) -> Floats:
    """Values that the engine reads off places of ``rounded``."""
    linked = low + places * ((high - low or 1.0) / _PLACES)
    return np.asarray({"real": np.asarray, "positive": np.exp, "unit": special.expit}[support](linked))


def _first_days(run: Run, kept: Kept) -> dict[str, NDArray[Any]]:
    hits = run.hits
    days = np.stack([hits.of(name)[kept.draws, : kept.paths] for name in hits.targets])
    arrays: dict[str, NDArray[Any]] = {"firstDay": np.minimum(days, _NEVER).astype(np.uint16)}
    if hits.weights is not None and hits.dispersion is not None:
        # Paths that have met the same targets by the same days share a weight, so there are few.
        values, place = np.unique(hits.weights[kept.draws, : kept.paths], return_inverse=True)
        small = np.uint16 if len(values) <= _PLACES else np.uint32
        arrays["pathWeights"] = values
        arrays["pathWeight"] = place.reshape(len(kept.draws), -1).astype(small)
        arrays["dispersion"] = np.stack([hits.dispersion[name] for name in hits.targets])
    return arrays


def _curves(run: Run) -> dict[str, NDArray[Any]]:
    curves = [run.forecast.target(name).curve for name in run.hits.targets]
    each = [(one.probability, one.lower90, one.upper90) for one in curves]
    return {"curve": np.array(each, dtype=np.float64).round(9)}


def _state(run: Run, kept: Kept) -> dict[str, NDArray[Any]]:
    """What the futures of the played draws go on from, with the carried values of the parameters."""
    panel = run.inputs.data
    last = panel.grid.n_steps - 1
    draws = _played(run, kept)
    begun = (panel.grid.first_day(0) - panel.grid.origin).days
    final = (run.simulation.horizon_days - 1 - begun) // steps.STEP_DAYS
    return {
        "felt": panel.felt_counts[0].astype(np.float64),
        "severePast": panel.reach[0, :, :, steps.SEVERE - 1].sum(axis=1, dtype=np.float64),
        "tension": _sides(draws.knots[:, 0], last, steps.KNOT_STEPS),
        "tensionNormals": _normals(run, kept, last, final, steps.KNOT_STEPS, numbers.PURPOSES["tension"]),
        "drift": _sides(draws.drift_of_record(panel)[:, 0], last, steps.DRIFT_KNOT_STEPS),
        "driftNormals": _normals(run, kept, last, final, steps.DRIFT_KNOT_STEPS, numbers.PURPOSES["drift"]),
    }


def _sides(knots: Floats, last: int, every: int) -> Floats:
    left = last // every
    return np.ascontiguousarray(knots[:, left : left + 2])


def _normals(run: Run, kept: Kept, last: int, final: int, every: int, purpose: int) -> NDArray[np.int16]:
    """Normals of the knots ahead, shape (knot, draw, path), in units of ``NORMAL_UNIT``."""
    options = run.simulation
    width, keys = numbers.path_keys(run.n_draws, len(run.inputs.data.layout.streams), options)
    streams = RandomStreams(keys, width, run.n_draws)
    ahead = range(last // every + 2, final // every + 2)
    drawn = [streams.normal(knot, purpose, SCENARIO_PATHS)[kept.played] for knot in ahead]
    shape = (len(ahead), len(kept.played), SCENARIO_PATHS)
    return np.round(np.array(drawn).reshape(shape) / NORMAL_UNIT).astype(np.int16)


def _played(run: Run, kept: Kept) -> StreamDraws:
    """The played draws, with parameters as the engine reads them."""
    carried_run = run_as_carried(run, kept)
    draws = run.inputs.main.model.draws({name: one[kept.played] for name, one in carried_run.items()})
    assert isinstance(draws, StreamDraws)
    return draws


def run_as_carried(run: Run, kept: Kept) -> dict[str, Floats]:
    """Variables of the run in which the carried draws have the values that the engine reads."""
    variables = {name: np.array(values) for name, values in run.variables.items()}
    priors: Sequence[tuple[str, NamedPrior]] = tuple(run.inputs.priors.priors.items())
    for name, prior in priors:
        support = prior.group.support
        values = restored(*rounded(parameter_draws(run, name)[kept.draws], support), support)
        column = variables[prior.group.variable]
        if prior.element is None:
            column[kept.draws, 0] = values
        else:
            names = elements(prior.group, run.inputs.data.layout)
            column[kept.draws, 0, names.index(prior.element)] = values
    return variables
