"""Page, PDF and table hold the numbers of the record; triggers, and a command told of changes."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.cli.terminal import WIDTH, lines_of
from forecast.config.watchlist import load_watchlist
from forecast.ledger.store import open_ledger, write_ledger
from forecast.phrases.notices import notice_text
from forecast.phrases.watch import failure_text, reading_texts
from forecast.records.analysis import Moved, RowsMoved
from forecast.records.ledger import ForecastEntry, JudgementEntry, with_id
from forecast.records.watch import Watch
from forecast.runs.files import changed_files, read_manifest
from forecast.watchlist import changes as watch_changes
from forecast.watchlist import watch as watching
from forecast.watchlist.changes import notify, trigger_state
from forecast.watchlist.page import make_page_and_pdf, watch_answer
from forecast.watchlist.watch import run_watch
from tests.phrases.conftest import sentences_of

from .conftest import PAIRS, watched, write_dyads, write_list

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_dyads(folder)
    dyads = [f"{{a: {a}, b: {b}}}" for a, b in PAIRS]
    dyads[0] = dyads[0].replace("}", f", label: '{EVIL}'}}")
    path = write_list(folder, dyads=[*dyads, "{a: NOA, b: NOB}"], extra="triggers: {ready: 20%, go: 50%}\n")
    return run_watch(load_watchlist(path), out=folder)


def test_every_probability_of_the_record_is_in_page_and_pdf(made):
    watch, folder = made
    page = (folder / "watch.html").read_text()
    pdf = " ".join(one.extract_text() for one in PdfReader(folder / "watch.pdf").pages)
    for one in watch.dyads:
        for target in one.targets:
            for milestone in target.milestones:
                shown = wording.percent(milestone.probability)
                assert shown.replace("<", "&lt;").replace(">", "&gt;") in page
                assert shown in pdf
    assert "the event files hold no acts between NOA and NOB" in re.sub(r"\s+", " ", page)


def test_the_record_of_a_watch_holds_no_sentence_of_ours(made):
    watch, folder = made
    content = (folder / "watch.json").read_text()
    assert sentences_of(content) == []
    (failed,) = [entry for entry in watch.dyads if entry.failure]
    for text in (failure_text(failed, watch.as_of), *map(notice_text, watch.notes)):
        assert text not in content


def test_a_name_is_text_wherever_it_is_shown(made):
    _, folder = made
    page = (folder / "watch.html").read_text()
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_the_table_has_a_row_for_each_question_and_one_for_a_dyad_that_failed(made):
    watch, folder = made
    rows = list(csv.DictReader(io.StringIO((folder / "watch.csv").read_text())))
    assert len(rows) == 3 * 3 + 1
    by_key = {(row["dyad"], row["milestone"]): row for row in rows}
    for one in watch.dyads:
        for target in one.targets:
            for milestone in target.milestones:
                row = by_key[one.name, milestone.name]
                assert float(row["probability"]) == milestone.probability
                assert (float(row["lower90"]), float(row["upper90"])) == milestone.interval90
    assert by_key["noa-nob", ""]["state"] == "failed"


def test_the_terminal_table_fits_and_ranks(made):
    lines = lines_of(watch_answer(*made))
    assert max(map(len, lines)) <= WIDTH
    assert "4 dyads. Data: 3 up to date, 1 no forecast." in " ".join(lines)


def test_the_page_says_how_the_scenario_page_of_a_dyad_is_opened(made):
    watch, folder = made
    page = (folder / "watch.html").read_text()
    (name,) = re.findall(r"forecast run (\S+)/config\.resolved\.yaml --set model\.family=combined", page)
    assert (folder / name / "config.resolved.yaml").is_file()
    fitted = watch.model_copy(update={"model": "model"})
    assert f"folder of this watch: forecast app {name}<" in make_page_and_pdf(fitted)[0].decode()


SINCE = date(2010, 1, 1)
MOVED = Moved(
    since=SINCE, before=0.2, change=0.1, error=0.06, news=RowsMoved(added=1, change=0.12), reasons=("days",)
)
EXPLAINED = {
    "News: ": {"change": MOVED},
    "Arrow: ": {"change": MOVED.model_copy(update={"error": 0.0})},
    "Trigger: ": {"trigger": "go"},
    "Up to date: ": {"state": "fine"},
    "Few cases: ": {"state": "small"},
    "Out of date: ": {"state": "stale"},
    "No forecast: ": {"state": "failed"},
    "New: ": {"no_change": "new"},
    "Other question: ": {"no_change": "other question"},
    "Other model: ": {"no_change": "other model"},
}


@pytest.mark.parametrize("mark", EXPLAINED)
def test_the_marks_that_a_page_shows_are_explained_and_no_others(made, mark):
    first = made[0].dyads[0]
    entry = first.model_copy(update={"state": "small", "trigger": None, **EXPLAINED[mark]})
    rates = {"false_alarm_rate": 0.1, "miss_rate": 0.2} if mark == "Trigger: " else {}
    triggers = tuple(trigger.model_copy(update=rates) for trigger in made[0].triggers)
    watch = made[0].model_copy(update={"dyads": (entry,), "since": SINCE, "triggers": triggers})
    reading = " ".join(reading_texts(watch))
    beside = {"News: "} if mark == "Arrow: " else set()
    beside |= set() if "state" in EXPLAINED[mark] else {"Few cases: "}
    assert {other for other in EXPLAINED if other in reading} == {mark} | beside


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "light"), (390, "dark")])
def test_axe_finds_nothing_on_the_page_and_nothing_is_cut_off(made, open_page, axe, width, scheme):
    page = open_page((made[1] / "watch.html").as_uri(), width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_watch_says_why_it_shows_no_change(tmp_path):
    write_dyads(tmp_path)
    pairs = [f"{{a: {a}, b: {b}}}" for a, b in PAIRS]
    first, folder = watched(write_list(tmp_path, dyads=pairs[:2]), tmp_path / "out")
    said = lines_of(watch_answer(first, folder))
    assert any("No changes: there is no earlier watch of this list." in line for line in said)
    assert not any("Change" in line for line in said)
    for settings, expected in (
        (["model.family=pooled_hazard"], [None, None, "new"]),
        (["headline={target: force, milestone: days_30}"], ["other question", "other question", "new"]),
        (
            ["targets={force: {any_of: [dispute], min_severity: 1}}"],
            ["other question", "other question", "new"],
        ),
    ):
        path = write_list(tmp_path, dyads=pairs)
        watch, folder = watched(path, tmp_path / "out", settings, as_of=date(2010, 1, 11))
        by_name = {entry.name: entry for entry in watch.dyads}
        assert [by_name[name].no_change for name in ("aaa-bbb", "aaa-ccc", "ddd-eee")] == expected
        assert all((entry.change is None) == (entry.no_change is not None) for entry in watch.dyads)
        words = " ".join(" ".join(lines_of(watch_answer(watch, folder))).split())
        assert all(reason in words for reason in expected if reason)


def test_what_others_say_stands_in_record_page_pdf_and_table(tmp_path):
    write_dyads(tmp_path)
    ledger, path = tmp_path / "ledger.sqlite", write_list(tmp_path)
    assert not any(
        one.others for one in run_watch(load_watchlist(path), out=tmp_path, ledger=ledger)[0].dyads
    )
    asked = next(iter(open_ledger(ledger).forecasts)).question
    price = with_id(
        JudgementEntry,
        question=asked,
        forecaster="Manifold",
        probability=0.4321,
        made_on=datetime(2010, 1, 3, tzinfo=UTC),
        differs="counts threats",
        price=True,
    )
    ours = next(iter(open_ledger(ledger).forecasts))
    fields = {name: value for name, value in ours.model_dump().items() if name not in ("id", "kind")}
    run = with_id(ForecastEntry, **fields | {"name": "a-run", "model": "combined", "probability": 0.5})
    same = with_id(ForecastEntry, **fields | {"name": "same"})
    with write_ledger(ledger) as writer:
        for one in (price, run, same):
            writer.append(one)
    watch, folder = run_watch(load_watchlist(path), out=tmp_path, ledger=ledger)
    (dyad,) = [one for one in watch.dyads if one.others]
    # A run with another number stands there with its reason, one with the same number does not.
    own, other = dyad.others
    assert (own.forecaster, own.probability, own.ours) == ("a-run", 0.5, ("model",))
    assert (other.forecaster, other.probability, other.ends) == ("Manifold", 0.4321, asked.milestone)
    assert other.recorded_on
    recorded = wording.long_day(other.recorded_on)
    said = f"Manifold: 43% on 3 January 2010; recorded on {recorded}. Differs: counts threats."
    page = re.sub(r"\s+", " ", (folder / "watch.html").read_text())
    pdf = " ".join(" ".join(one.extract_text() for one in PdfReader(folder / "watch.pdf").pages).split())
    assert said in page
    assert "43% on 3 January 2010" in pdf
    rows = list(csv.DictReader(io.StringIO((folder / "watch.csv").read_text())))
    assert [one["others"] for one in rows if one["others"]] == [
        f"a-run 0.5 on {run.made_on.date()}; Manifold 0.4321 on 2010-01-03"
    ]


TRIGGERS = {"ready": 0.2, "set": 0.35, "go": 0.5}


def test_a_trigger_begins_at_its_threshold_and_ends_below_it_by_the_hysteresis():
    path = [0.19, 0.2, 0.17, 0.165, 0.15, 0.36, 0.29, 0.27, 0.6, 0.41, 0.39]
    expected = [None, "ready", "ready", "ready", None, "set", "set", "ready", "go", "go", "set"]
    states = [None]
    for probability in path:
        states.append(trigger_state(probability, TRIGGERS, 0.2, states[-1]))
    assert states[1:] == expected
    assert trigger_state(0.3, TRIGGERS, 0.2, "gone from the list") == "ready"


def with_command(trial, kept, step=""):
    """Let the list tell a command that keeps what it gets; return how to read that."""
    extra = f'on_change: {{{step}command: [sh, -c, \'cat >> "{kept}"; echo >> "{kept}"\']}}\n'
    trial.write_text(trial.read_text() + extra)
    return lambda: [json.loads(one) for one in kept.read_text().splitlines()] if kept.exists() else []


def tell(path, out, *settings):
    """Watch a list and tell its command; return the watch, and what went wrong."""
    watchlist = load_watchlist(path, settings)
    watch, folder = run_watch(watchlist, out=out, report=False)
    return watch, notify(watchlist, watch, folder)


def test_the_command_gets_one_object_with_every_change_and_each_change_once(trial, tmp_path):
    told = with_command(trial, tmp_path / "told.jsonl")
    watch, problem = tell(trial, tmp_path)
    assert problem is None
    (message,) = told()
    on = [entry for entry in watch.dyads if entry.trigger]
    assert (message["list"], message["as_of"]) == ("trial", "2010-01-04")
    assert [change["dyad"] for change in message["changes"]] == [entry.name for entry in on]
    first = message["changes"][0]
    assert (first["before"], first["trigger"]) == (None, on[0].trigger)
    assert (first["probability"], first["probability_before"]) == (on[0].milestone.probability, None)
    assert first["interval90"] == list(on[0].milestone.interval90)
    for as_of in ("2010-01-04", "2010-01-05", "2010-01-03"):
        tell(trial, tmp_path, f"as_of={as_of}")
        assert len(told()) == 1


def test_a_command_that_fails_stops_nothing_and_is_told_the_same_by_the_next_watch(trial, tmp_path, command):
    trial.write_text(trial.read_text() + "on_change: {command: [sh, -c, 'exit 3']}\n")
    ended = command("watch", trial, "--out", tmp_path / "out", "--no-report", "--no-ledger")
    assert ended.code == 1
    assert "on_change.command was not: sh: failed (exit code 3). The next watch tells it" in ended.err
    assert (tmp_path / "out/trial/2010-01-04/watch.json").is_file()
    _, problem = tell(trial, tmp_path / "out", "as_of=2010-01-05", "on_change.command=[no-such-program]")
    assert problem.startswith("no-such-program: failed (")
    kept = tmp_path / "kept.json"
    _, problem = tell(trial, tmp_path / "out", f"on_change.command=[tee, '{kept}']")
    assert problem is None
    assert {change["before"] for change in json.loads(kept.read_text())["changes"]} == {None}


def test_a_watch_that_dies_before_the_command_ended_tells_the_same_message_again(
    trial, tmp_path, monkeypatch
):
    told, call = with_command(trial, tmp_path / "told.jsonl"), watch_changes._call
    with monkeypatch.context() as dying:
        dying.setattr(watch_changes, "_call", lambda *given: (call(*given), 1 / 0))
        with pytest.raises(ZeroDivisionError):
            tell(trial, tmp_path / "out")
    tell(trial, tmp_path / "out")
    first, second = told()
    assert first == second
    tell(trial, tmp_path / "out", "as_of=2010-01-05")
    # A day later a number may have crossed a threshold, from what was told and not from nothing.
    before = {change["dyad"]: change["trigger"] for change in second["changes"]}
    assert all(
        change["before"] == before.get(change["dyad"]) for one in told()[2:] for change in one["changes"]
    )


def moved(watch: Watch, points: float, mcse: float = 0.0) -> Watch:
    """Return a watch whose first dyad has its headline and error moved, and no trigger."""
    first, *others = watch.dyads
    (target,) = first.targets
    answers = [
        answer.model_copy(update={"probability": 0.3 + points, "mcse": mcse}) for answer in target.milestones
    ]
    mean = (0.3 + points,) * len(target.chances.day)
    chances = target.chances.model_copy(update={"mean": mean})
    target = target.model_copy(update={"milestones": tuple(answers), "chances": chances})
    first = first.model_copy(update={"targets": (target,), "trigger": None})
    others = [entry.model_copy(update={"trigger": None}) for entry in others]
    return watch.model_copy(update={"dyads": (first, *others)})


def test_a_step_is_counted_from_the_number_that_was_told_last_and_beyond_its_error(trial, tmp_path):
    told = with_command(trial, tmp_path / "told.jsonl", "step: 10%, ")
    watchlist = load_watchlist(trial)
    watch, folder = run_watch(watchlist, out=tmp_path, report=False)
    steps = [(0, 0), (0.06, 0), (0.1, 0.06), (0.12, 0), (0.19, 0), (0.01, 0)]
    for points, mcse in steps:
        assert notify(watchlist, moved(watch, points, mcse), folder) is None
    changes = [change for message in told() for change in message["changes"]]
    assert [(round(c["probability_before"], 9), round(c["probability"], 9)) for c in changes] == [
        (0.3, 0.42),
        (0.42, 0.31),
    ]


def test_the_files_of_a_watch_change_together_and_have_their_hashes(trial, tmp_path, monkeypatch):
    _, folder = watched(trial, tmp_path)
    recorded = read_manifest(folder)["outputs_sha256"]
    assert {"watch.json", "watch.csv"} == set(recorded)
    assert changed_files(folder, recorded) == {}
    before = {path: path.read_bytes() for path in folder.glob("watch.*")}

    def cut(content, path):
        raise KeyboardInterrupt

    trial.write_text(trial.read_text().replace("ready: 20%", "ready: 1%"))
    with monkeypatch.context() as dying:
        dying.setattr(watching, "write_json", cut)
        with pytest.raises(KeyboardInterrupt):
            watched(trial, tmp_path)
    assert {path: path.read_bytes() for path in folder.glob("watch.*")} == before
    watched(trial, tmp_path)
    assert {path: path.read_bytes() for path in folder.glob("watch.*")} != before
