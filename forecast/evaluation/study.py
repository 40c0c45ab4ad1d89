"""A study: tasks, a function that makes the row of each, where it runs, and what is kept of it.

A row is plain JSON and depends on its task alone: rows made here, by other processes or machines, or kept
from a study that was stopped, are the same to the last bit. Kept rows lie on disk, a JSON object a line, so
that a study that was stopped goes on; a key is a hash of all that its row depends on, so that rows of other
data, settings or code are not read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from forecast import __version__
from forecast.errors import (
    ForecastError,
    InputError,
    RunFolderError,
    StoppedError,
    UnfinishedError,
    install_command,
)

Json = Any
"""Plain JSON values: what a row holds."""
_ADDRESS = r"\w+://\S+|\S+:\d+"
CONNECT_SECONDS = 10
JOIN_SECONDS = 60
_DIED = "its worker processes died; the cause may be a lack of memory"

_one_at_a_time = threading.Lock()

FILE = "rows.jsonl"
_BEGIN = b'{"key": "'
"""How ``KeptRows.keep`` begins a row."""
_DECISIVE = ("numpy", "nutpie", "numba")
_WITHOUT_NUMBERS = ("cli", "report")


@dataclass(frozen=True)
class Task:
    """One row to be made: by what it is kept, what people call it, what the work is given."""

    key: str
    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Workers:
    """Where tasks run: in this process, in others of this machine, or on Dask.

    ``cluster`` is ``"local"`` or the address of a scheduler, as tcp://host:port, which has its own workers.
    """

    processes: int = 1
    cluster: str | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether tasks leave this process."""
        return self.processes > 1 or self.cluster is not None


def run_study[T](
    work: Callable[..., Json],
    tasks: Sequence[Task],
    read: Callable[[Task, Json], T],
    *,
    rows: KeptRows | None = None,
    workers: Workers | None = None,
    listen: Callable[[Task], None] | None = None,
) -> tuple[dict[str, T], tuple[str, ...]]:
    """Make the rows of a study that are not kept already in ``rows``.

    ``work`` makes a row from the arguments of a task (on Dask it is a function of a module); ``read`` is what
    a row says. Returned are what the rows say, by key in the order of the tasks, and a line for each task
    that failed. That of a worker that dies runs again, at last alone.

    ``InputError``: a row is damaged or cannot be kept, or no cluster; ``StoppedError``: Ctrl-C, rows are
    kept.
    """
    tell = listen or (lambda task: None)
    results: dict[str, T] = {}
    failures: list[str] = []
    for task in tasks:
        if rows is not None and task.key in rows.by_key:
            try:
                results[task.key] = read(task, rows.by_key[task.key])
            except (ValueError, KeyError, TypeError) as error:
                raise rows.damaged(task.key, task.name, error) from error
            tell(task)
    jobs = [(work, task) for task in tasks if task.key not in results]

    def died(job: tuple[Callable[..., Json], Task]) -> UnfinishedError:
        return UnfinishedError(f"{job[1].name}: {_DIED}")

    try:
        for (_, task), outcome in do_all(_attempt, jobs, died, workers or Workers()):
            if isinstance(outcome, UnfinishedError):
                failures.append(str(outcome))
            else:
                # As it would be read from disk, whether it is kept or not.
                row = json.loads(json.dumps(outcome))
                results[task.key] = read(task, row)
                if rows is not None:
                    rows.keep(task.key, row)
            tell(task)
    except KeyboardInterrupt:
        if rows is None:
            raise
        raise rows.stopped(len(results), len(tasks)) from None
    in_order = {task.key: results[task.key] for task in tasks if task.key in results}
    return in_order, tuple(failures)


