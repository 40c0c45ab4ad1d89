"""Files that users write: YAML without surprises, changed by ``--set``, checked as a whole into frozen types.

Only what a file of settings needs is read: mappings, lists, text, numbers, ``true``/``false`` and empty
values. Anchors, aliases, tags, duplicate keys and several documents in one file are refused. Words such as
``NO`` and ``on``, ``12:30``, ``010`` and ``2023-07-10`` stay text, as in the JSON schema of YAML 1.2.

All faults of a file come in one error, in its order, each with its place, what came and what is allowed.
Pydantic's own are put into our words by walking the JSON Schema of what was validated.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from functools import cache, reduce
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from forecast.errors import MOST_LINES, ConfigError, did_you_mean, escaped, nearest, shown
from forecast.storage import open_plain

type YamlValue = str | int | float | bool | list[YamlValue] | dict[str, YamlValue] | None
type KeyPath = tuple[str | int, ...]
type Node = Mapping[str, Any]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))})
"""Names that Windows keeps for devices: a run folder of that name could not be copied there."""
_HALF_SIGN = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(0|[1-9][0-9]*)(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_HINTS = {
    "mapping values are not allowed": "put text that holds ': ' in quotes, or check the indentation",
    "'\\t'": "indent with spaces, not tabs",
    "cannot start any token": "put text that starts with a special character in quotes",
    "could not find expected ':'": "write 'key: value'; is a colon or a closing quote missing?",
    "expected <block end>": "check the indentation and the closing brackets",
    "expected ',' or": "check the commas and the closing brackets",
}
_OWN, _CROSS = "config_fault", "config_cross_fault"  # types of errors whose message is already ours
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list ([a, b], or one '- item' a line)",
    "object": "a mapping (key: value)",
}
_BOUNDS = {
    "minimum": "from {:,g}",
    "maximum": "to {:,g}",
    "exclusiveMinimum": "above {:,g}",
    "exclusiveMaximum": "below {:,g}",
    "maxLength": "of at most {} characters",
    "minItems": "of at least {}",
    "minProperties": "of at least {}",
}
_MEANT = 1e6
"""A greater maximum is a matter of bits, and tells nobody anything."""


type Place = tuple[int, int] | str
"""Line and column in a file, both from 1, or the option that set a key."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the value (or the key) at ``path``."""

    path: KeyPath
    message: str


@dataclass(frozen=True)
class SourceMap:
    """Where each key was written: in the file, or by an option such as ``--set sampler.draws``."""

    file: str
    places: Mapping[KeyPath, Place] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> Place:
        """Return the place of the key, or of the nearest key above it when it was not written."""
        above = (path[:length] for length in range(len(path), -1, -1))
        return next((self.places[key] for key in above if key in self.places), (1, 1))

    def error(self, faults: Iterable[Fault]) -> ConfigError:
        """Return one error that lists the faults in the order of the file, then of the options."""
        placed = [(self.origin(fault.path), fault) for fault in faults]
        options = [place for place in self.places.values() if isinstance(place, str)]
        placed.sort(
            key=lambda item: item[0] if item[0] not in options else (sys.maxsize, options.index(item[0]))
        )
        lines = list(dict.fromkeys(self._text(*item) for item in placed))
        if (rest := len(lines) - MOST_LINES) > 0:
            lines = [*lines[:MOST_LINES], f"{self.file}: and {rest:,} more faults"]
        return ConfigError("\n".join(lines))

    def _text(self, origin: Place, fault: Fault) -> str:
        place = origin if isinstance(origin, str) else f"{self.file}:{origin[0]}:{origin[1]}"
        key = "" if isinstance(self.places.get(fault.path), str) else dotted_path(fault.path)
        return escaped(": ".join(filter(None, (place, key, fault.message))))


def dotted_path(path: KeyPath) -> str:
    """Return a key path as ``--set`` takes it, e.g. ``milestones[0].date``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def shown_value(value: object) -> str:
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


def quotes_missing(value: object) -> str:
    """Return the advice to quote what is read as a number, or as true or false, and is meant as text."""
    # A fraction may have been written otherwise, e.g. 1.50.
    word = f": '{shown_value(value)}'" if isinstance(value, int) else ""
    return f" Put it in quotes{word}" if isinstance(value, int | float) else ""


def folder_name(text: str) -> str | None:
    """Return a text as the name of a folder, e.g. ``us-china`` for ``US_China``; ``None`` if none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = "-".join(re.findall(r"[a-z0-9]+", plain))[:64].strip("-")
    return None if name in DEVICES else name or None


