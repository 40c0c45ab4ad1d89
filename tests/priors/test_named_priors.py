"""Every prior is explained in full, stated in every form, and read back in plain terms."""

import math
import pickle
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from forecast.config.field_types import level_of, read_quantiles, read_statement
from forecast.errors import PriorError
from forecast.events.codebook import CATEGORIES
from forecast.events.dyads import DyadRule
from forecast.phrases.assumptions import assumption_label
from forecast.priors import Distribution, default_priors, elements, fit_quantiles, parameter_groups
from forecast.priors.named import (
    SCALES,
    TOLERATED_MISS,
    effect_words,
    elicit,
    statement_examples,
)
from forecast.streams import stream_layout
from forecast.targets import ActClass, Reaction, TargetRule

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


def test_the_rate_of_the_narrower_target_wins_over_those_of_wider_ones_in_any_order():
    priors = default_priors(LAYOUTS["nested and overlapping"])
    cell = "baseline.weekly_rate.lethal"
    stated = {"baseline.weekly_rate": "rare", "rate.military": "2 a year", "rate.lethal": "0.1 a year"}
    for order in permutations(stated):
        changed = priors.changed({name: stated[name] for name in order}, "config").priors
        assert changed[cell].distribution.quantile(0.5) * 365.25 / 7 == pytest.approx(0.1)
        assert changed["baseline.weekly_rate.military"].distribution.quantile(0.5) * 365.25 / 7 < 2
        assert changed["baseline.weekly_rate.visit"].words == "rare"
        own = priors.changed({name: stated[name] for name in order} | {cell: "LogNormal(-6, 0.2)"}, "config")
        assert own.priors[cell].distribution == Distribution("LogNormal", (-6, 0.2))


def test_a_prior_of_reactions_where_none_is_stated_is_refused(priors):
    with pytest.raises(
        PriorError, match=r"reaction.number: would have no effect, since no reaction is stated"
    ):
        priors.changed({"reaction.number": "LogNormal(0, 1)"}, "config")


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
    ("baseline.weekly_rate.target", "weak"),
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


LAYOUT = stream_layout(
    (TargetRule("military", ("military_incident", "military_posture"), 4),),
    DyadRule(("A",), ("B",)),
    (Reaction("protest", "Protest", ActClass("dispute", ("protest",)), ("sanction",)),),
)
PRIORS = default_priors(LAYOUT)


def test_every_prior_has_meaning_unit_reason_words_and_a_scale():
    for group in parameter_groups():
        assert group.words, group.name
        assert group.unit, group.name
        assert group.meaning.strip(), group.name
        assert not group.meaning.endswith("."), group.name  # it becomes one sentence
        # It is shown to readers, beside the unit for those who calculate.
        assert " log " not in f" {group.meaning.lower()} ", group.name
        assert group.reason.strip().endswith("."), group.name
        assert len(set(group.words.values())) == len(group.words), f"{group.name}: two words mean the same"
    assert all(prior.words for prior in PRIORS.priors.values())


@pytest.mark.parametrize("name", GROUPS)
def test_words_of_more_stand_for_more(name):
    medians = [float(one.quantile(0.5)) for word, one in GROUPS[name].words.items() if word != "provokes"]
    assert medians == sorted(medians)


def test_every_prior_has_a_name_for_readers():
    for name in PRIORS.priors:
        label = assumption_label(name)
        assert label[0].isupper(), name
        assert not {"{", "_", name} & {*label, label}, name


def test_shares_factors_and_follow_on_acts_are_stated_as_people_say_them():
    changed = PRIORS.changed(
        {
            "answers.in_kind.other_side": {"share": {"median": "30%", "q95": "60%"}},
            "answers.severity": {"times": {"median": 1.5, "q95": 2}},
            "answers.number.same_side": {"per_hundred": {"median": 10, "q95": 25}},
            "reaction.number.protest": {"chance": {"median": "30%", "q95": "60%"}},
            "baseline.weekly_rate.military": {"a_year": {"median": 0.5, "q95": 2}},
        },
        "config",
    ).priors
    expected = {
        "answers.in_kind.other_side": (0.3, "30% of the answers are in kind"),
        "answers.severity": (
            math.log(1.5),
            "an act one severity graver provokes 1.5 times as many answers",
        ),
        "answers.number.same_side": (0.1, "a hundred acts provoke 10 more"),
        "reaction.number.protest": (
            -math.log(0.7),
            "a trigger of severity 4 is answered with",
        ),
        "baseline.weekly_rate.military": (0.5 * 7 / 365.25, "0.5 acts a year on average"),
    }
    for name, (median, reading) in expected.items():
        assert changed[name].distribution.quantile(0.5) == pytest.approx(median)
        assert changed[name].reading.startswith(reading)


