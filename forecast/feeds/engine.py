"""DuckDB: rows of a batch → fate of each, counts by file, and the candidates, in bounded memory.

Why DuckDB: it reads text and Parquet out of core under a memory limit that it keeps, ranks re-reports by
SQL, weighs 70 MB installed and needs nothing else. Polars was measured beside it (``docs/import.md``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from forecast.events.codebook import CATEGORIES
from forecast.feeds.actors import Excluded, excluded_actors, renamed_actors
from forecast.feeds.clean_rows import SHOWN
from forecast.feeds.crosswalk import mirrors
from forecast.feeds.fates import FAULTS, KEPT
from forecast.feeds.layout import FIELDS
from forecast.feeds.switches import ImportOptions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FIRST_DAY, LAST_DAY = "1800-01-01", "2100-12-31"
CLOCK_DAYS = 1
"""An act may be dated this much after its publication: the two are told by clocks of different zones."""
MAX_ROW_BYTES = 8_000_000

CANDIDATE = (
    "event_id",
    "day",
    "known",
    "a",
    "b",
    "code",
    "mode",
    "label",
    "category",
    "severity",
    "score",
    "counts_as",
    "mutual",
    "swapped",
    "mentions",
    "sources",
    "place",
    "url",
    "outlet",
    "title",
    "note",
    "name_a",
    "name_b",
)
"""Columns of a candidate row, in the parts and in the table that the last stage reads."""


@dataclass(frozen=True)
class Part:
    """Rows on disk that belong to one file: tab-separated text of ours, or the user's Parquet file.

    ``columns`` is ``None`` for Parquet.
    """

    key: str
    path: Path
    columns: tuple[str, ...] | None
    rows: int


@dataclass
class Tally:
    """What happened to the rows of one file.

    Parameters
    ----------
    rows : int
        Rows read.
    fates : dict of str to int
        Rows by fate; ``kept`` for the candidates.
    restored : int
        Codes whose leading zero was restored.
    volumes : dict of str to int
        Rows of the world by day of publication, after the switches that concern a single row.
    actors : dict of str to int
        Times that each country takes part.
    examples : dict of str to list of str
        First rows by fate.
    """

    rows: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    restored: int = 0
    volumes: dict[str, int] = field(default_factory=dict)
    actors: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the rows of another part."""
        self.rows += other.rows
        self.restored += other.restored
        for name in ("fates", "volumes", "actors"):
            mine = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + count
        for fate, shown in other.examples.items():
            mine = self.examples.setdefault(fate, [])
            mine += shown[: SHOWN - len(mine)]


