"""What takes long: new fits, and searches of what would have to change for a probability.

One at a time, each in a process of its own: a new fit for a state that the draws of a run cannot answer.

The process reads the run folder again and runs what ``forecast scenario`` or ``reconcile`` runs; it ends when
it is cancelled or the server ends.
"""

from __future__ import annotations

import multiprocessing
import re
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

from forecast.app.engine import Answer, Engine, PageReconciled
from forecast.app.state import State, StateError
from forecast.errors import ForecastError
from forecast.records.base import Record

_KEPT = 20
"""Jobs of which the outcome is remembered."""
_PROGRESS = re.compile(r"([\d,]+) of (?:about )?([\d,]+) (?:draws|changes)")
_GRACE_SECONDS = 5


Task = Literal["refit", "reconcile"]


class RefitStatus(Record):
    """How far a new fit or a search is; ``progress`` is the share of its draws or changes that are done."""

    status: Literal["running", "done", "failed", "cancelled"]
    progress: float
    text: str
    answer: Answer | None = None
    reconciled: PageReconciled | None = None
    error: str | None = None


class BusyRefitError(StateError):
    """Another new fit or search is going on."""


@dataclass
class _Job:
    run_id: str
    status: RefitStatus
    process: BaseProcess | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Refits:
    """The new fits and searches of a server; all methods may be called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[int, _Job] = {}
        self._next = 1

    def start(self, engine: Engine, content: object, state: State) -> int:
        """Begin a new fit for a state and return its number.

        Raises ``BusyRefitError`` while another is being made, ``StateError`` where none can be.
        """
        if state.scenario is None:
            raise StateError("nothing is changed, so there is nothing to fit again")
        return self._begin(engine, "refit", content)

    def search(self, engine: Engine, content: object) -> int:
        """Begin a search of what would have to change, and return its number; raises as ``start``."""
        engine.read_goal(content)
        return self._begin(engine, "reconcile", content)

    def _begin(self, engine: Engine, task: Task, content: object) -> int:
        folder = engine.run.folder
        if folder is None:
            raise StateError("the run is not kept in a folder, so nothing long can be computed from here")
        context = multiprocessing.get_context("spawn")
        with self._lock:
            if any(job.status.status == "running" for job in self._jobs.values()):
                raise BusyRefitError(
                    "another new fit is being made, or another search; wait for it or cancel it"
                )
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(folder, task, content, sending), daemon=True)
            process.start()
            sending.close()
            number = self._next
            self._next += 1
            job = _Job(
                engine.run.forecast.run_id,
                RefitStatus(status="running", progress=0.0, text="starting"),
                process,
            )
            self._jobs[number] = job
            for old in [key for key in self._jobs if key <= number - _KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._follow, args=(job, receiving), daemon=True).start()
        return number

    def status(self, engine: Engine, number: int) -> RefitStatus:
        """Return how far a new fit of this run is (``StateError`` where there is none of that number)."""
        with self._lock:
            return self._job(engine, number).status

    def cancel(self, engine: Engine, number: int) -> RefitStatus:
        """End a new fit; one that is over stays as it is."""
        with self._lock:
            job = self._job(engine, number)
            self._end(job)
            return job.status

    def close(self) -> None:
        """End whatever runs."""
        with self._lock:
            for job in self._jobs.values():
                self._end(job)

    def _job(self, engine: Engine, number: int) -> _Job:
        job = self._jobs.get(number)
        if job is None or job.run_id != engine.run.forecast.run_id:
            raise StateError(f"there is no new fit or search of number {number} for this run")
        return job

    def _end(self, job: _Job) -> None:
        if job.status.status != "running" or job.process is None:
            return
        job.status = job.status.model_copy(update={"status": "cancelled", "text": "cancelled"})
        job.process.terminate()
        job.process.join(_GRACE_SECONDS)
        if job.process.is_alive():
            job.process.kill()

    def _follow(self, job: _Job, receiving: Connection) -> None:
        """Take over what the process says until it ends."""
        try:
            while True:
                said = receiving.recv()
                with self._lock:
                    if job.status.status == "running":
                        job.status = _after(job.status, said)
        except (EOFError, OSError):
            pass
        assert job.process is not None
        job.process.join()
        with self._lock:
            if job.status.status == "running":
                error = f"it ended without an answer (code {job.process.exitcode})"
                job.status = job.status.model_copy(
                    update={"status": "failed", "text": "failed", "error": error}
                )


def _after(status: RefitStatus, said: Mapping[str, str]) -> RefitStatus:
    """Status after one message of the process."""
    if "answer" in said:
        answer = Answer.model_validate_json(said["answer"])
        return RefitStatus(status="done", progress=1.0, text="done", answer=answer)
    if "reconciled" in said:
        reconciled = PageReconciled.model_validate_json(said["reconciled"])
        return RefitStatus(status="done", progress=1.0, text="done", reconciled=reconciled)
    if "error" in said:
        return status.model_copy(update={"status": "failed", "text": "failed", "error": said["error"]})
    progress = status.progress
    if found := _PROGRESS.search(said["note"]):
        finished, planned = (int(number.replace(",", "")) for number in found.groups())
        progress = min(finished / max(planned, 1), 1.0)
    return status.model_copy(update={"progress": progress, "text": said["note"]})


def work(folder: Path, task: Task, content: object, sending: Connection) -> None:
    """Fit again or search, in a process of its own; tells how far it is, then answer or fault."""
    # Ctrl-C is for the server, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from forecast.runs.run import read_run

    def tell(note: str) -> None:
        sending.send({"note": note or "starting"})

    try:
        engine = Engine(read_run(folder))
        if task == "refit":
            sending.send(
                {"answer": engine.answer(engine.read(content), refit=True, tell=tell).model_dump_json()}
            )
        else:
            sending.send({"reconciled": engine.reconcile(engine.read_goal(content), tell).model_dump_json()})
    except ForecastError as error:
        sending.send({"error": str(error)})
    except MemoryError:
        sending.send({"error": "the machine has not enough memory for it"})
    except BrokenPipeError:
        pass  # the server is gone
    except Exception as error:  # the page is to learn of it whatever it is
        sending.send({"error": f"internal error ({type(error).__name__}: {error})"})
    finally:
        sending.close()
