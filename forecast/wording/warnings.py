"""What a reader must know of a run, in sentences: checks that failed, and limits of its numbers."""

from __future__ import annotations

from forecast import wording
from forecast.records.analysis import CappedRates, InfluentialEvents, LateReports, RunWarning, UnusedBacktest
from forecast.records.forecast import GateFailure
from forecast.records.history import (
    AbsentForecasts,
    BacktestRefusal,
    FewOutcomes,
    LaterWindows,
    OtherOutcomes,
    OtherSettings,
    OtherTargets,
    ScoreWarning,
    UnreadableBacktest,
    UntestedModel,
)

GATE_WORDS = {
    "rhat": (
        "R-hat of {quantity} is {value:.3f}, at most {limit:g} allowed: "
        "sample longer (sampler.draws, sampler.tune)"
    ),
    "ess_bulk": "bulk ESS of {quantity} is {value:.0f}, at least {limit:g} needed: more sampler.draws",
    "ess_tail": "tail ESS of {quantity} is {value:.0f}, at least {limit:g} needed: more sampler.draws",
    "divergences": "{value:.0f} divergent {noun}, at most {limit:g} allowed: raise sampler.target_accept",
    "bfmi": "BFMI {value:.2f}, at least {limit:g} needed: raise sampler.tune",
}
SETTINGS_WORDS = {
    "no_forecast": "it holds no forecast",
    "settings_unknown": "scores.json does not say which targets and priors were tested",
    "other_definitions": "its targets are defined otherwise than this run's",
    "other_priors": "its priors are not this run's",
}


def failure_sentence(failure: GateFailure) -> str:
    """Say which gate a fit failed, by how much, and what to try."""
    noun = "transition" if failure.value == 1 else "transitions"
    return GATE_WORDS[failure.code].format(noun=noun, **dict(failure))


def score_sentence(warning: ScoreWarning) -> str:
    """Say one warning about the scores of a backtest."""
    match warning:
        case FewOutcomes():
            return (
                f"{warning.target}, {warning.horizon_days} days: {warning.hits} windows with and "
                f"{warning.misses} without the target. With fewer than {warning.needed} of either no skill "
                "is claimed."
            )
        case AbsentForecasts():
            return (
                f"{warning.target}, {warning.horizon_days} days: {warning.model} has no forecast for "
                f"{warning.absent} of {warning.origins} origins."
            )


def refusal_clause(refusal: BacktestRefusal) -> str:
    """Say why the backtest beside a run was not used, as the end of a sentence without its full stop."""
    match refusal:
        case OtherSettings():
            return SETTINGS_WORDS[refusal.code]
        case OtherTargets():
            return f"its targets are {', '.join(refusal.tested)}; this run's are {', '.join(refusal.asked)}"
        case LaterWindows():
            return f"its windows run to {refusal.last_day}, past the as-of date {refusal.as_of}"
        case OtherOutcomes():
            return f"its outcomes of {refusal.target} are not those that this run's events give"
        case UntestedModel():
            return (
                f"it is of other models ({', '.join(refusal.tested)}) than this run's, which is "
                f"{refusal.model}. Run it again with --models {refusal.model}"
            )
        case UnreadableBacktest():
            return refusal.fault


def warning_sentence(warning: RunWarning) -> str:
    """Say one warning of ``analysis.json``."""
    match warning:
        case CappedRates():
            return (
                f"{warning.share * 1e6:,.0f} of 1,000,000 simulated intensities reached the cap of "
                f"{warning.cap:.0f} acts a week and were cut."
            )
        case LateReports():
            return (
                f"Recent weeks are corrected for acts that become known late ({warning.origin} delay, mean "
                f"{warning.mean_days:.1f} days): {wording.share(warning.known_share)} of the last week's "
                "acts are taken to be known."
            )
        case InfluentialEvents(number=1):
            return "1 event is too influential to remove without a refit; its effect is not shown."
        case InfluentialEvents():
            return (
                f"{wording.count(warning.number, 'event')} are too influential to remove without a refit; "
                "their effects are not shown."
            )
        case UnusedBacktest():
            return f"The backtest beside this run was not used: {refusal_clause(warning.refusal)}."
