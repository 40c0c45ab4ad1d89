"""The method in plain words, by model family: what the model is, and what it is not."""

from __future__ import annotations

_COUNTS = (
    "Public acts between the two sides are coded by kind and severity and counted by week. The model holds "
    "that acts come at a rate which shifts with three things: how tense the relation is, what has just "
    "happened, and how often such acts come in ordinary times."
)
_EXCITATION = (
    "Acts bring about further acts: a sanction makes the next one more likely for some weeks, and conflict "
    "in one field feeds the others. This pull fades with a half-life that the data estimate, and it is kept "
    "below the point at which one act would set off an endless chain."
)
_TENSION = (
    "Tension is not observed. It is inferred from all kinds of acts at once as a slow wave around a long-run "
    "mean; its unit is its own standard deviation. Calm, strained and crisis are readings of this wave by "
    "fixed thresholds, not states of the model."
)
_SEVERITY = (
    "How severe an act turns out is a ladder of steps, each with its own odds, which rise with tension and "
    "with recent severe acts. Steps that were never climbed in the data are left to the prior, and the "
    "report says so wherever they matter."
)
_FORECAST = (
    "The forecast plays the relation forward, day by day, thousands of times from every plausible setting of "
    "the model. A probability is the share of these futures in which the target happens before the day of "
    "the milestone. The 90% interval shows how far that share moves between plausible settings; it does not "
    "cover errors in the data or a world that changes its rules."
)
_NOT = (
    "The model does not know intentions, secret talks or plans. It sees what was made public and coded, and "
    "coding is denser in recent years. It says how often relations like this one went wrong, not why they "
    "must. An act without precedent, or a shift of policy after the last event known, is outside it unless "
    "a scenario puts it in."
)
_FOCUSED = (
    "This family fits each target on four streams of acts: cooperative acts, disputes, other conflict, and "
    "the target itself. It uses no severities beyond those that define the target."
)
_TARGET = (
    "This family looks only at the days on which the target itself happened. Their rate follows a slow "
    "hidden wave and rises for some weeks after each one."
)
_ENSEMBLE = (
    "The forecast is the equal-weight average of three families: one fitted on all kinds of acts together, "
    "one on four streams made for each target, and one on the target's own days. In trials the average was "
    "better calibrated than any of the three."
)
_IS = {
    "joint": (_COUNTS, _EXCITATION, _TENSION, _SEVERITY),
    "focused": (_COUNTS, _FOCUSED, _EXCITATION, _TENSION),
    "target": (_TARGET, _EXCITATION),
    "ensemble": (_ENSEMBLE, _COUNTS, _EXCITATION, _SEVERITY),
}


def method_sections(model: str, *, has_tension: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Return heading and paragraphs of the method page for a model family.

    A family without a text of its own gets the parts that hold for all; what is said of tension is said
    only of a run that has it.
    """
    parts = tuple(part for part in _IS.get(model, (_COUNTS, _EXCITATION)) if part != _TENSION or has_tension)
    return [
        ("What the model is", parts),
        ("From model to forecast", (_FORECAST,)),
        ("What the model is not", (_NOT,)),
    ]
