"""The command from list to folder: its contract, its states, and that nothing is done twice."""

import json
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.cli.terminal import lines_of
from forecast.config.watchlist import load_watchlist
from forecast.errors import InputError, NotConvergedError
from forecast.events.reading import read_events, write_events
from forecast.events.table import EventTable
from forecast.ledger.store import open_ledger
from forecast.records.analysis import RowsMoved
from forecast.records.forecast import GateFailure
from forecast.records.notices import notice
from forecast.watchlist import watch as watching
from forecast.watchlist.page import watch_answer
from forecast.watchlist.watch import failed, forecast_dyad, run_watch, watch_place
from tests.conftest import answers_of

from .conftest import AS_OF, PAIRS, simulated, watched, write_dyads, write_list


def test_the_command_prints_the_contract_and_leaves_its_files(trial, tmp_path, command):
    ended = command("watch", trial, "--out", tmp_path / "out", "--json")
    assert ended.code == 0
    printed = json.loads(ended.out)
    place = tmp_path / "out/trial" / AS_OF.isoformat()
    assert {"watch.json", "watch.csv", "watch.pdf", "watch.html"} <= {one.name for one in place.iterdir()}
    assert json.loads((place / "watch.json").read_text()) == printed
    assert printed["as_of"] == AS_OF.isoformat()
    assert [one["name"] for one in printed["dyads"]] == ["aaa-bbb", "ddd-eee", "aaa-ccc"]
    assert [one["rank"] for one in printed["dyads"]] == [1, 2, 3]
    assert {one["state"] for one in printed["dyads"]} == {"fine"}
    (target,) = printed["dyads"][0]["targets"]
    assert target["name"] == "force"
    assert printed["dyads"][0]["trigger"] == "go"
    assert (place / "aaa-bbb/events.csv").is_file()


def test_dyads_of_known_rates_are_ranked_by_them_at_every_milestone(trial, tmp_path):
    watch, _ = watched(trial, tmp_path)
    chances = np.array([[m.probability for m in entry.targets[0].milestones] for entry in watch.dyads])
    assert [PAIRS[entry.a, entry.b] for entry in watch.dyads] == sorted(PAIRS.values(), reverse=True)
    assert (np.diff(chances, axis=0) < 0).all()
    assert (np.diff(chances, axis=1) > 0).all()


def test_an_unchanged_list_forecasts_nothing_again(trial, tmp_path, monkeypatch):
    first, place = run_watch(load_watchlist(trial), out=tmp_path)
    before = {name: (place / name).read_bytes() for name in ("watch.csv", "watch.html", "watch.pdf")}

    def refuse(job):
        raise AssertionError(f"{job.config.name} was forecast again")

    monkeypatch.setattr(watching, "forecast_dyad", refuse)
    again, _ = run_watch(load_watchlist(trial), out=tmp_path)
    assert {one.work for one in again.dyads} == {"unchanged"}
    assert [one.targets for one in again.dyads] == [one.targets for one in first.dyads]
    assert {name: (place / name).read_bytes() for name in before} == before


def test_what_became_known_after_the_day_changes_nothing(trial, tmp_path):
    whole, _ = watched(trial, tmp_path / "whole")
    for path in (tmp_path / "dyads").iterdir():
        write_events(read_events(path).known_by(AS_OF), path)
    cut, _ = watched(trial, tmp_path / "cut")
    assert [one.targets for one in whole.dyads] == [one.targets for one in cut.dyads]


def test_an_interrupted_watch_goes_on_where_it_was(trial, tmp_path, monkeypatch, command):
    done = []

    def stop_after_one(job):
        if done:
            raise KeyboardInterrupt
        done.append(job.config.name)
        return forecast_dyad(job)

    monkeypatch.setattr(watching, "forecast_dyad", stop_after_one)
    ended = command("watch", trial, "--out", tmp_path)
    assert ended.code == 130
    assert "1 dyad finished. The same command goes on" in ended.err
    assert not (watch_place(load_watchlist(trial), tmp_path) / "watch.json").exists()
    monkeypatch.setattr(watching, "forecast_dyad", forecast_dyad)
    watch, _ = watched(trial, tmp_path)
    assert {one.name for one in watch.dyads if one.work == "unchanged"} == set(done)


def test_dyads_of_less_than_a_year_have_no_number(trial, tmp_path):
    watch, _ = watched(trial, tmp_path, as_of=date(2002, 10, 1))
    assert [one.failure.code for one in watch.dyads] == ["too_little_record"] * len(PAIRS)
    assert all(one.failure.record.code == "too_little_record" for one in watch.dyads)
    assert not any(one.targets or one.rank or one.trigger for one in watch.dyads)