def test_a_rate_is_stated_in_the_unit_in_which_it_is_printed():
    name = "baseline.weekly_rate.military"
    for stated, weekly in (("3 a year", 3 * 7 / 365.25), ("0.01 a week", 0.01), (" 2 per year", 14 / 365.25)):
        prior = PRIORS.changed({name: stated}, "config").priors[name]
        assert prior.distribution.quantile(0.5) == pytest.approx(weekly)
    for wrong, said in (("0 a year", "at most one a day"), ("8 a week", "at most one a day")):
        with pytest.raises(PriorError, match=f"{name}: got '{wrong}'; a rate is above 0 and {said}"):
            PRIORS.changed({name: wrong}, "config")
    with pytest.raises(PriorError, match=r"expected a distribution, a rate such as '0.4 a year', or a word"):
        PRIORS.changed({name: "three a year"}, "config")
    with pytest.raises(PriorError, match="expected a distribution, or a word"):
        PRIORS.changed({"tension.persistence": "3 a year"}, "config")


@pytest.mark.parametrize("name", GROUPS)
def test_a_scale_is_monotone_and_goes_there_and_back(name):
    group = GROUPS[name]
    for distribution in (group.default, *group.words.values()):
        values = distribution.quantile(np.linspace(0.01, 0.99, 41))
        shown = np.array([group.scale.of(value) for value in values])
        assert np.all(np.diff(shown) < 0) if group.scale.falls else np.all(np.diff(shown) > 0)
        back = [group.scale.to_parameter(value) for value in shown]
        np.testing.assert_allclose(back, values, rtol=1e-6, atol=1e-12)
        assert group.scale.lowest <= shown.min()
        assert shown.max() <= group.scale.highest


@pytest.mark.parametrize("name", PRIORS.priors)
def test_each_form_shown_for_a_prior_is_valid_and_says_its_default(name):
    prior = PRIORS.priors[name]
    forms = statement_examples(prior)
    assert list(forms)[:3] == ["word", "distribution", "quantiles"]
    assert len(forms) == 4
    for form, statement in forms.items():
        changed = PRIORS.changed({name: statement}, "config").priors[name]
        if form == "word":
            assert changed.words == statement
            continue
        # Quantiles give a log-normal, which never comes as near to nothing as a gamma may.
        low = [0.05] if changed.distribution.family == prior.default.family else []
        np.testing.assert_allclose(
            changed.distribution.quantile([*low, 0.5, 0.95]),
            prior.default.quantile([*low, 0.5, 0.95]),
            rtol=0.02,
            atol=0.01,
            err_msg=form,
        )


def test_a_ballast_of_log_two_halves_the_rate():
    changed = PRIORS.changed({"ballast.visit": f"Normal({math.log(2)}, 0.3)"}, "config")
    low, high = (1 - math.exp(-math.log(2) + sign * 1.6448536 * 0.3) for sign in (1, -1))
    assert changed.priors["ballast.visit"].reading == (
        "recent acts of this kind halve the rate of conflictual acts "
        f"(median; 90% between −{high:.0%} and −{low:.0%})"
    )
    others = {1.0: "double", 0.0: "leave", -0.26: "lower", 0.074: "raise", 4.0: "multiply"}
    ends = {0.0: " as it is", -0.26: " by 26%", 0.074: " by 7.4%", 4.0: " by 5"}
    for effect, verb in others.items():
        assert effect_words(effect, "the rate") == f"{verb} the rate{ends.get(effect, '')}"


def test_priors_reach_another_process_unchanged():
    priors = PRIORS.changed({"tension.scale": "small"}, "config")
    sent = pickle.loads(pickle.dumps(priors))
    assert sent == priors
    assert [one.reading for one in sent.priors.values()] == [one.reading for one in priors.priors.values()]


STANDARD = {
    "real": Distribution("Normal", (0.8, 0.3)),
    "positive": Distribution("LogNormal", (2.0, 0.7)),
    "unit": Distribution("LogitNormal", (-1.0, 0.6)),
}


