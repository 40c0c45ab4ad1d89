"""What a reader must know of a run, in sentences."""

from __future__ import annotations

from forecast import wording
from forecast.records.analysis import CappedRates, InfluentialEvents, LateReports, RunWarning, UnusedBacktest


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
                f"{warning.mean_days:.1f} days): {warning.known_share:.0%} of the last week's acts are taken "
                "to be known."
            )
        case InfluentialEvents(number=1):
            return "1 event is too influential to remove without a refit; its effect is not shown."
        case InfluentialEvents():
            return (
                f"{wording.count(warning.number, 'event')} are too influential to remove without a refit; "
                "their effects are not shown."
            )
        case UnusedBacktest():
            return f"The backtest beside this run was not used: {warning.refusal}."
        case _:
            return warning.text
