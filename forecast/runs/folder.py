"""A folder that is whole or absent, knows its kind, and can tell whether its files are as they were left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from forecast.config import Config
from forecast.errors import InputError, RunFolderError
from forecast.records.base import Record
from forecast.runs import files

FolderKind = Literal["run", "backtest", "watch", "watched dyad"]
"""What a folder holds; stands in its manifest."""
_MARKS: dict[str, FolderKind] = {files.FORECAST: "run", files.SCORES: "backtest"}
"""Files by which a folder is known whose manifest does not tell its kind."""
_LARGE = (".nc", ".zarr")
"""Endings of the posterior and its paths: no report reads them, and a folder may be kept without them."""


def kind_of(folder: Path) -> str | None:
    """Return what a folder holds; ``None`` where it is nothing that this package writes."""
    if (folder / files.MANIFEST).is_file():
        with suppress(RunFolderError):
            kind = read_manifest(folder).get("kind")
            if isinstance(kind, str):
                return kind
    return next((kind for mark, kind in _MARKS.items() if (folder / mark).is_file()), None)


def run_place(config: Config, out: Path) -> Path:
    """Where a run of this config is kept below ``out``: ``<out>/<name>/<as_of>``."""
    return out / config.name / config.as_of.isoformat()


def refuse_existing(folder: Path, *, force: bool, kind: FolderKind = "run") -> None:
    """Refuse a place that is taken, or that cannot be written, before any work is done; leaves no trace.

    Only a folder of the same kind is ever replaced.

    Raises
    ------
    RunFolderError
        The folder holds something of another kind, or one of this kind and ``force`` is not set; or a folder
        above it cannot be written.
    """
    if folder.exists():
        found = kind_of(folder)
        if found != kind:
            holds = f"holds a {found}" if found else "is no folder that 'forecast' wrote"
            raise RunFolderError(
                f"{folder}: {holds}, so no {kind} takes its place, not even with --force. Move it away, or "
                "use --out for another place."
            )
        if not force:
            raise RunFolderError(
                f"{folder}: there is a {kind} already. Use --force to replace it, or --out for another place."
            )
    above = next(place for place in folder.absolute().parents if place.exists())
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextmanager
def new_run_folder(folder: Path, *, force: bool, kind: FolderKind = "run") -> Iterator[Path]:
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


def refuse_changed_files(folder: Path, *, force: bool) -> tuple[str, ...]:
    """Refuse a run folder in which a file that the report reads is missing or altered.

    Returns
    -------
    tuple of str
        With ``force``: what a reader must be told of altered files. A missing one is refused all the same.

    Raises
    ------
    RunFolderError
        Names every file that is missing or altered.
    """
    recorded = read_manifest(folder).get("outputs_sha256") if (folder / files.MANIFEST).is_file() else None
    hashes = recorded if isinstance(recorded, dict) else {}
    changed = changed_files(
        folder, {str(name): str(value) for name, value in hashes.items() if _is_read(str(name))}
    )
    missing = any(one.what == "missing" for one in changed)
    if changed and (missing or not force):
        listed = "; ".join(f"{one.name} is {one.what}" for one in changed)
        advice = "" if missing else ", or use --force to build a report that says so"
        raise RunFolderError(f"{folder}: not as the run left it: {listed}. Run the forecast again{advice}.")
    return tuple(
        f"{one.name} was altered after the run was made; what it holds is not what the run found."
        for one in changed
    )


def output_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder but the manifest itself."""
    return {name: value for name, value in file_hashes(folder).items() if name != files.MANIFEST}


def record_outputs(folder: Path, written: Iterable[str]) -> None:
    """Put the hashes of files just written into the manifest; all others stay as the run left them."""
    manifest = read_manifest(folder)
    hashes = output_hashes(folder)
    recorded = manifest.get("outputs_sha256")
    if isinstance(recorded, dict):
        hashes = recorded | {name: hashes[name] for name in written}
    if hashes != recorded:
        write_json(manifest | {"outputs_sha256": hashes}, folder / files.MANIFEST)


def write_json(content: dict[str, object], path: Path) -> None:
    """Write a JSON object, indented by one."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _is_read(name: str) -> bool:
    made_again = name in (files.PDF, files.PAGE) or name.startswith(f"{files.FIGURES}/")
    return not (made_again or name.endswith(_LARGE))


def read_manifest(folder: Path) -> dict[str, object]:
    """Read the manifest of a folder (``RunFolderError`` when it is missing or no mapping)."""
    path = folder / files.MANIFEST
    _require(path)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
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
    """Read a record of a run folder.

    Raises
    ------
    RunFolderError
        The file is missing, or is not what a run writes.
    """
    _require(path)
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RunFolderError(
            f"{path}: {place}: {first['msg']}. The file is not what a run writes; run the forecast again."
        ) from error


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON, indented by one."""
    path.write_text(record.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")


def write_record_whole(record: Record, path: Path) -> None:
    """Write a record into a folder that stands: the file is there whole, or as it was before.

    Raises
    ------
    RunFolderError
        It cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_record(record, beside)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RunFolderError(
            f"{path}: cannot be written ({error.strerror or error}). Check permissions and free space."
        ) from error