@pytest.mark.parametrize("support", sorted(STANDARD))
@pytest.mark.parametrize("names", [("q05", "q95"), ("median", "q90"), ("q025", "median", "q80", "q975")])
def test_quantiles_of_a_distribution_give_it_back(support, names):
    known = STANDARD[support]
    fitted = fit_quantiles({name: float(known.quantile(level_of(name))) for name in names}, support)
    assert fitted.family == known.family
    np.testing.assert_allclose(fitted.values, known.values, rtol=1e-6)


def test_three_quantiles_off_centre_are_met_as_well_as_any_normal_can():
    levels, values = [0.05, 0.5, 0.95], np.array([0.5, 0.85, 1.1])
    fitted = fit_quantiles(dict(zip(("q05", "median", "q95"), values.tolist(), strict=True)), "real")

    def loss(mu: float, sigma: float) -> float:
        return float(((Distribution("Normal", (mu, sigma)).quantile(levels) - values) ** 2).sum())

    best = minimize(lambda at: loss(*at), fitted.values, method="Nelder-Mead", options={"xatol": 1e-8})
    assert fitted.values == pytest.approx(best.x, abs=1e-5)
    assert np.abs(fitted.quantile(levels) - values).max() < TOLERATED_MISS * 0.6


SENSELESS = (
    ({"q05": 0.0, "q95": 1.0}, "positive"),
    ({"q05": 0.2, "q95": 1.0}, "unit"),
    *((one, "real") for one in ({"q95": 1.0}, {}, {"q05": 1.0, "median": 1.0}, {"q95": 1.0, "q05": 2.0})),
    *(({name: 1.0, "q95": 2.0}, "real") for name in ("q5", "q00")),
    ({"median": 1.0, "q50": 1.0}, "real"),
    *(({"median": one, "q95": 2.0}, "real") for one in ("1", True, float("nan"), 10**400)),
    ({"q05": 0.0, "median": 0.01, "q95": 10.0}, "real"),
)


def test_statements_that_make_no_sense_are_refused(refused, snapshot):
    assert refused(fit_quantiles, *SENSELESS) == snapshot


def test_an_interval_is_the_two_quantiles_that_bound_it():
    assert read_quantiles({"interval90": [1, 3]}) == {"q05": 1.0, "q95": 3.0}
    assert read_quantiles({"median": 2, "interval95": [1, "300%"]}) == {"median": 2, "q025": 1, "q975": 3}
    assert read_quantiles({"interval50": [0, 1]}) == {"q25": 0, "q75": 1}
    for bounds in (3, [1], [1, 2, 3], "1 to 3"):
        with pytest.raises(PriorError, match=r"interval90: got .*; expected two bounds"):
            read_quantiles({"interval90": bounds})


def test_visits_that_halve_the_rate_are_stated_as_percents():
    # β = −log(1 + effect): the effect's 5% quantile is the ballast's 95%.
    fitted = elicit({"effect": {"median": "-50%", "q05": "-70%", "q95": "0%"}}, "real", SCALES["effect"])
    assert fitted.family == "Normal"
    direct = fit_quantiles({"q05": 0.0, "median": np.log(2), "q95": -np.log(0.3)}, "real")
    np.testing.assert_allclose(fitted.values, direct.values, rtol=1e-9)


_ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("-50%"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["median", "q05", "q50", "q95", "q005", "interval90", "interval00", "effect", "chance"]
)


@settings(max_examples=40)
@given(st.dictionaries(_NAMES | st.text(max_size=4), _ANY_VALUE | st.dictionaries(_NAMES, _ANY_VALUE)))
def test_any_mapping_is_read_as_quantiles_or_refused(statement):
    try:
        read = read_statement(statement)
    except PriorError as fault:
        assert str(fault)  # noqa: PT017 - any other exception fails
        return
    inner = next(iter(read.values()))
    for value in (inner if isinstance(inner, dict) else read).values():
        assert np.isfinite(value)


@settings(max_examples=50)
@given(
    st.sampled_from(["real", "positive", "unit"]),
    st.floats(1e-12, 1e12),
    st.floats(1.0001, 1e9),
    st.floats(1.0001, 1e9),
)
def test_any_three_rising_quantiles_are_met_within_the_tolerance_or_refused(support, low, ratio, further):
    values = [low, low * ratio, low * ratio * further]
    try:
        fitted = fit_quantiles(dict(zip(("q05", "median", "q95"), values, strict=True)), support)
    except PriorError:
        return
    room = TOLERATED_MISS * (values[2] - values[0]) * (1 + 1e-9)
    assert np.abs(fitted.quantile([0.05, 0.5, 0.95]) - values).max() <= room
