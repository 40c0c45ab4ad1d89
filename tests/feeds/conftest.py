"""Small GDELT files made on the spot, and an import that takes one line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.feeds.importing import FATES, LAYOUTS, ImportOptions, ImportReport, import_feed


@dataclass(frozen=True)
class Imported:
    report: ImportReport
    events: EventTable
    output: Path


@pytest.fixture
def imported(tmp_path) -> Callable[..., Imported]:
    """Import files of a format; other arguments are switches."""

    def run(files: list[Path], name: str, *dyads: str, output: str = "events.csv", **switches) -> Imported:
        options = ImportOptions(name, dyads or ("USA,CHN",), **switches)
        target = tmp_path / output
        target.unlink(missing_ok=True)
        report = import_feed(files, options, target)
        # Every row has one fate.
        assert sum(report.fates.values()) + report.kept == report.rows
        assert set(report.fates) <= set(FATES)
        assert sum(report.by_dyad.values()) == sum(report.by_category.values()) == report.kept
        return Imported(report, read_events(target), target)

    return run


@pytest.fixture(scope="session")
def gdelt_row():
    """Write a GDELT 2.0 row; what is not given is an ordinary visit of 1 January 2020."""

    def make(number: int, **given: object) -> str:
        cells = {
            "GLOBALEVENTID": number,
            "SQLDATE": 20200101,
            "Actor1Code": "USA",
            "Actor1Name": "UNITED STATES",
            "Actor1CountryCode": "USA",
            "Actor2Code": "CHN",
            "Actor2Name": "CHINA",
            "Actor2CountryCode": "CHN",
            "IsRootEvent": 1,
            "EventCode": "173",
            "EventBaseCode": "173",
            "EventRootCode": "17",
            "QuadClass": 4,
            "GoldsteinScale": -5.0,
            "NumMentions": 10,
            "NumSources": 2,
            "NumArticles": 10,
            "AvgTone": 0,
            "ActionGeo_FullName": f"Place {number}",
            "DATEADDED": f"{given.get('SQLDATE', 20200101)}000000",
            "SOURCEURL": f"https://www.example.org/{number}",
        }
        cells |= given
        return "\t".join(str(cells.get(name, "")) for name in LAYOUTS["gdelt2"].columns) + "\n"

    return make


@pytest.fixture
def gdelt_file(tmp_path, gdelt_row):
    """Write rows, each given as the cells that differ, to a file; the id is the place in the list."""

    def make(*rows: dict, name: str = "rows.csv") -> Path:
        path = tmp_path / name
        path.write_text("".join(gdelt_row(number, **row) for number, row in enumerate(rows, start=1)))
        return path

    return make