GATE = GateFailure(code="rhat", quantity="P(x)", value=1.4, limit=1.01)


def test_one_failed_dyad_stops_nothing_and_is_tried_again(trial, tmp_path, monkeypatch, command):
    def fail_one(job):
        if job.config.name == "aaa-ccc":
            return failed("not_converged", gates=(GATE,)), None
        return forecast_dyad(job)

    monkeypatch.setattr(watching, "forecast_dyad", fail_one)
    watch, _ = watched(trial, tmp_path)
    states = {one.name: one.state for one in watch.dyads}
    assert states == {"aaa-bbb": "fine", "ddd-eee": "fine", "aaa-ccc": "failed"}
    last = watch.dyads[-1]
    assert (last.name, last.rank, last.targets) == ("aaa-ccc", None, ())
    ended = command("watch", trial, "--out", tmp_path, "--no-report", "--no-ledger")
    assert ended.code == 1
    assert (
        "1 dyad of 3 without a number; the others are done:\n  aaa-ccc: the fit did not converge. R-hat"
        in ended.err
    )
    monkeypatch.setattr(watching, "forecast_dyad", forecast_dyad)
    again, _ = watched(trial, tmp_path)
    assert {one.state for one in again.dyads} == {"fine"}


def test_a_dyad_that_never_saw_the_target_is_answered_without_a_fit(trial, tmp_path, monkeypatch):
    path = tmp_path / "dyads/aaa-ccc.csv"
    known = read_events(path)
    write_events(known.select(known.category != "military_incident"), path)

    def asked(inputs, *, drivers):
        raise NotConvergedError(f"the model was asked of {inputs.config.name}")

    monkeypatch.setattr(watching, "run_of_inputs", asked)
    watch, _ = watched(trial, tmp_path)
    done = {one.name: one for one in watch.dyads}
    assert {one.work for one in done.values()} == {"direct"}
    quiet = done["aaa-ccc"].targets[0]
    assert quiet.observed_before == 0
    assert 0 < quiet.milestones[-1].probability < done["aaa-bbb"].targets[0].milestones[-1].probability


def test_change_is_news_plus_the_rest_and_both_are_forecasts(trial, tmp_path):
    first, _ = watched(trial, tmp_path)
    day = AS_OF + timedelta(days=7)
    # Of one dyad nothing new is known, another has a week of attacks.
    quiet = tmp_path / "dyads/aaa-ccc.csv"
    write_events(read_events(quiet).known_by(AS_OF), quiet)
    busy = tmp_path / "dyads/ddd-eee.csv"
    known = read_events(busy).known_by(AS_OF)
    week = simulated(("DDD", "EEE"), 30.0, 9, first=AS_OF + timedelta(days=1), last=day, prefix="new-")
    assert sum(one.severity == 5 for one in week) >= 2
    write_events(EventTable.from_events([*known.rows(), *week], "made for a test", has_verified=False), busy)
    second, _ = watched(trial, tmp_path, as_of=day)
    moved = {one.name: one.change for one in second.dyads}
    assert second.since == AS_OF
    for name, change in moved.items():
        before = next(one for one in first.dyads if one.name == name).milestone.probability
        now = next(one for one in second.dyads if one.name == name).milestone.probability
        assert change.before == before
        assert change.change == pytest.approx(now - before, abs=1e-12)
        assert change.news.change + change.rest == pytest.approx(change.change, abs=1e-12)
        assert change.reasons == ("days",)
    assert moved["aaa-ccc"].news == RowsMoved()
    assert moved["aaa-ccc"].rest <= 0
    assert moved["ddd-eee"].news.added == len(week)
    assert moved["ddd-eee"].news.change > 0.02
    assert moved["ddd-eee"].arrow == "up"
    # Today's model on the events of then is the forecast that those events give by themselves.
    write_events(known, busy)
    apart, _ = watched(trial, tmp_path / "apart", as_of=day)
    then = next(one for one in apart.dyads if one.name == "ddd-eee").milestone.probability
    assert moved["ddd-eee"].rest == pytest.approx(then - moved["ddd-eee"].before, abs=1e-12)


