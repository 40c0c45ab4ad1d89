"""What other pairs taught, what is missing, and when a target may happen: facts and their sentences."""

from datetime import date

import pytest

from forecast.phrases.chances import decision_text
from forecast.phrases.data import learned_clause, learned_paragraph
from forecast.records.analysis import (
    LearnedFrom,
    LearnedKind,
    LearnedPair,
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
