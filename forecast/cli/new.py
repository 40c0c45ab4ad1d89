"""``forecast new``: a first config from a file of events, one to fill in, or an example of the package."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import Block, Entry, Prose, Verbatim, plain_table, right
from forecast.cli.options import (
    DATES,
    Answer,
    DateOrder,
    argument,
    day,
    day_option,
    option,
    parts_of,
    takes_options,
)
from forecast.errors import InputError
from forecast.events.countries import pair_title
from forecast.wording import count, listing, long_day, times

if TYPE_CHECKING:
    from forecast.config.draft import Draft, Pair
    from forecast.events.table import EventTable

EXAMPLE_FOLDER = Path("configs")


@dataclass(frozen=True, kw_only=True)
class NewOptions:
    """What the config is made from, and where it goes."""

    events: str | None = argument(
        "EVENTS", "Event file (CSV, Parquet, .xlsx) or bundled:us-china.", default=None
    )
    store: str | None = option(None, "--store", "Store of events, in place of an event file.", "DIR")
    pair: str | None = option(None, "--pair", "The two sides, as the events name them, e.g. USA,CHN.", "A,B")
    as_of: datetime | None = day_option(
        None, "--as-of", "Day of the forecast; the last day known in the file when absent."
    )
    dates: DateOrder = DATES
    scale: str | None = option(
        None,
        "--scale",
        "What severities mean: standard, armed, or a file of anchors; found from the events when absent.",
        "SCALE",
    )
    example: str | None = option(
        None, "--example", "Lay out an example instead: us-china, own-data or watchlist.", "NAME"
    )
    out: Path | None = option(
        None, "--out", "File to write, a-b.yaml when absent; of an example the folder, else configs.", "FILE"
    )
    force: bool = option(False, "--force", "Replace what is there already.")


@takes_options
def new(asked: NewOptions, *, answer: Answer) -> None:
    """Write a commented config from your events, a template to fill in, or an example.

    Sides, days and targets come from what the event file held on the as-of date. With --pair alone the
    bundled events are taken if they hold the pair; if not, a template is written.
    """
    if asked.example is not None:
        _lay_out(asked, answer)
        return
    if asked.events is not None and asked.store is not None:
        raise InputError("give an event file or --store, not both")
    if asked.store is not None and asked.pair is None:
        raise InputError("--store holds several pairs: say which, e.g. --pair USA,CHN")
    if asked.events is None and asked.pair is None:
        raise InputError("give an event file, --pair A,B or --example us-china, e.g. forecast new events.csv")

    from forecast.config.draft import draft_yaml, pair_name
    from forecast.config.schema import load_config

    draft = _draft(asked)
    path = asked.out or Path(f"{pair_name((draft.a, draft.b))}.yaml")
    if asked.events and path.exists() and Path(asked.events).expanduser().resolve() == path.resolve():
        raise InputError(f"--out: {path} is the event file itself; give another place")
    content = draft_yaml(draft, path)
    if draft.as_of:
        load_config(path, text=content)
    _write({path: content.encode()}, force=asked.force)
    from_file = asked.as_of is None and draft.known is not None and draft.as_of == _last_known(draft.known)
    answer.print(_facts(draft, path, from_file=from_file), _told(draft, path, from_file=from_file))


def _draft(asked: NewOptions) -> Draft:
    from forecast.config.draft import blank_draft, draft_config
    from forecast.config.writing import load_scale
    from forecast.events.reading import load_events

    pair = None if asked.pair is None else _pair(asked.pair)
    as_of = day(asked.as_of)
    if asked.store is not None and pair is not None:
        _refuse_dates(asked)
        return _from_store(asked, asked.store, pair)
    if asked.events is None:
        _refuse_dates(asked)
        events = _bundled_with(pair)
    else:
        events = load_events(asked.events, Path(), dates=asked.dates)
    scale = None if asked.scale is None else (_scale_from(asked), load_scale(asked.scale, Path()))
    if events is None:
        assert pair is not None
        _refuse_mistyped(pair)
        drafted = blank_draft(pair, as_of)
        return drafted if scale is None else replace(drafted, scale=scale[0], scale_reason="as asked for")
    return draft_config(events, pair, as_of or _last_known(events), dates=asked.dates, scale=scale)


def _from_store(asked: NewOptions, store: str, pair: Pair) -> Draft:
    from forecast.config.draft import draft_config
    from forecast.config.writing import load_scale
    from forecast.events.stores import read_store

    low, high = sorted(pair)
    events = read_store(Path(store).expanduser(), name=store, pairs={(low, high)})
    as_of = day(asked.as_of) or _last_known(events)
    if asked.as_of is None and events.date[0].item() == as_of:
        # One day of record is known at the end of that day, and nothing lies before it.
        as_of += timedelta(days=1)
    scale = None if asked.scale is None else (_scale_from(asked), load_scale(asked.scale, Path()))
    return draft_config(events, pair, as_of, scale=scale)


def _scale_from(asked: NewOptions) -> str:
    """Return the scale as the config names it: a file from the config's own folder."""
    from forecast.config.draft import source_from
    from forecast.records.scale import PACKAGED

    assert asked.scale is not None
    return asked.scale if asked.scale in PACKAGED else source_from(asked.scale, (asked.out or Path()).parent)


