"""Units of a backtest on a Dask cluster: one of this machine, or any scheduler that is already there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from forecast.errors import InputError, UnfinishedError
from forecast.evaluation.unit_store import decisive_versions

if TYPE_CHECKING:
    from forecast.evaluation.workers import Job, Outcome

LOCAL = "local"
CONNECT_SECONDS = 10
JOIN_SECONDS = 60


def run_on_cluster(
    jobs: Sequence[Job], attempt: Callable[..., Outcome], cluster: str, workers: int
) -> Iterator[tuple[Job, Outcome]]:
    """Run units on a cluster and yield each with its outcome, in the order of completion.

    Parameters
    ----------
    jobs : sequence of (plan, events, unit)
    attempt : callable
        Runs one of them.
    cluster : str
        ``"local"``, or the address of a scheduler.
    workers : int
        Worker processes of a local cluster.

    Raises
    ------
    InputError
        Dask is not installed, no scheduler or worker answers, or a worker has other versions.
    """
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "--cluster needs Dask, which is not installed. Install it with: pip install 'forecast[cluster]'"
        ) from error
    dask: Any = distributed
    with _client(dask, cluster, workers) as client:
        _require_same_versions(client, cluster)
        # Each call carries its data, so that no worker holds anything that is lost when it dies.
        waiting = {client.submit(attempt, *job, pure=False): job for job in jobs}
        for future in dask.as_completed(waiting):
            job = waiting[future]
            try:
                outcome: Outcome = future.result()
            except dask.KilledWorker as error:
                outcome = UnfinishedError(f"{job[2].name}: its workers died again and again ({error})")
            yield job, outcome


@contextmanager
def _client(distributed: Any, cluster: str, workers: int) -> Iterator[Any]:  # noqa: ANN401 - Dask is optional
    if cluster == LOCAL:
        with (
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.ERROR,
            ) as own,
            distributed.Client(own) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(cluster, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--cluster {cluster}: no scheduler answers there ({error}). Give 'local' or tcp://host:port"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"--cluster {cluster}: the scheduler has no worker, and none came within {JOIN_SECONDS} "
                f"seconds. Start one with: dask worker {cluster}"
            ) from error
        yield client


def _require_same_versions(client: Any, cluster: str) -> None:  # noqa: ANN401 - Dask is optional
    ours = decisive_versions()
    for worker, theirs in client.run(decisive_versions).items():
        if theirs != ours:
            raise InputError(
                f"--cluster {cluster}: worker {worker} has {theirs}, but here it is {ours}. Numbers would "
                "differ: install the same versions"
            )
