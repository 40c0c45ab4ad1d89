"""Sentences made from numbers, and all texts of many runs against the rules of wording."""

import dataclasses
import re
from datetime import date, timedelta

import pytest

from forecast import wording
from forecast.blocks import Answer, Table, walk
from forecast.config.schema import ImpactConfig
from forecast.families import FAMILIES
from forecast.phrases.chances import fits_sentence
from forecast.phrases.fit import check_sentences, describe_method, health_sentence
from forecast.phrases.sources import confidence
from forecast.records.analysis import MilestoneChange, Moved, PreviousRun, RowMoved, RowsMoved
from forecast.records.forecast import Baseline, MemberForecast
from forecast.records.notices import notice
from forecast.report.build import make_content
from forecast.report.forecast_sections import sources_section
from forecast.report.page_1 import brief_section
from forecast.report.run_records import ReportOptions
from tests.report.conftest import (
    EVENTS,
    altered,
    each_milestone,
    make_forecast,
    make_records,
    said_in,
    table_in,
    with_headline,
    with_scenarios,
    with_waterfall,
)


def test_members_that_disagree_lower_confidence(forecast):
    def members(*chances):
        names = ("model", "pooled hazard")
        same = {"weight": 0.5, "interval90": (0.0, 1.0)}
        return tuple(
            MemberForecast(name=name, label=name, probability=one, with_acts=one, **same)
            for name, one in zip(names, chances, strict=True)
        )

    targets = tuple(altered(one, observed_before=30) for one in forecast.targets)
    base = altered(forecast, targets=targets)
    apart = with_headline(base, interval90=(0.45, 0.55), members=members(0.3, 0.6))
    said = "Low confidence: the mean of two: first model 30%, pooled hazard 60%."
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
    shown = changed.clear_drivers
    assert [round(1000 * driver.change, 1) for driver in shown[:3]] == [25.0, -25.0, 23.0]
    assert all(abs(driver.change) > 3 * driver.mcse for driver in shown)
    assert min(abs(driver.change) for driver in shown) >= 0.01
    run = make_records(changed)
    said = said_in(sources_section(run))
    assert "The 26 events most likely to matter were left out one at a time" in said
    number = wording.small_number(len(shown)).capitalize()
    assert f"{number} move it by a point or more, and by more than the error of computing" in said
    assert len(table_in(sources_section(run), "drivers").groups[0].rows) == 6


def test_a_case_of_two_rows_is_one_and_one_that_cannot_be_left_out_is_named(forecast, analysis):
    case = altered(forecast.drivers[0], change=0.05, mcse=0.003, also=("b",))
    warning = notice("influential_events", cases=(date(2022, 8, 4),), others=0)
    run = make_records(altered(forecast, drivers=(case,)), altered(analysis, warnings=(warning,)))
    section = sources_section(run)
    row = table_in(section, "drivers").groups[0].rows[0]
    assert "and one more row of that day" in [getattr(cell, "note", "") for cell in row]
    said = (
        "The case of 4 August 2022 is too influential to remove without a new fit; its effect is not shown."
    )
    assert said in said_in(section)


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
        lines.append((made.percent, made.sentence, made.detail))
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
    assert [check_sentences(forecast, analysis), health_sentence(failed, analysis)] == snapshot


def test_unverified_rows_are_never_linked(forecast):
    verified = {event.source_url for event in EVENTS.rows() if event.verified}
    drivers = tuple(altered(one, change=0.05) for one in forecast.drivers)
    clear = make_records(altered(forecast, drivers=drivers))
    table = table_in(sources_section(clear), "drivers")
    linked = {cell.url for row in table.groups[0].rows for cell in row if cell.url is not None}
    assert linked
    assert linked <= verified
    assert table.columns[-1].head == "Source"
    bare = tuple(altered(one, source="", event_id="of nobody") for one in drivers)
    told = table_in(sources_section(make_records(altered(forecast, drivers=bare))), "drivers")
    assert [one.head for one in told.columns] == ["Without it", "Size", "Day", "What happened"]
    assert {len(row) for row in told.groups[0].rows} == {4}


