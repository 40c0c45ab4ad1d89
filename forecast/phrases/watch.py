"""A watch over many dyads: why one has no number, how far its backtest bears it out, how to read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

from forecast.events.dyads import DyadRule
from forecast.phrases.bulletin import course_name, headline_sentence
from forecast.phrases.news import news_text
from forecast.phrases.notices import gate_texts, notice_text
from forecast.records.watch import DyadEntry, Failure, NoChange, State, TriggerRecord, Watch
from forecast.wording import count, listing, long_day, number, share, whole_percent

DATA: Mapping[State, str] = {
    "fine": "up to date",
    "small": "few cases",
    "stale": "out of date",
    "failed": "no forecast",
}
"""States of the data of a dyad."""
_STATES: Mapping[State, str] = {
    "fine": "Up to date: the last row is no older than the pace of its feed allows.",
    "small": "Few cases: few events, or few past cases of the target.",
    "stale": "Out of date: the last row is older than the pace of its feed allows.",
    "failed": "No forecast: the reason stands under the dyad.",
}
BULLETIN = "bulletin.pdf"
_MOST_MOVED = 12
_NO_CHANGE: Mapping[NoChange, str] = {
    "new": "New: the last watch had no number of this dyad.",
    "other question": "Other question: the last watch asked about another event or day.",
    "other model": "Other model: the last watch used another model.",
}


def no_events_text(rule: DyadRule, as_of: date, near: Mapping[str, str]) -> str:
    """State that the event files hold no act of a dyad, and which actors may be meant (``near_actor``)."""
    hints = tuple(f"{known} for '{actor}'" for actor, known in near.items())
    hint = f" Did you mean {listing(hints)}?" if hints else ""
    return f"the event files hold no {rule.in_words()} known by {long_day(as_of)}.{hint}"


def failure_text(entry: DyadEntry, as_of: date) -> str:
    """State why a dyad has no number."""
    failure = entry.failure or Failure(code="numerical")
    match failure.code:
        case "no_events":
            rule = DyadRule(tuple(entry.a.split("+")), tuple(entry.b.split("+")), entry.theatre)
            return no_events_text(rule, as_of, failure.near)
        case "too_little_record" if failure.record:
            return notice_text(failure.record)
        case "not_converged" if failure.gates:
            return f"the fit did not converge. {' '.join(gate_texts(failure.gates))}"
        case "worker_died":
            return "its worker processes died; the cause may be a lack of memory"
    return failure.error


def left_out_text(failure: Failure) -> str:
    """State why a dyad is left out of the backtest of a list."""
    return "no act between the two sides" if failure.code == "no_events" else failure.error


def counted_text(watch: Watch) -> str:
    """State how many dyads there are, and of what state their data."""
    states = Counter[str](entry.state for entry in watch.dyads)
    counted = ", ".join(f"{states[state]} {words}" for state, words in DATA.items() if states[state])
    return f"{count(len(watch.dyads), 'dyad').capitalize()}. Data: {counted}."


def acts_text(entry: DyadEntry) -> str:
    """State how many acts of a dyad are known, and of what state its data are."""
    last = f", the last on {long_day(entry.last_event)}" if entry.last_event else ""
    return f"{count(entry.events, 'act').capitalize()} known{last}. Data: {DATA[entry.state]}."


def news_lines(watch: Watch) -> Iterator[str]:
    """State what moved each dyad that moved or has new rows, the largest change first."""
    if watch.since is None:
        yield "No changes: there is no earlier watch of this list."
        return
    moved = [(entry, entry.change) for entry in watch.dyads if entry.change]
    moved.sort(key=lambda pair: -abs(pair[1].change))
    told = [(entry, change) for entry, change in moved if change.news.number or change.arrow]
    for entry, change in told[:_MOST_MOVED]:
        yield f"{entry.label}: {news_text(change)}{_bulletin_text(entry)}"
    if (left := len(told) - _MOST_MOVED) > 0:
        yield f"{count(left, 'more dyad')} with new rows moved less; the table has the numbers."
    if quiet := len(moved) - len(told):
        yield f"{count(quiet, 'dyad').capitalize()} without new rows moved by less than a point."


def _bulletin_text(entry: DyadEntry) -> str:
    told = entry.bulletin
    if told is None:
        return ""
    headline = next(one for one in told.targets if one.name == told.headline.target)
    courses = listing(
        f"{course_name(one, told.gravest).lower()} {whole_percent(one.chance)}" for one in told.courses
    )
    return f" {headline_sentence(told, headline)}. In 30 days: {courses} ({entry.name}/{BULLETIN})."


def backtest_text(watch: Watch) -> str:
    """State how far the backtest of the list bears out its probabilities and its order."""
    if not watch.backtest:
        return (
            "Not tested on this list: whether these chances are better than each dyad's share of past "
            "periods, Base. On three of four test sets the pooled hazard and the combined model were, at "
            "every horizon; on the fourth, United States – China, often not. 'forecast backtest LIST' tests "
            "this list."
        )
    asked = min(watch.backtest, key=lambda skill: abs(skill.horizon_days - watch.headline_days))
    days = f"{asked.horizon_days} days ahead"
    if asked.horizon_days != watch.headline_days:
        days += f" (the nearest tested to {watch.headline_days})"
    claim = {"better": "better", "worse": "worse", "none": "not shown to be better"}[asked.claim]
    scores = f"log score {asked.log:.3f} against {asked.climatology_log:.3f}, lower is better"
    if asked.interval90:
        low, high = (number(end, 3) for end in asked.interval90)
        scores += f"; 90% interval of the difference {low} to {high}"
    held = f", {asked.hits or 'none'} with the event" if asked.hits is not None else ""
    text = (
        f"Backtest of this list, {days}: the probabilities are {claim} than each dyad's share of past "
        f"periods, Base ({scores}; {count(asked.n, 'test period')}{held})."
    )
    if asked.ranked_right is not None and asked.climatology_ranked_right is not None:
        ours, theirs = map(share, (asked.ranked_right, asked.climatology_ranked_right))
        text += (
            " Order: of two dyads, one with the event and one without, the first ranked higher in "
            f"{ours} of cases; by Base in {theirs}."
        )
    better = [
        str(skill.horizon_days) for skill in watch.backtest if skill.claim == "better" and skill != asked
    ]
    return text + (f" The probabilities are better than Base at {listing(better)} days." if better else "")


def trigger_rates(trigger: TriggerRecord) -> str:
    """State how often a tested trigger misleads."""
    return f"{share(trigger.false_alarm_rate or 0)} false alarms, {share(trigger.miss_rate or 0)} missed"


def trigger_texts(watch: Watch) -> Iterator[str]:
    """State how often each trigger misleads, and which are not shown because that is not known."""
    tested = [trigger for trigger in watch.triggers if trigger.tested]
    if tested:
        rates = "; ".join(f"{trigger.name} {trigger_rates(trigger)}" for trigger in tested)
        yield f"Triggers in the backtest of this list: {rates}."
    unknown = [trigger for trigger in watch.triggers if not trigger.tested]
    if unknown:
        asked = any(trigger.windows is not None for trigger in unknown)
        why = "the backtest has too few cases" if asked else "no backtest has asked this question"
        names = listing(trigger.name for trigger in unknown)
        yield f"Triggers not shown: {names}. How often they mislead is not known: {why}."


def reading_texts(watch: Watch) -> Iterator[str]:
    """Explain the columns and marks that the page of a watch holds, and no others."""
    yield (
        "Chance: the probability that the target happens after the as-of date and before the day. 90%: the "
        "range that the data leave open. Base: in how many of the past periods of this length it happened. "
        "A run with another model, or up to another day, gives another number."
    )
    changes = [entry.change for entry in watch.dyads if entry.change]
    if changes:
        yield (
            "News: the number minus that of the same model on the rows known at the last watch. Rest: time "
            "passed, and what changed of settings and program."
        )
    if any(change.arrow for change in changes):
        yield "Arrow: a change of at least one point and of more than twice its Monte Carlo error."
    if any(trigger.tested for trigger in watch.triggers):
        yield (
            "Trigger: the highest that holds; – none. False alarms: of the test periods with the trigger on, "
            "the share without the event. Missed: of those with the event, the share with the trigger off."
        )
    reasons = {entry.no_change for entry in watch.dyads}
    if texts := [text for mark, text in _NO_CHANGE.items() if mark in reasons]:
        yield f"Change. {' '.join(texts)}"
    states = {entry.state for entry in watch.dyads}
    yield f"Data. {' '.join(text for mark, text in _STATES.items() if mark in states)}"


def scenarios_text(dyad: str, as_of: date, config: str, *, fitted: bool) -> str:
    """State how the scenario page of a dyad is opened, from the folder of a watch."""
    commands = f"forecast app {dyad}"
    if not fitted:
        fit = f"forecast run {dyad}/{config} --set model.family=combined"
        commands = f"{fit}, then forecast app reports/{dyad}/{as_of}"
    return f"Scenarios of a dyad, e.g. {dyad}, from the folder of this watch: {commands}"
