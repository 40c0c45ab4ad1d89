"""A file of another format is refused with what to do."""

import json
import re
from pathlib import Path

import pytest

from forecast.errors import RunFolderError
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.runs.files import changed_run_folder, read_record

SAMPLE = Path(__file__).resolve().parents[2] / "reports/sample"


@pytest.mark.parametrize(("kind", "reads"), [(Forecast, 7), (Analysis, 7)])
@pytest.mark.parametrize(
    ("newer", "said"),
    [
        (-1, "written by an earlier version of forecast; this one reads {}. Make it anew"),
        (1, "written by a newer version of forecast; this one reads {}. Install that one"),
    ],
)
def test_a_file_of_another_format_names_both_and_what_to_do(kind, reads, newer, said, tmp_path):
    path = tmp_path / f"{kind.__name__.lower()}.json"
    content = json.loads((SAMPLE / path.name).read_text(encoding="utf-8"))
    path.write_text(json.dumps(content), encoding="utf-8")
    assert isinstance(read_record(path, kind), kind)
    path.write_text(json.dumps(content | {"schema": reads + newer, "new": 1}), encoding="utf-8")
    expected = f"has format {reads + newer}, {said.format(reads)}"
    with pytest.raises(RunFolderError, match=re.escape(expected)) as refused:
        read_record(path, kind)
    assert len(str(refused.value).splitlines()) == 1


def test_a_record_of_more_values_than_any_run_writes_is_not_parsed(tmp_path, monkeypatch):
    path = tmp_path / "forecast.json"
    # No JSON: that would be told if it were parsed.
    path.write_bytes(b"[" + b"[]," * 2_000 + b"[")
    with pytest.raises(RunFolderError, match="Invalid JSON"):
        read_record(path, Forecast)
    monkeypatch.setattr("forecast.storage.MAX_JSON_VALUES", 1_000)
    with pytest.raises(RunFolderError, match=r"cannot be read \(4,002 values, more than the 1,000 allowed\)"):
        read_record(path, Forecast)
    monkeypatch.setattr("forecast.storage.MAX_JSON_BYTES", 1_000)
    with pytest.raises(RunFolderError, match=r"cannot be read \(6,002 bytes, more than the 1,000 allowed\)"):
        read_record(path, Forecast)


def test_a_record_that_cannot_be_read_while_a_folder_is_changed_is_no_failed_write(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.storage.MAX_JSON_BYTES", 1_000)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "forecast.json").write_bytes(b" " * 2_000)

    def change():
        with changed_run_folder(folder) as filling:
            read_record(filling / "forecast.json", Forecast)

    with pytest.raises(RunFolderError, match=rf"^{folder}/forecast\.json: cannot be read \(2,000 bytes"):
        change()
