"""Shifts and effects where algebra knows them: the posterior is the prior, or nothing but acts ahead."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.inference.importance import EFFECTIVE_DRAWS_MIN, monte_carlo_error
from forecast.models.survival import Chances
from forecast.phrases.assumptions import (
    assumed_text,
    assumption_label,
    reconciled_notes,
    share_words,
    titles_of,
)
from forecast.priors import Distribution, default_priors
from forecast.priors.distributions import shifted
from forecast.records.analysis import Reconciled
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.scenarios.answer import parameter_draws
from forecast.sensitivity.shifts import (
    PriorShifts,
    Questions,
    act_effects,
    prior_bar,
    strongest_first,
)
from forecast.streams import acts_of, stream_layout
from forecast.targets import FutureAct, TargetRule

USA_CHN = DyadRule(("USA",), ("CHN",))
NAMES = ["tension.persistence", "follow_on.number", "ballast.visit"]  # all three supports
START = -0.3


@pytest.fixture(scope="module")
def shifts(prior_run):
    """Chances Φ(START + z), z the prior's own standard normal: a shift by s gives Φ((START + s)/√2)."""

    def make(name: str, sign: float = 1.0) -> PriorShifts:
        prior = prior_run.inputs.priors.priors[name].distribution
        link = {"Normal": np.asarray, "LogNormal": np.log, "LogitNormal": special.logit}[prior.family]
        z = (link(parameter_draws(prior_run, name)) - prior.values[0]) / prior.values[1]
        model = special.ndtr(START + sign * z)[:, None]
        rows = np.arange(len(model))
        questions = Questions(1 - model, 1 - model, np.ones(1), np.ones(1), model.mean(axis=0), rows)
        return PriorShifts(prior_run, name, questions)

    return make


@pytest.mark.parametrize("name", NAMES)
def test_shifted_chances_are_where_algebra_has_them(shifts, name):
    one = shifts(name)

    def error(steps):
        by_draw = one.questions.by_draw(0, one.at(steps).weights.weights)
        return monte_carlo_error(by_draw, one.base.n_chains)

    for steps in (-0.9, -0.4, 0.3, 0.8):
        exact = special.ndtr((START + steps) / np.sqrt(2))
        assert abs(one.at(steps).probability[0] - exact) < 4 * error(steps)


def test_no_shift_changes_nothing(shifts):
    one = shifts("tension.persistence")
    assert one.at(0.0).probability[0] == one.questions.shown[0]
    assert np.ptp(one.at(0.0).weights.weights) == one.change_error_at(0.0, 0) == 0.0


def test_where_the_draws_cannot_tell_nothing_is_claimed(shifts):
    # Two steps of a prior that the data left as it was keep exp(−4) of the draws: far below the gate.
    one = shifts("ballast.visit")
    assert one.at(0.5).weights.effective_draws >= EFFECTIVE_DRAWS_MIN
    assert not one.at(2.0).weights.trusted


def test_a_moved_prior_has_both_ends_with_paired_errors(shifts):
    bar = prior_bar(shifts("tension.persistence"), 0)
    for end, steps in ((bar.lower, -1.0), (bar.upper, 1.0)):
        exact = special.ndtr((START + steps) / np.sqrt(2)) - special.ndtr(START / np.sqrt(2))
        assert abs(end.change - exact) < 4 * end.mcse
    assert not bar.updated  # nothing was observed
    texts = [assumed_text(one) for one in (bar.now, bar.lower.assumed, bar.upper.assumed)]
    assert texts == ["17 weeks", "10 weeks", "28 weeks"]
    weak = prior_bar(shifts("ballast.visit", sign=0.1), 0)
    assert strongest_first([weak, bar]) == (bar, weak)


@pytest.mark.parametrize(
    "prior",
    [
        Distribution("Normal", (0.3, 0.2)),
        Distribution("LogNormal", (1.0, 0.5)),
        Distribution("LogitNormal", (-1.0, 0.7)),
        Distribution("Gamma", (2.0, 0.5)),
        Distribution("Beta", (4.0, 8.0)),
        Distribution("Exponential", (0.3,)),
        Distribution("HalfNormal", (0.5,)),
    ],
    ids=str,
)
def test_one_step_takes_the_middle_to_the_upper_sixth(prior):
    assert shifted(prior, 0.0) == prior
    up, down = shifted(prior, 1.0), shifted(prior, -1.0)
    assert up.family == prior.family
    assert float(up.quantile(0.5)) == pytest.approx(float(prior.quantile(special.ndtr(1.0))), rel=0.06)
    assert float(down.quantile(0.5)) < float(prior.quantile(0.5)) < float(up.quantile(0.5))


