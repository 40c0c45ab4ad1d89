"""One dyad of a list: its acts out of the files of the list, its forecast, and the folder that keeps both.

A ``Job`` holds all that the numbers of a dyad depend on, so that it gives the same bytes in this process, in
another and on another machine.

A new week needs no new fit where the draws of an earlier one, weighted to what is known now, can stand for
it. Weights are the ratio of the posterior density of today to that of the fit: of the likelihoods of the
counts, and of the priors, which follow the record. Knots of the latent series that the fit did not reach are
drawn from their prior, as the fit itself would have left them. The weights start from the fit each time, not
from the draws of the week before, so that nothing piles up: once they cannot be trusted (Pareto's shape,
effective draws), or acts are told apart in another way, a new fit is made.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from forecast import __version__
from forecast.config import Config, config_hash
from forecast.config.settings_file import Fault
from forecast.config.watchlist import Watchlist
from forecast.config.writing import resolved_yaml
from forecast.errors import EventError, ForecastError, InputError, NotConvergedError, RunFolderError
from forecast.evaluation.study import decisive_versions
from forecast.events.dyads import DyadRule
from forecast.events.feed_faults import Feed
from forecast.events.reading import PREFIX, load_events, read_events, write_events
from forecast.events.stores import is_store, read_store
from forecast.events.table import FIELDS, EventTable
from forecast.events.terms import refuse_barred
from forecast.inference.density import PosteriorDensity
from forecast.inference.importance import importance_weights
from forecast.inference.posterior import Posterior
from forecast.models.draws import with_longer_future
from forecast.priors import PriorSet
from forecast.progress import Listener
from forecast.records.base import Record
from forecast.records.forecast import Diagnostics, TargetForecast
from forecast.records.watch import DyadNumbers, Failure, FailureCode, WeightsRecord, Work
from forecast.runs import files
from forecast.runs.cautions import cautions_of, far_from_baseline
from forecast.runs.files import (
    kind_of,
    new_run_folder,
    output_hashes,
    read_manifest,
    write_json,
    write_record,
)
from forecast.runs.inputs import Inputs, inputs_of, load_hazard, load_population
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run, chances_of, horizon_days, mixture_of, read_run, stage_seeds, write_run
from forecast.runs.summaries import target_forecasts
from forecast.storage import read_json, write_file
from forecast.store import UpdateReport, update_store
from forecast.streams import Acts
from forecast.workflows.forecast import GivenDraws, run_of_inputs

SUFFIXES = (".csv", ".parquet", ".xlsx")
DYAD = "dyad.json"
_CONTENT = ("date", "initiator", "recipient", "category", "severity", "subcategory", "summary")

Floats = NDArray[np.float64]


# The files of a list, and the acts of a dyad in them


@dataclass(frozen=True, eq=False)
class EventFile(Feed):
    """One file of the list."""

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], list[int]]:
        rows = defaultdict(list)
        pairs = zip(self.table.initiator.tolist(), self.table.recipient.tolist(), strict=True)
        for row, (initiator, recipient) in enumerate(pairs):
            rows[min(initiator, recipient), max(initiator, recipient)].append(row)
        return rows

    def acts_of(self, rule: DyadRule) -> EventTable | None:
        """Return the acts of a dyad; ``None`` where there are none."""
        rows = [row for pair in rule.pairs for row in self._by_pair.get(pair, ())]
        mask = np.zeros(len(self.table), dtype=np.bool_)
        mask[rows] = True
        return self.table.select(mask) if rows else None


class DyadEvents(NamedTuple):
    """The acts of one dyad, the files that hold any, and how many rows stood in more than one of them."""

    table: EventTable
    files: tuple[EventFile, ...]
    repeated: int


def pairs_of(watchlist: Watchlist) -> frozenset[tuple[str, str]]:
    """Return the pairs of actors whose acts count for any dyad, each in order of name."""
    return frozenset(pair for dyad in watchlist.dyads for pair in dyad.rule.pairs)


def update_stores(watchlist: Watchlist, listen: Listener) -> list[UpdateReport]:
    """Bring the stores among the events of a list up to date, for the pairs of the list.

    Raises ``ConfigError``: none of the events is a store; ``InputError``: as ``update_store``.
    """
    places = [watchlist.base_folder / Path(name).expanduser() for name in watchlist.events]
    stores = [place for place in places if is_store(place)]
    if not stores:
        raise watchlist.error(("events",), "none of these is a store, so there is nothing to update")
    return [update_store(place, listen, pairs=pairs_of(watchlist)) for place in stores]


def read_files(watchlist: Watchlist) -> tuple[EventFile, ...]:
    """Read every event file that a list names.

    Raises ``ConfigError``: patterns that no file fits, all at once, or acts whose terms bar the use of the
    list; ``EventError``: files that cannot be read, every one of them, with its faults.
    """
    events, failures = [], []
    for source, path in _paths(watchlist).items():
        try:
            events.append(_read(source, path, watchlist))
        except EventError as error:
            failures.append(str(error))
    if failures:
        raise EventError("\n".join(failures))
    try:
        for file in events:
            if watchlist.use is not None:
                refuse_barred(file.table, watchlist.use, watchlist.licensed)
    except InputError as error:
        raise watchlist.error(("use",), str(error)) from error
    return tuple(events)


def _paths(watchlist: Watchlist) -> dict[str, Path | None]:
    """Return the files by how they are named; a pattern may match many, and a file is read once."""
    base, faults = watchlist.base_folder, []
    paths: dict[str, Path | None] = {}
    for place, pattern in enumerate(watchlist.events):
        if pattern.startswith(PREFIX):
            paths[pattern] = None
            continue
        whole = base / Path(pattern).expanduser()
        matched = [Path(name) for name in sorted(glob(str(whole), recursive=True)) if name.endswith(SUFFIXES)]
        if whole.is_file() or is_store(whole):
            matched = [whole]
        if not matched:
            message = f"no event file fits '{whole}'; give event files, patterns or stores"
            faults.append(Fault(("events", place), message))
        for path in matched:
            paths[path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)] = path
    if faults:
        raise watchlist.errors(faults)
    return paths


def _read(source: str, path: Path | None, watchlist: Watchlist) -> EventFile:
    if path is None:
        return EventFile.of_table(load_events(source, Path()), source)
    if is_store(path):
        return EventFile.of_table(read_store(path, name=source, pairs=pairs_of(watchlist)), source, path)
    return EventFile.of_table(read_events(path, source=source, dates=watchlist.dates), source)


def events_of(rule: DyadRule, event_files: Sequence[EventFile]) -> DyadEvents | None:
    """Return the acts of a dyad over all files; ``None`` where there are none.

    A row that several files hold counts once. Ids that mean different acts in different files get the name of
    their file.
    """
    acts = [(file, table) for file in event_files if (table := file.acts_of(rule)) is not None]
    if not acts:
        return None
    holding, tables = zip(*acts, strict=True)
    if len(acts) == 1:
        return DyadEvents(tables[0], holding, 0)
    columns = {name: np.concatenate([getattr(table, name) for table in tables]) for name in FIELDS}
    place = np.repeat(np.arange(len(tables)), [len(table) for table in tables]).tolist()
    content = list(zip(*(columns[name].tolist() for name in _CONTENT), strict=True))
    keep = np.ones(len(place), dtype=np.bool_)
    seen: dict[str, int] = {}
    for row, name in enumerate(columns["id"].tolist()):
        first = seen.setdefault(name, row)
        if place[first] != place[row]:
            keep[row] = content[first] != content[row]
            columns["id"][row] = f"{Path(holding[place[row]].source).stem}/{name}"
    table = EventTable.sort_rows(
        {name: column[keep] for name, column in columns.items()},
        max(zip(tables, holding, strict=True), key=lambda pair: len(pair[0]))[1].source,
        has_verified=all(table.has_verified for table in tables),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        line=np.concatenate([table.line for table in tables])[keep],
    )
    return DyadEvents(table, holding, int((~keep).sum()))


# The forecast of a dyad


class Fitted(NamedTuple):
    """A fit of an earlier watch, held in memory so that it can go to another machine."""

    config: Config
    data: Acts
    priors: PriorSet
    fit: Posterior
    diagnostics: Diagnostics

    def suits(self, config: Config) -> bool:
        """Whether a config asks for the same model: all is the same but for days and the question."""
        question = {"as_of": config.as_of, "milestones": config.milestones, "headline": config.headline}
        before = self.config.model_copy(update=question | {"events": config.events})
        before._source, before._source_path = config._source, config._source_path
        return config_hash(before) == config_hash(config)


@dataclass(frozen=True, eq=False)
class Job:
    """What to forecast of one dyad.

    ``events`` are those known on the day; ``earlier`` those that the watch before knew, ``None`` without one
    or where they are the same; ``fitted`` is the last fit of an earlier watch, whose draws may do with
    weights.
    """

    config: Config
    events: EventTable
    earlier: EventTable | None = None
    fitted: Fitted | None = None

    @property
    def key(self) -> str:
        """Hash of all that the numbers depend on: settings, events, priors, coefficients, code."""
        population, hazard = load_population(self.config), load_hazard(self.config)
        priors = population.sha256 if population else "none"
        settings = config_hash(self.config), self.events.sha256
        earlier = "none" if self.earlier is None else self.earlier.sha256
        parts = (*settings, priors, hazard.sha256, earlier, decisive_versions())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class DyadRow(DyadNumbers):
    """The numbers of one dyad, or why it has none; kept as ``dyad.json``.

    ``counterfactual`` are the targets by today's model on the events of the watch before, ``None`` where
    those are today's. ``key`` is the hash of all that the numbers depend on, ``code`` the version that made
    them.
    """

    counterfactual: tuple[TargetForecast, ...] | None = None
    key: str = ""
    code: str = ""


def failed(code: FailureCode, text: str) -> DyadRow:
    """Return a dyad without numbers."""
    return DyadRow(failure=Failure(code=code, text=text))


def forecast_dyad(job: Job) -> tuple[DyadRow, Run | None]:
    """Forecast one dyad; its run is there where the model was fitted, also where the fit failed.

    What goes wrong with it is returned, so that it stops nothing else.
    """
    try:
        row, run = _forecast(job.config, job.events, job.fitted)
        if job.earlier is not None and not row.failure:
            row = row.model_copy(update={"counterfactual": _targets(job.config, job.earlier, job.fitted)})
        return row, run
    except NotConvergedError as error:
        return failed("not_converged", str(error)), None
    except ForecastError as error:
        return failed("bad_input", str(error)), None
    except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        return failed("numerical", f"{type(error).__name__}: {error}"), None


def _forecast(config: Config, events: EventTable, fitted: Fitted | None) -> tuple[DyadRow, Run | None]:
    inputs = inputs_of(config, events)
    targets = direct_forecasts(inputs)
    run, weights = None, None
    if targets is None:
        run, weights = _run(inputs, fitted)
        if not run.forecast.converged:
            faults = " ".join(failure.sentence for failure in run.forecast.diagnostics.failures)
            return failed("not_converged", f"the fit did not converge. {faults}"), run
        targets = run.forecast.targets
    work: Work = "reweighted" if weights else "fitted" if run else "direct"
    cautions = (*far_from_baseline(targets, inputs.data.grid), *cautions_of(inputs))
    return DyadRow(targets=targets, cautions=cautions, work=work, weights=weights), run


def _targets(config: Config, events: EventTable, fitted: Fitted | None) -> tuple[TargetForecast, ...] | None:
    """Forecast the targets alone, from carried draws without the rest of a run; ``None`` where they fail."""
    inputs = inputs_of(config, events)
    carried = carry(fitted, inputs, stage_seeds(config).fit) if fitted else None
    if carried is None:
        return _forecast(config, events, None)[0].targets or None
    fit = carried[0]
    return target_forecasts(mixture_of(inputs, chances_of(inputs, fit)), fit.n_chains)


def direct_forecasts(inputs: Inputs) -> tuple[TargetForecast, ...] | None:
    """Forecast all targets, in milliseconds, by members that need no fit; ``None`` where that cannot be.

    Acts ahead and targets on which these members are silent need the model.
    """
    if inputs.family.fitted or inputs.calendar:
        return None
    direct = direct_answers(inputs, inputs.events, horizon_days(inputs.config))
    if not all(direct.of(rule.name) for rule in inputs.rules):
        return None
    return target_forecasts(Mixture(inputs, direct, None))


def _run(inputs: Inputs, fitted: Fitted | None) -> tuple[Run, WeightsRecord | None]:
    """Run on the draws of an earlier fit where weights can stand for today's posterior, else on a new fit."""
    carried = carry(fitted, inputs, stage_seeds(inputs.config).fit) if fitted else None
    if carried is None or fitted is None:
        return run_of_inputs(inputs, drivers=False), None
    given = GivenDraws(carried[0], fitted.diagnostics)
    return run_of_inputs(inputs, drivers=False, given=given), carried[1]


