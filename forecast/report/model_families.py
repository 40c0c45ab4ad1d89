"""Model families and baselines as readers see them: name, line in a figure, and method in plain words."""

from __future__ import annotations

from forecast.families import FAMILIES
from forecast.report.palette import MUTED

_BASELINES = {
    "climatology": "climatology",
    "last_window": "share after a like window",
    "gamma_poisson": "discounted gamma–Poisson",
    "decayed_logistic": "logistic on decayed counts",
}
_BASELINE_DASHES = {
    "last_window": (1.0, 1.5),
    "gamma_poisson": (4.0, 1.5),
    "decayed_logistic": (4.0, 1.5, 1.0, 1.5),
}


def name_model(model: str) -> str:
    """Name of a model or baseline in running text; one that is not known is shown by its own name."""
    if model in FAMILIES:
        return FAMILIES[model].label
    return _BASELINES.get(model, model.replace("_", " "))


def model_line(model: str) -> tuple[str, tuple[float, ...]]:
    """Colour as ``#RRGGBB`` and dashes (empty: solid) of a model's line; baselines are grey and dashed."""
    return FAMILIES[model].colour if model in FAMILIES else MUTED, _BASELINE_DASHES.get(model, ())


def describe_model(model: str) -> tuple[str, ...]:
    """What the model of a family is, in paragraphs; empty where this version does not know it."""
    return FAMILIES[model].method if model in FAMILIES else ()
