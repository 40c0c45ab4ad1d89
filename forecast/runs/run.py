"""A run: what it read, its posterior draws, its chances and its forecast; in memory, and kept in a folder."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

import forecast as public
from forecast import __version__
from forecast.config import Config, config_hash, resolved_yaml, scenario_yaml
from forecast.config.scenario import Change
from forecast.config.writing import SAVED_HAZARD, SAVED_POPULATION, SCENARIO_FOLDER, scenario_files
from forecast.errors import InputError, RunFolderError, shown
from forecast.events.reading import write_events
from forecast.events.table import EventTable
from forecast.frames import Backend
from forecast.grid import STEP_DAYS
from forecast.inference.posterior import Posterior, SamplerOptions, read_posterior, write_posterior
from forecast.models.draws import StreamDraws, prior_draws, stream_draws
from forecast.models.survival import Chances, Survival
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.records.table import Count, Table, all_chances, all_counts, frame_of
from forecast.runs import files
from forecast.runs.files import command_again, open_run, read_record, write_record
from forecast.runs.inputs import Inputs, inputs_of
from forecast.runs.mixture import Curve, DirectAnswers, Mixture, direct_answers
from forecast.storage import copy_file, write_file

if TYPE_CHECKING:
    import xarray as xr

    from forecast.records.bulletin import Bulletin
    from forecast.scenarios.answer import Answer
    from forecast.scenarios.bulletin import NewActs

THINNED_DRAWS = 250
"""Draws, about, on which the difference that a change makes is worked out."""
_ACTS = "acts"
"""Name of the counts in the tree for ArviZ, which have dimensions week and kind."""
_PRIOR_DRAWS, _PREDICTED_DRAWS, _ARVIZ_SEEDS = 1000, 500, 0xA5
MOST_DRAWS = 1000
"""Draws of a fit, evenly spaced, that chances are computed from: more would hardly lower their error."""


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run: what it read, its posterior ``samples``, and its forecast.

    ``made`` is the forecast by target and day, where it is computed already; ``analysis`` is ``None`` while
    the run is being made, ``folder`` for one in memory. ``seconds`` are those that each stage took.
    """

    inputs: Inputs
    samples: Posterior
    made: Mixture | None
    forecast: Forecast
    analysis: Analysis | None = None
    folder: Path | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        kept = f", folder={str(self.folder)!r}" if self.folder else ""
        return f"Run({self.forecast!r}, {self.n_draws} draws{kept})"

    def _repr_html_(self) -> str:
        return public.scale_html(self)

    @property
    def events(self) -> EventTable:
        """The acts of the dyad known on the as-of date."""
        return self.inputs.events

    def answer(
        self, change: Change | Mapping[str, object] | None = None, *, allow_unconverged: bool = False
    ) -> Answer:
        """Return the forecast under a change, fitted anew where that is needed.

        Parameters
        ----------
        change : Change or mapping, optional
            A change, a scenario, or the settings of a scenario file; without it the forecast of the run.
        allow_unconverged : bool
            Return what rests on too few draws all the same; ``failures`` says so.

        Raises
        ------
        ConfigError
            The change is none, or does not fit the run; every fault with its place.
        NotConvergedError
            A new fit could not be sampled at all, or too few draws fit what is seen.
        """
        # Scenarios stand above this package: they are reached by the public name.
        return public.answer(self, change, allow_unconverged=allow_unconverged)

    def bulletin(self, acts: NewActs, *, allow_unconverged: bool = False) -> Bulletin:
        """Tell what acts that came after the run change: chances, numbers, courses.

        ``acts`` are mappings as in a scenario file (date, category, severity, by), an ``EventTable``, or the
        path of an event file, of which the rows that became known after the run are new. Raises
        ``InputError``: an act or a row cannot be taken in; ``NotConvergedError``: a new fit could not be
        sampled at all.
        """
        return public.bulletin(self, acts, allow_unconverged=allow_unconverged)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the run folder with its report, whole or not at all, as the command ``run`` leaves it.

        ``force`` replaces a run that is there. ``RunFolderError``: it is there, or cannot be written.
        """
        return public.save_run(self, Path(folder), force=force)

    def chances(self, backend: Backend = "pandas") -> Any:  # noqa: ANN401
        """Return every chance of the run as a data frame: source, target, day, mean, low, high, error."""
        return frame_of(all_chances(self.forecast, self.analysis), backend)

    def to_frame(self, table: Table = "chances", backend: Backend = "pandas") -> Any:  # noqa: ANN401
        """Return ``chances``, or ``counts``: how often each target happens before each milestone.

        Raises ``InputError``: there is no such table.
        """
        if table not in get_args(Table):
            raise InputError(f"table: got {shown(repr(table))}; expected {' or '.join(get_args(Table))}")
        if table == "chances":
            return self.chances(backend)
        return frame_of(all_counts(self.forecast), backend, Count._fields)

    @cached_property
    def posterior(self) -> xr.DataTree:
        """The model as a tree that ArviZ reads, made when it is first asked for: it takes seconds.

        Groups are ``posterior``, ``sample_stats``, ``prior``, ``posterior_predictive``, ``observed_data``,
        ``constant_data``, ``log_likelihood``, ``log_prior``; observed are ``acts`` by week and stream.
        Predictions and log likelihood are of each week and kind of act, every day *given what was seen before
        it*. Saved draws stay small: pointwise log likelihoods are larger than all else in a run folder.
        """
        return _arviz_tree(self.inputs, self.samples)

    def prior_predictive(self) -> xr.DataTree:
        """Draw ``acts`` by week and stream from the priors alone: most weeks of most streams have none.

        A tree with the group ``prior_predictive`` alone, as large as all of ``posterior``.
        """
        from forecast.models.intensity import replay

        data, priors = self.inputs.data, self.inputs.priors
        drawing, _, playing = _arviz_seeds(self.inputs)
        n_knots = self.samples.tree["posterior"].sizes["knot"]
        drawn = prior_draws(priors, _PRIOR_DRAWS, n_knots, np.random.default_rng(drawing))
        draws = stream_draws(data.layout, drawn, priors).rows(slice(_PREDICTED_DRAWS))
        _, acts = replay(data, priors, draws, playing)
        return _weekly_tree(self.inputs, {"prior_predictive": {_ACTS: acts[None]}})

    @property
    def n_chains(self) -> int:
        """Chains of the fit."""
        return self.samples.n_chains

    @property
    def n_draws(self) -> int:
        """Draws that chances are computed from, over all chains."""
        return len(self.draws)

    @property
    def draws(self) -> StreamDraws:
        """These draws, chains one after the other."""
        return self.process.draws

    @cached_property
    def process(self) -> Chances:
        """Chances under any acts ahead, on the draws of the run."""
        if self.made is None:
            return chances_of(self.inputs, self.samples)
        if self.made.process is None:
            raise ValueError("no model was fitted")
        return self.made.process

    @cached_property
    def mixture(self) -> Mixture:
        """The forecast by target and day, on all draws."""
        return self.made or mixture_of(self.inputs, self.process)

    @cached_property
    def curves(self) -> Mapping[str, Curve]:
        """Probability of every target by day, as in the forecast."""
        return {
            target.name: Curve(
                *(np.array(part) for part in (target.chances.mean, target.chances.low, target.chances.high))
            )
            for target in self.forecast.targets
        }

    @cached_property
    def thinned_rows(self) -> NDArray[np.int64]:
        """Positions of the draws that changes are worked out on, evenly spaced, as many of every chain."""
        by_chain = np.arange(self.n_draws).reshape(self.n_chains, -1)
        return np.asarray(by_chain[:, :: max(1, self.n_draws // THINNED_DRAWS)].ravel())

    @cached_property
    def thinned_process(self) -> Chances:
        """Chances on these draws, which keep what acts were found to do."""
        return replace(self.process, draws=self.draws.rows(self.thinned_rows), keeps=True)

    @cached_property
    def thinned(self) -> Mixture:
        """The forecast on these draws: what a change does there is carried over to the forecast itself."""
        return mixture_of(self.inputs, self.thinned_process, self.made.direct if self.made else None)


def _arviz_tree(inputs: Inputs, fit: Posterior) -> xr.DataTree:
    import xarray as xr

    from forecast.models.intensity import replay

    data, priors, posterior = inputs.data, inputs.priors, fit.tree["posterior"].to_dataset()
    drawing, playing, _ = _arviz_seeds(inputs)
    drawn = prior_draws(priors, _PRIOR_DRAWS, posterior.sizes["knot"], np.random.default_rng(drawing))
    played = replay(data, priors, stream_draws(data.layout, fit.variables, priors), playing)
    likelihood, predicted = (values.reshape(fit.n_chains, -1, *values.shape[1:]) for values in played)
    log_prior = {}
    for group in priors.groups:
        if own := priors.of_group(group):
            values = posterior[group.name].values
            columns = np.moveaxis(values.reshape(*values.shape[:2], len(own)), -1, 0)
            parts = [prior.distribution.log_density(each) for prior, each in zip(own, columns, strict=True)]
            log_prior[group.name] = np.stack(parts, axis=-1).reshape(values.shape)
    groups: dict[str, dict[str, NDArray[Any]]] = {
        "log_likelihood": {_ACTS: likelihood},
        "log_prior": log_prior,
        "posterior_predictive": {_ACTS: predicted[:, :: max(1, -(-fit.n_draws // _PREDICTED_DRAWS))]},
        "prior": {str(name): drawn[str(name)][None] for name in posterior},
        "observed_data": {_ACTS: data.counts},
        "constant_data": {"exposure": data.exposure, "completeness": data.weekly_completeness},
    }
    dims = {str(name): [*values.dims[2:]] for name, values in posterior.items()}
    coords = {name: values for name, values in posterior.coords.items() if name not in ("chain", "draw")}
    made = _weekly_tree(inputs, groups, dims, coords)
    # The attribute by which ArviZ knows the dimensions of draws.
    kept = {
        name: part.to_dataset().assign_attrs(sample_dims=["chain", "draw"])
        for name, part in fit.tree.children.items()
    }
    tree = xr.DataTree.from_dict(kept | {name: part.to_dataset() for name, part in made.children.items()})
    tree.attrs = dict(fit.tree.attrs)
    return tree


def _arviz_seeds(inputs: Inputs) -> tuple[int, int, int]:
    """Seeds of draws from the priors, of acts by the posterior, and of acts by the priors."""
    seeds = np.random.SeedSequence([inputs.config.sampler.seed, _ARVIZ_SEEDS])
    drawing, posterior, prior = (int(seed) for seed in seeds.generate_state(3))
    return drawing, posterior, prior


def _weekly_tree(
    inputs: Inputs,
    groups: Mapping[str, Mapping[str, NDArray[Any]]],
    dims: Mapping[str, list[Hashable]] | None = None,
    coords: Mapping[Hashable, Any] | None = None,
) -> xr.DataTree:
    from arviz_base import from_dict

    data = inputs.data
    first_day = np.datetime64(data.grid.start, "ns")
    made: xr.DataTree = from_dict(
        groups,
        dims={**(dims or {}), _ACTS: ["week", "kind"], "exposure": ["week"], "completeness": ["week"]},
        coords={
            **(coords or {}),
            "week": first_day + np.arange(data.grid.n_steps) * np.timedelta64(STEP_DAYS, "D"),
            "kind": list(data.layout.streams),
        },
    )
    return made


def run_id(config: Config, events: EventTable) -> str:
    """Name of a run: the same settings, data and version have the same id."""
    text = "\n".join([config_hash(config), events.sha256, __version__])
    return f"{config.name}-{config.as_of:%Y%m%d}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def write_run(run: Run, filling: Path, folder: Path, *, draws: bool = True) -> None:
    """Write what was read, and ``draws``, else those there stay, into ``filling``, the ``folder`` to be."""
    config = run.inputs.config
    write_events(run.inputs.events, filling / files.EVENTS)
    write_file(filling / files.CONFIG, resolved_yaml(config, folder))
    for path, name in ((config.population_path, SAVED_POPULATION), (config.hazard_path, SAVED_HAZARD)):
        if path is not None:
            copy_file(path, filling / name)
    if run.inputs.scenarios:
        (filling / SCENARIO_FOLDER).mkdir(exist_ok=True)
    for name, scenario in zip(scenario_files(config), run.inputs.scenarios, strict=True):
        write_file(filling / SCENARIO_FOLDER / name, scenario_yaml(scenario))
    if draws:
        write_posterior(run.samples, filling / files.POSTERIOR)
    if run.analysis:
        write_record(run.analysis, filling / files.ANALYSIS)
    write_record(run.forecast, filling / files.FORECAST)


def read_run(run_dir: str | Path) -> Run:
    """Read a saved run (``RunFolderError``: it is none, or a file is missing or altered)."""
    folder = Path(run_dir)
    record, inputs = read_case(folder)
    analysis = read_record(folder / files.ANALYSIS, Analysis) if (folder / files.ANALYSIS).is_file() else None
    if not (folder / files.POSTERIOR).is_file():
        raise RunFolderError(
            f"{folder}: kept without its draws ({files.POSTERIOR}), which this needs. Make it again: "
            f"{command_again(folder)}"
        )
    samples = read_posterior(folder / files.POSTERIOR)
    groups = (group for group in inputs.priors.groups if inputs.priors.of_group(group))
    if missing := [group.name for group in groups if group.name not in samples.variables]:
        raise RunFolderError(
            f"{folder / files.POSTERIOR}: has no draws of {', '.join(missing)}; the run was made by another "
            f"version of the model. Make it again: {command_again(folder)}"
        )
    if {target.name for target in record.targets} != set(inputs.config.targets):
        raise RunFolderError(
            f"{folder}: its files do not belong together ({files.CONFIG}, {files.FORECAST}). "
            "Run 'forecast run' again."
        )
    return Run(inputs, samples, None, record, analysis, folder)


def read_case(folder: Path) -> tuple[Forecast, Inputs]:
    """Read what a saved run was made from and what it found, not its draws (``RunFolderError``)."""
    saved = open_run(folder)
    return saved.forecast, inputs_of(saved.config, saved.events)


def chances_of(inputs: Inputs, fit: Posterior) -> Chances:
    """Return the chances of a fit, from ``MOST_DRAWS`` of its draws at most."""
    draws = stream_draws(inputs.data.layout, fit.variables, inputs.priors)
    every = max(1, -(-fit.n_draws // MOST_DRAWS))
    by_chain = np.arange(fit.n_draws).reshape(fit.n_chains, -1)[:, ::every].ravel()
    config = inputs.config
    return Chances(
        inputs.data, inputs.priors, draws.rows(by_chain), horizon_days(config), stage_seed(config, "chances")
    )


def mixture_of(inputs: Inputs, chances: Chances, direct: DirectAnswers | None = None) -> Mixture:
    """Return the forecast of a run: the model's chances with and without the calendar, and other members."""
    ahead = chances.survival(inputs.calendar)
    occasions = any(reaction.when is None for reaction in inputs.data.layout.reactions)
    plain = chances.survival(occasions=False) if inputs.calendar or occasions else None
    direct = direct or direct_answers(inputs, inputs.events, chances.n_days, plain or ahead)
    return Mixture(inputs, direct, ahead, plain, process=chances, known=without_reactions(inputs, chances))


def without_reactions(inputs: Inputs, chances: Chances) -> Survival | None:
    """Return S without acts ahead and reactions to past ones, for other members beside the model."""
    needed = inputs.family.fitted and inputs.family.direct and chances.data.layout.reactions
    return chances.survival(occasions=False, to_past=False) if needed else None


def stage_seed(config: Config, stage: Literal["fit", "chances"]) -> int:
    """Return the seed of a stage, so that a change of one leaves the random numbers of the other alone."""
    fit, chances = np.random.SeedSequence(config.sampler.seed).spawn(2)
    return int((fit if stage == "fit" else chances).generate_state(1, np.uint32)[0])


def horizon_days(config: Config) -> int:
    """Days from the origin to the last milestone."""
    last = max(milestone.date for milestone in config.milestones)
    return (last - config.as_of - timedelta(days=1)).days


def sampler_options(config: Config) -> SamplerOptions:
    """Sampler options of a config."""
    return SamplerOptions(seed=stage_seed(config, "fit"), **config.sampler.model_dump(exclude={"seed"}))


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    names = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba", "arviz", "typst", "matplotlib")
    ours = {"python": platform.python_version(), "forecast": __version__}
    return ours | {name: version(name) for name in names}
