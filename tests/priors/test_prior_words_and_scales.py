"""Every prior is explained in full, can be stated in every form, and is read back in plain terms."""

import math
import pickle

import numpy as np
import pytest

from forecast.events.dyads import DyadRule
from forecast.panel import ActClass, Reaction, TargetRule
from forecast.priors import default_priors, parameter_groups
from forecast.priors.named import (
    effect_words,
    statement_examples,
)
from forecast.report.words import assumption_label
from forecast.streams import stream_layout

LAYOUT = stream_layout(
    (TargetRule("military", ("military_incident", "military_posture"), 4),),
    DyadRule(("A",), ("B",)),
    (Reaction("protest", "Protest", ActClass("dispute", ("protest",)), ("sanction",)),),
)
GROUPS = {group.name: group for group in parameter_groups()}
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
            "an act one severity graver brings about 1.5 times as much conflict",
        ),
        "answers.number.same_side": (0.1, "a hundred acts bring about 10 more"),
        "reaction.number.protest": (
            -math.log(0.7),
            "a trigger of severity 4 is answered with",
        ),
        "baseline.weekly_rate.military": (0.5 * 7 / 365.25, "0.5 acts a year on average"),
    }
    for name, (median, reading) in expected.items():
        assert changed[name].distribution.quantile(0.5) == pytest.approx(median)
        assert changed[name].reading.startswith(reading)


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
        np.testing.assert_allclose(
            changed.distribution.quantile([0.05, 0.5, 0.95]),
            prior.default.quantile([0.05, 0.5, 0.95]),
            rtol=0.02,
            atol=0.01,
            err_msg=form,
        )


def test_the_word_default_takes_back_what_was_set():
    stated = {"tension.loading": "none", "answers.severity": "strong"}
    changed = PRIORS.changed(stated, "config")
    assert (
        changed.priors["tension.loading.visit"].distribution != PRIORS.priors["tension.loading.visit"].default
    )
    back = changed.changed(dict.fromkeys(stated, "default"), "scenario")
    for name, prior in PRIORS.priors.items():
        assert back.priors[name].distribution == prior.distribution


def test_a_ballast_of_log_two_halves_the_rate():
    changed = PRIORS.changed({"ballast.visit": f"Normal({math.log(2)}, 0.3)"}, "config")
    low, high = (1 - math.exp(-math.log(2) + sign * 1.6448536 * 0.3) for sign in (1, -1))
    assert changed.priors["ballast.visit"].reading == (
        "recent acts of this kind halve the rate of conflictual acts "
        f"(90% between −{high:.0%} and −{low:.0%})"
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
