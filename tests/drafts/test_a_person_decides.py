"""``forecast events review``: one key a proposal, written at once."""

import csv

import pytest

from forecast.errors import EventError
from forecast.events.drafts import Proposals, open_proposals
from forecast.events.reading import read_events
from tests.drafts.conftest import OTHER, SENTENCE, act

HELD = """\
id,date,initiator,target,category,severity,summary,x_note
usa-chn-20230203-01,2023-02-03,USA,CHN,channel_closure,3,"Trip of the secretary of state, called off",mine
usa-rus-20230204-01,2023-02-04,USA,RUS,sanction,2,Another pair,mine
"""


@pytest.fixture
def drafted(draft, stub, tmp_path):
    """Two proposals from one article, and an event file."""
    protest = {"initiator": "CHN", "target": "USA", "date": "2023-02-05", "category": "dispute"}
    protest["severity"] = 2
    stub.acts(act(), act(**protest, sentence=OTHER, summary="Protest against the use of force"))
    assert draft().facts["waiting"] == 2
    (tmp_path / "events.csv").write_text(HELD)
    return tmp_path / "events.csv"


@pytest.fixture
def review(command):
    return lambda *more, keys="": command("review", "proposals.json", *(more or ("events.csv",)), keys=keys)


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_accepted_acts_are_events_that_name_their_coder(review, drafted):
    ended = review(keys="a\nr\n")
    assert (ended.code, ended.err.count("accept")) == (0, 2), ended.err
    assert "Sentence: A US fighter jet" in ended.out
    assert "Severity 4 (standard): Collision" in ended.out
    assert "usa-chn-20230203-01: 2023-02-03 USA to CHN channel_closure 3" in ended.out
    assert "Another pair" not in ended.out
    *before, new = rows(drafted)
    assert [(row["x_note"], row["x_coder"]) for row in before] == [("mine", "")] * 2
    assert (new["x_coder"], new["x_sentence"]) == ("draft+person", SENTENCE)
    assert (new["date"], new["category"], new["severity"]) == ("2023-02-04", "military_incident", "4")
    assert len(read_events(drafted)) == 3


def test_an_act_is_changed_before_it_is_accepted(review, drafted):
    # Kept, kept, kept, kept, another category, one severity that is not allowed, one that is, kept.
    ended = review(keys="s\nc\n\n\n\n\nmilitary_posture\n9\n3\n\n")
    assert ended.code == 0
    assert "'9'" in ended.err
    new = rows(drafted)[-1]
    assert (new["category"], new["severity"], new["date"]) == ("military_posture", "3", "2023-02-05")
    proposals = open_proposals(drafted.parent / "proposals.json").proposals
    assert [proposal.decision for proposal in proposals] == ["waiting", "changed"]


@pytest.mark.parametrize("keys", ["a\n", "a\nq\n", "a\nx\n?\n"])
def test_a_stopped_review_goes_on_where_it_was(review, drafted, keys):
    review(keys=keys)
    assert len(rows(drafted)) == 3
    assert "p1" not in review(keys="a\n").out
    assert [row["category"] for row in rows(drafted)[2:]] == ["military_incident", "dispute"]


def test_a_review_that_is_killed_between_two_writes_doubles_nothing(review, drafted, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Proposals, "_written", killed)
        assert review(keys="a\n").code == 130
    assert len(rows(drafted)) == 3
    review(keys="a\nq\n")
    assert [row["id"][-11:] for row in rows(drafted)[2:]] == ["20230204-01"]
    (first, _) = open_proposals(drafted.parent / "proposals.json").proposals
    assert (first.decision, first.event["id"]) == ("accepted", "usa-chn-20230204-01")


DYAD = '{"dyad": {"a": ["USA"], "b": ["CHN"]}, "scale": {"name": "s", "anchors": {}}, "proposals": [%s]}'
PROPOSAL = '{"id": "p1", "article": "a", "article_sha256": "", "anchor": "", "sentence": "", "cells": %s}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "not a file of proposals"),
        ('{"schema": 2}', "not a file of proposals"),
        (DYAD.replace('["USA"]', "[]") % "", "needs an actor"),
        (DYAD.replace('"b"', '"c"') % "", "dyad lacks 'b'"),
        (DYAD % (PROPOSAL % '{"category": "war"}'), "proposal p1: category: unknown category 'war'"),
        (DYAD % (PROPOSAL % '{"date": "2023-02-04"}'), "proposal p1: initiator: missing"),
    ],
)
def test_a_file_that_holds_no_proposals_is_one_message(tmp_path, content, message):
    if content is not None:
        (tmp_path / "proposals.json").write_text(content)
    with pytest.raises(EventError) as refused:
        open_proposals(tmp_path / "proposals.json")
    assert message in str(refused.value)
    assert "proposals.json: " in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HELD.replace("sanction", "war"), "events.csv:3: category: unknown category 'war'"),
        (HELD.replace(",", ";"), "not written by the codebook"),
        (HELD.replace("initiator", "Initiator "), "not written by the codebook"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_alone(review, drafted, content, message):
    drafted.write_text(content)
    ended = review(keys="a\n")
    assert ended.code == 2
    assert message in ended.err
    assert drafted.read_text() == content
