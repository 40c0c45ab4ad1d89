"""``forecast bench accuracy``: models and baselines beside one another on many dyads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.cli.options import (
    MODELS,
    OriginOptions,
    Output,
    day_option,
    days_ahead,
    option,
    parts_of,
    read_origins,
    takes_options,
)
from forecast.cli.score_tables import gap_text, model_legend, plain_name, score_table, value_text
from forecast.cli.terminal import BLANK, Part, Table, left, listening, text
from forecast.errors import InputError
from forecast.records.horizons import LISTED
from forecast.wording import count, listing, number, share

if TYPE_CHECKING:
    from forecast.bench.accuracy import Benchmark, BenchmarkOptions
    from forecast.bench.beds import Bed
    from forecast.bench.dyad_scores import TargetScores
    from forecast.events.table import EventTable

_BASELINES = "baselines"
_MOST_DYADS = 5
"""Dyads up to which the scores of each are printed."""
_COLUMNS = 5
"""Horizons that stand beside one another."""


@dataclass(frozen=True, kw_only=True)
class AskedOptions:
    """What is forecast, of which files: by a bed, or by options alone."""

    bed: str | None = option(
        None, "--bed", "Shipped bed (panel, mid, balkans, us-china), or the YAML file of one.", "NAME|FILE"
    )
    data: Path | None = option(
        None, "--data", "Folder of coded event files, one dyad a file; with --bed, that of its data.", "DIR"
    )
    any_of: str | None = option(None, "--any-of", "Categories that count as the target.", "LIST")
    first: datetime | None = day_option(None, "--from", "First origin.")
    until: datetime | None = day_option(
        None, "--until", "Last day that the files cover; windows that end later are left out."
    )
    min_severity: int | None = option(
        None, "--min-severity", "Least severity that counts; 1 when absent.", min=1, max=5
    )

    def read(self) -> tuple[Bed | None, dict[str, EventTable], BenchmarkOptions]:
        """Read what is asked and the event files (``InputError`` for options that do not go together)."""
        from forecast.bench.accuracy import BenchmarkOptions
        from forecast.bench.beds import read_dyads
        from forecast.panel.streams import TargetRule

        own = {"--any-of": self.any_of, "--from": self.first, "--until": self.until}
        if self.bed is not None:
            for name, value in {**own, "--min-severity": self.min_severity}.items():
                if value is not None:
                    raise InputError(f"{name}: the bed says it. Leave it out, or copy the file of the bed")
            return _read_bed(self.bed, self.data)
        if self.data is None or self.any_of is None or self.first is None or self.until is None:
            missing = [name for name, value in {"--data": self.data, **own}.items() if value is None]
            raise InputError(
                f"{', '.join(missing)}: missing. Give --bed NAME, or all of --data and {', '.join(own)}"
            )
        rule = TargetRule("target", read_categories(self.any_of), self.min_severity or 1)
        options = BenchmarkOptions(targets=(rule,), first=self.first.date(), data_end=self.until.date())
        return None, read_dyads(self.data), options


@dataclass(frozen=True, kw_only=True)
class ScoredOptions(OriginOptions):
    """Past days to forecast from, how far ahead, and with which models; those of a bed when absent."""

    origins: str | None = option(
        None,
        "--origins",
        "quarterly, monthly, weekly, or days: 2021-01-01,2021-07-01; else those of the bed, or monthly.",
        "WHEN",
    )
    models: str = option(
        MODELS, "--models", f"Some of {MODELS}; or: baselines, which are always shown.", "LIST"
    )

    def put_into(self, options: BenchmarkOptions) -> BenchmarkOptions:
        """Return what is asked with these changes."""
        changes: dict[str, Any] = {}
        if self.origins is not None:
            changes["origins"] = read_origins(self.origins)
        if self.horizons is not None:
            changes["horizons"] = days_ahead(self.horizons, "--horizons")
            if not changes["horizons"]:
                raise InputError(f"--horizons: the list is empty. Expected e.g. {LISTED}")
        models = parts_of(self.models)
        if not models:
            raise InputError(f"--models: the list is empty. Allowed: {MODELS}, or {_BASELINES}")
        if _BASELINES in models and len(models) > 1:
            raise InputError(f"--models: '{_BASELINES}' stands alone, since they are always shown")
        return replace(options, models=() if models == (_BASELINES,) else models, **changes)


@takes_options
def accuracy(
    asked: AskedOptions,
    plan: ScoredOptions,
    quick: bool = option(False, "--quick", "Every third origin only."),
    prior: list[str] | None = option(
        None,
        "--prior",
        "Change a prior of the model: a word or a distribution. May be repeated.",
        "NAME=PRIOR",
    ),
    seed: int | None = option(None, "--seed", "Seed of all fits.", min=0),
    keep: Path | None = option(
        None, "--keep", "Keep finished parts in this folder, and go on from those there.", "FOLDER"
    ),
    cluster: str | None = option(
        None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE"
    ),
    *,
    output: Output,
) -> None:
    """Score every model and baseline on a bed or a folder of dyads, and average."""
    with listening(shown=output.for_people) as listen:
        from forecast.bench.accuracy import SAMPLER, run_benchmark

        bed, events, stated = asked.read()
        options = replace(
            plan.put_into(stated),
            sampler=SAMPLER if seed is None else replace(SAMPLER, seed=seed),
            priors=_priors(prior or ()),
            quick=quick,
        )
        found = run_benchmark(events, options, processes=plan.jobs, cluster=cluster, keep=keep, listen=listen)
    facts = found.to_dict()
    if bed is None:
        facts = facts.pop("targets")["target"] | facts
        output.print(facts, benchmark_scores(found, {"target": None}))
    else:
        titles = {name: one.label or name.replace("_", " ") for name, one in bed.targets.items()}
        output.print({"bed": bed.name} | facts, benchmark_scores(found, titles))


def _read_bed(name: str, data: Path | None) -> tuple[Bed, dict[str, EventTable], BenchmarkOptions]:
    from forecast.bench.accuracy import bed_options, refuse_without_target
    from forecast.bench.beds import find_bed, read_bed_files

    bed = find_bed(name)
    events, ends = read_bed_files(bed, data)
    options = bed_options(bed, ends)
    refuse_without_target(bed, events, options)
    return bed, events, options


def read_categories(any_of: str) -> tuple[str, ...]:
    """Read ``--any-of``; raises ``InputError`` for what is no category."""
    from forecast.events.codebook import CATEGORIES, category_fault

    categories = parts_of(any_of)
    unknown = [name for name in categories if name not in CATEGORIES]
    if unknown or not categories:
        allowed = f"the list is empty. Allowed: {', '.join(CATEGORIES)}"
        raise InputError(f"--any-of: {category_fault(unknown[0]) if unknown else allowed}")
    twice = [name for place, name in enumerate(categories) if name in categories[:place]]
    if twice:
        raise InputError(f"--any-of: {twice[0]} appears twice. Give each category once")
    return categories


def _priors(stated: Sequence[str]) -> dict[str, str]:
    priors = {}
    for one in stated:
        name, sign, statement = one.partition("=")
        if not sign or not name.strip() or not statement.strip():
            raise InputError(f"--prior: got '{one}'; write NAME=PRIOR, such as tension.scale=small")
        priors[name.strip()] = statement.strip()
    return priors


def benchmark_scores(found: Benchmark, titles: Mapping[str, str | None]) -> Iterator[Part]:
    """Yield the tables of every target (``titles``: none for a single one), and what must be known."""
    models = tuple(dict.fromkeys(name for scores in found.targets.values() for name in scores.means()))
    yield text("Brier and log score: lower is better, * marks the best; ± is the standard error.")
    for name, scores in found.targets.items():
        title = titles[name]
        if title:
            yield BLANK
            yield text(title, "bold")
        yield from _target_scores(scores)
    yield from _reach(found)
    spent = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in found.seconds.items())
    yield text(
        f"Time: {found.seconds_per_origin:.2f} s an origin, all models together. Processor s: {spent}."
    )
    if found.fits:
        yield text(f"{found.failed} of {count(found.fits, 'fit')} failed a gate.")
    yield model_legend(models)


def _target_scores(found: TargetScores) -> Iterator[Part]:
    models = tuple(found.means())
    if not any(cell.base_rate for cell in found.cells):
        yield text("It never happened in these windows.", "yellow")
    dyads = tuple(found.calibration)
    if len(dyads) > _MOST_DYADS:
        yield text(f"{len(dyads)} dyads; the scores of each are in the answer to --json.", "dim")
        dyads = ()
    for dyad in dyads:
        yield BLANK
        yield text(dyad, "bold")
        rows = []
        own = [cell for cell in found.cells if cell.dyad == dyad]
        for days in dict.fromkeys(cell.horizon_days for cell in own):
            here = [cell for cell in own if cell.horizon_days == days]
            rows.append((f"{days:>4} d  Brier", {cell.model: cell.brier for cell in here}))
            rows.append((f"{f'n {here[-1].n}':>9} log", {cell.model: cell.log for cell in here}))
        yield score_table(models, rows)
    yield BLANK
    yield text("Mean over dyads and horizons", "bold")
    means = found.means()
    rows = [
        (f"{'':>8}{label}", {model: means[model][score] for model in models})
        for label, score in (("Brier", "brier"), ("  log", "log"))
    ]
    yield score_table(models, rows)
    yield from _missing(found)
    yield BLANK
    yield from _by_horizon(found)
    yield from _comparisons(found)
    yield from _states(found)
    for model, apart in found.failed_fits().items():
        windows = count(apart.n, "window")
        yield text(
            f"{windows} of {model} from failed fits: Brier {apart.brier:.3f}, log {apart.log:.3f}.", indent=2
        )


def _missing(found: TargetScores) -> Iterator[Part]:
    """Say which models have no forecast of some windows, so that their means are over fewer."""
    windows = {(cell.dyad, cell.horizon_days): cell.n for cell in found.cells}
    total = sum(windows.values())
    for model in found.means():
        n = sum(cell.n for cell in found.cells if cell.model == model)
        if n < total:
            windows_of = f"{n} of {count(total, 'window')}"
            yield text(
                f"- The {plain_name(model)} forecasts {windows_of}; its scores are of those.",
                "yellow",
                hang=2,
            )


def _by_horizon(found: TargetScores) -> Iterator[Part]:
    """Log and Brier score, and calibration, of each model by days ahead; as many columns as fit."""
    every = list(dict.fromkeys(one.horizon_days for one in found.by_horizon))
    for first in range(0, len(every), _COLUMNS):
        days = every[first : first + _COLUMNS]
        shown = [one for one in found.by_horizon if one.horizon_days in days]
        # Baselines come last, and forecast every window.
        windows = {one.horizon_days: f"{one.n} ({share(one.base_rate)})" for one in shown}
        yield text("Mean over dyads by days ahead", "bold")
        yield _grid(("windows (held)", *(windows[one] for one in days)), days, {}, _with_error)
        for name in ("log", "brier"):
            cells = {
                (one.model, one.horizon_days): (getattr(one, name), getattr(one, f"{name}_se"))
                for one in shown
            }
            yield _grid((name if name == "log" else "Brier",), days, cells, _with_error)
        lines = {
            (one.model, one.horizon_days): (one.slope, one.slope_se)
            for one in found.calibration_by_horizon
            if one.horizon_days in days
        }
        yield _grid(("calibration slope",), days, lines, lambda *one: value_text(*one).replace("± ", "±"))
        yield BLANK


def _grid(
    head: tuple[str, ...],
    days: Sequence[int],
    cells: Mapping[tuple[str, int], tuple[float, float]],
    told: Callable[[float, float], str],
) -> Table:
    """Return a row of heads, and a row a model; a cell is a value and its error."""
    none = math.nan, math.nan
    rows = [
        (plain_name(model), *(told(*cells.get((model, one), none)) for one in days))
        for model in dict.fromkeys(model for model, _ in cells)
    ]
    top = head if len(head) > 1 else (*head, *(f"{one} d" for one in days))
    columns = left(width=17), *(left(width=11) for _ in days)
    return Table(columns, [top, *rows], heads=False, gap=1, indent=0)


def _with_error(value: float, se: float) -> str:
    """Return a score as ``0.123 ±.045``."""
    if not math.isfinite(value):
        return "–"
    error = number(se, 3).removeprefix("0") if math.isfinite(se) else "–"
    return f"{number(value, 3)} ±{error[:4]}"


def _states(found: TargetScores) -> Iterator[Part]:
    """Onset and continuation over all horizons: log score, and that less the score of count-free rates."""
    said = {
        "onset": "Onset: windows after a year without the target",
        "continuation": "Continuation: all other windows",
    }
    from forecast.bench.dyad_scores import COUNT_FREE

    for state, title in said.items():
        own = [one for one in found.by_state if one.state == state and one.horizon_days is None]
        if not own:
            continue
        yield text(f"{title} ({own[-1].n}, {share(own[-1].base_rate)} held one)", "bold")
        heads = (
            left(width=17),
            left("log", 11),
            *(left(f"less {plain_name(one)}", 19) for one in COUNT_FREE),
        )
        rows = []
        for one in own:
            gaps = (one.log_minus.get(name) for name in COUNT_FREE)
            shown = ("" if gap is None else gap_text(gap.value, gap.se) for gap in gaps)
            rows.append((plain_name(one.model), _with_error(one.log, one.log_se), *shown))
        yield Table(heads, rows, gap=1, indent=0)
        yield BLANK


def _reach(found: Benchmark) -> Iterator[Part]:
    """Name dyads that are left out, files that may end early, and horizons that a record is too short for."""
    for dyad, reason in found.left_out.items():
        yield text(f"- Left out: {dyad}, since {reason}.", "yellow", hang=2)
    for one in found.coverage:
        if one.silent:
            yield text(
                f"- {one.dyad}: the last act is of {one.last_event}, {count(one.silent_days, 'day')} before "
                f"{one.until}, too long for the pace of its record. If nobody looked, these days are no "
                "peace: give its own end of observation in a bed.",
                "yellow",
                hang=2,
            )
        if one.too_long:
            days = listing(tuple(map(str, one.too_long)))
            yield text(f"- {one.dyad}: no window of {days} days is complete.", "yellow", hang=2)


def _comparisons(found: TargetScores) -> Iterator[Part]:
    """Each model behind the best, against each baseline, and its calibration over all dyads."""
    from forecast.report.palette import name_model

    choice = found.choice
    if choice is not None and len(choice.gaps) > 1:
        yield text("Log score behind the best model, with its block-bootstrap error", "bold")
        yield _listed(
            (name_model(model), "best" if model == choice.best else gap_text(gap.value, gap.se))
            for model, gap in choice.gaps.items()
        )
        yield text(f"Simplest within two errors of the best: {name_model(choice.chosen)}.")
        yield BLANK
    if found.against_baselines:
        title = "Log score less that of a baseline (below 0: better), with its block-bootstrap error"
        yield text(title, "bold")
        yield _listed(
            (name_model(model), name_model(baseline), gap_text(gap.value, gap.se))
            for model, gaps in found.against_baselines.items()
            for baseline, gap in gaps.items()
        )
        yield BLANK
    lines = [line for line in found.pooled_calibration if math.isfinite(line.slope.se)]
    if lines:
        title = "Calibration over all dyads (intercept 0 and slope 1: calibrated), whole dyads resampled"
        yield text(title, "bold")
        yield _listed(
            (
                name_model(line.model),
                *(gap_text(one.value, one.se, 2) for one in (line.intercept, line.slope)),
            )
            for line in lines
        )
        yield BLANK


def _listed(rows: Iterable[tuple[str, ...]]) -> Table:
    cells = list(rows)
    return Table([left() for _ in cells[0]], cells, heads=False)
