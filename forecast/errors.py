"""The exception tree: everything the product raises on purpose.

::

    ForecastError
    ├── InputError          what the user gave is not usable (exit code 2)
    │   ├── ConfigError     a config or scenario file
    │   ├── EventError      an event file
    │   ├── PriorError      the text or the support of a prior
    │   ├── RunFolderError  a saved run that is missing, altered or in the way
    │   ├── LedgerError     a ledger that is missing, altered, newer or not writable
    │   └── BusyError       another command is writing the same place
    ├── NotConvergedError   the fit ran and failed its gates (exit code 1)
    └── UnfinishedError     part of the work failed, the rest is kept (exit code 1)
        └── StoppedError    the user stopped it, what was finished is kept (exit code 130)

    NotConvergedWarning     the same where the numbers are returned all the same: fit
    CautionWarning          what to know before trusting the numbers: fit

A message says where, what came, what is allowed and what to do. It names arguments of Python in backticks,
which a command shows as its options (``on_command_line``).
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable
from typing import ClassVar

DISTRIBUTION = "dyad-forecast"
"""What pip calls the package; a package called ``forecast`` is somebody else's."""


def install_command(extra: str) -> str:
    """Return the command that adds an optional extra to the Python that runs; its quotes suit every shell."""
    return f'{sys.executable} -m pip install "{DISTRIBUTION}[{extra}]"'


def did_you_mean(given: str, allowed: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ``" Did you mean 'x'?"`` for the allowed word nearest to what was given, or an empty text."""
    near = nearest(given, allowed, cutoff)
    return "" if near is None else f" Did you mean '{near}'?"


def nearest(given: str, allowed: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the allowed word nearest to what was given, if any is near.

    Capitals, blanks, ``-`` and ``_`` make no difference.
    """
    by_folded = {_folded(word): word for word in allowed}
    near = difflib.get_close_matches(_folded(given), by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None


def _folded(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


_ARGUMENT = re.compile("`([a-z_]+)`")
_OPTIONS = {"overrides": "set", "processes": "jobs", "dyads": "dyad", "source_format": "format"}
_OPTIONS |= {"first": "from", "last": "to"}
"""Options whose names differ from those of the arguments in Python."""
MOST_SIGNS, MOST_LINES = 2_000, 50
"""Of a line, and of a message, on a terminal; how many lines are left out is one more."""


def shown(text: object, width: int = 60) -> str:
    """Return foreign text as a message may show it: cut, on one line, without signs that steer a terminal.

    What no terminal should be sent (controls, changes of direction, halves of surrogate pairs) is written as
    Python writes it in a text.
    """
    whole = str(text)
    kept = escaped(whole[:width])
    return kept if len(whole) <= width else f"{kept}…"


def on_command_line(message: str) -> str:
    """Return a message with the arguments that it names in backticks as options: ``--as-of`` for as_of."""
    return _ARGUMENT.sub(lambda found: f"--{_OPTIONS.get(found[1], found[1].replace('_', '-'))}", message)


def safe_lines(message: str, most: int = MOST_LINES) -> str:
    """Return a message as a terminal may get it: its lines, each as ``shown`` shows a text, cut late."""
    lines = message.split("\n")
    left = len(lines) - most
    more = [f"and {left:,} more lines"] if left > 1 else lines[most:]
    return "\n".join(shown(line, MOST_SIGNS) for line in (*lines[:most], *more))


def escaped(text: str) -> str:
    """Return a text on one line, without signs that steer a terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


# Line ends and tabs separate words; every other control character, the bidirectional overrides and the
# invisible characters that can hide text are dropped. The zero-width joiners stay: some scripts need them.
_SEPARATORS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def clean_text(text: str) -> str:
    """Return the text without control and bidirectional-override characters, and without outer blanks."""
    if text.isprintable():
        return text.strip()
    return _UNSEEN.sub("", _SEPARATORS.sub(" ", text)).strip()


class ForecastError(Exception):
    """Base of every error raised on purpose; ``exit_code`` is what the command returns."""

    exit_code: ClassVar[int] = 2


class InputError(ForecastError):
    """What the user gave cannot be used."""


class ConfigError(InputError):
    """A config file, a ``--set`` or a scenario is not valid."""


class EventError(InputError):
    """An event file is not valid; the message lists every fault with its line."""


class PriorError(InputError):
    """A prior is unknown, not readable, or gives mass where the parameter cannot be."""


class RunFolderError(InputError):
    """A run folder is missing, incomplete, altered, or already there."""


class LedgerError(InputError):
    """A ledger is missing, altered, newer or not writable, or does not hold what was asked for."""


class BusyError(InputError):
    """Another command is writing the same place."""


class NotConvergedError(ForecastError):
    """The sampler ran, but a gate failed: the numbers must not be used as if it had converged."""

    exit_code: ClassVar[int] = 1


class NotConvergedWarning(UserWarning):
    """A gate failed, and the numbers are returned all the same: do not use them."""


class CautionWarning(UserWarning):
    """What a reader must know before trusting the numbers of a run: one of its cautions and warnings."""


class UnfinishedError(ForecastError):
    """Part of the work failed; what was finished is kept, and the message says how to go on."""

    exit_code: ClassVar[int] = 1


class StoppedError(UnfinishedError):
    """The user stopped the work; what was finished is kept, and the message says how to go on."""

    exit_code: ClassVar[int] = 130
