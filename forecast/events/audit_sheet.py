"""The sheet of an audit: a CSV with the rows of the sample, which a person fills in with verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from forecast.errors import EventError, did_you_mean, shown
from forecast.events.audit import VERDICTS, Judged
from forecast.events.cells import Fault, clean_text, faults_message
from forecast.events.reading import read_sheet, write_whole
from forecast.events.table import Event, csv_text
from forecast.records.scale import Scale

SHOWN = ("id", "date", "known_date", "initiator", "target", "category", "severity")
TOLD = ("anchor", "summary", "source_outlet", "source_title", "source_url")
ASKED = ("verdict", "right_category", "right_severity")
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class AuditSheet:
    """Rows of a sheet in its order, by id: cells by column."""

    path: Path
    rows: Mapping[str, Mapping[str, str]]

    def judged(self, scale: Scale) -> dict[str, Judged]:
        """Return the verdicts that are filled in, by id.

        Raises ``EventError``: lists every one that cannot be.
        """
        found, faults = {}, []
        for line, (name, cells) in enumerate(self.rows.items(), start=2):
            if not any(cells[column] for column in ASKED):
                continue
            try:
                found[name] = judged_row(cells, scale)
            except EventError as error:
                faults.append(Fault(line, "", str(error)))
        if faults:
            raise EventError(faults_message(str(self.path), faults, more="."))
        return found

    def with_verdict(self, name: str, answers: Mapping[str, str]) -> AuditSheet:
        """Write a verdict into the file, at once."""
        made = replace(self, rows={**self.rows, name: {**self.rows[name], **answers}})
        made.write()
        return made

    def write(self) -> None:
        """Write the file, whole. A text that a spreadsheet would take for a formula gets an apostrophe."""
        columns = (*SHOWN, *TOLD, *ASKED)
        cells = ([_plain(row[name]) for name in columns] for row in self.rows.values())
        write_whole(self.path, csv_text([columns, *cells]).encode())


def judged_row(cells: Mapping[str, str], scale: Scale) -> Judged:
    """Return one verdict (``EventError`` where it cannot be, with what is allowed)."""
    verdict, category, severity = (cells[column].strip().lower() for column in ASKED)
    if verdict not in VERDICTS:
        hint = did_you_mean(verdict, VERDICTS)
        raise EventError(f"verdict '{shown(verdict)}'.{hint} Allowed: {', '.join(VERDICTS)}")
    try:
        one = Judged.model_validate(
            {name: cells[name] for name in SHOWN}
            | {"verdict": verdict, "right_category": category or None, "right_severity": severity or None}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{name}: " for name in first["loc"])
        raise EventError(f"{place}{first['msg'].removeprefix('Value error, ')}") from error
    if one.right is not None and scale.anchor(*one.right) is None:
        raise EventError(f"the scale '{scale.name}' has no {one.right[0]} of severity {one.right[1]}")
    return one


def new_sheet(path: Path, sample: list[Event], scale: Scale) -> AuditSheet:
    """Return a sheet without verdicts; it is not written yet."""
    rows = {}
    for event in sample:
        anchor = scale.anchor(event.category, event.severity)
        named = {**vars(event), "target": event.recipient, "anchor": anchor}
        values = {name: str(named[name] or "") for name in (*SHOWN, *TOLD)}
        rows[event.id] = values | dict.fromkeys(ASKED, "")
    return AuditSheet(path, rows)


def read_audit_sheet(path: Path, rows: Mapping[str, Event], scale: Scale) -> AuditSheet:
    """Read a sheet; what was coded is taken from the event file (by id), never from the sheet.

    Raises ``EventError``: the file is no such sheet, or names a row twice or one that the events lack.
    """
    sheet = read_sheet(path)
    if sheet.faults:
        raise EventError(faults_message(str(path), sheet.faults, more="."))
    header = [clean_text(cell).lower() for cell in sheet.rows[0].cells] if sheet.rows else []
    if missing := [name for name in ("id", *ASKED) if name not in header]:
        raise EventError(f"{path}: no sheet of an audit: it lacks the columns {', '.join(missing)}")
    found: dict[str, dict[str, str]] = {}
    for row in sheet.rows[1:]:
        if fault := row.width_fault(len(header)):
            raise EventError(fault.located(str(path)))
        given = dict(zip(header, map(clean_text, row.cells), strict=True))
        name = given["id"].removeprefix("'")
        if name in found or name not in rows:
            what = "stands twice" if name in found else "is no row of the event file"
            raise EventError(
                f"{path}:{row.line}: id '{shown(name)}' {what}. Draw a new sample into another sheet"
            )
        (made,) = new_sheet(path, [rows[name]], scale).rows.values()
        found[name] = {**made, **{one: given[one] for one in ASKED}}
    if not found:
        raise EventError(f"{path}: holds no row to judge")
    return AuditSheet(path, found)


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
