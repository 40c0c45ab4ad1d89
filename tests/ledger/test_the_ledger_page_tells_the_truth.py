"""What docs/ledger.md shows: commands with options that exist, figures in use."""

import re
import shlex
from pathlib import Path

import pytest

from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.ledger.entries import DIGITS, GRACE_DAYS
from forecast.ledger.exchange import REQUIRED
from forecast.ledger.scoring import HORIZON_BANDS

PAGE = (Path(__file__).resolve().parents[2] / "docs/ledger.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("forecast ledger")
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_of_the_page_exists_with_its_options(command, arguments):
    ended = command(*arguments[:2], "--help")
    assert ended.code == 0
    assert [one for one in arguments if one.startswith("--") and one not in ended.out] == []


def test_the_figures_of_the_page_are_those_in_use():
    text = " ".join(PAGE.split())
    bands = ", ".join(name.removesuffix(" days") for _, name in HORIZON_BANDS)
    phrases = [
        f"made more than {GRACE_DAYS} days after",
        f"fewer than {FEWEST_OUTCOMES} of either answer",
        f"({bands} and more days)",
        f"columns `{','.join(REQUIRED)}`",
        "kept to six decimals",
    ]
    assert DIGITS == 6
    assert [phrase for phrase in phrases if phrase not in text] == []
