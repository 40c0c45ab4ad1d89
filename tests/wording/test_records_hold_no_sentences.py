"""Records hold codes and numbers; every code has its sentence."""

from datetime import date
from types import SimpleNamespace
from typing import get_args

import pytest

from forecast.records.analysis import (
    Assumed,
    BreakEven,
    CappedRates,
    CertainActs,
    InfluentialEvents,
    LateReports,
    OnThreshold,
    OnWordBound,
    Reason,
    UnusedBacktest,
)
from forecast.records.forecast import (
    Diagnostics,
    FailedWeights,
    Gate,
    GateFailure,
    Member,
    MethodReason,
    ScenarioForecast,
)
from forecast.records.history import (
    AbsentForecasts,
    FewOutcomes,
    LaterWindows,
    OtherOutcomes,
    OtherSettings,
    OtherTargets,
    UnreadableBacktest,
    UntestedModel,
)
from forecast.wording import scenarios
from forecast.wording.members import members_sentence
from forecast.wording.scenarios import method_sentence, reason_sentence, withheld_sentence
from forecast.wording.sensitivity import (
    REASON_WORDS,
    break_even_sentence,
    note_sentence,
)
from forecast.wording.warnings import (
    GATE_WORDS,
    SETTINGS_WORDS,
    failure_sentence,
    refusal_clause,
    score_sentence,
    warning_sentence,
)


def assumed(parameter: float, value: float, scale: str) -> Assumed:
    return Assumed(parameter=parameter, value=value, scale=scale)


def crossing(name: str, now: Assumed, then: Assumed, either: tuple[Assumed, Assumed], **fields) -> BreakEven:
    known = {"kind": "word", "becomes": "likely", "bound": 0.555, "probability": 0.52, "act": None} | fields
    return BreakEven(
        target="clash",
        milestone="spring",
        name=name,
        outcome="crosses",
        steps=0.5,
        mcse=0.1,
        now=now,
        assumed=then,
        assumed_mcse=either,
        reached=(0.4, 0.6),
        **known,
    )


@pytest.mark.parametrize(
    ("warning", "said"),
    [
        (
            CappedRates(share=2.5e-4, cap=200),
            "250 of 1,000,000 simulated intensities reached the cap of 200 acts a week and were cut.",
        ),
        (
            LateReports(origin="estimated", mean_days=8.25, known_share=0.613),
            "Recent weeks are corrected for acts that become known late (estimated delay, mean 8.2 days): "
            "61% of the last week's acts are taken to be known.",
        ),
        (
            InfluentialEvents(number=1),
            "1 event is too influential to remove without a refit; its effect is not shown.",
        ),
        (
            InfluentialEvents(number=3),
            "3 events are too influential to remove without a refit; their effects are not shown.",
        ),
        (
            UnusedBacktest(refusal=OtherSettings(code="other_priors")),
            "The backtest beside this run was not used: its priors are not this run's.",
        ),
    ],
)
def test_every_warning_has_its_sentence(warning, said):
    assert warning_sentence(warning) == said


def test_every_note_has_its_sentence():
    target = SimpleNamespace(label="Clash", milestones=(SimpleNamespace(name="spring", label="Spring"),))
    forecast = SimpleNamespace(target={"clash": target}.get)
    asked = {"target": "clash", "milestone": "spring"}
    start = "Clash before Spring: 45.2% stands within "
    said = [
        note_sentence(note, forecast)
        for note in (
            OnWordBound(**asked, probability=0.452, words=("roughly even chance", "unlikely")),
            OnThreshold(**asked, probability=0.452, threshold=0.45),
            CertainActs(number=1),
        )
    ]
    assert said == [
        f"{start}its Monte Carlo error of the bound between 'roughly even chance' and "
        "'unlikely'; either word may be said of it.",
        f"{start}its Monte Carlo error of the threshold of 45%.",
        "One scheduled event is taken as certain or as impossible, so its probability was not varied.",
    ]


