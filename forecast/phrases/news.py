"""What is new since an earlier forecast: the change of a chance, part by part, in points that add up."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.events.codebook import actor_in_sentence, actor_title, category_label
from forecast.records.analysis import Moved, PreviousRun, RestReason, RowMoved
from forecast.wording import (
    capitalised,
    count,
    listing,
    long_day,
    percent,
    points,
    rounded,
    short_day,
    shorten,
    shown_difference,
    signed_points,
)

_LONGEST_SUMMARY = 110
_REST: dict[RestReason, str] = {
    "days": "time passed",
    "settings": "settings and priors changed",
    "program": "the program is another version",
}


def change_text(moved: Moved) -> str:
    """State how far a chance moved since an earlier forecast, and how many rows are new."""
    day, difference = long_day(moved.since), shown_difference(moved.now, moved.before)
    direction = "up" if difference > 0 else "down"
    change = f"{direction} {points(abs(difference), 0)}" if difference and moved.clear else "no clear change"
    return f"{percent(moved.before)} on {day}, {percent(moved.now)} now: {change}. {_counted(moved)}"


def _counted(moved: Moved) -> str:
    news = moved.news
    counts = {"added": news.added, "changed": news.changed, "removed": news.removed}
    told = [f"{count(number, 'row')} {what}" for what, number in counts.items() if number]
    return f"{capitalised(listing(told))}." if told else "No row is new."


def news_parts(moved: Moved) -> Iterator[tuple[str, str]]:
    """Yield each part of a change and its signed points, which add up to the change as rounded."""
    news, at = moved.news, moved.before
    parts = [(row_text(row), row.change) for row in news.rows]
    others = news.number - sum(1 + row.also for row in news.rows)
    if moved.together is not None and news.number:
        text = f"{count(others, 'other row')} together" if others else "These rows together beside each alone"
        parts.append((text, moved.together))
    reasons = [_REST[reason] for reason in moved.reasons]
    if not reasons or abs(moved.rest) < 2 * moved.error:
        reasons.append("chance in sampling")
    if moved.together is None:
        reasons.insert(0, f"{count(max(others, 1), 'row')} that only a longer run can tell")
    parts.append((capitalised(listing(reasons)), moved.rest))
    for text, change in parts:
        shown = rounded(100 * (at + change), 1) - rounded(100 * at, 1)
        at += change
        if shown:
            yield text, signed_points(float(shown) / 100)


def row_text(row: RowMoved) -> str:
    """State a row: day, who towards whom, kind, severity, and what it says of itself."""
    said = f": “{shorten(row.summary.rstrip('.'), _LONGEST_SUMMARY)}”" if row.summary else ""
    notes = [f"with {count(row.also, 'more row')} of that day"] if row.also else []
    notes += [] if row.kind == "added" else [row.kind]
    beside = f" ({'; '.join(notes)})" if notes else ""
    sides = f"{actor_title(row.initiator)} towards {actor_in_sentence(row.recipient)}"
    what = f"{category_label(row.category).lower()}, severity {row.severity}"
    return f"{short_day(row.date)} · {sides}, {what}{beside}{said}"


def news_text(moved: Moved) -> str:
    """State a change with its parts in one line."""
    parts = "; ".join(f"{shown} {text[:1].lower() + text[1:]}" for text, shown in news_parts(moved))
    return change_text(moved) + (f" In points: {parts}." if parts else "")


def no_news_text(previous: PreviousRun) -> str:
    """State why the change of the headline since an earlier run is not told."""
    return f"The run of {long_day(previous.as_of)} did not ask the headline question: its change is unknown."
