"""The weight of the pooled hazard is learned and tried; the tables of the validation page are written."""

import json

import numpy as np
import pytest

from forecast.baselines import DAY
from forecast.evaluation.score_table import join_forecasts, table_of


@pytest.fixture
def weight(tool):
    return tool("studies/weight")


def bed(seed, share):
    """Outcomes of a chance that is so far from the model's towards the pooled hazard's."""
    random = np.random.default_rng(seed)
    origin = np.datetime64("1990-01-01") + 30 * np.arange(1500) * DAY
    asked = {"what": "pair", "target": "force", "origin": origin, "day": origin + 30 * DAY}
    model, hazard = random.random((2, 1500))
    asked["outcome"] = random.random(1500) < (1 - share) * model + share * hazard
    return join_forecasts(
        table_of({**asked, "who": who, "chance": chance})
        for who, chance in (("model", model), ("panel", hazard))
    )


def test_the_weight_that_made_the_outcomes_is_found_and_tried_on_beds_it_was_not_learned_on(weight):
    for share in (0.0, 0.7):
        best, error = weight.BedWeights(bed(1, share)).best
        assert best == pytest.approx(share, abs=max(3 * error, 0.1))
    found = weight.BedWeights(bed(2, 1.0))
    better, worse = (found.beside_half(one) for one in (1.0, 0.0))
    assert better[0] < -3 * better[1] < 0 < 3 * worse[1] < worse[0]
    rows = list(weight.lines({"one": bed(3, 1.0), "two": bed(4, 0.9)}))
    cells = [row.split(" | ") for row in rows if row.startswith("| all")]
    assert [cell[1] for cell in cells] == ["one", "two"]
    # Each is told by the other, and gains on one half.
    assert all(float(cell[-2]) > 0.8 and cell[-1].startswith("-0.") for cell in cells)


def test_the_page_takes_the_tables_of_a_bed_and_says_first_where_a_baseline_wins(
    tool, tmp_path, command, coded
):
    (tmp_path / "data").mkdir()
    rows = [f"{n},{2000 + n // 12}-{n % 12 + 1:02}-15,A,B,military_incident,{4 + n % 2}" for n in range(96)]
    text = "\n".join(["id,date,initiator,target,category,severity", *rows])
    (tmp_path / "data/a-b.csv").write_text(text + "\n")
    (tmp_path / "small.yaml").write_text(
        "schema: 1\nname: small\nsources: [{data: data, until: 2007-12-31}]\nfrom: 2004-01-01\n"
        "targets: {force: {any_of: [military_incident], min_severity: 5}}\n"
    )
    made = command("bench", "accuracy", "--bed", tmp_path / "small.yaml", "--models", "panel", "--json")
    (tmp_path / "small.json").write_text(made.out)
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- measured: small -->\nold\n<!-- end -->\nAfter\n")
    validation = tool("docs/validation")
    assert validation.main([str(tmp_path / "small.json"), "--page", str(page)]) == 0
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("Before", "After")
    assert "old" not in lines
    scores = json.loads(made.out)["targets"]["force"]
    ours, best = (
        {one["horizon_days"]: one["log"] for one in scores["by_horizon"] if one["model"] == name}
        for name in ("panel", "climatology")
    )
    first = " ".join(page.read_text().split("\n\n")[1].split())
    lost = [days for days in ours if best[days] < ours[days]]
    assert first.startswith("**A baseline beats `panel`**") or not lost
    assert all(f"at {days} days" in first for days in lost)
    row = next(line for line in lines if line.startswith("| `panel` |"))
    assert f"{ours[30]:.3f}".removeprefix("0") in row
    assert validation.main([str(tmp_path / "small.json"), "--page", str(tmp_path / "small.yaml")]) == 2
