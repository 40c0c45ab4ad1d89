"""What the page knows when it opens: the run, what can be changed, how far each belief moves it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator

from forecast.app.engine import BaseProbability, Engine, Point, base_of, points_of
from forecast.app.state import MOST_ACTS
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    SEVERITIES,
    category_label,
    category_meaning,
    severity_word,
)
from forecast.models.draws import Floats
from forecast.priors import NamedPrior
from forecast.priors.distributions import shifted
from forecast.records.base import Interval, Record
from forecast.records.cautions import caution_lines
from forecast.records.forecast import Headline, TargetForecast
from forecast.report.assumption_words import assumption_label, titles_of
from forecast.report.judgement import question_sentence, question_subject, step_name
from forecast.runs.run import Run
from forecast.scenarios.evaluate import parameter_draws
from forecast.sensitivity.shifts import PriorShifts, key_assumptions, stacked_shares

STOPS = tuple(0.25 * place for place in range(-8, 9))
"""Places of a slider, in steps of the prior's own spread."""
WORDS: tuple[Literal["low", "as the data say", "high"], ...] = ("low", "as the data say", "high")
_LEVELS = (0.05, 0.5, 0.95)
_LARGEST = 1e6
_SCANNED = (0.5, 1.0, 1.5, 2.0)
"""Steps each way at which the draws are asked whether they can stand for a moved belief."""

Triple = tuple[float, float, float]
"""5%, 50% and 95% quantiles."""


class Named(Record):
    """A name of the config, with what people call it."""

    name: str
    label: str


class PageTarget(Named):
    """A target, and which acts meet it; a small chance of a ``grave`` one is said in odds."""

    definition: str
    grave: bool
    any_of: tuple[str, ...]
    min_severity: int
    by: tuple[str, ...]


class PageMilestone(Named):
    """A milestone that can be asked for."""

    date: date
    day: int


class BaseMilestone(BaseProbability):
    """What the run says of a target before a milestone; ``subject`` is what is asked, within a sentence."""

    words: str
    subject: str
    sentence: str


class BaseTarget(Record):
    """What the run says of a target."""

    curve: tuple[Point, ...]
    milestones: dict[str, BaseMilestone]


class Spread(Record):
    """Quantiles of a belief on its human scale; alone, of what the run found."""

    quantiles: Triple


class PriorPreset(Record):
    """A belief in words; ``value`` is the middle of what the draws then say, on the human scale.

    ``statement`` is how a state holds it, ``None`` for the run's own belief.
    """

    word: Literal["low", "as the data say", "high"]
    value: str
    statement: str | None


class PriorStop(Spread):
    """A place of the slider: the prior moved by so many steps of its own spread, as a state holds it."""

    steps: float
    statement: str
    text: str


class HumanUnit(Record):
    """The scale that the values of a prior are shown on.

    Quantiles on it are stated as ``{name: {q05: …, median: …, q95: …}}``.
    """

    name: str
    meaning: str
    min: float
    max: float
    log: bool


class PagePrior(Named):
    """A belief that can be moved, the most influential first.

    ``effect`` is the change of the headline's log odds for one step of the prior's spread; ``None`` where the
    draws cannot tell. ``reliable`` are the steps between which they can stand for the moved belief.
    """

    help: str
    effect: float | None
    moves: bool
    key: bool
    presets: tuple[PriorPreset, ...]
    posterior: Spread
    scale: HumanUnit
    stops: tuple[PriorStop, ...]
    reliable: Interval


class PageAct(Record):
    """A scheduled act."""

    label: str
    date: date
    category: str
    severity: int
    by: Annotated[str, BeforeValidator(lambda by: by or "")]
    probability: float


class PageCategory(Named):
    """A category of the codebook."""

    conflict: bool
    meaning: str


class PageSeverity(Record):
    """A severity of the scale, with its anchor by category."""

    value: int
    label: str
    anchors: dict[str, str]


class PastAct(Record):
    """A past event, with what it did to the headline."""

    id: str
    date: date
    text: str
    category: str
    severity: int
    effect: float
    error: float


class PageLimits(Record):
    """What a state may hold at most."""

    acts: int


class PageStep(Record):
    """One source of the headline: its name, what it adds, and the probability with it."""

    name: str
    change: float
    probability: float


class PageModel(Record):
    """All that the page knows of a run when it opens.

    ``actors`` are those that can act, where a target counts acts of some only; else none.
    """

    schema_: Literal[1] = 1
    run_id: str
    title: str
    as_of: date
    converged: bool
    failures: tuple[str, ...]
    tweaks: bool
    refit: bool
    horizon_days: int
    headline: Headline
    targets: tuple[PageTarget, ...]
    milestones: tuple[PageMilestone, ...]
    base: dict[str, BaseTarget]
    priors: tuple[PagePrior, ...]
    calendar: tuple[PageAct, ...]
    categories: tuple[PageCategory, ...]
    severities: tuple[PageSeverity, ...]
    actors: tuple[str, ...]
    past: tuple[PastAct, ...]
    cautions: tuple[str, ...]
    waterfall: tuple[PageStep, ...]
    limits: PageLimits


