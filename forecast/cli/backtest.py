"""``forecast backtest``: forecasts at past origins, scored beside the baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from forecast.cli.score_tables import model_legend, score_table, value_text
from forecast.cli.terminal import BLANK, Part, Table, left, line, listening, right, text
from forecast.errors import InputError, UnfinishedError
from forecast.records.horizons import LISTED
from forecast.wording import count, listing, number, percent, share

if TYPE_CHECKING:
    from forecast.evaluation.backtest import BacktestOptions
    from forecast.watchlist.backtest import ListBacktest
    from forecast.workflows.backtest import Backtest

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

    if is_watchlist(case.config):
        _backtest_list(case, plan, place, output)
        return
    loaded = case.load()

    with listening(shown=output.for_people) as listen:
        from forecast.workflows.backtest import backtest_place, partial_place, run_backtest

        options = plan.read()
        folder = backtest_place(loaded, place.out)
        done = run_backtest(
            loaded,
            options,
            folder=folder,
            resume=place.resume,
            force=place.force,
            processes=plan.jobs,
            cluster=place.cluster,
            listen=listen,
        )
    titles = {name: loaded.target_title(name) for name in loaded.targets}
    facts = done.content | {"folder": None if done.failures else str(folder)}
    files = {"Scores": "scores.json", "Figures": "figures"} if not done.failures else {}
    written = (line(f"{name:<9}{folder / file}") for name, file in files.items())
    output.print(facts, (*backtest_scores(done, titles), *written))
    if done.failures:
        failed = "\n".join(f"  {failure}" for failure in done.failures)
        raise UnfinishedError(
            f"{len(done.failures)} of {done.n_units} parts failed; the scores are those of the others.\n"
            f"{failed}\nFinished parts are kept in {partial_place(folder)}. Try the others again: --resume."
        )


def backtest_scores(backtest: Backtest, titles: Mapping[str, str]) -> Iterator[Part]:
    """Yield the scores of a backtest (``titles``: of its targets), in words too, and what must be known."""
    plan, scores = backtest.plan, backtest.scores
    first, last = plan.origins[0], plan.origins[-1]
    yield text(
        f"Backtest: {count(len(plan.origins), 'origin')} from {first} to {last}, data to {plan.data_end}. "
        "Brier and log score: lower is better, * marks the best."
    )
    models = backtest.forecasts.models
    for target in backtest.forecasts.targets:
        cells = [cell for cell in scores.cells if cell.target == target]
        horizons = sorted({cell.horizon_days for cell in cells})
        yield BLANK
        yield text(titles.get(target, target), "bold")
        shown = {cell.horizon_days: cell for cell in reversed(cells)}
        windows = (f"of {days} days {shown[days].n}, {share(shown[days].base_rate)}" for days in horizons)
        yield text(f"Windows, and share in which it happened: {'; '.join(windows)}.", "dim")
        rows = []
        for days in horizons:
            here = [cell for cell in cells if cell.horizon_days == days]
            rows.append((f"{days:>4} d  Brier", {cell.model: cell.brier.value for cell in here}))
            rows.append((f"{'':>4}    log", {cell.model: cell.log.value for cell in here}))
        yield score_table(models, rows)
        yield from _verdicts(backtest, target, horizons)
    yield BLANK
    yield from _overall(backtest)
    yield model_legend(models)
    for note in (*backtest.notes, *_cautions(backtest, titles)):
        yield text(f"- {note}", "yellow", hang=2)


def _cautions(backtest: Backtest, titles: Mapping[str, str]) -> Iterator[str]:
    """Say of which questions little is known, all in one sentence, and which forecasts are missing."""
    from forecast.evaluation.score_table import FEWEST_OUTCOMES
    from forecast.workflows.backtest import best_models

    few: dict[str, list[str]] = {}
    absent = []
    for target, days in best_models(backtest.scores):
        cells = [cell for cell in backtest.scores.cells if (cell.target, cell.horizon_days) == (target, days)]
        most = max(cell.n for cell in cells)
        hits = round(cells[-1].base_rate * cells[-1].n)
        if min(hits, cells[-1].n - hits) < FEWEST_OUTCOMES:
            few.setdefault(titles.get(target, target), []).append(str(days))
        absent += [
            f"{titles.get(target, target)}, {days} days: {cell.model} has {cell.n} of {most} forecasts."
            for cell in cells
            if cell.n < most
        ]
    if few:
        listed = "; ".join(f"{title} at {listing(tuple(days))} days" for title, days in few.items())
        yield (
            f"Fewer than {FEWEST_OUTCOMES} windows with, or without, the target, so that no skill is "
            f"claimed: {listed}."
        )
    yield from absent


def _verdicts(backtest: Backtest, target: str, horizons: Sequence[int]) -> Iterator[Part]:
    """Say where a baseline is more accurate than our model, and what may be claimed of its skill."""
    from forecast.baselines.methods import BASELINES
    from forecast.report.palette import name_model

    model, scores = backtest.model, backtest.scores
    cells = {(cell.horizon_days, cell.model): cell for cell in scores.cells if cell.target == target}
    for days in horizons:
        ours = cells.get((days, model))
        theirs = [cells[days, name] for name in BASELINES if (days, name) in cells]
        if ours is None or not theirs:
            continue
        best = min(theirs, key=lambda cell: cell.brier.value)
        says = "beats every baseline"
        if best.brier.value < ours.brier.value:
            says = f"is behind {name_model(best.model)}"
        said = (
            f"{days} days: the {name_model(model)} {says} (Brier {ours.brier.value:.3f}, "
            f"{name_model(best.model)} {best.brier.value:.3f})."
        )
        # Against a reference that is all but perfect a skill is a huge number without a meaning.
        if ours.skill and abs(ours.skill.brier.value) < 10:
            low, high = (_signed_percent(value) for value in ours.skill.brier.interval90)
            against = f"against {name_model(ours.skill.reference)}"
            said += (
                f" Skill {against} {_signed_percent(ours.skill.brier.value)}, 90% interval {low} to {high}."
            )
        yield text(said, "yellow" if best.brier.value < ours.brier.value else "", hang=2)


def _overall(backtest: Backtest) -> Iterator[Part]:
    from forecast.baselines.methods import BASELINES
    from forecast.evaluation.score_table import compare_models
    from forecast.report.palette import name_model

    forecasts, model = backtest.forecasts, backtest.model
    if model not in forecasts.models:
        return
    seed = backtest.plan.sampler.seed
    compared = {name: compare_models(forecasts, model, name, seed=seed) for name in BASELINES}
    best = max(compared, key=lambda name: compared[name].value)
    difference = compared[best]
    word = "better" if difference.value < 0 else "worse"
    sure = difference.interval90[0] > 0 or difference.interval90[1] < 0
    yield text(
        f"Over all targets and horizons the log score of the {name_model(model)} is "
        f"{number(abs(difference.value), 3)} {word} than that of the best baseline, {name_model(best)} "
        f"(standard error {number(difference.se, 3)}"
        f"{'' if sure else ': not distinguishable'}).",
        "bold",
    )


def _signed_percent(value: float) -> str:
    return f"{number(100 * value, 0)}%"


def _backtest_list(case: DatedOptions, plan: PlanOptions, place: PlaceOptions, output: Output) -> None:
    """Forecast every dyad of a list at past dates, score, write and print."""
    from forecast.config.schema import title_of
    from forecast.config.watchlist import load_watchlist

    if case.seed is not None or case.dates is not None:
        raise InputError("--seed and --dates: of a list, use --set sampler.seed=… or --set dates=…")
    if plan.horizons is not None:
        raise InputError("--horizons: a list has its own; use --set horizons=[30,90] or the file")
    loaded = load_watchlist(case.config, tuple(case.overrides or ()), as_of=day(case.as_of))
    with listening(shown=output.for_people) as listen:
        from forecast.watchlist.backtest import list_backtest_place, run_list_backtest

        options = plan.read()
        # The model costs a fit at every dyad: a list has its own family.
        if plan.models == MODELS:
            options = replace(options, models=())
        folder = list_backtest_place(loaded, place.out)
        done = run_list_backtest(
            loaded,
            options,
            folder=folder,
            resume=place.resume,
            force=place.force,
            processes=plan.jobs,
            cluster=place.cluster,
            listen=listen,
        )
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
        yield Table(columns, map(_list_row, cells), gap=1, indent=0)
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


def _list_row(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        cell["model"],
        f"{cell['n']:,}",
        _fixed(cell["brier"]["value"], 3),
        _fixed(cell["log"]["value"], 3),
        _value(cell["log_minus_climatology"], 3),
        _fixed(cell["calibration_slope"]["value"]),
        _fixed(cell["auc"]),
        _fixed(cell["precision_at_5"]),
    )


def _as_a_whole(one: Mapping[str, Any]) -> str:
    shared, gain = one["shared"], one["log_shared_minus_independent"]
    said = (
        f"Number of dyads: {number(shared['number'], 1)} on average, {number(shared['expected'], 1)} "
        f"expected; squared misses over their variance {_fixed(shared['spread'])} with the shared shock, "
        f"{_fixed(one['independent']['spread'])} without; log score with less without {_value(gain, 3)}."
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
    return value_text(estimate["value"], estimate["se"], digits)


def _fixed(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else number(value, digits)
