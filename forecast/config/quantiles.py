"""Quantiles as people state them: ``{median: 0.8, q05: 0.5, q95: 1.1}``, also as percent or an interval.

The same reading serves configs, scenarios and options, so that one mistake has one message.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from forecast.config.faults import shown

_QUANTILE = re.compile(r"q(\d{2,3})")
_INTERVAL = re.compile(r"interval(\d{2})")
_PERCENT = re.compile(r"([+\-−]?\d+(?:\.\d+)?)\s*%")

_LARGEST = 1e100
"""Far above any parameter; beyond it the arithmetic of a fit would overflow."""

Quantiles = dict[str, float]
"""Name of a quantile (``median``, ``q05``) → value."""


class QuantileFault(ValueError):
    """A statement that cannot be read as quantiles; the message says why and what is allowed."""


def read_statement(value: Mapping[Any, object]) -> Quantiles | dict[str, Quantiles]:
    """Read quantiles, or quantiles on a scale: ``{effect: {median: -50%, q05: -70%, q95: 0%}}``.

    Returns
    -------
    dict
        Quantiles by name, in the order stated; one level deeper where a scale was named. Percents become
        shares, and ``interval90: [0.5, 1.1]`` becomes ``q05`` and ``q95``.

    Raises
    ------
    QuantileFault
        A name that is no quantile, a value that is no number, fewer than two, or values out of order.
    """
    if len(value) == 1:
        (name, inner), *_ = value.items()
        if isinstance(inner, Mapping):
            try:
                return {str(name): read_quantiles(inner)}
            except QuantileFault as fault:
                raise QuantileFault(f"{name}: {fault}") from fault
    return read_quantiles(value)


def read_quantiles(value: Mapping[Any, object]) -> Quantiles:
    """Read quantiles by name; see ``read_statement``."""
    levels: dict[float, tuple[str, float]] = {}
    for name, number in _single_quantiles(value):
        level = level_of(name)
        if level is None:
            raise QuantileFault(
                f"unknown quantile '{name}'; allowed: median and q01 to q99 (e.g. q05, q95), or interval90 "
                "(a prior's own name is written with dots, e.g. tension.persistence)"
            )
        if level in levels:
            other = levels[level][0]
            same = " and ".join(sorted({name, other})) if name != other else name
            raise QuantileFault(
                f"{same} are the same quantile; keep one" if name != other else f"{name} is given twice"
            )
        levels[level] = (name, _number(name, number))
    if len(levels) < 2:
        raise QuantileFault("at least two quantiles are needed, e.g. {q05: -0.1, median: 0.1, q95: 0.4}")
    for (low, smaller), (high, larger) in pairwise(levels[level] for level in sorted(levels)):
        if smaller >= larger:
            raise QuantileFault(f"quantiles must rise: {low} = {smaller:g} is not below {high} = {larger:g}")
    return dict(levels.values())


def level_of(name: str) -> float | None:
    """Return the probability that a quantile's name stands for, ``None`` where it is no such name."""
    matched = _QUANTILE.fullmatch(name)
    level = 0.5 if name == "median" else int(matched[1]) / 10 ** len(matched[1]) if matched else 0.0
    return level if 0.0 < level < 1.0 else None


def _single_quantiles(value: Mapping[Any, object]) -> list[tuple[str, object]]:
    """Each interval as the two quantiles that bound it."""
    found: list[tuple[str, object]] = []
    for key, number in value.items():
        matched = _INTERVAL.fullmatch(str(key))
        if not matched:
            found.append((str(key), number))
            continue
        if int(matched[1]) < 2:
            raise QuantileFault(f"'{key}' is no interval; write e.g. interval90: [-0.1, 0.4]")
        if not isinstance(number, list | tuple) or len(number) != 2:
            raise QuantileFault(
                f"{key}: two bounds are needed, e.g. {key}: [-0.1, 0.4], came {shown(number)}"
            )
        outside = 1000 - 10 * int(matched[1])  # in thousandths: 90 leaves 100, half of it on each side
        found += [(_name(outside // 2), number[0]), (_name(1000 - outside // 2), number[1])]
    return found


def _name(thousandths: int) -> str:
    return f"q{thousandths // 10:02d}" if thousandths % 10 == 0 else f"q{thousandths:03d}"


def _number(name: str, value: object) -> float:
    percent = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if percent:
        number = float(percent[1].replace("−", "-")) / 100
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # A whole number may be too large to be a float, which math refuses to look at.
        number = float(value) if abs(value) <= sys.float_info.max else math.inf
    else:
        number = math.nan
    if abs(number) <= _LARGEST:
        return number
    raise QuantileFault(
        f"quantile '{name}': a number is needed (or a percent such as -50%), came {shown(value)}"
    )
