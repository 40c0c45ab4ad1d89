"""How long a store takes: an update of one day of GDELT from this machine, and a pair of twenty years read.

    python tools/store_speed.py [--rows 150000] [--pairs 100] [--acts 5000000]

Rows are made up, as many a day as GDELT 2.0 publishes; a tenth of them are of the pair that is asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import threading
import time
import zipfile
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from forecast.events.codebook import cameo_codes
from forecast.events.reading import ACTS, STATE, connect, read_store
from forecast.feeds.importing import LAYOUTS
from forecast.feeds.store import WRITTEN, update_store, write_store

DAY, QUARTERS, MONTHS = date(2024, 5, 1), 96, 240


def archives(folder: Path, rows: int) -> None:
    """Write the archives of a day and the lists that name them."""
    codes, lines, number = sorted(cameo_codes()), [], 0
    for quarter in range(QUARTERS):
        stamp = f"{DAY:%Y%m%d}{quarter // 4:02d}{quarter % 4 * 15:02d}00"
        text = []
        for _ in range(rows // QUARTERS):
            number += 1
            a, b = ("USA", "CHN") if number % 10 == 0 else ("DEU", "FRA")
            cells = {"GLOBALEVENTID": number, "SQLDATE": f"{DAY:%Y%m%d}", "DATEADDED": stamp}
            cells |= {"Actor1CountryCode": a, "Actor2CountryCode": b, "EventCode": codes[number % len(codes)]}
            cells |= {"EventRootCode": "17", "IsRootEvent": 1, "NumMentions": 5, "NumSources": 1}
            cells |= {"ActionGeo_FullName": f"Place {number % 997}", "SOURCEURL": f"https://e.org/{number}"}
            text.append("\t".join(str(cells.get(name, "")) for name in LAYOUTS["gdelt2"].columns) + "\n")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{stamp}.export.CSV", "".join(text))
        name, content = f"{stamp}.export.CSV.zip", buffer.getvalue()
        (folder / name).write_bytes(content)
        lines.append(f"{len(content)} {hashlib.md5(content).hexdigest()} http://elsewhere/{name}\n")
    (folder / "masterfilelist.txt").write_text("".join(lines))
    (folder / "lastupdate.txt").write_text(lines[-1])


def time_update(folder: Path, rows: int) -> None:
    """Print the seconds of an update, beside those of the download alone."""
    served = folder / "served"
    served.mkdir()
    archives(served, rows)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    pairs = {("CHN", "USA")}
    began, busy = time.perf_counter(), time.process_time()
    report = update_store(folder / "day", lambda _: None, pairs=pairs, since=DAY, until=DAY, address=address)
    took, used = time.perf_counter() - began, time.process_time() - busy
    server.shutdown()
    print(
        f"update of one day   {rows:>10,} rows  {took:6.2f} s  ({used:.2f} processor s)  {report.to_dict()}"
    )


def time_reading(folder: Path, acts: int, pairs: int) -> None:
    """Print the seconds in which one pair of twenty years is read from a store of many."""
    place = folder / "years"
    (place / ACTS).mkdir(parents=True)
    write_store(place, ["CHN,USA"])
    (place / STATE).write_text("{}")
    made = {
        "id": "'gdelt2-' || n",
        "date": "month + CAST(n % 28 AS INTEGER)",
        "known_date": "month + CAST(n % 28 AS INTEGER)",
        "initiator": "'A' || {number}",
        "target": "'Z' || {number}",
        "category": "'dispute'",
        "severity": "CAST(1 + n % 5 AS TINYINT)",
        "summary": "'UNITED STATES to CHINA: Reject, not specified below (Place ' || n || ')'",
        "source_outlet": "'example.org'",
        "source_url": "'https://www.example.org/article/' || n",
        "pair": "'A' || {number} || ',Z' || {number}",
    }
    number = f"lpad(CAST(n % {pairs} AS VARCHAR), 2, '0')"
    with connect() as connection:
        for month in range(MONTHS):
            first = date(2004 + month // 12, month % 12 + 1, 1)
            start, end = month * (acts // MONTHS), (month + 1) * (acts // MONTHS)
            columns = ", ".join(
                f"CAST({made.get(name, 'NULL').format(number=number)} AS {kind}) AS {name}"
                for name, kind in WRITTEN.items()
            )
            path = place / ACTS / f"{first:%Y-%m}.parquet"
            connection.execute(
                f"COPY (SELECT *, id AS story, 1 AS reports FROM (SELECT {columns} FROM "
                f"(SELECT n, DATE '{first}' AS month FROM range({start}, {end}) r(n))) "
                f"ORDER BY pair, date, id) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
            )
    for _ in range(2):
        began, busy = time.perf_counter(), time.process_time()
        table = read_store(place, name="years", pairs={("A07", "Z07")})
        took, used = time.perf_counter() - began, time.process_time() - busy
        print(
            f"a pair of 20 years  {len(table):>10,} acts of {acts:,}  {took:6.2f} s  ({used:.2f} processor s)"
        )


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument("--acts", type=int, default=5_000_000)
    parser.add_argument("--pairs", type=int, default=100)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        time_update(Path(folder), asked.rows)
        time_reading(Path(folder), asked.acts, asked.pairs)


if __name__ == "__main__":
    main()
