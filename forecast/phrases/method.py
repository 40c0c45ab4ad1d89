"""What the forecast of a family is, in paragraphs."""

from __future__ import annotations

_ABOUT = {
    "model": "The forecast is that of one model of all kinds of acts.",
    "pooled_hazard": "The forecast is that of a hazard learned on other pairs of countries.",
    "combined": (
        "The forecast is the equal-weight mean of a model of all kinds of acts and a hazard learned on other "
        "pairs of countries. The 90% interval covers what each leaves open and how far they are apart."
    ),
}
_POOLED_HAZARD = (
    "The pooled hazard starts from how often a target came to this pair, recent cases first (its "
    "gamma–Poisson rate). Other pairs of countries teach how far to depart from it: by what came "
    "lately, beside what is usual for this pair, and by how long ago the last case was. The fewer "
    "cases a target has, the less it departs; one that never happened keeps its own rate."
)
_MODEL = (
    "Public acts between the two sides are coded by day, side, kind and severity. The targets cut them into "
    "cells of acts that meet the same targets; acts that meet none are told apart by kind and side. The "
    "model assumes that acts come in two ways. Some come by themselves, at the rate of the record, moved by "
    "how tense the relationship is, by recent cooperation, and by how the level of conflict has moved over "
    "the years. Others answer an act of the days before.",
    "Both sides answer acts of conflict: the other side, and the side that acted with a further act. Half of "
    "the answers come within a few days. Graver acts are answered more often, and by graver acts. Part of "
    "the answers are of the same kind as the act. Their number is kept below the point at which one act "
    "would set off an endless chain. A reaction that the config names has answers of its own. Cooperation "
    "brings about further cooperation of its kind.",
    "Tension is not observed. It is inferred from all kinds of acts at once as a wave that lasts months; its "
    "unit is its own standard deviation. Calm, strained and crisis are readings of this wave by fixed "
    "thresholds, not states of the model. Beneath it the level of conflict drifts over years, as when a war "
    "ends, and a forecast starts from where this level stands.",
    "A target that never happened takes its rate from the next milder kind of act and from how often acts go "
    "one step further in other pairs of countries, lowered by its own silence.",
)


def describe_method(family: str) -> tuple[str, ...]:
    """What the forecast is, then the pooled hazard where it is a member, then the model, which always runs.

    Empty for a family that this version does not know.
    """
    if family not in _ABOUT:
        return ()
    return (_ABOUT[family], *(() if family == "model" else (_POOLED_HAZARD,)), *_MODEL)
