"""Exports of forecasting sites → their questions with dated prices.

Read are the answers of the public interfaces and the sites' own CSV, by the sites' names of fields:

==========  ==========================================================================================
Metaculus   posts (``/api/posts``, ``/api2/questions``): aggregations of the community; ``forecast_data.csv``
            of a download, with ``question_data.csv`` beside it
Polymarket  markets and events of Gamma; ``history`` of the order book (``prices-history``); CSV of a chart
Manifold    markets (``/v0/market``), and bets (``/v0/bets``) as a history
Kalshi      markets and events, candlesticks; CSV of a chart
==========  ==========================================================================================
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from forecast.errors import LedgerError, shown
from forecast.ledger.markets import (
    Item,
    MarketQuestion,
    Price,
    daily_prices,
    dicts,
    dollars,
    has,
    listed,
    moment_of,
    not_binary,
    number_of,
    numbers,
    price_now,
    text_of,
    whole,
)
from forecast.records.explained import Site
from forecast.storage import content_of, read_plain
from forecast.store.fetching import Fetcher, FetchError, FetchOptions, refuse_html

MAX_BYTES, MAX_OBJECTS, MAX_QUESTIONS = 20_000_000, 200_000, 5_000
"""Of one source; a page of 500 markets has 3 MB and 10,000 objects."""
_ADVICE = "Give JSON or CSV as Metaculus, Polymarket, Manifold or Kalshi export it"


def read_source(source: str, day: datetime | None = None) -> list[MarketQuestion]:
    """Read the questions of a file or of an http(s) address.

    ``day`` is when the prices of now were taken, where the file does not say it.

    Raises
    ------
    LedgerError
        The source cannot be had in time or size, is a web page, or of no known layout.
    """
    if "://" not in source:
        try:
            content = read_plain(Path(source), MAX_BYTES)
        except OSError as error:
            raise LedgerError(f"{source}: cannot be read ({error.strerror or error})") from error
        return _read(source, content, day, None)
    address = urlsplit(source)
    place = f"{address.scheme}://{address.hostname}{address.path}"  # the rest may hold a key
    if address.scheme not in ("http", "https") or not address.hostname:
        raise LedgerError(f"{shown(place)}: is no address that starts with http:// or https://")
    options = FetchOptions(parallel=1, attempts=2, timeout_s=20, file_s=60, list_bytes=MAX_BYTES)
    try:
        with Fetcher(options) as fetcher:
            content = fetcher.text(source)
    except FetchError as error:
        raise LedgerError(f"{place}: {error.reason}") from error
    return _read(place, content, day, datetime.now(UTC))


def _read(place: str, content: bytes, day: datetime | None, fetched: datetime | None) -> list[MarketQuestion]:
    try:
        refuse_html(content)
        text = content.decode("utf-8-sig")
    except FetchError as error:
        raise LedgerError(f"{place}: holds {error.reason}. {_ADVICE}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{place}: is not UTF-8 text. {_ADVICE}") from error
    if (objects := text.count("{")) > MAX_OBJECTS:
        raise LedgerError(
            f"{place}: holds {objects:,} objects, more than {MAX_OBJECTS:,}. Give fewer markets"
        )
    with content_of(place, LedgerError, _ADVICE):
        if text.lstrip()[:1] in ("{", "["):
            try:
                value = json.loads(text)
            except ValueError as error:
                raise LedgerError(f"{place}: is no whole JSON ({error}). {_ADVICE}") from error
            every = _of_json(value, _Taken(day, fetched))
        else:
            every = _of_csv(place, text)
        found = [*islice(every, MAX_QUESTIONS + 1)]
    if len(found) > MAX_QUESTIONS:
        raise LedgerError(f"{place}: holds more than {MAX_QUESTIONS:,} questions. Give fewer")
    if not found:
        raise LedgerError(f"{place}: holds no question of a known layout. {_ADVICE}")
    return found


class _Taken(NamedTuple):
    """When what a file says of now was taken: as stated by the user, and as it was fetched."""

    stated: datetime | None
    fetched: datetime | None

    def on(self, own: object, *, closed: bool) -> datetime | None:
        """Return the time of a price; a closed market's is its own last one."""
        return self.stated or (None if closed else self.fetched) or moment_of(own) or self.fetched


