"""A run folder: the names of its files, written whole or not at all, and whether they are as left."""

from __future__ import annotations

import hashlib
import json
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from forecast import storage
from forecast.config import Config, load_config
from forecast.config.writing import SAVED_EVENTS
from forecast.errors import ForecastError, RunFolderError, shown
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.records.base import Record
from forecast.records.forecast import Forecast

FORECAST = "forecast.json"
"""The public contract: every number of the forecast."""
ANALYSIS = "analysis.json"
"""What the report shows beside it."""
CONFIG = "config.resolved.yaml"
EVENTS = SAVED_EVENTS
POSTERIOR = "posterior.nc"
MANIFEST = "manifest.json"
"""Kind of the folder, and the hashes of all its files."""
TRACK_RECORD = "track_record.json"
LEDGER_RECORD = "ledger_record.json"
PREVIOUS_RUN = "previous_run.json"
PDF, BRIEF, PAGE, FIGURES = "report.pdf", "brief.pdf", "report.html", "figures"
"""What a report consists of: made again whenever it is asked for."""
WORKBOOK = "numbers.xlsx"
"""Every number as a spreadsheet, made where asked for."""

BACKTEST = "backtest"
"""Folder, beside the runs of a config, that holds its backtest."""
SCORES, PLAN, FORECASTS = "scores.json", "plan.json", "forecasts.csv"
"""Files of a backtest folder."""


FolderKind = Literal["run", "backtest", "watch", "watched dyad"]
"""What a folder holds; stands in its manifest."""
_MOST_DEEP, _MOST_RUNS = 4, 500
_MARKS: dict[str, FolderKind] = {FORECAST: "run", SCORES: "backtest"}
"""Files by which a folder is known whose manifest does not tell its kind."""
_LARGE = (".nc", ".zarr")
"""Ending of the posterior: a folder may be kept without it."""
_TAKEN_IN = {TRACK_RECORD, PREVIOUS_RUN, LEDGER_RECORD}
"""Files about other runs, which a report shows."""
_OF_A_RUN = (FORECAST, ANALYSIS, CONFIG, EVENTS, POSTERIOR, *sorted(_TAKEN_IN))
"""Files that are believed wherever they lie, so the manifest has to name them."""
_PASSING = {"made_on", "timings_s"}

_MOST_NAMED = 3
BY_FORCE = ", or use `force` to build a report that says so"


def kind_of(folder: Path) -> str | None:
    """Return what a folder holds; ``None`` where it is nothing that this package writes."""
    if (folder / MANIFEST).is_file():
        with suppress(RunFolderError):
            kind = read_manifest(folder).get("kind")
            if isinstance(kind, str):
                return kind
    return next((kind for mark, kind in _MARKS.items() if (folder / mark).is_file()), None)


def run_folders(folder: Path, deep: int = 0) -> list[Path]:
    """Run folders at or below a folder, in the order of their paths; symbolic links are not followed."""
    if kind_of(folder) in ("run", "watched dyad") and (folder / FORECAST).is_file():
        return [folder]
    if deep >= _MOST_DEEP:
        return []
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []
    runs: list[Path] = []
    for path in below:
        if not path.name.startswith("."):
            runs += run_folders(path, deep + 1)
    return runs[:_MOST_RUNS]


def no_run(folder: Path, missing: str = MANIFEST) -> RunFolderError:
    """Return (not raise) the error that a folder is no run; it names those inside, or how to make one."""
    if inside := [str(run) for run in run_folders(folder) if run != folder]:
        some = "a run folder" if len(inside) == 1 else f"{len(inside):,} run folders"
        named = " or ".join(inside[-_MOST_NAMED:])
        return RunFolderError(f"{folder}: holds {some}, and is none itself. Give {named}")
    what = f"not a whole run folder (no {missing})" if folder.is_dir() else "there is no such folder"
    return RunFolderError(
        f"{folder}: {what}. Give the folder that 'forecast run' made, reports/<name>/<as_of>. To make one, "
        "'forecast new EVENTS.csv' writes a config from your events and 'forecast new --pair A,B' a template "
        "to fill in"
    )


def command_again(folder: Path) -> str:
    """Return the command that makes a run again, from the config in its folder."""
    return f"forecast run {shlex.quote((folder / CONFIG).as_posix())} --out PLACE"


def run_place(config: Config, out: Path) -> Path:
    """Where a run of this config is kept below ``out``: ``<out>/<name>/<as_of>``."""
    return out / config.name / config.as_of.isoformat()


