"""A store of GDELT, from a server that replays a day of it: updated, read like a file, refused."""

import contextlib
import hashlib
import io
import json
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast import storage
from forecast.config import load_config
from forecast.errors import EventError, InputError
from forecast.events import reading as terms
from forecast.events.reading import (
    PACE_DAYS,
    act_files,
    connect,
    load_events,
    newest_act,
    read_events,
    reader_of,
    refuse_barred,
    terms_of,
    write_events,
)
from forecast.events.table import FIELDS
from forecast.feeds.importing import ImportOptions, import_feed
from forecast.feeds.store import _span, update_store
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs
from tests.conftest import http_server

ELSEWHERE = "http://data.gdeltproject.org/gdeltv2"
"""The host that real lists name."""


Answer = tuple[int, dict[str, str], bytes]
Page = bytes | Callable[[], Answer]


@dataclass
class Server:
    """Pages by path; a page is its content, or a function that answers. ``asked`` are the paths asked for."""

    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        page = self.pages.get(path)
        if page is None:
            return 404, {}, b"gone"
        return page() if callable(page) else (200, {}, page)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Serve pages on a port of their own."""
    served = Server()
    with http_server(lambda path, *_: served.answer(path)) as served.address:
        yield served


@pytest.fixture(autouse=True)
def own_scratch(tmp_path, monkeypatch) -> None:
    """Scratch folders of a test of its own: commands of other tests clear the system's of what is stale."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as served:
        yield served


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@dataclass
class Gdelt:
    """Archives by name and the lists that name them, put on a server."""

    server: Server
    archives: dict[str, bytes] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.server.address}/gdeltv2"

    @property
    def names(self) -> list[str]:
        return sorted(self.archives)

    def add(self, stamp: str, rows: str) -> str:
        name = f"{stamp}.export.CSV.zip"
        self.archives[name] = zipped(f"{stamp}.export.CSV", rows.encode())
        return name

    def line(self, name: str) -> str:
        content = self.archives[name]
        return f"{len(content)} {hashlib.md5(content).hexdigest()} {ELSEWHERE}/{name}"

    def publish(self) -> None:
        """Put archives and lists on the server; the lists name other data as well, as real ones do."""
        self.server.pages |= {f"/gdeltv2/{name}": content for name, content in self.archives.items()}
        lines = []
        for name in self.names:
            other = name.replace("export.CSV", "mentions.CSV")
            gkg = name.replace("export.CSV", "gkg.csv")
            lines += [self.line(name), *(f"9 {'0' * 32} {ELSEWHERE}/{one}" for one in (other, gkg))]
        self.server.pages["/gdeltv2/masterfilelist.txt"] = ("\n".join(lines) + "\n").encode()
        self.server.pages["/gdeltv2/lastupdate.txt"] = ("\n".join(lines[-3:]) + "\n").encode()

    def spoil(self, name: str, page: Page) -> None:
        """Put something else in the place of an archive; the lists stay as they are."""
        self.server.pages[f"/gdeltv2/{name}"] = page


@pytest.fixture(scope="session")
def quarters(samples) -> dict[str, str]:
    """Rows of the sample of 13 November 2020 by the quarter of an hour in which they were published."""
    found: defaultdict[str, str] = defaultdict(str)
    path: Path = samples / "gdelt2-20201113.export.CSV"
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        found[line.split("\t")[59]] += line
    return dict(found)


def published(server: Server, quarters: dict[str, str]) -> Gdelt:
    made = Gdelt(server)
    for stamp, rows in quarters.items():
        made.add(stamp, rows)
    made.publish()
    return made


@pytest.fixture
def gdelt(server, quarters) -> Gdelt:
    """The day of the sample, published."""
    return published(server, quarters)


@pytest.fixture(scope="session")
def whole(quarters, tmp_path_factory) -> Path:
    """A store of the day, from one update without a fault. Do not change it."""
    place, day = tmp_path_factory.mktemp("whole") / "S", date(2020, 11, 13)
    with serving() as server:
        address = published(server, quarters).address
        pairs = {("CHN", "USA")}
        report = update_store(place, lambda _: None, pairs=pairs, since=day, until=day, address=address)
    assert report.whole
    return place


@pytest.fixture
def update(command, gdelt, tmp_path) -> Callable:
    """Update a store from the day of the sample, without pauses between attempts."""

    def run(*more: object, store: str = "S", day: str = "2020-11-13"):
        place, span = tmp_path / store, ("--since", day, "--until", day)
        asked = ("--store", place, "--pair", "USA,CHN", *span)
        return command("events", "update", *asked, "--address", gdelt.address, "--json", *more)

    return run


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr("forecast.feeds.store.PAUSE_S", 0.0)


