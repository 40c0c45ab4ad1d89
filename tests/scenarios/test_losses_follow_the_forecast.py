"""Losses of a run: closed forms of raking, and laws that hold whatever the run says."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import yaml

from forecast.config import load_config
from forecast.errors import ConfigError, InputError
from forecast.sensitivity.stress import Exposures, measure_stress, raked, read_exposures, stress_of

TWO = np.array(list(product((False, True), repeat=2)))


def odds_ratio(cells):
    none, second, first, both = cells
    return none * both / (first * second)


def test_raking_meets_the_margins_and_keeps_the_odds_ratio():
    shares = np.array([0.5, 0.1, 0.15, 0.25])
    found = raked(shares, TWO, np.array([0.2, 0.6]))
    assert found.sum() == pytest.approx(1)
    assert found @ TWO == pytest.approx([0.2, 0.6])
    assert odds_ratio(found) == pytest.approx(odds_ratio(shares))


def test_raking_leaves_alone_what_fits_and_makes_independent_what_is():
    shares = np.array([0.42, 0.28, 0.18, 0.12])  # independent: 0.3 and 0.4
    assert raked(shares, TWO, np.array([0.3, 0.4])) == pytest.approx(shares)
    found = raked(shares, TWO, np.array([0.7, 0.2]))
    assert found == pytest.approx([0.3 * 0.8, 0.3 * 0.2, 0.7 * 0.8, 0.7 * 0.2])


def test_what_cannot_be_stays_impossible():
    nested = np.array([0.6, 0.3, 0.0, 0.1])  # the first cannot happen without the second
    found = raked(nested, TWO, np.array([0.2, 0.5]))
    assert found == pytest.approx([0.5, 0.3, 0.0, 0.2])


@pytest.fixture(scope="module")
def exposures(base):
    names = [rule.name for rule in base.inputs.rules]
    return Exposures({"a": dict.fromkeys(names, 2.0), "b": {names[0]: 5.0}})


def test_expected_losses_are_those_of_the_forecast(base, exposures):
    for row in measure_stress(base, exposures).milestones:
        day = (base.inputs.config.milestone(row.milestone).date - base.inputs.data.grid.origin).days
        chances = {rule.name: base.mixture.probability(rule.name, day) for rule in base.inputs.rules}
        due = sum(exposures.loss(name) * chance for name, chance in chances.items())
        assert row.expected == pytest.approx(due, rel=1e-6)
        assert sum(row.by_position.values()) == pytest.approx(due, rel=1e-6)
        assert 0 < row.expected_mcse < due


def test_a_run_measures_what_its_config_exposes_and_nothing_where_it_exposes_nothing(base):
    assert stress_of(base) is None
    name = base.inputs.rules[0].name
    config = base.inputs.config.model_copy(update={"exposures": {name: 3.0}})
    exposed = replace(base, inputs=replace(base.inputs, config=config))
    assert stress_of(exposed) == measure_stress(base, Exposures({"all": {name: 3.0}}))


def test_quantiles_rise_with_level_and_time_and_losses_scale(base, exposures):
    found = measure_stress(base, exposures)
    for earlier, later in zip(found.milestones, found.milestones[1:], strict=False):
        assert later.expected >= earlier.expected - 1e-9
    for row in found.milestones:
        values = list(row.quantiles.values())
        assert values == sorted(values)
    tenfold = Exposures(
        {
            name: {target: 10 * loss for target, loss in one.items()}
            for name, one in exposures.positions.items()
        }
    )
    for one, other in zip(found.milestones, measure_stress(base, tenfold).milestones, strict=True):
        assert other.expected == pytest.approx(10 * one.expected)
        assert other.quantiles == pytest.approx({level: 10 * v for level, v in one.quantiles.items()})


def test_the_chance_of_too_much_is_that_of_its_combinations(base, exposures):
    for limit in (0.0, 3.0, 6.0, 1e6):
        row = measure_stress(base, exposures, limit).milestones[-1]
        assert row.above == pytest.approx(sum(one.probability for one in row.combinations))
        assert all(one.loss > limit for one in row.combinations)
    assert row.above == 0.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("position,target\nA,x\n", ":1: the column 'loss' is missing. Expected: position,target,loss"),
        (
            "position,target,loss\nA,war,3\n",
            ":2: target: got 'war'; expected a target of the run",
        ),
        ("position,target,loss\nA,crisis,-3\n", ":2: loss: got '-3'; expected a loss above 0"),
        ("position,target,loss\nA,crisis,inf\n", "got 'inf'"),
        ("position,target,loss\nA,crisis,3\nA,crisis,4\n", ":3: 'A' has a loss for crisis already"),
        ("position,target,loss\nA,crisis\n", ":2: does not have the 3 cells of the header"),
        ("position,target,loss\n", "holds no row. Give one position a row"),
    ],
)
def test_sheets_that_cannot_be_read_are_refused_with_their_line(tmp_path, text, said):
    path = tmp_path / "positions.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_exposures(path, ["crisis"])
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_command_answers_and_says_what_is_missing(command, run_folder, base, tmp_path):
    ended = command("stress", run_folder)
    assert (ended.code, ended.out) == (2, "")
    assert "states no exposures" in ended.err
    sheet = tmp_path / "positions.csv"
    sheet.write_text(f"position,target,loss\nBonds,{base.inputs.rules[0].name},3\n")
    said = json.loads(command("stress", run_folder, "--exposures", sheet, "--above", "1", "--json").out)
    assert {"stated_loss", "losses", "milestones"} == set(said)
    assert "Over 1" in command("stress", run_folder, "--exposures", sheet, "--above", "1").out
    assert command("stress", run_folder, "--exposures", sheet, "--above", "-1").code == 2


def test_exposures_of_a_config_name_its_targets(tmp_path, folder):
    text = yaml.safe_load((folder / "config.yaml").read_text())
    path = folder / "exposed.yaml"
    for exposures, said in (
        ({"war": 3}, "no target is named 'war'"),
        ({next(iter(text["targets"])): 0}, "0"),
    ):
        path.write_text(yaml.safe_dump(text | {"exposures": exposures}))
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert said in str(caught.value)
    path.unlink()
