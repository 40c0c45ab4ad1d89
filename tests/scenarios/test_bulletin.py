"""What acts that came after a run change: weights by the intensity of the acts, courses that add to one."""

import io
import sys
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from forecast.blocks import Table, walk
from forecast.cli.app import app
from forecast.config.scenario import acts_from_options
from forecast.errors import InputError
from forecast.events.table import Event, EventTable
from forecast.inference.importance import importance_weights
from forecast.models.intensity import intensity
from forecast.phrases.bulletin import (
    basis_sentence,
    draws_sentence,
    headline_sentence,
    made_on,
    rarity_sentence,
)
from forecast.records.bulletin import Bulletin
from forecast.records.forecast import GateFailure
from forecast.records.watch import DyadRow
from forecast.report.bulletin import bulletin_blocks, bulletin_pdf, whole_parts
from forecast.runs.run import read_run
from forecast.scenarios.bulletin import carried_on
from forecast.watchlist.watch import Job, keep_row, news_bulletin
from forecast.wording import interval_percent, long_day

from .conftest import EVENTS

DAY = date(2022, 7, 1)
DRILL = {"date": "2022-07-01", "category": "military_posture", "severity": 4, "by": "CHN"}
KILLED = {"date": "2022-07-01", "category": "military_incident", "severity": 5, "by": "CHN"}
module = sys.modules["forecast.scenarios.bulletin"]


def with_drill(run):
    """The record of a run with the drill behind it."""
    drill = Event(
        id="new-1",
        date=DAY,
        known_date=DAY,
        initiator="CHN",
        recipient="USA",
        category="military_posture",
        severity=4,
    )
    return EventTable.from_events([*run.events.rows(), drill], "a test")


@pytest.fixture(scope="module")
def drill(base):
    return base.bulletin([DRILL])


def test_draws_are_weighted_by_the_intensity_that_they_gave_to_the_act(base):
    """One day later, with an act: its intensity times the chance that nothing else came, draw by draw."""
    carried = carried_on(base, with_drill(base), DAY)
    data = carried.chances.data
    assert data.grid.n_knots == base.inputs.data.grid.n_knots  # so that no draw has to be made up
    ratio = np.empty(base.n_draws)
    for d in range(base.n_draws):
        last = intensity(data, base.inputs.priors, base.draws, d).total[-1]
        ratio[d] = np.log(last[data.stream[data.day == len(data.completeness) - 1]][0]) - last.sum()
    weights = importance_weights(ratio)
    assert carried.effective_draws == pytest.approx(weights.effective_draws, rel=0.05)
    own, kept = base.draws.values, carried.chances.draws.values
    n = base.draws.points.n_parameters
    mean = weights.weights @ own[:, :n]
    spread = np.sqrt(weights.weights @ (own[:, :n] - mean) ** 2)
    z = (kept[:, :n].mean(axis=0) - mean) / np.maximum(spread, 1e-12) * np.sqrt(len(kept))
    assert np.abs(z[spread > 1e-9]).max() < 4


def test_without_acts_and_with_a_day_more_the_forecast_is_that_of_the_run(base):
    """Nothing new is known: before the milestones the chances are those of the run, but for its days."""
    carried = carried_on(base, base.events, DAY, [DAY])
    assert carried.effective_draws == pytest.approx(base.n_draws)
    for target in base.forecast.targets:
        for one in target.milestones:
            days = (one.date - DAY).days - 1
            told = carried.mixture.curves[target.name].mean[days]
            assert told == pytest.approx(one.probability, abs=0.03)


def test_an_act_stated_says_nothing_of_the_days_before_it(base, monkeypatch):
    """Weeks of which nothing is known are no weeks of calm, which would weigh the draws."""
    monkeypatch.setattr(module, "SEEN_DRAWS_MIN", 0)
    monkeypatch.setattr(module, "PARETO_K_MAX", np.inf)
    day = date(2022, 8, 1)
    told = base.bulletin([{**DRILL, "date": str(day)}])
    assert told.unknown_days == 31
    drill = replace([*with_drill(base).rows()][-1], date=day, known_date=day)
    record = EventTable.from_events([*base.events.rows(), drill], "a test")
    days = [DAY + timedelta(days=after) for after in range(31)]
    assert carried_on(base, record, day, days).effective_draws == told.effective_draws
    assert carried_on(base, record, day).effective_draws != pytest.approx(told.effective_draws, rel=0.01)


def test_a_grave_act_raises_every_chance_of_conflict(drill):
    for target in drill.targets:
        for one in target.after:
            assert one.probability >= one.base - 0.005
            assert one.low <= one.probability <= one.high + 1e-9
    assert [target.met for target in drill.targets] == [True, False]


