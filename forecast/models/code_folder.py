"""Where PyTensor and Numba keep machine code, when their usual folders cannot be written.

Both refuse to be imported, or to compile, without a folder of their own. A read-only home (a container, a
job queue) is no reason not to forecast: the folder is then a temporary one, removed at the end.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path


def choose_code_folder(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Name a temporary folder in the environment where the usual one cannot be written.

    To be called before ``pytensor`` and ``numba`` are imported, which read the environment once.

    Returns
    -------
    Path or None
        The temporary folder; ``None`` where none is needed.
    """
    flags = environment.get("PYTENSOR_FLAGS", "")
    named = re.findall(r"(?:^|,)\s*base_compiledir\s*=\s*([^,]+)", flags)
    usual = Path(named[-1].strip()).expanduser() if named else Path.home() / ".pytensor"
    temporary = None
    if not _writable(usual):
        # A new folder of our own: code found in one that others can write must not be run.
        usual = temporary = Path(tempfile.mkdtemp(prefix="forecast-code-"))
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        environment["PYTENSOR_FLAGS"] = ",".join(filter(None, [flags, f"base_compiledir={temporary}"]))
    if not _writable(Path.home()):
        environment.setdefault("NUMBA_CACHE_DIR", str(usual / "kernels"))
    return temporary


def _writable(folder: Path) -> bool:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
