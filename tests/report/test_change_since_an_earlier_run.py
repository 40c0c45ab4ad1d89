"""What an earlier run said, how far the number moved, and why."""

from datetime import date, timedelta

import pytest

from forecast.phrases.record import change_line, change_mark, change_sentences
from forecast.records.analysis import MilestoneChange, PreviousRun
from forecast.records.forecast import ChanceTable
from forecast.report.run_records import ComparisonError, compare_runs
from tests.report.conftest import EVENTS, altered, with_headline

EARLIER = date(2023, 4, 10)


def earlier_run(forecast, *, shift=-0.1, as_of=EARLIER, run_id="earlier"):
    """The forecast as an earlier run would have left it: each chance shifted, the curve rising by the day."""
    targets = []
    for target in forecast.targets:
        last = target.milestones[-1].date
        days = tuple(as_of + timedelta(days=k) for k in range(1, (last - as_of).days + 1))
        rise = tuple(0.5 * k / len(days) for k in range(1, len(days) + 1))
        milestones = tuple(
            altered(one, probability=min(max(one.probability + shift, 0.0), 1.0)) for one in target.milestones
        )
        chances = ChanceTable(day=days, mean=rise, low=rise, high=rise)
        targets.append(altered(target, milestones=milestones, chances=chances))
    return altered(forecast, as_of=as_of, run_id=run_id, targets=tuple(targets))


def compared(forecast, analysis):
    return compare_runs(earlier_run(forecast), analysis, forecast, analysis, EVENTS)


def test_new_events_are_those_after_the_earlier_day(forecast, analysis):
    previous = compared(forecast, analysis)
    since = EVENTS.between(EARLIER + timedelta(days=1), forecast.as_of)
    assert sum(previous.new_events.values()) == len(since)
    assert previous.new_events["sanction"] == (since.category == "sanction").sum()


def test_quiet_is_the_earlier_chance_given_none_before_the_later_day(forecast, analysis):
    previous = compared(forecast, analysis)
    earlier = earlier_run(forecast)
    for one in previous.changes:
        curve = earlier.target(one.target).chances
        gone = dict(zip(curve.day, curve.mean, strict=True))[forecast.as_of + timedelta(days=1)]
        assert one.quiet == pytest.approx(max(0.0, (one.probability - gone) / (1 - gone)))


def test_a_run_that_is_no_earlier_answer_to_the_same_questions_is_refused(forecast, analysis):
    other = earlier_run(forecast)
    asked = tuple(altered(one, min_severity=1) for one in other.targets)
    pair = altered(other.dyad, b="RUS")
    for changes, message in (
        ({"as_of": date(2024, 1, 1)}, "is as of 2024-01-01, which is not before 2023-07-10"),
        ({"run_id": "us-china-2023-2023-07-10-3f9a1c"}, "Give an earlier run"),
        ({"converged": False}, "did not converge, so its numbers must not be used"),
        ({"dyad": pair}, "is about USA and RUS, this one about USA and CHN"),
        ({"targets": asked}, "asks none of this run's questions"),
    ):
        with pytest.raises(ComparisonError, match=message):
            compare_runs(altered(other, **changes), analysis, forecast, analysis, EVENTS)


def test_a_prior_that_changed_is_named(forecast, analysis):
    first, *others = analysis.parameters
    changed = altered(analysis, parameters=(altered(first, prior="Beta(2, 2)"), *others))
    previous = compare_runs(earlier_run(forecast), changed, forecast, analysis, EVENTS)
    assert previous.changed_priors == (first.name,)
    text = " ".join(change_sentences(forecast, previous))
    assert "due to other assumptions: 1 prior changed since that run." in text


def answer(forecast, **changes):
    target, now = forecast.headline_target, forecast.headline_milestone
    fields = {"target": target.name, "milestone": now.name, "date": now.date, "probability": 0.3}
    fields |= {"mcse": 0.003, "interval90": (0.2, 0.4), "quiet": 0.25, "happened_since": 0} | changes
    return PreviousRun(
        run_id="earlier",
        as_of=EARLIER,
        code_version="",
        new_events={"visit": 3},
        changed_priors=(),
        other_model=False,
        changes=(MilestoneChange(**fields),),
    )


def with_probability(forecast, probability):
    return altered(with_headline(forecast, probability=probability, mcse=0.003), drivers=())


def test_arrow_points_and_reasons_follow_the_numbers_as_shown(forecast, snapshot):
    said = []
    for now, before in ((0.42, 0.30), (0.29, 0.30), (0.304, 0.300), (0.3049, 0.2951), (0.305, 0.295)):
        moved = with_probability(forecast, now)
        previous = answer(forecast, probability=before)
        mark = change_mark(moved.headline_milestone, previous.changes[0])
        said.append((mark, change_line(moved, previous)))
    moved = with_probability(forecast, 0.42)
    for happened in (0, 2):
        said += change_sentences(moved, answer(forecast, happened_since=happened))
    assert said == snapshot


def test_the_strongest_new_event_is_named_only_when_it_is_new_and_stands_out(forecast):
    first = forecast.drivers[0]
    moved = with_probability(forecast, 0.42)

    def said(**changes):
        driver = altered(first, **({"change": 0.05, "mcse": 0.003} | changes))
        run = altered(moved, drivers=(driver,))
        return " ".join(change_sentences(run, answer(forecast)))

    assert "the one of 1 June 2023 moves it most, by +5.0 points" in said(date=date(2023, 6, 1))
    assert "moves it most" not in said(date=EARLIER)
    assert "moves it most" not in said(date=date(2023, 6, 1), mcse=0.04)