def _of_json(value: object, taken: _Taken) -> Iterator[MarketQuestion]:
    """Find the questions in the envelopes of the sites: lists, pages, events."""
    bets: list[Item] = []
    others: list[Item] = []
    for item in _items(value):
        (bets if "probAfter" in item else others).append(item)
    for item in others:
        yield from next(read for known, read in _LAYOUTS if known(item))(item, taken)
    if bets:
        yield from _manifold_bets(bets)


def _items(value: object) -> Iterator[Item]:
    if isinstance(value, list):
        for one in value:
            yield from _items(one)
    elif isinstance(value, dict):
        if "probAfter" in value or any(known(value) for known, _ in _LAYOUTS):
            yield value
        else:
            for name in ("results", "events", "markets", "market", "data"):
                yield from _items(value.get(name))


# Metaculus


def _metaculus(post: Item, taken: _Taken) -> Iterator[MarketQuestion]:
    key, link = str(post["id"]), f"https://www.metaculus.com/questions/{post['id']}/"
    title = text_of(post, "title")
    if isinstance(group := post.get("group_of_questions"), dict):
        for one in dicts(group.get("questions")):
            name = f"{title}: {text_of(one, 'label', 'title')}"
            yield _metaculus_question(one, MarketQuestion("Metaculus", f"{key}/{one.get('id')}", name, link))
    elif isinstance(question := post.get("question"), dict):
        known = {"nr_forecasters": post.get("nr_forecasters"), "status": post.get("status")} | question
        base = MarketQuestion("Metaculus", key, title, link, names=(str(question.get("id")),))
        yield _metaculus_question(known, base)
    else:
        why = "a conditional question; only questions with Yes or No can be matched"
        yield MarketQuestion("Metaculus", key, title, link, refusal=why)


def _metaculus_question(question: Item, base: MarketQuestion) -> MarketQuestion:
    closes = moment_of(question.get("actual_close_time")) or moment_of(question.get("scheduled_close_time"))
    base = replace(base, closes=closes, closed=question.get("status") in ("closed", "resolved"))
    if (kind := question.get("type")) != "binary":
        return replace(base, refusal=not_binary(str(kind)))
    said: Item = question.get("aggregations") or {}
    every = [said[name] for name in ("recency_weighted", "unweighted") if has(said, name)]
    for one in every:
        rows = [*dicts(one.get("history"))]
        if has(one, "latest"):
            rows.append(one["latest"])
        prices = []
        for row in rows:
            centre, on = numbers(row.get("centers")), moment_of(row.get("start_time"))
            values = centre or numbers(row.get("forecast_values"))[1:]
            if len(values) == 1 and on is not None:
                count = whole(row.get("forecaster_count"))
                prices.append(Price(on, values[0], forecasters=count))
        if prices:
            found, refusal = daily_prices(prices)
            return replace(base, prices=found, history=len(found) > 1, refusal=refusal)
    why = "the file holds no community prediction (Metaculus sends it to users who are logged in)"
    return replace(base, refusal=why)


# Polymarket


def _polymarket(market: Item, taken: _Taken) -> Iterator[MarketQuestion]:
    closed, slug = market.get("closed") is True, text_of(market, "slug")
    base = MarketQuestion(
        "Polymarket",
        text_of(market, "id", "conditionId"),
        text_of(market, "question"),
        f"https://polymarket.com/market/{slug}" if slug else None,
        closes=moment_of(market.get("closedTime")) or moment_of(market.get("endDate")),
        closed=closed,
        names=tuple(name for name in (slug, text_of(market, "conditionId")) if name),
    )
    outcomes = [str(one).casefold() for one in listed(market.get("outcomes"))]
    if sorted(outcomes) != ["no", "yes"]:
        named = ", ".join(shown(one) for one in listed(market.get("outcomes"))) or "none"
        yield replace(base, refusal=f"its outcomes are {named}; only Yes and No can be matched")
        return
    values = numbers(listed(market.get("outcomePrices")))
    price = values[outcomes.index("yes")] if len(values) == 2 else None
    volume = number_of(market.get("volumeNum", market.get("volume")))
    prices, refusal = price_now(price, taken.on(market.get("updatedAt"), closed=closed), volume=volume)
    yield replace(base, prices=prices, refusal=refusal)


def _polymarket_history(answer: Item, taken: _Taken) -> Iterator[MarketQuestion]:
    points = ((moment_of(one.get("t")), number_of(one.get("p"))) for one in dicts(answer["history"]))
    found, refusal = daily_prices(Price(on, p) for on, p in points if on is not None and p is not None)
    title = "The order book's history of one outcome"
    yield MarketQuestion("Polymarket", "history", title, prices=found, history=True, refusal=refusal)


