"""From a file and the options of the command line to a checked Config."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from forecast.config.cross_checks import cross_faults
from forecast.config.faults import shown
from forecast.config.field_faults import field_faults
from forecast.config.overrides import Override, apply_overrides, parse_override
from forecast.config.schema import Config
from forecast.config.yaml_source import read_yaml
from forecast.errors import ConfigError


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    as_of: date | None = None,
    seed: int | None = None,
) -> Config:
    """Read, override and check a config; nothing but this one file is opened.

    Parameters
    ----------
    path : str or Path
        The YAML file. Relative paths inside it start from its folder.
    overrides : sequence of str
        Each ``key.path=value`` as after ``--set``, e.g. ``"sampler.draws=250"`` or
        ``"milestones.us-election-2024.date=2024-11-06"``; later ones win.
    as_of, seed : date, int, optional
        As after ``--as-of`` and ``--seed``; they win over the file and over ``overrides``.

    Raises
    ------
    ConfigError
        Once, with every fault: ``file:line:column: key.path: what came; what is allowed``.
    """
    path = Path(path)
    document = read_yaml(path)
    if not isinstance(document.content, dict):
        raise ConfigError(
            f"{path}:1:1: the file must hold 'key: value' lines, came {shown(document.content)}"
        )
    given = [*_parsed(overrides)]
    if as_of is not None:
        given.append(Override("--as-of", "as_of", as_of.isoformat()))
    if seed is not None:
        given.append(Override("--seed", "sampler.seed", seed))
    settings, source, faults = apply_overrides(document, given, Config)
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise source.error([*faults, *field_faults(error, Config), *cross_faults(settings)]) from error
    if faults:
        raise source.error(faults)
    config._source, config._source_path = source, path
    return config


def _parsed(overrides: Iterable[str]) -> list[Override]:
    parsed, faults = [], []
    for text in overrides:
        try:
            parsed.append(parse_override(text))
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return parsed
