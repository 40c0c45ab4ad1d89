"""``forecast reactions``: what followed what, against chance alone, with known answers."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from forecast import reactions
from forecast.cli.terminal import WIDTH
from forecast.errors import InputError
from forecast.events.codebook import SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.reading import load_events
from forecast.events.table import Event, EventTable
from forecast.panel import TargetRule
from forecast.reactions import GRAVE_ANSWER, Reactions, acts_in_words, find_reactions

START, AS_OF = date(2000, 1, 1), date(2009, 12, 31)
DYAD = DyadRule(("AAA",), ("BBB",))
CLASH = TargetRule("clash", ("military_incident",), 4, ("BBB",))
DRILLS = TargetRule("taiwan_drills", ("military_posture",), 4, ("CHN",))


def act(day: int, by: str, category: str, severity: int = 1, subcategory: str = "", known: int = 0) -> Event:
    on = START + timedelta(days=int(day))
    return Event(
        id=f"{day}-{by}-{category}-{severity}-{subcategory}",
        date=on,
        known_date=on + timedelta(days=known),
        initiator=by,
        recipient="BBB" if by == "AAA" else "AAA",
        category=category,
        subcategory=subcategory,
        severity=severity,
    )


def noise(rng, n_days=3_650) -> list[Event]:
    """Independent Poisson acts of both sides."""
    kinds = [
        *(
            (by, "sanction", severity, kind)
            for by in ("AAA", "BBB")
            for severity in (1, 3, 4)
            for kind in "xy"
        ),
        *((by, "visit", severity, "") for by in ("AAA", "BBB") for severity in (1, 2)),
        *((by, "dispute", severity, "protest") for by in ("AAA", "BBB") for severity in (2, 4)),
    ]
    return [act(day, *kind) for kind in kinds for day in np.flatnonzero(rng.random(n_days) < 0.008)]


def probes(rng) -> list[Event]:
    """Thirty probes of AAA 80 days apart, of which the first 15 are answered by BBB within three days."""
    days = 60 + 80 * np.arange(30) + rng.integers(0, 20, 30)
    answers = [act(day + rng.integers(1, 4), "BBB", "military_incident", 4) for day in days[:15]]
    return [*(act(day, "AAA", "military_posture", 2, "probe") for day in days), *answers]


def found_in(events, rules=(CLASH,), dyad=DYAD, days=14, as_of=AS_OF, **more) -> Reactions:
    table = EventTable.from_events(events, "simulated")
    return find_reactions(table, dyad, rules, START, as_of, days, **more)


def pair(found: Reactions, kind: str, answer: str):
    return next(one for one in found.found if acts_in_words(one.acts) == kind and one.answer == answer)


def test_a_probe_that_is_answered_half_the_time_comes_out_on_top():
    rng = np.random.default_rng(3)
    found = found_in([*noise(rng), *probes(rng)])
    best = found.found[0]
    assert acts_in_words(best.acts) == "military_posture/probe by AAA"
    assert (best.answer, best.asked.cases, best.asked.answered) == ("clash", 30, 15)
    assert [window.answered for window in best.windows] == [15, 15, 15]
    # 15 answers, each after at most 14 days that were no case, of 3,600.
    assert best.asked.base == pytest.approx(15 * 13 / 3_609, rel=0.1)
    low, high = best.asked.ratio90
    assert 3 < low < best.asked.ratio < high < 15
    assert low < best.asked.observed_ratio < high
    assert len(best.examples) == 10
    answered = [case for case in found.past if case.candidates]
    assert len(answered) == len(found.past) == 15
    assert {acts_in_words(case.candidates[0].of.acts) for case in found.past} == {acts_in_words(best.acts)}
    assert {case.candidates[0].days_before for case in found.past} <= {1, 2, 3}


def test_intervals_of_independent_acts_nearly_all_hold_one():
    held, pairs = 0, 0
    for seed in range(20):
        found = found_in(noise(np.random.default_rng(seed)), [TargetRule("crisis", ("sanction",), 4)])
        held += sum(one.asked.ratio90[0] <= 1 <= one.asked.ratio90[1] for one in found.found)
        pairs += len(found.found)
    assert pairs > 1_000
    assert held / pairs > 0.98, f"{held} of {pairs}"


def test_names_of_sides_do_not_matter():
    events = [*noise(np.random.default_rng(1)), *probes(np.random.default_rng(1))]
    names = {"AAA": "ZZZ", "BBB": "CCC"}
    renamed = [replace(one, initiator=names[one.initiator], recipient=names[one.recipient]) for one in events]
    before = found_in(events)
    after = found_in(renamed, [replace(CLASH, by=("CCC",))], DyadRule(("ZZZ",), ("CCC",)))
    known = {
        (replace(one.acts, by=tuple(map(names.get, one.acts.by))), one.answer): one.asked
        for one in before.found
    }
    assert {(one.acts, one.answer) for one in after.found} == known.keys()
    for one in after.found:
        theirs = known[one.acts, one.answer]
        assert (one.asked.cases, one.asked.answered) == (theirs.cases, theirs.answered)
        assert one.asked.ratio == pytest.approx(theirs.ratio)


def test_neither_order_of_rows_nor_of_sides_matters():
    events = [*noise(np.random.default_rng(2)), *probes(np.random.default_rng(2))]
    shuffled = [events[place] for place in np.random.default_rng(0).permutation(len(events))]
    assert found_in(shuffled) == found_in(events)
    assert found_in(events, dyad=DyadRule(("BBB",), ("AAA",))).found == found_in(events).found


def test_answers_count_from_the_next_day_to_the_last_of_the_window():
    days = [100, 300, 500, 700]
    gaps = [0, 1, 14, 15]
    acts = [act(day, "AAA", "dispute") for day in days]
    acts += [act(day + gap, "BBB", "military_incident", 4) for day, gap in zip(days, gaps, strict=True)]
    acts.append(act(3_640, "AAA", "dispute"))  # twelve days before the as-of date: no case of 14 days
    one = pair(found_in(acts), "dispute by AAA", "clash").asked
    assert (one.cases, one.answered) == (4, 2)
    # Days before each of four answers, but for the three cases among them.
    assert one.base == pytest.approx((4 * 14 - 2 + 0.5) / (3_653 - 14 - 4 + 1))


def test_a_grave_answer_is_conflict_of_the_other_side():
    acts = [act(day, "AAA", "sanction", 2, "ban") for day in (100, 200, 300, 400)]
    acts += [act(103, "BBB", "dispute", 3), act(203, "AAA", "dispute", 5), act(303, "BBB", "visit", 5)]
    acts.append(act(403, "BBB", "dispute", 2))
    one = pair(found_in(acts), "sanction/ban by AAA", GRAVE_ANSWER)
    assert (one.asked.answered, one.examples) == (1, (START + timedelta(days=100),))
    assert GRAVE_ANSWER not in {other.answer for other in found_in(acts).found if other.acts.by == ("BBB",)}


def test_what_became_known_later_does_not_count():
    rng = np.random.default_rng(4)
    events = [*noise(rng), *probes(rng)]
    as_of = START + timedelta(days=2_000)
    then = [one for one in events if one.known_date <= as_of]
    late = [act(1_990, "BBB", "military_incident", 5, known=30)]
    assert found_in([*events, *late], as_of=as_of) == found_in(then, as_of=as_of)


def test_classes_with_the_same_cases_are_one():
    rng = np.random.default_rng(3)
    of_probes = {
        (one.acts.subcategory, one.acts.by, one.acts.severities)
        for one in found_in([*noise(rng), *probes(rng)]).found
        if one.acts.category == "military_posture"
    }
    assert of_probes == {(("probe",), ("AAA",), SEVERITIES)}


def test_a_class_holds_the_acts_that_a_reaction_of_it_would_name():
    table = load_events("bundled:us-china", Path())
    dyad = DyadRule(("USA",), ("CHN",), ("TWN", "HKG", "CAN"))
    found = find_reactions(table, dyad, [DRILLS], date(2017, 1, 1), date(2023, 7, 10), 14)
    early = table.date <= np.datetime64("2023-06-26")
    for one in found.found:
        assert len(np.unique(table.date[one.acts.mask(table) & early])) == one.asked.cases, one.acts
    assert {"taiwan_*", "taiwan_visit"} <= {name for one in found.found for name in one.acts.subcategory}


def test_the_yaml_states_no_class_that_is_its_own_answer():
    bursts = [day + gap for day in 100 + 110 * np.arange(30) for gap in (0, 3)]
    acts = [act(day, "AAA", "sanction", 4) for day in bursts] + [act(50, "BBB", "visit")]
    found = found_in(acts, [TargetRule("crisis", ("sanction",), 4)])
    first = found.found[0]
    assert (first.acts.category, first.acts.by, first.answer) == ("sanction", ("AAA",), "crisis")
    assert first.stands_out
    assert found.yaml is None


def test_a_record_without_subcategories_has_classes_of_categories():
    events = [replace(one, subcategory="") for one in probes(np.random.default_rng(3))]
    found = found_in(events)
    assert acts_in_words(found.found[0].acts) == "military_posture by AAA"
    assert {one.acts.subcategory for one in found.found} == {()}


def test_shares_of_a_model_are_told_where_they_are_given():
    events = probes(np.random.default_rng(3))
    plain = found_in(events).to_dict()["past"]
    assert all("set_off_by" not in case for case in plain)
    first = date.fromisoformat(plain[0]["date"])
    told = found_in(events, set_off_by={("clash", first): {"probe": 0.9, "level": 0.1}}).to_dict()["past"]
    assert told[0]["set_off_by"] == {"probe": 0.9, "level": 0.1}
    assert told[1:] == plain[1:]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([act(day, "AAA", "dispute") for day in range(5)], "AAA alone acts in 2000-01-01 … 2009-12-31"),
        ([], "neither side acts"),
        ([act(5_000, "BBB", "dispute")], "neither side acts"),
    ],
    ids=["one side", "empty", "after the as-of date"],
)
def test_a_record_in_which_nothing_is_an_answer_is_refused(events, message):
    with pytest.raises(InputError, match=rf"simulated: {message}.*Give acts of both sides"):
        found_in(events)


def test_a_short_record_has_no_class_and_no_fault():
    events = [act(day, by, "dispute", 4) for day in range(6) for by in ("AAA", "BBB")]
    found = found_in(events, as_of=START + timedelta(days=10), days=180)
    assert (found.found, found.yaml) == ((), None)


def test_drills_followed_both_meetings_of_the_speaker_and_no_other_grave_dispute(monkeypatch):
    monkeypatch.setattr(reactions, "LEAST_CASES", 2)
    table = load_events("bundled:us-china", Path())
    contacts = {"taiwan_visit", "taiwan_contact", "taiwan_transit"}

    def kind(one: Event) -> str:
        if one.category != "dispute" or one.severity < 3 or one.initiator != "USA":
            return one.subcategory
        if one.subcategory not in contacts:
            return "other grave"
        return "speaker" if "Speaker" in one.summary else "other contact"

    coded = EventTable.from_events([replace(one, subcategory=kind(one)) for one in table.rows()], "recoded")
    dyad = DyadRule(("USA",), ("CHN",), ("TWN", "HKG", "CAN"))
    found = find_reactions(coded, dyad, [DRILLS], date(2017, 1, 1), date(2023, 7, 10), 7)
    counts = {
        kind: (one.cases, one.answered)
        for kind in ("speaker", "other contact", "other grave")
        for one in [pair(found, f"dispute/{kind} by USA", "taiwan_drills").asked]
    }
    assert counts == {"speaker": (2, 2), "other contact": (2, 0), "other grave": (15, 0)}
    for kind, cases in (("arms_sale_taiwan", 21), ("taiwan_strait_transit", 52)):
        one = pair(found, f"military_posture/{kind} by USA", "taiwan_drills").asked
        assert (one.cases, one.answered) == (cases, 0)


CASE = """\
name: small
dyad: {a: AAA, b: BBB}
as_of: 2009-12-31
events: {source: events.csv, start: 2000-01-01}
targets:
  crisis: {any_of: [sanction], min_severity: 4}
  clash: {any_of: [military_incident], min_severity: 4, by: [BBB]}
