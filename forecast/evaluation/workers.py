"""Where the units of a backtest run: here, in processes of this machine, or on a Dask cluster.

The results do not depend on the place: a unit is a pure function of plan, events and its own name.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from typing import Any

from forecast.errors import ForecastError, InputError
from forecast.evaluation.backtest import BacktestPlan, Unit, UnitResult, run_unit
from forecast.events.table import EventTable

Job = tuple[BacktestPlan, EventTable, Unit]
Outcome = UnitResult | ForecastError
"""What became of a unit: its forecasts, or the error that names it."""


def run_jobs(jobs: Sequence[Job], *, processes: int = 1, cluster: str | None = None) -> Iterator[tuple[Job, Outcome]]:
    """Run units and yield each with its outcome, in the order of completion.

    Parameters
    ----------
    jobs : sequence of (plan, events, unit)
    processes : int
        Processes of this machine; 1 runs in this process. Not used with ``cluster``.
    cluster : str, optional
        ``"local"`` for a Dask cluster of this machine, or the address of a scheduler
        (``tcp://host:port``). Needs the extra ``[cluster]``.

    Raises
    ------
    InputError
        The scheduler cannot be reached, or Dask is not installed.

    Notes
    -----
    A unit that fails is yielded with its error; the others go on. A worker that dies has its units run
    again elsewhere by Dask.
    """
    if cluster is not None:
        yield from _on_cluster(jobs, cluster, processes)
    elif processes > 1:
        yield from _in_processes(jobs, processes)
    else:
        for job in jobs:
            yield job, _attempt(*job)


def _attempt(plan: BacktestPlan, events: EventTable, unit: Unit) -> Outcome:
    try:
        return run_unit(plan, events, unit)
    except ForecastError as error:
        return type(error)(f"{unit.name}: {error}")


def _in_processes(jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, Outcome]]:
    # Forking a process whose sampler has started threads can hang: start clean ones.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting: dict[Future[Outcome], Job] = {pool.submit(_attempt, *job): job for job in jobs}
        for future in as_completed(waiting):
            job = waiting[future]
            try:
                yield job, future.result()
            except BrokenProcessPool:
                yield job, ForecastError(f"{job[2].name}: its worker process died; run again with --resume")


def _on_cluster(jobs: Sequence[Job], cluster: str, processes: int) -> Iterator[tuple[Job, Outcome]]:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "--cluster needs Dask, which is not installed. Install it with: pip install 'forecast[cluster]'"
        ) from error
    with _client(distributed, cluster, processes) as client:
        plans = {id(plan): client.scatter(plan, broadcast=True) for plan, _, _ in jobs}
        tables = {id(events): client.scatter(events, broadcast=True) for _, events, _ in jobs}
        waiting = {
            client.submit(_attempt, plans[id(plan)], tables[id(events)], unit, pure=False): (plan, events, unit)
            for plan, events, unit in jobs
        }
        for future in distributed.as_completed(waiting):
            job = waiting[future]
            error = future.exception()
            if error is not None:
                yield job, ForecastError(f"{job[2].name}: its worker failed ({error}); run again with --resume")
            else:
                yield job, future.result()


def _client(distributed: Any, cluster: str, processes: int) -> AbstractContextManager[Any]:
    if cluster == "local":
        return _local_client(distributed, processes)
    try:
        return distributed.Client(cluster, timeout="10s")  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        raise InputError(
            f"--cluster {cluster}: no scheduler answers there ({error}). Give 'local' or tcp://host:port"
        ) from error


def _local_client(distributed: Any, processes: int) -> AbstractContextManager[Any]:
    return distributed.Client(  # type: ignore[no-any-return]
        n_workers=processes, threads_per_worker=1, processes=True, dashboard_address=None
    )
