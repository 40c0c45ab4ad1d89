"""An audit of coded events: a stratified sample, a person's verdict on each row, the error rates they give.

Rates are those of a hierarchical model: verdicts of a cell (category and severity) are multinomial, the
cells' rates Dirichlet about rates that all share, with a concentration that is learned. Small cells are drawn
towards the others as far as the cells agree (Gelman and others, *Bayesian Data Analysis*, chapter 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date as Date
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator
from scipy.special import gammaln

from forecast.errors import EventError
from forecast.events.codebook import CATEGORIES
from forecast.events.table import Event, EventTable
from forecast.records.base import Interval, Probability, Record
from forecast.records.scale import Scale
from forecast.storage import content_of, read_json

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Verdict = Literal["true", "wrong category", "wrong severity", "not this pair", "repeat"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
LEAST_A_CELL = 2
DRAWS, BURN_IN = 1000, 200
_PRIOR = 0.5
_CONCENTRATIONS = np.geomspace(0.5, 500.0, 60)
Cell = tuple[str, int]


class Judged(Record):
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
    def _whole(self) -> Judged:
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

    @property
    def right(self) -> Cell | None:
        """Category and severity as they are; ``None`` where the row is no act to be counted."""
        match self.verdict:
            case "true":
                return self.cell
            case "wrong severity":
                return self.category, self.right_severity or 0
            case "wrong category" if self.right_category:
                return self.right_category, self.right_severity or 0
        return None


class ErrorRate(Record):
    """Share of wrong rows of a group, drawn towards the others where it is small."""

    rows: int = Field(description="rows of the file")
    audited: int
    wrong: int
    rate: Probability
    interval90: Interval


class CellRate(ErrorRate):
    """The same of one category and severity; both ``None`` for all rows, severity for a whole category."""

    category: str | None
    severity: int | None


class Audit(Record):
    """The content of ``audit.json``."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    source: str
    sha256: str = Field(description="of the rows that the sample was drawn from")
    seed: int
    cells: tuple[CellRate, ...]
    categories: tuple[CellRate, ...]
    overall: CellRate
    verdicts: dict[Verdict, int]
    judged: tuple[Judged, ...]

    def known_by(self, as_of: Date) -> Audit:
        """Return the audit with the verdicts alone on rows that were known on a day."""
        return self.model_copy(
            update={"judged": tuple(one for one in self.judged if one.known_date <= as_of)}
        )


def draw_sample(table: EventTable, size: int, seed: int) -> list[Event]:
    """Draw rows at random within each category and severity, in random order.

    A cell has ``LEAST_A_CELL`` rows at least, and the rest goes by the root of its rows: between a precise
    rate of all rows and one of every cell. Without room for that, cells with most rows come first.
    """
    rng = np.random.default_rng(seed)
    rows = list(table.rows())
    cells: dict[Cell, list[Event]] = {}
    for row in rows:
        cells.setdefault((row.category, row.severity), []).append(row)
    order = sorted(cells, key=lambda one: (-len(cells[one]), one))
    taken: Counter[Cell] = Counter()
    while sum(taken.values()) < min(size, len(rows)):
        # The next row goes to the cell that is furthest behind its share.
        open_ = [one for one in order if taken[one] < len(cells[one])]
        chosen = min(
            open_, key=lambda one: (taken[one] >= LEAST_A_CELL, (taken[one] + 0.5) / len(cells[one]) ** 0.5)
        )
        taken[chosen] += 1
    sample = [
        cells[one][place]
        for one in sorted(taken)
        for place in rng.choice(len(cells[one]), taken[one], replace=False).tolist()
    ]
    return [sample[place] for place in rng.permutation(len(sample)).tolist()]


def make_audit(table: EventTable, judged: Sequence[Judged], seed: int) -> Audit:
    """Return the audit of a table from the verdicts on its sample."""
    population = Counter(zip(table.category.tolist(), map(int, table.severity.tolist()), strict=True))
    cells = sorted(population, key=lambda one: (CATEGORIES.index(one[0]), one[1]))
    wrong = Counter(one.cell for one in judged if one.verdict != "true")
    audited = Counter(one.cell for one in judged)
    counts = np.array([[audited[one] - wrong[one], wrong[one]] for one in cells])
    rates = rate_draws(counts, np.random.default_rng(seed))[:, :, 1]
    rows = np.array([population[one] for one in cells])

    def rate(category: str | None, severity: int | None) -> CellRate:
        inside = np.array([category in (None, one[0]) and severity in (None, one[1]) for one in cells])
        draws = rates[:, inside] @ (rows[inside] / rows[inside].sum())
        low, high = np.quantile(draws, [0.05, 0.95])
        return CellRate(
            category=category,
            severity=severity,
            rows=int(rows[inside].sum()),
            audited=int(counts[inside].sum()),
            wrong=int(counts[inside, 1].sum()),
            rate=float(draws.mean()),
            interval90=(float(low), float(high)),
        )

    found = Counter(one.verdict for one in judged)
    return Audit(
        source=table.source,
        sha256=table.sha256,
        seed=seed,
        cells=tuple(rate(*one) for one in cells),
        categories=tuple(rate(one, None) for one in dict.fromkeys(category for category, _ in cells)),
        overall=rate(None, None),
        verdicts={one: found[one] for one in VERDICTS},
        judged=tuple(judged),
    )


