"""Convergence and plausibility on many dyads, dense and sparse, by the defaults of ``forecast run``.

What is forecast where is told by ``study_cells``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from forecast.baselines import constant_rate, discounted_rate, observe_outcomes, past_events, share_of_windows
from forecast.bench.study_cells import FEWEST_EVENTS, HORIZONS, TARGET, Job, Skipped, StudyOptions, plan_study
from forecast.blocks import Block, Bullets, Prose, plain_table, right
from forecast.errors import ForecastError, InputError, UnfinishedError
from forecast.evaluation.metrics import draw_blocks, log_score, with_interval
from forecast.evaluation.score_table import without_nan
from forecast.evaluation.study import KeptRows, Task, Workers, counted, run_study
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.progress import Clock
from forecast.report.score_tables import gap_text
from forecast.runs.inputs import inputs_of
from forecast.wording import count
from forecast.workflows.forecast import fit_and_judge

MODEL = "model"
OUTSIDE = 0.1
"""A forecast further than this from the range of the baselines needs a reason in the data."""
BASELINES = {
    "climatology": share_of_windows,
    "constant_rate": constant_rate,
    "gamma_poisson": discounted_rate,
}
"""Between them a forecast should lie unless the data say otherwise."""

_REASONS = {
    "short_record": "the record is too short",
    "few_events": "fewer than 5 events",
    "no_target_category": "no event of the target's categories",
}

ByDays = dict[int, float]
"""A number by days ahead."""


@dataclass(frozen=True)
class Row:
    """What became of a cell; probabilities and outcomes by days ahead, empty where the sampler could not run.

    ``failures`` are the gates that failed (``code``, ``quantity``, ``value``, ``limit``); ``error`` is what
    ended the forecast before there was any. ``diagnostics`` are the worst values of the fit.
    """

    dyad: str
    share: float
    years: int
    origin: date
    start: date
    events: int
    target_events: int
    converged: bool
    failures: list[dict[str, Any]]
    error: str | None
    diagnostics: dict[str, Any]
    reruns: int
    fit_seconds: float
    seconds: float
    probability: ByDays
    outcome: dict[int, int]
    baselines: dict[str, ByDays]


_ROW = TypeAdapter(Row)


def forecast_cell(job: Job) -> Row:
    """Forecast a cell as ``forecast run`` would, and compare it with the baselines and with what happened."""
    cell, config = job.cell, job.config
    rule = TargetRule(TARGET, tuple(config.targets[TARGET].any_of), config.targets[TARGET].min_severity)
    known = job.events.known_by(config.as_of).between(cell.start, config.as_of)
    horizons = np.array(HORIZONS, dtype=np.int64)
    past = past_events(job.events, rule, cell.origin, cell.start)
    end = cell.origin + timedelta(days=max(HORIZONS) - 1)
    happened = observe_outcomes(job.events, rule, np.array([cell.origin], "datetime64[D]"), horizons, end)
    facts: dict[str, Any] = {
        **vars(cell),
        "events": len(known),
        "target_events": int(rule.mask(known).sum()),
        "outcome": {days: int(happened.outcome[0, k]) for k, days in enumerate(HORIZONS)},
        "baselines": {
            name: dict(zip(HORIZONS, method(past, horizons)[0].tolist(), strict=True))
            for name, method in BASELINES.items()
        },
    }
    clock = Clock()
    began = time.perf_counter()
    try:
        judged = fit_and_judge(inputs_of(config, job.events), timed=clock.time)
    except (ForecastError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        return Row(
            **facts,
            converged=False,
            failures=[],
            error=f"{type(error).__name__}: {error}",
            diagnostics={},
            reruns=0,
            fit_seconds=clock.seconds.get("fit", 0.0),
            seconds=round(time.perf_counter() - began, 3),
            probability={},
        )
    diagnostics = judged.gates.model_dump(mode="json")
    failures = diagnostics.pop("failures")
    return Row(
        **facts,
        converged=judged.gates.converged,
        failures=failures,
        error=None,
        diagnostics=diagnostics,
        reruns=judged.fit.reruns,
        fit_seconds=clock.seconds["fit"],
        seconds=round(time.perf_counter() - began, 3),
        probability={ahead: judged.mixture.paths.probability(TARGET, ahead) for ahead in HORIZONS},
    )


def run_convergence(
    dyads: Mapping[str, EventTable],
    options: StudyOptions,
    *,
    workers: int = 1,
    keep: Path | None = None,
    listen: Callable[[int, int], None] | None = None,
) -> ConvergenceStudy:
    """Forecast the cells of a study; the rows do not depend on the number of workers, seconds apart.

    ``keep`` is a folder of finished rows: those of the same config, events, code and versions are not
    computed again. ``listen`` is told how many cells are done and planned. ``InputError`` when the config of
    a cell is not valid, no cell can be forecast, or the folder cannot be used; ``UnfinishedError`` when
    worker processes died, or Ctrl-C was pressed.
    """
    jobs, skipped = plan_study(dyads, options)
    if not jobs:
        raise InputError(
            "no cell can be forecast: every record is too short, has fewer than "
            f"{FEWEST_EVENTS} events, or none of the target's categories. Give other --years, --thinnings or "
            "--any-of"
        )
    inputs_of(jobs[0].config, jobs[0].events)
    rows = KeptRows(keep) if keep else None
    tasks = [Task(job.key, job.cell.in_words, (job,)) for job in jobs]
    study = run_study(
        _row_of_cell,
        tasks,
        lambda task, row: _ROW.validate_python(row),
        rows=rows,
        workers=Workers(workers),
        listen=counted(listen, len(tasks)),
    )
    if study.failures:
        raise UnfinishedError(f"{study.listed_failures.strip()}\nGive fewer --workers")
    unused = len(rows) - study.reused if rows is not None else 0
    return ConvergenceStudy(tuple(study.results.values()), tuple(skipped), workers, study.reused, unused)


def _row_of_cell(job: Job) -> dict[str, Any]:
    return row_json(forecast_cell(job))


def row_json(row: Row) -> dict[str, Any]:
    """Return a row as plain JSON values."""
    content: dict[str, Any] = _ROW.dump_python(row, mode="json")
    return content


@dataclass(frozen=True)
class ShareSummary:
    """What the rows of one share of events say; ``share`` is ``None`` for all rows together.

    ``log`` are mean log scores of the model and of each baseline over rows and horizons, in nats, and
    ``log_behind`` is that of the model minus that of climatology with its error: dyads are drawn anew, whole.
    ``outside`` is the share of forecasts more than ``OUTSIDE`` away from the range of the baselines.
    """

    share: float | None
    rows: int
    converged: float
    reruns: int
    fit_seconds_median: float
    fit_seconds_max: float
    forecasts: int
    base_rate: float
    log: dict[str, float]
    log_behind: float
    log_behind_se: float
    outside: float

    @property
    def label(self) -> str:
        """The share in words."""
        return "all" if self.share is None else f"{self.share:.0%}"


@dataclass(frozen=True)
class ConvergenceStudy:
    """Rows of all cells, in the order of the plan, and the cells left out.

    ``reused`` of the rows were kept from an earlier study; ``unused`` further rows that were kept are of
    other cells, settings, data or code.
    """

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    workers: int
    reused: int = 0
    unused: int = 0

    def facts(self, seed: int) -> dict[str, object]:
        """Return what programs get; ``seed`` is that of the bootstrap errors."""
        skipped = [
            asdict(cell) | {"origin": cell.origin and cell.origin.isoformat()} for cell in self.skipped
        ]
        facts: dict[str, object] = without_nan(
            {
                "summary": [asdict(summary) for summary in summarise(self, seed=seed)],
                "workers": self.workers,
                "reused": self.reused,
                "unused": self.unused,
                "skipped": skipped,
                "rows": [row_json(row) | {"reasons": failure_reasons(row)} for row in self.rows],
            }
        )
        return facts

    def blocks(self, seed: int) -> Iterator[Block]:
        """Yield what was forecast, convergence and scores by share of events, and what did not converge."""
        summaries = summarise(self, seed=seed)
        yield Prose(
            f"{count(len(self.rows), 'forecast')} of {count(len({r.dyad for r in self.rows}), 'dyad')}."
        )
        notes = []
        if self.reused:
            notes.append(f"{self.reused} of them were kept from an earlier study.")
        if self.unused:
            other = "they are of other cells, settings, data or code"
            notes.append(f"{self.unused} kept forecasts are not used: {other}.")
        for reason, number in Counter(cell.reason for cell in self.skipped).items():
            notes.append(f"{number} left out: {_REASONS[reason]}.")
        yield Bullets(tuple(notes))
        heads = map(right, ("fits", "converged", "reruns", "median s", "max s"))
        yield plain_table(
            ("Events kept", *heads),
            (
                (
                    summary.label,
                    str(summary.rows),
                    f"{summary.converged:.1%}",
                    str(summary.reruns),
                    f"{summary.fit_seconds_median:.1f}",
                    f"{summary.fit_seconds_max:.1f}",
                )
                for summary in summaries
            ),
            "Convergence by share of events kept",
        )
        heads = map(right, ("n", "model", "clim.", "const.", "γ–P.", "model − clim.", "outside"))
        yield plain_table(
            ("Events kept", *heads),
            (
                (
                    summary.label,
                    str(summary.forecasts),
                    *(f"{value:.3f}" for value in summary.log.values()),
                    gap_text(summary.log_behind, summary.log_behind_se, 3),
                    f"{summary.outside:.0%}",
                )
                for summary in summaries
            ),
            "Mean log score in nats, lower is better: model, climatology, constant rate, γ–Poisson",
        )
        yield Prose(
            f"± is the bootstrap error over dyads; outside: more than {OUTSIDE:g} away from the range of the "
            "three baselines.",
            tone="fine",
        )
        failed = [row for row in self.rows if not row.converged]
        if failed:
            yield plain_table(
                ("Dyad", right("kept"), right("years"), "origin", right("events"), "reason"),
                (
                    (
                        row.dyad,
                        f"{row.share:.0%}",
                        str(row.years),
                        f"{row.origin}",
                        str(row.events),
                        "; ".join(failure_reasons(row)),
                    )
                    for row in failed
                ),
                f"Not converged: {len(failed)}",
            )


def summarise(study: ConvergenceStudy, *, seed: int) -> list[ShareSummary]:
    """Summarise each share of events, the largest first, and all rows together."""
    shares = sorted({row.share for row in study.rows}, reverse=True)
    parts: list[tuple[float | None, list[Row]]] = [
        (share, [row for row in study.rows if row.share == share]) for share in shares
    ]
    if len(shares) > 1:
        parts.append((None, list(study.rows)))
    return [_summary(share, rows, seed) for share, rows in parts]


def _summary(share: float | None, rows: list[Row], seed: int) -> ShareSummary:
    scored = [(row, ahead) for row in rows for ahead in row.probability]
    outcome = np.array([row.outcome[ahead] for row, ahead in scored], dtype=np.float64)
    forecasts = {MODEL: np.array([row.probability[ahead] for row, ahead in scored])}
    for name in BASELINES:
        forecasts[name] = np.array([row.baselines[name][ahead] for row, ahead in scored])
    logs = {name: log_score(probability, outcome) for name, probability in forecasts.items()}
    simple = np.array([forecasts[name] for name in BASELINES]).reshape(len(BASELINES), -1)
    model = forecasts[MODEL]
    outside = (model > simple.max(axis=0) + OUTSIDE) | (model < simple.min(axis=0) - OUTSIDE)
    behind, error = _mean_over_dyads(logs[MODEL] - logs["climatology"], [row.dyad for row, _ in scored], seed)
    seconds = [row.fit_seconds for row in rows]
    return ShareSummary(
        share=share,
        rows=len(rows),
        converged=float(np.mean([row.converged for row in rows])),
        reruns=sum(row.reruns > 0 for row in rows),
        fit_seconds_median=float(np.median(seconds)),
        fit_seconds_max=max(seconds),
        forecasts=len(scored),
        base_rate=_mean(outcome),
        log={name: _mean(values) for name, values in logs.items()},
        log_behind=behind,
        log_behind_se=error,
        outside=_mean(outside),
    )


def _mean_over_dyads(values: NDArray[np.float64], dyads: Sequence[str], seed: int) -> tuple[float, float]:
    """Mean of the values and its bootstrap error, NaN with fewer than two dyads: whole dyads are drawn."""
    names, place = np.unique(np.array(dyads, dtype=str), return_inverse=True)
    if len(names) < 2:
        return _mean(values), np.nan
    sums, sizes = np.bincount(place, values), np.bincount(place)
    drawn = draw_blocks(len(names), 1, seed)
    spread_of_means = float(np.std(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), ddof=1))
    estimate = with_interval(_mean(values), spread_of_means, len(names))
    return estimate.value, estimate.se


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else np.nan


def failure_reasons(row: Row) -> list[str]:
    """Say why a row did not converge, one text a reason; empty when it did."""
    if row.error is not None:
        return [row.error]
    return [_reason(failure) for failure in row.failures]


def _reason(failure: Mapping[str, Any]) -> str:
    quantity, value = failure.get("quantity"), failure.get("value")
    shown = None if value is None else f"{value:.4g}"
    return " ".join(str(part) for part in (failure["code"], shown, quantity) if part)
