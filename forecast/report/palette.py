"""Colours of the report, each with one meaning; distinguishable with the common colour blindnesses.

Categories use hues of Okabe and Ito (*Color Universal Design*, 2008), cool for cooperative acts and warm
for conflictual ones. No figure relies on colour alone: categories have lanes, targets have labels.
"""

from __future__ import annotations

from forecast.events.codebook import CATEGORIES, category_label

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


def name_category(category: str) -> str:
    """Category as readers see it; one outside the codebook is shown by its own name."""
    return category_label(category) if category in CATEGORIES else category.replace("_", " ").capitalize()


def target_colour(index: int) -> str:
    """Colour of the target at this place in the forecast as ``#RRGGBB``; reused after the fifth."""
    return _TARGET_COLOURS[index % len(_TARGET_COLOURS)]
