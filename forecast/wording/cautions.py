"""Every caution as a sentence, and those of a run as the lines of a box."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from forecast.records.cautions import (
    Caution,
    DamagedFeed,
    DensityBreak,
    DensityChanges,
    EventsAfterAsOf,
    FarFromBaseline,
    FewEvents,
    FewTargetEvents,
    KindNotLearned,
    LateStart,
    LearnedLater,
    LongerThanLearned,
    NotConverged,
    OneEpisode,
    PriorFarFromData,
    SaturatedScale,
    StaleEvents,
    TargetSaturated,
)
from forecast.records.scale import STANDARD
from forecast.wording.numbers import count, listing, long_day, percent, plain_number, times

HEAD = "Read with caution"
_SPOKEN_IN_DAYS, _SPOKEN_IN_MONTHS = 60, 60
"""Days up to which a span is told in days, and months up to which it is told in months."""


def caution_sentence(caution: Caution) -> str:
    """Say one caution: the number first, then what it means or what to do."""
    match caution:
        case FewEvents():
            return (
                f"Only {count(caution.events, 'event')} in the data, fewer than {caution.needed}: every "
                "figure rests mostly on assumptions."
            )
        case FewTargetEvents():
            fewer = f", fewer than {caution.needed} times" if caution.events else ""
            return f"{caution.label}: {_seen(caution)}{fewer}. Its figures rest mostly on assumptions."
        case KindNotLearned():
            return (
                f"{caution.label}: the other pairs that the pooled hazard was learned from held no target of "
                "such acts, so its forecast of it is less certain."
            )
        case LongerThanLearned():
            return (
                f"The data cover {caution.years:.0f} years; the records that the pooled hazard was learned "
                f"from cover {caution.longest:.0f} at most. Where acts are few, its chances may be too high."
            )
        case LearnedLater():
            what = listing(tuple(f"the {part}" for part in caution.parts)).capitalize()
            was = "was" if caution.parts == ("pooled hazard",) else "were"
            return (
                f"{what} of this model {was} learned from other pairs up to {long_day(caution.last)}, after "
                "the as-of date: a forecast made on that day could not have used them."
            )
        case OneEpisode():
            days = _days(caution.first, caution.last)
            return f"{caution.events:,} of {caution.of:,} events lie {days}: the data tell of one episode."
        case StaleEvents():
            return _stale(caution)
        case DamagedFeed():
            return caution.fault.text
        case EventsAfterAsOf():
            return (
                f"{count(caution.rows, 'row')} of the file became known after the as-of date, "
                f"{_days(caution.first, caution.last)}, and {_was(caution.rows)} left out."
            )
        case DensityChanges():
            changes = "; ".join(map(_change, caution.breaks))
            return (
                f"Acts a month change their level: {changes}. Did the coding change, or the relationship? If "
                "the coding did, start the record after it (events.start). If not, leave it: the model reads "
                "a slow change as drift."
            )
        case LateStart():
            return (
                f"The config starts on {long_day(caution.start)}: {count(caution.rows, 'earlier row')} of "
                f"the file, from {long_day(caution.first_date)} on, {_was(caution.rows)} not used."
            )
        case TargetSaturated():
            return (
                f"{caution.label}: met in {caution.met:,} of {caution.of:,} {caution.unit}s, so its chance "
                f"within a {caution.unit} is near 100% whatever happens. Ask for a rarer target: a higher "
                "min_severity, fewer categories."
            )
        case SaturatedScale():
            return (
                f"{caution.events:,} of {caution.of:,} military incidents have severity {caution.severity}, "
                f"so severity hardly tells them apart. {_finer(caution)}"
            )
        case PriorFarFromData():
            what = f"acts of {caution.stream.replace('_', ' ')}" if caution.stream else "acts"
            return (
                f"The priors imply {plain_number(caution.prior_acts_a_month)} {what} a month, the "
                f"data hold {plain_number(caution.data_acts_a_month)}: more than {caution.factor:g} times "
                "apart. Check model.priors and events.start."
            )
        case FarFromBaseline():
            return (
                f"{caution.label} before {long_day(caution.date)}: {percent(caution.probability)}, where the "
                f"share of past windows is {percent(caution.baseline)}. Odds so far apart come from a prior "
                "or from a change in the data; find out which ('forecast sensitivity')."
            )
        case NotConverged():
            checks = count(caution.failures, "check")
            return f"The fit failed {checks} of its sampler: do not use the numbers."


def caution_lines(cautions: Sequence[Caution]) -> list[str]:
    """Return the cautions of a run as lines, targets that were hardly seen together in one."""
    few = [one for one in cautions if isinstance(one, FewTargetEvents)]
    if len(few) < 2:
        return [one.text for one in cautions]
    lines = []
    for one in cautions:
        if one is few[0]:
            seen = "; ".join(f"{target.label}, {_seen(target)}" for target in few)
            lines.append(
                f"Targets seen fewer than {one.needed} times: {seen}. Their figures rest mostly on "
                "assumptions."
            )
        elif not isinstance(one, FewTargetEvents):
            lines.append(one.text)
    return lines


def _seen(caution: FewTargetEvents) -> str:
    if not caution.events:
        return "never seen in the data"
    together = f" ({caution.events:,} events of a day count once)" if caution.days != caution.events else ""
    return f"seen {times(caution.days)}{together}"


def _finer(caution: SaturatedScale) -> str:
    if caution.scale == STANDARD:
        return (
            "If fire is routine here, code them by the scale 'armed' (by the number killed; 'forecast events "
            "codebook --scale armed') and set scale: armed."
        )
    return (
        "Code them by a file of anchors that tells them apart (docs/codebook.md), and name it as the scale."
    )


def _days(first: date, last: date) -> str:
    return f"on {long_day(first)}" if first == last else f"between {long_day(first)} and {long_day(last)}"


def _was(rows: int) -> str:
    return "was" if rows == 1 else "were"


def _stale(caution: StaleEvents) -> str:
    ago = span(caution.last_date, caution.as_of)
    said = f"Last event {long_day(caution.last_date)}, {ago} before the as-of date"
    if caution.probability is not None and caution.longest_gap_days is not None:
        said += (
            f": at this record's pace so long a gap has a chance of {percent(caution.probability)}, and the "
            f"longest before was {count(caution.longest_gap_days, 'day')}"
        )
    return f"{said}. Was nothing coded since, or did nothing happen?"


def span(first: date, last: date) -> str:
    """Return the time between two days in words: days, whole months, or whole years."""
    days = (last - first).days
    if days <= _SPOKEN_IN_DAYS:
        return count(days, "day")
    months = 12 * (last.year - first.year) + last.month - first.month - (last.day < first.day)
    return count(months, "month") if months <= _SPOKEN_IN_MONTHS else count(months // 12, "year")


def _change(change: DensityBreak) -> str:
    return f"{plain_number(change.before)} to {plain_number(change.after)} from {change.month} on"