def literal_path(path: Path) -> str:
    """Return a path as DuckDB reads it: signs that would stand for other files are written as themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def connect(memory_mb: int, threads: int, spill: Path) -> DuckDBPyConnection:
    """Return a connection that keeps to its memory and fetches nothing from the network."""
    return duckdb.connect(
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )


class Engine:
    """Reads batches of rows with one set of options; a context manager, since it owns a spill folder."""

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self._folder = tempfile.TemporaryDirectory(prefix="forecast-import-")
        self.folder = Path(self._folder.name)
        self.connection = connect(options.memory_mb, options.threads, self.folder / "spill")
        layout = options.layout
        self._excluded = excluded_actors(options.switches.exclude, layout)
        self._load_tables()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._folder.cleanup()

    def judge(self, parts: Sequence[Part], candidates: Path) -> dict[str, Tally]:
        """Judge every row of some parts.

        Parameters
        ----------
        parts : sequence of Part
            What to read.
        candidates : Path
            Where the candidate rows go, as Parquet.

        Returns
        -------
        dict of str to Tally
            By key of the file. Their rows add up to those read.
        """
        paths = {str(part.path): part.key for part in parts}
        tallies = {part.key: Tally() for part in parts}
        self.connection.execute("CREATE OR REPLACE TEMP TABLE batch AS " + self._judged(parts))
        for path, fate, count in self._all("SELECT filename, fate, count(*) FROM batch GROUP BY ALL"):
            tally = tallies[paths[path]]
            tally.fates[fate] = tally.fates.get(fate, 0) + count
            tally.rows += count
        for path, count in self._all("SELECT filename, count(*) FROM batch WHERE restored GROUP BY ALL"):
            tallies[paths[path]].restored += count
        volumes = "SELECT filename, CAST(published AS VARCHAR), count(*) FROM batch WHERE world GROUP BY ALL"
        for path, day, count in self._all(volumes):
            held = tallies[paths[path]].volumes
            held[day] = held.get(day, 0) + count
        for side in ("a", "b"):
            seen = f"SELECT filename, {side}, count(*) FROM batch WHERE {side} IS NOT NULL GROUP BY ALL"
            for path, actor, count in self._all(seen):
                known = tallies[paths[path]].actors
                known[actor] = known.get(actor, 0) + count
        self._count_unreadable(parts, tallies)
        self._show(paths, tallies)
        rows = ", ".join(CANDIDATE)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE files (filename VARCHAR, key VARCHAR)")
        self.connection.executemany("INSERT INTO files VALUES (?, ?)", [list(pair) for pair in paths.items()])
        self.connection.execute(
            f"COPY (SELECT key, {rows} FROM batch JOIN files USING (filename) WHERE fate = '{KEPT}') "
            f"TO {_quoted(str(candidates))} (FORMAT parquet, COMPRESSION zstd)"
        )
        self.connection.execute("DROP TABLE batch")
        return tallies

    def _all(self, query: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return rows

    def _count_unreadable(self, parts: Sequence[Part], tallies: dict[str, Tally]) -> None:
        expected: dict[str, int] = {}
        for part in parts:
            expected[part.key] = expected.get(part.key, 0) + part.rows
        for key, rows in expected.items():
            missing = rows - tallies[key].rows
            if missing > 0:
                tallies[key].fates["unreadable"] = missing
                tallies[key].rows = rows

    def _show(self, paths: dict[str, str], tallies: dict[str, Tally]) -> None:
        """Keep the first rows of each fault, by id, so that they are the same in every run."""
        for fate in FAULTS:
            if not any(fate in tally.fates for tally in tallies.values()):
                continue
            rows = self._all(
                f"SELECT filename, shown FROM batch WHERE fate = '{fate}' ORDER BY filename, shown LIMIT {SHOWN}"
            )
            for path, shown in rows:
                tallies[paths[path]].examples.setdefault(fate, []).append(shown)

    # The statement

    def _judged(self, parts: Sequence[Part]) -> str:
        layout, switches = self.options.layout, self.options.switches
        fields = ",\n    ".join(
            f"CAST({layout.fields.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in FIELDS.items()
        )
        actor = "r{0}.alpha3" if layout.actors == "names" else "coalesce(r{0}.alpha3, p.actor_{0})"
        own = layout.system == "own"
        moded = layout.has("mode") and not own
        join = "LEFT JOIN crosswalk x ON p.code = x.given AND x.mode = ''"
        if moded:
            join += "\n  LEFT JOIN crosswalk m ON p.code = m.given AND p.mode = m.mode AND p.mode <> ''"
        columns = ("code", "label", "category", "severity", "score", "counts_as", "mutual", "swapped", "restored")
        coded = ", ".join(
            f"CASE WHEN m.code IS NOT NULL THEN m.{name} ELSE x.{name} END AS x_{name}"
            if moded
            else f"x.{name} AS x_{name}"
            for name in columns
        )
        published = "coalesce(added, day)" if layout.has("added") and switches.known_date != "act" else "day"
        return f"""
WITH source AS ({self._source(parts)}),
parsed AS (SELECT filename,
    {fields}
  FROM source),
coded AS (SELECT p.*, {actor.format("a")} AS from_actor, {actor.format("b")} AS to_actor, {coded}
  FROM parsed p
  LEFT JOIN renamed ra ON p.actor_a = ra.name
  LEFT JOIN renamed rb ON p.actor_b = rb.name
  {join}),
placed AS (SELECT c.*, d.low IS NOT NULL AS asked, {published} AS published_raw,
    {self._fault()} AS fault, {self._noise()} AS noise
  FROM coded c
  LEFT JOIN dyads d ON d.low = least(from_actor, to_actor) AND d.high = greatest(from_actor, to_actor))
