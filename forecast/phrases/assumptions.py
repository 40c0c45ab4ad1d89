"""What a chance rests on, and what each assumption is called and does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from forecast.config import Config
from forecast.events.codebook import CATEGORIES, code_in_words
from forecast.events.dyads import DyadRule
from forecast.phrases.chances import _NONE, NO_TITLES, Titles, cases_in_words, plural, without_event
from forecast.records.analysis import (
    SENSITIVE,
    Assumed,
    AssumptionEffect,
    NumberSensitivity,
    Reconciled,
    Sensitivity,
    WeightPull,
)
from forecast.records.forecast import Forecast, RestsOn, TargetForecast
from forecast.streams import NO_SIDE, Stream, StreamLayout
from forecast.targets import TargetRule
from forecast.wording import (
    capitalised,
    interval_percent,
    listing,
    long_day,
    number,
    on_scale,
    percent,
    points,
    short_day,
    shorten,
    small_number,
    title_in_sentence,
)

_RESTS_ON: dict[RestsOn, str] = {
    "data-driven": "data",
    "prior-driven": "assumptions",
    "conflict": "both, which pull apart",
    "unclear": "data or assumptions",
}
_BY_REASON: dict[str, str] = {
    "never observed": "assumptions",
    "too few cases": "few cases",
    "nothing moves it": "both",
}
REASON_WORDS = {
    "never observed": "no case on record fixes it",
    "too few cases": "one or two fix it poorly",
    "priors move it little": "more or less weight on the assumptions moves it little",
    "within the noise": "more or less weight on either moves it no more than chance in the draws",
    "nothing moves it": "twice the weight of data or assumptions moves it little",
    "data do not move it": "it moves with the weight of the assumptions, not of the data",
    "priors lower it against the data": "the assumptions lower it against the data",
    "priors raise it against the data": "the assumptions raise it against the data",
    "priors move it more": "it moves more with the weight of the assumptions than of the data",
    "data move it more": "it moves more with the weight of the data than of the assumptions",
}
_LONG_TITLE = 36
"""Signs of a title from which on a label has its first clause; of two titles half of them each."""
_LARGEST_LOG = 9.0
"""Log odds beyond which a linear rate of change says nothing."""
_RATE = "baseline.weekly_rate"
_ASSUMPTIONS = {
    _RATE: "Rate: {kind}",
    "tension.scale": "Size of swings in tension",
    "tension.persistence": "How long tension lasts",
    "tension.loading": "Tie to tension: {kind}",
    "drift.scale": "Size of drift over years",
    "answers.number": "Answers by {kind}",
    "answers.in_kind": "Answers in kind by {kind}",
    "answers.half_life_days": "Half-life of answers",
    "answers.severity": "Answers to graver acts",
    "answers.gravity": "Gravity of answers",
    "answers.most": "Most answers to one act",
    "follow_on.number": "Cooperation that follows",
    "follow_on.half_life_days": "Half-life of what follows cooperation",
    "reaction.number": "Chance of an answer: {kind}",
    "reaction.half_life_days": "Half-life of answers: {kind}",
    "reaction.severity": "Answers to graver triggers: {kind}",
    "reaction.gravity": "Gravity of answers: {kind}",
    "ballast": "Calming: {kind}",
    "ballast.half_life_days": "Half-life of calming",
}
"""Label of each group of priors."""
_GROUPS = {
    _RATE: "rates",
    "tension.loading": "tie to tension",
    "answers.number": "answers",
    "answers.in_kind": "answers in kind",
    "reaction.number": "chance of an answer",
    "reaction.half_life_days": "half-life of answers",
    "reaction.severity": "answers to graver triggers",
    "reaction.gravity": "gravity of answers",
    "ballast": "calming",
}
"""Groups of which each has one prior a kind of act, as a whole."""
_ANSWERERS = {"same_side": "the side that acted", "other_side": "the other side"}


def rests_on_words(label: NumberSensitivity, *, brief: bool = False) -> str:
    """What a number rests on in a few words: the one rule of ``docs/sensitivity.md``."""
    said = _BY_REASON.get(label.reason) or _RESTS_ON[label.rests_on]
    why = "never seen" if label.reason == "never observed" else ""
    why = why or ("too uncertain to say which" if label.rests_on == "unclear" else "")
    return f"{said} ({why})" if why and not brief else said


def rests_on_sentence(forecast: Forecast, label: NumberSensitivity) -> str:
    """Say what a number rests on, and why."""
    target = forecast.target(label.target)
    if label.reason == "never observed":
        return "This was never seen, so the number rests on our assumptions."
    if label.reason == "too few cases":
        fix = plural(target.observed_before, "fixes", "fix")
        return f"{capitalised(cases_in_words(target))} {fix} this number poorly."
    if label.rests_on == "conflict":
        data = "raise" if label.data.change > 0 else "lower"
        priors = "raise" if label.priors.change > 0 else "lower"
        return (
            f"Data and assumptions pull apart: trusting the data more would {data} the number, trusting our "
            f"assumptions more would {priors} it."
        )
    if label.rests_on == "unclear":
        why = REASON_WORDS[label.reason]
        return f"Whether the headline rests on data or on assumptions is too uncertain to say: {why}."
    return f"The headline rests on {rests_on_words(label)}: {REASON_WORDS[label.reason]}."


def measured_sentences(forecast: Forecast, sensitivity: Sensitivity, *, few: bool) -> Iterator[str]:
    """What moves the headline: each case where they are few, or one event; one assumption; and its range."""
    target, milestone = forecast.headline_target, forecast.headline_milestone
    cases = {case.event_id for case in target.cases} if few else set()
    own = [driver for driver in forecast.drivers if driver.event_id in cases]
    without = [(f"of {long_day(one.date)}", percent(milestone.probability - one.change)) for one in own]
    if without:
        (day, left), *others = without
        more = [f"; without that {day}, {left}" for day, left in others]
        yield f"Without that {day} on record it would be {left}{''.join(more)}."
    elif forecast.drivers and not cases:
        most = max(abs(driver.change) for driver in forecast.drivers)
        yield f"Leaving out one past event changes it by up to {points(max(most, _NONE))}."
    ends = [end for bar in sensitivity.assumptions for end in (bar.lower, bar.upper)]
    if known := [abs(end.change) for end in ends if end.change is not None]:
        told = "; others are too uncertain to show without a new fit" if len(known) < len(ends) else ""
        yield f"One step of one assumption changes it by up to {points(max(*known, _NONE))}{told}."
    yield f"Its plausible range is {interval_percent(milestone.interval90)}."


VISITS_ELSEWHERE = (
    "Do visits calm? Elsewhere no calming shows: 8 to 30 days after a visit, serious conflict came 6% more "
    "often than expected (+3 to +9%; KEDS, 2,195 visits of 32 pairs) and as often as expected (−5 to +6%; "
    "ICEWS, 763 visits of 146 pairs)."  # counted by tools/studies/visits.py
)


def titles_of(forecast: Forecast, reactions: Titles = NO_TITLES) -> Titles:
    """Titles by which assumptions are named: of reactions, targets, and rates of a part of their acts."""
    # A cell is told from the category that its target is named after.
    titles = dict(reactions) | {
        f"{target.name}.target" if target.name in CATEGORIES else target.name: target.label
        for target in forecast.targets
    }
    rules = (TargetRule(one.name, one.any_of, one.min_severity, one.by) for one in forecast.targets)
    sides = (tuple(side.split("+")) for side in (forecast.dyad.a, forecast.dyad.b))
    layout = StreamLayout(tuple(rules), DyadRule(*sides))
    for rate in layout.rates:
        streams = layout.of_rate(rate)
        met, kinds = layout.narrowest(streams[0].cell), dict.fromkeys(one.category for one in streams)
        if len(met) == 1 and {*layout.targets[met[0]].any_of} - {*kinds}:
            title = _short_title(forecast.targets[met[0]].label, _LONG_TITLE)
            titles[f"{_RATE}.{rate}"] = f"{title} ({' or '.join(map(code_in_words, kinds))})"
    return titles


def group_of(name: str) -> tuple[str, str]:
    """Group of priors and element that a name is made of; an empty group where none is known."""
    fitting = [group for group in _ASSUMPTIONS if name == group or name.startswith(f"{group}.")]
    group = max(fitting, key=len, default="")
    return group, name.removeprefix(group).removeprefix(".")


def group_label(name: str) -> str:
    """Name of a group of assumptions, e.g. ``base rate`` for ``baseline.weekly_rate``."""
    return _GROUPS.get(name) or _ASSUMPTIONS.get(name, name.replace("_", " ")).lower()


def assumption_label(name: str, act: str | None = None, titles: Titles = NO_TITLES) -> str:
    """Short name of an assumption for tables and charts, e.g. ``Calming: visit``, ``Scheduled: A visit``."""
    if act is not None:
        return f"Scheduled: {act}"
    group, element = group_of(name)
    kind = titles.get(name) or _kind(element, titles)
    return _ASSUMPTIONS[group].format(kind=kind) if group else name


def now_text(bar: AssumptionEffect) -> str:
    """What the run assumes, and whether its record has a say in it."""
    return assumed_now(bar) + ("" if bar.updated else ", this record cannot tell")


def assumed_now(bar: AssumptionEffect) -> str:
    """What the run assumes; of a chance, whose mean is told elsewhere, that it is the median."""
    return ("median " if bar.now.scale == "chance" else "") + assumed_text(bar.now)


def assumed_text(assumed: Assumed) -> str:
    """What is assumed, on its human scale."""
    return on_scale(assumed.value, assumed.scale)


def _kind(element: str, titles: Titles) -> str:
    """What people call the acts of a stream: those of a cell by the narrowest targets that they meet."""
    if element in _ANSWERERS:
        return _ANSWERERS[element]
    if element in titles:
        return _short_title(titles[element], _LONG_TITLE)
    names = element.split("+")
    if any(name in titles for name in names):
        shown = (_short_title(titles.get(name, code_in_words(name)), _LONG_TITLE // 2) for name in names)
        first, *others = shown
        others = [one if one.startswith("“") else title_in_sentence(one) for one in others]
        return f"{listing((first, *others))} in one act"
    what, *more = element.split(".")
    by = f" by {more[-1]}" if more else ""
    return code_in_words(f"{', '.join((what, *more[:-1]))}{by}")


def element_title(element: str, layout: StreamLayout, config: Config) -> str:
    """Return what a prior is of: a rate, a category, a reaction, who answers."""
    if element in layout.rates:
        return rate_title(element, layout, config)
    if element in _ANSWERERS:
        return f"answers by {_ANSWERERS[element]}"
    label = next((reaction.label for reaction in layout.reactions if reaction.name == element), None)
    return label or code_in_words(element)


def rate_title(rate: str, layout: StreamLayout, config: Config) -> str:
    """Return the targets that the acts of a rate meet, and of which categories; or its stream."""
    streams = layout.of_rate(rate)
    if not (met := layout.narrowest(streams[0].cell)):
        return _stream_title(streams[0], layout, config)
    title = " + ".join(config.target_title(layout.targets[q].name) for q in met)
    categories = dict.fromkeys(stream.category for stream in streams)
    if any({*layout.targets[q].any_of} - {*categories} for q in met):
        title += f" ({' or '.join(map(code_in_words, categories))})"
    return f"{title} (cooperation)" if rate.endswith(".cooperation") else title


def _stream_title(stream: Stream, layout: StreamLayout, config: Config) -> str:
    """Return the category of a stream, the reactions that its acts set off, and who acts towards whom."""
    classes = (code_in_words(layout.reactions[i].name) for i in stream.classes)
    what = ", ".join((code_in_words(stream.category), *classes))
    comma = "," if stream.classes else ""
    whom = dict.fromkeys(actor for i in stream.aimed for actor in layout.reactions[i].towards)
    towards = f" towards {' or '.join(whom)}" if whom else ""
    return what if stream.side == NO_SIDE else f"{what}{comma} by {config.dyad.names[stream.side]}{towards}"


def _short_title(title: str, longest: int) -> str:
    """Return a title as a label has it: up to its first further clause, where it is long."""
    first = re.split(r",? (?:that|which|or|in any|for) |, ", title, maxsplit=1)[0]
    return f"{first}{'”' if first.startswith('“') else ''}" if len(title) > longest else title


def assumptions_pull(sensitivity: NumberSensitivity) -> float:
    """Pull of the assumptions: of all together, or of one group where the others undo it."""
    return max(sensitivity.priors.strength, sensitivity.groups[0].strength)


def odds_factor(pull: WeightPull, probability: float) -> float:
    """What twice the weight multiplies the odds by: the rate of change, carried on upon log odds."""
    room = max(probability * (1 - probability), 1e-9)
    return math.exp(min(max(pull.change / room, -_LARGEST_LOG), _LARGEST_LOG))


def odds_text(pull: WeightPull, probability: float) -> str:
    """The same with its Monte Carlo error, e.g. ``×0.80 ±0.05``."""
    factor = odds_factor(pull, probability)
    error = factor * pull.mcse / max(probability * (1 - probability), 1e-9)
    return f"×{number(factor)} ±{number(error)}"


class Move(NamedTuple):
    """What the headline would be without an event, or with an assumption moved either way."""

    label: str
    chances: tuple[float, ...]
    of_event: bool = False


def event_moves(forecast: Forecast, most: int = 4) -> list[Move]:
    """Events whose effect on the headline is clear, left out one at a time, the largest first."""
    milestone = forecast.headline_milestone
    found = []
    for one in forecast.clear_drivers[:most]:
        left = min(max(milestone.probability - one.change, 0.0), 1.0)
        found.append(Move(without_event(one.date), (left,), of_event=True))
    return found


def assumption_moves(sensitivity: Sensitivity, titles: Titles = NO_TITLES, most: int = 6) -> list[Move]:
    """Assumptions that the draws can move one step at least one way, the largest effect first."""
    found: list[Move] = []
    for one in sensitivity.assumptions:
        ends = [
            (end.assumed, end.probability) for end in (one.lower, one.upper) if end.probability is not None
        ]
        if ends and len(found) < most:
            label = shorten(assumption_label(one.name, one.act, titles), 84)
            assumed = " or ".join(on_scale(end.value, end.scale, unit=False) for end, _ in ends)
            chances = tuple(chance for _, chance in ends)
            found.append(Move(f"{label}: {assumed} for {assumed_text(one.now)}", chances))
    return found


PULLS = (
    "Pull: how far the chance moves when the assumptions, or the data, have twice their weight, in standard "
    f"deviations of what plausible settings say (from {SENSITIVE:g} it counts). "
    "Whatever the pulls, an event never seen rests on assumptions, and one seen on one or two days on few "
    "cases; otherwise the larger pull that counts decides. Odds: what twice the weight would multiply the "
    "odds of the event by, ± Monte Carlo error."
)


def why_sentence(target: TargetForecast, labels: Sequence[NumberSensitivity], *, several: bool) -> str:
    """What numbers rest on for one reason; and which, where a target has several."""
    days = listing(short_day(target.milestone(label.milestone).date) for label in labels)
    said = f"ests on {rests_on_words(labels[0])}: {REASON_WORDS[labels[0].reason]}."
    return f"Before {days}: r{said}" if several else f"R{said}"


# What a stated probability takes

_FEW_DRAWS = 100.0
"""Effective draws below which shifts are directions alone."""
_SHARES = ((0.9, "nearly all"), (0.58, "two in three"), (0.4, "half"))


def share_words(share: float) -> str:
    """How many of the plausible settings are kept, e.g. ``one in three``, by exp(−relative entropy)."""
    for least, words in _SHARES:
        if share >= least:
            return words
    return f"one in {small_number(round(1 / share))}" if share >= 0.001 else "fewer than one in a thousand"


def reconciled_sentence(forecast: Forecast, found: Reconciled) -> str:
    """Say what a run says, and how much of it would have to be believed for what is asked."""
    target = forecast.target(found.target)
    milestone = target.milestone(found.milestone)
    asked, now = percent(found.asked), percent(found.probability)
    low, high = map(percent, found.reach)
    return (
        f"{target.label}, before {long_day(milestone.date)}: the run says {now}. {asked} fits "
        f"{share_words(found.share)} of its plausible settings (relative entropy "
        f"{number(found.nats, 2)} nats); all of them reach from {low} to {high}."
    )


def _beside(now: float, then: float) -> str:
    """How tense relations would be, in standard deviations, beside now."""
    if abs(then - now) < 0.05:
        return "as tense as now"
    return f"{'tenser' if then > now else 'calmer'} than now"


def reconciled_notes(found: Reconciled) -> Iterator[str]:
    """Say what else shifts, how far to trust it, and the one belief that gives the same number."""
    for one in found.priors:
        yield from (f"--prior '{name}={prior}'" for name, prior in one.setting["priors"].items())
    if found.priors:
        yield (
            "Now, then: the estimate with the record. Alone: the forecast with that --prior alone (above, in "
            "the same order); – needs a new fit."
        )
    else:
        yield "No single parameter shifts clearly."
    before, after = map(percent, found.model)
    if 0 < found.model[0] < 1:
        yield f"This pair's own model would count for {after} of the forecast (now {before})."
    if found.level and found.tension:
        now, then = (number(one, 1) for one in found.level)
        calm, tense = found.tension
        yield (
            f"Conflict would stand at {then} times its average (now {now}); relations would be "
            f"{_beside(calm, tense)}."
        )
    if found.effective_draws < _FEW_DRAWS:
        draws = number(found.effective_draws, 0)
        yield f"Only {draws} independent draws say so: trust the directions, not the sizes."
    if found.belief:
        first, last, ratio = found.belief.first_day, found.belief.last_day, found.belief.ratio
        yield (
            f"One belief alone gives {percent(found.asked)}: {number(ratio, 2)} times as likely on every "
            f"day, --belief {found.target}:{first}..{last}:{ratio:g}."
        )
