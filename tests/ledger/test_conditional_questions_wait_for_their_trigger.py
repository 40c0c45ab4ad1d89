"""If TRIGGER, then TARGET within DAYS: scored when triggered, void otherwise, open until then."""

from datetime import date, timedelta

import pytest

from forecast.errors import LedgerError
from forecast.ledger.chain import BadRecordError, Condition, ResolutionEntry, with_id
from forecast.ledger.judgements import forecasts_csv, question_sheet
from forecast.ledger.recording import forecast_entry, make_question
from forecast.ledger.scoring import score_ledger, summarise_ledger
from forecast.ledger.store import write_ledger
from tests.ledger.conftest import RULES, make_forecast, origin_of

VISIT = Condition(category="visit", subcategory=(), severities=(3, 4, 5), by=("USA",), days=14)
END = ("2022-12-31", "channel_opening", 1)
CAME = ("2022-03-15", "sanction", 4)


@pytest.fixture
def asked(case):
    """If the USA visits before 1 July 2022, a crisis follows within 14 days: 75%."""
    forecast = make_forecast(date(2022, 1, 1), {"crisis": {180: 0.75}}, baseline=0.5)
    (target,), origin = forecast.targets, origin_of(forecast)
    milestone = target.milestones[0]
    plain = make_question(origin.dyad, RULES["crisis"], forecast.as_of, milestone.date)
    question = plain.model_copy(update={"condition": VISIT})
    with write_ledger(case.path) as writer:
        writer.append(forecast_entry(forecast, target, milestone, question, origin))
    return case


def test_a_conditional_question_is_another_question_and_its_window_is_the_days(asked):
    (question,) = asked.ledger.questions.values()
    assert question.milestone - question.as_of == timedelta(days=181)
    assert (question.horizon_days, question.condition.words) == (14, "within 14 days of visit ≥ 3 by USA")
    asked.record("2022-01-01", {"crisis": {180: 0.3}})
    assert len(asked.ledger.questions) == 2


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
def test_what_became_of_it(asked, coded, command, acts, through, outcome):
    done = asked.resolve(coded(*acts, END), through=through)
    (entry,) = asked.ledger.forecasts
    resolution = asked.ledger.resolution_of(entry.question.id)
    ended = command("ledger", "list", "--ledger", asked.path, "--json").facts["forecasts"][0]
    if outcome == "open":
        assert (resolution, asked.ledger.standing(entry), len(done.found["open"])) == (None, "open", 1)
        return
    assert (resolution.outcome, ended["outcome"]) == (outcome, outcome)
    assert (resolution.triggered_on is None, ended["standing"]) == (
        (True, "void") if outcome is None else (False, "resolved")
    )
    if outcome is None:
        assert "1 void, never triggered" in " ".join(block.text for block in done.blocks("a"))
        with pytest.raises(LedgerError, match="of 1 forecast 1 void"):
            score_ledger(asked.ledger)
        return
    (everything, *groups) = score_ledger(asked.ledger).groups
    assert everything.brier.value == pytest.approx((0.75 - outcome) ** 2)
    assert {one.group for one in groups if one.by in ("horizon", "target")} == {
        *("1–30 days", "crisis within 14 days of visit ≥ 3 by USA")
    }
    # Events that reach less far change nothing.
    assert len(asked.resolve(coded(*acts, END), through="2022-01-31").found["unchanged"]) == 1


def test_a_trigger_found_later_corrects_the_answer(asked, coded):
    asked.resolve(coded(CAME, END))
    done = asked.resolve(coded(("2022-03-10", "visit", 4), CAME, END))
    (chain,) = asked.ledger.resolutions.values()
    assert [one.outcome for one in chain] == [None, 1]
    assert (len(done.found["corrected"]), chain[1].corrects) == (1, chain[0].id)
    assert score_ledger(asked.ledger).counts.scored == 1


def test_it_is_told_in_words_and_goes_out_as_csv(asked, coded, command):
    (entry,) = asked.ledger.forecasts
    told = " ".join(command("ledger", "show", entry.id[:10], "--ledger", asked.path).out.split())
    assert "Window: within 14 days of visit ≥ 3 by USA, the first after 2022-01-01" in told
    assert "crisis within 14 days of visit ≥ 3 by USA" in question_sheet(asked.ledger)
    asked.resolve(coded(("2022-03-01", "visit", 3), CAME, END))
    assert forecasts_csv(asked.ledger).splitlines()[1].endswith(",yes")
    told = " ".join(command("ledger", "show", entry.id[:10], "--ledger", asked.path).out.split())
    assert "Outcome: yes, on 2022-03-15 (e0001), triggered on 2022-03-01" in told
    assert summarise_ledger(asked.ledger, ("USA", "CHN")).n_scored == 1


@pytest.mark.parametrize("changed", [{"outcome": 0}, {"triggered_on": "2022-03-01"}])
def test_a_resolution_with_an_answer_and_no_trigger_is_no_record(asked, changed):
    (question,) = asked.ledger.questions.values()
    sound = {"question_id": question.id, "outcome": None, "decided_on": None, "acts": ()}
    sound |= {"through": "2022-12-31", "events_source": "a", "events_sha256": "0" * 64}
    ledger = asked.ledger
    entry = with_id(ResolutionEntry, **(sound | changed))
    with pytest.raises(BadRecordError, match="with a trigger where there is none, or the reverse"):
        ledger.add(ledger.next_link(entry, ledger.record(next(ledger.forecasts).id).recorded_on))
