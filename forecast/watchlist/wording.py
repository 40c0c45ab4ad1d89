"""What is said of a watch in sentences, on the terminal, the page and the PDF alike."""

from __future__ import annotations

from forecast import wording
from forecast.families import family_named
from forecast.records.watch import Change, DyadEntry, ListMilestone, SharedShockRecord, Watch, answer_to
from forecast.runs import files
from forecast.watchlist.joint_paths import MOST_COUNTED

SHOWN_PAIRS = 5
SHOWN_CHANGES, SHOWN_CHANGE = 10, 0.03
"""Dyads whose change is told in a sentence, and the least change."""


def state_sentence(watch: Watch) -> str:
    """How many dyads there are, and in what state, e.g. ``30 dyads: 24 fine``."""
    counted = ", ".join(f"{number} {state}" for state, number in watch.states().items() if number)
    return f"{wording.count(len(watch.dyads), 'dyad').capitalize()}: {counted}."


def page_sentence(one: DyadEntry, model: str) -> str:
    """Say which command opens the scenario page of a dyad; empty where it failed.

    ``model`` is the family of the list, for a dyad that has none of its own.
    """
    if one.failure is not None or not one.targets:
        return ""
    if family_named(one.model or model).fitted:
        fitted = f"../{one.weights.fitted_as_of.isoformat()}/" if one.weights else ""
        return f"Scenario page, from the folder of this watch: forecast app {fitted}{one.name}"
    return (
        f"A scenario page needs a fit, from the folder of this watch: forecast run "
        f"{one.name}/{files.CONFIG} --set model.family=combined"
    )


def question_sentence(watch: Watch) -> str:
    """What dyads are ranked by; empty where no dyad has numbers."""
    for target in (target for one in watch.dyads for target in one.targets):
        if answer := answer_to(watch.headline, (target,)):
            day = wording.long_day(answer.date)
            return f"Ranked by: {target.label} ({target.definition}) before {day}."
    return ""


def trigger_sentence(watch: Watch) -> str:
    """How often each trigger misleads, and which are not shown because that is not known."""
    rates = "; ".join(f"{one.name} {one.rates}" for one in watch.triggers if one.rates)
    said = f"Triggers in the backtest of this list: {rates}." if rates else ""
    unknown = tuple(one.name for one in watch.triggers if not one.rates)
    if unknown:
        noun, verb = ("Trigger", "is") if len(unknown) == 1 else ("Triggers", "are")
        why = (
            "the backtest of this list cannot tell how often they mislead"
            if any(one.windows is not None for one in watch.triggers)
            else "nobody knows how often they mislead before 'forecast backtest LIST'"
        )
        said += f" {noun} {wording.listing(unknown)} {verb} not shown: {why}."
    return said.strip()


def change_sentences(watch: Watch) -> tuple[str, ...]:
    """Of the dyads that moved most, beyond their error, how much is time passing, and how much news."""
    moved = [
        (one.label, one.change)
        for one in watch.dyads
        if one.change and one.change.arrow and abs(one.change.change) >= SHOWN_CHANGE
    ]
    moved.sort(key=lambda one: -abs(one[1].change))
    return tuple(
        f"{label} {wording.signed_points(change.change, 0)}: {parts_of_change(change)}"
        for label, change in moved[:SHOWN_CHANGES]
    )


def parts_of_change(change: Change) -> str:
    """Both parts of a change, e.g. ``time −2, news +8``."""
    passing, news = (wording.signed_points(value, 0) for value in (change.time_passing, change.news))
    return f"time {passing}, news {news}"


def number_range(one: ListMilestone) -> str:
    """The number of dyads between its 5% and 95% quantiles, e.g. ``9–13``; open beyond what is counted."""
    at_least = one.at_least
    lower = sum(chance >= 0.95 for chance in at_least)
    upper = sum(chance > 0.05 for chance in at_least)
    beyond = "+" if upper == len(at_least) == MOST_COUNTED else ""
    return f"{lower}–{upper}{beyond}" if lower != upper else f"{lower}{beyond}"


def shock_sentence(shock: SharedShockRecord) -> str:
    """How strongly dyads go together, and what that was learned from."""
    everyone = f"{wording.number(shock.everyone, 2)} ± {wording.number(shock.everyone_se, 2)}"
    actors = f"{wording.number(shock.actors, 2)} ± {wording.number(shock.actors_se, 2)}"
    return (
        f"Joint paths share two shocks: one common to all dyads (share of the latent variance {everyone}) "
        f"and one for each actor ({actors}). A share within its error counts as none. Learned from "
        f"{shock.source}."
    )


def pair_sentences(watch: Watch) -> tuple[str, ...]:
    """The pairs of dyads whose joint chance gains most, by the last milestone of each target."""
    labels = {one.name: one.label for one in watch.dyads}
    found = []
    for milestones in watch.list.values():
        day = wording.long_day(milestones[-1].date)
        for pair in milestones[-1].together[:SHOWN_PAIRS]:
            both, independent = wording.percent(pair.both), wording.percent(pair.independent)
            if both != independent:
                pairs = f"{labels[pair.one]} and {labels[pair.other]}"
                found.append(f"{pairs}: {both} that both meet it before {day}, {independent} if independent.")
    return tuple(found)