def _attempt(work: Callable[..., Json], task: Task) -> Json | UnfinishedError:
    """Make a row, or name the expected or numerical error that ended its task."""
    # A fit uses all cores by itself: workers with several threads take turns.
    with _one_at_a_time:
        try:
            return work(*task.arguments)
        except (ForecastError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
            kind = "" if isinstance(error, ForecastError) else f"{type(error).__name__}: "
            return UnfinishedError(f"{task.name}: {kind}{error}")


def do_all[*Ts, R](
    work: Callable[[*Ts], R], jobs: Sequence[tuple[*Ts]], died: Callable[[tuple[*Ts]], R], workers: Workers
) -> Iterator[tuple[tuple[*Ts], R]]:
    """Do each job and yield it with its result: in order here, in the order of completion elsewhere.

    ``died`` is the result of a job that kills even a worker of its own. ``InputError``: no usable cluster.
    """
    cluster = workers.cluster or "local"
    if cluster != "local" and not re.fullmatch(_ADDRESS, cluster):
        raise InputError(f"`cluster` {cluster}: no address of a scheduler. Give 'local' or tcp://host:port")
    if not workers.elsewhere or not jobs:
        yield from ((job, work(*job)) for job in jobs)
        return
    if find_spec("distributed") is None:
        raise InputError(
            "`processes` above 1 and `cluster` need distributed, which the extra 'cluster' brings: "
            f"{install_command('cluster')}"
        )
    import distributed  # takes half a second

    # No client becomes Dask's default: xarray, which writes results while the workers go on, would then ask
    # the scheduler for a lock on its memory.
    n_workers = min(workers.processes, len(jobs))
    with _own_workers(n_workers) if cluster == "local" else _workers_at(cluster) as client:
        # Each call carries its data, so that no worker holds anything that is lost when it dies.
        waiting = {client.submit(work, *job, pure=False): job for job in jobs}
        suspects = []
        for future in distributed.as_completed(waiting, loop=client.loop):
            try:
                result: R = future.result()
            except distributed.KilledWorker:
                suspects.append(waiting[future])
                continue
            yield waiting[future], result
        # Dask blames a death on every job that the worker held, so that only a job alone shows its guilt.
        for job in suspects:
            try:
                result = client.submit(work, *job, pure=False).result()
            except distributed.KilledWorker:
                result = died(job)
            yield job, result


@contextmanager
def _own_workers(n_workers: int) -> Iterator[Any]:
    import distributed

    class FollowParent(distributed.WorkerPlugin):  # type: ignore[misc]
        """Ctrl-C goes to every process of a terminal: the parent stops its workers."""

        def setup(self, worker: object) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    with (
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            # Dask's own limit, memory by core, would end fits that the machine has room for.
            memory_limit=0,
            # No dashboard, and any free port for what is left of it: else two studies at once warn of theirs.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        ) as own,
        distributed.Client(own, set_as_default=False) as client,
    ):
        client.register_plugin(FollowParent())
        yield client


@contextmanager
def _workers_at(address: str) -> Iterator[Any]:
    import distributed

    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"`cluster` {address}: no scheduler answers there ({error}). Give 'local' or tcp://host:port"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"`cluster` {address}: the scheduler has no worker, and none came within {JOIN_SECONDS} "
                f"seconds. Start one with: dask worker {address}"
            ) from error
        ours = decisive_versions()
        for worker, theirs in client.run(decisive_versions).items():
            if theirs != ours:
                raise InputError(
                    f"`cluster` {address}: worker {worker} has {theirs}, but here it is {ours}. Numbers "
                    "would differ: install the same versions"
                )
        yield client


class KeptRows:
    """Rows in a folder ``by_key``, made here, in the order kept (``InputError``: a damaged line)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._path = folder, folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path.is_file() else []
            # The last line of a study that was killed while it wrote.
            torn = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            self.by_key = dict(self._read(number, line) for number, line in enumerate(lines, start=1))
            if torn:
                if torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
                    raise self._delete(len(lines) + 1, "does not begin as a row of a study")
                with self._path.open("r+b") as file:
                    file.truncate(sum(map(len, lines)))
            self._path.touch()
        except OSError as error:
            raise InputError(f"{folder}: cannot keep rows ({error.strerror or error})") from error

    @classmethod
    def beside(cls, folder: Path) -> KeptRows:
        """The rows of a folder that is not whole yet; they lie in ``<folder>.partial``."""
        partial = partial_place(folder)
        if partial.exists() and not (partial / FILE).is_file() and any(partial.iterdir()):
            raise RunFolderError(f"{partial}: is in the way, and holds no {FILE}. Move it away")
        return cls(partial)

    def _read(self, number: int, line: bytes) -> tuple[str, dict[str, Any]]:
        try:
            content = json.loads(line)
            return content["key"], content["row"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._delete(number, f"is no row of a study ({error})") from error

    def keep(self, key: str, row: Mapping[str, Any]) -> None:
        """Append a finished row (``InputError`` when the disk is full or not writable)."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "row": row}) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written ({error.strerror or error}). Free space, then go on with "
                "the same command"
            ) from error

    def damaged(self, key: str, name: str, error: Exception) -> InputError:
        """Return (not raise) the refusal of a row whose content cannot be read."""
        return self._delete(list(self.by_key).index(key) + 1, f"the row of {name} is damaged ({error})")

    def _delete(self, number: int, fault: str) -> InputError:
        return InputError(f"{self._path}:{number}: {fault}. Delete the line, and try again")

    def stopped(self, done: int, planned: int) -> StoppedError:
        """Return (not raise) what is said when a study is stopped."""
        return StoppedError(
            f"interrupted; {done} of {planned} parts are finished and kept in {self.folder}. Go on with "
            "the same command."
        )


def partial_place(folder: Path) -> Path:
    """Where the rows of a folder wait until it is whole."""
    return folder.with_name(f"{folder.name}.partial")


def row_key(*parts: str) -> str:
    """Return the key of a row that depends on these texts, and on code and versions."""
    return hashlib.sha256("\n".join((decisive_versions(), *parts)).encode()).hexdigest()[:20]


@cache
def decisive_versions() -> str:
    """Versions that the numbers depend on, the package's with a hash of its code and data."""
    libraries = (f"{name} {version(name)}" for name in _DECISIVE)
    code = f"code {content_hash(Path(__file__).parents[1])}"
    return ", ".join((f"python {platform.python_version()}", f"forecast {__version__}", *libraries, code))


def content_hash(package: Path) -> str:
    """Hash of the code of a package and of the data in it, twelve hex digits; not of commands and reports."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package).parts
        if path.is_file() and inside[0] not in _WITHOUT_NUMBERS and "__pycache__" not in inside:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
