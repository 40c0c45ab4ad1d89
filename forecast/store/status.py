"""How fresh and whole each source of a store is, on what terms, and which reports were merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from forecast.events.stores import (
    FILES,
    Freshness,
    SourceState,
    act_files,
    connect,
    freshness,
    read_settings,
    reader_of,
    source_states,
)
from forecast.events.terms import Terms, known_terms
from forecast.store.folder import Month


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """One source of a store.

    ``acts`` count once however often they were reported (``reports``); ``newest`` is the newest of them,
    while ``fresh`` judges by the newest act of the source, whoever did it. ``loaded`` are acts known by the
    day that their row or release states, the others were seen as they came. ``still_open`` are files that
    are missing or wrong, with the reason and the first day without them.
    """

    state: SourceState
    fresh: Freshness
    terms: Terms
    acts: int
    reports: int
    loaded: int
    first: date | None
    newest: date | None
    files: int
    refused: int
    still_open: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the status as JSON-ready values."""
        return {
            "address": self.state.address,
            "updated": self.state.updated.isoformat() if self.state.updated else None,
            "acts": self.acts,
            "reports": self.reports,
            "loaded_afterwards": self.loaded,
            "first": self.first.isoformat() if self.first else None,
            "newest": self.newest.isoformat() if self.newest else None,
            "newest_of_source": self.fresh.newest.isoformat() if self.fresh.newest else None,
            "age_days": self.fresh.days,
            "pace_days": self.fresh.pace_days,
            "stale": self.fresh.stale,
            "files": {
                "read": self.files,
                "missing": sum(one["state"] == "missing" for one in self.still_open.values()),
                "wrong": sum(one["state"] == "wrong" for one in self.still_open.values()),
            },
            "refused": self.refused,
            "open": self.still_open,
            "licence": self.terms.licence,
            "terms": self.terms.terms,
            "bars": list(self.terms.bars),
            "terms_known_on": self.terms.known_on.isoformat(),
            "terms_page": self.terms.page,
        }


@dataclass(frozen=True)
class StoreStatus:
    """A store: the pairs that it is for, and its sources by name."""

    place: Path
    as_of: date
    pairs: tuple[str, ...]
    sources: tuple[SourceStatus, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the status as JSON-ready values."""
        return {
            "store": str(self.place),
            "as_of": self.as_of.isoformat(),
            "pairs": list(self.pairs),
            "sources": {one.state.name: one.to_dict() for one in self.sources},
        }


def store_status(place: Path, as_of: date) -> StoreStatus:
    """Return how a store stands on a day.

    Raises ``EventError``: no store, one of another version, or a damaged file.
    """
    pairs = tuple(map(str, read_settings(place)["pairs"]))
    fresh = {one.source: one for one in freshness(place, as_of)}
    found = []
    for state in source_states(place):
        paths = act_files(place, (state.name,))
        told: tuple[Any, ...] = (0, 0, 0, None, None)
        if paths:
            with connect() as connection:
                (told,) = connection.execute(
                    "SELECT count(*) FILTER (WHERE story = id), count(*), "
                    "count(*) FILTER (WHERE story = id AND known_by <> 'seen'), min(date), max(date) "
                    f"FROM {reader_of(paths)}"
                ).fetchall()
        months = [Month.at(path) for path in sorted((place / state.name / FILES).glob("*.json"))]
        acts, reports, loaded, first, newest = told
        found.append(
            SourceStatus(
                state=state,
                fresh=fresh[state.name],
                terms=known_terms()[state.name],
                acts=acts,
                reports=reports,
                loaded=loaded,
                first=first,
                newest=newest,
                files=sum(len(month.read) for month in months),
                refused=sum(entry["refused"] for month in months for entry in month.read.values()),
                still_open={name: one for month in months for name, one in sorted(month.still_open.items())},
            )
        )
    return StoreStatus(place, as_of, pairs, tuple(found))


def merged_reports(place: Path, most: int) -> list[dict[str, Any]]:
    """Return the acts that were reported more than once, newest first, each with its other reports.

    Raises ``EventError``: as ``store_status``.
    """
    read_settings(place)
    paths = act_files(place)
    if not paths:
        return []
    with connect() as connection:
        rows = connection.execute(
            "SELECT story, any_value(date), any_value(pair), any_value(subcategory), count(*), "
            "list({'id': id, 'stamp': stamp, 'url': source_url} ORDER BY known_date, stamp, id) "
            f"FROM {reader_of(paths)} WHERE reports > 1 GROUP BY story ORDER BY 2 DESC, 1 LIMIT {most:d}"
        ).fetchall()
    return [
        {
            "act": story,
            "date": day.isoformat(),
            "pair": pair,
            "kind": kind,
            "reports": number,
            "merged": [
                {"id": one["id"], "published": one["stamp"].isoformat(sep=" "), "url": one["url"]}
                for one in listed
                if one["id"] != story
            ],
        }
        for story, day, pair, kind, number, listed in rows
    ]
