"""DuckDB: rows of a batch → fate of each, counts by file, and the candidates, in bounded memory.

The statement is made of a layout's expressions and the user's switches; every value of the user's is quoted.

Why DuckDB: it reads text and Parquet out of core under a memory limit that it keeps, ranks re-reports by
SQL, weighs 70 MB installed and needs nothing else. Polars was measured beside it (``docs/import.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from forecast.events.cells import clean_text, latest_day
from forecast.events.codebook import CATEGORIES
from forecast.events.rows import literal_path
from forecast.feeds.clean_rows import SHOWN, WrongFormatError
from forecast.feeds.crosswalk import JOINED, excluded_actors, joined_rows, renamed_actors
from forecast.feeds.formats import FIELDS, folded
from forecast.feeds.options import ImportOptions
from forecast.storage import scratch_folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


KEPT = "kept"
FIRST_DAY = "1800-01-01"
CLOCK_DAYS = 1
"""An act may be dated this much after its publication: the two are told by clocks of different zones."""
MAX_ROW_BYTES = 8_000_000
TAG = "_file"
"""Last column of our text: which file of the batch a row comes from."""


def _candidate(*, own: bool) -> dict[str, str]:
    """Return the columns of a candidate row, in the parts and in the table that the last stage reads."""
    return {
        "event_id": "event_id",
        "day": "day",
        "known": "greatest(published_raw, day)",
        "a": "CASE WHEN x_swapped THEN to_actor ELSE from_actor END",
        "b": "CASE WHEN x_swapped THEN from_actor ELSE to_actor END",
        "code": "coalesce(x_code, code)",
        "mode": "mode",
        "label": "x_label",
        "category": "given_category" if own else "x_category",
        "severity": "TRY_CAST(given_severity AS TINYINT)" if own else "CAST(x_severity AS TINYINT)",
        "scale": "coalesce(given_scale, x_scale)",
        "counts_as": "coalesce(x_counts_as, code, given_category)",
        "mutual": "coalesce(x_mutual, false)",
        "swapped": "coalesce(x_swapped, false)",
        **{name: name for name in ("mentions", "sources", "place", "url", "outlet", "title", "note")},
        "name_a": "CASE WHEN x_swapped THEN name_b ELSE name_a END",
        "name_b": "CASE WHEN x_swapped THEN name_a ELSE name_b END",
    }


CANDIDATE = tuple(_candidate(own=False))


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def read_parquet(path: Path) -> str:
    """Return the SQL that reads a Parquet file; no part of its path stands for a column."""
    return f"read_parquet({quoted(literal_path(path))}, hive_partitioning=false)"


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


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
    texts = {
        column: np.array([None if value is None else str(value) for value in values], dtype=np.object_)
        for column, values in columns.items()
    }
    of = kinds or {}
    connection.register("texts", texts)
    chosen = ", ".join(f'CAST("{name}" AS {of.get(name, "VARCHAR")}) AS "{name}"' for name in texts)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {chosen} FROM texts")
    connection.unregister("texts")


def _count(counts: dict[str, int], key: str, number: int) -> None:
    counts[key] = counts.get(key, 0) + number


@dataclass(frozen=True)
class Part:
    """Rows on disk to be judged: text of ours with the rows of many files, or one Parquet file of the user's.

    ``columns`` are those of the text, before ``TAG``; ``None`` for Parquet. ``files`` has the key of a file
    by its tag; ``rows`` their number by key, unknown of Parquet.
    """

    path: Path
    columns: tuple[str, ...] | None
    files: dict[str, str]
    rows: dict[str, int]


class Engine:
    """Reads batches of rows with one set of options; a context manager, since it owns a spill folder."""

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.actors = tuple(dict.fromkeys(actor for dyad in options.dyads for actor in dyad))
        excluded = excluded_actors(options.switches.exclude, options.layout)
        self._excluded_sectors, self._excluded_names = excluded
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
        """Judge every row of some parts, write the candidates to a Parquet file; return tallies by key."""
        keys = {tag: key for part in parts for tag, key in part.files.items()}
        tallies = {key: Tally() for key in keys.values()}
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE judged AS " + self._grouped(parts, self._columns(parts))
        )
        met = ", ".join(f"met_{place}" for place in range(len(self.actors)))
        told = f"{TAG}, fate, world, CAST(published AS VARCHAR), number, restored_codes"
        groups = self._all(f"SELECT {told}, {met} FROM judged")
        for tag, fate, world, day, number, restored, *occurs in groups:
            tally = tallies[keys[tag]]
            tally.rows += number
            tally.restored += restored
            _count(tally.fates, fate, number)
            if world:
                _count(tally.volumes, day, number)
            tally.actors |= {actor for actor, does in zip(self.actors, occurs, strict=True) if does}
        for key, tally in tallies.items():
            # Rows that the engine passed over: those that it was given less those that it judged.
            given = sum(part.rows.get(key, 0) for part in parts)
            if given > tally.rows:
                tally.fates["unreadable"], tally.rows = given - tally.rows, given
        # In order of text, so that the first rows of each reason are the same in every run.
        shown = self._all(f"SELECT {TAG}, fate, unnest(shown) AS row FROM judged ORDER BY fate, row")
        for tag, fate, row in shown:
            examples = tallies[keys[tag]].examples.setdefault(fate, [])
            if len(examples) < SHOWN:
                examples.append(clean_text(row))
        load_table(self.connection, "files", {TAG: tuple(keys), "key": tuple(keys.values())})
        self.connection.execute(
            f"COPY (SELECT key, unnest(held, recursive := true) FROM judged JOIN files USING ({TAG}) "
            f"WHERE fate = '{KEPT}') TO {quoted(str(candidates))} (FORMAT parquet, COMPRESSION zstd)"
        )
        self.connection.execute("DROP TABLE judged")
        return tallies

    def _columns(self, parts: Sequence[Part]) -> dict[Path, list[str]]:
        """Return the columns of each Parquet file, which must have those that the format requires."""
        columns = {}
        for path in (part.path for part in parts if part.columns is None):
            described = self._all(f"DESCRIBE SELECT * FROM {read_parquet(path)}")
            names = columns[path] = [str(row[0]) for row in described]
            held = {folded(name) for name in names}
            layout = self.options.layout
            absent = ", ".join(repr(name) for name in layout.required if folded(name) not in held)
            if absent:
                wrong = f"not {layout.name} rows: the Parquet file has no column {absent}"
                raise WrongFormatError(f"{wrong}. It has: {', '.join(names[:20])}")
        return columns

    def actors_of(self, parts: Sequence[Part]) -> list[str]:
        """Return the countries that occur in some parts, most frequent first: for a message alone."""
        judged = self._judged(parts, self._columns(parts))
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
        options = self.options
        lows, highs = zip(*(sorted(dyad) for dyad in options.dyads), strict=True)
        load_table(self.connection, "dyads", {"low": lows, "high": highs})
        renamed = renamed_actors(options.layout)
        load_table(self.connection, "renamed", {"name": tuple(renamed), "alpha3": tuple(renamed.values())})
        rows = joined_rows(options.crosswalk, options.layout, mirrored=options.switches.merge_mirrored)
        columns = {name: tuple(row[place] for row in rows) for place, name in enumerate(JOINED)}
        load_table(self.connection, "crosswalk", columns, kinds=JOINED)

    # The statement

    def _grouped(self, parts: Sequence[Part], names: Mapping[Path, Sequence[str]]) -> str:
        """Return the statement that judges and groups in one pass: a table of all rows costs half more."""
        met = ", ".join(
            f"bool_or(from_actor = {quoted(actor)} OR to_actor = {quoted(actor)}) AS met_{place}"
            for place, actor in enumerate(self.actors)
        )
        return f"""SELECT {TAG}, fate, world, published, count(*) AS number, {met},
  count(*) FILTER (WHERE restored) AS restored_codes,
  min(shown, {SHOWN}) AS shown, list(held) FILTER (WHERE fate = '{KEPT}') AS held
