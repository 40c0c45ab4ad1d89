"""Fit a model to counts: build, compile, sample, and sample again when a gate fails."""

from __future__ import annotations

from dataclasses import replace

from forecast.inference.gates import check_gates
from forecast.inference.posterior import Posterior
from forecast.inference.sampling import Compiled, ProgressListener, SamplerOptions, compile_model, sample
from forecast.models import build_model
from forecast.panel.panel import Panel
from forecast.priors import PriorSet

RERUN_TUNE = 1000
RERUN_TARGET_ACCEPT = 0.97


def fit(
    data: Panel,
    priors: PriorSet,
    options: SamplerOptions,
    listen: ProgressListener | None = None,
) -> Posterior:
    """Sample the posterior of a layout's model.

    When a gate fails, the model is sampled once more with longer warm-up and a higher acceptance rate
    (never lower than asked for). The result is returned either way; ``check_gates`` says what it is worth.

    Raises
    ------
    NotConvergedError
        The sampler could not start or returned no numbers.
    KeyboardInterrupt
    """
    return fit_compiled(compile_model(build_model(data, priors)), options, listen)


def fit_compiled(
    compiled: Compiled, options: SamplerOptions, listen: ProgressListener | None = None
) -> Posterior:
    """Sample a compiled model, and once more when a gate fails, as ``fit``; errors as there."""
    tree = sample(compiled, options, listen)
    first = Posterior(tree, options.target_accept, options.tune)
    if check_gates(first).converged:
        return first
    again = replace(
        options,
        seed=options.seed + 1,
        tune=max(options.tune, RERUN_TUNE),
        target_accept=max(options.target_accept, RERUN_TARGET_ACCEPT),
    )
    tree = sample(compiled, again, listen)
    return Posterior(tree, again.target_accept, again.tune, reruns=1)
