"""Here, in processes, on Dask: the same record; a dead worker is the failure of its dyad alone."""

import os
from types import SimpleNamespace

import pytest

from forecast.config.watchlist import load_watchlist
from forecast.errors import InputError
from forecast.evaluation import study
from forecast.watchlist import watch as watching
from forecast.watchlist.dyad_runs import Job, run_dyad
from forecast.watchlist.event_files import events_of, read_files
from forecast.watchlist.watch import WatchOptions, rule_of, run_watch


def test_two_processes_leave_the_bytes_of_one(trial, tmp_path):
    watchlist = load_watchlist(trial)
    _, here = run_watch(watchlist, WatchOptions(out=tmp_path / "here", report=False))
    _, there = run_watch(watchlist, WatchOptions(out=tmp_path / "there", report=False, processes=2))
    for name in ("watch.json", "watch.csv", "watch.atom"):
        assert (here / name).read_bytes() == (there / name).read_bytes(), name


def test_a_dyad_that_kills_its_workers_fails_and_the_others_do_not(trial):
    watchlist = load_watchlist(trial)
    files = read_files(watchlist)
    tables = [events_of(rule_of(dyad), files).table for dyad in watchlist.dyads]
    jobs = [(Job(watchlist.config_of(k, table.source), table),) for k, table in enumerate(tables)]
    # A function of a function is sent whole, for workers do not know the module of a test.
    deadly = SimpleNamespace(known_by=lambda day: os._exit(9))
    jobs[1] = (Job(jobs[1][0].config, deadly),)
    done = study.do_all(run_dyad, jobs, watching._died, study.Workers(2))
    found = {job.config.name: result for (job,), result in done}
    dead = found.pop(jobs[1][0].config.name)
    assert dead.failure.code == "worker_died"
    assert len(found) == 2
    assert all(one.targets for one in found.values())


def test_a_cluster_that_is_not_there_is_named_and_leaves_what_was_finished(trial, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "CONNECT_SECONDS", 0.2)
    options = WatchOptions(out=tmp_path, report=False, cluster="tcp://127.0.0.1:9")
    with pytest.raises(InputError, match=r"--cluster tcp://127\.0\.0\.1:9: no scheduler answers there"):
        run_watch(load_watchlist(trial), options)
