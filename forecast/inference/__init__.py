"""Model and counts → posterior: sampling, gates, reruns, storage."""

# First, since it says where machine code is kept.
import forecast.models  # noqa: F401

# isort: split
from forecast.inference.fit import fit, fit_compiled
from forecast.inference.gates import GateReport, check_gates
from forecast.inference.monte_carlo import monte_carlo_error
from forecast.inference.posterior import Posterior, read_posterior
from forecast.inference.sampling import ProgressListener, SamplerOptions, SamplingProgress
from forecast.models.likelihood import log_likelihood

__all__ = [
    "GateReport",
    "Posterior",
    "ProgressListener",
    "SamplerOptions",
    "SamplingProgress",
    "check_gates",
    "fit",
    "fit_compiled",
    "log_likelihood",
    "monte_carlo_error",
    "read_posterior",
]
