"""Lists: every fault at once with its line; the scores of their backtest counted by hand."""

import csv
import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.cli.terminal import lines_of
from forecast.config import load_config
from forecast.config.schema import ModelConfig
from forecast.config.watchlist import is_watchlist, load_watchlist
from forecast.errors import ConfigError
from forecast.evaluation.metrics import area_under_roc
from forecast.evaluation.past_forecasts import BacktestOptions
from forecast.evaluation.score_table import table_of
from forecast.phrases.watch import trigger_rates
from forecast.records.watch import TriggerRecord
from forecast.watchlist.backtest import (
    known_rates,
    ranking_scores,
    run_list_backtest,
    skill_records,
    trigger_scores,
)
from forecast.watchlist.page import make_page_and_pdf, watch_answer
from forecast.watchlist.watch import run_watch

from .conftest import PAIRS, TARGET, write_dyads, write_list

ROOT = Path(__file__).resolve().parents[2]


KEYS = """\
as_of: 2010-01-04
events: []
targets: {force: {any_of: [military_incidnt], min_severity: 5}}
horizons: [90, 0]
dyads: [{a: USA}, {a: TUR, b: SYR, nme: x}]
triggers: {ready: 40%, go: 150%}
"""
SETTINGS = """\
as_of: 2010-01-04
events: [events.csv]
targets: {force: {any_of: [military_incident], min_severity: 5}}
dyads:
  - {a: USA, b: IRQ}
  - {a: IRQ, b: USA}
  - {a: USA, b: USA}
on_change: {step: 10%}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            KEYS,
            {
                2: "events",
                3: "Did you mean 'military_incident'",
                4: "got 0; expected",
                5: "add 'b': second side|Did you mean 'name'",
                6: "got 1.5; expected a number above 0 and below 1",
            },
        ),
        (SETTINGS, {6: r"the same dyad as dyads\[0\]", 7: "an actor has one place", 8: "nobody is told"}),
    ],
)
def test_all_faults_of_a_list_are_named_at_once_with_their_lines(tmp_path, text, expected):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_watchlist(path)
    lines = str(caught.value).splitlines()
    numbers = [int(line.removeprefix(f"{path}:").split(":")[0]) for line in lines]
    assert sorted({*numbers}) == [*expected]
    for number, line in zip(numbers, lines, strict=True):
        assert re.search(expected[number], line)


def test_one_dyad_may_stand_twice_only_with_other_targets_and_a_name(tmp_path):
    dyads = ["{a: USA, b: IRQ}", f"{{name: drills, a: USA, b: IRQ, targets: {TARGET}}}"]
    assert [one.key for one in load_watchlist(write_list(tmp_path, dyads=dyads)).dyads] == [
        "usa-irq",
        "drills",
    ]
    for second in ("{name: other, a: IRQ, b: USA}", "{a: USA, b: IRQ}"):
        with pytest.raises(ConfigError, match=r"the same dyad as dyads\[0\]"):
            load_watchlist(write_list(tmp_path, dyads=["{a: USA, b: IRQ}", second]))


def test_the_model_of_a_list_needs_no_fit_unless_it_says_otherwise(tmp_path):
    path = write_list(tmp_path)
    path.write_text(path.read_text().replace("model: {family: pooled_hazard}\n", ""))
    assert load_watchlist(path).model.model_dump() == ModelConfig(family="pooled_hazard").model_dump()
    assert load_watchlist(path, ["model.population=none"]).model.family == "pooled_hazard"
    assert load_watchlist(path, ["model.family=combined"]).model.family == "combined"


def test_a_list_without_horizons_has_those_of_a_config(tmp_path):
    path = write_list(tmp_path)
    path.write_text(path.read_text().replace("horizons: [30, 90, 180]\n", ""))
    found = load_watchlist(path)
    assert [(dated.date - found.as_of).days for dated in found.shared_milestones] == [31, 91, 181]
    assert (found.asked.target, found.asked.milestone) == ("force", "days_180")


def test_a_list_in_the_place_of_a_config_and_the_reverse_are_sent_to_the_right_command(tmp_path):
    path = write_list(tmp_path)
    assert is_watchlist(path)
    with pytest.raises(ConfigError, match="is of a watchlist; use it with 'forecast watch"):
        load_config(path)
    with pytest.raises(ConfigError, match="is of a config of one dyad; use it with 'forecast run"):
        load_watchlist(ROOT / "configs/us-china-2023.yaml")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("horizons=[90, 30]", "30 is not above 90; give them in rising order, each once"),
        ("horizons=[30, 30]", "30 is not above 30; give them in rising order, each once"),
        ("triggers={ready: 40%, set: 35%}", "0.35 is not above 0.4; give them in rising order, each once"),
        ("events=[none/*.csv]", r"events\[0\]: no event file fits '.*none/\*\.csv'; give event files"),
        ("model.family=pooled_hazardd", "model.family: .*Did you mean 'pooled_hazard'"),
        ("start=2010-01-04", "2010-01-04 is not before as_of"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_before_any_work(trial, tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message):
        run_watch(load_watchlist(trial, [setting]), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_horizon_that_no_member_answers_is_refused_once_with_its_line(trial, tmp_path):
    trial.write_text(trial.read_text().replace("horizons: [30, 90, 180]", "horizons: [30, 3000]"))
    with pytest.raises(ConfigError, match=r"list.yaml:6:16: .* Give a day up to 2014-01-04") as caught:
        run_watch(load_watchlist(trial), out=tmp_path / "out")
    assert len(str(caught.value).splitlines()) == 1


OPTIONS = BacktestOptions(first=date(2008, 1, 1), models=())


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("list")
    write_dyads(folder)
    path = write_list(folder, extra="triggers: {ready: 20%, set: 35%, go: 50%}\n", as_of=date(2010, 12, 31))
    watchlist = load_watchlist(path)
    return (
        watchlist,
        run_list_backtest(watchlist, OPTIONS, folder=folder / "out/trial/backtest"),
        folder / "out",
    )


def test_pooled_scores_are_those_of_all_rows(done):
    _, backtest, _ = done
    for cell in backtest.content["pooled"]:
        asked = {"target": "force", "horizon_days": cell["horizon_days"], "who": cell["model"]}
        rows = backtest.forecasts.select(**asked)
        p, y = rows.chance, rows.outcome
        assert cell["n"] == len(p)
        # Every dyad is forecast at every origin, so that a mean of means is the mean.
        assert cell["brier"]["value"] == pytest.approx(np.mean((p - y) ** 2))
        assert cell["auc"] == pytest.approx(area_under_roc(p, y))
    models = {cell["model"] for cell in backtest.content["pooled"]}
    assert {"pooled_hazard", "climatology", "constant_rate"} <= models
    assert [one["name"] for one in backtest.content["dyads"]] == [f"{a}-{b}".lower() for a, b in PAIRS]


def test_a_watch_shows_how_its_triggers_did_in_the_backtest_and_only_for_the_same_question(done):
    watchlist, backtest, out = done
    watch, _ = run_watch(watchlist, out=out, report=False)
    scored = {one["name"]: one for one in backtest.content["triggers"]}
    for one in watch.triggers:
        assert one.miss_rate == scored[one.name]["miss_rate"]
        assert one.false_alarm_rate == scored[one.name]["false_alarm_rate"]
        assert one.windows == scored[one.name]["windows"] > 0
    other = load_watchlist(watchlist.source_path, ["headline={target: force, milestone: days_30}"])
    asked_otherwise, _ = run_watch(other, out=out, report=False)
    assert {one.windows for one in asked_otherwise.triggers} == {None}
    assert asked_otherwise.backtest == watch.backtest
    said = " ".join(lines_of(watch_answer(asked_otherwise, out)))
    assert "not known: no backtest has asked this question" in " ".join(said.split())


def test_a_watch_says_whether_its_backtest_bears_the_ranking_out(done, tmp_path):
    watchlist, backtest, out = done
    watch, _ = run_watch(watchlist, out=out, report=False)
    cells = {(one["horizon_days"], one["model"]): one for one in backtest.content["pooled"]}
    assert [one.horizon_days for one in watch.backtest] == [30, 90, 180]
    for one in watch.backtest:
        ours, theirs = cells[one.horizon_days, "pooled_hazard"], cells[one.horizon_days, "climatology"]
        assert (one.log, one.climatology_log) == (ours["log"]["value"], theirs["log"]["value"])
        assert one.difference == pytest.approx(one.log - one.climatology_log)
        assert one.ranked_right == ours["auc_within_origin"]
    assert all(
        one.hits == round(one.n * cells[one.horizon_days, "pooled_hazard"]["base_rate"])
        for one in watch.backtest
    )
    unknown, _ = run_watch(watchlist, out=tmp_path, report=False)
    assert unknown.backtest == ()


def test_nothing_is_claimed_of_an_event_that_the_test_periods_hardly_held(done):
    watchlist, backtest, _ = done
    scored = json.loads(json.dumps(backtest.content))
    for cell in scored["pooled"]:
        cell["base_rate"] = 19 / cell["n"]
        cell["log_minus_climatology"] = cell["log_minus_climatology"] and {
            "value": -0.1,
            "interval90": [-0.2, -0.1],
        }
    assert {one.claim for one in skill_records(watchlist, scored)} == {"none"}
    for cell in scored["pooled"]:
        cell["base_rate"] = 20 / cell["n"]
    assert {one.claim for one in skill_records(watchlist, scored)} == {"better"}
    # Two events rank nothing.
    for hits, told in ((2, False), (3, True)):
        for cell in scored["pooled"]:
            cell["base_rate"] = hits / cell["n"]
        assert {one.ranked_right is not None for one in skill_records(watchlist, scored)} == {told}


@pytest.mark.parametrize(
    ("counted", "told"),
    [((10, 3, 3), True), ((10, 2, 3), False), ((10, 8, 5), False), ((10, 5, 2), False), ((10, 0, 0), False)],
)
def test_how_often_a_trigger_misleads_is_told_from_three_cases_of_each_kind_on(counted, told):
    known = dict(zip(("windows", "hits", "alarms"), counted, strict=True))
    rates = known_rates(known | {"false_alarm_rate": 0.1, "miss_rate": 0.0})
    record = TriggerRecord(name="go", threshold=0.5, **rates)
    assert (record.windows, record.tested) == (10, told)
    assert TriggerRecord(name="go", threshold=0.5, **known_rates({})).tested is False


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (["as_of=2010-12-30"], "other_list_tested"),
        (["targets={force: {any_of: [military_incident], min_severity: 4}}"], "other_list_tested"),
        (["dyads=[{a: AAA, b: BBB}]"], "other_list_tested"),
        (["dyads=[{a: AAA, b: BBB, label: One}, {a: AAA, b: CCC}, {a: DDD, b: EEE}]"], None),
        (["horizons=[30, 90, 173]"], None),
    ],
)
def test_a_backtest_of_another_list_or_a_later_day_is_not_shown(done, settings, note):
    watchlist, _, out = done
    watch, folder = run_watch(load_watchlist(watchlist.source_path, settings), out=out, report=False)
    assert bool(watch.backtest) == (note is None)
    assert [one.code for one in watch.notes] == [note] * (note is not None)
    if "173" in settings[0]:
        said = " ".join(" ".join(lines_of(watch_answer(watch, folder))).split())
        assert "180 days ahead (the nearest tested to 173)" in said


def test_a_track_record_that_holds_no_scores_is_refused_with_its_line(trial, tmp_path):
    trial.write_text(trial.read_text() + "track_record: nowhere\n")
    with pytest.raises(ConfigError, match=r"list\.yaml:13:1: track_record: .* holds no scores\.json"):
        run_watch(load_watchlist(trial), out=tmp_path / "out")


def test_the_worked_list_ships_with_what_its_backtest_gives(tmp_path):
    watchlist = load_watchlist(ROOT / "configs/watchlist/watchlist.yaml")
    options = BacktestOptions(models=())
    made = run_list_backtest(watchlist, options, folder=tmp_path / "backtest").content
    shipped = json.loads((ROOT / "configs/watchlist-track-record/scores.json").read_text())
    assert {name: made[name] for name in ("settings", "question", "origins")} == {
        name: shipped[name] for name in ("settings", "question", "origins")
    }
    for ours, theirs in zip(made["triggers"], shipped["triggers"], strict=True):
        assert ours == pytest.approx(theirs)
    for ours, theirs in zip(made["pooled"], shipped["pooled"], strict=True):
        assert (ours["model"], ours["n"]) == (theirs["model"], theirs["n"])
        assert ours["log"]["value"] == pytest.approx(theirs["log"]["value"], abs=1e-6)


def test_people_see_a_trigger_with_its_error_rates_or_not_at_all(done):
    watchlist, _, out = done
    watch, folder = run_watch(watchlist, out=out, report=False)
    said = " ".join(lines_of(watch_answer(watch, folder)))
    reached = [trigger for entry in watch.dyads if (trigger := watch.shown_trigger(entry))]
    assert reached
    assert all(trigger_rates(trigger) in said for trigger in reached)
    assert "Trigger" in said
    unknown = tuple(trigger.model_copy(update={"miss_rate": None}) for trigger in watch.triggers)
    page = make_page_and_pdf(watch.model_copy(update={"triggers": unknown}))[0].decode()
    assert ">Trigger<" not in page


def forecasts_of(p, y):
    """Return a table of forecasts of dyads, a row of ``p`` and ``y`` an origin."""
    dyads, origins = np.meshgrid(np.arange(len(p[0])), np.arange(len(p)))
    days = np.datetime64("2010-01-01") + (30 * origins.ravel()).astype("timedelta64[D]")
    columns = {"what": dyads.ravel().astype(str), "target": "force", "who": "pooled_hazard"}
    return table_of(
        columns
        | {
            "origin": days,
            "day": days + np.timedelta64(30, "D"),
            "chance": np.ravel(p),
            "outcome": np.ravel(y),
        }
    )


def test_ranking_scores_are_those_counted_by_hand():
    p = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.2], [0.1] * 7])
    y = np.array([[1, 1, 0, 1, 0, 0, 1], [0] * 7])
    found = ranking_scores(forecasts_of(p, y))
    assert found["precision_at_5"] == pytest.approx((3 / 5 + 0) / 2)
    # Of 12 pairs of a hit and a miss, the three likeliest hits win 3, 3 and 2, the last one wins 1.
    assert found["auc_within_origin"] == pytest.approx((3 + 3 + 2 + 1) / 12)
    assert np.isnan(ranking_scores(forecasts_of(p[:, :5], y[:, :5]))["precision_at_5"])


def test_trigger_rates_count_what_hysteresis_holds_on():
    table = forecasts_of([[0.6], [0.45], [0.3], [0.45]], [[1], [0], [1], [0]])
    (one,) = trigger_scores(table, {"go": 0.5}, 0.2)
    # On at .6, held at .45, off at .3, and not on again at .45.
    assert (one["alarms"], one["false_alarm_rate"], one["miss_rate"]) == (2, 0.5, 0.5)


def test_the_worked_list_holds_real_pairs_and_forecasts_each(tmp_path):
    watch, folder = run_watch(load_watchlist(ROOT / "configs/watchlist/watchlist.yaml"), out=tmp_path)
    assert {one.name for one in watch.dyads} == {"usa-chn", "kor-prk", "ind-chn"}
    assert {one.state for one in watch.dyads} == {"fine"}
    assert all(one.targets[0].observed_before > 5 for one in watch.dyads)
    # Of a hand-coded act either its source was read, or the row says that it was not.
    for row in csv.DictReader((ROOT / "configs/watchlist/events.csv").read_text().splitlines()):
        assert (row["verified"] == "yes") == row["source_url"].startswith("https://")
    said = " ".join(" ".join(lines_of(watch_answer(watch, folder))).split())
    assert (
        "180 days ahead: the probabilities are not shown to be better than each dyad's share of past " in said
    )
    assert (folder / "watch.pdf").stat().st_size > 10_000


def test_a_backtest_of_a_list_is_asked_for_like_that_of_a_config(tmp_path, command):
    write_dyads(tmp_path)
    path = write_list(tmp_path, as_of=date(2010, 12, 31), extra="triggers: {go: 50%}\n")
    arguments = ["backtest", path, "--from", "2010-01-01", "--out", tmp_path / "out"]
    ended = command(*arguments, "--json")
    assert ended.code == 0
    printed = json.loads(ended.out)
    assert printed["kind"] == "list"
    assert printed["origins"]["first"] == "2010-01-01"
    assert (tmp_path / "out/trial/backtest/scores.json").is_file()
    ended = command(*arguments, "--force")
    assert ended.code == 0
    assert "Triggers on Force, 180 days" in ended.out


@pytest.mark.parametrize("ignored", [["--horizons", "30"]])
def test_what_a_list_settles_itself_is_refused_as_an_option(tmp_path, command, ignored):
    write_dyads(tmp_path)
    ended = command("backtest", write_list(tmp_path), *ignored, "--out", tmp_path / "out")
    assert ended.code == 2
    assert ignored[0] in ended.err
    assert not (tmp_path / "out").exists()
