"""Pydantic's validation errors as faults in our words: what came, what is allowed, did you mean."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from forecast.config.cross_checks import CROSS_FAULT
from forecast.config.faults import Fault, KeyPath, shown, suggestion
from forecast.config.field_types import FAULT
from forecast.config.schema import Config
from forecast.config.schema_walk import allowed_text, known_keys, node_at, resolved

# Faults of one key seen from another: the key's own fault is in the list already.
_ECHOES = frozenset({CROSS_FAULT, "default_factory_not_called"})


def field_faults(error: ValidationError, model: type[BaseModel] = Config) -> Iterator[Fault]:
    """Yield one fault for each wrong key or value; disagreements between settings are not repeated.

    ``model`` is what was validated: the config, or another file that users write.
    """
    for details in error.errors(include_url=False):
        # A list whose items are all wrong counts as too short: the items' own faults say it better.
        is_echo = details["type"] in _ECHOES or (details["type"] == "too_short" and details["input"])
        if not is_echo:
            yield _fault(details, model)


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    # A wrong key of a mapping of free names carries the mark [key] behind the key itself, and a value of
    # several forms the mark of its form.
    path: KeyPath = tuple(key for key in details["loc"] if not str(key).startswith("["))
    match details["type"]:
        case "extra_forbidden":
            keys = known_keys(node_at(path[:-1], model))
            message = f"unknown key.{suggestion(str(path[-1]), keys)} Allowed: {', '.join(keys)}"
        case "missing":
            message = f"required key is missing; {_purpose(path, model)}"
        case str(kind) if kind == FAULT:
            message = details["msg"]
        case "string_too_long":
            message = f"came {len(details['input'])} signs; allowed: {allowed_text(node_at(path, model))}"
        case "too_short":
            message = f"empty; allowed: {allowed_text(node_at(path, model))}"
        case _:
            message = _unfit(path, details["input"], model)
    return Fault(path, message)


def _unfit(path: KeyPath, came: object, model: type[BaseModel]) -> str:
    node = node_at(path, model)
    options = resolved(node).get("enum", ()) if node is not None else ()
    hint = suggestion(came, map(str, options)) if isinstance(came, str) else ""
    if isinstance(came, (int, float)) and allowed_text(node).startswith("text"):
        hint = f" Put it in quotes: '{came}'"
    return f"came {shown(came)}; allowed: {allowed_text(node)}.{hint}"


def _purpose(path: KeyPath, model: type[BaseModel]) -> str:
    node = node_at(path[:-1], model)
    entry = resolved(node).get("properties", {}).get(path[-1], {}) if node is not None else {}
    purpose = entry.get("description") or (node_at(path, model) or {}).get(
        "description", "see docs/config.md"
    )
    return f"add '{path[-1]}': {purpose}"
