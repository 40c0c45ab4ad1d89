"""One dyad of a list: its inputs, its key, its numbers, and the same model on the events of an earlier watch.

A ``Job`` holds all that the numbers depend on, so that it gives the same bytes in this process, in another
and on another machine.

A new week needs no new fit where the draws of an earlier one, weighted to what is known now, can stand for
it. Weights are the ratio of the posterior density of today to that of the fit: of the likelihoods of the
counts, and of the priors, which follow the record. Knots of the latent series that the fit did not reach are
drawn from their prior, as the fit itself would have left them. The weights start from the fit each time, not
from the draws of the week before, so that nothing piles up: once they cannot be trusted (Pareto's shape,
effective draws) a new fit is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config import Config, config_hash
from forecast.errors import ForecastError, NotConvergedError
from forecast.evaluation.study import decisive_versions
from forecast.events.table import EventTable
from forecast.inference.density import PosteriorDensity
from forecast.inference.importance import importance_weights
from forecast.inference.posterior import Posterior
from forecast.models.draws import with_longer_future
from forecast.panel import EventCounts
from forecast.priors import PriorSet
from forecast.records.cautions import Caution
from forecast.records.forecast import Diagnostics, TargetForecast
from forecast.records.watch import Failure, FailureCode, WeightsRecord, Work
from forecast.runs.cautions import cautions_of, far_from_baseline
from forecast.runs.inputs import Inputs, inputs_of, load_hazard, load_population
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run, read_run, simulation_options, stage_seeds
from forecast.runs.summaries import target_forecasts
from forecast.workflows.forecast import GivenDraws, run_of_inputs

Floats = NDArray[np.float64]
SMALL = frozenset({"few_events", "few_target_events", "one_episode"})
"""Cautions that make a dyad small."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit of an earlier watch, held in memory so that it can go to another machine."""

    config: Config
    data: EventCounts
    priors: PriorSet
    fit: Posterior
    diagnostics: Diagnostics

    @property
    def as_of(self) -> date:
        """Day of the fit."""
        return self.config.as_of

    def suits(self, config: Config) -> bool:
        """Whether a config asks for the same model: all is the same but for days and the question."""
        asked = {"as_of": config.as_of, "milestones": config.milestones, "headline": config.headline}
        before = self.config.model_copy(update=asked | {"events": config.events})
        before._source, before._source_path = config._source, config._source_path
        return config_hash(before) == config_hash(config)


