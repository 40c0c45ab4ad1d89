"""An audit of coded events: a stratified sample, a sheet with a person's verdicts, the error rates they give.

Rates are those of a hierarchical model: verdicts of a cell (category and severity) are right or wrong, the
cells' rates Dirichlet about rates that all share, with a concentration that is learned. Small cells are drawn
towards the others as far as the cells agree (Gelman and others, *Bayesian Data Analysis*, chapter 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date as Date
from pathlib import Path
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator
from scipy.special import gammaln

from forecast.errors import EventError, did_you_mean, shown
from forecast.events.cells import Fault, clean_text, faults_message
from forecast.events.codebook import CATEGORIES
from forecast.events.reading import read_record, write_whole
from forecast.events.rows import read_sheet
from forecast.events.table import Event, EventTable, csv_text
from forecast.records.base import Interval, Probability, Record
from forecast.records.scale import Scale

Verdict = Literal["true", "wrong category", "wrong severity", "not this pair", "repeat"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CODED = ("id", "date", "known_date", "initiator", "target", "category", "severity")
SOURCE = ("anchor", "summary", "source_outlet", "source_title", "source_url")
ANSWERS = ("verdict", "right_category", "right_severity")
"""Columns of the sheet: the row as coded, what helps to judge it, and what a person fills in."""
LEAST_A_CELL = 2
DRAWS, BURN_IN = 1000, 200
_PRIOR = 0.5
_CONCENTRATIONS = np.geomspace(0.5, 500.0, 60)
_FORMULA = ("=", "+", "-", "@")

Floats = NDArray[np.float64]
Cell = tuple[str, int]
"""Category and severity."""


class AuditedRow(Record):
    """A row of the sample as it was coded, and what a person found.

    ``right_category`` is given where the category is wrong (``None``: no act of the codebook), and
    ``right_severity`` where category or severity is.
    """

    id: str
    date: Date
    known_date: Date
    initiator: str
    target: str
    category: str
    severity: int = Field(ge=1, le=5)
    verdict: Verdict
    right_category: str | None = None
    right_severity: int | None = Field(default=None, ge=1, le=5)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        category, severity = self.right_category, self.right_severity
        match self.verdict:
            case "wrong category":
                if category is not None and (category not in CATEGORIES or category == self.category):
                    raise ValueError(f"right_category is another of {', '.join(CATEGORIES)}, or empty")
                if (category is None) != (severity is None):
                    raise ValueError("right_category and right_severity are given together, or neither")
            case "wrong severity":
                if severity is None or severity == self.severity or category is not None:
                    raise ValueError("right_severity is another severity, and right_category is empty")
            case _:
                if category is not None or severity is not None:
                    raise ValueError(f"'{self.verdict}' has no right category or severity")
        return self

    @property
    def cell(self) -> Cell:
        """Category and severity as coded."""
        return self.category, self.severity


class ErrorRate(Record):
    """Share of wrong rows of a category and severity, drawn towards the others where there are few.

    ``category`` and ``severity`` are ``None`` for all rows, ``severity`` for a whole category.
    """

    category: str | None
    severity: int | None
    rows: int = Field(description="rows of the file")
    audited: int
    wrong: int
    rate: Probability
    interval90: Interval


class Audit(Record):
    """The content of ``audit.json``."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    source: str
    sha256: str = Field(description="of the rows that the sample was drawn from")
    seed: int
    cells: tuple[ErrorRate, ...]
    categories: tuple[ErrorRate, ...]
    overall: ErrorRate
    verdicts: dict[Verdict, int]
    judged: tuple[AuditedRow, ...]


# Sample and sheet


