"""``forecast backtest``: forecasts at past origins, scored beside the baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import Pairs
from forecast.cli.options import (
    MODELS,
    RUNS,
    SPACINGS,
    DatedOptions,
    OriginOptions,
    Output,
    day,
    day_option,
    days_ahead,
    option,
    parts_of,
    read_origins,
    takes_options,
)
from forecast.cli.terminal import listening
from forecast.errors import InputError, UnfinishedError
from forecast.records.horizons import LISTED

if TYPE_CHECKING:
    from forecast.config.watchlist import Watchlist
    from forecast.evaluation.backtest import BacktestOptions
    from forecast.watchlist.backtest import ListBacktest

_MILESTONES = "milestones"


@dataclass(frozen=True, kw_only=True)
class PlanOptions(OriginOptions):
    """What is forecast in a backtest of one config."""

    horizons: str | None = option(
        None,
        "--horizons",
        f"Days ahead, with commas; when absent {LISTED}, where a window fits. The word milestones adds the "
        "distances of the config's own.",
        "DAYS",
    )
    first: datetime | None = day_option(
        None, "--from", "First origin; two years after the start of the data when absent."
    )
    last: datetime | None = day_option(None, "--to", "Last origin; the end of the data when absent.")
    exact: bool = option(False, "--exact", "Refit at every origin instead of carrying draws on.")

    def read(self) -> BacktestOptions:
        """Read the lists in them."""
        from forecast.evaluation.backtest import BacktestOptions

        origins = read_origins(self.origins)
        if origins not in SPACINGS and (self.first or self.last):
            raise InputError(
                "--from and --to bound monthly or weekly origins. Leave them out when days are listed"
            )
        parts = None if self.horizons is None else parts_of(self.horizons)
        lengths = None if parts is None else tuple(part for part in parts if part != _MILESTONES)
        return BacktestOptions(
            origins=origins,
            first=day(self.first),
            last=day(self.last),
            horizons=None if lengths is None else days_ahead(",".join(lengths), "--horizons"),
            milestones=_MILESTONES in (parts or ()),
            models=parts_of(self.models),
            exact=self.exact,
        )


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where a backtest runs, where it goes, and what becomes of one that is there."""

    cluster: str | None = option(
        None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE"
    )
    resume: bool = option(False, "--resume", "Go on with a backtest that was stopped.")
    out: Path = option(RUNS, "--out", "Folder of the runs; this one goes to DIR/<name>/backtest.", "DIR")
    force: bool = option(False, "--force", "Replace a backtest that is there, finished or stopped.")


@takes_options
def backtest(
    case: DatedOptions,
    plan: PlanOptions,
    place: PlaceOptions,
    *,
    output: Output,
) -> None:
    """Forecast at past dates from what was known then, and score it beside five simple baselines.

    Of a watchlist: by dyad, pooled, as a ranking, and as a whole.
    """
    if place.force and place.resume:
        raise InputError("--force begins anew and --resume goes on: give one of them")
    if place.cluster and place.cluster != "local" and plan.jobs > 1:
        raise InputError("--jobs: a scheduler has its own workers. Leave it out with --cluster tcp://…")

    from forecast.config.watchlist import is_watchlist

    loaded = _load_list(case, plan) if is_watchlist(case.config) else case.load()
    with listening(shown=output.for_people) as listen:
        from forecast.config.watchlist import Watchlist
        from forecast.watchlist.backtest import run_list_backtest
        from forecast.workflows.backtest import Backtest, backtest_place, partial_place, run_backtest

        options, folder = plan.read(), backtest_place(loaded.name, place.out)
        run: Callable[..., Backtest | ListBacktest] = run_backtest
        if isinstance(loaded, Watchlist):
            run = run_list_backtest
            # The model costs a fit at every dyad: a list has its own family.
            options = replace(options, models=() if plan.models == MODELS else options.models)
        done = run(
            loaded,
            options,
            folder=folder,
            resume=place.resume,
            force=place.force,
            processes=plan.jobs,
            cluster=place.cluster,
            listen=listen,
        )
    failures = done.failures if isinstance(done, Backtest) else ()
    files = {"Scores": "scores.json"} | ({"Figures": "figures"} if isinstance(done, Backtest) else {})
    written = Pairs(() if failures else tuple((name, str(folder / file)) for name, file in files.items()))
    facts = done.content | {"folder": None if failures else str(folder)}
    output.print(facts, (*done.blocks(loaded.target_titles), written))
    if isinstance(done, Backtest) and failures:
        failed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(
            f"{len(failures)} of {done.n_units} parts failed; the scores are those of the others.\n"
            f"{failed}\nFinished parts are kept in {partial_place(folder)}. Try the others again: --resume."
        )


def _load_list(case: DatedOptions, plan: PlanOptions) -> Watchlist:
    """Read a list (``InputError`` for options that a list has no use for)."""
    from forecast.config.watchlist import load_watchlist

    if case.seed is not None or case.dates is not None:
        raise InputError("--seed and --dates: of a list, use --set sampler.seed=… or --set dates=…")
    if plan.horizons is not None:
        raise InputError("--horizons: a list has its own; use --set horizons=[30,90] or the file")
    return load_watchlist(case.config, tuple(case.overrides or ()), as_of=day(case.as_of))