def page_model(engine: Engine) -> PageModel:
    """Describe a run for the page; without beliefs where none may be changed."""
    run = engine.run
    forecast, config, origin = run.forecast, run.inputs.config, run.inputs.data.grid.origin
    return PageModel(
        run_id=forecast.run_id,
        title=forecast.dyad.label,
        as_of=forecast.as_of,
        converged=forecast.converged,
        failures=tuple(one.sentence for one in forecast.diagnostics.failures),
        tweaks=engine.tweaks,
        refit=engine.tweaks and run.folder is not None,
        horizon_days=run.hits.horizon_days,
        headline=forecast.headline,
        targets=tuple(PageTarget.model_validate(one, from_attributes=True) for one in forecast.targets),
        milestones=tuple(
            PageMilestone(name=one.name, label=one.label, date=one.date, day=(one.date - origin).days)
            for one in forecast.targets[0].milestones
        ),
        base={one.name: _base(one) for one in forecast.targets},
        priors=page_priors(run) if engine.tweaks else (),
        calendar=tuple(PageAct.model_validate(one, from_attributes=True) for one in config.calendar),
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
            PageSeverity(
                value=one,
                label=severity_word(one),
                anchors={name: text for name in CATEGORIES if (text := forecast.scale.anchor(name, one))},
            )
            for one in SEVERITIES
        ),
        actors=run.inputs.dyad.actors if any(one.by for one in forecast.targets) else (),
        past=tuple(
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
        ),
        cautions=tuple(caution_lines(forecast.cautions)),
        waterfall=tuple(
            PageStep(name=step_name(forecast, one), change=one.change, probability=one.probability)
            for one in forecast.waterfall
        ),
        limits=PageLimits(acts=MOST_ACTS),
    )


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


def page_priors(run: Run) -> tuple[PagePrior, ...]:
    """Every prior of the model, the most influential first."""
    headline = run.inputs.config.headline
    shares = stacked_shares(run, [(headline.target, headline.milestone)])
    key = key_assumptions(run.inputs, headline.target)
    priors = [
        _page_prior(prior, run, PriorShifts(run, name, shares), key=name in key)
        for name, prior in run.inputs.priors.priors.items()
    ]
    return tuple(sorted(priors, key=lambda one: (one.effect is None, -abs(one.effect or 0.0))))


def _reach(shifts: PriorShifts, side: float) -> float:
    """Steps to one side up to which the draws can stand for the moved belief."""
    reach = 0.0
    for steps in _SCANNED:
        if not shifts.at(side * steps).weights.trusted:
            break
        reach = steps
    return reach


def _effect(shifts: PriorShifts, widest: float) -> tuple[float | None, bool]:
    """Change of the log odds a step, ``None`` where it cannot be told, and whether it is more than noise."""
    if widest == 0.0:
        return None, True
    low, middle, high = (float(shifts.at(steps).probability[0]) for steps in (-widest, 0.0, widest))
    if not (0 < low < 1 and 0 < high < 1):
        return None, low != high
    error = max(shifts.change_error_at(side * widest, 0) for side in (-1, 1))
    log_odds = (math.log(high / (1 - high)) - math.log(low / (1 - low))) / (2 * widest)
    return round(log_odds, 4), max(abs(low - middle), abs(high - middle)) > 2 * error


def _page_prior(prior: NamedPrior, run: Run, shifts: PriorShifts, *, key: bool) -> PagePrior:
    below, above = _reach(shifts, -1.0), _reach(shifts, 1.0)
    effect, moves = _effect(shifts, min(1.0, below, above))
    values = parameter_draws(run, prior.name)
    draws = np.quantile(values, _LEVELS)
    stops = tuple(_stops(prior))
    posterior = _on_scale(prior, *draws.tolist())
    seen = [value for triple in (*(one.quantiles for one in stops), posterior) for value in triple]
    return PagePrior(
        name=prior.name,
        label=assumption_label(prior.name, titles=titles_of(run.forecast)),
        help=prior.group.meaning,
        effect=effect,
        moves=moves,
        key=key,
        presets=tuple(_presets(prior, shifts, values, below, above)),
        posterior=Spread(quantiles=posterior),
        scale=HumanUnit(
            name=prior.group.scale.name,
            meaning=prior.group.scale.meaning,
            min=min(seen),
            max=max(seen),
            log=min(seen) > 0 and max(seen) > 10 * min(seen),
        ),
        stops=stops,
        reliable=(-below, above),
    )


def _presets(
    prior: NamedPrior, shifts: PriorShifts, values: Floats, below: float, above: float
) -> Iterator[PriorPreset]:
    """Low, the run's own, high: as far as the draws can stand for it; one spread where they cannot at all."""
    scale = prior.group.scale
    steps = (-below or -1.0, 0.0, above or 1.0)
    for word, at in zip(WORDS, reversed(steps) if scale.falls else steps, strict=True):
        weights = shifts.at(at).weights
        if at == 0.0 or weights.trusted:
            middle = float(np.quantile(values, 0.5, weights=weights.weights, method="inverted_cdf"))
        else:
            middle = float(shifts.moved(at).quantile(0.5))
        value = scale.short(scale.of(middle))
        yield PriorPreset(word=word, value=value, statement=str(shifts.moved(at)) if at else None)


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


def _on_scale(prior: NamedPrior, low: float, middle: float, high: float) -> Triple:
    """Quantiles of a parameter on its human scale, in rising order, as JSON can hold them."""
    values = sorted(prior.group.scale.of(one) for one in (low, middle, high))
    first, second, third = (float(f"{min(max(one, -_LARGEST), _LARGEST):.4g}") for one in values)
    return first, second, third
