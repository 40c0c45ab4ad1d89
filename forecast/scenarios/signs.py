"""Signs to watch for: acts of the next days, and what the headline is once they are seen, or are not.

A sign is at least one act of a category, of some severity or more, that does not meet the headline target
itself. Its chance on a path of the model follows from the acts that the path holds: each of a stream is such
an act with the share that such acts have in the stream's record. With a = P(sign | the target comes) and
b = P(sign | it does not), and H the headline of the mixture,

    chance = H a + (1 − H) b,    headline if seen = H a / chance,    if not = H (1 − a) / (1 − chance),

so that they average back to H. The members that know no acts are moved by the same likelihood ratio a / b.
Both chances are read off paths on which the target stays away for the days watched, so that a sign is neither
its aftermath nor cut short by it; a target that comes sooner is taken to be announced alike. Within a stream
the model draws no severities, so a severe act tells more than a mild one only by being rarer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from forecast.events.codebook import CATEGORIES, SEVERITIES, category_label, severity_word
from forecast.events.table import EventTable
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.panel import STEP_DAYS, StreamLayout, TargetRule
from forecast.records.analysis import Sign, SignHistory, TrackRow
from forecast.records.scale import ANY
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day
from forecast.simulation.paths import acts_on_paths, simulate_first_passages

Floats = NDArray[np.float64]

WATCHED_DAYS = 30
MOST_SIGNS = 6
RARE = 0.005
"""Chance of an act, or of its absence, below which it is not worth watching for."""
TELLS = 2.0
"""Standard errors by which the log of a likelihood ratio must differ from 0."""
_Z90 = 1.645


class Kind(NamedTuple):
    """Acts of a category from a severity on that do not meet the target: what a sign is."""

    category: str
    severity: int
    target: TargetRule

    def holds(self, category: str, severity: int, by: str) -> bool:
        """Whether an act is such an act."""
        return (
            category == self.category
            and severity >= self.severity
            and not self.target.meets(category, severity, by)
        )

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event is such an act, shape (event,)."""
        kind = (events.category == self.category) & (events.severity >= self.severity)
        return np.asarray(kind & ~self.target.mask(events))

    def severities(self, layout: StreamLayout) -> tuple[int, ...]:
        """Severities of such acts, ascending; none where all meet the target."""
        return tuple(
            grade
            for grade in SEVERITIES
            if any(self.holds(self.category, grade, by) for by in layout.sources)
        )

    def shares(self, layout: StreamLayout, events: EventTable, held: NDArray[np.int64]) -> Floats:
        """Share of a stream's acts that are such acts, shape (stream,); ``held`` is each event's stream.

        Half an act is added, spread evenly over the kinds of act that the stream can hold, as for severities.
        """
        n = len(layout.streams)
        kinds = [*product(CATEGORIES, SEVERITIES, layout.sources)]
        stream = np.array([layout.stream_of(*kind) for kind in kinds])
        are = np.array([self.holds(*kind) for kind in kinds])
        could, could_be = np.bincount(stream, minlength=n), np.bincount(stream, are, minlength=n)
        acts, such = np.bincount(held, minlength=n), np.bincount(held, self.mask(events), minlength=n)
        return np.asarray((such + 0.5 * could_be / could) / (acts + 0.5))


