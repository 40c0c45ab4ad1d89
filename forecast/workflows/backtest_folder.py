"""A backtest from config to folder: plan, run the units, score, write.

Finished units are kept in ``<folder>.partial`` until all are there, so that a backtest that was stopped goes
on; then the folder is written, whole or not at all, and the units are removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast.baselines import BASELINES, REFERENCE
from forecast.blocks import Alert, Block, Heading, Prose
from forecast.config import Config
from forecast.config.schema import DEFAULT_FAMILY
from forecast.errors import UnfinishedError
from forecast.evaluation import past_forecasts
from forecast.evaluation.number_tests import NumberTests, number_tests
from forecast.evaluation.score_table import (
    QUESTION,
    ForecastTable,
    Score,
    ScoreTable,
    score_by,
    score_forecasts,
)
from forecast.evaluation.study import KeptRows, Workers
from forecast.evaluation.track_record import cases_of, track_rows
from forecast.phrases.notices import HEAD, notice_text
from forecast.phrases.record import (
    accuracy_verdict,
    backtest_span,
    forecasts_absent,
    log_score_gap,
    no_skill_claimed,
    skill_span,
    target_came,
)
from forecast.progress import Listener
from forecast.records.analysis import FEWEST_EPISODES, FEWEST_OUTCOMES, TrackRow
from forecast.records.notices import Notice, notice
from forecast.report.palette import name_model
from forecast.report.tables import model_legend, number_test_blocks, score_table
from forecast.runs import files
from forecast.runs.files import claimed, file_hashes, new_run_folder, refuse_existing, write_json
from forecast.runs.inputs import Inputs, read_inputs
from forecast.runs.run import versions


@dataclass(frozen=True)
class Backtest:
    """A backtest in memory; ``content`` is that of ``scores.json``.

    ``rows`` are what a report says of ``model``. ``notes`` say what a reader must know of plan and fits;
    ``failures`` are the units that failed, with their errors, none for a whole backtest.
    """

    plan: past_forecasts.BacktestPlan
    results: tuple[past_forecasts.UnitResult, ...]
    forecasts: ForecastTable
    scores: ScoreTable
    tests: NumberTests
    rows: tuple[TrackRow, ...]
    notes: tuple[Notice, ...]
    failures: tuple[str, ...]
    content: dict[str, Any]

    @property
    def model(self) -> str:
        """The model that the words are about."""
        return _reported_model(self.plan)

    def blocks(self, titles: Mapping[str, str]) -> Iterator[Block]:
        """Yield the scores, in words too, and what must be known; ``titles`` are those of the targets."""
        yield Prose(backtest_span(self.plan.origins, self.plan.data_end))
        models = self.forecasts.models
        for target in self.forecasts.targets:
            cells: dict[int, dict[str, Score]] = {}
            for (own, days, model), cell in self.scores.cells.items():
                if own == target:
                    cells.setdefault(days, {})[model] = cell
            yield Heading(titles.get(target, target))
            # Baselines come last, and forecast every window.
            last = {days: [*by_model.values()][-1] for days, by_model in cells.items()}
            came = target_came({days: (cell.base_rate, cell.n) for days, cell in last.items()})
            yield Prose(came, tone="fine")
            rows = (
                (labels, {model: getattr(cell, score).value for model, cell in by_model.items()})
                for days, by_model in cells.items()
                for labels, score in (((str(days), "Brier"), "brier"), (("", "log"), "log"))
            )
            yield score_table(models, rows)
            yield from self._verdicts(target)
        yield from number_test_blocks(self.tests, titles)
        if any(row.episodes >= FEWEST_EPISODES for row in self.rows):
            yield Heading("All targets and horizons")
            yield self._overall()
        yield model_legend(models)
        if notes := (*map(notice_text, self.notes), *self._cautions(titles)):
            yield Alert(text=HEAD, items=notes, tone="caution")

    def _verdicts(self, target: str) -> Iterator[Prose]:
        """Say where a baseline is more accurate than our model, and what may be claimed of its skill."""
        for row in self.rows:
            if row.target != target or not row.more_accurate:
                continue
            baseline = name_model(row.best_baseline.name)
            skill = (
                f"Against the {name_model(REFERENCE)}: {skill_span(row.skill_told)}"
                if row.skill_told
                else None
            )
            said = accuracy_verdict(row, name_model(self.model), baseline, skill)
            yield Prose(said, tone="warning" if row.more_accurate == "baseline" else "plain")

    def _overall(self) -> Prose:
        """Compare the log score of our model with that of the best baseline, over all that was asked."""
        seed = self.plan.sampler.seed
        scores = score_by(self.forecasts, "who", seed=seed, equal=QUESTION)
        gaps = {name: scores[self.model,].minus(scores[name,]) for name in BASELINES}
        best, difference = max(
            ((name, gap) for name, gap in gaps.items() if gap), key=lambda named: named[1].value
        )
        sure = difference.interval90[0] > 0 or difference.interval90[1] < 0
        models = name_model(self.model), name_model(best)
        return Prose(log_score_gap(*models, difference.value, difference.se, distinguishable=sure))

    def _cautions(self, titles: Mapping[str, str]) -> Iterator[str]:
        """Say of which questions little is known, all in one sentence, and which forecasts are missing."""
        thin: dict[str, list[int]] = {}
        for row in self.rows:
            if min(row.n_hits, row.n - row.n_hits) < FEWEST_OUTCOMES or row.episodes < FEWEST_EPISODES:
                thin.setdefault(titles.get(row.target, row.target), []).append(row.horizon_days)
        if thin:
            yield no_skill_claimed(thin, FEWEST_OUTCOMES)
        for (target, days, model), cell in self.scores.cells.items():
            if cell.n < cell.asked:
                yield forecasts_absent(titles.get(target, target), days, model, cell.n, cell.asked)


def _reported_model(plan: past_forecasts.BacktestPlan) -> str:
    """The default model, or the last that was run."""
    return DEFAULT_FAMILY if DEFAULT_FAMILY in plan.models else plan.models[-1]


def backtest_place(name: str, out: Path) -> Path:
    """Where the backtest of a config or list of this name is kept: ``<out>/<name>/backtest``."""
    return out / name / files.BACKTEST


def run_backtest(
    config: Config,
    options: past_forecasts.BacktestOptions | None = None,
    *,
    folder: Path | None = None,
    force: bool = False,
    processes: int = 1,
    cluster: str | None = None,
    listen: Listener | None = None,
) -> Backtest:
    """Forecast at past origins, score, and write the folder; ``reports/<name>/backtest`` when absent.

    Where units failed, the result has ``failures`` and no folder is written; asked again, it goes on with
    those that are finished. The result does not depend on ``processes`` and ``cluster`` (see ``Workers``).

    Raises ``InputError``: the config, the events or the options cannot be used; ``RunFolderError``: the
    folder is there already; ``UnfinishedError``: every unit failed, or Ctrl-C was pressed (``StoppedError``).
    """
    place = folder or backtest_place(config.name, Path("reports"))
    if config.events.reporting_delay != "none":
        raise config.error(
            ("events", "reporting_delay"),
            "a backtest does not correct for it, so it would be about another forecast; set it to none, e.g. "
            "with events.reporting_delay=none",
        )
    inputs = read_inputs(config)
    plan = past_forecasts.plan_backtest(inputs, options or past_forecasts.BacktestOptions())
    refuse_existing(place, force=force, kind="backtest")
    with claimed(place):
        settings = plan.settings(inputs.events.sha256)
        units = KeptRows.beside(place)
        name = plan.dyad
        by_dyad, failures = past_forecasts.run_backtests(
            {name: plan},
            {name: inputs.events},
            rows=units,
            workers=Workers(processes, cluster),
            listen=listen,
        )
        results = by_dyad[name]
        if failures and not results:
            listed = "\n".join(f"  {failure}" for failure in failures)
            raise UnfinishedError(f"every unit failed.\n{listed}\nTry again.")
        forecasts = past_forecasts.collect(plan, inputs.events, results)
        scores = score_forecasts(forecasts, seed=plan.sampler.seed)
        windows = past_forecasts.count_windows(plan, inputs.events, results)
        tests = number_tests(windows, forecasts, seed=plan.sampler.seed)
        model, cases = _reported_model(plan), cases_of(inputs.events, inputs.rules)
        rows = track_rows(scores, model, cases)
        notes = (*past_forecasts.plan_notes(plan, inputs), *_fit_notes(results))
        content = _scores_content(inputs, settings, scores, notes, failures) | {"tests": tests.to_dict()}
        backtest = Backtest(plan, tuple(results), forecasts, scores, tests, rows, notes, failures, content)
        if not failures:
            with new_run_folder(place, force=force, kind="backtest") as filling:
                forecasts.write_csv(filling / files.FORECASTS)
                write_json(settings, filling / files.PLAN)
                write_json(content, filling / files.SCORES)
                write_json(_manifest(backtest, filling), filling / files.MANIFEST)
            shutil.rmtree(units.folder, ignore_errors=True)
        return backtest


def _fit_notes(results: Sequence[past_forecasts.UnitResult]) -> Iterator[Notice]:
    bad = sum(int((~result.converged).sum()) for result in results)
    if bad:
        made, failed = past_forecasts.count_fits(results)
        number = sum(len(result.converged) for result in results)
        yield notice("failed_fits", failed=failed, fits=made, concerned=bad, forecasts=number)


def _scores_content(
    inputs: Inputs,
    settings: dict[str, Any],
    scores: ScoreTable,
    notes: tuple[Notice, ...],
    failures: tuple[str, ...],
) -> dict[str, Any]:
    """What was asked of which data, every score, who was best, warnings."""
    table = scores.to_dict()
    asked = {name: value for name, value in settings.items() if name not in ("name", "origins")}
    origins, dyad = settings["origins"], inputs.config.dyad
    head = {
        "schema": table.pop("schema"),
        "name": settings["name"],
        "dyad": {"a": dyad.names[0], "b": dyad.names[1], "label": dyad.title},
        "as_of": inputs.config.as_of.isoformat(),
        "default": DEFAULT_FAMILY,
        "origins": {"number": len(origins), "first": origins[0], "last": origins[-1]},
        "baselines": list(BASELINES),
    }
    warnings = [*(note.model_dump(mode="json") for note in notes), *table.pop("warnings")]
    return head | asked | table | {"warnings": warnings, "failures": list(failures)}


def _manifest(backtest: Backtest, folder: Path) -> dict[str, Any]:
    results = backtest.results
    seconds = sum(result.seconds for result in results)
    made, failed = past_forecasts.count_fits(results)
    return {
        "kind": "backtest",
        "seed": backtest.plan.sampler.seed,
        "seconds": round(seconds, 2),
        "seconds_per_origin": round(seconds / len(backtest.plan.origins), 3),
        "seconds_by_stage": past_forecasts.stage_seconds(results),
        "fits": {"made": made, "failed": failed},
        "versions": versions(),
        "made_on": datetime.now(UTC).date().isoformat(),
        "outputs_sha256": file_hashes(folder),
    }