@dataclass(frozen=True, eq=False)
class Job:
    """What to forecast of one dyad.

    ``earlier`` are the events that the watch before knew, ``None`` without one, or where they are the same.
    ``fitted`` is the last fit of an earlier watch, whose draws may do with weights.
    """

    config: Config
    events: EventTable
    earlier: EventTable | None = None
    fitted: Fitted | None = None

    @property
    def key(self) -> str:
        """Hash of all that the numbers depend on: settings, events, coefficients, priors, code."""
        population, hazard = load_population(self.config), load_hazard(self.config)
        parts = (
            config_hash(self.config),
            self.events.known_by(self.config.as_of).sha256,
            population.sha256 if population else "none",
            hazard.sha256,
            decisive_versions(),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Result(NamedTuple):
    """Numbers of one dyad, or the ``failure`` that is why it has none.

    ``counterfactual`` are the targets by today's model on the events of the watch before, ``None`` where
    those are today's. ``run`` is there where the model was fitted, also where the fit failed.
    """

    targets: tuple[TargetForecast, ...] = ()
    cautions: tuple[Caution, ...] = ()
    work: Work = "direct"
    counterfactual: tuple[TargetForecast, ...] | None = None
    weights: WeightsRecord | None = None
    failure: Failure | None = None
    run: Run | None = None

    @property
    def small(self) -> bool:
        """Whether the record is so short of events or target events that the number rests on others."""
        return any(one.code in SMALL for one in self.cautions)


def failed(code: FailureCode, text: str, run: Run | None = None) -> Result:
    """Return a dyad without numbers."""
    return Result(failure=Failure(code=code, text=text), run=run)


def run_dyad(job: Job) -> Result:
    """Forecast one dyad; what goes wrong with it is returned, so that it stops nothing else."""
    try:
        result = _numbers(job.config, job.events, job.fitted)
        if job.earlier is None or result.failure:
            return result
        then = _numbers(job.config, job.earlier, job.fitted)
        return result if then.failure else result._replace(counterfactual=then.targets)
    except NotConvergedError as error:
        return failed("not_converged", str(error))
    except ForecastError as error:
        return failed("bad_input", str(error))
    except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        return failed("numerical", f"{type(error).__name__}: {error}")


def _numbers(config: Config, events: EventTable, fitted: Fitted | None) -> Result:
    if not len(events.known_by(config.as_of)):
        first = events.known_date.min()
        return failed(
            "no_events", f"nothing was known by {config.as_of}; the first act became known on {first}"
        )
    inputs = inputs_of(config, events)
    targets = direct_forecasts(inputs)
    run, weights = None, None
    if targets is None:
        run, weights = _run(inputs, fitted)
        if not run.forecast.converged:
            said = " ".join(one.sentence for one in run.forecast.diagnostics.failures)
            return failed("not_converged", f"the fit did not converge. {said}", run)
        targets = run.forecast.targets
    cautions = (*far_from_baseline(targets), *cautions_of(inputs))
    work: Work = "reweighted" if weights else "fitted" if run else "direct"
    return Result(targets, cautions, work, weights=weights, run=run)


def direct_forecasts(inputs: Inputs) -> tuple[TargetForecast, ...] | None:
    """Forecast all targets, in milliseconds, by members that need no fit; ``None`` where that cannot be.

    Acts ahead and targets on which these members are silent need the model's paths.
    """
    if inputs.family.fitted or inputs.calendar:
        return None
    direct = direct_answers(inputs, inputs.events, simulation_options(inputs.config).horizon_days)
    if any(direct.of(rule.name) is None for rule in inputs.rules):
        return None
    return target_forecasts(Mixture(inputs, direct, None))


def _run(inputs: Inputs, fitted: Fitted | None) -> tuple[Run, WeightsRecord | None]:
    """Run on the draws of an earlier fit where weights can stand for today's posterior, else on a new fit."""
    carried = carry(fitted, inputs, stage_seeds(inputs.config).fit) if fitted else None
    if carried is None or fitted is None:
        return run_of_inputs(inputs, drivers=False), None
    given = GivenDraws(carried[0], fitted.diagnostics)
    return run_of_inputs(inputs, drivers=False, given=given), carried[1]


def compacted(job: Job) -> Job:
    """Return a job with nothing but what was known at its as-of date."""
    known = job.events.known_by(job.config.as_of)
    return replace(job, events=known if len(known) else job.events)


def read_fitted(folder: Path) -> Fitted | None:
    """Read a fit of an earlier watch; ``None`` where none is there, it failed, or it cannot be read."""
    try:
        run = read_run(folder)
    except (ForecastError, OSError):
        return None
    if not run.forecast.converged:
        return None
    inputs, fit = run.inputs, run.fit
    in_memory = Posterior(fit.tree, fit.target_accept, fit.tune, fit.reruns)
    return Fitted(inputs.config, inputs.data, inputs.priors, in_memory, run.forecast.diagnostics)


def carry(fitted: Fitted, inputs: Inputs, seed: int) -> tuple[Posterior, WeightsRecord] | None:
    """Weigh the draws of a fit by what was learned since, and resample; ``None`` where a new fit is due.

    The draws have equal weights and stand for today's posterior; beside them is what the weights behind them
    are worth.
    """
    if not fitted.suits(inputs.config):
        return None
    data = inputs.data
    if fitted.data.layout != data.layout or fitted.data.grid.start != data.grid.start:
        return None
    random = np.random.default_rng([seed, inputs.config.as_of.toordinal()])
    variables = with_longer_future(fitted.fit.variables, data.grid.n_steps, random)
    now = PosteriorDensity.of(data, inputs.priors)
    before = PosteriorDensity.of(fitted.data, fitted.priors, now.n_knots)
    points = now.points(variables)
    ratio = now(points)[0] - before(points)[0]
    weights = importance_weights(ratio)
    if not weights.trusted:
        return None
    # Systematic resampling: as many copies of each as its share of all, up to the next whole number.
    n = len(ratio)
    edges = np.cumsum(weights.weights)
    edges[-1] = 1.0
    rows = np.searchsorted(edges, (np.arange(n) + random.random()) / n)
    carried = _posterior(fitted.fit, {name: one[rows] for name, one in variables.items()})
    record = WeightsRecord(
        fitted_as_of=fitted.as_of, pareto_k=weights.pareto_k, effective_draws=weights.effective_draws
    )
    return carried, record


def _posterior(before: Posterior, variables: Mapping[str, Floats]) -> Posterior:
    """Return resampled draws, copies side by side in the chains that they come from."""
    import xarray as xr

    data = {}
    for name, values in variables.items():
        rest = tuple(f"{name}_dim_{place}" for place in range(values.ndim - 1))
        shaped = values.reshape(before.n_chains, -1, *values.shape[1:])
        data[name] = (("chain", "draw", *rest), shaped)
    statistics = before.tree["sample_stats"].to_dataset()
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(data), "sample_stats": statistics})
    return Posterior(tree, before.target_accept, before.tune, before.reruns)
