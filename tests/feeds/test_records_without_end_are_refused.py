"""Records and headers made to be without end are rows that cannot be read, or no file of the format."""

import json

import pytest

from forecast.feeds.clean_rows import Block, RowCleaner, WrongFormatError
from forecast.feeds.formats import LAYOUTS


def cleaned(name: str, content: bytes) -> RowCleaner:
    cleaner = RowCleaner(LAYOUTS[name], "f")
    cleaner.clean(Block("", 1, content), last=True)
    return cleaner


def test_a_record_of_many_actors_is_not_spread_without_end():
    actors = [{"code": f"A{number}"} for number in range(1_500)]
    record = {"date": "2020-01-01", "event": ["ACCUSE"], "source": actors, "recipient": actors}
    sound = {**record, "source": actors[:2], "recipient": actors[:2]}
    lines = [json.dumps(sound), json.dumps(sound), json.dumps(record)]
    found = cleaned("plover", ("\n".join(lines) + "\n").encode())
    assert found.faults.counts == {"width": 1}
    assert "2,250,000 pairs and events, more than 5,000" in found.faults.examples["width"][0]


def test_a_record_nested_without_end_is_a_row_that_cannot_be_read():
    sound = json.dumps({"date": "2020-01-01", "event": "ACCUSE", "source": ["USA"], "recipient": ["CHN"]})
    lines = [sound, sound, "[" * 200_000]
    assert cleaned("plover", ("\n".join(lines) + "\n").encode()).faults.counts == {"width": 1}


@pytest.mark.parametrize("name", ["icews", "acled", "polecat"])
def test_a_header_of_many_columns_is_refused_at_once(name):
    sign = b"," if name == "acled" else b"\t"
    header = sign.join(b"c%d" % number for number in range(400_000)) + b"\n"
    with pytest.raises(WrongFormatError, match="400,000 columns"):
        cleaned(name, header)
