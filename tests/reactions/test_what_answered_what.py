"""``forecast reactions``: what followed what, against chance alone, with known answers."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from forecast import precedents
from forecast.cli.terminal import WIDTH
from forecast.config.schema import DyadConfig
from forecast.errors import InputError
from forecast.events.codebook import SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.reading import load_events
from forecast.events.table import Event, EventTable
from forecast.models.intensity import intensity, set_off
from forecast.precedents import GRAVE_ANSWER, Reactions, find_reactions
from forecast.targets import ActClass, TargetRule

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


def test_a_third_party_answers_for_a_side_only_where_it_did_so_on_record():
    dyad = DyadConfig(a="AAA", b="BBB", theatre=("CCC", "DDD")).rule
    by_third = replace(act(1, "CCC", "sanction"), recipient="AAA")
    assert dyad.acting_for(["BBB"], EventTable.from_events([act(1, "AAA", "sanction")], "x")) == ("BBB",)
    assert dyad.acting_for(["BBB"], EventTable.from_events([by_third], "x")) == ("BBB", "CCC")
    assert dyad.acting_for(["AAA"], EventTable.from_events([by_third], "x")) == ("AAA",)
    assert dyad.acting_for(["BBB"], EventTable.from_events([by_third], "x"), ["dispute"]) == ("BBB",)


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


def acts_in_words(acts: ActClass) -> str:
    """The class of acts on a line, such as ``dispute/taiwan_visit ≥ 3 by USA``."""
    kind = "/".join((acts.category, *acts.subcategory))
    bar = f" ≥ {min(acts.severities)}" if min(acts.severities) > 1 else ""
    return f"{kind}{bar}{' by ' if acts.by else ''}{'+'.join(acts.by)}"


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
    assert len(found.past) == 15


def test_intervals_of_independent_acts_nearly_all_hold_one():
    held, pairs = 0, 0
    for seed in range(20):
        found = found_in(noise(np.random.default_rng(seed)), [TargetRule("crisis", ("sanction",), 4)])
        held += sum(one.asked.ratio90[0] <= 1 <= one.asked.ratio90[1] for one in found.found)
        pairs += len(found.found)
    assert pairs > 1_000
    assert held / pairs > 0.98, f"{held} of {pairs}"


def test_neither_names_nor_order_of_sides_and_rows_matter():
    events = [*noise(np.random.default_rng(1)), *probes(np.random.default_rng(1))]
    names = {"AAA": "ZZZ", "BBB": "CCC"}
    renamed = [replace(one, initiator=names[one.initiator], recipient=names[one.recipient]) for one in events]
    before = found_in(events)
    shuffled = [events[place] for place in np.random.default_rng(0).permutation(len(events))]
    assert found_in(shuffled) == before
    assert found_in(events, dyad=DyadRule(("BBB",), ("AAA",))).found == before.found
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


def test_classes_with_the_same_cases_are_one_and_without_subcategories_there_are_categories():
    rng = np.random.default_rng(3)
    found = found_in([*noise(rng), *probes(rng)]).found
    held = {
        (one.acts.subcategory, one.acts.by, one.acts.severities)
        for one in found
        if "posture" in one.acts.category
    }
    assert held == {(("probe",), ("AAA",), SEVERITIES)}
    found = found_in([replace(one, subcategory="") for one in probes(np.random.default_rng(3))]).found
    assert acts_in_words(found[0].acts) == "military_posture by AAA"
    assert {one.acts.subcategory for one in found} == {()}


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
    short = [act(day, by, "dispute", 4) for day in range(6) for by in ("AAA", "BBB")]
    found = found_in(short, as_of=START + timedelta(days=10), days=180)
    assert (found.found, found.yaml) == ((), None)


def test_drills_followed_both_meetings_of_the_speaker_and_no_other_grave_dispute(monkeypatch):
    monkeypatch.setattr(precedents, "LEAST_CASES", 2)
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


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    rng, place = np.random.default_rng(3), tmp_path_factory.mktemp("case")
    table = EventTable.from_events([*noise(rng), *probes(rng)], "simulated")
    (place / "events.csv").write_text(table.canonical_csv(), encoding="utf-8")
    (place / "case.yaml").write_text(CASE, encoding="utf-8")
    return place / "case.yaml"


def test_the_command_answers_people_and_programs(command, case):
    facts = command("reactions", case, "--json").facts
    assert (facts["command"], facts["schema"], facts["looked_at"]) == ("reactions", 1, len(facts["classes"]))
    known = {"category": "military_posture", "subcategory": "probe", "by": "AAA", "answer": "clash"}
    assert (known | {"cases": 30, "answered": 15}).items() <= facts["classes"][0].items()
    assert [case["target"] for case in facts["past"]][:15] == ["clash"] * 15
    # A config has no fit that could tell what set a case off.
    assert {case["set_off_by"] for case in facts["past"]} == {None}
    assert "A fit tells it" in facts["set_off_by_missing"]
    ended = command("reactions", case, "--days", 30)
    assert (ended.code, ended.err) == (0, "")
    said = ended.out.index("reactions:")
    assert max(map(len, ended.out[:said].splitlines())) <= WIDTH
    plain = " ".join(ended.out.split())
    assert "A class chosen after its cases deserves the same doubt." in plain
    assert "is not known. A fit tells it" in plain
    assert "Military posture by AAA (probe) 15 of 30" in plain
    pasted = yaml.safe_load(ended.out[said:])["reactions"]["military_posture_probe"]
    assert pasted.pop("rationale").startswith("Chosen after the cases, from ")
    assert pasted == {
        "label": "Military posture by AAA (probe) is followed by clash",
        "when": {"category": "military_posture", "subcategory": ["probe"], "by": ["AAA"]},
        "then": {"target": "clash"},
        "days": 30,
        "chance": "learned",
    }


def test_a_run_tells_what_set_off_each_case_in_shares_that_sum_to_one_as_printed(command, driven_folder):
    (case,) = command("reactions", driven_folder, "--json").facts["past"]
    assert (case["target"], case["date"]) == ("escalation", "2022-02-01")
    shares = case["set_off_by"]
    # The sanction and the protest of 2021 are all that can have brought it about; the meeting is no conflict.
    assert shares.keys() == {"e1", "e2", "other_acts", "tension", "level", "nothing_known"}
    assert {act["id"]: act["days_before"] for act in case["acts"]} == {"e1": 392, "e2": 337}
    assert shares["e1"] + shares["e2"] == pytest.approx(1, abs=2e-3)
    assert round(sum(shares.values()), 12) == 1
    printed = (
        command("reactions", driven_folder).out.partition("1 February 2022")[2].partition("For the config")[0]
    )
    assert sum(int(share) for share in re.findall(r"(\d+)% ", printed)) == 100
    assert "392 days before, USA: A listing" in printed


def test_shares_are_those_of_the_intensity(inputs, base):
    data, priors = inputs.data, inputs.priors
    draws = base.draws.rows(np.arange(5))
    found = set_off(data, priors, draws, data.day, data.stream)
    np.testing.assert_allclose(sum(part.sum(axis=-1) if part.ndim > 1 else part for part in found), 1)
    assert found.acts[np.triu_indices(len(data))].max() == 0, "an act sets off none before it"
    each = [intensity(data, priors, draws, d) for d in range(5)]
    brought = [((one.answers + one.reactions.sum(axis=0)) / one.total)[data.day, data.stream] for one in each]
    np.testing.assert_allclose(found.acts.sum(axis=1), np.mean(brought, axis=0), rtol=1e-9)
    calm = [
        (np.minimum(one.tension, 1) * np.minimum(one.level, 1) * one.calm * one.rate / one.total)
        for one in each
    ]
    np.testing.assert_allclose(found.nothing_known, np.mean(calm, axis=0)[data.day, data.stream], rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml: there is no such file or folder. Give a run folder, or a config"),
        (["."], "not a whole run folder"),
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


def test_an_act_of_the_theatre_answers_for_the_side_opposite_the_one_that_it_is_aimed_at():
    triggers = [act(100 * k, "AAA", "visit", 1) for k in range(1, 21)]
    by_third = [replace(act(100 * k + 2, "CCC", "sanction", 4), recipient="AAA") for k in range(1, 21)]
    own = [act(3000, "BBB", "dispute", 1)]
    rules = (TargetRule("break", ("channel_closure",), 1),)
    events = EventTable.from_events(sorted([*triggers, *by_third, *own], key=lambda one: one.date), "a test")
    found = find_reactions(events, replace(DYAD, theatre=("CCC",)), rules, START, AS_OF)
    (pair,) = [one for one in found.found if acts_in_words(one.acts) == "visit by AAA"]
    assert (pair.answer, pair.asked.answered, pair.asked.cases) == (GRAVE_ANSWER, 20, 20)
