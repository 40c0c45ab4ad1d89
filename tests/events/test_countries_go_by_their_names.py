"""Names of countries are read as codes, shared names are asked about, names of other actors stay."""

import pytest

from forecast.events.codebook import (
    code_in_words,
    countries,
    country_names,
    near_actor,
    near_country,
    pair_title,
    whose_acts,
)
from forecast.events.reading import read_events

HEADER = "date,initiator,target,category,severity"


def read(event_file, *pairs: tuple[str, str]):
    rows = (f'2020-01-{day:02d},"{a}","{b}",visit,2' for day, (a, b) in enumerate(pairs, start=1))
    return read_events(event_file("\n".join([HEADER, *rows])))


def test_every_name_leads_to_a_code_of_iso_3166():
    # Kosovo has no code there; XKX is in common use.
    assert set(country_names().values()) - set(countries()) <= {"XKX"}


CODES = {
    **{"India": "IND", "INDIA": "IND", "the netherlands": "NLD", "Turkey": "TUR", "Turkiye": "TUR"},
    **{"Türkiye": "TUR", "St Lucia": "LCA", "Bosnia & Herzegovina": "BIH", "Korea, Republic of": "KOR"},
    **{"North Korea": "PRK", "Democratic Republic of the Congo": "COD", "US": "USA", "U.S.": "USA"},
    **{"UK": "GBR", "Cote d'Ivoire": "CIV"},
}


def test_a_country_is_known_by_its_names(event_file):
    for name, code in CODES.items():
        table = read(event_file, (name, "Hezbollah"))
        assert (table.initiator[0], table.recipient[0]) == (code, "Hezbollah")
        assert table.notes == (f"names of countries are read as codes: '{name}' as {code}",)


@pytest.mark.parametrize("name", ["Hezbollah", "NAT", "Serbs", "Kurdish rebels", "Somaliland", "USSR"])
def test_a_name_that_is_no_countrys_stays_without_a_note(event_file, name):
    table = read(event_file, (name, "USA"))
    assert (table.initiator[0], table.notes) == (name, ())


NEAR = {
    **{"Pakistn": "PAK (Pakistan)", "Isreal": "ISR (Israel)", "Indian": "IND (India)"},
    **{"UAE": "ARE (United Arab Emirates)", "ROK": "KOR (Korea, Republic of)"},
}


def test_a_name_that_nearly_is_a_countrys_stays_and_is_asked_about(event_file):
    for name, meant in NEAR.items():
        table = read(event_file, (name, "USA"))
        assert table.initiator[0] == name
        assert table.notes == (f"did you mean {meant} by '{name}'? It is kept as an actor of its own",)


@pytest.mark.parametrize("name", ["IND", "USA", "Iran", "Iraq", "Niger", "Nigeria", "Korea", "Mali", "Male"])
def test_codes_names_and_short_words_are_not_asked_about(name):
    assert near_country(name) is None


@pytest.mark.parametrize(
    ("actor", "meant"),
    [
        ("Rusia", "'Russia' (RUS)"),  # and not USA, of which each letter stands in it
        ("Ukrane", "'Ukraine' (UKR)"),
        ("Ukriane", "'Ukraine' (UKR)"),
        ("UKN", "'UKR'"),
        ("RSU", "'RUS'"),
        ("usa", "'USA'"),
        ("UAE", "'United Arab Emirates' (ARE)"),
        ("Kurdish rebls", "'Kurdish rebels'"),
        ("Iran", None),
        ("Atlantis", None),
    ],
)
def test_a_mistyped_actor_is_told_from_all_that_are_known(actor, meant):
    assert near_actor(actor, ["ARE", "Kurdish rebels", "RUS", "UKR", "USA"]) == meant


def test_a_countrys_code_is_not_taken_for_its_neighbours():
    assert near_actor("IRN", ["IRQ", "IRL"]) is None
    assert near_actor("IDN", ["IND"]) == "'IND'"


@pytest.mark.parametrize(
    ("a", "b", "title"),
    [
        (("RUS",), ("UKR",), "Russia – Ukraine"),
        (("russia",), ("UKRAINE",), "Russia – Ukraine"),
        (("USA", "NAT"), ("SER",), "United States + NAT – SER"),
        (("Türkiye",), ("PRK",), "Türkiye – North Korea"),
        (("Kurdish rebels",), ("GBR",), "Kurdish rebels – United Kingdom"),
    ],
)
def test_a_title_names_countries_however_they_were_written(a, b, title):
    assert pair_title(a, b) == title


def test_codes_become_words_that_keep_the_capitals_of_countries():
    assert code_in_words("taiwan_visit, missile_test") == "Taiwan visit, missile test"
    assert whose_acts(["CHN"]) == "Only China's acts count."
    assert whose_acts(["USA", "XYZ"]) == "Only the United States' or XYZ's acts count."
    assert whose_acts([]) == ""
