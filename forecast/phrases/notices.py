"""What a reader must know of a run, in sentences: notices, faults of feeds, gates that a fit failed.

Of a refusal ("the backtest was not used: …") the sentence is a clause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache

from pydantic import validate_call

from forecast.events.codebook import acted
from forecast.events.summary import LOST_SHARE
from forecast.records.base import STANDARD
from forecast.records.forecast import Forecast, Gate, GateFailure
from forecast.records.notices import FEWEST_EVENTS, STAMPED, FeedFault, Notice, NoticeCode
from forecast.wording import (
    NO_FORECAST,
    count,
    day_span,
    listing,
    long_day,
    month_span,
    number,
    percent,
    plain_number,
    share,
    small_number,
    time_between,
    times,
)

HEAD = "Read with caution"
TOO_LITTLE = "TOO LITTLE RECORD – no forecast"
UNUSABLE = "Do not use these numbers"
UNCONVERGED = "DID NOT CONVERGE – do not use these numbers"


def notice_text(notice: Notice) -> str:
    """State a notice from its values, which a record holds as JSON has them."""
    return _typed(notice.code)(**notice.values)


@cache
def _typed(code: NoticeCode) -> Callable[..., str]:
    # Days and nested facts come as JSON; the annotations of the function say what they are.
    return validate_call(SENTENCES[code])


def caution_lines(cautions: Iterable[Notice], without: Iterable[str] = STAMPED) -> list[str]:
    """Return the cautions of a run as lines, targets that were hardly seen together in one."""
    cautions = [caution for caution in cautions if caution.code not in without]
    rare = [caution for caution in cautions if caution.code == "few_target_events"]
    if len(rare) < 2:
        return [notice_text(caution) for caution in cautions]
    seen = "; ".join(f"{caution['label']}, {_seen(caution['events'], caution['days'])}" for caution in rare)
    days = [caution["days"] for caution in rare]
    together = f"Seen fewer than {rare[0]['needed']} times: {seen}. {_poorly_fixed(days)}"
    return [
        together if caution is rare[0] else notice_text(caution)
        for caution in cautions
        if caution is rare[0] or caution not in rare
    ]


def too_little_text(forecast: Forecast) -> str | None:
    """State why the record is too little for a forecast; ``None`` where it is enough."""
    return notice_text(forecast.too_little) if forecast.too_little else None


def feed_fault_text(fault: FeedFault) -> str:
    """State what is wrong with a feed."""
    found, last = int(fault.value), long_day(fault.first)
    match fault.code:
        case "stale_feed":
            longest = count(int(fault.limit), "day")
            what = f"nothing since {last}, {count(found, 'day')}; the longest gap before was {longest}."
        case "stale_store":
            what = (
                f"the newest act is of {last}, {count(found, 'day')} before the as-of date; this source is "
                f"never more than {count(int(fault.limit), 'day')} behind. Update the store: forecast events "
                "update"
            )
        case "lost_month":
            usual = number(round(fault.limit / LOST_SHARE, 6), 0)
            what = (
                f"{count(found, 'row')} in {month_span(fault.first, fault.first)}, where the months around "
                f"it have {usual}; part of the feed seems lost."
            )
    return f"{fault.feed}: {what}"


_GATES: dict[Gate, str] = {
    "rhat": "R-hat of {quantity} is {value:.3f}, at most {limit:g} allowed: sample longer (sampler.draws, "
    "sampler.tune)",
    "ess_bulk": "bulk ESS of {quantity} is {value:.0f}, at least {limit:g} needed: more sampler.draws",
    "ess_tail": "tail ESS of {quantity} is {value:.0f}, at least {limit:g} needed: more sampler.draws",
    "divergences": "{value:.0f} divergent {noun}, at most {limit:g} allowed: raise sampler.target_accept",
    "bfmi": "BFMI {value:.2f}, at least {limit:g} needed: raise sampler.tune",
    "seen_draws": "what is seen fits too few draws of the run (worth {value:.0f}, at least {limit:g} "
    "needed): state fewer acts as seen, milder ones or longer windows, or state them as done",
}
_MODES = (
    "R-hat of {quantity} is {value:.3f}, at most {limit:g} allowed: the record can be read in more than one "
    "way. Begin it earlier (events.start), or state tighter priors"
)
"""From an R-hat of 1.1: chains in different places would stay there if run longer."""


def gate_text(failure: GateFailure) -> str:
    """State by how much a fit failed a gate, and what to try."""
    noun = "transition" if failure.value == 1 else "transitions"
    apart = failure.code == "rhat" and not failure.value < 1.1
    return (_MODES if apart else _GATES[failure.code]).format(noun=noun, **dict(failure))


def gate_texts(failures: Iterable[GateFailure]) -> tuple[str, ...]:
    """State every gate that a fit failed."""
    return tuple(map(gate_text, failures))


def unconverged_text(failures: Iterable[GateFailure]) -> str:
    """State that a fit did not converge, with every gate that it failed."""
    gates = (f"\n  {text}" for text in gate_texts(failures))
    return f"the fit did not converge; do not use its numbers.{''.join(gates)}"


# Cautions on the events


def _few_events(events: int, needed: int) -> str:
    found = f"Only {count(events, 'event')}" if events else "No events"
    return f"{found} in the data, fewer than {needed}: too few to fix any number."


def _few_target_events(target: str, label: str, events: int, days: int, needed: int) -> str:
    fewer = f", fewer than {needed} times" if events else ""
    return f"{label}: {_seen(events, days)}{fewer}. {_poorly_fixed([days])}"


def _seen(events: int, days: int) -> str:
    """How often a target was seen; acts of one day count as one episode."""
    if not events:
        return "never seen"
    return f"seen {times(days)}" + (f" ({events:,} events of a day count once)" if days != events else "")


def _poorly_fixed(days: Sequence[int]) -> str:
    """What the figures of targets rest on that were seen on so few days."""
    its, never = ("Its", "its") if len(days) == 1 else ("Their", "their"), ""
    if not any(days):
        return f"{its[0]} numbers rest on assumptions."
    if not all(days):
        never = "; those of a target never seen rest on assumptions"
    return f"So few cases fix {its[1]} numbers poorly{never}."


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
    acts = " or ".join(kinds).replace("_", " ") + acted(by)
    its, rest = "Its chance", ""
    if pooled:
        its, rest = "The model's half of its chance", ", the other half on other pairs"
    return (
        f"{label}: the data hold no {acts} of any severity. {its} rests on a prior alone, {low} to "
        f"{high} acts a year (90%){rest}; state your own under model.priors ({listing(priors)})."
    )


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


def _one_episode(events: int, of: int, first: date, last: date) -> str:
    return f"{events:,} of {of:,} events lie {day_span(first, last)}: the data tell of one episode."


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


def _late_start(start: date, first_date: date, rows: int) -> str:
    return (
        f"The config starts on {long_day(start)}: {count(rows, 'earlier row')} of the file, from "
        f"{long_day(first_date)} on, {_was(rows)} not used."
    )


def _events_after_as_of(rows: int, first: date, last: date) -> str:
    return (
        f"{count(rows, 'row')} of the file became known after the as-of date, {day_span(first, last)}, and "
        f"{_was(rows)} left out."
    )


def _was(rows: int) -> str:
    return "was" if rows == 1 else "were"


# Cautions on what the model knows beside them


def _beyond_pooled_hazard(reach: date, milestones: tuple[date, ...]) -> str:
    return (
        f"The pooled hazard answers up to {long_day(reach)}. Beyond, as before "
        f"{listing(map(long_day, milestones))}, what other pairs say is carried on by the model's growth; no "
        "backtest reaches so far."
    )


def _learned_later(parts: tuple[str, ...], last: date) -> str:
    what = listing(tuple(f"the {part}" for part in parts)).capitalize()
    were = "was" if parts == ("pooled hazard",) else "were"
    return (
        f"{what} of this model {were} learned from other pairs up to {long_day(last)}, after the as-of date: "
        "a forecast made on that day could not have used them."
    )


def _prior_far_from_data(
    stream: str | None, prior_acts_a_month: float, data_acts_a_month: float, factor: float
) -> str:
    of = f" of {stream.replace('_', ' ')}" if stream else ""
    return (
        f"The priors imply {plain_number(prior_acts_a_month)} acts{of} a month, the data hold "
        f"{plain_number(data_acts_a_month)}: more than {factor:g} times apart. Check model.priors and "
        "events.start."
    )


def _far_from_baseline(
    target: str, label: str, milestone: str, date: date, probability: float, baseline: float, factor: float
) -> str:
    return (
        f"{label} before {long_day(date)}: {percent(probability)}, where the share of past periods is "
        f"{percent(baseline)}. Odds so far apart come from a prior or from a change in the data; find out "
        "which ('forecast sensitivity')."
    )


# Warnings of a run


def _influential_events(cases: tuple[date, ...], others: int) -> str:
    what = [f"the case of {long_day(day)}" for day in cases]
    if others:
        what.append(count(others, "other event" if cases else "event"))
    them = "is too influential to remove without a new fit; its effect is not shown."
    if len(cases) + others > 1:
        them = "are too influential to remove without a new fit; their effects are not shown."
    listed = listing(what)
    return f"{listed[:1].upper()}{listed[1:]} {them}"


def _unused_backtest(refusal: Notice) -> str:
    return f"The backtest beside this run was not used: {notice_text(refusal)}."


def _silent_end(days: int, data_end: date) -> str:
    return (
        f"The last event is {count(days, 'day')} before the end of the data, {long_day(data_end)}: too long "
        "for the pace of this record. Windows in between count as quiet. If the file stops earlier, set "
        "as_of to its last day."
    )


def enough_text(outcomes: int, episodes: int) -> str:
    """State how many cases must stand behind a skill that is claimed."""
    return f"{outcomes} outcomes of either kind and {small_number(episodes)} events a month apart"


SENTENCES: Mapping[NoticeCode, Callable[..., str]] = {
    # Cautions on the events.
    "too_little_record": lambda events, days: (
        f"{NO_FORECAST.capitalize()}: {count(events, 'event')} in {count(days, 'day')}; below "
        f"{small_number(FEWEST_EVENTS)} events or one year the numbers are assumptions alone."
    ),
    "few_events": _few_events,
    "few_target_events": _few_target_events,
    "kind_never_seen": _kind_never_seen,
    "stale_events": _stale_events,
    "feed_fault": feed_fault_text,
    "one_episode": _one_episode,
    "target_saturated": lambda target, label, unit, met, of: (
        f"{label}: met in {met:,} of {of:,} {unit}s, so its chance within a {unit} is near 100% whatever "
        "happens. Ask for a rarer target: a higher min_severity, fewer categories."
    ),
    "saturated_scale": _saturated_scale,
    "late_start": _late_start,
    "events_after_as_of": _events_after_as_of,
    # Cautions on what the model knows beside them.
    "kind_not_learned": lambda target, label: (
        f"{label}: the other pairs that the pooled hazard was learned from held no target of such acts, so "
        "its forecast of it is less certain."
    ),
    "beyond_pooled_hazard": _beyond_pooled_hazard,
    "longer_than_learned": lambda years, longest: (
        f"The data cover {years:.0f} years; the records that the pooled hazard was learned from cover "
        f"{longest:.0f} at most. Where acts are few, its chances may be too high."
    ),
    "learned_later": _learned_later,
    "prior_far_from_data": _prior_far_from_data,
    "prior_of_one_part": lambda prior, whole: (
        f"Prior {prior} moves one part of the target alone; state {whole} to move all of it."
    ),
    "far_from_baseline": _far_from_baseline,
    "not_converged": lambda failures: (
        f"The fit failed {count(failures, 'check')} of its sampler: do not use the numbers."
    ),
    # Warnings of a run.
    "late_reports": lambda origin, mean_days, known_share: (
        f"Recent weeks are corrected for acts that become known late ({origin} delay, mean {mean_days:.1f} "
        f"days): {share(known_share)} of the last week's acts are taken to be known."
    ),
    "influential_events": _influential_events,
    "unused_backtest": _unused_backtest,
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
    "no_complete_window": lambda horizons_days: (
        f"No window of {listing(map(str, horizons_days))} days is complete: the data are too short for it."
    ),
    "silent_end": _silent_end,
    "failed_fits": lambda failed, fits, concerned, forecasts: (
        f"{failed} of {count(fits, 'fit')} failed a gate, and {concerned} of {count(forecasts, 'forecast')} "
        "come from them (failed_fit in forecasts.csv); scores.json has their scores apart."
    ),
    # Notes of a watch.
    "repeated_rows": lambda dyad, rows: (
        f"{dyad}: {count(rows, 'row')} in more than one file, each counted once."
    ),
    "third_parties_alone": lambda dyad, theatre: (
        f"{dyad}: no act between the two sides; its number rests on acts with {', '.join(theatre)}."
    ),
    "other_list_tested": lambda: (
        "A backtest is not shown: its dyads, targets or model are others, or its day is later."
    ),
    "unreadable_backtest": lambda: (
        "A backtest is not shown: it is damaged or of an earlier version; make it again."
    ),
    # Warnings of the scores of a ledger.
    "hindcasts": lambda hindcasts, scored, grace_days: (
        f"{'All' if hindcasts == scored else f'{hindcasts:,} of {scored:,}'} scored forecasts are hindcasts: "
        f"made more than {grace_days} days after the as-of date, when part of the answer could be known. "
        "They show how the method does, not what we foresaw."
    ),
    "few_scored": lambda n, n_yes, needed, needed_episodes: (
        f"Of {count(n, 'scored forecast')} {n_yes or 'none'} ended in a yes and {n - n_yes or 'none'} in a "
        f"no. No skill is claimed without {enough_text(needed, needed_episodes)}."
    ),
    "unconverged_left_out": lambda forecasts: (
        f"Left out: {count(forecasts, 'forecast')} of runs that did not converge."
    ),
    "later_left_out": lambda forecasts: (
        f"Left out: {count(forecasts, 'later forecast')} of a question that was answered before. The first "
        "one stands."
    ),
}
