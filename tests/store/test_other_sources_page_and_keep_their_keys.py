"""UCDP and ACLED: pages, versions, keys that nothing tells, and since when their acts are known."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest

from forecast.store import acled, ucdp
from tests.store.conftest import reports_of

EMAIL, PASSWORD, TOKEN = "me@example.org", "pass-w0rd-of-mine", "token-of-this-session"


def ged(number: int, day: str, b: str = "Pakistan", best: int = 2) -> dict[str, object]:
    return {
        "id": number,
        "type_of_violence": 1,
        "side_a": "Government of India",
        "side_b": f"Government of {b}",
        "date_start": f"{day}T00:00:00",
        "best": best,
        "where_coordinates": "Uri",
        "country": "India",
        "source_article": "Reuters",
        "source_headline": "Fire across the line",
    }


def paged(rows, size=2):
    """Answer as the service does; ``size`` rows a page, whatever is asked for."""

    def page(asked):
        first, last = asked.query.get("StartDate", ""), asked.query.get("EndDate", "9")
        chosen = [row for row in rows if first <= str(row["date_start"]) <= f"{last}T"]
        if asked.query["pagesize"] == "1":
            chosen = chosen[:1]
        pages = [chosen[at : at + size] for at in range(0, len(chosen), size)] or [[]]
        number = int(asked.query["page"])
        told = {"TotalCount": len(chosen), "TotalPages": len(pages), "Result": pages[number]}
        return 200, {}, json.dumps(told).encode()

    return page


@pytest.fixture
def on_29_november(monkeypatch):
    """Set the day on which sources list what is out."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 11, 29, tzinfo=UTC)

    for module in (ucdp, acled):
        monkeypatch.setattr(module, "datetime", Clock)


@pytest.fixture
def run(command, server, tmp_path):
    def update(source: str, since: str, *more: object, pair: str = "IND,PAK"):
        address = f"{server.address}/api" if source == "ucdp" else server.address
        where = ("--store", tmp_path / "S", "--source", source, "--address", address)
        return command("events", "update", *where, "--pair", pair, "--since", since, "--json", *more)

    return update


@pytest.fixture
def versions(server, on_29_november):
    """The yearly version of 2026, and two candidate months after it."""
    year = [ged(1, "2024-03-05"), ged(2, "2025-05-07"), ged(3, "2025-05-08"), ged(4, "2025-06-01", "China")]
    server.pages |= {
        "/api/gedevents/26.1": paged([*year, ged(5, "2025-07-01", best=0)]),
        "/api/gedevents/26.0.8": paged([ged(11, "2026-08-03")]),
        "/api/gedevents/26.0.9": paged([ged(12, "2026-09-03")]),
    }
    for month in (1, 2, 3, 4, 5, 6, 7):
        server.pages[f"/api/gedevents/26.0.{month}"] = paged([])
    return server


def test_ucdp_years_and_candidate_months_are_read_page_by_page(run, versions, tmp_path):
    ended = run("ucdp", "2025-01-01")
    # The candidates of October are out by 28 November, and this server has none.
    facts = ended.facts
    assert ended.code == 1
    assert facts["sources"]["ucdp"]["open"] == {"26.0.10": "missing: not on the server (404)"}
    assert (facts["added"], facts["files"]) == (5, {"read": 10, "missing": 1, "wrong": 0})
    rows = {row["id"]: row for row in reports_of(tmp_path / "S")}
    assert {name: row["severity"] for name, row in rows.items()} == {
        "ucdp-2": 5,
        "ucdp-3": 5,
        "ucdp-5": 4,
        "ucdp-11": 5,
        "ucdp-12": 5,
    }


def test_a_ucdp_act_loaded_afterwards_is_known_from_its_release(run, versions, tmp_path):
    run("ucdp", "2024-01-01")
    known = {row["id"]: (row["known_date"], row["known_by"]) for row in reports_of(tmp_path / "S")}
    assert known["ucdp-2"] == (date(2026, 7, 1), "release")
    assert known["ucdp-11"] == (date(2026, 9, 28), "release")


def test_an_event_that_a_later_version_has_under_another_id_is_the_same_act(run, versions, tmp_path):
    versions.pages["/api/gedevents/26.0.9"] = paged([ged(99, "2026-08-03")])
    run("ucdp", "2026-08-01", "--until", "2026-09-30")
    stories = {row["id"]: row["story"] for row in reports_of(tmp_path / "S")}
    assert stories["ucdp-99"] == "ucdp-11"


def test_a_table_of_csv_is_read_in_place_of_pages(run, versions, tmp_path):
    rows = [ged(11, "2026-08-03"), ged(13, "2026-08-04")]
    text = io.StringIO()
    table = csv.DictWriter(text, rows[0].keys())
    table.writeheader()
    table.writerows(rows)
    versions.pages["/api/gedevents/26.0.8"] = text.getvalue().encode()
    run("ucdp", "2026-08-01", "--until", "2026-08-31")
    assert {row["id"] for row in reports_of(tmp_path / "S")} == {"ucdp-11", "ucdp-13"}


@pytest.mark.parametrize(
    "page",
    [
        b'{"Result": 5, "TotalCount": 1, "TotalPages": 1}',
        b'{"error": "no"}',
        b"[" * 5000,
        b"a,b\n1,2\n",
        b"<html>",
        lambda asked: (200, {}, json.dumps({"TotalCount": 9, "TotalPages": 1, "Result": []}).encode()),
    ],
)
def test_a_page_that_is_no_list_or_is_not_whole_is_wrong(run, versions, page):
    versions.pages["/api/gedevents/26.0.8"] = page
    ended = run("ucdp", "2026-08-01", "--until", "2026-08-31")
    assert (ended.code, ended.facts["files"]) == (1, {"read": 0, "missing": 0, "wrong": 1})


