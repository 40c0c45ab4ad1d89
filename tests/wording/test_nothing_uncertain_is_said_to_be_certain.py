"""No text calls a chance 0% or 100% that is neither, and no record holds it as such."""

import re
from types import SimpleNamespace

import pytest

from forecast import wording
from forecast.config.describe import _delay
from forecast.ledger.chain import rounded_chance
from forecast.records.notices import notice
from forecast.wording import on_scale

TINY = [1e-12, 3e-9, 4e-7, 1e-5, 4.9e-4, 1e-3, 4.4e-3]
CERTAIN = re.compile(r"(?<![\d.,])(?:0(?:\.0+)?|100(?:\.0+)?)(?:%| of 1)")


@pytest.mark.parametrize("tiny", TINY)
def test_neither_words_nor_records_make_a_chance_certain(tiny):
    for chance in (tiny, 1 - tiny):
        said = [
            wording.percent(chance),
            wording.share(chance),
            wording.frequency(chance),
            wording.interval_percent((chance, chance)),
            wording.interval_percent((tiny, 1 - tiny)),
            on_scale(chance, "probability"),
            on_scale(chance, "chance"),
        ]
        assert [text for text in said if CERTAIN.search(text)] == []
        assert 0.0 < rounded_chance(chance) < 1.0
        assert rounded_chance(chance) == pytest.approx(chance, abs=1.1e-6)


def test_what_is_certain_is_on_record_as_such():
    assert [rounded_chance(one) for one in (0.0, 1.0, 0.12345678)] == [0.0, 1.0, 0.123457]
    assert wording.share(0.0) == "none"
    assert on_scale(1.0, "chance") == "100%"


@pytest.mark.parametrize("tiny", TINY)
def test_sentences_with_a_chance_do_not_either(tiny):
    for chance in (tiny, 1 - tiny):
        late = notice("late_reports", origin="stated", mean_days=2.0, known_share=chance)
        delay = SimpleNamespace(same_day=chance, mean_days=3.0)
        config = SimpleNamespace(events=SimpleNamespace(reporting_delay=delay))
        said = [late.text, _delay(config)]
        assert [text for text in said if CERTAIN.search(text)] == []
