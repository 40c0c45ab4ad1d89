"""The forecast of every target at every milestone, beside what counting its past cases says."""

from __future__ import annotations

from forecast.baselines.methods import climatology
from forecast.config.describe import target_facts
from forecast.panel.streams import TargetRule
from forecast.records.forecast import Baseline, MilestoneForecast, TargetForecast
from forecast.runs.mixture import Mixture
from forecast.runs.past_cases import constant_rate, past_cases
from forecast.runs.summaries import curve_record, milestone_forecast, time_record


def target_forecasts(mixture: Mixture, n_chains: int = 1) -> tuple[TargetForecast, ...]:
    """Read the forecast of all targets at their milestones."""
    return tuple(_forecast(mixture, rule, n_chains) for rule in mixture.inputs.rules)


def _forecast(mixture: Mixture, rule: TargetRule, n_chains: int) -> TargetForecast:
    """Forecast one target at all its milestones: these and the curve are read from the same array."""
    inputs, name = mixture.inputs, rule.name
    config, grid, curve = inputs.config, inputs.data.grid, mixture.curves[rule.name]
    horizons = [max((milestone.date - grid.origin).days, 0) for milestone in config.milestones]
    windows = climatology(inputs.events, rule, grid.origin, grid.start, horizons)
    milestones: list[MilestoneForecast] = []
    for milestone, days, share in zip(config.milestones, horizons, windows, strict=True):
        error = mixture.error(name, days, n_chains)
        baseline = Baseline(name="climatology", probability=float(share))
        asked = (milestone.name, milestone.title, milestone.date)
        beside = {
            "constant_rate": constant_rate(inputs.events, rule, grid.origin, grid.start, days),
            "members": mixture.member_forecasts(name, days) or None,
        }
        read = milestone_forecast(asked, grid.origin, curve, error, baseline, grave=config.is_grave(name))
        milestones.append(read.model_copy(update=beside))
    return TargetForecast(
        **target_facts(config, name, inputs.scale),
        observed_before=int(rule.mask(inputs.events.between(grid.start, config.as_of)).sum()),
        cases=past_cases(inputs.events, rule, grid.origin, grid.start),
        milestones=tuple(milestones),
        curve=curve_record(curve, grid.origin),
        time_to_event_days=time_record(curve),
    )
