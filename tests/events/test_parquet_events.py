"""Events as Parquet: the same table as CSV, the same checks, whoever wrote the file."""

from datetime import date, datetime

import duckdb
import pytest

from forecast.errors import EventError
from forecast.events.reading import inspect_events, read_events, write_events


@pytest.mark.parametrize("name", ["events.parquet", "odd [1]*? name.parquet"])
def test_a_table_written_and_read_is_the_same(us_china, tmp_path, name):
    path = tmp_path / name
    write_events(us_china, path)
    assert read_events(path, source=us_china.source).sha256 == us_china.sha256
    assert read_events(path).has_verified


def test_typed_columns_of_other_software_are_read(tmp_path):
    path = tmp_path / "typed.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (date DATE, known_date TIMESTAMP, initiator VARCHAR, target VARCHAR, "
            "category VARCHAR, severity BIGINT, verified BOOLEAN, x_own DOUBLE)"
        )
        connection.execute(
            "INSERT INTO t VALUES (?, ?, 'USA', 'CHN', 'visit', 2, true, 1.5), "
            "(?, NULL, 'CHN', 'USA', 'dispute', 3, false, 2)",
            [date(2020, 1, 1), datetime(2020, 1, 3), date(2020, 2, 1)],
        )
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    table = read_events(path)
    assert [str(day) for day in table.known_date] == ["2020-01-03", "2020-02-01"]
    assert table.verified.tolist() == [True, False]
    assert table.severity.tolist() == [2, 3]


def test_faults_are_named_by_row(tmp_path):
    path = tmp_path / "events.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT '2020-01-0' || i AS date, 'USA' AS initiator, 'CHN' AS target, "
            f"'visit' AS category, 7 - i AS severity FROM range(1, 4) t(i)) TO '{path}' (FORMAT parquet)"
        )
    (fault,) = inspect_events(path)[1]
    assert (fault.line, fault.column) == (1, "severity")
    with pytest.raises(EventError, match=r"events.parquet:1: severity: '6' is not on the scale"):
        read_events(path)


def test_a_damaged_parquet_file_is_one_clear_error(us_china, tmp_path):
    path = tmp_path / "events.parquet"
    write_events(us_china, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(EventError, match="the Parquet file cannot be read"):
        read_events(path)


def test_a_folder_that_is_named_like_a_column_changes_no_value(us_china, tmp_path):
    folder = tmp_path / "severity=5" / "initiator=XXX" / "category=visit"
    folder.mkdir(parents=True)
    write_events(us_china, folder / "events.parquet")
    assert read_events(folder / "events.parquet", source=us_china.source).sha256 == us_china.sha256
