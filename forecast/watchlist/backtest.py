"""The backtest of a list: every dyad at the same past origins, its rows joined to outcomes and scored.

Scores are those of each dyad, of all dyads pooled, of the ranking and of the triggers. Errors come from a
block bootstrap over origins, in which all dyads of an origin are drawn together: neighbours share wars, so
that dyads are no separate evidence.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from forecast.baselines import REFERENCE
from forecast.blocks import Alert, Block, Column, Prose, plain_table, right
from forecast.config.watchlist import Watchlist
from forecast.errors import InputError, UnfinishedError
from forecast.evaluation.metrics import area_under_roc
from forecast.evaluation.past_forecasts import (
    BacktestOptions,
    BacktestPlan,
    collect,
    plan_backtest,
    run_backtests,
)
from forecast.evaluation.score_table import (
    ForecastTable,
    join_forecasts,
    score_by,
    score_forecasts,
    without_nan,
)
from forecast.evaluation.study import KeptRows, Workers
from forecast.events.table import EventTable
from forecast.phrases.record import list_backtest_span
from forecast.phrases.watch import left_out_text
from forecast.progress import Listener
from forecast.records.analysis import FEWEST_EPISODES, FEWEST_OUTCOMES
from forecast.records.notices import Notice, notice
from forecast.records.watch import Failure, HorizonSkill, TriggerRecord
from forecast.report.palette import name_model
from forecast.report.tables import value_text
from forecast.runs import files
from forecast.runs.files import file_hashes, new_run_folder, refuse_existing, write_json
from forecast.runs.inputs import inputs_of
from forecast.storage import read_json
from forecast.watchlist.changes import trigger_state
from forecast.watchlist.events import events_of, read_files
from forecast.wording import number, percent, share

TOP = 5


@dataclass(frozen=True)
class ListBacktest:
    """A backtest of a list; ``content`` is that of ``scores.json``."""

    forecasts: ForecastTable
    content: dict[str, Any]

    def blocks(self, titles: Mapping[str, str]) -> Iterator[Block]:
        """Yield the pooled scores and the triggers; ``titles`` are those of targets."""
        content = self.content
        origins, question, left_out = content["origins"], content["question"], content["left_out"]
        yield Prose(list_backtest_span(content["name"], len(content["dyads"]), origins))
        heads = map(right, ("n", "Brier", "log", "less share", "slope", "AUC", "prec5"))
        columns: list[Column | str] = ["Model", *heads]
        for (target, days), group in groupby(content["pooled"], itemgetter("target", "horizon_days")):
            cells = list(group)
            title = f"{titles[target]}, {days} days, base rate {percent(cells[0]['base_rate'])}"
            yield plain_table(columns, map(_pooled_row, cells), title)
        if content["triggers"]:
            title = (
                f"Triggers on {titles[question['target']]}, {question['horizon_days']} days, with hysteresis"
            )
            columns = ["Trigger", *map(right, ("from", "false alarms", "misses", "on"))]
            yield plain_table(columns, map(_trigger_row, content["triggers"]), title)
        if left_out:
            failures = {name: Failure.model_validate(reason) for name, reason in left_out.items()}
            reasons = tuple(f"{name}: {left_out_text(reason)}" for name, reason in failures.items())
            yield Alert(text="Left out", items=reasons, tone="caution")


def _pooled_row(cell: Mapping[str, Any]) -> tuple[str, ...]:
    gain = cell["log_minus_climatology"]
    return (
        name_model(cell["model"]),
        f"{cell['n']:,}",
        number(cell["brier"]["value"], 3),
        number(cell["log"]["value"], 3),
        value_text(gain["value"], gain["se"], 3),
        *(
            "–" if value is None else number(value)
            for value in (cell["calibration_slope"]["value"], cell["auc"], cell["precision_at_5"])
        ),
    )


def _trigger_row(trigger: Mapping[str, Any]) -> tuple[str, ...]:
    rates = known_rates(trigger)
    shown = ("–" if rates[part] is None else share(rates[part]) for part in ("false_alarm_rate", "miss_rate"))
    return trigger["name"], percent(trigger["threshold"]), *shown, f"{trigger['alarms']:,}"


def run_list_backtest(
    watchlist: Watchlist,
    options: BacktestOptions,
    *,
    folder: Path,
    force: bool = False,
    processes: int = 1,
    cluster: str | None = None,
    listen: Listener | None = None,
) -> ListBacktest:
    """Forecast every dyad of a list at past origins, score, and write the folder; as ``run_backtest``.

    The horizons are those of the list, whatever ``options`` say.

    Raises ``InputError``: the list, its files or the options cannot be used, or no dyad can be forecast at
    any origin; ``UnfinishedError``: some part failed, or Ctrl-C was pressed; the others are kept.
    """
    refuse_existing(folder, force=force, kind="backtest")
    # The pooled hazard stands beside the family of the list in any case.
    models = dict.fromkeys((*(options.models or (watchlist.model.family,)), "pooled_hazard"))
    options = replace(options, horizons=tuple(sorted({*watchlist.days_ahead.values()})), models=tuple(models))
    plans, events, left_out = _plans(watchlist, options)
    rows = KeptRows.beside(folder)
    results, failures = run_backtests(
        plans, events, rows=rows, workers=Workers(processes, cluster), listen=listen
    )
    if failures:
        listed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(f"{len(failures)} parts failed.\n{listed}\nTry again: the same command.")
    forecasts = join_forecasts(collect(plan, events[name], results[name]) for name, plan in plans.items())
    content = _content(watchlist, plans, forecasts)
    content["left_out"] = {name: why.model_dump(mode="json") for name, why in left_out.items()}
    with new_run_folder(folder, force=force, kind="backtest") as filling:
        write_json(content, filling / files.SCORES)
        forecasts.write_csv(filling / files.FORECASTS)
        made = {"kind": "backtest", "made_on": datetime.now(UTC).date().isoformat()}
        write_json(made | {"outputs_sha256": file_hashes(filling)}, filling / files.MANIFEST)
    shutil.rmtree(rows.folder, ignore_errors=True)
    return ListBacktest(forecasts, content)


def _plans(
    watchlist: Watchlist, options: BacktestOptions
) -> tuple[dict[str, BacktestPlan], dict[str, EventTable], dict[str, Failure]]:
    """Plan every dyad on its own record; one that cannot be forecast is left out, with the reason."""
    event_files = read_files(watchlist)
    plans: dict[str, BacktestPlan] = {}
    events: dict[str, EventTable] = {}
    left_out: dict[str, Failure] = {}
    for position, dyad in enumerate(watchlist.dyads):
        acts = events_of(dyad.rule, event_files)
        if acts is None:
            left_out[dyad.key] = Failure(code="no_events")
            continue
        try:
            inputs = inputs_of(watchlist.config_of(position, acts.table.source), acts.table)
            plans[dyad.key] = plan_backtest(inputs, options)
            events[dyad.key] = inputs.events
        except InputError as error:
            left_out[dyad.key] = Failure(code="bad_input", error=str(error))
    if not plans:
        listed = "\n".join(f"  {name}: {left_out_text(reason)}" for name, reason in left_out.items())
        raise InputError(f"no dyad of the list can be forecast at past origins.\n{listed}")
    return plans, events, left_out


def _content(
    watchlist: Watchlist, plans: Mapping[str, BacktestPlan], forecasts: ForecastTable
) -> dict[str, Any]:
    """Return what ``scores.json`` holds."""
    seed = watchlist.sampler.seed
    dyads = list(plans)
    origins = sorted({origin for plan in plans.values() for origin in plan.origins})
    question = _question(watchlist)
    pooled, triggers = [], list[dict[str, Any]]()
    for target in forecasts.targets:
        for days in forecasts.horizons:
            cell = {"target": target, "horizon_days": days}
            asked = forecasts.select(**cell)
            pooled += [cell | scored for scored in pooled_scores(asked, seed=seed)]
            if cell == question:
                ours = asked.select(who=watchlist.model.family)
                triggers = trigger_scores(ours, watchlist.triggers, watchlist.hysteresis)
    content = {
        "schema": 2,
        "kind": "list",
        "name": watchlist.name,
        "as_of": watchlist.as_of.isoformat(),
        "model": watchlist.model.family,
        "settings": tested_settings(watchlist),
        "hysteresis": watchlist.hysteresis,
        "question": question,
        "origins": {"number": len(origins), "first": origins[0].isoformat(), "last": origins[-1].isoformat()},
        "pooled": pooled,
        "triggers": triggers,
        "dyads": [
            {"name": name, **score_forecasts(forecasts.select(what=name), seed=seed).to_dict()}
            for name in dyads
        ],
    }
    plain: dict[str, Any] = json.loads(json.dumps(without_nan(content)))
    return plain


def pooled_scores(table: ForecastTable, *, seed: int) -> Iterator[dict[str, Any]]:
    """Scores of each model over all dyads and origins, and its difference from climatology.

    ``table`` is of one target and horizon; only windows that every model forecasts count.
    """
    scores = score_by(table, "who", seed=seed)
    shared = reduce(np.intersect1d, (score.window for score in scores.values()))
    scores = {key: score.on(shared) for key, score in scores.items()}
    for (model,), score in scores.items():
        gain, slope = score.minus(scores[REFERENCE,]), score.line[1]
        yield {
            "model": model,
            "n": score.n,
            "base_rate": score.base_rate,
            "brier": asdict(score.brier),
            "log": asdict(score.log),
            "log_minus_climatology": gain and asdict(gain),
            "calibration_slope": {"value": slope.value, "se": slope.se},
            "auc": area_under_roc(score.rows.chance, score.rows.outcome),
            **ranking_scores(score.rows),
        }


def ranking_scores(table: ForecastTable) -> dict[str, float]:
    """AUC of one model within an origin; and precision at 5: the hits of the five likeliest of more dyads."""
    areas, precisions = [], []
    for origin in np.unique(table.origin):
        rows = table.select(origin=origin)
        if np.isfinite(area := area_under_roc(rows.chance, rows.outcome)):
            areas.append(area)
        if len(rows) > TOP:
            chosen = np.argsort(-rows.chance, kind="stable")[:TOP]
            precisions.append(rows.outcome[chosen].mean())
    return {
        "auc_within_origin": float(np.mean(areas)) if areas else np.nan,
        "precision_at_5": float(np.mean(precisions)) if precisions else np.nan,
    }


def trigger_scores(
    table: ForecastTable, triggers: Mapping[str, float], hysteresis: float
) -> list[dict[str, Any]]:
    """False alarms and misses of each trigger, with its hysteresis, over all dyads and origins.

    The first is the share of windows with the trigger (or a higher one) on that stayed quiet; the second that
    of windows with the target in which it was off. ``table`` is of one question and model, sorted by origin.
    """
    held: dict[str, str | None] = {}
    level = []
    for dyad, chance in zip(table.what.tolist(), table.chance.tolist(), strict=True):
        held[dyad] = trigger_state(chance, triggers, hysteresis, held.get(dyad))
        level.append([None, *triggers].index(held[dyad]))
    scores, hit = [], table.outcome == 1
    for place, (name, threshold) in enumerate(triggers.items(), start=1):
        on = np.array(level) >= place
        scores.append(
            {
                "name": name,
                "threshold": threshold,
                "false_alarm_rate": float(np.mean(~hit[on])) if on.any() else None,
                "miss_rate": float(np.mean(~on[hit])) if hit.any() else None,
                "windows": len(table),
                "alarms": int(on.sum()),
                "hits": int(hit.sum()),
            }
        )
    return scores


# What a watch knows of the backtest of its list


def trigger_records(watchlist: Watchlist, scored: Mapping[str, Any]) -> tuple[TriggerRecord, ...]:
    """Return the triggers, with false-alarm and miss rates where a backtest is of the same question."""
    same = (scored.get("question"), scored.get("hysteresis")) == (_question(watchlist), watchlist.hysteresis)
    known = scored["triggers"] if same else ()
    found = {(trigger["name"], trigger["threshold"]): trigger for trigger in known}
    return tuple(
        TriggerRecord(name=name, threshold=threshold, **known_rates(found.get((name, threshold), {})))
        for name, threshold in watchlist.triggers.items()
    )


def _question(watchlist: Watchlist) -> dict[str, Any]:
    asked = watchlist.asked
    return {"target": asked.target, "horizon_days": watchlist.days_ahead[asked.milestone]}


def known_rates(scored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rates of a trigger, ``None`` where fewer than ``FEWEST_EPISODES`` of a kind stand behind."""
    known = [scored.get(name) or 0 for name in ("windows", "hits", "alarms")]
    enough = min(known[0] - known[1], *known[1:]) >= FEWEST_EPISODES
    rates = {name: scored.get(name) if enough else None for name in ("false_alarm_rate", "miss_rate")}
    return rates | {"windows": scored.get("windows")}


