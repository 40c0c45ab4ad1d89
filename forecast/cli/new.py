"""``forecast new``: a first config from a file of events, one to fill in, or an example of the package."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import Block, Entry, Prose, Verbatim, plain_table, right
from forecast.cli.options import (
    DATES,
    JSON,
    DateOrder,
    ScaleName,
    argument,
    day_option,
    option,
    print_answer,
    read_actors,
)
from forecast.errors import InputError
from forecast.wording import count, listing, long_day, title_in_sentence

if TYPE_CHECKING:
    from forecast.events.dyads import DyadRule
    from forecast.events.table import EventTable
    from forecast.workflows.draft import Draft

EXAMPLE_FOLDER = Path("configs")


def new(
    events: str | None = argument(
        "EVENTS", "Event file (CSV, Parquet, .xlsx) or bundled:us-china.", default=None
    ),
    store: str | None = option(None, "--store", "Store of events, in place of an event file.", "DIR"),
    pair: str | None = option(
        None,
        "--pair",
        "The two sides as the events name them: USA,CHN; with several actors USA+NAT,SRB.",
        "A,B",
    ),
    theatre: str | None = option(
        None, "--theatre", "Third parties: acts between one of them and a side count too.", "C,D"
    ),
    question: str | None = option(
        None, "--question", "What to forecast, in words: Will A attack B before 31 December 2030?", "TEXT"
    ),
    as_of: date | None = day_option(
        None, "--as-of", "Day of the forecast; the last day known in the file when absent."
    ),
    dates: DateOrder = DATES,
    scale: ScaleName | None = option(
        None, "--scale", "What severities mean; found from the events when absent."
    ),
    example: str | None = option(
        None, "--example", "Lay out an example instead: us-china, own-data or watchlist.", "NAME"
    ),
    out: Path | None = option(
        None, "--out", "File to write, a-b.yaml when absent; of an example the folder, else configs.", "FILE"
    ),
    force: bool = option(False, "--force", "Replace what is there already."),
    as_json: bool = JSON,
) -> None:
    """Write a commented config from your events, a template to fill in, or an example.

    Sides, days and targets come from what the event file held on the as-of date. With --pair alone the
    bundled events are taken if they hold the pair; if not, a template is written. Left-out actors with many
    acts are asked about.
    """
    from forecast.events.cells import BUNDLED_PREFIX

    if dates != "iso" and (events is None or events.startswith(BUNDLED_PREFIX) or example is not None):
        raise InputError(f"--dates {dates} would have no effect: no event file is read. Leave it out")
    if example is not None:
        given = {"--store": store, "--pair": pair, "--theatre": theatre, "--as-of": as_of, "--scale": scale}
        given["--question"] = question
        if idle := [name for name, value in (given | {"EVENTS": events}).items() if value is not None]:
            raise InputError(f"--example lays out a config as it is: leave out {listing(idle)}")
        _lay_out(example, out or EXAMPLE_FOLDER, force, as_json)
        return
    if events is not None and store is not None:
        raise InputError("give an event file or --store, not both")
    if store is not None and pair is None:
        raise InputError("--store holds several pairs: say which, e.g. --pair USA,CHN")
    if theatre is not None and pair is None:
        raise InputError("--theatre needs --pair: which two sides do its acts count with?")
    if events is None and pair is None:
        raise InputError("give an event file, --pair A,B or --example us-china, e.g. forecast new events.csv")

    from forecast.events.codebook import pair_title
    from forecast.workflows.draft import draft_config, draft_yaml, file_stem, template_yaml

    dyad = None if pair is None else _dyad(pair, theatre or "")
    read = _read(events, store, dyad, dates)
    if read is None:
        assert dyad is not None
        if question is not None:
            raise InputError(
                "--question needs events, whose actors and days it is read by: give an event file"
            )
        _refuse_mistyped(dyad)
        path, source = out or Path(f"{file_stem(dyad)}.yaml"), f"{file_stem(dyad)}.csv"
        _write_config(path, template_yaml(dyad, as_of, path, scale), None, force)
        what = f"a template for {pair_title(dyad.a, dyad.b)}: no events are at hand. Fill in what is marked."
        validate = _next("events validate", path.parent / source)
        commands = _commands(f"{validate}   your acts, one a row", _next("check", path))
        facts = _facts(path, dyad, as_of, source) | {"scale": scale or "standard", "next": validate}
        print_answer(as_json, facts, [Prose(f"Wrote {path}, {what}"), commands])
        return
    day = as_of or _last_known(read)
    if as_of is None and store is not None and read.date[0].item() == day:
        # One day of record in a store is known at the end of that day, and nothing lies before it.
        day += timedelta(days=1)
    draft = draft_config(read, dyad, day, scale=scale, question=question)
    path = out or Path(f"{file_stem(draft.dyad)}.yaml")
    _write_config(path, draft_yaml(draft, path), events, force)
    from_file = as_of is None and day == _last_known(draft.known)
    print_answer(as_json, _draft_facts(draft, path, from_file), _summary(draft, path, from_file))


def _read(
    events: str | None, store: str | None, dyad: DyadRule | None, dates: DateOrder
) -> EventTable | None:
    """Read the events that are named, else those of the package if they hold the pair."""
    from forecast.events.cells import BUNDLED_PREFIX
    from forecast.events.reading import BUNDLED, load_events, read_store

    if store is not None and dyad is not None:
        return read_store(Path(store).expanduser(), name=store, pairs={*dyad.pairs})
    if events is not None:
        return load_events(events, Path(), dates=dates)
    for name in BUNDLED if dyad else ():
        table = load_events(BUNDLED_PREFIX + name, Path())
        if dyad and replace(dyad, theatre=()).mask(table).any():
            return table
    return None


def _write_config(path: Path, content: str, events: str | None, force: bool) -> None:
    """Write a config, which is read first as it will stand, but for a template without its day."""
    from forecast.config import load_config

    if events and path.exists() and Path(events).expanduser().resolve() == path.resolve():
        raise InputError(f"--out: {path} is the event file itself; give another place")
    if "\nas_of:\n" not in content:
        load_config(path, text=content)
    _write({path: content.encode()}, force)


def _dyad(pair: str, theatre: str) -> DyadRule:
    """Read ``--pair`` and ``--theatre``; actors of a side are joined by a plus."""
    from forecast.events.dyads import DyadRule

    parts = pair.split(",")
    sides = [read_actors(part.replace("+", ","), "--pair") for part in parts]
    if len(sides) != 2 or not all(sides):
        raise InputError(f"--pair: got '{pair}'; expected two sides with a comma between, e.g. USA,CHN")
    rule = (*sides, read_actors(theatre, "--theatre"))
    named = [actor for side in rule for actor in side]
    if twice := sorted({actor for actor in named if named.count(actor) > 1}):
        raise InputError(f"--pair {pair}: {listing(twice)} named twice; an actor has one place")
    return DyadRule(*rule)


def _refuse_mistyped(dyad: DyadRule) -> None:
    """Refuse a country's name with a slip where no event file could hold an actor of that name."""
    from forecast.events.codebook import near_country

    if near := {actor: meant for actor in dyad.actors if (meant := near_country(actor))}:
        meant = listing(tuple(f"{meant} by '{actor}'" for actor, meant in near.items()))
        raise InputError(
            f"--pair: did you mean {meant}? Give an event file as well to name an actor of your own so"
        )