def _refuse_mistyped(pair: Pair) -> None:
    """Refuse a country's name with a slip where no event file could hold an actor of that name."""
    from forecast.events.countries import near_country

    near = {actor: meant for actor in pair if (meant := near_country(actor))}
    if near:
        asked = listing(tuple(f"{meant} by '{actor}'" for actor, meant in near.items()))
        raise InputError(
            f"--pair: did you mean {asked}? Give an event file as well to name an actor of your own so"
        )


def _refuse_dates(asked: NewOptions) -> None:
    if asked.dates != "iso":
        raise InputError(f"--dates {asked.dates} would have no effect: no event file is read. Leave it out")


def _last_known(events: EventTable) -> date:
    last: date = events.known_date.max().astype(object)
    return last


def _pair(given: str) -> Pair:
    from forecast.events.cells import CellFault, clean_text, parse_actor

    try:
        sides = [parse_actor(clean_text(side)) for side in parts_of(given)]
    except CellFault as fault:
        raise InputError(f"--pair: {fault}") from fault
    if len(sides) != 2 or sides[0] == sides[1]:
        raise InputError(f"--pair: got '{given}'; expected two sides with a comma between, e.g. USA,CHN")
    return sides[0], sides[1]


def _bundled_with(pair: Pair | None) -> EventTable | None:
    from forecast.events.dyads import DyadRule
    from forecast.events.reading import BUNDLED, PREFIX, load_events

    for name in BUNDLED if pair else ():
        events = load_events(PREFIX + name, Path())
        if pair and DyadRule((pair[0],), (pair[1],)).mask(events).any():
            return events
    return None


def _lay_out(asked: NewOptions, answer: Answer) -> None:
    from forecast.config.draft import WATCHLIST, example_files

    ignored = {
        "EVENTS": asked.events,
        "--store": asked.store,
        "--pair": asked.pair,
        "--as-of": asked.as_of,
        "--scale": asked.scale,
    }
    if given := tuple(name for name, value in ignored.items() if value is not None):
        raise InputError(f"--example lays out a config as it is: leave out {listing(given)}")
    _refuse_dates(asked)
    assert asked.example is not None
    folder = asked.out or EXAMPLE_FOLDER
    content = {folder / path: held for path, held in example_files(asked.example).items()}
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out: {folder} is a file; an example needs a folder")
    _write(content, force=asked.force)
    config, *others = content
    is_list = asked.example == WATCHLIST
    after = _next("watch" if is_list else "check", config)
    facts = {
        "example": asked.example,
        "path": str(config),
        "files": [str(path) for path in content],
        "next": after,
    }
    beside = f" and {count(len(others), 'file')} beside it" if others else ""
    commands = (after,) if is_list else (after, _next("run", config))
    answer.print(facts, [Prose(f"Wrote {config}{beside}."), _commands(*commands)])


