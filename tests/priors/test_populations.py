"""Priors learned from other dyads: how they follow the record, how far they move, how they are pooled."""

import json
import math

import numpy as np
import pytest

from forecast.errors import ConfigError, StoppedError
from forecast.events.bundled import load_events
from forecast.panel.streams import TargetRule, stream_layout
from forecast.priors import default_priors, parameter_groups
from forecast.priors.population import (
    LEARNED,
    LEAST_SPREAD,
    NORMAL_SCALES,
    WIDE_SHARE,
    Population,
    Provenance,
    Spread,
    read_population,
    shipped_population,
)
from forecast.storage.kept_rows import KeptRows
from forecast.workflows import population as learning
from forecast.workflows.population import (
    SLOPE_SCALE,
    Estimate,
    Fit,
    LearningOptions,
    learn_population,
    pool,
    pool_fits,
    population_yaml,
)

JOINT = stream_layout("joint")
TARGET = TargetRule("military", ("military_incident", "military_posture"), 4)
LAYOUTS = {
    "joint": JOINT,
    "focused": stream_layout("focused", TARGET),
    "target": stream_layout("target", TARGET),
}
DOCUMENTED = default_priors(JOINT).priors
PROVENANCE = Provenance(
    dyads=("a-b", "c-d"),
    events=120,
    first="2000-01-01",
    last="2004-12-31",
    thinnings=(1.0, 0.1),
    seed=1,
    source="made for a test",
    command="none",
    version="0",
)


def population(groups, least: float = 1.0, most: float = 100.0) -> Population:
    """Centred on ten acts a month; groups map a name to classes with centre, slope and spread."""
    return Population.model_validate(
        {
            "schema": 1,
            "provenance": PROVENANCE,
            "acts_a_month": 10.0,
            "least_acts_a_month": least,
            "most_acts_a_month": most,
            "groups": {
                name: {
                    kind: Spread(centre=centre, slope=slope, spread=spread, values=9)
                    for kind, (centre, slope, spread) in classes.items()
                }
                for name, classes in groups.items()
            },
        }
    )


def values(prior_set, name: str) -> tuple[float, float]:
    return prior_set.priors[name].distribution.values


def test_documented_defaults_of_learned_groups_have_a_mean_on_their_scale():
    for layout in LAYOUTS.values():
        learned = [group for group in parameter_groups(layout) if group.name in LEARNED]
        assert len(learned) >= 7
        for group in learned:
            assert group.default.family == NORMAL_SCALES[group.support], group.name


@pytest.mark.parametrize("acts_a_month", [0.05, 1.0, 10.0, 400.0])
def test_baselines_scale_with_acts_a_month_one_for_one(acts_a_month):
    learned = population({"baseline.weekly_rate": {"conflict": (-2.0, 0.4, 0.6)}})
    once = values(learned.priors(JOINT, acts_a_month), "baseline.weekly_rate.dispute")
    twice = values(learned.priors(JOINT, 2 * acts_a_month), "baseline.weekly_rate.dispute")
    assert twice[0] - once[0] == pytest.approx(math.log(2), abs=2e-3)  # priors keep four digits
    assert twice[1] == once[1]
    # A share exp(-2) of the acts, of which a week holds 7 in 365.25 / 12 days.
    assert math.exp(once[0]) == pytest.approx(math.exp(-2) * acts_a_month * 84 / 365.25, rel=3e-3)


def test_all_acts_of_a_layout_of_one_kind_are_of_this_kind():
    learned = population({"baseline.weekly_rate": {"conflict": (-5.0, 0.4, 0.6)}})
    (prior,) = (
        prior
        for name, prior in learned.priors(LAYOUTS["target"], 3.0).priors.items()
        if name.startswith("baseline.weekly_rate")
    )
    assert prior.distribution.values[0] == pytest.approx(math.log(3 * 84 / 365.25), abs=2e-3)


def test_a_group_moves_with_its_slope_and_no_further_than_the_learned_range():
    learned = population({"tension.scale": {"all": (0.0, 0.1, 1.0)}}, least=5, most=20)
    at = {acts: learned.priors(JOINT, acts).priors["tension.scale"].distribution for acts in (5, 10, 20)}
    step = (1 - WIDE_SHARE) * 0.1 * math.log(2)
    assert at[20].values[0] - at[10].values[0] == pytest.approx(step, abs=2e-4)
    assert at[10].values[0] - at[5].values[0] == pytest.approx(step, abs=2e-4)
    assert learned.priors(JOINT, 1e6).priors["tension.scale"].distribution == at[20]
    assert learned.priors(JOINT, 1e-6).priors["tension.scale"].distribution == at[5]