def carry(fitted: Fitted, inputs: Inputs, seed: int) -> tuple[Posterior, WeightsRecord] | None:
    """Weigh the draws of a fit by what was learned since, and resample; ``None`` where a new fit is due.

    The draws have equal weights and stand for today's posterior; beside them is what the weights behind them
    are worth.
    """
    data = inputs.data
    same_grid = fitted.data.layout == data.layout and fitted.data.grid.start == data.grid.start
    if not same_grid or not fitted.suits(inputs.config):
        return None
    random = np.random.default_rng([seed, inputs.config.as_of.toordinal()])
    variables = with_longer_future(fitted.fit.variables, data.grid.n_steps, random)
    now = PosteriorDensity.of(data, inputs.priors)
    before = PosteriorDensity.of(fitted.data, fitted.priors, now.n_knots)
    points = now.points(variables)
    ratio = now(points)[0] - before(points)[0]
    weights = importance_weights(ratio)
    if not weights.trusted:
        return None
    # Systematic resampling: as many copies of each as its share of all, up to the next whole number.
    n = len(ratio)
    edges = np.cumsum(weights.weights)
    edges[-1] = 1.0
    rows = np.searchsorted(edges, (np.arange(n) + random.random()) / n)
    carried = _posterior(fitted.fit, {name: values[rows] for name, values in variables.items()})
    worth = {"pareto_k": weights.pareto_k, "effective_draws": weights.effective_draws}
    return carried, WeightsRecord(fitted_as_of=fitted.config.as_of, **worth)


