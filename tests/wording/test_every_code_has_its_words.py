"""Every code of a record has its sentence, with the numbers that it rests on."""

from datetime import date
from typing import get_args

from forecast.records.analysis import Reason
from forecast.records.forecast import (
    Diagnostics,
    FailedWeights,
    Gate,
    GateFailure,
    MethodReason,
    ScenarioForecast,
)
from forecast.records.notices import notice
from forecast.report.words import REASON_WORDS, method_sentence, reason_sentence, withheld_sentence


def codes_of(record) -> tuple[str, ...]:
    return get_args(record.model_fields["code"].annotation)


def test_gates_warnings_and_refusals(snapshot):
    odd = {"ess_tail": float("nan"), "divergences": 1}
    gates = [GateFailure(code=one, quantity="P(x)", value=1.0432, limit=0.4) for one in get_args(Gate)]
    gates += [GateFailure(code=one, quantity="P(x)", value=value, limit=400) for one, value in odd.items()]
    warnings = [
        notice("late_reports", origin="estimated", mean_days=8.25, known_share=0.613),
        notice("influential_events", number=1),
        notice("influential_events", number=3),
        notice("unused_backtest", refusal=notice("other_priors")),
        notice("few_outcomes", target="force", horizon_days=30, hits=19, misses=101, needed=20),
        notice("absent_forecasts", target="force", horizon_days=30, model="late", absent=20, origins=120),
    ]
    refusals = [
        *map(notice, ("settings_unknown", "other_definitions", "other_priors")),
        notice("other_targets", tested=("a", "b"), asked=("a",)),
        notice("later_windows", last_day=date(2023, 6, 30), as_of=date(2022, 7, 10)),
        notice("other_outcomes", target="force"),
        notice("untested_model", model="panel", tested=("model", "base_rate")),
        notice("unreadable", fault="forecasts.csv:7: no day"),
    ]
    assert [one.sentence for one in gates] + [one.text for one in (*warnings, *refusals)] == snapshot


def test_scenarios(snapshot):
    known = {"name": "x", "label": "X", "rationale": "Y.", "failures": (), "targets": ()}
    weights = {"pareto_k": 0.834, "effective_draws": 512.4}
    reasons = [MethodReason(code=one) for one in codes_of(MethodReason)]
    reasons += [FailedWeights(code=one, value=101.634, limit=0.7) for one in codes_of(FailedWeights)]
    reweighted = ScenarioForecast(
        **known, **weights, method="reweight", withheld=None, reason=MethodReason(code="only_priors")
    )
    withheld = ScenarioForecast(**known, **weights, method="refit", withheld="no_refit", reason=reasons[-1])
    assert [
        *map(reason_sentence, reasons),
        *map(method_sentence, (reweighted, withheld)),
        withheld_sentence(withheld),
    ] == snapshot


def test_every_reason_of_a_label_has_its_words():
    assert set(get_args(Reason)) == set(REASON_WORDS)


def test_a_fit_has_converged_when_no_gate_failed():
    known = {"rhat_max": 1.0, "ess_bulk_min": 900, "ess_tail_min": 900, "divergences": 0, "bfmi_min": 1.0}
    assert Diagnostics(**known, failures=()).converged
    assert not Diagnostics(**known, failures=(GateFailure(code="bfmi", value=0.2, limit=0.3),)).converged
