"""Scores of a list: pooled over dyads, as a ranking, of triggers, and of what the list as a whole brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.baselines import REFERENCE
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import (
    area_under_roc,
    brier_score,
    calibration_line,
    draw_blocks,
    log_score,
    mean_estimate,
    resampled_lines,
)
from forecast.events.dyads import DyadRule
from forecast.watchlist.joint_paths import NO_SHOCK, SharedShock, actor_loadings, list_outcomes
from forecast.watchlist.ranking import TOP, states_over_time
from forecast.watchlist.shared_shock import LearnedShock, learn_shock, pool_horizons

N_LINES = 300
N_SHOCKS = 1000
SUBLIST, N_SUBLISTS, SUBLIST_STEP = 5, 20, 3
"""Dyads of a small list, how many are drawn, and every which origin they are forecast at."""
_LEAST = 1e-4
_NUMBER_SCORES = ("any", "any_happened", "two", "two_happened", "expected", "number", "log", "spread")
"""Of the list at one origin: chances and outcomes, the number expected and met, its log score, its spread."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ListForecasts:
    """Forecasts of one model, target and horizon of all dyads, and what happened, shape (origin, dyad).

    NaN where a dyad has no forecast at an origin.
    """

    dyads: tuple[str, ...]
    probability: Floats
    outcome: Floats

    @classmethod
    def of(
        cls,
        tables: Mapping[str, ForecastTable],
        target: str,
        horizon_days: int,
        model: str,
        origins: Sequence[date],
    ) -> ListForecasts:
        """Put the tables of all dyads side by side."""
        place = {origin: row for row, origin in enumerate(origins)}
        probability = np.full((len(origins), len(tables)), np.nan)
        outcome = probability.copy()
        for column, table in enumerate(tables.values()):
            rows = table.select(target=target, horizon_days=horizon_days, model=model)
            at = [place[origin] for origin in rows.origin.tolist()]
            probability[at, column], outcome[at, column] = rows.probability, rows.outcome
        return cls(tuple(tables), probability, outcome)

    def only(self, rows: slice) -> ListForecasts:
        """Return some of the origins."""
        return ListForecasts(self.dyads, self.probability[rows], self.outcome[rows])


def pooled_scores(by_model: Mapping[str, ListForecasts], block: int, seed: int) -> list[dict[str, Any]]:
    """Scores of each model over all dyads and origins, and its difference from climatology.

    Only windows that every model forecasts count.
    """
    every = np.all([~np.isnan(one.probability) for one in by_model.values()], axis=0)
    origins = np.flatnonzero(every.any(axis=1))
    drawn = draw_blocks(len(origins), block, seed, N_LINES)
    weights = np.stack([np.bincount(row, minlength=len(origins)) for row in drawn]).astype(np.float64)
    base = np.where(every, by_model[REFERENCE].probability, np.nan)[origins]
    scores = []
    for model, one in by_model.items():
        p, y = (np.where(every, values, np.nan)[origins] for values in (one.probability, one.outcome))
        inside = ~np.isnan(p)
        log, brier = _by_origin(log_score, p, y), _by_origin(brier_score, p, y)
        gain = mean_estimate(log - _by_origin(log_score, base, y), block, seed)
        group = np.broadcast_to(np.arange(len(p))[:, None], p.shape)[inside]
        slopes = resampled_lines(p[inside], y[inside], group, weights)[:, 1]
        known = slopes[np.isfinite(slopes)]
        slope_se = float(known.std(ddof=1)) if len(known) > 1 else np.nan
        scores.append(
            {
                "model": model,
                "n": int(inside.sum()),
                "base_rate": float(y[inside].mean()),
                "brier": asdict(mean_estimate(brier, block, seed)),
                "log": asdict(mean_estimate(log, block, seed)),
                "log_minus_climatology": asdict(gain),
                "calibration_slope": {"value": calibration_line(p[inside], y[inside]).slope, "se": slope_se},
                "auc": area_under_roc(p[inside], y[inside]),
                **ranking_scores(p, y),
            }
        )
    return scores


