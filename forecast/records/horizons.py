"""How far ahead forecasts are made and tested unless told otherwise, in days: the one place that says it."""

from __future__ import annotations

HORIZONS = (30, 90, 180, 365, 540)
"""Tested by backtests: from the next month to as far as the milestones of a run lie."""
LISTED = ",".join(map(str, HORIZONS))
"""The same as an option of the command line takes it."""
USUAL_HORIZONS = HORIZONS[:3]
"""Days to the milestones of a config or watchlist that names none."""
USUAL_IN_WORDS = f"{', '.join(map(str, USUAL_HORIZONS[:-1]))} and {USUAL_HORIZONS[-1]}"
"""The same in a sentence."""
