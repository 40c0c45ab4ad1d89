"""The backtest of a list: every dyad at the same past origins, scored by dyad, pooled, and as a list.

Errors come from a block bootstrap over origins, in which all dyads of an origin are drawn together:
neighbours share wars, so that dyads are no separate evidence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.blocks import Alert, Block, Column, Prose, plain_table, right
from forecast.config.watchlist import Watchlist
from forecast.errors import InputError, UnfinishedError
from forecast.evaluation.backtest import BacktestOptions, BacktestPlan, plan_backtest
from forecast.evaluation.forecast_table import COLUMNS, ForecastTable
from forecast.evaluation.metrics import block_length
from forecast.evaluation.score_table import score_forecasts, without_nan
from forecast.evaluation.study import Workers, begin_rows
from forecast.evaluation.units import collect, run_backtests
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable, csv_text
from forecast.progress import Listener
from forecast.report.score_tables import plain_name, value_text
from forecast.runs import files
from forecast.runs.folder import file_hashes, new_run_folder, refuse_existing, write_json
from forecast.runs.inputs import inputs_of
from forecast.storage import write_file
from forecast.watchlist.event_files import events_of, read_files
from forecast.watchlist.list_scores import ListForecasts, list_calibration, pooled_scores, trigger_scores
from forecast.watchlist.ranking import headline_days
from forecast.watchlist.shared_shock import SHIPPED as SHOCK
from forecast.watchlist.shared_shock import LearnedShock, learn_shock, shock_content
from forecast.wording import count, number, percent, share

BASELINE = "panel"
"""The pooled hazard: beside the family of the list in any case."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ListBacktest:
    """A backtest of a list; ``content`` is that of ``scores.json``, ``left_out`` why dyads are not in it."""

    forecasts: Mapping[str, ForecastTable]
    content: dict[str, Any]
    left_out: Mapping[str, str]

    def blocks(self, titles: Mapping[str, str]) -> Iterator[Block]:
        """Yield the pooled scores, the triggers and the list as a whole; ``titles`` are those of targets."""
        content = self.content
        origins = content["origins"]
        yield Prose(
            f"Backtest of the list {content['name']}: {count(len(self.forecasts), 'dyad')}, "
            f"{count(origins['number'], 'origin')} from {origins['first']} to {origins['last']}. Brier and "
            "log score: lower is better; AUC and precision at 5: higher."
        )
        pooled: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
        for cell in content["pooled"]:
            pooled.setdefault((cell["target"], cell["horizon_days"]), []).append(cell)
        whole = {(cell["target"], cell["horizon_days"]): cell for cell in content["list"]}
        for (target, days), cells in pooled.items():
            title = f"{titles[target]}, {days} days, base rate {percent(cells[0]['base_rate'])}"
            yield plain_table(_POOLED_HEADS, map(_pooled_row, cells), title)
            yield Prose(_as_a_whole(whole[target, days]), tone="fine")
        if content["triggers"]:
            asked = content["question"]
            title = f"Triggers on {titles[asked['target']]}, {asked['horizon_days']} days, with hysteresis"
            yield plain_table(_TRIGGER_HEADS, map(_trigger_row, content["triggers"]), title)
        for target, learned in content["shared_shock"].items():
            apart, sharing = learned["pooled"]["apart"], learned["pooled"]["sharing"]
            yield Prose(
                f"Dyads that go together ({titles[target]}): correlation of pairs without a common actor "
                f"{_estimate(apart)}, with one {_estimate(sharing)}."
            )
        if self.left_out:
            yield Alert(
                text="Left out",
                items=tuple(f"{name}: {reason}" for name, reason in self.left_out.items()),
                tone="caution",
            )


_POOLED_HEADS: tuple[Column | str, ...] = (
    "Model",
    *map(right, ("n", "Brier", "log", "against clim.", "slope", "AUC", "prec5")),
)
_TRIGGER_HEADS: tuple[Column | str, ...] = ("Trigger", *map(right, ("from", "false alarms", "misses", "on")))


def _pooled_row(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        plain_name(cell["model"]),
        f"{cell['n']:,}",
        _fixed(cell["brier"]["value"], 3),
        _fixed(cell["log"]["value"], 3),
        _estimate(cell["log_minus_climatology"], 3),
        _fixed(cell["calibration_slope"]["value"]),
        _fixed(cell["auc"]),
        _fixed(cell["precision_at_5"]),
    )