# Manifold


def _manifold(market: Item, taken: _Taken) -> Iterator[MarketQuestion]:
    closes = min(
        filter(None, map(moment_of, (market.get("closeTime"), market.get("resolutionTime")))), default=None
    )
    own = market.get("lastBetTime") or market.get("lastUpdatedTime")
    on = taken.on(own, closed=market.get("isResolved") is True)
    closed = market.get("isResolved") is True or bool(closes and on and closes <= on)
    slug = text_of(market, "slug")
    base = MarketQuestion(
        "Manifold",
        text_of(market, "id"),
        text_of(market, "question"),
        text_of(market, "url") or None,
        closes=closes,
        closed=closed,
        names=(slug,) if slug else (),
    )
    if (kind := market.get("outcomeType")) != "BINARY":
        yield replace(base, refusal=not_binary(str(kind)))
        return
    more = {"volume": number_of(market.get("volume")), "forecasters": whole(market.get("uniqueBettorCount"))}
    prices, refusal = price_now(number_of(market.get("probability")), on, **more)
    yield replace(base, prices=prices, refusal=refusal)


def _manifold_bets(bets: Sequence[Item]) -> Iterator[MarketQuestion]:
    by_market: dict[str, list[Item]] = {}
    for bet in bets:
        by_market.setdefault(text_of(bet, "contractId"), []).append(bet)
    for key, own in by_market.items():
        base = MarketQuestion("Manifold", key, f"Bets on {key}", history=True)
        if any(bet.get("answerId") for bet in own):
            yield replace(base, refusal=not_binary("MULTIPLE_CHOICE"))
            continue
        prices, traders, volume = [], set(), 0.0
        for bet in sorted(own, key=lambda one: number_of(one.get("createdTime")) or 0.0):
            on, price = moment_of(bet.get("createdTime")), number_of(bet.get("probAfter"))
            if on is not None and price is not None:
                traders.add(str(bet.get("userId")))
                volume += abs(number_of(bet.get("amount")) or 0.0)
                known = None if traders == {"None"} else len(traders)
                prices.append(Price(on, price, volume, known))
        found, refusal = daily_prices(prices)
        yield replace(base, prices=found, refusal=refusal)


# Kalshi


def _kalshi(market: Item, taken: _Taken) -> Iterator[MarketQuestion]:
    ticker = text_of(market, "ticker")
    closed = market.get("status") in ("closed", "determined", "disputed", "amended", "finalized", "settled")
    title = " – ".join(filter(None, (text_of(market, "title"), text_of(market, "yes_sub_title", "subtitle"))))
    base = MarketQuestion(
        "Kalshi",
        ticker,
        title,
        f"https://api.elections.kalshi.com/trade-api/v2/markets/{ticker}",
        closes=moment_of(market.get("close_time")),
        closed=closed,
    )
    if (kind := market.get("market_type", "binary")) != "binary":
        yield replace(base, refusal=not_binary(str(kind)))
        return
    bid, ask, last = (dollars(market, name) for name in ("yes_bid", "yes_ask", "last_price"))
    volume = number_of(market.get("volume_fp", market.get("volume")))
    on = taken.on(market.get("updated_time"), closed=closed)
    prices, refusal = price_now(_kalshi_price(bid, ask, last), on, volume=volume)
    yield replace(base, prices=prices, refusal=refusal)


def _kalshi_price(bid: float | None, ask: float | None, last: float | None) -> float | None:
    """Middle of what is bid and asked; the last price where one side offers nothing."""
    if bid and ask is not None and ask < 1 and bid <= ask:
        return (bid + ask) / 2
    # A last price of 0 stands for no trade at all.
    return last or None


def _kalshi_candles(answer: Item, taken: _Taken) -> Iterator[MarketQuestion]:
    candles = [*dicts(answer["candlesticks"])]
    candles.sort(key=lambda one: number_of(one.get("end_period_ts")) or 0.0)
    traded = accumulate(number_of(one.get("volume_fp", one.get("volume"))) or 0.0 for one in candles)
    prices = []
    for one, volume in zip(candles, traded, strict=True):
        sides = (one[name] if has(one, name) else {} for name in ("yes_bid", "yes_ask", "price"))
        price, on = (
            _kalshi_price(*(dollars(side, "close") for side in sides)),
            moment_of(one.get("end_period_ts")),
        )
        if price is not None and on is not None:
            prices.append(Price(on, price, volume))
    found, refusal = daily_prices(prices)
    ticker = text_of(answer, "ticker") or "candlesticks"
    yield MarketQuestion("Kalshi", ticker, f"Prices of {ticker}", prices=found, history=True, refusal=refusal)


