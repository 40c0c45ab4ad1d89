"""What a reader must know of a run, one row a code: the values that it rests on, and its sentence.

A notice is no fault: the forecast is made. Cautions stand in ``forecast.json`` (their rules in
``forecast.runs.cautions``); warnings of a run and of scores, notes on sensitivity, and why a backtest was not
used, in the files beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic_core import to_jsonable_python

from forecast.records.base import Record
from forecast.records.scale import STANDARD
from forecast.wording import (
    NO_FORECAST,
    count,
    day_span,
    listing,
    long_day,
    percent,
    plain_number,
    share,
    small_number,
    time_between,
    times,
)

HEAD = "Read with caution"


class Notice(Record):
    """A code, the sentence that says it, and its values, which stand beside them as JSON has them."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})
    code: str = Field(description="which notice it is; its values by name stand beside it")
    text: str = Field(description="the notice as a sentence; of a refusal as a clause")

    def __getitem__(self, value: str) -> Any:  # noqa: ANN401 - a JSON value
        return (self.__pydantic_extra__ or {})[value]

    def __hash__(self) -> int:
        return hash((self.code, self.text))


def notice(code: str, **values: object) -> Notice:
    """Say a code of ``SENTENCES`` with its values."""
    return Notice(code=code, text=SENTENCES[code](**values), **to_jsonable_python(values))


def caution_lines(cautions: Sequence[Notice]) -> list[str]:
    """Return the cautions of a run as lines, targets that were hardly seen together in one."""
    few = [caution for caution in cautions if caution.code == "few_target_events"]
    if len(few) < 2:
        return [caution.text for caution in cautions]
    seen = "; ".join(f"{one['label']}, {_seen(one['events'], one['days'])}" for one in few)
    together = (
        f"Targets seen fewer than {few[0]['needed']} times: {seen}. {_fixed([one['days'] for one in few])}"
    )
    return [
        together if caution is few[0] else caution.text
        for caution in cautions
        if caution is few[0] or caution.code != "few_target_events"
    ]


FEWEST_EVENTS, FEWEST_DAYS = 5, 365
"""Events and days of record below which there is no forecast: its report is stamped, and nothing recorded."""
TOO_LITTLE = "TOO LITTLE RECORD – no forecast"
STAMPED = frozenset({"not_converged", "too_little_record"})
"""Cautions that the stamp of a report says."""


def thin_record(events: int, days: int) -> Iterator[Notice]:
    """Yield that a record is too short or too thin for any forecast; nothing where it is not."""
    if events < FEWEST_EVENTS or days < FEWEST_DAYS:
        yield notice("too_little_record", events=events, days=days)


FaultCode = Literal["stale_feed", "lost_month"]


class FeedFault(Record):
    """Something wrong with the feed of a dyad; ``text`` says it as a sentence."""

    code: FaultCode
    feed: str = Field(description="the file")
    first: date = Field(description="first day that is concerned")
    last: date
    value: float = Field(description="what was found: days or rows, by the code")
    limit: float = Field(description="what it is compared with: see docs/watchlist.md")
    text: str


def _was(rows: int) -> str:
    return "was" if rows == 1 else "were"


def _seen(events: int, days: int) -> str:
    """How often a target was seen; acts of one day count as one episode."""
    if not events:
        return "never seen in the data"
    return f"seen {times(days)}" + (f" ({events:,} events of a day count once)" if days != events else "")


def _fixed(days: Sequence[int]) -> str:
    """What the figures of targets rest on that were seen on so few days."""
    its, never = ("Its", "its") if len(days) == 1 else ("Their", "their"), ""
    if not any(days):
        return f"{its[0]} figures rest on assumptions."
    if not all(days):
        never = "; those of a target never seen rest on assumptions"
    return f"So few cases fix {its[1]} figures poorly{never}."


