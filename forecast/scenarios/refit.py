"""A new fit, where the draws of the run cannot stand for the posterior of a scenario.

Imported only when needed: it loads the sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from forecast.inference.gates import check_gates
from forecast.inference.sampling import SamplingProgress, fit
from forecast.models.draws import Floats
from forecast.panel.panel import Panel
from forecast.runs.run import Run
from forecast.runs.stages import sampler_options
from forecast.scenarios.plan import ScenarioPlan


def refit(
    base: Run,
    plan: ScenarioPlan,
    data: Panel,
    tell: Callable[[str], None] = lambda note: None,
) -> tuple[Mapping[str, Floats], tuple[str, ...]]:
    """Sample the posterior of a scenario with the settings and the seed of the run.

    Parameters
    ----------
    base, plan
        The run, and the scenario put upon it.
    data : Panel
        Counts of the events that the scenario leaves.
    tell : callable, optional
        Told how far the sampler is.

    Returns
    -------
    mapping of str to ndarray
        Draws by variable.
    tuple of str
        Gates that failed, in words.
    """
    config, model = base.inputs.config, base.inputs.main.model

    def listen(progress: SamplingProgress) -> None:
        tell(f"fitted anew, {progress.finished:,} of {progress.planned:,} draws")

    tell("fitted anew")
    posterior = fit(model.build(data, plan.priors), sampler_options(config), listen)
    return posterior.variables, check_gates(posterior).failures
