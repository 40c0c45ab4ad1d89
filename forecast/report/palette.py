"""Colours of the report, each with one meaning; distinguishable with the common colour blindnesses.

Categories use hues of Okabe and Ito (*Color Universal Design*, 2008), cool for cooperative acts and warm
for conflictual ones. No figure relies on colour alone: categories have lanes, targets have labels.
"""

from __future__ import annotations

INK = "#1A2430"
MUTED = "#5A6673"
RULE = "#C9D0D7"
ACCENT = "#0B3C6F"
STAMP = "#B00020"
STRAINED = "#F6E7C1"
CRISIS = "#EDBFA6"

CATEGORY_COLOURS: dict[str, str] = {
    "visit": "#0072B2",
    "channel_opening": "#56B4E9",
    "cooperation": "#009E73",
    "channel_closure": "#A6538A",
    "sanction": "#E69F00",
    "military_incident": "#D55E00",
    "military_posture": "#8A4B12",
    "dispute": "#4D4D4D",
}
_TARGET_COLOURS = ("#0B3C6F", "#B0641A", "#4F7A5B", "#7B4A8C", "#3F3F46")


def category_colour(category: str) -> str:
    """Colour of an event category as ``#RRGGBB``; grey for one that is not in the codebook."""
    return CATEGORY_COLOURS.get(category, MUTED)


def target_colour(index: int) -> str:
    """Colour of the target at this place in the forecast as ``#RRGGBB``; reused after the fifth."""
    return _TARGET_COLOURS[index % len(_TARGET_COLOURS)]


_MODEL_COLOURS = {
    "ensemble": ACCENT,
    "joint": "#D55E00",
    "focused": "#009E73",
    "target": "#A6538A",
}
_BASELINE_DASHES = {
    "last_window": (1.0, 1.5),
    "gamma_poisson": (4.0, 1.5),
    "decayed_logistic": (4.0, 1.5, 1.0, 1.5),
}


def model_line(model: str) -> tuple[str, tuple[float, ...]]:
    """Colour as ``#RRGGBB`` and dashes (empty: solid) of a model's line; baselines are grey and dashed."""
    return _MODEL_COLOURS.get(model, MUTED), _BASELINE_DASHES.get(model, ())
