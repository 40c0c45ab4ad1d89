"""Prices of four sites are read by the sites' own fields, matched by hand, marked, shown and scored.

The samples are made up, in the layout of the sites' public interfaces.
"""

import copy
import json
import threading
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from forecast.errors import InputError
from forecast.ledger.chain import Ledger
from forecast.ledger.entries import JudgementEntry, Question, canonical_json, with_id
from forecast.ledger.matching import Match, check_match
from forecast.ledger.pooling import answered_questions, learn_pool, score_persons
from forecast.ledger.recording import Asked, others_of
from forecast.ledger.sites import read_source
from forecast.ledger.store import open_ledger, write_ledger


def seconds(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def aggregate(day, centre, forecasters):
    return {
        "start_time": seconds(day),
        "end_time": None,
        "forecast_values": None,
        "forecaster_count": forecasters,
        "interval_lower_bounds": [centre / 2],
        "centers": [centre],
        "interval_upper_bounds": [(1 + centre) / 2],
    }


def metaculus(kind="binary", centres=((("2021-12-01"), 0.2, 9), ("2022-01-10", 0.3, 41)), **question):
    history = [aggregate(*one) for one in centres]
    return {
        "id": 9001,
        "title": "Will the two sides fall out?",
        "slug": "fall-out",
        "nr_forecasters": 41,
        "status": "open",
        "question": {
            "id": 8002,
            "title": "Will the two sides fall out?",
            "type": kind,
            "status": "open",
            "scheduled_close_time": "2022-03-01T00:00:00Z",
            "actual_close_time": None,
            "aggregations": {
                "unweighted": {"history": [], "latest": None},
                "recency_weighted": {"history": history, "latest": history[-1] if history else None},
            },
            **question,
        },
    }


def polymarket(**more):
    return {
        "id": "512340",
        "question": "Will the two sides fall out by February?",
        "conditionId": "0x00b9ee91",
        "slug": "will-they-fall-out",
        "endDate": "2022-02-01T12:00:00Z",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.35", "0.65"]',
        "volume": "9950.75",
        "volumeNum": 9950.75,
        "active": True,
        "closed": False,
        "updatedAt": "2022-01-05T10:00:00.123Z",
        "clobTokenIds": '["1", "2"]',
        "events": [{"id": "77", "slug": "two-sides", "title": "Two sides"}],
    } | more


def manifold(**more):
    return {
        "id": "Tz5dA01GkK",
        "question": "Will the two sides stay friends?",
        "url": "https://manifold.markets/anna/will-the-two-sides-stay-friends",
        "slug": "will-the-two-sides-stay-friends",
        "outcomeType": "BINARY",
        "mechanism": "cpmm-1",
        "probability": 0.6,
        "volume": 2310.5,
        "uniqueBettorCount": 34,
        "isResolved": False,
        "closeTime": int(1000 * seconds("2022-02-01")),
        "createdTime": int(1000 * seconds("2021-11-01")),
        "lastUpdatedTime": int(1000 * seconds("2022-01-05")),
        "lastBetTime": int(1000 * seconds("2022-01-04")),
    } | more


def kalshi(**more):
    return {
        "ticker": "KXFALL-22FEB01",
        "event_ticker": "KXFALL-22",
        "market_type": "binary",
        "title": "Two sides fall out?",
        "yes_sub_title": "Before Feb 1",
        "open_time": "2021-11-01T00:00:00Z",
        "close_time": "2022-02-01T00:00:00Z",
        "updated_time": "2022-01-06T00:00:00Z",
        "status": "active",
        "yes_bid": 30,
        "yes_ask": 34,
        "last_price": 40,
        "volume": 25_000,
        "result": "",
    } | more


BETS = [
    {"contractId": "Tz5dA01GkK", "createdTime": int(1000 * seconds(day)), "probAfter": p, "amount": m}
    | {"userId": who, "probBefore": 0.5, "outcome": "YES"}
    for day, p, m, who in (
        ("2022-01-02T08:00", 0.4, 10, "a"),
        ("2022-01-02T20:00", 0.45, -5, "b"),
        ("2022-01-03T01:00", 0.5, 20, "a"),
    )
]
CANDLES = {
    "ticker": "KXFALL-22FEB01",
    "candlesticks": [
        {
            "end_period_ts": seconds(day),
            "volume_fp": "700.00",
            "price": {"close_dollars": last},
            "yes_bid": {"close_dollars": bid},
            "yes_ask": {"close_dollars": ask},
        }
        for day, bid, ask, last in (
            ("2022-01-02", "0.2000", "0.3000", "0.2900"),
            ("2022-01-03", "0.0000", "1.0000", "0.2700"),
        )
    ],
}


def read(tmp_path, content, name="export.json", **how):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_source(str(path), **how)


@pytest.mark.parametrize(
    ("content", "key", "link", "day", "price", "volume", "forecasters", "thin"),
    [
        (
            {"count": 1, "results": [metaculus()]},
            "9001",
            "https://www.metaculus.com/questions/9001/",
            *("2022-01-10", 0.3, None, 41, None),
        ),
        (
            [polymarket()],
            "512340",
            "https://polymarket.com/market/will-they-fall-out",
            *("2022-01-05", 0.35, 9950.75, None, "volume below 10,000 USD"),
        ),
        (
            [{"id": "77", "title": "Two sides", "markets": [polymarket(volumeNum=2e6)]}],
            "512340",
            "https://polymarket.com/market/will-they-fall-out",
            *("2022-01-05", 0.35, 2e6, None, None),
        ),
        (
            manifold(uniqueBettorCount=19),
            "Tz5dA01GkK",
            "https://manifold.markets/anna/will-the-two-sides-stay-friends",
            *("2022-01-04", 0.6, 2310.5, 19, "fewer than 20 forecasters"),
        ),
        (
            {"markets": [kalshi()], "cursor": ""},
            "KXFALL-22FEB01",
            "https://api.elections.kalshi.com/trade-api/v2/markets/KXFALL-22FEB01",
            *("2022-01-06", 0.32, 25_000, None, None),
        ),
        (
            {"market": kalshi(yes_bid_dollars="0.3100", yes_ask_dollars="0.3500", volume_fp="9000.00")},
            "KXFALL-22FEB01",
            "https://api.elections.kalshi.com/trade-api/v2/markets/KXFALL-22FEB01",
            *("2022-01-06", 0.33, 9_000, None, "volume below 10,000 contracts"),
        ),
        (
            {"market": kalshi(yes_bid=0, yes_ask=100)},
            "KXFALL-22FEB01",
            "https://api.elections.kalshi.com/trade-api/v2/markets/KXFALL-22FEB01",
            *("2022-01-06", 0.4, 25_000, None, None),
        ),
    ],
    ids=["metaculus", "polymarket", "event", "manifold", "kalshi cents", "kalshi dollars", "kalshi no book"],
)
def test_a_price_is_read_by_the_fields_of_its_site(
    tmp_path, content, key, link, day, price, volume, forecasters, thin
):
    (found,) = read(tmp_path, content)
    last = found.prices[-1]
    assert (found.key, found.link, found.refusal, found.closed) == (key, link, "", False)
    assert (last.on.date().isoformat(), last.volume, last.forecasters) == (day, volume, forecasters)
    assert last.probability == pytest.approx(price)
    assert found.thin(last) == thin


FORECAST_DATA = """\
Question ID,Forecaster ID,Forecaster Username,Is Bot,Start Time,End Time,Forecaster Count,Probability Yes
8002,12,anna,False,2022-01-02 10:00:00+00:00,,,0.9
8002,,recency_weighted,,2022-01-02 10:00:00+00:00,2022-01-03 10:00:00+00:00,11,0.25
8002,,recency_weighted,,2022-01-03 10:00:00+00:00,,12,0.5
"""
CHART = """\
Date (UTC),Timestamp (UTC),January 31
01-02-2022 00:00,1641081600,0.25
01-03-2022 00:00,1641168000,0.5
"""
CENTS = (
    "timestamp,Before Feb 1\n2022-01-02T00:00:00Z,25.00\n2022-01-03T00:00:00Z,50.00\n2022-01-04T00:00:00Z,\n"
)
POINTS = {"history": [{"t": 1641081600, "p": 0.1}, {"t": 1641081601, "p": 0.25}, {"t": 1641168000, "p": 0.5}]}


@pytest.mark.parametrize(
    ("content", "key", "prices"),
    [
        (FORECAST_DATA, "8002", [0.25, 0.5]),
        (CHART, "January 31", [0.25, 0.5]),
        (CENTS, "Before Feb 1", [0.25, 0.5]),
        (POINTS, "history", [0.25, 0.5]),
        (BETS, "Tz5dA01GkK", [0.45, 0.5]),
        (CANDLES, "KXFALL-22FEB01", [0.25, 0.27]),
    ],
    ids=["metaculus csv", "polymarket csv", "kalshi csv", "polymarket", "manifold bets", "kalshi candles"],
)
def test_a_history_gives_the_last_price_of_each_day(tmp_path, content, key, prices):
    (found,) = read(tmp_path, content, "export.csv" if isinstance(content, str) else "export.json")
    assert (found.key, found.history, found.refusal) == (key, True, "")
    assert [one.on.date() for one in found.prices] == [date(2022, 1, 2), date(2022, 1, 3)]
    assert [one.probability for one in found.prices] == pytest.approx(prices)


def test_what_was_traded_is_counted_up_to_each_day(tmp_path):
    (bets,), (candles,) = read(tmp_path, BETS), read(tmp_path, CANDLES)
    assert [(one.volume, one.forecasters) for one in bets.prices] == [(15, 2), (35, 2)]
    assert [one.volume for one in candles.prices] == [700, 1400]
    (metaculus_csv,) = read(tmp_path, FORECAST_DATA, "forecast_data.csv")
    assert [one.forecasters for one in metaculus_csv.prices] == [11, 12]


def test_titles_of_a_download_come_from_the_file_beside_it(tmp_path):
    (tmp_path / "question_data.csv").write_text(
        "Question ID,Question URL,Question Title,Question Type,Actual Close Time,Resolution\n"
        "8002,https://www.metaculus.com/questions/9001/,Will they?,binary,2022-02-01 00:00:00+00:00,no\n"
    )
    (found,) = read(tmp_path, FORECAST_DATA, "forecast_data.csv")
    assert (found.title, found.closed) == ("Will they?", True)
    assert found.link == "https://www.metaculus.com/questions/9001/"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (metaculus("multiple_choice"), "its type is multiple_choice; only questions with Yes or No"),
        (metaculus("numeric"), "its type is numeric"),
        (metaculus(centres=()), "holds no community prediction"),
        (metaculus(centres=(("2022-01-02", 1.5, 30),)), "its price of 2022-01-02, 1.5, is outside 0 to 1"),
        (metaculus() | {"question": None, "conditional": {"question_yes": {}}}, "a conditional question"),
        (polymarket(outcomes='["Up", "Down"]'), "its outcomes are Up, Down; only Yes and No"),
        (polymarket(outcomes='["A", "B", "C"]'), "its outcomes are A, B, C"),
        (polymarket(outcomes="not-json"), "its outcomes are none"),
        (polymarket(outcomePrices='["1.2", "-0.2"]'), "1.2, is outside 0 to 1"),
        (polymarket(outcomePrices='["x", "y"]'), "the file holds no price of it"),
        (polymarket(updatedAt=None), "does not say when its price was taken: give --day"),
        (manifold(outcomeType="PSEUDO_NUMERIC"), "its type is pseudo_numeric"),
        (manifold(probability=None), "the file holds no price"),
        ([BETS[0] | {"answerId": "x"}], "its type is multiple_choice"),
        (kalshi(market_type="scalar"), "its type is scalar"),
        (kalshi(yes_bid=0, last_price=0), "the file holds no price"),
        (kalshi(yes_bid=0, last_price=140), "1.4, is outside 0 to 1"),
    ],
)
def test_a_question_that_cannot_be_matched_says_why(tmp_path, content, why):
    (found,) = read(tmp_path, content)
    assert why in found.refusal
    assert not found.prices


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<!DOCTYPE html><html>Just a moment…", "holds a web page in place of data"),
        ("{", "is no whole JSON"),
        ("[" * 100_000, "is damaged, or not what it should be (nested too deeply)"),
        ({"error": "not found"}, "holds no question of a known layout"),
        ([1, None, "x", {"question": "?"}], "holds no question of a known layout"),
        ("", "the header is ''"),
        ("day,price\n2022-01-01,0.4\n", ":1: the header is 'day,price', which no site's export has"),
        (b"\xff\xfe", "is not UTF-8 text"),
        ("timestamp,a,a\n", ":1: two columns have one name"),
        ([{}] * 200_001, "holds 200,001 objects, more than 200,000"),
        ([polymarket(outcomes="")] * 5_001, "holds more than 5,000 questions"),
    ],
)
def test_a_source_of_no_known_layout_is_one_error(tmp_path, content, why):
    path = tmp_path / "export.json"
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as refusal:
        read_source(str(path))
    assert why in str(refusal.value)
    assert str(refusal.value).startswith(str(path))


