"""The figure of docs/model.md: what answers what in the worked case, by days after an act.

    python tools/docs/answers.py        writes docs/images/answers.svg

The rate of answers on the days after an act is set against their rate 60 to 240 days from any such act. It is
counted from the record; no model is fitted.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config import load_config
from forecast.events.codebook import CONFLICTUAL
from forecast.events.table import EventTable
from forecast.runs.inputs import read_data

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ROOT = Path(__file__).resolve().parents[2]
LAGS = ((0, 0), (1, 1), (2, 3), (4, 7), (8, 14), (15, 28))
"""First and last days after an act."""
FAR = (60, 240)
CONTACT = ("taiwan_visit", "taiwan_contact", "taiwan_transit")
WIDTH, ROW, LEFT, CELL, TOP = 760, 44, 330, 70, 46


class Pair(NamedTuple):
    """Acts and the acts that may answer them, in words and by row."""

    words: str
    acts: Flags
    answers: Flags


def pairs(events: EventTable) -> tuple[Pair, ...]:
    """Return what is shown of the record."""
    hostile = np.isin(events.category, CONFLICTUAL)
    usa, china = events.initiator == "USA", events.initiator == "CHN"
    contact = (events.category == "dispute") & np.isin(events.subcategory.astype(str), CONTACT) & ~china
    posture = china & (events.category == "military_posture")
    grave, middling = events.severity >= 3, events.severity >= 2
    return (
        Pair("US conflict, severity 3+ → China’s, 3+", usa & hostile & grave, china & hostile & grave),
        Pair("China’s conflict, 3+ → US, 3+", china & hostile & grave, usa & hostile & grave),
        Pair("China’s conflict, 2+ → China’s, 2+", china & hostile & middling, china & hostile & middling),
        Pair("Taiwan contact, 3+ → China’s posture, 3+", contact & grave, posture & grave),
        Pair("Taiwan contact, 2+ → China’s posture, 2+", contact & middling, posture & middling),
    )


def ratios(days: NDArray[np.int64], pair: Pair, n_days: int) -> tuple[int, Floats]:
    """Return on how many days such acts fall, and the ratio of the rate of answers to the usual, by lag."""
    answers = np.bincount(days[pair.answers], minlength=n_days) > 0
    acts = np.unique(days[pair.acts])

    def rate(first: int, last: int) -> float:
        every = (acts[:, None] + np.arange(first, last + 1)).ravel()
        inside = every[(every >= 0) & (every < n_days)]
        return float(answers[inside].mean()) if len(inside) else np.nan

    usual = np.nanmean([rate(*FAR), rate(-FAR[1], -FAR[0])])
    found = [rate(*lag) for lag in LAGS]
    same = (pair.acts == pair.answers).all()
    return len(acts), np.array(
        [np.nan if same and not lag[0] else one / usual for one, lag in zip(found, LAGS, strict=True)]
    )


def text(x: float, y: float, words: str, ink: str = "#111111", more: str = "") -> str:
    """Return a text of the figure."""
    return f'<text x="{x:g}" y="{y:g}" fill="{ink}"{more}>{words}</text>'


def svg(rows: list[tuple[str, int, Floats]]) -> str:
    """Return the figure: a row a pair, a cell a lag, the darker the higher the rate."""
    height, middle = TOP + ROW * len(rows) + 8, ' text-anchor="middle"'
    size = f'width="{WIDTH}" height="{height}"'
    said = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}" font-size="13"',
        ' font-family="sans-serif" role="img" aria-label="Rates of answers by days after an act">',
        f'<rect {size} fill="#ffffff"/>',
        text(8, 18, "Rate of answers against the usual, by days after the act", "#444444"),
    ]
    for at, (first, last) in enumerate(LAGS):
        label = "same day" if last == 0 else str(first) if first == last else f"{first}–{last}"
        said.append(text(LEFT + CELL * (at + 0.5), TOP - 8, label, "#444444", middle))
    for place, (words, number, found) in enumerate(rows):
        y = TOP + ROW * place
        said += [text(8, y + 18, words), text(8, y + 34, f"{number} days with such an act", "#666666")]
        for at, ratio in enumerate(found):
            share = 0.0 if np.isnan(ratio) else float(np.clip(np.log(max(ratio, 1)) / np.log(20), 0, 1))
            colour = "#" + "".join(f"{round(255 + (full - 255) * share):02x}" for full in (178, 24, 43))
            shown = "–" if np.isnan(ratio) else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
            cell = f'x="{LEFT + CELL * at}" y="{y}" width="{CELL - 3}" height="{ROW - 3}"'
            said.append(f'<rect {cell} fill="{colour}" stroke="#dddddd"/>')
            ink = "#ffffff" if share > 0.55 else "#111111"
            said.append(text(LEFT + CELL * (at + 0.5) - 1.5, y + 26, shown, ink, middle))
    return "\n".join([*said, "</svg>", ""])


def main() -> None:
    """Count, draw and print."""
    inputs = read_data(load_config(ROOT / "configs/us-china-2023.yaml"))
    grid, events = inputs.data.grid, inputs.events
    events = events.select(
        (events.date >= np.datetime64(grid.start)) & (events.date < np.datetime64(grid.origin))
    )
    days = (events.date - np.datetime64(grid.start)).astype(np.int64)
    rows = [(pair.words, *ratios(days, pair, len(inputs.data.completeness))) for pair in pairs(events)]
    for words, number, found in rows:
        print(words, number, *(f"{one:.1f}" for one in found), sep=", ")
    (ROOT / "docs/images/answers.svg").write_text(svg(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