def reports_of(store: Path) -> list[dict[str, Any]]:
    """Every report that a store holds, but for the day on which it was first seen."""
    with connect() as connection:
        query = f"SELECT * EXCLUDE (first_seen) FROM {reader_of(act_files(store))} ORDER BY id"
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def files_of(store: Path) -> list[str]:
    """Names of all files of a store."""
    return sorted(path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file())


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
    report = import_feed([day], ImportOptions("gdelt2", ["USA,CHN"]), tmp_path / "all.csv")
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


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{"version": 9}', "a store of version 9; this program reads version 1"),
        ('{"version": 1}', "no list of pairs. Move it away and update the store"),
        ('{"version": 1, "pairs": 5}', "no list of pairs"),
    ],
)
def test_a_store_of_another_version_or_damaged_is_refused(update, tmp_path, content, fault):
    update()
    (tmp_path / "S/store.json").write_text(content)
    ended = update()
    assert ended.code == 2
    assert fault in ended.err


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


PAIR = {("CHN", "USA")}


@pytest.fixture
def config(command, whole, tmp_path):
    """Return the config that ``new`` writes for the store, as of a day."""

    def write(day: str, **events: object):
        path = tmp_path / f"{day}.yaml"
        made = command("new", "--store", whole, "--pair", "USA,CHN", "--as-of", day, "--out", path)
        assert made.code == 0, made.err
        return load_config(path, [f"events.{name}={value}" for name, value in events.items()])

    return write


def test_the_table_of_a_store_is_that_of_the_same_events_in_a_file(whole, tmp_path):
    table = load_events(str(whole), Path(), pairs=PAIR)
    write_events(table, tmp_path / "e.csv")
    again = read_events(tmp_path / "e.csv")
    assert len(table) > 30
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(table, name), getattr(again, name), err_msg=name)
    assert table.sha256 == again.sha256


def test_a_reader_gets_one_row_a_story_and_the_reports_add_up(whole):
    reports = reports_of(whole)
    table = load_events(str(whole), Path())
    assert set(table.id) == {row["story"] for row in reports}
    assert sum(row["reports"] for row in reports if row["id"] == row["story"]) == len(reports)


def test_reports_of_a_story_are_the_same_act_and_come_within_a_day(whole):
    by_id = {row["id"]: row for row in reports_of(whole)}
    merged = [row for row in by_id.values() if row["id"] != row["story"]]
    assert len(merged) > 20
    for row in merged:
        lead = by_id[row["story"]]
        assert (row["date"], row["counts_as"], row["pair"]) == (lead["date"], lead["counts_as"], lead["pair"])
        assert (lead["known_date"], lead["stamp"], lead["id"]) < (row["known_date"], row["stamp"], row["id"])


def test_new_and_check_read_a_store(config, whole):
    loaded = config("2020-11-14")
    assert Path(loaded.base_folder / loaded.events.store).resolve() == whole.resolve()
    inputs = read_inputs(loaded)
    assert len(inputs.events) == len(load_events(str(whole), Path()))
    assert not [one for one in cautions_of(inputs) if one.code == "feed_fault"]


def test_a_store_that_is_stale_on_the_as_of_date_is_a_caution(config):
    (caution,) = [one for one in cautions_of(read_inputs(config("2020-11-20"))) if one.code == "feed_fault"]
    fault = caution["fault"]
    assert [fault[key] for key in ("code", "first", "value")] == ["stale_store", "2020-11-13", 7]


def test_a_source_that_goes_on_is_fresh_though_its_pair_is_silent(whole, tmp_path):
    """Judged by the newest act of anybody: here files of a later day that held none of the pair."""
    place = tmp_path / "S"
    shutil.copytree(whole, place)
    path = place / "gdelt2/files/2020-11.json"
    notes = json.loads(path.read_text())
    entry = {"day": "2020-11-20", "newest": "2020-11-20", "rows": 5, "refused": 0, "pairs": 0}
    notes["read"]["20201120000000.export.CSV.zip"] = entry
    path.write_text(json.dumps(notes))
    days = [date(2020, 11, day) for day in (15, 16, 20, 22, 23)]
    ages = [(day - newest_act(place, day)).days for day in days]
    assert [age > PACE_DAYS for age in ages] == [False, True, False, False, True]


def test_a_file_missed_as_it_came_is_known_from_the_day_it_was_seen(update, gdelt, quarters, tmp_path):
    """Its stamp says yesterday. The store knows that it was not there yesterday."""
    today = datetime.now(UTC).date()
    before = today - timedelta(days=1)
    gdelt.archives.clear()
    for stamp, rows in list(quarters.items())[-2:]:
        text = rows.replace("20201113", f"{before:%Y%m%d}")
        gdelt.add(stamp.replace("20201113", f"{before:%Y%m%d}"), text)
    gdelt.publish()
    late = gdelt.names[0]
    gdelt.spoil(late, lambda: (404, {}, b""))
    assert update(day=before.isoformat()).code == 1
    gdelt.publish()
    assert update(day=before.isoformat()).code == 0
    known = {(row["file"] == late, row["known_date"], row["known_by"]) for row in reports_of(tmp_path / "S")}
    assert known == {(True, today, "seen"), (False, before, "row")}
    # Of the as-of date that lies between, only what was there is read.
    table = load_events(str(tmp_path / "S"), Path()).known_by(before)
    files = {row["id"]: row["file"] for row in reports_of(tmp_path / "S")}
    assert late not in {files[name] for name in table.id}


