"""A folder that is whole or absent: written beside its place, then renamed into it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from forecast.config import Config
from forecast.errors import InputError, RunFolderError
from forecast.records.base import Record


class FolderKind(NamedTuple):
    """What a folder holds, and the file that tells it from any other."""

    name: str
    mark: str


RUN = FolderKind("run", "forecast.json")


def run_place(config: Config, out: Path) -> Path:
    """Where a run of this config is kept below ``out``: ``<out>/<name>/<as_of>``."""
    return out / config.name / config.as_of.isoformat()


def refuse_existing(folder: Path, *, force: bool, kind: FolderKind = RUN) -> None:
    """Refuse a place that is taken, or that cannot be written, before any work is done; leaves no trace.

    Only a folder of the same kind is ever replaced.

    Raises
    ------
    RunFolderError
        The folder exists and ``force`` is not set, or holds something that is no run; or a folder above it
        cannot be written.
    """
    if folder.exists() and not force:
        raise RunFolderError(
            f"{folder}: there is a {kind.name} already. Use --force to replace it, or --out for another "
            "place."
        )
    if folder.exists() and not (folder / kind.mark).is_file():
        raise RunFolderError(
            f"{folder}: is no {kind.name} (it has no {kind.mark}), so --force does not replace it. Move it "
            "away, or use --out for another place."
        )
    above = next(place for place in folder.absolute().parents if place.exists())
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextmanager
def new_run_folder(folder: Path, *, force: bool, kind: FolderKind = RUN) -> Iterator[Path]:
    """Give a temporary folder to fill; on success it becomes ``folder``, on any failure nothing is left.

    Raises
    ------
    RunFolderError
        As ``refuse_existing``; or the disk is full or not writable while the folder is filled.
    """
    refuse_existing(folder, force=force, kind=kind)
    missing = [place for place in folder.parents if not place.exists()]
    filling: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        filling = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        yield filling
        filling.chmod(0o755)
        _move_into_place(filling, folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    except InputError as error:
        # A stage that writes into the temporary folder would name that one, which is gone by now.
        if isinstance(error.__cause__, OSError):
            raise _cannot_write(folder, error.__cause__) from error
        raise
    finally:
        if filling is not None:
            shutil.rmtree(filling, ignore_errors=True)
        for place in missing:
            with suppress(OSError):  # it holds a run by now, this one or another's
                place.rmdir()


def _move_into_place(filling: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(filling, folder)
        return
    # A folder cannot be replaced in one step; the old one is kept until the new one stands.
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent)) / folder.name
    os.rename(folder, old)
    try:
        os.rename(filling, folder)
    except BaseException:
        os.rename(old, folder)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _cannot_write(place: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"{place}: cannot be written ({error.strerror or error}). Check permissions and free space, or use "
        "--out for another place; nothing was left behind."
    )


class ChangedFile(NamedTuple):
    """A file of a run folder that is not as the run left it."""

    name: str
    what: str
    """``"missing"`` or ``"altered"``."""


def changed_files(folder: Path, recorded: Mapping[str, str]) -> tuple[ChangedFile, ...]:
    """Return the files that do not have the SHA-256 recorded for them (relative path → hash), in order."""
    changed = []
    for name, expected in sorted(recorded.items()):
        path = folder / name
        if not path.is_file():
            changed.append(ChangedFile(name, "missing"))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            changed.append(ChangedFile(name, "altered"))
    return tuple(changed)


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_record[R: Record](path: Path, kind: type[R]) -> R:
    """Read a record of a run folder.

    Raises
    ------
    RunFolderError
        The file is missing, or is not what a run writes.
    """
    if not path.is_file():
        raise RunFolderError(
            f"{path}: file missing. A whole run folder is needed (forecast.json, analysis.json, events.csv, "
            "manifest.json …), as 'forecast run' makes it."
        )
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RunFolderError(
            f"{path}: {place}: {first['msg']}. The file is not what a run writes; run the forecast again."
        ) from error
