"""A ledger → scores: overall and by group, calibration, largest misses, ours beside others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal, NamedTuple

from pydantic import Field

from forecast.baselines.methods import REFERENCE
from forecast.errors import LedgerError
from forecast.evaluation.calibration import pool_calibration, reliability_curve
from forecast.evaluation.forecast_table import ForecastTable, csv_text, table_of
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.evaluation.track_record import error_bound_if_defined, largest_misses
from forecast.ledger.book import Book
from forecast.ledger.entries import GRACE_DAYS, ForecastEntry
from forecast.ledger.recording import Asked
from forecast.ledger.scored import (
    Beside,
    Counts,
    GroupScore,
    ScoredForecast,
    compare_with_others,
    resolved_forecasts,
    score_group,
    standing_forecasts,
)
from forecast.records.base import Probability, Record
from forecast.records.history import ErrorBound, LedgerSummary, PastForecast, ReliabilityCurve
from forecast.records.scale import STANDARD
from forecast.wording import count

HORIZON_BANDS = ((30, "1–30 days"), (90, "31–90 days"), (180, "91–180 days"), (365, "181–365 days"))
LONGEST_BAND = "over 365 days"
_CSV_COLUMNS = (
    *("by", "group", "n", "n_yes", "brier", "brier_se", "log", "log_se", "baseline_brier", "baseline_log"),
    *("skill", "skill_lower90", "skill_upper90", "claim"),
)
AHEAD, HINDCAST = "made ahead", "hindcast"


class LedgerMiss(Record):
    """A forecast on the wrong side of an even chance."""

    id: str
    dyad: str
    target: str
    as_of: date
    milestone: date
    probability: Probability
    outcome: Literal[0, 1]


class LedgerScores(Record):
    """All scores of a ledger; ``groups`` begins with all forecasts together."""

    schema_: Literal[1] = Field(1, alias="schema")
    head: str
    counts: Counts
    void_share: float | None
    groups: tuple[GroupScore, ...]
    without_early: GroupScore | None
    calibration: tuple[ReliabilityCurve, ...]
    calibration_slope: ErrorBound | None
    largest_misses: tuple[LedgerMiss, ...]
    beside: tuple[Beside, ...]
    warnings: tuple[str, ...]


def score_ledger(book: Book, *, seed: int = 0, failed: bool = False) -> LedgerScores:
    """Score a ledger by the functions that score a backtest (``LedgerError``: nothing can be scored yet).

    ``seed`` is of the bootstrap and of the consistency bands; ``failed`` scores forecasts of runs that did
    not converge as well.
    """
    standing, counts = standing_forecasts(book, failed=failed)
    scored = resolved_forecasts(book, standing)
    if not scored:
        raise LedgerError(f"{book.path}: {_nothing_to_score(counts)}")
    late = [one for one in scored if not one.early]
    models = {one.entry.model for one in scored}
    name = models.pop() if len(models) == 1 else "all_models"
    table = _as_table(scored, name)
    baseline = _as_table(scored, REFERENCE, baseline=True)
    slope = pool_calibration(table, name, seed).slope
    groups = [score_group(scored, seed=seed), *_groups(scored, seed)]
    return LedgerScores(
        schema=1,
        head=book.head,
        counts=counts,
        void_share=counts.void_share,
        groups=tuple(groups),
        without_early=score_group(late, seed=seed, group="without early") if late else None,
        calibration=tuple(reliability_curve(rows, rows.models[0], seed=seed) for rows in (table, baseline)),
        calibration_slope=error_bound_if_defined(slope),
        largest_misses=_misses(scored, table),
        beside=tuple(compare_with_others(book, scored, seed=seed)),
        warnings=tuple(_warnings(counts, groups[0])),
    )


def groups_csv(scores: LedgerScores) -> str:
    """Return the score of every group as CSV; what is not defined is an empty cell."""
    rows = []
    for group in (*scores.groups, *([scores.without_early] if scores.without_early else [])):
        cells: list[object] = [group.by, group.group, group.n, group.n_yes]
        for bound in (group.brier, group.log):
            cells += [bound.value, bound.se]
        lower, upper = (group.skill and group.skill.interval90) or (None, None)
        cells += [group.baseline_brier, group.baseline_log, group.skill and group.skill.value, lower, upper]
        rows.append([*cells, group.claim])
    return csv_text(_CSV_COLUMNS, rows)


def summarise_ledger(
    book: Book, dyad: tuple[str, str], asked: Sequence[Asked] = (), *, seed: int = 0
) -> LedgerSummary:
    """Return what a report says of the ledger: the forecasts on one dyad, how they did, and the history.

    ``asked`` are the questions of the run, whose earlier forecasts are the history.
    """
    pair = tuple(sorted(dyad))
    of_dyad = [entry for entry in book.forecasts if entry.question.dyad == pair]
    n_failed = sum(entry.failed for entry in of_dyad)
    standing, _ = standing_forecasts(book)
    scored = resolved_forecasts(book, (entry for entry in standing if entry.question.dyad == pair))
    score = score_group(scored, seed=seed) if scored else None
    return LedgerSummary(
        schema=1,
        head=book.head,
        n_forecasts=len(of_dyad) - n_failed,
        n_failed=n_failed,
        n_scored=len(scored),
        n_yes=score.n_yes if score else 0,
        n_hindcasts=sum(one.entry.hindcast for one in scored),
        brier=score.brier if score else None,
        baseline_brier=score.baseline_brier if score else None,
        claim=score.claim if score else "none",
        history=history_of(book, asked),
    )


def history_of(book: Book, asked: Sequence[Asked]) -> tuple[PastForecast, ...]:
    """Earlier forecasts of the same questions, oldest first; of one as-of day the last that was recorded."""
    found = {}
    for one in asked:
        for entry in book.forecasts:
            earlier = entry.question.as_of < one.question.as_of
            same = entry.question.model_copy(update={"as_of": one.question.as_of}) == one.question
            if earlier and same and not entry.failed and book.standing(entry) != "void":
                found[one.target, one.milestone, entry.question.as_of] = PastForecast(
                    target=one.target,
                    milestone=one.milestone,
                    as_of=entry.question.as_of,
                    probability=entry.probability,
                    interval90=entry.interval90,
                    hindcast=entry.hindcast,
                )
    return tuple(sorted(found.values(), key=lambda one: one.as_of))


def _groups(scored: Sequence[ScoredForecast], seed: int) -> list[GroupScore]:
    # Groups stand in this order, then by name.
    order = [*(name for _, name in HORIZON_BANDS), AHEAD]
    targets = _target_names(scored)
    kinds: dict[str, Callable[[ScoredForecast], str]] = {
        "horizon": lambda one: horizon_band(one.horizon_days),
        "target": lambda one: targets[_rule(one.entry)],
        "dyad": lambda one: one.entry.question.pair,
        "model": lambda one: one.entry.model,
        "made": lambda one: HINDCAST if one.entry.hindcast else AHEAD,
    }
    found = []
    for by, group_of in kinds.items():
        members: dict[str, list[ScoredForecast]] = {}
        for one in scored:
            members.setdefault(group_of(one), []).append(one)
        names = sorted(members, key=lambda name: (order.index(name) if name in order else len(order), name))
        found += [score_group(members[name], seed=seed, by=by, group=name) for name in names]
    return found


def horizon_band(days: int) -> str:
    """Name of the band that a window of so many days is counted in."""
    return next((name for longest, name in HORIZON_BANDS if days <= longest), LONGEST_BAND)


class _Rule(NamedTuple):
    """A target by its name and by what meets it."""

    name: str
    any_of: tuple[str, ...]
    min_severity: int
    by: tuple[str, ...]
    scale: str

    def __str__(self) -> str:
        by = f" by {' or '.join(self.by)}" if self.by else ""
        scale = "" if self.scale == STANDARD else f", scale {self.scale}"
        return f"{self.name} ({', '.join(self.any_of)}, severity {self.min_severity} or more{by}{scale})"


def _rule(entry: ForecastEntry) -> _Rule:
    question = entry.question
    found = question.any_of, question.min_severity, question.by or (), question.scale or STANDARD
    return _Rule(entry.target, *found)


def _target_names(scored: Sequence[ScoredForecast]) -> dict[_Rule, str]:
    """Name of each target; where one name stands for several rules, the rule is told with it."""
    rules = dict.fromkeys(_rule(one.entry) for one in scored)
    names = Counter(rule.name for rule in rules)
    return {rule: rule.name if names[rule.name] == 1 else str(rule) for rule in rules}


def _as_table(scored: Sequence[ScoredForecast], model: str, *, baseline: bool = False) -> ForecastTable:
    """Put forecasts, or the baselines they were recorded with, into the table that the backtest scores."""
    entries = [one.entry for one in scored]
    chosen = [entry.baseline.probability if baseline else entry.probability for entry in entries]
    windows = [one.origin for one in scored], [one.horizon_days for one in scored]
    outcome = [one.outcome for one in scored]
    return table_of(*windows, [_series(entry) for entry in entries], [model] * len(scored), chosen, outcome)


def _series(entry: ForecastEntry) -> str:
    """What sets apart forecasts of windows that are the same."""
    question = entry.question
    rule = ",".join(question.any_of)
    theatre = "," if question.theatre is None else ",".join(question.theatre)
    directed = (",".join(question.by or ()), question.scale or STANDARD)
    asked = (question.pair, theatre, rule, str(question.min_severity), *directed)
    return "|".join((*asked, entry.name, entry.model))


def _misses(scored: Sequence[ScoredForecast], table: ForecastTable) -> tuple[LedgerMiss, ...]:
    by_window = {(one.origin, one.horizon_days, _series(one.entry)): one for one in scored}
    missed = [by_window[miss.origin, miss.horizon_days, miss.target] for miss in largest_misses(table)]
    return tuple(
        LedgerMiss(
            id=one.entry.id,
            dyad=one.entry.question.pair,
            target=one.entry.target,
            as_of=one.entry.question.as_of,
            milestone=one.entry.question.milestone,
            probability=one.entry.probability,
            outcome=one.outcome,
        )
        for one in missed
    )


def _warnings(counts: Counts, everything: GroupScore) -> list[str]:
    found = []
    if counts.hindcasts:
        share = "All" if counts.hindcasts == counts.scored else f"{counts.hindcasts:,} of {counts.scored:,}"
        found.append(
            f"{share} scored forecasts are hindcasts: made more than {GRACE_DAYS} days after the as-of date, "
            "when part of the answer could be known. They show how the method does, not what we foresaw."
        )
    no = everything.n - everything.n_yes
    if min(everything.n_yes, no) < FEWEST_OUTCOMES:
        found.append(
            f"{count(everything.n_yes, 'question')} ended in a yes and {no:,} in a no. "
            f"With fewer than {FEWEST_OUTCOMES} of either no skill is claimed."
        )
    if counts.unconverged:
        found.append(f"{count(counts.unconverged, 'forecast')} of runs that did not converge left out.")
    if counts.repeated:
        found.append(
            f"{count(counts.repeated, 'later forecast')} of a question that was answered before left out: "
            "the first one stands."
        )
    return found


def _nothing_to_score(counts: Counts) -> str:
    if not counts.forecasts:
        return "holds no forecast yet. 'forecast run' puts them on record"
    parts = {
        "open": "open; see 'forecast ledger resolve'",
        "void": "void",
        "unconverged": "of runs that did not converge (score them with --failed)",
    }
    numbers = ((getattr(counts, name), words) for name, words in parts.items())
    why = ", ".join(f"{number:,} {words}" for number, words in numbers if number)
    return f"nothing can be scored yet: of {count(counts.forecasts, 'forecast')} {why}"
