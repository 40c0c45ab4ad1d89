"""How tense it is now, and was when past cases came: facts in, sentences out."""

from datetime import date, timedelta

import pytest

from forecast.phrases.sources import tension_sentences
from forecast.records.analysis import TensionSeries

DAYS = tuple(date(2020, 1, 1) + timedelta(days=7 * week) for week in range(60))
LAST, CALM, LATER = DAYS[-1], DAYS[3], DAYS[5]


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([], []),
        ([LAST], ["The one past case came in a strained week."]),
        ([LAST, LAST], ["Both past cases came in strained weeks."]),
        ([CALM], ["The one past case came below “strained”."]),
        ([CALM, LATER, LATER], ["Past cases all came below “strained”."]),
        ([CALM, LAST], []),
    ],
)
def test_past_cases_are_placed_where_all_lie_in_one_state(cases, said):
    tension = TensionSeries.model_construct(
        date=DAYS, mean=(0.0,) * 59 + (1.0,), strained_from=0.5, crisis_from=2.0
    )
    assert [*tension_sentences(tension, cases)] == ["The highest since 2020.", *said]
