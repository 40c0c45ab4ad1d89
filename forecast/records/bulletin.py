"""What a bulletin holds: acts that came after a run, and what they change."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record
from forecast.records.forecast import DyadRecord, GateFailure, Headline, OutsideView


class NewAct(Record):
    """An act that came after the run, and how rare such acts were in its record."""

    day: date
    category: str
    subcategory: str = ""
    severity: int
    by: str
    summary: str = ""
    source: str = ""
    meets: tuple[str, ...] = Field(default=(), description="targets that it meets by itself")
    alike: int = Field(description="acts of the category by the same side on record that were as grave")
    last_alike: date | None = Field(default=None, description="the last of these")
    class_seen: bool = Field(default=True, description="False: its subcategory was never on record")


class AfterActs(Record):
    """Chance of a target within so many days of the acts, with them and without."""

    days: int = Field(description="from the day after the last act, up to the day before ``date``")
    date: date
    milestone: str = Field(default="", description="its label; empty: a number of days")
    base: Probability = Field(description="on the same day, without the news")
    probability: Probability
    low: Probability = Field(description="5% quantile")
    high: Probability = Field(description="95% quantile")
    said: Probability | None = Field(default=None, description="by the run, before a milestone")


class TargetAfter(Record):
    """What the acts do to a target."""

    name: str
    label: str
    met: bool = Field(description="whether one of the acts meets it: then the chance is of another")
    seen: int = Field(description="days of it on record before the acts")
    after: tuple[AfterActs, ...]
    outside: OutsideView | None = None


class CountAfter(Record):
    """Acts of conflict of one severity within 30 days."""

    severity: int
    usual: float = Field(ge=0.0, description="mean of 30 days of the record")
    usual_any: Probability = Field(description="share of the 30 days running on record that held any")
    expected: float = Field(ge=0.0, description="mean")
    interval90: tuple[int, int]
    none: Probability
    half: int = Field(description="not exceeded in half of futures")
    nine_of_ten: int = Field(description="not exceeded in nine of ten futures")


class Course(Record):
    """One of three courses that exclude one another, within 30 days, by the gravest act of conflict."""

    name: Literal["fades", "answered", "worse"] = Field(
        description="fades: no act of conflict as grave; answered: one as grave, none graver; worse: a "
        "graver one. After an act of severity 5: none, one, two or more"
    )
    chance: Probability
    week: Probability = Field(description="within 7 days; of fades: that none has come by then")
    by: Interval = Field(description="chance that each side brings it, a then b; 0 of fades")


class NextAct(Record):
    """Chance of an act of conflict of severity 2 or above within 14 days."""

    side: Literal["a", "b"]
    category: str
    base: Probability
    probability: Probability


class Bulletin(Record):
    """What acts that came after a run change: chances, numbers, courses."""

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str
    dyad: DyadRecord
    run_as_of: date
    as_of: date = Field(description="day of the last act")
    made_on: date
    hindsight: bool = Field(description="made more than a week after the day of the last act")
    acts: tuple[NewAct, ...] = Field(description="the gravest first")
    gravest: int = Field(description="severity of the gravest act of conflict among them; of none, 2")
    unknown_days: int = Field(description="days since the run of which nothing is known")
    headline: Headline
    method: Literal["reweight", "refit"]
    run_draws: int = Field(description="draws of the run")
    effective_draws: float = Field(description="of these, what the weights are worth; of a refit, its draws")
    failures: tuple[GateFailure, ...] = ()
    withheld: Literal["too_few_draws"] | None = Field(
        default=None, description="why there are no numbers; None when there are"
    )
    targets: tuple[TargetAfter, ...] = ()
    counts: tuple[CountAfter, ...] = ()
    courses: tuple[Course, ...] = ()
    next_acts: tuple[NextAct, ...] = Field(default=(), description="the likeliest first")
