"""Forecasts in milliseconds: the members of a family that need no fit, averaged."""

from __future__ import annotations

import numpy as np

from forecast.baselines.methods import climatology
from forecast.config.questions import target_facts
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.hazard import N_DRAWS
from forecast.records.forecast import Baseline, MemberForecast, TargetForecast
from forecast.runs.combining import MemberAnswer, mixture
from forecast.runs.inputs import Inputs
from forecast.runs.past_cases import constant_rate, past_cases
from forecast.runs.summaries import curve_record, milestone_forecast, time_record
from forecast.simulation.probabilities import curve_from_moments


def direct_forecasts(inputs: Inputs) -> tuple[TargetForecast, ...] | None:
    """Forecast all targets by the members that need no fit; ``None`` where one of them has no answer."""
    grid, events, rules = inputs.data.grid, inputs.events, inputs.rules
    horizon = max((one.date - grid.origin).days for one in inputs.config.milestones)
    members = [
        MemberAnswer(one.name, one.label, one.by_day(events, rules, grid.origin, grid.start, horizon))
        for one in inputs.family.direct
    ]
    if any(rule.name not in one.moments for one in members for rule in rules):
        return None
    return tuple(_target(inputs, rule, members) for rule in rules)


def _target(inputs: Inputs, rule: TargetRule, members: list[MemberAnswer]) -> TargetForecast:
    config, events = inputs.config, inputs.events
    origin, start = inputs.data.grid.origin, inputs.data.grid.start
    moments = mixture([one.moments[rule.name] for one in members])
    curve = curve_from_moments(moments, np.empty((0, len(moments.mean))))
    ahead = [(one.date - origin).days for one in config.milestones]
    base = climatology(events, rule, origin, start, ahead)
    milestones = []
    for one, day, probability in zip(config.milestones, ahead, base, strict=True):
        # The draws of the coefficients stand for the posterior.
        error = float(np.sqrt(max(moments.variance[day], 0.0) / N_DRAWS))
        baseline = Baseline(name="climatology", probability=float(probability))
        made = milestone_forecast(
            (one.name, one.title, one.date), origin, curve, error, baseline, grave=config.is_grave(rule.name)
        )
        beside = {
            "members": tuple(_member(member, rule.name, day, len(members)) for member in members),
            "constant_rate": constant_rate(events, rule, origin, start, day),
        }
        milestones.append(made.model_copy(update=beside))
    return TargetForecast(
        **target_facts(config, rule.name, inputs.scale),
        observed_before=int(rule.mask(events.between(start, config.as_of)).sum()),
        cases=past_cases(events, rule, origin, start),
        milestones=tuple(milestones),
        curve=curve_record(curve, origin),
        time_to_event_days=time_record(curve),
    )


def _member(member: MemberAnswer, target: str, day: int, n_members: int) -> MemberForecast:
    curve = member.curve(target)
    return MemberForecast(
        name=member.name,
        label=member.label,
        probability=float(curve.probability[day]),
        interval90=(float(curve.lower90[day]), float(curve.upper90[day])),
        weight=1 / n_members,
    )
