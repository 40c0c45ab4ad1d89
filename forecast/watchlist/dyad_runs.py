"""One dyad of a list: its inputs, its key, its numbers, and the same model on the events of an earlier watch.

A ``Job`` holds all that the numbers depend on, so that it gives the same bytes in this process, in another
and on another machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from forecast.config import Config, config_hash
from forecast.errors import ForecastError, NotConvergedError
from forecast.evaluation.unit_store import decisive_versions
from forecast.events.table import EventTable
from forecast.families import family_named
from forecast.panel.streams import TargetRule
from forecast.records.cautions import Caution
from forecast.records.forecast import TargetForecast
from forecast.records.watch import Failure, WeightsRecord, Work
from forecast.runs.cautions import cautions_of, far_from_baseline
from forecast.runs.inputs import Inputs, inputs_of, load_hazard, load_population, target_rules
from forecast.runs.run import Run
from forecast.runs.stages import stage_seeds
from forecast.watchlist.carrying import Fitted, carry
from forecast.watchlist.direct import direct_forecasts, is_direct
from forecast.wording.warnings import failure_sentence
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
    those are today's. ``run`` is kept of a fitted family only.
    """

    targets: tuple[TargetForecast, ...]
    unseen: tuple[str, ...]
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


def first_day(config: Config, events: EventTable) -> date:
    """First day that counts as observed."""
    found: date = config.events.start or events.date.min().item()
    return found


def _numbers(config: Config, events: EventTable, fitted: Fitted | None) -> Numbers | DyadFailed:
    known = events.known_by(config.as_of)
    if not len(known):
        text = f"nothing was known by {config.as_of}; the first act became known on {events.known_date.min()}"
        return DyadFailed(Failure(code="no_events", text=text))
    start = first_day(config, known)
    used = known.between(start, config.as_of)
    rules = target_rules(config)
    seen = [rule for rule in rules if np.isin(used.category, rule.any_of).any()]
    unseen = tuple(rule.name for rule in rules if rule not in seen)
    inputs = inputs_of(_with_targets(config, seen), events) if seen and len(used) else None
    hazard = load_hazard(config)
    direct = is_direct(family_named(config.model.family))
    asked = rules if direct or inputs is None else [rule for rule in rules if rule.name in unseen]
    found = direct_forecasts(config, known, asked, hazard, start) if asked else {}
    run, weights = None, None
    if not direct and inputs is not None:
        run, weights = _run(inputs, fitted)
        if not run.forecast.converged:
            said = " ".join(map(failure_sentence, run.forecast.diagnostics.failures))
            return DyadFailed(Failure(code="not_converged", text=f"the fit did not converge. {said}"), run)
        found |= {target.name: target for target in run.forecast.targets}
    targets = tuple(found[rule.name] for rule in rules)
    cautions = (*far_from_baseline(targets), *(cautions_of(inputs) if inputs else ()))
    work: Work = "reweighted" if weights else "fitted" if run else "direct"
    return Numbers(targets, unseen, cautions, work, None, run, weights)


def _with_targets(config: Config, rules: Sequence[TargetRule]) -> Config:
    kept = {rule.name: config.targets[rule.name] for rule in rules}
    headline = config.headline
    if headline.target not in kept:
        headline = headline.model_copy(update={"target": next(iter(kept))})
    changed = config.model_copy(update={"targets": kept, "headline": headline})
    changed._source, changed._source_path = config._source, config._source_path
    return changed


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
    return bool(numbers.unseen) or any(one.code in SMALL for one in numbers.cautions)


def without_run(result: Result) -> Result:
    """Return the same without its draws, for where they are not kept."""
    return result._replace(run=None)


def compacted(job: Job) -> Job:
    """Return a job with nothing but what was known at its as-of date."""
    known = job.events.known_by(job.config.as_of)
    return replace(job, events=known if len(known) else job.events)
