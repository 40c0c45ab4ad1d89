"""``analysis.json``: what the report shows beside the forecast, without the posterior at hand."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record
from forecast.records.forecast import RestsOn


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


class TensionSeries(Record):
    """Latent tension by step: posterior mean, 90% band, and the regime read off the mean.

    ``date`` is the first day of the step. Unit: standard deviations of the process (mean 0, variance 1).
    """

    date: tuple[date, ...]
    mean: tuple[float, ...]
    lower90: tuple[float, ...]
    upper90: tuple[float, ...]
    regime: tuple[Literal["calm", "strained", "crisis"], ...]


class ParameterSummary(Record):
    """Prior and posterior of one named parameter, side by side (means and 90% intervals)."""

    name: str
    meaning: str
    unit: str
    prior: str = Field(description="the distribution as text, e.g. 'Beta(4, 8)'")
    prior_origin: Literal["default", "config", "scenario"]
    prior_mean: float
    prior_interval90: Interval
    posterior_mean: float
    posterior_interval90: Interval
    mcse: float
    rhat: float
    ess_bulk: float


class DataSummary(Record):
    """The events behind the forecast."""

    source: str
    sha256: str
    rows: int = Field(description="events known by the as-of date")
    rows_fitted: int = Field(description="events on or after the start of the grid")
    first_date: date
    last_date: date
    verified_share: float | None
    counts_by_category: dict[str, int]
    limits: tuple[str, ...]


class CalendarAct(Record):
    """An act ahead, inserted into the simulation with its probability."""

    date: date
    category: str
    severity: int
    probability: Probability
    label: str


class SamplerSummary(Record):
    """How the posterior was sampled."""

    chains: int
    draws: int
    tune: int
    target_accept: float
    seed: int
    reruns: int
    paths_per_draw: int
    seconds: float


class Analysis(Record):
    """The content of ``analysis.json``."""

    schema_: Literal[1] = Field(1, alias="schema")
    tension: TensionSeries | None
    parameters: tuple[ParameterSummary, ...]
    data: DataSummary
    calendar: tuple[CalendarAct, ...]
    sampler: SamplerSummary
    warnings: tuple[str, ...] = Field(description="what a reader must know, e.g. capped intensities")
    robustness: Robustness | None = Field(default=None, description="None where it was not measured")