def codes_of(*records) -> set[str]:
    return {code for record in records for code in get_args(record.model_fields["code"].annotation)}


def test_every_code_has_its_words():
    assert set(get_args(Reason)) == set(REASON_WORDS)
    assert set(get_args(Gate)) == set(GATE_WORDS)
    assert codes_of(OtherSettings) == set(SETTINGS_WORDS)
    assert codes_of(MethodReason, FailedWeights) == set(scenarios.REASON_WORDS)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            GateFailure(code="rhat", quantity="tension.scale", value=1.0432, limit=1.01),
            "R-hat of tension.scale is 1.043, at most 1.01 allowed: sample longer (sampler.draws, "
            "sampler.tune)",
        ),
        (
            GateFailure(code="ess_bulk", quantity="P(x)", value=119.6, limit=400),
            "bulk ESS of P(x) is 120, at least 400 needed: more sampler.draws",
        ),
        (
            GateFailure(code="ess_tail", quantity="P(x)", value=float("nan"), limit=400),
            "tail ESS of P(x) is nan, at least 400 needed: more sampler.draws",
        ),
        (
            GateFailure(code="divergences", value=5, limit=0.4),
            "5 divergent transitions, at most 0.4 allowed: raise sampler.target_accept",
        ),
        (
            GateFailure(code="divergences", value=1, limit=0.4),
            "1 divergent transition, at most 0.4 allowed: raise sampler.target_accept",
        ),
        (
            GateFailure(code="bfmi", value=0.214, limit=0.3),
            "BFMI 0.21, at least 0.3 needed: raise sampler.tune",
        ),
    ],
)
def test_every_failed_gate_is_said_with_value_limit_and_remedy(failure, said):
    assert failure_sentence(failure) == said


@pytest.mark.parametrize(
    ("warning", "said"),
    [
        (
            FewOutcomes(target="force", horizon_days=30, hits=19, misses=101, needed=20),
            "force, 30 days: 19 windows with and 101 without the target. With fewer than 20 of either no "
            "skill is claimed.",
        ),
        (
            AbsentForecasts(target="force", horizon_days=30, model="late", absent=20, origins=120),
            "force, 30 days: late has no forecast for 20 of 120 origins.",
        ),
    ],
)
def test_every_warning_on_scores_has_its_sentence(warning, said):
    assert score_sentence(warning) == said


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (OtherSettings(code="no_forecast"), "it holds no forecast"),
        (OtherTargets(tested=("a", "b"), asked=("a",)), "its targets are a, b; this run's are a"),
        (
            LaterWindows(last_day=date(2023, 6, 30), as_of=date(2022, 7, 10)),
            "its windows run to 2023-06-30, past the as-of date 2022-07-10",
        ),
        (
            OtherOutcomes(target="force"),
            "its outcomes of force are not those that this run's events give",
        ),
        (
            UntestedModel(model="panel", tested=("model", "base_rate")),
            "it is of other models (model, base_rate) than this run's, which is panel. Run it again with "
            "--models panel",
        ),
        (UnreadableBacktest(fault="forecasts.csv:7: no day"), "forecasts.csv:7: no day"),
    ],
)
def test_every_refusal_of_a_backtest_has_its_clause(refusal, said):
    assert refusal_clause(refusal) == said


