"""From a file and the options of the command line (``--set key.path=value``) to a checked Config."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from forecast.config.faults import (
    Fault,
    KeyPath,
    Node,
    SettingsFile,
    SourceMap,
    child,
    dotted_path,
    known_keys,
    resolved,
    root_node,
)
from forecast.config.field_types import folder_name
from forecast.config.schema import Config
from forecast.config.yaml_source import _HALF_SIGN, MAX_VALUES, YamlValue, parse_yaml, plain_scalar, read_yaml
from forecast.ended import ended_key
from forecast.errors import ConfigError, did_you_mean, shown


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    as_of: date | None = None,
    seed: int | None = None,
) -> Config:
    """Read, override and check a config; nothing but this one file is opened.

    Relative paths inside the file start from its folder. ``overrides`` are ``key.path=value`` as after
    ``--set``, e.g. ``"sampler.draws=2000"`` or ``"milestones.us-election-2024.date=2024-11-06"``; later ones
    win, and ``as_of`` and ``seed`` (``--as-of``, ``--seed``) win over them.

    Raises ``ConfigError`` once, with every fault: ``file:line:column: key.path: got …; expected …``.
    """
    other = ("dyads", "dyad", f"is of a watchlist; use it with 'forecast watch {path}'")
    return load_settings(Config, path, overrides, as_of=as_of, seed=seed, other=other)


def load_settings[F: SettingsFile](
    model: type[F],
    path: str | Path,
    overrides: Sequence[str],
    *,
    as_of: date | None = None,
    seed: int | None = None,
    other: tuple[str, str, str],
    most_values: int = MAX_VALUES,
) -> F:
    """Read, override and check a file of ``model``; its name is that of the file unless it has one.

    ``other`` tells of a file of another kind: a key that it has, one that it has not, and the message.
    """
    path = Path(path)
    written, source = read_yaml(path, most_values)
    given = parse_overrides(overrides)
    if as_of is not None:
        given.append(Override("--as-of", "as_of", as_of.isoformat()))
    if seed is not None:
        given.append(Override("--seed", "sampler.seed", seed))
    settings, source, faults = overridden(written, source, given, model)
    theirs, own, message = other
    if theirs in settings and own not in settings:
        raise source.error([Fault((theirs,), message)])
    return model.checked(_named(settings, path), source, path, faults)


def parse_config(text: str, path: Path, overrides: Sequence[str] = ()) -> Config:
    """Check the text of a config as if it stood in ``path``, which may be absent; else as ``load_config``."""
    written, source = parse_yaml(text, str(path))
    if not isinstance(written, dict):
        raise ConfigError(f"{path}:1:1: expected 'key: value' lines")
    settings, source, faults = overridden(written, source, parse_overrides(overrides))
    return Config.checked(_named(settings, path), source, path, faults)


def _named(settings: dict[str, YamlValue], path: Path) -> dict[str, YamlValue]:
    name = folder_name(path.stem)
    return {"name": name, **settings} if name else settings


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Read every ``key.path=value``, or raise ``ConfigError`` with all that are none."""
    given, unread = [], []
    for text in overrides:
        try:
            given.append(parse_override(text))
        except ConfigError as error:
            unread.append(str(error))
    if unread:
        raise ConfigError("\n".join(unread))
    return given


class Override(NamedTuple):
    """One setting of the command line; ``option`` is how messages name it."""

    option: str
    dotted: str
    value: YamlValue


def parse_override(text: str) -> Override:
    """Read ``key.path=value``.

    A value that starts with a bracket, a brace or a quote is YAML; any other is one word or number, so
    text with colons or ``#`` needs no quotes here.

    Raises ``ConfigError``: when there is no ``=`` or the value is not valid.
    """
    dotted, equals, written = text.partition("=")
    if _HALF_SIGN.search(text):
        raise ConfigError(f"--set {shown(text)}: holds bytes that are no text in UTF-8")
    dotted, written = dotted.strip(), written.strip()
    option = f"--set {dotted}"
    if not equals or not dotted:
        raise ConfigError(f"--set {shown(text)}: write key.path=value, e.g. --set sampler.draws=2000")
    if written[:1] not in {"[", "{", "'", '"'}:
        return Override(option, dotted, plain_scalar(written))
    return Override(option, dotted, parse_yaml(written, option)[0])


