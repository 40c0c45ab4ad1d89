import numpy as np
import pytest

from forecast.baselines import BinaryOutcomes
from forecast.errors import InputError
from forecast.evaluation.score_table import COLUMNS, join_forecasts, make_forecasts, read_forecasts

HEADER = "what,target,origin,day,who,chance,outcome,failed_fit"
ROW = "pair,force,2000-01-01,2000-01-31,climatology,0.25,1,0"


def test_writing_and_reading_gives_the_same_values_to_the_last_bit(make_table, tmp_path):
    table = join_forecasts(
        [
            make_table([0.1 + 0.2, 1 / 3, 1e-17], [1, 0, 1]),
            make_table(
                [0.0, 1.0, 0.5], [1, 0, 1], who="joint", target='with "quotes", and commas', horizon=90
            ),
        ]
    )
    table.write_csv(tmp_path / "forecasts.csv")
    back = read_forecasts(tmp_path / "forecasts.csv")
    for name in COLUMNS:
        assert getattr(back, name).tolist() == getattr(table, name).tolist()
        assert getattr(back, name).dtype == getattr(table, name).dtype
    text = (tmp_path / "forecasts.csv").read_text()
    assert text.startswith(HEADER + "\npair,force,2000-01-01,2000-01-31,climatology,0.3000")


NO_TABLE = (
    "",
    "origin,horizon\n",
    f"{HEADER}\n2000-01-01,30\n",
    f"{HEADER}\n{ROW}\n{ROW.replace('2000-01-01', '2000-02-30')}\n",
    f"{HEADER}\n{ROW.replace('2000-01-31', '1999-12-31')}\n",
    *(f"{HEADER}\n{ROW.replace('0.25', chance)}\n" for chance in ("1.5", "nan", "likely")),
    f"{HEADER}\n{ROW.replace(',1,0', ',yes,0')}\n",
    f"{HEADER}\n{ROW.replace(',1,0', ',1,2')}\n",
    f"{HEADER}\n{ROW}\n{ROW}\n",
)


def test_a_file_that_is_not_a_forecast_table_is_refused_with_its_line(tmp_path, refused, snapshot):
    path = tmp_path / "forecasts.csv"

    def read(text):
        path.write_text(text)
        read_forecasts(path)

    assert refused(read, *((text,) for text in NO_TABLE)) == snapshot


def test_files_that_cannot_be_read_or_written_are_refused(make_table, tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_forecasts(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_forecasts(tmp_path / "binary.csv")
    with pytest.raises(InputError, match="cannot be written: No such file"):
        make_table(0.5, [1]).write_csv(tmp_path / "absent/forecasts.csv")


def test_only_complete_windows_that_were_forecast_become_rows():
    outcomes = BinaryOutcomes(
        "force",
        np.array(["2000-01-01", "2000-02-01"], dtype="datetime64[D]"),
        np.array([30, 90]),
        np.array([[1.0, 0.0], [0.0, np.nan]]),
    )
    table = make_forecasts(outcomes, np.array([[0.1, 0.2], [0.3, 0.4]]), who="joint")
    assert table.chance.tolist() == [0.1, 0.2, 0.3]
    assert table.outcome.tolist() == [1, 0, 0]
    assert table.horizon_days.tolist() == [30, 90, 30]
    # A model that is silent has no row.
    assert len(make_forecasts(outcomes, np.array([[0.1, np.nan], [0.3, np.nan]]), who="joint")) == 2


def test_a_forecast_given_twice_is_refused(make_table):
    with pytest.raises(ValueError, match="given twice"):
        join_forecasts([make_table(0.5, [1, 0]), make_table(0.4, [1], skip=1)])
