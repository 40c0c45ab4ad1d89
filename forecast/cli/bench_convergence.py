"""``forecast bench convergence``: whether forecasts converge, and are sensible, on dyads dense and sparse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.cli.options import Output, option, parts_of, takes_options
from forecast.cli.score_tables import gap_text
from forecast.cli.terminal import BLANK, Part, Table, left, listening, right, text
from forecast.errors import InputError
from forecast.progress import StageProgress

if TYPE_CHECKING:
    from forecast.bench.convergence import ConvergenceStudy, Row, ShareSummary

_REASONS = {
    "short_record": "the record is too short",
    "few_events": "fewer than 5 events",
    "no_target_category": "no event of the target's categories",
}


@dataclass(frozen=True, kw_only=True)
class StudyChoice:
    """Which dyads are forecast, from how much record."""

    data: Path = option(..., "--data", "Folder of coded event files, one dyad a file.", "DIR")
    pairs: str | None = option(None, "--pairs", "Some of its dyads, by file name; all when absent.", "LIST")
    thinnings: str = option("1,.3,.1,.03", "--thinnings", "Shares of the events that are kept.", "LIST")
    years: str = option("3,8,20", "--years", "Years of record before an origin.", "LIST")
    origins: int = option(2, "--origins", "Origins of each dyad, share and length.", "N", min=1)
    sample: int | None = option(None, "--sample", "Only so many of the forecasts, at random.", "N", min=1)


@dataclass(frozen=True, kw_only=True)
class StudyModel:
    """What is forecast, and by which model."""

    any_of: str = option(..., "--any-of", "Categories that count as the target.", "LIST")
    min_severity: int = option(1, "--min-severity", "Least severity that counts.", min=1, max=5)
    family: str = option("model", "--family", "Model family: model, panel or combined.")
    overrides: list[str] | None = option(
        None, "--set", "Change a setting of model or sampler. Repeatable.", "KEY=VALUE"
    )
    seed: int = option(1, "--seed", "Seed of thinning, sample and fits.", min=0)


@takes_options
def convergence(
    choice: StudyChoice,
    model: StudyModel,
    *,
    workers: int = option(1, "--workers", "Processes that fit side by side.", "N", min=1, max=256),
    keep: Path | None = option(
        None, "--keep", "Keep finished forecasts in this folder, and go on from those there.", "FOLDER"
    ),
    output: Output,
) -> None:
    """Forecast dyads, dense and thinned, from short and long records: convergence and plausibility."""
    from forecast.cli.bench_accuracy import read_categories

    categories = read_categories(model.any_of)
    shares = _shares(choice.thinnings)
    years = _years(choice.years)
    with listening(shown=output.for_people) as listen:
        from forecast.bench.beds import read_dyads
        from forecast.bench.convergence import run_convergence
        from forecast.bench.study_cells import StudyOptions

        options = StudyOptions(
            any_of=categories,
            min_severity=model.min_severity,
            shares=shares,
            years=years,
            origins=choice.origins,
            family=model.family,
            seed=model.seed,
            sample=choice.sample,
            overrides=tuple(model.overrides or ()),
        )
        study = run_convergence(
            read_dyads(choice.data, parts_of(choice.pairs) if choice.pairs else None),
            options,
            workers=workers,
            keep=keep,
            listen=lambda done, planned: listen(StageProgress("study", done, planned)),
        )
    output.print(_facts(study, model.seed), _report(study, model.seed))


def _shares(words: str) -> tuple[float, ...]:
    shares = []
    for part in parts_of(words):
        try:
            share = float(part)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            raise InputError(f"--thinnings: got '{part}'; expected shares above 0 and up to 1, e.g. 1,.3,.1")
        shares.append(share)
    return _some(shares, "--thinnings")


def _years(words: str) -> tuple[int, ...]:
    for part in parts_of(words):
        if not (part.isascii() and part.isdigit() and 1 <= int(part) <= 100):
            raise InputError(f"--years: got '{part}'; expected whole years from 1 to 100, e.g. 3,8,20")
    return _some([int(part) for part in parts_of(words)], "--years")


def _some[T](values: Sequence[T], name: str) -> tuple[T, ...]:
    if not values:
        raise InputError(f"{name}: the list is empty")
    if len(set(values)) < len(values):
        raise InputError(f"{name}: a value appears twice")
    return tuple(values)


def _facts(study: ConvergenceStudy, seed: int) -> dict[str, object]:
    from forecast.bench.convergence import failure_reasons, row_json, summarise
    from forecast.evaluation.score_table import without_nan

    skipped = [asdict(one) | {"origin": one.origin and one.origin.isoformat()} for one in study.skipped]
    facts: dict[str, object] = without_nan(
        {
            "summary": [asdict(one) for one in summarise(study, seed=seed)],
            "workers": study.workers,
            "reused": study.reused,
            "unused": study.unused,
            "skipped": skipped,
            "rows": [row_json(one) | {"reasons": failure_reasons(one)} for one in study.rows],
        }
    )
    return facts


def _report(study: ConvergenceStudy, seed: int) -> Iterator[Part]:
    from forecast.bench.convergence import OUTSIDE, summarise

    summaries = summarise(study, seed=seed)
    dyads = len({row.dyad for row in study.rows})
    yield text(f"{len(study.rows)} forecasts of {dyads} dyads", "bold")
    if study.reused:
        yield text(f"{study.reused} of them were kept from an earlier study.", indent=2)
    if study.unused:
        yield text(
            f"{study.unused} kept forecasts are not used: they are of other cells, settings, data or code.",
            indent=2,
        )
    for reason, number in Counter(one.reason for one in study.skipped).items():
        yield text(f"{number} left out: {_REASONS[reason]}.", indent=2)
    yield BLANK
    heads = ("fits", "converged", "reruns", "median s", "max s")
    yield text("Convergence by share of events kept")
    yield Table((left(width=6), *(right(head, max(len(head), 6)) for head in heads)), map(_fits, summaries))
    yield BLANK
    yield text("Mean log score in nats, lower is better: model, climatology, constant rate, γ–Poisson")
    columns = right("n", 5), *(right(head, 6) for head in ("model", "clim.", "const.", "γ–P."))
    yield Table(
        (left(width=6), *columns, right("model − clim.", 14), right("outside", 7)), map(_scores, summaries)
    )
    yield text(
        f"± is the bootstrap error over dyads; outside: more than {OUTSIDE:g} away from the range of the "
        "three baselines.",
        indent=2,
    )
    failed = [row for row in study.rows if not row.converged]
    if failed:
        yield BLANK
        yield text(f"Not converged: {len(failed)}", "bold")
        yield Table(
            (left("dyad"), right("kept"), right("years"), left("origin"), right("events"), left("reason")),
            map(_failure, failed),
        )


def _named(one: ShareSummary) -> str:
    return "all" if one.share is None else f"{one.share:.0%}"


def _fits(one: ShareSummary) -> tuple[str, ...]:
    return (
        _named(one),
        str(one.rows),
        f"{one.converged:.1%}",
        str(one.reruns),
        f"{one.fit_seconds_median:.1f}",
        f"{one.fit_seconds_max:.1f}",
    )


def _scores(one: ShareSummary) -> tuple[str, ...]:
    return (
        _named(one),
        str(one.forecasts),
        *(f"{value:.3f}" for value in one.log.values()),
        gap_text(one.log_behind, one.log_behind_se, 3),
        f"{one.outside:.0%}",
    )


def _failure(row: Row) -> tuple[str, ...]:
    from forecast.bench.convergence import failure_reasons

    reasons = "; ".join(failure_reasons(row))
    return row.dyad, f"{row.share:.0%}", str(row.years), f"{row.origin}", str(row.events), reasons