def skill_records(watchlist: Watchlist, scored: Mapping[str, Any]) -> Iterator[HorizonSkill]:
    """Yield how the model of a list did in a backtest on the target that ranks, by horizon."""
    cells = {
        (cell["horizon_days"], cell["model"]): cell
        for cell in scored.get("pooled", ())
        if cell["target"] == watchlist.asked.target
    }
    for (days, model), ours in cells.items():
        theirs = cells.get((days, REFERENCE))
        if model != watchlist.model.family or not theirs or not ours["log_minus_climatology"]:
            continue
        gain, n = ours["log_minus_climatology"], ours["n"]
        hits = round(n * ours["base_rate"])
        fewest = min(hits, n - hits)
        enough = fewest >= FEWEST_OUTCOMES and None not in gain["interval90"]
        ours_right, theirs_right = (
            cell["auc_within_origin"] if fewest >= FEWEST_EPISODES else None for cell in (ours, theirs)
        )
        yield HorizonSkill(
            horizon_days=days,
            n=n,
            hits=hits,
            log=ours["log"]["value"],
            climatology_log=theirs["log"]["value"],
            difference=gain["value"],
            interval90=gain["interval90"] if enough else None,
            calibration_slope=ours["calibration_slope"]["value"],
            ranked_right=ours_right,
            climatology_ranked_right=theirs_right,
        )


