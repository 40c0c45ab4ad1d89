"""Units give the same anywhere, members without a fit beside them, and nobody sees the future."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta

import distributed
import numpy as np
import pytest

from forecast.config import load_config
from forecast.errors import InputError
from forecast.evaluation import past_forecasts as units
from forecast.evaluation.past_forecasts import (
    MODELS,
    BacktestOptions,
    Unit,
    collect,
    model_columns,
    read_unit,
    run_unit,
    unit_row,
)
from forecast.evaluation.study import Task, Workers, do_all, run_study
from forecast.events.table import FIELDS, EventTable
from forecast.families import FAMILIES, Family
from forecast.pooled_hazard import PooledHazard
from forecast.workflows.backtest_folder import run_backtest

MONTHS = (date(2020, 1, 1), date(2020, 2, 1))
NAMES = ("first", "second", "third", "fourth")
WAIT_SECONDS = 60


def bits(result):
    numbers = [chances.tolist() for number in result.numbers for chances in number]
    return result.probability.tobytes(), result.refitted.tolist(), result.observed.tolist(), numbers


def in_capitals(**instead):
    """Work on names that takes a tenth of a second, or does something else for some."""

    def work(name):
        assert sum(range(4_000_000)) > 0
        return instead[name]() if name in instead else name.upper()

    return work


def said(work, names=NAMES, **place):
    """What the work made of names, and the failures."""
    tasks = [Task(name, name, (name,)) for name in names]
    results, failures = run_study(work, tasks, lambda task, row: row, **place)
    return results, list(failures)


def test_units_in_other_processes_give_what_a_unit_alone_gives_and_each_is_told(us_china, make_plan):
    """Units of one origin each."""
    plan, events, told = make_plan(origins=MONTHS, start=date(2019, 7, 1)), model_columns(us_china), []
    for name in ("id", "date", "known_date", "category", "severity"):
        assert np.array_equal(getattr(events, name), getattr(us_china, name))
    assert set(events.summary) == set(events.source_url) == {""}
    units = [Unit(plan.dyad, place, place) for place in range(len(MONTHS))]
    results, _ = run_study(
        unit_row,
        [Task(unit.name, unit.name, (plan, events, unit)) for unit in units],
        lambda task, row: read_unit(task.arguments[2], row),
        workers=Workers(2),
        listen=lambda task: told.append(task.name),
    )
    made = {unit.name: run_unit(plan, us_china, unit) for unit in units}
    alone = {name: bits(result) for name, result in made.items()}
    assert {name: bits(result) for name, result in results.items()} == alone
    for origin, result in zip(MONTHS, made.values(), strict=True):
        # The chance of none is that of the forecast; what came is counted once a day and kind of act.
        ((chances,),), ((came,),) = result.numbers, result.observed
        assert chances[0] == pytest.approx(1 - result.probability[0, 0, 0], abs=1e-6)
        assert chances.sum() == pytest.approx(1.0)
        inside = us_china.between(origin, origin + timedelta(days=29))
        met = plan.targets[0].mask(inside)
        days = {*zip(inside.date[met].tolist(), inside.category[met].tolist(), strict=True)}
        assert len({day for day, _ in days}) <= came <= met.sum()
    assert sorted(told) == list(alone)


def test_a_task_that_kills_its_workers_is_named_and_the_others_are_kept():
    results, failures = said(in_capitals(third=lambda: os._exit(9)), workers=Workers(2))
    assert results == {name: name.upper() for name in NAMES if name != "third"}
    assert failures == ["third: its worker processes died; the cause may be a lack of memory"]


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
        InputError, match=r"`cluster` tcp://127\.0\.0\.1:1: no scheduler answers there .* Give 'local'"
    ):
        list(do_all(abs, [(1,)], None, Workers(cluster="tcp://127.0.0.1:1")))
    # Refused where nothing has to be fitted, too.
    with pytest.raises(InputError, match="`cluster` loacl: no address of a scheduler"):
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


ORIGINS = (date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1))


@dataclass(frozen=True)
class Steady:
    """A share of the days since the origin, another one in every month."""

    name: str = "steady"
    label: str = "steady"
    furthest_days: int = 10_000

    def by_day(self, *asked):
        raise AssertionError("one origin after the other")

    def at_origins(self, events, targets, origins, start, horizons):
        made = np.array([horizons / (100 * origin.month) for origin in origins.tolist()])
        return {target.name: made for target in targets}


@pytest.fixture
def families(monkeypatch):
    """A family that is a direct member alone, and one that averages it with the model."""
    alone = Family("steady", "steady", fitted=False, direct=(Steady(),))
    mix = Family("mix", "mix", fitted=True, direct=(Steady(),))
    monkeypatch.setitem(FAMILIES, "steady", alone)
    monkeypatch.setitem(FAMILIES, "mix", mix)
    monkeypatch.setattr("forecast.evaluation.past_forecasts.MODELS", tuple(FAMILIES))


def probabilities(table, model):
    return np.stack([table.select(who=model, horizon_days=days).chance for days in table.horizons], axis=1)


def test_a_model_of_direct_members_has_no_unit_and_the_numbers_of_its_members(families, make_plan, us_china):
    plan = make_plan(origins=ORIGINS, models=("steady",))
    assert plan.units == []
    found = probabilities(collect(plan, us_china, []), "steady")
    np.testing.assert_allclose(found, [[0.3, 0.9], [0.15, 0.45], [0.1, 0.3]])


def test_a_mixed_family_is_the_mean_of_the_model_and_its_others(families, make_plan, us_china, drawn_units):
    plan = make_plan(origins=ORIGINS, models=("model", "mix"))
    (unit,) = plan.units
    made = units.run_unit(plan, us_china, unit)
    steady = np.array([[0.3, 0.9], [0.15, 0.45], [0.1, 0.3]])
    for reacted in (1.0, 0.8):
        # Reactions to past acts move the others as they move the model.
        table = collect(plan, us_china, [replace(made, reacted=np.full_like(made.reacted, reacted))])
        model, moved = probabilities(table, "model"), 1 - (1 - steady) * reacted
        np.testing.assert_allclose(probabilities(table, "mix"), (model + moved) / 2, rtol=1e-14)


def test_a_plan_depends_on_what_is_known_before_the_record_and_on_the_hazard_where_it_is_used(make_plan):
    (target,) = make_plan().targets
    silent = replace(target, silent_since=date(2000, 1, 1))
    plans = [make_plan(targets=(one,)) for one in (target, silent, replace(silent, seen_then=True))]
    hazard = plans[0].hazard.model_dump(by_alias=True)
    other = PooledHazard.model_validate(hazard | {"deviation": 0.5})
    plans += [make_plan(models=("combined",)), make_plan(models=("combined",), hazard=other)]
    assert len({json.dumps(plan.settings("data")) for plan in plans}) == len(plans)
    # A unit is a fit of the model, which does not read the hazard.
    assert make_plan(hazard=other).settings("data") == plans[0].settings("data")


def test_a_backtest_without_any_fit_is_whole(families, config_file, tmp_path, drawn_units):
    options = BacktestOptions(origins=ORIGINS, horizons=(30,), models=("steady",))
    done = run_backtest(load_config(config_file), options, folder=tmp_path / "backtest")
    assert (done.failures, len(done.plan.units), sum(drawn_units.values())) == ((), 0, 0)
    assert {who for _, _, who in done.scores.cells} > {"steady"}
    assert (tmp_path / "backtest/scores.json").is_file()


def test_a_forecast_is_marked_where_any_fit_behind_it_failed(families, make_plan, us_china, drawn_units):
    plan = make_plan(origins=ORIGINS, models=("model", "steady", "mix"))
    (unit,) = plan.units
    made = units.run_unit(plan, us_china, unit)
    converged = np.array([origin != ORIGINS[1] for origin in ORIGINS])
    table = collect(plan, us_china, [replace(made, converged=converged)])
    for model, marks in {
        "model": [0, 1, 0],
        "mix": [0, 1, 0],
        "steady": [0] * 3,
        "climatology": [0] * 3,
    }.items():
        assert table.select(who=model, horizon_days=30).failed_fit.tolist() == marks, model


POISONED_FROM = date(2020, 2, 1)


def poisoned(events: EventTable) -> EventTable:
    """Change category and severity of every row known on or after the day, and drop every third of them."""
    late = np.flatnonzero(events.known_date >= np.datetime64(POISONED_FROM))
    columns = {name: np.array(getattr(events, name)) for name in FIELDS}
    columns["category"][late] = "military_incident"
    columns["severity"][late] = 5
    columns["summary"][late] = "poison"
    kept = np.ones(len(events), dtype=bool)
    kept[late[::3]] = False
    return EventTable.sort_rows(
        {name: column[kept] for name, column in columns.items()}, "poisoned", has_verified=events.has_verified
    )


@pytest.fixture(scope="module")
def pair(us_china, make_plan):
    """Forecasts of all models and baselines, from the events as they are and from poisoned ones."""
    plan = make_plan(models=MODELS, origins=(POISONED_FROM, date(2020, 3, 1)), start=date(2019, 1, 1))

    def forecasts(events):
        return collect(plan, events, [run_unit(plan, events, unit) for unit in plan.units])

    return forecasts(us_china), forecasts(poisoned(us_china))


def by_model(table, model, late: bool):
    rows = table.select(who=model)
    return rows.chance[(rows.origin > np.datetime64(POISONED_FROM)) == late]


def test_no_forecast_up_to_the_poisoned_day_changes_by_a_bit(pair):
    clean, poison = pair
    assert clean.models == (
        *MODELS,
        "climatology",
        "constant_rate",
        "last_window",
        "gamma_poisson",
        "decayed_logistic",
        "pooled_line",
    )
    for model in clean.models:
        before = by_model(clean, model, late=False)
        assert len(before) == 2
        assert before.tobytes() == by_model(poison, model, late=False).tobytes(), model


def test_the_poison_reaches_the_forecasts_after_it(pair):
    clean, poison = pair
    for model in clean.models:
        assert np.all(by_model(clean, model, late=True) != by_model(poison, model, late=True)), model
