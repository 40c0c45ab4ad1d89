"""Walking the JSON Schema of a file that users write: which keys a place knows, and what its value may be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from forecast.config.faults import KeyPath
from forecast.config.schema import Config

type Node = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list ([a, b], or one '- item' a line)",
    "object": "a mapping (key: value)",
}


@cache
def root_node(model: type[BaseModel] = Config) -> Node:
    """Return the JSON Schema of a whole file, the config when no other is asked for; references followed."""
    schema = model.model_json_schema(by_alias=True)
    inlined: Node = _inlined(schema, schema.get("$defs", {}))
    return inlined


def _inlined(value: Any, definitions: Node) -> Any:  # noqa: ANN401 - any part of a JSON document
    if isinstance(value, list):
        return [_inlined(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        value = {**definitions[value["$ref"].rsplit("/", 1)[1]], **value}
    return {key: _inlined(item, definitions) for key, item in value.items() if key not in ("$ref", "$defs")}


def resolved(node: Node) -> Node:
    """Of a value that may be empty, return what it is otherwise."""
    while any(option.get("type") == "null" for option in node.get("anyOf", ())):
        node = next(option for option in node["anyOf"] if option.get("type") != "null")
    return node


def child(node: Node, key: str | int) -> Node | None:
    """Return the schema of an entry, ``None`` when the place has no such key."""
    node = resolved(node)
    if isinstance(key, int) or "items" in node:
        found = node.get("items")
    else:
        found = _properties(node).get(str(key)) or node.get("additionalProperties") or None
    return resolved(found) if isinstance(found, Mapping) else None


def node_at(path: KeyPath, model: type[BaseModel] = Config) -> Node | None:
    """Return the schema of a key path, ``None`` when the file has no such place."""
    node: Node | None = root_node(model)
    for key in path:
        node = child(node, key) if node is not None else None
    return node


def known_keys(node: Node | None) -> tuple[str, ...]:
    """Return the keys that a mapping may have; empty when it takes any name."""
    return tuple(_properties(resolved(node))) if node is not None else ()


def _properties(node: Node) -> Node:
    """Keys of a mapping, or of the form of a value that is one."""
    forms = (node, *node.get("oneOf", ()))
    return {key: value for form in forms for key, value in form.get("properties", {}).items()}


def allowed_text(node: Node | None) -> str:
    """Return what a value may be, in words, e.g. ``a whole number from 1 to 5``."""
    if node is None:
        return "see docs/config.md"
    node = resolved(node)
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return ", ".join(map(str, node["enum"]))
    words_of_forms = [str(word) for form in node.get("oneOf", ()) for word in form.get("enum", ())]
    if words_of_forms:
        keys = ", ".join(f"{key}: .." for key in _properties(node))
        return f"{', '.join(words_of_forms)}, or {{{keys}}}"
    words = _TYPES.get(str(node.get("type")), "see docs/config.md")
    lowest, above = node.get("minimum"), node.get("exclusiveMinimum")
    highest, below = node.get("maximum"), node.get("exclusiveMaximum")
    if lowest is not None and highest is not None:
        # The largest seed is a matter of bits and tells nobody anything.
        rest = f" from {lowest:,g} to {highest:,g}" if highest < 1e6 else f", {lowest:g} or more"
        return words + rest
    if above is not None and below is not None:
        return f"{words} between {above:g} and {below:g}"
    if "maxLength" in node:
        return f"{words} of at most {node['maxLength']} signs"
    if "minItems" in node:
        return f"{words} of at least {node['minItems']}"
    return f"{words} of at least {node['minProperties']}" if "minProperties" in node else words
