"""The PyMC model families, built from small named terms."""

from forecast.models.streams import LikelihoodForm, build_model

__all__ = ["LikelihoodForm", "build_model"]
