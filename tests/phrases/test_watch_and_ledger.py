"""What is said of a watch and of the record, from facts to sentences: every branch."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from forecast.config.schema import TargetConfig
from forecast.events.codebook import standard_scale
from forecast.events.dyads import DyadRule
from forecast.phrases import ledger as phrases
from forecast.phrases.chances import reporter_text, target_rule_text, what_counts, what_does_not
from forecast.phrases.data import other_text
from forecast.phrases.news import news_text
from forecast.phrases.watch import (
    backtest_text,
    failure_text,
    left_out_text,
    news_lines,
    no_events_text,
    scenarios_text,
    trigger_texts,
)
from forecast.records.analysis import Moved, OtherForecast, RowMoved, RowsMoved
from forecast.records.forecast import Baseline, GateFailure, Headline, Reporter
from forecast.records.ledger import (
    Condition,
    Counts,
    ForecastEntry,
    Question,
    ResolutionEntry,
    Rule,
    with_id,
)
from forecast.records.notices import notice
from forecast.records.watch import DyadEntry, Failure, FailureCode, HorizonSkill, TriggerRecord, Watch

DAY, END, HASH = date(2022, 1, 1), date(2022, 2, 1), "a" * 64
ASKED = Headline(target="war", milestone="days_30")


def target(**changes):
    return TargetConfig(**{"any_of": ("sanction", "dispute"), "min_severity": 4} | changes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "sanction or dispute of severity 4 or 5"),
        ({"min_severity": 5, "by": ("CHN",)}, "sanction or dispute of severity 5 by CHN"),
        ({"min_severity": 1, "any_of": ("visit",)}, "visit of any severity"),
        (
            {"min_severity": 3, "by": ("CHN", "TWN")},
            "sanction or dispute of severity 3 or more by CHN or TWN",
        ),
    ],
)
def test_the_rule_of_a_target_is_stated_by_kinds_severity_and_actors(changes, rule):
    assert target_rule_text(target(**changes)) == rule


@pytest.mark.parametrize(
    ("changes", "counts", "does_not"),
    [
        (
            {"any_of": ("sanction",)},
            "Sweeping controls on a sector, or tariffs on a large part of trade; or worse.",
            "Broad listing or tariff round, or senior leaders named.",
        ),
        (
            {"any_of": ("visit",), "min_severity": 1},
            "Ministers meet beside a conference, or hold a yearly dialogue; or more.",
            "Acts of other categories.",
        ),
        ({"any_of": ("sanction",), "min_severity": 5}, "Embargo, or cut from the financial system.", None),
        ({"counts": "Troops cross."}, "Troops cross.", ""),
        ({"counts": "Troops cross.", "does_not_count": "Shells."}, "Troops cross.", "Shells."),
        ({"any_of": ("sanction",), "does_not_count": "A threat."}, None, "A threat."),
    ],
)
def test_what_counts_is_the_authors_word_or_the_anchors(changes, counts, does_not):
    asked, scale = target(**changes), standard_scale()
    assert counts in (None, what_counts(asked, scale))
    assert does_not in (None, what_does_not(asked, scale))


def test_many_kinds_are_named_each():
    text = what_counts(target(any_of=("sanction", "dispute", "military_incident")), standard_scale())
    assert text.startswith("Sanction – sweeping controls")
    assert "; dispute – front-page case" in text


@pytest.mark.parametrize(
    ("reporter", "text"),
    [
        (Reporter(stated="Reuters", events="a.csv", sourced=False), "Reuters"),
        (Reporter(events="a.csv", sourced=True), "the sources that a.csv names"),
        (Reporter(events="a.csv", sourced=False), "the coder of a.csv"),
    ],
)
def test_whose_reports_settle_a_question(reporter, text):
    assert reporter_text(reporter) == text


# A watch


def entry(**changes):
    known = {
        "name": "a-b",
        "label": "A – B",
        "a": "AAA+NAT",
        "b": "BBB",
        "state": "failed",
        "question": ASKED,
    }
    return DyadEntry(**known | changes)


GATE = GateFailure(code="rhat", quantity="P(x)", value=1.4, limit=1.01)
FAILURES = {
    "no_events": (
        Failure(code="no_events", near={"AAB": "'AAA'"}),
        "the event files hold no acts between AAA or NAT and BBB known by 1 January 2022. Did you mean 'AAA' "
        "for 'AAB'?",
    ),
    "too_little_record": (
        Failure(code="too_little_record", record=notice("too_little_record", events=1, days=30)),
        "Too little record for a forecast: 1 event in 30 days; below five events or one year the numbers are "
        "assumptions alone.",
    ),
    "not_converged": (
        Failure(code="not_converged", gates=(GATE,)),
        "the fit did not converge. R-hat of P(x) is 1.400, at most 1.01 allowed: the record can "
        "be read in more than one way. Begin it earlier (events.start), or state tighter priors",
    ),
    "bad_input": (Failure(code="bad_input", error="a.csv:1: no day"), "a.csv:1: no day"),
    "worker_died": (
        Failure(code="worker_died"),
        "its worker processes died; the cause may be a lack of memory",
    ),
    "numerical": (Failure(code="numerical", error="LinAlgError: singular"), "LinAlgError: singular"),
}


@pytest.mark.parametrize("code", get_args(FailureCode))
def test_why_a_dyad_has_no_number_is_stated_from_its_code(code):
    failure, text = FAILURES[code]
    assert failure_text(entry(failure=failure), DAY) == text


def test_acts_with_third_parties_are_named_where_none_is_known():
    rule = DyadRule(("AAA",), ("BBB",), ("CCC",))
    assert no_events_text(rule, DAY, {}) == (
        "the event files hold no acts between AAA and BBB, and between either side and CCC known by "
        "1 January 2022."
    )


SKILL = HorizonSkill(
    horizon_days=30,
    n=40,
    hits=12,
    log=0.41,
    climatology_log=0.5,
    difference=-0.09,
    interval90=(-0.2, -0.01),
    calibration_slope=1.0,
    ranked_right=0.7,
    climatology_ranked_right=0.6,
)


def watch(**changes):
    known = {"name": "list", "as_of": DAY, "since": None, "headline": ASKED, "model": "model"}
    return Watch(**known | {"dyads": (), "headline_days": 30} | changes)


@pytest.mark.parametrize(
    ("backtest", "days", "parts"),
    [
        ((), 30, ("Not tested on this list", "'forecast backtest LIST' tests this list.")),
        (
            (SKILL,),
            30,
            (
                "30 days ahead: the probabilities are better than each dyad's share",
                "(log score 0.410 against 0.500, lower is better; 90% interval of the difference −0.200 to "
                "−0.010; 40 test periods, 12 with the event).",
                "the first ranked higher in 70% of cases; by Base in 60%.",
            ),
        ),
        (
            (SKILL.model_copy(update={"interval90": None, "hits": 0, "ranked_right": None}),),
            45,
            ("30 days ahead (the nearest tested to 45): the probabilities are not shown", "none with the"),
        ),
        (
            (SKILL, SKILL.model_copy(update={"horizon_days": 90, "interval90": (0.1, 0.2)})),
            90,
            ("the probabilities are worse than", "The probabilities are better than Base at 30 days."),
        ),
    ],
)
def test_how_far_a_backtest_bears_a_list_out(backtest, days, parts):
    text = backtest_text(watch(backtest=backtest, headline_days=days))
    assert [part for part in parts if part not in text] == []
    assert ("Order:" in text) is bool(backtest and backtest[-1].ranked_right)


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        (
            {"false_alarm_rate": 0.2, "miss_rate": 0.0, "windows": 9},
            "Triggers in the backtest of this list: go 20% false alarms, none missed.",
        ),
        ({"windows": 9}, "Triggers not shown: go. How often they mislead is not known: the backtest has too"),
        ({}, "Triggers not shown: go. How often they mislead is not known: no backtest has asked"),
    ],
)
def test_a_trigger_is_told_with_its_error_rates_or_why_it_is_not(rates, text):
    (stated,) = trigger_texts(watch(triggers=(TriggerRecord(name="go", threshold=0.5, **rates),)))
    assert stated.startswith(text)


ROW = RowMoved(
    kind="added",
    event_id="e",
    date=DAY,
    category="dispute",
    severity=4,
    initiator="CHN",
    recipient="USA",
    summary="A protest.",
    change=0.051,
    mcse=0.001,
)


AGAIN = {"kind": "changed", "also": 1}


@pytest.mark.parametrize(
    ("news", "change", "reasons", "text"),
    [
        (
            {"added": 2, "rows": (ROW,), "change": 0.06},
            0.1,
            ("days",),
            "20% on 1 January 2022, 30% now: up 10 points. 2 rows added. In points: +5.1 1 Jan 2022 · "
            "China towards the United States, dispute, severity 4: “A protest”; +0.9 1 other row "
            "together; +4.0 time passed.",
        ),
        (
            {"changed": 1, "removed": 1, "rows": (ROW.model_copy(update=AGAIN),), "change": 0.051},
            0.051,
            (),
            "20% on 1 January 2022, 25% now: up 5 points. 1 row changed and 1 row removed. In points: "
            "+5.1 1 Jan 2022 · China towards the United States, dispute, severity 4 (with 1 more row of that "
            "day; changed): “A protest”.",
        ),
        (
            {"added": 1, "change": None},
            -0.001,
            ("days", "settings", "program"),
            "20% on 1 January 2022, 20% now: no clear change. 1 row added. In points: −0.1 1 row that only a "
            "longer run can tell, time passed, settings and priors changed, the program is another "
            "version and chance in sampling.",
        ),
    ],
)
def test_a_change_is_told_by_what_moved_it(news, change, reasons, text):
    moved = Moved(since=DAY, before=0.2, change=change, error=0.001, news=RowsMoved(**news), reasons=reasons)
    assert news_text(moved) == text


def test_changes_and_scenarios_of_a_watch():
    assert [*news_lines(watch())] == ["No changes: there is no earlier watch of this list."]
    first = entry()
    quiet = Moved(since=DAY, before=0.2, change=0.001, error=0.0, news=RowsMoved(), reasons=("days",))
    new = quiet.model_copy(update={"news": RowsMoved(added=1, change=0.001)})
    dyads = [first.model_copy(update={"change": one}) for one in (quiet, new, *[new] * 12)]
    said = [*news_lines(watch(since=DAY, dyads=dyads))]
    assert len(said) == 14
    assert said[0] == f"{first.label}: {news_text(new)}"
    assert said[-2:] == [
        "1 more dyad with new rows moved less; the table has the numbers.",
        "1 dyad without new rows moved by less than a point.",
    ]
    assert scenarios_text("a-b", DAY, "config.yaml", fitted=True).endswith("of this watch: forecast app a-b")
    assert "forecast run a-b/config.yaml --set model" in scenarios_text(
        "a-b", DAY, "config.yaml", fitted=False
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Crowd: 22% on 3 January 2022."),
        ({"after_as_of": True}, "Crowd: 22% on 3 January 2022; made after the as-of date."),
        (
            {"ours": ("model", "events")},
            "This program in Crowd: 22% on 3 January 2022. Differs: another model family; other events.",
        ),
        ({"differs": "counts threats"}, "Crowd: 22% on 3 January 2022. Differs: counts threats."),
        (
            {"nearest": date(2022, 3, 1), "asked_as_of": date(2021, 12, 1), "milestone": None},
            "Crowd: 22% on 3 January 2022. Differs: ends on 2022-02-01, not on 2022-03-01; counts events "
            "after 2021-12-01, not after 2022-01-01.",
        ),
    ],
)
def test_what_somebody_else_said_is_told_with_how_the_question_differs(changes, text):
    known = {"target": "war", "milestone": "m", "forecaster": "Crowd", "made_on": date(2022, 1, 3)}
    known |= {"probability": 0.22, "ends": END, "asked_as_of": DAY, "after_as_of": False}
    assert other_text(OtherForecast(**known | changes), DAY) == text


# The record

QUESTION = Question(
    dyad=("AAA", "BBB"),
    sides=(("AAA",), ("BBB",)),
    theatre=(),
    any_of=("sanction",),
    min_severity=4,
    as_of=DAY,
    milestone=END,
)
VISIT = Condition(category="visit", subcategory=("summit",), severities=(3, 4, 5), by=("AAA",), days=14)
ANY = Condition(category="visit", subcategory=(), severities=(1, 2, 3, 4, 5), by=(), days=1)
ASKED_IF = QUESTION.model_copy(update={"condition": VISIT})


RULE = Rule(
    reporter=Reporter(events="a.csv", sourced=True),
    anchors={"sanction": "Controls."},
    anchors_below={"sanction": "A listing."},
)


def forecast(question=QUESTION, **changes):
    known = {
        **{"name": "small", "dyad_label": "A – B", "target": "war", "target_label": "War", "model": "model"},
        **{"milestone_name": "m", "milestone_label": "M", "probability": 0.25, "mcse": 0.01},
        **{"interval90": (0.1, 0.4), "baseline": Baseline(name="climatology", probability=0.3)},
        **{
            "config_sha256": HASH,
            "data_sha256": HASH,
            "code_version": "1",
            "run_id": "r",
            "run_folder": None,
        },
        **{"converged": True, "made_on": datetime(2022, 1, 2, tzinfo=UTC), "rule": RULE},
    }
    return with_id(ForecastEntry, question=question, **known | changes)


@pytest.mark.parametrize(
    ("condition", "text"),
    [(VISIT, "within 14 days of visit/summit ≥ 3 by AAA"), (ANY, "within 1 day of visit")],
)
def test_what_starts_the_clock_is_told_in_short(condition, text):
    assert phrases.condition_text(condition) == text
    assert phrases.asked_text(forecast(QUESTION.model_copy(update={"condition": condition}))) == f"war {text}"
    assert phrases.asked_text(forecast()) == "war"


def test_a_question_is_told_with_its_rule_and_window():
    assert phrases.rule_text(QUESTION) == "sanction of severity 4 or 5, scale standard"
    all_of = QUESTION.model_copy(update={"min_severity": 1, "by": ("AAA", "BBB"), "scale": "own"})
    assert phrases.rule_text(all_of) == "sanction by AAA or BBB, scale own"
    assert phrases.window_text(QUESTION) == "after 2022-01-01 and before 2022-02-01"
    assert phrases.window_text(ASKED_IF).startswith(
        "within 14 days of visit/summit ≥ 3 by AAA, the first after"
    )
    told = dict(phrases.question_on_record(forecast()))
    assert told["Question"].startswith("Will war (A – B) happen after 1 January 2022 and before 1 February")
    assert told["Question"].endswith("as reported by the sources that a.csv names?")
    assert (told["Counts"], told["Does not"]) == ("Controls; or worse.", "A listing.")
    told = dict(phrases.question_on_record(forecast(ASKED_IF)))
    assert told["Question"].startswith(
        "Within 14 days of visit/summit ≥ 3 by AAA, the first in the window: Will"
    )
    assert dict(phrases.question_on_record(forecast(rule=None))) == {}


def resolution(**changes):
    known = {"question_id": HASH, "outcome": 1, "decided_on": DAY, "acts": ("e1", "e2"), "through": END}
    return with_id(ResolutionEntry, **known | {"events_source": "a.csv", "events_sha256": HASH} | changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "yes, on 2022-01-01 (e1, e2)"),
        ({"acts": tuple("abcdef")}, "yes, on 2022-01-01 (a, b, c, d, e …)"),
        ({"outcome": 0, "decided_on": None, "acts": ()}, "no"),
        ({"triggered_on": DAY}, "yes, on 2022-01-01 (e1, e2), triggered on 2022-01-01"),
        ({"outcome": None, "decided_on": None, "acts": ()}, "void, never triggered"),
    ],
)
def test_an_outcome_is_told_with_the_events_that_gave_it(changes, text):
    assert phrases.outcome_text(resolution(**changes)) == f"{text}; by a.csv, which reaches 2022-02-01"


def test_an_answer_is_told_with_when_and_how_it_was_made():
    late = forecast(made_on=datetime(2022, 3, 1, tzinfo=UTC), converged=False)
    assert phrases.late_text(forecast()) == ""
    assert phrases.late_text(late) == (
        " A hindcast: part of the answer could be known. The run did not converge: not scored."
    )
    assert phrases.made_by_text(late) == "model, forecast 1; did not converge: not scored"
    assert phrases.made_on_text(late).endswith(" UTC (hindcast: part of the answer could be known)")
    assert phrases.chance_text(late) == "25% (0.25)"
    assert phrases.span_text(late) == "90% interval 10–40%, Monte Carlo error 0.01: unlikely"
    grave = forecast(probability=0.008, interval90=(0.001, 0.028), grave=True)
    assert phrases.span_text(grave).endswith(": –")
    assert phrases.cases_text(1, 0) == "none of 1 case on record was followed"
    assert phrases.cases_text(29, 4) == "4 of 29 cases on record were followed"


@pytest.mark.parametrize(
    ("answers", "unchanged", "text"),
    [
        ((), 0, "No newly resolved questions."),
        ((), 2, "No newly resolved questions. 2 questions unchanged."),
        ((1,), 0, "Resolved: 1 question: 1 yes, 0 no."),
        (
            (1, 0, None),
            1,
            "Resolved: 3 questions: 1 yes, 1 no, 1 void, never triggered. 1 question unchanged.",
        ),
    ],
)
def test_what_a_file_settled(answers, unchanged, text):
    assert phrases.resolved_text(answers, unchanged) == text


def test_what_a_file_left_open_or_alone():
    assert phrases.open_text([QUESTION]) == (
        "1 question open: the events do not reach the milestone. The next is over when they cover the day "
        "before 2022-02-01."
    )
    assert phrases.met_text(2).startswith("2 open questions met already. They wait for their milestone")
    left = phrases.left_alone_texts({"void": 1, "other_scales": 0, "other_dyads": 2, "new": 3})
    assert list(left) == ["1 void question left alone.", "2 questions on other pairs left alone."]
    stated, known = (phrases.covered_text("a.csv", "A-B", DAY, "own", stated=flag) for flag in (True, False))
    assert "through 2022-01-01 (as stated). Severities on the scale 'own'." in stated
    assert "(the last day on which anything became known)" in known
    assert phrases.unseen_text(("AAA", "NAT")) == "No row names AAA or NAT. Does the file cover their acts?"
    assert phrases.corrected_text(1) == "1 outcome corrected; the earlier ones stay on record."


def test_what_commands_put_on_record():
    assert [*phrases.imported_texts(2, 0, {})] == ["Probabilities: 2 added, 0 known before."]
    assert [*phrases.imported_texts(0, 1, {"without a probability": 3})][1:] == [
        "Left out: 3 without a probability."
    ]
    days = (DAY, END)
    first, *rest = phrases.hindcast_texts("l", 8, days, 1, (DAY,), (END,))
    assert first == (
        "l: 8 forecasts added, as of 2 days from 2022-01-01 to 2022-02-01; 1 day was on record before."
    )
    assert rest == [
        "Did not converge, recorded as such and not scored: 2022-01-01.",
        "Too little record for a forecast, so not recorded: 2022-02-01.",
    ]
    assert len([*phrases.hindcast_texts("l", 8, days, 0, (), ())]) == 1
    assert left_out_text(Failure(code="no_events")) == "no act between the two sides"
    assert left_out_text(Failure(code="bad_input", error="no day")) == "no day"


NONE = dict.fromkeys(("forecasts", "scored", "open", "void", "unconverged", "repeated", "hindcasts"), 0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "holds no forecast yet. 'forecast run' puts them on record"),
        ({"forecasts": 1, "void": 1}, "nothing can be scored yet: the only forecast is void"),
        (
            {"forecasts": 2, "open": 2},
            "nothing can be scored yet: all forecasts are open; 'forecast ledger resolve' looks "
            "up what happened",
        ),
        (
            {"forecasts": 3, "void": 1, "unconverged": 2},
            "nothing can be scored yet: of 3 forecasts 1 is void and 2 are of runs that did not converge",
        ),
    ],
)
def test_why_nothing_can_be_scored(changes, text):
    counts = Counts(**NONE | changes)
    assert phrases.nothing_to_score_text(counts) == text
    assert phrases.on_record_text("l", counts).startswith(f"l: {changes.get('forecasts', 'no')} forecast")


def test_what_was_checked_of_a_sound_ledger():
    runs = [{"state": "as recorded"}, {"state": "as recorded"}, {"state": "not here"}]
    facts = {"ledger": "l", "records": 3, "stated_head_at": 2, "runs": runs}
    assert [*phrases.verified_texts(facts)] == [
        "l: 3 records, chain unbroken.",
        "The stated head is record 2; 1 record since.",
        "2 run folders: as recorded.",
        "1 run folder: not found, so not checked.",
    ]
    assert [*phrases.verified_texts(facts | {"stated_head_at": None, "runs": []})] == [
        "l: 3 records, chain unbroken."
    ]
