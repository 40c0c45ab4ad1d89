"""Forecasts that need no fit: the members of a combination that read theirs off the record, averaged.

They answer a family all of whose members are of that kind in milliseconds, and a target of whose categories a
dyad has no act, which no model of its own acts can answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from forecast.baselines.methods import climatology
from forecast.config import Config, target_definition
from forecast.events.table import EventTable
from forecast.families import PANEL_ALONE, Family
from forecast.families.direct_members import DirectMember
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import PooledHazard
from forecast.pooled_hazard.hazard import N_DRAWS
from forecast.records.forecast import Baseline, MemberForecast, TargetForecast
from forecast.runs.combining import mixture
from forecast.runs.past_cases import constant_rate, past_cases
from forecast.runs.summaries import curve_record, milestone_forecast, time_record
from forecast.simulation.probabilities import HitMoments, ProbabilityCurve, curve_from_moments


def is_direct(family: Family) -> bool:
    """Whether a family needs no fit for its probabilities."""
    return not family.fitted


def direct_members(hazard: PooledHazard) -> tuple[DirectMember, ...]:
    """Return the members that answer without a fit, with these coefficients of the pooled hazard."""
    return PANEL_ALONE.with_hazard(hazard).direct


def direct_forecasts(
    config: Config,
    events: EventTable,
    rules: Sequence[TargetRule],
    hazard: PooledHazard,
    start: date,
) -> dict[str, TargetForecast]:
    """Forecast targets by the direct members.

    Parameters
    ----------
    config : Config
        Its as-of date and milestones.
    events : EventTable
        What is known; nothing that became known after the as-of date is read.
    rules : sequence of TargetRule
    hazard : PooledHazard
    start : date
        First day that counts as observed.
    """
    origin = config.as_of + timedelta(days=1)
    horizon = max((one.date - origin).days for one in config.milestones)
    members = direct_members(hazard)
    answers = [one.by_day(events, rules, origin, start, horizon) for one in members]
    moments = {
        rule.name: mixture([found[rule.name] for found in answers if rule.name in found]) for rule in rules
    }
    curves = {name: _curve(one) for name, one in _nested(moments, rules).items()}
    found = {}
    for rule in rules:
        said = [(m, a[rule.name]) for m, a in zip(members, answers, strict=True) if rule.name in a]
        found[rule.name] = _target(config, rule, events, start, (curves[rule.name], moments[rule.name], said))
    return found


def _target(
    config: Config,
    rule: TargetRule,
    events: EventTable,
    start: date,
    answer: tuple[ProbabilityCurve, HitMoments, list[tuple[DirectMember, HitMoments]]],
) -> TargetForecast:
    curve, moments, said = answer
    origin = config.as_of + timedelta(days=1)
    ahead = [(one.date - origin).days for one in config.milestones]
    base = climatology(events, rule, origin, start, ahead)
    milestones = []
    for one, day, probability in zip(config.milestones, ahead, base, strict=True):
        # The draws of the coefficients stand for the posterior.
        error = float(np.sqrt(max(moments.variance[day], 0.0) / N_DRAWS))
        baseline = Baseline(name="climatology", probability=float(probability))
        made = milestone_forecast((one.name, one.title, one.date), origin, curve, error, baseline)
        beside = {
            "members": _members(said, day),
            "constant_rate": constant_rate(events, rule, origin, start, day),
        }
        milestones.append(made.model_copy(update=beside))
    known = events.known_by(config.as_of).between(start, config.as_of)
    return TargetForecast(
        name=rule.name,
        label=config.target_title(rule.name),
        definition=target_definition(config.targets[rule.name]),
        any_of=rule.any_of,
        min_severity=rule.min_severity,
        observed_before=int(rule.mask(known).sum()),
        cases=past_cases(known, rule, origin, start),
        milestones=tuple(milestones),
        curve=curve_record(curve, origin),
        time_to_event_days=time_record(curve),
    )


def _members(said: list[tuple[DirectMember, HitMoments]], day: int) -> tuple[MemberForecast, ...]:
    found = []
    for member, moments in said:
        curve = _curve(moments)
        interval = float(curve.lower90[day]), float(curve.upper90[day])
        found.append(
            MemberForecast(
                name=member.name,
                label=member.label,
                probability=float(curve.probability[day]),
                interval90=interval,
                weight=1 / len(said),
            )
        )
    return tuple(found)


def _curve(moments: HitMoments) -> ProbabilityCurve:
    return curve_from_moments(moments, np.empty((0, len(moments.mean))))


def _nested(moments: Mapping[str, HitMoments], rules: Sequence[TargetRule]) -> dict[str, HitMoments]:
    """Raise a target to one that it includes: members may answer the narrower one alone."""
    result = dict(moments)
    for wide in rules:
        for narrow in rules:
            if set(narrow.any_of) <= set(wide.any_of) and narrow.min_severity >= wide.min_severity:
                mean = np.maximum(result[wide.name].mean, moments[narrow.name].mean)
                result[wide.name] = HitMoments(mean, result[wide.name].variance)
    return result
