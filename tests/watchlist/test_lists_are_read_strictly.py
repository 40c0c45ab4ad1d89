"""Lists: every fault at once with its line, and what a list leaves to its defaults."""

from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.config.schema import ModelConfig
from forecast.config.watchlist import is_watchlist, load_watchlist
from forecast.errors import ConfigError

from .conftest import TARGET, write_list

ROOT = Path(__file__).resolve().parents[2]


def test_all_faults_of_a_list_are_named_at_once_with_their_lines(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "as_of: 2010-01-04\nevents: []\n"
        "targets: {force: {any_of: [military_incidnt], min_severity: 5}}\n"
        "horizons: [90, 1]\n"
        "dyads:\n  - {a: USA, b: IRQ}\n  - {a: IRQ, b: USA}\n  - {a: USA}\n  - {a: USA, b: USA}\n"
        "  - {a: TUR, b: SYR, nme: x}\n"
        "triggers: {ready: 40%, go: 150%}\non_change: {step: 10%}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_watchlist(path)
    lines = str(caught.value).splitlines()
    expected = (
        ("2", "events"),
        ("3", "Did you mean 'military_incident'"),
        ("4", "got 1; expected"),
        ("7", "the same dyad as dyads.0"),
        ("8", "add 'b': second side"),
        ("9", "an actor has one place"),
        ("10", "Did you mean 'name'"),
        ("11", "got 1.5; expected a number above 0 and below 1"),
        ("12", "nobody is told; add command"),
    )
    assert len(lines) == len(expected)
    for line, (number, text) in zip(lines, expected, strict=True):
        assert line.startswith(f"{path}:{number}:")
        assert text in line


def test_one_dyad_may_stand_twice_only_with_other_targets_and_a_name(tmp_path):
    dyads = ["{a: USA, b: IRQ}", f"{{name: drills, a: USA, b: IRQ, targets: {TARGET}}}"]
    assert [one.key for one in load_watchlist(write_list(tmp_path, dyads=dyads)).dyads] == [
        "usa-irq",
        "drills",
    ]
    for second in ("{name: other, a: IRQ, b: USA}", "{a: USA, b: IRQ}"):
        with pytest.raises(ConfigError, match=r"the same dyad as dyads\.0"):
            load_watchlist(write_list(tmp_path, dyads=["{a: USA, b: IRQ}", second]))


@pytest.mark.parametrize(("written", "threshold"), [("35%", 0.35), ("0.35", 0.35)])
def test_a_trigger_is_a_share_or_a_percent(tmp_path, written, threshold):
    found = load_watchlist(write_list(tmp_path, extra=f"triggers: {{act: {written}}}\n"))
    assert found.triggers == {"act": pytest.approx(threshold)}


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
    assert [(one.date - found.as_of).days for one in found.shared_milestones] == [30, 90, 180]
    assert (found.asked.target, found.asked.milestone) == ("force", "days_180")


def test_a_pattern_without_files_and_an_unknown_family_are_refused(tmp_path):
    from forecast.watchlist.watch import run_watch

    with pytest.raises(ConfigError, match=r"list.yaml:4:10: events.0: no event file fits .*dyads/\*\.csv"):
        run_watch(load_watchlist(write_list(tmp_path)))


def test_a_list_in_the_place_of_a_config_and_the_reverse_are_sent_to_the_right_command(tmp_path):
    path = write_list(tmp_path)
    assert is_watchlist(path)
    with pytest.raises(ConfigError, match="is of a watchlist; use it with 'forecast watch"):
        load_config(path)
    with pytest.raises(ConfigError, match="is of a config of one dyad; use it with 'forecast run"):
        load_watchlist(ROOT / "configs/us-china-2023.yaml")


@pytest.mark.parametrize(
    "setting", ["horizons=[90, 30]", "horizons=[30, 30]", "triggers={ready: 40%, set: 35%}"]
)
def test_horizons_and_triggers_rise(tmp_path, setting):
    with pytest.raises(ConfigError, match=r"is not above .*; give them in rising order, each once"):
        load_watchlist(write_list(tmp_path), [setting])
