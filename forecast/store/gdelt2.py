"""GDELT 2.0 events: a zipped file every quarter of an hour, named in two lists with its size and MD5.

``masterfilelist.txt`` names every file since 18 February 2015 and grows by three lines a quarter hour;
``lastupdate.txt`` names those of the last one. Both name other data too (mentions, the knowledge graph). A
list may name another host than the one asked, as a mirror's copy does: names are taken from it, and the files
from the address that was given.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from forecast.errors import shown
from forecast.storage import write_file
from forecast.store.fetching import Fetcher, FetchError, Validators, refuse_html
from forecast.store.source import Listing, Piece, Source, Wanted, no_key

QUARTER = timedelta(minutes=15)
SHORT_GAP = 4
"""Quarters of an hour that a list lacks between two others; in a longer gap the source itself stood still."""
ALL, LAST = "masterfilelist.txt", "lastupdate.txt"
KEPT, VALIDATORS = "list.gz", "list.json"
"""The list as it was last had, and what the server said of that version."""
_LINE = re.compile(
    rb"^(\d{1,12})[ \t]+([0-9a-fA-F]{32})[ \t]+\S*?(\d{14}\.export\.CSV\.zip)\s*$", re.MULTILINE
)
Entry = tuple[int, str]
"""Size in bytes and MD5 of a file."""


def list_pieces(fetcher: Fetcher, address: str, wanted: Wanted) -> Listing:
    """Return the files of a span; the long list is asked for only where the short one does not do."""
    try:
        last = _listed(fetcher.text(f"{address}/{LAST}"))
    except FetchError:
        last = {}
    newest = min((_stamp(name) for name in last), default=datetime.now(UTC))
    still_open = set(wanted.still_open)
    span = {_name(stamp) for stamp in _quarters(wanted.since, wanted.until, newest)} | last.keys()
    days = f"{wanted.since:%Y%m%d}", f"{wanted.until:%Y%m%d}"
    todo = {name for name in span if days[0] <= name[:8] <= days[1]} - set(wanted.read) | still_open
    listed = last if todo <= last.keys() else _all(fetcher, address, wanted.folder) | last
    named = [name for name in listed if days[0] <= name[:8] <= days[1] or name in still_open]
    pieces = (
        Piece(name, _stamp(name), f"{address}/{name}", listed[name][1], listed[name][0])
        for name in sorted(named)
        if name not in wanted.read
    )
    absent, unlisted = _gaps(sorted(name for name in span if days[0] <= name[:8] <= days[1]), listed)
    return Listing(tuple(pieces), absent, unlisted)


def _gaps(span: Sequence[str], listed: Collection[str]) -> tuple[tuple[str, ...], int]:
    """Return the names of a span that short gaps of the list lack, and how many long gaps lack."""
    absent: list[str] = []
    gap: list[str] = []
    unlisted = 0
    for name in span:
        if name not in listed:
            gap.append(name)
            continue
        if len(gap) <= SHORT_GAP and gap and gap[0] != span[0]:
            absent += gap
        else:
            unlisted += len(gap)
        gap = []
    return tuple(absent), unlisted + len(gap)


def fetch(fetcher: Fetcher, address: str, piece: Piece, path: Path) -> None:
    """Save a file, checked against the list."""
    fetcher.save(piece.url, path, md5=piece.md5, size=piece.size)


def _name(stamp: datetime) -> str:
    return f"{stamp:%Y%m%d%H%M%S}.export.CSV.zip"


def _stamp(name: str) -> datetime:
    return datetime.strptime(name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _quarters(since: date, until: date, newest: datetime) -> Iterator[datetime]:
    stamp = datetime.combine(since, time(), UTC)
    while stamp.date() <= until and stamp <= newest:
        yield stamp
        stamp += QUARTER


def _all(fetcher: Fetcher, address: str, folder: Path) -> dict[str, Entry]:
    """Return all files; the list is fetched only where it has changed since it was last had."""
    kept, told = folder / KEPT, folder / VALIDATORS
    held, before = Validators(), b""
    with suppress(OSError, ValueError, TypeError, EOFError, zlib.error):
        said = json.loads(told.read_text(encoding="utf-8"))
        if said.pop("address") == address:
            before, held = gzip.decompress(kept.read_bytes()), Validators(**said)
    found = fetcher.changed(f"{address}/{ALL}", held)
    if found is None:
        return _listed(before)
    content, validators = found
    listed = _listed(content)
    if validators.headers:
        lines = b"\n".join(match.group(0) for match in _LINE.finditer(content))
        write_file(kept, gzip.compress(lines, compresslevel=1, mtime=0))
        write_file(told, json.dumps(vars(validators) | {"address": address}))
    return listed


def _listed(content: bytes) -> dict[str, Entry]:
    """Return size and MD5 by the name of each file that a list names (``FetchError``: it names none)."""
    refuse_html(content)
    listed = {
        name.decode(): (int(size), md5.decode()) for size, md5, name in _LINE.findall(content) if _dated(name)
    }
    if content.strip() and not listed:
        first = shown(content.strip().split(b"\n")[0].decode("utf-8", errors="replace"))
        raise FetchError(f"a list that names no file of events: it begins '{first}'", wrong=True)
    return listed


def _dated(name: bytes) -> bool:
    """Whether a name begins with a moment that exists."""
    try:
        month, day, hour, minute, second = (int(name[place : place + 2]) for place in (4, 6, 8, 10, 12))
        datetime(int(name[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return False
    return True


GDELT2: Source = Source(
    name="gdelt2",
    address="http://data.gdeltproject.org/gdeltv2",
    pace_days=2,
    dated=True,
    first=date(2015, 2, 18),
    story_hours=24,
    log_in=no_key,
    list_pieces=list_pieces,
    fetch=fetch,
)