@pytest.mark.parametrize("act", [DRILL, KILLED], ids=["severity 4", "severity 5"])
def test_three_courses_add_to_one_at_7_and_at_30_days(base, act):
    told = base.bulletin([act], allow_unconverged=True)
    assert told.gravest == act["severity"]
    assert [one.name for one in told.courses] == ["fades", "answered", "worse"]
    assert sum(one.chance for one in told.courses) == pytest.approx(1)
    assert sum(one.week for one in told.courses) == pytest.approx(1)
    fades, *others = told.courses
    assert fades.week >= fades.chance
    for one in others:
        assert max(one.by) <= one.chance + 1e-9 <= sum(one.by) + 0.05


def test_a_visit_is_no_measure_of_conflict(base):
    """However grave an act of cooperation, courses are those after conflict of severity 2."""
    visit = {"date": "2022-07-01", "category": "visit", "severity": 4, "by": "USA"}
    told = base.bulletin([visit])
    assert told.gravest == 2
    none = {one.severity: one.none for one in told.counts}
    assert told.courses[0].chance < none[2] + 0.03


def test_none_as_grave_is_the_course_that_fades(base, drill):
    """Of acts of severity 4 and of 5 none came: they are counted apart, and together."""
    none = {one.severity: one.none for one in drill.counts}
    assert max(none[4] * none[5] - 0.02, 0) < drill.courses[0].chance < min(none[4], none[5]) + 0.03
    assert all(low <= one.expected + 1 for one in drill.counts for low in one.interval90[:1])


def test_numbers_that_half_and_nine_of_ten_futures_hold_at_most(base, drill):
    data = base.inputs.data
    own = np.array([kind.side >= 0 for kind in data.layout.kinds])[data.stream]
    for one in drill.counts:
        assert 0 <= one.half <= one.nine_of_ten <= one.interval90[1]
        assert (one.half > 0) == (1 - one.none > 0.5)
        assert (one.nine_of_ten > 0) == (1 - one.none > 0.1)
        days = data.day[own & (data.severity == one.severity)]
        assert (one.usual_any > 0) == (one.usual > 0) == (len(days) > 0)
        held = [np.any((days >= first) & (days < first + 30)) for first in range(len(data.completeness) - 29)]
        assert one.usual_any == pytest.approx(np.mean(held), abs=0.01)  # a day less


def test_draws_that_are_too_few_are_fitted_anew_and_withheld_where_the_fit_fails(base, monkeypatch):
    failed = (GateFailure(code="rhat", quantity="x", value=1.2, limit=1.01),)
    monkeypatch.setattr(module, "SEEN_DRAWS_MIN", 1e9)
    monkeypatch.setattr(module, "fitted_anew", lambda inputs, tell: (base.process, ()))
    assert base.bulletin([DRILL]).method == "refit"
    monkeypatch.setattr(module, "fitted_anew", lambda inputs, tell: (base.process, failed))
    told = base.bulletin([DRILL])
    assert (told.withheld, told.targets, told.failures) == ("too_few_draws", (), failed)
    told = base.bulletin([DRILL], allow_unconverged=True)
    assert told.targets
    assert told.failures == failed


ACT = "2022-07-01:dispute:4:"


@pytest.mark.parametrize(
    ("acts", "message"),
    [
        (["2022-06-30:dispute:4:USA"], "not after the as-of date"),
        (["2100-01-01:dispute:4:USA"], "in the future"),
        ([f"{ACT}USA", f"{ACT}USA"], "the same act"),
        ([f"{ACT}FRA"], "'FRA' is no actor of the dyad"),
        ([f"{ACT}TWN"], "say towards whom: USA, CHN"),
        ([ACT.rstrip(":")], "say who acted"),
        ([f"{ACT}0.5:USA"], "neither a window nor a probability"),
        (["2022-07-01:quarrel:4:USA"], "quarrel"),
        (["2022-12-31:dispute:4:USA"], "the last milestone of the run is 1 January 2023"),
        (["tomorrow"], "write DAY:category"),
    ],
)
def test_an_act_that_cannot_be_taken_in_is_one_line(base, acts, message):
    with pytest.raises(InputError, match=message) as caught:
        base.bulletin(acts_from_options(acts))
    assert "\n" not in str(caught.value)


def test_rows_newer_than_the_run_are_what_happened(base, folder, tmp_path):
    place = tmp_path / "more.csv"
    place.write_text(EVENTS + "e7,2022-07-01,,CHN,USA,military_posture,4,The largest drills\n")
    told = base.bulletin(place)
    assert [act.summary for act in told.acts] == ["The largest drills"]
    assert (told.as_of, told.unknown_days) == (DAY, 0)
    place.write_text(EVENTS)
    with pytest.raises(InputError, match="no row of the dyad is newer than the run"):
        base.bulletin(place)
    place.write_text(EVENTS.replace("sanction,4", "sanction,3") + "e7,2022-07-01,,CHN,USA,dispute,4,More\n")
    with pytest.raises(InputError, match="1 row of the run are changed or missing and 1 are new"):
        base.bulletin(place)


