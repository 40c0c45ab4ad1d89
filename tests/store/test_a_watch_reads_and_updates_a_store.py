"""A watchlist names a store as one of its events, and brings it up to date first where it is asked to."""

import pytest

LIST = """
name: list
as_of: 2020-11-15
events: [S]
targets: {conflict: {any_of: [sanction, dispute, military_incident], min_severity: 2}}
horizons: [30]
dyads: [{a: USA, b: CHN}]
model: {family: panel}
"""


@pytest.fixture(autouse=True)
def _acts_of_two_years(gdelt, quarters):
    """Date the acts of the first archive back, so that there is a record to learn from."""
    stamp, rows = next(iter(quarters.items()))
    gdelt.add(stamp, rows.replace("\t20201113\t", "\t20190313\t"))
    gdelt.publish()


@pytest.fixture
def watch(command, tmp_path):
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
    assert (fault["code"], fault["limit"]) == ("stale_feed", 2.0)


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
