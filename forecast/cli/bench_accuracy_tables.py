"""The tables of ``forecast bench accuracy``: by dyad and days ahead, calibration, onset; what is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from forecast.cli.backtest import model_legend, score_table
from forecast.cli.terminal import BLANK, Part, Table, left, text
from forecast.wording import count, listing, number, share

if TYPE_CHECKING:
    from forecast.bench.accuracy import Benchmark
    from forecast.bench.accuracy_scores import TargetScores

_MOST_DYADS = 5
"""Dyads up to which the scores of each are printed."""
_COLUMNS = 5
"""Horizons that stand beside one another."""
_COUNT_FREE = ("gamma_poisson", "constant_rate")


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
    yield from _choice(found)
    yield from _against_baselines(found)
    yield from _calibration(found)
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
                f"- The {_plain_name(model)} forecasts {windows_of}; its scores are of those.",
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
        yield _grid(("calibration slope",), days, lines, _line_with_error)
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
        (_plain_name(model), *(told(*cells.get((model, one), none)) for one in days))
        for model in dict.fromkeys(model for model, _ in cells)
    ]
    top = head if len(head) > 1 else (*head, *(f"{one} d" for one in days))
    columns = left(width=17), *(left(width=11) for _ in days)
    return Table(columns, [top, *rows], heads=False, gap=1, indent=0)


def _plain_name(model: str) -> str:
    """Return a short name of a model or baseline: ``decayed logistic``."""
    from forecast.families import FAMILIES

    return FAMILIES[model].label if model in FAMILIES else model.replace("_", " ")


def _with_error(value: float, se: float) -> str:
    """Return a score as ``0.123 ±.045``."""
    if not math.isfinite(value):
        return "–"
    error = number(se, 3).removeprefix("0") if math.isfinite(se) else "–"
    return f"{number(value, 3)} ±{error[:4]}"


def _line_with_error(value: float, se: float) -> str:
    """Return a slope as ``0.95 ±0.04``."""
    if not math.isfinite(value):
        return "–"
    return f"{number(value, 2)} ±{number(se, 2) if math.isfinite(se) else '–'}"


def _gap(value: float, se: float) -> str:
    return f"{value:+.4f} ± {'–' if not math.isfinite(se) else f'{se:.4f}'}"


def _states(found: TargetScores) -> Iterator[Part]:
    """Onset and continuation over all horizons: log score, and that less the score of count-free rates."""
    said = {
        "onset": "Onset: windows after a year without the target",
        "continuation": "Continuation: all other windows",
    }
    for state, title in said.items():
        own = [one for one in found.by_state if one.state == state and one.horizon_days is None]
        if not own:
            continue
        yield text(f"{title} ({own[-1].n}, {share(own[-1].base_rate)} held one)", "bold")
        heads = (
            left(width=17),
            left("log", 11),
            *(left(f"less {_plain_name(one)}", 19) for one in _COUNT_FREE),
        )
        rows = []
        for one in own:
            gaps = (one.log_minus.get(name) for name in _COUNT_FREE)
            shown = ("" if gap is None else _gap(gap.value, gap.se) for gap in gaps)
            rows.append((_plain_name(one.model), _with_error(one.log, one.log_se), *shown))
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


def _choice(found: TargetScores) -> Iterator[Part]:
    from forecast.report.palette import name_model

    choice = found.choice
    if choice is None or len(choice.gaps) < 2:
        return
    yield text("Log score behind the best model, with its block-bootstrap error", "bold")
    rows = (
        (name_model(model), "best" if model == choice.best else _gap(gap.value, gap.se))
        for model, gap in choice.gaps.items()
    )
    yield Table((left(), left()), rows, heads=False)
    yield text(f"Simplest within two errors of the best: {name_model(choice.chosen)}.")
    yield BLANK


def _against_baselines(found: TargetScores) -> Iterator[Part]:
    from forecast.report.palette import name_model

    if not found.against_baselines:
        return
    yield text("Log score less that of a baseline (below 0: better), with its block-bootstrap error", "bold")
    rows = (
        (name_model(model), name_model(baseline), _gap(gap.value, gap.se))
        for model, gaps in found.against_baselines.items()
        for baseline, gap in gaps.items()
    )
    yield Table((left(), left(), left()), rows, heads=False)
    yield BLANK


def _calibration(found: TargetScores) -> Iterator[Part]:
    from forecast.report.palette import name_model

    lines = [line for line in found.pooled_calibration if math.isfinite(line.slope.se)]
    if not lines:
        return
    yield text(
        "Calibration over all dyads (intercept 0 and slope 1: calibrated), whole dyads resampled", "bold"
    )
    rows = (
        (
            name_model(line.model),
            *(f"{one.value:+.2f} ± {one.se:.2f}" for one in (line.intercept, line.slope)),
        )
        for line in lines
    )
    yield Table((left(), left(), left()), rows, heads=False)
    yield BLANK
