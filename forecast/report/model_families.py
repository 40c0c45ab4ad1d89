"""Model families and baselines as readers see them: name, line in a figure, and method in plain words."""

from __future__ import annotations

from forecast.report.palette import ACCENT, MUTED

_NAMES = {
    "joint": "joint model",
    "focused": "focused model",
    "target": "target-only model",
    "ensemble": "ensemble",
    "climatology": "climatology",
    "last_window": "share after a like window",
    "gamma_poisson": "discounted gamma–Poisson",
    "decayed_logistic": "logistic on decayed counts",
}

_MODEL_COLOURS = {"ensemble": ACCENT, "joint": "#D55E00", "focused": "#009E73", "target": "#A6538A"}

_BASELINE_DASHES = {
    "last_window": (1.0, 1.5),
    "gamma_poisson": (4.0, 1.5),
    "decayed_logistic": (4.0, 1.5, 1.0, 1.5),
}

_COUNTS = (
    "Public acts between the two sides are coded by kind and severity and counted by week. The model assumes "
    "that the rate of events depends on three things: how tense the relationship is, what has just "
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


def name_model(model: str) -> str:
    """Name of a model or baseline in running text; one that is not known is shown by its own name."""
    return _NAMES.get(model, model.replace("_", " "))


def model_line(model: str) -> tuple[str, tuple[float, ...]]:
    """Colour as ``#RRGGBB`` and dashes (empty: solid) of a model's line; baselines are grey and dashed."""
    return _MODEL_COLOURS.get(model, MUTED), _BASELINE_DASHES.get(model, ())


def describe_model(model: str, *, has_tension: bool) -> tuple[str, ...]:
    """What the model of a family is, in paragraphs.

    A family without a text of its own gets the parts that hold for all; what is said of tension is said
    only of a run that has it.
    """
    return tuple(part for part in _IS.get(model, (_COUNTS, _EXCITATION)) if part != _TENSION or has_tension)
