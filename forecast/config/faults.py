"""Faults of a config: where each one is, how it reads, and the one error that lists them all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from forecast.errors import ConfigError

type KeyPath = tuple[str | int, ...]

# A file with more faults than this is of another kind than a config; the rest is counted, not shown.
_SHOWN_FAULTS = 50


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
    """Where each key of a config was written: in the file, or on the command line.

    Attributes
    ----------
    file : str
        The file as the user named it.
    positions : mapping of key path to Position
        Position of the key in the file; for list items, of the item.
    options : mapping of key path to str
        Keys set on the command line, e.g. ``"--set sampler.draws"``.
    """

    file: str
    positions: Mapping[KeyPath, Position] = field(default_factory=dict)
    options: Mapping[KeyPath, str] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> Position | str:
        """Return the place of the key, or of the nearest key above it when it was not written."""
        for length in range(len(path), -1, -1):
            above = path[:length]
            if above in self.options:
                return self.options[above]
            if above in self.positions:
                return self.positions[above]
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
        pieces = [self.locate(fault.path), dotted_path(fault.path), fault.message]
        if fault.path in self.options:
            del pieces[1]
        return printable(": ".join(filter(None, pieces)))

    def error(self, faults: Iterable[Fault]) -> ConfigError:
        """Return one error that lists the faults in the order of the file, then of the options."""

        def order(fault: Fault) -> tuple[bool, Position]:
            origin = self.origin(fault.path)
            return (True, Position(0, 0)) if isinstance(origin, str) else (False, origin)

        lines = list(dict.fromkeys(self.text(fault) for fault in sorted(faults, key=order)))
        rest = len(lines) - _SHOWN_FAULTS
        if rest > 0:
            lines = [*lines[:_SHOWN_FAULTS], f"{self.file}: and {rest} more faults"]
        return ConfigError("\n".join(lines))


def dotted_path(path: KeyPath) -> str:
    """Return a key path as ``--set`` takes it, e.g. ``milestones.0.date``."""
    return ".".join(str(key) for key in path)


def printable(text: str) -> str:
    """Return text that cannot steer a terminal or break a line: other signs become escapes."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the allowed word nearest to ``word``, or nothing."""
    by_folded = {_folded(candidate): candidate for candidate in allowed}
    near = difflib.get_close_matches(_folded(word), by_folded, n=1, cutoff=0.6)
    return f" Did you mean '{by_folded[near[0]]}'?" if near else ""


def shown(value: object) -> str:
    """Return a value that came in as a short phrase, e.g. ``7`` or ``text 'many'``."""
    match value:
        case None:
            return "an empty value"
        case bool():
            return str(value).lower()
        case str():
            text = value if len(value) <= 60 else value[:57] + "..."
            return f"text {text!r}"
        case Mapping():
            return "a mapping (key: value)"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")
