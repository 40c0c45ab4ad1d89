"""Coded events: the columns of a file, one event, and ``EventTable``, sorted by date and id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date as Date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.errors import EventError, clean_text
from forecast.events.cells import DATES, DateOrder
from forecast.events.codebook import CATEGORIES, SEVERITIES, category_fault
from forecast.frames import Backend, make_frame
from forecast.storage import csv_text


@dataclass(frozen=True, kw_only=True)
class Event:
    """One coded event as plain values; see ``docs/codebook.md`` for what each column means.

    ``known_date`` is the day the act became public. Texts are empty, and dates ``None``, where nothing is
    given. ``severity`` is 1 (routine) to 5 (extreme).
    """

    id: str
    date: Date
    end_date: Date | None = None
    known_date: Date
    initiator: str
    recipient: str
    category: str
    subcategory: str = ""
    cameo: str = ""
    severity: int
    summary: str = ""
    source_outlet: str = ""
    source_title: str = ""
    source_url: str = ""
    source_date: Date | None = None
    verified: bool = False
    confidence: str = ""


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Event))
"""Fields of ``Event`` and ``EventTable`` in canonical order."""
COLUMNS: tuple[str, ...] = tuple("target" if name == "recipient" else name for name in FIELDS)
"""The same as columns of a file, which calls the recipient *target*: in code that is what is forecast."""
REQUIRED: tuple[str, ...] = ("date", "initiator", "target", "category", "severity")
OWN_PREFIX = "x_"
"""Columns that begin so are the user's own: accepted, not read, not written."""
TEXTS: tuple[str, ...] = tuple(name for name in FIELDS if name not in {*DATES, "severity", "verified"})
"""Fields held as text, empty where nothing is given."""

_PART = 10_000
"""Rows that are texts at once, when a table is written."""
Dates = NDArray[np.datetime64]
Texts = NDArray[np.object_]
Mask = NDArray[np.bool_]
_DTYPES: dict[str, Any] = (
    dict.fromkeys(DATES, "datetime64[D]")
    | dict.fromkeys(TEXTS, np.object_)
    | {"severity": np.int8, "verified": np.bool_}
)


