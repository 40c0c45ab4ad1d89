"""A YAML file, checked as a whole, as a frozen ``Config``; written back, hashed, and read in English.

``yaml_source``   text → plain data with positions
``faults``        files that users write: what is wrong, where, and how it reads
``field_types``   the kinds of value: names, days, quantiles, priors
``cross_checks``  settings that must agree
``schema``        the config as types
``scenario``      scenario files, and scenarios given as options
``watchlist``     lists of dyads
``reading``       all of it in one call, with the options of the command line
``writing``       the config and the JSON Schemas written out
``describe``      the config in English, its targets as questions
``draft``         a first config, with the targets that ``proposed_targets`` finds
``named_files``   files that a config names: scale, logo, fonts
"""

from forecast.config.describe import describe_config, target_definition
from forecast.config.scenario import (
    AssumedAct,
    NewType,
    PastEvents,
    Scenario,
    load_scenario,
    load_scenarios,
)
from forecast.config.schema import CalendarAct, Config, HeadlineConfig, MilestoneConfig, load_config
from forecast.config.writing import config_hash, resolved_yaml, scenario_yaml

__all__ = [
    "AssumedAct",
    "CalendarAct",
    "Config",
    "HeadlineConfig",
    "MilestoneConfig",
    "NewType",
    "PastEvents",
    "Scenario",
    "config_hash",
    "describe_config",
    "load_config",
    "load_scenario",
    "load_scenarios",
    "resolved_yaml",
    "scenario_yaml",
    "target_definition",
]
