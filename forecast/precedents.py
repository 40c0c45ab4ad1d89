"""What answered what in a record: how often an answer followed acts of a class, and what chance alone gives.

Counts of the record and no model. A *case* of a class is a day with such an act; it is *answered* where the
answer falls on one of the next n days. The day itself does not count, since the order within it is unknown.
*Base* is the share of all other days from which the answer follows as soon.

The rate ratio θ of a class makes its chance 1 − (1 − base)^θ. Hundreds of classes are compared, so each ratio
is shrunk towards one by a prior that all of them share: a mixture of log-normals around one, with weights
fitted to all classes (Stephens 2017, Biostatistics 18, 275–294). Cases fewer than n days apart share their
window: a class weighs in as the number of its windows that do not overlap.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.config.writing import as_yaml
from forecast.errors import InputError
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    SEVERITIES,
    acted,
    category_label,
    code_in_words,
    may_be,
)
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.targets import ActClass, TargetRule
from forecast.wording import count, percent

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Answer = tuple[str, tuple[str, ...]]
"""Name of an answer, and the side that it answers; empty: whoever acted."""

WINDOWS = (7, 14, 30)
"""Days within which an answer is looked for, beside those that are asked for."""
LEAST_CASES, BARS = 3, (1, 3, 4)
"""Cases that a class has at least, and the least severities by which classes are cut."""
GRAVE, GRAVE_ANSWER = 3, "grave answer"
"""The other side's conflict of this severity or above, and its name; a target's name has no space."""
FAR_RATIO, FAR_ANSWERED, MOST_FAR = 2.0, 3, 3
"""A pair passes chance by far where the low end of its ratio and its answers are so many; most told."""
MOST_EXAMPLES, LEAST_RATIO = 10, 1.5
"""Cases shown of a pair; the ratio from which on a class explains past cases."""
_LOG_RATIOS = np.linspace(-5.0, 6.0, 441)
_SCALES, _WEIGHTS = np.array([0.1, 0.2, 0.4, 0.8, 1.6]), np.array([10.0, 1.0, 1.0, 1.0, 1.0])
"""Deviations of the prior's log-normals, and the classes that each counts beforehand."""


def acts_in_plain_words(acts: ActClass) -> str:
    """Return e.g. ``Dispute by USA (Taiwan visit), severity 3 or more``."""
    by = acted(acts.by)
    kind = "".join(f" ({code_in_words(name).replace(' *', ' …')})" for name in acts.subcategory)
    bar = f", severity {min(acts.severities)} or more" if min(acts.severities) > 1 else ""
    return f"{category_label(acts.category)}{by}{kind}{bar}"


def _plain(acts: ActClass) -> dict[str, object]:
    kind, by = "".join(acts.subcategory) or None, "+".join(acts.by) or None
    return {"category": acts.category, "subcategory": kind, "by": by, "min_severity": min(acts.severities)}


@dataclass(frozen=True)
class Window:
    """How often an answer came within so many days.

    ``ratio`` is the chance after an act of the class over ``base``, shrunk: posterior mean and 90% interval.
    Half a day with the answer is added to ``base``, which is never zero.
    """

    days: int
    cases: int
    answered: int
    base: float
    observed_ratio: float
    ratio: float
    ratio90: tuple[float, float]


@dataclass(frozen=True)
class Answered:
    """A class of acts and an answer; ``examples`` are the last cases that the window asked for counts."""

    acts: ActClass
    answer: str
    asked: Window
    windows: tuple[Window, ...]
    examples: tuple[date, ...]

    @property
    def stands_out(self) -> bool:
        """Whether the answer follows more often than by chance: 95% of the posterior lie above one."""
        return self.asked.ratio90[0] > 1

    @property
    def explains(self) -> bool:
        """Whether it may be stated for the headline; a class that was answered once explains itself."""
        return self.asked.ratio >= LEAST_RATIO and self.asked.answered > 1

    @property
    def is_far(self) -> bool:
        """Whether a target follows acts of conflict far more often than by chance."""
        often = self.asked.ratio90[0] > FAR_RATIO and self.asked.answered >= FAR_ANSWERED
        return often and self.answer != GRAVE_ANSWER and self.acts.category in CONFLICTUAL

    def to_dict(self) -> dict[str, object]:
        """Return the pair as plain values."""
        own = {**_plain(self.acts), "answer": self.answer, **asdict(self.asked)}
        own["examples"] = [day.isoformat() for day in self.examples]
        return own | {"windows": [asdict(window) for window in self.windows]}


