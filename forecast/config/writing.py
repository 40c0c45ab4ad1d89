"""A config written out: YAML with nothing left implicit, its hash, JSON Schemas; and the files that it names.

Logo and fonts are checked before any work.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import yaml
from pydantic import BaseModel

from forecast.config.scenario import Scenario
from forecast.config.schema import Config
from forecast.config.settings_file import plain_scalar
from forecast.config.watchlist import Watchlist
from forecast.errors import InputError
from forecast.records.analysis import Analysis
from forecast.records.bulletin import Bulletin
from forecast.records.forecast import Forecast
from forecast.records.watch import Watch
from forecast.storage import open_plain

SCENARIO_FOLDER = "scenarios"
SAVED_POPULATION = "population.yaml"
SAVED_HAZARD = "hazard.json"
SAVED_EVENTS = "events.csv"
"""Names under which a run folder keeps copies of the files that a config names."""
LARGEST_BYTES = 1_000_000
_MOST_READ = 200_000_000
_FONT_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
_MEDIA_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}svg"
SCHEMAS: dict[str, tuple[type[BaseModel], str, Literal["validation", "serialization"]]] = {
    "config": (Config, "Config of a forecast", "validation"),
    "scenario": (Scenario, "Scenario of a forecast", "validation"),
    "watchlist": (Watchlist, "Watchlist of many dyads", "validation"),
    "forecast": (Forecast, "forecast.json", "serialization"),
    "bulletin": (Bulletin, "What forecast bulletin --json prints", "serialization"),
    "analysis": (Analysis, "analysis.json", "serialization"),
    "watch": (Watch, "watch.json", "serialization"),
}
"""Files by name: their content, what they are, and whether users write them or we."""


class _Dumper(yaml.SafeDumper):
    """Writes what ``settings_file`` reads back as the same: no aliases, quotes where a word would turn."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - PyYAML's own signature
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if plain_scalar(text) == text and isinstance(plain_scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def resolved_yaml(config: Config, folder: Path | None = None) -> str:
    """Return the config as YAML with every default explicit; without ``folder`` it reads back as the same.

    In a ``folder`` paths are rewritten to be found from there; of files that a run keeps they name the
    copies.
    """
    settings = config.model_dump(by_alias=True)
    named = "store" if config.events.store else "source"
    if named == "store":
        del settings["events"]["source"]
    if folder is None:
        return as_yaml(settings)

    def from_folder(path: Path) -> str:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()

    if (events := config.events_path) is not None:
        # Events that came as a table stand in the folder alone.
        settings["events"][named] = from_folder(events) if events.exists() else SAVED_EVENTS
    logo, record = config.logo_path, config.track_record_path
    for section, key, path, saved in (
        (settings["model"], "population", config.population_path, SAVED_POPULATION),
        (settings["model"], "hazard", config.hazard_path, SAVED_HAZARD),
        (settings["report"], "logo", logo, logo and saved_logo(logo)),
        (settings["report"], "track_record", record, record and from_folder(record)),
    ):
        section[key] = section[key] if path is None else saved
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
    first = ("name", "label", "rationale")
    named = {key: settings[key] for key in first if key in settings}
    return as_yaml({"schema": 1, **named, **settings})


def flow_yaml(text: str) -> str:
    """Return a text as it stands in YAML, also between brackets: in quotes where it needs them."""
    return yaml.dump([text], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=float("inf"))[
        1:-2
    ]


def as_yaml(settings: dict[str, Any]) -> str:
    """Return plain values as YAML that ``settings_file`` reads back as the same."""
    return yaml.dump(settings, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def saved_logo(path: Path) -> str:
    """Return the name under which a run folder keeps a copy of its logo: ``logo.svg`` or ``logo.png``."""
    return f"logo{path.suffix.lower()}"


_NO_NUMBER: dict[str, Any] = {
    "scenarios": True,
    "decision": True,
    "outcome": True,
    "sampler": {"max_minutes"},
}
"""Settings that change no number of the forecast."""


def config_hash(config: Config) -> str:
    """Return the SHA-256 of the settings as canonical JSON (64 hex digits), however the file is written.

    What changes no number is left out. Of the files of default priors and of the pooled hazard the content
    counts, and not the name.
    """
    return _settings_hash(config.model_dump(mode="json", by_alias=True, exclude=_NO_NUMBER), config)


def _settings_hash(settings: dict[str, Any], config: Config) -> str:
    for key, path in (("population", config.population_path), ("hazard", config.hazard_path)):
        if path is not None and path.is_file():
            settings["model"][key] = hashlib.sha256(path.read_bytes()).hexdigest()
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def lasting_hash(config: Config) -> str:
    """Return the SHA-256 of the settings that forecasts of one question share, whatever day they are of.

    Left out are days, names and labels, and where the events lie.
    """
    kept: Any = dict.fromkeys(("scale", "model", "calendar", "reactions"), True)
    kept |= {"dyad": {"a", "b", "theatre"}, "events": {"start", "reporting_delay"}}
    kept["targets"] = {"__all__": {"any_of", "min_severity", "by", "towards", "between"}}
    return _settings_hash(config.model_dump(mode="json", by_alias=True, include=kept), config)


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file by its name in ``SCHEMAS``, for completion and checks in an editor."""
    model, title, mode = SCHEMAS[name]
    schema = model.model_json_schema(by_alias=True, mode=mode)
    if model is Config:
        schema["properties"]["events"] = {"anyOf": [{"type": "string"}, schema["properties"]["events"]]}
    if model is Scenario:
        events = schema["properties"]["without"]
        events["items"] = {"anyOf": [{"type": "string", "description": "id of one event"}, events["items"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as indented JSON text that ends in a newline."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Logo:
    """An image: the file it came from, its content, and its media type."""

    path: Path
    content: bytes
    media_type: str


def read_logo(path: Path) -> Logo:
    """Read a logo (``InputError``: larger than 1 MB, or no SVG or PNG image as its name says)."""
    advice = "Give the path of an SVG or PNG file, or leave report.logo out."
    content = _first_bytes(path, LARGEST_BYTES + 1, "logo", advice)
    kind = path.suffix.lower()
    if kind not in _MEDIA_TYPES:
        fault = f"the name ends in '{kind}'"
    elif len(content) > LARGEST_BYTES:
        fault = f"it has more than {LARGEST_BYTES:,} bytes"
    else:
        fault = _png_fault(content) if kind == ".png" else _svg_fault(content)
    if fault:
        raise InputError(
            f"{path}: the logo cannot be set: {fault}. Allowed: an SVG or PNG file of up to 1 MB."
        )
    return Logo(path, content, _MEDIA_TYPES[kind])


def _png_fault(content: bytes) -> str:
    if not content.startswith(_PNG_SIGNATURE):
        return "it does not begin as a PNG file does"
    return "" if all(struct.unpack(">II", content[16:24].ljust(8, b"\0"))) else "it has no width or no height"


def _svg_fault(content: bytes) -> str:
    if b"<!ENTITY" in content:
        return "it defines entities, which are not read"
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        return f"it is not valid XML ({error})"
    return "" if root.tag == _SVG else f"its first element is '{root.tag}', not 'svg' of the SVG namespace"


def _first_bytes(path: Path, number: int, what: str, advice: str) -> bytes:
    try:
        with open_plain(path, _MOST_READ) as file:
            return file.read(number)
    except OSError as error:
        fault = f"the {what} cannot be read ({error.strerror or error})"
        raise InputError(f"{path}: {fault}. {advice}") from error


def refuse_no_font(path: Path) -> None:
    """Refuse (``InputError``) a file that does not begin as a TTF, OTF or TTC file does."""
    advice = "Give the path of a TTF, OTF or TTC file, or leave it out of report.fonts."
    if _first_bytes(path, 4, "font", advice) not in _FONT_SIGNATURES:
        raise InputError(f"{path}: is no font file. Allowed: TTF, OTF, TTC.")
