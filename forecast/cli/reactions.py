"""``forecast reactions``: what answered what in the record of a run or a config."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import Block, Heading, Prose, Verbatim, plain_table, right
from forecast.cli.options import Answer, argument, option, takes_options
from forecast.errors import InputError
from forecast.wording import count, number, percent

if TYPE_CHECKING:
    from forecast.reactions import Answered, Reactions
    from forecast.runs.inputs import Inputs

_SHOWN, _MOST_BEFORE = 12, 3


@takes_options
def reactions(
    source: Path = argument("RUN|CONFIG", "Folder of a saved run, or config file (YAML)."),
    days: int = option(
        14, "--days", "Days after an act within which an answer is looked for.", "N", min=1, max=180
    ),
    *,
    answer: Answer,
) -> None:
    """Say what answered what in this record, against chance alone; no model is fitted.

    Classes of acts by category, subcategory, side and severity; answers are the targets, and grave conflict
    by the other side.
    """
    from forecast.reactions import find_reactions

    inputs = _read(source)
    headline = inputs.config.headline.target
    found = find_reactions(
        inputs.events,
        inputs.dyad,
        sorted(inputs.rules, key=lambda rule: rule.name != headline),
        inputs.data.grid.start,
        inputs.config.as_of,
        days,
    )
    answer.print(found.to_dict() if answer.json else {}, _said(found, inputs))


def _read(source: Path) -> Inputs:
    from forecast.config import load_config
    from forecast.events.reading import read_events
    from forecast.records.forecast import Forecast
    from forecast.runs import files
    from forecast.runs.inputs import inputs_of, read_data

    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder. Give a run folder, or a config (YAML)")
    if not source.is_dir():
        return read_data(load_config(source))
    kind = files.kind_of(source)
    if kind not in ("run", "watched dyad"):
        held = f"holds a {kind}" if kind else "is no folder of a saved run"
        raise InputError(f"{source}: {held}. Give a run folder, or a config (YAML)")
    files.refuse_changed_files(source, advice="")
    # Before the config, since it tells whether another version made the folder.
    files.read_record(source / files.FORECAST, Forecast)
    return inputs_of(load_config(source / files.CONFIG), read_events(source / files.EVENTS))


def _said(found: Reactions, inputs: Inputs) -> Iterator[Block]:
    from forecast.reactions import acts_in_words

    yield Prose(
        f"Looked at: {count(len(found.found), 'pair')} of a class of acts and an answer, from "
        f"{count(found.n_classes, 'class', 'classes')}. A class that is chosen after its cases must be "
        "judged so; the ratios are shrunk for it."
    )
    if not found.found:
        yield Prose(f"No class has three cases with {count(found.days, 'day')} of record after them.")
        return
    headline = inputs.config.headline.target
    best, others = found.found[:_SHOWN], found.found[_SHOWN:]
    of_headline = [one for one in others if one.answer == headline][:_MOST_BEFORE]
    heads = "Acts", "Answer", right("answered"), right("by chance"), right("ratio (90%)")
    within = f"within {count(found.days, 'day')}, to {inputs.config.as_of}"
    yield plain_table(heads, map(_row, best), f"What was answered {within}")
    if of_headline:
        yield plain_table(heads, map(_row, of_headline), f"What came before {headline}")
    for case in (case for case in found.past if case.target == headline):
        before = ", ".join(
            f"{acts_in_words(one.of.acts)} on {one.date}" for one in case.candidates[:_MOST_BEFORE]
        )
        yield Prose(f"{case.target} on {case.date}: before it {before or 'no act that it tends to follow'}.")
    first = best[0]
    counts = ", ".join(
        f"{one.answered} of {one.cases} within {count(one.days, 'day')}" for one in first.windows
    )
    yield Prose(f"{acts_in_words(first.acts)}, then {first.answer}: {counts}.", "First:")
    if found.yaml is None:
        yield Prose("No class that a reaction can state was answered clearly more often than by chance.")
        return
    yield Heading("For the config")
    yield Verbatim(tuple(found.yaml.splitlines()))


def _row(one: Answered) -> tuple[str, ...]:
    from forecast.reactions import acts_in_words

    asked = one.asked
    low, high = (number(end, 1) for end in asked.ratio90)
    return (
        acts_in_words(one.acts),
        one.answer,
        f"{asked.answered} of {asked.cases}",
        percent(asked.base),
        f"{number(asked.ratio, 1)} ({low}–{high})",
    )