def read_yaml(path: Path) -> tuple[dict[str, YamlValue], SourceMap]:
    """Read a YAML file of ``key: value`` lines, and where each was written (``ConfigError``: it is none)."""
    try:
        # One byte more than allowed: enough to see that it is too large, whatever its size.
        with open_plain(path, sys.maxsize) as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        near = nearest(path.name, [entry.name for entry in path.parent.glob("*.y*ml")])
        make = " 'forecast new EVENTS.csv' writes one from your events, 'forecast new --pair A,B' a template."
        hint = f" Did you mean '{path.parent / near}'?" if near else make
        raise ConfigError(f"{path}: no such file.{hint}") from error
    except OSError as error:
        message = f"cannot be read ({error.strerror}); give the path of a YAML file"
        raise ConfigError(f"{path}: {message}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError(f"{path}:{line}: {message}") from error
    if len(raw) > MAX_BYTES:
        message = f"larger than {MAX_BYTES:,} bytes; a config holds settings, events go to a CSV"
        raise ConfigError(f"{path}: {message}")
    return _mapping(*parse_yaml(text, str(path)))


def _mapping(content: YamlValue, source: SourceMap) -> tuple[dict[str, YamlValue], SourceMap]:
    if not isinstance(content, dict):
        raise ConfigError(f"{source.file}:1:1: got {shown_value(content)}; expected 'key: value' lines")
    return content, source


def parse_yaml(text: str, name: str) -> tuple[YamlValue, SourceMap]:
    """Read YAML text; ``name`` stands for the file (``ConfigError``: empty, no YAML, or what is refused)."""
    try:
        loader = _Loader(text, name)
        root = loader.get_node() if loader.check_node() else None
        if loader.check_node():
            raise loader.refusal("a second document ('---') is not allowed; use one file each")
        content = None if root is None else loader.value(root, ())
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark or error.context_mark, error.problem or "cannot be read"
        hint = next((hint for part, hint in _HINTS.items() if part in problem), "check quotes and brackets")
        place = _position(mark) if mark else (1, 1)
        raise _error(name, place, f"not valid YAML: {problem}; {hint}") from error
    except yaml.reader.ReaderError as error:
        before, sign = text[: error.position].split("\n"), f"U+{ord(text[error.position]):04X}"
        place = (len(before), len(before[-1]) + 1)
        raise _error(name, place, f"control character {sign} is not allowed; remove it") from error
    if content is None:
        raise _error(name, (1, 1), "the file is empty; 'forecast new' writes one to start from")
    return content, SourceMap(name, loader.places)


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

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self._name, self._depth = name, 0
        self.places: dict[KeyPath, Place] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if event.anchor is not None:
            kind = "alias '*" if isinstance(event, yaml.AliasEvent) else "anchor '&"
            raise self.refusal(f"{kind}{event.anchor}' is not allowed; write the value out")
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise self.refusal(f"tag '{tag}' is not allowed; put text in quotes instead")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.refusal(f"nested more than {MAX_DEPTH} levels deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def refusal(self, message: str) -> ConfigError:
        """Return (not raise) an error at the place of what comes next."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return _error(self._name, _position(event.start_mark), message)

    def value(self, node: yaml.Node, path: KeyPath) -> YamlValue:
        """Return what a node says; the places of keys and items are kept."""
        self.places.setdefault(path, _position(node.start_mark))
        if isinstance(node, yaml.ScalarNode):
            text = self._text(node)
            return text if node.style else plain_scalar(text)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        content: dict[str, YamlValue] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                message = "a list or mapping cannot be a key; write 'key: value'"
                raise _error(self._name, _position(key_node.start_mark), message)
            key = self._text(key_node)
            below = (*path, key)
            if key in content:
                first = self.places[below]
                message = f"{dotted_path(below)}: duplicate key, already set on line {first[0]}; keep one"
                raise _error(self._name, _position(key_node.start_mark), message)
            self.places[below] = _position(key_node.start_mark)
            content[key] = self.value(value, below)
        return content

    def _text(self, node: yaml.ScalarNode) -> str:
        if half := _HALF_SIGN.search(str(node.value)):
            message = f"'\\u{ord(half[0]):04x}' is half of a sign, which no file can hold; remove it"
            raise _error(self._name, _position(node.start_mark), message)
        return str(node.value)


def _position(mark: Any) -> tuple[int, int]:  # noqa: ANN401 - the stubs have two types of mark for one
    return (mark.line + 1, mark.column + 1)


def _error(name: str, place: tuple[int, int], message: str) -> ConfigError:
    return ConfigError(escaped(f"{name}:{place[0]}:{place[1]}: {message}"))


_BRACKETED = re.compile(r"\[(\d+)\]")
type Override = tuple[str, str, YamlValue]
"""One setting of the command line: the option as messages name it, the dotted key, and the value."""


def parse_override(text: str) -> Override:
    """Read ``key.path=value``; a value is YAML in brackets or quotes, else one word (``ConfigError``)."""
    dotted, equals, written = map(str.strip, text.partition("="))
    if _HALF_SIGN.search(text):
        raise ConfigError(f"`overrides` {shown(text)}: holds bytes that are no text in UTF-8")
    if not equals or not dotted:
        raise ConfigError(f"`overrides` {shown(text)}: write key.path=value, e.g. sampler.draws=2000")
    option = f"`overrides` {dotted}"
    dotted = _BRACKETED.sub(r".\1", dotted)
    if written[:1] not in {"[", "{", "'", '"'}:
        return option, dotted, plain_scalar(written)
    return option, dotted, parse_yaml(written, option)[0]


def _overridden(
    written: dict[str, YamlValue], source: SourceMap, overrides: Iterable[Override], root: Node
) -> tuple[dict[str, YamlValue], SourceMap, list[Fault]]:
    """Put the overrides in, in order; one that names no place is returned as a fault."""
    settings, places, faults = deepcopy(written), dict(source.places), []
    for override in overrides:
        if message := _put(settings, places, override, root):
            # The place does not exist, so the option itself stands as the path of its fault.
            places[override[0],] = override[0]
            faults.append(Fault((override[0],), message))
    return settings, SourceMap(source.file, places), faults


def _put(settings: dict[str, YamlValue], places: dict[KeyPath, Place], override: Override, root: Node) -> str:
    """Put one value in its place, with what is missing above it; return why there is no such place, or ''."""
    here: Any = settings
    path: KeyPath = ()
    option, rest, value = override
    node = root
    while True:
        key, rest, fault = _next_key(rest, here, node)
        if fault:
            return ": ".join(filter(None, (dotted_path(path), fault)))
        path, node = (*path, key), _child(node, key)
        if not rest:
            break
        below = here[key] if key in (range(len(here)) if isinstance(here, list) else here) else None
        if below is None:
            below = [] if "items" in node else {}
            _set(here, key, below)
            places.setdefault(path, option)
        if path == ("events",) and isinstance(below, str):  # `events: FILE` is short for its source
            below = {"source": below}
            _set(here, key, below)
        if not isinstance(below, dict | list):
            return f"'{dotted_path(path)}' holds a single value in the file, so nothing can be set below it"
        here = below
    for inner in [inner for inner in places if inner[: len(path)] == path]:
        del places[inner]
    places[path] = option
    _set(here, key, deepcopy(value))
    return ""


def _set(here: Any, key: str | int, value: YamlValue) -> None:  # noqa: ANN401 - a mapping, or a list
    if isinstance(here, list) and isinstance(key, int):
        here[key : key + 1] = [value]
    else:
        here[key] = value


def _next_key(rest: str, here: Any, node: Node) -> tuple[str | int, str, str]:  # noqa: ANN401 - as above
    """Return the next key of a dotted path, what follows it, and what is wrong with it."""
    piece, _, after = rest.partition(".")
    if isinstance(here, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in here]
        if piece in names:
            return names.index(piece), after, ""
        # The number after the last item adds one.
        if piece.isascii() and piece.isdigit() and len(piece) < 7 and int(piece) <= len(here):
            return int(piece), after, ""
        known = [name for name in names if isinstance(name, str)]
        by_name = f" or a name: {', '.join(known)}" if known else ""
        allowed = f"Allowed: a number from 0 to {len(here)} ({len(here)} adds one){by_name}"
        return piece, after, f"no item '{piece}'.{did_you_mean(piece, known)} {allowed}"
    if _properties(node) or "additionalProperties" not in node:
        return piece, after, ""  # an unknown key is met by the types
    if not _properties(_child(node, "")):
        # Names of priors hold dots: what is left is the name, unless it names a quantile of a present one.
        above, _, last = rest.rpartition(".")
        return (above, last, "") if isinstance(here.get(above), dict) else (rest, "", "")
    if after and piece not in here:
        return piece, after, f"unknown name '{piece}'.{did_you_mean(piece, here)} Known: {', '.join(here)}"
    return piece, after, ""


def refusal(message: str) -> PydanticCustomError:
    """Return a validation error that carries our own message (braces in it are kept)."""
    return PydanticCustomError(_OWN, "{message}", {"message": message})


def field_faults(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """Yield one fault for each wrong key or value of a model, or each disagreement between settings."""
    for details in error.errors(include_url=False):
        if details["type"] == _CROSS:
            yield from details["ctx"]["faults"]
            continue
        # A list whose items are all wrong counts as too short: the items' own faults say it better. A default
        # that cannot be made echoes a fault of another key.
        if details["type"] == "default_factory_not_called":
            continue
        if details["type"] == "too_short" and details["input"]:
            continue
        # A wrong key of a mapping of free names carries the mark [key] behind the key itself, and a value
        # of several forms the mark of its form.
        *above, last = details["loc"] or ("[whole]",)
        own = not str(last).startswith("[") or details["type"] == "extra_forbidden"
        path: KeyPath = (*(key for key in above if not str(key).startswith("[")), *[last] * own)
        yield Fault(path, _message(path, details, model))


def _message(path: KeyPath, details: ErrorDetails, model: type[BaseModel]) -> str:
    node, given = _node_at(path, model), details["input"]
    allowed = _allowed(node)
    match details["type"]:
        case "extra_forbidden":
            keys = _properties(_node_at(path[:-1], model))
            return f"unknown key.{did_you_mean(str(path[-1]), keys)} Allowed: {', '.join(keys)}"
        case "missing":
            purpose = node.get("description", "see docs/config.md")
            return f"required key is missing; add '{path[-1]}': {purpose}"
        case str(kind) if kind == _OWN:
            return details["msg"]
        case "string_too_long":
            return f"got {len(given)} characters; expected {allowed}"
        case "too_short":
            return f"empty; expected {allowed}"
    words = [str(word) for form in (node, *node.get("anyOf", ())) for word in form.get("enum", ())]
    hint = did_you_mean(given, words) if isinstance(given, str) else ""
    if allowed.startswith("text"):
        hint = quotes_missing(given)
    return f"got {shown_value(given)}; expected {allowed}.{hint}"


@cache
def _root_node(model: type[BaseModel]) -> Node:
    """Return the JSON Schema of a whole file, references followed."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})

    def inlined(value: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
        if isinstance(value, list):
            return [inlined(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            value = {**definitions[value["$ref"].rsplit("/", 1)[1]], **value}
        return {key: inlined(item) for key, item in value.items() if key not in ("$ref", "$defs")}

    node: Node = inlined(schema)
    return node


def _child(node: Node, key: str | int) -> Node:
    """Return the schema of an entry, of what it is where it may be empty; an empty one: no such key."""
    if isinstance(key, int):  # a list, also where one value may stand for it
        node = next((form for form in (node, *node.get("anyOf", ())) if "items" in form), node)
    if isinstance(key, int) or "items" in node:
        entry = node.get("items")
    else:
        entry = _properties(node).get(key) or node.get("additionalProperties")
    # ``additionalProperties`` may be true or false, which says nothing of an entry.
    entry = entry if isinstance(entry, Mapping) else {}
    while {"type": "null"} in entry.get("anyOf", ()):
        entry = next(form for form in entry["anyOf"] if form != {"type": "null"})
    return entry


def _node_at(path: KeyPath, model: type[BaseModel]) -> Node:
    """Return the schema of a key path, an empty one when the file has no such place."""
    return reduce(_child, path, _root_node(model))


def _properties(node: Node) -> Node:
    """Keys of a mapping, or of the form of a value that is one; empty when it takes any name."""
    forms = (node, *node.get("oneOf", ()))
    return {key: value for form in forms for key, value in form.get("properties", {}).items()}


def _allowed(node: Node) -> str:
    """Return what a value may be, in words, e.g. ``a whole number from 1 to 5``."""
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return ", ".join(map(str, node["enum"]))
    if words := [str(word) for form in node.get("oneOf", ()) for word in form.get("enum", ())]:
        keys = ", ".join(f"{key}: .." for key in _properties(node))
        return f"{', '.join(words)}, or {{{keys}}}"
    forms = node.get("anyOf", ())
    if [form.get("type") for form in forms] == ["number", "string"]:
        return f"{_allowed(forms[0])}, or a percent such as 80%"
    if len(forms) == 2 and "enum" in forms[1]:
        return f"{_allowed(forms[0])}, or {_allowed(forms[1])}"
    bounds = [
        words.format(node[key])
        for key, words in _BOUNDS.items()
        if key in node and not (key == "maximum" and node[key] > _MEANT)
    ]
    kind = _TYPES.get(str(node.get("type")), "see docs/config.md")
    return " ".join((kind, *bounds)).replace(" below", " and below" if len(bounds) > 1 else " below")


class Settings(BaseModel):
    """Base of every part of a file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def optional(description: str) -> Any:  # noqa: ANN401 - as pydantic's own
    """Return a key that may be left out, and is ``None`` then."""
    return Field(default=None, description=description)


def several(description: str) -> Any:  # noqa: ANN401 - as above
    """Return a key that holds several entries, none when it is left out."""
    return Field(default=(), description=description)


class SettingsFile(Settings):
    """Base of a whole file that users write: its settings agree, and it knows where they were written."""

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
        """Check settings as a whole (``ConfigError``, once, with every fault, those given included)."""
        try:
            made = cls.model_validate(settings)
        except ValidationError as error:
            raise source.error([*faults, *field_faults(error, cls)]) from error
        if given := [*faults]:
            raise source.error(given)
        made._source, made._source_path = source, path
        return made

    def disagreements(self) -> Iterator[Fault]:
        """Yield every disagreement between settings."""
        yield from ()

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if faults := [*self.disagreements()]:
            lines = "\n".join(f"{dotted_path(fault.path)}: {fault.message}" for fault in faults)
            raise PydanticCustomError(_CROSS, "{lines}", {"lines": lines, "faults": faults})
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

    def error(self, path: KeyPath, message: str) -> ConfigError:
        """Return (not raise) an error about one key, for checks that need more than the file."""
        return self.errors([Fault(path, message)])

    def errors(self, faults: Iterable[Fault]) -> ConfigError:
        """Return (not raise) one error about several keys."""
        return self._source.error(faults)


def load_settings[F: SettingsFile](
    model: type[F],
    path: Path,
    overrides: Sequence[str],
    *,
    as_of: date | None = None,
    seed: int | None = None,
    other: tuple[str, str, str] | None = None,
    text: str | None = None,
) -> F:
    """Read, override and check a file; ``other``: a key of another kind, one it lacks, what to say."""
    written, source = read_yaml(path) if text is None else _mapping(*parse_yaml(text, str(path)))
    changes = [*map(parse_override, overrides)]
    if as_of is not None:
        changes.append(("`as_of`", "as_of", as_of.isoformat()))
    if seed is not None:
        changes.append(("`seed`", "sampler.seed", seed))
    settings, source, faults = _overridden(written, source, changes, _root_node(model))
    if other and other[0] in settings and other[1] not in settings:
        raise source.error([Fault((other[0],), other[2])])
    name = folder_name(path.stem)
    return model.checked({"name": name, **settings} if name else settings, source, path, faults)
