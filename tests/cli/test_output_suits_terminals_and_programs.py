"""What commands print: 80 columns for people, one JSON object for programs."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast import cli
from forecast.cli.terminal import WIDTH, remembered_interrupt, show_progress

ROOT = Path(__file__).resolve().parents[2]
WORKED_CASE = ROOT / "configs/us-china-2023.yaml"


def test_check_reads_the_worked_case_back_in_80_columns(command):
    ended = command("check", WORKED_CASE)
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    shown = " ".join(ended.out.split())
    for says in (
        r"Coded as: military posture of severity 4 or 5 by CHN, scale 'standard'\.",
        r"The headline: 'Large Chinese drills that ring Taiwan' before 5 November 2024\.",
        r"that ring Taiwan: seen twice, last on 8 April 2023; within a year \d+% by the priors alone",
        r"a blockade or mobilisation for war: never seen; within a year \d+% by the priors alone",
    ):
        assert re.search(says, shown), says


def test_check_prints_one_json_object(command, case):
    facts = command("check", case(), "--json").facts
    assert (facts["valid"], facts["name"], facts["events"], facts["events_fitted"]) == (True, "small", 4, 4)
    assert 0 < facts["within_a_year"]["crisis"] < 1


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


TELLING = """
import os, sys
class Telling:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            os.write({pipe}, b".")
sys.meta_path.insert(0, Telling())
from forecast.cli import main
main()
"""


@pytest.mark.parametrize("loading", ["forecast.cli.app", "forecast.workflows.forecast"])
def test_ctrl_c_ends_with_130_and_leaves_nothing(tmp_path, loading):
    ready, tell = os.pipe()  # the moment: early, or while what samples is loaded
    begin = TELLING.format(name=loading, pipe=tell)
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
