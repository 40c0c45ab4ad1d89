"""Tests of past forecasts with a verdict: how many acts came, and what the forecasts gain on a plain rate.

The N-test asks whether the number that came is among those that were foreseen (Schorlemmer et al. 2007,
doi:10.1785/gssrl.78.1.17), the T-test for the information that an event gains over a reference (Rhoades et
al. 2011, doi:10.2478/s11600-011-0013-5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.evaluation.score_table import ForecastTable, Score, join_forecasts, score_by
from forecast.records.analysis import FEWEST_OUTCOMES

Floats = NDArray[np.float64]
Verdict = Literal["reject", "too few", "pass"]
REFERENCE_RATE = "gamma_poisson"
"""What the T-test compares with, beside a model's own chance of a window as long at the origin before."""
LAST = "last_forecast"
LEVEL = 0.05
"""How often a forecast that is right is rejected, two-sided."""
_TAIL = 1e-12


class CountedWindow(NamedTuple):
    """A window from ``origin`` on, the chance of 0, 1, … acts that a model gave, and how many came."""

    what: str
    target: str
    who: str
    origin: date
    days: int
    chances: Floats
    observed: int


def without_tail(chances: Floats) -> Floats:
    """Cut what hardly adds up to anything."""
    return chances[: max(1, int(np.max(np.flatnonzero(chances > _TAIL), initial=0)) + 1)]


def poisson_number(chance: float) -> Floats:
    """Chance of 0, 1, … events of a Poisson number of which any has this chance."""
    mean = float(-np.log1p(-min(chance, 1 - _TAIL)))
    n = np.arange(20 + int(2 * mean))
    return np.asarray(np.exp(special.xlogy(n, mean) - mean - special.gammaln(n + 1)))


def mean_number(numbers: Sequence[Floats], chance: float) -> Floats:
    """Mean of chances of 0, 1, … acts, made to agree with the ``chance`` of any."""
    mean = np.zeros(max(map(len, numbers)))
    for number in numbers:
        mean[: len(number)] += number / len(numbers)
    above = mean[1:].sum()
    mean *= chance / above if above > 0 else 0.0
    mean[0] = 1 - (chance if above > 0 else 0.0)
    return mean


@dataclass(frozen=True)
class NumberTest:
    """How many acts came and how many were foreseen; ``at_least`` and ``at_most`` are chances of as many.

    A forecast under which even no act at all would not be too few says too little to be tested.
    """

    target: str
    model: str
    horizon_days: int
    windows: int
    observed: int
    expected: float
    interval90: tuple[int, int]
    at_least: float
    at_most: float
    verdict: Verdict


def number_test(windows: Sequence[CountedWindow]) -> NumberTest:
    """Test the number of acts in all windows together, each foreseen when those before it were known."""
    total, observed = np.ones(1), sum(window.observed for window in windows)
    for window in windows:
        total = without_tail(np.convolve(total, window.chances))
    total /= total.sum()
    below = np.concatenate([[0.0], np.cumsum(total)])
    place = min(observed, len(total))
    at_least, at_most = float(1 - below[place]), float(below[min(place + 1, len(total))])
    low, high = (int(np.searchsorted(below[1:], end)) for end in (0.05, 0.95))
    rejected = min(at_least, at_most) < LEVEL / 2
    return NumberTest(
        target=windows[0].target,
        model=windows[0].who,
        horizon_days=windows[0].days,
        windows=len(windows),
        observed=observed,
        expected=float(total @ np.arange(len(total))),
        interval90=(low, high),
        at_least=at_least,
        at_most=at_most,
        verdict="reject" if rejected else "too few" if total[0] >= LEVEL / 2 else "pass",
    )


@dataclass(frozen=True)
class GainTest:
    """Information that an event gains on a ``reference``, in nats, over windows of so many days.

    ``target`` is ``None`` over all. ``None`` where nothing came.
    """

    target: str | None
    model: str
    reference: str
    horizon_days: int
    windows: int
    events: int
    gain: float | None
    interval90: tuple[float, float] | None
    verdict: Verdict


