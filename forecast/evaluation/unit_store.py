"""Finished units of a backtest on disk, so that one that was stopped goes on where it was.

The folder holds ``plan.json``, everything the numbers depend on, and one file a unit, written beside its
place and renamed: a unit is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from forecast import __version__
from forecast.errors import RunFolderError
from forecast.evaluation.backtest import BacktestPlan
from forecast.evaluation.units import OriginForecast, Unit, UnitResult, origins_a_unit
from forecast.runs.files import PLAN
from forecast.storage import read_plain, remove_stale, write_file
from forecast.storage.reading import MAX_RECORD_BYTES

Settings = Mapping[str, object]
"""Plain JSON values by name."""

_DECISIVE = ("numpy", "nutpie", "numba")
_WITHOUT_NUMBERS = ("cli", "report")


class UnitStore:
    """The folder of a backtest in work, which holds a plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._units = folder / "units"

    def keep(self, result: UnitResult) -> None:
        """Write a finished unit (``RunFolderError`` when the disk is full or not writable)."""
        _write_whole(self._path(result.unit), json.dumps(unit_content(result)))

    def finished(self, units: Sequence[Unit]) -> list[UnitResult]:
        """Read the units that are there, in the order given (``RunFolderError`` when one is damaged)."""
        return [self._read(unit) for unit in units if self._path(unit).is_file()]

    def remove(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, unit: Unit) -> Path:
        return self._units / f"{unit.name}.json"

    def _read(self, unit: Unit) -> UnitResult:
        path = self._path(unit)
        try:
            return unit_result(unit, json.loads(read_plain(path, MAX_RECORD_BYTES)))
        except (ValueError, KeyError, TypeError) as error:
            raise RunFolderError(
                f"{path}: is damaged ({error}). Delete it and run again with --resume"
            ) from error


def unit_content(result: UnitResult) -> dict[str, Any]:
    """Return a finished unit as plain JSON values, exactly."""
    rows = [
        asdict(one) | {"origin": one.origin.isoformat(), "probability": one.probability.tolist()}
        for one in result.forecasts
    ]
    stages = dict(result.stages)
    return {"unit": result.unit.name, "seconds": result.seconds, "forecasts": rows, "stages": stages}


def unit_result(unit: Unit, content: Mapping[str, Any]) -> UnitResult:
    """Read what ``unit_content`` made; anything else is a ``ValueError``, ``KeyError`` or ``TypeError``."""
    forecasts = tuple(
        replace(
            OriginForecast(**row),
            origin=date.fromisoformat(row["origin"]),
            probability=np.array(row["probability"], dtype=np.float64),
        )
        for row in content["forecasts"]
    )
    if len(forecasts) != unit.n_origins:
        raise ValueError(f"{len(forecasts)} origins, not {unit.n_origins}")
    shapes = {one.probability.shape for one in forecasts}
    if len(shapes) != 1 or not all(
        ((one.probability >= 0) & (one.probability <= 1)).all() for one in forecasts
    ):
        raise ValueError("a probability is missing, or not between 0 and 1")
    return UnitResult(unit, forecasts, float(content["seconds"]), content["stages"])


def plan_settings(plan: BacktestPlan, data_sha256: str) -> dict[str, Any]:
    """Return as plain JSON values what a resumed backtest must have in common with the interrupted one."""
    return {
        "name": plan.dyad,
        "data_sha256": data_sha256,
        "data_start": plan.start.isoformat(),
        "data_end": plan.data_end.isoformat(),
        "targets": {target.name: target.to_dict() for target in plan.targets},
        "origins": [origin.isoformat() for origin in plan.origins],
        "horizons_days": list(plan.horizons),
        "models": list(plan.models),
        "sampler": asdict(plan.sampler),
        "population": plan.population and plan.population.sha256,
        "priors": plan.priors,
        "exact": plan.exact,
        "origins_a_unit": origins_a_unit(plan),
        "versions": decisive_versions(),
    }


def is_begun(folder: Path) -> bool:
    """Whether a backtest was begun in this folder and not finished."""
    return (folder / PLAN).is_file()


def open_store(folder: Path, settings: Settings, *, resume: bool, force: bool = False) -> UnitStore:
    """Begin a folder, or go on with the one that is there (``resume``), or throw it away (``force``).

    ``settings`` are as made by ``plan_settings``. ``RunFolderError`` when there is one and neither is given,
    when it was begun with other settings, or when it cannot be written or read.
    """
    plan = folder / PLAN
    # One that died before it had its plan may have left a temporary file.
    remove_stale(folder)
    if folder.exists() and not plan.is_file() and any(folder.iterdir()):
        raise RunFolderError(f"{folder}: is in the way, and is no backtest (it has no {PLAN}). Move it away")
    if plan.is_file() and force and not resume:
        shutil.rmtree(folder)
    if plan.is_file():
        if not resume:
            raise RunFolderError(
                f"{folder}: holds a backtest that was stopped. --resume goes on with it, --force begins anew"
            )
        _refuse_changes(plan, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not plan.is_file():
            _write_whole(plan, json.dumps(settings, indent=1) + "\n")
        (folder / "units").mkdir(exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return UnitStore(folder)


@cache
def decisive_versions() -> str:
    """Versions that the numbers depend on, as one text; the package's with a hash of its code and data."""
    found = (f"{name} {version(name)}" for name in _DECISIVE)
    code = f"code {content_hash(Path(__file__).parents[1])}"
    return ", ".join((f"python {platform.python_version()}", f"forecast {__version__}", *found, code))


def content_hash(package: Path) -> str:
    """Hash of the code of a package and of the data in it, twelve hex digits; not of commands and reports."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package).parts
        if path.is_file() and inside[0] not in _WITHOUT_NUMBERS and "__pycache__" not in inside:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _refuse_changes(plan: Path, now: Settings) -> None:
    try:
        old = _flat(json.loads(read_plain(plan, MAX_RECORD_BYTES)))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{plan}: cannot be read ({error}). Begin anew with --force") from error
    new = _flat(json.loads(json.dumps(now)))
    changes = [
        f"  {name}: {_short(old.get(name))} then, {_short(new.get(name))} now"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]
    if changes:
        listed = "\n".join(changes)
        raise RunFolderError(
            f"{plan.parent}: was begun with other settings, so --resume cannot go on with it.\n{listed}\n"
            "Set them back, or begin anew with --force in place of --resume."
        )


def _flat(settings: Settings, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in settings.items():
        within = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {}
        flat |= within or {prefix + name: value}
    return flat


def _short(value: object) -> str:
    if value is None:
        return "absent"
    if not isinstance(value, list):
        return str(value)
    if len(value) > 4:
        return f"{len(value)} values from {value[0]} to {value[-1]}"
    return ", ".join(map(str, value)) or "none"


def _write_whole(path: Path, text: str) -> None:
    try:
        write_file(path, text)
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be written ({error.strerror or error}). Free space, then run again with --resume"
        ) from error
