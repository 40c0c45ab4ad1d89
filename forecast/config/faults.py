"""Files that users write: base of their types, and faults: where each is, how it reads, one error for all.

Pydantic's errors are put into our words (got, expected, did you mean) by walking the JSON Schema of what was
validated.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from forecast.ended import ended_key
from forecast.errors import ConfigError, did_you_mean, escaped

type KeyPath = tuple[str | int, ...]
type Node = Mapping[str, Any]

# A file with more faults than this is of another kind than a config; the rest is counted, not shown.
_SHOWN_FAULTS = 50
_OWN, _CROSS = "config_fault", "config_cross_fault"  # types of errors whose message is already ours
# Faults of one key seen from another: the key's own fault is in the list already.
_ECHOES = frozenset({_CROSS, "default_factory_not_called"})
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list ([a, b], or one '- item' a line)",
    "object": "a mapping (key: value)",
}


@dataclass(frozen=True, order=True)
class Position:
    """A place in a text file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the value (or the key) at ``path``."""

    path: KeyPath
    message: str


@dataclass(frozen=True)
class SourceMap:
    """Where each key was written: in the file, or by an option such as ``--set sampler.draws``."""

    file: str
    positions: Mapping[KeyPath, Position] = field(default_factory=dict)
    options: Mapping[KeyPath, str] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> Position | str:
        """Return the place of the key, or of the nearest key above it when it was not written."""
        for length in range(len(path), -1, -1):
            above = path[:length]
            if found := self.options.get(above) or self.positions.get(above):
                return found
        return Position(1, 1)

    def locate(self, path: KeyPath) -> str:
        """Return ``file:line:column`` of a key, or the option of the command line that set it."""
        origin = self.origin(path)
        return origin if isinstance(origin, str) else f"{self.file}:{origin.line}:{origin.column}"

    def path_of(self, dotted: str) -> KeyPath:
        """Return the key path of its dotted text; keys that hold dots themselves are recognised."""
        known = {dotted_path(path): path for path in (*self.positions, *self.options)}
        pieces = dotted.split(".")
        for length in range(len(pieces), 0, -1):
            path = known.get(".".join(pieces[:length]))
            if path is not None:
                return (*path, *pieces[length:])
        return tuple(pieces)

    def text(self, fault: Fault) -> str:
        """Return the fault as one line: place, key, message."""
        key = "" if fault.path in self.options else dotted_path(fault.path)
        return escaped(": ".join(filter(None, (self.locate(fault.path), key, fault.message))))

    def error(self, faults: Iterable[Fault]) -> ConfigError:
        """Return one error that lists the faults in the order of the file, then of the options."""

        def order(fault: Fault) -> Position:
            origin = self.origin(fault.path)
            return Position(sys.maxsize, 0) if isinstance(origin, str) else origin

        lines = list(dict.fromkeys(self.text(fault) for fault in sorted(faults, key=order)))
        rest = len(lines) - _SHOWN_FAULTS
        if rest > 0:
            lines = [*lines[:_SHOWN_FAULTS], f"{self.file}: and {rest} more faults"]
        return ConfigError("\n".join(lines))


def refusal(message: str) -> PydanticCustomError:
    """Return a validation error that carries our own message (braces in it are kept)."""
    return PydanticCustomError(_OWN, "{message}", {"message": message})


def cross_error(faults: Iterable[Fault]) -> PydanticCustomError:
    """Return a validation error about settings that do not agree."""
    lines = [f"{dotted_path(fault.path)}: {fault.message}" for fault in faults]
    return PydanticCustomError(_CROSS, "{lines}", {"lines": "\n".join(lines)})


def dotted_path(path: KeyPath) -> str:
    """Return a key path as ``--set`` takes it, e.g. ``milestones.0.date``."""
    return ".".join(str(key) for key in path)


def shown(value: object) -> str:
    """Return a value that was given as a short phrase, e.g. ``7`` or ``'many'``."""
    match value:
        case None:
            return "an empty value"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "...")
        case Mapping():
            return "a mapping (key: value)"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


def field_faults(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """Yield one fault for each wrong key or value of a model; disagreements between settings are left out."""
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
        case "extra_forbidden" if line := ended_key(path):
            message = line
        case "extra_forbidden":
            keys = known_keys(node_at(path[:-1], model))
            message = f"unknown key.{did_you_mean(str(path[-1]), keys)} Allowed: {', '.join(keys)}"
        case "missing":
            message = f"required key is missing; {_purpose(path, model)}"
        case str(kind) if kind == _OWN:
            message = details["msg"]
        case "string_too_long":
            message = f"got {len(details['input'])} characters; expected {allowed_text(node_at(path, model))}"
        case "too_short":
            message = f"empty; expected {allowed_text(node_at(path, model))}"
        case _:
            message = _unfit(path, details["input"], model)
    return Fault(path, message)


def _unfit(path: KeyPath, given: object, model: type[BaseModel]) -> str:
    node = node_at(path, model)
    options = resolved(node or {}).get("enum", ())
    hint = did_you_mean(given, map(str, options)) if isinstance(given, str) else ""
    if isinstance(given, (int, float)) and allowed_text(node).startswith("text"):
        hint = f" Put it in quotes: '{given}'"
    return f"got {shown(given)}; expected {allowed_text(node)}.{hint}"


def _purpose(path: KeyPath, model: type[BaseModel]) -> str:
    above = resolved(node_at(path[:-1], model) or {})
    entry = above.get("properties", {}).get(path[-1], {})
    purpose = entry.get("description") or (node_at(path, model) or {}).get("description")
    return f"add '{path[-1]}': {purpose or 'see docs/config.md'}"


@cache
def root_node(model: type[BaseModel]) -> Node:
    """Return the JSON Schema of a whole file, references followed."""
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


def node_at(path: KeyPath, model: type[BaseModel]) -> Node | None:
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
    if [kind.get("type") for kind in node.get("anyOf", ())] == ["number", "string"]:
        return f"{allowed_text(node['anyOf'][0])}, or a percent such as 80%"
    words = _TYPES.get(str(node.get("type")), "see docs/config.md")
    lowest, above = node.get("minimum"), node.get("exclusiveMinimum")
    highest, below = node.get("maximum"), node.get("exclusiveMaximum")
    if lowest is not None and highest is not None:
        # The largest seed is a matter of bits and tells nobody anything.
        rest = f" from {lowest:,g} to {highest:,g}" if highest < 1e6 else f", {lowest:g} or more"
        return words + rest
    if above is not None and below is not None:
        return f"{words} between {above:g} and {below:g}"
    if above is not None:
        return f"{words} above {above:g}"
    if "maxLength" in node:
        return f"{words} of at most {node['maxLength']} characters"
    if "minItems" in node:
        return f"{words} of at least {node['minItems']}"
    return f"{words} of at least {node['minProperties']}" if "minProperties" in node else words


class Section(BaseModel):
    """Base of every part of the config: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsFile(Section):
    """Base of a whole file that users write: its settings agree, and it knows where they were written.

    Built from values that do not fit, it raises ``pydantic.ValidationError``; ``checked`` raises
    ``ConfigError`` instead, with the line of every fault.
    """

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("config"))
    _source_path: Path | None = PrivateAttr(None)

    @classmethod
    def checked(
        cls,
        settings: Mapping[str, object],
        source: SourceMap,
        path: Path | None = None,
        faults: Iterable[Fault] = (),
    ) -> Self:
        """Check settings as a whole; ``source`` says where each was written, ``path`` the file.

        Raises ``ConfigError`` once, with every fault, those given included.
        """
        try:
            made = cls.model_validate(settings)
        except ValidationError as error:
            own = [cls.as_written(fault, settings) for fault in field_faults(error, cls)]
            raise source.error([*faults, *own, *cls.disagreements(settings)]) from error
        if given := [*faults]:
            raise source.error(given)
        made._source, made._source_path = source, path
        return made

    @staticmethod
    def disagreements(settings: Mapping[str, object]) -> list[Fault]:
        """Return every disagreement between settings; what cannot be read is left to the type checks."""
        raise NotImplementedError

    @staticmethod
    def as_written(fault: Fault, settings: Mapping[str, object]) -> Fault:
        """Return a fault at the key that was written, where the types read another form of it."""
        return fault

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        faults = self.disagreements(self.model_dump(by_alias=True))
        if faults:
            raise cross_error(faults)
        return self

    # Two files are equal when they ask the same, wherever they were read from.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @property
    def source_path(self) -> Path | None:
        """The file that was read; ``None`` for what was built in Python or from options."""
        return self._source_path

    @property
    def base_folder(self) -> Path:
        """Folder that relative paths start from: the file's own, or the current one without a file."""
        return self._source_path.parent if self._source_path else Path()

    def locate(self, key_path: str | KeyPath) -> str:
        """Return where a key was set: ``file:line:column``, or e.g. ``--set sampler.draws``.

        A key left at its default has the place of the nearest key above it.
        """
        return self._source.locate(self._path(key_path))

    def error(self, key_path: str | KeyPath, message: str) -> ConfigError:
        """Return (not raise) an error about one key, for checks that need more than the file."""
        return self.errors([Fault(self._path(key_path), message)])

    def errors(self, faults: Iterable[Fault]) -> ConfigError:
        """Return (not raise) one error about several keys."""
        return self._source.error(faults)

    def _path(self, key_path: str | KeyPath) -> KeyPath:
        return self._source.path_of(key_path) if isinstance(key_path, str) else key_path
