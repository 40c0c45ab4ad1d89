"""Actors of the feeds: country codes and names → ISO 3166-1, and groups of actors that can be excluded."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from forecast.errors import InputError
from forecast.events.cells import CellFault, parse_actor
from forecast.feeds.layout import Layout

ACTOR = r"[A-Z]{3}"


@dataclass(frozen=True)
class Excluded:
    """What marks an actor of the excluded groups.

    Parameters
    ----------
    sectors : tuple of str
        Sector names or codes as the format writes them.
    names : tuple of str
        Beginnings of actor names, in capitals.
    """

    sectors: tuple[str, ...]
    names: tuple[str, ...]


@cache
def country_names() -> Mapping[str, str]:
    """Return country names as ICEWS, ACLED and ISO write them → three-letter code."""
    return {row["name"]: row["alpha3"] for row in _data("country_names.csv")}


@cache
def cameo_countries() -> Mapping[str, str]:
    """Return the country codes of CAMEO actor lists that differ from ISO 3166-1 → the ISO code."""
    return {row["code"]: row["alpha3"] for row in _data("cameo_countries.csv")}


def renamed_actors(layout: Layout) -> Mapping[str, str]:
    """Return how a format writes countries → our code. Codes that are not listed stay as they are."""
    return country_names() if layout.actors == "names" else cameo_countries()


def actor_groups() -> tuple[str, ...]:
    """Return the names of the groups that can be excluded."""
    return tuple(dict.fromkeys(row["group"] for row in _data("actor_groups.csv")))


def excluded_actors(groups: Sequence[str], layout: Layout) -> Excluded:
    """Return what marks the actors of some groups in a format.

    Sector codes differ: ``MED`` is the media in CAMEO and the health sector in PLOVER.

    Raises
    ------
    InputError
        No such group, or the format does not tell it.
    """
    known = actor_groups()
    sectors: list[str] = []
    names: list[str] = []
    scheme = "icews" if layout.name == "icews" else layout.system
    for group in groups:
        if group not in known:
            near = difflib.get_close_matches(group, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise InputError(f"--exclude {group}: no such group.{hint} Allowed: {', '.join(known)}")
        rows = [row for row in _data("actor_groups.csv") if row["group"] == group]
        of_sector = [row["pattern"] for row in rows if row["system"] == scheme and row["field"] == "sector"]
        of_name = [row["pattern"] for row in rows if row["field"] == "name"]
        told = (bool(of_sector) and layout.has("sectors_a")) or (bool(of_name) and layout.has("name_a"))
        if not told:
            raise InputError(f"--exclude {group}: {layout.name} files do not say which actors are {group}")
        sectors += of_sector
        names += of_name
    return Excluded(tuple(sectors), tuple(names))


def parse_dyads(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read dyads written as ``USA,CHN``.

    Raises
    ------
    InputError
        Not two different actor codes, or a dyad given twice.
    """
    dyads: list[tuple[str, str]] = []
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != 2:
            raise InputError(f"--dyad {text}: expected two actors with a comma between, such as USA,CHN")
        for part in parts:
            try:
                parse_actor(part)
            except CellFault as fault:
                raise InputError(f"--dyad {text}: {fault}") from fault
        if parts[0] == parts[1]:
            raise InputError(f"--dyad {text}: a dyad is between two different actors")
        dyad = (parts[0], parts[1])
        if dyad in dyads or dyad[::-1] in dyads:
            raise InputError(f"--dyad {text}: given twice (either way round is the same dyad)")
        dyads.append(dyad)
    if not dyads:
        raise InputError("--dyad is missing: name the two actors, such as --dyad USA,CHN (repeatable)")
    return tuple(dyads)


def similar_actors(actor: str, seen: Sequence[str]) -> list[str]:
    """Return up to three actors that occur and are written like one that does not."""
    return difflib.get_close_matches(actor, seen, n=3, cutoff=0.5)


def _data(name: str) -> Iterator[dict[str, str]]:
    text = (files("forecast.feeds") / "data" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
