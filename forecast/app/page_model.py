"""What the page knows when it opens: the run, what can be changed, how far each belief moves it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from forecast.app.engine import Engine, base_of, points_of
from forecast.app.records import (
    BaseMilestone,
    BaseTarget,
    HumanUnit,
    PageAct,
    PageCategory,
    PageLimits,
    PageMilestone,
    PageModel,
    PagePrior,
    PageSeverity,
    PageStep,
    PageTarget,
    PastAct,
    PosteriorQuantiles,
    PriorStop,
    PriorText,
    PriorWord,
    Triple,
)
from forecast.app.state import MOST_ACTS
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    SEVERITIES,
    category_label,
    category_meaning,
    severity_word,
)
from forecast.priors import Distribution, NamedPrior
from forecast.priors.distributions import shifted
from forecast.records.cautions import caution_lines
from forecast.records.forecast import Forecast, TargetForecast
from forecast.records.scale import Scale
from forecast.report.assumption_words import assumption_label, titles_of
from forecast.report.judgement import question_sentence, question_subject, step_name
from forecast.runs.run import Run
from forecast.scenarios.evaluate import parameter_draws
from forecast.sensitivity.shifts import PriorShifts, key_assumptions, stacked_shares

STOPS = tuple(0.25 * place for place in range(-8, 9))
"""Places of a slider, in steps of the prior's own spread."""
_LEVELS = (0.05, 0.5, 0.95)
_LARGEST = 1e6
_SCANNED = (0.5, 1.0, 1.5, 2.0)
"""Steps each way at which the draws are asked whether they can stand for a moved belief."""


def page_model(engine: Engine) -> PageModel:
    """Describe a run for the page; without beliefs where none may be changed."""
    run = engine.run
    forecast, config = run.forecast, run.inputs.config
    return PageModel(
        run_id=forecast.run_id,
        title=forecast.dyad.label,
        sides=(forecast.dyad.a, forecast.dyad.b),
        as_of=forecast.as_of,
        converged=forecast.converged,
        failures=tuple(one.sentence for one in forecast.diagnostics.failures),
        tweaks=engine.tweaks,
        refit=engine.tweaks and run.folder is not None,
        horizon_days=run.hits.horizon_days,
        headline={"target": forecast.headline.target, "milestone": forecast.headline.milestone},
        targets=tuple(
            PageTarget(name=one.name, label=one.label, definition=one.definition, grave=one.grave)
            for one in forecast.targets
        ),
        milestones=tuple(
            PageMilestone(
                name=one.name,
                label=one.label,
                date=one.date,
                day=(one.date - run.inputs.data.grid.origin).days,
            )
            for one in forecast.targets[0].milestones
        ),
        base={one.name: _base(one) for one in forecast.targets},
        priors=page_priors(run) if engine.tweaks else (),
        calendar=tuple(
            PageAct(
                label=act.label,
                date=act.date,
                category=act.category,
                severity=act.severity,
                by=act.by or "",
                probability=act.probability,
            )
            for act in config.calendar
        ),
        categories=tuple(
            PageCategory(
                name=name,
                label=category_label(name),
                conflict=name in CONFLICTUAL,
                meaning=category_meaning(name),
            )
            for name in CATEGORIES
        ),
        severities=tuple(
            PageSeverity(value=one, label=severity_word(one), anchors=_anchors(forecast.scale, one))
            for one in SEVERITIES
        ),
        actors=run.inputs.dyad.actors if any(one.by for one in forecast.targets) else (),
        past=_past(forecast),
        cautions=tuple(caution_lines(forecast.cautions)),
        waterfall=tuple(
            PageStep(name=step_name(forecast, one), change=one.change, probability=one.probability)
            for one in forecast.waterfall
        ),
        limits=PageLimits(acts=MOST_ACTS),
        run_folder_name="" if run.folder is None else run.folder.resolve().name,
    )


def _anchors(scale: Scale, severity: int) -> dict[str, str]:
    return {one: text for one in CATEGORIES if (text := scale.anchor(one, severity))}


def _base(target: TargetForecast) -> BaseTarget:
    return BaseTarget(
        curve=points_of(target.curve, target),
        milestones={
            one.name: BaseMilestone(
                **dict(base_of(one)),
                words=one.words,
                subject=question_subject(target, one),
                sentence=question_sentence(target, one),
            )
            for one in target.milestones
        },
    )


