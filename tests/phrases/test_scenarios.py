"""What a scenario rests on, and why it moves nothing, is said from cases, chances and codes."""

from datetime import date
from typing import get_args

import pytest

from forecast.phrases.scenarios import basis_sentence, belief_phrase, no_effect_sentence, table_reading
from forecast.records.forecast import (
    ActsNamed,
    AnswerNamed,
    BeliefStated,
    EventBasis,
    KindBasis,
    MethodReason,
    NoEffect,
    PriorBasis,
    RateBasis,
    ReactionBasis,
    ReactionStated,
    ScenarioForecast,
)

TITLES = {"drills": "Large drills", "clash": "Lethal clash"}


def scenario(*basis, **fields):
    known = {"name": "s", "label": "S", "rationale": "", "method": "exact", "pareto_k": None, "failures": ()}
    known |= {"reason": MethodReason(code="only_future"), "effective_draws": None, "withheld": None}
    return ScenarioForecast(**{**known, "targets": (), "basis": basis, **fields})


def of_reaction(cases=29, followed=13, target_followed=4, answer=None, uses_record=True, **fields):
    stated = ReactionStated(
        name="visits",
        label="Visits",
        trigger=ActsNamed(category="visit", severities=(1, 2, 3, 4, 5)),
        answer=answer or AnswerNamed(categories=("sanction",)),
        days=14,
        chance="learned",
        uses_record=uses_record,
    )
    counts = {"cases": cases, "followed": followed, "target": "drills", "target_followed": target_followed}
    return ReactionBasis(reaction=stated, **counts, **fields)


def of_kind(cases=6, followed=0, seen=None, **fields):
    known = {"category": "sanction", "severity": 3, "target": "drills", "days": 14, "conflict": True}
    counts = {"cases": cases, "followed": followed, "seen": cases if seen is None else seen}
    return KindBasis(**{**known, **counts, "beside_named": False, **fields})


AS_CONFLICT = "The model answers such acts as often as any act of conflict of that severity."
OWN = AnswerNamed(target="drills")


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        (
            of_reaction(),
            "“Visits”: of 29 past cases, 13 were followed within 14 days by any sanction, four by large "
            "drills.",
        ),
        (
            of_reaction(target_followed=0),
            "“Visits”: of 29 past cases, 13 were followed within 14 days by any sanction, none by large "
            "drills.",
        ),
        (
            of_reaction(followed=4, answer=OWN),
            "“Visits”: of 29 past cases, four were followed within 14 days by large drills.",
        ),
        (
            of_reaction(severity=4, grave_cases=3, grave_followed=2, followed=4, answer=OWN),
            "“Visits”: of 29 past cases, four were followed within 14 days by large drills; 2 of the 3 of "
            "severity 4 or more.",
        ),
        (
            of_reaction(severity=5, grave_cases=1, grave_followed=1, followed=4, answer=OWN),
            "“Visits”: of 29 past cases, four were followed within 14 days by large drills; the one of "
            "severity 5 was.",
        ),
        (
            of_reaction(severity=5, followed=4, answer=OWN),
            "“Visits”: of 29 past cases, four were followed within 14 days by large drills; none of them was "
            "of severity 5.",
        ),
        (
            of_reaction(cases=1, followed=0, target_followed=0),
            "“Visits”: the one past case was not followed within 14 days by any sanction; the change "
            "includes "
            "the effect of any act of that severity.",
        ),
        (
            of_reaction(cases=0, followed=0, target_followed=0, chance90=(0.4, 0.6, 0.77), of_act=False),
            "“Visits”: its chance is stated as 60% (40–77%).",
        ),
        (
            of_reaction(followed=4, answer=OWN, chance90=(0.4, 0.6, 0.77)),
            "“Visits”: its chance is stated as 60% (40–77%), before the record; of 29 past cases, four were "
            "followed within 14 days by large drills.",
        ),
        (
            of_reaction(followed=4, answer=OWN, chance90=(0.4, 0.6, 0.77), uses_record=False),
            "“Visits”: its chance is stated as 60% (40–77%); of 29 past cases, four were followed within 14 "
            "days by large drills.",
        ),
        (
            of_kind(),
            "Of 6 past days with such an act (sanction, severity 3 or more), none was followed within 14 "
            "days "
            f"by large drills. {AS_CONFLICT}",
        ),
        (
            of_kind(cases=1, followed=1, by="USA", severity=5, beside_named=True),
            "The one past day with such an act outside the named reactions (sanction, severity 5, by the "
            f"United States) was followed within 14 days by large drills. {AS_CONFLICT}",
        ),
        (
            of_kind(cases=0),
            f"The record holds no such act (sanction, severity 3 or more). {AS_CONFLICT}",
        ),
        (
            of_kind(cases=0, seen=2),
            "The record holds no such act (sanction, severity 3 or more) of which the days are over. "
            f"{AS_CONFLICT}",
        ),
        *(
            (
                of_kind(cases=0, category="visit", severity=5, conflict=False, calming=calming),
                f"The record holds no such act (visit, severity 5).{said}",
            )
            for calming, said in (
                ("record", " How far such acts calm is estimated from a prior and the record."),
                ("prior", " How far such acts calm rests on a prior alone."),
                ("none", " The model knows no effect of such acts here."),
                (None, ""),
            )
        ),
        (EventBasis(targets=("clash",)), "The act itself counts as “Lethal clash”."),
        (EventBasis(targets=("clash", "drills")), "The act itself counts as 2 of the 2 events."),
        (PriorBasis(names=("a",), at_prior=("a",)), "The record leaves this estimate at its prior."),
        (
            PriorBasis(names=("a", "b"), at_prior=("a",), acts=12),
            "The 12 acts of this kind on record hardly move one of 2 estimates from their priors.",
        ),
        (PriorBasis(names=("a", "b"), at_prior=()), "Prior and record both shape these estimates."),
        (
            RateBasis(prior="rate.x", whole="rate.drills"),
            "rate.x moves one part of the target; rate.drills moves all of it.",
        ),
    ],
)
def test_what_an_answer_rests_on(basis, said):
    assert basis_sentence(scenario(basis), TITLES) == said


