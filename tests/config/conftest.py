"""A small valid config as text, for tests that break one thing in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.config import Config, load_config

VALID = """\
schema: 1
name: small
dyad: {a: AAA, b: BBB}
as_of: 2023-07-10
events:
  source: events.csv
  start: 2017-01-20
targets:
  crisis:
    any_of: [sanction, dispute]
    min_severity: 4
  clash: {any_of: [military_incident], min_severity: 5}
milestones:
  - {name: talks, date: 2023-11-17}
  - name: election
    label: General election
    date: 2024-11-05
headline: {target: clash, milestone: talks}
calendar:
  - {date: 2023-07-16, category: visit, severity: 2, probability: 0.95, label: Envoy}
model:
  priors:
    tension.persistence: slow
    ballast.visit: {q05: -0.1, median: 0.1, q95: 0.4}
sampler: {seed: 7}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the valid config with each ``old=new`` replaced once, and return its path."""

    def write_config(*replacements: tuple[str, str], text: str = VALID) -> Path:
        for old, new in replacements:
            assert text.count(old) >= 1, f"{old!r} is not in the config"
            text = text.replace(old, new, 1)
        path = tmp_path / "small.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


@pytest.fixture
def config(write: Callable[..., Path]) -> Config:
    return load_config(write())