# -- acts ahead


CRISIS = TargetRule("crisis", ("dispute",), 4)
CALENDAR = (
    FutureAct(date(2022, 1, 20), "dispute", 4, 0.3, label="a crisis of its own"),
    FutureAct(date(2022, 2, 10), "visit", 2, 0.6, label="a visit"),
    FutureAct(date(2022, 3, 1), "dispute", 4, 1.0, label="certain"),
)


@pytest.mark.parametrize("other", [None, 0.2])
def test_acts_ahead_have_the_effects_that_are_known(coded, draws_with, other):
    """A world in which nothing happens but the acts ahead, and a member that says ``other`` by the end."""
    grid, layout = TimeGrid(date(2021, 1, 1), date(2022, 1, 3)), stream_layout([CRISIS], USA_CHN)
    data = acts_of(coded(("2021-06-01", "visit", 1)), grid, layout)
    draws = draws_with(layout, 40, grid.n_knots)
    chances = Chances(data, default_priors(layout), draws, 70, 1)
    days = {"early": date(2022, 1, 15), "late": date(2022, 2, 20), "last": date(2022, 3, 10)}
    config = SimpleNamespace(milestone=lambda name: SimpleNamespace(date=days[name]))
    family = SimpleNamespace(fitted=True)
    inputs = SimpleNamespace(data=data, calendar=CALENDAR, config=config, rules=[CRISIS], family=family)
    direct = {} if other is None else {"one": {"crisis": np.full((3, 71), other)}}
    mixture = Mixture(inputs, DirectAnswers(direct), chances.survival(CALENDAR), chances.survival())
    run = SimpleNamespace(
        inputs=inputs,
        thinned=mixture,
        thinned_process=chances,
        thinned_rows=np.arange(40),
        n_chains=4,
        curves=mixture.curves,
    )
    effects = [[*act_effects(run, "crisis", name, CALENDAR)] for name in days]
    crisis, visit, certain = zip(*effects, strict=True)
    assert crisis[0].slope == 0.0  # the milestone comes before the act
    # The chance of nothing, by either member, is multiplied by that of no act.
    left = 1.0 if other is None else 1 - other / 2
    assert crisis[1].slope == pytest.approx(left, abs=1e-9)
    assert crisis[1].at(0.3) == pytest.approx(mixture.probability("crisis", days_to(grid, days["late"])))
    assert crisis[2].slope == pytest.approx(0.0, abs=1e-9)  # by then it has surely happened
    assert [one.slope for one in visit] == pytest.approx([0.0] * 3, abs=1e-9)
    assert certain[2].ends == pytest.approx([1 - left * 0.7, 1.0], abs=1e-9)
    assert not any(one.mcse for one in crisis)
    unexpected = FutureAct(date(2022, 2, 1), "dispute", 5, 0.0)
    (effect,) = act_effects(run, "crisis", "late", [unexpected])
    assert effect.slope == pytest.approx(left * 0.7, abs=1e-9)


def days_to(grid: TimeGrid, day: date) -> int:
    return (day - grid.origin).days


# -- how assumptions are named


LONG = "A lethal clash, a blockade or mobilisation for war"
TITLES = {
    "large_drills": "Large drills",
    "clash": LONG,
    "grave": "Anything grave",
    "sanction.target": "Sweeping sanctions",
}
RULES = (
    TargetRule("large_drills", ("military_posture", "dispute"), 3),
    TargetRule("grave", ("dispute", "military_incident"), 4),
    TargetRule("sanction", ("sanction",), 4),
)


