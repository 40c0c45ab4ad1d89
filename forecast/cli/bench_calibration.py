"""``forecast bench calibration``: whether inference finds the posterior of the model, on simulated data."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import Json, Quiet

if TYPE_CHECKING:
    from forecast.evaluation.simulation_based_calibration import RankStudy

_LEVELS = (0.5, 0.9)
_SHOWN = 5


class ModelFamily(StrEnum):
    """Families that can be studied."""

    JOINT = "joint"
    FOCUSED = "focused"
    TARGET = "target"


def calibration(
    simulations: Annotated[int, typer.Option("--simulations", min=20, help="Data sets simulated.")] = 200,
    family: Annotated[ModelFamily, typer.Option("--family", help="Model family.")] = ModelFamily.JOINT,
    weeks: Annotated[int, typer.Option("--weeks", min=10, help="Length of each data set.")] = 78,
    wrong: Annotated[
        bool, typer.Option("--wrong", help="Count every act twice, to see that the study fails.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the study.")] = 11,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw truths from the prior and data from the truths; rank the truths among posterior draws."""
    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress

    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.evaluation.simulation_based_calibration import default_study
        from forecast.workflows.forecast import StageProgress

        def listen(finished: int, planned: int) -> None:
            stop_if_pressed()
            draw(StageProgress("simulate", finished, planned))

        study = default_study(family.value, simulations, n_weeks=weeks, seed=seed, wrong=wrong, listen=listen)
    if json:
        typer.echo(json_text.dumps(_facts(study, simulations)))
    elif not quiet:
        for line in _lines(study, simulations):
            typer.echo(line)


def _facts(study: RankStudy, simulations: int) -> dict[str, object]:
    return {
        "simulations": simulations,
        "p_values": study.p_values(),
        "smallest_p_value_corrected": study.smallest()[1],
        "coverage": {str(level): study.coverage(level) for level in _LEVELS},
        "ranks": {name: ranks.tolist() for name, ranks in study.ranks.items()},
    }


def _lines(study: RankStudy, simulations: int) -> Iterator[str]:
    name, corrected = study.smallest()
    p_values = study.p_values()
    yield f"{simulations} simulated data sets, {len(p_values)} quantities ranked among posterior draws"
    yield "Truths inside their central interval:"
    for level in _LEVELS:
        # Quantities of one data set are not independent: the error is that of the data sets alone.
        error = (level * (1 - level) / simulations) ** 0.5
        yield f"  {level:.0%} interval: {study.coverage(level):.1%} (at most {error:.1%} standard error)"
    yield "Uniformity of ranks (chi-square, ten bins), the least uniform first:"
    for quantity in sorted(p_values, key=lambda key: p_values[key])[:_SHOWN]:
        yield f"  {quantity:<36} p {p_values[quantity]:.2g}"
    for quantity, value in p_values.items():
        if quantity.startswith("P("):
            yield f"  {quantity:<36} p {value:.2g}"
    yield f"Smallest p times {len(p_values)} quantities: {corrected:.2g} ({name})"
    yield "Ranks are not uniform: inference is wrong." if corrected < 0.01 else "No fault was found."