def _last_known(events: EventTable) -> date:
    last: date = events.known_date.max().astype(object)
    return last


def _lay_out(example: str, folder: Path, force: bool, as_json: bool) -> None:
    from forecast.workflows.draft import WATCHLIST, example_files

    content = {folder / path: held for path, held in example_files(example).items()}
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out: {folder} is a file; an example needs a folder")
    _write(content, force)
    config, *others = content
    commands = [_next(name, config) for name in (("watch",) if example == WATCHLIST else ("check", "run"))]
    facts = {"example": example, "path": str(config), "files": [*map(str, content)], "next": commands[0]}
    beside = f" and {count(len(others), 'file')} beside it" if others else ""
    print_answer(as_json, facts, [Prose(f"Wrote {config}{beside}."), _commands(*commands)])


def _write(files: Mapping[Path, bytes], force: bool) -> None:
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


def _facts(path: Path, dyad: DyadRule, as_of: date | None, source: str) -> dict[str, object]:
    """Return the facts of a draft without events."""
    named = {"path": str(path), "pair": ["+".join(dyad.a), "+".join(dyad.b)], "source": source}
    return {**named, "as_of": as_of.isoformat() if as_of else None, "as_of_from_file": False}


def _draft_facts(draft: Draft, path: Path, from_file: bool) -> dict[str, object]:
    stated = {"label", "any_of", "min_severity", "counts", "does_not_count"}
    return {
        **_facts(path, draft.dyad, draft.as_of, draft.source),
        "as_of_from_file": from_file,
        "events": len(draft.acts),
        "start": str(draft.acts.date[0]),
        "last": str(draft.acts.date[-1]),
        "targets": [
            {
                "name": target.name,
                **target.rule.model_dump(mode="json", include=stated),
                "events": len(target.ids),
                "days": target.days,
                "last": target.last.isoformat() if target.last else None,
            }
            for target in draft.targets
        ],
        "scale": draft.scale,
        "scale_reason": draft.scale_reason,
        "cautions": [draft.saturated.model_dump(mode="json")] if draft.saturated else [],
        "notes": [*draft.known.notes],
        "headline": draft.headline[0].name,
        "third_parties": [third._asdict() for third in draft.third_parties],
        "milestones": [milestone.model_dump(mode="json") for milestone in draft.milestones],
        "next": _next("run", path),
    }


