"""A config written out with nothing left implicit, and the hash that names it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import yaml

from forecast.config.schema import Config
from forecast.config.score_schema import ScoreConfig
from forecast.config.yaml_source import plain_scalar


class _Dumper(yaml.SafeDumper):
    """Writes what ``yaml_source`` reads back as the same: no aliases, quotes where a word would turn."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - PyYAML's own signature
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if plain_scalar(text) == text and isinstance(plain_scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def resolved_yaml(config: Config | ScoreConfig, folder: Path | None = None) -> str:
    """Return the config as YAML with every default explicit.

    Parameters
    ----------
    config : Config or ScoreConfig
    folder : Path, optional
        Folder that the text will be saved in; the path of an event file is then rewritten so that it is
        found from there. Without it the text reads back as an equal config.
    """
    settings = config.model_dump(by_alias=True)
    section, path = (
        ("scores", config.scores_path) if isinstance(config, ScoreConfig) else ("events", config.events_path)
    )
    if folder is not None and path is not None:
        relative = os.path.relpath(path.resolve(), folder.resolve())
        settings[section]["source"] = Path(relative).as_posix()
    return yaml.dump(settings, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def config_hash(config: Config | ScoreConfig) -> str:
    """Return the SHA-256 of the settings as canonical JSON (64 hex digits).

    The same settings have the same hash whatever the file looks like: comments, order of keys and
    explicit defaults do not matter.
    """
    settings = config.model_dump(mode="json", by_alias=True)
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
