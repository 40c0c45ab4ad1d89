"""Readers see acts, not reports, know since when each was known, how fresh the store is and on what terms."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.config import load_config
from forecast.errors import EventError, InputError
from forecast.events import reading as terms
from forecast.events.reading import (
    PACE_DAYS,
    load_events,
    newest_act,
    read_events,
    refuse_barred,
    terms_of,
    write_events,
)
from forecast.events.table import FIELDS
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs
from tests.store.conftest import reports_of

PAIR = {("CHN", "USA")}


@pytest.fixture
def config(command, whole, tmp_path):
    """Return the config that ``new`` writes for the store, as of a day."""

    def write(day: str, **events: object):
        path = tmp_path / f"{day}.yaml"
        made = command("new", "--store", whole, "--pair", "USA,CHN", "--as-of", day, "--out", path)
        assert made.code == 0, made.err
        return load_config(path, [f"events.{name}={value}" for name, value in events.items()])

    return write


def test_the_table_of_a_store_is_that_of_the_same_events_in_a_file(whole, tmp_path):
    table = load_events(str(whole), Path(), pairs=PAIR)
    write_events(table, tmp_path / "e.csv")
    again = read_events(tmp_path / "e.csv")
    assert len(table) > 30
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(table, name), getattr(again, name), err_msg=name)
    assert table.sha256 == again.sha256


def test_a_reader_gets_one_row_a_story_and_the_reports_add_up(whole):
    reports = reports_of(whole)
    table = load_events(str(whole), Path())
    assert set(table.id) == {row["story"] for row in reports}
    assert sum(row["reports"] for row in reports if row["id"] == row["story"]) == len(reports)


def test_reports_of_a_story_are_the_same_act_and_come_within_a_day(whole):
    by_id = {row["id"]: row for row in reports_of(whole)}
    merged = [row for row in by_id.values() if row["id"] != row["story"]]
    assert len(merged) > 20
    for row in merged:
        lead = by_id[row["story"]]
        assert (row["date"], row["counts_as"], row["pair"]) == (lead["date"], lead["counts_as"], lead["pair"])
        assert (lead["known_date"], lead["stamp"], lead["id"]) < (row["known_date"], row["stamp"], row["id"])


def test_new_and_check_read_a_store(config, whole):
    loaded = config("2020-11-14")
    assert Path(loaded.base_folder / loaded.events.store).resolve() == whole.resolve()
    inputs = read_inputs(loaded)
    assert len(inputs.events) == len(load_events(str(whole), Path()))
    assert not [one for one in cautions_of(inputs) if one.code == "feed_fault"]


def test_a_store_that_is_stale_on_the_as_of_date_is_a_caution(config):
    (caution,) = [one for one in cautions_of(read_inputs(config("2020-11-20"))) if one.code == "feed_fault"]
    fault = caution["fault"]
    assert [fault[key] for key in ("code", "first", "value")] == ["stale_store", "2020-11-13", 7]


def test_a_source_that_goes_on_is_fresh_though_its_pair_is_silent(whole, tmp_path):
    """Judged by the newest act of anybody: here files of a later day that held none of the pair."""
    place = tmp_path / "S"
    shutil.copytree(whole, place)
    path = place / "gdelt2/files/2020-11.json"
    notes = json.loads(path.read_text())
    entry = {"day": "2020-11-20", "newest": "2020-11-20", "rows": 5, "refused": 0, "pairs": 0}
    notes["read"]["20201120000000.export.CSV.zip"] = entry
    path.write_text(json.dumps(notes))
    days = [date(2020, 11, day) for day in (15, 16, 20, 22, 23)]
    ages = [(day - newest_act(place, day)).days for day in days]
    assert [age > PACE_DAYS for age in ages] == [False, True, False, False, True]


def test_a_file_missed_as_it_came_is_known_from_the_day_it_was_seen(update, gdelt, quarters, tmp_path):
    """Its stamp says yesterday. The store knows that it was not there yesterday."""
    today = datetime.now(UTC).date()
    before = today - timedelta(days=1)
    gdelt.archives.clear()
    for stamp, rows in list(quarters.items())[-2:]:
        text = rows.replace("20201113", f"{before:%Y%m%d}")
        gdelt.add(stamp.replace("20201113", f"{before:%Y%m%d}"), text)
    gdelt.publish()
    late = gdelt.names[0]
    gdelt.spoil(late, lambda: (404, {}, b""))
    assert update(day=before.isoformat()).code == 1
    gdelt.publish()
    assert update(day=before.isoformat()).code == 0
    known = {(row["file"] == late, row["known_date"], row["known_by"]) for row in reports_of(tmp_path / "S")}
    assert known == {(True, today, "seen"), (False, before, "row")}
    # Of the as-of date that lies between, only what was there is read.
    table = load_events(str(tmp_path / "S"), Path()).known_by(before)
    files = {row["id"]: row["file"] for row in reports_of(tmp_path / "S")}
    assert late not in {files[name] for name in table.id}


def test_a_pair_that_a_store_lacks_is_one_message(whole):
    with pytest.raises(EventError, match=r"no act between IND and PAK. It was filled for: CHN,USA"):
        load_events(str(whole), Path(), pairs={("IND", "PAK")})


# Terms


def test_terms_go_by_the_source_of_each_act(whole, us_china):
    (told,) = terms_of(load_events(str(whole), Path()))
    assert (told.source, told.licence, told.bars) == ("gdelt2", "GDELT terms of use", ())
    assert [one.licence for one in terms_of(us_china)] == ["CC BY 4.0"]


def renamed(table, name: str):
    """Return a table whose first three acts are of another source."""
    ids = table.id.copy()
    ids[:3] = [f"{name}-{number}" for number in range(3)]
    return replace(table, id=ids, source="e.csv")


def test_acts_whose_terms_bar_a_use_are_refused_by_name(us_china):
    table = renamed(us_china, "acled")
    for use in ("client", "internal"):
        with pytest.raises(
            InputError, match=r"3 acts of acled \(acled-0, acled-1 and acled-2\): Commercial use"
        ):
            refuse_barred(table, use, ())
        refuse_barred(table, use, ("acled",))
    refuse_barred(renamed(us_china, "polecat"), "internal", ())
    with pytest.raises(InputError, match=r"'acledd' is no source that has terms. Did you mean 'acled'"):
        refuse_barred(table, "client", ("acledd",))


def test_a_use_that_the_terms_bar_is_refused_at_its_key(config, monkeypatch):
    loaded = config("2020-11-14", use="client")
    read_inputs(loaded)
    barred = {"gdelt2": {"bars": ("client",)}}
    made = {name: one.model_copy(update=barred.get(name, {})) for name, one in terms.known_terms().items()}
    monkeypatch.setattr(terms, "known_terms", lambda: made)
    with pytest.raises(InputError, match=r"events.use: the terms bar use 'client' of 38 acts of gdelt2"):
        read_inputs(loaded)


LIST = """
name: list
as_of: 2020-11-15
events: [S]
targets: {conflict: {any_of: [sanction, dispute, military_incident], min_severity: 2}}
horizons: [30]
dyads: [{a: USA, b: CHN}]
model: {family: panel}
"""


@pytest.fixture
def acts_of_two_years(gdelt, quarters):
    """Date the acts of the first archive back, so that there is a record to learn from."""
    stamp, rows = next(iter(quarters.items()))
    gdelt.add(stamp, rows.replace("\t20201113\t", "\t20190313\t"))
    gdelt.publish()


@pytest.fixture
def watch(command, acts_of_two_years, tmp_path):
    """Watch the list without report and ledger; return how it ended, and what it wrote."""
    path = tmp_path / "list.yaml"
    path.write_text(LIST)

    def run(*more: object):
        where = ("--out", tmp_path / "reports", "--no-report", "--no-ledger", "--json")
        return command("watch", path, *where, *more)

    return run


def test_a_watch_reads_a_store_and_judges_its_age_by_the_pace_of_its_source(update, watch):
    acts = update().facts["added"]
    fresh, stale = watch(), watch("--as-of", "2020-11-19")
    assert (fresh.code, stale.code) == (0, 0), fresh.err + stale.err
    (dyad,) = fresh.facts["dyads"]
    assert (dyad["events"], dyad["feed_faults"]) == (acts, [])
    (fault,) = stale.facts["dyads"][0]["feed_faults"]
    assert (fault["code"], fault["limit"]) == ("stale_store", 2.0)


def test_a_watch_with_update_adds_what_came_and_ends_with_1_where_a_file_is_missing(
    update, watch, gdelt, tmp_path
):
    late = gdelt.names[-1]
    gdelt.spoil(late, lambda: (404, {}, b""))
    update()
    before = watch().facts["dyads"][0]["events"]
    missing = watch("--update", "--as-of", "2020-11-16")
    assert missing.code == 1
    assert "its stores are not up to date" in missing.err
    gdelt.publish()
    whole = watch("--update", "--as-of", "2020-11-17")
    assert whole.code == 0, whole.err
    assert whole.facts["dyads"][0]["events"] > before
