"""Families run from config to report, refuse what they cannot do, and mixing keeps its laws."""

import json
import pickle
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from forecast.config import load_config
from forecast.errors import ConfigError, InputError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE
from forecast.families import FAMILIES, Family, family_named
from forecast.inference.importance import monte_carlo_error
from forecast.models.survival import Survival
from forecast.phrases.check import describe_config
from forecast.phrases.notices import notice_text
from forecast.pooled_hazard import FURTHEST_DAYS, shipped_hazard
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs
from forecast.runs.mixture import (
    DirectAnswers,
    Mixture,
    direct_answers,
    mean_of_members,
    quantiles,
    quiet_chance,
    weighted_by_draw,
)
from forecast.runs.run import Run, horizon_days, read_run
from forecast.runs.summaries import target_forecasts
from forecast.targets import FutureAct, TargetRule, raised_to_included
from tests.conftest import answers_of

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
    allowed = r"allowed: model, pooled_hazard, combined\. Did you mean 'combined'\?"
    with pytest.raises(InputError, match=rf"got 'combind'; {allowed}"):
        family_named("combind")


FAR = "2023-01-01", "2031-01-01"


def test_beyond_the_pooled_hazard_the_chance_of_nothing_falls_as_the_models(read):
    for family in ("model", "combined"):
        inputs = read(family, *FAR)
        assert inputs.config.milestones[0].date == date(2031, 1, 1)
        told = {one.code: notice_text(one) for one in cautions_of(inputs)}
        assert ("beyond_pooled_hazard" in told) == (family == "combined")
    assert "what other pairs say is carried on by the model's growth" in told["beyond_pooled_hazard"]
    with pytest.raises(ConfigError, match=r"small\.yaml:8:22: .* Give a day up to 2026-01-01, or"):
        read("pooled_hazard", *FAR)
    days, quiet = FURTHEST_DAYS + 1000, np.exp(-np.arange(FURTHEST_DAYS + 1001) / 2000.0)
    plain = SimpleNamespace(of=lambda target: quiet[None])
    (draws,) = direct_answers(inputs, inputs.events, days, plain).of("military")
    (near,) = direct_answers(inputs, inputs.events, FURTHEST_DAYS).of("military")
    np.testing.assert_array_equal(draws[:, : FURTHEST_DAYS + 1], near)
    left = (1 - draws[:, FURTHEST_DAYS]) * np.exp(-1000 / 2000.0)
    np.testing.assert_allclose(1 - draws[:, -1], left, rtol=1e-9, atol=1e-15)


def test_milestones_stand_by_day_however_they_are_listed(read):
    inputs = read("pooled_hazard", "milestones:", "milestones:\n  - {name: later, date: 2024-01-01}")
    assert [one.name for one in inputs.config.milestones] == ["later", "new-year"]
    mixture = Mixture(inputs, direct_answers(inputs, inputs.events, horizon_days(inputs.config)), None)
    near, far = target_forecasts(mixture)[0].milestones
    assert (near.name, far.name) == ("new-year", "later")
    assert near.probability < far.probability
    said = describe_config(inputs.config)
    assert said.index("(new-year)") < said.index("(later)")
    assert inputs.config.headline.milestone == "new-year", "the last listed"


def test_coefficients_that_would_change_nothing_are_refused(read, tmp_path):
    (tmp_path / "own.json").write_text(shipped_hazard().model_dump_json(by_alias=True), encoding="utf-8")
    family = read("combined, hazard: own.json").family
    assert family.pooled
    assert pickle.loads(pickle.dumps(family)).name == "combined", "other processes get it"
    with pytest.raises(ConfigError, match="'model' does not use the pooled hazard"):
        read("model, hazard: own.json")


TWICE = "targets:\n  again: {any_of: [military_posture, military_incident], min_severity: 4}"


def test_targets_met_twice_are_refused_and_those_of_a_kind_never_seen_rest_on_a_prior(read):
    with pytest.raises(ConfigError, match=r"targets\.military: the same acts meet 'again'; keep one"):
        read("model", "targets:", TWICE)
    said = {
        "model": r"Its chance rests on a prior alone, [\d.]+ to [\d.]+ acts a year \(90%\); state",
        "combined": r"The model's half of its chance rests .* \(90%\), the other half on other pairs; state",
    }
    for family in ("model", "combined", "pooled_hazard"):
        inputs = read(family, "start: 2019-01-01}", "start: 2021-12-20}")
        found = [one for one in cautions_of(inputs) if one.code == "kind_never_seen"]
        assert len(found) == (family in said), "no prior enters a family without a fit"
        for told in found:
            assert [*told["priors"]] == ["baseline.weekly_rate.military"]
            assert re.search(said[family], notice_text(told))


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


