"""What a finished run is worth: its warnings, or an error when it did not converge."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.errors import CautionWarning, NotConvergedError, NotConvergedWarning
from forecast.records.cautions import HEAD, caution_lines
from forecast.records.forecast import Forecast
from forecast.runs.run import Run


def run_warnings(run: Run) -> list[tuple[str, type[UserWarning]]]:
    """Return what a run has to be warned of, the gravest first: sentence and kind."""
    forecast = run.forecast
    found: list[tuple[str, type[UserWarning]]] = []
    if not forecast.converged:
        found.append((unconverged_sentence(forecast), NotConvergedWarning))
    cautions = caution_lines([one for one in forecast.cautions if one.code != "not_converged"])
    told = run.analysis.warnings if run.analysis else ()
    return [*found, *((one, CautionWarning) for one in (*cautions, *(one.sentence for one in told)))]


def warn_of(run: Run, *, stacklevel: int) -> None:
    """Warn of a run in Python's way, in the name of the caller so many calls up."""
    for said, kind in run_warnings(run):
        warnings.warn(said, kind, stacklevel=stacklevel)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Leave out the warnings of ``make_forecast``, for whoever says the same by other means."""
    with warnings.catch_warnings():
        for kind in (NotConvergedWarning, CautionWarning):
            warnings.simplefilter("ignore", kind)
        yield


def require_converged(forecast: Forecast, folder: Path, ledger: Path | None = None) -> None:
    """Refuse a forecast that failed a gate; ``folder`` is where it is kept, ``ledger`` where it is on record.

    Raises
    ------
    NotConvergedError
        Names every gate that failed and what to try, and what to bear in mind of the data.
    """
    if forecast.converged:
        return
    cautions = caution_lines([one for one in forecast.cautions if one.code != "not_converged"])
    said = [unconverged_sentence(forecast)]
    said += [f"{HEAD}:", *(f"  {one}" for one in cautions)] if cautions else []
    record = f" Its forecasts are on record as failed in {ledger}." if ledger else ""
    said.append(
        f"The run, with a stamped report, is in {folder}.{record} --allow-unconverged ends with code 0 all "
        "the same."
    )
    raise NotConvergedError("\n".join(said))


def unconverged_sentence(forecast: Forecast) -> str:
    """Say that a forecast did not converge, with every gate that failed."""
    failures = (f"\n  {one.sentence}" for one in forecast.diagnostics.failures)
    return f"the fit did not converge; do not use its numbers.{''.join(failures)}"