def test_the_ucdp_token_goes_with_each_request_and_nowhere_else(run, versions, tmp_path, monkeypatch):
    monkeypatch.setenv(ucdp.TOKEN, TOKEN)
    ended = run("ucdp", "2026-08-01", "--until", "2026-09-30")
    assert {one.headers.get("x-ucdp-access-token") for one in versions.asked} == {TOKEN}
    refuse_secrets(ended, tmp_path)


# ACLED

HEADER = "event_id_cnty,event_date,event_type,sub_event_type,actor1,actor2,country,location,source,notes,"
HEADER += "fatalities,timestamp\n"


def acled_row(number: int, day: str, changed: str, deaths: int = 0) -> str:
    stamp = int(datetime.fromisoformat(f"{changed}T12:00:00+00:00").timestamp())
    actors = "Military Forces of India (2014-),Military Forces of Pakistan (2022-)"
    return f"IND{number},{day},Battles,Armed clash,{actors},India,Uri {number},PTI,Firing,{deaths},{stamp}\n"


def refuse_secrets(ended, place) -> None:
    """No message and no file holds a key, whole or in part."""
    said = ended.out + ended.err
    held = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    for secret in (PASSWORD, TOKEN, EMAIL):
        assert secret not in said
        assert secret.encode() not in held


@pytest.fixture
def account(monkeypatch):
    monkeypatch.setenv(acled.EMAIL, EMAIL)
    monkeypatch.setenv(acled.PASSWORD, PASSWORD)


@pytest.fixture
def service(server, account, on_29_november):
    """Pages of two rows by month, for whoever has logged in."""
    rows = {
        "2026-08": [acled_row(n, f"2026-08-0{n}", "2026-08-20", n) for n in (1, 2, 3)],
        "2026-11": [acled_row(9, "2026-11-20", "2026-11-25")],
    }

    def log_in(asked):
        form = dict(pair.split("=") for pair in asked.body.split("&"))
        right = form["password"] == PASSWORD and form["grant_type"] == "password"
        return (200, {}, json.dumps({"access_token": TOKEN}).encode()) if right else (401, {}, b"no")

    def read(asked):
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {}, f"{PASSWORD} {TOKEN}".encode()
        month, page, size = asked.query["event_date"][:7], int(asked.query["page"]), int(asked.query["limit"])
        chosen = rows.get(month, [])[(page - 1) * size : page * size]
        return 200, {}, (HEADER + "".join(chosen)).encode()

    server.pages |= {"/oauth/token": log_in, "/api/acled/read": read}
    server.rows = rows
    return server


def test_acled_months_are_read_page_by_page_and_known_from_their_last_change(
    run, service, tmp_path, monkeypatch
):
    monkeypatch.setattr(acled, "PAGE_ROWS", 2)
    ended = run("acled", "2026-08-01", "--until", "2026-11-28")
    assert (ended.code, ended.facts["added"], ended.facts["files"]["read"]) == (0, 4, 4)
    known = {row["id"]: (row["known_date"], row["severity"]) for row in reports_of(tmp_path / "S")}
    assert known["acled-IND1"] == (date(2026, 8, 20), 5)
    assert known["acled-IND9"] == (date(2026, 11, 25), 4)
    refuse_secrets(ended, tmp_path)


def test_recent_months_are_read_again_and_an_act_stays_as_it_was_first_seen(run, service, tmp_path):
    run("acled", "2026-08-01", "--until", "2026-11-28")
    service.asked.clear()
    service.rows["2026-11"] = [
        acled_row(9, "2026-11-20", "2026-11-28", deaths=5),
        acled_row(10, "2026-11-21", "2026-11-28"),
    ]
    again = run("acled", "2026-08-01", "--until", "2026-11-28")
    months = {one.query["event_date"][:7] for one in service.asked if "read" in one.path}
    # September ended sixty days ago.
    assert months == {"2026-09", "2026-10", "2026-11"}
    assert again.facts["added"] == 1
    severity = {row["id"]: row["severity"] for row in reports_of(tmp_path / "S")}
    assert (severity["acled-IND9"], severity["acled-IND10"]) == (4, 4)


def test_a_refused_log_in_tells_nothing_of_the_account(run, service, tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.store.acled.PASSWORD", "ACLED_OTHER")
    monkeypatch.setenv("ACLED_OTHER", "wrong-one")
    ended = run("acled", "2026-11-01", "--until", "2026-11-28")
    assert ended.code == 1
    assert "not allowed (401)" in ended.facts["sources"]["acled"]["failure"]
    assert "wrong-one" not in ended.out + ended.err
    refuse_secrets(ended, tmp_path)


def test_without_an_account_the_message_names_the_variables(run, server, monkeypatch):
    monkeypatch.delenv(acled.EMAIL, raising=False)
    ended = run("acled", "2026-11-01", "--until", "2026-11-28")
    assert ended.code == 2
    assert "acled needs ACLED_EMAIL and ACLED_PASSWORD in the environment" in ended.err


def test_an_error_in_place_of_a_table_is_wrong_and_not_shown(run, service, tmp_path):
    service.pages["/api/acled/read"] = json.dumps({"message": f"{TOKEN} denied"}).encode()
    ended = run("acled", "2026-11-01", "--until", "2026-11-28")
    assert (ended.code, ended.facts["files"]["wrong"]) == (1, 1)
    refuse_secrets(ended, tmp_path)
