"""DuckDB: rows of a batch → fate of each, counts by file, and the candidates, in bounded memory.

Why DuckDB: it reads text and Parquet out of core under a memory limit that it keeps, ranks re-reports by
SQL, weighs 70 MB installed and needs nothing else. Polars was measured beside it (``docs/import.md``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from forecast.events.cells import clean_text
from forecast.events.rows import literal_path
from forecast.feeds.clean_rows import SHOWN, WrongFormatError
from forecast.feeds.crosswalk import mirrors, renamed_actors
from forecast.feeds.fates import CROSSWALK, KEPT, TAG, Part, Statement, quoted
from forecast.feeds.layout import folded
from forecast.feeds.options import ImportOptions
from forecast.storage import scratch_folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass
class Tally:
    """What happened to the rows of one file: rows by fate (``kept``: candidates), the first of each.

    ``restored`` counts codes whose leading zero was restored; ``volumes`` are rows of the world by day of
    publication, after the switches that concern a single row; ``actors`` those asked for that occur.
    """

    rows: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    restored: int = 0
    volumes: dict[str, int] = field(default_factory=dict)
    actors: set[str] = field(default_factory=set)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the rows of another part."""
        self.rows += other.rows
        self.restored += other.restored
        self.actors |= other.actors
        for fate, number in other.fates.items():
            _count(self.fates, fate, number)
        for day, number in other.volumes.items():
            _count(self.volumes, day, number)
        for fate, shown in other.examples.items():
            mine = self.examples.setdefault(fate, [])
            mine += shown[: SHOWN - len(mine)]


def load_table(
    connection: DuckDBPyConnection,
    name: str,
    columns: Mapping[str, Sequence[object]],
    kinds: Mapping[str, str] | None = None,
) -> None:
    """Make a table of equally long columns: of text, or of the kinds given."""
    held = {
        column: np.array([None if value is None else str(value) for value in values], dtype=np.object_)
        for column, values in columns.items()
    }
    connection.register("held_columns", held)
    chosen = ", ".join(
        f'CAST("{column}" AS {(kinds or {}).get(column, "VARCHAR")}) AS "{column}"' for column in held
    )
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {chosen} FROM held_columns")
    connection.unregister("held_columns")


def _count(counts: dict[str, int], key: str, number: int) -> None:
    counts[key] = counts.get(key, 0) + number


