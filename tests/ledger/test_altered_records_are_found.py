"""The chain: one text for one value, and the first bad record is named whatever was done to it."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import LedgerError
from forecast.ledger.store import (
    TABLES,
    BadRecordError,
    Ledger,
    Link,
    check_chain,
    open_ledger,
    read_links,
    write_ledger,
)
from forecast.records.ledger import GENESIS, canonical_json, content_hash, link_hash

DAY = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.fixture
def links(entries) -> list[Link]:
    ledger = Ledger("a ledger")
    made = entries("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}, "clash": {30: 0.01, 90: 0.02}})
    links = []
    for entry in made:
        links.append(ledger.next_link(entry, DAY))
        ledger.add(links[-1])
    return links


def fault_of(links) -> tuple[int, str]:
    ledger, fault = check_chain("a ledger", links)
    assert fault
    return len(ledger) + 1, fault


def relinked(links: list[Link]) -> list[Link]:
    """Number and hash links anew, as one does who alters a chain and knows how it is made."""
    made: list[Link] = []
    for link in links:
        previous = made[-1].hash if made else GENESIS
        made.append(Link(len(made) + 1, previous, link_hash(previous, link.payload), link.payload))
    return made


def test_json_is_canonical_as_rfc_8785_says():
    # From appendix B of the RFC, those in the range of the ledger.
    shown = {0.0: "0", 1.0: "1", 1e-6: "0.000001", 0.25: "0.25", 333333333.3333333: "333333333.3333333"}
    assert {value: canonical_json(value) for value in shown} == shown
    assert canonical_json(-0.0) == "0"
    assert canonical_json({"b": [True, None, "é\n"], "a": {}}) == '{"a":{},"b":[true,null,"é\\n"]}'
    assert content_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    for value in (float("nan"), float("inf"), 1e-7, 1e300):
        with pytest.raises(ValueError, match="has no plain decimal notation"):
            canonical_json({"p": value})


@given(st.integers(0, 10**6))
def test_every_rounded_probability_reads_back_as_itself(millionths):
    value = round(millionths / 1e6, 6)
    text = canonical_json(value)
    assert "e" not in text
    assert json.loads(text) == value


def numbered(links):
    return [Link(place, link.previous, link.hash, link.payload) for place, link in enumerate(links, 1)]


def altered(link: Link, old: str, new: str, *, hashed: bool) -> Link:
    payload = link.payload.replace(old, new, 1)
    assert payload != link.payload
    return Link(
        link.sequence, link.previous, link_hash(link.previous, payload) if hashed else link.hash, payload
    )


def test_a_sound_chain_has_no_fault_and_stays_so_when_it_refuses_a_record(links):
    ledger, fault = check_chain("a ledger", links)
    assert (fault, len(ledger), ledger.head) == ("", 4, links[-1].hash)
    ledger = Ledger("a ledger")
    ledger.add(links[0])
    with pytest.raises(BadRecordError, match="is missing: the next one has number 3"):
        ledger.add(links[2])
    assert (len(ledger), ledger.head) == (1, links[0].hash)
    forged = relinked([links[0], *links[2:]])
    assert check_chain("a ledger", forged)[1] == ""
    assert links[-1].hash not in {link.hash for link in forged}, "made anew, it has another head"


@pytest.mark.parametrize(
    ("forge", "record", "reason"),
    [
        (
            lambda a, b, *rest: [a, altered(b, "0.5,", "0.9,", hashed=False), *rest],
            *(2, "was altered: its content does not have its hash"),
        ),
        (
            lambda a, b, *rest: [a, altered(b, '"mcse":0.01', '"mcse":0.02', hashed=True), *rest],
            *(3, "does not follow the record before it"),
        ),
        (lambda a, b, *rest: [a, *rest], 2, "is missing: the next one has number 3"),
        (lambda a, b, *rest: numbered([a, *rest]), 2, "does not follow the record before it"),
        (lambda a, b, c, d: numbered([a, c, b, d]), 2, "does not follow the record before it"),
        (
            lambda a, b, *rest: relinked([a, altered(b, '"joint"', '"other"', hashed=False), *rest]),
            *(2, "has an id that is not that of its content"),
        ),
    ],
    ids=("altered", "altered and hashed", "removed", "removed and numbered", "swapped", "another identity"),
)
def test_the_first_bad_record_is_named_whatever_was_done_to_it(links, forge, record, reason):
    number, fault = fault_of(forge(*links))
    assert number == record
    assert fault.startswith(reason)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"schema":9', '"schema":10', "is none that this version knows: schema"),
        ('"model":"joint"', '"model":"joint","market":{}', "is none that this version knows: entry.forecast"),
        ('"kind":"forecast"', '"kind":"rumour"', "is none that this version knows: entry"),
        ('"probability":0.25', '"probability":1.25', "is none that this version knows: entry"),
        ('{"entry"', '{ "entry"', "is not written in canonical JSON"),
        ("}", "", "is not readable"),
    ],
)
def test_what_no_version_writes_is_found_even_with_the_right_hash(links, old, new, reason):
    forged = links[0].payload.replace(old, new, 1)
    assert forged != links[0].payload
    number, found = fault_of(relinked([Link(1, "", "", forged)]))
    assert number == 1
    assert found.startswith(reason)


def test_a_ledger_of_an_earlier_format_is_one_line_that_says_how_to_make_it_anew(links):
    earlier = links[0].payload.replace('"schema":9', '"schema":8', 1)
    with pytest.raises(
        LedgerError, match=r"^a ledger: is of format 8; this version reads 9\. Export .*"
    ) as old:
        check_chain("a ledger", relinked([Link(1, "", "", earlier)]))
    assert "\n" not in str(old.value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET payload = 'x' WHERE sequence = 1",
        "DELETE FROM records",
        "INSERT OR REPLACE INTO records SELECT 1, previous, 'x', payload FROM records",
        "INSERT OR REPLACE INTO records SELECT sequence + 1, previous, hash, payload FROM records",
        "INSERT INTO records VALUES (7, 'x', 'x', 'x')",
    ],
)
def test_the_file_itself_refuses_to_change_or_drop_a_record(case, statement):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    before = read_links(case.path)
    with (
        closing(sqlite3.connect(case.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="ledger"),
    ):
        connection.execute(statement)
    assert read_links(case.path) == before


def tampered(path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for trigger in ("records_never_change", "records_never_leave", "records_only_follow"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
        for table in TABLES[1:]:
            connection.execute(table)


def test_a_tampered_file_is_not_used_and_verify_names_the_record(case, command):
    case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}})
    tampered(case.path, "UPDATE records SET payload = replace(payload, '0.5,', '0.6,') WHERE sequence = 2")
    with pytest.raises(LedgerError, match="record 2 was altered: its content does not have its hash"):
        open_ledger(case.path)
    with pytest.raises(LedgerError, match="record 2 was altered"), write_ledger(case.path):
        pass
    ended = command("ledger", "verify", "--ledger", case.path)
    assert ended.code == 2
    assert "record 2 was altered: its content does not have its hash. 1 record before it can be" in ended.err
    found = json.loads(command("ledger", "verify", "--ledger", case.path, "--json").out)
    assert (found["sound"], found["fault"]["record"]) == (False, 2)


def test_records_cut_off_at_the_end_are_seen_against_a_head_noted_before(case, command):
    head = case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}})[1]
    case.record("2022-02-01", {"crisis": {30: 0.25}})
    ended = command("ledger", "verify", "--ledger", case.path, "--head", head[:12])
    assert ended.code == 0
    assert "The stated head is record 2; 1 record since." in ended.out
    tampered(case.path, "DELETE FROM records WHERE sequence > 1")
    assert command("ledger", "verify", "--ledger", case.path).code == 0
    ended = command("ledger", "verify", "--ledger", case.path, "--head", head)
    assert ended.code == 2
    assert "is not in the chain, which holds 1 record: records were cut off at its end" in ended.err


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TRIGGER records_never_leave", "trigger records_never_leave is missing"),
        (
            "CREATE TRIGGER silent BEFORE INSERT ON records BEGIN SELECT RAISE(IGNORE); END",
            "trigger silent is not ours",
        ),
        ("CREATE VIEW other AS SELECT 1", "view other is not ours"),
        ("CREATE INDEX other ON records (payload)", "index other is not ours"),
    ],
)
def test_altered_tables_are_named_and_nothing_is_read_or_written(case, command, statement, message):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    with closing(sqlite3.connect(case.path)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(LedgerError, match=f"tables of the ledger were altered .*{message}"):
        open_ledger(case.path)
    with pytest.raises(LedgerError, match=message), write_ledger(case.path):
        pass
    ended = command("ledger", "verify", "--ledger", case.path)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_a_file_whose_tables_are_gone_is_no_empty_ledger(case):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    with closing(sqlite3.connect(case.path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master")
        connection.execute("PRAGMA user_version = 0")
        connection.execute("PRAGMA application_id = 0")
    with pytest.raises(LedgerError, match="is a damaged ledger: its tables are gone"):
        open_ledger(case.path)


def test_what_sqlite_finds_damaged_is_not_sound(case, command):
    case.record_all((f"{year}-01-01", {"crisis": {30: 0.25, 90: 0.5}}, {}) for year in range(2000, 2030))
    content = bytearray(case.path.read_bytes())
    # A hash within the index of hashes, which reading the records does not touch.
    with closing(sqlite3.connect(case.path)) as connection:
        (last,) = connection.execute("SELECT hash FROM records ORDER BY sequence DESC LIMIT 1").fetchone()
    places = [found.start() for found in re.finditer(last.encode(), content)]
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 1
        case.path.write_bytes(altered)
        assert command("ledger", "verify", "--ledger", case.path).code == 2
