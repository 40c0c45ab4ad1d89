"""Families are found by name; what one cannot do is refused before anything is fitted."""

import pickle
import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.config import load_config
from forecast.errors import ConfigError, InputError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE
from forecast.families import family_named
from forecast.pooled_hazard import FURTHEST_DAYS, shipped_hazard
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs
from forecast.runs.mixture import direct_answers

CONFIG = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-01-01
events: {source: "bundled:us-china", start: 2019-01-01}
targets:
  military: {any_of: [military_incident, military_posture], min_severity: 4}
milestones:
  - {name: new-year, date: 2023-01-01}
model: {family: FAMILY}
"""


@pytest.fixture
def read(tmp_path):
    """Read the inputs of a config with one text replaced."""

    def read(family: str, old: str = "", new: str = ""):
        assert old in CONFIG
        text = CONFIG.replace(old, new, 1) if old else CONFIG
        (tmp_path / "small.yaml").write_text(text.replace("FAMILY", family), encoding="utf-8")
        return read_inputs(load_config(tmp_path / "small.yaml"))

    return read


def test_an_unknown_family_is_refused_with_the_nearest_name():
    allowed = r"allowed: model, panel, combined\. Did you mean 'combined'\?"
    with pytest.raises(InputError, match=rf"got 'combind'; {allowed}"):
        family_named("combind")


FAR = "2023-01-01", "2031-01-01"


def test_beyond_the_pooled_hazard_the_chance_of_nothing_falls_as_the_models(read):
    for family in ("model", "combined"):
        inputs = read(family, *FAR)
        assert inputs.config.milestones[0].date == date(2031, 1, 1)
        told = {one.code for one in cautions_of(inputs)}
        assert ("beyond_pooled_hazard" in told) == (family == "combined")
    with pytest.raises(ConfigError, match=r"small\.yaml:8:22: .* up to 1461 days\. Take a nearer date"):
        read("panel", *FAR)
    days, quiet = FURTHEST_DAYS + 1000, np.exp(-np.arange(FURTHEST_DAYS + 1001) / 2000.0)
    plain = SimpleNamespace(of=lambda target: quiet[None])
    (draws,) = direct_answers(inputs, inputs.events, days, plain).of("military")
    (near,) = direct_answers(inputs, inputs.events, FURTHEST_DAYS).of("military")
    np.testing.assert_array_equal(draws[:, : FURTHEST_DAYS + 1], near)
    left = (1 - draws[:, -1]) / (1 - draws[:, FURTHEST_DAYS])
    np.testing.assert_allclose(left, np.exp(-1000 / 2000.0), rtol=1e-9)


def test_coefficients_that_would_change_nothing_are_refused(read, tmp_path):
    (tmp_path / "own.json").write_text(shipped_hazard().model_dump_json(by_alias=True), encoding="utf-8")
    family = read("combined, panel: own.json").family
    assert family.pooled
    assert pickle.loads(pickle.dumps(family)).name == "combined", "other processes get it"
    with pytest.raises(ConfigError, match="'model' does not use the pooled hazard"):
        read("model, panel: own.json")


TWICE = "targets:\n  again: {any_of: [military_posture, military_incident], min_severity: 4}"


def test_targets_met_twice_are_refused_and_those_of_a_kind_never_seen_rest_on_a_prior(read):
    with pytest.raises(ConfigError, match=r"targets\.military: the same acts meet 'again'; keep one"):
        read("model", "targets:", TWICE)
    inputs = read("model", "start: 2019-01-01}", "start: 2021-12-20}")
    (told,) = [one for one in cautions_of(inputs) if one.code == "kind_never_seen"]
    assert [*told["priors"]] == ["baseline.weekly_rate.military"]
    assert re.search(r"Its chance rests on a prior alone, [\d.]+ to [\d.]+ acts a year", told.text)


def test_eight_targets_that_overlap_in_every_way_are_read(read):
    every = "".join(
        f"  s{s}: {{any_of: [{', '.join(CATEGORIES)}], min_severity: {s}}}\n" for s in (2, 3, 4, 5)
    )
    bits = "".join(
        f"  b{bit}: "
        f"{{any_of: [{', '.join(CATEGORIES[k] for k in range(8) if k >> bit & 1)}], min_severity: 1}}\n"
        for bit in range(3)
    )
    layout = read("model", "milestones:", f"{every}{bits}milestones:").data.layout
    # All forty pairs of a category and a severity meet another set of targets; conflict has two sides.
    assert len(layout.streams) == len(set(layout.streams)) == 5 * (len(COOPERATIVE) + 2 * len(CONFLICTUAL))
