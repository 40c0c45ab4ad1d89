"""Families are found by name; what one cannot do is refused before anything is fitted."""

from datetime import date

import pytest

from forecast.config import load_config
from forecast.errors import ConfigError, InputError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE
from forecast.families import family_named
from forecast.pooled_hazard.coefficients import shipped_hazard
from forecast.runs.inputs import read_inputs

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


@pytest.mark.parametrize("gone", ["joint", "focused", "target", "ensemble"])
def test_a_family_that_went_is_answered_with_what_took_its_place(read, gone):
    with pytest.raises(
        ConfigError, match=rf"small\.yaml:9:9: model\.family: got '{gone}'; 'model' took its place"
    ):
        read(gone)


def test_an_unknown_family_is_refused_with_the_nearest_name():
    allowed = r"allowed: model, panel, combined\. Did you mean 'combined'\?"
    with pytest.raises(InputError, match=rf"got 'combind'; {allowed}"):
        family_named("combind")


def test_a_milestone_beyond_what_the_pooled_hazard_answers_is_the_models_alone(read):
    far = "2023-01-01", "2031-01-01"
    assert read("model", *far).config.milestones[0].date == date(2031, 1, 1)
    for family in ("panel", "combined"):
        with pytest.raises(
            ConfigError, match=r"small\.yaml:8:22: .* Take a nearer date, or model\.family: model"
        ):
            read(family, *far)


def test_coefficients_that_would_change_nothing_are_refused(read, tmp_path):
    (tmp_path / "own.json").write_text(shipped_hazard().model_dump_json(by_alias=True), encoding="utf-8")
    assert read("combined, panel: own.json").family.pooled
    with pytest.raises(ConfigError, match="'model' does not use the pooled hazard"):
        read("model, panel: own.json")


TWICE = "targets:\n  again: {any_of: [military_posture, military_incident], min_severity: 4}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("targets:", TWICE, r"targets\.military: the same acts meet 'again'; keep one of the two"),
        (
            "start: 2019-01-01}",
            "start: 2021-12-20}",
            r"small\.yaml:6:\d+: targets\.military\.any_of: the data hold no event",
        ),
    ],
)
def test_targets_met_twice_or_never_seen_are_refused_with_their_key(read, old, new, said):
    with pytest.raises(ConfigError, match=said):
        read("model", old, new)


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
