"""What other pairs taught, what is missing, and when a target may happen: facts and their sentences."""

from datetime import date

import pytest

from forecast.phrases.data import learned_clause, learned_paragraph
from forecast.phrases.when import decision_text, monthly_risk_text
from forecast.records.analysis import (
    DatedEvent,
    LearnedFrom,
    LearnedKind,
    LearnedPair,
    MonthlyRisk,
    MonthRisk,
    ScheduledEffect,
)
from forecast.records.forecast import Decision


def pair(name, first, until, coder=""):
    return LearnedPair(name=name, coder=coder, first=date(first, 1, 1), until=date(until, 12, 31))


KEDS = (pair("egy-pal", 1979, 2004, "KEDS"), pair("isr-leb", 1990, 1990, "KEDS"))
MID = pair("ind-pak", 1947, 1992, "MID")


@pytest.mark.parametrize(
    ("pairs", "clause"),
    [
        ((MID,), "1 pair: 1 coded by MID (1947–1992)"),
        ((*KEDS, MID), "3 pairs: 2 coded by KEDS (1979–2004) and 1 coded by MID (1947–1992)"),
        ((pair("a-b", 1950, 2004), pair("c-d", 1946, 1990)), "2 pairs, 1946–2004"),
    ],
)
def test_what_was_learned_from_is_told_by_coder_where_coders_are_known(pairs, clause):
    assert learned_clause(LearnedFrom(part="priors", pairs=pairs, source="made")) == clause


def test_every_pair_stands_in_the_paragraph_with_its_source_and_what_was_left_out():
    kind = LearnedKind(any_of=("sanction", "threat"), min_severity=3, coders=("KEDS", "MID"))
    learned = LearnedFrom(part="pooled hazard", pairs=(*KEDS, MID), kinds=(kind,), source="made")
    assert learned_paragraph(learned) == (
        "Pooled hazard: 3 pairs: 2 coded by KEDS (1979–2004) and 1 coded by MID (1947–1992). KEDS: egy-pal "
        "(1979–2004), isr-leb (1990); MID: ind-pak (1947–1992); sanction, threat, severity 3 or more: KEDS "
        "and MID. Source: made."
    )
    own = learned.model_copy(update={"own_left_out": ("ind-pak",)})
    assert learned_paragraph(own).endswith("Source: made. Left out, as records of this pair: ind-pak.")


END = date(2024, 4, 21)


def month(number, **changes):
    first, last = date(2024, number, 1), date(2024, number + 1, 1)
    usual = {"hazard": 0.1, "in_30_days": 0.1, "probability": 0.1, "scheduled": 0.04}
    return MonthRisk(
        **usual | changes,
        first_day=first,
        last_day=date.fromordinal(last.toordinal() - 1),
        days=(last - first).days,
        hazard_mcse=0.001,
        mcse=0.001,
        past_windows=0.1,
        constant_rate=None,
    )


def risk(*months, **changes):
    usual = {"difference": 0.05, "difference_mcse": 0.01, "months_differ": True, "effect": None}
    return MonthlyRisk(
        target="war",
        months=months or (month(1), month(2), month(3)),
        **{"highest": date(2024, 3, 1), "lowest": date(2024, 1, 1)},
        **{"highest_risk": 0.1, "lowest_risk": 0.05} | usual | changes,
    )


ALIKE = (
    "The model treats all dates alike: no event is scheduled. It cannot tell whether such acts cluster "
    "around a milestone."
)
SPAN = f"{ALIKE} If it has not happened by then, the 30-day risk is"
VISIT = DatedEvent(kind="scheduled", date=date(2024, 1, 9), label="A visit", probability=0.5)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (risk(lowest_risk=0.1), ALIKE),
        (risk(months_differ=False), f"{SPAN} 5% to 10%; months do not differ beyond chance."),
        (risk(difference=0.009), f"{SPAN} 5% to 10%."),
        (risk(), f"{SPAN} 10% in March 2024 and 5% in January 2024."),
        (
            risk(month(1, dated=(VISIT,)), month(2), month(3), lowest_risk=0.1),
            ALIKE.replace("no event is scheduled", "scheduled events hardly change the risk of any month"),
        ),
    ],
)
def test_where_no_scheduled_event_matters_all_dates_are_alike(found, sentence):
    assert monthly_risk_text(found) == sentence


@pytest.mark.parametrize(
    ("chance", "without", "added", "scheduled", "sentence"),
    [
        (0.048, 0.047, 0.001, 0.001, "Scheduled events hardly change the chance before 21 April 2024."),
        (0.568, 0.562, 0.004, 0.004, "Scheduled events hardly change the chance before 21 April 2024."),
        (
            *(0.568, 0.562, 0.039, 0.04),
            "Scheduled events matter most in February 2024: they add 3.9 points to its 30-day risk (10%). "
            "Part of that only brings the event forward: they add 0.6 points to the chance before 21 "
            "April 2024.",
        ),
        (
            *(0.04, 0.05, -0.009, -0.01),
            "Scheduled events matter most in February 2024: they take 0.9 points off its 30-day risk (10%). "
            "They take 1.0 points off the chance before 21 April 2024.",
        ),
        (
            *(0.05, 0.05, 0.02, 0.02),
            "Scheduled events matter most in February 2024: they add 2.0 points to its 30-day risk (10%). "
            "They leave the chance before 21 April 2024 as it is.",
        ),
    ],
)
def test_scheduled_events_are_told_of_where_they_move_the_number(chance, without, added, scheduled, sentence):
    february = date(2024, 2, 1)
    effect = ScheduledEffect(month=february, added=added, before=END, chance=chance, without=without)
    months = (month(1), month(2, scheduled=scheduled), month(3))
    assert monthly_risk_text(risk(*months, effect=effect)) == sentence


@pytest.mark.parametrize(
    ("advice", "span", "sentence"),
    [
        ("act", (0.05, 0.125), "acting pays from 5–13% (middle 8%): 43% is above it, so act;"),
        ("wait", (0.079, 0.079), "acting pays from 8%: 43% is below it, so wait;"),
        ("depends", (0.05, 0.6), "acting pays from 5–60% (middle 8%): 43% lies within it, so it depends on"),
    ],
)
def test_whether_to_act_is_said_in_one_sentence(advice, span, sentence):
    costs = {"act": (1.0, 1.0), "surprised": (8.0, 20.0), "chance_above": 0.97}
    decision = Decision(threshold=0.079, threshold_range=span, advice=advice, **costs)
    stated = decision_text(decision, 0.43)
    assert stated.startswith(f"By the costs stated, {sentence}")
    assert stated.endswith("the chance that the true probability is that high is 97%.")
