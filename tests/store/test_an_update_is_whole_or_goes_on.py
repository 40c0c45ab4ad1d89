"""An update adds each act once, whatever goes wrong; what is missing or wrong is asked for again."""

import errno
import io
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from forecast import storage
from forecast.events.reading import read_events
from forecast.feeds.candidates import feed_options
from forecast.feeds.importing import import_feed
from forecast.storage import locked
from tests.store.conftest import files_of, reports_of, zipped

DAY_ROWS = 78
"""Rows of the sample between USA and CHN, 88, less 10 statements, appeals and protests."""


def test_a_day_is_stored_with_all_its_reports_and_the_same_update_adds_nothing(update, command, tmp_path):
    first = update()
    # The next needs neither pair nor day nor address.
    again = command("events", "update", "--store", tmp_path / "S", "--until", "2020-11-13", "--json")
    assert (first.code, again.code) == (0, 0)
    assert first.out.count("\n") == 1
    facts, same = first.facts, {"refused": 0, "newest": "2020-11-13", "open": {}, "failure": None}
    assert facts["added"] + facts["repeated"] == DAY_ROWS
    assert min(facts["added"], facts["repeated"]) > 0
    assert facts == facts | same | {"files": {"read": 9, "missing": 0, "wrong": 0}}
    nothing = {"added": 0, "repeated": 0, "files": {"read": 0, "missing": 0, "wrong": 0}}
    assert again.facts == same | nothing


def test_reports_are_the_rows_that_an_import_reads(update, tmp_path, samples):
    """The import of the same day is the independent account: what it keeps, and the repeats it counts."""
    update()
    day = samples / "gdelt2-20201113.export.CSV"
    report = import_feed([day], feed_options("gdelt2", ["USA,CHN"]), tmp_path / "all.csv")
    held = {row["id"] for row in reports_of(tmp_path / "S")}
    assert set(read_events(tmp_path / "all.csv").id) <= held
    assert len(held) == report.kept + report.fates["repeated"] + report.fates["mirrored"] == DAY_ROWS