SAMPLES = (
    metaculus(),
    {"id": 1, "group_of_questions": {"questions": [metaculus()["question"]]}},
    polymarket(),
    manifold(),
    kalshi(),
    BETS,
    CANDLES,
    POINTS,
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [-1, 0.5, 1e30, 10**400, 9e14, "9999-12-31T23:59:59-14:00", "0001-01-01", "nan", "\x1b[2J"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value, path=()):
    """Every place in a value of JSON."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from ((*path, key), *places(value[key], (*path, key)))


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_a_price_a_refusal_or_one_error(tmp_path, data):
    content = copy.deepcopy(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([*places(content)]))
        parent = content
        for key in way:
            parent = parent[key]
        parent[last] = data.draw(ODD)
        if not [*places(content)]:
            break
    try:
        found = read(tmp_path, content)
    except InputError:
        return
    ledger = Ledger("none")
    ledger.questions["a" * 64] = WINDOW
    for one in found:
        try:
            checked = check_match(
                Match(one.key, "same", question="aaaa"), found, ledger, NOW, stated_day=False
            )
        except InputError:
            continue
        for entry in checked.entries:
            assert JudgementEntry.model_validate_json(canonical_json(entry.model_dump(mode="json"))) == entry
            assert "\x1b" not in checked.sentence + entry.market.title + entry.market.key
        assert json.dumps(checked.facts)


NOW = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Question(
    dyad=("CHN", "USA"),
    any_of=("dispute",),
    min_severity=4,
    as_of=date(2022, 1, 1),
    milestone=date(2022, 3, 1),
)

# Matching


@pytest.fixture
def asked(case):
    """The id of a question on record: acts after 1 January 2022 and before 1 February."""
    case.record("2022-01-01", {"crisis": {30: 0.75}})
    (key,) = case.ledger.questions
    return key


@pytest.fixture
def imported(command, case, asked, tmp_path):
    """Import an export for the question on record."""

    def run(content, *options, name="export.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return command("ledger", "import", path, *options, "--ledger", case.path, "--json")

    return run


def prices(case) -> list[JudgementEntry]:
    return [entry for entry in case.ledger.judgements if entry.market]


def test_a_market_is_on_record_with_day_link_volume_and_marks(imported, case, asked):
    how = ("--match", "512340", "--question", asked[:12], "--differs", "counts statements")
    ended = imported([polymarket()], *how)
    assert ended.code == 0, ended.err
    (entry,) = prices(case)
    assert (entry.forecaster, entry.probability, entry.made_on.date()) == (
        "Polymarket",
        0.35,
        date(2022, 1, 5),
    )
    assert (entry.link, entry.differs) == (
        "https://polymarket.com/market/will-they-fall-out",
        "counts statements",
    )
    assert (entry.market.key, entry.market.volume, entry.market.thin) == (
        "512340",
        9951,
        "volume below 10,000 USD",
    )
    said = json.loads(ended.out)
    assert (said["added"], said["known"], said["matches"][0]["question_id"]) == (1, 0, asked)
    again = json.loads(imported([polymarket(volumeNum=99_999)], *how).out)
    assert (again["added"], again["known"]) == (0, 1)


def test_a_market_that_asks_the_reverse_counts_with_one_minus_its_price(imported, case, asked, command):
    how = ("--match", "Tz5dA01GkK", "--question", asked, "--differs", "same", "--opposite")
    assert imported(manifold(), *how).code == 0
    (entry,) = prices(case)
    assert entry.probability == pytest.approx(0.4)
    assert (entry.market.opposite, entry.differs) == (True, None)
    shown = command("ledger", "show", entry.id[:10], "--ledger", case.path).out
    assert "asks the reverse" in shown
    assert "Will the two sides stay friends?" in shown


def test_of_a_history_what_was_known_on_the_as_of_date_and_later_counts(imported, case, asked):
    centres = [
        ("2021-12-01", 0.1, 5),
        ("2021-12-20", 0.2, 9),
        ("2022-01-10", 0.3, 41),
        ("2022-02-01", 0.01, 60),
        ("2199-01-01", 0.02, 60),
    ]
    ended = imported(metaculus(centres=centres), "--match", "9001", "--question", asked, "--differs", "same")
    assert [(str(one.made_on.date()), one.probability, one.market.thin) for one in prices(case)] == [
        ("2021-12-20", 0.2, "fewer than 20 forecasters"),
        ("2022-01-10", 0.3, None),
    ]
    assert json.loads(ended.out)["matches"][0]["left_out"] == {
        "before the last one known on the as-of date": 1,
        "on or after the milestone": 1,
        "of days ahead": 1,
    }


def test_a_sheet_matches_many_and_takes_all_or_none(imported, case, asked, tmp_path):
    case.record("2022-01-01", {"crisis": {60: 0.8}})
    later = next(key for key in case.ledger.questions if key != asked)
    sheet = tmp_path / "matches.csv"
    rows = [f"512340,same,{asked},no", f"612,asks about statements,{later},yes"]
    sheet.write_text("match,differs,question,opposite\n" + "\n".join(rows) + "\n")
    content = [polymarket(), polymarket(id="612", conditionId="0x2", slug="other")]
    assert json.loads(imported(content, "--matches", sheet).out)["added"] == 2
    assert {one.probability for one in prices(case)} == {0.35, 0.65}
    sheet.write_text("match,differs,question,opposite\n" + "\n".join([rows[0], "x,same,,maybe"]) + "\n")
    ended = imported(content, "--matches", sheet)
    assert ended.code == 2
    assert f"{sheet}:3: match: the source has no question 'x'. It has: 512340, 612" in ended.err
    assert len(prices(case)) == 2


FAULTS = {
    "no such question": ([polymarket()], {"--match": "9"}, "--match: the source has no question '9'"),
    "no wording": ([polymarket()], {"--differs": None}, "--differs: is missing"),
    "no question of ours": ([polymarket()], {"--question": None}, "--run: is missing"),
    "not on record": ([polymarket()], {"--question": "zz"}, "--question: no question begins with 'zz'"),
    "both": ([polymarket()], {"--target": "crisis"}, "--target: not with --question"),
    "more outcomes": ([polymarket(outcomes='["A", "B", "C"]')], {}, "its outcomes are A, B, C"),
    "outside 0 to 1": ([polymarket(outcomePrices='["1.2","0"]')], {}, "is outside 0 to 1"),
    "closed before its day": (
        [polymarket(closed=True, closedTime="2022-01-04 15:00:00+00")],
        {},
        "of 2022-01-05, is after it closed",
    ),
    "after the milestone": (
        [polymarket(updatedAt="2022-02-01T00:00:00Z")],
        {},
        "of 2022-02-01, is on or after the milestone",
    ),
    "ahead": ([polymarket(updatedAt="2199-01-01T00:00:00Z")], {}, "is of days ahead"),
    "stated day ahead": ([polymarket()], {"--day": "2999-01-01"}, "--day: 2999-01-01 lies ahead"),
    "day of a history": ([metaculus()], {"--match": "9001", "--day": "2022-01-02"}, "have their own days"),
    "of another format": ([polymarket()], {"--format": "csv"}, "--match: not with --format csv"),
    "no match": ([polymarket()], {"--match": None}, "--match: is missing"),
    "a sheet too": ([polymarket()], {"--matches": "m.csv"}, "--match: not with --matches"),
}


@pytest.mark.parametrize(("content", "options", "said"), FAULTS.values(), ids=FAULTS)
def test_a_match_that_cannot_be_is_one_error_and_nothing_is_kept(
    imported, case, asked, content, options, said
):
    head = case.ledger.head
    sound = {"--match": "512340", "--question": asked, "--differs": "same"} | options
    ended = imported(content, *[word for name, text in sound.items() if text for word in (name, text)])
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("forecast:") == 1
    assert case.ledger.head == head


def test_a_question_takes_one_market_of_a_site(imported, case, asked, tmp_path):
    content = [polymarket(), polymarket(id="612", conditionId="0x2", slug="other")]
    sheet = tmp_path / "matches.csv"
    sheet.write_text(f"match,differs,question\n512340,same,{asked}\n612,same,{asked}\n")
    ended = imported(content, "--matches", sheet)
    assert ended.code == 2
    assert "'512340' and '612' are both matched to crisis before 2022-02-01" in ended.err
    assert not prices(case)
    how = ("--question", asked, "--differs", "same")
    assert imported(content, "--match", "512340", *how).code == 0
    assert "Polymarket 512340 is on record for this" in imported(content, "--match", "612", *how).err
    assert "512340 is on record" in imported(content, "--match", "512340", *how, "--opposite").err


def test_without_a_match_the_questions_are_listed_and_nothing_is_made(command, tmp_path):
    path, ledger = tmp_path / "export.json", tmp_path / "none.sqlite"
    path.write_text(json.dumps([polymarket(), polymarket(id="612", outcomes='["A", "B", "C"]')]))
    ended = command("ledger", "import", path, "--ledger", ledger)
    assert ended.code == 0
    for text in ("512340", "2022-01-05", "35%", "9,951 USD", "--match ID", "its outcomes are A, B, C"):
        assert text in " ".join(ended.out.split())
    (first, second) = json.loads(command("ledger", "import", path, "--ledger", ledger, "--json").out)[
        "questions"
    ]
    assert (first["match"], first["price"], first["thin"]) == ("512340", 0.35, "volume below 10,000 USD")
    assert second["refusal"]
    assert not ledger.exists()


# Addresses


@pytest.fixture
def site():
    """A site on this machine: what it answers by path, with status and content."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            code, content = pages[self.path.partition("?")[0]]
            self.send_response(code)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    pages["address"] = f"http://127.0.0.1:{server.server_port}"
    yield pages
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address_is_fetched_and_its_price_is_of_today(site, command, case, asked):
    site["/markets"] = 200, json.dumps([polymarket(updatedAt="2022-01-05T00:00:00Z")]).encode()
    (found,) = read_source(f"{site['address']}/markets?id=512340")
    assert found.prices[-1].on.date() == datetime.now(UTC).date()
    site["/closed"] = 200, json.dumps([polymarket(closed=True)]).encode()
    (found,) = read_source(f"{site['address']}/closed")
    assert found.prices[-1].on.date() == date(2022, 1, 5)
    said = json.loads(command("ledger", "import", f"{site['address']}/markets", "--json").out)
    assert said["questions"][0]["match"] == "512340"


def test_a_price_fetched_today_is_on_record_with_today(site, command, case):
    today = datetime.now(UTC).date()
    case.record(today.isoformat(), {"crisis": {30: 0.75}})
    (key,) = case.ledger.questions
    site["/market"] = 200, json.dumps(kalshi(updated_time="2022-01-05T00:00:00Z")).encode()
    how = ("--match", "KXFALL-22FEB01", "--question", key, "--differs", "same", "--ledger", case.path)
    ended = command("ledger", "import", f"{site['address']}/market", *how)
    assert ended.code == 0, ended.err
    assert [(one.made_on.date(), one.probability) for one in prices(case)] == [(today, 0.32)]
    again = command("ledger", "import", f"{site['address']}/market", *how, "--json")
    assert (json.loads(again.out)["added"], len(prices(case))) == (0, 1)


@pytest.mark.parametrize(
    ("code", "content", "why"),
    [
        (200, b"<!doctype html><html></html>", "a web page in place of data"),
        (404, b"", "not on the server (404)"),
        (403, b"", "not allowed (403)"),
        (301, b"", "sent elsewhere (301)"),
        (200, b" " * 2_000, "more than 1,000 bytes"),
    ],
)
def test_an_address_that_fails_is_one_error_without_its_key(site, command, monkeypatch, code, content, why):
    monkeypatch.setattr("forecast.ledger.sites.MAX_BYTES", 1_000)
    monkeypatch.setattr("forecast.store.fetching.random.uniform", lambda low, high: 0.0)
    site["/markets"] = code, content
    ended = command("ledger", "import", f"{site['address']}/markets?key=SECRET")
    assert (ended.code, ended.out) == (2, "")
    assert why in ended.err
    assert "SECRET" not in ended.err


@pytest.mark.parametrize("address", ["ftp://example.org/x.json", "http:///x.json", "file://etc/passwd"])
def test_only_http_addresses_are_fetched(address):
    with pytest.raises(InputError, match="is no address that starts with http"):
        read_source(address)


def test_the_ledger_keeps_what_a_market_said_through_an_export(imported, case, asked, tmp_path, command):
    imported([polymarket()], "--match", "512340", "--question", asked, "--differs", "same")
    exported, other = tmp_path / "chain.jsonl", tmp_path / "other.sqlite"
    assert command("ledger", "export", "--ledger", case.path, "--out", exported).code == 0
    assert command("ledger", "import", exported, "--ledger", other).code == 0
    (there,) = [entry for entry in open_ledger(other).judgements if entry.market]
    assert there.market == prices(case)[0].market


# Shown and scored


def test_a_run_is_compared_with_what_the_market_knew_on_its_day(imported, case, asked):
    centres = [("2021-12-20", 0.2, 30), ("2022-01-10", 0.3, 41)]
    imported(metaculus(centres=centres), "--match", "9001", "--question", asked, "--differs", "same")
    question = case.ledger.questions[asked]
    (told,) = others_of(case.ledger, [Asked("crisis", "soon", question)], question.as_of)
    assert (told.probability, told.made_on, told.after_as_of) == (0.2, date(2021, 12, 20), False)
    assert (told.market.key, told.market.forecasters) == ("9001", 30)
    # One that was first seen after the as-of date is told as it was last.
    other = [polymarket(updatedAt="2022-01-04T00:00:00Z"), polymarket(updatedAt="2022-01-06T00:00:00Z")]
    for one in other:
        imported(one, "--match", "512340", "--question", asked, "--differs", "same")
    last = others_of(case.ledger, [Asked("crisis", "soon", question)], question.as_of)[0]
    assert (last.forecaster, last.made_on, last.after_as_of) == ("Polymarket", date(2022, 1, 6), True)


def test_the_market_is_scored_beside_model_and_people_and_never_pooled(imported, case, asked, coded, command):
    case.record("2022-03-01", {"crisis": {30: 0.75}})
    later = next(key for key in case.ledger.questions if key != asked)
    how = ("--match", "512340", "--differs", "same", "--question")
    imported(polymarket(closed=True, closedTime="2022-01-20 00:00:00+00"), *how, asked)
    imported(polymarket(updatedAt="2022-03-20T00:00:00Z", outcomePrices='["0.2","0.8"]'), *how, later)
    anna = with_id(
        JudgementEntry,
        question=case.ledger.questions[later].model_dump(),
        forecaster="anna",
        person=True,
        probability=0.1,
        made_on=datetime(2022, 3, 1, tzinfo=UTC),
    )
    with write_ledger(case.path) as writer:
        writer.append(anna)
    case.resolve(coded(("2022-01-25", "sanction", 4), ("2022-12-31", "visit", 1)))
    scores = {one.by: one for one in score_persons(case.ledger)}
    market, model = scores["Polymarket"], scores["model"]
    assert (market.n, model.n, scores["anna"].n, scores["pooled"].n) == (2, 2, 1, 1)
    assert market.brier == pytest.approx((0.65**2 + 0.2**2) / 2)
    assert market.model_brier == pytest.approx((0.25**2 + 0.75**2) / 2)
    assert market.lead == pytest.approx(market.model_brier - market.brier)
    assert (market.n_thin, market.n_closed, market.n_late) == (2, 1, 1)
    assert (market.weight, model.lead) == (None, 0)
    # The pool is that of anna and the model alone.
    assert scores["equal pool"].brier == pytest.approx(expit((logit(0.1) + logit(0.75)) / 2) ** 2)
    (only,) = [one for one in answered_questions(case.ledger) if one.pooled]
    assert learn_pool(answered_questions(case.ledger)) == learn_pool([only])
    said = command("ledger", "score", "--by", "person", "--ledger", case.path).out
    flat = " ".join(said.split())
    assert "Polymarket: of 2 questions, 2 in a thin market, 1 in a market that has closed" in flat
    assert "anna and Polymarket: too few questions to tell who is better." in flat


def test_a_person_cannot_have_the_name_of_a_site(command, tmp_path):
    ended = command(
        "judge", tmp_path, "--by", "polymarket", *("--target", "x", "--before", "y", "--probability", "40%")
    )
    assert ended.code == 2
    assert "--by: got 'polymarket'" in ended.err
