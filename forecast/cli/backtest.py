"""``forecast backtest``: forecasts at past origins of one dyad or a list, scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import paired
from forecast.cli.options import (
    MODELS,
    RUNS,
    Answer,
    DatedOptions,
    day_option,
    days_ahead,
    option,
    parts_of,
    read_origins,
    takes_options,
)
from forecast.cli.terminal import listening
from forecast.errors import InputError, UnfinishedError
from forecast.wording import LISTED

if TYPE_CHECKING:
    from forecast.evaluation.past_forecasts import BacktestOptions
    from forecast.watchlist.backtest import ListBacktest


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Past days to forecast from, how far ahead, and with which models."""

    origins: str = option(
        "monthly", "--origins", "quarterly, monthly, weekly, or days: 2021-01-01,2021-07-01.", "WHEN"
    )
    horizons: str | None = option(
        None, "--horizons", f"Days ahead, with commas; when absent {LISTED}, where a window fits.", "DAYS"
    )
    models: str = option(MODELS, "--models", f"Some of {MODELS}. Baselines are always shown.", "LIST")
    jobs: int = option(1, "--jobs", "Processes to use.", "N", min=1, max=256)
    cluster: str | None = option(
        None, "--cluster", "Run on Dask: local, or a scheduler as tcp://host:port.", "WHERE"
    )
    first: date | None = day_option(
        None, "--from", "First origin; two years after the start of the data when absent."
    )
    last: date | None = day_option(None, "--to", "Last origin; the end of the data when absent.")
    exact: bool = option(False, "--exact", "Refit at every origin instead of carrying draws on.")

    def read(self) -> BacktestOptions:
        """Read the lists in them."""
        from forecast.evaluation.past_forecasts import BacktestOptions

        origins = read_origins(self.origins)
        if not isinstance(origins, str) and (self.first or self.last):
            raise InputError(
                "--from and --to bound monthly or weekly origins. Leave them out when days are listed"
            )
        return BacktestOptions(
            origins=origins,
            first=self.first,
            last=self.last,
            horizons=None if self.horizons is None else days_ahead(self.horizons, "--horizons"),
            models=parts_of(self.models),
            exact=self.exact,
        )


@takes_options
def backtest(
    case: DatedOptions,
    plan: PlanOptions,
    out: Path = option(RUNS, "--out", "Folder of the runs; this one goes to DIR/<name>/backtest.", "DIR"),
    force: bool = option(False, "--force", "Replace a backtest that is there."),
    *,
    output: Answer,
) -> None:
    """Forecast at past dates from what was known then, and score it beside five simple baselines.

    Of a watchlist: by dyad, pooled, as a ranking, and its triggers. The same command goes on with one that
    was stopped.
    """
    if plan.cluster and plan.cluster != "local" and plan.jobs > 1:
        raise InputError("--jobs: a scheduler has its own workers. Leave it out with --cluster tcp://…")

    from forecast.config.watchlist import Watchlist, is_watchlist, load_watchlist

    listed = is_watchlist(case.config)
    if listed and plan.horizons is not None:
        raise InputError("--horizons: a list has its own; use --set horizons=[30,90] or the file")
    overrides = tuple(case.overrides or ())
    loaded = load_watchlist(case.config, overrides, as_of=case.as_of) if listed else case.load()
    with listening(shown=output.for_people) as listen:
        from forecast.evaluation.study import partial_place
        from forecast.watchlist.backtest import run_list_backtest
        from forecast.workflows.backtest_folder import Backtest, backtest_place, run_backtest

        options, folder = plan.read(), backtest_place(loaded.name, out)
        run: Callable[..., Backtest | ListBacktest] = run_backtest
        if isinstance(loaded, Watchlist):
            run = run_list_backtest
            # The model costs a fit at every dyad: a list has its own family.
            options = replace(options, models=() if plan.models == MODELS else options.models)
        done = run(
            loaded,
            options,
            folder=folder,
            force=force,
            processes=plan.jobs,
            cluster=plan.cluster,
            listen=listen,
        )
    failures = done.failures if isinstance(done, Backtest) else ()
    written = paired(() if failures else (("Scores", str(folder / "scores.json")),))
    facts = done.content | {"folder": None if failures else str(folder)}
    output.print(facts, (*done.blocks(loaded.target_titles), written))
    if isinstance(done, Backtest) and failures:
        failed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(
            f"{len(failures)} of {len(done.plan.units)} parts failed; the scores are those of the others.\n"
            f"{failed}\nFinished parts are kept in {partial_place(folder)}. Try again: the same command."
        )
