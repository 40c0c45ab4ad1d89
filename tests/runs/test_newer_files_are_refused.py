"""A file of a newer format is refused with what to do; one of an older format is read."""

import json
from pathlib import Path

import pytest

from forecast.errors import RunFolderError
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.runs.folder import read_record

SAMPLE = Path(__file__).resolve().parents[2] / "reports/sample"


@pytest.mark.parametrize("kind", [Forecast, Analysis])
def test_a_file_of_a_newer_format_names_both_formats(kind, tmp_path):
    path = tmp_path / f"{kind.__name__.lower()}.json"
    content = json.loads((SAMPLE / path.name).read_text(encoding="utf-8"))
    path.write_text(json.dumps(content), encoding="utf-8")
    assert isinstance(read_record(path, kind), kind)
    path.write_text(json.dumps(content | {"schema": 3, "new": 1}), encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"has format 3 and this version of forecast reads up to 2\. "):
        read_record(path, kind)


@pytest.mark.parametrize("schema", ["two", -1, None])
def test_a_format_that_never_was_is_no_newer_one(schema, tmp_path):
    path = tmp_path / "forecast.json"
    content = json.loads((SAMPLE / path.name).read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"schema": schema}), encoding="utf-8")
    with pytest.raises(RunFolderError, match="not what a run writes"):
        read_record(path, Forecast)
