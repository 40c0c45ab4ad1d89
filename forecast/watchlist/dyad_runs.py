"""One dyad of a list: its inputs, its key, its numbers, and the same model on the events of an earlier watch.

A ``Job`` holds all that the numbers depend on, so that it gives the same bytes in this process, in another
and on another machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from forecast.config import Config, config_hash
from forecast.errors import ForecastError, NotConvergedError
from forecast.evaluation.kept_rows import decisive_versions
from forecast.events.table import EventTable
from forecast.records.cautions import Caution
from forecast.records.forecast import TargetForecast
from forecast.records.watch import Failure, WeightsRecord, Work
from forecast.runs.cautions import cautions_of, far_from_baseline
from forecast.runs.inputs import Inputs, inputs_of, load_hazard, load_population
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run
from forecast.runs.stages import simulation_options, stage_seeds
from forecast.runs.target_forecasts import target_forecasts
from forecast.watchlist.carrying import Fitted, carry
from forecast.workflows.forecast import GivenDraws, run_of_inputs

SMALL = frozenset({"few_events", "few_target_events", "one_episode"})
"""Cautions that make a dyad small."""


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


class Numbers(NamedTuple):
    """Numbers of one dyad.

    ``counterfactual`` are the targets by today's model on the events of the watch before, ``None`` where
    those are today's. ``run`` is there where the model was fitted.
    """

    targets: tuple[TargetForecast, ...]
    cautions: tuple[Caution, ...]
    work: Work
    counterfactual: tuple[TargetForecast, ...] | None
    run: Run | None = None
    carried: WeightsRecord | None = None


class DyadFailed(NamedTuple):
    """A dyad without numbers, and the run that shows why, where there is one."""

    failure: Failure
    run: Run | None = None


Result = Numbers | DyadFailed


def run_dyad(job: Job) -> Result:
    """Forecast one dyad; what goes wrong with it is returned, so that it stops nothing else."""
    try:
        numbers = _numbers(job.config, job.events, job.fitted)
        if job.earlier is None or isinstance(numbers, DyadFailed):
            return numbers
        then = _numbers(job.config, job.earlier, job.fitted)
        return numbers if isinstance(then, DyadFailed) else numbers._replace(counterfactual=then.targets)
    except NotConvergedError as error:
        return DyadFailed(Failure(code="not_converged", text=str(error)))
    except ForecastError as error:
        return DyadFailed(Failure(code="bad_input", text=str(error)))
    except (ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        return DyadFailed(Failure(code="numerical", text=f"{type(error).__name__}: {error}"))


def _numbers(config: Config, events: EventTable, fitted: Fitted | None) -> Numbers | DyadFailed:
    if not len(events.known_by(config.as_of)):
        text = f"nothing was known by {config.as_of}; the first act became known on {events.known_date.min()}"
        return DyadFailed(Failure(code="no_events", text=text))
    inputs = inputs_of(config, events)
    targets = direct_forecasts(inputs)
    run, weights = None, None
    if targets is None:
        run, weights = _run(inputs, fitted)
        if not run.forecast.converged:
            said = " ".join(one.sentence for one in run.forecast.diagnostics.failures)
            return DyadFailed(Failure(code="not_converged", text=f"the fit did not converge. {said}"), run)
        targets = run.forecast.targets
    cautions = (*far_from_baseline(targets), *cautions_of(inputs))
    work: Work = "reweighted" if weights else "fitted" if run else "direct"
    return Numbers(targets, cautions, work, None, run, weights)


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
    if carried is not None and fitted is not None:
        given = GivenDraws(carried.fit, carried.diagnostics)
        weights = WeightsRecord(
            fitted_as_of=fitted.as_of, pareto_k=carried.pareto_k, effective_draws=carried.effective_draws
        )
        return run_of_inputs(inputs, drivers=False, given=given), weights
    return run_of_inputs(inputs, drivers=False), None


def is_small(numbers: Numbers) -> bool:
    """Whether a dyad's record is so short of events or target events that its number rests on others."""
    return any(one.code in SMALL for one in numbers.cautions)


def without_run(result: Result) -> Result:
    """Return the same without its draws, for where they are not kept."""
    return result._replace(run=None)


def compacted(job: Job) -> Job:
    """Return a job with nothing but what was known at its as-of date."""
    known = job.events.known_by(job.config.as_of)
    return replace(job, events=known if len(known) else job.events)
