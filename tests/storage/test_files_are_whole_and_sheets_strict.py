"""What is written is whole or as before; sheets are read strictly."""

import contextlib
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from forecast import storage
from forecast.errors import BusyError, InputError
from forecast.storage import check_rows, read_chance, read_rows


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def in_other_process():
    """Run code that prints a line when it has come to the place in question; end it with ``kill``."""
    with contextlib.ExitStack() as stack:

        def start(code: str, *arguments: object) -> subprocess.Popen:
            command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout.readline() == "there\n"
            return process

        yield start


HOLD = """
    import sys, time
    from pathlib import Path
    from forecast import storage
    with storage.{call} as made:
        {more}
        print("there", flush=True)
        time.sleep(60)
    """


def test_a_file_is_replaced_whole_with_its_permissions_through_a_link(tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("old")
    kept.chmod(0o640)
    (tmp_path / "link").symlink_to(kept)
    storage.write_file(tmp_path / "link", "new\r\n")
    assert kept.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert names(tmp_path) == ["kept.txt", "link"]


def test_a_file_that_fails_half_way_leaves_the_old_one_alone(tmp_path):
    storage.write_file(tmp_path / "a", "old")

    def fail():
        with storage.new_file(tmp_path / "a") as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_changed_folder_keeps_the_rest_and_the_old_one_until_the_end(tmp_path):
    place = tmp_path / "run"
    (place / "figures").mkdir(parents=True)
    for name in ("kept.nc", "report.pdf", "figures/one.svg"):
        (place / name).write_text("old")
    with storage.amended_folder(place) as filling:
        storage.write_file(filling / "report.pdf", "new")
        storage.write_file(filling / "figures/one.svg", "new")
        assert (place / "report.pdf").read_text() == (place / "figures/one.svg").read_text() == "old"
        # Draws of many megabytes are not copied.
        assert (place / "kept.nc").samefile(filling / "kept.nc")
    assert (place / "report.pdf").read_text() == (place / "figures/one.svg").read_text() == "new"
    assert (place / "kept.nc").read_text() == "old"
    assert names(tmp_path) == ["run"]


def test_a_place_has_one_writer_and_says_so(tmp_path, in_other_process):
    other = in_other_process(HOLD.format(call="locked(Path(sys.argv[1]))", more="pass"), tmp_path / "out/run")
    with (
        pytest.raises(BusyError, match=r"out/run: another forecast command is writing it\. Wait"),
        storage.locked(tmp_path / "out/run"),
    ):
        pass
    with storage.locked(tmp_path / "out/other"):
        assert len(names(tmp_path / "out")) == 2
    other.kill()
    other.wait()
    with storage.locked(tmp_path / "out/run"), storage.locked(tmp_path / "out/run"):
        pass
    assert names(tmp_path) in ([], ["out"])
    assert not list(tmp_path.rglob("*forecast*"))


@pytest.mark.parametrize("call", ["new_folder(Path(sys.argv[1]))", "new_file(Path(sys.argv[1]))"])
def test_leavings_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path, call, in_other_process):
    more = "(made / 'x').write_text('x')" if "folder" in call else "made.write(b'x'); made.flush()"
    other = in_other_process(HOLD.format(call=call, more=more), tmp_path / "place")
    storage.remove_stale(tmp_path)
    held = names(tmp_path)
    assert held
    other.send_signal(signal.SIGKILL)
    other.wait()
    storage.remove_stale(tmp_path)
    assert names(tmp_path) == []


def test_scratch_folders_are_private_and_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with storage.scratch_folder("import") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "rows").write_text("rows")
    assert names(tmp_path) == []


def test_a_file_taken_for_stale_before_it_is_locked_is_written_all_the_same(tmp_path, monkeypatch):
    lock, cleaned = storage.lock_descriptor, []

    def found_first(descriptor: int, *, blocking: bool) -> bool:
        if not cleaned:
            cleaned.append(len(list(tmp_path.iterdir())))
            storage.remove_stale(tmp_path)  # as another thread or process may between the two calls
        return lock(descriptor, blocking=blocking)

    monkeypatch.setattr(storage, "lock_descriptor", found_first)
    storage.write_file(tmp_path / "kept.txt", "whole")
    assert cleaned == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    assert (tmp_path / "kept.txt").read_text() == "whole"


HELP = "Give one row a thing"


def read(path, text, optional=("note",)):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(path, ("name", "chance"), optional, help=HELP)


def test_rows_know_their_lines_whatever_the_order_of_columns(tmp_path):
    rows = read(tmp_path / "a.csv", '\ufeffchance, name\n0.4, anna \n\n,\n"50\n%",bo\n')
    assert [(row.line, row["name"], row["chance"], row["note"]) for row in rows] == [
        (2, "anna", "0.4", ""),
        (6, "bo", "50\n%", ""),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,chance_\n", ":1: unknown column 'chance_'. Did you mean 'chance'? Expected: name,chance"),
        ("name\n", ":1: the column 'chance' is missing. Expected: name,chance, and if you like note. Give"),
        ("name,chance,name\n", ":1: the column 'name' appears twice. Keep one"),
        ("name,chance\na\n", ":2: does not have the 2 cells of the header"),
        ("name,chance\n", f": holds no row. {HELP}"),
        (b"name,chance\n\xff,1\n", ": is not UTF-8 text"),
        ("name,chance\n" + "x" * 200_000, ": is damaged, or not what it should be"),
    ],
)
def test_what_is_no_sheet_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "a.csv"
    with pytest.raises(InputError) as refusal:
        read(path, text)
    assert str(refusal.value).startswith(f"{path}{said}")


def test_all_faults_are_told_at_once_by_line_and_column(tmp_path):
    path = tmp_path / "a.csv"
    rows = read(path, "name,chance\n" + "a,0.4\n" + "b,2\n" * 25)
    with pytest.raises(InputError) as refusal:
        check_rows(rows, lambda row: read_chance(row["chance"], "--my-chance"))
    first, *_, last = str(refusal.value).splitlines()
    assert first == (
        f"{path}:3: my_chance: got '2'; expected a probability such as 40% or 0.4. Write 2 percent as 2%"
    )
    assert last == "… and 5 more"
    assert str(rows[0].fault("name", "a day")) == f"{path}:2: name: got 'a'; expected a day"


def test_what_may_be_certain_is_read_and_what_may_not_is_refused():
    assert [read_chance(text, "p", certain=True) for text in ("0", "100%", "1", "63%")] == [0, 1, 1, 0.63]
    for text in ("0", "100%", "1"):
        with pytest.raises(InputError, match="Nothing is certain"):
            read_chance(text, "p")
