import pytest

from forecast.errors import PriorError
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import DyadRule
from forecast.panel import TargetRule
from forecast.priors import Distribution, default_priors, elements, parameter_groups
from forecast.streams import stream_layout

DYAD = DyadRule(("A",), ("B",))
WIDE = TargetRule("military", ("military_incident", "military_posture"), 4)
LAYOUTS = {
    "one target": stream_layout((WIDE,), DYAD),
    "nested and overlapping": stream_layout(
        (
            WIDE,
            TargetRule("lethal", ("military_incident",), 5),
            TargetRule("visit", ("sanction", "dispute"), 2),
        ),
        DYAD,
    ),
    "every act": stream_layout((TargetRule("any", CATEGORIES, 1),), DYAD),
}

GROUPS = {group.name: group for group in parameter_groups()}


@pytest.fixture
def priors():
    return default_priors(LAYOUTS["one target"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_parameter_has_a_prior_that_fits_its_support(name):
    layout = LAYOUTS[name]
    priors = default_priors(layout)
    inside = {"real": {"real"}, "positive": {"positive", "unit"}, "unit": {"unit"}}
    for group in parameter_groups():
        kinds = elements(group, layout)
        names = [group.name] if group.dimension is None else [f"{group.name}.{element}" for element in kinds]
        assert [prior.name for prior in priors.of_group(group)] == names
        for prior in priors.of_group(group):
            for distribution in (prior.distribution, *prior.group.words.values()):
                assert distribution.support in inside[prior.group.support], prior.name
    assert all(prior.origin == "default" for prior in priors.priors.values())


def test_default_loadings_set_the_sign_of_tension(priors):
    assert priors.priors["tension.loading.dispute"].distribution.support == "positive"
    assert priors.priors["tension.loading.visit"].distribution.support == "real"
    with pytest.raises(PriorError, match=r"puts mass where .*above 0"):
        priors.changed({"tension.loading.dispute": "Normal(0.3, 0.4)"}, "config")
    assert priors.changed({"tension.loading.visit": "against"}, "config")
    with pytest.raises(
        PriorError, match=r"got 'against'; expected a distribution, or a word: 'none', 'follows'"
    ):
        priors.changed({"tension.loading.sanction": "against"}, "config")


def test_quantiles_and_texts_become_distributions(priors):
    changed = priors.changed(
        {"ballast.visit": {"q05": 0.5, "q95": 1.1}, "answers.half_life_days": "Gamma(2, 0.1)"}, "scenario"
    )
    visit = changed.priors["ballast.visit"].distribution
    assert visit.values == pytest.approx((0.8, 0.3 / 1.6448536))
    assert changed.priors["answers.half_life_days"].distribution == Distribution("Gamma", (2, 0.1))
    assert changed.priors["ballast.cooperation"] == priors.priors["ballast.cooperation"]


@pytest.mark.parametrize("order", [("ballast", "ballast.visit"), ("ballast.visit", "ballast")])
def test_a_parameters_own_prior_wins_over_its_groups_in_any_order(priors, order):
    stated = {"ballast": "none", "ballast.visit": "calms"}
    changed = priors.changed({name: stated[name] for name in order}, "config").of_group(GROUPS["ballast"])
    assert {prior.element: prior.words for prior in changed} == {
        "visit": "calms",
        "channel_opening": "none",
        "cooperation": "none",
    }


UNUSABLE = (
    ("tension.persistance", "slow"),
    ("ballast.visits", "none"),
    ("ballast.dispute", "none"),
    ("answers.in_kind.both", "mostly"),
    ("zzzz", "none"),
    ("tension.persistence", "slw"),
    ("answers.in_kind.same_side", "high"),
    ("tension.scale", "Normal(0, 1)"),
    ("follow_on.number", "LogNormal(0, 1)"),
    ("tension.scale", "Nrmal(0, 1)"),
    ("tension.scale", {"q05": -1, "q95": 1}),
    ("ballast.visit", {"efect": {"median": 0, "q95": 1}}),
    ("ballast.visit", {"effect": {"median": -0.5, "q05": -1}}),
    ("ballast.visit", {"effect": {"median": "-50%", "q05": "0%"}}),
    ("answers.in_kind.other_side", {"share": {"median": "5%", "q95": 1.2}}),
    ("follow_on.number", {"per_hundred": {"median": 10, "q95": 120}}),
    ("answers.severity", {"times": {"median": 0.9, "q95": 2}}),
    ("tension.scale", {"times": {"q05": 0.5, "q95": 2}}),
    ("tension.scale", 3),
    # Priors that went are answered with what took their place.
    *((name, "weak") for name in ("severity.level.3", "severity.recent", "baseline.weekly_rate.target")),
    *((f"excitation.{name}", "weak") for name in ("branching.visit", "cross.sanction", "half_life_days")),
    ("overdispersion.shape", "even"),
)


def test_a_statement_that_cannot_be_used_names_its_parameter(priors, refused, snapshot):
    said = refused(lambda name, statement: priors.changed({name: statement}, "config"), *UNUSABLE)
    assert [
        text for (name, _), text in zip(UNUSABLE, said.values(), strict=True) if not text.startswith(name)
    ] == []
    assert said == snapshot


def test_a_target_named_like_a_category_or_a_side_keeps_its_prior_apart():
    layout = LAYOUTS["nested and overlapping"]
    assert {"military", "visit", "visit.target", "lethal"} <= set(layout.rates)
    assert len(set(layout.rates)) == len(layout.rates)
    changed = default_priors(layout).changed({"baseline.weekly_rate.visit": "rare"}, "config")
    assert changed.priors["baseline.weekly_rate.visit"].words == "rare"
    assert changed.priors["baseline.weekly_rate.visit.target"].origin == "default"