def _write(files: Mapping[Path, bytes], *, force: bool) -> None:
    """Write all files, or none where one is there already and ``force`` is not given."""
    from forecast.events.reading import write_whole

    for path in files:
        if path.is_dir():
            raise InputError(f"--out: {path} is a folder; give the name of a file in it")
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        rest = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InputError(
            f"{there[0]}{rest}: already there, nothing was written. Give another --out, or --force"
        )
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--out: {path.parent}: no such folder can be made ({error.strerror})"
            ) from error
        write_whole(path, content)


def _next(command: str, path: Path) -> str:
    return f"forecast {command} {shlex.quote(str(path))}"


def _facts(draft: Draft, path: Path, *, from_file: bool) -> dict[str, object]:
    return {
        "path": str(path),
        "pair": [draft.a, draft.b],
        "as_of": draft.as_of.isoformat() if draft.as_of else None,
        "as_of_from_file": from_file,
        "source": draft.source,
        "events": None if draft.acts is None else len(draft.acts),
        "start": None if draft.acts is None else str(draft.acts.date[0]),
        "last": None if draft.acts is None else str(draft.acts.date[-1]),
        "targets": [
            {
                "name": target.name,
                "label": target.label,
                "any_of": [*target.any_of],
                "min_severity": target.min_severity,
                "counts": target.counts,
                "does_not_count": target.does_not_count,
                "events": None if draft.acts is None else target.events,
                "last": target.last.isoformat() if target.last else None,
            }
            for target in draft.targets
        ],
        "scale": draft.scale,
        "scale_reason": draft.scale_reason,
        "cautions": [draft.saturated.model_dump(mode="json")] if draft.saturated else [],
        "notes": [] if draft.known is None else [*draft.known.notes],
        "milestones": [milestone.model_dump(mode="json") for milestone in draft.milestones],
        "next": _next_of(draft, path),
    }


def _next_of(draft: Draft, path: Path) -> str:
    if draft.acts is not None:
        return _next("run", path)
    return f"forecast events validate {shlex.quote(str(path.parent / draft.source))}"


def _told(draft: Draft, path: Path, *, from_file: bool) -> Iterator[Block]:
    from forecast.config.draft import crowded_in_words
    from forecast.events.dyads import DyadRule, left_out_in_words

    pair = pair_title([draft.a], [draft.b])
    if draft.acts is None or draft.as_of is None:
        yield Prose(f"Wrote {path}, a template for {pair}: no events are at hand. Fill in what is marked.")
        yield _commands(f"{_next_of(draft, path)}   your acts, one a row", _next("check", path))
        return
    yield Prose(
        f"Wrote {path}: {pair} as of {long_day(draft.as_of)}, from {count(len(draft.acts), 'act')} since "
        f"{long_day(draft.acts.date[0].astype(object))}."
    )
    yield from (Prose(f"{note}.", lead="Note:") for note in draft.acts.notes)
    if from_file:
        yield Prose(f"{long_day(draft.as_of)} is the last day known in the file; --as-of takes another.")
    yield Prose(f"Scale of severity: {draft.scale} ({draft.scale_reason}).")
    if draft.saturated:
        yield Prose(draft.saturated.text, tone="warning")
    targets = (
        (target.label, times(target.events), f"last {long_day(target.last)}" if target.last else "")
        for target in draft.targets
    )
    yield plain_table(("", right(), ""), targets, "Targets, by what the record holds")
    yield from (
        Prose(f"{target.label}: {target.caution}.", tone="warning")
        for target in draft.targets
        if target.caution
    )
    if draft.crowded:
        yield Prose(f"Not proposed, as met nearly every month: {crowded_in_words(draft)}.")
    assert draft.known is not None
    if left_out := DyadRule((draft.a,), (draft.b,)).left_out(draft.known):
        rows = sum(pair_rows.rows for pair_rows in left_out)
        yield Prose(f"Left out as acts of others: {left_out_in_words(left_out, rows, 5)}.")
    days = tuple(f"{long_day(milestone.date)} ({milestone.label})" for milestone in draft.milestones)
    yield Prose(f"Milestones: {listing(days)}.")
    yield _commands(_next("check", path), _next_of(draft, path))


def _commands(*commands: str) -> Block:
    return Entry("Next", (Verbatim(commands),))
