"""How far ahead forecasts are tested unless told otherwise; the one place where it is said."""

from __future__ import annotations

HORIZONS = (30, 90, 180, 365, 540)
"""Days ahead: from the next month to as far as the milestones of a run lie. Nothing is imported here."""
LISTED = ",".join(map(str, HORIZONS))
"""The same as an option of the command line takes it."""