FROM ({self._judged(parts, names)}) GROUP BY ALL"""

    def _judged(self, parts: Sequence[Part], names: Mapping[Path, Sequence[str]]) -> str:
        """Return the statement that gives each row its fate, and a candidate its columns."""
        layout, switches = self.options.layout, self.options.switches
        fields = ",\n    ".join(
            f"CAST({layout.fields.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in FIELDS.items()
        )
        actor = "r{0}.alpha3" if layout.named_countries else "coalesce(r{0}.alpha3, p.actor_{0})"
        own = layout.system == "own"
        moded = layout.has("mode") and not own
        join = "LEFT JOIN crosswalk x ON p.code = x.given AND x.mode = ''"
        if moded:
            join += "\n  LEFT JOIN crosswalk m ON p.code = m.given AND p.mode = m.mode AND p.mode <> ''"
        coded = ", ".join(
            f"CASE WHEN m.code IS NOT NULL THEN m.{name} ELSE x.{name} END AS x_{name}"
            if moded
            else f"x.{name} AS x_{name}"
            for name in JOINED
            if name not in ("given", "mode")
        )
        rules = self._rules()
        noise = f"CASE {rules['noise']} END" if rules["noise"] else "CAST(NULL AS VARCHAR)"
        published = "coalesce(added, day)" if layout.has("added") and switches.known_date != "act" else "day"
        candidate = ", ".join(f"{name} := {value}" for name, value in _candidate(own=own).items())
        return f"""
