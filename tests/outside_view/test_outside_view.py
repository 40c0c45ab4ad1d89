"""The outside view: counts of made-up records, how they fade and pool, and why there may be none."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from forecast.events.table import Event, EventTable
from forecast.outside_view import (
    CasesOfPairs,
    CountedCases,
    CountedKind,
    CountedPair,
    outside_view,
    pooled_share,
    shipped_cases,
)
from forecast.phrases.chances import outside_view_sentence
from forecast.pooled_hazard import LearnedDyad
from forecast.records.forecast import OutsideShare, OutsideView
from forecast.targets import TargetRule
from tools.learn.outside_view import coder_spread, count_pairs
from tools.learn.pooled_hazard import Records

FORCE = TargetRule("force", ("military_incident",), 4)
START = date(2000, 1, 1)


def record_of(*acts, codes=("AAA", "BBB")):
    """Make a record of acts of conflict, each a day after the start and a severity."""
    rows = [
        Event(
            id=f"e{place}",
            date=START + timedelta(days=day),
            known_date=START + timedelta(days=day),
            initiator=codes[0],
            recipient=codes[1],
            category="military_incident",
            severity=severity,
        )
        for place, (day, severity) in enumerate(acts)
    ]
    return EventTable.from_events(rows, "made for a test")


def learned_of(cases, followed, *, coders=("one",), crisis=True, first=True, spread=0.0):
    """Make counts, the same of a pair of each coder."""
    counted = CountedCases(kind=0, crisis=crisis, first=first, cases=cases, followed=followed)
    pairs = tuple(
        CountedPair(
            dyad=LearnedDyad.of(name, record_of((0, 1), codes=(name, "ZZZ")), coder=name), counted=(counted,)
        )
        for name in coders
    )
    kind = CountedKind(any_of=(FORCE.any_of,), min_severity=4)
    about = {"source": "made up", "command": "none", "version": "0"}
    return CasesOfPairs(schema=1, kinds=(kind,), coder_spread=spread, pairs=pairs, **about)


def at(day):
    return START + timedelta(days=day)


def test_cases_are_counted_by_hand():
    # Crises on days 301, 401 and 1001; force on day 411, ten days into the second, ends first times.
    events = record_of((0, 1), (300, 3), (310, 3), (400, 3), (411, 5), (1000, 3))
    records = Records("one", {"x": events}, {"x": at(1020)})
    (pair,) = count_pairs([records], least_acts=1).pairs
    found = {(case.crisis, case.first): case for case in pair.counted if case.kind == 0}
    first, later = found[True, True], found[True, False]
    assert (first.cases, first.followed) == ((2,) * 6, (0, 1, 1, 1, 2, 2))
    # The last crisis was observed for 20 days: it counts within 14 and not within 30.
    assert (later.cases, later.followed) == ((1, 1, 0, 0, 0, 0), (0,) * 6)
    # Quiet months begin on days 180, 210 … and end where a crisis does, 90 days after it began.
    assert found[False, True].cases[0] == len([180, 210, 240, 270, 300])
    # Of later ones those half a year after force: days 600, 630 … 990.
    assert found[False, False].cases[0] == len(range(600, 1000, 30))


def test_a_pair_is_never_told_by_itself():
    learned = learned_of((10,) * 6, (1,) * 6, coders=("AAA", "CCC"))
    own = record_of((0, 1), (300, 3), codes=("AAA", "ZZZ"))
    assert outside_view(learned, own, FORCE, at(301)).pairs == 1
    assert outside_view(learned, record_of((0, 1), (300, 3)), FORCE, at(301)).pairs == 2


def test_days_that_passed_quietly_leave_what_came_after_them():
    learned = learned_of((1000,) * 6, (100, 150, 200, 250, 300, 400))
    events = record_of((0, 1), (300, 3))
    fresh = outside_view(learned, events, FORCE, at(301))
    aged = outside_view(learned, events, FORCE, at(301 + 14))
    none = {share.days: 1 - share.share for share in fresh.shares}
    assert aged.crisis_days == 14
    # From day 14 to day 21 is 7 of the 16 days in which the chance of nothing falls from S(14) to S(30).
    assert 1 - aged.shares[0].share == pytest.approx((none[30] / none[14]) ** (7 / 16), rel=1e-9)
    assert aged.shares[0].share < fresh.shares[0].share
    assert [share.days for share in aged.shares] == [7, 14, 30, 90, 180]


def test_a_share_of_one_coder_is_its_own_and_the_spread_widens_it():
    share, low, high = pooled_share([36], [3], 1.0, 0.0)
    assert share == pytest.approx(3.5 / 37)
    error = np.sqrt(1 / 3.5 + 1 / 33.5)
    assert (low, high) == pytest.approx(tuple(expit(logit(share) + norm.ppf([0.05, 0.95]) * error)), rel=1e-4)
    _, lower, higher = pooled_share([36], [3], 1.0, 1.0)
    assert lower < low < high < higher


def test_the_interval_holds_nine_of_ten_new_coders():
    random = np.random.default_rng(5)
    held, trials, spread = 0, 2000, 0.8
    for _ in range(trials):
        chance = expit(-2 + spread * random.standard_normal(5))
        followed = random.binomial(200, chance[:4])
        _, low, high = pooled_share([200] * 4, followed.tolist(), 1.0, spread)
        held += low <= chance[4] <= high
    # Binomial error of 2,000 trials at 90%: .0067.
    assert held / trials == pytest.approx(0.9, abs=0.025)


def test_the_spread_between_coders_is_found():
    random = np.random.default_rng(2)
    pairs = []
    for kind in range(200):
        for coder in ("one", "two", "three"):
            chance = expit(-1.5 + 0.7 * random.standard_normal())
            case = CountedCases(
                kind=kind,
                crisis=True,
                first=True,
                cases=(400,) * 6,
                followed=(int(random.binomial(400, chance)),) * 6,
            )
            dyad = LearnedDyad.of(coder, record_of((0, 1)), coder=coder)
            pairs.append(CountedPair(dyad=dyad, counted=(case,)))
    # 400 free differences: its error is .7 / sqrt(800) = .025.
    assert coder_spread(pairs) == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize(
    ("events", "target", "day", "missing"),
    [
        (record_of((300, 3)), TargetRule("odd", ("visit",), 3), 301, "no_such_kind"),
        (record_of((300, 3)), TargetRule("own", FORCE.any_of, 4, ("AAA",)), 301, "one_side"),
        (record_of((0, 1), (250, 5), (300, 3)), FORCE, 301, "no_quiet"),
        # An act of severity 5 on the last day.
        (record_of((0, 1), (300, 5)), FORCE, 301, "no_quiet"),
        (record_of((0, 1), (300, 3), (310, 5)), FORCE, 320, "no_quiet"),
    ],
)
def test_where_there_is_none_it_says_why(events, target, day, missing):
    view = outside_view(shipped_cases(), events, target, at(day))
    assert view.missing == missing
    assert outside_view_sentence(view).startswith("Not compared with other pairs: ")


def test_a_record_of_one_act_is_a_first_time_crisis_or_a_quiet_month():
    one = record_of((0, 3))
    crisis, quiet = (outside_view(shipped_cases(), one, FORCE, at(day)) for day in (1, 200))
    assert (crisis.crisis_days, crisis.first) == (0, True)
    assert (quiet.crisis_days, quiet.first) == (None, True)
    assert crisis.shares[2].share > quiet.shares[2].share
    for view in (crisis, quiet):
        shares = [share.share for share in view.shares]
        assert shares == sorted(shares)
        assert all(share.interval90[0] <= share.share <= share.interval90[1] for share in view.shares)


def test_sentences():
    share = OutsideShare(days=30, cases=15, followed=2, share=0.13, interval90=(0.04, 0.31))
    first = OutsideView(crisis_days=0, first=True, pairs=30, shares=(share,))
    assert outside_view_sentence(first) == (
        "Of 15 first-time crises of 30 other pairs, 2 (13%) brought such an event within 30 days; "
        "with each source given the same weight, 13% (4–31%)."
    )
    aged = OutsideView(crisis_days=12, pairs=1, shares=(share,))
    assert "Of 15 crises of 1 other pair, 2" in outside_view_sentence(aged)
    assert "given the same weight and 12 days into the crisis, " in outside_view_sentence(aged)
    quiet = OutsideView(first=True, pairs=3, shares=(share,))
    assert "15 quiet months without an earlier case of 3 other pairs" in outside_view_sentence(quiet)