@pytest.mark.parametrize("centre", [-60.0, -2.0, 0.0, 60.0])
@pytest.mark.parametrize("spread", [0.001, 0.4, 3.0])
def test_no_group_but_baselines_moves_more_than_a_documented_standard_deviation(centre, spread):
    kinds = dict.fromkeys(("all", "conflict", "cooperative"), (centre, 1.0, spread))
    learned = population({name: kinds for name in LEARNED if name != "baseline.weekly_rate"})
    for acts_a_month in (0.01, 10, 1000):
        for name, prior in learned.priors(JOINT, acts_a_month).priors.items():
            middle, width = DOCUMENTED[name].distribution.values
            mean, deviation = prior.distribution.values
            assert abs(mean - middle) <= (1 - WIDE_SHARE) * width + 1e-3, name
            assert deviation >= LEAST_SPREAD * width, name
            if prior.group.name not in LEARNED:
                assert prior == DOCUMENTED[name]


def test_the_prior_has_the_moments_of_population_and_documented_default_together():
    documented = DOCUMENTED["excitation.branching.visit"].distribution
    middle, width = documented.values
    centre, spread = middle + 0.7 * width, 0.8 * width
    learned = population({"excitation.branching": {"cooperative": (centre, 0.0, spread)}})
    priors = learned.priors(JOINT, 10.0)
    rng = np.random.default_rng(1)
    wide = rng.random(400_000) < WIDE_SHARE
    drawn = np.where(wide, rng.normal(middle, width, wide.size), rng.normal(centre, spread, wide.size))
    mean, deviation = values(priors, "excitation.branching.visit")
    error = drawn.std() / math.sqrt(drawn.size)
    assert mean == pytest.approx(drawn.mean(), abs=4 * error)
    assert deviation == pytest.approx(drawn.std(), abs=4 * error)
    assert priors.priors["excitation.branching.visit"].distribution.family == "LogitNormal"
    assert priors.priors["excitation.branching.dispute"] == DOCUMENTED["excitation.branching.dispute"]


def test_a_population_that_says_the_same_as_the_documented_default_changes_nothing():
    middle, width = DOCUMENTED["tension.scale"].distribution.values
    learned = population({"tension.scale": {"all": (middle, 0.0, width)}})
    assert values(learned.priors(JOINT, 10.0), "tension.scale") == pytest.approx((middle, width), rel=1e-3)


def test_the_default_word_stands_for_what_was_learned():
    learned = population({"tension.scale": {"all": (0.3, 0.0, 0.4)}}).priors(JOINT, 10.0)
    changed = learned.changed({"tension.scale": "large"}, "config").changed(
        {"tension.scale": "default"}, "config"
    )
    assert changed.priors["tension.scale"].distribution == learned.priors["tension.scale"].distribution
    assert learned.priors["tension.scale"].documented == DOCUMENTED["tension.scale"].distribution
    assert learned.priors["tension.scale"].words == "default"


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_shipped_population_gives_proper_priors_at_any_density(name):
    shipped = shipped_population()
    assert shipped.groups.keys() <= set(LEARNED)
    assert shipped.groups.keys() >= {"baseline.weekly_rate"}
    supports = {prior.name: prior.group.support for prior in default_priors(LAYOUTS[name]).priors.values()}
    for acts_a_month in (0.01, shipped.acts_a_month, 1000.0):
        priors = shipped.priors(LAYOUTS[name], acts_a_month).priors
        assert priors.keys() == supports.keys()
        for prior in priors.values():
            assert prior.distribution.support == supports[prior.name]
            assert np.isfinite(prior.distribution.quantile([0.05, 0.95])).all()


def simulated_estimates(n: int, centre: float, slope: float, spread: float, seed: int) -> list[Estimate]:
    """Estimates with errors of their own, at densities around exp(1) acts a month."""
    rng = np.random.default_rng(seed)
    log_acts = rng.normal(1.0, 1.2, n)
    variance = rng.uniform(0.02, 0.5, n)
    true = centre + slope * (log_acts - 1.0) + rng.normal(0, spread, n)
    return [
        Estimate(*one) for one in zip(rng.normal(true, np.sqrt(variance)), variance, log_acts, strict=True)
    ]


@pytest.mark.parametrize("spread", [0.15, 0.8])
@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.2])
def test_pooling_recovers_centre_slope_and_spread_within_their_error(slope, spread):
    n, centre = 150, -1.4
    found = [pool(simulated_estimates(n, centre, slope, spread, seed), 1.0) for seed in range(20)]
    # The mean precision of one value gives the error of each figure; that of the slope is shrunk a little.
    precision = np.mean(1 / (spread**2 + np.random.default_rng(0).uniform(0.02, 0.5, 10_000)))
    error = 1 / math.sqrt(n * precision)
    centres, slopes, spreads = np.array([(one.centre, one.slope, one.spread) for one in found]).T
    assert centres.mean() == pytest.approx(centre, abs=4 * error / math.sqrt(20))
    assert slopes.mean() == pytest.approx(slope, abs=4 * error / 1.2 / math.sqrt(20) + 0.02)
    assert centres.std() < 1.6 * error
    assert slopes.std() < 1.6 * error / 1.2
    # The spread is that of a new dyad: it holds the error of the centre.
    assert np.sqrt(np.mean(spreads**2)) == pytest.approx(math.hypot(spread, error), rel=0.1)
    assert all(one.values == n for one in found)


