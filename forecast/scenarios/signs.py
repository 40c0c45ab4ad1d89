"""Signs to watch for: acts of the next days, and what the headline is once they are seen, or are not.

A sign is at least one act of a category, of some severity or more, that does not meet the headline target
itself. With a = P(sign | the target comes) and b = P(sign | it does not), and H the headline of the mixture,

    chance = H a + (1 − H) b,    headline if seen = H a / chance,    if not = H (1 − a) / (1 − chance),

so that they average back to H. The members that know no acts are moved by the same likelihood ratio a / b.
Both chances are exact for each draw, without acts ahead, and given that the target stays away for the days
watched, so that a sign is neither its aftermath nor cut short by it; a target that comes sooner is taken to
be announced alike. A sign counts where a / b, or its reciprocal, is at least 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from forecast.events.codebook import CATEGORIES, SEVERITIES, category_label
from forecast.events.table import EventTable
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.models.survival import Chances
from forecast.records.analysis import QuietUntil, Sign, SignHistory, TrackRow
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day
from forecast.streams import StreamLayout
from forecast.targets import TargetRule

Floats = NDArray[np.float64]

WATCHED_DAYS = 30
MOST_SIGNS = 6
RARE = 0.005
"""Chance of an act, or of its absence, below which it is not worth watching for."""
TELLS = 1.5
"""Likelihood ratio, or its reciprocal, from which on a sign tells something."""
_LEAST = 1e-12
_Z90 = 1.645


class Kind(NamedTuple):
    """Acts of a category from a severity on that do not meet the target: what a sign is."""

    category: str
    severity: int
    target: TargetRule

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event is such an act, shape (event,)."""
        kind = (events.category == self.category) & (events.severity >= self.severity)
        return np.asarray(kind & ~self.target.mask(events))

    def marked(self, layout: StreamLayout) -> NDArray[np.bool_]:
        """Acts of each stream and severity that are such acts, shape (k, s)."""
        found = np.zeros((len(layout.kinds), len(SEVERITIES)), dtype=bool)
        target = layout.targets.index(self.target)
        for k, (stream, held) in enumerate(layout.held.items()):
            if stream.category == self.category and target not in stream.cell:
                found[k, [grade - 1 for grade in held if grade >= self.severity]] = True
        return found

    def severities(self, layout: StreamLayout) -> tuple[int, ...]:
        """Severities of such acts, ascending; none where all meet the target."""
        return tuple(int(s) + 1 for s in np.flatnonzero(self.marked(layout).any(axis=0)))


