"""The forecast of every target at every milestone, beside what counting its past cases says."""

from __future__ import annotations

from forecast.baselines.methods import climatology
from forecast.config import target_definition
from forecast.records.forecast import Baseline, TargetForecast
from forecast.runs.combining import Combined
from forecast.runs.inputs import Inputs
from forecast.runs.past_cases import constant_rate, past_cases
from forecast.runs.summaries import Question, target_forecast
from forecast.simulation import FirstPassages


def target_forecasts(
    inputs: Inputs, hits: FirstPassages, n_chains: int, combined: Combined | None
) -> tuple[TargetForecast, ...]:
    """Forecast all targets of a run; ``combined`` is what a combination made of its members."""
    config, grid = inputs.config, inputs.data.grid
    targets = []
    for rule in inputs.rules:
        question = Question(
            rule.name,
            config.target_title(rule.name),
            target_definition(config.targets[rule.name]),
            tuple((milestone.name, milestone.title, milestone.date) for milestone in config.milestones),
            rule.any_of,
            rule.min_severity,
            past_cases(inputs.events, rule, grid.origin, grid.start),
        )
        horizons = [max((milestone.date - grid.origin).days, 0) for milestone in config.milestones]
        probabilities = climatology(inputs.events, rule, grid.origin, grid.start, horizons)
        baselines = {
            milestone.name: Baseline(name="climatology", probability=float(probability))
            for milestone, probability in zip(config.milestones, probabilities, strict=True)
        }
        rates = {
            milestone.name: constant_rate(inputs.events, rule, grid.origin, grid.start, horizon)
            for milestone, horizon in zip(config.milestones, horizons, strict=True)
        }
        fitted = inputs.events.between(grid.start, config.as_of)
        observed = int(rule.mask(fitted).sum())
        targets.append(target_forecast(question, hits, n_chains, observed, baselines, combined, rates))
    return tuple(targets)
