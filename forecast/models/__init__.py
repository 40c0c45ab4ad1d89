"""The model of acts: its definition in PyMC, its compiled density, and draws of its parameters."""

from forecast.models.code_folder import choose_code_folder

# Before PyTensor and Numba are imported, which read the environment once.
choose_code_folder()
