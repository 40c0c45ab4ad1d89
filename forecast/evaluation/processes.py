"""One process of this machine that runs one call at a time, and whose death is noticed.

A pool of the standard library that loses a process gives up everything that is queued, without saying
which call was to blame; hence one pool a process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any


class WorkerProcess:
    """A process started clean, since forking one whose sampler has started threads can hang."""

    def __init__(self) -> None:
        self.call: Future[Any] | None = None
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_follow_parent)
        self._pid = self._pool.submit(os.getpid)
        self._alive = True

    def start(self, function: Callable[..., Any], *arguments: object) -> None:
        """Begin a call; function and arguments are pickled."""
        try:
            self.call = self._pool.submit(function, *arguments)
        except BrokenProcessPool:
            self._begin()
            self.call = self._pool.submit(function, *arguments)

    def result(self) -> Any:  # noqa: ANN401 - whatever the function returns
        """Wait for the call and return its result; its errors are raised.

        Returns ``None`` when the process died; the next call then gets a new one.
        """
        if self.call is None:
            raise ValueError("no call was started")
        try:
            return self.call.result()
        except BrokenProcessPool:
            self._alive = False
            return None

    @property
    def process_id(self) -> int:
        """Number of the process; waits until it has begun."""
        return self._pid.result()

    def stop(self) -> None:
        """End the process now, whatever it does."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._alive and self._pid.done() and not self._pid.cancelled() and self._pid.exception() is None:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(self._pid.result(), signal.SIGTERM)


def first_done(workers: Iterable[WorkerProcess]) -> WorkerProcess:
    """Wait until the call of one of the workers is done, and return that worker."""
    calls = {worker.call: worker for worker in workers if worker.call}
    done, _ = wait(calls, return_when=FIRST_COMPLETED)
    return next(worker for call, worker in calls.items() if call in done)


def _follow_parent() -> None:
    # Ctrl-C goes to every process of a terminal: the parent stops the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A pool's process would wait for work for ever when its parent is killed.
    threading.Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
