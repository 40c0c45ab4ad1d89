"""A YAML file, checked as a whole, as a frozen ``Config``; written back, hashed, and read in English.

``yaml_source``   text → plain data with positions
``faults``        what is wrong, where, and how it reads
``field_types``   the kinds of value: names, days, quantiles, priors
``cross_checks``  settings that must agree
``settings_file`` what all files that users write have in common
``schema``        the config as types
``scenario``      scenario files, the same way
``reading``       all of it in one call, with the options of the command line
``writing``       the config and its schemas written out
``describe``      the config in English
``looks``         logo and fonts of the report
"""

from forecast.config.describe import describe_config, target_definition
from forecast.config.reading import load_config
from forecast.config.scenario import (
    AssumedAct,
    NewType,
    PastEvents,
    Scenario,
    load_scenario,
    load_scenarios,
)
from forecast.config.schema import CalendarAct, Config, HeadlineConfig, MilestoneConfig
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
