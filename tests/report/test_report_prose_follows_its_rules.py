"""Sentences made from numbers."""

import re
from datetime import date, timedelta

import pytest

from forecast import wording
from forecast.families import FAMILIES
from forecast.records.analysis import TensionSeries
from forecast.records.forecast import Baseline, TimeToEvent
from forecast.report.blocks import Heading
from forecast.report.content import make_content
from forecast.report.palette import describe_model
from forecast.report.questions import headline_pair, seen_before
from forecast.report.sections import data
from forecast.report.sections.drivers import drivers_section, ordered_drivers
from forecast.report.sections.front import bottom_line, foundations
from forecast.report.sections.method import health_sentences, method_section, parameters_section
from forecast.report.sections.outlook import waiting_time
from forecast.report.sections.tension import tension_reading


def with_headline(forecast, **changes):
    """The forecast with its headline milestone changed."""
    target, milestone = headline_pair(forecast)
    changed = milestone.model_copy(update=changes)
    milestones = tuple(changed if one is milestone else one for one in target.milestones)
    targets = tuple(
        one.model_copy(update={"milestones": milestones}) if one is target else one
        for one in forecast.targets
    )
    return forecast.model_copy(update={"targets": targets})


@pytest.fixture(scope="module")
def forecast(factory):
    return factory.forecast(factory.events)


@pytest.fixture(scope="module")
def analysis(factory):
    return factory.analysis(factory.events)


@pytest.mark.parametrize(
    ("probability", "interval", "baseline", "sentence", "frequency", "comparison"),
    [
        (0.63, (0.58, 0.71), 0.5, "is likely before", "In 63 of 100", "13 points above the 50%"),
        (
            0.50,
            (0.47, 0.53),
            0.51,
            "has a roughly even chance before",
            "In 50 of 100",
            "1 point below the 51%",
        ),
        (
            0.003,
            (0.001, 0.006),
            0.003,
            "has almost no chance before",
            "In fewer than 1 of 100",
            "is the same as the <1%",
        ),
        (
            0.997,
            (0.992, 0.999),
            0.9,
            "is almost certain before",
            "In more than 99 of 100",
            "10 points above the 90%",
        ),
        (
            0.3,
            (0.1, 0.6),
            0.3,
            "ranges from very unlikely to likely before",
            "In 30 of 100",
            "is the same as the 30%",
        ),
    ],
)
def test_the_bottom_line_follows_the_numbers(
    factory, forecast, probability, interval, baseline, sentence, frequency, comparison
):
    changed = with_headline(
        forecast,
        probability=probability,
        interval90=interval,
        baseline=Baseline(name="climatology", probability=baseline),
    )
    made = bottom_line(factory.records(changed))
    assert sentence in made.sentence
    assert made.details[0].startswith(frequency)
    assert comparison in made.details[0]


def test_a_target_never_seen_is_said_to_rest_on_the_prior(forecast, analysis):
    text = " ".join(foundations(forecast, analysis))
    assert (
        "Not seen in the data, so the figure reflects our assumptions: Lethal clash between forces." in text
    )
    assert "Seen in the data: Major escalation, 20 times; Military confrontation, 3 times." in text
    assert seen_before(forecast.targets[2]) == "never observed"


@pytest.mark.parametrize(
    ("change", "mcse", "said"),
    [
        (0.035, 0.003, "Without it the number would be 3.5 points lower."),
        (-0.035, 0.003, "Without it the number would be 3.5 points higher."),
        (0.005, 0.003, "No single past event moves the bottom line by more than its Monte Carlo error."),
        (0.0, 0.0, "No single past event moves the bottom line by more than its Monte Carlo error."),
    ],
)
def test_the_largest_driver_is_named_only_when_it_stands_out_of_its_error(
    forecast, analysis, change, mcse, said
):
    driver = forecast.drivers[0].model_copy(update={"change": change, "mcse": mcse})
    assert foundations(forecast.model_copy(update={"drivers": (driver,)}), analysis)[-1].endswith(said)


def test_confidence_and_likelihood_never_share_a_sentence_and_no_chance_is_0_or_100(
    forecast, analysis, factory
):
    run = factory.records(forecast, analysis)
    texts = []

    def walk(value):
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    for section in make_content(run).as_json()["sections"]:
        if section["name"] not in ("recent-events", "sources", "drivers"):  # other people's words
            walk(section)
    assert len(texts) > 200
    likelihood = re.compile("|".join(name for name, _, _ in wording.BANDS))
    for sentence in re.split(r"(?<=[.!?]) ", " ".join(texts)):
        assert not (re.search(r"\bconfiden", sentence) and likelihood.search(sentence)), sentence
    assert not any(text in ("0%", "100%", "−0.0", "-0.0") for text in texts)


def test_drivers_are_the_ten_largest_each_way_and_the_rest_is_counted(factory, forecast):
    one = forecast.drivers[0]
    drivers = tuple(
        one.model_copy(update={"event_id": f"e{k}", "change": (k - 12.5) / 1000, "mcse": 0.0001})
        for k in range(26)
    )
    shown = ordered_drivers(drivers)
    assert [round(1000 * driver.change, 1) for driver in shown[:2]] == [12.5, 11.5]
    assert len(shown) == 20
    assert sum(driver.change > 0 for driver in shown) == 10
    section = drivers_section(factory.records(forecast.model_copy(update={"drivers": drivers})))
    assert "For 6 further events with smaller changes see forecast.json." in factory.said(section)


