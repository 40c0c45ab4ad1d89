"""Here, in processes, on Dask, one worker killed: the same numbers to the last bit."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from datetime import date

import distributed
import numpy as np
import pytest

from forecast.errors import InputError
from forecast.evaluation.past_forecasts import Unit, model_columns, read_unit, run_unit, unit_row
from forecast.evaluation.study import Task, Workers, _own_workers, do_all, run_study

MONTHS = (date(2020, 1, 1), date(2020, 2, 1))
NAMES = ("first", "second", "third", "fourth")
WAIT_SECONDS = 60


def bits(result):
    return [
        (one.origin, one.probability.tobytes(), one.refitted, one.effective_draws) for one in result.forecasts
    ]


def in_capitals(**instead):
    """Work on names that takes a tenth of a second, or does something else for some."""

    def work(name):
        assert sum(range(4_000_000)) > 0
        return instead[name]() if name in instead else name.upper()

    return work


def said(work, names=NAMES, **place):
    """What the work made of names, and the failures."""
    study = run_study(work, [Task(name, name, (name,)) for name in names], lambda task, row: row, **place)
    return dict(study.results), list(map(str, study.failures))


def test_units_in_other_processes_give_what_a_unit_alone_gives_and_each_is_told(us_china, make_plan):
    """Units of one origin each."""
    plan, events, told = make_plan(origins=MONTHS, start=date(2019, 7, 1)), model_columns(us_china), []
    for name in ("id", "date", "known_date", "category", "severity"):
        assert np.array_equal(getattr(events, name), getattr(us_china, name))
    assert set(events.summary) == set(events.source_url) == {""}
    units = [Unit(plan.dyad, place, place) for place in range(len(MONTHS))]
    study = run_study(
        unit_row,
        [Task(unit.name, unit.name, (plan, events, unit)) for unit in units],
        lambda task, row: read_unit(task.arguments[2], row),
        workers=Workers(2),
        listen=lambda task: told.append(task.name),
    )
    alone = {unit.name: bits(run_unit(plan, us_china, unit)) for unit in units}
    assert {name: bits(result) for name, result in study.results.items()} == alone
    assert sorted(told) == list(alone)


def test_a_task_that_kills_its_workers_is_named_and_the_others_are_kept():
    results, failures = said(in_capitals(third=lambda: os._exit(9)), workers=Workers(2))
    assert results == {name: name.upper() for name in NAMES if name != "third"}
    assert failures == ["third: its worker processes died; the cause may be a lack of memory"]


def test_two_studies_on_one_machine_do_not_share_a_port():
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # a real one holds it already
            other.bind(("127.0.0.1", 8787))
            other.listen()
        with _own_workers(1) as client:  # a warning is an error
            assert len(client.run(os.getpid)) == 1


def test_a_dask_worker_killed_in_mid_run_changes_nothing(tmp_path):
    dask = [sys.executable, "-W", "ignore", "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    contact = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", contact]
    with contextlib.ExitStack() as stack:

        def start(*command):
            process = stack.enter_context(subprocess.Popen([*dask, *command], **quiet))
            stack.callback(process.kill)

        start("scheduler", *options)
        client = stack.enter_context(
            distributed.Client(scheduler_file=str(contact), timeout=WAIT_SECONDS, set_as_default=False)
        )
        address = client.scheduler.address
        for _ in range(2):
            start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        client.wait_for_workers(2, timeout=WAIT_SECONDS)
        pids, killed = client.run(os.getpid), []

        def kill_one(task):
            if not killed:
                busy = [worker for worker, units in client.processing().items() if units]
                killed.append((busy or [*pids])[0])
                os.kill(pids[killed[0]], signal.SIGKILL)

        whole = {name: name.upper() for name in NAMES}
        assert said(in_capitals(), workers=Workers(cluster=address), listen=kill_one) == (whole, [])
        survivors = client.run(os.getpid)
        assert survivors == {worker: pid for worker, pid in pids.items() if worker != killed[0]}


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("forecast.evaluation.study.CONNECT_SECONDS", 0.5)
    with pytest.raises(
        InputError, match=r"--cluster tcp://127\.0\.0\.1:1: no scheduler answers there .* Give 'local'"
    ):
        list(do_all(abs, [(1,)], None, Workers(cluster="tcp://127.0.0.1:1")))
    # Refused where nothing has to be fitted, too.
    with pytest.raises(InputError, match="--cluster loacl: no address of a scheduler"):
        list(do_all(abs, [], None, Workers(cluster="loacl")))


PARENT = """
import os, sys
from forecast.evaluation.study import _own_workers

if __name__ == "__main__":
    with _own_workers(1) as client:
        print(*client.run(os.getpid).values(), flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_worker_processes_end_with_their_parent_and_without_a_word(tmp_path, stop):
    (tmp_path / "parent.py").write_text(PARENT)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, tmp_path / "parent.py"]
    with subprocess.Popen(command, **pipes, text=True, start_new_session=True) as parent:
        worker = int(parent.stdout.readline())
        ended = os.pidfd_open(worker)
        if stop == signal.SIGINT:  # as Ctrl-C in a terminal: to all of them
            os.killpg(parent.pid, stop)
        else:
            parent.kill()
        parent.wait(timeout=WAIT_SECONDS)
        said = parent.stderr.read()
    assert said.count("Traceback") == (1 if stop == signal.SIGINT else 0), said
    readable, _, _ = select.select([ended], [], [], WAIT_SECONDS)
    os.close(ended)
    assert readable, "the worker outlived its parent"