def refuse_existing(folder: Path, *, force: bool, kind: FolderKind = "run") -> None:
    """Refuse a place that is taken, or that cannot be written, before any work is done; leaves no trace.

    Only a folder of the same kind is ever replaced, with ``force``. Raises ``RunFolderError``.
    """
    if folder.exists():
        held = kind_of(folder)
        if held != kind:
            holds = f"holds a {held}" if held else "is no folder that 'forecast' wrote"
            raise RunFolderError(
                f"{folder}: {holds}, so no {kind} takes its place, not even with `force`. Move it away, or "
                "use `out` for another place."
            )
        if not force:
            raise RunFolderError(
                f"{folder}: there is a {kind} already. Use `force` to replace it, or `out` for another place."
            )
    above = next(place for place in folder.absolute().parents if place.exists())
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextmanager
def new_run_folder(folder: Path, *, force: bool, kind: FolderKind = "run") -> Iterator[Path]:
    """Give a temporary folder to fill; on success it becomes ``folder``, on any failure nothing is left."""
    refuse_existing(folder, force=force, kind=kind)
    with _translated(folder), storage.locked(folder):
        # Another process may have been faster.
        refuse_existing(folder, force=force, kind=kind)
        with storage.new_folder(folder) as filling, _named(filling, folder):
            yield filling


@contextmanager
def changed_run_folder(folder: Path) -> Iterator[Path]:
    """Give a copy of a run folder to change, which takes its place in one step; on failure nothing changes.

    Replace its files (``write_json``, ``write_record``), never write into them. ``RunFolderError`` where it
    cannot be written.
    """
    with _translated(folder), storage.amended_folder(folder) as filling, _named(filling, folder):
        yield filling


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the place of a folder while the work for it lasts (``BusyError``, ``RunFolderError``)."""
    with ExitStack() as stack:
        with _translated(folder):
            stack.enter_context(storage.locked(folder))
        yield


@contextmanager
def _named(filling: Path, folder: Path) -> Iterator[None]:
    """Let messages name the folder, since the temporary one is gone when they are read."""
    try:
        yield
    except ForecastError as error:
        cause, message = error.__cause__, str(error)
        # That a record cannot be read says nothing about where it should be written.
        if isinstance(cause, OSError) and str(filling) in message and "cannot be read" not in message:
            raise _cannot_write(folder, cause) from error
        error.args = (str(error).replace(str(filling), str(folder)),)
        raise


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _cannot_write(place: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"{place}: cannot be written ({error.strerror or error}). Check permissions and free space, there "
        f"and in {tempfile.gettempdir()}, or use `out` for another place; what was there is as it was."
    )


def changed_files(folder: Path, recorded: Mapping[str, str]) -> dict[str, Literal["missing", "altered"]]:
    """Return the files that do not have the SHA-256 recorded for them (relative path → hash), in order."""
    changed: dict[str, Literal["missing", "altered"]] = {}
    for name, expected in sorted(recorded.items()):
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise RunFolderError(
                f"{folder / MANIFEST}: names a file outside the folder ('{shown(name)}'). The manifest was "
                "altered; run the forecast again."
            )
        if not path.is_file():
            changed[name] = "missing"
            continue
        try:
            if _sha256(path) != expected:
                changed[name] = "altered"
        except OSError as error:
            raise RunFolderError(
                f"{path}: cannot be read ({error.strerror or error}). Check its permissions"
            ) from error
    return changed


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class SavedRun:
    """What a run folder holds, as the run left it; ``notes`` say what was altered, where that was passed."""

    folder: Path
    manifest: Mapping[str, object]
    forecast: Forecast
    config: Config
    notes: tuple[str, ...] = ()

    @property
    def events(self) -> EventTable:
        """The acts of the run (``InputError``: they are not valid)."""
        return read_events(self.folder / EVENTS)


def open_run(folder: Path, *, force: bool = False, advice: str = "") -> SavedRun:
    """Read a run folder: every reader of a saved run comes through here.

    Raises ``RunFolderError``: it is no run, or a file is missing or altered, see ``check_folder``.
    """
    for name in (MANIFEST, CONFIG, FORECAST, EVENTS):
        if not (folder / name).is_file():
            raise no_run(folder, name)
    manifest, notes = check_folder(folder, force=force, advice=advice)
    # Before the config, since it tells whether an earlier version made the folder.
    forecast = read_record(folder / FORECAST, Forecast)
    if manifest.get("run_id") != forecast.run_id:
        raise RunFolderError(
            f"{folder}: {MANIFEST} is of another run than {FORECAST}. Run the forecast again."
        )
    return SavedRun(folder, manifest, forecast, load_config(folder / CONFIG), notes)


def check_folder(
    folder: Path, *, force: bool = False, advice: str = ""
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the manifest of a folder whose files are those that it names, and notes on those that are not.

    ``RunFolderError`` where a file is missing, altered or not of the run; ``force`` passes what is altered.
    What a report consists of does not count, since it is made again; nor does a posterior that was left out.
    ``advice`` says what else to do.
    """
    manifest = read_manifest(folder)
    recorded = recorded_hashes(manifest)
    changed: dict[str, str] = {
        name: what
        for name, what in changed_files(folder, {n: h for n, h in recorded.items() if lasts(n)}).items()
        if what == "altered" or not name.endswith(_LARGE)
    }
    changed |= {
        name: f"not named in {MANIFEST}"
        for name in _OF_A_RUN
        if name not in recorded and (folder / name).is_file()
    }
    missing = "missing" in changed.values()
    if changed and (missing or not force):
        listed = "; ".join(f"{name} is {what}" for name, what in changed.items())
        advice = "" if missing else advice
        raise RunFolderError(f"{folder}: not as the run left it: {listed}. Run the forecast again{advice}.")
    return manifest, tuple(
        f"{name} was altered after the run was made; what it holds is not what the run found."
        for name in changed
    )


