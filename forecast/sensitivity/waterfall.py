"""The way of the headline from a base rate to the forecast, one source after the other.

The model's −log S is a sum: of immigrants at their mean level, of what drift and tension make of it, of what
named reactions add, of what past acts still bring about; acts ahead multiply S. A step is the exact chance
with one more source let in, on the same draws, less that without it; the other members come in last, before
the acts ahead. All steps add up to the headline.

* *base rate*: the constant rate of past cases, or the share of past windows where there is none.
* *own rates*: the model with the rates of this pair alone, at their mean over the record as it was fitted.
* *drift*, *tension*: the level of conflict of these years and the tension of now, and where they may go.
* *reactions*: the answers of named reactions to triggers that are still to come.
* *recent acts*: what past acts still bring about, and how far recent cooperation calms.
* *other pairs*: the mean of the model with the members that were learned on other pairs.
* *scheduled events*: the acts of the calendar.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecast.events.codebook import COOPERATIVE
from forecast.grid import DRIFT_KNOT_STEPS
from forecast.inference.importance import monte_carlo_error
from forecast.models.density import Arrays
from forecast.models.draws import Floats, StreamDraws, linear_between, stream_draws, tension_at_steps
from forecast.models.survival import Chances
from forecast.records.forecast import Step, WaterfallStep
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day
from forecast.streams import Acts


def measure_waterfall(base: Run) -> tuple[WaterfallStep, ...]:
    """Take the headline apart; the last probability is the headline's."""
    config, mixture = base.inputs.config, base.mixture
    target, day = config.headline.target, milestone_day(base, config.headline.milestone)
    share, plain, whole = mixture.share(target), mixture.without_acts, mixture.by_draw(target, day)
    alone = plain.by_draw(target, day)
    asked = base.forecast.target(config.headline.target).milestone(config.headline.milestone)
    rate = asked.baseline.probability if asked.constant_rate is None else asked.constant_rate
    found: list[tuple[Step, float, float]] = [("base_rate", rate, 0.0)]
    before = np.full(base.n_draws, rate)
    if share:
        for step, chance in _sources(base, target, day):
            found.append((step, float(chance.mean()), monte_carlo_error(chance - before, base.n_chains)))
            before = chance
        error = float(
            np.hypot(monte_carlo_error(alone - before, base.n_chains), mixture.direct_error(target, day))
        )
    else:
        error = plain.error(target, day, base.n_chains)
    found.append(("other_pairs", float(alone.mean()), error))
    error = monte_carlo_error(whole - alone, base.n_chains)
    found.append(("scheduled_events", float(whole.mean()), error))
    told = [min(max(probability, 0.0), 1.0) for _, probability, _ in found]
    changes = [0.0, *np.diff(told).tolist()]
    # Differences of what is rounded add up to what is rounded.
    points = [round(float(one), 1) for one in np.diff(np.round(100 * np.array(told), 1), prepend=0.0)]
    return tuple(
        WaterfallStep(step=step, probability=probability, change=change, points=shown, error=error)
        for (step, _, error), probability, change, shown in zip(found, told, changes, points, strict=True)
    )


def _sources(base: Run, target: str, day: int) -> Iterator[tuple[Step, Floats]]:
    """Chance by draw with ever more sources of the model, all but acts ahead, shape (draw,)."""
    draws, known = base.draws, base.process
    later: list[tuple[Step, str]] = [("drift", "drift.scale"), ("tension", "tension.scale")]
    if "reaction.number" in draws.variables:
        later.append(("reactions", "reaction.number"))

    def chance(held: set[str], record: Arrays) -> Floats:
        variables = {
            name: np.zeros_like(values) if name in held else values
            for name, values in draws.variables.items()
        }
        moved = stream_draws(known.data.layout, variables, known.priors)
        chances = Chances(known.data, known.priors, moved, day, known.seed)
        chances.__dict__["record"] = record
        if "tension.scale" in held:
            chances.__dict__["_moved"] = chances._moved * mean
        return np.asarray(1 - chances.quiet(target)[0])

    held, still = {name for _, name in later}, without_past(known.record, known.data.exposure)
    mean = mean_tension(draws, known.data)[:, None, :, None]
    yield "own_rates", chance(held, still)
    for step, name in later:
        held.remove(name)
        yield step, chance(held, still)
    yield "recent_acts", 1 - base.mixture.without_acts.survival.of(target)[:, day]


def mean_tension(draws: StreamDraws, data: Acts) -> Floats:
    """Mean factor of tension on each category over the record, shape (draw, category), as the draw has it.

    Weeks of conflict count by the level that drift gave them, so that a rate times its factor is the mean
    rate of immigrants over the record. It is not one: exp(ℓσx − ½(ℓσ)²) has that mean over all paths and at
    knots alone, and less between them.
    """
    tension = tension_at_steps(draws.knots, data.grid.n_steps)
    drift = linear_between(draws.drift, np.arange(data.grid.n_steps), DRIFT_KNOT_STEPS)
    scale, loadings = (draws.variables[name] for name in ("tension.scale", "tension.loading"))
    found = np.empty((len(draws), len(data.layout.categories)))
    for c, name in enumerate(data.layout.categories):
        loading = scale * loadings[:, c]
        weights = data.exposure * (1.0 if name in COOPERATIVE else np.exp(drift))
        factor = np.exp(loading[:, None] * tension - loading[:, None] ** 2 / 2)
        found[:, c] = (weights * factor).sum(axis=1) / np.broadcast_to(weights, factor.shape).sum(axis=1)
    return found


def without_past(record: Arrays, exposure: Floats) -> Arrays:
    """Return a record whose acts bring about nothing more, and whose cooperation came evenly."""
    even = record.calming.sum(axis=1, keepdims=True) / exposure.sum() * exposure
    none, trigger = record.day[:0], np.zeros((len(record.trigger), 0))
    acts = record._replace(day=none, stream=none, grade=none, trigger=trigger)
    return acts._replace(completeness=np.ones_like(record.completeness), calming=even)