def test_every_family_has_its_method_text():
    texts = {family: str(describe_method(family)) for family in FAMILIES}
    assert len(set(texts.values())) == len(FAMILIES)
    assert all("Tension is not observed" in text for text in texts.values())


def test_a_forecast_asked_for_a_target_that_it_lacks_says_which_there_are(forecast):
    names = ", ".join(one.name for one in forecast.targets)
    with pytest.raises(KeyError, match=f"no target is named 'war'. There are: {names}"):
        forecast.target("war")
    with pytest.raises(KeyError, match="Did you mean 'lethal_clash'"):
        forecast.target("letal_clash")


OTHER_PEOPLES_WORDS = ("recent-events", "run")
FAULTS = {
    "a signed zero": re.compile(r"[-−+]0(?:\.0+)?(?![\d.])"),
    "an ASCII minus before a number": re.compile(r"(?<![\w.])-\d"),
    "a plural after one": re.compile(
        r"(?<![\d.,])1 (?:events|points|targets|days|draws|chains|checks|times|scenarios|priors|windows)\b"
    ),
    "two spaces": re.compile(r"\S {2,}\S"),
    "two full stops": re.compile(r"\.\.(?!\.)"),
    "a space before a full stop": re.compile(r" [.;](?: |$)"),
    "a word of the program": re.compile(r"\b(?:None|nan|inf|True|False(?! alarms))\b"),
    "an unfilled place": re.compile(r"[{}]"),
}
DISTRIBUTION = re.compile(r"[A-Z]\w+\(.*\)\*?")


def extreme(forecast, probability, interval, *, mcse=0.001, drivers=True, observed=1, change=0.0):
    """Every chance of the run at one value."""
    chances = {"probability": probability, "interval90": interval, "mcse": mcse}
    baseline = Baseline(name="climatology", probability=probability)
    moved = each_milestone(forecast, **chances, baseline=baseline)
    targets = []
    for target in moved.targets:
        days = len(target.chances.day)
        values = zip(("mean", "low", "high"), (probability, *interval), strict=True)
        table = altered(target.chances, **{name: (value,) * days for name, value in values})
        seen = {"observed_before": observed}
        targets.append(altered(target, chances=table, **seen))
    kept = tuple(altered(one, change=change, mcse=mcse) for one in forecast.drivers[:1])
    return altered(forecast, targets=tuple(targets), drivers=kept if drivers else ())


def previous_run(earlier, later):
    """What an earlier run said, with a row that moved the number, others and the rest."""
    before, now = earlier.headline_milestone, later.headline_milestone
    row = {"kind": "changed", "event_id": "e", "date": later.as_of, "category": "dispute", "severity": 3}
    row |= {"initiator": "CHN", "recipient": "USA", "summary": "A row.", "change": 0.011, "mcse": 0.001}
    news = RowsMoved(added=1, changed=1, rows=(RowMoved(**row),), change=0.02)
    error = 0.002 if before.probability != now.probability else 0.1
    said = {"target": later.headline.target, "milestone": now.name, "mcse": before.mcse, "date": now.date}
    change = MilestoneChange(**said, probability=before.probability, interval90=before.interval90)
    moved = Moved(
        since=earlier.as_of,
        before=before.probability,
        change=now.probability - before.probability,
        error=error,
        news=news,
        reasons=("days", "settings", "program"),
    )
    run = {"run_id": "earlier", "as_of": earlier.as_of, "code_version": "0.1.0"}
    return PreviousRun(schema=2, **run, changes=(change,), moved=moved)