def tested_settings(watchlist: Watchlist) -> str:
    """Hash of what a backtest of a list rests on, but for events, day, horizons and triggers."""
    rests_on = {"dyads", "targets", "scale", "start", "model"}
    # Without defaults, so that a new key changes no hash.
    asked = watchlist.model_dump_json(
        include=rests_on, exclude={"dyads": {"__all__": {"label"}}}, exclude_defaults=True
    )
    return hashlib.sha256(asked.encode()).hexdigest()


def read_backtest(watchlist: Watchlist, place: Path) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return the scores of the backtest in the folder of a list, or in its ``track_record``.

    They are empty without one; a notice says that one is there which cannot speak for this list and day.
    """
    folders = [place / files.BACKTEST]
    if watchlist.track_record:
        folders.append(watchlist.base_folder / Path(watchlist.track_record).expanduser())
        if not (folders[-1] / files.SCORES).is_file():
            problem = f"{folders[-1]} holds no {files.SCORES}. Give a folder that 'forecast backtest' made"
            raise watchlist.error(("track_record",), problem)
    unused: tuple[Notice, ...] = ()
    for path in (folder / files.SCORES for folder in folders):
        try:
            content = json.loads(read_json(path))
            same = content["settings"] == tested_settings(watchlist)
            if same and content["as_of"] <= watchlist.as_of.isoformat():
                return content, ()
            unused = (notice("other_list_tested"),)
        except OSError:
            continue
        except (ValueError, LookupError, TypeError):
            unused = (notice("unreadable_backtest"),)
    return {}, unused
