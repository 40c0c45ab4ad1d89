"""A scenario written as options of the command line: ``--prior``, ``--event``, ``--without``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from forecast.config import Scenario, scenario_of
from forecast.config.faults import KeyPath, SourceMap
from forecast.config.yaml_source import YamlValue, parse_yaml, plain_scalar
from forecast.errors import ConfigError

NAME = "options"
RATIONALE = "Given as options on the command line."
_ACT_SHAPE = (
    "DATE:category:severity[:probability][:by], e.g. 2023-09-01:visit:4:0.7 or "
    "2023-09-01:military_posture:4:CHN (DATE may be FIRST..LAST)"
)


def scenario_from_options(
    priors: Sequence[str], events: Sequence[str], without: Sequence[str]
) -> Scenario | None:
    """Read the options as one scenario; ``None`` when there are none.

    ``priors`` are ``NAME=PRIOR`` each (a word, a distribution, or quantiles as ``{q05: .., q95: ..}``),
    ``events`` ``DATE:category:severity[:probability][:by]`` (DATE a day or ``FIRST..LAST``; a part that is no
    number says who acts), ``without`` ids of past events.

    Raises
    ------
    ConfigError
        Lists every option that cannot be read, by its name.
    """
    if not (priors or events or without):
        return None
    settings: dict[str, YamlValue] = {"name": NAME, "rationale": RATIONALE}
    places: dict[KeyPath, str] = {}
    faults: list[str] = []
    if priors:
        stated: dict[str, YamlValue] = {}
        for text in priors:
            name, equals, written = text.partition("=")
            name, written = name.strip(), written.strip()
            if not equals or not name or not written:
                faults.append(f"--prior {text}: write NAME=PRIOR, e.g. --prior 'ballast.visit=calms'")
            elif name in stated:
                faults.append(f"--prior {name}: given twice; keep one")
            else:
                stated[name] = _prior(written, f"--prior {name}")
                places["priors", name] = f"--prior {name}"
        settings["priors"] = stated
    if events:
        acts: list[YamlValue] = []
        for text in events:
            act = _act(text)
            if isinstance(act, str):
                faults.append(act)
                continue
            places["events", len(acts)] = f"--event {text}"
            acts.append(act)
        settings["events"] = acts
    if without:
        settings["without"] = [*without]
        for index, name in enumerate(without):
            places["without", index] = f"--without {name}"
    if faults:
        raise ConfigError("\n".join(faults))
    return scenario_of(settings, SourceMap("options", {}, places))


def _prior(written: str, option: str) -> YamlValue:
    return parse_yaml(written, option)[0] if written.startswith("{") else plain_scalar(written)


def _act(text: str) -> dict[str, YamlValue] | str:
    parts = [part.strip() for part in text.split(":")]
    if not 3 <= len(parts) <= 5 or not all(parts):
        return f"--event {text}: write {_ACT_SHAPE}"
    day, category, severity, *rest = parts
    # A name says who acts; what begins like a number is meant as one.
    by = [rest.pop()] if rest and rest[-1][0].isalpha() else []
    if len(rest) > 1:
        return f"--event {text}: write {_ACT_SHAPE}"
    act: dict[str, YamlValue] = {}
    window = re.fullmatch(r"(.+?)\.\.(.+)", day)
    if window:
        act["window"] = [window[1], window[2]]
    else:
        act["date"] = day
    act["category"], act["severity"] = category, plain_scalar(severity)
    if by:
        act["by"] = by[0]
    if rest:
        number = plain_scalar(rest[0])
        # Probabilities are numbers; a whole one means the same.
        act["probability"] = float(number) if type(number) is int else number
    return act
