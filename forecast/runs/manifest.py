"""``manifest.json`` of a run folder: the hashes that tell whether a file is as the run left it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from forecast.errors import RunFolderError
from forecast.runs.folder import changed_files, file_hashes

MANIFEST = "manifest.json"
PDF, PAGE, FIGURES = "report.pdf", "report.html", "figures"
"""What a report consists of, below its run folder: made again whenever it is asked for."""
_LARGE = (".nc", ".zarr")
"""Endings of the posterior and its paths: no report reads them, and a folder may be kept without them."""


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
    recorded = _read(folder / MANIFEST).get("outputs_sha256") if (folder / MANIFEST).is_file() else None
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
    return {name: value for name, value in file_hashes(folder).items() if name != MANIFEST}


def record_outputs(folder: Path, written: Iterable[str]) -> None:
    """Put the hashes of files just written into the manifest; all others stay as the run left them."""
    manifest = _read(folder / MANIFEST)
    hashes = output_hashes(folder)
    recorded = manifest.get("outputs_sha256")
    if isinstance(recorded, dict):
        hashes = recorded | {name: hashes[name] for name in written}
    if hashes != recorded:
        write_json(manifest | {"outputs_sha256": hashes}, folder / MANIFEST)


def write_json(content: dict[str, object], path: Path) -> None:
    """Write a JSON object, indented by one."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _is_read(name: str) -> bool:
    return not (name in (PDF, PAGE) or name.startswith(f"{FIGURES}/") or name.endswith(_LARGE))


def _read(path: Path) -> dict[str, object]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read as JSON ({error}). Run the forecast again.") from error
    if not isinstance(manifest, dict):
        raise RunFolderError(
            f"{path}: a mapping is expected, not {type(manifest).__name__}. Run the forecast again."
        )
    return manifest