@pytest.fixture(scope="module")
def runs(forecast, analysis):
    """Runs by name: the ordinary one, certain and impossible ones, sparse ones, one after an earlier run."""
    base = forecast
    impact = {one.name: ImpactConfig(level="major", rationale="Grave.") for one in base.targets[:2]}
    options = ReportOptions(author="A. Analyst", impact=impact)

    def made(forecast, *, analysis=analysis, earlier=None):
        previous = earlier and previous_run(earlier, forecast)
        return make_records(forecast, analysis, previous=previous, options=options)

    before = altered(base, as_of=base.as_of - timedelta(days=30), run_id="earlier")
    return {
        "ordinary": made(base),
        "all told": made(with_waterfall(base), analysis=analysis),
        "with scenarios": made(with_scenarios(base, "A second balloon")),
        "impossible": made(extreme(base, 0.0, (0.0, 0.0), mcse=0.0, observed=0)),
        "certain": made(extreme(base, 1.0, (1.0, 1.0), mcse=0.0)),
        "nearly certain": made(extreme(base, 0.995, (0.985, 1.0))),
        "driver that shows as zero": made(extreme(base, 0.5, (0.4, 0.6), change=-0.0003, mcse=0.00001)),
        "one point": made(extreme(base, 0.01, (0.004, 0.02), change=0.01)),
        "sparse": made(
            extreme(base, 0.3, (0.1, 0.5), drivers=False), analysis=altered(analysis, calendar=())
        ),
        "unconverged": made(make_forecast(converged=False)),
        "after the same": made(base, earlier=before),
        "after lower": made(base, earlier=extreme(before, 0.01, (0.0, 0.02))),
        "after higher": made(base, earlier=extreme(before, 0.99, (0.9, 1.0))),
    }


def test_each_fault_of_wording_is_seen_where_it_is():
    for fault, texts in {
        "a signed zero": ("−0.0", "+0 points"),
        "an ASCII minus before a number": ("up by -3",),
        "a plural after one": ("1 events since",),
        "two spaces": ("two  spaces",),
        "two full stops": ("The end..",),
        "a space before a full stop": ("The end .",),
        "a word of the program": ("chance nan",),
        "an unfilled place": ("up {points}",),
    }.items():
        for text in texts:
            assert [name for name, pattern in FAULTS.items() if pattern.search(text)] == [fault]


def texts(run):
    """Every text that is ours, with where it stands."""
    content = make_content(run)
    for section in content.sections:
        for block in walk(section.blocks):
            if isinstance(block, Table):
                if block.name in OTHER_PEOPLES_WORDS:
                    continue
                yield from ((f"{block.name}: {column.head}", column.head) for column in block.columns)
                for group in block.groups:
                    yield from ((block.name, text) for text in (group.label, group.note))
                    for row in group.rows:
                        yield from ((block.name, text) for cell in row for text in (cell.text, cell.note))
            else:
                values = (getattr(block, one.name) for one in dataclasses.fields(block))
                for value in values:
                    for text in value if isinstance(value, tuple) else (value,):
                        if isinstance(text, str):
                            yield f"{section.name} {type(block).__name__}", text


def test_no_text_breaks_a_rule_of_wording(runs):
    for name, run in runs.items():
        seen = 0
        for place, text in texts(run):
            seen += 1
            if place.startswith("run") or DISTRIBUTION.fullmatch(text):
                continue  # hashes and versions; a distribution as it is written in a config
            for fault, pattern in FAULTS.items():
                assert not pattern.search(text), f"{name}, {place}: {fault}: {text!r}"
        assert seen > 100


def test_no_chance_is_none_or_certain_and_that_of_the_headline_stands_with_its_interval(runs):
    for name, run in runs.items():
        content = make_content(run)
        (milestones,) = [table for table in content.tables() if table.name == "milestones"]
        for cell in (row[k] for group in milestones.groups for row in group.rows for k in (1, 2, 4)):
            assert not re.fullmatch(r"(?:0|100)%|.*[–](?:0|100)%|(?:0|100)[–].*", cell.text), (
                name,
                cell.text,
            )
        (line,) = [one for part in content.sections for one in part.blocks if isinstance(one, Answer)]
        milestone = run.forecast.headline_milestone
        shown = wording.percent(milestone.probability)
        assert line.percent == shown
        assert shown not in ("0%", "100%")
        assert f"({shown})" in line.sentence
        assert fits_sentence(milestone) in line.detail
