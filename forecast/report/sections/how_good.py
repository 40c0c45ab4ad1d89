"""How good such forecasts have been, in the few sentences of page 1: skill, calibration, how far tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from forecast import wording
from forecast.records.forecast import Forecast
from forecast.records.history import TrackRecord, TrackRow
from forecast.report.questions import headline_pair
from forecast.report.sections.track_record import reach_sentence
from forecast.wording.judgement import days_ahead

NO_RECORD = (
    "No track record yet: no backtest of this case was found, so how good such forecasts are is not known."
)
_FEW_HORIZONS = 2
"""More horizons of one claim than this are told by their range."""
_NEAR = 0.1
"""How near a past forecast must be to the number to speak for it."""


def how_good_sentences(forecast: Forecast, record: TrackRecord | None) -> list[str]:
    """What page 1 says of past forecasts: skill against the base rate, calibration, how far it was tested."""
    if record is None:
        return [NO_RECORD]
    rows = [
        row.model_copy(update={"horizon_days": days_ahead(forecast, row.horizon_days)})
        for row in record.rows
        if row.target == forecast.headline.target
    ]
    if not rows:
        return ["The backtest did not cover this event, so these forecasts of it have no track record."]
    first, last = (
        f"{wording.month_name(day)} {day.year}" for day in (record.first_origin, record.last_origin)
    )
    tested = f"Tested at {wording.count(record.n_origins, 'past date')}, {first} to {last}."
    return [tested, *skill_sentences(rows), *_nearest_bin(forecast, record), reach_sentence(forecast, record)]


def _skilled(row: TrackRow) -> bool:
    return row.skill is not None and round(100 * row.skill.value) > 0


_CLAIMS: dict[str, Callable[[TrackRow], bool]] = {
    "Worse than the base rate": lambda row: row.claim == "worse",
    "No better than the base rate": lambda row: row.claim == "none" and not _skilled(row),
    "Better than the base rate, but not beyond chance,": lambda row: row.claim == "none" and _skilled(row),
    "Better than the base rate": lambda row: row.claim == "better",
}


def skill_sentences(rows: Sequence[TrackRow]) -> Iterator[str]:
    """Say at which horizons the forecasts beat the base rate, and at which not; the worst news first."""
    for said, holds in _CLAIMS.items():
        here = sorted((row for row in rows if holds(row)), key=lambda row: row.horizon_days)
        if not here:
            continue
        if len(here) > _FEW_HORIZONS:
            yield f"{said} at {len(here)} horizons from {here[0].horizon_days:,} to {_many(here)}."
            continue
        horizons = wording.listing(tuple(f"{row.horizon_days:,}" for row in here))
        skills = [row.skill.value for row in here if row.skill is not None]
        figures = wording.listing(tuple(_percent_less(value) for value in skills))
        hits = wording.listing(tuple(f"{row.n_hits} of {row.n}" for row in here))
        scores = f"Brier score {figures} against it; " if skills else ""
        yield f"{said} at {horizons} days ({scores}{hits} windows held one)."


def _many(rows: Sequence[TrackRow]) -> str:
    """Say the last horizon of many, and between which bounds their scores and their shares of hits lie."""
    skills = sorted(row.skill.value for row in rows if row.skill is not None)
    shares = sorted(rows, key=lambda row: row.n_hits / row.n)
    worst, best = (_percent_less(skills[place]) for place in (0, -1)) if skills else ("", "")
    scores = f"Brier score {worst} to {best} against it; " if skills else ""
    hits = f"{shares[0].n_hits} of {shares[0].n} to {shares[-1].n_hits} of {shares[-1].n}"
    return f"{rows[-1].horizon_days:,} days ({scores}{hits} windows held one)"


def _percent_less(skill: float) -> str:
    shown = round(100 * skill)
    return f"{'−' if shown > 0 else '+' if shown < 0 else ''}{abs(shown)}%"


def _nearest_bin(forecast: Forecast, record: TrackRecord) -> list[str]:
    """How often it happened when the forecast was about what the headline is now."""
    bins = [one for curve in record.reliability if curve.model == record.model for one in curve.bins]
    if not bins:
        return []
    now = headline_pair(forecast)[1].probability
    near = min(bins, key=lambda one: abs(one.forecast_mean - now))
    if abs(near.forecast_mean - now) > _NEAR:
        return ["No past forecast was near this number, so its calibration is not known."]
    happened = round(near.observed_share * near.number)
    return [
        f"When we said about {wording.percent(near.forecast_mean)}, it happened in {happened:,} of "
        f"{near.number:,}."
    ]