def test_errors_of_estimates_are_no_spread_between_dyads():
    estimates = simulated_estimates(400, 0.0, 0.0, 0.0, 3)
    assert np.std([one.mean for one in estimates]) > 0.4
    assert pool(estimates, 1.0).spread < 0.15


def test_few_estimates_leave_the_slope_near_none():
    two = [Estimate(0.0, 0.3, 0.0), Estimate(0.5, 0.3, 1.0)]
    assert abs(pool(two, 0.5).slope) < 0.25 * 0.5  # a line through them has slope 0.5
    assert SLOPE_SCALE < 0.5


def test_a_class_that_dyads_say_less_of_than_the_documented_default_is_left_out():
    def fit(seed: int) -> Fit:
        rng = np.random.default_rng(seed)
        log_acts = float(rng.normal(1, 1))

        def estimate(spread: float) -> Estimate:
            return Estimate(float(rng.normal(0.2, spread)), 0.01, log_acts)

        return Fit(
            log_acts,
            (
                ("tension.scale", "all", estimate(0.2)),
                ("excitation.branching", "conflict", estimate(4.0)),  # documented: 1
                ("baseline.weekly_rate", "conflict", estimate(4.0)),
            ),
        )

    fits = [fit(seed) for seed in range(60)]
    pooled = pool_fits(fits, PROVENANCE)
    assert pooled.groups.keys() == {"tension.scale", "baseline.weekly_rate"}
    densities = [one.log_acts for one in fits]
    assert pooled.acts_a_month == pytest.approx(math.exp(np.mean(densities)), rel=1e-3)
    assert pooled.least_acts_a_month == pytest.approx(math.exp(min(densities)), rel=1e-3)
    assert pooled.most_acts_a_month == pytest.approx(math.exp(max(densities)), rel=1e-3)


def test_a_population_reads_back_as_it_was_written(tmp_path):
    learned = population(
        {
            "tension.scale": {"all": (0.3, -0.1, 0.4)},
            "baseline.weekly_rate": {"conflict": (-2.0, 0.0, 0.6), "cooperative": (-1.0, 0.0, 1e-5)},
        }
    )
    path = tmp_path / "own.yaml"
    path.write_text(population_yaml(learned), encoding="utf-8")
    assert read_population(path) == learned
    assert read_population(path).sha256 == learned.sha256
    path.write_text(population_yaml(shipped_population()), encoding="utf-8")
    assert read_population(path) == shipped_population()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("schema: 1", "schema: 2", r"own\.yaml:1:1: schema: got 2; this version reads 1\. Make one with"),
        ("schema: 1\n", "", r"own\.yaml: holds no population\. Make one with 'forecast priors learn DIR"),
        (
            "tension.scale",
            "tension.scal",
            r":\d+:3: groups\.tension\.scal: unknown name.* 'tension\.scale'\?",
        ),
        ("all:", "al:", r"groups\.tension\.scale\.al: unknown name\. Did you mean 'all'\?"),
        ("spread: 0.4", "spread: 0", r"tension\.scale\.all\.spread: got 0; expected a number above 0"),
        ("spread: 0.4", "spread: wide", r"tension\.scale\.all\.spread: got 'wide'; expected a number"),
        (
            "      slope: -0.1\n",
            "",
            r"all\.slope: required key is missing; add 'slope': change of the centre",
        ),
        ("most_acts_a_month: 100", "most_acts_a_month: 2", r"must ascend"),
        ("groups:", "groups: [", r"own\.yaml:\d+:\d+: not valid YAML"),
    ],
)
def test_a_file_that_holds_no_population_is_refused_with_line_and_key(tmp_path, old, new, says):
    text = population_yaml(population({"tension.scale": {"all": (0.3, -0.1, 0.4)}}))
    assert old in text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=says) as raised:
        read_population(path)
    assert "\n" not in str(raised.value)


def test_learning_that_was_stopped_goes_on_where_it_was(tmp_path, monkeypatch, shared_data):
    paths = sorted((shared_data / "panel").glob("usa-*.csv"))[:4]
    dyads = {path.stem: load_events(str(path), path.parent) for path in paths}
    options = LearningOptions(thinnings=(1.0,))
    tried = []

    def fit(model, compiled, events, options, seed):
        tried.append(events.sha256)
        if len(tried) == 3:
            raise KeyboardInterrupt
        estimate = Estimate(0.1 * len(events), 0.04, math.log(2.0))
        return [Fit(math.log(2.0 + len(events)), (("baseline.weekly_rate", "conflict", estimate),))]

    monkeypatch.setattr(learning, "_learn_from", fit)
    monkeypatch.setattr(learning, "_compiled", lambda model: None)
    with pytest.raises(StoppedError, match="2 of 4 fits are kept"):
        learn_population(dyads, options, keep=tmp_path / "kept")
    assert len(KeptRows(tmp_path / "kept")) == 2
    whole = learn_population(dyads, options, keep=tmp_path / "kept")
    assert len(tried) == 5  # two are kept; the third, which was stopped, is tried again
    assert len(set(tried)) == 4
    assert whole == learn_population(dyads, options)
    lines = (tmp_path / "kept" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == 4
