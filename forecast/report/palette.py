"""Names and colours of what the report shows; each colour has one meaning, also to the colour-blind.

Categories use hues of Okabe and Ito (*Color Universal Design*, 2008), cool for cooperative acts and warm
for conflictual ones. No figure relies on colour alone: categories have lanes, targets have labels.
"""

from __future__ import annotations

from forecast.events import codebook
from forecast.events.codebook import CATEGORIES
from forecast.families import FAMILIES

INK = "#1A2430"
MUTED = "#47525E"
RULE = "#C9D0D7"
ACCENT = "#0B5CAB"
STAMP = "#B00020"
CASE = "#99540F"

CATEGORY_COLOURS: dict[str, str] = {name: codebook.category_colour(name) for name in CATEGORIES}
BASELINE_NAMES = {
    "climatology": "share of past periods",
    "constant_rate": "constant rate",
    "last_window": "share after a period like the last",
    "gamma_poisson": "rate that forgets",
    "decayed_logistic": "regression on recent counts",
    "pooled_line": "line of other pairs",
}
_MODEL_COLOURS = {"model": "#009E73", "pooled_hazard": "#7B5E00", "combined": ACCENT}
_TARGET_COLOURS = ("#0B3C6F", "#99540F", "#4F7A5B", "#7B4A8C", "#3F3F46", "#9E2A5E")


def category_colour(category: str) -> str:
    """Colour of an event category as ``#RRGGBB``; grey for one that is not in the codebook."""
    return CATEGORY_COLOURS.get(category, MUTED)


def target_colour(index: int) -> str:
    """Colour of the target at this place in the forecast as ``#RRGGBB``; reused after the sixth."""
    return _TARGET_COLOURS[index % len(_TARGET_COLOURS)]


def name_model(model: str) -> str:
    """Name of a model or baseline in running text; one that is not known is shown by its own name."""
    if model in FAMILIES:
        return FAMILIES[model].label
    return BASELINE_NAMES.get(model, model.replace("_", " "))


def model_colour(model: str) -> str:
    """Colour of a model as ``#RRGGBB``; baselines are grey."""
    return _MODEL_COLOURS.get(model, MUTED)
