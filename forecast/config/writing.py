"""What users write, written out: YAML with nothing left implicit, the hash that names it, JSON Schemas."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from forecast.config.scenario import Scenario
from forecast.config.schema import Config
from forecast.config.watchlist import Watchlist
from forecast.config.yaml_source import plain_scalar
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.records.watch import Watch

SCENARIO_FOLDER = "scenarios"
SAVED_POPULATION = "population.yaml"
SAVED_HAZARD = "panel.json"
SAVED_SCALE = "scale.yaml"
SAVED_AUDIT = "audit.json"
"""Names under which a run folder keeps copies of the files that a config names."""
SCHEMAS: dict[str, tuple[type[BaseModel], str, Literal["validation", "serialization"]]] = {
    "config": (Config, "Config of a forecast", "validation"),
    "scenario": (Scenario, "Scenario of a forecast", "validation"),
    "watchlist": (Watchlist, "Watchlist of many dyads", "validation"),
    "forecast": (Forecast, "forecast.json", "serialization"),
    "analysis": (Analysis, "analysis.json", "serialization"),
    "watch": (Watch, "watch.json", "serialization"),
}
"""Files by name: their content, what they are, and whether users write them or we."""


class _Dumper(yaml.SafeDumper):
    """Writes what ``yaml_source`` reads back as the same: no aliases, quotes where a word would turn."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - PyYAML's own signature
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if plain_scalar(text) == text and isinstance(plain_scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def resolved_yaml(config: Config, folder: Path | None = None) -> str:
    """Return the config as YAML with every default explicit; without ``folder`` it reads back as the same.

    For a ``folder`` that the text will be saved in, the paths of event file, track record and fonts are
    rewritten to be found from there, and the files of logo, population, panel, scale and scenarios are
    named as their copies in it.
    """
    settings = config.model_dump(by_alias=True)
    named = "store" if config.events.store else "source"
    if named == "store":
        del settings["events"]["source"]
    if folder is None:
        return as_yaml(settings)

    def from_folder(path: Path) -> str:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()

    if config.events_path is not None:
        settings["events"][named] = from_folder(config.events_path)
    if config.audit_path is not None:
        settings["events"]["audit"] = SAVED_AUDIT
    if config.population_path is not None:
        settings["model"]["population"] = SAVED_POPULATION
    if config.hazard_path is not None:
        settings["model"]["panel"] = SAVED_HAZARD
    if config.scale_path is not None:
        settings["scale"] = SAVED_SCALE
    if config.logo_path is not None:
        settings["report"]["logo"] = saved_logo(config.logo_path)
    if config.track_record_path is not None:
        settings["report"]["track_record"] = from_folder(config.track_record_path)
    settings["report"]["fonts"] = [from_folder(path) for path in config.font_paths]
    settings["scenarios"] = [f"{SCENARIO_FOLDER}/{name}" for name in scenario_files(config)]
    return as_yaml(settings)


def scenario_files(config: Config) -> list[str]:
    """Names that copies of the config's scenario files take in a run folder, in the order of the config."""
    return [f"{index:02d}-{Path(path).name}" for index, path in enumerate(config.scenarios, start=1)]


def scenario_yaml(scenario: Scenario) -> str:
    """Return a scenario as the text of a file that reads back as the same, without what it leaves alone."""
    settings = scenario.model_dump(by_alias=True, exclude_defaults=True)
    if past := settings.get("without"):
        settings["without"] = [event["id"] if set(event) == {"id"} else event for event in past]
    return as_yaml({"schema": 1, **settings})


def flow_yaml(text: str) -> str:
    """Return a text as it stands in YAML, also between brackets: in quotes where it needs them."""
    return yaml.dump([text], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=float("inf"))[
        1:-2
    ]


def as_yaml(settings: dict[str, Any]) -> str:
    """Return plain values as YAML that ``yaml_source`` reads back as the same."""
    return yaml.dump(settings, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def saved_logo(path: Path) -> str:
    """Return the name under which a run folder keeps a copy of its logo: ``logo.svg`` or ``logo.png``."""
    return f"logo{path.suffix.lower()}"


def config_hash(config: Config) -> str:
    """Return the SHA-256 of the settings as canonical JSON (64 hex digits).

    The same settings have the same hash whatever the file looks like: comments, order of keys and explicit
    defaults do not matter. Scenarios, costs, an audit and the limit of time are left out: they change no
    number of the forecast. Of the files of default priors, of the pooled hazard and of anchors the content
    counts, and not the name.
    """
    settings = config.model_dump(
        mode="json",
        by_alias=True,
        exclude={"scenarios": True, "decision": True, "sampler": {"max_minutes"}},
    )
    for section, key, path in (
        (settings["model"], "population", config.population_path),
        (settings["model"], "panel", config.hazard_path),
        (settings, "scale", config.scale_path),
    ):
        if path is not None and path.is_file():
            section[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    del settings["events"]["audit"]
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file by its name in ``SCHEMAS``.

    Of a file that users write it is for completion and checks in an editor; every key that one of ours lists
    as required is always there.
    """
    model, title, mode = SCHEMAS[name]
    schema = model.model_json_schema(by_alias=True, mode=mode)
    if model is Scenario:
        events = schema["properties"]["without"]
        events["items"] = {"anyOf": [{"type": "string", "description": "id of one event"}, events["items"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as indented JSON text that ends in a newline."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
