"""The bench of feeds: rows are made as asked, every reader finds the same, and the table says it."""

import json
import zipfile

import duckdb
import pytest
from typer.testing import CliRunner

from forecast.bench import ingest
from forecast.bench.ingest import IngestReport, IngestRun, make_feed, measure_ingest
from forecast.cli.app import app
from forecast.cli.terminal import lines_of
from forecast.errors import EventError


def test_made_rows_are_of_the_format_with_ids_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.bench.ingest.ROWS_A_DAY", 5_000)
    feed = make_feed(tmp_path, 11_000, seed=1)
    assert [len(feed.zipped), len(feed.parquet)] == [3, 3]
    text = b"".join(zipfile.ZipFile(path).read(path.name.removesuffix(".zip")) for path in feed.zipped)
    rows = [line.split(b"\t") for line in text.splitlines()]
    assert feed.rows == len(rows) == 11_000
    assert feed.text_bytes == len(text)
    assert {len(row) for row in rows} == {61}
    assert sorted(int(row[0]) for row in rows) == list(range(1, 11_001))
    assert {row[1] for row in rows} == {b"20200101", b"20200102", b"20200103"}
    held = duckdb.sql(
        f"SELECT count(*), count(DISTINCT GLOBALEVENTID) FROM read_parquet('{tmp_path}/*.parquet')"
    )
    assert held.fetchall() == [(11_000, 11_000)]


def test_a_sample_of_another_format_is_refused(tmp_path, shared_data):
    with pytest.raises(EventError, match=r"expected GDELT 2\.0 rows of 61 tab-separated columns"):
        make_feed(tmp_path, 1000, sample=shared_data / "samples/icews-2018-06-sample.tab")


def test_every_reader_finds_the_same_rows(monkeypatch, shared_data):
    def here(reader, source, read, files, folder, threads):
        return IngestRun(reader, source, *ingest._measured(read, files, folder, threads))

    monkeypatch.setattr(ingest, "_alone", here)
    told = []
    sample = shared_data / "samples/gdelt2-20201113.export.CSV"
    report = measure_ingest(2 * 2824, told.append, sample=sample)
    assert told[0] == "make 5,648 rows"
    assert {(run.rows, run.dyad_rows) for run in report.runs} == {(5648, 2 * 88)}
    assert {run.source for run in report.runs} == {"zipped text", "Parquet"}
    assert all(run.seconds > 0 and run.peak_mebibytes > 10 for run in report.runs)


def test_the_command_prints_a_narrow_table_or_one_object(monkeypatch):
    report = IngestReport(
        rows=1_000_000,
        files=5,
        text_bytes=450_000_000,
        processors=2,
        load=0.4,
        runs=[IngestRun("import", "zipped text", 1_000_000, 30_000, 4.0, 7.5, 260.0)],
    )
    monkeypatch.setattr(ingest, "measure_ingest", lambda *_, **__: report)
    text = lines_of(report.blocks())
    assert max(map(len, text)) <= 80
    assert "250,000" in text[2]
    assert text[-1] == "pandas left out: not installed."
    got = CliRunner().invoke(app, ["bench", "ingest", "--json"])
    assert got.exit_code == 0
    content = json.loads(got.output)
    assert content["runs"][0]["rows_per_second"] == 250_000


@pytest.mark.slow
def test_an_import_of_two_million_rows_keeps_within_a_gigabyte():
    report = measure_ingest(2_000_000, lambda what: None)
    imports = [run for run in report.runs if run.reader == "import"]
    assert {run.rows for run in imports} == {2_000_000}
    assert len({run.dyad_rows for run in report.runs}) == 1
    assert max(run.peak_mebibytes for run in imports) < 1000