def _posterior(before: Posterior, variables: Mapping[str, Floats]) -> Posterior:
    """Return resampled draws, copies side by side in the chains that they come from."""
    import xarray as xr

    data = {}
    for name, values in variables.items():
        rest = tuple(f"{name}_dim_{place}" for place in range(values.ndim - 1))
        shaped = values.reshape(before.n_chains, -1, *values.shape[1:])
        data[name] = (("chain", "draw", *rest), shaped)
    statistics = before.tree["sample_stats"].to_dataset()
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(data), "sample_stats": statistics})
    return Posterior(tree, before.target_accept, before.tune, before.reruns)


# The folder of a dyad


def kept_row(folder: Path, job: Job) -> DyadRow | None:
    """Return a finished dyad, if its numbers depend on the same things; a failed one is tried again."""
    row = read_kept(folder / DYAD, DyadRow)
    if row is None or row.failure or row.key != job.key:
        return None
    return row.model_copy(update={"work": "unchanged", "weights": None})


def read_kept[R: Record](path: Path, kind: type[R]) -> R | None:
    """Read a file of a watch; ``None`` where it is not there or not whole."""
    try:
        return kind.model_validate_json(read_json(path))
    except (OSError, ValidationError):
        return None


def keep_row(folder: Path, job: Job, row: DyadRow, run: Run | None) -> None:
    """Write the folder of a finished dyad, whole, with its run where one was fitted."""
    row = row.model_copy(update={"key": job.key, "code": "" if row.failure else decisive_versions()})
    held = kind_of(folder) if folder.exists() else "watched dyad"
    if held not in ("run", "watched dyad"):
        raise RunFolderError(f"{folder}: is in the way of a dyad. Move it away, or use another --out")
    with new_run_folder(folder, force=True, kind="run" if held == "run" else "watched dyad") as filling:
        if run is not None:
            write_run(run, filling, folder)
        else:
            write_events(job.events, filling / files.EVENTS)
            write_file(filling / files.CONFIG, resolved_yaml(job.config, folder))
        write_record(row, filling / DYAD)
        made: dict[str, object] = {"kind": "run" if run else "watched dyad", "code_version": __version__}
        made |= {"data_sha256": job.events.sha256, "outputs_sha256": output_hashes(filling)}
        write_json(made, filling / files.MANIFEST)


def earlier_events(folder: Path, known: EventTable) -> EventTable | None:
    """Return the events that an earlier watch knew of a dyad; ``None`` where it kept none, or the same."""
    try:
        if read_manifest(folder).get("data_sha256") == known.sha256:
            return None
        return read_events(folder / files.EVENTS)
    except (EventError, RunFolderError):
        return None


def last_fit(folder: Path) -> Fitted | None:
    """Return the fit behind a dyad's numbers in an earlier watch; ``None`` without one by this version."""
    row = read_kept(folder / DYAD, DyadRow)
    if row is None or row.work not in ("fitted", "reweighted") or row.code != decisive_versions():
        return None
    fitted_in = row.weights.fitted_as_of.isoformat() if row.weights else folder.parent.name
    try:
        run = read_run(folder.parent.parent / fitted_in / folder.name)
    except (ForecastError, OSError):
        return None
    if not run.forecast.converged:
        return None
    inputs, fit = run.inputs, run.fit
    in_memory = Posterior(fit.tree, fit.target_accept, fit.tune, fit.reruns)
    return Fitted(inputs.config, inputs.data, inputs.priors, in_memory, run.forecast.diagnostics)