def _past(forecast: Forecast) -> tuple[PastAct, ...]:
    return tuple(
        PastAct(
            id=one.event_id,
            date=one.date,
            text=one.summary,
            category=one.category,
            severity=one.severity,
            effect=one.change,
            error=one.mcse,
        )
        for one in sorted(forecast.drivers, key=lambda one: -abs(one.change))
    )


class _Effect(NamedTuple):
    """Change of the log odds a step, whether it is more than noise, between which steps it can be told."""

    log_odds: float | None
    moves: bool
    reliable: tuple[float, float]


def page_priors(run: Run) -> tuple[PagePrior, ...]:
    """Every prior of the model, the most influential first."""
    headline = run.inputs.config.headline
    shares = stacked_shares(run, [(headline.target, headline.milestone)])
    key = key_assumptions(run.inputs, headline.target)
    found = [
        _page_prior(prior, run, _effect(PriorShifts(run, name, shares)), key=name in key)
        for name, prior in run.inputs.priors.priors.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.effect is None, -abs(one.effect or 0.0))))


def _effect(shifts: PriorShifts) -> _Effect:
    reach = {}
    for side in (-1.0, 1.0):
        told = 0.0
        for steps in _SCANNED:
            if not shifts.at(side * steps).weights.trusted:
                break
            told = steps
        reach[side] = told
    reliable = (-reach[-1.0], reach[1.0])
    widest = min(1.0, reach[-1.0], reach[1.0])
    if widest == 0.0:
        return _Effect(None, True, reliable)
    low, high = (float(shifts.at(side * widest).probability[0]) for side in (-1.0, 1.0))
    if not (0 < low < 1 and 0 < high < 1):
        return _Effect(None, low != high, reliable)
    change = max(
        abs(shifts.at(side * widest).probability[0] - shifts.at(0.0).probability[0]) for side in (-1, 1)
    )
    error = max(shifts.change_error_at(side * widest, 0) for side in (-1, 1))
    log_odds = (math.log(high / (1 - high)) - math.log(low / (1 - low))) / (2 * widest)
    return _Effect(round(log_odds, 4), bool(change > 2 * error), reliable)


def _page_prior(prior: NamedPrior, run: Run, effect: _Effect, *, key: bool) -> PagePrior:
    draws = np.quantile(parameter_draws(run, prior.name), _LEVELS)
    stops = tuple(_stops(prior))
    posterior = _on_scale(prior, *draws.tolist())
    seen = [value for triple in (*(one.quantiles for one in stops), posterior) for value in triple]
    return PagePrior(
        name=prior.name,
        label=assumption_label(prior.name, titles=titles_of(run.forecast)),
        help=prior.group.meaning,
        unit=prior.group.unit,
        effect=effect.log_odds,
        moves=effect.moves,
        key=key,
        words=tuple(
            PriorWord(word=word, quantiles=_quantiles(prior, one))
            for word, one in (*prior.group.words.items(), ("default", prior.default))
        ),
        prior=PriorText(
            text=prior.words or str(prior.distribution), quantiles=_quantiles(prior, prior.distribution)
        ),
        posterior=PosteriorQuantiles(quantiles=posterior),
        scale=HumanUnit(
            name=prior.group.scale.name,
            meaning=prior.group.scale.meaning,
            min=min(seen),
            max=max(seen),
            log=min(seen) > 0 and max(seen) > 10 * min(seen),
        ),
        stops=stops,
        reliable=effect.reliable,
    )


def _stops(prior: NamedPrior) -> Iterator[PriorStop]:
    scale = prior.group.scale
    for steps in STOPS:
        moved = shifted(prior.distribution, steps)
        low, middle, high = moved.quantile(_LEVELS).tolist()
        yield PriorStop(
            steps=steps,
            quantiles=_on_scale(prior, low, middle, high),
            statement=str(moved),
            text=scale.read(low, middle, high),
        )


def _quantiles(prior: NamedPrior, distribution: Distribution) -> Triple:
    low, middle, high = distribution.quantile(_LEVELS).tolist()
    return _on_scale(prior, low, middle, high)


def _on_scale(prior: NamedPrior, low: float, middle: float, high: float) -> Triple:
    """Quantiles of a parameter on its human scale, in rising order, as JSON can hold them."""
    values = sorted(prior.group.scale.of(one) for one in (low, middle, high))
    first, second, third = (float(f"{min(max(one, -_LARGEST), _LARGEST):.4g}") for one in values)
    return first, second, third