def test_a_watch_keeps_the_bulletin_of_new_rows_with_the_run(base, run_folder, tmp_path):
    job = Job(base.inputs.config, with_drill(base), base.events, run_folder)
    told = news_bulletin(job)
    assert [(act.day, act.by) for act in told.acts] == [(DAY, "CHN")]
    keep_row(tmp_path / "usa-chn", job, DyadRow(work="fitted", bulletin=told), base)
    assert (tmp_path / "usa-chn" / "bulletin.pdf").read_bytes().startswith(b"%PDF")
    assert read_run(tmp_path / "usa-chn").forecast.run_id == base.forecast.run_id
    fewer = with_drill(base).select(np.arange(len(base.events) + 1) > 0)
    assert news_bulletin(replace(job, events=fewer)) is None  # a row that the run read is gone
    assert news_bulletin(replace(job, earlier=None)) is None


def test_a_run_that_did_not_converge_carries_nothing(base):
    failed = replace(base, forecast=base.forecast.model_copy(update={"converged": False}))
    with pytest.raises(InputError, match="did not converge"):
        failed.bulletin([DRILL])


def test_the_sentences_say_what_changed(base, drill):
    target = drill.targets[0]
    assert headline_sentence(drill, target).startswith(
        "It has happened: “Escalation”. Another within 30 days: "
    )
    told = drill.model_copy(update={"headline": drill.headline.model_copy(update={"target": "lethal"})})
    assert "chance of “Lethal” within 30 days, up from" in headline_sentence(told, drill.targets[1])
    kept = drill.model_copy(update={"method": "reweight", "effective_draws": 632.4, "run_draws": 800})
    month = next(one for one in target.after if one.days == 30)
    fits = interval_percent((month.low, month.high))
    assert basis_sentence(kept, target.model_copy(update={"seen": 2})) == (
        f"{fits} fits the evidence (90% range). Twice on record."
    )
    assert draws_sentence(kept) == "Computed from the run: what happened fits 632 of its 800 draws."
    assert (made_on(drill), made_on(drill.model_copy(update={"hindsight": False}))) == (
        f"Made {long_day(drill.made_on)}, in hindsight",
        "",
    )
    act = drill.acts[0]
    assert rarity_sentence(act) == "The first military posture by that side so grave on record."
    twice = act.model_copy(update={"category": "visit", "alike": 2, "last_alike": DAY, "class_seen": False})
    assert rarity_sentence(twice.model_copy(update={"subcategory": "summit"})) == (
        "On record by that side: two acts of this kind as great, most recently on 1 July 2022. "
        "The record holds none called summit."
    )
    late = drill.model_copy(update={"unknown_days": 12})
    assert "No events were entered for 12 days since the run." in basis_sentence(late, target)
    assert "Never seen on record." in basis_sentence(drill, target.model_copy(update={"seen": 0}))


def test_courses_are_printed_as_whole_percents_that_add_to_100():
    assert whole_parts([1 / 3, 1 / 3, 1 / 3]) in ([34, 33, 33], [33, 34, 33], [33, 33, 34])
    assert sum(whole_parts([0.655, 0.275, 0.07])) == 100


def test_the_page_is_one_sheet_with_every_number_of_the_record(drill):
    assert len(PdfReader(io.BytesIO(bulletin_pdf(drill))).pages) == 1
    tables = {block.name: block for block in walk(tuple(bulletin_blocks(drill))) if isinstance(block, Table)}
    assert len(tables["bulletin"].groups[0].rows) == len(drill.targets[0].after)


def test_the_command_prints_the_record_and_writes_the_page(run_folder, tmp_path):
    page = tmp_path / "bulletin.pdf"
    told = CliRunner().invoke(
        app, ["bulletin", str(run_folder), "--act", f"{ACT}USA", "--json", "--out", str(page)]
    )
    assert told.exit_code == 0, told.output
    assert Bulletin.model_validate_json(told.stdout).acts[0].by == "USA"
    assert page.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (["--act", "2022-06-30:dispute:4:USA"], "not after the as-of date"),
        (["--act", "2100-01-01:dispute:4:USA"], "in the future"),
        (["--act", f"{ACT}USA", "--act", f"{ACT}USA"], "the same act"),
        (["--act", f"{ACT}FRA"], "no actor of the dyad"),
        (["--act", f"{ACT}TWN"], "say towards whom"),
        (["--events", "nowhere.csv"], "no such file"),
        ([], "state what happened"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, run_folder, told, message):
    ended = command("bulletin", run_folder, *told)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert message in ended.err