def _stale_events(
    last_date: date, as_of: date, gap_days: int, longest_gap_days: int | None, probability: float | None
) -> str:
    pace = ""
    if probability is not None and longest_gap_days is not None:
        pace = (
            f": at this record's pace so long a gap has a chance of {percent(probability)}, and the longest "
            f"before was {count(longest_gap_days, 'day')}"
        )
    return (
        f"Last event {long_day(last_date)}, {time_between(last_date, as_of)} before the as-of date{pace}. "
        "Was nothing coded since, or did nothing happen?"
    )


def _saturated_scale(scale: str, severity: int, events: int, of: int) -> str:
    finer = (
        "Code them by a file of anchors that tells them apart (docs/codebook.md), and name it as the scale."
    )
    if scale == STANDARD:
        finer = (
            "If fire is routine here, code them by the scale 'armed' (by the number killed; 'forecast events "
            "codebook --scale armed') and set scale: armed."
        )
    return (
        f"{events:,} of {of:,} days with a military incident reach severity {severity}, so severity hardly "
        f"tells incidents apart. {finer}"
    )


def _learned_later(parts: Sequence[str], last: date) -> str:
    what = listing(tuple(f"the {part}" for part in parts)).capitalize()
    were = "was" if tuple(parts) == ("pooled hazard",) else "were"
    return (
        f"{what} of this model {were} learned from other pairs up to {long_day(last)}, after the as-of date: "
        "a forecast made on that day could not have used them."
    )


def _kind_never_seen(
    target: str,
    label: str,
    kinds: Sequence[str],
    by: Sequence[str],
    priors: Sequence[str],
    acts_a_year: Sequence[float],
    pooled: bool,
) -> str:
    low, high = map(plain_number, acts_a_year)
    acts = " or ".join(kinds).replace("_", " ") + (f" by {' or '.join(by)}" if by else "")
    its, rest = "Its chance", ""
    if pooled:
        its, rest = "The model's half of its chance", ", the other half on other pairs"
    return (
        f"{label}: the data hold no {acts} of any severity. {its} rests on a prior alone, {low} to "
        f"{high} acts a year (90%){rest}; state your own under model.priors ({listing(priors)})."
    )


def _influential_events(cases: Sequence[date], others: int) -> str:
    what = [f"the case of {long_day(day)}" for day in cases]
    if others:
        what.append(count(others, "other event" if cases else "event"))
    them = "is too influential to remove without a refit; its effect is not shown."
    if len(cases) + others > 1:
        them = "are too influential to remove without a refit; their effects are not shown."
    said = listing(what)
    return f"{said[:1].upper()}{said[1:]} {them}"