WITH source AS NOT MATERIALIZED ({self._source(parts, names)}),
parsed AS NOT MATERIALIZED (SELECT {TAG},
    {fields}
  FROM source),
coded AS NOT MATERIALIZED (SELECT p.*,
    {actor.format("a")} AS from_actor, {actor.format("b")} AS to_actor, {coded}
  FROM parsed p
  LEFT JOIN renamed ra ON p.actor_a = ra.name
  LEFT JOIN renamed rb ON p.actor_b = rb.name
  {join}),
placed AS NOT MATERIALIZED (SELECT c.*, d.low IS NOT NULL AS asked, {published} AS published_raw,
    CASE {rules["faults"]} END AS fault, {noise} AS noise
  FROM coded c
  LEFT JOIN dyads d ON d.low = least(from_actor, to_actor) AND d.high = greatest(from_actor, to_actor)),
judged AS NOT MATERIALIZED (SELECT *,
  CASE WHEN fault IS NOT NULL THEN fault
    WHEN from_actor IS NULL OR to_actor IS NULL THEN 'actorless'
    WHEN from_actor = to_actor THEN 'domestic'
    WHEN NOT asked THEN 'others'
    {rules["outside"]}
    WHEN noise IS NOT NULL THEN noise
    {rules["of_dyad"]}
    ELSE '{KEPT}' END AS fate
  FROM placed)
SELECT {TAG}, fate,
  fault IS NULL AND noise IS NULL AS world,
  CASE WHEN fault IS NULL AND noise IS NULL THEN greatest(published_raw, day) END AS published,
  CASE WHEN fault IS NULL THEN from_actor END AS from_actor,
  CASE WHEN fault IS NULL THEN to_actor END AS to_actor,
  fault IS NULL AND coalesce(x_restored, false) AS restored,
  CASE WHEN fault IS NOT NULL OR (asked AND fate <> '{KEPT}') THEN {self._shown()} END AS shown,
  CASE WHEN fate = '{KEPT}' THEN struct_pack({candidate}) END AS held
