"""A posterior given acts: its density on the sampler's scale, its draws by nutpie, its gates, longer reruns.

A point holds all parameters on a scale without bounds. The density is one function for records of every size
(``forecast.models.density``), compiled once a machine. Thresholds of the gates follow Vehtari, Gelman,
Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding, and localization: an improved R-hat",
doi:10.1214/20-BA1221.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from arro3.core import list_flatten
from numpy.typing import NDArray
from scipy.special import expit, logit

from forecast.errors import NotConvergedError
from forecast.grid import KNOT_STEPS, STEP_DAYS, drift_knots_for
from forecast.inference.importance import chance_of_rhat, mixing
from forecast.inference.posterior import POINTS, Posterior, SamplerOptions
from forecast.models import density as core
from forecast.models.density import Arrays, Priors
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    PointLayout,
    point_layout,
    prior_arrays,
    record_of,
)
from forecast.priors import PriorSet, elements
from forecast.records.forecast import Diagnostics, Gate, GateFailure
from forecast.streams import NO_SIDE, Acts

Floats = NDArray[np.float64]
_JITTER = 0.5
"""How far starting points lie from the middle of the priors, at most, on the sampler's scale."""
_TYPICAL_SWING, _TYPICAL_PERSISTENCE = 0.6, 120.0
"""Scale and days of persistence of tension that points are sheared by."""
_STEP, _LEAST_CURVATURE = 1e-5, 0.3
"""Of differences of gradients; and the least curvature believed, of which a standard normal has 1."""


class Whitening(NamedTuple):
    """A place z stands for the point ``center + spread @ z``; (p,) and (p, p), upper triangular."""

    center: Floats
    spread: Floats


