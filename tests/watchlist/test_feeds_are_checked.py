"""Feeds with injected faults: each is seen, and a feed without one raises no alarm."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.events.feed_faults import Feed, feed_faults
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
    assert "no rows in September 2009" in found.text


def test_a_doubled_day_is_named():
    whole = acts(a_day=6)
    day = date(2009, 11, 5)
    again = [replace(one, id=f"{one.id}-again") for one in whole if one.date == day]
    assert len(again) >= 4
    (found,) = faults([*whole, *again])
    assert (found.code, found.first, found.value) == ("doubled_day", day, 2 * len(again))


def again(events, mark="-again"):
    return [replace(one, id=one.id + mark) for one in events]


def test_a_day_of_two_rows_is_named_where_no_row_of_the_record_is_repeated():
    whole = acts()
    day = next(one.date for one in reversed(whole) if sum(other.date == one.date for other in whole) == 2)
    (found,) = faults([*whole, *again(one for one in whole if one.date == day)])
    assert (found.code, found.first, found.last, found.value) == ("doubled_day", day, day, 4)


@pytest.mark.parametrize("since", [date(2005, 1, 1), date(2009, 10, 1)])
def test_an_archive_that_stands_there_twice_is_one_span(since):
    whole = acts()
    copied = [one for one in whole if one.date >= since]
    (found,) = faults([*whole, *again(copied)])
    assert (found.code, found.first, found.value) == ("doubled_day", copied[0].date, 2 * len(copied))


def test_a_copy_of_an_archive_in_a_second_file_is_named_and_the_same_rows_in_two_files_are_not():
    whole = acts()
    feed = Feed.of_table(EventTable.from_events(whole, "feed.csv"))
    copied = Feed.of_table(EventTable.from_events(again(whole), "copy.csv"))
    (found,) = feed_faults((feed, copied), AS_OF)
    assert (found.code, found.value) == ("doubled_day", 2 * len(whole))
    assert feed_faults((feed, feed), AS_OF) == ()


def test_a_feed_in_which_many_rows_are_repeated_is_not_called_doubled():
    random = np.random.default_rng(2)
    whole = acts(a_day=2)
    same = [replace(one, summary="said") for one in whole]
    repeated = [replace(one, id=one.id + "-b") for one in same if random.random() < 0.3]
    assert "doubled_day" not in {one.code for one in faults([*same, *repeated])}


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
