"""Sample a posterior with nutpie, check its gates, and sample again, longer, when one fails.

Thresholds of the gates follow Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization,
folding, and localization: an improved R-hat", doi:10.1214/20-BA1221.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from arro3.core import list_flatten
from numpy.typing import NDArray

from forecast.errors import NotConvergedError
from forecast.inference.density import Floats, PosteriorDensity, Scale
from forecast.inference.importance import mixing
from forecast.inference.posterior import POINTS, Posterior, SamplerOptions
from forecast.models import density as core
from forecast.records.forecast import Diagnostics, Gate, GateFailure

Running = Any
"""A sampler of nutpie at work in the background."""

_STATISTICS = ("diverging", "energy", "n_steps", "logp")
_POLL_SECONDS = 0.02
_SCOUT_TUNE, _SCOUT_DRAWS, _SCOUT_POINTS, _SCOUT_DEPTH = 100, 20, 16, 5
"""Warm-up and draws of the chains that find where the posterior lies, points whose curvature is taken, and
how often a draw doubles its path at most: whole paths cost twice as much, for the same scale."""
_LAST_STEPS_SECONDS = 60.0
"""How long to wait for chains that go on after another one failed."""
_TASKS, _WORKER = Path("/proc/self/task"), "nutpie-worker"


class Rerun(NamedTuple):
    """How a model is sampled again: times the draws, warm-up and acceptance at least."""

    stretch: int
    tune: int
    target_accept: float


RERUNS = (Rerun(3, 1000, 0.95), Rerun(8, 2000, 0.98))
"""One after the other, while a gate fails: most failures are chains that are short for their slowest part."""


@dataclass(frozen=True)
class SamplingProgress:
    """Where the chains are: draws done and planned over all chains, divergences so far.

    ``rerun`` counts the times that the model was sampled again, ``failed`` are the gates for which it was.
    """

    finished: int
    planned: int
    divergences: int
    rerun: int = 0
    failed: tuple[Gate, ...] = ()


ProgressListener = Callable[[SamplingProgress], None]


def sample(
    density: PosteriorDensity,
    options: SamplerOptions,
    listen: ProgressListener | None = None,
    *,
    keep_points: bool = False,
) -> xr.DataTree:
    """Run the No-U-Turn sampler; ``listen`` is called a few times a second from the calling thread.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, and with ``keep_points`` also ``POINTS``; dimensions
        (chain, draw, …).

    Raises ``KeyboardInterrupt``: the user stopped it; nothing is kept. ``NotConvergedError``: the sampler
    could not start (no finite starting point), or had not ended in time.
    """
    began = time.monotonic()
    scouts = replace(options, draws=_SCOUT_DRAWS, tune=min(options.tune, _SCOUT_TUNE), target_accept=0.8)
    first, _ = _sample(density, density.sheared, density.starting_point, scouts, began, None, _SCOUT_DEPTH)
    # As far apart as they come: of every chain the same number.
    scale = density.whitened(
        first[:, :: -(-_SCOUT_DRAWS * options.chains // _SCOUT_POINTS)].reshape(-1, first.shape[2])
    )
    starts = first.reshape(-1, first.shape[2])

    def start(seed: int) -> Floats:
        return np.asarray(starts[np.random.default_rng(seed).integers(len(starts))])

    return _extract(density, *_sample(density, scale, start, options, began, listen), keep_points)


def _sample(
    density: PosteriorDensity,
    scale: Scale,
    start: Callable[[int], Floats],
    options: SamplerOptions,
    began: float,
    listen: ProgressListener | None,
    depth: int = 10,
) -> tuple[Floats, dict[str, NDArray[Any]]]:
    """Run the chains on a scale, each from the point that belongs to its seed; see ``_chains``."""
    nutpie = _sampler()

    latest: list[list[Any]] = [[]]
    others = _workers()

    def remember(chains: list[Any]) -> None:
        latest[0] = chains

    try:
        running = nutpie.sample(
            _compiled(density, scale, start),
            draws=options.draws,
            tune=options.tune,
            chains=options.chains,
            seed=options.seed,
            target_accept=options.target_accept,
            maxdepth=depth,
            # Scales from the draws alone: on this posterior half again as many effective draws as from
            # draws and gradients, at the same cost.
            adaptation="draw_diag",
            save_warmup=False,
            progress_bar=False,
            return_raw_trace=True,
            progress_callback=remember if listen else None,
            blocking=False,
        )
        try:
            while not _is_finished(running):
                time.sleep(_POLL_SECONDS)
                if options.max_minutes is not None and time.monotonic() - began > 60 * options.max_minutes:
                    raise NotConvergedError(
                        f"the sampler had not ended after {options.max_minutes:g} minutes and was stopped. "
                        "Give it more (sampler.max_minutes), fewer draws, or a coarser record: thin the "
                        "events of a feed, or begin later (events.start)"
                    )
                if listen and latest[0]:
                    listen(_progress(latest[0]))
            return _chains(running.wait())
        except BaseException:
            running.cancel()
            _await_workers(others)
            raise
    except RuntimeError as error:
        raise NotConvergedError(
            f"the sampler could not run: {str(error).splitlines()[0]}. Check the priors with "
            "'forecast check': they may rule out the data. Of a feed with thousands of events a week keep "
            "fewer ('forecast events import' has --min-sources)"
        ) from error


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        return getattr(importlib.import_module(self.__name__), name)


def _sampler() -> ModuleType:
    """Return nutpie, imported when it is needed and without what makes a tree of its trace.

    The trace is read as it is. ArviZ takes seconds to import, and pyarrow is as large as all that computes.
    """
    unused = [
        name for name in ("arviz", "pyarrow") if "nutpie" not in sys.modules and name not in sys.modules
    ]
    sys.modules.update({name: _Later(name) for name in unused})
    try:
        return importlib.import_module("nutpie")
    finally:
        for name in unused:
            sys.modules.pop(name, None)


def _await_workers(others: int) -> None:
    # The other chains go on for a while when one fails. A process that ends before them takes their machine
    # code away, and dies by a fault of memory.
    until = time.monotonic() + _LAST_STEPS_SECONDS
    while _workers() > others and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)


def _workers() -> int:
    """Threads of the sampler that are at work; 0 where the system does not tell (all but Linux)."""
    found = 0
    for name in _TASKS.glob("*/comm"):
        with suppress(OSError):
            found += name.read_text().startswith(_WORKER)
    return found


def _is_finished(running: Running) -> bool:
    try:
        return bool(running.is_finished)
    except TimeoutError:  # nutpie's way to say that the chains hold its lock: they are at work
        return False


def _progress(chains: list[Any]) -> SamplingProgress:
    parts = ((chain.finished_draws, chain.total_draws, chain.divergences) for chain in chains)
    finished, planned, divergences = map(sum, zip(*parts, strict=True))
    return SamplingProgress(finished, planned, divergences)


def _compiled(density: PosteriorDensity, scale: Scale, start: Callable[[int], Floats]) -> Any:  # noqa: ANN401
    """Return a density as a model of nutpie, which keeps the points of its draws.

    It calls functions of C, as it does for models of PyMC, so that no chain waits for Python.
    """
    _sampler()
    from nutpie import _lib

    n, fields = density.n_coordinates, density.fields(scale)
    sizes = {"coordinate": n}
    words = core.packed(*fields)
    given = words.ctypes.data, words
    log_density, point = core.functions_of_c()
    # Solved here: the sampler's threads have too small a stack for it.
    back = np.linalg.inv(scale.spread)
    model = _lib.PyMcModel(
        _lib.LogpFunc(log_density.address, *given),
        _lib.ExpandFunc(n, n, point.address, *given),
        _lib.PyVariable.new_variables([POINTS], ["float64"], [(n,)], sizes, {POINTS: ("coordinate",)}),
        n,
        sizes,
        {},
        lambda seed: back @ (start(seed) - scale.center),
        None,
    )

    def sampler(settings: Any, mean: Floats, cores: int, *told: Any) -> Running:  # noqa: ANN401
        return _lib.PySampler.from_pymc(settings, cores, model, *told)

    return SimpleNamespace(n_dim=n, _make_sampler=sampler)


def _chains(trace: Any) -> tuple[Floats, dict[str, NDArray[Any]]]:  # noqa: ANN401 - a trace of nutpie
    """Return points, (chain, draw, coordinate), and statistics, (chain, draw), without the warm-up."""
    points, statistics = [], dict[str, list[NDArray[Any]]]()
    for draws, own in zip(*trace.get_arrow_trace(), strict=True):
        kept = ~own.column("tuning").to_numpy()
        points.append(list_flatten(draws.column(POINTS)).to_numpy().reshape(len(kept), -1)[kept])
        for name in _STATISTICS:
            statistics.setdefault(name, []).append(own.column(name).to_numpy()[kept])
    return np.array(points), {name: np.array(values) for name, values in statistics.items()}


def _extract(
    density: PosteriorDensity, points: Floats, statistics: Mapping[str, NDArray[Any]], keep_points: bool
) -> xr.DataTree:
    posterior = density.dataset(points)
    sample_stats = xr.Dataset(
        {name: (("chain", "draw"), values) for name, values in statistics.items()},
        coords={"chain": posterior["chain"], "draw": posterior["draw"]},
    )
    groups = {"posterior": posterior, "sample_stats": sample_stats}
    if keep_points:
        groups[POINTS] = xr.Dataset({POINTS: (("chain", "draw", "coordinate"), points)})
    return xr.DataTree.from_dict(groups)


def fit(
    density: PosteriorDensity,
    options: SamplerOptions,
    listen: ProgressListener | None = None,
    *,
    reruns: Sequence[Rerun] | None = None,
    keep_points: bool = False,
) -> Posterior:
    """Sample a posterior; with ``keep_points`` the draws on the sampler's scale are kept, too.

    When a gate fails, it is sampled again by ``reruns`` (``RERUNS`` when absent), each time longer and
    with a higher acceptance rate (never lower than asked for); every so many draws are kept, so that their
    number is as asked. The last result is returned; ``check_gates`` says what it is worth.

    Raises ``NotConvergedError`` and ``KeyboardInterrupt`` as ``sample`` does.
    """
    tree = sample(density, options, listen, keep_points=keep_points)
    posterior = Posterior(tree, options.target_accept, options.tune)
    for number, rerun in enumerate(RERUNS if reruns is None else reruns, start=1):
        failures = check_gates(posterior).failures
        if not failures:
            break
        gates = tuple(dict.fromkeys(failure.code for failure in failures))

        def again(now: SamplingProgress, number: int = number, gates: tuple[Gate, ...] = gates) -> None:
            if listen:
                listen(replace(now, rerun=number, failed=gates))

        if listen:
            again(SamplingProgress(0, rerun.stretch * options.draws * options.chains, 0))
        longer = replace(
            options,
            seed=options.seed + number,
            draws=rerun.stretch * options.draws,
            tune=max(options.tune, rerun.tune),
            target_accept=max(options.target_accept, rerun.target_accept),
        )
        tree = _thinned(sample(density, longer, listen and again, keep_points=keep_points), rerun.stretch)
        posterior = Posterior(tree, longer.target_accept, longer.tune, reruns=number)
    return posterior


def _thinned(tree: xr.DataTree, step: int) -> xr.DataTree:
    """Keep every so many draws; statistics stay whole, since the gates on energy and divergences need all."""

    def kept(group: xr.Dataset) -> xr.Dataset:
        some = group.isel(draw=slice(step - 1, None, step))
        return some.assign_coords(draw=np.arange(some.sizes["draw"]))

    groups = {str(name): group.to_dataset() for name, group in tree.children.items()}
    return xr.DataTree.from_dict(
        {name: group if name == "sample_stats" else kept(group) for name, group in groups.items()}
    )


RHAT_MAX = 1.01
ESS_MIN = 400.0
DIVERGENCE_SHARE_MAX = 0.001
BFMI_MIN = 0.3


def check_gates(
    posterior: Posterior, quantities: Mapping[str, NDArray[np.float64]] | None = None
) -> Diagnostics:
    """Check every variable of the posterior and further quantities made from its draws.

    ``quantities`` are values of shape (draw,) by name, chains one after the other: the milestone
    probabilities. One that is the same in all draws (an event that never came up) has no diagnostics.
    """
    monitored = dict(posterior.variables) | dict(quantities or {})
    rhat, bulk, tail = dict[str, float](), dict[str, float](), dict[str, float]()
    for name, values in monitored.items():
        chains = values.reshape(posterior.n_chains, -1, *values.shape[1:])
        if np.ptp(chains) == 0.0:
            continue
        # Shares of few paths take few values: the tail quantiles of such a quantity mean nothing.
        tails = name not in (quantities or {})
        columns = chains.reshape(*chains.shape[:2], -1)
        # A part that stands still divides nothing by nothing; the result, no number, fails the gate.
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.array([mixing(columns[..., k], tails=tails) for k in range(columns.shape[2])])
        rhat[name], bulk[name] = float(found[:, 0].max()), float(found[:, 1].min())
        if tails:
            tail[name] = float(found[:, 2].min())
    energy = np.asarray(posterior.tree["sample_stats"]["energy"].values)
    apart = energy - energy.mean(axis=1, keepdims=True)
    bfmi = float(((np.diff(energy, axis=1) ** 2).sum(axis=1) / (apart**2).sum(axis=1)).min())
    divergences, drawn = posterior.divergences, energy.size
    failures = [
        *_worst("rhat", rhat, RHAT_MAX, above=True),
        *_worst("ess_bulk", bulk, ESS_MIN, above=False),
        *_worst("ess_tail", tail, ESS_MIN, above=False),
    ]
    allowed = DIVERGENCE_SHARE_MAX * drawn
    if divergences > allowed:
        failures.append(GateFailure(code="divergences", value=divergences, limit=allowed))
    if bfmi < BFMI_MIN:
        failures.append(GateFailure(code="bfmi", value=bfmi, limit=BFMI_MIN))
    return Diagnostics(
        rhat_max=rhat[_worst_name(rhat, above=True)],
        ess_bulk_min=bulk[_worst_name(bulk, above=False)],
        ess_tail_min=tail[_worst_name(tail, above=False)],
        divergences=divergences,
        bfmi_min=bfmi,
        failures=tuple(failures),
    )


def _worst_name(values: Mapping[str, float], *, above: bool) -> str:
    # A diagnostic that is no number (a part of a variable stood still) is worse than any number; plain
    # max and min would pass it by or not, depending on the order.
    return max(values, key=lambda name: (np.isnan(values[name]), values[name] if above else -values[name]))


def _worst(gate: Gate, values: Mapping[str, float], limit: float, *, above: bool) -> list[GateFailure]:
    name = _worst_name(values, above=above)
    value = values[name]
    if np.isfinite(value) and (value <= limit if above else value >= limit):
        return []
    return [GateFailure(code=gate, quantity=name, value=value, limit=limit)]