def measure_signs(base: Run) -> tuple[Sign, ...]:
    """Measure the most informative signs of the headline, at most one a category, the best first."""
    asked = base.inputs.config.headline
    rule = next(rule for rule in base.inputs.rules if rule.name == asked.target)
    day = milestone_day(base, asked.milestone)
    days = min(WATCHED_DAYS, day // 2)
    if not days:
        return ()
    first, headline = base.hits.of(rule.name), base.mixture.by_draw(rule.name, day)
    quiet, late = first >= days, (first >= days) & (first < day)
    comes, never = late.mean(axis=1), (quiet & ~late).mean(axis=1)
    if not (comes.any() and never.any() and 0 < headline.mean() < 1):
        return ()
    kinds = [*_kinds(base, rule)]
    informative = []
    for kind, chance in zip(kinds, chances_on_paths(base, kinds, days), strict=True):
        with_target = ratio_by_draw((chance * late).mean(axis=1), comes)
        without = ratio_by_draw((chance * (quiet & ~late)).mean(axis=1), never)
        a, b = float(with_target.mean()), float(without.mean())
        if min(a, b) > RARE and max(a, b) < 1 - RARE:
            bits = information(float(headline.mean()), a, b)
            informative.append((bits, kind, with_target, without))
    signs: dict[str, Sign] = {}
    for _, kind, with_target, without in sorted(informative, key=lambda entry: -entry[0]):
        if kind.category not in signs and len(signs) < MOST_SIGNS:
            sign = _sign(base, kind, days, headline, with_target, without)
            signs |= {kind.category: sign} if sign else {}
    return tuple(signs.values())


def _kinds(base: Run, rule: TargetRule) -> Iterator[Kind]:
    for category in CATEGORIES:
        for severity in range(base.inputs.scale.least(category), base.inputs.scale.greatest(category) + 1):
            kind = Kind(category, severity, rule)
            if kind.severities(base.inputs.data.layout):
                yield kind


def chances_on_paths(base: Run, kinds: Sequence[Kind], days: int) -> Iterator[Floats]:
    """Chance of each sign within the days on each path of the run, shape (draw, path).

    The days are played again on the random numbers of the run. Acts are drawn by week; those of a week that
    the last day cuts fall evenly on its days. Scheduled events that happen on a path are acts like others.
    """
    inputs, grid, layout = base.inputs, base.inputs.data.grid, base.inputs.data.layout
    played = simulate_first_passages(
        inputs.data, base.draws, replace(base.simulation, horizon_days=days), inputs.calendar
    ).acts
    assert played is not None
    begins = (grid.first_day(grid.n_steps - 1) - grid.origin).days
    covered = begins + STEP_DAYS * -(-(days - begins) // STEP_DAYS)
    events = inputs.events.between(grid.start, inputs.config.as_of)
    held = layout.assign(events)
    shares = np.array([kind.shares(layout, events, held) for kind in kinds])
    log_none = np.log1p(-np.minimum(shares * days / covered, 1 - 1e-12))
    acts = played.astype(np.float64)
    ahead = [act for act in inputs.calendar if (act.date - grid.origin).days < days]
    happens = acts_on_paths(base.n_draws, base.simulation, ahead)
    for kind, log_share in zip(kinds, log_none, strict=True):
        none = np.exp(acts @ log_share)
        for act, on_path in zip(ahead, happens, strict=True):
            if kind.holds(act.category, act.severity, act.by):
                none = none * ~on_path
        yield np.asarray(1 - none)


def _sign(
    base: Run, kind: Kind, days: int, headline: Floats, with_target: Floats, without: Floats
) -> Sign | None:
    """A sign from chances by draw; ``None`` where it tells nothing beyond simulation error."""
    config, scale = base.inputs.config, base.inputs.scale
    h, a, b = (float(one.mean()) for one in (headline, with_target, without))
    error = monte_carlo_error(with_target / a - without / b, base.n_chains)
    if abs(np.log(a / b)) < TELLS * error:
        return None
    joint = h * with_target + a * (headline - h)
    chance = h * with_target + (1 - h) * without + (a - b) * (headline - h)
    p, ratio = float(chance.mean()), a / b
    yes, no = ratio_by_draw(joint, chance), ratio_by_draw(headline - joint, 1 - chance)
    luck = base.mixture.direct_error(config.headline.target, milestone_day(base, config.headline.milestone))

    def mcse(by_draw: Floats, slope: float) -> float:
        """Error by the draws, and by those of the members that need no fit, which the headline passes on."""
        return float(np.hypot(monte_carlo_error(by_draw, base.n_chains), slope * luck))

    anchor = scale.anchor(kind.category, kind.severity) or scale.anchor(ANY, kind.severity)
    return Sign(
        category=kind.category,
        severity=kind.severity,
        most_severity=min(kind.severities(base.inputs.data.layout)[-1], scale.greatest(kind.category)),
        label=category_label(kind.category),
        anchor=anchor or severity_word(kind.severity),
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
