"""The command reference: every command with its arguments and options, from the app itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from forecast.cli.app import app

HEAD = """\
# Commands

Made from the program: what `forecast COMMAND --help` prints. Every command takes `--help`. Exit codes: 0
done; 1 ran, but did not converge; 2 bad input or usage; 3 a fault of the program; 130 interrupted; 143 ended
by a signal.
"""


_KINDS = {int: "N", float: "NUMBER", Path: "PATH"}


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command that can be called, with its words, e.g. ``ledger score``."""
    yield from _below((), typer.main.get_command(app))


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Click's
    groups = getattr(command, "commands", {})
    if words and (not groups or command.invoke_without_command):
        yield " ".join(words), command
    for name, one in groups.items():
        if not one.hidden:
            yield from _below((*words, name), one)


def options(command: Any) -> list[Any]:  # noqa: ANN401
    """Return the options of a command, but for ``--help``, and those hidden."""
    every = [one for one in command.params if one.param_type_name == "option"]
    return [one for one in every if one.name != "help" and not one.hidden]


def arguments(command: Any) -> list[Any]:  # noqa: ANN401
    """Return the arguments of a command."""
    return [one for one in command.params if one.param_type_name == "argument"]


def reference() -> str:
    """Return the page of all commands."""
    return HEAD + "".join(_section(name, command) for name, command in commands())


def _section(name: str, command: Any) -> str:  # noqa: ANN401
    usage = ["forecast", name, *(_argument(one) for one in arguments(command)), "[OPTIONS]"]
    lines = [f"\n## forecast {name}\n", "```text", " ".join(usage), "```\n", _words(command.help) + "\n"]
    if listed := arguments(command):
        lines += ["| argument | what it is |", "|---|---|"]
        lines += [f"| `{_argument(one)}` | {_cell(one.help)} |" for one in listed]
        lines.append("")
    if listed := options(command):
        lines += ["| option | what it does | default |", "|---|---|---|"]
        lines += [f"| {_names(one)} | {_cell(one.help)} | {_default(one)} |" for one in listed]
    return "\n".join(lines) + "\n"


def _argument(one: Any) -> str:  # noqa: ANN401
    name = one.metavar or _choices(one) or one.name.upper()
    name += "..." if one.nargs == -1 or one.multiple else ""
    return name if one.required else f"[{name}]"


def _names(one: Any) -> str:  # noqa: ANN401
    kind = one.type_descriptor.annotation
    value = "" if one.is_flag else f" {one.metavar or _choices(one) or _KINDS.get(kind, 'TEXT')}"
    return ", ".join(f"`{name}{value}`".replace("|", r"\|") for name in [*one.opts, *one.secondary_opts])


def _choices(one: Any) -> str:  # noqa: ANN401
    return "|".join(map(str, get_args(one.type_descriptor.annotation)))


def _default(one: Any) -> str:  # noqa: ANN401
    if one.required:
        return "required"
    if one.default is None or one.is_flag or callable(one.default):
        return ""
    return f"`{one.default}`"


def _words(text: str | None) -> str:
    """Return the help of a command as paragraphs."""
    paragraphs = re.split(r"\n\s*\n", (text or "").replace("\b", "").strip())
    return "\n\n".join(_escaped(" ".join(one.split())) for one in paragraphs)


def _cell(text: str | None) -> str:
    return _escaped(" ".join((text or "").split())).replace("|", r"\|")


def _escaped(text: str) -> str:
    """Return text in which no sign is taken for markup."""
    return re.sub(r"([*_<>\[\]])", r"\\\1", text)
