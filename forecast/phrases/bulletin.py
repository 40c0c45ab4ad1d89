"""Sentences of a bulletin: what happened, how rare it is, what comes of it, how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast.events.codebook import (
    COOPERATIVE,
    actor_in_sentence,
    actor_title,
    category_label,
    severity_word,
)
from forecast.phrases.chances import outside_view_sentence
from forecast.records.bulletin import AfterActs, Bulletin, CountAfter, Course, NewAct, TargetAfter
from forecast.wording import (
    capitalised,
    count,
    interval_percent,
    long_day,
    number,
    percent,
    short_day,
    small_number,
    times,
    title_in_sentence,
    whole_percent,
)

TITLE = "Bulletin"
ANOTHER = "has happened; the chance is of another"
BEFORE_AFTER, NEXT_ACTS = "Its chance, before and after (range)", "Likely next acts in 14 days"
COUNTS_NOTE = (
    "Usual: share of past periods of 30 days that held one. Now: chance of one. In half, in 9 of 10: "
    "how many come at most in so many futures."
)
OTHERS = "Other events (each counts its own kinds of act, so a graver one can be likelier)"
NEXT_NOTE = "Acts of conflict of severity 2 or above. Hollow: on that day, without the news."
UNSOURCED = "No source is given."
COUNTS, COURSES = "Acts of conflict in 30 days", "Three courses in 30 days"
_LONGEST = 60
_COURSES = {"fades": "Nothing as grave", "answered": "As grave, none graver", "worse": "Graver"}
_LAST_COURSES = {"fades": "Nothing as grave", "answered": "One more as grave", "worse": "Two or more"}


def act_sentence(act: NewAct) -> str:
    """What happened, by whom and how grave, e.g. ``"2 Aug 2022, China: dispute of severity 4 …"``."""
    kind = category_label(act.category).lower()
    told = f"{act.summary.rstrip('.')} ({kind}" if act.summary else f"{kind} ("
    end = f", severity {act.severity} of 5, {severity_word(act.severity)})"
    if not act.summary:
        told, end = kind, f" of severity {act.severity} of 5 ({severity_word(act.severity)})"
    return f"{short_day(act.day)}, {actor_title(act.by)}: {told}{end}."


def rarity_sentence(act: NewAct) -> str:
    """How often the same side had acted so before."""
    kind = category_label(act.category).lower()
    grave = "great" if act.category in COOPERATIVE else "grave"
    new = "" if act.class_seen else f" The record holds none called {act.subcategory.replace('_', ' ')}."
    if not act.alike or act.last_alike is None:
        return f"The first {kind} by that side so {grave} on record.{new}"
    last = long_day(act.last_alike)
    before = f"{small_number(act.alike)} {'act' if act.alike == 1 else 'acts'} of this kind as {grave}"
    return f"On record by that side: {before}, most recently on {last}.{new}"


def _within_30_days(target: TargetAfter) -> AfterActs:
    return next(one for one in target.after if one.days == 30 and not one.milestone)


def headline_sentence(bulletin: Bulletin, target: TargetAfter) -> str:
    """The answer in a sentence: the chance of the headline event within 30 days, and what it was."""
    after = _within_30_days(target)
    now, was = percent(after.probability), percent(after.base)
    event = title_in_sentence(target.label)
    risen = after.probability > after.base
    change = f"{'up' if risen else 'down'} from {was}" if now != was else "as before"
    if target.met:
        return f"It has happened: {event}. Another within 30 days: {now}, {change}"
    who = actor_in_sentence(bulletin.acts[0].by)
    what = category_label(bulletin.acts[0].category).lower()
    said = bulletin.acts[0].summary.rstrip(".")
    happened = said if 0 < len(said) <= _LONGEST else f"After the {what} by {who}"
    return (
        f"{happened}: {'an' if now.startswith('8') else 'a'} {now} chance of {event} within 30 days, {change}"
    )


def window_words(after: AfterActs) -> str:
    """Name a window."""
    return f"Before {short_day(after.date)}" if after.milestone else count(after.days, "day")


def window_and_range(after: AfterActs) -> str:
    """Name a window with the range of its chance, and what the run said."""
    said = "" if after.said is None else f"; run {percent(after.said)}"
    return f"{window_words(after)} ({interval_percent((after.low, after.high))}{said})"


def side_name(code: str) -> str:
    """Name a side, whose actors are joined by a plus."""
    return " + ".join(map(actor_title, code.split("+")))


def moved(after: AfterActs) -> str:
    """Chance before and after in a cell of a table."""
    was, now = whole_percent(after.base), whole_percent(after.probability)
    return now if was == now else f"{was} → {now}"


def course_name(course: Course, severity: int) -> str:
    """Name a course after acts of a severity."""
    return (_LAST_COURSES if severity == 5 else _COURSES)[course.name]


def course_note(course: Course, bulletin: Bulletin) -> str:
    """When, and by whom."""
    if course.name == "fades":
        return f"none in 7 days: {whole_percent(course.week)}"
    a, b = (whole_percent(chance) for chance in course.by)
    sides = f"{side_name(bulletin.dyad.a)} {a}, {side_name(bulletin.dyad.b)} {b}"
    return f"{sides}; within 7 days {whole_percent(course.week)}"


def courses_note(severity: int) -> str:
    """Say what courses are of."""
    return f"By acts of conflict of severity {severity} or above; milder ones may come in each."


def number_words(most: int) -> str:
    """Say the number that a share of futures does not exceed."""
    return f"up to {most:,}" if most else "none"


def any_words(told: CountAfter) -> tuple[str, str]:
    """Chance of any act of a severity, usually and now."""
    return whole_percent(told.usual_any) if told.usual_any else "none", whole_percent(1 - told.none)


def mean_words(told: CountAfter) -> str:
    """Mean number of acts of a severity, usually and now."""
    was, now = ("<0.1" if 0 < mean < 0.05 else number(mean, 1) for mean in (told.usual, told.expected))
    return f"mean {was} → {now}"


def severity_name(told: CountAfter) -> str:
    """Name a severity with its word."""
    return f"{told.severity}, {severity_word(told.severity)}"


def outside_sentences(targets: Sequence[TargetAfter], most: int = 2) -> Iterator[tuple[str, str]]:
    """Label of a target, and how often it followed elsewhere; why nothing tells, where it is of none."""
    told = [one for one in targets if one.outside and one.outside.shares]
    for target in told[:most]:
        assert target.outside is not None
        yield target.label, outside_view_sentence(target.outside)
    if not told and targets and targets[0].outside:
        yield targets[0].label, outside_view_sentence(targets[0].outside)


def basis_sentence(bulletin: Bulletin, target: TargetAfter) -> str:
    """Say how far to trust the answer: its range, the cases, and the days that nobody entered."""
    month = _within_30_days(target)
    said = [f"{interval_percent((month.low, month.high))} fits the evidence (90% range)."]
    said.append(f"{capitalised(times(target.seen))} on record." if target.seen else "Never seen on record.")
    if bulletin.unknown_days:
        said.append(f"No events were entered for {count(bulletin.unknown_days, 'day')} since the run.")
    return " ".join(said)


def draws_sentence(bulletin: Bulletin) -> str:
    """Say how many draws the answer rests on, and whose."""
    draws = f"{bulletin.effective_draws:,.0f}"
    if bulletin.method == "refit":
        return f"Fitted anew with what happened: {draws} draws."
    return f"Computed from the run: what happened fits {draws} of its {bulletin.run_draws:,} draws."


def made_on(bulletin: Bulletin) -> str:
    """The day on which a bulletin was made, where its acts were past for long."""
    return f"Made {long_day(bulletin.made_on)}, in hindsight" if bulletin.hindsight else ""


def withheld_text(bulletin: Bulletin) -> str:
    """Say why there are no numbers."""
    return (
        f"Too few draws: a fit of the record up to {long_day(bulletin.as_of)} failed its checks. Make a run "
        "of that day with more draws, or use --allow-unconverged"
    )
