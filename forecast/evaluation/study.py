"""A study: tasks, a function that makes the row of each, where it runs, and what is kept of it.

A row is plain JSON and depends on its task alone: rows made here, by other processes or machines, or kept
from a study that was stopped, are the same to the last bit.
"""

from __future__ import annotations

import json
import logging
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.errors import ForecastError, InputError, UnfinishedError
from forecast.evaluation.kept_rows import KeptRows, decisive_versions

Row = Any
"""Plain JSON values."""
LOCAL = "local"
_ADDRESS = r"\w+://\S+|\S+:\d+"
CONNECT_SECONDS = 10
JOIN_SECONDS = 60
_DIED = "its worker processes died; the cause may be a lack of memory"

_one_at_a_time = threading.Lock()


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


@dataclass(frozen=True)
class Study[T]:
    """What the rows say, by key in the order of the tasks; ``reused`` of them were kept from before."""

    results: Mapping[str, T]
    failures: tuple[UnfinishedError, ...]
    reused: int

    @property
    def n_tasks(self) -> int:
        """Number of tasks, failed ones included."""
        return len(self.results) + len(self.failures)

    @property
    def listed_failures(self) -> str:
        """The failures, one a line."""
        return "\n".join(f"  {failure}" for failure in self.failures)


def run_study[T](
    work: Callable[..., Row],
    tasks: Sequence[Task],
    read: Callable[[Task, Row], T],
    *,
    rows: KeptRows | None = None,
    workers: Workers | None = None,
    strict: bool = False,
    listen: Callable[[Task], None] | None = None,
) -> Study[T]:
    """Make the rows of a study that are not kept already in ``rows``.

    ``work`` makes a row from the arguments of a task (on Dask it is a function of a module); ``read`` is what
    a row says (``ValueError``, ``KeyError`` or ``TypeError`` for a damaged one). A task that fails is named
    in ``failures`` and the others go on, unless ``strict`` lets its error end the study; the task of a worker
    that dies runs again on another, until it has cost several. ``listen`` is told of each task whose row is
    there.

    Raises
    ------
    InputError
        A kept row is damaged, a row cannot be kept, or the cluster cannot be used.
    StoppedError
        Ctrl-C was pressed, and rows are kept.
    """
    tell = listen or (lambda task: None)
    results: dict[str, T] = {}
    failures: list[UnfinishedError] = []
    for task in tasks:
        kept = None if rows is None else rows.row(task.key)
        if rows is not None and kept is not None:
            try:
                results[task.key] = read(task, kept)
            except (ValueError, KeyError, TypeError) as error:
                raise rows.damaged(task.key, task.name, error) from error
            tell(task)
    reused = len(results)
    jobs = [(work, task, strict) for task in tasks if task.key not in results]
    try:
        for (_, task, _), outcome in do_all(_attempt, jobs, _died, workers or Workers()):
            if isinstance(outcome, UnfinishedError):
                failures.append(outcome)
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
    return Study(in_order, tuple(failures), reused)


def counted(tell: Callable[[int, int], None] | None, planned: int) -> Callable[[Task], None]:
    """Return a listener of tasks that tells how many are done and planned."""
    done = 0

    def listen(task: Task) -> None:
        nonlocal done
        done += 1
        if tell:
            tell(done, planned)

    return listen


def _attempt(work: Callable[..., Row], task: Task, strict: bool) -> Row | UnfinishedError:
    """Make a row, or name the expected or numerical error that ended its task."""
    # A fit uses all cores by itself: workers with several threads take turns.
    with _one_at_a_time:
        try:
            return work(*task.arguments)
        except (ForecastError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
            if strict:
                raise
            kind = "" if isinstance(error, ForecastError) else f"{type(error).__name__}: "
            return UnfinishedError(f"{task.name}: {kind}{error}")


def _died(job: tuple[Callable[..., Row], Task, bool]) -> UnfinishedError:
    return UnfinishedError(f"{job[1].name}: {_DIED}")


def do_all[*Ts, R](
    work: Callable[[*Ts], R], jobs: Sequence[tuple[*Ts]], died: Callable[[tuple[*Ts]], R], workers: Workers
) -> Iterator[tuple[tuple[*Ts], R]]:
    """Do each job and yield it with its result: in order here, in the order of completion elsewhere.

    ``died`` is the result of a job that cost several workers their lives. ``InputError`` when the cluster
    cannot be reached, has no worker, or a worker has other versions.
    """
    cluster = workers.cluster or LOCAL
    if cluster != LOCAL and not re.fullmatch(_ADDRESS, cluster):
        raise InputError(f"--cluster {cluster}: no address of a scheduler. Give 'local' or tcp://host:port")
    if not workers.elsewhere or not jobs:
        yield from ((job, work(*job)) for job in jobs)
        return
    import distributed  # takes half a second

    # No client becomes Dask's default: xarray, which writes results while the workers go on, would then ask
    # the scheduler for a lock on its memory.
    n_workers = min(workers.processes, len(jobs))
    with _own_workers(n_workers) if cluster == LOCAL else _workers_at(cluster) as client:
        # Each call carries its data, so that no worker holds anything that is lost when it dies.
        waiting = {client.submit(work, *job, pure=False): job for job in jobs}
        for future in distributed.as_completed(waiting, loop=client.loop):
            job = waiting[future]
            try:
                result: R = future.result()
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
            f"--cluster {address}: no scheduler answers there ({error}). Give 'local' or tcp://host:port"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"--cluster {address}: the scheduler has no worker, and none came within {JOIN_SECONDS} "
                f"seconds. Start one with: dask worker {address}"
            ) from error
        ours = decisive_versions()
        for worker, theirs in client.run(decisive_versions).items():
            if theirs != ours:
                raise InputError(
                    f"--cluster {address}: worker {worker} has {theirs}, but here it is {ours}. Numbers "
                    "would differ: install the same versions"
                )
        yield client