def _by_origin(score: Any, p: Floats, y: Floats) -> Floats:  # noqa: ANN401 - either score of a forecast
    """Mean score over the dyads of each origin."""
    inside = ~np.isnan(p)
    values = np.where(inside, score(np.where(inside, p, 0.5), np.where(inside, y, 0)), 0.0)
    return np.asarray(values.sum(axis=1) / inside.sum(axis=1))


def ranking_scores(p: Floats, y: Floats) -> dict[str, float | int]:
    """How well dyads are ranked at an origin: AUC within it, and precision at 5.

    Precision at 5 is the share of the five likeliest dyads that met the target, over origins with more than
    five dyads; ``precision_by_chance`` is that of five drawn blindly, ``precision_at_best`` that of a ranking
    which knows what happened.
    """
    areas, precision, blind, best = [], [], [], []
    for chance, happened in zip(p, y, strict=True):
        inside = ~np.isnan(chance)
        one, hit = chance[inside], happened[inside]
        area = area_under_roc(one, hit) if inside.any() else np.nan
        if np.isfinite(area):
            areas.append(area)
        if inside.sum() > TOP:
            chosen = np.argsort(-one, kind="stable")[:TOP]
            precision.append(hit[chosen].mean())
            blind.append(hit.mean())
            best.append(min(hit.sum() / TOP, 1.0))
    means = (areas, precision, blind, best)
    names = ("auc_within_origin", "precision_at_5", "precision_by_chance", "precision_at_best")
    values = {name: float(np.mean(of)) if of else np.nan for name, of in zip(names, means, strict=True)}
    return values | {"ranked_origins": len(precision)}


def trigger_scores(
    forecasts: ListForecasts, triggers: Mapping[str, float], hysteresis: float
) -> list[dict[str, Any]]:
    """False alarms and misses of each trigger, with its hysteresis, over all dyads and origins.

    The false-alarm rate is the share of windows with the trigger (or a higher one) on that stayed quiet; the
    miss rate that of windows with the target in which it was off. ``alarms`` and ``hits`` are their numbers.
    """
    names = list(triggers)
    level = np.full(forecasts.probability.shape, -1)
    for column in range(level.shape[1]):
        rows = np.flatnonzero(~np.isnan(forecasts.probability[:, column]))
        states = states_over_time(forecasts.probability[rows, column].tolist(), triggers, hysteresis)
        level[rows, column] = [names.index(state) if state else -1 for state in states]
    inside, hit = ~np.isnan(forecasts.probability), forecasts.outcome == 1
    found = []
    for place, (name, threshold) in enumerate(triggers.items()):
        on = inside & (level >= place)
        found.append(
            {
                "name": name,
                "threshold": threshold,
                "false_alarm_rate": float(np.mean(~hit[on])) if on.any() else None,
                "miss_rate": float(np.mean(~on[inside & hit])) if (inside & hit).any() else None,
                "windows": int(inside.sum()),
                "alarms": int(on.sum()),
                "hits": int((inside & hit).sum()),
            }
        )
    return found


