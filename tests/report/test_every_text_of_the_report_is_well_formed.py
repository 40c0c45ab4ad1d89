"""All texts of many runs, ordinary and extreme, against the rules of wording: no run may break one."""

import dataclasses
import re
from datetime import timedelta

import pytest

from forecast import wording
from forecast.blocks import BottomLine, Table, walk
from forecast.config.schema import ImpactConfig
from forecast.records.forecast import Baseline, TimeToEvent
from forecast.report.build import make_content
from forecast.report.run_records import ReportOptions, compare_runs
from forecast.report.words import headline_pair
from tests.report.conftest import (
    EVENTS,
    altered,
    each_milestone,
    make_forecast,
    make_records,
    make_told,
    with_scenarios,
    with_waterfall,
)

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
    said = {"words": wording.words(probability), "frequency": wording.frequency(probability)}
    baseline = Baseline(name="climatology", probability=probability)
    moved = each_milestone(forecast, **chances, **said, baseline=baseline)
    targets = []
    for target in moved.targets:
        days = len(target.curve.date)
        ends = {"lower90": (interval[0],) * days, "upper90": (interval[1],) * days}
        curve = altered(target.curve, probability=(probability,) * days, **ends)
        never = TimeToEvent(q10=None, q50=None, q90=None)
        seen = {"observed_before": observed, "time_to_event_days": never}
        targets.append(altered(target, curve=curve, **seen))
    kept = tuple(altered(one, change=change, mcse=mcse) for one in forecast.drivers[:1])
    return altered(forecast, targets=tuple(targets), drivers=kept if drivers else ())


@pytest.fixture(scope="module")
def runs(forecast, analysis):
    """Runs by name: the ordinary one, certain and impossible ones, sparse ones, one after an earlier run."""
    base = forecast
    impact = {one.name: ImpactConfig(level="major", rationale="Grave.") for one in base.targets[:2]}
    options = ReportOptions(author="A. Analyst", impact=impact)

    def made(forecast, *, analysis=analysis, earlier=None):
        previous = earlier and compare_runs(earlier, analysis, forecast, analysis, EVENTS)
        return make_records(forecast, analysis, previous=previous, options=options)

    before = altered(base, as_of=base.as_of - timedelta(days=30), run_id="earlier")
    return {
        "ordinary": made(base),
        "all told": made(with_waterfall(base), analysis=make_told(base, analysis)),
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
                            yield f"{section.name} {block.kind}", text


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
        (line,) = [one for part in content.sections for one in part.blocks if isinstance(one, BottomLine)]
        _, milestone = headline_pair(run.forecast)
        shown = wording.percent(milestone.probability)
        assert line.percent == shown
        assert shown not in ("0%", "100%")
        assert f"({shown}, plausible range {wording.interval_percent(milestone.interval90)})" in line.sentence
