"""Scores of models side by side, as blocks: a column a model, a value with its error, the names of models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from forecast.blocks import Column, Prose, Table, plain_table, right
from forecast.families import FAMILIES
from forecast.report.palette import name_model
from forecast.wording import number, share

_HEADS = {
    "combined": "combi.",
    "panel": "panel",
    "climatology": "clima.",
    "constant_rate": "const.",
    "last_window": "like w",
    "gamma_poisson": "gam-P.",
    "decayed_logistic": "logis.",
}


def score_table(
    models: Sequence[str],
    rows: Iterable[tuple[tuple[str, ...], Mapping[str, float]]],
    heads: Sequence[Column | str] = (right("Days"), "Score"),
    title: str = "",
) -> Table:
    """Return models side by side: a row is its labels and the value of each model, a dash where it has none.

    The lowest value of a row has an asterisk. ``heads`` are those of the labels.
    """
    marked = []
    for labels, values in rows:
        known = [value for value in values.values() if math.isfinite(value)]
        # Equal as printed is equal: no asterisk for a difference that cannot be seen.
        lowest = f"{min(known):.3f}" if known else ""
        texts = [_fixed(values.get(model, math.nan)) for model in models]
        marked.append((*labels, *(f"{text}*" if text == lowest else text for text in texts)))
    return plain_table((*heads, *(_HEADS.get(model, model) for model in models)), marked, title)


def _fixed(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def score_rows(
    brier: Mapping[int, Mapping[str, float]],
    log: Mapping[int, Mapping[str, float]],
    windows: Mapping[int, int] | None = None,
) -> Iterable[tuple[tuple[str, ...], Mapping[str, float]]]:
    """Yield the rows of Brier and log score of each horizon, from scores by horizon in days and model.

    Numbers of ``windows`` stand under the days where they are given.
    """
    for days, values in brier.items():
        yield (str(days), "Brier"), values
        yield (f"n {windows[days]}" if windows else "", "log"), log[days]


def windows_sentence(windows: Mapping[int, tuple[int, float]]) -> Prose:
    """Say of each horizon in days how many windows it has, and in what share the target happened."""
    said = "; ".join(f"of {days} days {n:,}, {share(rate)}" for days, (n, rate) in windows.items())
    return Prose(f"Windows, and share in which it happened: {said}.", tone="fine")


def model_legend(models: Sequence[str]) -> Prose:
    """Return what the short heads of the table stand for."""
    said = "; ".join(f"{_HEADS[model]} = {name_model(model)}" for model in models if model in _HEADS)
    return Prose(f"{said}.", tone="fine")


def plain_name(model: str) -> str:
    """Return a short name of a model or baseline: ``decayed logistic``."""
    return FAMILIES[model].label if model in FAMILIES else model.replace("_", " ")


def value_text(value: float | None, se: float | None, digits: int = 2) -> str:
    """Return ``0.12 ± 0.03``, with a dash for what is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{number(value, digits)} ± {'–' if se is None or not math.isfinite(se) else number(se, digits)}"


def gap_text(value: float, se: float, digits: int = 4) -> str:
    """Return a difference with its sign: ``+0.0123 ± 0.0045``."""
    return f"{value:+.{digits}f} ± {f'{se:.{digits}f}' if math.isfinite(se) else '–'}"
