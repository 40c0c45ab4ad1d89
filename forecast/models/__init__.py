"""The event-stream model: its equations, its fused likelihood, and the PyMC model built from them."""

from forecast.models.code_folder import choose_code_folder

# Before PyTensor and Numba are imported, which read the environment once.
choose_code_folder()
