"""What commands print: 80 columns for people, one JSON object for programs."""

import contextlib
import ctypes
import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from forecast import cli
from forecast.blocks import (
    Alert,
    Answer,
    Bar,
    Beside,
    Bullets,
    Cell,
    Column,
    Entry,
    Group,
    Heading,
    Prose,
    Table,
    Tick,
    Verbatim,
    cells,
    paired,
    plain_table,
    right,
)
from forecast.cli.app import app
from forecast.cli.terminal import (
    ENDING,
    WIDTH,
    clean_up_on_signals,
    forget_signals,
    lines_of,
    remembered_interrupt,
    show,
    show_progress,
)

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
    before = signal.signal(signal.SIGINT, signal.default_int_handler), sys.unraisablehook
    others = {number: signal.getsignal(number) for number in ENDING}
    clean_up_on_signals()
    yield
    forget_signals()
    sys.unraisablehook = before[1]
    for number, handler in {signal.SIGINT: before[0], **others}.items():
        signal.signal(number, handler)


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


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_lost_in_a_callback_of_a_compiler_is_told_again():
    callback = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))
    began = time.monotonic()

    def compile_code() -> None:
        callback()
        time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        compile_code()
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("interruptible")
def test_what_fails_after_a_lost_interrupt_is_told_as_the_interrupt():
    callback = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))

    def compile_code() -> None:
        callback()
        raise RuntimeError("no compiled object yet")

    with pytest.raises(KeyboardInterrupt), remembered_interrupt():
        compile_code()
    with pytest.raises(RuntimeError, match="by itself"), remembered_interrupt():
        raise RuntimeError("by itself")


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them(interruptible):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    clean_up_on_signals()
    signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


TELLING = """
import os, sys
class Telling:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            os.write({pipe}, b".")
sys.meta_path.insert(0, Telling())
from forecast.cli import script
script()
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


def test_a_signal_does_not_wait_for_another_thread_and_leaves_nothing(tmp_path):
    kept = tmp_path / "temporary"
    kept.touch()
    code = f"""
import atexit, os, sys, threading
import forecast.cli
atexit.register(os.remove, {str(kept)!r})
threading.Thread(target=threading.Event().wait, args=[100]).start()
forecast.cli.main = lambda: sys.exit(143)
forecast.cli.script()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "", "")
    assert not kept.exists()


def test_an_interrupt_shows_our_notes_and_not_those_of_python():
    stop = KeyboardInterrupt()
    stop.add_note("Error calling __set_name__ on '_proto_member' instance 'VALUE' in 'Format'")
    assert cli._stopped(stop) == (cli.STOPPED, 130)
    stop.add_note("The run is saved.")
    assert cli._stopped(stop) == ("interrupted.\nThe run is saved.", 130)


def every_command(group=None, path=()):
    for name, command in (group or typer.main.get_command(app)).commands.items():
        below = hasattr(command, "commands")
        yield from every_command(command, (*path, name)) if below else [((*path, name), command)]


