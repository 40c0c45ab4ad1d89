"""A run folder → an engine that is ready to answer, or the reason why it cannot and what helps."""

from __future__ import annotations

from pathlib import Path

from forecast.app.engine import Engine
from forecast.errors import MAKE_RUN, RunFolderError
from forecast.runs import files
from forecast.runs.folder import command_again, kind_of
from forecast.runs.run import read_run

ANSWERED_DRAWS = 4000
"""Draws at most, about, from which futures are played anew for an answer; every so many of a larger run."""


def open_engine(folder: Path) -> Engine:
    """Read a run for the page.

    Raises
    ------
    RunFolderError
        The folder holds no run, was altered, or was kept without its draws; with the command that makes it
        anew.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder. {MAKE_RUN}")
    kind = kind_of(folder)
    if kind not in ("run", "watched dyad"):
        holds = f"holds a {kind}" if kind else "holds no run"
        raise RunFolderError(
            f"{folder}: {holds}. Give a folder that 'forecast run' made, or one with runs below it"
        )
    if not (folder / files.POSTERIOR).is_file():
        raise RunFolderError(
            f"{folder}: kept without its draws ({files.POSTERIOR}), which the page needs. Make it again: "
            f"{command_again(folder)}"
        )
    run = read_run(folder)
    return Engine(run, max(1, run.n_draws // ANSWERED_DRAWS))
