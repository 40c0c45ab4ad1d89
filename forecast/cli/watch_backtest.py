"""``forecast backtest LIST``: the scores of a watchlist, pooled, as a ranking, and as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from forecast.cli.options import MODELS, DatedOptions, Output, day
from forecast.cli.terminal import BLANK, Part, Table, left, line, listening, right, text
from forecast.errors import InputError, StoppedError
from forecast.wording import count, number, percent, share

if TYPE_CHECKING:
    from forecast.cli.backtest import PlanOptions
    from forecast.watchlist.backtest import ListBacktest


class Where(NamedTuple):
    """Where the parts run, where the result goes, and what becomes of one that is there."""

    jobs: int
    cluster: str | None
    resume: bool
    out: Path
    force: bool


def backtest_list(case: DatedOptions, plan: PlanOptions, where: Where, output: Output) -> None:
    """Forecast every dyad of a list at past dates, score, write and print."""
    from forecast.config.schema import title_of
    from forecast.config.watchlist import load_watchlist

    if case.seed is not None or case.dates is not None:
        raise InputError("--seed and --dates: of a list, use --set sampler.seed=… or --set dates=…")
    if plan.horizons is not None:
        raise InputError("--horizons: a list has its own; use --set horizons=[30,90] or the file")
    loaded = load_watchlist(case.config, tuple(case.overrides or ()), as_of=day(case.as_of))
    with listening(shown=output.for_people) as listen:
        from dataclasses import replace

        from forecast.watchlist.backtest import list_backtest_place, run_list_backtest

        options = plan.read()
        # The model costs a fit at every dyad: a list has its own family.
        if plan.models == MODELS:
            options = replace(options, models=())
        folder = list_backtest_place(loaded, where.out)
        try:
            done = run_list_backtest(
                loaded,
                options,
                folder=folder,
                resume=where.resume,
                force=where.force,
                processes=where.jobs,
                cluster=where.cluster,
                listen=listen,
            )
        except KeyboardInterrupt:
            raise StoppedError(
                f"interrupted; finished parts are kept beside {folder}. Go on with --resume."
            ) from None
    every = [*(one.targets or {} for one in loaded.dyads), loaded.targets]
    titles = {name: one.label or title_of(name) for targets in every for name, one in targets.items()}
    written = line(f"Scores: {folder / 'scores.json'}")
    output.print(done.content | {"folder": str(folder)}, (*list_scores(done, titles), written))


def list_scores(backtest: ListBacktest, titles: Mapping[str, str]) -> Iterator[Part]:
    """Yield the pooled scores, the ranking, the triggers and the list as a whole; ``titles`` of targets."""
    content = backtest.content
    origins = content["origins"]
    yield text(
        f"Backtest of the list {content['name']}: {count(len(backtest.forecasts), 'dyad')}, "
        f"{count(origins['number'], 'origin')} from {origins['first']} to {origins['last']}. Brier and log "
        "score: lower is better; AUC and precision at 5: higher.",
        "bold",
    )
    columns = (
        left("Model", 20),
        right("n", 6),
        right("Brier", 5),
        right("log", 5),
        right("against clim.", 14),
        right("slope", 5),
        right("AUC", 4),
        right("prec5", 5),
    )
    for target, horizon in dict.fromkeys((one["target"], one["horizon_days"]) for one in content["pooled"]):
        cells = [
            one for one in content["pooled"] if (one["target"], one["horizon_days"]) == (target, horizon)
        ]
        yield BLANK
        yield text(f"{titles[target]}, {horizon} days, base rate {percent(cells[0]['base_rate'])}", "bold")
        yield Table(columns, map(_row, cells), gap=1, indent=0)
        (whole,) = [
            one for one in content["list"] if (one["target"], one["horizon_days"]) == (target, horizon)
        ]
        yield text(_as_a_whole(whole), "dim")
    yield BLANK
    yield from _triggers(content)
    for target, learned in content["shared_shock"].items():
        apart, sharing = learned["pooled"]["apart"], learned["pooled"]["sharing"]
        yield text(
            f"Dyads that go together ({titles[target]}): correlation of pairs without a common actor "
            f"{_value(apart)}, with one {_value(sharing)}."
        )
    for name, reason in backtest.left_out.items():
        yield text(f"- {name} is left out: {reason}", "yellow", hang=2)


def _row(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        cell["model"],
        f"{cell['n']:,}",
        _three(cell["brier"]["value"]),
        _three(cell["log"]["value"]),
        _value(cell["log_minus_climatology"], 3),
        _two(cell["calibration_slope"]["value"]),
        _two(cell["auc"]),
        _two(cell["precision_at_5"]),
    )


def _as_a_whole(one: Mapping[str, Any]) -> str:
    shared, gain = one["shared"], one["log_shared_minus_independent"]
    said = (
        f"Number of dyads: {number(shared['number'], 1)} on average, {number(shared['expected'], 1)} "
        f"expected; squared misses over their variance {_two(shared['spread'])} with the shared shock, "
        f"{_two(one['independent']['spread'])} without; log score with less without {_value(gain, 3)}."
    )
    small = one.get("small_lists")
    if small:
        said += (
            f" Lists of {small['dyads']}: any {percent(small['shared']['any'])} forecast "
            f"({percent(small['independent']['any'])} without a shock), happened "
            f"{percent(small['shared']['any_happened'])}."
        )
    return said


def _triggers(content: Mapping[str, Any]) -> Iterator[Part]:
    if not content["triggers"]:
        return
    asked = content["question"]
    yield text(f"Triggers on {asked['target']}, {asked['horizon_days']} days, with their hysteresis", "bold")
    columns = (
        left("Trigger", 12),
        right("from", 5),
        right("false alarms", 12),
        right("misses", 8),
        right("on", 7),
    )
    rows = (
        (
            one["name"],
            percent(one["threshold"]),
            _share(one["false_alarm_rate"]),
            _share(one["miss_rate"]),
            f"{one['alarms']:,}",
        )
        for one in content["triggers"]
    )
    yield Table(columns, rows)


def _share(value: float | None) -> str:
    return "–" if value is None else share(value)


def _value(estimate: Mapping[str, Any], digits: int = 2) -> str:
    value, error = estimate["value"], estimate["se"]
    if value is None:
        return "–"
    return f"{number(value, digits)} ± {'–' if error is None else number(error, digits)}"


def _two(value: float | None) -> str:
    return "–" if value is None else number(value, 2)


def _three(value: float | None) -> str:
    return "–" if value is None else number(value, 3)