def gain_test(target: str | None, ours: Score, reference: Score) -> GainTest | None:
    """Compare log scores on the windows of both; ``None`` where there are none."""
    both, gap = ours.beside(reference), ours.minus(reference)
    if both is None or gap is None:
        return None
    windows, events = len(both[0]), int(both[0].outcome.sum())
    gain, interval = None, None
    verdict: Verdict = "too few"
    if events:
        high, low = (-end * windows / events for end in gap.interval90)
        gain, interval = -gap.value * windows / events, (low, high)
        if min(events, windows - events) >= FEWEST_OUTCOMES:
            verdict = "pass" if low > 0 else "reject" if high < 0 else "too few"
    days, model = int(both[0].horizon_days.min()), str(ours.group["who"])
    other = REFERENCE_RATE if reference.group["who"] == REFERENCE_RATE else LAST
    return GainTest(target, model, other, days, windows, events, gain, interval, verdict)


@dataclass(frozen=True)
class NumberTests:
    """All tests of a backtest or benchmark, failures first."""

    numbers: tuple[NumberTest, ...]
    gains: tuple[GainTest, ...]

    def overall(self, model: str) -> Verdict:
        """Verdict on the numbers of all targets of a model, which share acts: Bonferroni's bound."""
        own = [test for test in self.numbers if test.model == model]
        if any(min(test.at_least, test.at_most) < LEVEL / 2 / len(own) for test in own):
            return "reject"
        return "pass" if any(test.verdict != "too few" for test in own) else "too few"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        models = dict.fromkeys(test.model for test in self.numbers)
        return {
            "number": [asdict(test) for test in self.numbers],
            "number_over_all": {model: self.overall(model) for model in models},
            "gain": [asdict(test) for test in self.gains],
        }


def _of_origin_before(table: ForecastTable, models: Iterable[str]) -> ForecastTable:
    """The same windows with the chance that each model gave at the origin before, for a window as long."""
    last, rows, chances = dict[tuple[str, str, str], float](), list[int](), list[float]()
    for row in np.argsort(table.origin, kind="stable").tolist():
        cell = table.what[row], table.target[row], table.who[row]
        if cell in last and cell[2] in models:
            rows.append(row)
            chances.append(last[cell])
        last[cell] = table.chance[row]
    found = table.take(np.array(rows, dtype=np.intp))
    return replace(found, who=f"{LAST} " + found.who, chance=np.array(chances))


_FIRST: tuple[Verdict, ...] = ("reject", "too few", "pass")


def number_tests(
    windows: Iterable[CountedWindow], table: ForecastTable, *, seed: int, apart_days: int | None = None
) -> NumberTests:
    """Test numbers and gains on the shortest windows, by model and target; numbers where none overlap."""
    cells: dict[tuple[str, str], list[CountedWindow]] = {}
    free = dict[tuple[str, str, str], date]()
    for window in sorted(windows, key=lambda window: window.origin):
        cell = window.target, window.who
        if window.origin >= free.get((window.what, *cell), window.origin):
            free[window.what, *cell] = window.origin + timedelta(days=window.days)
            cells.setdefault(cell, []).append(window)
    numbers = [*map(number_test, cells.values())]
    shortest, models = table.select(horizon_days=table.horizons[0]), dict.fromkeys(who for _, who in cells)
    shortest = join_forecasts([shortest, _of_origin_before(shortest, models)])
    gains = []
    for target in (None, *shortest.targets):
        asked = shortest if target is None else shortest.select(target=target)
        scores = score_by(asked, "who", seed=seed, apart_days=apart_days)
        for model, other in product(models, (REFERENCE_RATE, LAST)):
            ours, reference = (
                scores.get((who,)) for who in (model, f"{LAST} {model}" if other == LAST else other)
            )
            if ours and reference:
                gains.append(gain_test(target, ours, reference))
    order = _FIRST.index
    return NumberTests(
        tuple(sorted(numbers, key=lambda test: order(test.verdict))),
        tuple(sorted(filter(None, gains), key=lambda test: order(test.verdict))),
    )
