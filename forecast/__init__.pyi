# The public names for type checkers; ``__init__.py`` loads the same when they are first used.
__version__: str

from forecast.config import Config as Config
from forecast.config import Scenario as Scenario
from forecast.config import load_config as load_config
from forecast.config import load_scenario as load_scenario
from forecast.config.scenario import Change as Change
from forecast.config.watchlist import Watchlist as Watchlist
from forecast.config.watchlist import load_watchlist as load_watchlist
from forecast.errors import CautionWarning as CautionWarning
from forecast.errors import ForecastError as ForecastError
from forecast.errors import InputError as InputError
from forecast.errors import NotConvergedError as NotConvergedError
from forecast.errors import NotConvergedWarning as NotConvergedWarning
from forecast.evaluation.past_forecasts import BacktestOptions as BacktestOptions
from forecast.events.reading import load_events as load_events
from forecast.events.reading import read_events as read_events
from forecast.events.table import EventTable as EventTable
from forecast.feeds.importing import ImportOptions as ImportOptions
from forecast.feeds.importing import import_feed as import_feed
from forecast.ledger.recording import resolve_ledger as resolve_ledger
from forecast.ledger.scoring import score_ledger as score_ledger
from forecast.ledger.store import open_ledger as open_ledger
from forecast.phrases.check import describe_config as describe_config
from forecast.priors import default_priors as default_priors
from forecast.records.analysis import Analysis as Analysis
from forecast.records.forecast import Forecast as Forecast
from forecast.records.watch import Watch as Watch
from forecast.report.build import scale_html as scale_html  # by a notebook
from forecast.runs.inputs import read_inputs as read_inputs
from forecast.runs.run import Run as Run
from forecast.runs.run import read_run as read_run
from forecast.scenarios import answer as answer  # by run.answer
from forecast.scenarios import compare_scenarios as compare_scenarios
from forecast.scenarios.bulletin import bulletin as bulletin  # by run.bulletin
from forecast.sensitivity.reconcile import reconcile as reconcile
from forecast.sensitivity.shifts import measure_sensitivity as measure_sensitivity
from forecast.watchlist.backtest import run_list_backtest as run_list_backtest
from forecast.watchlist.watch import run_watch as run_watch
from forecast.workflows.backtest_folder import run_backtest as run_backtest
from forecast.workflows.forecast import fit as fit
from forecast.workflows.forecast import run_forecast as run_forecast
from forecast.workflows.report import rebuild_report as rebuild_report
from forecast.workflows.report import save_run as save_run  # by run.save