def overridden(
    written: dict[str, YamlValue],
    source: SourceMap,
    overrides: Iterable[Override],
    model: type[BaseModel] = Config,
) -> tuple[dict[str, YamlValue], SourceMap, list[Fault]]:
    """Return the settings with the overrides put in, in order, and where each key now comes from.

    An override that names no place of a file of ``model`` is returned as a fault.
    """
    settings = deepcopy(written)
    positions, options = dict(source.positions), dict(source.options)
    faults: list[Fault] = []
    for override in overrides:
        try:
            path = _path(settings, override.dotted, model)
        except _NoPlaceError as error:
            # The place does not exist, so the option itself stands as the path of its fault.
            unknown: KeyPath = (override.option,)
            options[unknown] = override.option
            faults.append(Fault(unknown, str(error)))
            continue
        for known in (positions, options):
            for below in [key for key in known if key[: len(path)] == path]:
                del known[below]
        options[path] = override.option
        _put(settings, path, deepcopy(override.value))
    return settings, SourceMap(source.file, positions, options), faults


class _NoPlaceError(Exception):
    """A text of ``--set`` that names no key of the config; the message says why."""


def _path(settings: dict[str, YamlValue], dotted: str, model: type[BaseModel]) -> KeyPath:
    """Return the key path that the text names; ``_NoPlaceError`` says why there is none."""
    path: KeyPath = ()
    here: YamlValue = settings
    node = root_node(model)
    pieces = dotted.split(".")
    while pieces:
        try:
            key = _next_key(pieces, here, node)
        except _NoPlaceError as error:
            if line := ended_key((*path, pieces[0])):
                raise _NoPlaceError(line) from error
            raise _NoPlaceError(f"{dotted_path(path)}: {error}" if path else str(error)) from error
        path = (*path, key)
        del pieces[: str(key).count(".") + 1]
        inner = child(node, key)
        if pieces and (inner is None or not _holds_keys(inner)):
            raise _NoPlaceError(f"'{dotted_path(path)}' is a single value and has no keys below it")
        node, here = inner or {}, _entry(here, key)
        if pieces and here is not None and not isinstance(here, dict | list):
            raise _NoPlaceError(
                f"'{dotted_path(path)}' holds a single value in the file, so nothing can be set below it"
            )
    return path


def _next_key(pieces: list[str], here: YamlValue, node: Node) -> str | int:
    node = resolved(node)
    piece = pieces[0]
    if "items" in node:
        return _item_index(piece, here if isinstance(here, list) else [])
    keys = known_keys(node)
    present = here if isinstance(here, dict) else {}
    if keys:
        if piece in keys:
            return piece
        raise _NoPlaceError(f"unknown key '{piece}'.{did_you_mean(piece, keys)} Allowed: {', '.join(keys)}")
    if not known_keys(child(node, "")):
        # Names of priors hold dots: what is left is the name, unless it names a quantile of a present one.
        above = ".".join(pieces[:-1])
        return above if isinstance(present.get(above), dict) else ".".join(pieces)
    if len(pieces) > 1 and piece not in present:
        hint = did_you_mean(piece, present)
        raise _NoPlaceError(f"unknown name '{piece}'.{hint} Known: {', '.join(present)}")
    return piece


def _item_index(piece: str, items: list[YamlValue]) -> int:
    names = [str(item["name"]) if isinstance(item, dict) and "name" in item else "" for item in items]
    if piece in names and piece:
        return names.index(piece)
    # The number after the last item adds one.
    if piece.isascii() and piece.isdigit() and len(piece) < 7 and int(piece) <= len(items):
        return int(piece)
    known = [name for name in names if name]
    by_name = f" or a name: {', '.join(known)}" if known else ""
    message = f"no item '{piece}'.{did_you_mean(piece, known)} Allowed: a number from 0 to {len(items)}"
    raise _NoPlaceError(f"{message} ({len(items)} adds one){by_name}")


def _holds_keys(node: Node) -> bool:
    options = (resolved(node), *resolved(node).get("anyOf", ()), *resolved(node).get("oneOf", ()))
    return any(option.get("type") in {"object", "array"} for option in options)


def _entry(here: YamlValue, key: str | int) -> YamlValue:
    if isinstance(here, list) and isinstance(key, int):
        return here[key] if key < len(here) else None
    return here.get(str(key)) if isinstance(here, dict) else None


def _put(settings: dict[str, YamlValue], path: KeyPath, value: YamlValue) -> None:
    here: YamlValue = settings
    for place, key in enumerate(path, start=1):
        below = value if place == len(path) else _entry(here, key)
        if below is None and place < len(path):
            below = [] if isinstance(path[place], int) else {}
        if isinstance(here, list) and isinstance(key, int):
            here[key : key + 1] = [below]
        elif isinstance(here, dict):
            here[str(key)] = below
        here = below
