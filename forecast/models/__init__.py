"""The model of acts: its compiled density, exact chances, draws of its parameters.

Before any of it is imported, Numba is told where to keep machine code, without which nothing compiles. A
read-only home (a container, a job queue) is no reason not to forecast: the folder is then a temporary one,
removed at the end. What is kept there is run when it is read back, so a folder that others could write into
is refused.
"""

from __future__ import annotations

import atexit
import logging
import os
import stat
from collections.abc import MutableMapping
from contextlib import ExitStack
from pathlib import Path

from forecast.errors import InputError
from forecast.storage import scratch_folder

_NAME = "NUMBA_CACHE_DIR"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def choose_code_folder(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Name a temporary folder in the environment where the usual one cannot be used, and return it.

    To be called before ``numba`` is imported, which reads the environment once.

    Raises ``InputError``: the folder that the environment names could hold the code of somebody else.
    """
    if (named := environment.get(_NAME)) and (why := _open_to_others(Path(os.path.expanduser(named)))):
        raise InputError(
            f"{_NAME}={named}: the folder {why}. Compiled code is read from there and run, so only a "
            "folder of your own is used, with the permissions 0700"
        )
    caches = f"{environment.get('XDG_CACHE_HOME', '~/.cache')}/numba"
    beside = str(Path(__file__).with_name("__pycache__"))
    if any(map(_writable, [named] if named else [beside, caches])):  # where Numba looks, in its order
        return None
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(scratch_folder("code"))
    environment[_NAME] = str(folder)
    place = f"{_NAME}={named}" if named else caches
    advice = f"so each command compiles anew, up to half a minute. Set {_NAME}=FOLDER, a folder of your own"
    logging.getLogger(__name__).warning("Note: %s: cannot be written, %s.", place, advice)
    return folder


def _writable(folder: str) -> bool:
    place = os.path.expanduser(folder)
    if place[0] == "~":  # no home
        return False
    while not os.path.exists(place):  # nor where the user may not look
        place = os.path.dirname(os.path.abspath(place))
    return os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK)


def _open_to_others(folder: Path) -> str | None:
    """Why others could put code into a folder, as a clause; ``None`` where they cannot."""
    if os.name == "nt" or not os.path.exists(folder):
        return None
    status, above = folder.stat(), folder.resolve().parent.stat()
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & _OTHERS:
        return "can be written by others"
    if above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
        return "can be replaced by others"
    return None


choose_code_folder()
