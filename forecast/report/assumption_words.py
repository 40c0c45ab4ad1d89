"""What is said of a call's robustness, in terminal and report alike: labels, changes, break-evens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from forecast import wording
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    BreakEven,
    CertainActs,
    NumberSensitivity,
    OnWordBound,
    RobustnessNote,
    WeightPull,
)
from forecast.records.forecast import Forecast

LABEL_WORDS = {
    "data-driven": "The headline rests on the data",
    "prior-driven": "The headline rests on our assumptions",
    "conflict": "The headline is a compromise between our assumptions and the data",
    "unclear": "What the headline rests on cannot be told",
}
LABEL_SHORT = {
    "data-driven": "rests on data",
    "prior-driven": "rests on assumptions",
    "conflict": "data and assumptions pull apart",
    "unclear": "not clear what it rests on",
}
REASON_WORDS = {
    "never observed": "it was never observed, so the figure reflects our assumptions",
    "too few draws": "the draws are too few to tell",
    "priors move it little": "more or less weight on the assumptions moves it little",
    "within the noise": "whatever moves it moves it by less than the draws can tell",
    "nothing moves it": "neither more nor less weight on the assumptions moves it",
    "data do not move it": "it moves with the weight of the assumptions, and not with that of the data",
    "priors lower it against the data": "the assumptions lower it against the data",
    "priors raise it against the data": "the assumptions raise it against the data",
    "priors move it more": "it moves more with the weight of the assumptions than with that of the data",
    "data move it more": "it moves more with the weight of the data than with that of the assumptions",
}
_LARGEST_LOG = 9.0
"""Log odds beyond which a linear rate of change says nothing."""
_ASSUMPTIONS = {
    # Group of priors: label, and the clause of a change with {times}, or with {then} and {now}, in it.
    "baseline.weekly_rate": ("Base rate: {kind}", "{acts} come {times} as often"),
    "tension.scale": ("Size of swings in tension", "swings in tension count {times} as much"),
    "tension.persistence": ("Persistence of tension", "tension lasts {times} as long"),
    "tension.loading": (
        "Tie to tension: {kind}",
        "{acts} follow {then} of a swing in tension instead of {now}",
    ),
    "drift.scale": ("Size of drift", "drift counts {times} as much"),
    "excitation.branching": (
        "Own pull: {kind}",
        "acts of {kind} bring about {times} as many of their own kind",
    ),
    "excitation.half_life_days": (
        "Half-life of own pull",
        "the pull of acts on their own kind lasts {times} as long",
    ),
    "excitation.cross": (
        "Pull of conflict: {kind}",
        "other conflict brings about {then} of {acts} instead of {now}",
    ),
    "excitation.cross_half_life_days": (
        "Half-life of the pull of conflict",
        "the pull of conflict on other kinds lasts {times} as long",
    ),
    "excitation.severity": (
        "Weight of severity",
        "an act one severity graver brings about {then} as much conflict instead of {now}",
    ),
    "overdispersion.shape": ("Evenness: {kind}", "{acts} come {times} as evenly"),
    "ballast": ("Calming: {kind}", "{acts} change the rate of conflict by {then} instead of {now}"),
    "ballast.half_life_days": ("Half-life of calming", "calming lasts {times} as long"),
}
Titles = Mapping[str, str]
"""What people call each target of a run, by its name."""
_NO_TITLES: Titles = {}


def titles_of(forecast: Forecast) -> Titles:
    """Titles of the targets of a run, by which assumptions on their acts are named."""
    categories = {name for target in forecast.targets for name in target.any_of}
    # A cell is told from the category that its target is named after.
    return {
        f"{one.name}.target" if one.name in categories else one.name: one.label for one in forecast.targets
    }


def assumption_label(name: str, act: str | None = None, titles: Titles = _NO_TITLES) -> str:
    """Short name of an assumption for tables and charts, e.g. ``Calming: visit``, ``Scheduled: A visit``."""
    if act is not None:
        return f"Scheduled: {act}"
    group, element = group_of(name)
    return _ASSUMPTIONS[group][0].format(kind=_kind(element, titles)) if group else name


def _kind(element: str, titles: Titles) -> str:
    """What people call the acts of a stream: those of a cell by the narrowest targets that they meet."""
    names = [element] if element in titles else element.split("+")
    return " + ".join(titles.get(name, name.replace("_", " ")) for name in names)


def _acts(element: str, titles: Titles) -> str:
    """The acts of a stream as the subject of a clause."""
    kind = _kind(element, titles)
    cell = any(name in titles for name in (element, *element.split("+")))
    return f"acts that count as '{kind}'" if cell else f"{kind} acts"


def bar_title(bar: AssumptionEffect, titles: Titles = _NO_TITLES) -> str:
    """Assumption with what the run assumes, e.g. ``Persistence of tension (4 weeks)``."""
    return f"{assumption_label(bar.name, bar.act, titles)} ({assumed_text(bar.now)})"


def assumed_text(assumed: Assumed) -> str:
    """What is assumed, on its human scale; an act ahead that is certain happens ``surely``, or not."""
    if assumed.scale == "probability" and assumed.value in (0.0, 1.0):
        return "surely" if assumed.value else "surely not"
    return wording.on_scale(assumed.value, assumed.scale)


def break_even_sentence(one: BreakEven, titles: Titles = _NO_TITLES) -> str:
    """Say a crossing: which word another assumption leads to, which assumption, and how sure that is.

    Raises
    ------
    ValueError
        The record is no crossing.
    """
    if one.bound is None or one.assumed is None:
        raise ValueError(f"{one.name}: a break-even that is no crossing has no sentence")
    now, then, *either = (
        wording.on_scale(one.value, one.scale) for one in (one.now, one.assumed, *(one.assumed_mcse or ()))
    )
    if one.becomes is not None:
        here = wording.words(one.probability)
        becomes = f"'{here.capitalize()}' becomes '{one.becomes}'"
    else:
        verb, side = ("rises", "above") if one.bound > one.probability else ("falls", "below")
        becomes = f"The chance of {wording.percent(one.probability)} {verb} {side} {100 * one.bound:g}%"
    if one.act is not None:
        return (
            f"{becomes} when '{one.act}' has a chance of {then} (between {either[0]} and {either[1]} within "
            f"one Monte Carlo error) instead of {now}."
        )
    clause, says_both = _change_clause(one.name, one.now, one.assumed, titles)
    values = "" if says_both else f"prior centred on {then} instead of {now}; "
    return f"{becomes} when {clause} ({values}{either[0]} to {either[1]} within one Monte Carlo error)."


def _change_clause(name: str, before: Assumed, after: Assumed, titles: Titles) -> tuple[str, bool]:
    """Say a change as the clause after *when*; and whether it holds the values before and after."""
    now, then = (wording.on_scale(one.value, one.scale) for one in (before, after))
    group, element = group_of(name)
    if not group:
        return f"{name} has its middle at {then} instead of {now}", True
    clause = _ASSUMPTIONS[group][1]
    ratio = ""
    if before.parameter and after.parameter is not None:
        ratio = _times(after.parameter / before.parameter)
        if group == "ballast" and before.parameter > 0.05 and after.parameter > 0:
            return f"{_acts(element, titles)} calm {ratio} as much", True
    said = {"kind": _kind(element, titles), "acts": _acts(element, titles)}
    return clause.format(times=ratio, then=then, now=now, **said), "{now}" in clause


def group_of(name: str) -> tuple[str, str]:
    """Group of priors and element that a name is made of; an empty group where none is known."""
    fitting = [group for group in _ASSUMPTIONS if name == group or name.startswith(f"{group}.")]
    group = max(fitting, key=len, default="")
    return group, name.removeprefix(group).removeprefix(".")


def _times(ratio: float) -> str:
    for factor, word in ((0.5, "half"), (2.0, "twice")):
        if abs(ratio / factor - 1) < 0.02:
            return word
    return f"{wording.plain_number(ratio)} times"


SENSITIVE = 0.05
"""Pull per doubling of the weight from which a chance counts as sensitive (Kallioinen et al. 2024)."""


def strength(pull: WeightPull) -> float:
    """Pull of the data, or of a part of the assumptions, without what chance alone would give."""
    return math.sqrt(max(pull.sensitivity**2 - (pull.noise or 0.0) ** 2, 0.0))


def assumptions_pull(one: NumberSensitivity) -> float:
    """Pull of the assumptions: of all together, or of one group where the others undo it."""
    return max(strength(one.priors), strength(one.groups[0]))


def _to_a_tenth(probability: float) -> str:
    """Percent with one decimal, so that its distance from a bound shows; never 0% or 100%."""
    near_an_end = min(probability, 1 - probability) < 0.05
    return wording.percent(probability) if near_an_end else f"{100 * probability:.1f}%"


def odds_factor(pull: WeightPull, probability: float) -> float:
    """What twice the weight multiplies the odds by: the rate of change, carried on upon log odds."""
    room = max(probability * (1 - probability), 1e-9)
    return math.exp(min(max(pull.change / room, -_LARGEST_LOG), _LARGEST_LOG))


def odds_text(pull: WeightPull, probability: float) -> str:
    """The same with its Monte Carlo error, e.g. ``×0.80 ± 0.05``."""
    factor = odds_factor(pull, probability)
    error = factor * pull.mcse / max(probability * (1 - probability), 1e-9)
    return f"×{wording.number(factor)} ± {wording.number(error)}"


def group_label(name: str) -> str:
    """Name of a group of assumptions, e.g. ``base rate`` for ``baseline.weekly_rate``."""
    known = _ASSUMPTIONS.get(name)
    return known[0].split(":")[0].split(" {")[0].lower() if known else name.replace("_", " ")


def change_with_error(change: float, error: float, at_most: float | None = None) -> str:
    """Change of a probability in points with its Monte Carlo error, e.g. ``−7.3 ± 1.3``.

    Where no path shows a change, the bound on its size stands in place of the error: ``0.0 (< 0.04)``.
    """
    if at_most is not None:
        return f"{wording.signed_points(change)} (< {wording.bound_in_points(at_most)})"
    return f"{wording.signed_points(change)} ± {wording.points(error).split(' ')[0]}"


def crossing_first(break_evens: Sequence[BreakEven], target: str, milestone: str) -> list[BreakEven]:
    """Break-evens of one question that are crossings, the smallest change first."""
    return [
        one
        for one in break_evens
        if (one.target, one.milestone) == (target, milestone) and one.outcome == "crosses"
    ]


def rest_sentence(here: Sequence[BreakEven], shown: int) -> str:
    """What is to be said of the assumptions of one question beside the ``shown`` crossings."""
    outcomes: dict[str, set[str]] = {}
    for one in here:
        outcomes.setdefault(one.name, set()).add(one.outcome)
    crossing = sum(one.outcome == "crosses" for one in here)
    quiet = [found for found in outcomes.values() if "crosses" not in found]
    unknown = sum("needs a refit" in found for found in quiet)
    parts = []
    if crossing > shown:
        parts.append(f"{crossing - shown} more {_needs(crossing - shown)} a larger change")
    if not crossing and here:
        low, high = min(one.reached[0] for one in here), max(one.reached[1] for one in here)
        parts.append(
            "no single assumption does, as far as the draws can tell (the chance stays within "
            f"{wording.interval_percent((low, high))})"
        )
    if unknown:
        parts.append(f"{unknown} {'needs' if unknown == 1 else 'need'} a new fit to tell")
    idle = len(quiet) - unknown
    if idle:
        parts.append(f"{idle} {'does' if idle == 1 else 'do'} not bring it near a bound")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _needs(number: int) -> str:
    return "needs" if number == 1 else "need"


def note_sentence(note: RobustnessNote, forecast: Forecast) -> str:
    """Say what else a reader must know of the robustness."""
    if isinstance(note, CertainActs):
        if note.number == 1:
            return (
                "One scheduled event is taken as certain or as impossible, so its probability was not varied."
            )
        return (
            f"{note.number} scheduled events are taken as certain or as impossible, so their probabilities "
            "were "
            "not varied."
        )
    target = forecast.target(note.target)
    label = next(one.label for one in target.milestones if one.name == note.milestone)
    stands = f"{target.label} before {label}: {_to_a_tenth(note.probability)} stands within"
    if isinstance(note, OnWordBound):
        return (
            f"{stands} its Monte Carlo error of the bound between '{note.words[0]}' and '{note.words[1]}'; "
            "either word may be said of it."
        )
    return f"{stands} its Monte Carlo error of the threshold of {100 * note.threshold:g}%."
