"""Ranks with their uncertainty, triggers with hysteresis, and messages that are sent only when asked for."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

from forecast.config.watchlist import load_watchlist
from forecast.runs.folder import changed_files, read_manifest
from forecast.watchlist import folder as places
from forecast.watchlist.ranking import draw_probabilities, rank_dyads, states_over_time, trigger_state

from .conftest import watched

TRIGGERS = {"ready": 0.2, "set": 0.35, "go": 0.5}


def test_drawn_probabilities_have_the_mean_and_interval_asked_for():
    mean = np.array([0.1, 0.5, 0.9])
    interval = np.array([stats.beta(20 * m, 20 * (1 - m)).ppf([0.05, 0.95]) for m in mean])
    drawn = draw_probabilities(mean, interval, 40_000, seed=1)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.003)
    np.testing.assert_allclose(np.quantile(drawn, [0.05, 0.95], axis=0).T, interval, atol=0.006)


def test_equal_dyads_share_the_first_five_places_and_certain_ones_take_them():
    ranks, top = rank_dyads([(0.3, (0.2, 0.4))] * 10, seed=1)
    assert ranks == list(range(1, 11))
    np.testing.assert_allclose(top, 0.5, atol=0.03)
    assert rank_dyads([(0.2, (0.1, 0.3)), (0.5, (0.4, 0.6))], seed=1) == ([2, 1], [1.0, 1.0])
    sure = [(0.9 - place / 20, (0.9 - place / 20, 0.9 - place / 20)) for place in range(8)]
    assert rank_dyads(sure, seed=1)[1] == [1.0] * 5 + [0.0] * 3


def test_certain_and_impossible_dyads_keep_their_chance_and_warn_of_nothing():
    with np.errstate(invalid="raise"):
        drawn = draw_probabilities(
            np.array([1.0, 0.0, 0.4]), np.array([(1, 1), (0, 0), (0.4, 0.4)]), 50, seed=1
        )
    np.testing.assert_array_equal(drawn, np.tile([1.0, 0.0, 0.4], (50, 1)))


def test_a_trigger_begins_at_its_threshold_and_ends_below_it_by_the_hysteresis():
    path = [0.19, 0.2, 0.17, 0.165, 0.15, 0.36, 0.29, 0.27, 0.6, 0.41, 0.39]
    expected = [None, "ready", "ready", "ready", None, "set", "set", "ready", "go", "go", "set"]
    assert states_over_time(path, TRIGGERS, 0.2) == expected
    assert trigger_state(0.3, TRIGGERS, 0.2, "gone from the list") == "ready"


class Receiver(BaseHTTPRequestHandler):
    status = 200
    received: ClassVar[list[dict]] = []

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        type(self).received.append(json.loads(self.rfile.read(length)))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Receiver,), {"received": []})
    with HTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/hook", handler
        listening.shutdown()
        thread.join()


def test_a_webhook_gets_each_change_once_and_nobody_gets_anything_unasked(trial, tmp_path, server):
    address, handler = server
    watched(trial, tmp_path / "quiet")
    assert handler.received == []
    trial.write_text(trial.read_text() + f"on_change: {{webhook: '{address}'}}\n")
    watch, _ = watched(trial, tmp_path)
    on = [one for one in watch.dyads if one.trigger]
    assert [one["dyad"] for one in handler.received] == [one.name for one in on]
    first = handler.received[0]
    assert first["before"] is None
    assert first["trigger"] == on[0].trigger
    assert first["probability"] == on[0].milestone.probability
    watched(trial, tmp_path)
    assert len(handler.received) == len(on)


def test_a_message_that_fails_is_noted_and_stops_nothing(trial, tmp_path, server):
    address, handler = server
    handler.status = 500
    extra = f"on_change: {{webhook: '{address}', command: [no-such-program]}}\n"
    trial.write_text(trial.read_text() + extra)
    watch, _ = watched(trial, tmp_path)
    assert {note.code for note in watch.notes} == {"webhook_failed", "command_failed"}
    assert watch.states()["fine"] == 3


def with_command(trial, kept):
    """Let the list tell a command that keeps what it gets; return how to read that."""
    extra = f'on_change: {{command: [sh, -c, \'cat >> "{kept}"; echo >> "{kept}"\']}}\n'
    trial.write_text(trial.read_text() + extra)
    return lambda: [json.loads(one) for one in kept.read_text().splitlines()] if kept.exists() else []


@pytest.mark.parametrize("as_of", ["2010-01-04", "2010-01-05"])
def test_a_watch_that_dies_after_it_told_is_not_told_again_on_that_day_or_the_next(
    trial, tmp_path, monkeypatch, as_of
):
    told = with_command(trial, tmp_path / "told.jsonl")
    with monkeypatch.context() as dying:
        dying.setattr(places, "write_watch", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watched(trial, tmp_path / "out")
    first = told()
    assert first
    watch, _ = watched(trial, tmp_path / "out", [f"as_of={as_of}"])
    assert [one for one in told() if one["as_of"] == "2010-01-04"] == first
    # A day later a number may have crossed a threshold, from what was told and not from nothing.
    before = {one["dyad"]: one["trigger"] for one in first}
    assert all(one["before"] == before.get(one["dyad"]) for one in told()[len(first) :])
    now = before | {one["dyad"]: one["trigger"] for one in told()}
    assert {one.name: one.trigger for one in watch.dyads if one.name in now} == now


def test_a_watch_that_dies_between_two_messages_sends_the_second_alone(trial, tmp_path, monkeypatch):
    told = with_command(trial, tmp_path / "told.jsonl")
    write, written = places.write_told, []

    def die_after_the_first(folder, state):
        write(folder, state)
        written.append(state)
        if len(written) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("forecast.watchlist.notifying.write_told", die_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            watched(trial, tmp_path / "out")
    assert len(told()) == 1
    watch, _ = watched(trial, tmp_path / "out")
    assert sorted(one["dyad"] for one in told()) == sorted(one.name for one in watch.dyads if one.trigger)
    assert len({one["id"] for one in told()}) == len(told()) > 1


@pytest.mark.parametrize("as_of", ["2010-01-04", "2010-01-05"])
def test_a_message_that_was_not_delivered_is_tried_again_by_the_next_watch(trial, tmp_path, server, as_of):
    address, handler = server
    handler.status = 500
    trial.write_text(trial.read_text() + f"on_change: {{webhook: '{address}'}}\n")
    watched(trial, tmp_path)
    tried = [one["dyad"] for one in handler.received]
    handler.status = 200
    handler.received.clear()
    watch, _ = watched(trial, tmp_path, [f"as_of={as_of}"])
    assert {one["dyad"] for one in handler.received} == set(tried)
    assert {one["before"] for one in handler.received} == {None}
    assert not [note for note in watch.notes if note.code == "webhook_failed"]
    handler.received.clear()
    watched(trial, tmp_path, [f"as_of={as_of}"])
    assert handler.received == []


def test_the_files_of_a_watch_change_together_and_have_their_hashes(trial, tmp_path, monkeypatch):
    _, folder = watched(trial, tmp_path)
    recorded = read_manifest(folder)["outputs_sha256"]
    assert {"watch.json", "watch.csv", "watch.atom"} == set(recorded)
    assert changed_files(folder, recorded) == ()
    before = {path: path.read_bytes() for path in folder.glob("watch.*")}

    def cut(content, path):
        raise KeyboardInterrupt

    trial.write_text(trial.read_text().replace("ready: 20%", "ready: 1%"))
    with monkeypatch.context() as dying:
        dying.setattr(places, "write_json", cut)
        with pytest.raises(KeyboardInterrupt):
            watched(trial, tmp_path)
    assert {path: path.read_bytes() for path in folder.glob("watch.*")} == before
    watched(trial, tmp_path)
    assert {path: path.read_bytes() for path in folder.glob("watch.*")} != before


def test_what_a_watch_left_that_died_before_it_had_its_manifest_is_not_in_the_way(trial, tmp_path):
    folder = places.watch_place(load_watchlist(trial), tmp_path)
    folder.mkdir(parents=True)
    (folder / ".manifest.json.forecast-new-0123abcd").write_text("{")
    _, made = watched(trial, tmp_path)
    assert made == folder
    assert not list(folder.glob(".*"))
