"""What a backtest asks, from the inputs of a run and a few options: origins, horizons, models."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np

from forecast.errors import InputError
from forecast.evaluation.backtest import BLOCK_ORIGINS, MEMBERS, MODELS, BacktestPlan, outcomes_of
from forecast.evaluation.baselines import BASELINES
from forecast.evaluation.unit_store import decisive_versions
from forecast.evaluation.windows import horizon_lengths, listed_origins, monthly_origins, weekly_origins
from forecast.inference.sampling import SamplerOptions
from forecast.runs.inputs import Inputs
from forecast.wording import count, long_day

HORIZONS = (30, 90, 180)
"""Days ahead, unless told otherwise."""
YEARS_BEFORE = 2
"""Years of data before the first origin, unless told otherwise."""
MOST_DRAWS, MOST_TUNE = 500, 300
"""Draws and warm-up of each chain of a fit at most: scores of some fifty windows need no more."""
QUIET_DAYS = 90
"""Days between the last event and the end of the data above which a note is made."""

Spacing = Literal["monthly", "weekly"]


@dataclass(frozen=True, kw_only=True)
class BacktestOptions:
    """What to forecast in a backtest, and when.

    Parameters
    ----------
    origins : {"monthly", "weekly"} or tuple of date
    first, last : date, optional
        Span of monthly or weekly origins; two years after the start of the data, and their end.
    horizons : tuple of int
        Days ahead.
    milestones : bool
        Also the distances of the config's milestones from its as-of date.
    models : tuple of str
        Some of ``MODELS``; the baselines are always there.
    exact : bool
        Refit at every origin.
    """

    origins: Spacing | tuple[date, ...] = "monthly"
    first: date | None = None
    last: date | None = None
    horizons: tuple[int, ...] = HORIZONS
    milestones: bool = False
    models: tuple[str, ...] = MODELS
    exact: bool = False


def plan_backtest(inputs: Inputs, options: BacktestOptions) -> BacktestPlan:
    """Settle everything that the numbers depend on, checked before any work.

    The data begin where the config's do and end on its as-of date.

    Raises
    ------
    InputError
        An unknown model, no origin with a complete window, an origin before there are data, or a horizon
        without a complete window.
    """
    config, start = inputs.config, inputs.data.grid.start
    horizons = {int(days) for days in horizon_lengths(options.horizons)}
    if options.milestones:
        origin = inputs.data.grid.origin
        horizons |= {(milestone.date - origin).days for milestone in config.milestones} - {0}
    origins = choose_origins(
        options.origins, options.first or _years_after(start), options.last or config.as_of
    )
    sampler = config.sampler
    plan = BacktestPlan(
        dyad=config.name,
        targets=inputs.rules,
        origins=complete_origins(origins, min(horizons), config.as_of),
        horizons=tuple(sorted(horizons)),
        start=start,
        data_end=config.as_of,
        models=known_models(options.models),
        sampler=SamplerOptions(
            seed=sampler.seed,
            draws=min(sampler.draws, MOST_DRAWS),
            tune=min(sampler.tune, MOST_TUNE),
            chains=sampler.chains,
            target_accept=sampler.target_accept,
        ),
        priors=_plain(config.model.priors),
        exact=options.exact,
    )
    if plan.origins[0] <= start:
        raise InputError(
            f"origins: the first is {plan.origins[0]}, but the data begin on {start}, so nothing is known "
            f"before it. Allowed: from {start + timedelta(days=1)} on; a forecast needs years, not days"
        )
    outcomes_of(plan, inputs.events)
    return plan


def choose_origins(origins: Spacing | Sequence[date], first: date, last: date) -> tuple[date, ...]:
    """Return origins as days: monthly or weekly in a span, or those listed.

    Raises
    ------
    InputError
        There is none, or one is listed twice.
    """
    if origins == "monthly":
        days = monthly_origins(first, last)
    elif origins == "weekly":
        days = weekly_origins(first, last)
    else:
        days = listed_origins([day for day in origins if isinstance(day, date)])
    return tuple(days.tolist())


def complete_origins(origins: Sequence[date], shortest: int, data_end: date) -> tuple[date, ...]:
    """Return the origins with at least one complete window.

    Raises
    ------
    InputError
        There is none.
    """
    kept = tuple(origin for origin in origins if origin + timedelta(days=shortest - 1) <= data_end)
    if not kept:
        latest = data_end - timedelta(days=shortest - 1)
        raise InputError(
            f"origins: no window is complete: the first origin is {origins[0]}, the shortest horizon "
            f"{shortest} days and the data end on {data_end}. Allowed: an origin up to {latest}"
        )
    return kept


def known_models(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of models in the order of ``MODELS``, each once.

    Raises
    ------
    InputError
        The list is empty, or a name is unknown.
    """
    for name in names:
        if name in BASELINES:
            raise InputError(f"models: '{name}' is a baseline, and those are always shown. Leave it out")
        if name not in MODELS:
            near = difflib.get_close_matches(name, MODELS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise InputError(f"models: '{name}' is unknown.{hint} Allowed: {', '.join(MODELS)}")
    if not names:
        raise InputError(f"models: the list is empty. Allowed: {', '.join(MODELS)}")
    return tuple(name for name in MODELS if name in names)


def plan_settings(plan: BacktestPlan, data_sha256: str) -> dict[str, Any]:
    """Return as plain JSON values what a resumed backtest must have in common with the interrupted one."""
    return {
        "name": plan.dyad,
        "data_sha256": data_sha256,
        "data_start": plan.start.isoformat(),
        "data_end": plan.data_end.isoformat(),
        "targets": {
            target.name: {"any_of": list(target.any_of), "min_severity": target.min_severity}
            for target in plan.targets
        },
        "origins": [origin.isoformat() for origin in plan.origins],
        "horizons_days": list(plan.horizons),
        "models": list(plan.models),
        "sampler": asdict(plan.sampler),
        "priors": plan.priors,
        "exact": plan.exact,
        "origins_a_unit": BLOCK_ORIGINS,
        "versions": decisive_versions(),
    }


def plan_notes(plan: BacktestPlan, inputs: Inputs) -> tuple[str, ...]:
    """Sentences on what a reader must know of the plan, beside the scores."""
    notes = []
    quiet = (plan.data_end - np.max(inputs.events.date).item()).days
    if quiet > QUIET_DAYS:
        notes.append(
            f"The last event is {count(quiet, 'day')} before the end of the data, {long_day(plan.data_end)}: "
            "windows in between count as quiet. If the file stops earlier, set as_of to its last day."
        )
    others = [family for family in plan.families if family != MEMBERS[0]]
    if plan.priors and others:
        notes.append(f"The priors of the config change the joint family; {' and '.join(others)} keep theirs.")
    return tuple(notes)


def _years_after(start: date) -> date:
    # 29 February has no day two years later; the first origin is the next month's first in any case.
    return date(start.year + YEARS_BEFORE, start.month, min(start.day, 28))


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON-like values of a config
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, Mapping) else value
