"""A reaction is said from its class and its counts: of the answer that it names, and of each target."""

from datetime import date

import pytest

from forecast.phrases.reactions import (
    acts_phrase,
    chance_of_answer,
    followed_clause,
    may_flatter,
    reaction_sentence,
    record_of_reaction,
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
            "within 14 "
            "days, chance quantiles q50 = 0.3, q90 = 0.6.",
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
        (0, followed(n=0), "no past case whose days are over"),
        (
            29,
            followed("drills", 4, 2, 0.03),
            "4 of 29 cases were followed within 14 days by large drills (by chance 3%), two in all",
        ),
        (29, followed("drills", 4, 4, None), "4 of 29 cases were followed within 14 days by large drills"),
        (
            29,
            followed("clash", 0, 0, 0.0),
            "none of 29 cases was followed within 14 days by “Lethal clash” (by chance <0.1%)",
        ),
        (
            1,
            followed(n=1, answers=1),
            "the one past case was followed within 14 days by any military posture by China (by chance 18%)",
        ),
        (
            1,
            followed("drills", 0, 0, 0.03),
            "the one past case was not followed within 14 days by large drills (by chance 3%)",
        ),
    ],
)
def test_cases_are_said_of_the_answer_or_target_that_was_counted(cases, counted, said):
    assert followed_clause(facts(cases), counted, TITLES) == said


@pytest.mark.parametrize(("n", "flattered"), [(0, False), (2, False), (3, True)])
def test_a_count_is_said_to_flatter_only_where_it_exceeds_chance(n, flattered):
    assert may_flatter(facts(20), followed(n=n, by_chance=0.1)) is flattered


def test_the_record_is_that_of_the_answer_and_that_of_the_headlines_target():
    grades = ((2, 20, 1), (3, 8, 2), (4, 1, 1))
    said = [*record_of_reaction(facts(drills=followed("drills", 4, 2, 0.03, grades)), TITLES)]
    assert said == [
        "The record: 13 of 29 cases were followed within 14 days by any military posture by China (by chance "
        "18%), ten in all; 4 of 29 cases were followed within 14 days by large drills (by chance 3%), two in "
        "all; the count may flatter the class if it was chosen after the cases. Answers on the same day do "
        "not count.",
        "Of these last, by severity of the trigger: 1 of 20 at severity 2, 2 of 8 at severity 3 and 1 of "
        "1 at "
        "severity 4.",
    ]
    own = facts(stated=stated(answer=AnswerNamed(target="drills")), answer=followed(None, 0, 0, 0.03))
    assert [*record_of_reaction(own, TITLES)] == [
        "The record: none of 29 cases was followed within 14 days by large drills (by chance 3%). Answers on "
        "the same day do not count."
    ]
    assert [*record_of_reaction(facts(0), TITLES)] == ["The record holds no case whose days are over."]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "Chance that a trigger of severity 4 brings about an answer beyond those to any act as "
            "grave: 45% "
            "(90% interval 20–70%). Before the record, our assumption: mean 30% (3–83%).",
        ),
        (
            {"chance_stated": True, "effects": ()},
            "Chance that the occasion brings about an answer, within these days or later: 45% (90% interval "
            "20–70%). Before the record, by the config's statement: mean 30% (3–83%).",
        ),
        (
            {"chance_stated": True, "stated": stated(uses_record=False)},
            "Chance that a trigger of severity 4 brings about an answer beyond those to any act as grave, "
            "within these days or later: mean 30% (3–83%), as the config states it, whatever the record "
            "says.",
        ),
    ],
)
def test_the_chance_of_an_answer(changes, said):
    assert [*chance_of_answer(facts(**changes))] == [said]
    first, *_ = chance_of_answer(facts(**changes, counts_itself=True))
    assert first.startswith("A trigger counts as the event itself")
