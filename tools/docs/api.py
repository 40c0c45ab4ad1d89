"""The API reference: one page for each name of ``import forecast``, by what it is for, from its docstring."""

from __future__ import annotations

from collections.abc import Iterable

import forecast

GROUPS = {
    "Forecast": (
        "load_config",
        "describe_config",
        "fit",
        "run_forecast",
        "read_run",
        "rebuild_report",
        "read_inputs",
        "Config",
        "Run",
        "Forecast",
        "Analysis",
    ),
    "Events": ("load_events", "read_events", "import_feed", "ImportOptions", "EventTable"),
    "Priors, scenarios, sensitivity": (
        "default_priors",
        "Change",
        "load_scenario",
        "compare_scenarios",
        "measure_sensitivity",
        "reconcile",
        "Scenario",
    ),
    "Backtests and the record": (
        "run_backtest",
        "BacktestOptions",
        "open_ledger",
        "resolve_ledger",
        "score_ledger",
    ),
    "Many dyads": (
        "load_watchlist",
        "run_watch",
        "run_list_backtest",
        "Watchlist",
        "Watch",
    ),
    "Errors and warnings": (
        "ForecastError",
        "InputError",
        "NotConvergedError",
        "NotConvergedWarning",
        "CautionWarning",
    ),
}
MODULES = (
    "forecast.errors",
    "forecast.records.forecast",
    "forecast.baselines",
    "forecast.phrases.chances",
    "forecast.phrases.scenarios",
)
"""Modules whose members the pages speak of."""


def page() -> str:
    """Return the page that lists the public names; raises ``SystemExit`` where one has no group."""
    listed = [name for names in GROUPS.values() for name in names]
    if sorted(listed) != sorted(forecast.__all__):
        apart = sorted(set(listed) ^ set(forecast.__all__))
        raise SystemExit(f"tools/docs/api.py: GROUPS and forecast.__all__ differ in {', '.join(apart)}")
    parts = [
        "# Python API\n",
        "`import forecast` gives all public names; each is loaded when it is first used. Names that are not "
        "on this page may change without notice.\n",
    ]
    for title, names in GROUPS.items():
        parts += [f"## {title}\n", _summary(f"forecast.{name}" for name in names)]
    parts += ["## Modules\n", _summary(MODULES)]
    return "\n".join(parts)


def _summary(names: Iterable[str]) -> str:
    return (
        "```{eval-rst}\n.. autosummary::\n   :toctree: api\n   :nosignatures:\n\n"
        + "\n".join(f"   {name}" for name in names)
        + "\n```\n"
    )
