"""A reaction is said from its class and its counts: of the answer that it names, and of each target."""

from datetime import date

import pytest

from forecast.phrases.reactions import (
    acts_phrase,
    chain,
    followed_sentence,
    reaction_sentence,
)
from forecast.records.analysis import (
    FollowedBy,
    GradeFollowed,
    ReactionEffect,
    ReactionFacts,
)
from forecast.records.forecast import ActsNamed, AnswerNamed, OccasionNamed, ReactionStated

ALL = (1, 2, 3, 4, 5)
TITLES = {"drills": "Large drills", "clash": "Lethal clash"}
VISIT = ActsNamed(category="dispute", subcategory=("taiwan_visit", "taiwan_transit"), severities=ALL)
CHINA = AnswerNamed(categories=("military_posture",), by=("CHN",))


def stated(**changes):
    fields = {"name": "visits", "trigger": VISIT, "answer": CHINA, "days": 14, "chance": "learned"}
    return ReactionStated(**{**fields, "uses_record": True, **changes})


def followed(target=None, n=13, answers=10, by_chance=0.18, grades=()):
    by_severity = tuple(GradeFollowed(severity=s, cases=c, followed=f) for s, c, f in grades)
    return FollowedBy(
        target=target, followed=n, answers=answers, by_severity=by_severity, by_chance=by_chance
    )


def facts(cases=29, answer=None, drills=None, **changes):
    fields = {
        "stated": stated(),
        "shown": (),
        "prior": 0.3,
        "prior90": (0.03, 0.83),
        "chance_stated": False,
        "chance": 0.45,
        "chance90": (0.2, 0.7),
        "target": "drills",
        "severity": 4,
        "effects": (ReactionEffect(days=7, date=date(2023, 7, 18), probability=0.2, base=0.1, mcse=0.01),),
    }
    targets = (drills or followed("drills", 4, 2, 0.03),)
    return ReactionFacts(cases=cases, answer=answer or followed(), targets=targets, **{**fields, **changes})


@pytest.mark.parametrize(
    ("acts", "said"),
    [
        (VISIT, "dispute (Taiwan visit or Taiwan transit)"),
        (ActsNamed(category="sanction", severities=ALL), "sanction"),
        (ActsNamed(category="sanction", severities=(3, 4)), "sanction of severity 3 or 4"),
        (ActsNamed(category="sanction", severities=(3, 4, 5)), "sanction of severity 3 or more"),
        (ActsNamed(category="sanction", severities=(1, 2, 3)), "sanction of severity 1 to 3"),
        (ActsNamed(category="sanction", severities=(1, 3, 5)), "sanction of severity 1, 3 or 5"),
        (
            ActsNamed(category="sanction", severities=(5,), by=("USA", "JPN")),
            "sanction of severity 5 by the United States or Japan",
        ),
    ],
)
def test_a_class_of_acts(acts, said):
    assert acts_phrase(acts) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "Dispute (Taiwan visit or Taiwan transit) is answered by any military posture by China within 14 "
            "days, chance learned from the record.",
        ),
        (
            {"answer": AnswerNamed(target="drills"), "days": 1, "chance": 0.25, "uses_record": False},
            "Dispute (Taiwan visit or Taiwan transit) is answered by large drills within 1 day, chance 25%, "
            "whatever the record says.",
        ),
        (
            {
                "trigger": OccasionNamed(label="Inauguration", past=(date(2016, 5, 20), date(2020, 5, 20))),
                "answer": AnswerNamed(by=("CHN",)),
                "chance": {"q50": 0.3, "q90": 0.6},
            },
            "“Inauguration”, as on 20 May 2016 and 20 May 2020, is followed by any conflict by China "
            "within 14 days, chance 50% quantile 30%, 90% quantile 60%.",
        ),
        (
            {"trigger": OccasionNamed(label="Inauguration"), "chance": "Beta(3, 2)"},
            "“Inauguration” is followed by any military posture by China within 14 days, chance Beta(3, 2).",
        ),
    ],
)
def test_a_reaction_is_stated(changes, said):
    assert reaction_sentence(stated(**changes), TITLES) == said


@pytest.mark.parametrize(
    ("cases", "counted", "said"),
    [
        (
            29,
            followed("drills", 4, 2),
            "Large drills followed 4 of 29 such acts within 14 days (two different cases).",
        ),
        (29, followed("drills", 4, 4), "Large drills followed 4 of 29 such acts within 14 days."),
        (29, followed("clash", 0, 0), "“Lethal clash” followed none of 29 such acts within 14 days."),
        (1, followed("drills", 1, 1), "Large drills followed the one such act within 14 days."),
        (1, followed("drills", 0, 0), "Large drills did not follow the one such act within 14 days."),
        (
            29,
            followed("drills", 4, 2, grades=((2, 28, 3), (4, 1, 1))),
            "Large drills followed 4 of 29 such acts within 14 days (two different cases); at severity 4, "
            "one of one.",
        ),
        (
            20,
            followed("drills", 0, 0, grades=((2, 12, 0), (3, 8, 0))),
            "Large drills followed none of 20 such acts within 14 days; none was of severity 4.",
        ),
        (
            1,
            followed("drills", 1, 1, grades=((3, 1, 1),)),
            "Large drills followed the one such act within 14 days; it was not of severity 4.",
        ),
        (
            29,
            followed(None, 13, 13),
            "Any military posture by China followed 13 of 29 such acts within 14 days.",
        ),
    ],
)
def test_cases_are_said_of_the_answer_or_target_that_was_counted(cases, counted, said):
    assert followed_sentence(facts(cases), counted, TITLES) == said


def test_the_chain_goes_from_the_cases_to_the_headline_event_in_four_lines():
    grades = ((2, 28, 3), (4, 1, 1))
    effects = tuple(
        ReactionEffect(days=days, date=date(2024, 11, 5), probability=p, base=base, mcse=0.01)
        for days, p, base in ((7, 0.3, 0.01), (14, 0.36, 0.03), (None, 0.7, 0.57))
    )
    made = facts(
        answer=followed(grades=grades), drills=followed("drills", 4, 2, 0.03, grades), effects=effects
    )
    assert [*chain(made, TITLES)] == [
        "29 such acts on record: 28 of severity 2 and 1 of severity 4.",
        "Large drills followed 4 of 29 such acts within 14 days (two different cases); at severity 4, one of "
        "one. Any military posture by China followed 13 (by chance 18%).",
        "Such an act of severity 4 would provoke some answer: 45% (20–70%); before the record 30% (3–83%). "
        # 1 − .64/.97 of the 45%
        "Where an answer comes, about 76% of the time one is grave enough to count as large drills.",
        "So one such act tomorrow moves large drills to 36% within 14 days of it and from 57% to 70% before "
        "5 November 2024.",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cases": 0}, "The record holds no such act whose days are over."),
        ({"counts_itself": True, "effects": ()}, "Such an act counts as the event itself, so no effect"),
        (
            {"severity": None, "chance_stated": True, "effects": ()},
            "The occasion would provoke some answer: 45%",
        ),
        ({"chance_stated": True}, "; the author stated 30% (3–83%)."),
        (
            {"chance_stated": True, "severity": 3},
            "act of severity 3 would provoke some answer: 45% (20–70%); the author stated 30% (3–83%) for "
            "severity 4.",
        ),
        (
            {"stated": stated(uses_record=False)},
            "some answer: 30% (3–83%), as the author states it.",
        ),
    ],
)
def test_a_chain_says_what_it_lacks_and_whose_chance_it_is(changes, said):
    assert said in " ".join(chain(facts(**changes), TITLES))
