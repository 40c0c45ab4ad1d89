"""JSON Schemas (draft 2020-12) of what users write and of what other programs read."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from forecast.config.scenario_schema import Scenario
from forecast.config.schema import Config
from forecast.records.forecast import Forecast

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file, for completion and checks in an editor."""
    return _schema(Config, "Config of a forecast", mode="validation")


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file."""
    schema = _schema(Scenario, "Scenario of a forecast", mode="validation")
    events = schema["properties"]["without"]
    events["items"] = {"anyOf": [{"type": "string", "description": "id of one event"}, events["items"]]}
    return schema


def forecast_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``forecast.json``; every key it lists as required is always there."""
    return _schema(Forecast, "forecast.json", mode="serialization")


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as indented JSON text that ends in a newline."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str, mode: Any) -> dict[str, Any]:  # noqa: ANN401
    schema = model.model_json_schema(by_alias=True, mode=mode)
    return {"$schema": _DIALECT, **schema, "title": title}
