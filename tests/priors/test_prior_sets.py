import math

import pytest

from forecast.errors import PriorError
from forecast.panel.streams import TargetRule, stream_layout
from forecast.priors import Distribution, default_priors, elements, parameter_groups

TARGET = TargetRule("military", ("military_incident", "military_posture"), 4)
LAYOUTS = {
    "joint": stream_layout("joint"),
    "focused": stream_layout("focused", TARGET),
    "target": stream_layout("target", TARGET),
}


@pytest.fixture
def joint():
    return default_priors(LAYOUTS["joint"])


@pytest.mark.parametrize("family", LAYOUTS)
def test_every_parameter_has_a_prior_that_fits_its_support(family):
    layout = LAYOUTS[family]
    priors = default_priors(layout)
    inside = {"real": {"real"}, "positive": {"positive", "unit"}, "unit": {"unit"}}
    for group in parameter_groups(layout):
        names = [f"{group.name}.{element}" for element in elements(group, layout)] or [group.name]
        assert [prior.name for prior in priors.of_group(group)] == names
        for prior in priors.of_group(group):
            for distribution in (prior.distribution, *prior.group.words.values()):
                assert distribution.support in inside[prior.group.support], prior.name
    assert all(prior.origin == "default" for prior in priors.priors.values())


def test_ballast_and_severity_belong_to_the_joint_layout_only():
    names = {family: {g.name for g in parameter_groups(layout)} for family, layout in LAYOUTS.items()}
    only_joint = {
        "ballast",
        "ballast.half_life_days",
        "severity.level",
        "severity.notable",
        "severity.category",
        "severity.grave",
        "severity.tension",
        "severity.recent",
        "severity.drift",
    }
    assert names["joint"] - names["focused"] == only_joint
    assert names["focused"] == names["target"]


def test_default_loadings_set_the_sign_of_tension(joint):
    assert joint.priors["tension.loading.dispute"].distribution == Distribution("LogNormal", (0, 0.4))
    assert joint.priors["tension.loading.visit"].distribution.support == "real"
    for name in ("tension.loading.dispute", "severity.tension"):
        with pytest.raises(PriorError, match=r"puts mass where .*above 0"):
            joint.changed({name: "Normal(0.3, 0.4)"}, "config")
    assert joint.changed({"tension.loading.visit": "against"}, "config")
    with pytest.raises(
        PriorError, match=r"got 'against'; expected a distribution, or a word: 'none', 'follows'"
    ):
        joint.changed({"tension.loading.sanction": "against"}, "config")


def test_a_word_stands_for_its_documented_distribution(joint):
    changed = joint.changed({"tension.persistence": "slow"}, "config").priors["tension.persistence"]
    assert changed.distribution == Distribution("LogNormal", (math.log(300), 0.4))
    assert (changed.words, changed.origin) == ("slow", "config")
    assert joint.priors["tension.persistence"].words == "medium"  # the set itself is left alone


def test_quantiles_and_texts_become_distributions(joint):
    changed = joint.changed(
        {"ballast.visit": {"q05": 0.5, "q95": 1.1}, "excitation.half_life_days": "Gamma(2, 0.1)"}, "scenario"
    )
    visit = changed.priors["ballast.visit"].distribution
    assert visit.values == pytest.approx((0.8, 0.3 / 1.6448536))
    assert changed.priors["excitation.half_life_days"].distribution == Distribution("Gamma", (2, 0.1))
    assert changed.priors["ballast.cooperation"] == joint.priors["ballast.cooperation"]


@pytest.mark.parametrize("order", [("ballast", "ballast.visit"), ("ballast.visit", "ballast")])
def test_a_parameters_own_prior_wins_over_its_groups_in_any_order(joint, order):
    stated = {"ballast": "none", "ballast.visit": "calms"}
    changed = joint.changed({name: stated[name] for name in order}, "config")
    words = {
        name: changed.priors[f"ballast.{name}"].words for name in ("visit", "channel_opening", "cooperation")
    }
    assert words == {"visit": "calms", "channel_opening": "none", "cooperation": "none"}


@pytest.mark.parametrize(
    ("name", "statement", "message"),
    [
        (
            "tension.persistance",
            "slow",
            r"persistance: unknown prior\. Did you mean 'tension\.persistence'\?",
        ),
        ("ballast.visits", "none", r"ballast\.visits: unknown prior\. Did you mean 'ballast\.visit'\?"),
        ("ballast.dispute", "none", r"ballast\.dispute: unknown prior\."),
        ("zzzz", "none", r"^zzzz: unknown prior\. 'forecast priors CONFIG' lists them all\.$"),
        (
            "tension.persistence",
            "slw",
            r"got 'slw'; expected .* word: 'fast', 'medium', 'slow'.*Did you mean 'slow'\?",
        ),
        (
            "severity.level.3",
            "high",
            r"got 'high'; expected a distribution, or a word: 'rarely', .*'default'\.",
        ),
        ("tension.scale", "Normal(0, 1)", r"Normal\(mu=0, sigma=1\) puts mass where .*above 0"),
        ("excitation.branching.visit", "LogNormal(0, 1)", r"puts mass where .*between 0 and 1"),
        ("tension.scale", "Nrmal(0, 1)", "unknown distribution 'Nrmal'"),
        ("tension.scale", {"q05": -1, "q95": 1}, "quantiles must lie above 0"),
        ("ballast.visit", {"efect": {"median": 0, "q95": 1}}, "unknown scale 'efect'; .* on 'effect'"),
        ("ballast.visit", {"effect": {"median": -0.5, "q05": -1}}, "effect: quantiles must lie above -100%"),
        (
            "ballast.visit",
            {"effect": {"median": "-50%", "q05": "0%"}},
            "effect: quantiles must rise: q05 = 0",
        ),
        ("severity.level.5", {"chance": {"median": "5%", "q95": 1.2}}, "chance: .* between 0 and 1"),
        ("tension.scale", {"times": {"q05": 0.5, "q95": 2}}, "times: quantiles must lie above 1"),
        ("tension.scale", 3, "got 3; state a word, a distribution or quantiles"),
    ],
)
def test_a_statement_that_cannot_be_used_names_its_parameter(joint, name, statement, message):
    with pytest.raises(PriorError, match=message) as raised:
        joint.changed({name: statement}, "config")
    assert str(raised.value).startswith(f"{name}: ")


def test_a_narrower_support_is_accepted(joint):
    changed = joint.changed({"tension.scale": "Beta(2, 2)", "ballast": "HalfNormal(0.3)"}, "config")
    assert changed.priors["tension.scale"].distribution.support == "unit"
    assert changed.priors["ballast.visit"].distribution.support == "positive"


def test_a_layout_knows_only_its_own_parameters():
    focused = default_priors(LAYOUTS["focused"])
    with pytest.raises(PriorError, match=r"ballast\.visit: unknown prior"):
        focused.changed({"ballast.visit": "none"}, "config")
    assert (
        focused.changed({"excitation.branching.target": "weak"}, "config")
        .priors["excitation.branching.target"]
        .words
        == "weak"
    )
