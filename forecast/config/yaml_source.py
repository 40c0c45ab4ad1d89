"""Safe reading of YAML: plain data, with the position of every key, and none of YAML's surprises.

Only what a config needs is read: mappings, lists, text, numbers, ``true``/``false`` and empty values.
Anchors, aliases, tags, duplicate keys and several documents in one file are refused. Words such as
``NO`` and ``on``, ``12:30``, ``010`` and ``2023-07-10`` stay text, as in the JSON schema of YAML 1.2.
"""

from __future__ import annotations

import codecs
import math
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from forecast.config.faults import KeyPath, Position, SourceMap, dotted_path, shown
from forecast.errors import ConfigError, escaped, nearest
from forecast.storage import open_plain

type YamlValue = str | int | float | bool | list[YamlValue] | dict[str, YamlValue] | None

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_VALUES = 50_000
"""Keys, values and lists of a file, where its reader allows no more."""

_HALF_SIGN = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(0|[1-9][0-9]*)(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read_yaml(path: Path, most_values: int = MAX_VALUES) -> tuple[dict[str, YamlValue], SourceMap]:
    """Read a YAML file of ``key: value`` lines, at most 1 MB in UTF-8, and where each line was written.

    Raises ``ConfigError``: it is missing, too large, empty, no text, no YAML, no mapping, or uses what is
    refused.
    """
    raw = _file_bytes(path)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(f"{path}: the text is UTF-16; save the file as UTF-8")
    if b"\0" in raw:
        raise ConfigError(f"{path}: a binary file, not text; give the path of a YAML file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError(f"{path}:{line}: {message}") from error
    content, source = parse_yaml(text, str(path), most_values)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}:1:1: got {shown(content)}; expected 'key: value' lines")
    return content, source


def parse_yaml(text: str, name: str, most_values: int = MAX_VALUES) -> tuple[YamlValue, SourceMap]:
    """Read YAML text; ``name`` stands in messages for the file.

    Raises ``ConfigError``: when the text is empty, not YAML, or uses what is refused.
    """
    positions: dict[KeyPath, Position] = {}
    try:
        loader = _Loader(text, name, most_values)
        root = loader.get_node() if loader.check_node() else None
        if loader.check_node():
            raise loader.refusal("a second document ('---') is not allowed; use one file each")
        content = _value(root, (), positions, name) if root is not None else None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, name) from error
    except yaml.reader.ReaderError as error:
        line, start = text.count("\n", 0, error.position) + 1, text.rfind("\n", 0, error.position)
        sign = f"U+{ord(text[error.position]):04X}"
        message = f"control character {sign} is not allowed; remove it"
        raise _error(name, Position(line, error.position - start), message) from error
    if content is None:
        raise _error(name, Position(1, 1), "the file is empty; 'forecast new' writes one to start from")
    return content, SourceMap(name, positions)


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Return what an unquoted word means: a number, true, false, nothing, or itself as text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


class _Loader(yaml.BaseLoader):
    """Composes nodes that know their place, and refuses what a config does not need as it goes."""

    def __init__(self, text: str, name: str, most_values: int) -> None:
        super().__init__(text)
        self._name, self._most_values = name, most_values
        self._depth, self._values = 0, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        match event:
            case yaml.AliasEvent():
                raise self.refusal(f"alias '*{event.anchor}' is not allowed; write the value out")
            case yaml.NodeEvent() if event.anchor is not None:
                raise self.refusal(f"anchor '&{event.anchor}' is not allowed; write the value out")
            case yaml.ScalarEvent() | yaml.CollectionStartEvent() if event.tag is not None:
                tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
                raise self.refusal(f"tag '{tag}' is not allowed; put text in quotes instead")
            case yaml.CollectionStartEvent() if self._depth == MAX_DEPTH:
                raise self.refusal(f"nested more than {MAX_DEPTH} levels deep")
        self._depth += 1
        self._values += 1
        if self._values > self._most_values:
            raise self.refusal(f"more than {self._most_values:,} keys and values; a config holds settings")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def refusal(self, message: str) -> ConfigError:
        """Return (not raise) an error at the place of what comes next."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return _error(self._name, _position(event.start_mark), message)


def _value(node: yaml.Node, path: KeyPath, positions: dict[KeyPath, Position], name: str) -> YamlValue:
    """Return what a node says; the places of keys and items are added to ``positions``."""
    positions.setdefault(path, _position(node.start_mark))
    if isinstance(node, yaml.ScalarNode):
        _refuse_half_signs(node, name)
        return str(node.value) if node.style else plain_scalar(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), positions, name) for index, item in enumerate(node.value)]
    content: dict[str, YamlValue] = {}
    for key, value in node.value:
        place, below = _position(key.start_mark), (*path, key.value)
        if not isinstance(key, yaml.ScalarNode):
            raise _error(name, place, "a list or mapping cannot be a key; write 'key: value'")
        if key.value in content:
            first = positions[below].line
            message = f"{dotted_path(below)}: duplicate key, already set on line {first}; keep one"
            raise _error(name, place, message)
        _refuse_half_signs(key, name)
        positions[below] = place
        content[key.value] = _value(value, below, positions, name)
    return content


def _refuse_half_signs(node: yaml.ScalarNode, name: str) -> None:
    if (found := _HALF_SIGN.search(str(node.value))) is not None:
        message = f"'\\u{ord(found[0]):04x}' is half of a sign, which no file can hold; remove it"
        raise _error(name, _position(node.start_mark), message)


def _file_bytes(path: Path) -> bytes:
    try:
        # One byte more than allowed: enough to see that it is too large, whatever its size.
        with open_plain(path, sys.maxsize) as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        siblings = [entry.name for entry in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = nearest(path.name, siblings)
        make = " 'forecast new EVENTS.csv' writes one from your events, 'forecast new --pair A,B' a template."
        hint = f" Did you mean '{path.parent / near}'?" if near else make
        raise ConfigError(f"{path}: no such file.{hint}") from error
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); give the path of a YAML file"
        ) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"{path}: larger than {MAX_BYTES:,} bytes; a config holds settings, events go to a CSV"
        )
    return raw


_HINTS = {
    "mapping values are not allowed": "put text that holds ': ' in quotes, or check the indentation",
    "'\\t'": "indent with spaces, not tabs",
    "cannot start any token": "put text that starts with a special character in quotes",
    "could not find expected ':'": "write 'key: value'; is a colon or a closing quote missing?",
    "expected <block end>": "check the indentation and the closing brackets",
    "expected ',' or": "check the commas and the closing brackets",
}


def _syntax_error(error: yaml.MarkedYAMLError, name: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "cannot be read"
    hint = next((hint for part, hint in _HINTS.items() if part in problem), "check quotes and brackets")
    return _error(name, _position(mark) if mark else Position(1, 1), f"not valid YAML: {problem}; {hint}")


def _position(mark: Any) -> Position:  # noqa: ANN401 - the stubs have two types of mark for one
    return Position(mark.line + 1, mark.column + 1)


def _error(name: str, position: Position, message: str) -> ConfigError:
    return ConfigError(escaped(f"{name}:{position.line}:{position.column}: {message}"))
