"""The forecast of every target at every milestone, beside what counting its past cases says."""

from __future__ import annotations

from forecast.baselines.methods import climatology
from forecast.config.questions import target_facts
from forecast.inference.importance import monte_carlo_error
from forecast.panel.streams import TargetRule
from forecast.records.forecast import Baseline, MilestoneForecast, TargetForecast
from forecast.runs.combining import Combined
from forecast.runs.inputs import Inputs
from forecast.runs.past_cases import constant_rate, past_cases
from forecast.runs.summaries import curve_record, milestone_forecast, time_record
from forecast.simulation import FirstPassages


def target_forecasts(
    inputs: Inputs, hits: FirstPassages, n_chains: int, combined: Combined | None
) -> tuple[TargetForecast, ...]:
    """Forecast all targets of a run; ``combined`` is what a combination made of its members."""
    return tuple(_forecast(inputs, rule, hits, n_chains, combined) for rule in inputs.rules)


def _forecast(
    inputs: Inputs, rule: TargetRule, hits: FirstPassages, n_chains: int, combined: Combined | None
) -> TargetForecast:
    """Forecast one target at all its milestones: these and the curve are read from the same array."""
    config, grid, name = inputs.config, inputs.data.grid, rule.name
    curve = hits.curve(name)
    horizons = [max((milestone.date - grid.origin).days, 0) for milestone in config.milestones]
    windows = climatology(inputs.events, rule, grid.origin, grid.start, horizons)
    milestones: list[MilestoneForecast] = []
    for milestone, days, share in zip(config.milestones, horizons, windows, strict=True):
        if combined is None or hits.weights is None:
            error = monte_carlo_error(hits.by_draw(name, days), n_chains)
        else:
            error = combined.error(hits, name, days, n_chains)
        baseline = Baseline(name="climatology", probability=float(share))
        asked = (milestone.name, milestone.title, milestone.date)
        found = milestone_forecast(asked, hits.origin, curve, error, baseline, grave=config.is_grave(name))
        beside: dict[str, object] = {
            "constant_rate": constant_rate(inputs.events, rule, grid.origin, grid.start, days)
        }
        if combined is not None:
            beside["members"] = combined.member_forecasts(name, days)
        milestones.append(found.model_copy(update=beside))
    return TargetForecast(
        **target_facts(config, name, inputs.scale),
        observed_before=int(rule.mask(inputs.events.between(grid.start, config.as_of)).sum()),
        cases=past_cases(inputs.events, rule, grid.origin, grid.start),
        milestones=tuple(milestones),
        curve=curve_record(curve, hits.origin),
        time_to_event_days=time_record(curve),
    )
