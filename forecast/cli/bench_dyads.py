"""``forecast bench accuracy`` and ``convergence``: studies of many dyads, dense and sparse."""

from __future__ import annotations

from collections.abc import Sequence
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
from forecast.cli.terminal import listening
from forecast.errors import InputError
from forecast.progress import StageProgress
from forecast.records.horizons import LISTED

if TYPE_CHECKING:
    from forecast.bench.accuracy import BenchmarkOptions
    from forecast.bench.beds import Bed
    from forecast.events.table import EventTable

_BASELINES = "baselines"


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
        from forecast.panel import TargetRule

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
        scores = run_benchmark(
            events, options, processes=plan.jobs, cluster=cluster, keep=keep, listen=listen
        )
    facts = scores.to_dict()
    if bed is None:
        facts = facts.pop("targets")["target"] | facts
        output.print(facts, scores.blocks({"target": None}))
    else:
        titles = {name: target.label or name.replace("_", " ") for name, target in bed.targets.items()}
        output.print({"bed": bed.name} | facts, scores.blocks(titles))


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
    for given in stated:
        name, sign, statement = given.partition("=")
        if not sign or not name.strip() or not statement.strip():
            raise InputError(f"--prior: got '{given}'; write NAME=PRIOR, such as tension.scale=small")
        priors[name.strip()] = statement.strip()
    return priors


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
    output.print(study.facts(model.seed), study.blocks(model.seed))


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
