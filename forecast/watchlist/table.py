"""The numbers of a watch as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.records.watch import DyadEntry, Watch

HEADER = (
    "rank",
    "dyad",
    "label",
    "state",
    "target",
    "milestone",
    "date",
    "probability",
    "lower90",
    "upper90",
    "words",
    "baseline",
    "trigger",
    "trigger_before",
    "change",
    "time_passing",
    "news",
    "change_error",
    "top5",
    "last_event",
    "failure",
)


def table_rows(watch: Watch) -> list[Sequence[str]]:
    """Return a header, and a row for each dyad, target and milestone; one for a dyad without numbers."""
    return [HEADER, *(row for one in watch.dyads for row in _rows(one))]


def _rows(one: DyadEntry) -> list[list[str]]:
    head = [_number(one.rank), one.name, _plain(one.label), one.state]
    last = "" if one.last_event is None else one.last_event.isoformat()
    if not one.targets:
        nothing = [""] * (len(HEADER) - len(head) - 2)
        return [[*head, *nothing, last, _plain(one.failure.text if one.failure else "")]]
    found = []
    for target in one.targets:
        for milestone in target.milestones:
            asked = (target.name, milestone.name) == (one.question.target, one.question.milestone)
            change = one.change if asked else None
            moved = (change.change, change.time_passing, change.news, change.error) if change else ("",) * 4
            found.append(
                [
                    *head,
                    target.name,
                    milestone.name,
                    milestone.date.isoformat(),
                    _number(milestone.probability),
                    *map(_number, milestone.interval90),
                    milestone.words,
                    _number(milestone.baseline.probability),
                    (one.trigger or "") if asked else "",
                    (one.trigger_before or "") if asked else "",
                    *map(_number, moved),
                    _number(one.top5) if asked else "",
                    last,
                    "",
                ]
            )
    return found


def _number(value: float | str | None) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)


def _plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
