"""Small configs to run the command on."""

from pathlib import Path

import pytest

CONFIG = """\
name: small
dyad: {a: USA, b: CHN}
as_of: 2023-07-10
events: {source: events.csv}
targets:
  crisis:
    any_of: [sanction, dispute]
    min_severity: 4
milestones:
  - {name: election, date: 2024-11-05}
sampler: {seed: 7}
"""
EVENTS = """\
id,date,known_date,initiator,target,category,severity,summary
e1,2022-01-05,,USA,CHN,sanction,2,A listing
e2,2022-03-01,2022-03-04,CHN,USA,dispute,3,A protest
e3,2022-08-09,,USA,CHN,visit,1,A meeting
e4,2023-02-01,,USA,CHN,sanction,4,Sweeping controls
"""


@pytest.fixture
def case(tmp_path):
    """Write a config and its events, with one text in each replaced; return the path of the config."""

    def write(config: tuple[str, str] = ("", ""), events: tuple[str, str] = ("", "")) -> Path:
        for name, text, (old, new) in (("case.yaml", CONFIG, config), ("events.csv", EVENTS, events)):
            assert old in text
            (tmp_path / name).write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
        return tmp_path / "case.yaml"

    return write
