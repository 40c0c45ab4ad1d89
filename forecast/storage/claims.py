"""One writer a place: whoever writes a run, an import or a backtest holds the place while the work lasts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forecast.errors import BusyError
from forecast.storage.leavings import claim_of, lock, remove_leavings

_TRIES, _PAUSE_S = 10, 0.02
_held: dict[Path, int] = {}
_guard = threading.Lock()


@contextmanager
def claim(place: Path) -> Iterator[None]:
    """Hold a place: no other process, and no other thread, claims it until the block ends.

    Leavings beside it are removed first. The folder above is made where it is missing, and goes again when
    nothing is in it at the end. Claims of one thread nest.

    Raises
    ------
    BusyError
        Somebody else holds the place.
    OSError
        The folder above cannot be written.
    """
    key = place.absolute()
    with _guard:
        owner = _held.get(key)
        if owner is None:
            _held[key] = threading.get_ident()
    if owner == threading.get_ident():
        yield
        return
    if owner is not None:
        raise _busy(place)
    missing = [above for above in key.parents if not above.exists()]
    try:
        key.parent.mkdir(parents=True, exist_ok=True)
        remove_leavings(key.parent)
        with _claimed_file(claim_of(key), place):
            yield
    finally:
        with _guard:
            del _held[key]
        for above in missing:
            with suppress(OSError):  # it holds something by now
                above.rmdir()


@contextmanager
def _claimed_file(path: Path, place: Path) -> Iterator[None]:
    tries = 0
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not lock(descriptor):
            os.close(descriptor)
            tries += 1
            if tries > _TRIES:
                raise _busy(place)
            # Somebody who looks for leavings holds the file for a moment.
            time.sleep(_PAUSE_S)
            continue
        # The last owner may have removed the file that was opened.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                break
        os.close(descriptor)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _busy(place: Path) -> BusyError:
    return BusyError(
        f"{place}: another forecast command is writing it. Wait until it has ended, or name another place"
    )