class Engine:
    """Reads batches of rows with one set of options; a context manager, since it owns a spill folder."""

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self._statement = Statement(options)
        self._ends = ExitStack()
        self.folder = self._ends.enter_context(scratch_folder("import"))
        # It keeps to its memory and fetches nothing from the network.
        self.connection = duckdb.connect(
            config={
                "memory_limit": f"{options.memory_mb}MB",
                "threads": options.threads,
                "temp_directory": str(self.folder / "spill"),
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
        )
        self._load_tables()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._ends.close()

    def judge(self, parts: Sequence[Part], candidates: Path) -> dict[str, Tally]:
        """Judge every row of some parts, and write the candidates to a Parquet file; return tallies by key.

        Their rows add up to those read.
        """
        keys = {tag: key for part in parts for tag, key in part.files.items()}
        tallies = {key: Tally() for key in keys.values()}
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE judged AS " + self._statement.grouped(parts, self._columns(parts))
        )
        actors = self._statement.actors
        met = ", ".join(f"met_{place}" for place in range(len(actors)))
        told = f"{TAG}, fate, world, CAST(published AS VARCHAR), number, restored_codes"
        groups = self._all(f"SELECT {told}, {met} FROM judged")
        for tag, fate, world, day, number, restored, *occurs in groups:
            tally = tallies[keys[tag]]
            tally.rows += number
            tally.restored += restored
            _count(tally.fates, fate, number)
            if world:
                _count(tally.volumes, day, number)
            tally.actors |= {actor for actor, does in zip(actors, occurs, strict=True) if does}
        given = sum((Counter(part.rows) for part in parts), Counter[str]())
        for key, rows in given.items():
            # Rows that the engine passed over: those that it was given less those that it judged.
            if (missing := rows - tallies[key].rows) > 0:
                tallies[key].fates["unreadable"] = missing
                tallies[key].rows = rows
        # In order of text, so that the first rows of each reason are the same in every run.
        shown = self._all(f"SELECT {TAG}, fate, unnest(shown) AS row FROM judged ORDER BY fate, row")
        for tag, fate, row in shown:
            held = tallies[keys[tag]].examples.setdefault(fate, [])
            if len(held) < SHOWN:
                held.append(clean_text(row))
        load_table(self.connection, "files", {TAG: tuple(keys), "key": tuple(keys.values())})
        self.connection.execute(
            f"COPY (SELECT key, unnest(held, recursive := true) FROM judged JOIN files USING ({TAG}) "
            f"WHERE fate = '{KEPT}') TO {quoted(str(candidates))} (FORMAT parquet, COMPRESSION zstd)"
        )
        self.connection.execute("DROP TABLE judged")
        return tallies

    def _columns(self, parts: Sequence[Part]) -> dict[Path, list[str]]:
        """Return the columns of each Parquet file, which must have those that the format requires."""
        found = {}
        for path in (part.path for part in parts if part.columns is None):
            described = self._all(
                f"DESCRIBE SELECT * FROM read_parquet({quoted(literal_path(path))}, hive_partitioning=false)"
            )
            names = found[path] = [str(row[0]) for row in described]
            held = {folded(name) for name in names}
            absent = [repr(name) for name in self.options.layout.required if folded(name) not in held]
            if absent:
                raise WrongFormatError(
                    f"not {self.options.layout.name} rows: the Parquet file has no column "
                    f"{', '.join(absent)}. It has: {', '.join(names[:20])}"
                )
        return found

    def actors_of(self, parts: Sequence[Part]) -> list[str]:
        """Return the countries that occur in some parts, most frequent first: for a message alone."""
        judged = self._statement.judged(parts, self._columns(parts))
        rows = self._all(
            "SELECT actor, count(*) AS number "
            f"FROM (SELECT unnest([from_actor, to_actor]) AS actor FROM ({judged})) "
            "WHERE actor IS NOT NULL GROUP BY actor ORDER BY number DESC, actor"
        )
        return [str(actor) for actor, _ in rows]

    def _all(self, query: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return rows

    def _load_tables(self) -> None:
        lows, highs = zip(*(sorted(dyad) for dyad in self.options.dyads), strict=True)
        load_table(self.connection, "dyads", {"low": lows, "high": highs})
        renamed = renamed_actors(self.options.layout)
        load_table(self.connection, "renamed", {"name": tuple(renamed), "alpha3": tuple(renamed.values())})
        rows = self._crosswalk_rows()
        columns = {name: tuple(row[place] for row in rows) for place, name in enumerate(CROSSWALK)}
        load_table(self.connection, "crosswalk", columns, kinds=CROSSWALK)

    def _crosswalk_rows(self) -> list[list[object]]:
        crosswalk, layout = self.options.crosswalk, self.options.layout
        sides = mirrors(layout.system) if self.options.switches.merge_mirrored else {}
        rows: list[list[object]] = []
        for (code, mode), coding in crosswalk.items():
            mirror = sides.get((code, mode))
            counts_as = mirror.counts_as if mirror else code
            # A row that tells an act from its other side is written as the act itself.
            swapped = bool(mirror and not mirror.mutual)
            told = crosswalk.get((counts_as, mode), coding) if swapped else coding
            row = [told.code, told.label, told.category, told.severity, told.scale_value]
            row += [f"{counts_as} {mode}".strip(), bool(mirror and mirror.mutual), swapped]
            rows.append([code, mode, *row, False])
            short = code[1:]
            if layout.system == "cameo" and code.startswith("0") and (short, "") not in crosswalk:
                rows.append([short, mode, *row, True])
        return rows
