"""Why an import came to nothing, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from forecast.feeds.actors import similar_actors
from forecast.feeds.batches import Failed, make_batches
from forecast.feeds.engine import Engine, Tally
from forecast.feeds.fates import FATES
from forecast.feeds.report import ordered

SHOWN_FILES, SHOWN_ACTORS = 20, 10


def nothing_read(failures: Sequence[Failed]) -> str:
    """Return the message for files of which none could be read."""
    shown = "\n".join(f"  {failure.path}: {failure.reason}" for failure in failures[:SHOWN_FILES])
    return f"none of {len(failures):,} files could be read:\n{shown}"


def nothing_kept(engine: Engine, total: Tally, fates: Mapping[str, int], paths: Sequence[Path]) -> str:
    """Return the message for rows of which none is kept: an actor that does not occur, or the reasons."""
    if not total.rows:
        return "no event rows: the files hold none"
    dyads = engine.options.dyads
    for actor in dict.fromkeys(actor for dyad in dyads for actor in dyad):
        if actor not in total.actors:
            seen = _actors_of_first_file(engine, paths)
            near = similar_actors(actor, seen)
            hint = f" Actors written alike: {', '.join(near)}." if near else ""
            return (
                f"no event is left: no actor {actor} occurs in these {total.rows:,} rows.{hint} "
                f"Most frequent in {paths[0].name}: {', '.join(seen[:SHOWN_ACTORS])}"
            )
    between = {name: rows for name, rows in ordered(fates).items() if FATES[name].kind != "fault"}
    for name in ("actorless", "domestic", "others"):
        between.pop(name, None)
    named = " or ".join("–".join(dyad) for dyad in dyads)
    if not between:
        return f"no event is left: both actors occur, but no row is between {named}"
    reasons = "; ".join(f"{rows:,} {FATES[name].words}" for name, rows in between.items())
    return f"no event is left: of the rows between {named}, {reasons}"


def _actors_of_first_file(engine: Engine, paths: Sequence[Path]) -> list[str]:
    folder = engine.folder / "again"
    folder.mkdir()
    batch = next(make_batches([("first", paths[0])], engine.options.layout, folder), None)
    return engine.actors_of(batch.parts) if batch is not None and batch.parts else []
