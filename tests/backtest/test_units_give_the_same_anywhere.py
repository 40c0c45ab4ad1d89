"""Here, in processes, on Dask, one worker killed: the same numbers to the last bit."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import date

import numpy as np
import pytest

from forecast.errors import InputError
from forecast.evaluation.past_forecasts import Unit, model_columns, read_unit, run_unit, unit_row
from forecast.evaluation.study import Task, Workers, _own_workers, do_all, run_study

MONTHS = (date(2020, 1, 1), date(2020, 2, 1))
NAMES = ("first", "second", "third", "fourth")


def bits(result):
    return [
        (one.origin, one.probability.tobytes(), one.refitted, one.effective_draws) for one in result.forecasts
    ]


def in_capitals(**instead):
    """Work on names that takes no time, or does something else for some: sent whole to workers."""

    def work(name):
        time.sleep(0.1)
        return instead[name]() if name in instead else name.upper()

    return work


def said(work, names=NAMES, **place):
    """What the work made of names, and the failures."""
    study = run_study(work, [Task(name, name, (name,)) for name in names], lambda task, row: row, **place)
    return dict(study.results), list(map(str, study.failures))


def test_units_in_other_processes_give_what_a_unit_alone_gives_and_each_is_told(us_china, make_plan):
    """Units of one origin each."""
    plan, events, told = make_plan(origins=MONTHS, start=date(2019, 7, 1)), model_columns(us_china), []
    units = [Unit(plan.dyad, place, place) for place in range(len(MONTHS))]
    tasks = [Task(unit.name, unit.name, (plan, events, unit)) for unit in units]
    study = run_study(
        unit_row,
        tasks,
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


def test_a_unit_that_fails_is_named_and_the_others_go_on(us_china, make_plan):
    plan = make_plan(start=date(2022, 1, 1))
    unit = Unit(plan.dyad, 2, 2)
    results, (failure,) = said(in_capitals(second=lambda: unit_row(plan, us_china, unit)))
    assert failure.startswith("second: the data window is empty")
    assert results == {name: name.upper() for name in NAMES if name != "second"}


def test_two_studies_on_one_machine_do_not_share_a_port():
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # a real one holds it already
            other.bind(("127.0.0.1", 8787))
            other.listen()
        with _own_workers(1) as client:  # a warning is an error
            assert len(client.run(os.getpid)) == 1


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler in its own process; yields its address and a function that starts a worker."""
    started = []

    def start(*arguments):
        log = (tmp_path / f"{len(started)}.log").open("w")
        command = [sys.executable, "-W", "ignore", "-m", "dask", *arguments, "--no-dashboard"]
        started.append(subprocess.Popen(command, stdout=log, stderr=log))
        log.close()
        return started[-1]

    contact = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(contact))
    for _ in range(600):
        if contact.is_file() and contact.stat().st_size:
            break
        time.sleep(0.1)
    address = json.loads(contact.read_text())["address"]
    yield address, lambda: start("worker", address, "--nthreads", "1", "--no-nanny")
    for process in started:
        process.kill()
        process.wait()


def test_a_dask_worker_killed_in_mid_run_changes_nothing(scheduler):
    import distributed

    address, start_worker = scheduler
    workers = [start_worker(), start_worker()]
    with distributed.Client(address) as client:
        client.wait_for_workers(len(workers), timeout=60)
        pids = client.run(os.getpid)
        killed = []

        def kill_one(task):
            if not killed:
                killed.extend(worker for worker, units in client.processing().items() if units)
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


def test_events_sent_to_workers_hold_all_that_counts(us_china):
    sent = model_columns(us_china)
    for name in ("id", "date", "known_date", "category", "severity"):
        assert np.array_equal(getattr(sent, name), getattr(us_china, name))
    assert set(sent.summary) == set(sent.source_url) == {""}


PARENT = """
import os, sys, time
from forecast.evaluation.study import _own_workers

if __name__ == "__main__":
    with _own_workers(1) as client:
        print(*client.run(os.getpid).values(), flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_worker_processes_end_with_their_parent_and_without_a_word(tmp_path, stop):
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, tmp_path / "parent.py"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        if stop == signal.SIGINT:  # as Ctrl-C in a terminal: to all of them
            os.killpg(parent.pid, stop)
        else:
            parent.kill()
        said = parent.communicate(timeout=60)[1]
    assert said.count("Traceback") == (1 if stop == signal.SIGINT else 0), said
    for _ in range(100):
        if not is_running(worker):
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its parent")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
