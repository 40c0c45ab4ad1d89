"""Options that hold several values, separated by commas: days ahead, origins, names."""

from __future__ import annotations

import difflib
from datetime import date
from typing import Literal

from forecast.errors import InputError

Spacing = Literal["monthly", "weekly"]
SPACINGS: tuple[Spacing, ...] = ("monthly", "weekly")


def parts_of(text: str) -> tuple[str, ...]:
    """Cut at commas; spaces around a part do not count, and empty parts are left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def spacing_of(text: str) -> Spacing | None:
    """Return how origins are spaced, or ``None`` when they are listed."""
    return next((word for word in SPACINGS if word == text.strip()), None)


def days_ahead(text: str, option: str) -> tuple[int, ...]:
    """Read whole numbers of days.

    Raises
    ------
    InputError
        One is no whole number.
    """
    found = []
    for part in parts_of(text):
        if not (part.isascii() and part.isdigit()):
            raise InputError(f"{option}: '{part}' is not a whole number of days. Expected e.g. 30,90,180")
        found.append(int(part))
    return tuple(found)


def days_listed(text: str, option: str) -> tuple[date, ...]:
    """Read days, where the words of ``SPACINGS`` are allowed as well.

    Raises
    ------
    InputError
        One is no day.
    """
    found = []
    for part in parts_of(text):
        try:
            found.append(date.fromisoformat(part))
        except ValueError as error:
            near = difflib.get_close_matches(part, SPACINGS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise InputError(
                f"{option}: '{part}' is not a day.{hint} Expected: {', '.join(SPACINGS)}, or days as "
                "2021-01-01,2021-07-01"
            ) from error
    return tuple(found)