@dataclass(frozen=True)
class EarlierAct:
    """An act that a model holds to have set off a past case, in part."""

    id: str
    date: date
    days_before: int
    by: str
    category: str
    subcategory: str
    severity: int
    summary: str


@dataclass(frozen=True)
class SetOff:
    """What brought a past case about, by a model: ``shares`` of its intensity, which sum to one as they are.

    By the id of an earlier act, then ``other_acts``, ``tension``, ``level`` and ``nothing_known``.
    """

    shares: Mapping[str, float]
    acts: tuple[EarlierAct, ...] = ()


@dataclass(frozen=True)
class PastCase:
    """A day on which a target was met; ``set_off`` is ``None`` where no model tells what brought it about."""

    target: str
    date: date
    set_off: SetOff | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the case as plain values."""
        known = self.set_off
        return {
            "target": self.target,
            "date": self.date.isoformat(),
            "set_off_by": known and dict(known.shares),
            "acts": [{**asdict(act), "date": act.date.isoformat()} for act in known.acts] if known else [],
        }


@dataclass(frozen=True)
class Reactions:
    """All pairs of a class and an answer, the clearest first; and the past cases of each target.

    ``yaml`` states a pair as a reaction of a config: the first of the headline that explains its cases, else
    the first that stands out; no class there answers itself. ``far`` states the acts of conflict that a
    target follows far more often than by chance, of each category the clearest. ``no_shares`` says why no
    case has ``set_off``.
    """

    days: int
    found: tuple[Answered, ...]
    past: tuple[PastCase, ...]
    yaml: str | None = field(repr=False)
    far: tuple[str, ...] = field(repr=False)
    no_shares: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return what ``forecast reactions --json`` prints."""
        return {
            "command": "reactions",
            "schema": 1,
            "looked_at": len(self.found),
            "days": self.days,
            "classes": [pair.to_dict() for pair in self.found],
            "past": [case.to_dict() for case in self.past],
            "set_off_by_missing": self.no_shares,
            "yaml": self.yaml,
        }


@dataclass(frozen=True)
class _Record:
    """Known acts of a dyad; ``day`` counts from the start."""

    events: EventTable
    start: date
    n_days: int
    day: Places
    sides: tuple[tuple[str, ...], ...]

    def days_of(self, mask: NDArray[np.bool_]) -> Places:
        return np.unique(self.day[mask])

    def date_of(self, day: int) -> date:
        return self.start + timedelta(days=int(day))

    def by(self, actors: Sequence[str]) -> NDArray[np.bool_]:
        return np.isin(self.events.initiator, actors)

    def subcategories(self, category: str) -> dict[str, list[str]]:
        """Return subcategories by name, and those with the same first word by ``word_*``."""
        own = sorted({*self.events.subcategory[self.events.category == category].tolist()} - {""})
        words = Counter(name[: name.index("_") + 1] for name in own if "_" in name)
        often = [word for word, times in words.items() if times > 1]
        alike = {f"{word}*": [name for name in own if name.startswith(word)] for word in often}
        return {name: [name] for name in own} | alike