def _summary(draft: Draft, path: Path, from_file: bool) -> Iterator[Block]:
    from forecast.events.codebook import packaged_scale, pair_title
    from forecast.phrases.chances import question_read
    from forecast.phrases.data import left_out_in_words
    from forecast.phrases.notices import TOO_LITTLE, notice_text
    from forecast.records.notices import thin_record

    title = pair_title(draft.dyad.a, draft.dyad.b)
    start: date = draft.acts.date[0].astype(object)
    yield Prose(
        f"Wrote {path}: {title} as of {long_day(draft.as_of)}, from {count(len(draft.acts), 'act')} "
        f"since {long_day(start)}."
    )
    yield from (Prose(f"{note}.", lead="Note:") for note in draft.acts.notes)
    if from_file:
        yield Prose(f"{long_day(draft.as_of)} is the last day known in the file; --as-of takes another.")
    yield Prose(f"Scale of severity: {draft.scale} ({draft.scale_reason}).")
    if draft.saturated:
        yield Prose(notice_text(draft.saturated), tone="warning")
    targets = (
        (target.label, target.seen, f"last {long_day(target.last)}" if target.last else "")
        for target in draft.targets
    )
    yield plain_table(("", right(), ""), targets, "Targets, by what the record holds")
    for target in draft.targets:
        if target.caution:
            yield Prose(f"{target.label}: {target.caution}.", tone="warning")
    days = (draft.as_of - start).days + 1
    thin = thin_record(len(draft.acts), days)
    yield from (Prose(notice_text(notice), lead=f"{TOO_LITTLE}.", tone="warning") for notice in thin)
    if draft.left_out:
        rows = sum(pair_rows.rows for pair_rows in draft.left_out)
        yield Prose(f"Left out as acts of others: {left_out_in_words(draft.left_out, rows, 5)}.")
    yield from (Prose(question, tone="warning") for question in draft.questions)
    headline, day, why = draft.headline
    asked = next(milestone for milestone in draft.milestones if milestone.name == day)
    if draft.question:
        yield Prose(question_read(draft.question, headline.rule, packaged_scale(draft.scale)), lead="Asked:")
    until = f"before {long_day(asked.date)}"
    yield Prose(f"Headline: {title_in_sentence(headline.label)} {until}, {why}.")
    if draft.reactions:
        far = count(len(draft.reactions), "reaction")
        yield Prose(
            f"{far} that the record shows far more often than by chance: in the config, as a comment."
        )
    by = tuple(f"{long_day(milestone.date)} ({milestone.label})" for milestone in draft.milestones)
    yield Prose(f"Milestones: {listing(by)}.")
    yield _commands(_next("check", path), _next("run", path))


def _commands(*commands: str) -> Block:
    return Entry("Next", (Verbatim(commands),))
