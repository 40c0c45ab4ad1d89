"""GDELT 2.0 rows in any number, for measurements: made up, or real ones with fresh ids and dates."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from forecast.errors import EventError
from forecast.events.codebook import cameo_codes, countries
from forecast.feeds.gdelt import GDELT2

FIRST_DAY = date(2020, 1, 1)
ROWS_A_DAY = 200_000
"""About what GDELT 2.0 publishes a day."""
TEMPLATE_ROWS = 4_000
COMPRESSION = 6
"""Level at which the archive's own files are packed."""

_ID, _DAY, _ADDED = (GDELT2.columns.index(name) for name in ("GLOBALEVENTID", "SQLDATE", "DATEADDED"))


@dataclass(frozen=True)
class MadeFeed:
    """Files that hold the same rows twice.

    Parameters
    ----------
    rows : int
    text_bytes : int
        Size of the text, unpacked.
    zipped, parquet : tuple of Path
        One file a day.
    """

    rows: int
    text_bytes: int
    zipped: tuple[Path, ...]
    parquet: tuple[Path, ...]


def make_feed(folder: Path, rows: int, *, seed: int = 0, sample: Path | None = None) -> MadeFeed:
    """Write rows as zipped text and as Parquet.

    Parameters
    ----------
    folder : Path
        Where to write.
    rows : int
        How many; spread over as many days as GDELT would take to publish them.
    seed : int
        Of the made-up rows.
    sample : Path, optional
        GDELT 2.0 rows to repeat instead.

    Raises
    ------
    EventError
        The sample holds no GDELT 2.0 rows.
    """
    template = _sampled(sample) if sample is not None else list(_made_up(Random(seed)))
    zipped, parquet, size, made = [], [], 0, 0
    for number in range(-(-rows // ROWS_A_DAY)):
        day = f"{FIRST_DAY + timedelta(days=number):%Y%m%d}"
        count = min(ROWS_A_DAY, rows - made)
        text = folder / f"{day}.export.CSV"
        size += _write_day(text, template, day, first_id=1 + made, count=count)
        packed = text.with_suffix(".CSV.zip")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
            archive.write(text, text.name)
        parquet.append(_as_parquet(text))
        text.unlink()
        zipped.append(packed)
        made += count
    return MadeFeed(made, size, tuple(zipped), tuple(parquet))


def _write_day(path: Path, template: list[list[str]], day: str, *, first_id: int, count: int) -> int:
    """Write the rows of a day; return their size in bytes."""
    dated = []
    for cells in template:
        row = list(cells)
        row[_DAY], row[_ADDED] = day, f"{day}000000"
        dated.append("\t".join(row[1:]))
    size = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        for begin in range(0, count, len(dated)):
            picked = dated[: count - begin]
            size += stream.write(
                "".join(f"{first_id + begin + at}\t{row}\n" for at, row in enumerate(picked))
            )
    return size


def _as_parquet(text: Path) -> Path:
    import duckdb

    from forecast.events.rows import literal_path

    target = text.with_suffix(".parquet")
    names = ", ".join(f"'{name}': 'VARCHAR'" for name in GDELT2.columns)
    quoted = [str(path).replace("'", "''") for path in (literal_path(text), target)]
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{quoted[0]}', columns={{{names}}}, delim='\\t', quote='', "
            f"escape='', header=false, auto_detect=false)) TO '{quoted[1]}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    return target


def _sampled(sample: Path) -> list[list[str]]:
    try:
        lines = sample.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"{sample}: cannot be read: {error}") from error
    rows = [line.split("\t") for line in lines]
    if not rows or any(len(row) != len(GDELT2.columns) for row in rows):
        raise EventError(f"{sample}: expected GDELT 2.0 rows of {len(GDELT2.columns)} tab-separated columns")
    return rows


def _made_up(chance: Random) -> Iterator[list[str]]:
    """Yield rows as wide as real ones: two in three with both countries, five hundred addresses."""
    names = sorted(countries())
    # The great powers take part in a third of all rows, as they do in the archive.
    weights = [40 if name in ("USA", "CHN", "RUS", "GBR") else 1 for name in names]
    codes = [code for code in cameo_codes() if len(code) >= 3]
    for _ in range(TEMPLATE_ROWS):
        code = chance.choice(codes)
        sides = chance.choices(names, weights, k=2)
        place = f"Place number {chance.randrange(10_000)}, Province {chance.randrange(300)}, Some Country"
        cells = {
            "MonthYear": "202001",
            "Year": "2020",
            "FractionDate": "2020.0027",
            "IsRootEvent": chance.choice("01"),
            "EventCode": code,
            "EventBaseCode": code[:3],
            "EventRootCode": code[:2],
            "QuadClass": chance.choice("1234"),
            "GoldsteinScale": f"{cameo_codes()[code].goldstein}",
            "NumMentions": str(chance.randrange(1, 40)),
            "NumSources": str(chance.randrange(1, 5)),
            "NumArticles": str(chance.randrange(1, 40)),
            "AvgTone": f"{chance.uniform(-10, 10):.14f}",
            "SOURCEURL": f"https://www.paper-{chance.randrange(500)}.example/world/{chance.randrange(10**9)}/story",
        }
        for number, side in enumerate(sides, start=1):
            if chance.random() < 0.8:
                cells |= {f"Actor{number}Code": side, f"Actor{number}CountryCode": side}
            cells[f"Actor{number}Name"] = f"ACTOR OF {side}"
            cells[f"Actor{number}Type1Code"] = chance.choice(["GOV", "MIL", "", "", "MED", "BUS"])
        for geography in ("Actor1Geo", "Actor2Geo", "ActionGeo"):
            cells |= {
                f"{geography}_Type": "4",
                f"{geography}_FullName": place,
                f"{geography}_CountryCode": "XX",
                f"{geography}_ADM1Code": "XX01",
                f"{geography}_Lat": f"{chance.uniform(-60, 60):.4f}",
                f"{geography}_Long": f"{chance.uniform(-180, 180):.3f}",
                f"{geography}_FeatureID": str(-chance.randrange(10**7)),
            }
        yield [cells.get(name, "") for name in GDELT2.columns]