def find_reactions(
    events: EventTable,
    dyad: DyadRule,
    rules: Sequence[TargetRule],
    start: date,
    as_of: date,
    days: int = 14,
    set_off: Mapping[tuple[str, date], SetOff] | str = "No model was given",
) -> Reactions:
    """Count what followed each class of acts in a record.

    Acts that were not known on ``as_of`` are left out. The first of the ``rules`` is that of the headline; a
    target that was never met is no answer. ``set_off`` tells what set off past cases, by target and day, or
    says why no model tells it. Raises ``InputError``: one side alone acts.
    """
    record = _record_of(events, dyad, start, as_of)
    classes, answers = dict(_classes(record)), _answers(record, rules)
    windows = {n: dict(_windows(record, classes, answers, n)) for n in sorted({*WINDOWS, days})}
    found = []
    for (acts, answer), asked in windows[days].items():
        met = is_followed(answers[answer], record.n_days, days)
        cases = classes[acts][classes[acts] < len(met)]
        examples = tuple(map(record.date_of, cases[met[cases]][-MOST_EXAMPLES:]))
        every = tuple(of[acts, answer] for of in windows.values() if (acts, answer) in of)
        found.append(Answered(acts, answer[0], asked, every, examples))
    order = [*(rule.name for rule in rules), GRAVE_ANSWER]
    found.sort(key=lambda pair: (-pair.asked.ratio90[0], -pair.asked.ratio, order.index(pair.answer)))
    known = {} if isinstance(set_off, str) else set_off
    past = tuple(
        PastCase(rule.name, day, known.get((rule.name, day)))
        for rule in rules
        for day in map(record.date_of, record.days_of(rule.mask(record.events)))
    )
    others = [pair for pair in found if not _is_own_answer(pair, rules)]
    stated = [pair for pair in others if pair.answer == rules[0].name and pair.explains]
    stated += [pair for pair in others if pair.stands_out]
    text = _yaml(record.sides, stated[0], len(found)) if stated else None
    clearest: dict[tuple[str, str], Answered] = {}
    for pair in others:
        if pair.is_far:
            clearest.setdefault((pair.acts.category, pair.answer), pair)
    far = [_yaml(record.sides, pair, len(found)) for pair in [*clearest.values()][:MOST_FAR]]
    missing = set_off if isinstance(set_off, str) else None
    return Reactions(days, tuple(found), past, text, tuple(far), missing)


def _record_of(events: EventTable, dyad: DyadRule, start: date, as_of: date) -> _Record:
    known = events.known_by(as_of).between(start, as_of)
    day = (known.date - np.datetime64(start, "D")).astype(np.int64)
    record = _Record(known, start, (as_of - start).days + 1, day, tuple(sorted((dyad.a, dyad.b))))
    acting = ["+".join(side) for side in record.sides if record.by(side).any()]
    if len(acting) == len(record.sides):
        return record
    who = f"{acting[0]} alone acts" if acting else "neither side acts"
    raise InputError(
        f"{events.source}: {who} in {start} … {as_of}, so nothing is an answer. Give acts of both sides"
    )


def _classes(record: _Record) -> Iterator[tuple[ActClass, Places]]:
    """Yield classes with their days; of two with the same cases the more specific, with the lower bar."""
    events = record.events
    acting = {side: record.by(side) for side in record.sides}
    for category in CATEGORIES:
        kinds = record.subcategories(category)
        seen: dict[bytes, set[tuple[str, ...]]] = {}
        for name, by in (*((name, by) for name in (*kinds, None) for by in acting), (None, ())):
            mask = events.category == category
            mask &= np.isin(events.subcategory, kinds[name]) if name else True
            mask &= acting[by] if by else True
            for bar in BARS:
                cases = record.days_of(mask & (events.severity >= bar))
                held = seen.setdefault(cases.tobytes(), set())
                if len(cases) >= LEAST_CASES and by not in held and (by or not held):
                    held.add(by)
                    graver = tuple(grade for grade in SEVERITIES if grade >= bar)
                    yield ActClass(category, (name,) if name else (), graver, by), cases


def _answers(record: _Record, rules: Sequence[TargetRule]) -> dict[Answer, Places]:
    """Days of each answer that ever came."""
    events, (one, other) = record.events, record.sides
    on: dict[Answer, Places] = {(rule.name, ()): record.days_of(rule.mask(events)) for rule in rules}
    grave = np.isin(events.category, CONFLICTUAL) & (events.severity >= GRAVE)
    # As in the model, an act of the theatre counts for the side opposite the one that it is aimed at.
    for side, against in ((one, other), (other, one)):
        own = record.by(against) | np.isin(events.recipient, side)
        on[GRAVE_ANSWER, side] = record.days_of(grave & own)
    return {answer: days for answer, days in on.items() if len(days)}


def is_followed(answer: Places, n_days: int, n: int) -> NDArray[np.bool_]:
    """Whether the answer falls on one of the next n days, for each day that has so many after it."""
    so_far = np.concatenate([[0], np.bincount(answer, minlength=n_days).cumsum()])
    return np.asarray(so_far[n + 1 :] > so_far[1 : max(n_days - n, 0) + 1])


def base_share(met: NDArray[np.bool_], cases: Places) -> float:
    """Share of the days that are no cases from which the answer follows; half a day is added."""
    return (int(met.sum()) - int(met[cases].sum()) + 0.5) / (len(met) - len(cases) + 1)