def bomb() -> bytes:
    """Return a zip that unpacks to a thousand times its size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20201113083000.export.CSV", (b"0\t" * 60 + b"0\n") * 500_000)
    return buffer.getvalue()


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def other_bytes(content: bytes) -> bytes:
    return content[:-40] + bytes(40)


NOT_AS_LISTED = {
    "not on the server": ("missing", lambda content: lambda: (404, {}, b"")),
    "the server answered 503": ("missing", lambda content: lambda: (503, {}, b"")),
    "sent elsewhere": ("missing", lambda content: lambda: (302, {"Location": "http://example.org/"}, b"")),
    "no answer for 0.5": ("missing", lambda content: lambda: (200, {"Content-Length": "9000"}, b"few")),
    "a web page in place of data": ("wrong", lambda content: b"<!DOCTYPE html><html>busy</html>"),
    "bytes, not": ("wrong", halved),
    "MD5": ("wrong", other_bytes),
}
LISTED_RIGHT = {
    "unpacks to more than": bomb,
    "not gdelt2 rows": lambda: zipped("x.CSV", b"a\tb\tc\n" * 50),
    "a packed file inside a packed file": lambda: zipped("x.zip", zipped("y", b"a")),
}


def test_files_that_cannot_be_had_or_used_are_named_and_the_rest_stored(update, gdelt, tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.feeds.store.TIMEOUT_S", 0.5)
    names = gdelt.names
    for name, make in zip(names, LISTED_RIGHT.values(), strict=False):
        gdelt.archives[name] = make()
    gdelt.publish()
    first = update()
    opened = first.facts["open"]
    assert (first.code, first.facts["files"]) == (1, {"read": 6, "missing": 0, "wrong": 3})
    for (name, said), reason in zip(sorted(opened.items()), LISTED_RIGHT, strict=True):
        assert name in names
        assert said.startswith("wrong: ")
        assert reason in said
    for name, (_, page) in zip(names, NOT_AS_LISTED.values(), strict=False):
        gdelt.spoil(name, page(gdelt.archives[name]))
    second = update(store="T")
    opened = second.facts["open"]
    assert (second.code, second.facts["files"]) == (1, {"read": 2, "missing": 4, "wrong": 3})
    for name, (reason, (state, _)) in zip(names, NOT_AS_LISTED.items(), strict=False):
        assert opened[name].startswith(f"{state}: ")
        assert reason in opened[name]
    # A wrong one is asked for twice: it may have been cut short on the way.
    assert [gdelt.server.asked.count(f"/gdeltv2/{names[place]}") - 1 for place in (0, 6)] == [1, 2]
    assert {row["file"] for row in reports_of(tmp_path / "T")} <= {*names[7:]}


SPOILT = "20201113083000.export.CSV.zip"


def test_what_was_missing_is_asked_for_again_and_the_store_is_as_from_one_update(
    update, gdelt, whole, tmp_path
):
    gdelt.spoil(SPOILT, b"<html>")
    gdelt.server.pages.pop("/gdeltv2/20201113001500.export.CSV.zip")
    assert update().code == 1
    gdelt.publish()
    mended = update()
    assert (mended.code, mended.facts["files"]["read"]) == (0, 2)
    assert reports_of(tmp_path / "S") == reports_of(whole)


def test_a_quarter_of_an_hour_that_the_list_gets_late_is_read_then(update, gdelt, whole, tmp_path):
    held = gdelt.archives.pop(SPOILT)
    gdelt.publish()
    ended = update()
    assert (ended.code, ended.facts["files"]) == (0, {"read": 8, "missing": 0, "wrong": 0})
    gdelt.archives[SPOILT] = held
    gdelt.publish()
    assert update().facts["files"]["read"] == 1
    assert reports_of(tmp_path / "S") == reports_of(whole)


class Killed(BaseException):
    """Ends the program where it stands."""


WRITES = 7
"""Of an update in two batches: pairs, source; acts and notes of either batch; the end."""


@pytest.mark.parametrize("call", range(1, WRITES + 2))
def test_an_update_killed_at_any_write_goes_on_to_the_same_store(update, whole, tmp_path, monkeypatch, call):
    monkeypatch.setattr("forecast.feeds.store.BATCH", 5)
    left = [call]

    def dying(write):
        def run(*given):
            left[0] -= any(str(tmp_path / "S") in str(place) for place in given[:2])
            if left[0] == 0:
                raise Killed
            return write(*given)

        return run

    with monkeypatch.context() as patched:
        for write in (storage.write_file, storage.copy_file):
            patched.setattr(f"forecast.feeds.store.{write.__name__}", dying(write))
        with pytest.raises(Killed) if call <= WRITES else nullcontext():
            update()
    assert max(left[0], 0) == (call > WRITES)
    assert update().code == 0
    assert reports_of(tmp_path / "S") == reports_of(whole)
    assert files_of(tmp_path / "S") == files_of(whole)


def test_a_full_disk_is_one_message_and_what_was_stored_stays(update, gdelt, tmp_path, monkeypatch):
    gdelt.spoil(SPOILT, lambda: (404, {}, b""))
    update()
    before = reports_of(tmp_path / "S")
    gdelt.publish()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("forecast.feeds.store.copy_file", full)
    ended = update()
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written: No space left on device" in ended.err
    assert reports_of(tmp_path / "S") == before


def test_two_updates_at_once_are_one_and_a_clear_refusal(update, tmp_path):
    held, done = threading.Event(), threading.Event()

    def other_update():
        with locked((tmp_path / "S").resolve()):
            held.set()
            done.wait()

    with ThreadPoolExecutor(1) as other:
        other.submit(other_update)
        held.wait()
        ended = update()
        done.set()
    assert (ended.code, ended.out) == (2, "")
    assert "another forecast command is writing it" in ended.err


def test_a_store_of_another_version_is_refused(update, tmp_path):
    update()
    path = tmp_path / "S/store.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 9'))
    ended = update()
    assert ended.code == 2
    assert "a store of version 9; this program reads version 1" in ended.err


@pytest.mark.parametrize("list_page", [b"nonsense\n", None])
def test_without_a_list_nothing_changes_and_the_reason_is_told(update, gdelt, tmp_path, list_page):
    for name in ("masterfilelist.txt", "lastupdate.txt"):
        gdelt.server.pages.pop(f"/gdeltv2/{name}")
        if list_page is not None:
            gdelt.spoil(name, list_page)
    ended = update()
    assert ended.code == 1
    assert "the list of files cannot be had" in ended.facts["failure"]
    assert ended.facts["files"] == {"read": 0, "missing": 0, "wrong": 0}


def test_a_second_pair_is_read_from_files_that_were_read_for_the_first(update, tmp_path):
    update()
    more = update("--pair", "USA,RUS")
    assert more.facts["files"]["read"] == 9
    assert more.facts["added"] > 0
    assert {row["pair"] for row in reports_of(tmp_path / "S")} == {"CHN,USA", "RUS,USA"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pair", "USA"), "expected two actors"),
        (("--address", "ftp://example.org"), "begins with http:// or https://"),
        (("--address", "http://me:secret@example.org/x"), "no user, password or query"),
        (("--until", "2999-01-01"), "in the future"),
        (("--since", "2020-11-14"), "after --until"),
    ],
)
def test_bad_input_is_one_message_and_makes_no_store(update, tmp_path, arguments, message):
    ended = update(*arguments)
    assert ended.code == 2
    assert message in ended.err
    assert "secret" not in ended.err
    assert not (tmp_path / "S").exists()
