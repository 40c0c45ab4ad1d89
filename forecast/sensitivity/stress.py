"""What the events of a run would cost: expected loss, quantiles, and which events cost more than is stated.

Events come together as on the model's paths. Their combinations are raked, by the least change in the sense
of Kullback and Leibler, to the forecast's own probability of each event (iterative proportional fitting,
Deming & Stephan 1940, doi:10.1214/aoms/1177731829), so that no number here differs from the forecast.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.config import Config
from forecast.errors import InputError, did_you_mean, shown
from forecast.inference.importance import monte_carlo_error
from forecast.records.costs import Combination, LossAt, Stress
from forecast.runs.run import Run
from forecast.storage import content_of, read_plain

Floats = NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.95, 0.99)
SHEET_COLUMNS = ("position", "target", "loss")
MAX_SHEET_BYTES = 5_000_000
_ROUNDS = 2000
_EXACT = 1e-10


@dataclass(frozen=True)
class Exposures:
    """What positions lose if a target happens: position → target → loss, not negative, in one unit."""

    positions: Mapping[str, Mapping[str, float]]

    def loss(self, target: str) -> float:
        """Loss of all positions together."""
        return sum(losses.get(target, 0.0) for losses in self.positions.values())


def exposures_of(config: Config) -> Exposures | None:
    """What a config says is lost, as one position; ``None`` where it says nothing."""
    return Exposures({"all": config.exposures}) if config.exposures else None


def read_exposures(path: Path, targets: Collection[str]) -> Exposures:
    """Read positions from a CSV file with the columns position, target and loss.

    ``InputError`` names the line: another header, an unknown target, a loss that is no number above 0, the
    same position and target twice.
    """
    try:
        text = read_plain(path, MAX_SHEET_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"--exposures {path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--exposures {path}: is not UTF-8 text. Save it as CSV in UTF-8") from error
    positions: dict[str, dict[str, float]] = {}
    with content_of(path, InputError, f"Give a CSV file with the columns {', '.join(SHEET_COLUMNS)}"):
        rows = csv.DictReader(io.StringIO(text, newline=""))
        if tuple(rows.fieldnames or ()) != SHEET_COLUMNS:
            raise InputError(f"{path}:1: expected the columns {', '.join(SHEET_COLUMNS)}")
        for row in rows:
            place = f"{path}:{rows.line_num}"
            if None in row or None in row.values():
                raise InputError(f"{place}: not as many cells as the header")
            position, target = row["position"].strip(), row["target"].strip()
            if target not in targets:
                hint = did_you_mean(target, tuple(targets))
                known = ", ".join(targets)
                raise InputError(f"{place}: the run has no target '{shown(target)}'.{hint} It has: {known}")
            try:
                loss = float(row["loss"])
            except ValueError:
                loss = -1.0
            if not position or not 0 < loss < math.inf:
                raise InputError(
                    f"{place}: expected a position and a loss above 0; got '{shown(row['loss'])}'"
                )
            if target in positions.setdefault(position, {}):
                raise InputError(f"{place}: '{shown(position)}' has a loss for {target} already. Keep one")
            positions[position][target] = loss
    if not positions:
        raise InputError(f"{path}: holds no position. Give one a row: position,target,loss")
    return Exposures(positions)


def measure_stress(run: Run, exposures: Exposures, above: float | None = None) -> Stress:
    """Work out losses before every milestone of a run; ``above`` is the loss that must not be passed."""
    targets = [rule.name for rule in run.inputs.rules]
    losses = {name: exposures.loss(name) for name in targets}
    return Stress(
        stated_loss=above,
        losses={name: loss for name, loss in losses.items() if loss},
        milestones=tuple(
            _loss_at(run, one.name, (one.date - run.inputs.data.grid.origin).days, exposures, above)
            for one in run.inputs.config.milestones
        ),
    )


def stress_of(run: Run) -> Stress | None:
    """Losses by the exposures of a run's config; ``None`` where it states none."""
    exposures = exposures_of(run.inputs.config)
    return measure_stress(run, exposures) if exposures else None


def _loss_at(run: Run, milestone: str, day: int, exposures: Exposures, above: float | None) -> LossAt:
    mixture, rules = run.mixture, run.inputs.rules
    names = [rule.name for rule in rules]
    chances = np.array([mixture.probability(name, day) for name in names])
    hits = np.array([mixture.paths.of(name) < day for name in names])
    cells = np.array(list(product((False, True), repeat=len(names))))
    # Where one target includes another, the narrow one alone cannot happen.
    possible = np.array(
        [
            not any(
                cell[narrow] and not cell[wide]
                for narrow in range(len(names))
                for wide in range(len(names))
                if narrow != wide and rules[wide].includes(rules[narrow])
            )
            for cell in cells
        ]
    )
    code = np.tensordot(2 ** np.arange(len(names))[::-1], hits, axes=1)
    counts = np.bincount(code.ravel(), minlength=len(cells)).astype(np.float64)
    # Half a path for what is possible and was not seen, as everywhere in the forecast.
    shares = np.where(possible, np.maximum(counts, 0.5), 0.0) / counts.sum()
    probability = raked(shares / shares.sum(), cells, chances)
    loss = cells @ np.array([exposures.loss(name) for name in names])
    over = loss > (0.0 if above is None else above)
    weights = np.divide(probability, shares, out=np.zeros_like(shares), where=shares > 0)
    by_draw = {
        name: (weights * value)[code].mean(axis=1) for name, value in (("loss", loss), ("above", over * 1.0))
    }
    told = [
        Combination(
            targets=tuple(name for name, met in zip(names, cell, strict=True) if met),
            loss=float(cost),
            probability=float(chance),
        )
        for cell, cost, chance in zip(cells[over], loss[over], probability[over], strict=True)
    ]
    return LossAt(
        milestone=milestone,
        expected=float(probability @ loss),
        expected_mcse=monte_carlo_error(by_draw["loss"], run.n_chains),
        quantiles={f"{level:g}": _quantile(loss, probability, level) for level in QUANTILES},
        above=None if above is None else float(min(probability[over].sum(), 1.0)),
        above_mcse=None if above is None else monte_carlo_error(by_draw["above"], run.n_chains),
        combinations=tuple(sorted(told, key=lambda one: -one.probability)),
        by_position=dict(_by_position(exposures, names, chances)),
    )


def raked(shares: Floats, cells: NDArray[np.bool_], chances: Floats) -> Floats:
    """Move shares of cells, the least possible, until each event has its chance.

    ``shares`` (cell,) sum to 1, ``cells`` (cell, event) say what happens, ``chances`` (event,) are margins.
    Margins that no cells can have together come as near as the cells let them.
    """
    found = shares.copy()
    for _ in range(_ROUNDS):
        for event, chance in enumerate(chances):
            met = cells[:, event]
            now = found[met].sum()
            if 0.0 < now < 1.0:
                found = np.where(met, found * (chance / now), found * ((1 - chance) / (1 - now)))
        if np.abs(found @ cells - chances).max(initial=0.0) < _EXACT:
            break
    return found


def _quantile(loss: Floats, probability: Floats, level: float) -> float:
    order = np.argsort(loss)
    reached = np.flatnonzero(np.cumsum(probability[order]) >= level - 1e-12)
    return float(loss[order][reached[0]] if len(reached) else loss.max())


def _by_position(exposures: Exposures, names: list[str], chances: Floats) -> Iterator[tuple[str, float]]:
    for position, losses in exposures.positions.items():
        yield (
            position,
            float(sum(losses.get(name, 0.0) * chance for name, chance in zip(names, chances, strict=True))),
        )
