"""Records hold codes and numbers; every code has its sentence, and older records keep theirs."""

import json
from pathlib import Path
from typing import get_args

import pytest

from forecast.records.analysis import (
    Analysis,
    Assumed,
    BreakEven,
    CappedRates,
    CertainActs,
    InfluentialEvents,
    LateReports,
    OnThreshold,
    OnWordBound,
    Reason,
    UnusedBacktest,
    WrittenText,
)
from forecast.records.forecast import Forecast
from forecast.wording.sensitivity import (
    REASON_WORDS,
    assumed_text,
    assumption_label,
    break_even_sentence,
    note_sentence,
)
from forecast.wording.warnings import warning_sentence

FIXTURE = Path(__file__).parent / "analysis-schema-1.json"
SAMPLE = Path(__file__).resolve().parents[2] / "reports/sample"


def assumed(parameter: float, value: float, scale: str) -> Assumed:
    return Assumed(parameter=parameter, value=value, scale=scale)


def crossing(name: str, now: Assumed, then: Assumed, either: tuple[Assumed, Assumed], **fields) -> BreakEven:
    known = {"kind": "word", "becomes": "likely", "bound": 0.555, "probability": 0.52, "act": None} | fields
    return BreakEven(
        target="clash",
        milestone="spring",
        name=name,
        outcome="crosses",
        steps=0.5,
        mcse=0.1,
        now=now,
        assumed=then,
        assumed_mcse=either,
        reached=(0.4, 0.6),
        **known,
    )


@pytest.mark.parametrize(
    ("warning", "said"),
    [
        (
            CappedRates(share=2.5e-4, cap=200),
            "250 of 1,000,000 simulated intensities reached the cap of 200 acts a week and were cut.",
        ),
        (
            LateReports(origin="estimated", mean_days=8.25, known_share=0.613),
            "Recent weeks are corrected for acts that become known late (estimated delay, mean 8.2 days): "
            "61% of the last week's acts are taken to be known.",
        ),
        (
            InfluentialEvents(number=1),
            "1 event is too influential to remove without a refit; its effect is not shown.",
        ),
        (
            InfluentialEvents(number=3),
            "3 events are too influential to remove without a refit; their effects are not shown.",
        ),
        (
            UnusedBacktest(refusal="its priors are not this run's"),
            "The backtest beside this run was not used: its priors are not this run's.",
        ),
        (WrittenText(text="As it was written."), "As it was written."),
    ],
)
def test_every_warning_has_its_sentence(warning, said):
    assert warning_sentence(warning) == said


def test_every_note_has_its_sentence():
    forecast = Forecast.model_validate_json((SAMPLE / "forecast.json").read_bytes())
    target = forecast.targets[0]
    asked = {"target": target.name, "milestone": target.milestones[0].name}
    start = f"{target.label} before {target.milestones[0].label}: 45.2% stands within "
    said = [
        note_sentence(note, forecast)
        for note in (
            OnWordBound(**asked, probability=0.452, words=("roughly even chance", "unlikely")),
            OnThreshold(**asked, probability=0.452, threshold=0.45),
            CertainActs(number=1),
            WrittenText(text="As it was written."),
        )
    ]
    assert said == [
        f"{start}its Monte Carlo error of the bound between 'roughly even chance' and "
        "'unlikely'; either word may be said of it.",
        f"{start}its Monte Carlo error of the threshold of 45%.",
        "1 act ahead is taken as certain or as impossible, so its probability was not varied.",
        "As it was written.",
    ]


def test_every_reason_has_its_words():
    assert set(get_args(Reason)) == set(REASON_WORDS)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            crossing(
                "tension.persistence",
                assumed(28, 4, "weeks"),
                assumed(51.1, 7.3, "weeks"),
                (assumed(45.5, 6.5, "weeks"), assumed(57.4, 8.2, "weeks")),
            ),
            "'Roughly even chance' becomes 'likely' when tension lasts 1.8 times as long (prior centred on "
            "7.3 weeks instead of 4 weeks; 6.5 weeks to 8.2 weeks within one Monte Carlo error).",
        ),
        (
            crossing(
                "ballast.military_force",
                assumed(0.4, -0.33, "effect"),
                assumed(0.2, -0.18, "effect"),
                (assumed(0.1, -0.1, "effect"), assumed(0.3, -0.26, "effect")),
            ),
            "'Roughly even chance' becomes 'likely' when military force acts calm half as much (−10% to −26% "
            "within one Monte Carlo error).",
        ),
        (
            crossing(
                "severity.level.4",
                assumed(-2.0, 0.12, "chance"),
                assumed(-0.85, 0.3, "chance"),
                (assumed(-1.0, 0.26, "chance"), assumed(-0.7, 0.33, "chance")),
            ),
            "'Roughly even chance' becomes 'likely' when 30% of acts reach severity 4 from the one below "
            "instead of 12% (26% to 33% within one Monte Carlo error).",
        ),
        (
            crossing(
                "calendar.0",
                *(assumed(p, p, "probability") for p in (0.6, 0.1)),
                (assumed(0.0, 0.0, "probability"), assumed(0.3, 0.3, "probability")),
                act="A summit",
                kind="threshold",
                becomes=None,
                bound=0.4,
            ),
            "The chance of 52% falls below 40% when 'A summit' has a chance of 10% (between <1% and 30% "
            "within one Monte Carlo error) instead of 60%.",
        ),
    ],
)
def test_a_crossing_is_said_with_both_values_and_its_error(one, said):
    assert break_even_sentence(one) == said


def test_what_is_no_crossing_has_no_sentence():
    one = crossing("x", *[assumed(1, 1, "weeks")] * 2, (assumed(1, 1, "weeks"),) * 2)
    with pytest.raises(ValueError, match="no crossing has no sentence"):
        break_even_sentence(one.model_copy(update={"bound": None, "assumed": None}))


def test_a_record_of_schema_1_shows_its_texts_as_they_were():
    old = json.loads(FIXTURE.read_text(encoding="utf-8"))
    new = Analysis.model_validate(old)
    assert new.schema_ == 2
    assert Analysis.model_validate_json(new.model_dump_json(by_alias=True)) == new
    assert [warning_sentence(one) for one in new.warnings] == old["warnings"]
    before, after = old["robustness"], new.robustness
    assert after is not None
    assert [one.text for one in after.notes] == before["notes"]
    assert [REASON_WORDS[one.reason] for one in after.sensitivities] == [
        one["reason"] for one in before["sensitivities"]
    ]
    for bar, was in zip(after.tornado, before["tornado"], strict=True):
        assert assumption_label(bar.name, bar.act) == was["label"]
        ends = (bar.now, bar.lower.assumed, bar.upper.assumed)
        assert [assumed_text(end) for end in ends] == [
            was["now"],
            was["lower"]["assumed"],
            was["upper"]["assumed"],
        ]
    for one, was in zip(after.break_evens, before["break_evens"], strict=True):
        assert (one.outcome, one.bound, one.steps) == (was["outcome"], was["bound"], was["steps"])
        if one.outcome == "crosses":
            assert break_even_sentence(one) == was["text"]