def _trigger_row(trigger: Mapping[str, Any]) -> tuple[str, ...]:
    shares = (trigger["false_alarm_rate"], trigger["miss_rate"])
    false, missed = ("–" if part is None else share(part) for part in shares)
    return trigger["name"], percent(trigger["threshold"]), false, missed, f"{trigger['alarms']:,}"


def _as_a_whole(cell: Mapping[str, Any]) -> str:
    shared, gain = cell["shared"], cell["log_shared_minus_independent"]
    said = (
        f"Number of dyads: {number(shared['number'], 1)} on average, {number(shared['expected'], 1)} "
        f"expected; squared misses over their variance {_fixed(shared['spread'])} with the shared shock, "
        f"{_fixed(cell['independent']['spread'])} without; log score with less without {_estimate(gain, 3)}."
    )
    small = cell.get("small_lists")
    if small:
        said += (
            f" Lists of {small['dyads']}: any {percent(small['shared']['any'])} forecast "
            f"({percent(small['independent']['any'])} without a shock), happened "
            f"{percent(small['shared']['any_happened'])}."
        )
    return said


def _estimate(estimate: Mapping[str, Any], digits: int = 2) -> str:
    return value_text(estimate["value"], estimate["se"], digits)


def _fixed(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else number(value, digits)


def run_list_backtest(
    watchlist: Watchlist,
    options: BacktestOptions,
    *,
    folder: Path,
    resume: bool = False,
    force: bool = False,
    processes: int = 1,
    cluster: str | None = None,
    listen: Listener | None = None,
) -> ListBacktest:
    """Forecast every dyad of a list at past origins, score, and write the folder.

    The horizons of ``options`` are those of the list; ``folder`` and what follows are as for
    ``run_backtest``.

    Raises
    ------
    InputError
        The list, its files or the options cannot be used, or no dyad can be forecast at any origin.
    UnfinishedError
        Some part failed, or Ctrl-C was pressed; the others are kept.
    """
    refuse_existing(folder, force=force, kind="backtest")
    asked = replace(options, horizons=horizons_of(watchlist), models=models_of(watchlist, options))
    plans, events, left_out = _plans(watchlist, asked)
    settings = {name: plan.settings(events[name].sha256) for name, plan in plans.items()}
    rows = begin_rows(folder.with_name(f"{folder.name}.partial"), settings, resume=resume, force=force)
    workers = Workers(processes, cluster)
    results, study = run_backtests(plans, events, rows=rows, workers=workers, listen=listen)
    if study.failures:
        raise UnfinishedError(
            f"{len(study.failures)} parts failed.\n{study.listed_failures}\nTry them again: --resume."
        )
    forecasts = {name: collect(plan, events[name], results[name]) for name, plan in plans.items()}
    content, shocks = _content(watchlist, plans, forecasts)
    content["left_out"] = dict(left_out)
    with new_run_folder(folder, force=force, kind="backtest") as filling:
        write_json(content, filling / files.SCORES)
        write_file(filling / files.FORECASTS, _csv(forecasts))
        write_json(shocks, filling / SHOCK)
        made = {"kind": "backtest", "made_on": datetime.now(UTC).date().isoformat()}
        write_json(made | {"outputs_sha256": file_hashes(filling)}, filling / files.MANIFEST)
    shutil.rmtree(rows.folder, ignore_errors=True)
    return ListBacktest(forecasts, content, left_out)


def horizons_of(watchlist: Watchlist) -> tuple[int, ...]:
    """Days ahead of the milestones of a list."""
    return tuple(sorted({(one.date - watchlist.as_of).days for one in watchlist.shared_milestones}))


def models_of(watchlist: Watchlist, options: BacktestOptions) -> tuple[str, ...]:
    """Return the models asked for, or the family of the list, and the pooled hazard in any case."""
    asked = options.models or (watchlist.model.family,)
    return tuple(dict.fromkeys((*asked, BASELINE)))


def _plans(
    watchlist: Watchlist, options: BacktestOptions
) -> tuple[dict[str, BacktestPlan], dict[str, EventTable], dict[str, str]]:
    """Plan every dyad on its own record; one that cannot be forecast is left out, with the reason."""
    files_read = read_files(watchlist)
    plans: dict[str, BacktestPlan] = {}
    events: dict[str, EventTable] = {}
    left_out: dict[str, str] = {}
    for position, dyad in enumerate(watchlist.dyads):
        found = events_of(DyadRule(dyad.side_a, dyad.side_b, dyad.theatre), files_read)
        if found is None:
            left_out[dyad.key] = "no act between the two sides"
            continue
        try:
            inputs = inputs_of(watchlist.config_of(position, found.table.source), found.table)
            plans[dyad.key] = plan_backtest(inputs, options)
            events[dyad.key] = inputs.events
        except InputError as error:
            left_out[dyad.key] = str(error)
    if not plans:
        listed = "\n".join(f"  {name}: {reason}" for name, reason in left_out.items())
        raise InputError(f"no dyad of the list can be forecast at past origins.\n{listed}")
    return plans, events, left_out


def _content(
    watchlist: Watchlist, plans: Mapping[str, BacktestPlan], tables: Mapping[str, ForecastTable]
) -> tuple[dict[str, Any], dict[str, Any]]:
    seed = watchlist.sampler.seed
    first = next(iter(plans.values()))
    rules = {one.key: DyadRule(one.side_a, one.side_b, one.theatre) for one in watchlist.dyads}
    dyads = tuple(plans)
    models = tuple(dict.fromkeys(name for table in tables.values() for name in table.models))
    pooled, ranked, calibration, shocks = [], [], [], dict[str, list[LearnedShock]]()
    origins = sorted({origin for plan in plans.values() for origin in plan.origins})
    for target in dict.fromkeys(name for table in tables.values() for name in table.targets):
        for horizon in first.horizons:
            by_model = {model: ListForecasts.of(tables, target, horizon, model, origins) for model in models}
            block = block_length(np.array(origins, "datetime64[D]"), horizon)
            cells = pooled_scores(by_model, block, seed)
            pooled += [{"target": target, "horizon_days": horizon, **cell} for cell in cells]
            own = by_model[watchlist.model.family]
            sharing = _sharing([rules[name] for name in dyads])
            learned = learn_shock(own.probability, own.outcome, sharing, horizon, max(block, 12), seed)
            shocks.setdefault(target, []).append(learned)
            found = list_calibration(own, [rules[name] for name in dyads], learned, block, seed)
            calibration.append({"target": target, "horizon_days": horizon, **found})
            if target == watchlist.asked.target and horizon == headline_days(watchlist):
                ranked = trigger_scores(own, watchlist.triggers, watchlist.hysteresis)
    scores = {name: score_forecasts(table, seed=seed).to_dict() for name, table in tables.items()}
    content: dict[str, Any] = {
        "schema": 1,
        "kind": "list",
        "name": watchlist.name,
        "as_of": watchlist.as_of.isoformat(),
        "model": watchlist.model.family,
        "hysteresis": watchlist.hysteresis,
        "question": {"target": watchlist.asked.target, "horizon_days": headline_days(watchlist)},
        "origins": {"number": len(origins), "first": origins[0].isoformat(), "last": origins[-1].isoformat()},
        "pooled": pooled,
        "list": calibration,
        "triggers": ranked,
        "dyads": [{"name": name, **one} for name, one in scores.items()],
    }
    source = (
        f"{len(dyads)} dyads of the list {watchlist.name}, {origins[0]} to {origins[-1]}, monthly origins"
    )
    provenance = {"source": source, "model": watchlist.model.family, "dyads": list(dyads)}
    by_target = {target: shock_content(found, provenance) for target, found in shocks.items()}
    content["shared_shock"] = by_target
    # The first target's is what a list of its own would be played with.
    plain: dict[str, Any] = json.loads(json.dumps(without_nan(content)))
    return plain, json.loads(json.dumps(without_nan(by_target[watchlist.asked.target])))


def _sharing(rules: Sequence[DyadRule]) -> NDArray[np.bool_]:
    """Which pairs of dyads have an actor on a side in common, shape (dyad, dyad)."""
    sides = [{*one.a, *one.b} for one in rules]
    return np.array([[bool(one & other) for other in sides] for one in sides])


def _csv(tables: Mapping[str, ForecastTable]) -> str:
    rows = (
        (name, *row)
        for name, table in tables.items()
        for row in zip(*(getattr(table, column).tolist() for column in COLUMNS), strict=True)
    )
    return csv_text([("dyad", *COLUMNS), *([str(cell) for cell in row] for row in rows)])
