"""Here, in processes, on Dask: the same record; a dead worker is the failure of its dyad alone."""

import pytest

from forecast.config.watchlist import load_watchlist
from forecast.errors import InputError
from forecast.evaluation import study
from forecast.watchlist import watch as watching
from forecast.watchlist.watch import run_watch


def test_two_processes_leave_the_bytes_of_one(trial, tmp_path):
    watchlist = load_watchlist(trial)
    _, here = run_watch(watchlist, out=tmp_path / "here", report=False)
    _, there = run_watch(watchlist, out=tmp_path / "there", report=False, processes=2)
    for name in ("watch.json", "watch.csv"):
        assert (here / name).read_bytes() == (there / name).read_bytes(), name


def test_a_dyad_whose_workers_die_fails_and_the_others_do_not(trial, tmp_path, monkeypatch):
    """That a death is told by ``died``, of the task that caused it alone, is a claim of every study."""

    def second_dies(work, rows, died, workers):
        for place, row in enumerate(rows):
            yield row, died(row) if place == 1 else work(*row)

    monkeypatch.setattr(watching, "do_all", second_dies)
    watch, _ = run_watch(load_watchlist(trial), out=tmp_path, report=False)
    failures = [one.failure.code for one in watch.dyads if one.failure]
    assert failures == ["worker_died"]
    assert sum(bool(one.targets) for one in watch.dyads) == len(watch.dyads) - 1 == 2


def test_a_cluster_that_is_not_there_is_named_and_leaves_what_was_finished(trial, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "CONNECT_SECONDS", 0.2)
    with pytest.raises(InputError, match=r"--cluster tcp://127\.0\.0\.1:9: no scheduler answers there"):
        run_watch(load_watchlist(trial), out=tmp_path, report=False, cluster="tcp://127.0.0.1:9")
