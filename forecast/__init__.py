"""Relationship-risk forecasting: coded events in, probability of escalation before a milestone out.

The map, in the order the data flow::

    config/      YAML file                  → Config           load_config, describe_config
    feeds/       GDELT, ICEWS, PLOVER, …    → an event file    import_feed, feed_options, Switches
    events/      event file, bundled data   → EventTable       load_events, read_events
    panel/       events of one or more dyads → Panel           (counts by dyad, step and stream)
    priors/      names, words, text         → PriorSet         default_priors
    models/      Panel, PriorSet            → density          (and its gradient; draws by name)
    inference/   density                    → Posterior        (sampling, gates, weights)
    simulation/  draws                      → first-passage times, probabilities
    families/    what model.family chooses from: the model, the pooled hazard, their mean
    runs/        a run: read, held, kept                       read_inputs, Run, read_run
    evaluation/  baselines, backtests, scores                  BacktestOptions
    scenarios/   a run and a named diff     → its changes      compare_scenarios
    sensitivity/ what moved the numbers, what they rest on     measure_robustness
    report/      records of a run           → report.pdf
    ledger/      every forecast on record, resolved, scored    open_ledger, resolve_ledger, score_ledger
    workflows/   the order of the stages                       make_forecast, run_forecast, save_run,
                                                               rebuild_report, run_backtest
    watchlist/   many dyads at once: ranked, put together       run_watch, run_list_backtest
    mcp_server   saved runs and the ledger, for an assistant
    bench/       speed, accuracy, convergence, measured
    cli/         the command ``forecast``
    records/, wording/                      the files of a run as types; all that is said in words
    storage/                                files and folders, written whole or not at all

In a notebook::

    import forecast

    config = forecast.load_config("configs/us-china-2023.yaml")
    run = forecast.make_forecast(config)
    run.forecast.target("taiwan_drills").milestones

Names are loaded when first used, so that importing the package is instant.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

__version__ = "0.2.0"

# pip refuses other versions; a checkout that is run as it lies is refused here, before a fault of syntax.
if sys.version_info < (3, 12):  # noqa: UP036
    raise ImportError(
        "forecast needs Python 3.12, 3.13 or 3.14; this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    )

if TYPE_CHECKING:
    from forecast.config import (
        Config,
        Scenario,
        describe_config,
        load_config,
        load_scenario,
    )
    from forecast.config.watchlist import Watchlist, load_watchlist
    from forecast.errors import (
        CautionWarning,
        ForecastError,
        InputError,
        NotConvergedError,
        NotConvergedWarning,
    )
    from forecast.evaluation.backtest import BacktestOptions
    from forecast.events.reading import load_events, read_events
    from forecast.events.table import EventTable
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import Switches, feed_options
    from forecast.ledger.resolving import resolve_ledger
    from forecast.ledger.scoring import score_ledger
    from forecast.ledger.store import open_ledger
    from forecast.priors import default_priors
    from forecast.progress import progress_bar
    from forecast.records.analysis import Analysis
    from forecast.records.forecast import Forecast
    from forecast.records.watch import Watch
    from forecast.runs.inputs import read_inputs
    from forecast.runs.run import Run, read_run
    from forecast.scenarios import compare_scenarios
    from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness
    from forecast.watchlist.backtest import run_list_backtest
    from forecast.watchlist.watch import WatchOptions, run_watch
    from forecast.workflows.backtest import run_backtest
    from forecast.workflows.forecast import make_forecast, run_forecast
    from forecast.workflows.report import rebuild_report, save_run

_HOME = {
    "Analysis": "records.analysis",
    "BacktestOptions": "evaluation.backtest",
    "CautionWarning": "errors",
    "Config": "config",
    "EventTable": "events.table",
    "Forecast": "records.forecast",
    "ForecastError": "errors",
    "InputError": "errors",
    "NotConvergedError": "errors",
    "NotConvergedWarning": "errors",
    "RobustnessOptions": "sensitivity.robustness",
    "Run": "runs.run",
    "Scenario": "config",
    "Switches": "feeds.options",
    "Watch": "records.watch",
    "WatchOptions": "watchlist.watch",
    "Watchlist": "config.watchlist",
    "compare_scenarios": "scenarios",
    "default_priors": "priors",
    "describe_config": "config",
    "feed_options": "feeds.options",
    "import_feed": "feeds.importing",
    "load_config": "config",
    "load_events": "events.reading",
    "load_scenario": "config",
    "load_watchlist": "config.watchlist",
    "make_forecast": "workflows.forecast",
    "measure_robustness": "sensitivity.robustness",
    "open_ledger": "ledger.store",
    "progress_bar": "progress",
    "read_events": "events.reading",
    "read_inputs": "runs.inputs",
    "read_run": "runs.run",
    "rebuild_report": "workflows.report",
    "resolve_ledger": "ledger.resolving",
    "run_backtest": "workflows.backtest",
    "run_forecast": "workflows.forecast",
    "run_list_backtest": "watchlist.backtest",
    "run_watch": "watchlist.watch",
    "save_run": "workflows.report",
    "score_ledger": "ledger.scoring",
}

__all__ = [
    "Analysis",
    "BacktestOptions",
    "CautionWarning",
    "Config",
    "EventTable",
    "Forecast",
    "ForecastError",
    "InputError",
    "NotConvergedError",
    "NotConvergedWarning",
    "RobustnessOptions",
    "Run",
    "Scenario",
    "Switches",
    "Watch",
    "WatchOptions",
    "Watchlist",
    "compare_scenarios",
    "default_priors",
    "describe_config",
    "feed_options",
    "import_feed",
    "load_config",
    "load_events",
    "load_scenario",
    "load_watchlist",
    "make_forecast",
    "measure_robustness",
    "open_ledger",
    "progress_bar",
    "read_events",
    "read_inputs",
    "read_run",
    "rebuild_report",
    "resolve_ledger",
    "run_backtest",
    "run_forecast",
    "run_list_backtest",
    "run_watch",
    "save_run",
    "score_ledger",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"forecast.{_HOME[name]}"), name)
    raise AttributeError(f"module 'forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
