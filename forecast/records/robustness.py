"""How far a call rests on assumptions, as types: part of ``analysis.json``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record

RestsOn = Literal["data-driven", "prior-driven", "conflict", "unclear"]
"""What a probability rests on: see ``docs/sensitivity.md`` for the rule."""


class WeightPull(Record):
    """What more weight of a part of the posterior does to a probability (power-scaling).

    ``sensitivity`` is the cumulative Jensen–Shannon distance per doubling of the weight, ``noise`` what would
    be found of it by chance, ``change`` that of the probability per doubling with its Monte Carlo error.
    """

    name: str = Field(description="'all priors', 'data', or the name of a group of priors")
    sensitivity: float
    noise: float | None = None
    change: float
    mcse: float
    pareto_k: float


class NumberSensitivity(Record):
    """What one probability rests on."""

    target: str
    milestone: str
    rests_on: RestsOn
    reason: str
    priors: WeightPull
    data: WeightPull
    groups: tuple[WeightPull, ...] = Field(description="groups of priors, the most influential first")


class ShiftEnd(Record):
    """The headline probability under one shift of an assumption; ``None`` where it needs a refit."""

    assumed: str = Field(description="the assumption in plain terms, e.g. '7.2 weeks'")
    probability: Probability | None
    change: float | None
    mcse: float | None = Field(description="Monte Carlo error of the change, draw by draw")


class AssumptionEffect(Record):
    """One bar of the tornado chart: what one step each way of an assumption does to the headline."""

    name: str = Field(description="name of the prior, or 'calendar.N' for an act ahead")
    label: str
    now: str = Field(description="the assumption of the run in plain terms")
    lower: ShiftEnd
    upper: ShiftEnd


class BreakEven(Record):
    """The smallest change of one assumption that takes a probability to another word, or to a threshold.

    ``steps`` counts spreads of the prior (for an act ahead: its probability moved by so much). Without a
    crossing ``outcome`` says whether none exists or the draws cannot tell.
    """

    target: str
    milestone: str
    name: str
    label: str
    kind: Literal["word", "threshold"]
    outcome: Literal["crosses", "never", "needs a refit"]
    becomes: str | None = Field(description="the other word, or 'above 60%'")
    bound: Probability | None
    steps: float | None
    mcse: float | None
    assumed: str | None = Field(description="the assumption at the crossing in plain terms")
    assumed_mcse: tuple[str, str] | None = Field(description="the same, one Monte Carlo error to each side")
    reached: Interval = Field(description="lowest and highest probability over all shifts that can be told")
    text: str


class Robustness(Record):
    """How far the call rests on assumptions."""

    target: str = Field(description="target of the tornado chart and the break-evens")
    milestone: str = Field(description="milestone of the tornado chart")
    threshold: Probability | None
    sensitivities: tuple[NumberSensitivity, ...]
    tornado: tuple[AssumptionEffect, ...] = Field(description="the most influential first")
    break_evens: tuple[BreakEven, ...]
    notes: tuple[str, ...] = ()
