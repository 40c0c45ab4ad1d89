"""Models and baselines as readers see them."""

from __future__ import annotations

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


def name_model(model: str) -> str:
    """Name of a model or baseline in running text; one that is not known is shown by its own name."""
    return _NAMES.get(model, model.replace("_", " "))