def test_scenarios_are_said_with_their_method_and_what_the_weights_are_worth():
    known = {"name": "x", "label": "X", "rationale": "Y.", "failures": (), "targets": ()}
    weights = {"pareto_k": 0.834, "effective_draws": 512.4}
    reweighted = ScenarioForecast(
        **known, **weights, method="reweight", withheld=None, reason=MethodReason(code="only_priors")
    )
    assert method_sentence(reweighted) == (
        "reweight. Only priors change: the draws of the run are weighted by the ratio of the priors. "
        "Pareto k 0.83, 512 effective draws."
    )
    failed = FailedWeights(code="weights_not_trusted", value=0.834, limit=0.7)
    withheld = ScenarioForecast(**known, **weights, method="refit", withheld="no_refit", reason=failed)
    assert method_sentence(withheld) == (
        "refit. The draws of the run cannot stand for these priors (Pareto k 0.83, at most 0.7 allowed)."
    )
    assert withheld_sentence(withheld) == (
        "The draws of the run cannot stand for these priors (Pareto k 0.83, at most 0.7 allowed). A new fit "
        "takes about as long as the run; leave out --no-refit to make it."
    )
    few = FailedWeights(code="too_few_effective_draws", value=101.6, limit=400)
    assert reason_sentence(few) == (
        "Too few draws of the run fit these priors (102 effective draws, at least 400 needed)."
    )


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            crossing(
                "tension.persistence",
                assumed(28, 4, "weeks"),
                assumed(51.1, 7.3, "weeks"),
                (assumed(45.5, 6.5, "weeks"), assumed(57.4, 8.2, "weeks")),
            ),
            "'Roughly even chance' becomes 'likely' when tension lasts 1.8 times as long (prior centred on "
            "7.3 weeks instead of 4 weeks; 6.5 weeks to 8.2 weeks within one Monte Carlo error).",
        ),
        (
            crossing(
                "ballast.visit",
                assumed(0.4, -0.33, "effect"),
                assumed(0.2, -0.18, "effect"),
                (assumed(0.1, -0.1, "effect"), assumed(0.3, -0.26, "effect")),
            ),
            "'Roughly even chance' becomes 'likely' when visit acts calm half as much (−10% to −26% "
            "within one Monte Carlo error).",
        ),
        (
            crossing(
                "excitation.cross.sanction",
                assumed(0.12, 0.12, "chance"),
                assumed(0.3, 0.3, "chance"),
                (assumed(0.26, 0.26, "chance"), assumed(0.33, 0.33, "chance")),
            ),
            "'Roughly even chance' becomes 'likely' when other conflict brings about 30% of sanction acts "
            "instead of 12% (26% to 33% within one Monte Carlo error).",
        ),
        (
            crossing(
                "calendar.0",
                *(assumed(p, p, "probability") for p in (0.6, 0.1)),
                (assumed(0.0, 0.0, "probability"), assumed(0.3, 0.3, "probability")),
                act="A summit",
                kind="threshold",
                becomes=None,
                bound=0.4,
            ),
            "The chance of 52% falls below 40% when 'A summit' has a chance of 10% (between <0.1% and 30% "
            "within one Monte Carlo error) instead of 60%.",
        ),
    ],
)
def test_a_crossing_is_said_with_both_values_and_its_error(one, said):
    assert break_even_sentence(one) == said


def test_what_is_no_crossing_has_no_sentence():
    one = crossing("x", *[assumed(1, 1, "weeks")] * 2, (assumed(1, 1, "weeks"),) * 2)
    with pytest.raises(ValueError, match="no crossing has no sentence"):
        break_even_sentence(one.model_copy(update={"bound": None, "assumed": None}))


def members(*weights: float) -> list[Member]:
    labels = ("model", "pooled hazard")
    return [Member(name=one, label=one, weight=w) for one, w in zip(labels, weights, strict=False)]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            (0.5, 0.5),
            "The forecast is the mean of the model and the pooled hazard, with equal weights.",
        ),
        ((1.0,), "The forecast is that of the model."),
        (
            (1.0, 0.0),
            "The headline is that of the model alone; the pooled hazard answers for other targets.",
        ),
    ],
)
def test_members_are_named_and_those_that_answer_for_the_headline(weights, said):
    assert members_sentence(members(*weights)) == said


def test_a_fit_has_converged_when_no_gate_failed():
    known = {"rhat_max": 1.0, "ess_bulk_min": 900, "ess_tail_min": 900, "divergences": 0, "bfmi_min": 1.0}
    assert Diagnostics(**known, failures=()).converged
    assert not Diagnostics(**known, failures=(GateFailure(code="bfmi", value=0.2, limit=0.3),)).converged
