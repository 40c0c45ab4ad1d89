"""Options that hold several values, separated by commas: days ahead, origins, names."""

from __future__ import annotations

from datetime import date

from forecast.errors import InputError


def parts_of(text: str) -> tuple[str, ...]:
    """Cut at commas; spaces around a part do not count, and empty parts are left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


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


def days_listed(text: str, option: str, words: tuple[str, ...]) -> tuple[date, ...]:
    """Read days.

    Raises
    ------
    InputError
        One is no day; the message names the words that are allowed instead of days.
    """
    found = []
    for part in parts_of(text):
        try:
            found.append(date.fromisoformat(part))
        except ValueError as error:
            allowed = ", ".join(words)
            raise InputError(
                f"{option}: '{part}' is not a day. Expected: {allowed}, or days as 2021-01-01,2021-07-01"
            ) from error
    return tuple(found)
