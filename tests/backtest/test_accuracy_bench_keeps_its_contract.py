"""``forecast bench accuracy``: the JSON that other programs read, and what it refuses."""

import json

import numpy as np
import pytest

from forecast.baselines import BASELINES
from forecast.config.schema import DEFAULT_FAMILY
from forecast.evaluation.past_forecasts import MODELS

ALL = (*MODELS, *BASELINES)
TARGET = ("--any-of", "military_incident", "--min-severity", "5")
SPAN = ("--from", "1993-01-01", "--until", "2003-07-31")


@pytest.fixture
def bench(forecast, shared_data):
    """The command on the Balkan records, or on other data."""

    def run(*options, data=shared_data / "balkans", target=TARGET):
        return forecast("bench", "accuracy", "--data", data, *target, *options)

    return run


def test_the_contract_of_the_command_is_kept(bench, drawn_units):
    ended = bench(*SPAN, "--horizons", "30,90,180", "--json")
    assert (ended.code, ended.err) == (0, "")
    content = json.loads(ended.out)
    scores = {"cells", "mean", "default", "choice", "by_horizon", "calibration_by_horizon", "onset", "misses"}
    work = {"coverage", "left_out", "seconds_per_origin", "seconds", "fits"}
    assert set(content) == scores | work
    assert content["default"] == DEFAULT_FAMILY
    assert content["seconds_per_origin"] >= 0
    cells = content["cells"]
    assert list(content["seconds"]) == ["refit", "bridge", "chances", "score"]
    # The model on two dyads, each with one fit that the fixture makes.
    assert content["fits"] == {"made": 2, "failed": 0}
    columns = ["dyad", "horizon_days", "model", "n", "base_rate", "brier", "log", "brier_se", "log_se"]
    columns += ["failed_fits"]
    assert {cell["failed_fits"] for cell in cells} == {None}
    assert all(list(cell) == columns for cell in cells)
    assert set(content["choice"]["log_behind_best"]) == set(MODELS)
    keys = [(cell["dyad"], cell["horizon_days"], cell["model"]) for cell in cells]
    assert keys == [
        (dyad, days, model) for dyad in ("nat-ser", "usa-ser") for days in (30, 90, 180) for model in ALL
    ]
    windows = {(cell["dyad"], cell["horizon_days"]): cell["n"] for cell in cells}
    assert windows == {
        (dyad, days): n for dyad in ("nat-ser", "usa-ser") for days, n in ((30, 127), (90, 125), (180, 122))
    }
    assert set(content["mean"]) == set(ALL)
    for model, mean in content["mean"].items():
        for score in ("brier", "log"):
            own = [cell[score] for cell in cells if cell["model"] == model]
            assert mean[score] == pytest.approx(np.mean(own), abs=1e-12)


def test_a_quick_bench_takes_every_third_origin(bench, drawn_units):
    command = (*SPAN, "--horizons", "30", "--models", "model")
    cells = json.loads(bench(*command, "--quick", "--json").out)["cells"]
    assert {cell["n"] for cell in cells} == {43}
    assert {cell["model"] for cell in cells} == {"model", *BASELINES}
    shown = bench(*command, "--models", "model,panel", "--quick")
    assert "Simplest within two errors of the best" in shown.out
    assert [line for line in shown.out.splitlines() if len(line) > 80] == []
    assert "Mean over dyads and horizons" in shown.out


def test_a_benchmark_goes_on_from_what_was_kept(bench, drawn_units, tmp_path):
    kept = tmp_path / "kept"
    span = ("--from", "1993-01-01", "--until", "1996-12-31", "--horizons", "30")
    command = (*span, "--quick", "--json", "--keep", kept)
    first = json.loads(bench(*command).out)
    units_made = drawn_units.total()
    assert units_made == 2
    rows = (kept / "rows.jsonl").read_text().splitlines()
    # What a kill left: one of the units, and one half-written.
    (kept / "rows.jsonl").write_text(rows[0] + "\n" + rows[1][:50])
    again = json.loads(bench(*command).out)
    assert drawn_units.total() == units_made + 1
    assert again["cells"] == first["cells"]
    # Other models change nothing in a unit; another seed does.
    bench(*command, "--models", "model")
    assert drawn_units.total() == units_made + 1
    bench(*command, "--models", "model", "--seed", "3")
    assert drawn_units.total() == units_made + 3


REFUSED = (
    "--any-of militry_incident",
    "--any-of ,",
    "--models best",
    "--until 1992-01-01",
    "--from 1980-01-01 --until 1985-01-01",
    "--until 2000-01-01 --horizons 30,3653",
    "--models model,panel --horizons 30,1500",
    "--origins 1980-01-01",
    "--any-of sanction,sanction",
    "--models focused",
)


def test_what_cannot_be_benchmarked_is_refused(shared_data, drawn_units, refusals, snapshot):
    command = ("bench", "accuracy", "--data", shared_data / "balkans", *TARGET, *SPAN)
    assert refusals(command, REFUSED) == snapshot
    assert not drawn_units