def list_calibration(
    forecasts: ListForecasts, rules: Sequence[DyadRule], learned: LearnedShock, block: int, seed: int
) -> dict[str, Any]:
    """How the forecast of the list as a whole did: P(any), P(two or more), the number of dyads.

    ``shared`` plays the shock that was learned on the other half of the origins, ``independent`` none: the
    difference of their log scores of the number of dyads says whether the shock earns its place. ``spread``
    is the mean square of (number − expected) over its variance, 1 where the spread is right.
    """
    half = len(forecasts.probability) // 2
    parts = slice(0, half), slice(half, None)
    sharing = actor_loadings(rules) @ actor_loadings(rules).T > 0
    shared, independent = [], []
    for own, other in (parts, parts[::-1]):
        here, there = forecasts.only(own), forecasts.only(other)
        elsewhere = learn_shock(
            there.probability, there.outcome, sharing, learned.horizon_days, max(block, 12), seed
        )
        shared.append(_number_scores(here, rules, pool_horizons([elsewhere]).shock, seed))
        independent.append(_number_scores(here, rules, NO_SHOCK, seed))
    by_kind = {"shared": np.concatenate(shared), "independent": np.concatenate(independent)}
    result: dict[str, Any] = {
        kind: dict(zip(_NUMBER_SCORES, values.mean(axis=0).tolist(), strict=True))
        for kind, values in by_kind.items()
    }
    log = _NUMBER_SCORES.index("log")
    gain = by_kind["shared"][:, log] - by_kind["independent"][:, log]
    result["log_shared_minus_independent"] = asdict(mean_estimate(gain, block, seed))
    if len(forecasts.dyads) > 2 * SUBLIST:
        result["small_lists"] = _small_lists(forecasts, rules, pool_horizons([learned]).shock, block, seed)
    return result


def _small_lists(
    forecasts: ListForecasts, rules: Sequence[DyadRule], shock: SharedShock, block: int, seed: int
) -> dict[str, Any]:
    """How P(any) does on small lists drawn from a long one, for which it is all but certain.

    The shock is that of all origins: it was learned on the same outcomes, though not on P(any).
    """
    random = np.random.default_rng([seed, 2])
    chosen = [np.sort(random.choice(len(rules), SUBLIST, replace=False)) for _ in range(N_SUBLISTS)]
    result: dict[str, Any] = {"dyads": SUBLIST, "lists": N_SUBLISTS}
    score = {}
    for kind, played in (("shared", shock), ("independent", NO_SHOCK)):
        scored = []
        for places in chosen:
            probability = forecasts.probability[::SUBLIST_STEP, places]
            whole = ~np.isnan(probability).any(axis=1)
            outcome = forecasts.outcome[::SUBLIST_STEP, places][whole]
            names = tuple(forecasts.dyads[place] for place in places)
            small = ListForecasts(names, probability[whole], outcome)
            scored.append(_number_scores(small, [rules[int(place)] for place in places], played, seed))
        shortest = min(map(len, scored))
        stacked = np.stack([one[-shortest:] for one in scored])
        means = dict(zip(_NUMBER_SCORES, stacked.mean(axis=(0, 1)).tolist(), strict=True))
        score[kind] = log_score(stacked[:, :, 0], stacked[:, :, 1]).mean(axis=0)
        result[kind] = {
            "any": means["any"],
            "any_happened": means["any_happened"],
            "log": float(score[kind].mean()),
            "spread": means["spread"],
        }
    gain = score["shared"] - score["independent"]
    error = mean_estimate(gain, max(1, -(-block // SUBLIST_STEP)), seed)
    return result | {"log_shared_minus_independent": asdict(error)}


def _number_scores(
    forecasts: ListForecasts, rules: Sequence[DyadRule], shock: SharedShock, seed: int
) -> Floats:
    """``_NUMBER_SCORES`` of each origin, shape (origin, score)."""
    rows = []
    for p, y in zip(forecasts.probability, forecasts.outcome, strict=True):
        inside = np.flatnonzero(~np.isnan(p))
        if len(inside) < 2:
            continue
        loadings = actor_loadings([rules[int(place)] for place in inside])
        (one,) = list_outcomes(p[inside][:, None], loadings, shock, seed, N_SHOCKS)
        number = int(y[inside].sum())
        law = -np.diff([1.0, *one.at_least, 0.0])
        chance = max(float(law[min(number, len(law) - 1)]), _LEAST)
        variance = max(float(one.both.sum() - one.expected**2), _LEAST)
        any_two = one.at_least[0], number >= 1, one.at_least[1], number >= 2
        rows.append(
            (*any_two, one.expected, number, -np.log(chance), (number - one.expected) ** 2 / variance)
        )
    return np.array(rows, dtype=np.float64).reshape(-1, len(_NUMBER_SCORES))
