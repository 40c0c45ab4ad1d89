"""Write the measured tables of ``docs/validation.md`` from what ``tools/bench.py --json`` printed.

    python tools/docs/validation.py mid.json panel.json us-china.json [--page docs/validation.md]

The tables of a bed take the place of what stands between ``<!-- measured: NAME -->`` and ``<!-- end -->``;
without ``--page`` they are printed. The head of the page says how to read them.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
OURS = ("combined", "pooled_hazard", "model")
BRIEF = 6
"""Worst forecasts of each target of a bed with several."""
LEAST = 0.0005
WIDTH = 125
GAMMA = "`gamma_poisson`"
REFERENCES = {"gamma_poisson": GAMMA, "last_forecast": "its last forecast"}
"""What the T-tests set a forecast against, and how the page names it."""


def short(value: float | None, digits: int = 3) -> str:
    """``0.357`` as ``.357``; a dash where there is no number."""
    if value is None:
        return "–"
    text = f"{abs(value):.{digits}f}"
    return ("−" if value < 0 else "") + (text.removeprefix("0") if digits > 2 else text)


def with_error(value: float | None, error: float | None, digits: int = 3) -> str:
    """``.357 ± .012``."""
    return short(value, digits) + ("" if value is None or error is None else f" ± {short(error, digits)}")


def signed(value: float, error: float | None) -> str:
    """``+.012 ± .003``."""
    return ("+" if value >= 0 else "") + with_error(value, error)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table and an empty one."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def bed_lines(content: Mapping[str, Any]) -> Iterator[str]:
    """Everything on a bed: target by target, and what the command warned of."""
    targets = content["targets"]
    yield from test_lines(content["tests"])
    for name, scores in targets.items():
        if len(targets) > 1:
            yield f"**{name.replace('_', ' ')}**"
            yield ""
        yield from target_lines(scores, brief=len(targets) > 1)
    silent = [one["dyad"] for one in content["coverage"] if one["silent"]]
    if silent:
        yield f"Silent for longer than their pace allows at the end: {', '.join(silent)}."
        yield ""
    fits = content["fits"]
    yield f"Fits: {fits['made']}; failed a gate: {fits['failed']}."


def test_lines(tests: Mapping[str, Any]) -> Iterator[str]:
    """N-test and T-tests of each model and target, failures first; nothing where no model was fitted."""
    gains = {(one["model"], one["target"], one["reference"]): one for one in tests["gain"]}
    numbers = {(one["model"], one["target"]): one for one in tests["number"]}
    rows = []
    for model, target in dict.fromkeys([*numbers, *((model, target) for model, target, _ in gains)]):
        if target is None and len({target for _, target in numbers}) == 1:
            continue
        counts = ["", "", ""]
        if one := numbers.get((model, target)):
            low, high = one["interval90"]
            counts = [str(one["observed"]), f"{one['expected']:.1f} ({low}–{high})", one["verdict"]]
        over = [gain_cell(gains[model, target, reference]) for reference in REFERENCES]
        rows.append(((target or "all").replace("_", " "), f"`{model}`", *counts, *over))
    if rows:
        head = (f"tests, {tests['number'][0]['horizon_days']} d", "", "came", "foreseen", "N-test")
        yield from table((*head, *(f"nats over {told}" for told in REFERENCES.values())), rows)


def gain_cell(gain: Row) -> str:
    """What a window with the target gains, and the verdict of the T-test."""
    if gain["gain"] is None:
        return gain["verdict"]
    low, high = (short(end, 2) for end in gain["interval90"] or (None, None))
    return f"{short(gain['gain'], 2)} ({low} to {high}), {gain['verdict']}"


def target_lines(scores: Mapping[str, Any], *, brief: bool) -> Iterator[str]:
    """Scores by days ahead, calibration, onset, and the worst forecasts of one target.

    ``brief``: calibration of ours alone, no onset, and fewer of the worst.
    """
    rows = by_question(scores["by_horizon"])
    models = list(dict.fromkeys(model for model, _ in rows))
    days = sorted({horizon for _, horizon in rows})
    # Baselines come last, and forecast every window.
    windows = [rows[models[-1], horizon] for horizon in days]
    episodes = "episodes" in windows[0]
    yield from winners(rows, days, () if episodes else windows)
    if episodes:
        yield from said_lines(rows, days)
    heads = [f"{horizon} d" for horizon in days]
    best = {horizon: min(one["log"] for (_, own), one in rows.items() if own == horizon) for horizon in days}
    lines = []
    for model in models:
        mean = scores["mean"][model]
        own = [(rows.get((model, horizon)), best[horizon]) for horizon in days]
        lines.append(
            (f"`{model}`", *(log_text(*one) for one in own), short(mean["log"]), short(mean["brier"]))
        )
    yield from table(("log score", *heads, "mean", "mean Brier"), lines)
    slopes = by_question(scores["calibration_by_horizon"])
    lines = []
    for model in OURS if brief else models:
        fits = [slopes.get((model, horizon), {}) for horizon in days]
        texts = [
            f"{short(one.get('auc'), 2)}, {with_error(one.get('slope'), one.get('slope_se'), 2)}"
            for one in fits
        ]
        lines.append((f"`{model}`", *texts))
    yield from table(("AUC, calibration slope", *heads), lines)
    lines = []
    choice = scores["choice"] or {"best": None, "log_behind_best": {}}
    for model in (name for name in OURS if name in models):
        gaps = [rows.get((model, horizon), {}).get("log_minus", {}).get("pooled_line") for horizon in days]
        behind = choice["log_behind_best"].get(model)
        cells = (signed(gap["value"], gap["se"]) if gap else "–" for gap in (*gaps, behind))
        lines.append((f"`{model}`", *cells))
        if model == choice["best"]:
            lines[-1] = (*lines[-1][:-1], "best")
    yield from table(("less `pooled_line`", *heads, "less the best of ours"), lines)
    if not brief and not episodes:
        yield from onset_lines(scores["onset"])
    yield from miss_lines(scores.get("misses", ())[: BRIEF if brief else None])


def said_lines(rows: Mapping[tuple[str, int], Row], days: Sequence[int]) -> Iterator[str]:
    """Mean chances beside what came, with exact intervals; in bold where ours lie outside, by episode."""
    models = list(dict.fromkeys(model for model, _ in rows))
    last = [rows[models[-1], horizon] for horizon in days]
    heads = [f"{horizon} d" for horizon in days]
    lines = [("windows, episodes", *(f"{one['n']}, {one['episodes']['n']}" for one in last))]
    for label, found in (("came", last), ("came, by episode", [one["episodes"] for one in last])):
        cells = (f"{percent(one['mean_came'])} ({spread(one['came_interval90'])})" for one in found)
        lines.append((label, *cells))
    for model in models:
        said = [rows.get((model, horizon), {}) for horizon in days]
        lines.append((f"`{model}`", *(said_text(one, marked=model in OURS) for one in said)))
    yield from table(("said", *heads), lines)


def said_text(one: Row, *, marked: bool) -> str:
    """A mean chance, in bold where it lies outside the interval of what came."""
    text = percent(one.get("mean_said"))
    if not (marked and one):
        return text
    lower, upper = one["episodes"]["came_interval90"]
    return text if lower <= one["episodes"]["mean_said"] <= upper else f"**{text}**"


def spread(interval: Sequence[float]) -> str:
    """``4–12%``."""
    lower, upper = (f"{100 * end:.{1 if end < 0.1 else 0}f}" for end in interval)
    return f"{lower}–{upper}%"


def by_question(rows: Sequence[Row]) -> dict[tuple[str, int], Row]:
    """Rows by model and horizon."""
    return {(one["model"], one["horizon_days"]): one for one in rows}


def log_text(row: Row | None, best: float) -> str:
    """A log score with its error, in bold where it is the best."""
    if row is None:
        return "–"
    value, text = short(row["log"]), with_error(row["log"], row["log_se"])
    return text.replace(value, f"**{value}**", 1) if row["log"] <= best else text


def winners(
    rows: Mapping[tuple[str, int], Row], days: Sequence[int], windows: Sequence[Row]
) -> Iterator[str]:
    """Say at which horizons a baseline has a lower score than each of ours, the default first."""
    lines = []
    if windows:
        lines.append(("windows", *(f"{one['n']:,}" for one in windows)))
        lines.append(("held the target", *(f"{100 * one['base_rate']:.0f}%" for one in windows)))
    for ours in (name for name in OURS if any((name, horizon) in rows for horizon in days)):
        cells = []
        for horizon in days:
            theirs = [one for (model, own), one in rows.items() if own == horizon and model not in OURS]
            best = min(theirs, key=lambda one: one["log"])
            gap = rows[ours, horizon]["log"] - best["log"] if (ours, horizon) in rows else 0.0
            by = short(gap) if gap >= LEAST else f"< {short(2 * LEAST)}"
            cells.append(f"`{best['model']}` {by}" if gap > 0 else "–")
        lines.append((f"`{ours}`", *cells))
    yield from table(("a baseline is better", *(f"{horizon} d" for horizon in days)), lines)


def onset_lines(states: Sequence[Row]) -> Iterator[str]:
    """Onset and continuation over all horizons."""
    lines: dict[str, dict[str, tuple[str, str]]] = {}
    told = {}
    for one in states:
        if one["horizon_days"] is None:
            held = f"{one['n']:,}, {100 * one['base_rate']:.0f}% held it"
            told[one["state"]] = f"{one['state']} ({held}), log"
            less = one["log_minus"].get("gamma_poisson")
            texts = with_error(one["log"], one["log_se"]), signed(less["value"], less["se"]) if less else ""
            lines.setdefault(one["model"], {})[one["state"]] = texts
    if len(told) < 2:
        return
    rows = []
    for model, own in lines.items():
        rows.append((f"`{model}`", *(text for state in told for text in own.get(state, ("–", "")))))
    yield from table(("", *(cell for state in told.values() for cell in (state, f"less {GAMMA}"))), rows)


def miss_lines(misses: Sequence[Row]) -> Iterator[str]:
    """The worst forecasts, one an episode."""
    if not misses:
        return
    rows = []
    for one in misses:
        ahead, came = f"{one['horizon_days']} d", "happened" if one["came"] else "did not happen"
        members = []
        for name in ("model", "pooled_hazard"):
            mark = "\\*" if name == one["furthest"] else ""
            members.append(percent(one["members"].get(name)) + mark)
        rows.append((one["dyad"], one["origin"], ahead, percent(one["said"]), came, *members))
    worst = f"worst of `{misses[0]['model']}`"
    yield from table((worst, "from", "ahead", "said", "it", "`model`", "`pooled_hazard`"), rows)


def percent(chance: float | None) -> str:
    """A chance as whole percent; tenths below 10 and above 90."""
    if chance is None:
        return "–"
    return f"{100 * chance:.{0 if 0.1 <= chance <= 0.9 else 1}f}%"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables or write them into the page; 2 where the page has no place for a bed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args(arguments)
    page = asked.page.read_text(encoding="utf-8") if asked.page else ""
    for path in asked.files:
        content = json.loads(path.read_text(encoding="utf-8"))
        lines = (line if line.startswith("|") else textwrap.fill(line, WIDTH) for line in bed_lines(content))
        text = "\n".join(lines).rstrip()
        if not asked.page:
            print(f"## {content['bed']}\n\n{text}\n")
            continue
        begin, end = f"<!-- measured: {content['bed']} -->", "<!-- end -->"
        head, found, rest = page.partition(begin)
        page = f"{head}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"
        if not found:
            print(f"{asked.page}: has no line {begin}", file=sys.stderr)
            return 2
    if asked.page:
        asked.page.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
