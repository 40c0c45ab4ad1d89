"""UCDP events: the yearly georeferenced dataset, and the monthly candidate events after it, page by page.

A version never changes once it is out. ``25.1`` holds the years up to 2024 and came out in the middle of
2025, ``25.0.3`` the candidate events of March 2025. Since February 2026 the service asks for a token, which
it gives on request: ``UCDP_TOKEN`` in the environment.

Rows do not say when they became public. Loaded afterwards, an act of a year counts as known from the first of
July that follows, one of a candidate month from the 28th of the next: the days by which UCDP releases them.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from forecast.errors import InputError
from forecast.feeds.formats import UCDP as LAYOUT
from forecast.storage import new_text
from forecast.store.fetching import Fetcher, FetchError, refuse_html
from forecast.store.source import Listing, Piece, Source, Wanted

TOKEN = "UCDP_TOKEN"
PAGE_ROWS, MOST_PAGES = 1_000, 1_000
OUT_MONTH, OUT_DAY = 7, 28
"""A year is out by the first day of this month of the next; a candidate month by this day of the next."""


def log_in(fetcher: Fetcher, address: str) -> dict[str, str]:
    """Return the header with the token, if there is one."""
    token = os.environ.get(TOKEN, "")
    if not (token.isascii() and token.isprintable()):
        raise InputError(f"{TOKEN} in the environment holds signs that no token has. Copy it again")
    return {"x-ucdp-access-token": token} if token else {}


def list_pieces(fetcher: Fetcher, address: str, wanted: Wanted) -> Listing:
    """Return the years of the newest yearly version and the candidate months after it that should be out."""
    today = datetime.now(UTC).date()
    newest = today.year if today.month >= OUT_MONTH else today.year - 1
    # The version of this year may be late.
    version = newest if _is_out(fetcher, address, newest) else newest - 1
    pieces = [*_years(address, version, wanted), *_months(address, version, wanted, today)]
    return Listing(tuple(piece for piece in pieces if piece.name not in wanted.read))


def _is_out(fetcher: Fetcher, address: str, year: int) -> bool:
    try:
        _page(fetcher, f"{address}/gedevents/{year % 100}.1", {"pagesize": "1", "page": "0"})
    except FetchError as error:
        if "not on the server" in error.reason:
            return False
        raise
    return True


def _years(address: str, version: int, wanted: Wanted) -> Iterator[Piece]:
    for year in range(wanted.since.year, min(wanted.until.year, version - 1) + 1):
        out = datetime(year + 1, OUT_MONTH, 1, tzinfo=UTC)
        yield Piece(f"{version % 100}.1/{year}", out, f"{address}/gedevents/{version % 100}.1")


def _months(address: str, version: int, wanted: Wanted, today: date) -> Iterator[Piece]:
    year, month = max((version, 1), (wanted.since.year, wanted.since.month))
    while (year, month) <= (wanted.until.year, wanted.until.month):
        after = (year, month + 1) if month < 12 else (year + 1, 1)
        out = datetime(*after, OUT_DAY, tzinfo=UTC)
        if out.date() <= today:
            name = f"{year % 100}.0.{month}"
            yield Piece(name, out, f"{address}/gedevents/{name}")
        year, month = after


def fetch(fetcher: Fetcher, address: str, piece: Piece, path: Path) -> None:
    """Write all pages of a version, or of one of its years, as one table."""
    _, _, year = piece.name.partition("/")
    span = {"StartDate": f"{year}-01-01", "EndDate": f"{year}-12-31"} if year else {}
    with new_text(path) as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(LAYOUT.columns)
        rows = 0
        for page in range(MOST_PAGES):
            asked = {"pagesize": str(PAGE_ROWS), "page": str(page), **span}
            found, total, pages = _page(fetcher, piece.url, asked)
            for row in found:
                table.writerow([_cell(row.get(name)) for name in LAYOUT.columns])
            rows += len(found)
            if page + 1 >= pages:
                break
        if rows != total:
            raise FetchError(f"{rows:,} events, not {total:,} as announced", wrong=True)


def _page(fetcher: Fetcher, url: str, asked: dict[str, str]) -> tuple[list[dict[str, Any]], int, int]:
    """Return events of a page, and how many events and pages there are; a table of CSV is one page."""
    content = fetcher.text(url, params=asked)
    refuse_html(content)
    try:
        if content.lstrip()[:1] not in (b"{", b"["):
            rows: list[Any] = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
            if not rows or not {"id", "side_a"} <= rows[0].keys():
                raise ValueError
            return rows, len(rows), 1
        told = json.loads(content)
        rows, total, pages = told["Result"], int(told["TotalCount"]), int(told["TotalPages"])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error) as error:
        raise FetchError("a page that is no list of events", wrong=True) from error
    return rows, total, pages


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("\n", " ").replace("\r", " ")


UCDP: Source = Source(
    name="ucdp",
    address="https://ucdpapi.pcr.uu.se/api",
    pace_days=65,
    dated=False,
    first=date(1989, 1, 1),
    # A candidate event comes again in the yearly version, under an id of its own.
    story_hours=None,
    log_in=log_in,
    list_pieces=list_pieces,
    fetch=fetch,
)