def test_a_pair_that_a_store_lacks_is_one_message(whole):
    with pytest.raises(EventError, match=r"no act between IND and PAK. It was filled for: CHN,USA"):
        load_events(str(whole), Path(), pairs={("IND", "PAK")})


def test_terms_go_by_the_source_of_each_act(whole, us_china):
    (told,) = terms_of(load_events(str(whole), Path()))
    assert (told.source, told.licence, told.bars) == ("gdelt2", "GDELT terms of use", ())
    assert [one.licence for one in terms_of(us_china)] == ["CC BY 4.0"]


def renamed(table, name: str):
    """Return a table whose first three acts are of another source."""
    ids = table.id.copy()
    ids[:3] = [f"{name}-{number}" for number in range(3)]
    return replace(table, id=ids, source="e.csv")


def test_acts_whose_terms_bar_a_use_are_refused_by_name(us_china):
    table = renamed(us_china, "acled")
    for use in ("client", "internal"):
        with pytest.raises(
            InputError, match=r"3 acts of acled \(acled-0, acled-1 and acled-2\): Commercial use"
        ):
            refuse_barred(table, use, ())
        refuse_barred(table, use, ("acled",))
    refuse_barred(renamed(us_china, "polecat"), "internal", ())
    with pytest.raises(InputError, match=r"'acledd' is no source that has terms. Did you mean 'acled'"):
        refuse_barred(table, "client", ("acledd",))


def test_a_use_that_the_terms_bar_is_refused_at_its_key(config, monkeypatch):
    loaded = config("2020-11-14", use="client")
    read_inputs(loaded)
    barred = {"gdelt2": {"bars": ("client",)}}
    made = {name: one.model_copy(update=barred.get(name, {})) for name, one in terms.known_terms().items()}
    monkeypatch.setattr(terms, "known_terms", lambda: made)
    with pytest.raises(InputError, match=r"events.use: the terms bar use 'client' of 38 acts of gdelt2"):
        read_inputs(loaded)


LIST = """
name: list
as_of: 2020-11-15
events: [S]
targets: {conflict: {any_of: [sanction, dispute, military_incident], min_severity: 2}}
horizons: [30]
dyads: [{a: USA, b: CHN}]
model: {family: pooled_hazard}
"""


@pytest.fixture
def acts_of_two_years(gdelt, quarters):
    """Date the acts of the first archive back, so that there is a record to learn from."""
    stamp, rows = next(iter(quarters.items()))
    gdelt.add(stamp, rows.replace("\t20201113\t", "\t20190313\t"))
    gdelt.publish()


@pytest.fixture
def watch(command, acts_of_two_years, tmp_path):
    """Watch the list without report and ledger; return how it ended, and what it wrote."""
    path = tmp_path / "list.yaml"
    path.write_text(LIST)

    def run(*more: object):
        where = ("--out", tmp_path / "reports", "--no-report", "--no-ledger", "--json")
        return command("watch", path, *where, *more)

    return run


def test_a_watch_reads_a_store_and_judges_its_age_by_the_pace_of_its_source(update, watch):
    acts = update().facts["added"]
    fresh, stale = watch(), watch("--as-of", "2020-11-19")
    assert (fresh.code, stale.code) == (0, 0), fresh.err + stale.err
    (dyad,) = fresh.facts["dyads"]
    assert (dyad["events"], dyad["feed_faults"]) == (acts, [])
    (fault,) = stale.facts["dyads"][0]["feed_faults"]
    assert (fault["code"], fault["limit"]) == ("stale_store", 2.0)


def test_a_watch_with_update_adds_what_came_and_ends_with_1_where_a_file_is_missing(
    update, watch, gdelt, tmp_path
):
    late = gdelt.names[-1]
    gdelt.spoil(late, lambda: (404, {}, b""))
    update()
    before = watch().facts["dyads"][0]["events"]
    missing = watch("--update", "--as-of", "2020-11-16")
    assert missing.code == 1
    assert "its stores are not up to date" in missing.err
    gdelt.publish()
    whole = watch("--update", "--as-of", "2020-11-17")
    assert whole.code == 0, whole.err
    assert whole.facts["dyads"][0]["events"] > before


def test_a_clock_behind_the_last_update_is_refused():
    """Acts would count as known before they were."""
    day, state = date(2026, 1, 2), {"updated": "2026-01-02", "since": "2026-01-01", "until": "2026-01-02"}
    _span(None, None, state, day)
    with pytest.raises(InputError, match="set the clock"):
        _span(None, None, state, day - timedelta(days=1))