SENTENCES: Mapping[str, Callable[..., str]] = {
    # Cautions on the events.
    "too_little_record": lambda events, days: (
        f"{NO_FORECAST.capitalize()}: {count(events, 'event')} in {count(days, 'day')}; below "
        f"{small_number(FEWEST_EVENTS)} events or one year the numbers are assumptions alone."
    ),
    "few_events": lambda events, needed: (
        f"Only {count(events, 'event')} in the data, fewer than {needed}: too few to fix any figure."
    ),
    "few_target_events": lambda target, label, events, days, needed: (
        f"{label}: {_seen(events, days)}{f', fewer than {needed} times' if events else ''}. {_fixed([days])}"
    ),
    "kind_never_seen": _kind_never_seen,
    "stale_events": _stale_events,
    "feed_fault": lambda fault: fault.text,
    "one_episode": lambda events, of, first, last: (
        f"{events:,} of {of:,} events lie {day_span(first, last)}: the data tell of one episode."
    ),
    "target_saturated": lambda target, label, unit, met, of: (
        f"{label}: met in {met:,} of {of:,} {unit}s, so its chance within a {unit} is near 100% whatever "
        "happens. Ask for a rarer target: a higher min_severity, fewer categories."
    ),
    "saturated_scale": _saturated_scale,
    "unseen_subcategory": lambda category, subcategory, near: (
        f"The data hold no {category.replace('_', ' ')} of subcategory '{subcategory}'"
        + (f"; did you mean '{near}'?" if near else ".")
    ),
    "late_start": lambda start, first_date, rows: (
        f"The config starts on {long_day(start)}: {count(rows, 'earlier row')} of the file, from "
        f"{long_day(first_date)} on, {_was(rows)} not used."
    ),
    "events_after_as_of": lambda rows, first, last: (
        f"{count(rows, 'row')} of the file became known after the as-of date, {day_span(first, last)}, and "
        f"{_was(rows)} left out."
    ),
    # Cautions on what the model knows beside them.
    "kind_not_learned": lambda target, label: (
        f"{label}: the other pairs that the pooled hazard was learned from held no target of such acts, so "
        "its forecast of it is less certain."
    ),
    "beyond_pooled_hazard": lambda reach, milestones: (
        f"The pooled hazard answers up to {long_day(reach)}. Beyond, as before "
        f"{listing(map(long_day, milestones))}, what other pairs say is carried on by the model's growth; no "
        "backtest reaches so far."
    ),
    "longer_than_learned": lambda years, longest: (
        f"The data cover {years:.0f} years; the records that the pooled hazard was learned from cover "
        f"{longest:.0f} at most. Where acts are few, its chances may be too high."
    ),
    "learned_later": _learned_later,
    "prior_far_from_data": lambda stream, prior_acts_a_month, data_acts_a_month, factor: (
        f"The priors imply {plain_number(prior_acts_a_month)} acts"
        f"{f' of {stream.replace("_", " ")}' if stream else ''} a month, the data hold "
        f"{plain_number(data_acts_a_month)}: more than {factor:g} times apart. Check model.priors and "
        "events.start."
    ),
    "prior_of_one_part": lambda prior, whole: (
        f"Prior {prior} moves one part of the target alone; state {whole} to move all of it."
    ),
    "far_from_baseline": lambda target, label, milestone, date, probability, baseline, factor: (
        f"{label} before {long_day(date)}: {percent(probability)}, where the share of past periods is "
        f"{percent(baseline)}. Odds so far apart come from a prior or from a change in the data; find out "
        "which ('forecast sensitivity')."
    ),
    "not_converged": lambda failures: (
        f"The fit failed {count(failures, 'check')} of its sampler: do not use the numbers."
    ),
    # Warnings of a run.
    "late_reports": lambda origin, mean_days, known_share: (
        f"Recent weeks are corrected for acts that become known late ({origin} delay, mean {mean_days:.1f} "
        f"days): {share(known_share)} of the last week's acts are taken to be known."
    ),
    "influential_events": _influential_events,
    "unused_backtest": lambda refusal: f"The backtest beside this run was not used: {refusal.text}.",
    # Why the backtest beside a run cannot speak for it.
    "settings_unknown": lambda: "scores.json does not say which targets and priors were tested",
    "other_definitions": lambda: "its targets are defined otherwise than this run's",
    "other_priors": lambda: "its priors are not this run's",
    "other_targets": lambda tested, asked: (
        f"its targets are {', '.join(tested)}; this run's are {', '.join(asked)}"
    ),
    "later_windows": lambda last_day, as_of: f"its windows run to {last_day}, past the as-of date {as_of}",
    "other_outcomes": lambda target: f"its outcomes of {target} are not those that this run's events give",
    "untested_model": lambda model, tested: (
        f"it is of other models ({', '.join(tested)}) than this run's, which is {model}. Run it again with "
        f"--models {model}"
    ),
    "unreadable": lambda fault: fault,
    # Warnings of scores.
    "few_outcomes": lambda target, horizon_days, hits, misses, needed: (
        f"{target}, {horizon_days} days: {hits} windows with and {misses} without the target. With fewer "
        f"than {needed} of either no skill is claimed."
    ),
    "absent_forecasts": lambda target, horizon_days, model, absent, origins: (
        f"{target}, {horizon_days} days: {model} has no forecast for {absent} of {origins} origins."
    ),
}
