"""What is said of a watch in sentences, on the terminal, the page and the PDF alike."""

from __future__ import annotations

from forecast import wording
from forecast.records.watch import SharedShockRecord, Watch

SHOWN_PAIRS = 5


def state_sentence(watch: Watch) -> str:
    """How many dyads there are, and in what state, e.g. ``30 dyads: 24 fine``."""
    counted = ", ".join(f"{number} {state}" for state, number in watch.states().items() if number)
    return f"{wording.count(len(watch.dyads), 'dyad').capitalize()}: {counted}."


def question_sentence(watch: Watch) -> str:
    """What dyads are ranked by; empty where no dyad has numbers."""
    asked = watch.headline.target, watch.headline.milestone
    for one in watch.dyads:
        for target in one.targets:
            for milestone in target.milestones:
                if (target.name, milestone.name) == asked:
                    day = wording.long_day(milestone.date)
                    return f"Ranked by: {target.label} ({target.definition}) before {day}."
    return ""


def change_sentences(watch: Watch) -> tuple[str, ...]:
    """Of each dyad that moved by more than its error, how much of it is time passing, and how much news."""
    found = []
    for one in watch.dyads:
        if one.change and one.change.arrow:
            passing, news = (wording.signed_points(v, 0) for v in (one.change.time_passing, one.change.news))
            whole = wording.signed_points(one.change.change, 0)
            found.append(f"{one.label} {whole}: {passing} by time passing, {news} by news")
    return tuple(found)


def shock_sentence(shock: SharedShockRecord) -> str:
    """How strongly dyads go together, and what that was learned from."""
    everyone = f"{wording.number(shock.everyone, 2)} ± {wording.number(shock.everyone_se, 2)}"
    actors = f"{wording.number(shock.actors, 2)} ± {wording.number(shock.actors_se, 2)}"
    return (
        f"Joint paths share two shocks: one of all dyads (share of the latent variance {everyone}) and one "
        f"an actor ({actors}); a part that is not clear of its error counts as none. Learned from "
        f"{shock.source}."
    )


def pair_sentences(watch: Watch) -> tuple[str, ...]:
    """The pairs of dyads whose joint chance gains most, by the last milestone of each target."""
    labels = {one.name: one.label for one in watch.dyads}
    found = []
    for milestones in watch.list.values():
        day = wording.long_day(milestones[-1].date)
        for pair in milestones[-1].together[:SHOWN_PAIRS]:
            found.append(
                f"{labels[pair.one]} and {labels[pair.other]}: both before {day} "
                f"{wording.percent(pair.both)}, {wording.percent(pair.independent)} if they were independent."
            )
    return tuple(found)
