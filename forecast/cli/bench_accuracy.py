"""``forecast bench accuracy`` and ``calibration``: how good the forecasts are, and the inference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from forecast.cli.backtest import model_legend, score_table
from forecast.cli.options import (
    OriginOptions,
    Output,
    day_option,
    days_ahead,
    option,
    parts_of,
    read_origins,
    takes_options,
)
from forecast.cli.progress import listening
from forecast.cli.terminal import BLANK, Part, Table, left, text
from forecast.errors import InputError
from forecast.progress import StageProgress

if TYPE_CHECKING:
    from forecast.bench.accuracy import Benchmark
    from forecast.bench.simulation_based_calibration import RankStudy

_LEVELS = (0.5, 0.9)
_SHOWN = 5


@takes_options
def accuracy(
    data: Annotated[Path, option("--data", "Folder of coded event files, one dyad a file.", "DIR")],
    any_of: Annotated[str, option("--any-of", "Categories that count as the target.", "LIST")],
    first: Annotated[datetime, day_option("--from", "First origin.")],
    until: Annotated[
        datetime, day_option("--until", "Last day that the files cover; windows that end later are left out.")
    ],
    plan: OriginOptions,
    min_severity: Annotated[
        int, option("--min-severity", "Least severity that counts.", least=1, most=5)
    ] = 1,
    quick: Annotated[bool, option("--quick", "Every third origin only.")] = False,
    prior: Annotated[
        list[str] | None,
        option(
            "--prior",
            "Change a prior of the one family in --models: a word or a distribution. May be repeated.",
            "NAME=PRIOR",
        ),
    ] = None,
    seed: Annotated[int | None, option("--seed", "Seed of all fits.", least=0)] = None,
    *,
    output: Output,
) -> None:
    """Score every model and baseline on a folder of dyads, and average."""
    from forecast.events.codebook import CATEGORIES, category_fault

    categories = parts_of(any_of)
    unknown = [name for name in categories if name not in CATEGORIES]
    if unknown or not categories:
        raise InputError(f"--any-of: {category_fault(unknown[0]) if unknown else 'the list is empty'}")
    with listening(shown=output.for_people) as listen:
        from forecast.bench.accuracy import SAMPLER, BenchmarkOptions, read_dyads, run_benchmark
        from forecast.panel.streams import TargetRule

        options = BenchmarkOptions(
            target=TargetRule("target", categories, min_severity),
            first=first.date(),
            data_end=until.date(),
            horizons=days_ahead(plan.horizons, "--horizons"),
            origins=read_origins(plan.origins),
            models=parts_of(plan.models),
            sampler=SAMPLER if seed is None else replace(SAMPLER, seed=seed),
            priors=_priors(prior or ()),
            quick=quick,
        )
        found = run_benchmark(
            read_dyads(data),
            options,
            processes=plan.jobs,
            listen=lambda finished, planned: listen(StageProgress("backtest", finished, planned)),
        )
    output.print(found.to_dict(), _scores(found))


def _priors(stated: Sequence[str]) -> dict[str, str]:
    priors = {}
    for one in stated:
        name, sign, statement = one.partition("=")
        if not sign or not name.strip() or not statement.strip():
            raise InputError(f"--prior: got '{one}'; write NAME=PRIOR, such as tension.scale=small")
        priors[name.strip()] = statement.strip()
    return priors


def _scores(found: Benchmark) -> Iterator[Part]:
    models = tuple(found.means())
    yield text("Brier and log score: lower is better, * marks the best.")
    for dyad in found.calibration:
        yield BLANK
        yield text(dyad, "bold")
        rows = []
        own = [cell for cell in found.cells if cell.dyad == dyad]
        for days in dict.fromkeys(cell.horizon_days for cell in own):
            here = [cell for cell in own if cell.horizon_days == days]
            rows.append((f"{days:>4} d  Brier", {cell.model: cell.brier for cell in here}))
            rows.append((f"{f'n {here[0].n}':>9} log", {cell.model: cell.log for cell in here}))
        yield score_table(models, rows)
    yield BLANK
    yield text("Mean over dyads and horizons", "bold")
    means = found.means()
    rows = [
        (f"{'':>8}{label}", {model: means[model][score] for model in models})
        for label, score in (("Brier", "brier"), ("  log", "log"))
    ]
    yield score_table(models, rows)
    yield BLANK
    yield from _choice(found)
    yield text(f"Time: {found.seconds_per_origin:.2f} s an origin, all models together.")
    yield model_legend(models)


def _choice(found: Benchmark) -> Iterator[Part]:
    from forecast.report.model_families import name_model

    choice = found.choice
    if choice is None or len(choice.gaps) < 2:
        return
    yield text("Log score behind the best model, with its block-bootstrap error", "bold")
    rows = (
        (name_model(model), "best" if model == choice.best else f"{gap.value:+.4f} ± {gap.se:.4f}")
        for model, gap in choice.gaps.items()
    )
    yield Table((left(), left()), rows, heads=False)
    yield text(f"Simplest within two errors of the best: {name_model(choice.chosen)}.")
    yield BLANK


class ModelFamily(StrEnum):
    """Families that can be studied."""

    JOINT = "joint"
    FOCUSED = "focused"
    TARGET = "target"


@takes_options
def calibration(
    simulations: Annotated[int, option("--simulations", "Data sets simulated.", least=20)] = 200,
    family: Annotated[ModelFamily, option("--family", "Model family.")] = ModelFamily.JOINT,
    weeks: Annotated[int, option("--weeks", "Length of each data set.", least=10)] = 78,
    wrong: Annotated[bool, option("--wrong", "Count every act twice, to see that the study fails.")] = False,
    seed: Annotated[int, option("--seed", "Seed of the study.", least=0)] = 11,
    *,
    output: Output,
) -> None:
    """Draw truths from the prior and data from the truths; rank the truths among posterior draws."""
    with listening(shown=output.for_people) as listen:
        from forecast.bench.simulation_based_calibration import default_study

        study = default_study(
            family.value,
            simulations,
            n_weeks=weeks,
            seed=seed,
            wrong=wrong,
            listen=lambda finished, planned: listen(StageProgress("simulate", finished, planned)),
        )
    output.print(_facts(study, simulations), _ranks(study, simulations))


def _facts(study: RankStudy, simulations: int) -> dict[str, object]:
    return {
        "simulations": simulations,
        "p_values": study.p_values(),
        "smallest_p_value_corrected": study.smallest()[1],
        "coverage": {str(level): study.coverage(level) for level in _LEVELS},
        "ranks": {name: ranks.tolist() for name, ranks in study.ranks.items()},
    }


def _ranks(study: RankStudy, simulations: int) -> Iterator[Part]:
    name, corrected = study.smallest()
    p_values = study.p_values()
    yield text(f"{simulations} simulated data sets, {len(p_values)} quantities ranked among posterior draws")
    yield text("Truths inside their central interval:")
    for level in _LEVELS:
        # Quantities of one data set are not independent: the error is that of the data sets alone.
        error = (level * (1 - level) / simulations) ** 0.5
        yield text(
            f"{level:.0%} interval: {study.coverage(level):.1%} (at most {error:.1%} standard error)",
            indent=2,
        )
    yield text("Uniformity of ranks (chi-square, ten bins), the least uniform first:")
    worst = sorted(p_values, key=lambda key: p_values[key])[:_SHOWN]
    probabilities = [quantity for quantity in p_values if quantity.startswith("P(")]
    rows = ((quantity, f"p {p_values[quantity]:.2g}") for quantity in (*worst, *probabilities))
    yield Table((left(), left()), rows, heads=False)
    yield text(f"Smallest p times {len(p_values)} quantities: {corrected:.2g} ({name})")
    yield text("Ranks are not uniform: inference is wrong." if corrected < 0.01 else "No fault was found.")