RUN_CONFIG = """\
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
sampler: {seed: 5, draws: 300, tune: 150, chains: 2}
"""


class Made(NamedTuple):
    folder: Path
    config: Path
    record: dict
    run: Run

    def probabilities(self) -> np.ndarray:
        """Probability by target and milestone."""
        return np.array(
            [[one["probability"] for one in answers_of(target).values()] for target in self.record["targets"]]
        )

    def said(self) -> dict[tuple[str, str], dict[str, float]]:
        """What each member says, by target and milestone."""
        return {
            (target["name"], one["name"]): {
                member["name"]: member["probability"] for member in one["members"]
            }
            for target in self.record["targets"]
            for one in target["milestones"]
        }


@pytest.fixture(scope="module")
def made(command, tmp_path_factory):
    """Run a family once, and keep its folder for all tests."""
    runs: dict[str, Made] = {}

    def run(family: str) -> Made:
        if family not in runs:
            place = tmp_path_factory.mktemp(family)
            (place / "small.yaml").write_text(RUN_CONFIG.replace("FAMILY", family), encoding="utf-8")
            ended = command("run", place / "small.yaml", "--out", place / "runs", "--allow-unconverged")
            assert ended.code == 0, ended.err
            folder = place / "runs" / "small" / "2022-01-01"
            record = json.loads((folder / "forecast.json").read_text())
            runs[family] = Made(folder, place / "small.yaml", record, read_run(folder))
        return runs[family]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_runs_from_config_to_report(made, family):
    folder, _, record, run = made(family)
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (record["model"], [one["name"] for one in record["targets"]]) == (family, ["severe", "military"])
    for target in record["targets"]:
        assert len(run.mixture.survival.of(target["name"])) == 600
        for milestone in answers_of(target).values():
            day = (date.fromisoformat(milestone["date"]) - run.mixture.survival.origin).days
            assert milestone["probability"] == run.mixture.probability(target["name"], day)
    severe, military = made(family).probabilities()
    assert np.all(severe >= military)
    assert np.all(np.diff([severe, military], axis=1) >= 0)


@pytest.mark.slow
def test_all_families_fit_the_same_model_with_the_same_numbers(made):
    alone = made("model")
    assert [one["name"] for one in alone.record["members"]] == ["model"]
    for family in ("pooled_hazard", "combined"):
        for name, values in made(family).run.samples.variables.items():
            np.testing.assert_array_equal(values, alone.run.samples.variables[name], err_msg=name)
    # No act is scheduled, so that the member is what the model says when it is asked alone.
    by_model = [one["model"] for one in made("combined").said().values()]
    np.testing.assert_allclose(by_model, alone.probabilities().ravel(), atol=1e-9)


EVERY_ACT = (
    "[visit, channel_opening, cooperation, channel_closure, sanction, military_incident, military_posture, "
    "dispute], min_severity: 1}"
)
ODD_RECORDS = {
    "a target that every act meets": ("[military_incident, military_posture], min_severity: 4}", EVERY_ACT),
    "a cooperative target": (
        "[military_incident, military_posture], min_severity: 4}",
        "[visit], min_severity: 3}",
    ),
    "one act": ('"bundled:us-china", start: 2019-01-01', "one.csv"),
}


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD_RECORDS)
def test_odd_targets_and_records_run(command, tmp_path, odd):
    text = RUN_CONFIG.replace("FAMILY", "model").replace("draws: 300", "draws: 50")
    old, new = ODD_RECORDS[odd]
    assert old in text
    if odd == "a target that every act meets":  # no category is left for acts that meet no target
        text = text.replace("[sanction, military_incident, military_posture, dispute]", "[sanction]")
    (tmp_path / "odd.yaml").write_text(text.replace(old, new), encoding="utf-8")
    one = "date,initiator,target,category,severity\n2020-01-05,USA,CHN,military_posture,2\n"
    (tmp_path / "one.csv").write_text(one, encoding="utf-8")
    ended = command(
        "run", tmp_path / "odd.yaml", "--out", tmp_path / "runs", "--allow-unconverged", "--no-ledger"
    )
    assert ended.code == 0, ended.err
    record = json.loads((tmp_path / "runs/small/2022-01-01/forecast.json").read_text())
    later = {one["name"]: one["chances"]["mean"][-1] for one in record["targets"]}
    if odd == "one act":
        assert 0 < later["military"] <= later["severe"] < 0.6
    else:
        assert later["military"] > (0.9 if odd == "a target that every act meets" else 0.3)


