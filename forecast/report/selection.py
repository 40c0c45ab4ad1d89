"""Which milestones stand where not all have room: spread over time, the headline's always among them."""

from __future__ import annotations

from forecast.records.forecast import Forecast, MilestoneForecast

MOST_ROWS_IN_FRONT = 60
"""Rows up to which the table of page 1 holds every question."""
_A_TARGET_IN_FRONT = 8
MOST_IN_CHART = 12
"""Milestones that a chart can name and number."""


def chosen_milestones(
    milestones: tuple[MilestoneForecast, ...], always: str, most: int
) -> tuple[MilestoneForecast, ...]:
    """Return at most ``most`` milestones in order: first, last, the one named ``always``, others evenly.

    ``most`` is at least three.
    """
    if len(milestones) <= most:
        return milestones
    places = {round(k * (len(milestones) - 1) / (most - 1)) for k in range(most)}
    named = next((k for k, one in enumerate(milestones) if one.name == always), None)
    if named is not None and named not in places:
        inner = places - {0, len(milestones) - 1}
        places.remove(min(inner, key=lambda place: abs(place - named)))
        places.add(named)
    return tuple(one for place, one in enumerate(milestones) if place in places)


def front_milestones(forecast: Forecast) -> dict[str, tuple[MilestoneForecast, ...]]:
    """Milestones of each target in the table of page 1, by name of the target."""
    rows = sum(len(target.milestones) for target in forecast.targets)
    most = rows if rows <= MOST_ROWS_IN_FRONT else _A_TARGET_IN_FRONT
    return {
        target.name: chosen_milestones(target.milestones, forecast.headline.milestone, most)
        for target in forecast.targets
    }