@pytest.mark.parametrize(
    ("quantiles", "said"),
    [
        ((25, 165, 400), "Median 165 days; 1 in 10 within 25, 1 in 10 after 400 days"),
        ((25, 165, None), "Median 165 days; 1 in 10 within 25 days"),
        ((25, None, None), "Median beyond 485 days; 1 in 10 within 25 days"),
        ((None, None, None), "In 9 of 10 futures beyond 485 days"),
    ],
)
def test_waiting_times_beyond_the_horizon_are_not_guessed(forecast, quantiles, said):
    times = TimeToEvent(q10=quantiles[0], q50=quantiles[1], q90=quantiles[2])
    target = forecast.targets[0].model_copy(update={"time_to_event_days": times})
    assert waiting_time(target, 485) == said


def make_tension(regimes):
    steps = len(regimes)
    return TensionSeries(
        date=tuple(date(2023, 1, 2) + timedelta(days=7 * k) for k in range(steps)),
        mean=(0.5,) * steps,
        lower90=(-0.1,) * steps,
        upper90=(1.1,) * steps,
        regime=regimes,
    )


@pytest.mark.parametrize(
    ("regimes", "said"),
    [
        (("calm", "calm"), "has been calm since 2 January 2023. No step reads as a crisis."),
        (
            ("crisis", "strained"),
            "strained since 9 January 2023. The last step that reads as a crisis began on 2 January",
        ),
        (("crisis", "crisis", "calm"), "as a crisis ran from 2 January 2023 to the step of 9 January 2023."),
        (("calm", "crisis", "crisis"), "has been in crisis since 9 January 2023."),
    ],
)
def test_the_tension_is_read_off_its_last_spell(regimes, said):
    assert said in tension_reading(make_tension(regimes))


def test_health_is_said_in_words_with_its_limits(factory, forecast, analysis):
    good = " ".join(health_sentences(forecast, analysis))
    assert "All checks passed." in good
    assert "2 draws of 4,000 diverged (0.05%; up to 0.10% passes)." in good
    bad = " ".join(health_sentences(factory.forecast(factory.events, converged=False), analysis))
    assert "2 checks failed: do not use the numbers." in bad


def test_six_months_of_events_are_printed_newest_first_and_all_are_counted(factory, monkeypatch):
    monkeypatch.setattr(data, "MOST_EVENTS_PRINTED", 96)
    intro, printed = data.recent_events(factory.events, factory.as_of)
    expected = factory.events.between(date(2023, 1, 8), factory.as_of)
    assert len(printed) == len(expected) == 96
    assert printed[0].date == date(2023, 7, 10)
    assert intro.startswith("96 events from 8 January 2023 to 10 July 2023")
    assert "All 849 events are attached" in intro


def test_when_too_many_events_are_recent_the_least_severe_go_and_the_report_says_so(factory, monkeypatch):
    monkeypatch.setattr(data, "MOST_EVENTS_PRINTED", 20)
    intro, printed = data.recent_events(factory.events, factory.as_of)
    assert "The 20 most severe are printed." in intro
    inside = factory.events.between(date(2023, 1, 8), factory.as_of).severity
    assert sorted(event.severity for event in printed) == sorted(inside.tolist())[-20:]


def test_unverified_rows_are_never_linked(factory, forecast):
    run = factory.records(forecast)
    verified = {event.source_url for event in factory.events.rows() if event.verified}
    for table in (
        factory.table(data.recent_events_section(run), "recent-events"),
        factory.table(data.identity_section(run), "sources"),
    ):
        linked = {cell.url for row in table.groups[0].rows for cell in row if cell.url is not None}
        assert linked
        assert linked <= verified


def test_parameters_share_one_track_from_0_to_1_and_name_their_group_once(factory, forecast, analysis):
    groups = factory.table(parameters_section(factory.records(forecast, analysis)), "parameters").groups
    names = [group.note.split(" · ")[-1] for group in groups]
    assert names[:2] == ["baseline.weekly_rate", "tension.loading"]
    assert len(names) == len(set(names))
    rows = [row for group in groups for row in group.rows]
    assert len(rows) == len(analysis.parameters)
    for row in rows:
        places = (*row[6].mark.before, *row[6].mark.after)
        assert min(places) == 0
        assert max(places) == 1
    assert groups[0].rows[1][0].text == "channel opening"


def test_every_family_has_its_method_text_and_tension_is_told_only_where_it_is(factory):
    texts = {family: str(describe_model(family)) for family in FAMILIES}
    assert len(set(texts.values())) == len(FAMILIES)
    for family in ("joint", "combined", "ensemble"):
        assert "Tension is not observed" in texts[family]
    assert "Tension is not observed" not in texts["target"]
    new = method_section(factory.records(factory.forecast().model_copy(update={"model": "some-new-family"})))
    assert "secret talks" in factory.said(new)
    assert "What the model is" not in [one.text for one in new.blocks if isinstance(one, Heading)]