def rate_draws(counts: Ints, rng: np.random.Generator, draws: int = DRAWS) -> Floats:
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


def read_audit(path: Path, scale: Scale) -> Audit:
    """Read ``audit.json``.

    Raises ``EventError``: the file cannot be read, is no audit, or knows acts that the scale has not.
    """
    advice = "Give the file that 'forecast events audit' wrote"
    try:
        with content_of(path, EventError, advice):
            audit = Audit.model_validate_json(read_json(path))
    except OSError as error:
        raise EventError(f"{path}: cannot be read ({error.strerror or error}). {advice}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise EventError(f"{path}: no audit ({place}: {first['msg']}). {advice}") from error
    beyond = [one.right for one in audit.judged if one.right and scale.anchor(*one.right) is None]
    if beyond:
        category, severity = beyond[0]
        raise EventError(f"{path}: the scale '{scale.name}' has no {category} of severity {severity}")
    return audit


def known_audit(path: Path | None, scale: Scale, as_of: Date) -> Audit | None:
    """Return the audit of a file without verdicts on rows that were not yet known; ``None`` without a file.

    Raises ``EventError``: as ``read_audit``.
    """
    return None if path is None else read_audit(path, scale).known_by(as_of)


def drawn_records(
    table: EventTable, audit: Audit, anchors: Mapping[str, Mapping[int, str]], n: int, seed: int
) -> list[EventTable]:
    """Draw what the rows truly are, ``n`` times; none where the audit found no error.

    Rows that were judged are as the verdict says. Every other row has a verdict drawn at the rates of its
    cell, under a draw of their posterior; what nobody found has rate 0. A wrong category or severity becomes
    one that was found instead: those of the same category where there are any, else of all, under weights of
    the Bayesian bootstrap (Rubin 1981). Only cells in ``anchors`` are drawn.
    """
    errors = [one for one in audit.judged if one.verdict != "true"]
    if not errors:
        return []
    kinds = [one for one in VERDICTS if one == "true" or any(error.verdict == one for error in errors)]
    cells = list(zip(table.category.tolist(), map(int, table.severity.tolist()), strict=True))
    every = sorted({*cells, *(one.cell for one in audit.judged)})
    place = {cell: number for number, cell in enumerate(every)}
    found = Counter((one.cell, one.verdict) for one in audit.judged)
    counts = np.array([[found[cell, kind] for kind in kinds] for cell in every])
    rng = np.random.default_rng(seed)
    rates = rate_draws(counts, rng)[:: DRAWS // n][:n]
    known = {(one.id, one.cell, one.date, one.initiator, one.target): one for one in audit.judged}
    rows = zip(
        table.id.tolist(),
        cells,
        table.date.tolist(),
        table.initiator.tolist(),
        table.recipient.tolist(),
        strict=True,
    )
    judged = [known.get(row) for row in rows]
    cell_of = np.array([place[cell] for cell in cells])
    return [_drawn(table, cells, judged, one[cell_of], kinds, errors, anchors, rng) for one in rates]


def _drawn(
    table: EventTable,
    cells: Sequence[Cell],
    judged: Sequence[Judged | None],
    rates: Floats,
    kinds: Sequence[Verdict],
    errors: Sequence[Judged],
    anchors: Mapping[str, Mapping[int, str]],
    rng: np.random.Generator,
) -> EventTable:
    weights = rng.dirichlet(np.ones(len(errors)))
    chosen = (rates.cumsum(axis=1) < rng.random(len(cells))[:, None]).sum(axis=1)
    luck = rng.random(len(cells))
    right: list[Cell | None] = []
    for cell, known, kind, u in zip(cells, judged, chosen.tolist(), luck.tolist(), strict=True):
        verdict = kinds[min(kind, len(kinds) - 1)]
        if known is not None:
            right.append(known.right)
        elif verdict == "true":
            right.append(cell)
        elif verdict in ("not this pair", "repeat"):
            right.append(None)
        else:
            right.append(_corrected(cell, verdict, errors, weights, anchors, u))
    kept = np.array([one is not None for one in right])
    some = [one for one in right if one is not None]
    selected = table.select(kept)
    return selected.recoded([one[0] for one in some], [one[1] for one in some])


def _corrected(
    cell: Cell,
    verdict: Verdict,
    errors: Sequence[Judged],
    weights: Floats,
    anchors: Mapping[str, Mapping[int, str]],
    luck: float,
) -> Cell | None:
    """What a row of a cell with a wrong category or severity is, by one of the corrections found."""
    category, severity = cell
    of_kind = [
        (one, weight) for one, weight in zip(errors, weights.tolist(), strict=True) if one.verdict == verdict
    ]
    # A severity is put right by the step that was found, so that one category's corrections serve another.
    options: list[tuple[Cell | None, float, bool]] = []
    for one, weight in of_kind:
        if verdict == "wrong category":
            to = one.right
            fits = to is None or (to[0] != category and to[1] in anchors.get(to[0], {}))
        else:
            to = category, severity + (one.right_severity or 0) - one.severity
            fits = to[1] in anchors.get(category, {})
        if fits:
            options.append((to, weight, one.category == category))
    own = [one for one in options if one[2]]
    options = own or options
    if not options:
        return cell
    bounds = np.cumsum([weight for _, weight, _ in options])
    return options[int(np.searchsorted(bounds, luck * bounds[-1], side="right").clip(0, len(options) - 1))][0]
