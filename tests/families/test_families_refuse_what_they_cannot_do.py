"""What a family cannot do is refused before anything is fitted."""

import contextlib
import io
import sys
from dataclasses import dataclass, replace

import pytest

from forecast.cli import main
from forecast.families import FAMILIES

CONFIG = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-01-01
events: {source: "bundled:us-china", start: 2019-01-01}
targets:
  severe: {any_of: [sanction, military_incident, military_posture, dispute], min_severity: 4}
  military: {any_of: [military_incident, military_posture], min_severity: 4}
milestones:
  - {name: spring, date: 2022-04-01}
  - {name: new-year, date: 2023-01-01}
headline: {target: military, milestone: new-year}
model: {family: FAMILY}
sampler: {seed: 5, draws: 100, tune: 150, chains: 2, paths_per_draw: 4}
"""
SCENARIO = """\
name: tried
rationale: A drill that is announced, and a bolder prior.
events:
  - {date: 2022-05-01, category: military_posture, severity: 4}
priors: {tension.scale: HalfNormal(1.5)}
"""
NEW_TYPE = """\
name: tried
rationale: A hotline that is opened.
events:
  - {date: 2022-05-01, category: hotline, severity: 1}
types:
  hotline: {calms: {q05: 0.0, q95: 0.3}, half_life_days: long, rationale: As between Washington and Moscow.}
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def forecast(*arguments: object) -> Ended:
    """Run the command in this process, as the terminal would."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["forecast", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return Ended(code, out.getvalue(), err.getvalue())


def test_scenarios_are_refused_before_anything_is_fitted_where_a_family_plays_none(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "target", replace(FAMILIES["target"], abilities=frozenset()))
    (tmp_path / "tried.yaml").write_text(SCENARIO, encoding="utf-8")
    text = CONFIG.replace("FAMILY", "target") + "scenarios: [tried.yaml]\n"
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    ended = forecast("run", tmp_path / "small.yaml", "--out", tmp_path / "runs")
    assert ended.code == 2
    assert "model.family 'target' plays no scenarios" in ended.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("family", "code"), [("focused", 2), ("joint", 0), ("combined", 0), ("ensemble", 0)])
def test_types_of_acts_never_seen_need_a_model_of_all_categories(tmp_path, family, code):
    (tmp_path / "tried.yaml").write_text(NEW_TYPE, encoding="utf-8")
    text = CONFIG.replace("FAMILY", family) + "scenarios: [tried.yaml]\n"
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    ended = forecast("check", tmp_path / "small.yaml")
    assert ended.code == code, ended.err
    assert ("does not count. Use joint or combined" in ended.err) == (code == 2)


def test_an_unknown_family_is_refused_with_the_nearest_name_and_its_line(tmp_path):
    (tmp_path / "small.yaml").write_text(CONFIG.replace("FAMILY", "focussed"), encoding="utf-8")
    ended = forecast("run", tmp_path / "small.yaml", "--out", tmp_path / "runs")
    assert ended.code == 2
    assert "small.yaml:12" in ended.err
    assert "Did you mean 'focused'?" in ended.err
