"""What comes after the fit never loses it; the same question has the same bytes; no altered run is read."""

import importlib
import json
import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from pypdf import PdfReader

from forecast import storage
from forecast.config import load_config
from forecast.errors import BusyError, LedgerError, RunFolderError
from forecast.ledger.store import open_ledger
from forecast.runs import inputs
from forecast.runs.files import record_outputs, run_hash
from forecast.runs.inputs import read_inputs
from forecast.runs.run import read_run
from forecast.workflows.forecast import run_forecast
from tests.conftest import answers_of

PLACE = "small/2022-01-01"


def boom(*args, **kwargs):
    raise ZeroDivisionError("a fault of ours")


@pytest.fixture
def refitted(monkeypatch, kept):
    """Let ``fit`` take the draws of an earlier run and do the rest itself."""
    workflow = importlib.import_module("forecast.workflows.forecast")
    run = kept
    judged = workflow.Judged(run.samples, run.mixture, run.forecast.diagnostics)

    def fit_and_judge(inputs, listen=None, timed=None, *more):
        with timed("fit"), timed("chances"):
            return judged

    monkeypatch.setattr(workflow, "fit_and_judge", fit_and_judge)


@pytest.mark.parametrize("stage", ["measure_drivers", "measure_sensitivity", "compare_scenarios"])
def test_a_fault_after_the_fit_leaves_the_run_on_disk_and_on_record(
    stage, refitted, config, command, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(f"forecast.workflows.forecast.{stage}", boom)
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged", *tiny)
    assert (ended.code, ended.out) == (3, "")
    assert "internal error (ZeroDivisionError: a fault of ours" in ended.err
    assert "report it in the project's issue tracker" in ended.err
    assert f"The run is saved in {tmp_path / PLACE}, and on record" in ended.err
    assert "Traceback" not in ended.err
    monkeypatch.undo()
    built = command("report", tmp_path / PLACE)
    assert built.code == 0, built.err
    assert read_run(tmp_path / PLACE).forecast.targets
    listed = json.loads(
        command("ledger", "list", "--failed", "--json", "--ledger", tmp_path / "ledger.sqlite").out
    )
    assert len(listed["forecasts"]) == 9


def test_no_folder_of_a_run_is_there_before_it_is_on_record(
    refitted, no_report, config, command, tiny, tmp_path, monkeypatch
):
    move, known = storage._move_into_place, []

    def moved(filling, folder):
        records = [record.entry for record in open_ledger(tmp_path / "ledger.sqlite").records]
        known.append(run_hash(filling) in {one.manifest_sha256 for one in records if one.kind == "run"})
        move(filling, folder)

    monkeypatch.setattr(storage, "_move_into_place", moved)
    assert command("run", config, "--out", tmp_path, "--allow-unconverged", *tiny).code == 0
    assert known == [True] * 3  # after the fit, with what moved the number, with its report


def test_a_run_reads_its_events_once(refitted, no_report, config, command, tiny, tmp_path, monkeypatch):
    read, known = [], inputs.load_events
    monkeypatch.setattr(inputs, "load_events", lambda *of, **more: read.append(of) or known(*of, **more))
    assert command("run", config, "--out", tmp_path, "--allow-unconverged", "--no-ledger", *tiny).code == 0
    assert len(read) == 1
    manifest = json.loads((tmp_path / PLACE / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["timings_s"]["read"] > 0


def test_a_run_that_cannot_go_on_record_does_not_say_that_it_is(
    fitted_already, config, command, tmp_path, monkeypatch
):
    def refuse(*args, **more):
        raise LedgerError("the ledger is in use")

    monkeypatch.setattr("forecast.workflows.forecast.record_forecast", refuse)
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged")
    assert (ended.code, ended.out) == (2, "")
    assert f"The run is saved in {tmp_path / PLACE}, but not on record." in ended.err
    assert not (tmp_path / PLACE / "ledger_record.json").exists()
    text = " ".join(page.extract_text() for page in PdfReader(tmp_path / PLACE / "report.pdf").pages)
    assert "forecast of this question" not in text
    assert "ledger held" not in text


def test_a_report_that_cannot_be_made_leaves_the_run_and_the_next_one_is_made(
    refitted, config, command, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr("forecast.workflows.report.build_report", boom)
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged", *tiny)
    assert ended.code == 3
    monkeypatch.undo()
    assert not (tmp_path / PLACE / "report.pdf").exists()
    assert command("report", tmp_path / PLACE).code == 0
    assert (tmp_path / PLACE / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert not list(tmp_path.rglob(".*"))


def test_a_signal_to_end_cleans_up_and_has_its_own_code(
    refitted, config, command, tiny, tmp_path, monkeypatch
):
    def end(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal was not taken")

    monkeypatch.setattr("forecast.workflows.forecast.fit_and_judge", end)
    before = signal.getsignal(signal.SIGTERM)
    try:
        ended = command("run", config, "--out", tmp_path / "runs", *tiny)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (ended.code, ended.err) == (143, "forecast: ended by a signal.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_run_from_python_is_saved_read_and_asked_with_the_same_chances(kept, no_report, tmp_path):
    folder = kept.save(tmp_path / "mine")
    back = read_run(folder)
    assert back.chances().equals(kept.chances())
    assert back.answer().chances().equals(kept.answer().chances())
    with pytest.raises(RunFolderError, match=r"there is a run already\. Use `force`"):
        kept.save(folder)
    assert kept.save(folder, force=True) == folder


def test_a_second_run_of_the_same_place_is_refused_before_it_fits(config, tmp_path):
    said = r"2022-01-01: another forecast command is writing it"
    with storage.locked(tmp_path / PLACE), ThreadPoolExecutor(1) as pool:
        second = pool.submit(run_forecast, load_config(config), out=tmp_path)
        with pytest.raises(BusyError, match=said):
            second.result()


READERS = (
    ("scenario",),
    ("sensitivity",),
    ("reactions",),
    ("reconcile", "--probability", "30%"),
    ("judge", "--target", "lethal_clash", "--before", "spring", "--by", "Ann", "--probability", "9%"),
    ("app", "--no-browser"),
    ("report",),
    ("report", "--use", "internal"),
)
KEPT = ("forecast.json", "analysis.json", "config.resolved.yaml", "events.csv", "ledger_record.json")
DAMAGE = (
    *((name, what) for name in (*KEPT, "scenarios/01-drill.yaml") for what in ("altered", "missing")),
    ("posterior.nc", "altered"),
    *((name, "not named in manifest.json") for name in (*KEPT, "posterior.nc")),
    *(("manifest.json", what) for what in ("missing", "empty", "no JSON", "of another run")),
    ("", "missing"),
)


def damage(folder, name, what) -> str:
    """Do to a file of a run what somebody may do; return what a reader must say of it."""
    if not name:
        shutil.rmtree(folder)
        return str(folder)
    path, content = folder / name, (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    if what == "missing":
        path.unlink()
        return "no manifest.json" if name == "manifest.json" else name
    if what == "altered":
        middle = len(content) // 2
        other = b"8" if content[middle : middle + 1] == b"9" else b"9"
        path.write_bytes(content[:middle] + other + content[middle + 1 :])
    elif what == "of another run":
        path.write_text(json.dumps(manifest | {"run_id": "0" * 32}))
        return "manifest.json is of another run than forecast.json"
    elif what == "no JSON":
        path.write_bytes(b"{")
        return "manifest.json: cannot be read as JSON"
    else:
        hashes = manifest["outputs_sha256"]
        left = {} if what == "empty" else {other: hash for other, hash in hashes.items() if other != name}
        path.write_bytes(content if what == "empty" else content + b" ")
        (folder / "manifest.json").write_text(json.dumps(manifest | {"outputs_sha256": left}))
        return "is not named in manifest.json"
    return f"not as the run left it: {name} is altered"


@pytest.mark.parametrize(("name", "what"), DAMAGE, ids=lambda part: part)
def test_nothing_reads_a_run_of_which_a_file_was_altered_or_taken_away(
    unconverged, command, tmp_path, name, what
):
    shutil.copytree(unconverged[1].parents[1], tmp_path / "runs")
    folder, ledger = tmp_path / "runs" / PLACE, tmp_path / "runs/ledger.sqlite"
    said, head = damage(folder, name, what), open_ledger(ledger).head
    for reader, *options in READERS:
        of_ledger = ("--ledger", ledger) if reader == "judge" else ()
        ended = command(reader, folder, *options, *of_ledger)
        assert (ended.code, ended.out) == (2, ""), reader
        assert said in ended.err, reader
    with pytest.raises(RunFolderError, match=re.escape(said)):
        read_run(folder)
    assert open_ledger(ledger).head == head
    # A folder that is not beside the ledger is looked for where it was made.
    made = unconverged[1]
    made.rename(made.with_name("away"))
    try:
        (run,) = json.loads(command("ledger", "verify", "--json", "--ledger", ledger).out)["runs"]
        verified = command("ledger", "verify", "--ledger", ledger)
    finally:
        made.with_name("away").rename(made)
    assert run["state"] == ("altered" if name else "not here")
    assert verified.code == (2 if name else 0)
    assert name or "1 run folder: not found, so not checked" in verified.out


def test_a_manifest_that_was_altered_too_is_found_by_the_ledger(unconverged, command, tmp_path):
    shutil.copytree(unconverged[1].parents[1], tmp_path / "runs")
    ledger = tmp_path / "runs" / "ledger.sqlite"
    folder = tmp_path / "runs" / PLACE
    verified = json.loads(command("ledger", "verify", "--json", "--ledger", ledger).out)
    assert [one["state"] for one in verified["runs"]] == ["as recorded"]
    # What makes a failed run print as converged, with a manifest to match.
    content = json.loads((folder / "forecast.json").read_text())
    content["converged"] = True
    content["fits"][0]["failures"] = []
    (folder / "forecast.json").write_text(json.dumps(content))
    record_outputs(folder, ["forecast.json"])
    here = json.loads(command("ledger", "show", "--json", "--ledger", ledger, entry_of(command, ledger)).out)
    assert here["entry"]["kind"] == "run"
    ended = command("ledger", "verify", "--ledger", ledger)
    assert ended.code == 2
    assert "1 run on record was altered since" in ended.err
    assert "its manifest is not the one on record" in ended.err


def entry_of(command, ledger) -> str:
    return next(one.entry.id for one in open_ledger(ledger).records if one.entry.kind == "run")


def test_the_same_seed_gives_the_same_bytes_in_every_file_but_those_that_tell_when(
    config, unconverged, command, tiny
):
    beside = unconverged[1].parents[2] / "again"  # as far from the config, which names paths from there
    assert command("run", config, "--out", beside, *tiny).code == 1
    first, again = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (unconverged[1], beside / PLACE)
    )
    assert first.keys() == again.keys()
    assert len(first) > 10
    assert {name for name in first if first[name] != again[name]} <= {"manifest.json", "ledger_record.json"}


AS_OF = date(2022, 1, 1)


def as_text(run) -> str:
    """The forecast but for the count of rows that became known too late to be used."""
    content = json.loads(run.forecast.model_dump_json())
    late = [one for one in content["cautions"] if one["code"] == "events_after_as_of"]
    assert len(late) == 1
    content["cautions"].remove(late[0])
    return json.dumps(content)


def poisoned(rows):
    """Everything that became known after the as-of date is deleted, made worse, or joined by more."""
    kept = []
    for number, row in enumerate(rows):
        if date.fromisoformat(row["known_date"] or row["date"]) <= AS_OF:
            kept.append(row)
        elif number % 3:
            kept.append({**row, "severity": "5", "category": "military_incident", "summary": "Poison"})
    # Acts before the as-of date that nobody knew of then.
    for number in range(40):
        day, known = AS_OF - timedelta(days=number), AS_OF + timedelta(days=1 + number)
        secret = {**rows[-1], "id": f"secret-{number}", "category": "military_incident", "severity": "5"}
        kept.append({**secret, "date": str(day), "end_date": "", "known_date": str(known)})
    return kept


def test_the_same_question_gives_the_same_bytes_whatever_became_known_later(
    case, us_china_rows, forecast_of, kept, tmp_path
):
    rows = poisoned(us_china_rows)
    assert sum(row["summary"] == "Poison" for row in rows) > 100
    run = forecast_of(case(tmp_path, rows))
    assert as_text(run) == as_text(kept)
    assert run.inputs.events.canonical_csv() == kept.inputs.events.canonical_csv()


def test_the_poison_is_seen_once_it_is_known(case, us_china_rows, tmp_path):
    config = load_config(case(tmp_path, poisoned(us_china_rows)))
    assert read_inputs(config).rules[2].mask(read_inputs(config).events).sum() == 0
    later = config.model_copy(update={"as_of": AS_OF + timedelta(days=40)})
    assert read_inputs(later).rules[2].mask(read_inputs(later).events).sum() >= 40


def test_another_seed_gives_other_numbers_for_the_same_question(config, forecast_of, kept):
    other, first = forecast_of(config, "sampler.seed=6").forecast, kept.forecast
    assert other.targets[0].chances.mean != first.targets[0].chances.mean
    assert other.targets[0].chances.day == first.targets[0].chances.day
    assert other.run_id != first.run_id


def test_a_run_is_put_on_record_once_and_later_runs_tell_of_it(
    unconverged, fitted_already, config, command, tmp_path
):
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged")
    assert (ended.code, ended.err) == (0, "")
    path = tmp_path / "ledger.sqlite"
    assert f"{path}\nOn record as failed: neither listed nor scored; --no-" in ended.out
    folder = tmp_path / "small/2022-01-01"
    forecast = json.loads((folder / "forecast.json").read_text())
    said = {
        (target["name"], name): round(milestone["probability"], 6)
        for target in forecast["targets"]
        for name, milestone in answers_of(target).items()
    }
    book = open_ledger(path)
    assert {(one.target, one.milestone_name): one.probability for one in book.forecasts} == said
    assert {one.run_folder for one in book.forecasts} == {folder.as_posix()}
    assert {one.converged for one in book.forecasts} == {False}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {(one.config_sha256, one.data_sha256) for one in book.forecasts} == {
        (manifest["config_sha256"], manifest["data_sha256"])
    }
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged", "--force")
    assert ended.code == 0
    assert open_ledger(path).head == book.head
    text = " ".join(page.extract_text() for page in PdfReader(folder / "report.pdf").pages)
    said = "held no forecast on this pair before this run."
    assert said in " ".join(text.split())


def test_a_run_may_stay_off_the_record_or_go_elsewhere(
    unconverged, fitted_already, no_report, config, command, tmp_path, monkeypatch
):
    options = ("run", config, "--allow-unconverged", "--force", "--out", tmp_path)
    monkeypatch.setenv("FORECAST_LEDGER", str(tmp_path / "by-name.sqlite"))
    assert command(*options, "--no-ledger").code == 0
    assert not (tmp_path / "small/2022-01-01/ledger_record.json").exists()
    assert command(*options).code == 0
    assert command(*options, "--ledger", tmp_path / "elsewhere/by-option.sqlite").code == 0
    found = sorted(path.name for path in tmp_path.rglob("*.sqlite"))
    assert found == ["by-name.sqlite", "by-option.sqlite"]