def test_a_list_goes_on_without_dyads_that_have_no_acts_unless_none_has(tmp_path, command):
    write_dyads(tmp_path)
    entries = [f"{{a: {a}, b: {b}}}" for a, b in PAIRS] + [f"{{a: X{n:02d}, b: YYY}}" for n in range(3)]
    path = write_list(tmp_path, dyads=entries)
    watch, _ = watched(path, tmp_path / "out")
    assert [one.state for one in watch.dyads] == ["fine"] * 3 + ["failed"] * 3
    assert command("watch", path, "--out", tmp_path / "b", "--no-report", "--no-ledger").code == 1
    with pytest.raises(InputError, match="No dyad can be run") as caught:
        watched(write_list(tmp_path, dyads=entries[3:]), tmp_path / "c")
    assert all(f"X{n:02d}" in str(caught.value) for n in range(3))
    assert "list.yaml:9:5: dyads[0]" in str(caught.value)
    assert not (tmp_path / "c").exists()


def test_a_stale_feed_is_stamped(trial, tmp_path):
    path = tmp_path / "dyads/ddd-eee.csv"
    known = read_events(path)
    write_events(known.known_by(AS_OF - timedelta(days=150)), path)
    watch, _ = watched(trial, tmp_path / "a")
    states = {one.name: one.state for one in watch.dyads}
    assert states == {"aaa-bbb": "fine", "ddd-eee": "stale", "aaa-ccc": "fine"}


def test_one_file_for_all_gives_the_numbers_of_a_file_each_and_a_row_in_both_counts_once(trial, tmp_path):
    apart, _ = watched(trial, tmp_path / "a")
    rows = [row for path in sorted((tmp_path / "dyads").iterdir()) for row in read_events(path).rows()]
    write_events(EventTable.from_events(rows, "all", has_verified=False), tmp_path / "dyads/all.csv")
    twice, _ = watched(trial, tmp_path / "b")
    assert len(twice.notes) == 3
    assert all((note.code, note["rows"] > 0) == ("repeated_rows", True) for note in twice.notes)
    for name in ("aaa-bbb", "aaa-ccc", "ddd-eee"):
        (tmp_path / f"dyads/{name}.csv").unlink()
    together, _ = watched(trial, tmp_path / "c")
    targets = [[entry.targets for entry in watch.dyads] for watch in (apart, twice, together)]
    assert targets[0] == targets[1] == targets[2]


def test_forecasts_go_on_record_once_unless_asked_not_to(trial, tmp_path, command):
    out = tmp_path / "out"
    assert command("watch", trial, "--out", out, "--no-report").code == 0
    ledger = out / "ledger.sqlite"
    found = [*open_ledger(ledger).forecasts]
    assert len(found) == 3 * 3
    watch = json.loads((out / "trial" / AS_OF.isoformat() / "watch.json").read_text())
    answers = {one["label"]: answers_of(one["targets"][0]) for one in watch["dyads"]}
    for one in found:
        milestone = answers[one.dyad_label][one.milestone_name]
        assert one.probability == pytest.approx(milestone["probability"], abs=1e-6)
        assert one.model == "pooled_hazard"
    assert command("watch", trial, "--out", out, "--no-report").code == 0
    assert len([*open_ledger(ledger).forecasts]) == len(found)
    assert command("watch", trial, "--out", tmp_path / "b", "--no-report", "--no-ledger").code == 0
    assert not (tmp_path / "b/ledger.sqlite").exists()


def test_a_dyad_may_have_targets_of_its_own_is_ranked_by_its_first_and_says_so_in_the_table(tmp_path):
    write_dyads(tmp_path)
    own = "targets: {quarrel: {any_of: [dispute], min_severity: 1}}"
    path = write_list(tmp_path, dyads=["{a: AAA, b: BBB}", f"{{a: AAA, b: CCC, {own}}}"])
    watch, folder = watched(path, tmp_path)
    assert sum("on: Quarrel" in line for line in lines_of(watch_answer(watch, folder))) == 1
    by_name = {one.name: one for one in watch.dyads}
    assert by_name["aaa-ccc"].question.target == "quarrel"
    assert [one.name for one in by_name["aaa-ccc"].targets] == ["quarrel"]


def test_acts_with_third_parties_alone_are_forecast_and_said_so(tmp_path):
    write_dyads(tmp_path)
    path = write_list(tmp_path, dyads=["{a: AAA, b: ZZZ, theatre: [BBB]}", "{a: DDD, b: EEE}"])
    watch, _ = watched(path, tmp_path)
    (note,) = watch.notes
    assert note == notice("third_parties_alone", dyad="AAA – ZZZ", theatre=("BBB",))
    direct, _ = watched(write_list(tmp_path, dyads=["{a: AAA, b: BBB}"]), tmp_path / "direct")
    third = next(one for one in watch.dyads if one.name == "aaa-zzz")
    chances = [m.probability for m in third.targets[0].milestones]
    assert chances == [m.probability for m in direct.dyads[0].targets[0].milestones]


@pytest.mark.slow
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
