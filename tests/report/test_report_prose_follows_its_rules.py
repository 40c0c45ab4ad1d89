"""Sentences made from numbers."""

import re

import pytest

from forecast import wording
from forecast.families import FAMILIES
from forecast.records.forecast import MemberForecast
from forecast.report.build import make_content
from forecast.report.evidence_sections import check_sentences, health_sentences
from forecast.report.forecast_sections import clear_drivers, sources_section
from forecast.report.page_1 import brief_section
from forecast.report.palette import describe_model
from forecast.report.words import confidence
from tests.report.conftest import (
    EVENTS,
    altered,
    make_forecast,
    make_records,
    said_in,
    table_in,
    with_headline,
)


def test_members_that_disagree_lower_confidence(forecast):
    def members(*chances):
        names = ("model", "pooled hazard")
        same = {"weight": 0.5, "interval90": (0.0, 1.0)}
        return tuple(
            MemberForecast(name=name, label=name, probability=one, **same)
            for name, one in zip(names, chances, strict=True)
        )

    targets = tuple(altered(one, observed_before=30) for one in forecast.targets)
    base = altered(forecast, targets=targets)
    apart = with_headline(base, interval90=(0.45, 0.55), members=members(0.3, 0.6))
    said = "Low confidence: scheduled events apart, the model says 30% and the pooled hazard says 60%."
    assert confidence(apart, None).sentence == said
    close = with_headline(base, interval90=(0.45, 0.55), members=members(0.48, 0.5))
    assert confidence(close, None).level == "moderate"


def test_confidence_and_likelihood_never_share_a_sentence_and_no_chance_is_0_or_100(forecast, analysis):
    run = make_records(forecast, analysis)

    def texts_in(value):
        if isinstance(value, str):
            yield value
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from texts_in(one)

    parts = make_content(run).as_json()["sections"]
    ours = [one for one in parts if one["name"] not in ("recent-events", "run", "sources")]
    texts = [*texts_in(ours)]  # the others hold other people's words
    assert len(texts) > 200
    likelihood = re.compile("|".join(name for name, _, _ in wording.BANDS))
    for sentence in (one for text in texts for one in re.split(r"(?<=[.!?]) ", text)):
        assert not (re.search(r"\bconfiden", sentence) and likelihood.search(sentence)), sentence
    assert not any(text in ("0%", "100%", "−0.0", "-0.0") for text in texts)


def test_only_drivers_beyond_their_error_are_shown_and_how_they_were_found_is_said(forecast):
    one = forecast.drivers[0]
    drivers = tuple(altered(one, event_id=f"e{k}", change=(k - 12.5) / 500, mcse=0.003) for k in range(26))
    changed = altered(forecast, drivers=drivers, drivers_tried=26)
    shown = clear_drivers(changed)
    assert [round(1000 * driver.change, 1) for driver in shown[:2]] == [25.0, 23.0]
    assert all(abs(driver.change) > 2 * driver.mcse for driver in shown)
    assert min(abs(driver.change) for driver in shown) >= 0.005
    run = make_records(changed)
    said = said_in(sources_section(run))
    assert "The 26 events most likely to matter were left out one at a time" in said
    assert f"{len(shown)} move it by half a point or more, and by more than twice the Monte" in said
    assert len(table_in(sources_section(run), "drivers").groups[0].rows) == 6


def test_an_article_that_carries_several_drivers_is_named(forecast):
    by_title = {}
    for event in EVENTS.rows():
        by_title.setdefault((event.source_outlet, event.source_title), []).append(event)
    (outlet, title), events = max(by_title.items(), key=lambda pair: len(pair[1]) if pair[0][1] else 0)
    drivers = tuple(altered(forecast.drivers[0], event_id=event.id, change=0.05) for event in events[:3])
    section = sources_section(make_records(altered(forecast, drivers=drivers)))
    assert f"Three of these rest on one article: {outlet}, “{title}”." in said_in(section)


def test_judgement_and_range(forecast, snapshot):
    asked = ((0.63, 0.58, 0.71), (0.50, 0.47, 0.53), (0.003, 0.0004, 0.006), (0.997, 0.992, 0.9996))
    lines = []
    for probability, *interval in asked:
        changed = with_headline(forecast, probability=probability, interval90=tuple(interval))
        made = brief_section(make_records(changed)).blocks[0]
        lines.append((made.percent, made.sentence))
    assert lines == snapshot


def test_confidence_is_that_of_the_weakest_reason(forecast, snapshot):
    narrow, wide, middle = (0.45, 0.55), (0.2, 0.7), (0.4, 0.65)
    cases = ((3, narrow, None), (0, narrow, None), (30, wide, None), (7, middle, None))
    cases += ((30, narrow, "prior-driven"), (30, narrow, "data-driven"))
    said = []
    for seen, interval, rests_on in cases:
        changed = with_headline(forecast, interval90=interval, rests_on=rests_on)
        targets = tuple(altered(one, observed_before=seen) for one in changed.targets)
        said.append(confidence(altered(changed, targets=targets), None).sentence)
    assert said == snapshot


def test_checks_of_the_fit(forecast, analysis, snapshot):
    failed = make_forecast(converged=False)
    assert [check_sentences(forecast, analysis), health_sentences(failed, analysis)[0]] == snapshot


def test_unverified_rows_are_never_linked(forecast):
    verified = {event.source_url for event in EVENTS.rows() if event.verified}
    drivers = tuple(altered(one, change=0.05) for one in forecast.drivers)
    clear = make_records(altered(forecast, drivers=drivers))
    table = table_in(sources_section(clear), "drivers")
    linked = {cell.url for row in table.groups[0].rows for cell in row if cell.url is not None}
    assert linked
    assert linked <= verified


def test_every_family_has_its_method_text():
    texts = {family: str(describe_model(family)) for family in FAMILIES}
    assert len(set(texts.values())) == len(FAMILIES)
    assert all("Tension is not observed" in text for text in texts.values())


def test_a_forecast_asked_for_a_target_that_it_lacks_says_which_there_are(forecast):
    names = ", ".join(one.name for one in forecast.targets)
    with pytest.raises(KeyError, match=f"no target is named 'war'. There are: {names}"):
        forecast.target("war")
    with pytest.raises(KeyError, match="Did you mean 'lethal_clash'"):
        forecast.target("letal_clash")