def draw_sample(table: EventTable, size: int, seed: int) -> list[Event]:
    """Draw rows at random within each category and severity, in random order.

    A cell has ``LEAST_A_CELL`` rows at least, and the rest goes by the root of its rows: between a precise
    rate of all rows and one of every cell. Without room for that, cells with most rows come first.
    """
    rng = np.random.default_rng(seed)
    cells: dict[Cell, list[Event]] = {}
    for row in table.rows():
        cells.setdefault((row.category, row.severity), []).append(row)
    order = sorted(cells, key=lambda cell: (-len(cells[cell]), cell))
    taken: Counter[Cell] = Counter()
    while taken.total() < min(size, len(table)):
        # The next row goes to the cell that is furthest behind its share.
        open_cells = [cell for cell in order if taken[cell] < len(cells[cell])]
        behind = {
            cell: (taken[cell] >= LEAST_A_CELL, (taken[cell] + 0.5) / len(cells[cell]) ** 0.5)
            for cell in open_cells
        }
        taken[min(open_cells, key=behind.__getitem__)] += 1
    sample = [
        cells[cell][place]
        for cell in sorted(taken)
        for place in rng.choice(len(cells[cell]), taken[cell], replace=False).tolist()
    ]
    return [sample[place] for place in rng.permutation(len(sample)).tolist()]


def write_audit_sheet(path: Path, sample: Sequence[Event], scale: Scale) -> None:
    """Write the sheet of a sample: each row with its anchor and its source, and columns for the verdict.

    A text that a spreadsheet would take for a formula gets an apostrophe.
    """
    rows = [[*CODED, *SOURCE, *ANSWERS]]
    for event in sample:
        anchor = scale.anchor(event.category, event.severity)
        cells = {**vars(event), "target": event.recipient, "anchor": anchor}
        texts = (str(cells[name] or "") for name in (*CODED, *SOURCE))
        rows.append([*(f"'{text}" if text.startswith(_FORMULA) else text for text in texts), "", "", ""])
    write_whole(path, csv_text(rows).encode())


def read_verdicts(path: Path, table: EventTable, scale: Scale) -> dict[str, AuditedRow | None]:
    """Read the verdicts of a sheet by id, in its order; ``None`` where a row waits for one.

    What was coded is taken from the event file, by id, and never from the sheet.

    Raises ``EventError``: the file is no such sheet, names a row twice or one that the events lack, or holds
    verdicts that cannot be; all of these are listed.
    """
    sheet = read_sheet(path)
    if sheet.faults:
        raise EventError(faults_message(str(path), sheet.faults, more="."))
    header = [clean_text(cell).lower() for cell in sheet.rows[0].cells] if sheet.rows else []
    if missing := [name for name in ("id", *ANSWERS) if name not in header]:
        raise EventError(f"{path}: no sheet of an audit: it lacks the columns {', '.join(missing)}")
    events = {event.id: event for event in table.rows()}
    verdicts: dict[str, AuditedRow | None] = {}
    faults: list[Fault] = []
    for row in sheet.rows[1:]:
        if fault := row.width_fault(len(header)):
            raise EventError(fault.located(str(path)))
        cells = dict(zip(header, map(clean_text, row.cells), strict=True))
        name = cells["id"].removeprefix("'")
        if name in verdicts or name not in events:
            what = "stands twice" if name in verdicts else "is no row of the event file"
            raise EventError(
                f"{path}:{row.line}: id '{shown(name)}' {what}. Draw a new sample into another sheet"
            )
        verdicts[name] = None
        if any(cells[column] for column in ANSWERS):
            try:
                verdicts[name] = _audited(events[name], cells, scale)
            except ValueError as error:
                faults.append(Fault(row.line, "", str(error)))
    if faults:
        raise EventError(faults_message(str(path), faults, more="."))
    if not verdicts:
        raise EventError(f"{path}: holds no row to judge")
    return verdicts


