"""Relationship-risk forecasting: coded events in, probability of escalation before a milestone out.

The map, in the order the data flow::

    config/      YAML file                  → Config           load_config
    feeds/       GDELT, ICEWS, POLECAT, …   → an event file    import_feed, ImportOptions
    events/      event file, bundled data   → EventTable       load_events, read_events
    targets, grid, streams    events           → Acts             (of a pair, by day, stream and severity)
    precedents   what answered what in a record                find_reactions
    priors/      names, words, text         → PriorSet         default_priors
    models/      Acts, PriorSet             → density          (and its gradient; draws by name)
                 draws                      → Chances          (exact: S by draw, target and day)
    inference/   density                    → Posterior        (sampling, gates, weights)
    families/    what model.family chooses from: the model, the pooled hazard, their mean
    runs/        a run: read, held, kept                       read_inputs, Run, read_run
    evaluation/  baselines, backtests, scores                  BacktestOptions
    scenarios/   a run and a named diff     → its changes      compare_scenarios
    sensitivity/ what moved the numbers, what they rest on     measure_sensitivity
    report/      records of a run           → report.pdf
    ledger/      every forecast on record, resolved, scored    open_ledger, resolve_ledger, score_ledger
    workflows/   the order of the stages                       fit, run_forecast, rebuild_report,
                                                               run_backtest
    watchlist/   many dyads at once: ranked                     run_watch, run_list_backtest
    cli/         the command ``forecast``
    records/                                the files of a run as types: facts alone
    wording, phrases/                       numbers in words; sentences from facts
    storage.py                              files and folders, written whole or not at all

In Python::

    import forecast

    run = forecast.fit("bundled:us-china", "configs/us-china-2023.yaml")
    run.chances()

Names are loaded when first used, so that importing the package is instant; type checkers read the stub.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__version__ = "0.5.0"

# pip refuses other versions; a checkout that is run as it lies is refused here, before a fault of syntax.
if sys.version_info < (3, 12):  # noqa: UP036
    raise ImportError(
        "forecast needs Python 3.12, 3.13 or 3.14; this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    )

_MODULES = {
    "Analysis": "forecast.records.analysis",
    "BacktestOptions": "forecast.evaluation.past_forecasts",
    "CautionWarning": "forecast.errors",
    "Change": "forecast.config.scenario",
    "Config": "forecast.config",
    "EventTable": "forecast.events.table",
    "Forecast": "forecast.records.forecast",
    "ForecastError": "forecast.errors",
    "ImportOptions": "forecast.feeds.importing",
    "InputError": "forecast.errors",
    "NotConvergedError": "forecast.errors",
    "NotConvergedWarning": "forecast.errors",
    "Run": "forecast.runs.run",
    "Scenario": "forecast.config",
    "Watch": "forecast.records.watch",
    "Watchlist": "forecast.config.watchlist",
    "compare_scenarios": "forecast.scenarios",
    "default_priors": "forecast.priors",
    "describe_config": "forecast.phrases.check",
    "fit": "forecast.workflows.forecast",
    "import_feed": "forecast.feeds.importing",
    "load_config": "forecast.config",
    "load_events": "forecast.events.reading",
    "load_scenario": "forecast.config",
    "load_watchlist": "forecast.config.watchlist",
    "measure_sensitivity": "forecast.sensitivity.shifts",
    "open_ledger": "forecast.ledger.store",
    "read_events": "forecast.events.reading",
    "read_inputs": "forecast.runs.inputs",
    "read_run": "forecast.runs.run",
    "rebuild_report": "forecast.workflows.report",
    "reconcile": "forecast.sensitivity.reconcile",
    "resolve_ledger": "forecast.ledger.recording",
    "run_backtest": "forecast.workflows.backtest_folder",
    "run_forecast": "forecast.workflows.forecast",
    "run_list_backtest": "forecast.watchlist.backtest",
    "run_watch": "forecast.watchlist.watch",
    "score_ledger": "forecast.ledger.scoring",
}
__all__ = sorted(_MODULES)
_METHODS = {
    "answer": "forecast.scenarios",
    "bulletin": "forecast.scenarios.bulletin",
    "save_run": "forecast.workflows.report",
    "scale_html": "forecast.report.build",
}
"""What methods of ``Run`` call: these stand above its package, and are no public names."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each name has a type of its own, in the stub
    if module := _MODULES.get(name) or _METHODS.get(name):
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
