"""Types of what Python sends to the page, as TypeScript declarations: ``record_types.py > records.d.ts``."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from forecast.app.engine import PageAnswer, PageModel, PageReconciled

SENT = (PageAnswer, PageModel, PageReconciled)
_PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def type_of(schema: dict[str, Any]) -> str:
    """Return the TypeScript type of a JSON schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(map(type_of, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return " | ".join(map(json.dumps, schema.get("enum", [schema.get("const")])))
    if "prefixItems" in schema:
        return f"[{', '.join(map(type_of, schema['prefixItems']))}]"
    if schema.get("type") == "array":
        return f"({type_of(schema['items'])})[]"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"Record<string, {type_of(inner) if isinstance(inner, dict) else 'any'}>"
    return _PLAIN.get(schema.get("type", ""), "any")


def declarations() -> str:
    """Return an interface for every record that is sent, and a type for all that these hold."""
    _, whole = models_json_schema([(one, "serialization") for one in SENT])
    lines = []
    for name, schema in whole["$defs"].items():
        if "properties" not in schema:
            lines.append(f"export type {name} = {type_of(schema)};")
            continue
        fields = (f"  {key}: {type_of(one)};" for key, one in schema["properties"].items())
        lines += [f"export interface {name} {{", *fields, "}"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(declarations())
