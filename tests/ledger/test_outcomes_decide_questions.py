"""Resolving: the rule that made the forecast, whole windows only, corrections, and triggers."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.baselines import observe_outcomes
from forecast.errors import LedgerError
from forecast.events.codebook import armed_scale, standard_scale, ways
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.ledger.judgements import forecasts_csv, question_sheet
from forecast.ledger.recording import acts_that_met, forecast_entry, make_question
from forecast.ledger.scoring import score_ledger, summarise_ledger
from forecast.ledger.store import BadRecordError, is_about, read_links, write_ledger
from forecast.phrases.ledger import condition_text, rule_text
from forecast.records.ledger import Condition, Question, ResolutionEntry, VoidEntry, with_id
from forecast.targets import TargetRule
from tests.conftest import an_act
from tests.ledger.conftest import RULES, make_forecast, origin_of
from tests.phrases.conftest import sentences_of

AS_OF = "2022-01-01"


def outcomes(case) -> dict[int, int]:
    """Days in the window → outcome that stands."""
    book = case.ledger
    return {book.questions[key].horizon_days: found[-1].outcome for key, found in book.resolutions.items()}


@pytest.fixture
def asked(case):
    case.record(AS_OF, {"crisis": {30: 0.25, 90: 0.5}})
    return case


@pytest.mark.parametrize(
    ("day", "category", "severity", "outcome"),
    [
        ("2022-01-01", "sanction", 4, 0),  # the as-of date itself is known, not forecast
        ("2022-01-02", "sanction", 4, 1),
        ("2022-01-31", "dispute", 5, 1),  # the day before the milestone
        ("2022-02-01", "sanction", 4, 0),  # the milestone
        ("2022-01-15", "sanction", 3, 0),
        ("2022-01-15", "military_incident", 5, 0),
    ],
)
def test_acts_that_meet_the_rule_after_the_as_of_date_and_before_the_milestone_count(
    case, coded, day, category, severity, outcome
):
    case.record(AS_OF, {"crisis": {30: 0.25}})
    case.resolve(coded((day, category, severity), ("2022-12-31", "visit", 1)))
    assert outcomes(case) == {30: outcome}


@given(
    days=st.lists(st.tuples(st.integers(0, 120), st.integers(3, 5)), max_size=6), horizon=st.integers(1, 100)
)
def test_outcomes_are_those_of_the_backtest(days, horizon):
    as_of, end = date(2022, 1, 1), date(2022, 6, 1)
    acts = [
        an_act(
            str(number),
            as_of + timedelta(days=day - 10),
            known_date=as_of + timedelta(days=day),
            category="sanction",
            severity=severity,
        )
        for number, (day, severity) in enumerate(days)
    ]
    events = EventTable.from_events(acts, "a test")
    rule = TargetRule("crisis", ("sanction",), 4)
    origin = np.array([as_of + timedelta(days=1)], dtype="datetime64[D]")
    expected = observe_outcomes(events, rule, origin, np.array([horizon]), end).outcome[0, 0]
    question = make_question(DyadRule(("USA",), ("CHN",)), rule, as_of, as_of + timedelta(days=horizon + 1))
    assert float(len(acts_that_met(events, question, end)) > 0) == expected


def test_a_milestone_waits_until_the_events_cover_its_last_day_a_yes_no_sooner_than_a_no(asked, coded):
    events = coded(("2022-01-15", "sanction", 4), ("2022-01-20", "visit", 1))
    done = asked.resolve(events, through="2022-01-30")
    assert outcomes(asked) == {}
    assert (len(done.found["open"]), len(done.found["open_met"])) == (2, 2)
    done = asked.resolve(events, through="2022-01-31")
    assert outcomes(asked) == {30: 1}
    assert [question.horizon_days for question in done.found["open"]] == [90]
    asked.resolve(events, through="2022-04-01")
    assert outcomes(asked) == {30: 1, 90: 1}


def test_without_a_stated_day_the_last_known_date_counts_and_the_evidence_is_kept(asked, coded):
    events = coded(("2022-01-20", "dispute", 5), ("2022-01-15", "sanction", 4), ("2022-02-10", "visit", 1))
    done = asked.resolve(events)
    assert (done.through, done.stated) == (date(2022, 2, 10), False)
    assert outcomes(asked) == {30: 1}
    resolution = next(iter(asked.ledger.resolutions.values()))[-1]
    assert (resolution.decided_on, resolution.acts) == (date(2022, 1, 15), ("e0001", "e0000"))
    assert (resolution.events_source, resolution.events_sha256) == ("a test", events.sha256)


def test_resolving_again_adds_nothing_with_the_same_or_with_shorter_events(asked, coded):
    events = coded(("2022-01-15", "sanction", 4), ("2022-12-31", "visit", 1))
    asked.resolve(events)
    head = asked.ledger.head
    assert len(asked.resolve(events).found["unchanged"]) == 2
    assert len(asked.resolve(events, through="2022-01-20").found["unchanged"]) == 2
    assert asked.ledger.head == head


def test_corrected_events_make_a_new_resolution_that_points_to_the_old_back_and_forth(asked, coded):
    quiet = coded(("2022-12-31", "visit", 1))
    early, late = (
        coded((day, "sanction", 4), ("2022-12-31", "visit", 1)) for day in ("2022-01-15", "2022-02-15")
    )
    asked.resolve(late)
    assert outcomes(asked) == {30: 0, 90: 1}
    done = asked.resolve(early)
    assert outcomes(asked) == {30: 1, 90: 1}
    assert (len(done.found["new"]), len(done.found["corrected"])) == (0, 2)  # of one another act
    for events in (quiet, early):
        asked.resolve(events)
    chains = list(asked.ledger.resolutions.values())
    assert [[found.outcome for found in chain] for chain in chains] == [[0, 1, 0, 1], [1, 1, 0, 1]]
    for chain in chains:
        assert [found.corrects for found in chain] == [None, *(found.id for found in chain[:-1])]


def test_void_questions_and_those_on_other_pairs_are_left_alone(asked, coded):
    void = next(iter(asked.ledger.questions))
    asked.record(AS_OF, {"crisis": {30: 0.25}}, dyad=("USA", "SRB"), name="other")
    with write_ledger(asked.path) as writer:
        writer.append(with_id(VoidEntry, subject=void, reason="the milestone was moved"))
    done = asked.resolve(coded(("2022-12-31", "visit", 1)))
    assert (len(done.found["void"]), len(done.found["other_dyads"]), outcomes(asked)) == (1, 1, {90: 0})


def test_days_to_come_cannot_be_covered(asked, coded):
    events = coded(("2022-01-15", "sanction", 4))
    today = date(2022, 2, 1)
    message = r"`through` is 2022-02-01, but only days that are over .* the latest is 2022-01-31"
    with pytest.raises(LedgerError, match=message):
        asked.resolve(events, today=today, through="2022-02-01")
    with pytest.raises(LedgerError, match="the last known_date is 2022-01-15, but only days that are over"):
        asked.resolve(events, today=date(2022, 1, 15))
    assert asked.resolve(events, today=today).through == date(2022, 1, 15)


def acts_by(*rows: tuple[str, str, str, int]) -> EventTable:
    """Sanctions from (ISO day, initiator, recipient, severity) rows."""
    names = "initiator", "recipient", "severity"
    made = (
        an_act(f"e{number:04d}", day, category="sanction", **dict(zip(names, how, strict=True)))
        for number, (day, *how) in enumerate(rows)
    )
    return EventTable.from_events(made, "a test")


QUIET = [("2022-12-30", "USA", "CHN", 1)] * 3
TOWARDS_TAIWAN = ("2022-01-10", "CHN", "TWN", 4)
OF_OTHERS = ("2022-01-11", "IND", "PAK", 5)


def test_another_pair_is_refused_and_an_actor_that_no_row_names_is_told(asked):
    other = acts_by(("2022-01-03", "SRB", "USA", 4))
    message = r"a test: is about SRB-USA, which no forecast on record is about\. On record: CHN-USA\. "
    for dyad, says in (
        (None, message + r"The file holds SRB–USA \(1 row\)\."),
        ("USA-CHN", r"holds no act between CHN and USA\. It holds SRB–USA \(1 row\)"),
        ("USA", r"'USA' is no pair of codes\. Expected e\.g\. USA-CHN"),
    ):
        with pytest.raises(LedgerError, match=says):
            asked.resolve(other, dyad=dyad)
    asked.record(AS_OF, {"crisis": {30: 0.25}}, acts=DyadRule(("USA", "NAT"), ("CHN",)))
    assert asked.resolve(acts_by(*QUIET), dyad="NAT+USA-CHN").unseen == ("NAT",)


def test_a_file_of_many_pairs_is_about_the_one_asked_about_unless_it_has_few_rows(case):
    case.record(AS_OF, {"crisis": {30: 0.25}})
    done = case.resolve(acts_by(*QUIET, *[OF_OTHERS] * 27))
    assert (done.dyad, len(done.found["new"])) == (("CHN", "USA"), 1)
    with pytest.raises(LedgerError, match=r"The file holds IND–PAK \(28 rows\) and CHN–USA \(3\)"):
        case.resolve(acts_by(*QUIET, *[OF_OTHERS] * 28))


def test_acts_count_between_the_sides_and_towards_the_theatre_of_the_question_alone(case):
    for theatre in ((), ("TWN",)):
        case.record(AS_OF, {"crisis": {30: 0.25}}, acts=DyadRule(("USA",), ("CHN",), theatre))
    case.resolve(acts_by(*QUIET, TOWARDS_TAIWAN, OF_OTHERS))
    book = case.ledger
    answers = {question.theatre: book.resolution_of(key) for key, question in book.questions.items()}
    assert {theatre: (found.outcome, found.acts) for theatre, found in answers.items()} == {
        (): (0, ()),
        ("TWN",): (1, ("e0003",)),
    }
    assert score_ledger(book).groups[0].n == 2


def test_a_side_of_several_actors_is_asked_about_whole(case):
    rule = DyadRule(("SER",), ("USA", "NAT"))
    question = make_question(rule, TargetRule("crisis", ("sanction",), 4), AS_OF, "2022-02-01")
    assert question == make_question(
        DyadRule(("NAT", "USA"), ("SER",)), TargetRule("crisis", ("sanction",), 4), AS_OF, "2022-02-01"
    )
    assert (question.pair, question.sides) == ("NAT+USA-SER", (("NAT", "USA"), ("SER",)))
    assert is_about(question, "ser-nat+usa")
    events = acts_by(("2022-01-10", "NAT", "SER", 4), ("2022-01-11", "USA", "NAT", 5))
    assert acts_that_met(events, question, date(2022, 12, 31)).id.tolist() == ["e0000"]


def test_a_strike_on_a_militia_resolves_no_question_about_strikes_between_two_states():
    dyad = DyadRule(("ISR", "USA"), ("IRN",), ("HZB",))
    open_to_all, states = (
        make_question(dyad, TargetRule("strike", ("sanction",), 4, by), AS_OF, "2022-02-01")
        for by in ((), ways((), (), (("ISR",), ("IRN",))))
    )
    assert Question.model_validate_json(states.model_dump_json()) == states
    assert states.id != open_to_all.id
    assert "between IRN and ISR" in rule_text(states)
    events = acts_by(("2022-01-10", "ISR", "HZB", 5), ("2022-01-11", "USA", "IRN", 5))
    assert len(acts_that_met(events, open_to_all, date(2022, 12, 31))) == 2
    assert len(acts_that_met(events, states, date(2022, 12, 31))) == 0
    for one, other in (("ISR", "IRN"), ("IRN", "ISR")):
        struck = acts_by(("2022-01-10", "ISR", "HZB", 5), ("2022-01-12", one, other, 4))
        assert acts_that_met(struck, states, date(2022, 12, 31)).id.tolist() == ["e0001"]


def test_a_question_is_resolved_by_its_actors_acts_alone(case, coded):
    for config, by in (("a", "CHN"), ("b", "USA")):
        rules = [TargetRule("crisis", ("sanction",), 4, (by,))]
        case.record(AS_OF, {"crisis": {30: 0.25}}, config=config, rules=rules)
    case.resolve(coded(("2022-01-05", "sanction", 5), ("2022-12-31", "visit", 1)))  # by USA
    book = case.ledger
    assert {book.questions[key].by: found[-1].outcome for key, found in book.resolutions.items()} == {
        ("CHN",): 0,
        ("USA",): 1,
    }


def test_a_question_is_resolved_on_its_scale_alone(case, coded):
    events = coded(("2022-01-05", "sanction", 5), ("2022-12-31", "visit", 1))
    case.record(AS_OF, {"crisis": {30: 0.25}})
    assert next(iter(case.ledger.questions.values())).scale is None  # as on record before there were scales
    case.record(AS_OF, {"crisis": {30: 0.25}}, config="b", scale=armed_scale())
    assert {question.scale for question in case.ledger.questions.values()} == {None, "armed"}
    with pytest.raises(LedgerError, match=r"armed \(1 question\), standard \(1 question\). Say by which"):
        case.resolve(events)
    done = case.resolve(events, scale="standard")
    assert (len(done.found["new"]), len(done.found["other_scales"]), done.scale) == (1, 1, "standard")
    assert len(case.resolve(events, scale="armed").found["new"]) == 1
    with pytest.raises(LedgerError, match="`scale`: no question about CHN-USA is on the scale 'own-123'"):
        case.resolve(events, scale="own-123")


@pytest.mark.parametrize("does_not_count", [None, "A threat."])
def test_the_rule_in_words_is_on_record_with_the_question(case, does_not_count):
    case.record(AS_OF, {"crisis": {30: 0.25}}, counts="A tariff round.", does_not_count=does_not_count)
    (entry,) = case.ledger.forecasts
    assert (entry.rule.counts, entry.rule.does_not_count) == ("A tariff round.", does_not_count)
    (link,) = read_links(case.path)
    assert sentences_of(link.payload) == []
    assert entry.rule.anchors == {"sanction": standard_scale().anchor("sanction", 4)}
    assert entry.rule.anchors_below == {"sanction": standard_scale().anchor("sanction", 3)}


VISIT = Condition(category="visit", subcategory=(), severities=(3, 4, 5), by=("USA",), days=14)
END = ("2022-12-31", "channel_opening", 1)
CAME = ("2022-03-15", "sanction", 4)


@pytest.fixture
def asked_if(case):
    """If the USA visits before 1 July 2022, a crisis follows within 14 days: 75%."""
    forecast = make_forecast(date(2022, 1, 1), {"crisis": {180: 0.75}}, baseline=0.5)
    (target,), origin = forecast.targets, origin_of(forecast)
    milestone = target.milestones[0]
    plain = make_question(origin.dyad, RULES["crisis"], forecast.as_of, milestone.date)
    question = plain.model_copy(update={"condition": VISIT})
    with write_ledger(case.path) as writer:
        writer.append(forecast_entry(target, milestone, question, origin))
    return case


def test_a_conditional_question_is_another_question_and_its_window_is_the_days(asked_if):
    (question,) = asked_if.ledger.questions.values()
    assert question.milestone - question.as_of == timedelta(days=181)
    assert (question.horizon_days, condition_text(question.condition)) == (
        *(14, "within 14 days of visit ≥ 3 by USA"),
    )
    asked_if.record("2022-01-01", {"crisis": {180: 0.3}})
    assert len(asked_if.ledger.questions) == 2


@pytest.mark.parametrize(
    ("acts", "through", "outcome"),
    [
        # The first trigger starts the clock; its own day does not count, the last of the 14 days does.
        ([("2022-03-01", "visit", 3), CAME], "2022-03-15", 1),
        ([("2022-02-28", "visit", 3), ("2022-03-10", "visit", 3), CAME], "2022-06-30", 0),
        ([("2022-03-15", "visit", 3), CAME], "2022-06-30", 0),
        ([("2022-03-01", "visit", 3), ("2022-03-14", "sanction", 3)], "2022-03-15", 0),
        # The last day of the window triggers, and the clock runs beyond it.
        ([("2022-06-30", "visit", 5), ("2022-07-10", "dispute", 4)], "2022-07-14", 1),
        # Never triggered: too early, too late, too slight, or not at all.
        ([("2022-01-01", "visit", 5), CAME], "2022-06-30", None),
        ([CAME, ("2022-07-01", "visit", 5), ("2022-07-02", "sanction", 5)], "2022-12-31", None),
        ([("2022-03-01", "visit", 2), CAME], "2022-06-30", None),
        ([CAME], "2022-06-30", None),
        # Not known yet: in the window without a trigger, or within the days after it, even for a yes.
        ([CAME], "2022-06-29", "open"),
        ([("2022-03-01", "visit", 3), ("2022-03-05", "sanction", 4)], "2022-03-14", "open"),
    ],
)
def test_what_became_of_it(asked_if, coded, command, acts, through, outcome):
    done = asked_if.resolve(coded(*acts, END), through=through)
    (entry,) = asked_if.ledger.forecasts
    resolution = asked_if.ledger.resolution_of(entry.question.id)
    ended = command("ledger", "list", "--ledger", asked_if.path, "--json").facts["forecasts"][0]
    if outcome == "open":
        assert (resolution, asked_if.ledger.standing(entry), len(done.found["open"])) == (None, "open", 1)
        return
    assert (resolution.outcome, ended["outcome"]) == (outcome, outcome)
    assert (resolution.triggered_on is None, ended["standing"]) == (
        (True, "void") if outcome is None else (False, "resolved")
    )
    if outcome is None:
        assert [entry.outcome for entry in done.found["new"]] == [None]
        with pytest.raises(LedgerError, match="the only forecast is void"):
            score_ledger(asked_if.ledger)
        return
    (everything, *groups) = score_ledger(asked_if.ledger).groups
    assert everything.brier.value == pytest.approx((0.75 - outcome) ** 2)
    assert {one.group for one in groups if one.by in ("horizon", "target")} == {
        *("1–30 days", "crisis within 14 days of visit ≥ 3 by USA")
    }
    # Events that reach less far change nothing.
    assert len(asked_if.resolve(coded(*acts, END), through="2022-01-31").found["unchanged"]) == 1


def test_a_trigger_found_later_corrects_the_answer(asked_if, coded):
    asked_if.resolve(coded(CAME, END))
    done = asked_if.resolve(coded(("2022-03-10", "visit", 4), CAME, END))
    (chain,) = asked_if.ledger.resolutions.values()
    assert [one.outcome for one in chain] == [None, 1]
    assert (len(done.found["corrected"]), chain[1].corrects) == (1, chain[0].id)
    assert score_ledger(asked_if.ledger).counts.scored == 1


def test_it_is_told_in_words_and_goes_out_as_csv(asked_if, coded, command):
    (entry,) = asked_if.ledger.forecasts
    told = " ".join(command("ledger", "show", entry.id[:10], "--ledger", asked_if.path).out.split())
    assert "Window: within 14 days of visit ≥ 3 by USA, the first after 2022-01-01" in told
    assert "crisis within 14 days of visit ≥ 3 by USA" in question_sheet(asked_if.ledger)
    asked_if.resolve(coded(("2022-03-01", "visit", 3), CAME, END))
    assert forecasts_csv(asked_if.ledger).splitlines()[1].endswith(",yes")
    told = " ".join(command("ledger", "show", entry.id[:10], "--ledger", asked_if.path).out.split())
    assert "Outcome: yes, on 2022-03-15 (e0001), triggered on 2022-03-01" in told
    assert summarise_ledger(asked_if.ledger, ("USA", "CHN")).n_scored == 1


@pytest.mark.parametrize("changed", [{"outcome": 0}, {"triggered_on": "2022-03-01"}])
def test_a_resolution_with_an_answer_and_no_trigger_is_no_record(asked_if, changed):
    (question,) = asked_if.ledger.questions.values()
    sound = {"question_id": question.id, "outcome": None, "decided_on": None, "acts": ()}
    sound |= {"through": "2022-12-31", "events_source": "a", "events_sha256": "0" * 64}
    ledger = asked_if.ledger
    entry = with_id(ResolutionEntry, **(sound | changed))
    with pytest.raises(BadRecordError, match="with a trigger where there is none, or the reverse"):
        ledger.add(ledger.next_link(entry, ledger.record(next(ledger.forecasts).id).recorded_on))
