"""Scores side by side: a row of models, their names, a value and its error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from forecast.cli.terminal import Part, Table, left, text
from forecast.wording import number

_HEADS = {
    "combined": "combi.",
    "panel": "panel",
    "climatology": "clima.",
    "constant_rate": "const.",
    "last_window": "like w",
    "gamma_poisson": "gam-P.",
    "decayed_logistic": "logis.",
}


def score_table(models: Sequence[str], rows: Iterable[tuple[str, Mapping[str, float]]]) -> Part:
    """Return models side by side: a row is a label and the value of each model, a dash where it has none.

    The lowest value of a row has an asterisk.
    """
    columns = left(width=14), *(left(_HEADS.get(model, model), 6) for model in models)
    cells = []
    for label, values in rows:
        known = [value for value in values.values() if math.isfinite(value)]
        # Equal as printed is equal: no asterisk for a difference that cannot be seen.
        lowest = f"{min(known):.3f}" if known else ""
        shown = (values.get(model, math.nan) for model in models)
        texts = [f"{value:.3f}" if math.isfinite(value) else "–" for value in shown]
        cells.append((label, *(f"{one}*" if one == lowest else one for one in texts)))
    return Table(columns, cells, indent=0, gap=1)


def model_legend(models: Sequence[str]) -> Part:
    """Return what the short heads of the table stand for."""
    from forecast.report.palette import name_model

    return text(
        f"{'; '.join(f'{_HEADS[one]} = {name_model(one)}' for one in models if one in _HEADS)}.", "dim"
    )


def plain_name(model: str) -> str:
    """Return a short name of a model or baseline: ``decayed logistic``."""
    from forecast.families import FAMILIES

    return FAMILIES[model].label if model in FAMILIES else model.replace("_", " ")


def value_text(value: float | None, se: float | None, digits: int = 2) -> str:
    """Return ``0.12 ± 0.03``, with a dash for what is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{number(value, digits)} ± {'–' if se is None or not math.isfinite(se) else number(se, digits)}"


def gap_text(value: float, se: float, digits: int = 4) -> str:
    """Return a difference with its sign: ``+0.0123 ± 0.0045``."""
    return f"{value:+.{digits}f} ± {f'{se:.{digits}f}' if math.isfinite(se) else '–'}"
