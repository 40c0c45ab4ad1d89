"""Words, numbers and days that report, terminal and records show; every code has its sentence."""

import re
from datetime import date
from types import SimpleNamespace
from typing import get_args

import pytest

from forecast import wording
from forecast.phrases.assumptions import REASON_WORDS
from forecast.phrases.chances import question_text
from forecast.phrases.check import _delay
from forecast.phrases.notices import notice_text
from forecast.phrases.scenarios import method_sentence, named_first, reason_sentence, withheld_sentence
from forecast.records.analysis import LabelReason
from forecast.records.forecast import (
    Diagnostics,
    FailedWeights,
    GateFailure,
    MethodReason,
    ScenarioForecast,
)
from forecast.records.ledger import rounded_chance
from forecast.records.notices import notice
from forecast.wording import apart, on_scale


def codes_of(record) -> tuple[str, ...]:
    return get_args(record.model_fields["code"].annotation)


def test_scenarios(snapshot):
    known = {"name": "x", "label": "X", "rationale": "Y.", "failures": (), "targets": ()}
    weights = {"pareto_k": 0.834, "effective_draws": 512.4}
    reasons = [MethodReason(code=one) for one in codes_of(MethodReason)]
    reasons += [FailedWeights(code=one, value=101.634, limit=0.7) for one in codes_of(FailedWeights)]
    reweighted = ScenarioForecast(
        **known, **weights, method="reweight", withheld=None, reason=MethodReason(code="only_priors")
    )
    withheld = ScenarioForecast(**known, **weights, method="refit", withheld="no_refit", reason=reasons[-1])
    assert [
        *map(reason_sentence, reasons),
        *map(method_sentence, (reweighted, withheld)),
        withheld_sentence(withheld),
    ] == snapshot


def test_every_reason_of_a_label_has_its_words():
    assert set(get_args(LabelReason)) == set(REASON_WORDS)


def test_a_fit_has_converged_when_no_gate_failed():
    known = {"rhat_max": 1.0, "ess_bulk_min": 900, "ess_tail_min": 900, "divergences": 0, "bfmi_min": 1.0}
    assert Diagnostics(**known, failures=()).converged
    assert not Diagnostics(**known, failures=(GateFailure(code="bfmi", value=0.2, limit=0.3),)).converged


TINY = [1e-12, 3e-9, 4e-7, 1e-5, 4.9e-4, 1e-3, 4.4e-3]
CERTAIN = re.compile(r"(?<![\d.,])(?:0(?:\.0+)?|100(?:\.0+)?)(?:%| of 1)")


@pytest.mark.parametrize("tiny", TINY)
def test_neither_words_nor_records_make_a_chance_certain(tiny):
    for chance in (tiny, 1 - tiny):
        said = [
            wording.percent(chance),
            wording.share(chance),
            wording.interval_percent((chance, chance)),
            wording.interval_percent((tiny, 1 - tiny)),
            on_scale(chance, "probability"),
            on_scale(chance, "chance"),
        ]
        assert [text for text in said if CERTAIN.search(text)] == []
        assert 0.0 < rounded_chance(chance) < 1.0
        assert rounded_chance(chance) == pytest.approx(chance, abs=1.1e-6)


def test_what_is_certain_is_on_record_as_such():
    assert [rounded_chance(one) for one in (0.0, 1.0, 0.12345678)] == [0.0, 1.0, 0.123457]
    assert wording.share(0.0) == "none"
    assert on_scale(1.0, "chance") == "100%"


@pytest.mark.parametrize("tiny", TINY)
def test_sentences_with_a_chance_do_not_either(tiny):
    for chance in (tiny, 1 - tiny):
        late = notice("late_reports", origin="stated", mean_days=2.0, known_share=chance)
        delay = SimpleNamespace(same_day=chance, mean_days=3.0)
        config = SimpleNamespace(events=SimpleNamespace(reporting_delay=delay))
        said = [notice_text(late), _delay(config)]
        assert [text for text in said if CERTAIN.search(text)] == []


def test_words_follow_the_seven_bands():
    bands = {
        "almost no chance": (0.0, 0.01, 0.046),
        "very unlikely": (0.05, 0.199),
        "unlikely": (0.20, 0.449),
        "roughly even chance": (0.45, 0.50, 0.55),
        "likely": (0.551, 0.80),
        "very likely": (0.801, 0.95),  # 0.801 is shown as 80%, the bound of both words
        "almost certain": (0.951, 0.99, 1.0),
    }
    assert {word: {*map(wording.words, chances)} for word, chances in bands.items()} == {
        word: {word} for word in bands
    }


def test_the_band_of_the_word_holds_the_percent_shown_beside_it():
    bands = {name: (lower, upper) for name, lower, upper in wording.BANDS}
    for thousandth in range(10, 991):
        lower, upper = bands[wording.words(thousandth / 1000)]
        assert lower <= float(wording.percent(thousandth / 1000).rstrip("%")) <= upper, thousandth


def test_a_probability_and_its_complement_get_mirrored_words():
    names = [name for name, _, _ in wording.BANDS]
    for whole in range(101):
        p, q = whole / 100, (100 - whole) / 100
        there = names.index(wording.words(p))
        back = names.index(wording.words(q))
        assert there + back == len(names) - 1, whole


@pytest.mark.parametrize(
    ("probability", "percent"),
    [
        (0.0, "<0.1%"),
        (0.0009, "<0.1%"),
        (0.001, "0.1%"),
        (0.015, "1.5%"),
        (0.024, "2.4%"),
        (0.0496, "5%"),
        (0.02, "2%"),
        (0.125, "13%"),
        (0.63, "63%"),
        (0.951, "95%"),
        (0.985, "99%"),
        (0.9904, "99%"),
        (0.9914, "99.1%"),
        (0.999, "99.9%"),
        (0.9995, ">99.9%"),
        (1.0, ">99.9%"),
    ],
)
def test_percent_never_shows_0_or_100(probability, percent):
    assert wording.percent(probability) == percent