def _windows(
    record: _Record, classes: Mapping[ActClass, Places], answers: Mapping[Answer, Places], n: int
) -> Iterator[tuple[tuple[ActClass, Answer], Window]]:
    followed = {answer: is_followed(on, record.n_days, n) for answer, on in answers.items()}
    whole, counted = max(record.n_days - n, 0), {}
    for acts, every in classes.items():
        cases = every[every < whole]
        if LEAST_CASES <= len(cases) < whole:
            apart = _apart(cases, n)
            for answer, met in followed.items():
                if answer[1] in ((), acts.by):
                    answered = int(met[cases].sum())
                    counted[acts, answer] = (len(cases), answered, base_share(met, cases), apart)
    if counted:
        ratios = zip(*_shrunk(*np.array([*counted.values()]).T), strict=True)
        for (pair, (of, k, base, _)), (mean, low, high) in zip(counted.items(), ratios, strict=True):
            yield pair, Window(n, of, k, base, k / of / base, float(mean), (float(low), float(high)))


def _apart(cases: Places, n: int) -> int:
    """Count cases whose windows do not overlap, from the first on."""
    kept: list[int] = []
    for day in cases.tolist():
        if not kept or day >= kept[-1] + n:
            kept.append(day)
    return len(kept)


def _shrunk(cases: Floats, answered: Floats, base: Floats, apart: Floats) -> tuple[Floats, Floats, Floats]:
    """Posterior mean, 5% and 95% quantile of each class's chance over base, shape (pair,)."""
    quiet = np.exp(_LOG_RATIOS) * np.log1p(-base)[:, None]
    chance = -np.expm1(quiet)
    fit = answered[:, None] * np.log(chance) + (cases - answered)[:, None] * quiet
    fit *= (apart / cases)[:, None]
    likelihood = np.exp(fit - fit.max(axis=1, keepdims=True))
    parts = np.exp(-0.5 * (_LOG_RATIOS / _SCALES[:, None]) ** 2)
    parts /= parts.sum(axis=1, keepdims=True)
    marginal = likelihood @ parts.T
    weights = _WEIGHTS / _WEIGHTS.sum()
    for _ in range(200):
        belongs = marginal * weights
        weights = (belongs / belongs.sum(axis=1, keepdims=True)).sum(axis=0) + _WEIGHTS
        weights /= weights.sum()
    posterior = likelihood * (weights @ parts)
    posterior /= posterior.sum(axis=1, keepdims=True)
    ratio, reached = chance / base[:, None], posterior.cumsum(axis=1)
    low, high = (ratio[np.arange(len(ratio)), (reached < part).sum(axis=1)] for part in (0.05, 0.95))
    return (posterior * ratio).sum(axis=1), low, high


def _is_own_answer(pair: Answered, rules: Sequence[TargetRule]) -> bool:
    """Whether an act of the class can be the answer, so that no reaction states the pair."""
    for rule in (rule for rule in rules if rule.name == pair.answer):
        apart = pair.acts.by and rule.by and not any(may_be(one, rule.by) for one in pair.acts.by)
        return pair.acts.category in rule.any_of and not apart
    return False


def _yaml(sides: Sequence[tuple[str, ...]], pair: Answered, looked_at: int) -> str:
    acts, asked = pair.acts, pair.asked
    graver = [] if acts.severities == SEVERITIES else [*acts.severities]
    named = {"subcategory": [*acts.subcategory], "by": [*acts.by], "severity": graver}
    when = {"category": acts.category, **{key: value for key, value in named.items() if value}}
    others = [actor for side in sides if side != acts.by for actor in side]
    grave = pair.answer == GRAVE_ANSWER
    counted = f" by conflict of severity {GRAVE} or more; the reaction counts any conflict" if grave else ""
    reaction = {
        "label": f"{acts_in_plain_words(acts)} is followed by {pair.answer}",
        "when": when,
        "then": {"by": others} if grave else {"target": pair.answer},
        "days": asked.days,
        "chance": "learned",
        "rationale": f"Chosen after the cases, from {count(looked_at, 'pair')} of class and answer: "
        f"{asked.answered} of {asked.cases} were followed{counted} (by chance alone {percent(asked.base)}).",
    }
    name = re.sub("[^a-z0-9]+", "_", "_".join((acts.category, *acts.subcategory)).lower())[:64].strip("_")
    return as_yaml({"reactions": {name: reaction}})
