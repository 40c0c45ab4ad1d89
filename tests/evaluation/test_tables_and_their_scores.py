"""Forecast tables as CSV, scores by group, skill and misses; when to act by the cost–loss model."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from forecast.baselines import BinaryOutcomes
from forecast.config import load_config
from forecast.errors import ConfigError, InputError
from forecast.evaluation.metrics import brier_score, log_score
from forecast.evaluation.score_table import (
    COLUMNS,
    QUESTION,
    join_forecasts,
    largest_misses,
    make_forecasts,
    read_forecasts,
    score_by,
    score_forecasts,
    table_of,
)
from forecast.evaluation.track_record import decision_of
from forecast.records.notices import notice

HEADER = "what,target,origin,day,who,chance,outcome,failed_fit"
ROW = "pair,force,2000-01-01,2000-01-31,climatology,0.25,1,0"


def test_writing_and_reading_gives_the_same_values_to_the_last_bit(make_table, tmp_path):
    table = join_forecasts(
        [
            make_table([0.1 + 0.2, 1 / 3, 1e-17], [1, 0, 1]),
            make_table(
                [0.0, 1.0, 0.5], [1, 0, 1], who="joint", target='with "quotes", and commas', horizon=90
            ),
        ]
    )
    table.write_csv(tmp_path / "forecasts.csv")
    back = read_forecasts(tmp_path / "forecasts.csv")
    for name in COLUMNS:
        assert getattr(back, name).tolist() == getattr(table, name).tolist()
        assert getattr(back, name).dtype == getattr(table, name).dtype
    text = (tmp_path / "forecasts.csv").read_text()
    assert text.startswith(HEADER + "\npair,force,2000-01-01,2000-01-31,climatology,0.3000")


NO_TABLE = (
    "origin,horizon\n",
    f"{HEADER}\n{ROW}\n{ROW.replace('2000-01-01', '2000-02-30')}\n",
    f"{HEADER}\n{ROW.replace('2000-01-31', '1999-12-31')}\n",
    *(f"{HEADER}\n{ROW.replace('0.25', chance)}\n" for chance in ("1.5", "nan", "likely")),
    f"{HEADER}\n{ROW.replace(',1,0', ',yes,0')}\n",
    f"{HEADER}\n{ROW.replace(',1,0', ',1,2')}\n",
    f"{HEADER}\n{ROW}\n{ROW}\n",
)


def test_a_file_that_is_not_a_forecast_table_is_refused_with_its_line(tmp_path, refused, snapshot):
    path = tmp_path / "forecasts.csv"

    def read(text):
        path.write_text(text)
        read_forecasts(path)

    assert refused(read, *((text,) for text in NO_TABLE)) == snapshot


def test_files_that_cannot_be_read_or_written_are_refused(make_table, tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_forecasts(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_forecasts(tmp_path / "binary.csv")
    with pytest.raises(InputError, match="cannot be written: No such file"):
        make_table(0.5, [1]).write_csv(tmp_path / "absent/forecasts.csv")


def test_only_complete_windows_that_were_forecast_become_rows():
    outcomes = BinaryOutcomes(
        "force",
        np.array(["2000-01-01", "2000-02-01"], dtype="datetime64[D]"),
        np.array([30, 90]),
        np.array([[1.0, 0.0], [0.0, np.nan]]),
    )
    table = make_forecasts(outcomes, np.array([[0.1, 0.2], [0.3, 0.4]]), who="joint")
    assert table.chance.tolist() == [0.1, 0.2, 0.3]
    assert table.outcome.tolist() == [1, 0, 0]
    assert table.horizon_days.tolist() == [30, 90, 30]
    # A model that is silent has no row.
    assert len(make_forecasts(outcomes, np.array([[0.1, np.nan], [0.3, np.nan]]), who="joint")) == 2


def test_a_forecast_given_twice_is_refused(make_table):
    with pytest.raises(ValueError, match="given twice"):
        join_forecasts([make_table(0.5, [1, 0]), make_table(0.4, [1], skip=1)])


@pytest.fixture(scope="module")
def outcome():
    return (np.random.default_rng(1).random(120) < 0.4).astype(np.int8)


@pytest.fixture(scope="module")
def table(make_table, outcome):
    sharp = np.where(outcome == 1, 0.7, 0.25)
    return join_forecasts(
        [
            make_table(0.4, outcome),
            make_table(sharp, outcome, who="sharp"),
            make_table(1 - sharp, outcome, who="wrong"),
        ]
    )


def skill_of(make_table, probability, outcome, base):
    tables = [make_table(base, outcome), make_table(probability, outcome, who="ours")]
    scores = score_forecasts(join_forecasts(tables), seed=1)
    return scores.skill(scores.cells["force", 30, "ours"]), scores.warnings


def test_skill_is_claimed_when_its_interval_leaves_zero(make_table, outcome):
    sharp = np.where(outcome == 1, 0.7, 0.25)
    for said, claim in (
        (sharp, "better"),
        (1 - sharp, "worse"),
        (0.4 + np.resize([0.02, -0.02], 120), "none"),
    ):
        skill, warnings = skill_of(make_table, said, outcome, 0.4)
        low, high = skill.brier.interval90
        assert (skill.claim, warnings) == (claim, ())
        assert (low > 0, high < 0) == (claim == "better", claim == "worse")


@pytest.mark.parametrize("hits", [19, 20, 100, 101])
def test_fewer_than_twenty_outcomes_of_one_kind_are_scored_with_a_warning_and_no_claim(make_table, hits):
    outcome = (np.arange(120) * 7 % 120 < hits).astype(np.int8)
    skill, warnings = skill_of(make_table, np.where(outcome == 1, 0.9, 0.1), outcome, 0.5)
    assert skill.brier.interval90[0] > 0
    few = {"hits": hits, "misses": 120 - hits, "needed": 20}
    said = (notice("few_outcomes", target="force", horizon_days=30, **few),)
    assert (skill.claim, warnings) == (("none", said) if hits in (19, 101) else ("better", ()))


def test_a_model_without_some_origins_is_compared_on_those_it_has_and_named(make_table, outcome):
    part = make_table(0.5, outcome[20:], who="late", skip=20)
    scores = score_forecasts(join_forecasts([make_table(0.4, outcome), part]), seed=1)
    cell = scores.cells["force", 30, "late"]
    reference = brier_score(0.4, outcome[20:]).mean()
    skill = scores.skill(cell)
    assert skill.n == 100
    assert skill.brier.value == pytest.approx(1 - 0.25 / reference)
    absent = notice("absent_forecasts", target="force", horizon_days=30, model="late", absent=20, origins=120)
    assert absent in scores.warnings
    assert absent.model_dump() in scores.to_dict()["warnings"]


def test_no_complete_window_is_refused(table):
    with pytest.raises(InputError, match="no complete window to score"):
        score_forecasts(table.select(target="other"), seed=1)


def test_scores_are_plain_json_with_null_for_what_is_not_defined(make_table, table, outcome):
    content = score_forecasts(table, seed=1).to_dict()
    text = json.dumps(content, allow_nan=False)
    cell = json.loads(text)["cells"][1]
    assert (cell["target"], cell["horizon_days"], cell["model"], cell["n"]) == ("force", 30, "sharp", 120)
    assert cell["base_rate"] == outcome.mean()
    assert cell["brier"] == pytest.approx(np.where(outcome == 1, 0.09, 0.0625).mean())
    assert cell["log"] == pytest.approx(-np.where(outcome == 1, np.log(0.7), np.log(0.75)).mean())
    assert cell["skill"]["brier"]["interval90"][0] < cell["skill"]["brier"]["value"]
    quiet = score_forecasts(make_table(0.1, np.zeros(30)), seed=1).to_dict()
    assert quiet["cells"][0]["auc"] is None
    assert quiet["cells"][0]["calibration"] == {"intercept": None, "slope": None}


def test_comparing_averages_the_cells_with_equal_weight(make_table, outcome):
    lengths, models = {30: 120, 90: 60}, {"a": 0.5, "b": 0.3}
    tables = [
        make_table(chance, outcome[:n], who=model, horizon=horizon)
        for horizon, n in lengths.items()
        for model, chance in models.items()
    ]
    scores = score_by(join_forecasts(tables), "who", seed=1, equal=QUESTION)
    found = scores["a",].minus(scores["b",])
    cells = [(log_score(0.5, outcome[:n]) - log_score(0.3, outcome[:n])).mean() for n in lengths.values()]
    assert found.value == pytest.approx(np.mean(cells))
    assert found.interval90[0] < found.value < found.interval90[1]


def test_windows_from_failed_fits_are_scored_apart_and_stay_in_the_whole(make_table):
    outcome = [0, 1, 0, 1]
    ours = make_table([0.1, 0.2, 0.3, 0.4], outcome, who="joint", failed=[0, 1, 0, 1])
    scores = score_forecasts(join_forecasts([make_table(0.5, outcome), ours]), seed=1)
    cell = scores.cells["force", 30, "joint"]
    assert cell.n == 4
    assert cell.brier.value == pytest.approx(np.mean([0.01, 0.64, 0.09, 0.36]))
    failed = {"n": 2, "brier": pytest.approx(0.5), "log": pytest.approx(-np.log([0.2, 0.4]).mean())}
    assert cell.failed_fits == failed
    assert [one["failed_fits"] for one in scores.to_dict()["cells"]] == [None, failed]


def test_groups_have_the_scores_of_their_rows_and_dyads_the_same_weight(make_table, outcome):
    pairs = {"a-b": (0.3, outcome), "c-d": (0.6, outcome[:30])}
    table = join_forecasts([make_table(p, y, what=name) for name, (p, y) in pairs.items()])
    each = {name: brier_score(p, y) for name, (p, y) in pairs.items()}
    by_dyad = score_by(table, "what", "who", seed=1)
    assert list(by_dyad) == [("a-b", "climatology"), ("c-d", "climatology")]
    assert [one.brier.value for one in by_dyad.values()] == pytest.approx(
        [one.mean() for one in each.values()]
    )
    rows, dyads = (score_by(table, seed=1, equal=equal)[()] for equal in ((), ("what",)))
    assert rows.brier.value == pytest.approx(np.concatenate(list(each.values())).mean())
    assert dyads.brier.value == pytest.approx(np.mean([one.mean() for one in each.values()]))
    halves = score_by(table, "half", seed=1, also={"half": np.arange(150) % 2})
    assert [one.n for one in halves.values()] == [75, 75]


def test_misses_are_worst_first_and_one_an_episode(make_table):
    rows = [
        ("2020-01-01", 90, "a", 0.10, 1),
        ("2020-02-01", 90, "a", 0.05, 1),  # the worst of the episode that the first shares
        ("2020-02-01", 90, "b", 0.20, 1),  # another target is another episode
        ("2020-02-15", 90, "a", 0.90, 0),  # so is a miss in the other direction
        ("2020-05-15", 90, "a", 0.30, 1),  # and one more than a horizon later
        ("2020-09-01", 90, "a", 0.60, 1),  # not a miss
    ]
    origin, days, target, chance, outcome = zip(*rows, strict=True)
    origin = np.array(origin, "datetime64[D]")
    asked = {"what": "pair", "origin": origin, "day": origin + np.array(days), "target": list(target)}
    table = table_of({**asked, "who": "combined", "chance": chance, "outcome": outcome})
    assert largest_misses(table) == [1, 3, 2, 4]
    assert largest_misses(table, most=2) == [1, 3]


CASE = {
    "name": "case",
    "dyad": {"a": "USA", "b": "CHN"},
    "as_of": "2023-07-10",
    "events": {"source": "bundled:us-china"},
    "targets": {"clash": {"any_of": ["military_incident"], "min_severity": 4}},
}


def decided(tmp_path, stated, probability):
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(CASE | ({"decision": stated} if stated else {})))
    config = load_config(path)
    inputs = SimpleNamespace(config=config, data=SimpleNamespace(grid=SimpleNamespace(origin=config.as_of)))
    return decision_of(
        SimpleNamespace(
            inputs=inputs,
            probability=lambda target, day: probability,
            chance_above=lambda target, day, threshold: float(probability > threshold),
        )
    )


@pytest.mark.parametrize(
    ("stated", "low", "threshold", "high"),
    [
        ({"act": 1, "surprised": 12}, 1 / 12, 1 / 12, 1 / 12),
        ({"act": [1, 4], "surprised": [10, 40]}, 1 / 40, 2 / 20, 4 / 10),
    ],
)
def test_acting_pays_from_the_ratio_of_cost_and_loss(tmp_path, stated, low, threshold, high):
    for probability, advice in ((low - 0.001, "wait"), (high, "act"), ((low + high) / 2, None)):
        found = decided(tmp_path, stated, probability)
        assert (*found.threshold_range, found.threshold) == pytest.approx((low, high, threshold))
        assert found.advice == (advice or ("depends" if low < high else "act"))
    assert decided(tmp_path, None, 0.5) is None


@pytest.mark.parametrize(
    ("act", "surprised", "said"),
    [
        (0, 12, r"decision\.act: got 0; expected a cost above 0"),
        (1, -2, r"decision\.surprised: got -2; expected a cost above 0"),
        ([3, 1], 12, "expected a cost above 0, or"),
        ("cheap", 12, r"decision\.act: got 'cheap'"),
        (12, 12, "acting never pays"),
        (1, None, "surprised"),
    ],
)
def test_costs_that_cannot_be_are_refused_with_their_key(tmp_path, act, surprised, said):
    with pytest.raises(ConfigError, match=rf"case\.yaml:.*{said}"):
        decided(tmp_path, {"act": act, "surprised": surprised}, 0.5)