ORIGIN, DAYS, DRAWS, CHAINS = date(2023, 1, 1), 60, 400, 4
ANY = TargetRule("any", ("dispute", "military_incident"), 3)
CLASH = TargetRule("clash", ("military_incident",), 4)


def chances(seed: int, n_draws: int = DRAWS, scale: float = 0.01) -> np.ndarray:
    """P by draw and day under a constant hazard that differs between draws."""
    hazard = np.random.default_rng(seed).gamma(2, scale / 2, n_draws)
    return -np.expm1(-hazard[:, None] * np.arange(DAYS + 1))


def survival_of(*by_target: np.ndarray) -> Survival:
    names = ("any", "clash")[: len(by_target)]
    return Survival(names, ORIGIN, np.stack([1 - one for one in by_target], axis=1))


def mixture(ahead=None, direct=(), *, plain=None, weights=None, targets=1, fitted=True) -> Mixture:
    """A mixture of a model that says P = ``ahead``, with members that say those of ``direct``."""
    names = [f"member {n}" for n in range(len(direct))]
    family = Family("made", "made", fitted, tuple(SimpleNamespace(name=n) for n in names))
    inputs = SimpleNamespace(rules=(ANY, CLASH)[:targets], family=family)
    said = {name: {"any": one} for name, one in zip(names, direct, strict=True)}
    return Mixture(inputs, DirectAnswers(said), ahead, plain, weights)


def random_weights(seed: int = 1, n_draws: int = DRAWS) -> np.ndarray:
    weights = np.random.default_rng(seed).random(n_draws)
    return weights / weights.sum()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_is_that_of_the_members_and_the_interval_holds_the_quantiles_of_all_draws(weighted):
    model, two, three = chances(1), chances(2, 300, 0.002), chances(3, 50, 0.03)
    weights = random_weights() if weighted else None
    found = mixture(survival_of(model), [two, three], weights=weights)
    assert found.share("any") == pytest.approx(1 / 3)
    own = np.full(DRAWS, 1 / DRAWS) if weights is None else weights
    expected = (own @ model + two.mean(axis=0) + three.mean(axis=0)) / 3
    curve = found.curves["any"]
    np.testing.assert_allclose(curve.mean, expected, atol=1e-14)
    draws, all_weights = found.draws("any")
    assert all_weights.sum() == pytest.approx(1.0)
    # What lies at or below a bound has its level's weight, to within that of one draw.
    for level, bound in ((0.05, curve.low), (0.95, curve.high)):
        below = np.array([all_weights[draws[:, day] <= bound[day]].sum() for day in range(1, DAYS + 1)])
        assert np.abs(below - level).max() <= all_weights.max() + 1e-12