def _audited(event: Event, cells: Mapping[str, str], scale: Scale) -> AuditedRow:
    """Return the verdict on a row (``ValueError`` where it cannot be, with what is allowed)."""
    verdict, category, severity = (cells[column].strip().lower() for column in ANSWERS)
    if verdict not in VERDICTS:
        hint = did_you_mean(verdict, VERDICTS)
        raise ValueError(f"verdict '{shown(verdict)}'.{hint} Allowed: {', '.join(VERDICTS)}")
    coded = {**vars(event), "target": event.recipient}
    try:
        row = AuditedRow.model_validate(
            {name: coded[name] for name in CODED}
            | {"verdict": verdict, "right_category": category or None, "right_severity": severity or None}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{name}: " for name in first["loc"])
        raise ValueError(f"{place}{first['msg'].removeprefix('Value error, ')}") from error
    right = row.right_category or row.category
    if row.right_severity is not None and scale.anchor(right, row.right_severity) is None:
        raise ValueError(f"the scale '{scale.name}' has no {right} of severity {row.right_severity}")
    return row


# Rates


def make_audit(table: EventTable, judged: Sequence[AuditedRow], seed: int) -> Audit:
    """Return the audit of a table from the verdicts on its sample."""
    population = Counter(zip(table.category.tolist(), map(int, table.severity.tolist()), strict=True))
    cells = sorted(population, key=lambda cell: (CATEGORIES.index(cell[0]), cell[1]))
    wrong = Counter(row.cell for row in judged if row.verdict != "true")
    audited = Counter(row.cell for row in judged)
    counts = np.array([[audited[cell] - wrong[cell], wrong[cell]] for cell in cells])
    rates = rate_draws(counts, np.random.default_rng(seed))[:, :, 1]
    rows = np.array([population[cell] for cell in cells])

    def rate(category: str | None, severity: int | None) -> ErrorRate:
        inside = np.array([category in (None, cell[0]) and severity in (None, cell[1]) for cell in cells])
        draws = rates[:, inside] @ (rows[inside] / rows[inside].sum())
        low, high = np.quantile(draws, [0.05, 0.95])
        return ErrorRate(
            category=category,
            severity=severity,
            rows=int(rows[inside].sum()),
            audited=int(counts[inside].sum()),
            wrong=int(counts[inside, 1].sum()),
            rate=float(draws.mean()),
            interval90=(float(low), float(high)),
        )

    verdicts = Counter(row.verdict for row in judged)
    return Audit(
        source=table.source,
        sha256=table.sha256,
        seed=seed,
        cells=tuple(rate(*cell) for cell in cells),
        categories=tuple(rate(name, None) for name in dict.fromkeys(category for category, _ in cells)),
        overall=rate(None, None),
        verdicts={verdict: verdicts[verdict] for verdict in VERDICTS},
        judged=tuple(judged),
    )


def rate_draws(counts: NDArray[np.int64], rng: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Draw rates of each kind in each cell from their posterior, shape (draw, cell, kind).

    ``counts`` has shape (cell, kind). Gibbs sampling: shared rates by the tables of a Chinese restaurant, one
    a cell, as in the hierarchical Dirichlet process; the concentration on a grid from 0.5 to 500, its inverse
    root uniform.
    """
    n_cells, n_kinds = counts.shape
    flat = np.repeat(np.arange(counts.size), counts.ravel())
    before = np.concatenate([np.arange(n) for n in counts.ravel()]) if len(flat) else np.zeros(0)
    shared, concentration = np.full(n_kinds, 1 / n_kinds), 10.0
    kept = np.empty((draws, n_cells, n_kinds))
    total = counts.sum(axis=1)
    for step in range(BURN_IN + draws):
        weight = np.maximum(concentration * shared, 1e-12)
        of = np.tile(weight, n_cells)[flat]
        new_table = rng.random(len(flat)) < of / (of + before)
        tables = np.bincount(flat[new_table] % n_kinds, minlength=n_kinds)
        shared = rng.dirichlet(_PRIOR + tables)
        weights = np.maximum(_CONCENTRATIONS[:, None] * shared, 1e-12)
        density = (gammaln(_CONCENTRATIONS)[:, None] - gammaln(_CONCENTRATIONS[:, None] + total)).sum(axis=1)
        density += (gammaln(weights[:, None] + counts) - gammaln(weights)[:, None]).sum(axis=(1, 2))
        density -= np.log(_CONCENTRATIONS) / 2
        chance = np.exp(density - density.max())
        concentration = float(rng.choice(_CONCENTRATIONS, p=chance / chance.sum()))
        if step >= BURN_IN:
            gammas = rng.standard_gamma(np.maximum(concentration * shared, 1e-12) + counts)
            gammas = np.maximum(gammas, 1e-300)
            kept[step - BURN_IN] = gammas / gammas.sum(axis=1, keepdims=True)
    return kept


def read_audit(path: Path) -> Audit:
    """Read ``audit.json`` (``EventError``: it cannot be read, or is no audit)."""
    return read_record(path, Audit, "an audit", "forecast events audit")