@pytest.mark.parametrize(
    ("say", "texts"),
    [
        (wording.share, {0.0: "none", 0.001: "0.1%", 0.697: "70%", 0.999: "99.9%", 1.0: "all"}),
        (wording.signed_points, {0.032: "+3.2", -0.004: "−0.4", -0.0004: "0.0", -0.0: "0.0"}),
        (wording.points, {0.032: "3.2 points", -0.004: "0.4 points", -0.0004: "0.0 points"}),
        (wording.number, {-0.35: "−0.35", -0.001: "0.00", 12.345: "12.3", -456.7: "−457", 1204.0: "1,204"}),
        (wording.times, {0: "never", 1: "once", 2: "twice", 3: "3 times"}),
        (lambda n: wording.count(n, "event"), {0: "no events", 1: "1 event", 1204: "1,204 events"}),
        (wording.listing, {(): "", ("a",): "a", ("a", "b", "c"): "a, b and c"}),
        (
            wording.whole_percent,
            {0.0049: "<1%", 0.005: "1%", 0.048: "5%", 0.545: "55%", 0.9949: "99%", 0.995: ">99%"},
        ),
        (
            wording.span_in_words,
            {1: "1 day", 60: "60 days", 483: "16 months", 731: "2 years", 2382: "6½ years"},
        ),
        (wording.long_day, {date(2024, 11, 5): "5 November 2024"}),
        (wording.short_day, {date(2024, 11, 5): "5 Nov 2024"}),
    ],
)
def test_shares_changes_numbers_counts_lists_and_days_are_written_as_english_does(say, texts):
    assert {value: say(value) for value in texts} == texts


@pytest.mark.parametrize("bad", [-0.01, 1.01, float("nan")])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        wording.percent(bad)
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        wording.words(bad)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0.48, 0.76), "48–76%"),
        ((0.002, 0.04), "0.2–4%"),
        ((0.0004, 0.10), "up to 10%"),
        ((0.79, 0.9995), "79% or more"),
        ((0.0, 1.0), "any"),
        ((0.301, 0.299), "30%"),
        ((0.0001, 0.0004), "<0.1%"),
    ],
)
def test_intervals_show_their_bounds_as_percentages_do(interval, text):
    assert wording.interval_percent(interval) == text


def test_a_larger_chance_never_shows_a_smaller_percentage():
    shown = [wording.shown_percent(chance / 10_000) for chance in range(10_001)]
    assert shown == sorted(shown)


def test_a_difference_is_that_of_the_numbers_shown():
    assert wording.shown_difference(0.494, 0.236) == pytest.approx(0.25)
    assert wording.shown_difference(0.024, 0.015) == pytest.approx(0.009)


@pytest.mark.parametrize(
    ("probability", "said"), [(0.042, "–"), (0.0042, "–"), (0.00001, "–"), (0.05, "very unlikely")]
)
def test_no_word_plays_down_a_small_chance_of_a_grave_event(probability, said):
    assert wording.chance_words(probability, grave=True) == said
    assert wording.chance_words(probability, grave=False) == wording.words(probability)


@pytest.mark.parametrize(
    ("title", "within"),
    [
        (wording.with_article("major act of conflict"), "a major act of conflict"),
        (wording.with_article("extreme act of conflict"), "an extreme act of conflict"),
        ("Large drills that ring Taiwan", "large drills that ring Taiwan"),
        ("War, or a clash with fifty dead or more", "war, or a clash with fifty dead or more"),
        ("Turkey harms Greek forces", "“Turkey harms Greek forces”"),
        ("Turkish threat of war", "“Turkish threat of war”"),
        ("Lethal clash", "“Lethal clash”"),
    ],
)
def test_a_title_is_small_in_a_question_where_it_is_a_noun_and_quoted_where_it_may_be_a_name(title, within):
    asked = question_text(title, "A – B", date(2023, 1, 1), date(2023, 2, 1), "the press")
    assert asked.startswith(f"Will {within} (A – B) happen after")


@pytest.mark.parametrize(
    ("sourced", "said"),
    [
        (0, "None of the 47 rows names a source."),
        (1, "Of the 47 rows 1 names a source; 46 do not."),
        (40, "Of the 47 rows 40 name a source; 7 do not."),
        (47, "All of the 47 rows name a source."),
    ],
)
def test_rows_with_and_without_a_source_are_counted(sourced, said):
    assert wording.sourced_in_words(sourced, 47) == said


def test_names_cut_to_a_length_stay_apart():
    assert apart(["Drills", "A lethal clash"], 20) == ["Drills", "A lethal clash"]
    alike = [f"Large drills of the fleet around the island in the {way}" for way in ("north", "south")]
    assert apart(alike, 28) == ["Large drills… in the north", "Large drills… in the south"]
    middle = [f"Large drills in the {way} of the island and its waters" for way in ("north", "south")]
    assert apart(middle, 24) == middle, "what differs in the middle alone stays whole"
    assert apart(["Same name twice or more"] * 2, 12) == ["Same name…"] * 2


def test_the_first_of_some_names_stand_whole_with_how_many_more():
    names = ["A collision at sea", "A wide round of controls", "A balloon"]
    assert named_first(names, 60) == "A collision at sea; a wide round of controls; a balloon"
    assert named_first(names, 50) == "A collision at sea; a wide round of controls; 1 more"
    assert named_first(names, 20) == "A collision at sea; 2 more"
