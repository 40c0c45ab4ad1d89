"""Keys of every file with a schema that ``forecast schema`` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from forecast.config.writing import schema_of
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITIES,
    armed_scale,
    category_label,
    own_categories,
    standard_scale,
)

Schema = Mapping[str, Any]
WRITTEN = {"config": "Config", "scenario": "Scenario", "watchlist": "Watchlist"}
"""Files that a user writes, and how the page calls them."""
READ = {
    "forecast": "forecast.json",
    "bulletin": "what forecast bulletin --json prints",
    "analysis": "analysis.json",
    "watch": "watch.json",
}
"""Files that a program reads."""
HEADS = {
    "config-keys": (
        "Keys of files you write",
        "Every key of a config, a scenario file and a watchlist, from their schemas. Keys in bold are "
        "required. [The config](config.md), [scenarios](scenarios.md) and [watchlists](watchlist.md) explain "
        "how to use them.",
        WRITTEN,
    ),
    "json-keys": (
        "Keys of files for programs",
        "Every key of the JSON files that the program writes, from their schemas. [Output for "
        "programs](json.md) says which command writes which, and what may change.",
        READ,
    ),
}


def objects(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the objects of a schema with their names, the outermost first, under an empty name."""
    yield "", schema
    for name, one in sorted(schema.get("$defs", {}).items()):
        if "properties" in one:
            yield name, one


def described(one: Schema, schema: Schema) -> str:
    """Return what a key is: its own description, else that of the object that it holds."""
    names = [ref.rpartition("/")[2] for ref in _references(one)]
    told = [schema["$defs"][name].get("description", "") for name in names]
    return str(one.get("description") or next(filter(None, told), ""))


def page(name: str) -> str:
    """Return the page of all keys of the files that users write, or of those that programs read."""
    title, lead, files = HEADS[name]
    parts = [f"# {title}\n\n{lead}\n"]
    for contract, called in files.items():
        found = schema_of(contract)
        parts.append(f"\n## {called}\n\n`forecast schema {contract}` prints the schema.\n")
        for label, one in objects(found):
            if label:
                parts.append(f"\n({contract}-{label})=\n### {label}\n\n{_cell(one.get('description', ''))}\n")
            parts.append(_table(one, contract, found))
    return "".join(parts)


def severities_page() -> str:
    """Return the page of what each severity means, by scale and category."""
    parts = ["# What severities mean\n\n[The codebook](codebook.md) says when to use which scale.\n"]
    for scale, named in ((standard_scale(), ("any", *CATEGORIES)), (armed_scale(), None)):
        for name in named or own_categories(scale):
            anchors = (f"{severity}. {scale.anchor(name, severity)}\n" for severity in SEVERITIES)
            title = "Any act" if name == "any" else category_label(name)
            parts.append(f"\n## {title}, scale `{scale.name}`\n\n{''.join(anchors)}")
    return "".join(parts)


def _table(one: Schema, contract: str, whole: Schema) -> str:
    rows = ["", "| key | what it is | allowed | default |", "|---|---|---|---|"]
    for key, held in one.get("properties", {}).items():
        name = f"**`{key}`**" if key in one.get("required", ()) else f"`{key}`"
        default = f"`{json.dumps(held['default'], ensure_ascii=False)}`" if "default" in held else ""
        cells = (name, _cell(described(held, whole)), _allowed(held, contract), _code_cell(default))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n" if len(rows) > 3 else ""


def _allowed(one: Schema, contract: str) -> str:
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return f"[{name}](#{contract}-{name})"
    for how in ("anyOf", "oneOf", "allOf"):
        if how in one:
            return " or ".join(dict.fromkeys(_allowed(part, contract) for part in one[how]))
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "const" in one:
        return f"`{one['const']}`"
    if one.get("type") == "array" and "items" in one:
        return f"list of: {_allowed(one['items'], contract)}"
    if one.get("type") == "object" and isinstance(one.get("additionalProperties"), dict):
        return f"by name: {_allowed(one['additionalProperties'], contract)}"
    kind = {"string": "text", "null": "null", "integer": "whole number"}.get(
        one.get("type", ""), one.get("type", "")
    )
    if one.get("format") == "date":
        kind = "day"
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    said = [f"{word} {one[limit]:g}" for limit, word in limits.items() if limit in one]
    if "maxLength" in one:
        said.append(f"up to {one['maxLength']} characters")
    return " ".join([kind, *said])


def _references(one: object) -> Iterator[str]:
    if isinstance(one, dict):
        for key, value in one.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(one, list):
        for value in one:
            yield from _references(value)


def _cell(text: str) -> str:
    """Return a text as a cell: code between backticks as it is, elsewhere no sign is taken for markup."""
    parts = " ".join(text.replace("``", "`").split()).split("`")
    code = (f"`{_code_cell(part)}`" if number % 2 else _plain(part) for number, part in enumerate(parts))
    return "".join(code)


def _plain(text: str) -> str:
    for sign in "\\|*_<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _code_cell(text: str) -> str:
    return text.replace("|", r"\|")