milestones: [{name: election, date: 2010-11-05}]
headline: {target: clash, milestone: election}
"""


@pytest.fixture
def case(tmp_path):
    rng = np.random.default_rng(3)
    table = EventTable.from_events([*noise(rng), *probes(rng)], "simulated")
    (tmp_path / "events.csv").write_text(table.canonical_csv(), encoding="utf-8")
    (tmp_path / "case.yaml").write_text(CASE, encoding="utf-8")
    return tmp_path / "case.yaml"


def test_the_command_answers_people_and_programs(command, case):
    facts = command("reactions", case, "--json").facts
    assert (facts["command"], facts["schema"], facts["looked_at"]) == ("reactions", 1, len(facts["classes"]))
    first = facts["classes"][0]
    assert {
        name: first[name] for name in ("category", "subcategory", "by", "answer", "cases", "answered")
    } == {
        "category": "military_posture",
        "subcategory": "probe",
        "by": "AAA",
        "answer": "clash",
        "cases": 30,
        "answered": 15,
    }
    assert [case["target"] for case in facts["past"]][:15] == ["clash"] * 15
    ended = command("reactions", case, "--days", 30)
    assert (ended.code, ended.err) == (0, "")
    said = ended.out.index("reactions:")
    assert max(map(len, ended.out[:said].splitlines())) <= WIDTH
    assert "A class that is chosen after its cases must be judged so" in " ".join(ended.out.split())
    assert "15 of 30" in ended.out
    pasted = yaml.safe_load(ended.out[said:])["reactions"]["military_posture_probe"]
    assert pasted.pop("rationale").startswith("Chosen after the cases, from ")
    assert pasted == {
        "label": "military_posture/probe by AAA is followed by clash",
        "when": {"category": "military_posture", "subcategory": ["probe"], "by": ["AAA"]},
        "then": {"target": "clash"},
        "days": 30,
        "chance": "learned",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml: there is no such file or folder. Give a run folder, or a config"),
        (["."], "is no folder of a saved run. Give a run folder, or a config"),
        (["case.yaml", "--days", "0"], "--days"),
        (["case.yaml", "--days", "181"], "--days"),
        (["events.csv"], "events.csv"),
    ],
)
def test_bad_input_is_one_message(command, case, monkeypatch, arguments, message):
    monkeypatch.chdir(case.parent)
    ended = command("reactions", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
