"""What the pooled hazard was learned from: pairs, coders, years and kinds of target; in data and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from forecast.events.table import EventTable

ISO_OF_CODERS = {
    **{"ALG": "DZA", "BNG": "BGD", "CAM": "KHM", "COS": "CRI", "DRC": "COD", "DRV": "VNM", "FRN": "FRA"},
    **{"GFR": "DEU", "HON": "HND", "KUW": "KWT", "LEB": "LBN", "LIB": "LBY", "MOR": "MAR", "PAL": "PSE"},
    **{"ROK": "KOR", "SAF": "ZAF", "SER": "SRB", "SPN": "ESP", "SUD": "SDN", "SWD": "SWE", "TAW": "TWN"},
    **{"UKG": "GBR", "UNK": "GBR", "ZAM": "ZMB", "ZIM": "ZWE"},
}
"""ISO 3166-1 codes of countries that KEDS or the Correlates of War, the coders of the shipped coefficients,
code otherwise."""


class Part(BaseModel):
    """A part of the file of coefficients: fixed, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LearnedDyad(Part):
    """One record that the coefficients were learned from."""

    name: str
    coder: str = ""
    actors: tuple[str, ...] = Field(description="the two codes that most of its acts name, in order")
    first: date
    last: date
    until: date = Field(description="last day on which the pair was observed")
    events: int

    @classmethod
    def of(cls, name: str, events: EventTable, *, coder: str = "", until: date | None = None) -> LearnedDyad:
        """Describe a record."""
        first, last = events.date.min().item(), events.date.max().item()
        return cls(
            name=name,
            coder=coder,
            actors=main_actors(events),
            first=first,
            last=last,
            until=until or last,
            events=len(events),
        )

    def shares(self, other: LearnedDyad) -> bool:
        """Whether another record is of the same two actors and of some of the same time."""
        same = _countries(self.actors) == _countries(other.actors)
        return same and other.first <= self.until and other.until >= self.first


class LearnedTarget(Part):
    """One kind of target that was forecast on every dyad of the coders that note it."""

    any_of: tuple[str, ...]
    min_severity: int
    coders: tuple[str, ...]


class Provenance(Part):
    """What the coefficients were learned from, and how."""

    dyads: tuple[LearnedDyad, ...] = Field(min_length=1)
    targets: tuple[LearnedTarget, ...] = Field(min_length=1)
    rows: int = Field(description="intervals after origins that were fitted")
    source: str = Field(description="origin and terms of the events, in words")
    command: str
    version: str

    @property
    def coders(self) -> tuple[str, ...]:
        """Names of the coders, in the order of their coefficients."""
        return tuple(dict.fromkeys(one.coder for one in self.dyads))

    def in_words(self) -> str:
        """Pairs, coders and years in one clause: ``94 pairs: 30 coded by KEDS, 1979–2004, and 64 …``."""
        parts = []
        for coder in self.coders:
            own = [one for one in self.dyads if one.coder == coder]
            parts.append(f"{len(own)} coded by {coder}, {_years(own)}")
        pairs = "1 pair" if len(self.dyads) == 1 else f"{len(self.dyads)} pairs"
        return f"{pairs}: {_joined(parts)}"

    def listed(self) -> Iterator[str]:
        """Every pair with its years, a line for each coder; then the kinds of target, a line for each."""
        for coder in self.coders:
            own = [one for one in self.dyads if one.coder == coder]
            yield f"{coder}: {', '.join(f'{one.name} ({_years([one])})' for one in own)}"
        for target in self.targets:
            kinds = ", ".join(target.any_of)
            yield f"{kinds}, severity {target.min_severity} or more: {_joined(target.coders)}"


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


def _years(dyads: Sequence[LearnedDyad]) -> str:
    first, last = min(one.first for one in dyads).year, max(one.until for one in dyads).year
    return f"{first}–{last}" if first < last else str(first)


def _countries(actors: tuple[str, ...]) -> frozenset[str]:
    return frozenset(ISO_OF_CODERS.get(code, code) for code in actors)


def main_actors(events: EventTable) -> tuple[str, ...]:
    """Return the two codes that most acts name, in alphabetical order."""
    codes, counts = np.unique(np.concatenate([events.initiator, events.recipient]), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return tuple(sorted(str(code) for code in codes[order]))
