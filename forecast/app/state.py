"""What the page sends: a scenario and its question, read by the models of the command line.

A state says ``run``, ``target`` and ``milestone``, and a diff of the run: ``priors``, ``events`` and
``without`` as a scenario file has them, and ``calendar``, probabilities by the label of a scheduled act.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast.config import Scenario, scenario_yaml
from forecast.config.faults import Fault, KeyPath, SourceMap
from forecast.config.yaml_source import YamlValue
from forecast.errors import ConfigError, InputError, did_you_mean, shown
from forecast.priors.named import statement_text
from forecast.runs.inputs import Inputs

MOST_ACTS = 50
"""Acts that a state may assume, and past events that it may take out."""
_NAME = "scenario-page"
_RATIONALE = "Stated on the scenario page."
_KEYS = ("run", "target", "milestone", "priors", "events", "calendar", "without")
_MOST_DEEP = 12


class StateError(InputError):
    """A state that cannot be answered; ``key`` is its place in the state, ``None`` where it has none."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class OtherRunError(StateError):
    """A state of another run."""


@dataclass(frozen=True)
class _Places(SourceMap):
    """Turns the faults of a scenario into one ``StateError`` that names the first key in the state."""

    def error(self, faults: Iterable[Fault]) -> ConfigError:
        first, *others = faults
        more = f" ({len(others)} more)" if others else ""
        key = dotted(first.path)
        raise StateError(f"{key}: {first.message}{more}".removeprefix(": "), key or None)


@dataclass(frozen=True)
class State:
    """A question, and the diff of the run that it is asked of; ``scenario`` is ``None`` without a diff."""

    target: str
    milestone: str
    scenario: Scenario | None

    @property
    def yaml(self) -> str:
        """The diff as a scenario file for ``forecast scenario`` (``StateError`` where there is none)."""
        if self.scenario is None:
            raise StateError(
                "nothing is changed, so there is no scenario to write. Move a belief or add an act"
            )
        return scenario_yaml(self.scenario)

    def command(self, run_dir: str) -> str:
        """The command that computes the same, to copy into a shell."""
        words = ["forecast", "scenario", run_dir]
        options = _options(self.scenario) if self.scenario else []
        words += [f"{_NAME}.yaml"] if options is None else options
        return " ".join(map(shlex.quote, words))


def read_state(content: object, inputs: Inputs, run_id: str) -> State:
    """Read a state as JSON gives it.

    Raises
    ------
    OtherRunError
        It is of another run.
    StateError
        A key that is unknown or cannot be; all that a scenario file is refused for.
    """
    if not isinstance(content, dict):
        raise StateError("a state is a mapping of keys: " + ", ".join(_KEYS))
    _refuse_odd(content)
    for key in content:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS)
            raise StateError(f"{shown(key)}: unknown key.{hint} Allowed: {', '.join(_KEYS)}", shown(key))
    given = content.get("run", run_id)
    if given != run_id:
        raise OtherRunError(
            f"this state is of the run {shown(given)}; the page shows {run_id}. Open the page of that run, "
            "or state it here anew",
            "run",
        )
    config = inputs.config
    target = _known(content, "target", config.headline.target, tuple(config.targets))
    milestone = _known(
        content, "milestone", config.headline.milestone, tuple(one.name for one in config.milestones)
    )
    settings: dict[str, Any] = {
        key: content[key] for key in ("priors", "events", "without") if content.get(key)
    }
    for key in ("events", "without"):
        if isinstance(settings.get(key), list) and len(settings[key]) > MOST_ACTS:
            raise StateError(f"{key}: {len(settings[key])} entries; at most {MOST_ACTS} are allowed", key)
    chances = content.get("calendar")
    if chances:
        settings["calendar"] = {"probability": chances}
    if not settings:
        return State(target, milestone, None)
    named: dict[str, YamlValue] = {"name": _NAME, "rationale": _RATIONALE, **settings}
    return State(target, milestone, Scenario.checked(named, _Places("the page")))


@dataclass(frozen=True)
class Goal:
    """A probability that somebody holds of a target of the run before a milestone."""

    target: str
    milestone: str
    probability: float


def read_goal(content: object, inputs: Inputs, run_id: str) -> Goal:
    """Read what the run is to be reconciled with: ``run``, ``target``, ``milestone`` and ``probability``.

    Raises ``StateError`` as ``read_state``, and for changes, since the run itself is reconciled.
    """
    if not isinstance(content, dict):
        raise StateError("a goal is a mapping of keys: run, target, milestone, probability")
    state = read_state({key: one for key, one in content.items() if key != "probability"}, inputs, run_id)
    if state.scenario is not None:
        raise StateError("a goal is of the run itself; leave priors, events, calendar and without away")
    chance = content.get("probability")
    if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 < chance < 1:
        said = shown(repr(chance))
        raise StateError(f"probability: got {said}; expected a number between 0 and 1", "probability")
    return Goal(state.target, state.milestone, float(chance))


def dotted(path: KeyPath) -> str:
    """Return the place of a key in the state, e.g. ``events[0].date``."""
    keys = [key for key in path if key != "probability"] if path[:2] == ("calendar", "probability") else path
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _known(content: Mapping[str, object], key: str, default: str, known: tuple[str, ...]) -> str:
    given = content.get(key, default)
    if not isinstance(given, str) or given not in known:
        hint = did_you_mean(given, known) if isinstance(given, str) else ""
        raise StateError(f"{key}: the run has no {shown(given)}.{hint} It has: {', '.join(known)}", key)
    return given


def _refuse_odd(value: object, depth: int = 0) -> None:
    """Refuse what no YAML file holds either: deep nesting, halves of surrogate pairs."""
    if depth > _MOST_DEEP:
        raise StateError(f"the state is nested more than {_MOST_DEEP} deep")
    if isinstance(value, dict):
        for key, entry in value.items():
            _refuse_odd(key, depth + 1)
            _refuse_odd(entry, depth + 1)
    elif isinstance(value, list):
        for entry in value:
            _refuse_odd(entry, depth + 1)
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise StateError("a text of the state is not valid Unicode") from error


def _options(scenario: Scenario) -> list[str] | None:
    """Return the scenario as options; ``None`` where it takes a file."""
    if scenario.calendar is not None or scenario.types:
        return None
    words: list[str] = []
    for name, prior in scenario.priors.items():
        words += ["--prior", f"{name}={statement_text(prior)}"]
    for act in scenario.events:
        # A label, and a name with a colon, take a file.
        if act.label is not None or ":" in (act.by or ""):
            return None
        days = f"{act.first_day}" + (f"..{act.last_day}" if act.last_day else "")
        by = f":{act.by}" if act.by else ""
        words += ["--event", f"{days}:{act.category}:{act.severity}:{act.probability:g}{by}"]
    for past in scenario.without:
        if past.id is None:
            return None
        words += ["--without", past.id]
    return words


def shown_folder(folder: Path | None) -> str:
    """Return a run folder as the command names it."""
    return "RUN_DIR" if folder is None else folder.as_posix()