def test_assumptions_on_a_cell_are_named_by_the_titles_of_its_narrowest_targets():
    for name in default_priors(stream_layout(RULES, USA_CHN)).priors:
        label = assumption_label(name, titles=TITLES)
        assert label[0].isupper(), name
        assert not set("_{}") & set(label), label
    labels = {
        "baseline.weekly_rate.large_drills": "Rate: Large drills",
        "baseline.weekly_rate.large_drills+grave": "Rate: Large drills and “Anything grave” in one act",
        "baseline.weekly_rate.clash": "Rate: A lethal clash",
        "baseline.weekly_rate.large_drills+clash": "Rate: Large drills and a lethal clash in one act",
        "baseline.weekly_rate.sanction": "Rate: sanction",  # those that do not meet the target
        "baseline.weekly_rate.sanction.target": "Rate: Sweeping sanctions",
        "answers.number.other_side": "Answers by the other side",
        "answers.severity": "Answers to graver acts",
    }
    assert {name: assumption_label(name, titles=TITLES) for name in labels} == labels


def test_a_rate_of_a_part_of_a_target_is_named_by_its_kinds_and_a_reaction_by_its_label():
    kinds = ("sanction", "military_posture", "dispute")
    targets = [
        SimpleNamespace(name=name, label=label, any_of=any_of, min_severity=severity, by=())
        for name, label, any_of, severity in (
            ("sanctions", "Sweeping sanctions", ("sanction",), 4),
            ("major", "A major act", kinds, 4),
        )
    ]
    forecast = SimpleNamespace(targets=targets, dyad=SimpleNamespace(a="USA+TWN", b="CHN"))
    titles = titles_of(forecast, {"talks_answered": "Talks are answered by drills"})
    labels = {
        "baseline.weekly_rate.major": "Rate: A major act (military posture or dispute)",
        "baseline.weekly_rate.sanctions": "Rate: Sweeping sanctions",
        "reaction.number.talks_answered": "Chance of an answer: Talks are answered by drills",
        "reaction.half_life_days.talks_answered": "Half-life of answers: Talks are answered by drills",
    }
    assert {name: assumption_label(name, titles=titles) for name in labels} == labels


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.95, "nearly all"),
        (0.65, "two in three"),
        (0.5, "half"),
        (0.34, "one in three"),
        (0.04, "one in 25"),
        (0.0002, "fewer than one in a thousand"),
    ],
)
def test_a_relative_entropy_is_told_as_the_share_of_settings_kept(share, said):
    assert share_words(share) == said


def told(**changes):
    known = {
        "target": "drills",
        "milestone": "vote",
        "asked": 0.3,
        "probability": 0.56,
        "reach": (0.03, 0.99),
        "nats": 0.75,
        "share": 0.47,
        "effective_draws": 500.0,
        "model": (0.5, 0.35),
        "level": (2.0, 1.8),
        "tension": (-0.7, -0.6),
        "priors": (),
        "belief": None,
    }
    return [*reconciled_notes(Reconciled.model_validate({**known, **changes}))]


def test_each_note_on_a_stated_probability_stands_where_its_fact_does():
    moved = {
        "name": "drift.scale",
        "from": 1,
        "to": 2,
        "scale": "times",
        "distance": 0.3,
        "probability": None,
    }
    moved["setting"] = {"priors": {"drift.scale": "LogNormal(mu=0, sigma=1)"}}
    stated = {
        "ratio": 0.4335,
        "first_day": "2023-07-11",
        "last_day": "2024-11-04",
        "setting": {"beliefs": []},
    }
    plain = told()
    assert plain == [
        "No single parameter shifts clearly.",
        "This pair's own model would count for 35% of the forecast (now 50%).",
        "Conflict would stand at 1.8 times its average (now 2.0); relations would be tenser than now.",
    ]
    assert told(model=(1.0, 1.0)) == [plain[0], plain[2]]
    assert told(level=None, tension=None, model=(0.0, 0.0)) == [plain[0]]
    assert told(priors=[moved])[0] == "--prior 'drift.scale=LogNormal(mu=0, sigma=1)'"
    assert (
        told(effective_draws=12.4)[-1]
        == "Only 12 independent draws say so: trust the directions, not the sizes."
    )
    assert told(belief=stated)[-1] == (
        "One belief alone gives 30%: 0.43 times as likely on every day, --belief "
        "drills:2023-07-11..2024-11-04:0.4335."
    )
