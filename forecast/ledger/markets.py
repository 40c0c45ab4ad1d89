"""Questions of forecasting sites with dated prices, and the values of their files: numbers, times, texts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from forecast.errors import shown
from forecast.records.explained import UNITS, Site

LEAST_FORECASTERS = 20
"""Fewer forecasters, or traders, make a market thin."""
LEAST_VOLUME: Mapping[Site, int] = {"Polymarket": 10_000, "Kalshi": 10_000}
"""Less traded in all (dollars, contracts) makes a market thin where nobody says how many trade."""
_MOST = 1e12
"""No site has more people or more traded; larger numbers are none."""
_MILLISECONDS = 1e11
"""Times above count milliseconds since 1970, below seconds."""
_LAST_YEAR = 2200
"""Times from then on are none."""

Item = Mapping[str, Any]


class Price(NamedTuple):
    """A price of yes, and how much was traded by how many until then; ``None``: not said."""

    on: datetime
    probability: float
    volume: float | None = None
    forecasters: int | None = None


@dataclass(frozen=True)
class MarketQuestion:
    """A question of a site.

    ``prices`` are the last of each day, the oldest first; ``history`` where the file has more than what is
    said now. ``refusal`` says why it cannot be matched.
    """

    site: Site
    key: str
    title: str = ""
    link: str | None = None
    prices: tuple[Price, ...] = ()
    history: bool = False
    closes: datetime | None = None
    closed: bool = False
    refusal: str = ""
    names: tuple[str, ...] = field(default=(), repr=False)
    """Other names that the site has for it."""

    def thin(self, price: Price) -> str | None:
        """Return by what limit the market was thin, if it was."""
        if price.forecasters is not None:
            few = price.forecasters < LEAST_FORECASTERS
            return f"fewer than {LEAST_FORECASTERS} forecasters" if few else None
        least = LEAST_VOLUME.get(self.site)
        if least is not None and price.volume is not None and price.volume < least:
            return f"volume below {least:,} {UNITS[self.site]}"
        return None


def price_now(price: float | None, on: datetime | None, **more: Any) -> tuple[tuple[Price, ...], str]:  # noqa: ANN401
    """What a site says now, as a price, or why it is none."""
    if price is None:
        return (), "the file holds no price of it"
    if on is None:
        return (), "the file does not say when its price was taken: give --day"
    return daily_prices([Price(on, price, **more)])


def daily_prices(prices: Iterable[Price]) -> tuple[tuple[Price, ...], str]:
    """Return the last price of each day; the refusal where one is none."""
    by_day = {}
    for one in sorted(prices, key=lambda price: price.on):
        if not 0 <= one.probability <= 1:
            return (), f"its price of {one.on:%Y-%m-%d}, {one.probability:g}, is outside 0 to 1"
        known = one.volume is not None and 0 <= one.volume < _MOST
        by_day[one.on.date()] = one if known else one._replace(volume=None)
    return tuple(by_day.values()), "" if by_day else "the file holds no price of it"


def not_binary(kind: str) -> str:
    """Say that a question of another kind cannot be matched."""
    return f"its type is {shown(kind.lower())}; only questions with Yes or No can be matched"


def has(value: object, name: str) -> bool:
    """Whether a value is an object that holds an object of this name."""
    return isinstance(value, dict) and isinstance(value.get(name), dict)


def dicts(value: object) -> Iterator[Item]:
    """Yield the objects of a list; nothing of anything else."""
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def text_of(item: Item, *names: str) -> str:
    """Return the first of some texts that is there, without halves of signs that no file can hold."""
    values = (item.get(name) for name in names)
    texts = (str(one).strip() for one in values if isinstance(one, str | int))
    return next(filter(None, texts), "").encode("utf-8", errors="replace").decode("utf-8")


def listed(value: object) -> list[Any]:
    """Return a list, which Polymarket writes as a text of JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []


def numbers(value: object) -> list[float]:
    """Return a list of numbers; an empty one for anything else."""
    found = [number_of(one) for one in value] if isinstance(value, list) else []
    return [one for one in found if one is not None] if None not in found else []


def number_of(value: object) -> float | None:
    """Return a finite number, also where it is written as text; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def whole(value: object) -> int | None:
    """Return a count; ``None`` for anything else."""
    number = number_of(value)
    return None if number is None or not 0 <= number < _MOST else int(number)


def dollars(item: Item, name: str) -> float | None:
    """Return a price of Kalshi in dollars; without the newer field it is in cents."""
    newer, cents = number_of(item.get(f"{name}_dollars")), number_of(item.get(name))
    return newer if newer is not None else None if cents is None else cents / 100


def moment_of(value: object) -> datetime | None:
    """Return a time that is written as ISO text or counts since 1970; ``None`` for anything else."""
    number = number_of(value)
    try:
        if number is not None:
            moment = datetime.fromtimestamp(number / (1000 if number > _MILLISECONDS else 1), UTC)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if 1970 <= moment.year < _LAST_YEAR else None
