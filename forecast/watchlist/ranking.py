"""What is made of the numbers of each dyad: rank, state of its data, change since the watch before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from forecast.config.watchlist import WatchedDyad, Watchlist
from forecast.events.table import EventTable
from forecast.records.forecast import Headline, MilestoneForecast
from forecast.records.notices import FeedFault
from forecast.records.watch import (
    Change,
    DyadEntry,
    DyadNumbers,
    DyadRow,
    NoChange,
    State,
    Watch,
    answer_to,
)

ERRORS = 2.0
"""A change counts that is more than so many standard errors."""
LEAST_CHANGE = 0.01
"""An arrow stands for a change that counts and is as large."""
SMALL = frozenset({"few_events", "few_target_events", "one_episode"})
"""Cautions that make a dyad small."""


def ranked(entries: Sequence[DyadEntry]) -> tuple[DyadEntry, ...]:
    """Return the dyads by their headline probability, those without one last."""
    answered = [(entry, answer) for entry in entries if (answer := entry.milestone)]
    answered.sort(key=lambda pair: -pair[1].probability)  # of equals the first of the list comes first
    numbered = (entry.model_copy(update={"rank": rank}) for rank, (entry, _) in enumerate(answered, start=1))
    return (*numbered, *(entry for entry in entries if not entry.targets))


def entry_of(
    watchlist: Watchlist,
    watched: WatchedDyad,
    row: DyadRow,
    events: EventTable | None,
    faults: tuple[FeedFault, ...],
    before: Watch | None,
) -> DyadEntry:
    """Return a dyad as the watch tells it: its numbers, its data, and what moved since the watch before."""
    earlier = next((entry for entry in before.dyads if entry.name == watched.key), None) if before else None
    question = Headline.model_validate(watchlist.headline_of(watched).model_dump())
    answer, change, model = answer_to(question, row.targets), None, None
    no_change: NoChange | None = None
    trigger = held = earlier.trigger if earlier else None
    state: State = "failed"
    if answer:
        model = watchlist.model.family
        trigger = trigger_state(answer.probability, watchlist.triggers, watchlist.hysteresis, held)
        small = any(caution.code in SMALL for caution in row.cautions)
        state = "stale" if any(fault.stale for fault in faults) else "small" if small else "fine"
        if before and not (earlier and earlier.milestone):
            no_change = "new"
        elif before and earlier and earlier.milestone:
            no_change = _not_comparable(earlier, row, question, model)
            if no_change is None:
                then = answer_to(question, row.counterfactual or row.targets) or answer
                change = split_change(earlier.milestone, then, answer, before.as_of)
    return DyadEntry(
        **{name: getattr(row, name) for name in DyadNumbers.model_fields},
        name=watched.key,
        label=watched.title,
        a=watched.names[0],
        b=watched.names[1],
        theatre=watched.theatre,
        state=state,
        trigger=trigger,
        trigger_before=held,
        question=question,
        change=change,
        no_change=no_change,
        model=model,
        last_event=None if events is None else events.date.max().item(),
        events=0 if events is None else len(events),
        feed_faults=faults,
    )


def _not_comparable(earlier: DyadEntry, row: DyadRow, question: Headline, model: str) -> NoChange | None:
    rules = [{target.name: target.rule for target in numbers.targets} for numbers in (earlier, row)]
    if earlier.question != question or rules[0][question.target] != rules[1][question.target]:
        return "other question"
    return "other model" if earlier.model != model else None


def split_change(
    since: MilestoneForecast, then: MilestoneForecast, now: MilestoneForecast, day: date
) -> Change:
    """Split the change of a probability since a watch (``since``) into time passing and news.

    ``then`` is by today's model on the events of that watch.
    """
    change = now.probability - since.probability
    error = float(np.hypot(now.mcse, since.mcse))
    clear = abs(change) > ERRORS * error and abs(change) >= LEAST_CHANGE
    return Change(
        since=day,
        before=since.probability,
        change=change,
        time_passing=then.probability - since.probability,
        news=now.probability - then.probability,
        error=error,
        arrow=None if not clear else "up" if change > 0 else "down",
    )


def trigger_state(
    probability: float, triggers: Mapping[str, float], hysteresis: float, before: str | None
) -> str | None:
    """Return the highest of the triggers (name → threshold, rising) that holds, ``None`` for none.

    A trigger begins at its threshold, and ends only below threshold × (1 − hysteresis), so that a probability
    near one does not switch it every day. ``before`` is the state of the watch before; a name that is no
    trigger any more counts as none.
    """
    names = list(triggers)
    held = names.index(before) if before in names else -1
    state = None
    for place, (name, threshold) in enumerate(triggers.items()):
        if probability >= (threshold * (1 - hysteresis) if place <= held else threshold):
            state = name
    return state
