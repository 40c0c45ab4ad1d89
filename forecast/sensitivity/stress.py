"""What the events of a run would cost: expected loss, quantiles, and which events cost more than is stated.

Events come together as on the model's paths. Their combinations are raked, by the least change in the sense
of Kullback and Leibler, to the forecast's own probability of each event (iterative proportional fitting,
Deming & Stephan 1940, doi:10.1214/aoms/1177731829), so that no number here differs from the forecast.
"""

from __future__ import annotations

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
from forecast.storage.sheets import Row, check_rows, read_rows

Floats = NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.95, 0.99)
SHEET_COLUMNS = ("position", "target", "loss")
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

    ``InputError`` names the line: an unknown target, a loss that is no number above 0, the same position and
    target twice.
    """
    rows = read_rows(path, SHEET_COLUMNS, help="Give one position a row")
    positions: dict[str, dict[str, float]] = {}

    def add(row: Row) -> None:
        position, target = row["position"], row["target"]
        if not position:
            raise row.fault("position", "a name")
        if target not in targets:
            hint = did_you_mean(target, tuple(targets))
            raise row.fault("target", f"a target of the run.{hint} It has: {', '.join(targets)}")
        try:
            loss = float(row["loss"])
        except ValueError:
            loss = -1.0
        if not 0 < loss < math.inf:
            raise row.fault("loss", "a loss above 0")
        if target in positions.setdefault(position, {}):
            raise InputError(f"{row.place}: '{shown(position)}' has a loss for {target} already. Keep one")
        positions[position][target] = loss

    check_rows(rows, add)
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