def test_a_member_alone_is_the_forecast():
    model, other = chances(1), chances(2)
    alone = mixture(survival_of(model))
    np.testing.assert_allclose(alone.curves["any"].mean, model.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(alone.by_draw_at("any", np.arange(DAYS + 1)), model, atol=1e-12)
    direct = mixture(None, [other], fitted=False)
    assert direct.share("any") == 0.0
    np.testing.assert_allclose(direct.curves["any"].mean, other.mean(axis=0), atol=1e-14)
    assert direct.error("any", DAYS, CHAINS) == pytest.approx(other[:, -1].std() / np.sqrt(DRAWS))


def test_acts_ahead_multiply_the_chance_that_nothing_happens_of_every_member():
    before, other = chances(1), chances(2, 300)
    # An act on day 20 that meets the target with probability 0.4.
    quiet = np.where(np.arange(DAYS + 1) > 20, 0.6, 1.0)
    found = mixture(survival_of(1 - (1 - before) * quiet), [other], plain=survival_of(before))
    np.testing.assert_allclose(found.factor("any"), quiet, atol=1e-12)
    silent = ((1 - before).mean(axis=0) + (1 - other).mean(axis=0)) / 2
    np.testing.assert_allclose(found.curves["any"].mean, 1 - silent * quiet, atol=1e-12)
    without = found.without_acts.curves["any"].mean
    np.testing.assert_allclose(without, 1 - silent, atol=1e-12)
    # An act that is certain to meet the target leaves nothing to any member.
    certain = mixture(survival_of(np.ones_like(before)), [other], plain=survival_of(before))
    np.testing.assert_allclose(certain.curves["any"].mean, 1.0, atol=1e-12)


def test_an_act_that_may_meet_the_target_leaves_what_its_window_leaves():
    meets = FutureAct(date(2023, 1, 11), "military_incident", 5, 0.4, until=date(2023, 1, 20))
    mild = FutureAct(date(2023, 1, 11), "military_incident", 2, 0.9)
    days = np.arange(DAYS + 1)
    expected = 1 - 0.4 * np.clip(days - 10, 0, 10) / 10
    np.testing.assert_allclose(quiet_chance([meets, mild], CLASH, ORIGIN, days), expected, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("with_acts", [False, True])
def test_what_each_draw_says_has_the_forecast_as_its_mean(weighted, with_acts):
    before, other = chances(1), chances(2)
    plain = survival_of(before) if with_acts else None
    ahead = survival_of(1 - (1 - before) ** 1.3 if with_acts else before)
    found = mixture(ahead, [other], plain=plain, weights=random_weights() if weighted else None)
    days = np.array([5, 30, DAYS])
    by_draw = found.by_draw_at("any", days)
    np.testing.assert_allclose(by_draw.mean(axis=0), found.curves["any"].mean[days], atol=1e-12)
    np.testing.assert_allclose(found.by_draw("any", 30), by_draw[:, 1], atol=1e-12)


@pytest.mark.parametrize("with_acts", [False, True])
def test_the_error_is_the_scatter_of_forecasts_made_again_and_again(with_acts):
    other, values, errors = chances(0, 500), [], []
    for seed in range(300):
        before = chances(seed + 1)
        plain = survival_of(before) if with_acts else None
        # Draws at greater risk answer the act more.
        ahead = survival_of(1 - (1 - before) * (1 - 0.5 * before) if with_acts else before)
        found = mixture(ahead, [other], plain=plain)
        values.append(found.probability("any", DAYS))
        errors.append(monte_carlo_error(found.by_draw("any", DAYS), CHAINS))
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.15)


def test_a_target_is_never_less_likely_than_one_that_it_includes_and_no_curve_falls():
    model = survival_of(chances(1, scale=0.002), chances(2, scale=0.01))
    found = mixture(model, [chances(3, scale=0.001)], targets=2).curves
    for part in ("mean", "low", "high"):
        assert np.all(getattr(found["any"], part) >= getattr(found["clash"], part))
    for curve in found.values():
        assert np.all(np.diff(curve.mean) >= 0)
        assert np.all(curve.low <= curve.high)


def test_weighted_quantiles_are_those_of_draws_repeated():
    draws = np.random.default_rng(4).normal(size=(2000, 2))
    times = np.random.default_rng(5).integers(1, 6, size=2000)
    found = quantiles(draws, times / times.sum(), (0.05, 0.5, 0.95))
    expected = np.quantile(np.repeat(draws, times, axis=0), (0.05, 0.5, 0.95), axis=0)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_a_weighted_mean_is_told_by_draws_that_give_even_weights_back():
    values, weights = chances(6), random_weights()
    np.testing.assert_allclose(weighted_by_draw(values, weights).mean(axis=0), weights @ values, atol=1e-14)
    assert weighted_by_draw(values, None) is values
    np.testing.assert_array_equal(weighted_by_draw(values, np.full(DRAWS, 1 / DRAWS)), values)


def test_members_that_are_silent_do_not_count():
    nothing = np.array([np.nan, np.nan])
    said = mean_of_members([np.array([0.2, np.nan]), np.array([0.4, 0.6]), nothing])
    np.testing.assert_allclose(said, [0.3, 0.6])
    assert np.all(np.isnan(mean_of_members([nothing, nothing])))


def test_a_target_is_as_likely_as_every_target_that_it_includes():
    rules = [ANY, CLASH, TargetRule("war", ("military_incident",), 5), TargetRule("visit", ("visit",), 1)]
    values = {
        "any": np.array([0.5, 0.1, np.nan]),
        "clash": np.array([0.2, 0.2, 0.2]),
        "war": np.array([0.1, 0.3, np.nan]),
        "visit": np.array([0.0, 0.9, 0.9]),
    }
    expected = values | {"any": np.array([0.5, 0.3, np.nan]), "clash": np.array([0.2, 0.3, 0.2])}
    np.testing.assert_equal(raised_to_included(values, rules), expected)
