"""A ledger of version 0.2, whose model families are gone, is verified, resolved and scored as before."""

from pathlib import Path

import pytest

from forecast.families import FAMILIES
from forecast.ledger.exchange import import_chain, read_chain_file
from forecast.ledger.scoring import score_ledger
from forecast.ledger.store import write_ledger

OLD = Path(__file__).with_name("chain-of-0.2.jsonl")
CHANCES = {"joint": 0.2, "focused": 0.3, "target": 0.4, "ensemble": 0.3, "combined": 0.35}


@pytest.fixture
def old(case):
    """The ledger of 0.2: a forecast of one question by each of its families."""
    with write_ledger(case.path) as writer:
        assert import_chain(writer, read_chain_file(OLD)).added == len(CHANCES)
    return case


def test_questions_on_record_resolve_and_score_under_the_names_of_then(old, coded):
    assert set(CHANCES) - set(FAMILIES)
    old.resolve(coded(("2022-01-10", "sanction", 4), ("2022-03-01", "visit", 1)))
    scores = score_ledger(old.ledger)
    found = {one.group: one.brier.value for one in scores.groups if one.by == "model"}
    assert found == pytest.approx({model: (1 - chance) ** 2 for model, chance in CHANCES.items()})


def test_the_commands_show_it(old, command, coded):
    old.resolve(coded(("2022-01-10", "sanction", 4), ("2022-03-01", "visit", 1)))
    for verb in ("list", "verify", "score"):
        ended = command("ledger", verb, "--ledger", old.path)
        assert (ended.code, ended.err) == (0, ""), verb