@dataclass(frozen=True, eq=False, kw_only=True)
class EventTable:
    """Coded events, one row each: equal-length, read-only columns sorted by (date, id).

    ``source`` is where they come from. The columns, each of shape (event,), are as in ``Event``: texts are
    objects, days ``datetime64[D]``, ``NaT`` where nothing is given. Without ``has_verified`` the rows say
    nothing about verification. ``notes`` says what was guessed when the file was read; ``line``, shape
    (event,), is the line of each row in it, or 0; ``dates`` is how days in numbers were read. None of the
    three is part of the content.

    Raises ``ValueError``: columns differ in length or type, or rows are not in order: use ``from_events`` or
    ``sort_rows``.
    """

    source: str
    has_verified: bool
    id: Texts
    date: Dates
    end_date: Dates
    known_date: Dates
    initiator: Texts
    recipient: Texts
    category: Texts
    subcategory: Texts
    cameo: Texts
    severity: NDArray[np.int8]
    summary: Texts
    source_outlet: Texts
    source_title: Texts
    source_url: Texts
    source_date: Dates
    verified: Mask
    confidence: Texts
    notes: tuple[str, ...] = ()
    dates: DateOrder = "iso"
    line: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    def __post_init__(self) -> None:
        for name in FIELDS:
            column = getattr(self, name)
            if column.shape != self.date.shape or column.dtype != np.dtype(_DTYPES[name]):
                raise ValueError(
                    f"column {name} has shape {column.shape} and type {column.dtype}, "
                    f"not {self.date.shape} and {np.dtype(_DTYPES[name])}"
                )
            # A view, so that freezing the table does not freeze the caller's array.
            view = column.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        if len(self.line) != len(self.date):
            object.__setattr__(self, "line", np.zeros(len(self.date), dtype=np.int32))
        if np.any(self.date[1:] < self.date[:-1]):
            raise ValueError("rows are not sorted by date")
        same_day = self.date[1:] == self.date[:-1]
        if np.any(self.id[1:][same_day] <= self.id[:-1][same_day]):
            raise ValueError("rows of one day are not sorted by id, or share one")

    @classmethod
    def sort_rows(
        cls,
        columns: Mapping[str, ArrayLike],
        source: str,
        *,
        has_verified: bool,
        notes: Sequence[str] = (),
        line: ArrayLike | None = None,
    ) -> EventTable:
        """Make a table of rows in any order, empty where a column is absent; the content is not checked."""
        days = np.asarray(columns["date"], dtype=_DTYPES["date"])
        empty = {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(DATES, "NaT"), "verified": False}
        arrays = {
            name: np.asarray(columns[name], dtype=_DTYPES[name])
            if name in columns
            else np.full(len(days), empty[name], dtype=_DTYPES[name])
            for name in FIELDS
        }
        # By day first, since most ids are in order of day, and what is nearly sorted is sorted fast.
        by_day = np.argsort(days, kind="stable").tolist()
        by_id = np.array(sorted(by_day, key=arrays["id"].tolist().__getitem__), dtype=np.intp)
        order = by_id[np.argsort(days[by_id], kind="stable")]
        sorted_columns: dict[str, Any] = {name: array[order] for name, array in arrays.items()}
        lines = np.zeros(len(days), np.int32) if line is None else np.asarray(line, np.int32)[order]
        return cls(source=source, has_verified=has_verified, notes=tuple(notes), line=lines, **sorted_columns)

    @classmethod
    def from_events(cls, events: Iterable[Event], source: str, *, has_verified: bool = True) -> EventTable:
        """Make a table from events in any order (``EventError``: off the codebook, or an id twice)."""
        rows = list(events)
        seen: set[str] = set()
        for row in rows:
            fault = _event_fault(row, seen)
            if fault is not None:
                raise EventError(f"{source}: event '{row.id}': {fault}")
            seen.add(row.id)
        columns: dict[str, ArrayLike] = {name: [getattr(row, name) for row in rows] for name in FIELDS}
        for name in TEXTS:
            columns[name] = [clean_text(getattr(row, name)) for row in rows]
        if not has_verified:
            columns["verified"] = np.zeros(len(rows), dtype=np.bool_)
        return cls.sort_rows(columns, source, has_verified=has_verified)

    @classmethod
    def from_frame(cls, frame: object, *, source: str = "frame", dates: DateOrder = "iso") -> EventTable:
        """Make a table from a data frame of pandas, Polars or PyArrow with the columns of an event file.

        ``date, initiator, target, category, severity`` are required; ``docs/codebook.md`` has the others.
        ``source`` names the frame in messages and in the table; ``dates`` is how days that are texts are
        written. Raises ``EventError``: it is no data frame, or has faults, each with its row, counted from 1.
        """
        # Its rows go through the checks of a file, which make tables themselves.
        from forecast.events.reading import events_of_frame

        return events_of_frame(frame, source=source, dates=dates)

    def to_frame(self, backend: Backend = "pandas") -> Any:  # noqa: ANN401 - a frame of the library asked for
        """Return the events as a data frame, as an event file has them (``InputError``: no such library)."""
        columns = {
            column: values.tolist() if name in TEXTS else values
            for name, column in zip(FIELDS, COLUMNS, strict=True)
            if (values := getattr(self, name)) is not None and (name != "verified" or self.has_verified)
        }
        return make_frame(columns, backend)

    def __len__(self) -> int:
        return len(self.date)

    def __repr__(self) -> str:
        span = f", {self.date[0]} to {self.date[-1]}" if len(self) else ""
        return f"EventTable({len(self)} events{span}, source={self.source!r})"

    @property
    def sourced(self) -> int:
        """Rows that name where they come from: an outlet, a title or a page."""
        return int(((self.source_outlet != "") | (self.source_title != "") | (self.source_url != "")).sum())

    def select(self, mask: Mask) -> EventTable:
        """Return the rows where the mask, shape (event,), is true; order and source are kept."""
        if mask.shape != self.date.shape or mask.dtype != np.bool_:
            raise ValueError(f"a mask is bool of shape {self.date.shape}, not {mask.dtype} of {mask.shape}")
        if mask.all():
            return self
        kept: dict[str, Any] = {name: getattr(self, name)[mask] for name in FIELDS}
        return replace(self, line=self.line[mask], **kept)

    def known_by(self, as_of: Date) -> EventTable:
        """Return what was public at the end of a day: rows with ``known_date`` on or before it."""
        return self.select(self.known_date <= np.datetime64(as_of, "D"))

    def between(self, first: Date, last: Date) -> EventTable:
        """Return the acts whose first day lies in a span, both ends included."""
        inside = (self.date >= np.datetime64(first, "D")) & (self.date <= np.datetime64(last, "D"))
        return self.select(inside)

    def rows(self) -> Iterator[Event]:
        """Yield the events in order of (date, id), as plain values."""
        # tolist turns days into datetime.date, and NaT into None.
        columns = [getattr(self, name).tolist() for name in FIELDS]
        for values in zip(*columns, strict=True):
            yield Event(**dict(zip(FIELDS, values, strict=True)))

    def texts(self, rows: slice = slice(None)) -> dict[str, list[str]]:
        """Return the cells of an event file by column, in fixed order."""
        columns = {}
        for name, column in zip(FIELDS, COLUMNS, strict=True):
            values = getattr(self, name)[rows].tolist()
            if name in DATES:
                days = {day: "" if day is None else day.isoformat() for day in {*values}}
                columns[column] = [*map(days.__getitem__, values)]
            elif name == "verified":
                columns[column] = [("yes" if flag else "no") if self.has_verified else "" for flag in values]
            else:
                columns[column] = list(map(str, values))
        return columns

    def canonical_csv(self) -> str:
        r"""Return the rows as CSV: all columns in fixed order, ``\n`` line ends; see ``csv_text``."""
        parts = (self.texts(slice(first, first + _PART)) for first in range(0, len(self), _PART))
        return "".join((csv_text([COLUMNS]), *(csv_text(zip(*part.values(), strict=True)) for part in parts)))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the canonical CSV in UTF-8: the same for the same rows, however they were stored."""
        return hashlib.sha256(self.canonical_csv().encode()).hexdigest()


def _event_fault(event: Event, seen: set[str]) -> str | None:
    if event.category not in CATEGORIES:
        return category_fault(event.category)
    if event.severity not in SEVERITIES:
        return f"severity {event.severity} is not on the scale. Allowed: 1 to 5"
    if event.id in seen:
        return "the id appears twice"
    if event.known_date < event.date:
        return f"known_date {event.known_date} is before date {event.date}"
    if event.end_date is not None and event.end_date < event.date:
        return f"end_date {event.end_date} is before date {event.date}"
    return None
