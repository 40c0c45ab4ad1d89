import numpy as np
import pytest

from forecast.baselines import BinaryOutcomes
from forecast.errors import InputError
from forecast.evaluation.forecast_table import COLUMNS, join_forecasts, make_forecasts, read_forecasts

HEADER = "origin,horizon_days,target,model,probability,outcome"
ROW = "2000-01-01,30,force,climatology,0.25,1"


def test_writing_and_reading_gives_the_same_values_to_the_last_bit(make_table, tmp_path):
    table = join_forecasts(
        [
            make_table([0.1 + 0.2, 1 / 3, 1e-17], [1, 0, 1]),
            make_table(
                [0.0, 1.0, 0.5], [1, 0, 1], model="joint", target='with "quotes", and commas', horizon=90
            ),
        ]
    )
    table.write_csv(tmp_path / "forecasts.csv")
    back = read_forecasts(tmp_path / "forecasts.csv")
    for name in COLUMNS:
        assert getattr(back, name).tolist() == getattr(table, name).tolist()
        assert getattr(back, name).dtype == getattr(table, name).dtype
    text = (tmp_path / "forecasts.csv").read_text()
    assert text.startswith(HEADER + ",failed_fit\n2000-01-01,30,force,climatology,0.3000")


NO_TABLE = (
    "",
    "origin,horizon\n",
    f"{HEADER}\n2000-01-01,30\n",
    f"{HEADER}\n{ROW}\n2000-02-30,30,f,m,0.5,1\n",
    f"{HEADER}\n2000-01-01,-3,f,m,0.5,1\n",
    *(f"{HEADER}\n2000-01-01,30,f,m,{chance},1\n" for chance in ("1.5", "nan", "likely")),
    f"{HEADER}\n2000-01-01,30,f,m,0.5,yes\n",
    f"{HEADER},failed_fit\n{ROW},2\n",
    f"{HEADER},failed_fit\n{ROW}\n",
    f"{HEADER}\n{ROW}\n{ROW}\n",
)


def test_a_file_that_is_not_a_forecast_table_is_refused_with_its_line(tmp_path, refused, snapshot):
    path = tmp_path / "forecasts.csv"

    def read(text):
        path.write_text(text)
        read_forecasts(path)

    assert refused(read, *((text,) for text in NO_TABLE)) == snapshot


def test_files_that_cannot_be_read_or_written_are_refused(make_table, tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_forecasts(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_forecasts(tmp_path / "binary.csv")
    with pytest.raises(InputError, match="cannot be written: No such file"):
        make_table(0.5, [1]).write_csv(tmp_path / "absent/forecasts.csv")


def test_only_complete_windows_become_rows():
    outcomes = BinaryOutcomes(
        "force",
        np.array(["2000-01-01", "2000-02-01"], dtype="datetime64[D]"),
        np.array([30, 90]),
        np.array([[1.0, 0.0], [0.0, np.nan]]),
    )
    table = make_forecasts(outcomes, np.array([[0.1, 0.2], [0.3, np.nan]]), model="joint")
    assert table.probability.tolist() == [0.1, 0.2, 0.3]
    assert table.outcome.tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match=r"shape \(1, 2\), not \(2, 2\)"):
        make_forecasts(outcomes, np.array([[0.1, 0.2]]), model="joint")
    with pytest.raises(ValueError, match=r"a probability is not in \[0, 1\]"):
        make_forecasts(outcomes, np.array([[0.1, np.nan], [0.3, np.nan]]), model="joint")


def test_a_forecast_given_twice_is_refused(make_table):
    with pytest.raises(ValueError, match="given twice"):
        join_forecasts([make_table(0.5, [1, 0]), make_table(0.4, [1], skip=1)])
    with pytest.raises(ValueError, match="no table to join"):
        join_forecasts([])
