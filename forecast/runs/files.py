"""The names of all files of a run folder, each spelled here and nowhere else."""

from __future__ import annotations

FORECAST = "forecast.json"
"""The public contract: every number of the forecast."""
ANALYSIS = "analysis.json"
"""What the report shows beside it."""
CONFIG = "config.resolved.yaml"
EVENTS = "events.csv"
POSTERIOR = "posterior.nc"
PATHS = "paths.nc"
MANIFEST = "manifest.json"
"""Kind of the folder, and the hashes of all its files."""
TRACK_RECORD = "track_record.json"
LEDGER_RECORD = "ledger_record.json"
PREVIOUS_RUN = "previous_run.json"
PDF, BRIEF, PAGE, FIGURES = "report.pdf", "brief.pdf", "report.html", "figures"
"""What a report consists of: made again whenever it is asked for."""

BACKTEST = "backtest"
"""Folder, beside the runs of a config, that holds its backtest."""
SCORES, PLAN, FORECASTS, ORIGINS = "scores.json", "plan.json", "forecasts.csv", "origins.csv"
"""Files of a backtest folder."""
