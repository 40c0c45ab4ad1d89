"""The fate of each row: every reason for which it is not kept, in words, and the SQL that decides.

The statement's text is made of a layout's expressions and the user's switches; every value of the user's is
quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from forecast.events.cells import latest_day
from forecast.events.codebook import CATEGORIES
from forecast.events.rows import literal_path
from forecast.feeds.clean_rows import SHOWN
from forecast.feeds.crosswalk import excluded_actors
from forecast.feeds.layout import FIELDS, folded, pairs
from forecast.feeds.options import ImportOptions


class Fate(NamedTuple):
    """Why rows are dropped.

    ``kind`` is ``fault`` (the row itself is wrong), ``outside`` (not asked for), ``noise`` (a switch) or
    ``repeat``; ``words`` follow a number of rows.
    """

    kind: str
    words: str


FATES: Mapping[str, Fate] = {
    "width": Fate("fault", "cannot be read: wrong number of columns, or not a record"),
    "unreadable": Fate("fault", "cannot be read by the engine"),
    "day": Fate("fault", "have an impossible date"),
    "added": Fate("fault", "have an impossible date of publication"),
    "future": Fate("fault", "are dated after the day on which they were published"),
    "code": Fate("fault", "have a code that the coding scheme does not know"),
    "severity": Fate("fault", "have a severity that is not 1 to 5"),
    "actorless": Fate("outside", "lack the country of an actor"),
    "domestic": Fate("outside", "are within one country"),
    "others": Fate("outside", "are between other actors"),
    "vintage": Fate("outside", "became known after the vintage"),
    "no_act": Fate("outside", "are future, hypothetical, historical or negated by their context"),
    "uncounted": Fate(
        "outside", "are of a kind that the codebook does not count (statements, appeals, protest)"
    ),
    "not_root": Fate("noise", "are not the root event of their text (--root-only)"),
    "mentions": Fate("noise", "have too few mentions (--min-mentions)"),
    "sources": Fate("noise", "have too few sources (--min-sources)"),
    "excluded": Fate("noise", "are of an excluded group of actors (--exclude)"),
    "late": Fate("noise", "were reported too long after the act (--max-delay)"),
    "same_id": Fate("repeat", "were in another file already (same id)"),
    "mirrored": Fate("repeat", "are the other side of an act that is kept (--keep-mirrored keeps them)"),
    "repeated": Fate("repeat", "report again an act that is kept (--repeat-days)"),
    "over_cap": Fate("repeat", "are beyond the number allowed a day (--cap-per-day)"),
    "thinned": Fate("noise", "fall to the growth of the archive's volume (--normalise)"),
}
"""Reasons by name, in the order in which they are asked."""
FAULTS: tuple[str, ...] = tuple(name for name, fate in FATES.items() if fate.kind == "fault")
KEPT = "kept"

FIRST_DAY = "1800-01-01"
CLOCK_DAYS = 1
"""An act may be dated this much after its publication: the two are told by clocks of different zones."""
MAX_ROW_BYTES = 8_000_000
TAG = "_file"
"""Last column of our text: which file of the batch a row comes from."""
CROSSWALK = pairs(
    "given: VARCHAR, mode: VARCHAR, code: VARCHAR, label: VARCHAR, category: VARCHAR, severity: INTEGER, "
    "scale: DOUBLE, counts_as: VARCHAR, mutual: BOOLEAN, swapped: BOOLEAN, restored: BOOLEAN"
)
"""Columns of the table that joins a code to its meaning: the code as the file gives it, then as it is."""


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


@dataclass(frozen=True)
class Part:
    """Rows on disk to be judged: text of ours with the rows of many files, or one Parquet file of the user's.

    ``columns`` are those of the text, before ``TAG``; ``None`` for Parquet. ``files`` has the key of a file
    by its tag, as written in its rows; ``rows`` their number by key, unknown of Parquet.
    """

    path: Path
    columns: tuple[str, ...] | None
    files: dict[str, str]
    rows: dict[str, int]


class Statement:
    """Writes the statement for one set of options; ``names`` are the columns of each Parquet file."""

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.actors = tuple(dict.fromkeys(actor for dyad in options.dyads for actor in dyad))
        excluded = excluded_actors(options.switches.exclude, options.layout)
        self._excluded_sectors, self._excluded_names = excluded

    def grouped(self, parts: Sequence[Part], names: Mapping[Path, Sequence[str]]) -> str:
        """Return the statement that judges and groups in one pass.

        Only counts and candidates are held: a table of all rows would cost half as much again.
        """
        met = ", ".join(
            f"bool_or(from_actor = {quoted(actor)} OR to_actor = {quoted(actor)}) AS met_{place}"
            for place, actor in enumerate(self.actors)
        )
        return f"""SELECT {TAG}, fate, world, published, count(*) AS number, {met},
  count(*) FILTER (WHERE restored) AS restored_codes,
  min(shown, {SHOWN}) AS shown, list(held) FILTER (WHERE fate = '{KEPT}') AS held
FROM ({self.judged(parts, names)}) GROUP BY ALL"""

    def judged(self, parts: Sequence[Part], names: Mapping[Path, Sequence[str]]) -> str:
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
            for name in CROSSWALK
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
                found = names[part.path]
                held = {folded(name): f"coalesce(CAST({_named(name)} AS VARCHAR), '')" for name in found}
                chosen = ", ".join(f"{held.get(folded(name), 'NULL')} AS {_named(name)}" for name in needed)
                path = quoted(literal_path(part.path))
                selects.append(
                    f"SELECT {quoted(tag)} AS {TAG}, {chosen} "
                    f"FROM read_parquet({path}, hive_partitioning=false)"
                )
                continue
            texts = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in (*part.columns, TAG))
            given = (("" if name in part.columns else "NULL AS ") + _named(name) for name in needed)
            chosen = ", ".join(given)
            selects.append(
                f"SELECT {TAG}, {chosen} FROM read_csv({quoted(literal_path(part.path))}, "
                f"columns={{{texts}}}, delim='\\t', quote='', escape='', header=false, auto_detect=false, "
                "ignore_errors=true, null_padding=false, nullstr='\\0', new_line='\\n', "
                f"max_line_size={MAX_ROW_BYTES}, hive_partitioning=false)"
            )
        return "\nUNION ALL ".join(selects)


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
