"""Feeds with injected faults: each is seen, and a feed without one raises no alarm."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.events.summary import Feed, feed_faults
from forecast.events.table import Event, EventTable

AS_OF = date(2010, 1, 31)
KINDS = ("dispute", "visit", "cooperation", "sanction")


def acts(seed=0, a_day=1.5, kinds=(0.4, 0.3, 0.2, 0.1), first=date(2005, 1, 1), last=AS_OF) -> list[Event]:
    random = np.random.default_rng(seed)
    events = []
    for day in range((last - first).days + 1):
        for number in range(random.poisson(a_day)):
            events.append(
                Event(
                    id=f"{first}-{day}-{number}",
                    date=first + timedelta(days=day),
                    known_date=first + timedelta(days=day),
                    initiator="AAA",
                    recipient="BBB",
                    category=str(random.choice(KINDS, p=kinds)),
                    severity=int(random.integers(1, 4)),
                    summary=f"act {day} {number}",
                )
            )
    return events


def faults(events, as_of=AS_OF):
    return feed_faults((Feed.of_table(EventTable.from_events(events, "feed.csv")),), as_of)


@pytest.mark.parametrize("seed", range(8))
def test_a_steady_feed_raises_no_alarm(seed):
    assert faults(acts(seed)) == ()


def test_a_lost_month_is_named():
    (found,) = faults([one for one in acts() if (one.date.year, one.date.month) != (2009, 9)])
    assert (found.code, found.first, found.last) == ("lost_month", date(2009, 9, 1), date(2009, 9, 30))
    assert found.value == 0


def test_a_month_without_a_row_is_named_in_a_sparse_feed_that_never_had_one():
    whole = acts(a_day=0.3)
    (found,) = faults([one for one in whole if (one.date.year, one.date.month) != (2009, 9)])
    assert (found.code, found.first) == ("lost_month", date(2009, 9, 1))


def test_a_feed_that_stopped_is_stale_and_a_silent_dyad_in_a_live_feed_is_not(tmp_path):
    (found,) = faults(acts(last=AS_OF - timedelta(days=30)))
    assert (found.code, found.value) == ("stale_feed", 30)
    live = Feed.of_table(EventTable.from_events(acts(), "feed.csv"))
    silent = replace(live, table=live.table.known_by(AS_OF - timedelta(days=200)))
    assert "stale_feed" not in {one.code for one in feed_faults((silent,), AS_OF)}


def test_rows_after_the_day_of_the_watch_do_not_hide_that_the_feed_was_stale_then():
    gone = [one for one in acts() if not date(2009, 9, 1) < one.date < date(2009, 10, 15)]
    assert {one.code for one in faults(gone, date(2009, 10, 10))} == {"stale_feed"}
