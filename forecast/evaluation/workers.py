"""Where the units of a backtest run: in this process, or on Dask workers of this machine or of others.

The results do not depend on the place: a unit is a pure function of plan, events and its own name.
"""

from __future__ import annotations

import logging
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from forecast.errors import ForecastError, InputError, UnfinishedError
from forecast.evaluation.backtest import BacktestPlan
from forecast.evaluation.unit_store import decisive_versions
from forecast.evaluation.units import OriginListener, Unit, UnitResult, run_unit
from forecast.events.table import EventTable

Job = tuple[BacktestPlan, EventTable, Unit]
Outcome = UnitResult | ForecastError
"""What became of a unit: its forecasts, or the error that names it."""

LOCAL = "local"
_ADDRESS = r"\w+://\S+|\S+:\d+"
CONNECT_SECONDS = 10
JOIN_SECONDS = 60

_one_at_a_time = threading.Lock()


def run_jobs(
    jobs: Sequence[Job],
    *,
    processes: int = 1,
    cluster: str | None = None,
    listen: OriginListener | None = None,
) -> Iterator[tuple[Job, Outcome]]:
    """Run units and yield each with its outcome, in the order of completion.

    A unit that fails is yielded with its error; the others go on. The unit of a worker that dies runs again
    on another, until it has cost several workers.

    Parameters
    ----------
    jobs : sequence of (plan, events, unit)
    processes : int
        Worker processes of this machine; 1 runs in this process, unless ``cluster`` is given.
    cluster : str, optional
        ``"local"``, or the address of a Dask scheduler (``tcp://host:port``), which has its own workers.
        ``InputError`` when it cannot be reached, has no worker, or a worker has other versions.
    listen : callable, optional
        Told after each origin, where units run in this process; elsewhere it is not called.
    """
    if processes > 1 or cluster:
        yield from spread(attempt, jobs, _died, processes=processes, cluster=cluster or LOCAL)
    else:
        for plan, events, unit in jobs:
            yield (plan, events, unit), attempt(plan, events, unit, listen)


def attempt(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> Outcome:
    """Run a unit; return its result, or the expected or numerical error that ended it, with its name."""
    # A fit uses all cores by itself: workers with several threads take turns.
    with _one_at_a_time:
        try:
            return run_unit(plan, events, unit, listen)
        except ForecastError as error:
            return UnfinishedError(f"{unit.name}: {error}")
        except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
            return UnfinishedError(f"{unit.name}: {type(error).__name__}: {error}")


def _died(job: Job) -> Outcome:
    return UnfinishedError(f"{job[2].name}: its worker processes died; the cause may be a lack of memory")


def spread[*Ts, R](
    work: Callable[[*Ts], R],
    jobs: Sequence[tuple[*Ts]],
    died: Callable[[tuple[*Ts]], R],
    *,
    processes: int,
    cluster: str = LOCAL,
) -> Iterator[tuple[tuple[*Ts], R]]:
    """Do each job on Dask workers and yield it with its result, in the order of completion.

    ``work`` is a function of a module, ``died`` the result of a job that cost several workers their lives;
    ``processes`` and ``cluster`` are as in ``run_jobs``.
    """
    if cluster != LOCAL and not re.fullmatch(_ADDRESS, cluster):
        raise InputError(f"--cluster {cluster}: no address of a scheduler. Give 'local' or tcp://host:port")
    if not jobs:
        return
    import distributed  # takes half a second

    # No client becomes Dask's default: xarray, which writes results while the workers go on, would then ask
    # the scheduler for a lock on its memory.
    n_workers = min(processes, len(jobs))
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
