"""ACLED events: month by month, page by page, with a key of yours; recent months are read again.

``ACLED_EMAIL`` and ``ACLED_PASSWORD`` in the environment are those of a myACLED account. They are sent to the
address of the source alone, for a token that goes with each request; neither is kept or told anywhere.

A row states when it was last changed, which is no earlier than when it became public: an act that is loaded
afterwards counts as known from then.
"""

from __future__ import annotations

import calendar
import csv
import io
import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from forecast.errors import InputError
from forecast.storage import new_text
from forecast.store.fetching import Fetcher, FetchError, refuse_html
from forecast.store.source import Listing, Piece, Source, Wanted

EMAIL, PASSWORD = "ACLED_EMAIL", "ACLED_PASSWORD"
PAGE_ROWS, MOST_PAGES = 5_000, 400
OPEN_DAYS = 60
"""For so long after its end a month is read again at every update."""


def log_in(fetcher: Fetcher, address: str) -> dict[str, str]:
    """Return the header with a token of this session.

    Raises
    ------
    InputError
        The account is not in the environment.
    FetchError
        The token is refused.
    """
    email, password = os.environ.get(EMAIL, ""), os.environ.get(PASSWORD, "")
    if not email or not password:
        raise InputError(
            f"acled needs {EMAIL} and {PASSWORD} in the environment, those of a myACLED account. They are "
            "never kept"
        )
    form = {"username": email, "password": password, "grant_type": "password", "client_id": "acled"}
    try:
        token = json.loads(fetcher.post(f"{address}/oauth/token", form))["access_token"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FetchError("the answer to the log-in holds no token", wrong=True) from error
    if not isinstance(token, str) or not (token.isascii() and token.isprintable()):
        raise FetchError("the answer to the log-in holds no token", wrong=True)
    return {"Authorization": f"Bearer {token}"}


def list_pieces(fetcher: Fetcher, address: str, wanted: Wanted) -> Listing:
    """Return the months of a span; those that may still change, too, if they were read."""
    today = datetime.now(UTC).date()
    pieces = []
    first = wanted.since.replace(day=1)
    while first <= wanted.until:
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        settled = last + timedelta(days=OPEN_DAYS) < today
        stamp = datetime.combine(min(last, today), time(), UTC)
        piece = Piece(f"{first:%Y-%m}", stamp, f"{address}/api/acled/read", settled=settled)
        if piece.name not in wanted.read or not settled:
            pieces.append(piece)
        first = last + timedelta(days=1)
    return Listing(tuple(pieces))


def fetch(fetcher: Fetcher, address: str, piece: Piece, path: Path) -> None:
    """Write all pages of a month as one table."""
    first = date.fromisoformat(f"{piece.name}-01")
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    asked = {"_format": "csv", "event_date": f"{first}|{last}", "event_date_where": "BETWEEN"}
    header: list[str] = []
    with new_text(path) as stream:
        table = csv.writer(stream, lineterminator="\n")
        for page in range(1, MOST_PAGES + 1):
            limits = {"limit": str(PAGE_ROWS), "page": str(page)}
            names, rows = _page(fetcher.text(piece.url, params=asked | limits))
            if not header:
                header = names
                table.writerow(header)
            if names != header:
                raise FetchError("pages with other columns than the first", wrong=True)
            table.writerows(rows)
            if len(rows) < PAGE_ROWS:
                return
    raise FetchError(f"more than {MOST_PAGES:,} pages", wrong=True)


def _page(content: bytes) -> tuple[list[str], list[list[str]]]:
    refuse_html(content)
    try:
        names, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    except (ValueError, csv.Error) as error:
        raise FetchError("a page that is no table of events", wrong=True) from error
    if "event_id_cnty" not in names:
        raise FetchError("a page that is no table of events", wrong=True)
    return names, rows


ACLED: Source = Source(
    name="acled",
    address="https://acleddata.com",
    pace_days=14,
    dated=True,
    first=date(1997, 1, 1),
    story_hours=24,
    log_in=log_in,
    list_pieces=list_pieces,
    fetch=fetch,
)