def recorded_hashes(manifest: Mapping[str, object]) -> dict[str, str]:
    """SHA-256 of the files that a manifest names, by relative path."""
    hashes = manifest.get("outputs_sha256")
    return {str(name): str(value) for name, value in hashes.items()} if isinstance(hashes, dict) else {}


def output_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder but the manifest itself."""
    return {name: value for name, value in file_hashes(folder).items() if name != MANIFEST}


def record_outputs(folder: Path, written: Iterable[str]) -> None:
    """Put the hashes of files just written into the manifest; all others stay as the run left them."""
    manifest = read_manifest(folder)
    recorded = recorded_hashes(manifest)
    hashes = recorded | {name: _sha256(folder / name) for name in written}
    if hashes != recorded:
        write_json(manifest | {"outputs_sha256": hashes}, folder / MANIFEST)


def write_json(content: dict[str, object], path: Path) -> None:
    """Write a JSON object, indented by one."""
    storage.write_file(path, json.dumps(content, indent=1) + "\n")


def lasts(name: str) -> bool:
    """Whether a file of a run stays as it is when the report is built again."""
    return not (name in (BRIEF, PDF, PAGE, WORKBOOK) or name.startswith(f"{FIGURES}/"))


def run_hash(folder: Path) -> str:
    """SHA-256 of what stands in the manifest of a run for good: what it was made from, and what it found.

    Report, day and seconds do not count, nor records of other runs and backtests, which a report may take in.
    """
    manifest = read_manifest(folder)
    hashes = recorded_hashes(manifest).items()
    lasting = {name: value for name, value in hashes if lasts(name) and name not in _TAKEN_IN}
    kept = {name: value for name, value in manifest.items() if name not in _PASSING}
    text = json.dumps(kept | {"outputs_sha256": lasting}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, object]:
    """Read the manifest of a folder (``RunFolderError`` when it is missing or no mapping)."""
    path = folder / MANIFEST
    _require(path)
    try:
        manifest = json.loads(storage.read_json(path))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: cannot be read as JSON ({error}). Run the forecast again.") from error
    if not isinstance(manifest, dict):
        raise RunFolderError(
            f"{path}: a mapping is expected, not {type(manifest).__name__}. Run the forecast again."
        )
    return manifest


def _require(path: Path) -> None:
    if not path.is_file():
        raise RunFolderError(
            f"{path}: file missing. A whole run folder is needed, as 'forecast run' makes it."
        )


def read_record[R: Record](path: Path, kind: type[R]) -> R:
    """Read a record of a run folder (``RunFolderError``: missing, or not what a run writes)."""
    _require(path)
    try:
        return kind.model_validate_json(storage.read_json(path))
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be read ({error.strerror or error}). Run the forecast again, or put back a copy"
        ) from error
    except ValidationError as error:
        faults = error.errors(include_url=False)
        known = kind.model_fields["schema_"].default if "schema_" in kind.model_fields else None
        for fault in faults:
            given = fault["input"]
            if known and fault["loc"] == ("schema",) and isinstance(given, int) and given > 0:
                writer, advice = "a newer version", "Install that one"
                if given < known:
                    writer, advice = "an earlier version", "Make it anew: forecast run CONFIG --force"
                raise RunFolderError(
                    f"{path}: has format {given}, written by {writer} of forecast; this one reads {known}. "
                    f"{advice}"
                ) from error
        first = faults[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RunFolderError(
            f"{path}: {place}: {first['msg']}. The file is not what a run writes; run the forecast again."
        ) from error


def read_kept[R: Record](path: Path, kind: type[R], *, hashed: bool = True) -> R | None:
    """Read a file of a watch; ``None`` where it is not there or not whole, or not as ``hashed`` beside it."""
    try:
        if hashed and recorded_hashes(read_manifest(path.parent)).get(path.name) != _sha256(path):
            return None
        return kind.model_validate_json(storage.read_json(path))
    except (OSError, ValidationError, RunFolderError):
        return None


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON, indented by one."""
    storage.write_file(path, record.model_dump_json(by_alias=True, indent=1) + "\n")