@dataclass(frozen=True)
class PosteriorDensity:
    """Log posterior density of acts under priors, with latent knots for their steps or for more."""

    data: Acts
    priors: PriorSet
    n_knots: int

    @classmethod
    def of(cls, data: Acts, priors: PriorSet, n_knots: int | None = None) -> PosteriorDensity:
        """Return the density with at least the knots that the data need."""
        return cls(data, priors, max(n_knots or 0, data.grid.n_knots))

    @cached_property
    def layout(self) -> PointLayout:
        """Where each variable lies in a point."""
        return point_layout(self.priors, self.n_knots)

    @cached_property
    def arrays(self) -> Priors:
        """The priors as the compiled density reads them."""
        return prior_arrays(self.priors, self.layout)

    @cached_property
    def record(self) -> Arrays:
        """The acts as the compiled density reads them."""
        return record_of(self.data)

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a point."""
        return self.layout.n_coordinates

    def __call__(self, points: Floats) -> tuple[Floats, Floats]:
        """Return values and gradients at points of shape (point, coordinate): (point,), (point, coordinate).

        Where the density is no number, the value is −inf and the gradient 0.
        """
        value, gradient = core.densities(np.ascontiguousarray(points), self.arrays, self.record)
        return np.asarray(value), np.asarray(gradient)

    def words(self, scale: Whitening) -> NDArray[np.int64]:
        """Return all that the sampler's function reads; see ``functions_of_c``."""
        return core.packed(*self.arrays, *self.record, *scale, scale.spread.T)

    @cached_property
    def middle(self) -> Floats:
        """The middle of the priors, a point."""
        middle = np.zeros(self.n_coordinates)
        normal = self.arrays.family <= core.LOGIT_NORMAL
        middle[: self.layout.n_parameters][normal] = self.arrays.value[normal, 0]
        for place in np.flatnonzero(~normal):
            first, second = self.arrays.value[place]
            at = {core.HALF_NORMAL: first, core.EXPONENTIAL: 1 / first}
            middle[place] = np.log(at.get(int(self.arrays.family[place]), first / max(second, 1e-300)))
        return middle

    def starting_point(self, seed: int) -> Floats:
        """Return the middle of the priors, moved at random."""
        return self.middle + np.random.default_rng(seed).uniform(-_JITTER, _JITTER, self.n_coordinates)

    @cached_property
    def sheared(self) -> Whitening:
        """The scale on which a rate of conflict is that of the record at its mean tension.

        That mean raises all of them alike, and the data tell of the sum alone. On this scale chains mix
        twice as fast before anything else is known.
        """
        decay = math.exp(-STEP_DAYS * KNOT_STEPS / _TYPICAL_PERSISTENCE)
        noise, steps = math.sqrt(1 - decay**2), self.data.grid.n_steps
        knots = [core.ornstein_uhlenbeck(innovations, decay, noise) for innovations in np.eye(self.n_knots)]
        mean = [core.between_knots(knot_values, KNOT_STEPS, steps).mean() for knot_values in knots]
        layout, begin = self.data.layout, self.layout.n_parameters
        rates = np.unique(layout.rate_of[[kind.side != NO_SIDE for kind in layout.kinds]])
        spread = np.eye(self.n_coordinates)
        spread[rates[:, None], begin : begin + self.n_knots] = -_TYPICAL_SWING * np.array(mean)
        return Whitening(self.middle, spread)

    def curvatures(self, points: Floats) -> Floats:
        """Return minus the second derivatives of the log density, shape (…, coordinate, coordinate)."""
        found, apart = np.empty((*points.shape, self.n_coordinates)), _STEP * np.eye(self.n_coordinates)
        for place in np.ndindex(points.shape[:-1]):
            point = points[place]
            _, slopes = self(np.concatenate([point[None], point + apart]))
            found[place] = (slopes[0] - slopes[1:]) / _STEP
        return found

    def values(self, points: Floats) -> Floats:
        """Return the parameters at points, shape (point, coordinate)."""
        values = np.asarray(points).copy()
        positive, unit = self._bounded
        values[..., positive] = np.exp(values[..., positive])
        values[..., unit] = expit(values[..., unit])
        return values

    @property
    def _bounded(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Coordinates of parameters above zero, and of those between zero and one."""
        family = self.arrays.family
        unit = np.isin(family, [core.LOGIT_NORMAL, core.BETA])
        return np.flatnonzero(~unit & (family != core.NORMAL)), np.flatnonzero(unit)

    def points(self, variables: Mapping[str, Floats]) -> Floats:
        """Return the points at which the variables are these, shape (…, coordinate)."""
        points = self.layout.joined(variables)
        positive, unit = self._bounded
        points[..., positive] = np.log(points[..., positive])
        points[..., unit] = logit(points[..., unit])
        return points

    def variables(self, points: Floats) -> dict[str, Floats]:
        """Return the model's variables at points, each of shape (point, …)."""
        return self.layout.named(self.values(points))

    def dataset(self, points: Floats) -> xr.Dataset:
        """Return the variables of draws, points of shape (chain, draw, coordinate), with named dimensions.

        Knots beyond the record, on which the data say nothing, are left out.
        """
        chains, draws = points.shape[:2]
        knots = self.data.grid.n_knots
        dims: dict[str, tuple[str, ...]] = {INNOVATIONS: ("knot",), DRIFT_INNOVATIONS: ("drift_knot",)}
        coords: dict[str, Any] = {
            "chain": np.arange(chains),
            "draw": np.arange(draws),
            "knot": np.arange(knots),
            "drift_knot": np.arange(drift_knots_for(knots)),
        }
        for group in self.priors.groups:
            dims[group.name] = () if group.dimension is None else (group.dimension,)
            if group.dimension is not None:
                coords[group.dimension] = list(elements(group, self.priors.layout))
        variables = {}
        for name, values in self.variables(points.reshape(chains * draws, -1)).items():
            if name in (INNOVATIONS, DRIFT_INNOVATIONS):
                values = values[..., : len(coords[dims[name][0]])]
            shaped = values.reshape(chains, draws, *values.shape[1:])
            variables[name] = (("chain", "draw", *dims[name]), shaped)
        used = {name for names, _ in variables.values() for name in names}
        return xr.Dataset(variables, coords={name: values for name, values in coords.items() if name in used})


def whitened(points: Floats, curvatures: Floats) -> Whitening:
    """Return the scale on which the mean curvature of the log density at points, (chain, point), is one.

    The curvature at the mode alone would mislead: scales of tension and drift are far from it.
    """
    values, axes = np.linalg.eigh(_mean_curvature(curvatures))
    inverse = axes / np.maximum(values, _LEAST_CURVATURE) @ axes.T
    center = points.reshape(-1, points.shape[2]).mean(axis=0)
    return Whitening(center, np.linalg.cholesky(inverse[::-1, ::-1])[::-1, ::-1])


def _mean_curvature(curvatures: Floats) -> Floats:
    mean = curvatures.reshape(-1, *curvatures.shape[-2:]).mean(axis=0)
    return np.asarray((mean + mean.T) / 2)


def _log_volume(curvatures: Floats) -> float:
    values = np.linalg.eigvalsh(_mean_curvature(curvatures))
    return -float(np.log(np.maximum(values, _LEAST_CURVATURE)).sum()) / 2


def _spread_out(points: Floats) -> Floats:
    """Return some points of every chain, (chain, point, coordinate), for their curvatures."""
    chains, draws, _ = points.shape
    return points[:, :: -(-chains * draws // _SCOUT_POINTS)]


def in_modes_that_count(log_density: Floats, curvatures: Floats) -> NDArray[np.bool_]:
    """Return which chains are not stuck in a mode of next to no mass, shape (chain,).

    A chain that stays in a mode tells its log mass, as if it were normal: the mean log density, over
    (chain, draw), less half the log determinant of the mean curvature, over (chain, point, …), which few
    draws tell where their covariance would need hundreds. The halves of a chain tell the error.
    """
    halves = (np.array_split(values, 2, axis=1) for values in (log_density, curvatures))
    mass = np.array(
        [
            [logs.mean() + _log_volume(own) for logs, own in zip(*half, strict=True)]
            for half in zip(*halves, strict=True)
        ]
    )
    return np.asarray(mass.max(axis=0) >= mass.min(axis=0).max() + math.log(_LEAST_MASS))


Running = Any
"""A sampler of nutpie at work in the background."""

_STATISTICS = ("diverging", "energy", "n_steps", "logp")
_POLL_SECONDS, _PROGRESS_MS = 0.02, 100
_SCOUT_TUNE, _SCOUT_DRAWS, _SCOUT_POINTS, _SCOUT_DEPTH = 100, 20, 16, 5
"""Warm-up and draws of the chains that find where the posterior lies, points whose curvature is taken, and
how often a draw doubles its path at most: whole paths cost twice as much, for the same scale."""
_LEAST_MASS = 1e-4
"""Share of the posterior, beside the best mode, from which a mode counts. Halves of a chain tell it to some
e±7; modes that held chains fast differed by e¹⁷ and more."""
_MARGIN = 1.5
"""Times the draws that an effective sample size asks for: it is an estimate, and the worst of hundreds."""
_LAST_STEPS_SECONDS = 60.0
"""How long to wait for chains that go on after another one failed."""
_TASKS, _WORKER = Path("/proc/self/task"), "nutpie-worker"


class Rerun(NamedTuple):
    """How a model is sampled again: times the draws at most, warm-up and acceptance at least."""

    stretch: int
    tune: int
    target_accept: float


RERUNS = (Rerun(3, 400, 0.95), Rerun(8, 800, 0.98))
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
    known: Floats | None = None,
    keep_points: bool = False,
) -> xr.DataTree:
    """Run the No-U-Turn sampler; ``listen`` is called a few times a second from the calling thread.

    ``known`` are draws of the posterior, (chain, draw, coordinate), that give scale and starting points;
    without them short chains look for it.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, and with ``keep_points`` also ``POINTS``; dimensions
        (chain, draw, …).

    Raises ``KeyboardInterrupt``: the user stopped it; nothing is kept. ``NotConvergedError``: the sampler
    could not start (no finite starting point), or had not ended in time.
    """
    began, told = time.monotonic(), dict[str, NDArray[Any]]()
    if known is None:
        scouts = replace(options, draws=_SCOUT_DRAWS, tune=min(options.tune, _SCOUT_TUNE), target_accept=0.8)
        place = density.sheared, density.starting_point
        known, told = _sample(density, *place, scouts, began, None, _SCOUT_DEPTH)
    some = _spread_out(known)
    curvatures = density.curvatures(some)
    if told:
        count = in_modes_that_count(told["logp"], curvatures)
        known, some, curvatures = known[count], some[count], curvatures[count]
    scale = whitened(some, curvatures)
    # As far apart as they come: of every chain the same number.
    starts = known.reshape(-1, known.shape[2])

    def start(seed: int) -> Floats:
        return np.asarray(starts[np.random.default_rng(seed).integers(len(starts))])

    return _extract(density, *_sample(density, scale, start, options, began, listen), keep_points)


def _sample(
    density: PosteriorDensity,
    scale: Whitening,
    start: Callable[[int], Floats],
    options: SamplerOptions,
    began: float,
    listen: ProgressListener | None,
    depth: int = 10,
) -> tuple[Floats, dict[str, NDArray[Any]]]:
    """Run the chains on a scale, each from the point that belongs to its seed; see ``_chains``."""
    latest: list[list[Any]] = [[]]
    others = _workers()

    def remember(chains: list[Any]) -> None:
        latest[0] = chains

    try:
        running = _started(density, scale, start, options, depth, remember if listen else None)
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
            running.wait(None)
            return _chains(running.take_results())
        except BaseException:
            running.abort()
            _await_workers(others)
            raise
    except RuntimeError as error:
        raise NotConvergedError(
            f"the sampler could not run: {str(error).splitlines()[0]}. Check the priors with "
            "'forecast check': they may rule out the data. Of a feed with thousands of events a week keep "
            "fewer ('forecast events import' has --min-sources)"
        ) from error


@cache
def _nutpie() -> Any:  # noqa: ANN401 - a module without types
    """Return the compiled half of nutpie.

    The other half, in Python, hands traces to ArviZ, which takes a second to import, and to pyarrow, which
    is as large as all that computes and is not installed. Traces are read here as they are.
    """
    package = find_spec("nutpie")
    spec = package and PathFinder.find_spec("nutpie._lib", package.submodule_search_locations)
    if not spec or not spec.loader:
        raise ImportError("nutpie lacks its compiled half")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        return bool(running.is_finished())
    except TimeoutError:  # nutpie's way to say that the chains hold its lock: they are at work
        return False


def _progress(chains: list[Any]) -> SamplingProgress:
    parts = ((chain.finished_draws, chain.total_draws, chain.divergences) for chain in chains)
    finished, planned, divergences = map(sum, zip(*parts, strict=True))
    return SamplingProgress(finished, planned, divergences)


def _started(
    density: PosteriorDensity,
    scale: Whitening,
    start: Callable[[int], Floats],
    options: SamplerOptions,
    depth: int,
    remember: Callable[[list[Any]], None] | None,
) -> Running:
    """Start the chains in the background, as a model of nutpie, which keeps the points of its draws.

    It calls functions of C, as it does for models of PyMC. Through functions of Python (``from_pyfunc``) the
    same draws take 8.3 in place of 4.9 of the 20 seconds of processor time of a run, since chains wait for
    each other.
    """
    nutpie, n = _nutpie(), density.n_coordinates
    settings = nutpie.PyNutsSettings.Diag(options.seed)
    # Scales from the draws alone: on this posterior half again as many effective draws as from draws and
    # gradients, at the same cost.
    settings.use_grad_based_mass_matrix = False
    settings.update(
        {
            "num_draws": options.draws,
            "num_tune": options.tune,
            "num_chains": options.chains,
            "target_accept": options.target_accept,
            "maxdepth": depth,
        }
    )
    sizes, words = {"coordinate": n}, density.words(scale)
    data = words.ctypes.data, words  # kept with the model
    log_density, point = core.functions_of_c()
    # Solved here: the sampler's threads have too small a stack for it.
    back = np.linalg.inv(scale.spread)
    model = nutpie.PyMcModel(
        nutpie.LogpFunc(log_density.address, *data),
        nutpie.ExpandFunc(n, n, point.address, *data),
        nutpie.PyVariable.new_variables([POINTS], ["float64"], [(n,)], sizes, {POINTS: ("coordinate",)}),
        n,
        sizes,
        {},
        lambda seed: back @ (start(seed) - scale.center),
        None,
    )
    cores = min(options.chains, os.cpu_count() or 1)
    silent, kept = nutpie.ProgressType.none(), nutpie.PyStorage.arrow()
    return nutpie.PySampler.from_pymc(settings, cores, model, silent, remember, _PROGRESS_MS, kept)


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

    When a gate fails, it is sampled again by ``reruns`` (``RERUNS`` when absent): longer by what the worst
    effective sample size lacks, and with a higher acceptance rate (never lower than asked for). It goes on
    from where the draws lie; when chains disagreed, from the modes that count. A result that
    left a part of these by luck is dropped: the draws that failed stand. Every so many draws are kept, so
    that their number is as asked. The last result is returned; ``check_gates`` says what it is worth.

    Raises ``NotConvergedError`` and ``KeyboardInterrupt`` as ``sample`` does.
    """
    tree = sample(density, options, listen, keep_points=True)
    posterior = Posterior(tree, options.target_accept, options.tune)
    for number, rerun in enumerate(RERUNS if reruns is None else reruns, start=1):
        failures = check_gates(posterior).failures
        if not failures:
            break
        gates = tuple(dict.fromkeys(failure.code for failure in failures))

        def again(now: SamplingProgress, number: int = number, gates: tuple[Gate, ...] = gates) -> None:
            if listen:
                listen(replace(now, rerun=number, failed=gates))

        # Divergences ask for no more draws, and chains that disagree for the most.
        short = [one.limit / one.value for one in failures if one.code in ("ess_bulk", "ess_tail")]
        lacks = max(short, default=0.5) if "rhat" not in gates else math.inf
        stretch = math.ceil(min(_MARGIN * lacks, rerun.stretch))
        longer = replace(
            options,
            seed=options.seed + number,
            draws=stretch * options.draws,
            tune=max(options.tune, rerun.tune),
            target_accept=max(options.target_accept, rerun.target_accept),
        )
        again(SamplingProgress(0, longer.draws * options.chains, 0))
        known = np.asarray(tree[POINTS][POINTS].values)
        if "rhat" in gates:
            log_density = np.asarray(tree["sample_stats"]["logp"].values)
            known = known[in_modes_that_count(log_density, density.curvatures(_spread_out(known)))]
        found = sample(density, longer, listen and again, known=known, keep_points=True)
        if not _visited(known, np.asarray(found[POINTS][POINTS].values)):
            posterior = replace(posterior, reruns=number)
            continue
        tree = found
        posterior = Posterior(_thinned(tree, stretch), longer.target_accept, longer.tune, reruns=number)
    if not keep_points:
        posterior = replace(posterior, source=posterior.tree.drop_nodes(POINTS))
    return posterior


def _visited(known: Floats, points: Floats) -> bool:
    """Whether draws reach to where most of each known chain lies; both (chain, draw, coordinate)."""
    low, high = np.quantile(points, [0.005, 0.995], axis=(0, 1))
    lower, upper = np.quantile(known, [0.1, 0.9], axis=1)
    return bool(((lower >= low) & (upper <= high)).all())


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
FALSE_ALARM = 0.001
"""Chance that R-hat fails a sound fit, over all its quantities; some times as much, since effective sample
sizes have errors. With 400 effective draws the R-hat of a sound quantity is above 1.01 every third time, by
the noise of eight half-chains alone."""
ESS_MIN = 400.0
DIVERGENCE_SHARE_MAX = 0.001
BFMI_MIN = 0.3


def check_gates(
    posterior: Posterior, quantities: Mapping[str, NDArray[np.float64]] | None = None
) -> Diagnostics:
    """Check every variable of the posterior and further quantities made from its draws.

    An R-hat above ``RHAT_MAX`` fails where chains of one distribution would hardly give it: its chance times
    the number of quantities (Bonferroni) is below ``FALSE_ALARM``. Slow chains fail by their ESS instead.

    ``quantities`` are values of shape (draw,) by name, chains one after the other: the milestone
    probabilities. One that is the same in all draws (an event that never came up) has no diagnostics.
    """
    monitored = dict(posterior.variables) | dict(quantities or {})
    rhat, bulk, tail = dict[str, float](), dict[str, float](), dict[str, float]()
    apart: dict[str, float] = {}
    n_quantities = sum(values[0].size for values in monitored.values())
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
            above = [
                found[k, 0]
                for k in np.flatnonzero(~(found[:, 0] <= RHAT_MAX))
                if not chance_of_rhat(columns[..., k]) * n_quantities >= FALSE_ALARM
            ]
        apart[name] = float(max(above, key=lambda one: (np.isnan(one), one), default=1.0))
        rhat[name], bulk[name] = float(found[:, 0].max()), float(found[:, 1].min())
        if tails:
            tail[name] = float(found[:, 2].min())
    energy = np.asarray(posterior.tree["sample_stats"]["energy"].values)
    centred = energy - energy.mean(axis=1, keepdims=True)
    bfmi = float(((np.diff(energy, axis=1) ** 2).sum(axis=1) / (centred**2).sum(axis=1)).min())
    divergences, drawn = posterior.divergences, energy.size
    failures = [
        *_worst("rhat", apart, RHAT_MAX, above=True),
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