def test_each_command_has_an_example_that_it_takes_and_help_that_fits(command):
    ended = command()
    assert (ended.code, ended.err) == (0, "")
    assert "Start with: forecast new EVENTS.csv" in ended.out
    for path, parsed in every_command():
        said = command(*path, "--help").out
        assert max(map(len, said.splitlines())) <= WIDTH
        (line,) = re.findall(rf"Example: (forecast {' '.join(path)}.*)", parsed.help)
        parsed.make_context(path[-1], shlex.split(line)[1 + len(path) :])
        called = inspect.unwrap(parsed.callback).__code__.co_names
        assert ("--quiet" in said) == bool({"listening", "show_progress"} & {*called}), path
    assert re.fullmatch(r"forecast \d+\.\d+\.\d+\n", command("--version").out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_installs_and_completes(tmp_path, shell):
    environment = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    asked = [sys.executable, "-m", "forecast", "--install-completion", shell]
    subprocess.run(asked, env=environment, check=True, capture_output=True, timeout=60)
    written = (path for path in tmp_path.rglob("*") if path.is_file())
    assert any("_FORECAST_COMPLETE" in path.read_text() for path in written)


HOSTILE = "\x1b[31mred\x07 [bold]x[/bold] :smile: \u202eevil\r\nnext"


@given(st.text(max_size=300), st.integers(0, 4))
def test_a_text_of_words_that_fit_has_lines_that_fit_and_keeps_every_word(words, depth):
    short = " ".join(word[:20] for word in words.split())
    block = Bullets((short,)) if depth % 2 else Prose(short)
    for _ in range(depth):
        block = Entry("Head", (block,))
    lines = lines_of([block])
    assert all(len(line) <= WIDTH for line in lines)
    said = re.sub(r"\s", "", "".join(lines)).removeprefix("Head" * depth).removeprefix("-" * (depth % 2))
    assert said == re.sub(r"\s", "", "".join(lines_of([Prose(short)])))


@given(st.lists(st.tuples(st.text(max_size=120), st.text(max_size=12), st.text(max_size=40)), max_size=4))
def test_a_table_of_any_words_fits(rows):
    table = plain_table(
        ("Name of what is shown", right("A long head of a number"), "In words"), rows, "Title"
    )
    assert all(len(line) <= WIDTH for line in lines_of([table]))


def test_a_word_that_is_wider_than_its_column_breaks_at_its_joints():
    heads = ("Id", "As of", "Before", "Pair", "Target", right("Chance"), "Ends")
    row = ("f643fcfa8b", "2024-12-24", "2025-02-05", "IND-JeM+LeT+PAK", "notable_conflict", "29%", "open")
    _, first, second = lines_of([plain_table(heads, [row])])
    assert first.split() == [*row[:3], "IND-JeM+LeT+", "notable_", "29%", "open"]
    assert second.split() == ["PAK", "conflict"]


def test_a_path_that_is_longer_than_a_line_stays_whole():
    path = "/some" * 40
    for block in (Prose(f"Written {path}"), Verbatim((path,)), paired((("Written", path),))):
        assert path in "\n".join(lines_of([block])).replace("Written  ", "")


def test_foreign_words_are_printed_as_they_are_but_for_control_characters(capsys):
    show([Prose(HOSTILE), plain_table(("Name", right("Number")), [(HOSTILE, "1")]), Verbatim((HOSTILE,))])
    out = capsys.readouterr().out
    assert "[bold]x[/bold] :smile: evil next" in out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_heads_break_before_words_get_narrow_and_groups_stand_in_line(snapshot):
    bar = Cell(mark=Bar(value=0.1, colour="#000000"))
    row = cells("13 Aug 2024", bar, "50%", "46–99.5%", "roughly even chance, as far as it goes")
    last = cells("9 Aug", bar, "9%", Cell("–", note="0"), "")
    numbers = right("Chance"), right("Plausible range")
    columns = (right("Before"), Column("0 to 100%"), *numbers, Column("In words"))
    wide = (*(right("Share of past windows"),) * 2, Column("Why"))
    groups = (
        Group(label="Crisis", note="seen twice", detail="sanction or " * 9, rows=(row,), marked=(0,)),
        Group(label="War", detail="dispute", rows=(row, last)),
    )
    shown = (
        Alert(text="Careful", items=("one", "two")),
        Answer(
            sentence="Unlikely.",
            detail="Never seen.",
            ticks=(Tick(0.1, "10%", "One"), Tick(0.2, "20%", "Two")),
        ),
        Prose("Lead"),
        Table(columns=columns, groups=groups),
        Table(title="Wide", columns=wide, groups=(Group(rows=(cells("1%", "2%", "word " * 20),)),)),
        Heading("Files"),
        paired((("Brief", "brief.pdf"), ("Report", "report.pdf"))),
        Beside(left=(Prose("left"),), right=(Bullets(("right",)),), right_width=80.0),
    )
    assert "\n".join(lines_of(shown)) == snapshot


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_a_compiler_swallowed_is_no_fault_of_the_program(command, monkeypatch, number, code):
    def swallowing(*_: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), number)
            time.sleep(1)
        raise SystemError("returned a result with an exception set")

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr("forecast.config.writing.schema_of", swallowing)
    try:
        ended = command("schema", "config")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert "internal error" not in ended.err


def test_a_day_that_libraries_cannot_read_is_refused_and_a_message_that_cannot_be_told_keeps_its_code(
    command, monkeypatch
):
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "forecast", "check", "no.yaml"], stderr=full, check=False
        )
    assert ended.returncode == 2
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "abc")
    ended = command("schema", "config")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "forecast: SOURCE_DATE_EPOCH: got 'abc'; expected seconds since 1970-01-01\n"
