"""What a reader must know of a run, from code and values to the sentence: every branch."""

from datetime import date
from typing import get_args

from forecast.phrases.notices import (
    SENTENCES,
    caution_lines,
    feed_fault_text,
    gate_text,
    notice_text,
    unconverged_text,
)
from forecast.records.forecast import Gate, GateFailure
from forecast.records.notices import FaultCode, FeedFault, Notice, NoticeCode, notice

DAY, LATER = date(2020, 6, 15), date(2022, 7, 10)
STALE = FeedFault(code="stale_feed", feed="a.csv", first=DAY, last=LATER, value=755, limit=1)
SEEN = {"target": "war", "label": "War", "needed": 3}
KIND = {"target": "war", "label": "War", "priors": ("p.x", "p.y"), "acts_a_year": (0.0012, 2.5)}
FAR = {"prior_acts_a_month": 22.1, "data_acts_a_month": 1.2, "factor": 10.0}
FACTS = [
    ("too_little_record", {"events": 1, "days": 900}),
    ("few_events", {"events": 0, "needed": 30}),
    ("few_target_events", SEEN | {"events": 0, "days": 0}),
    ("few_target_events", SEEN | {"events": 1, "days": 1}),
    ("few_target_events", SEEN | {"events": 4, "days": 2}),
    ("kind_never_seen", KIND | {"kinds": ("sanction",), "by": (), "pooled": False}),
    ("kind_never_seen", KIND | {"kinds": ("military_posture", "sanction"), "by": ("CHN",), "pooled": True}),
    (
        "stale_events",
        {"last_date": DAY, "as_of": LATER, "gap_days": 755, "longest_gap_days": 30, "probability": 1e-9},
    ),
    (
        "stale_events",
        {"last_date": DAY, "as_of": LATER, "gap_days": 755, "longest_gap_days": None, "probability": None},
    ),
    ("feed_fault", {"fault": STALE}),
    ("one_episode", {"events": 1000, "of": 1500, "first": DAY, "last": DAY}),
    ("one_episode", {"events": 31, "of": 51, "first": DAY, "last": LATER}),
    ("target_saturated", {"target": "war", "label": "War", "unit": "week", "met": 260, "of": 261}),
    ("saturated_scale", {"scale": "standard", "severity": 5, "events": 9, "of": 12}),
    ("saturated_scale", {"scale": "armed", "severity": 4, "events": 12, "of": 12}),
    ("late_start", {"start": LATER, "first_date": DAY, "rows": 1}),
    ("late_start", {"start": LATER, "first_date": DAY, "rows": 1200}),
    ("events_after_as_of", {"rows": 1, "first": DAY, "last": DAY}),
    ("events_after_as_of", {"rows": 2, "first": DAY, "last": LATER}),
    ("kind_not_learned", {"target": "war", "label": "War"}),
    ("beyond_pooled_hazard", {"reach": DAY, "milestones": (LATER, date(2023, 1, 1))}),
    ("longer_than_learned", {"years": 81.9, "longest": 44.2}),
    ("learned_later", {"parts": ("pooled hazard",), "last": DAY}),
    ("learned_later", {"parts": ("priors", "pooled hazard"), "last": DAY}),
    ("prior_far_from_data", FAR | {"stream": None}),
    ("prior_far_from_data", FAR | {"stream": "military_posture"}),
    ("prior_of_one_part", {"prior": "p.x.target", "whole": "p.x"}),
    (
        "far_from_baseline",
        {
            "target": "war",
            "label": "War",
            "milestone": "m",
            "date": LATER,
            "probability": 0.4,
            "baseline": 0.001,
            "factor": 20.0,
        },
    ),
    ("not_converged", {"failures": 2}),
    ("late_reports", {"origin": "estimated", "mean_days": 8.25, "known_share": 0.613}),
    ("influential_events", {"cases": (), "others": 1}),
    ("influential_events", {"cases": (DAY,), "others": 0}),
    ("influential_events", {"cases": (DAY, LATER), "others": 3}),
    ("unused_backtest", {"refusal": notice("other_priors")}),
    ("settings_unknown", {}),
    ("other_definitions", {}),
    ("other_priors", {}),
    ("other_targets", {"tested": ("a", "b"), "asked": ("a",)}),
    ("later_windows", {"last_day": LATER, "as_of": DAY}),
    ("other_outcomes", {"target": "war"}),
    ("untested_model", {"model": "combined", "tested": ("model", "base_rate")}),
    ("unreadable", {"fault": "forecasts.csv:7: no day"}),
    ("few_outcomes", {"target": "war", "horizon_days": 30, "hits": 19, "misses": 101, "needed": 20}),
    (
        "absent_forecasts",
        {"target": "war", "horizon_days": 30, "model": "late", "absent": 20, "origins": 120},
    ),
    ("no_complete_window", {"horizons_days": (365, 540)}),
    ("silent_end", {"days": 366, "data_end": LATER}),
    ("failed_fits", {"failed": 1, "fits": 12, "concerned": 3, "forecasts": 36}),
    ("repeated_rows", {"dyad": "A – B", "rows": 1}),
    ("third_parties_alone", {"dyad": "A – B", "theatre": ("C", "D")}),
    ("other_list_tested", {}),
    ("unreadable_backtest", {}),
    ("hindcasts", {"hindcasts": 1, "scored": 1200, "grace_days": 7}),
    ("hindcasts", {"hindcasts": 3, "scored": 3, "grace_days": 7}),
    ("few_scored", {"n": 40, "n_yes": 0, "needed": 20, "needed_episodes": 3}),
    ("few_scored", {"n": 1, "n_yes": 1, "needed": 20, "needed_episodes": 3}),
    ("unconverged_left_out", {"forecasts": 2}),
    ("later_left_out", {"forecasts": 1}),
]