def measure_signs(base: Run) -> tuple[Sign, ...]:
    """Measure the most informative signs of the headline, at most one a category, the best first.

    Empty where no routine act moves the headline by ``TELLS``.
    """
    asked, layout = base.inputs.config.headline, base.inputs.data.layout
    rule = next(rule for rule in base.inputs.rules if rule.name == asked.target)
    day = milestone_day(base, asked.milestone)
    days = min(WATCHED_DAYS, day // 2)
    if not days or not base.inputs.family.fitted:
        return ()
    # Few draws tell which signs are worth telling, all draws what they tell.
    watch = _Watch.of(base, rule.name, days, day, base.few_rows[::2])
    headline = base.mixture.probability(rule.name, day)
    if not (watch.comes.mean() > _LEAST and watch.silent.mean() > _LEAST and 0 < headline < 1):
        return ()
    likely: dict[str, tuple[float, Kind]] = {}
    for kind in _kinds(base, rule):
        marked = kind.marked(layout)
        if RARE < 1 - watch.near.without_sign(marked, [days]).mean() < 1 - RARE:
            bits = _bits(headline, *watch.given(marked))
            if bits > likely.get(kind.category, (0.0,))[0]:
                likely[kind.category] = bits, kind
    best = sorted(likely.values(), key=lambda entry: -entry[0])[:MOST_SIGNS]
    watch = _Watch.of(base, rule.name, days, day, np.arange(base.n_draws)) if best else watch
    signs = []
    for _, kind in best:
        chances = watch.given(kind.marked(layout))
        if _bits(headline, *chances):
            signs.append(_sign(base, kind, days, base.mixture.by_draw(rule.name, day), *chances))
    return tuple(sorted(signs, key=lambda sign: -sign.information_bits))


@dataclass(frozen=True)
class _Watch:
    """Chances by draw that the target comes, or not, once it has not come in the days watched."""

    near: Chances
    far: Chances
    target: str
    comes: Floats
    silent: Floats

    @classmethod
    def of(cls, base: Run, target: str, days: int, day: int, rows: NDArray[np.int64]) -> _Watch:
        """Ask these draws."""
        some = replace(base.chances, draws=base.draws.rows(rows), further=())
        near, far = replace(some, n_days=days), replace(some, n_days=day)
        layout = base.inputs.data.layout
        none = np.zeros((len(layout.kinds), len(SEVERITIES)), dtype=bool)
        quiet, silent = (one.with_sign(none, 0, target) for one in (near, far))
        return cls(near, far, target, quiet - silent, silent)

    def given(self, marked: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Chance of a sign by draw where the target comes, and where not."""
        days = self.near.n_days
        neither, neither_far = (one.with_sign(marked, days, self.target) for one in (self.near, self.far))
        with_target = ratio_by_draw(self.comes - (neither - neither_far), self.comes)
        return with_target, ratio_by_draw(self.silent - neither_far, self.silent)


def _bits(headline: float, with_target: Floats, without: Floats) -> float:
    """Return the information of a sign; zero where it tells too little."""
    a, b = float(with_target.mean()), float(without.mean())
    tells = min(a, b) > RARE and max(a, b) < 1 - RARE and not 1 / TELLS < a / b < TELLS
    return information(headline, a, b) if tells else 0.0


def measure_quiet(base: Run) -> tuple[QuietUntil, ...]:
    """Return the headline if nothing has happened after a quarter, half and three quarters of its days."""
    asked = base.inputs.config.headline
    day, quiet = milestone_day(base, asked.milestone), 1 - base.mixture.curves[asked.target].probability
    days = sorted({day * part // 4 for part in (1, 2, 3)} - {0})
    return tuple(
        QuietUntil(
            date=base.inputs.data.grid.origin + timedelta(days=passed),
            probability=float(1 - quiet[day] / max(quiet[passed], _LEAST)),
        )
        for passed in days
    )


def _kinds(base: Run, rule: TargetRule) -> Iterator[Kind]:
    """Yield kinds of acts; of two that hold the same acts the graver alone."""
    for category in CATEGORIES:
        last: tuple[int, ...] = ()
        for severity in reversed(SEVERITIES):
            kind = Kind(category, severity, rule)
            if (held := kind.severities(base.inputs.data.layout)) and held != last:
                last = held
                yield kind


def usual_anchor(base: Run, kind: Kind) -> str:
    """What a sign looks like at the severity that the record has most often, the least of several alike."""
    acts = base.inputs.data
    such = kind.marked(acts.layout)[acts.stream, acts.severity - 1]
    seen = np.bincount(acts.severity[such], minlength=len(SEVERITIES) + 1)
    usual = max(kind.severities(acts.layout), key=lambda severity: int(seen[severity]))
    return base.inputs.scale.anchor(kind.category, usual)


def _sign(base: Run, kind: Kind, days: int, headline: Floats, with_target: Floats, without: Floats) -> Sign:
    """A sign from chances by draw."""
    config = base.inputs.config
    h, a, b = (float(one.mean()) for one in (headline, with_target, without))
    error = monte_carlo_error(with_target / a - without / b, base.n_chains)
    joint = h * with_target + a * (headline - h)
    chance = h * with_target + (1 - h) * without + (a - b) * (headline - h)
    p, ratio = float(chance.mean()), a / b
    yes, no = ratio_by_draw(joint, chance), ratio_by_draw(headline - joint, 1 - chance)
    luck = base.mixture.direct_error(config.headline.target, milestone_day(base, config.headline.milestone))

    def mcse(by_draw: Floats, slope: float) -> float:
        """Error by the draws, and by those of the members that need no fit, which the headline passes on."""
        return float(np.hypot(monte_carlo_error(by_draw, base.n_chains), slope * luck))

    return Sign(
        category=kind.category,
        severity=kind.severity,
        most_severity=kind.severities(base.inputs.data.layout)[-1],
        label=category_label(kind.category),
        anchor=usual_anchor(base, kind),
        within_days=days,
        until=config.as_of + timedelta(days=days),
        chance=p,
        chance_mcse=mcse(chance, abs(a - b)),
        if_seen=float(yes.mean()),
        if_seen_mcse=mcse(yes, a * b / p**2),
        if_not_seen=float(no.mean()),
        if_not_seen_mcse=mcse(no, (1 - a) * (1 - b) / (1 - p) ** 2),
        likelihood_ratio=ratio,
        likelihood_ratio90=(ratio * float(np.exp(-_Z90 * error)), ratio * float(np.exp(_Z90 * error))),
        information_bits=information(h, a, b),
    )


def with_history(
    signs: Sequence[Sign], events: EventTable, target: TargetRule, tested: TrackRow | None
) -> tuple[Sign, ...]:
    """Add how often each sign misled at the origins of a backtest; without one the signs are as they were.

    Of the days before an origin only acts that were public on it count.
    """
    if tested is None or not tested.origins:
        return tuple(signs)
    origins: NDArray[np.datetime64] = np.array(tested.origins, dtype="datetime64[D]")[:, None]
    happened = np.array(tested.happened)
    found = []
    for sign in signs:
        acts = events.select(Kind(sign.category, sign.severity, target).mask(events))
        ago = (origins - acts.date).astype(np.int64)
        inside = (ago > 0) & (ago <= sign.within_days) & (acts.known_date < origins)
        present = inside.any(axis=1)
        history = SignHistory(
            horizon_days=tested.horizon_days,
            origins=len(origins),
            present=int(present.sum()),
            misled=int((present & ~happened).sum()),
            came_without=int((~present & happened).sum()),
        )
        found.append(sign.model_copy(update={"history": history}))
    return tuple(found)


def information(headline: float, with_target: float, without: float) -> float:
    """Mutual information of target and sign in bits; the chances of the sign with the target and without."""
    joint = np.array(
        [
            [headline * with_target, headline * (1 - with_target)],
            [(1 - headline) * without, (1 - headline) * (1 - without)],
        ]
    )
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    return max(float((xlogy(joint, joint) - xlogy(joint, apart)).sum() / np.log(2)), 0.0)
