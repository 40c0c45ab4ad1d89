"""What is made of the probabilities of a list: ranks with their uncertainty, changes, triggers.

What the data leave open of a probability is a beta distribution with its mean, as wide between the 5% and 95%
quantiles as its interval. Dyads are drawn apart: uncertainty that they share would leave ranks alone, so that
P(rank ≤ 5) errs towards the middle.

Triggers are named thresholds with hysteresis, so that a probability near one does not switch it every day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.config.watchlist import Watchlist
from forecast.records.base import Interval
from forecast.records.forecast import MilestoneForecast
from forecast.records.watch import Change, TriggerRecord
from forecast.runs.files import BACKTEST, SCORES

TOP = 5
N_RANKINGS = 4000
ERRORS = 2.0
"""An arrow stands for a change of more than so many standard errors, and of a point at least."""
LEAST_CHANGE = 0.01
_HALVINGS = 60

Floats = NDArray[np.float64]


def rank_dyads(headlines: Sequence[tuple[float, Interval]], seed: int) -> tuple[list[int], list[float]]:
    """Return rank, from 1, and P(rank ≤ 5) of each probability with its 90% interval.

    Equal probabilities take the order in which they come.
    """
    if not headlines:
        return [], []
    mean = np.array([probability for probability, _ in headlines])
    order = np.argsort(-mean, kind="stable")
    rank = np.empty(len(mean), dtype=np.int64)
    rank[order] = np.arange(1, len(mean) + 1)
    drawn = draw_probabilities(mean, np.array([interval for _, interval in headlines]), N_RANKINGS, seed)
    # Ties between draws are broken by chance alone, so that equal dyads are equally often ahead.
    random = np.random.default_rng([seed, 1])
    jitter = random.random(drawn.shape)
    places = np.argsort(np.lexsort((jitter, -drawn), axis=1), axis=1)
    return rank.tolist(), np.mean(places < TOP, axis=0).tolist()


def draw_probabilities(mean: Floats, intervals: Floats, n_draws: int, seed: int) -> Floats:
    """Draw probabilities, shape (draw, dyad), from beta distributions of these means and 90% intervals."""
    total = _concentration(mean, intervals[:, 1] - intervals[:, 0])
    random = np.random.default_rng(seed)
    inside = (mean > 0) & (mean < 1) & np.isfinite(total)
    drawn = np.broadcast_to(mean, (n_draws, len(mean))).copy()
    a, b = mean[inside] * total[inside], (1 - mean[inside]) * total[inside]
    drawn[:, inside] = random.beta(a, b, size=(n_draws, int(inside.sum())))
    return drawn


def _concentration(mean: Floats, width: Floats) -> Floats:
    """Sum of the parameters of the beta distribution whose central 90% is so wide; infinite for no width."""
    low, high = np.full(len(mean), np.log(0.1)), np.full(len(mean), np.log(1e7))
    centre = np.clip(mean, 1e-6, 1 - 1e-6)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        a, b = centre * np.exp(middle), (1 - centre) * np.exp(middle)
        wide = special.betaincinv(a, b, 0.95) - special.betaincinv(a, b, 0.05) > width
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.asarray(np.where(width < 1e-6, np.inf, np.exp(low)))


def split_change(
    since: MilestoneForecast, then: MilestoneForecast, now: MilestoneForecast, day: date
) -> Change:
    """Split what moved a probability into time passing and news.

    Parameters
    ----------
    since, now : MilestoneForecast
        Of the watch before and of today.
    then : MilestoneForecast
        Today's model on the events of the watch before; ``now`` where these are the same.
    day : date
        As-of date of the watch before.
    """
    change = now.probability - since.probability
    error = float(np.hypot(now.mcse, since.mcse))
    clear = abs(change) > ERRORS * error and abs(change) >= LEAST_CHANGE
    return Change(
        since=day,
        before=since.probability,
        change=change,
        time_passing=then.probability - since.probability,
        news=now.probability - then.probability,
        error=error,
        arrow=None if not clear else "up" if change > 0 else "down",
    )


def trigger_state(
    probability: float, triggers: Mapping[str, float], hysteresis: float, before: str | None
) -> str | None:
    """Return the highest trigger that holds, ``None`` for none.

    A trigger begins at its threshold, and ends only below threshold × (1 − hysteresis).

    Parameters
    ----------
    probability : float
    triggers : mapping of str to float
        Name → threshold, rising.
    hysteresis : float
        In [0, 1).
    before : str or None
        The state of the watch before; a name that is no trigger any more counts as none.
    """
    names = list(triggers)
    held = names.index(before) if before in names else -1
    state = None
    for place, (name, threshold) in enumerate(triggers.items()):
        bound = threshold * (1 - hysteresis) if place <= held else threshold
        if probability >= bound:
            state = name
    return state


def states_over_time(
    probabilities: Iterable[float], triggers: Mapping[str, float], hysteresis: float
) -> list[str | None]:
    """Return the state after each of several watches in order."""
    states: list[str | None] = []
    for probability in probabilities:
        states.append(trigger_state(probability, triggers, hysteresis, states[-1] if states else None))
    return states


def headline_days(watchlist: Watchlist) -> int:
    """Days ahead of the milestone that triggers are about."""
    asked = watchlist.asked.milestone
    day = next(one.date for one in watchlist.shared_milestones if one.name == asked)
    return (day - watchlist.as_of).days


def trigger_records(watchlist: Watchlist, place: Path) -> tuple[TriggerRecord, ...]:
    """Return the triggers, with false-alarm and miss rates where a backtest of the same question has them.

    ``place`` is the folder of the list.
    """
    rates = _backtest_rates(watchlist, place)
    records = []
    for name, threshold in watchlist.triggers.items():
        known = rates.get(name, {})
        scores = {key: known.get(key) for key in ("false_alarm_rate", "miss_rate", "windows")}
        same = known.get("threshold") == threshold
        records.append(TriggerRecord(name=name, threshold=threshold, **(scores if same else {})))
    return tuple(records)


def _backtest_rates(watchlist: Watchlist, place: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads((place / BACKTEST / SCORES).read_text(encoding="utf-8"))
        asked = {"target": watchlist.asked.target, "horizon_days": headline_days(watchlist)}
        settings = content["model"], content["question"], content["hysteresis"]
        if settings != (watchlist.model.family, asked, watchlist.hysteresis):
            return {}
        return {str(one["name"]): dict(one) for one in content["triggers"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
