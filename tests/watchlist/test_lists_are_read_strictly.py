"""Lists: every fault at once with its line, and what a list leaves to its defaults."""

import re
from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.config.schema import ModelConfig
from forecast.config.watchlist import is_watchlist, load_watchlist
from forecast.errors import ConfigError
from forecast.watchlist.watch import run_watch

from .conftest import TARGET, write_list

ROOT = Path(__file__).resolve().parents[2]


KEYS = """\
as_of: 2010-01-04
events: []
targets: {force: {any_of: [military_incidnt], min_severity: 5}}
horizons: [90, 1]
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
                4: "got 1; expected",
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


def test_a_trigger_is_a_share_or_a_percent(tmp_path):
    found = load_watchlist(write_list(tmp_path, extra="triggers: {act: 0.2, go: 35%}\n"))
    assert found.triggers == {"act": 0.2, "go": 0.35}


def test_the_model_of_a_list_needs_no_fit_unless_it_says_otherwise(tmp_path):
    path = write_list(tmp_path)
    path.write_text(path.read_text().replace("model: {family: panel}\n", ""))
    assert load_watchlist(path).model.model_dump() == ModelConfig(family="panel").model_dump()
    assert load_watchlist(path, ["model.population=none"]).model.family == "panel"
    assert load_watchlist(path, ["model.family=combined"]).model.family == "combined"


def test_a_list_without_horizons_has_those_of_a_config(tmp_path):
    path = write_list(tmp_path)
    path.write_text(path.read_text().replace("horizons: [30, 90, 180]\n", ""))
    found = load_watchlist(path)
    assert [(dated.date - found.as_of).days for dated in found.shared_milestones] == [30, 90, 180]
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
        ("model.family=panell", "model.family: .*Did you mean 'panel'"),
        ("start=2010-01-04", "2010-01-04 is not before as_of"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_before_any_work(trial, tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message):
        run_watch(load_watchlist(trial, [setting]), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_horizon_that_no_member_answers_is_refused_once_with_its_line(trial, tmp_path):
    trial.write_text(trial.read_text().replace("horizons: [30, 90, 180]", "horizons: [30, 3000]"))
    with pytest.raises(ConfigError, match=r"list.yaml:6:16: .* answers up to 1461 days") as caught:
        run_watch(load_watchlist(trial), out=tmp_path / "out")
    assert len(str(caught.value).splitlines()) == 1