FROM judged"""

    def _rules(self) -> dict[str, str]:
        """Return the branches of CASE, by kind; volumes are counted after faults and noise."""
        layout, switches = self.options.layout, self.options.switches
        added, own, delay = layout.has("added"), layout.system == "own", switches.max_delay_days
        known, last = ", ".join(quoted(name) for name in CATEGORIES), f"DATE '{latest_day()}'"
        contexts = "'(^|;) *(future|hypothetical|historical|negation|negated) *($|;)'"
        faults = (
            ("day", True, f"day IS NULL OR day NOT BETWEEN DATE '{FIRST_DAY}' AND {last}"),
            ("added", added, f"added > {last}"),
            ("added", added, "added IS NULL AND nullif(trim(shown_added), '') IS NOT NULL"),
            ("future", added, f"added IS NOT NULL AND day > added + {CLOCK_DAYS}"),
            ("code", own, f"given_category IS NULL OR given_category NOT IN ({known})"),
            ("severity", own, "given_severity IS NULL OR given_severity NOT IN ('1', '2', '3', '4', '5')"),
            ("code", not own, "x_code IS NULL"),
        )
        outside = (
            ("vintage", switches.vintage, f"greatest(published_raw, day) > DATE '{switches.vintage}'"),
            ("no_act", layout.has("contexts"), f"regexp_matches(lower(coalesce(contexts, '')), {contexts})"),
            ("uncounted", not own, "x_category IS NULL"),
        )
        noise = (
            ("not_root", switches.root_only, "root IS DISTINCT FROM true"),
            ("mentions", switches.min_mentions, f"coalesce(mentions, 0) < {switches.min_mentions}"),
            ("sources", switches.min_sources, f"coalesce(sources, 0) < {switches.min_sources}"),
        )
        of_dyad = (
            ("excluded", switches.exclude, self._is_excluded()),
            ("late", delay is not None, f"added > day + {delay}"),
        )
        kinds = {"faults": faults, "outside": outside, "noise": noise, "of_dyad": of_dyad}
        return {
            kind: "\n    ".join(f"WHEN {test} THEN '{fate}'" for fate, applies, test in rules if applies)
            for kind, rules in kinds.items()
        }

    def _is_excluded(self) -> str:
        tests = []
        layout = self.options.layout
        for side in ("a", "b"):
            if self._excluded_sectors and layout.has(f"sectors_{side}"):
                wanted = ", ".join(quoted(name) for name in self._excluded_sectors)
                parts = f"string_split(coalesce(sectors_{side}, ''), '{layout.delimiter}')"
                tests.append(f"list_has_any(list_transform({parts}, lambda s: trim(s)), [{wanted}])")
            for name in self._excluded_names if layout.has(f"name_{side}") else ():
                tests.append(f"starts_with(upper(coalesce(name_{side}, '')), {quoted(name)})")
        return f"({' OR '.join(tests)})"

    def _shown(self) -> str:
        days = "coalesce(shown_day, '')"
        if self.options.layout.has("added"):
            days += " || ', published ' || coalesce(shown_added, '')"
        coding = "coalesce(code, given_category, '') || coalesce(' ' || given_severity, '')"
        return (
            "'row ' || coalesce(event_id, '') || ': ' || left(coalesce(actor_a, '?'), 30) || ' to ' "
            f"|| left(coalesce(actor_b, '?'), 30) || ', code ' || left({coding}, 60) || ', day ' "
            f"|| left({days}, 60)"
        )

    def _source(self, parts: Sequence[Part], names: Mapping[Path, Sequence[str]]) -> str:
        needed = tuple(dict.fromkeys(self.options.layout.columns))
        selects = []
        for part in parts:
            if part.columns is None:
                (tag,) = part.files
                own = names[part.path]
                held = {folded(name): f"coalesce(CAST({_named(name)} AS VARCHAR), '')" for name in own}
                chosen = ", ".join(f"{held.get(folded(name), 'NULL')} AS {_named(name)}" for name in needed)
                selects.append(f"SELECT {quoted(tag)} AS {TAG}, {chosen} FROM {read_parquet(part.path)}")
                continue
            texts = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in (*part.columns, TAG))
            chosen = ", ".join(("" if name in part.columns else "NULL AS ") + _named(name) for name in needed)
            selects.append(
                f"SELECT {TAG}, {chosen} FROM read_csv({quoted(literal_path(part.path))}, "
                f"columns={{{texts}}}, delim='\\t', quote='', escape='', header=false, auto_detect=false, "
                "ignore_errors=true, null_padding=false, nullstr='\\0', new_line='\\n', "
                f"max_line_size={MAX_ROW_BYTES}, hive_partitioning=false)"
            )
        return "\nUNION ALL ".join(selects)
