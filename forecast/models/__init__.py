"""The model of acts: its definition in PyMC, its compiled density, and draws of its parameters.

Before any of it is imported, PyTensor and Numba are told where to keep machine code. Both refuse to be
imported, or to compile, without a folder of their own. A read-only home (a container, a job queue) is no
reason not to forecast: the folder is then a temporary one, removed at the end. What is kept there is run
when it is read back, so a folder that others could write into is refused.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import stat
from collections.abc import MutableMapping
from contextlib import ExitStack, suppress
from pathlib import Path

from forecast.errors import InputError
from forecast.storage import scratch_folder

_LOGGER = logging.getLogger(__name__)
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_SOURCES = "generated_src_dir"


def choose_code_folder(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Name a temporary folder in the environment where the usual one cannot be used, and return it.

    To be called before ``pytensor`` and ``numba`` are imported, which read the environment once. PyTensor's
    sources go into the same folder, and not into the system's folder for temporary files for good.

    Raises ``InputError``: a folder that the environment names could hold the code of somebody else.
    """
    flags = environment.get("PYTENSOR_FLAGS", "")
    named = _flag(flags, "base_compiledir")
    usual = Path(named).expanduser() if named else Path.home() / ".pytensor"
    temporary = None
    strange = _open_to_others(usual)
    if strange and named:
        raise _refused(f"PYTENSOR_FLAGS: base_compiledir={named}", strange)
    kernels = environment.get("NUMBA_CACHE_DIR")
    if kernels and (why := _open_to_others(Path(kernels).expanduser())):
        raise _refused(f"NUMBA_CACHE_DIR={kernels}", why)
    if strange:
        _LOGGER.warning(
            "%s %s, so nothing is kept there and every run compiles anew. Remove it, or make it yours alone: "
            "chmod 700 %s",
            usual,
            strange,
            usual,
        )
    if strange or not _writable(usual):
        stack = ExitStack()
        atexit.register(stack.close)
        usual = temporary = stack.enter_context(scratch_folder("code"))
        flags = ",".join(filter(None, [flags, f"base_compiledir={temporary}"]))
    else:
        with suppress(OSError):
            usual.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _flag(flags, _SOURCES) is None:
        flags = ",".join(filter(None, [flags, f"{_SOURCES}={usual / 'sources'}"]))
    environment["PYTENSOR_FLAGS"] = flags
    if strange or not _writable(Path.home()):
        environment.setdefault("NUMBA_CACHE_DIR", str(usual / "kernels"))
    return temporary


def _flag(flags: str, name: str) -> str | None:
    found = re.findall(rf"(?:^|,)\s*{name}\s*=\s*([^,]+)", flags)
    return found[-1].strip() if found else None


def _writable(folder: Path) -> bool:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _open_to_others(folder: Path) -> str | None:
    """Why others could put code into a folder, as a clause; ``None`` where they cannot."""
    if os.name == "nt" or not folder.exists():
        return None
    status, above = folder.stat(), folder.resolve().parent.stat()
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & _OTHERS:
        return "can be written by others"
    if above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
        return "can be replaced by others"
    return None


def _refused(setting: str, why: str) -> InputError:
    return InputError(
        f"{setting}: the folder {why}. Compiled code is read from there and run, so only a folder of your "
        "own is used, with the permissions 0700"
    )


# Before PyTensor and Numba are imported, which read the environment once.
choose_code_folder()
