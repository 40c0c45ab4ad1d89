"""Where the units of a backtest run: here, in processes of this machine, or on a Dask cluster.

The results do not depend on the place: a unit is a pure function of plan, events and its own name.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from forecast.errors import ForecastError, UnfinishedError
from forecast.evaluation.backtest import BacktestPlan, OriginListener, Unit, UnitResult, run_unit
from forecast.evaluation.processes import WorkerProcess, first_done
from forecast.events.table import EventTable

Job = tuple[BacktestPlan, EventTable, Unit]
Outcome = UnitResult | ForecastError
"""What became of a unit: its forecasts, or the error that names it."""

_one_at_a_time = threading.Lock()


def run_jobs(
    jobs: Sequence[Job],
    *,
    processes: int = 1,
    cluster: str | None = None,
    listen: OriginListener | None = None,
) -> Iterator[tuple[Job, Outcome]]:
    """Run units and yield each with its outcome, in the order of completion.

    Parameters
    ----------
    jobs : sequence of (plan, events, unit)
    processes : int
        Processes of this machine; 1 runs in this process. With ``cluster="local"``: its workers.
    cluster : str, optional
        ``"local"`` for a Dask cluster of this machine, or the address of a scheduler
        (``tcp://host:port``). Needs the extra ``[cluster]``.
    listen : callable, optional
        Told after each origin, where units run in this process; elsewhere it is not called.

    Raises
    ------
    InputError
        The scheduler cannot be reached or has no worker, or Dask is not installed.

    Notes
    -----
    A unit that fails, or whose worker process dies, is yielded with its error; the others go on. Dask runs
    the units of a worker that dies again on another.
    """
    if cluster is not None:
        from forecast.evaluation.cluster import run_on_cluster

        yield from run_on_cluster(jobs, attempt, cluster, processes)
    elif processes > 1:
        yield from _run_in_processes(jobs, processes)
    else:
        for plan, events, unit in jobs:
            yield (plan, events, unit), attempt(plan, events, unit, listen)


def attempt(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> Outcome:
    """Run a unit; return its result, or the expected or numerical error that ended it, with its name."""
    # A compiled model is shared by all units of a process: workers with several threads take turns.
    with _one_at_a_time:
        try:
            return run_unit(plan, events, unit, listen)
        except ForecastError as error:
            return UnfinishedError(f"{unit.name}: {error}")
        except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
            return UnfinishedError(f"{unit.name}: {type(error).__name__}: {error}")


def _run_in_processes(jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, Outcome]]:
    waiting = deque(jobs)
    running: dict[WorkerProcess, Job] = {}
    workers = [WorkerProcess() for _ in range(min(processes, len(jobs)))]

    def feed(worker: WorkerProcess) -> None:
        if waiting:
            running[worker] = waiting.popleft()
            worker.start(attempt, *running[worker])

    try:
        for worker in workers:
            feed(worker)
        while running:
            worker = first_done(running)
            job = running.pop(worker)
            outcome = worker.result()
            feed(worker)
            if outcome is None:
                died = f"{job[2].name}: its worker process died; the cause may be a lack of memory"
                outcome = UnfinishedError(died)
            yield job, outcome
    finally:
        for worker in workers:
            worker.stop()
