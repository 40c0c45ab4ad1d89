"""Rows that are new since an earlier forecast, what each moved, and the parts of a change."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.config import load_config
from forecast.errors import RunFolderError
from forecast.events.table import EventTable
from forecast.phrases.news import news_parts
from forecast.phrases.record import change_line, change_mark
from forecast.records.analysis import MilestoneChange, Moved, PreviousRun, RowMoved, RowsMoved
from forecast.runs.files import SavedRun
from forecast.runs.inputs import inputs_of
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import horizon_days
from forecast.sensitivity.news import NewRow, earlier_answers, measure_news, new_rows, without
from tests.report.conftest import CONFIG, EVENTS, altered, with_headline

SINCE = date(2023, 4, 10)


def table(*rows):
    """Rows of id, days after 2020, category and severity."""
    columns = {
        "id": [row[0] for row in rows],
        "date": [date(2020, 1, 1) + timedelta(days=row[1]) for row in rows],
        "known_date": [date(2020, 1, 1) + timedelta(days=row[1]) for row in rows],
        "initiator": ["CHN"] * len(rows),
        "recipient": ["USA"] * len(rows),
        "category": [row[2] for row in rows],
        "severity": [row[3] for row in rows],
    }
    return EventTable.sort_rows(columns, "made", has_verified=False)


THEN = table(("a", 0, "visit", 1), ("b", 1, "dispute", 2), ("c", 2, "dispute", 3))
NOW = table(("a", 0, "visit", 1), ("b", 1, "dispute", 4), ("d", 5, "sanction", 2))


def test_a_row_that_kept_its_id_was_changed_others_came_or_went_and_new_ids_are_no_news():
    assert new_rows(NOW, THEN) == (NewRow(1, 1), NewRow(2, None), NewRow(None, 2))
    anew = replace(THEN, id=np.array(["x1", "x2", "x3"], dtype=object))
    assert new_rows(anew, THEN) == ()
    twice = table(("a", 0, "visit", 1), ("b", 0, "visit", 1))
    assert new_rows(twice, table(("z", 0, "visit", 1))) == (NewRow(1, None),)


def test_a_record_without_all_that_is_new_is_the_record_of_then():
    record, rows = without(NOW, THEN, new_rows(NOW, THEN))
    assert new_rows(record, THEN) == new_rows(THEN, record) == ()
    assert sorted(rows.severity.tolist()) == [2, 2, 3, 4]
    record, _ = without(NOW, THEN, [NewRow(2, None)])
    assert record.id.tolist() == ["a", "b"]


@pytest.fixture
def config(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return load_config(tmp_path / "config.yaml")


def test_rows_move_what_a_forecast_without_them_loses(config):
    """Of members that need no fit, exactly: each row alone, and all of them together."""
    model = config.model.model_copy(update={"family": "pooled_hazard"})
    inputs = inputs_of(config.model_copy(update={"model": model}), EVENTS)
    events, day = inputs.events, (config.milestones[0].date - inputs.data.grid.origin).days

    def chance(record):
        direct = direct_answers(inputs, record, horizon_days(config))
        return Mixture(inputs, direct, None).probability("military_confrontation", day)

    new = np.zeros(len(events), dtype=bool)
    new[[-1, -5]] = True
    found = measure_news(inputs, events.select(~new))
    assert (found.added, found.changed, found.removed) == (2, 0, 0)
    assert found.change == pytest.approx(chance(events) - chance(events.select(~new)), abs=1e-12)
    for row in found.rows:
        alone = chance(events) - chance(events.select(events.id != row.event_id))
        assert row.change == pytest.approx(alone, abs=1e-12)
    gone = measure_news(replace(inputs, events=events.select(~new)), events)
    assert gone.removed == 2
    assert gone.change == pytest.approx(-found.change, abs=1e-12)
    assert measure_news(inputs, events) == RowsMoved()


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_that_are_printed_add_up_to_the_change_that_is_printed(seed):
    random = np.random.default_rng(seed)
    before, now = random.uniform(0.05, 0.95, 2)
    rows = tuple(
        RowMoved(
            kind="added",
            event_id=f"e{k}",
            date=SINCE,
            category="dispute",
            severity=3,
            initiator="CHN",
            recipient="USA",
            summary="",
            change=float(random.normal(0, 0.02)),
            mcse=0.001,
        )
        for k in range(seed % 4)
    )
    whole = None if seed % 3 == 0 else float(random.normal(0, 0.03))
    news = RowsMoved(added=len(rows) + seed % 5, rows=rows, change=whole)
    moved = Moved(since=SINCE, before=before, change=now - before, error=0.001, news=news, reasons=("days",))
    assert sum(row.change for row in rows) + (moved.together or 0) + moved.rest == pytest.approx(moved.change)
    printed = [float(shown.replace("−", "-")) for _, shown in news_parts(moved)]
    assert sum(printed) == pytest.approx(round(100 * now, 1) - round(100 * before, 1), abs=1e-9)


@pytest.fixture
def earlier(forecast, config):
    """The forecast as an earlier run left it, and the config of the later one."""

    def saved(**changes):
        return SavedRun(Path("earlier"), {}, altered(forecast, **changes), config)

    return saved, config


def test_a_run_that_is_no_earlier_answer_to_the_same_questions_is_refused(forecast, earlier):
    saved, config = earlier
    known = saved(as_of=SINCE, run_id="earlier")
    assert {one.target for one in earlier_answers(known, config)} == set(config.targets)
    asked = tuple(altered(one, min_severity=1) for one in forecast.targets)
    pair = altered(forecast.dyad, b="RUS")
    for changes, message in (
        ({"as_of": date(2024, 1, 1)}, "earlier: is as of 2024-01-01, which is after 2023-07-10"),
        ({"converged": False}, "did not converge, so its numbers must not be used"),
        ({"dyad": pair}, "is about USA and RUS, this run about USA and CHN"),
        ({"targets": asked}, "asks none of this run's questions"),
    ):
        with pytest.raises(RunFolderError, match=message):
            earlier_answers(saved(**changes), config)


def answer(forecast, probability):
    target, now = forecast.headline_target, forecast.headline_milestone
    fields = {"target": target.name, "milestone": now.name, "date": now.date, "probability": probability}
    change = MilestoneChange(**fields, mcse=0.003, interval90=(0.2, 0.4))
    return PreviousRun(
        schema=2, run_id="earlier", as_of=SINCE, code_version="", changes=(change,), moved=None
    )


def test_arrow_and_points_follow_the_numbers_as_shown(forecast):
    said = []
    for now, before in ((0.42, 0.30), (0.29, 0.30), (0.304, 0.300), (0.3049, 0.2951), (0.305, 0.295)):
        moved = altered(with_headline(forecast, probability=now, mcse=0.003), drivers=())
        previous = answer(forecast, before)
        said.append(change_mark(moved.headline_milestone, previous.changes[0]))
        assert change_line(moved, previous).endswith("since 10 Apr 2023")
    assert said == ["↑ +12", "↓ −1", "≈", "≈", "↑ +1"]