SELECT filename,
  CASE WHEN fault IS NOT NULL THEN fault
    WHEN from_actor IS NULL OR to_actor IS NULL THEN 'actorless'
    WHEN from_actor = to_actor THEN 'domestic'
    WHEN NOT asked THEN 'others'
    {self._outside()}
    WHEN noise IS NOT NULL THEN noise
    {self._candidate_noise()}
    ELSE '{KEPT}' END AS fate,
  fault IS NULL AND noise IS NULL AS world,
  greatest(published_raw, day) AS published,
  fault IS NULL AND coalesce(x_restored, false) AS restored,
  CASE WHEN fault IS NULL THEN (CASE WHEN asked AND coalesce(x_swapped, false) THEN to_actor
    ELSE from_actor END) END AS a,
  CASE WHEN fault IS NULL THEN (CASE WHEN asked AND coalesce(x_swapped, false) THEN from_actor
    ELSE to_actor END) END AS b,
  CASE WHEN fault IS NOT NULL THEN {self._shown()} END AS shown,
  {self._kept_columns(own)}
FROM placed"""

    def _kept_columns(self, own: bool) -> str:
        """Return the columns of candidates; of other rows they are not worth their memory."""
        values = {
            "event_id": "event_id",
            "day": "day",
            "known": "greatest(published_raw, day)",
            "code": "coalesce(x_code, code)",
            "mode": "mode",
            "label": "x_label",
            "category": "given_category" if own else "x_category",
            "severity": "TRY_CAST(given_severity AS TINYINT)" if own else "CAST(x_severity AS TINYINT)",
            "score": "coalesce(given_score, x_score)",
            "counts_as": "coalesce(x_counts_as, code, given_category)",
            "mutual": "coalesce(x_mutual, false)",
            "swapped": "coalesce(x_swapped, false)",
            **{name: name for name in ("mentions", "sources", "place", "url", "outlet", "title", "note")},
            "name_a": "CASE WHEN x_swapped THEN name_b ELSE name_a END",
            "name_b": "CASE WHEN x_swapped THEN name_a ELSE name_b END",
        }
        return ",\n  ".join(
            f"CASE WHEN asked AND fault IS NULL THEN {text} END AS {name}" for name, text in values.items()
        )

    def _fault(self) -> str:
        layout = self.options.layout
        cases = [f"WHEN day IS NULL OR day NOT BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' THEN 'day'"]
        if layout.has("added"):
            cases.append("WHEN added IS NULL AND nullif(trim(shown_added), '') IS NOT NULL THEN 'added'")
            cases.append(f"WHEN added IS NOT NULL AND day > added + {CLOCK_DAYS} THEN 'future'")
        if layout.system == "own":
            allowed = ", ".join(_quoted(name) for name in CATEGORIES)
            cases.append(f"WHEN given_category IS NULL OR given_category NOT IN ({allowed}) THEN 'code'")
            cases.append(
                "WHEN given_severity IS NULL OR given_severity NOT IN ('1', '2', '3', '4', '5') "
                "THEN 'severity'"
            )
        else:
            cases.append("WHEN x_code IS NULL THEN 'code'")
        return f"CASE {' '.join(cases)} END"

    def _noise(self) -> str:
        """Return the switches that concern a row by itself; the world's volume is counted after them too."""
        switches = self.options.switches
        cases = []
        if switches.root_only:
            cases.append("WHEN root IS DISTINCT FROM true THEN 'not_root'")
        if switches.min_mentions:
            cases.append(f"WHEN coalesce(mentions, 0) < {switches.min_mentions} THEN 'mentions'")
        if switches.min_sources:
            cases.append(f"WHEN coalesce(sources, 0) < {switches.min_sources} THEN 'sources'")
        return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"

    def _outside(self) -> str:
        layout, vintage = self.options.layout, self.options.switches.vintage
        cases = []
        if vintage is not None:
            cases.append(f"WHEN greatest(published_raw, day) > DATE '{vintage.isoformat()}' THEN 'vintage'")
        if layout.has("contexts"):
            pattern = "(^|;) *(future|hypothetical|historical|negation|negated) *($|;)"
            cases.append(f"WHEN regexp_matches(lower(coalesce(contexts, '')), '{pattern}') THEN 'no_act'")
        if layout.system != "own":
            cases.append("WHEN x_category IS NULL THEN 'uncounted'")
        return "\n    ".join(cases)

    def _candidate_noise(self) -> str:
        switches = self.options.switches
        cases = []
        if switches.exclude:
            cases.append(f"WHEN {self._is_excluded(self._excluded)} THEN 'excluded'")
        if switches.max_delay_days is not None:
            cases.append(f"WHEN added > day + {switches.max_delay_days} THEN 'late'")
        return "\n    ".join(cases)

    def _is_excluded(self, excluded: Excluded) -> str:
        tests = []
        layout = self.options.layout
        for side in ("a", "b"):
            if excluded.sectors and layout.has(f"sectors_{side}"):
                wanted = ", ".join(_quoted(name) for name in excluded.sectors)
                parts = f"string_split(coalesce(sectors_{side}, ''), '{layout.delimiter}')"
                tests.append(f"list_has_any(list_transform({parts}, lambda s: trim(s)), [{wanted}])")
            if excluded.names and layout.has(f"name_{side}"):
                tests += [
                    f"starts_with(upper(coalesce(name_{side}, '')), {_quoted(name)})" for name in excluded.names
                ]
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

    def _source(self, parts: Sequence[Part]) -> str:
        needed = tuple(dict.fromkeys(self.options.layout.columns))
        groups: dict[tuple[str, ...] | None, list[Part]] = {}
        for part in parts:
            groups.setdefault(part.columns, []).append(part)
        selects = []
        for columns, members in groups.items():
            paths = ", ".join(_quoted(literal_path(part.path)) for part in members)
            if columns is None:
                selects += [self._parquet(part, needed) for part in members]
                continue
            held = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in columns)
            chosen = ", ".join(
                _named(name) if name in columns else f"NULL AS {_named(name)}" for name in needed
            )
            selects.append(
                f"SELECT filename, {chosen} FROM read_csv([{paths}], columns={{{held}}}, delim='\\t', quote='', "
                "escape='', header=false, auto_detect=false, ignore_errors=true, null_padding=false, "
                f"nullstr='\\0', new_line='\\n', filename=true, max_line_size={MAX_ROW_BYTES})"
            )
        return "\nUNION ALL ".join(selects)

    def _parquet(self, part: Part, needed: Sequence[str]) -> str:
        path = _quoted(literal_path(part.path))
        described = self._all(f"DESCRIBE SELECT * FROM read_parquet({path})")
        held = {row[0].lower().replace("_", " "): row[0] for row in described}
        chosen = []
        for name in needed:
            found = held.get(name.lower().replace("_", " "))
            # Software that reads codes as numbers loses their leading zeros; the crosswalk mends what it can.
            chosen.append(
                f"coalesce(CAST({_named(found)} AS VARCHAR), '') AS {_named(name)}"
                if found
                else f"NULL AS {_named(name)}"
            )
        return f"SELECT filename, {', '.join(chosen)} FROM read_parquet({path}, filename=true)"

    # Tables that the statement joins

    def _load_tables(self) -> None:
        connection, options = self.connection, self.options
        connection.execute("CREATE TABLE dyads (low VARCHAR, high VARCHAR)")
        connection.executemany("INSERT INTO dyads VALUES (?, ?)", [sorted(dyad) for dyad in options.dyads])
        connection.execute("CREATE TABLE renamed (name VARCHAR, alpha3 VARCHAR)")
        connection.executemany(
            "INSERT INTO renamed VALUES (?, ?)", [list(pair) for pair in renamed_actors(options.layout).items()]
        )
        connection.execute(
            "CREATE TABLE crosswalk (given VARCHAR, mode VARCHAR, code VARCHAR, label VARCHAR, category VARCHAR, "
            "severity INTEGER, score DOUBLE, counts_as VARCHAR, mutual BOOLEAN, swapped BOOLEAN, "
            "restored BOOLEAN)"
        )
        rows = self._crosswalk_rows()
        if rows:
            connection.executemany(f"INSERT INTO crosswalk VALUES ({', '.join('?' * 11)})", rows)

    def _crosswalk_rows(self) -> list[list[object]]:
        crosswalk, layout = self.options.crosswalk, self.options.layout
        merged = self.options.switches.merge_mirrored
        sides = mirrors(layout.system) if merged else {}
        rows: list[list[object]] = []
        for (code, mode), coding in crosswalk.items():
            mirror = sides.get((code, mode))
            counts_as = mirror.counts_as if mirror else code
            # A row that tells an act from its other side is written as the act itself.
            swapped = bool(mirror and not mirror.mutual)
            told = crosswalk.get((counts_as, mode), coding) if swapped else coding
            row = [told.code, told.label, told.category, told.severity, told.score]
            row += [f"{counts_as} {mode}".strip(), bool(mirror and mirror.mutual), swapped]
            rows.append([code, mode, *row, False])
            short = code[1:]
            if layout.system == "cameo" and code.startswith("0") and (short, "") not in crosswalk:
                rows.append([short, mode, *row, True])
        return rows


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
