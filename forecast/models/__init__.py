"""The PyMC model families, built from small named terms."""

from forecast.models.code_folder import choose_code_folder

# Before PyTensor and Numba are imported, which read the environment once.
choose_code_folder()

from forecast.models.streams import LikelihoodForm, build_model  # noqa: E402

__all__ = ["LikelihoodForm", "build_model"]
