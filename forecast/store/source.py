"""What a source of events is: where its files or pages are listed, how each is had, its clock."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from forecast.errors import InputError
from forecast.store.fetching import Fetcher


@dataclass(frozen=True)
class Piece:
    """What is fetched and read at once: a file, or all pages of a month or a version.

    ``stamp`` is when it was published, in UTC. A piece that is ``settled`` does not change and is read once;
    another is read again at each update.
    """

    name: str
    stamp: datetime
    url: str = ""
    md5: str = ""
    size: int | None = None
    settled: bool = True


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an update asks of a source: days, both included, and names of pieces that are still open.

    ``read`` are the pieces that hold nothing new for the pairs asked for; ``folder`` is that of the source.
    """

    since: date
    until: date
    read: Collection[str]
    still_open: Collection[str]
    folder: Path


@dataclass(frozen=True)
class Listing:
    """The pieces of a span, and what the source's own clock would have had beside them.

    ``absent`` are names that the list lacks, though it has those around them; ``unlisted`` is how many more
    it lacks, in gaps so long that the source itself may have stood still.
    """

    pieces: tuple[Piece, ...]
    absent: tuple[str, ...] = ()
    unlisted: int = 0


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of events; its layout, crosswalk and terms go by its ``name``.

    ``pace_days``: its newest act is at most this old when all is well. ``dated``: its rows say when they
    became public; of the others the day of their piece counts. ``story_hours``: reports that come within so
    long of one another can be of one act, however long where it is ``None``. ``log_in`` returns the headers
    that requests need. ``list_pieces`` and ``fetch`` raise ``FetchError``; ``fetch`` writes a file of the
    layout.
    """

    name: str
    address: str
    pace_days: int
    dated: bool
    first: date
    story_hours: int | None
    log_in: Callable[[Fetcher, str], dict[str, str]]
    list_pieces: Callable[[Fetcher, str, Wanted], Listing]
    fetch: Callable[[Fetcher, str, Piece, Path], None]


def no_key(fetcher: Fetcher, address: str) -> dict[str, str]:
    """Return no headers: the source is open to everybody."""
    return {}


def checked_address(address: str) -> str:
    """Return an address without its last slash (``InputError``: it is none, or holds a key)."""
    import httpx

    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise InputError(
            "--address: not an address. Expected e.g. https://mirror.example.org/gdeltv2"
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise InputError(
            f"--address {url.host or address[:60]}: expected one that begins with http:// or https://"
        )
    if url.userinfo or url.query:
        raise InputError(
            "--address: holds a user, a password or a query, which would be kept in the store. Give the "
            "plain address; keys come from the environment"
        )
    return address.rstrip("/")
