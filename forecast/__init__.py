"""Relationship-risk forecasting: coded events in, probability of escalation before a milestone out.

The map, in the order the data flow::

    config/      YAML file                 → Config           load_config, describe_config
    feeds/       GDELT, ICEWS, PLOVER, …   → an event file    import_feed, feed_options, Switches
    events/      event file, bundled data  → EventTable       load_events, read_events
    series       EventTable                → Panel      (streams of acts on a grid of weeks)
    priors/      names, words, text        → PriorSet         default_priors
    inputs       Config                    → Inputs           read_inputs (all that a run reads, checked)
    models/      Panel, PriorSet     → PyMC model       build_model
    inference/   PyMC model                → Posterior        fit, check_gates
    draws        Posterior or priors       → StreamDraws
    simulation/  StreamDraws               → first days       simulate_first_passages, probability_curve
    drivers      what moved the headline
    scenarios/   a run and a named diff    → its changes      compare_scenarios, read_run
    results      all of it                 → records          Forecast, Analysis (record)
    report/      records                   → report.pdf       build_report
    ledger/      every forecast on record, resolved, scored   open_ledger, resolve_ledger, score_ledger
    run_files    a run on disk                                save_run, rebuild_report
    pipeline     the order of the stages                      make_forecast, run_forecast
    hindcast     forecasts at past dates, put on record
    backtest_run forecasts at past dates, scored              run_backtest, BacktestOptions
    cli/         the command ``forecast``

In a notebook::

    import forecast

    config = forecast.load_config("configs/us-china-2023.yaml")
    run = forecast.make_forecast(config)
    run.forecast.target("military_confrontation").milestones

Names are loaded when first used, so that importing the package is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from forecast.config import (
        Config,
        Scenario,
        describe_config,
        load_config,
        load_scenario,
    )
    from forecast.errors import ForecastError, InputError, NotConvergedError
    from forecast.evaluation.backtest import BacktestOptions
    from forecast.events.bundled import load_events
    from forecast.events.reading import read_events
    from forecast.events.table import EventTable
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import Switches, feed_options
    from forecast.ledger.resolving import resolve_ledger
    from forecast.ledger.scoring import score_ledger
    from forecast.ledger.store import open_ledger
    from forecast.priors import default_priors
    from forecast.records.analysis import Analysis
    from forecast.records.forecast import Forecast
    from forecast.runs.inputs import read_inputs
    from forecast.runs.run import Run, read_run
    from forecast.scenarios import compare_scenarios
    from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness
    from forecast.workflows.backtest import run_backtest
    from forecast.workflows.forecast import make_forecast, run_forecast
    from forecast.workflows.report import rebuild_report, save_run

_HOME = {
    "Analysis": "records.analysis",
    "BacktestOptions": "evaluation.backtest",
    "Config": "config",
    "EventTable": "events.table",
    "Forecast": "records.forecast",
    "ForecastError": "errors",
    "InputError": "errors",
    "NotConvergedError": "errors",
    "RobustnessOptions": "sensitivity.robustness",
    "Run": "workflows.run_files",
    "Scenario": "config",
    "Switches": "feeds.options",
    "compare_scenarios": "scenarios",
    "default_priors": "priors",
    "describe_config": "config",
    "feed_options": "feeds.options",
    "import_feed": "feeds.importing",
    "load_config": "config",
    "load_events": "events.bundled",
    "load_scenario": "config",
    "make_forecast": "workflows.forecast",
    "measure_robustness": "sensitivity.robustness",
    "open_ledger": "ledger.store",
    "read_run": "runs.run",
    "read_events": "events.reading",
    "read_inputs": "runs.inputs",
    "rebuild_report": "workflows.run_files",
    "resolve_ledger": "ledger.resolving",
    "run_backtest": "workflows.backtest",
    "run_forecast": "workflows.forecast",
    "save_run": "workflows.run_files",
    "score_ledger": "ledger.scoring",
}

__all__ = [
    "Analysis",
    "BacktestOptions",
    "Config",
    "EventTable",
    "Forecast",
    "ForecastError",
    "InputError",
    "NotConvergedError",
    "RobustnessOptions",
    "Run",
    "Scenario",
    "Switches",
    "compare_scenarios",
    "default_priors",
    "describe_config",
    "feed_options",
    "import_feed",
    "load_config",
    "load_events",
    "load_scenario",
    "make_forecast",
    "measure_robustness",
    "open_ledger",
    "read_events",
    "read_inputs",
    "read_run",
    "rebuild_report",
    "resolve_ledger",
    "run_backtest",
    "run_forecast",
    "save_run",
    "score_ledger",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"forecast.{_HOME[name]}"), name)
    raise AttributeError(f"module 'forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
