"""Relationship-risk forecasting: coded events in, probability of escalation before a milestone out.

The map, in the order the data flow::

    config/      YAML file                  → Config           load_config, describe_config
    feeds/       GDELT, ICEWS, POLECAT, …   → an event file    import_feed, feed_options, Switches
    events/      event file, bundled data   → EventTable       load_events, read_events
    drafts/      articles, a language model → proposals of acts, for a person to decide on
    panel, streams  events of a pair        → Acts             (by day, stream and severity)
    reactions    what answered what in a record                find_reactions
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
    workflows/   the order of the stages                       make_forecast, run_forecast, save_run,
                                                               rebuild_report, run_backtest
    watchlist/   many dyads at once: ranked                     run_watch, run_list_backtest
    cli/         the command ``forecast``
    records/                                the files of a run as types: facts alone
    wording, phrases/                       numbers in words; sentences from facts
    storage.py                              files and folders, written whole or not at all

In Python::

    import forecast

    config = forecast.load_config("configs/us-china-2023.yaml")
    run = forecast.make_forecast(config)
    run.forecast.target("taiwan_drills").milestones

Names are loaded when first used, so that importing the package is instant: ``__init__.pyi`` says from where.
"""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any

from forecast.frames import MadeFromFrames

__version__ = "0.4.0"

# pip refuses other versions; a checkout that is run as it lies is refused here, before a fault of syntax.
if sys.version_info < (3, 12):  # noqa: UP036
    raise ImportError(
        "forecast needs Python 3.12, 3.13 or 3.14; this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    )

_LINES = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
_NAMES = [(alias, line) for line in _LINES if isinstance(line, ast.ImportFrom) for alias in line.names]
_MODULES = {alias.name: str(line.module) for alias, line in _NAMES}
# In a stub, ``import name as name`` makes a name public.
__all__ = sorted(alias.name for alias, _ in _NAMES if alias.asname)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each name has a type of its own, in the stub
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


MadeFromFrames.load = staticmethod(__getattr__)