DAYS = {"first_day": date(2022, 8, 1), "last_day": date(2022, 8, 30), "from_now": False}


def test_beliefs_and_acts_taken_out_come_first_and_nothing_is_said_of_nothing():
    belief = BeliefStated(target="clash", ratio=0.0, **{**DAYS, "from_now": True})
    made = scenario(EventBasis(targets=("clash",)), beliefs=(belief,), taken_out=2)
    assert basis_sentence(made, TITLES) == (
        "Assumed not to happen from 1 August 2022 to 30 August 2022: “Lethal clash”. A new fit without 2 "
        "past "
        "events. The act itself counts as “Lethal clash”."
    )
    assert basis_sentence(scenario(), TITLES) == ""


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.5, "half as likely"),
        (2.0, "twice as likely"),
        (1.5, "1.5 times as likely"),
        (0.0, "impossible"),
    ],
)
def test_a_belief(ratio, said):
    stated = belief_phrase(BeliefStated(target="drills", ratio=ratio, **DAYS), TITLES)
    assert stated == f"{said} from 1 August 2022 to 30 August 2022: large drills"


def test_every_reason_for_no_effect_has_a_sentence_of_its_own():
    said = [no_effect_sentence(scenario(no_effect=code)) for code in get_args(NoEffect)]
    assert len({*said}) == len(said)
    assert all(one.endswith(".") for one in said)
    assert no_effect_sentence(scenario()) == ""


@pytest.mark.parametrize(
    ("shown", "left_out", "said"),
    [
        ("≈", 0, "≈ under a point."),
        ("", 0, ""),
        (
            "",
            1,
            "One event is left out: scenarios move it less, or assume it. The table in report.html has all.",
        ),
        (
            "",
            2,
            "Two events are left out: scenarios move them less, or assume them. The table in report.html has "
            "all.",
        ),
    ],
)
def test_a_table_is_read_by_the_signs_that_it_shows(shown, left_out, said):
    assert table_reading(shown, left_out) == said