def _is_metaculus(item: Item) -> bool:
    return "id" in item and any(has(item, name) for name in ("question", "group_of_questions", "conditional"))


_KALSHI = {"yes_bid", "yes_bid_dollars", "last_price", "last_price_dollars"}
_Reader = Callable[[Item, _Taken], Iterator[MarketQuestion]]
_LAYOUTS: tuple[tuple[Callable[[Item], bool], _Reader], ...] = (
    (_is_metaculus, _metaculus),
    (lambda item: {"question", "outcomes"} <= item.keys(), _polymarket),
    (lambda item: {"question", "outcomeType"} <= item.keys(), _manifold),
    (lambda item: "ticker" in item and bool(_KALSHI & item.keys()), _kalshi),
    (lambda item: isinstance(item.get("candlesticks"), list), _kalshi_candles),
    (lambda item: isinstance(item.get("history"), list), _polymarket_history),
)


# CSV


def _of_csv(place: str, text: str) -> Iterator[MarketQuestion]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = [*(reader.fieldnames or ())]
    if len({*header}) < len(header):
        raise LedgerError(f"{place}:1: two columns have one name. Give the file as the site wrote it")
    if {"Question ID", "Forecaster Username", "Start Time", "Probability Yes"} <= {*header}:
        yield from _metaculus_sheet(place, [*reader])
    elif "Timestamp (UTC)" in header:
        yield from _chart("Polymarket", "Timestamp (UTC)", [*reader], {*header} - {"Date (UTC)"}, 1)
    elif "timestamp" in header:
        yield from _chart("Kalshi", "timestamp", [*reader], {*header}, 100)
    else:
        named = shown(",".join(header))
        raise LedgerError(f"{place}:1: the header is '{named}', which no site's export has. {_ADVICE}")


def _chart(
    site: Site, when: str, rows: Sequence[Item], header: set[str], whole: int
) -> Iterator[MarketQuestion]:
    """A column an outcome, in parts of ``whole``."""
    for name in sorted(header - {when}):
        points = ((moment_of(row.get(when)), number_of(row.get(name))) for row in rows)
        prices = (Price(on, p / whole) for on, p in points if on is not None and p is not None)
        found, refusal = daily_prices(prices)
        yield MarketQuestion(site, name, name, prices=found, history=True, refusal=refusal)


def _metaculus_sheet(place: str, rows: Sequence[Item]) -> Iterator[MarketQuestion]:
    """Of each question the community's row of each time; what it asks stands in the file beside it."""
    about: dict[str, Item] = {}
    beside = Path(place).with_name("question_data.csv")
    if "://" not in place and beside.is_file():
        text = read_plain(beside, MAX_BYTES).decode("utf-8-sig")
        about = {row.get("Question ID", ""): row for row in csv.DictReader(io.StringIO(text, newline=""))}
    by_question: dict[str, list[Item]] = {}
    for row in rows:
        by_question.setdefault(row["Question ID"], []).append(row)
    for key, own in by_question.items():
        asked = about.get(key, {})
        closes = moment_of(asked.get("Actual Close Time")) or moment_of(asked.get("Scheduled Close Time"))
        title, link = text_of(asked, "Question Title"), text_of(asked, "Question URL") or None
        base = MarketQuestion("Metaculus", key, title or f"Question {key}", link, closes=closes, history=True)
        base = replace(base, closed=bool(text_of(asked, "Resolution")))
        community = [row for row in own if row["Forecaster Username"] == "recency_weighted"]
        prices = [
            Price(on, p, forecasters=whole(row.get("Forecaster Count")))
            for row in community
            if (on := moment_of(row["Start Time"])) and (p := number_of(row["Probability Yes"])) is not None
        ]
        found, refusal = daily_prices(prices)
        kind = text_of(asked, "Question Type") or "binary"
        yield replace(base, prices=found, refusal=refusal if kind == "binary" else not_binary(kind))
