"""The crosswalks hold every code that is published, agree with one another and survive a round trip."""

import csv
import re

import pytest

from forecast.events.codebook import CATEGORIES, COOPERATIVE, category_kind, country_names
from forecast.feeds.reading import LAYOUTS, SYSTEMS, mirrors, renamed_actors, shipped_crosswalk


@pytest.fixture(scope="module")
def cameo_to_plover(samples):
    """(CAMEO code, PLOVER event, mode) as published."""
    text = (samples / "CAMEO2PLOVER-2021.txt").read_text(encoding="utf-8")
    pattern = re.compile(r"^(\d{3,4}):\s*([A-Z]+)\s*,([^,#\n]*)", re.MULTILINE)
    return [(code, event, mode.strip()) for code, event, mode in pattern.findall(text)]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_severity_goes_with_every_category(system):
    for coding in shipped_crosswalk(system).values():
        assert coding.category is None or coding.category in CATEGORIES
        assert (coding.severity is None) == (coding.category is None), coding
        assert coding.severity is None or 1 <= coding.severity <= 5
        assert coding.label


def test_every_published_cameo_code_is_held_and_cooperation_lies_above_zero(samples):
    with (samples / "cameo.scale.csv").open(encoding="utf-8") as stream:
        published = {row["code"]: float(row["goldstein"]) for row in csv.DictReader(stream)}
    held = shipped_crosswalk("cameo")
    assert set(published) <= {code for code, _ in held}
    for code, value in published.items():
        category = held[code, ""].category
        assert category is None or (value > 0) == (category in COOPERATIVE), code


def test_every_plover_event_and_mode_of_the_conversion_table_is_known(cameo_to_plover):
    held = set(shipped_crosswalk("plover"))
    table = {(event, mode) for _, event, mode in cameo_to_plover}
    # 'pro_autocracy' stands in the column of modes by a slip of the table; it is a context.
    assert table - {("ASSAULT", "pro_autocracy")} <= held


def test_cameo_read_directly_and_by_way_of_plover_agrees_on_war_or_peace(cameo_to_plover):
    cameo, plover = shipped_crosswalk("cameo"), shipped_crosswalk("plover")
    compared = 0
    for code, event, mode in cameo_to_plover:
        direct = cameo[code, ""].category
        coding = plover.get((event, mode), plover[event, ""])
        if direct is not None and coding.category is not None:
            compared += 1
            assert category_kind(direct) == category_kind(coding.category), (code, event, mode)
    assert compared > 150


@pytest.mark.parametrize("system", SYSTEMS)
def test_mirrors_name_codes_that_exist_and_do_not_lead_on(system):
    held = shipped_crosswalk(system)
    for key, (counts_as, mutual) in mirrors(system).items():
        assert key in held
        assert (counts_as, key[1]) in held
        if not mutual:
            assert counts_as != key[0]
            assert (counts_as, key[1]) not in mirrors(system)


def test_actor_data_are_three_letter_codes():
    assert all(re.fullmatch("[A-Z]{3}", code) for code in country_names().values())
    assert all(re.fullmatch("[A-Z]{3}", code) for code in renamed_actors(LAYOUTS["gdelt2"]).values())
