"""Safe reading of YAML: plain data, with the position of every key, and none of YAML's surprises.

Only what a config needs is read: mappings, lists, text, numbers, ``true``/``false`` and empty values.
Anchors, aliases, tags, duplicate keys and several documents in one file are refused. Words such as
``NO`` and ``on``, ``12:30``, ``010`` and ``2023-07-10`` stay text, as in the JSON schema of YAML 1.2.
"""

from __future__ import annotations

import codecs
import difflib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from forecast.config.faults import KeyPath, Position, SourceMap, dotted_path, printable
from forecast.errors import ConfigError

type YamlValue = str | int | float | bool | list[YamlValue] | dict[str, YamlValue] | None

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(0|[1-9][0-9]*)(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class YamlDocument:
    """What a file says, and where it says it."""

    content: YamlValue
    source: SourceMap


@dataclass
class _Open:
    """A mapping or list that is being read; ``key`` waits for its value."""

    path: KeyPath
    value: list[YamlValue] | dict[str, YamlValue]
    key: str | None = None


def read_yaml(path: Path) -> YamlDocument:
    """Read a YAML file of at most 1 MB in UTF-8 (with or without byte order mark).

    Raises
    ------
    ConfigError
        When the file is missing, too large, empty, not text, not YAML, or uses what is refused.
    """
    return parse_yaml(_decoded(_file_bytes(path), str(path)), str(path))


def parse_yaml(text: str, name: str) -> YamlDocument:
    """Read YAML text; ``name`` stands in messages for the file.

    Raises
    ------
    ConfigError
        When the text is empty, not YAML, or uses what is refused.
    """
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, name) from error
    except yaml.reader.ReaderError as error:
        position = _position_in(text, error.position)
        sign = f"U+{ord(text[error.position]):04X}"
        raise _error(name, position, f"control character {sign} is not allowed; remove it") from error
    if builder.document is None:
        raise _error(name, Position(1, 1), "the file is empty; start from configs/us-china-2023.yaml")
    return builder.document


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Return what an unquoted word means: a number, true, false, nothing, or itself as text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


class _Builder:
    """Builds the document from the parser's events, without recursion, refusing as it goes."""

    def __init__(self, name: str) -> None:
        self.document: YamlDocument | None = None
        self._name = name
        self._open: list[_Open] = []
        self._positions: dict[KeyPath, Position] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event of the parser."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._refusal(event, "a second document ('---') is not allowed; use one file each")
            case yaml.AliasEvent():
                raise self._refusal(event, f"alias '*{event.anchor}' is not allowed; write the value out")
            case yaml.NodeEvent() if event.anchor is not None:
                raise self._refusal(event, f"anchor '&{event.anchor}' is not allowed; write the value out")
            case yaml.ScalarEvent() | yaml.CollectionStartEvent() if event.tag is not None:
                raise self._refusal(event, f"tag '{_tag(event)}' is not allowed; put text in quotes instead")
            case yaml.ScalarEvent():
                self._take_scalar(event)
            case yaml.CollectionStartEvent():
                self._take_start(event)
            case yaml.CollectionEndEvent():
                self._put_away(self._open.pop().value)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        top = self._open[-1] if self._open else None
        if top is None or top.key is not None or isinstance(top.value, list):
            self._mark_item(event)
            self._put_away(event.value if event.style else plain_scalar(event.value))
            return
        top.key = event.value
        path = (*top.path, top.key)
        position = _position(event.start_mark)
        if path in self._positions:
            first = self._positions[path].line
            raise self._refusal(
                event, f"{dotted_path(path)}: duplicate key, already set on line {first}; keep one"
            )
        self._positions[path] = position

    def _take_start(self, event: yaml.CollectionStartEvent) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise self._refusal(event, "a list or mapping cannot be a key; write 'key: value'")
        if len(self._open) == MAX_DEPTH:
            raise self._refusal(event, f"nested more than {MAX_DEPTH} levels deep")
        self._mark_item(event)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open(self._here(), {} if is_mapping else []))

    def _here(self) -> KeyPath:
        """Return the path of the value that comes next."""
        if not self._open:
            return ()
        top = self._open[-1]
        key = len(top.value) if isinstance(top.value, list) else top.key
        assert key is not None
        return (*top.path, key)

    def _mark_item(self, event: yaml.Event) -> None:
        self._positions.setdefault(self._here(), _position(event.start_mark))

    def _put_away(self, value: YamlValue) -> None:
        if not self._open:
            if value is not None:
                self.document = YamlDocument(value, SourceMap(self._name, self._positions))
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            assert top.key is not None
            top.value[top.key] = value
            top.key = None

    def _refusal(self, event: yaml.Event, message: str) -> ConfigError:
        return _error(self._name, _position(event.start_mark), message)


def _file_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than allowed: enough to see that it is too large, whatever its size.
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        siblings = [entry.name for entry in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1, cutoff=0.6)
        hint = f" Did you mean '{path.parent / near[0]}'?" if near else " Give the path of a YAML file."
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


def _decoded(raw: bytes, name: str) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(f"{name}: the text is UTF-16; save the file as UTF-8")
    if b"\0" in raw:
        raise ConfigError(f"{name}: a binary file, not text; give the path of a YAML file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError(f"{name}:{line}: {message}") from error


_HINTS = {
    "mapping values are not allowed": "put text that holds ': ' in quotes, or check the indentation",
    "'\\t'": "indent with spaces, not tabs",
    "cannot start any token": "put text that starts with a special sign in quotes",
    "could not find expected ':'": "write 'key: value'; is a colon or a closing quote missing?",
    "expected <block end>": "check the indentation and the closing brackets",
    "expected ',' or": "check the commas and the closing brackets",
}


def _syntax_error(error: yaml.MarkedYAMLError, name: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "cannot be read"
    hint = next((hint for part, hint in _HINTS.items() if part in problem), "check quotes and brackets")
    return _error(name, _position(mark) if mark else Position(1, 1), f"not valid YAML: {problem}; {hint}")


def _tag(event: Any) -> str:  # noqa: ANN401 - scalar, list or mapping
    return str(event.tag).replace("tag:yaml.org,2002:", "!!")


def _position(mark: Any) -> Position:  # noqa: ANN401 - the stubs have two types of mark for one
    return Position(mark.line + 1, mark.column + 1)


def _position_in(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _error(name: str, position: Position, message: str) -> ConfigError:
    return ConfigError(printable(f"{name}:{position.line}:{position.column}: {message}"))
