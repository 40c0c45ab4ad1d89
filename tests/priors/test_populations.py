"""Priors learned from other dyads, and priors of a record: how they follow it, what a file must hold."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config.writing import as_yaml
from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.priors import default_priors, parameter_groups
from forecast.priors.named import NORMAL_FAMILY
from forecast.priors.population import (
    LEARNED,
    WIDE_SHARE,
    Population,
    Provenance,
    own_rates,
    read_population,
    record_priors,
    shipped_population,
)
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule

MAJOR = TargetRule("major", ("sanction", "military_incident"), 4)
LETHAL = TargetRule("lethal", ("military_incident",), 5)
LAYOUT = stream_layout((MAJOR, LETHAL), DyadRule(("A",), ("B",)))
DOCUMENTED = default_priors(LAYOUT).priors
PROVENANCE = Provenance(
    dyads=("a-b", "c-d"),
    events=120,
    first="2000-01-01",
    last="2004-12-31",
    seed=1,
    source="made for a test",
    command="none",
    version="0",
)
FURTHER = {"alpha": 2.0, "beta": 18.0, "values": 30}


def population(groups) -> Population:
    """Groups map a name to classes with centre and spread."""
    return Population.model_validate(
        {
            "schema": 3,
            "provenance": PROVENANCE,
            "further": FURTHER,
            "groups": {
                name: {kind: {"centre": c, "spread": s, "values": 9} for kind, (c, s) in classes.items()}
                for name, classes in groups.items()
            },
        }
    )


def population_yaml(learned: Population) -> str:
    return as_yaml(learned.model_dump(mode="json", by_alias=True))


@pytest.fixture
def panel_of(coded):
    """Counts of acts given as (category, severity, number), spread evenly over so many weeks."""

    def make(acts, weeks: int = 200):
        start = date(2010, 1, 4)
        rows = [
            (start + timedelta(days=round((n + 0.5) * 7 * weeks / number)), category, severity)
            for category, severity, number in acts
            for n in range(number)
        ]
        return acts_of(coded(*rows), TimeGrid(start, start + timedelta(days=7 * weeks)), LAYOUT)

    return make


def values(priors, name):
    return priors.priors[name].distribution.values


def test_documented_defaults_of_learned_groups_have_a_mean_on_their_scale():
    groups = {group.name: group for group in parameter_groups()}
    for name in LEARNED:
        assert groups[name].default.family == NORMAL_FAMILY[groups[name].support]


@pytest.mark.parametrize("learned", [None, shipped_population()], ids=["documented", "shipped"])
def test_thinning_a_record_by_ten_lowers_its_rates_by_ten_and_changes_no_other_prior(panel_of, learned):
    dense = record_priors(panel_of([("dispute", 2, 400), ("sanction", 4, 60)]), learned)
    thin = record_priors(panel_of([("dispute", 2, 40), ("sanction", 4, 6)]), learned)
    for stream, acts in (("dispute.A", 400), ("major", 60)):
        (before, spread), (after, same) = (
            values(one, f"baseline.weekly_rate.{stream}") for one in (dense, thin)
        )
        assert before - after == pytest.approx(math.log((acts + 0.5) / (acts / 10 + 0.5)), abs=1e-3)
        assert same == spread
    others = [name for name in dense.priors if not name.startswith("baseline.")]
    assert all(dense.priors[name].distribution == thin.priors[name].distribution for name in others)


def test_a_cell_that_never_happened_has_the_rate_of_the_next_milder_acts_times_the_share_that_go_further(
    panel_of,
):
    learned = population({})
    panel = panel_of([("military_incident", 4, 9), ("military_incident", 2, 30)])
    rates = dict(zip(LAYOUT.rates, own_rates(panel, learned), strict=True))
    assert rates["major"].weekly == pytest.approx(9.5 / 200)
    found = rates["lethal"]
    assert found.weekly == pytest.approx(9.5 / 200)
    # A log-normal of this mean and deviation of the logarithm has the mean and variance of the Beta.
    mean, variance = 0.1, 0.1 * 0.9 / 21
    assert math.exp(found.log_share + found.spread**2 / 2) == pytest.approx(mean)
    assert math.exp(found.spread**2) - 1 == pytest.approx(variance / mean**2)
    middle, spread = values(record_priors(panel, learned), "baseline.weekly_rate.lethal")
    less, _ = DOCUMENTED["baseline.weekly_rate.lethal"].distribution.values
    assert middle == pytest.approx(math.log(9.5 / 200) + found.log_share + less, abs=1e-3)
    assert spread == pytest.approx(math.hypot(1.0, found.spread), rel=1e-3)


def test_where_the_milder_cell_never_happened_either_the_shares_of_both_steps_are_taken(panel_of):
    panel = panel_of([("military_incident", 3, 40)])
    rates = dict(zip(LAYOUT.rates, own_rates(panel, population({})), strict=True))
    steps = [rates[name] for name in ("major", "lethal")]
    assert [one.steps for one in steps] == [1, 2]
    assert steps[1].weekly == steps[0].weekly
    assert steps[1].log_share == pytest.approx(2 * steps[0].log_share)
    assert steps[1].spread == pytest.approx(math.sqrt(2) * steps[0].spread)


def test_the_prior_has_the_moments_of_population_and_documented_default_together():
    documented = DOCUMENTED["answers.in_kind.same_side"].distribution
    middle, width = documented.values
    centre, spread = middle + 0.7 * width, 0.8 * width
    priors = population({"answers.in_kind": {"same_side": (centre, spread)}}).priors(LAYOUT)
    rng = np.random.default_rng(1)
    wide = rng.random(400_000) < WIDE_SHARE
    drawn = np.where(wide, rng.normal(middle, width, wide.size), rng.normal(centre, spread, wide.size))
    mean, deviation = values(priors, "answers.in_kind.same_side")
    error = drawn.std() / math.sqrt(drawn.size)
    assert mean == pytest.approx(drawn.mean(), abs=4 * error)
    assert deviation == pytest.approx(drawn.std(), abs=4 * error)
    assert priors.priors["answers.in_kind.same_side"].distribution.family == "LogitNormal"
    assert priors.priors["tension.scale"] == DOCUMENTED["tension.scale"]


def test_the_default_word_stands_for_what_was_learned():
    learned = population({"tension.scale": {"all": (0.3, 0.4)}}).priors(LAYOUT)
    changed = learned.changed({"tension.scale": "large"}, "config").changed(
        {"tension.scale": "default"}, "config"
    )
    assert changed.priors["tension.scale"].distribution == learned.priors["tension.scale"].distribution


def test_a_population_reads_back_as_it_was_written(tmp_path):
    learned = population(
        {"tension.scale": {"all": (0.3, 0.4)}, "answers.in_kind": {"same_side": (-2.0, 1e-5)}}
    )
    path = tmp_path / "own.yaml"
    path.write_text(population_yaml(learned), encoding="utf-8")
    assert read_population(path) == learned
    assert read_population(path).sha256 == learned.sha256
    path.write_text(population_yaml(shipped_population()), encoding="utf-8")
    assert read_population(path) == shipped_population()


FAULTS = (
    ("schema: 3", "schema: 2"),
    ("schema: 3\n", ""),
    ("tension.scale", "tension.scal"),
    ("all:", "al:"),
    *(("spread: 0.4", f"spread: {one}") for one in ("0", "wide")),
    ("      spread: 0.4\n", ""),
    ("alpha: 2", "alpha: 0"),
    ("groups:", "groups: ["),
)


def test_a_file_that_holds_no_population_is_refused_with_line_and_key(tmp_path, refused, snapshot):
    text = population_yaml(population({"tension.scale": {"all": (0.3, 0.4)}}))

    def read(old, new):
        assert old in text
        (tmp_path / "own.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        read_population(tmp_path / "own.yaml")

    assert refused(read, *FAULTS) == snapshot
