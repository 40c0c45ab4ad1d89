"""What commands print: 80 columns for people, one JSON object for programs, nothing when quiet."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast import cli, wording
from forecast.cli.terminal import WIDTH, lines_of, remembered_interrupt, show_progress
from forecast.events.codebook import standard_scale
from forecast.events.table import EventTable
from forecast.priors import parameter_groups
from forecast.records.analysis import Analysis
from forecast.records.forecast import (
    Baseline,
    Curve,
    Diagnostics,
    DyadRecord,
    Forecast,
    GateFailure,
    Headline,
    MilestoneForecast,
    TargetForecast,
    TimeToEvent,
)
from forecast.report.page_1 import bottom_line
from forecast.report.run_records import RunRecords

ROOT = Path(__file__).resolve().parents[2]
WORKED_CASE = ROOT / "configs/us-china-2023.yaml"
AS_OF = date(2023, 7, 10)


def milestone(name: str, days: int, probability: float, interval: tuple[float, float]) -> MilestoneForecast:
    return MilestoneForecast(
        name=name,
        label=f"A milestone with a long label, {name}, that no row of a table could ever hold in 80 columns",
        date=AS_OF + timedelta(days=days),
        probability=probability,
        mcse=0.01,
        interval90=interval,
        words=wording.words(probability),
        frequency=wording.frequency(probability),
        baseline=Baseline(name="climatology", probability=0.995),
    )


def made_forecast(*, converged: bool = True, seen: int = 3) -> Forecast:
    target = TargetForecast(
        name="crisis",
        label="Crisis [bold]x[/bold]",
        definition="sanction, channel closure, military incident or military posture of severity 4 or 5, "
        "or a dispute of any severity",
        any_of=("sanction", "channel_closure", "military_incident", "military_posture", "dispute"),
        min_severity=4,
        observed_before=seen,
        milestones=(
            milestone("early", 30, 0.3, (0.001, 0.97)),
            milestone("late", 400, 0.5, (0.46, 0.995)),
        ),
        curve=Curve(date=(AS_OF,), probability=(0.0,), lower90=(0.0,), upper90=(0.0,)),
        time_to_event_days=TimeToEvent(q10=None, q50=None, q90=None),
    )
    return Forecast(
        run_id="r",
        name="small",
        dyad=DyadRecord(a="AAA", b="BBB", label="A – B"),
        as_of=AS_OF,
        model="model",
        converged=converged,
        fits=(
            Diagnostics(
                rhat_max=1.2,
                ess_bulk_min=9,
                ess_tail_min=9,
                divergences=0,
                bfmi_min=1,
                failures=()
                if converged
                else (GateFailure(code="ess_bulk", quantity="x", value=9.0, limit=400.0),),
            ),
        ),
        targets=(target,),
        headline=Headline(target="crisis", milestone="late"),
        scale=standard_scale(),
        reported_by="the sources that events.csv names",
        drivers=(),
        timings_s={},
        versions={},
    )


def test_the_bottom_line_comes_first_and_every_row_is_one_line(snapshot):
    cases = {
        "seen": made_forecast(),
        "never seen": made_forecast(seen=0),
        "not converged": made_forecast(converged=False),
    }
    analysis = Analysis.model_validate_json((ROOT / "reports/sample/analysis.json").read_bytes())
    events = EventTable.from_events([], "made")
    shown = {
        name: lines_of(
            bottom_line(RunRecords(forecast=forecast, analysis=analysis, events=events, manifest={}))
        )
        for name, forecast in cases.items()
    }
    assert max(len(line) for lines in shown.values() for line in lines) <= WIDTH == 80
    assert {name: "\n".join(lines) for name, lines in shown.items()} == snapshot


def test_check_reads_the_worked_case_back_in_80_columns(command):
    ended = command("check", WORKED_CASE)
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    assert "A lethal clash, a blockade or mobilisation for war: never seen." in ended.out
    # 240 sanctions that meet no target in the 78 months of the record.
    assert re.search(r"\n  sanction +[\d.]+ +[\d.]+ to [\d.]+ +3\.1\n", ended.out)
    shown = " ".join(ended.out.split())
    assert "(taiwan_drills): military posture of severity 4 by CHN; seen on 2 days." in shown
    assert "(collision+lethal_clash): military incident of severity 5; never seen." in shown


def test_the_kinds_of_act_share_out_what_is_fitted(command, case):
    path = case(
        config=(
            "    min_severity: 4\n",
            "    min_severity: 4\n  war: {any_of: [dispute, visit], min_severity: 1}\n",
        )
    )
    facts = json.loads(command("check", path, "--json").out)
    kinds = {one["name"]: one for one in facts["kinds"]}
    assert "dispute" not in kinds
    assert "visit" not in kinds
    assert {name: one["counted"] for name, one in kinds.items() if one["counted"]} == {
        "sanction": 1,
        "crisis": 1,
        "war": 2,
    }
    assert kinds["crisis"]["acts"] == ["sanction of severity 4 or 5"]
    assert kinds["war"]["acts"] == ["visit of any severity", "dispute of severity 1 to 3"]
    both = kinds["crisis+war"]
    assert (both["title"], both["acts"]) == ("Crisis + War", ["dispute of severity 4 or 5"])


def test_check_prints_one_json_object_and_with_quiet_nothing(command, case):
    ended = command("check", case(), "--json")
    assert (ended.code, ended.err) == (0, "")
    facts = json.loads(ended.out)
    assert (facts["valid"], facts["name"], facts["events"], facts["events_fitted"]) == (True, "small", 4, 4)
    assert 0 < facts["prior_predictive"]["target_within_year"]["crisis"] < 1
    ended = command("check", case(), "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_every_prior_is_listed_with_meaning_unit_words_and_origin(command):
    ended = command(
        "priors", WORKED_CASE, "--set", "model.priors.tension.persistence=slow", "--set",
        "model.priors.ballast.visit=calms",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    for group in parameter_groups():
        assert f"\n{group.name}" in f"\n{ended.out}"
        assert group.unit in ended.out
        assert " ".join(group.meaning.split()) in " ".join(ended.out.split())
    assert re.search(r" 43 weeks +22 to 83 weeks +slow +config\n", ended.out)
    assert re.search(
        r"  visit +−33% +−52% to −6\.9% +calms +config\n  channel_opening .* default\n", ended.out
    )
    assert re.search(r"\n  lethal_clash +A lethal clash, a blockade or", ended.out)


def test_priors_as_json_name_every_parameter_once(command):
    ended = command("priors", WORKED_CASE, "--json")
    names = [prior["name"] for prior in json.loads(ended.out)["priors"]]
    # Rate, spread and loading of each of 14 kinds, excitation of the 11 conflictual ones, and 12 more.
    assert len(set(names)) == len(names) == 14 * 3 + 11 + 12


def test_one_prior_is_explained_with_what_its_words_stand_for(command):
    ended = command("priors", WORKED_CASE, "--explain", "tension.persistence")
    assert "'slow' = LogNormal(mu=5.704, sigma=0.4); median 300, " in ended.out
    assert "Why the default: " in ended.out


def test_version_and_help_are_for_every_command(command):
    assert re.fullmatch(r"forecast \d+\.\d+\.\d+\n", command("--version").out)
    listed = command("--help")
    assert listed.code == 0
    for name in ("check", "run", "report", "priors", "schema", "events"):
        assert re.search(rf"│ {name} ", listed.out)
        ended = command(name, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert max(map(len, ended.out.splitlines())) <= WIDTH


def test_progress_is_drawn_on_a_terminal_only(monkeypatch, capsys):
    def progress(stage: str, finished: int = 0, planned: int = 0, note: str = "") -> SimpleNamespace:
        return SimpleNamespace(stage=stage, finished=finished, planned=planned, note=note)

    with show_progress(shown=True) as draw:
        draw(progress("sample", 1, 2))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with show_progress(shown=False) as draw:
        draw(progress("sample", 1, 2))
    assert capsys.readouterr() == ("", "")
    with show_progress(shown=True) as draw:
        draw(progress("compile"))
        draw(progress("sample", 1, 2, "3 divergences"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Compile the model" in err
    assert "3 divergences" in err or "Sample the posterior" in err


@pytest.fixture
def interruptible():
    """Listen to Ctrl-C, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_that_was_swallowed_is_raised_at_the_next_stage():
    def press_and_lose() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    with remembered_interrupt() as stop_if_pressed:
        stop_if_pressed()
        press_and_lose()
        with pytest.raises(KeyboardInterrupt):
            stop_if_pressed()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with remembered_interrupt() as stop_if_pressed:
            signal.raise_signal(signal.SIGINT)
            stop_if_pressed()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("seconds", [0.05, 1.0])
def test_ctrl_c_ends_with_130_and_leaves_nothing(tmp_path, seconds):
    ready, tell = os.pipe()  # Python's own start, which no code of ours can guard, is waited for
    begin = f"import os; from forecast.cli import main; os.write({tell}, b'.'); main()"
    process = subprocess.Popen(
        [sys.executable, "-c", begin, "run", str(WORKED_CASE), "--out", str(tmp_path / "runs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[tell],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(tell)
    with os.fdopen(ready, "rb") as started:
        assert started.read(1) == b"."
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    # Where it came while Python ran code made from text, the signal itself ends it: shells show 130 too.
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, err) == ("", "forecast: interrupted; nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_shows_our_notes_and_not_those_of_python():
    stop = KeyboardInterrupt()
    stop.add_note("Error calling __set_name__ on '_proto_member' instance 'VALUE' in 'Format'")
    assert cli._stopped(stop) == (cli.STOPPED, 130)
    stop.add_note("The run is saved.")
    assert cli._stopped(stop) == ("interrupted.\nThe run is saved.", 130)
