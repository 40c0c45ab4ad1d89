"""``forecast events review``: one key a proposal, written at once, and agreement as coders have it."""

import csv
import json

import pytest

from forecast.drafts.proposals import ProposalFile, open_proposals
from forecast.errors import EventError
from forecast.events import coding
from forecast.events.reading import read_events

HELD = """\
id,date,initiator,target,category,severity,summary,x_note
usa-chn-20230203-01,2023-02-03,USA,CHN,channel_closure,3,Trip of the secretary of state called off,mine
usa-rus-20230204-01,2023-02-04,USA,RUS,sanction,2,Another pair,mine
"""


@pytest.fixture
def drafted(draft, stub, tmp_path):
    """Two proposals from one article, and an event file."""
    protest = stub.act(
        initiator="CHN",
        target="USA",
        date="2023-02-05",
        category="dispute",
        severity=2,
        sentence=stub.other,
        summary="Protest against the use of force",
    )
    stub.acts(stub.act(), protest)
    assert draft()[1]["waiting"] == 2
    (tmp_path / "events.csv").write_text(HELD)
    return tmp_path / "events.csv"


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_accepted_acts_are_events_that_name_their_coder(command, drafted, stub):
    code, out, err = command("review", "proposals.json", "events.csv", keys="a\nr\n")
    assert (code, err.count("accept")) == (0, 2), err
    assert "Sentence: A US fighter jet" in out
    assert "Severity 4 (standard): Collision" in out
    assert "usa-chn-20230203-01: 2023-02-03 USA to CHN channel_closure 3" in out
    assert "Another pair" not in out
    *before, new = rows(drafted)
    assert [row["x_note"] for row in before] == ["mine", "mine"]
    assert new["x_coder"] == "draft+person"
    assert new["x_sentence"] == stub.sentence
    assert (new["date"], new["category"], new["severity"]) == ("2023-02-04", "military_incident", "4")
    assert len(read_events(drafted)) == 3


def test_an_act_is_changed_before_it_is_accepted(command, drafted):
    # Kept, kept, kept, kept, another category, one severity that is not allowed, one that is, kept.
    keys = "s\nc\n\n\n\n\nmilitary_posture\n9\n3\n\n"
    code, _, err = command("review", "proposals.json", "events.csv", keys=keys)
    assert code == 0
    assert "'9'" in err
    new = rows(drafted)[-1]
    assert (new["category"], new["severity"], new["date"]) == ("military_posture", "3", "2023-02-05")
    decisions = [one.decision for one in open_proposals(drafted.parent / "proposals.json").content.proposals]
    assert decisions == ["waiting", "changed"]


@pytest.mark.parametrize("keys", ["a\n", "a\nq\n", "a\nx\n?\n"])
def test_a_stopped_review_goes_on_where_it_was(command, drafted, keys):
    command("review", "proposals.json", "events.csv", keys=keys)
    assert len(rows(drafted)) == 3
    _, out, _ = command("review", "proposals.json", "events.csv", keys="a\n")
    assert "p1" not in out
    assert [row["category"] for row in rows(drafted)[2:]] == ["military_incident", "dispute"]


@pytest.mark.parametrize("broken", ["before the event file", "after the event file"])
def test_a_review_that_is_killed_between_two_writes_loses_and_doubles_nothing(
    command, drafted, monkeypatch, broken
):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if broken == "before the event file":
            patched.setattr("forecast.drafts.proposals.add_event", killed)
        else:
            plain, calls = ProposalFile._written, []

            def second_fails(self, content):
                calls.append(content)
                return plain(self, content) if len(calls) == 1 else killed()

            patched.setattr(ProposalFile, "_written", second_fails)
        code, _, _ = command("review", "proposals.json", "events.csv", keys="a\n")
        assert code == 130
    assert len(rows(drafted)) == (2 if broken == "before the event file" else 3)
    command("review", "proposals.json", "events.csv", keys="r\n")
    assert len(rows(drafted)) == 3
    (first, _) = open_proposals(drafted.parent / "proposals.json").content.proposals
    assert (first.decision, first.stored) == ("accepted", True)


def test_an_id_that_was_taken_in_between_is_not_taken_for_the_act(command, drafted, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("forecast.drafts.proposals.add_event", killed)
        command("review", "proposals.json", "events.csv", keys="a\n")
    opened = coding.open_event_file(drafted)
    other = {
        "date": "2023-02-04",
        "initiator": "CHN",
        "target": "USA",
        "category": "visit",
        "severity": "1",
    }
    coding.add_event(opened, coding.code_event(other, opened))
    command("review", "proposals.json", "events.csv", keys="q\n")
    assert [row["id"][-11:] for row in rows(drafted)[2:]] == ["20230204-01", "20230204-02"]


def test_agreement_is_that_of_two_coders(command, drafted):
    command("review", "proposals.json", "events.csv", keys="a\nc\n\n\n\n\nmilitary_posture\n3\n\n")
    code, out, _ = command("review", "proposals.json", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["decisions"] == {"waiting": 0, "accepted": 1, "changed": 1, "refused": 0}
    assert (facts["events"], facts["shared"], facts["coders"]) == (2, 2, ["draft", "draft+person"])
    equal = {one["name"]: one["equal"] for one in facts["agreement"]}
    assert (equal["category"], equal["severity"], equal["date"]) == (0.5, 0.5, 1.0)


def test_drafts_are_compared_with_a_coding_of_ones_own(command, drafted, tmp_path):
    own = tmp_path / "anna.csv"
    own.write_text(
        "date,initiator,target,category,severity,summary\n"
        "2023-02-04,USA,CHN,military_incident,5,US jet shoots down a Chinese balloon\n"
    )
    _, out, _ = command("review", "proposals.json", "--against", own, "--json")
    facts = json.loads(out)
    assert (facts["coders"], facts["events"], facts["shared"]) == (["draft", "anna"], 2, 1)
    equal = {one["name"]: one["equal"] for one in facts["agreement"]}
    assert (equal["category"], equal["severity"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("[]", "not a file of proposals"),
        ("{", "not a file of proposals"),
        ('{"schema": 2}', "not a file of proposals"),
        ('{"dyad": {"a": [], "b": ["X"]}, "scale": {"name": "s", "anchors": {}}}', "needs an actor"),
    ],
)
def test_a_file_that_holds_no_proposals_is_one_message(command, tmp_path, content, message):
    if content is not None:
        (tmp_path / "proposals.json").write_text(content)
    code, _, err = command("review", "proposals.json", "events.csv", keys="a\n")
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "events.csv").exists()


def test_a_proposal_that_was_tampered_with_is_refused(drafted):
    path = drafted.parent / "proposals.json"
    path.write_text(path.read_text().replace('"military_incident"', '"war"'))
    with pytest.raises(EventError, match="proposal p1: category: unknown category 'war'"):
        open_proposals(path)
