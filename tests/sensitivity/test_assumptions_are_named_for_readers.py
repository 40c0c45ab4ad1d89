"""Assumptions on the acts of a cell are named by what people call its target, never by its key."""

import pytest

from forecast.panel import TargetRule, stream_layout
from forecast.priors import default_priors
from forecast.records.analysis import Assumed, BreakEven
from forecast.report.words import assumption_label, break_even_sentence

TITLES = {"large_drills": "Large drills", "grave": "Anything grave", "sanction.target": "Sweeping sanctions"}
RULES = (
    TargetRule("large_drills", ("military_posture", "dispute"), 3),
    TargetRule("grave", ("dispute", "military_incident"), 4),
    TargetRule("sanction", ("sanction",), 4),
)


def test_every_assumption_has_a_name_without_keys():
    for name in default_priors(stream_layout(RULES)).priors:
        label = assumption_label(name, titles=TITLES)
        assert label[0].isupper(), name
        assert not set("_{}") & set(label), label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("baseline.weekly_rate.large_drills", "Base rate: Large drills"),
        ("baseline.weekly_rate.large_drills+grave", "Base rate: Large drills + Anything grave"),
        ("baseline.weekly_rate.sanction", "Base rate: sanction"),  # those that do not meet the target
        ("baseline.weekly_rate.sanction.target", "Base rate: Sweeping sanctions"),
        ("excitation.branching.conflict", "Own pull: conflict"),
        ("excitation.severity", "Weight of severity"),
    ],
)
def test_a_cell_has_the_titles_of_its_narrowest_targets(name, label):
    assert assumption_label(name, titles=TITLES) == label


@pytest.mark.parametrize(
    ("name", "scale", "values", "said"),
    [
        (
            "baseline.weekly_rate.large_drills",
            "a_year",
            (0.5, 1.0),
            "when acts that count as 'Large drills' come twice as often (prior centred on",
        ),
        (
            "excitation.cross.dispute",
            "share",
            (0.25, 0.5),
            "when other conflict brings about 50% of dispute acts instead of 25% (40% to",
        ),
        (
            "excitation.branching.cooperation",
            "per_hundred",
            (10.0, 5.0),
            "when acts of cooperation bring about half as many of their own kind (prior",
        ),
        (
            "excitation.severity",
            "times",
            (1.2, 1.5),
            "when an act one severity graver brings about 1.5× as much conflict instead of 1.2× (1.4×",
        ),
    ],
)
def test_a_crossing_says_what_is_assumed_of_which_acts(name, scale, values, said):
    now, then, low, high = (
        Assumed(parameter=value, value=value, scale=scale)
        for value in (*values, {"share": 0.4, "times": 1.4}.get(scale, 0.9), 2.0)
    )
    one = BreakEven(
        target="large_drills",
        milestone="soon",
        name=name,
        kind="word",
        outcome="crosses",
        probability=0.5,
        becomes="likely",
        bound=0.55,
        steps=1.0,
        mcse=0.1,
        now=now,
        assumed=then,
        assumed_mcse=(low, high),
        reached=(0.4, 0.6),
    )
    assert said in break_even_sentence(one, TITLES)
