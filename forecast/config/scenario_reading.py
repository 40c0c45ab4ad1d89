"""From scenario files, or the options of the command line, to checked scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from forecast.config.faults import Fault, KeyPath, SourceMap, shown
from forecast.config.field_faults import field_faults
from forecast.config.scenario_checks import scenario_faults
from forecast.config.scenario_schema import Scenario
from forecast.config.schema import Config
from forecast.config.yaml_source import YamlValue, read_yaml
from forecast.errors import ConfigError


def load_scenario(path: str | Path) -> Scenario:
    """Read and check one scenario file.

    Raises
    ------
    ConfigError
        Once, with every fault: ``file:line:column: key.path: what came; what is allowed``.
    """
    path = Path(path)
    document = read_yaml(path)
    if not isinstance(document.content, dict):
        raise ConfigError(
            f"{path}:1:1: the file must hold 'key: value' lines, came {shown(document.content)}"
        )
    scenario = scenario_of(document.content, document.source)
    scenario._source_path = path
    return scenario


def scenario_of(settings: Mapping[str, YamlValue], source: SourceMap) -> Scenario:
    """Check the settings of a scenario; ``source`` says where each came from.

    Raises
    ------
    ConfigError
        As ``load_scenario``.
    """
    try:
        scenario = Scenario.model_validate(settings)
    except ValidationError as error:
        # An entry of ``without`` may be an id alone, which the types then read as {id: …}.
        faults = [_at_written_key(fault, settings) for fault in field_faults(error, Scenario)]
        raise source.error([*faults, *scenario_faults(settings)]) from error
    scenario._source = source
    return scenario


def load_scenarios(config: Config) -> tuple[Scenario, ...]:
    """Read the scenarios that a config lists, in its order.

    Raises
    ------
    ConfigError
        One is not valid, or two have the same name.
    """
    paths = [config.base_folder / Path(path).expanduser() for path in config.scenarios]
    scenarios = tuple(load_scenario(path) for path in paths)
    first: dict[str, int] = {}
    for index, scenario in enumerate(scenarios):
        if first.setdefault(scenario.name, index) != index:
            raise config.error(
                ("scenarios", index),
                f"its name '{scenario.name}' is that of {config.scenarios[first[scenario.name]]} too; give "
                "each scenario a name of its own",
            )
    return scenarios


def refuse_same_names(scenarios: Sequence[Scenario]) -> None:
    """Refuse scenarios of one name.

    Raises
    ------
    ConfigError
        Names the two.
    """
    first: dict[str, Scenario] = {}
    for scenario in scenarios:
        other = first.setdefault(scenario.name, scenario)
        if other is not scenario:
            places = " and ".join(str(one.source_path or "the options") for one in (other, scenario))
            raise ConfigError(
                f"two scenarios are named '{scenario.name}': {places}; give each a name of its own"
            )


def _at_written_key(fault: Fault, settings: Mapping[str, YamlValue]) -> Fault:
    path: KeyPath = fault.path
    entries = settings.get("without")
    if path[:1] == ("without",) and len(path) == 3 and path[2] == "id" and isinstance(entries, list):
        index = path[1]
        if isinstance(index, int) and index < len(entries) and isinstance(entries[index], str):
            return Fault(path[:2], fault.message)
    return fault
