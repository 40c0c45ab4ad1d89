"""Files that users write: frozen types, changed by ``--set``, written back, and hashed."""

from forecast.config.scenario import AssumedAct as AssumedAct
from forecast.config.scenario import LeftOutEvents as LeftOutEvents
from forecast.config.scenario import Scenario as Scenario
from forecast.config.scenario import load_scenario as load_scenario
from forecast.config.scenario import load_scenarios as load_scenarios
from forecast.config.schema import CalendarAct as CalendarAct
from forecast.config.schema import Config as Config
from forecast.config.schema import HeadlineConfig as HeadlineConfig
from forecast.config.schema import MilestoneConfig as MilestoneConfig
from forecast.config.schema import ReactionConfig as ReactionConfig
from forecast.config.schema import load_config as load_config
from forecast.config.writing import config_hash as config_hash
from forecast.config.writing import lasting_hash as lasting_hash
from forecast.config.writing import resolved_yaml as resolved_yaml
from forecast.config.writing import scenario_yaml as scenario_yaml
