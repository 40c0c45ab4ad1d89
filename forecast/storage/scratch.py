"""Temporary folders outside the results: gone at the end of the work, or at the next start."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.storage.leavings import NEW, beside, held_folder, remove_leavings_once


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Give an empty folder below the system's folder for temporary files (``OSError``)."""
    above = Path(tempfile.gettempdir())
    remove_leavings_once(above)
    folder = beside(above / name, NEW)
    try:
        with held_folder(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
