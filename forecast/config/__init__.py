"""A YAML file, checked as a whole, as a frozen ``Config``; written back, hashed, and read in English.

The modules in the order of the flow: ``yaml_source`` (text → plain data with positions), ``overrides``
(``--set``), ``schema`` with ``field_types`` and ``cross_checks`` (what is valid), ``field_faults`` and
``faults`` (how a fault reads), ``reading`` (all of it in one call), ``writing``, ``describe``,
``json_schema``. Scenario files go the same way: ``scenario_schema``, ``scenario_checks``,
``scenario_reading``.
"""

from forecast.config.describe import describe_config, target_definition
from forecast.config.json_schema import (
    config_schema,
    forecast_schema,
    scenario_schema,
    schema_text,
)
from forecast.config.reading import load_config
from forecast.config.scenario_reading import (
    load_scenario,
    load_scenarios,
    refuse_same_names,
    scenario_of,
)
from forecast.config.scenario_schema import AssumedAct, CalendarChange, NewType, PastEvents, Scenario
from forecast.config.schema import (
    BUNDLED_PREFIX,
    CalendarAct,
    Config,
    DelayConfig,
    DyadConfig,
    EventsConfig,
    HeadlineConfig,
    ImpactConfig,
    MilestoneConfig,
    ModelConfig,
    ReportConfig,
    SamplerConfig,
    TargetConfig,
)
from forecast.config.writing import config_hash, resolved_yaml, saved_logo, scenario_yaml

__all__ = [
    "BUNDLED_PREFIX",
    "AssumedAct",
    "CalendarAct",
    "CalendarChange",
    "Config",
    "DelayConfig",
    "DyadConfig",
    "EventsConfig",
    "HeadlineConfig",
    "ImpactConfig",
    "MilestoneConfig",
    "ModelConfig",
    "NewType",
    "PastEvents",
    "ReportConfig",
    "SamplerConfig",
    "Scenario",
    "TargetConfig",
    "config_hash",
    "config_schema",
    "describe_config",
    "forecast_schema",
    "load_config",
    "load_scenario",
    "load_scenarios",
    "refuse_same_names",
    "resolved_yaml",
    "saved_logo",
    "scenario_of",
    "scenario_schema",
    "scenario_yaml",
    "schema_text",
    "target_definition",
]
