"""``tools/bench.py`` on a made-up bed of two dyads: what it refuses, prints and goes on from."""

import json
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.baselines import BASELINES
from forecast.wording import HORIZONS

BED = """\
schema: 1
name: small
sources:
  - {data: data, until: 2007-12-31, dyads: [a-b]}
  - {data: data, until: 2005-12-31, dyads: [c-d]}
targets:
  force: {any_of: [military_incident], min_severity: 4}
  grave: {any_of: [military_incident], min_severity: 5}
from: 2003-01-01
origins: quarterly
"""


@pytest.fixture(scope="module")
def bench(tool):
    return tool("bench")


@pytest.fixture
def bed(tmp_path):
    """The bed, and of each dyad an act every three weeks or so, every third a use of force."""
    for seed, dyad in enumerate(("a-b", "c-d")):
        rng, rows, day = np.random.default_rng(seed), [], date(2000, 1, 1)
        while day < date(2007, 12, 25):
            kind = "military_incident,4" if len(rows) % 3 == 0 and day.year % 3 else "dispute,2"
            rows.append(f"{len(rows)},{day},A,B,{kind}")
            day += timedelta(days=int(rng.integers(10, 40)))
        (tmp_path / "data").mkdir(exist_ok=True)
        text = "\n".join(["id,date,initiator,target,category,severity", *rows])
        (tmp_path / f"data/{dyad}.csv").write_text(text)
    (tmp_path / "small.yaml").write_text(BED)
    return tmp_path / "small.yaml"


def test_a_bed_is_scored_by_dyad_to_its_own_end_and_over_dyads(bench, bed, capsys):
    assert bench.main(["--bed", str(bed), "--models", "panel", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [one["until"] for one in content["coverage"]] == ["2007-12-31", "2005-12-31"]
    assert content["fits"] == {"made": 0, "failed": 0}
    assert list(content["targets"]) == ["force", "grave"]
    scores = content["targets"]["force"]
    assert {one["model"] for one in scores["by_horizon"]} == {"panel", *BASELINES}
    assert {one["horizon_days"] for one in scores["by_horizon"]} == set(HORIZONS)
    for one in scores["by_horizon"]:
        own = [c for c in scores["cells"] if all(c[key] == one[key] for key in ("horizon_days", "model"))]
        assert one["log"] == pytest.approx(np.mean([cell["log"] for cell in own]), abs=1e-12)
        assert one["n"] == sum(cell["n"] for cell in own)
        # Quarters that begin early enough for the window to end with the dyad's observation.
        assert {cell["dyad"]: cell["n"] for cell in own} == {
            dyad: sum(
                date(2003 + k // 4, k % 4 * 3 + 1, 1) + timedelta(one["horizon_days"] - 1) <= end
                for k in range(20)
            )
            for dyad, end in (("a-b", date(2007, 12, 31)), ("c-d", date(2005, 12, 31)))
        }
        states = [
            state["n"]
            for state in scores["onset"]
            if all(state[key] == one[key] for key in ("horizon_days", "model"))
        ]
        assert sum(states) == one["n"]
    assert bench.main(["--bed", str(bed), "--models", "baselines"]) == 0
    assert "It never happened in these windows." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "options", "says"),
    [
        ("from:", "form:", [], ":9:1: form: unknown key. Did you mean 'from'?"),
        ("dyads: [c-d]", "dyads: [c-e]", [], "holds no c-e.csv. Did you mean 'c-d'?"),
        ("dyads: [c-d]", "dyads: [a-b]", [], "a-b is in another source, too"),
        ("military_incident", "visit", [], "no target ever happened"),
        ("data: data", "data: dta", [], "no such folder or file"),
        ("", "", ["--models", "best"], "models: got 'best'"),
        ("", "", ["--horizons", "30,4000"], "got 4000 days; allowed: up to 3653, ten years"),
        ("", "", ["--bed", "panle"], "no bed 'panle'. Did you mean 'panel'?"),
    ],
)
def test_what_cannot_be_scored_is_one_message(bench, bed, capsys, old, new, options, says):
    bed.write_text(BED.replace(old, new) if old else BED)
    assert bench.main(["--bed", str(bed), *options]) == 2
    assert says in capsys.readouterr().err