def test_every_notice_has_its_sentence_whether_raised_now_or_read_from_a_record(snapshot):
    assert {code for code, _ in FACTS} == {*get_args(NoticeCode)} == {*SENTENCES}
    raised = [notice(code, **values) for code, values in FACTS]
    read = [Notice.model_validate_json(one.model_dump_json()) for one in raised]
    assert [*map(notice_text, read)] == [*map(notice_text, raised)] == snapshot


def test_targets_hardly_seen_share_one_line_and_stamped_cautions_have_none():
    def seen(label, events, days):
        return notice("few_target_events", **SEEN | {"label": label, "events": events, "days": days})

    stamped, other = notice("not_converged", failures=2), notice("few_events", events=9, needed=30)
    assert caution_lines(()) == []
    assert caution_lines((stamped, other, seen("War", 0, 0))) == [
        "Only 9 events in the data, fewer than 30: too few to fix any number.",
        "War: never seen. Its numbers rest on assumptions.",
    ]
    assert caution_lines((stamped,), without=()) == [notice_text(stamped)]
    for found, rest in (
        ((("War", 0, 0), ("Clash", 0, 0)), "Their numbers rest on assumptions."),
        ((("War", 2, 1), ("Clash", 2, 2)), "So few cases fix their numbers poorly."),
        (
            (("War", 0, 0), ("Clash", 1, 1)),
            "So few cases fix their numbers poorly; those of a target never seen rest on assumptions.",
        ),
    ):
        first, line = caution_lines((other, *(seen(*one) for one in found)))
        assert first == notice_text(other)
        assert line.startswith("Seen fewer than 3 times: War, ")
        assert line.endswith(f". {rest}")


def test_every_fault_of_a_feed_has_its_sentence(snapshot):
    lost = {"first": date(2020, 6, 1), "last": date(2020, 6, 30), "limit": 2.05}
    faults = [
        STALE,
        STALE.model_copy(update={"code": "stale_store", "value": 9.0, "limit": 2.0}),
        STALE.model_copy(update={"code": "lost_month", "value": 0.0, **lost}),
        STALE.model_copy(update={"code": "lost_month", "value": 1.0, **lost}),
    ]
    assert {fault.code for fault in faults} == {*get_args(FaultCode)}
    assert [*map(feed_fault_text, faults)] == snapshot


def test_every_gate_says_by_how_much_it_failed_and_what_to_try(snapshot):
    gates = [GateFailure(code=code, quantity="P(x)", value=1.0432, limit=0.4) for code in get_args(Gate)]
    gates += [
        GateFailure(code="ess_tail", quantity="P(x)", value=float("nan"), limit=400),
        GateFailure(code="divergences", value=1, limit=0),
    ]
    assert [*map(gate_text, gates)] == snapshot
    assert unconverged_text(gates[:1]) == (
        f"the fit did not converge; do not use its numbers.\n  {gate_text(gates[0])}"
    )
