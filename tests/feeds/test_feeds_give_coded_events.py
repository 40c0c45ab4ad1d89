"""Files of the formats give known answers, and the traps that have spoiled analyses before are passed."""

import csv
from collections import Counter
from datetime import date
from typing import get_args

import duckdb
import pytest

from forecast.events.codebook import CATEGORIES, COOPERATIVE, cameo_codes, category_kind, country_names
from forecast.feeds.importing import LAYOUTS, MACROS, System, mirrors, shipped_crosswalk

MIRRORED = {"043": "042"}
MUTUAL = {"040", "041", "044", "046", "057", "061", "062"}


def lines_of(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def counted_by_hand(rows):
    """Count acts of (day, known, initiator, target, code, (place, address)), in any order, by the rules."""
    fates = Counter()
    kept = []
    ordered = []
    for number, day, known, a, b, code, place, mentions in rows:
        entry = cameo_codes()[code]
        if entry.category is None:
            fates["uncounted"] += 1
            continue
        swapped = code in MIRRORED
        told = cameo_codes()[MIRRORED.get(code, code)]
        a, b = (b, a) if swapped else (a, b)
        ordered.append((known, -told.severity, -mentions, day, number, a, b, told.code, place, swapped))
    for _, _, _, day, number, a, b, code, place, swapped in sorted(ordered):
        group = (*sorted((a, b)), code) if code in MUTUAL else (a, b, code)
        side = a < b if code in MUTUAL else not swapped
        again = [
            other
            for other in kept
            if other[0] == group and abs((other[2] - day).days) <= 2 and {*other[3]} & {*filter(None, place)}
        ]
        if any(other[1] == side for other in again):
            fates["repeated"] += 1
        elif again:
            fates["mirrored"] += 1
        else:
            kept.append((group, side, day, place, number))
    return fates, {number for *_, number in kept}


def compact(text):
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def test_gdelt_2_rows_are_kept_as_counted_by_hand(imported, samples):
    path = samples / "gdelt2-20201113.export.CSV"
    got = imported([path], "gdelt2")
    between = [row for row in lines_of(path) if {row[7], row[17]} == {"USA", "CHN"}]
    assert len(between) == 88
    fates, kept = counted_by_hand(
        (
            row[0],
            compact(row[1]),
            compact(row[59]),
            row[7],
            row[17],
            row[26],
            (row[52], row[60]),
            int(row[31]),
        )
        for row in between
    )
    assert got.report.rows == 118
    assert {name: got.report.fates[name] for name in fates} == dict(fates)
    assert set(got.events.id) == {f"gdelt2-{number}" for number in kept}
    typed = imported([path], "gdelt2", typed_actors=True)
    counted = [row for row in between if cameo_codes()[row[26]].category]
    assert typed.report.fates["untyped"] == sum(not (row[12] and row[22]) for row in counted)
    assert {f"gdelt2-{row[0]}" for row in counted if row[12] and row[22]} >= set(typed.events.id)


def test_gdelt_1_reads_57_and_58_columns_of_one_file(imported, samples):
    path = samples / "gdelt1-20160728.export.CSV"
    rows = lines_of(path)
    assert Counter(map(len, rows)) == {58: 22, 57: 18}
    got = imported([path], "gdelt1", "USA,RUS", "USA,CHN", "USA,ISR")
    wanted = [{"USA", "RUS"}, {"USA", "CHN"}, {"USA", "ISR"}]
    between = [row for row in rows if {row[7] or row[8], row[17] or row[18]} in wanted]
    counted = [row for row in between if cameo_codes()[row[26]].category]
    repeats = sum(got.report.fates.get(name, 0) for name in ("repeated", "mirrored"))
    assert got.report.kept + repeats == len(counted)
    assert set(got.events.id) <= {f"gdelt1-{row[0]}" for row in counted}
    short = {f"gdelt1-{row[0]}" for row in counted if len(row) == 57} & set(got.events.id)
    assert short, "the sample must hold short rows of these dyads"
    for event in got.events.rows():
        assert (event.source_url == "") == (event.id in short)
    assert got.report.fates.get("width", 0) == 0


def test_icews_countries_are_read_from_the_country_columns(imported, samples):
    path = samples / "icews-made-up.tab"
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    between = [
        row for row in rows if {row["Source Country"], row["Target Country"]} == {"United States", "China"}
    ]
    assert len(between) == 31
    names = {row[column] for row in rows for column in ("Source Name", "Target Name")}
    assert "United States" not in names, "as in ICEWS, no name of an actor may be that of this country"
    got = imported([path], "icews")
    counted = {f"icews-{row['Event ID']}" for row in between if cameo_codes()[row["CAMEO Code"]].category}
    assert set(got.events.id) <= counted
    repeats = sum(got.report.fates.get(name, 0) for name in ("repeated", "mirrored"))
    assert got.report.kept + repeats == len(counted)
    assert got.report.fates.get("mirrored", 0) >= 2
    outlets = {f"icews-{row['Event ID']}": row["Publisher"] for row in between}
    assert all(event.source_outlet == outlets[event.id] for event in got.events.rows())


def test_codes_that_lost_their_leading_zero_are_restored(imported, gdelt_file):
    lost = ({"EventCode": "42", "EventRootCode": "4"}, {"EventCode": "10", "EventRootCode": "1"})
    whole = ({"EventCode": "042", "EventRootCode": "04"}, {"EventCode": "010", "EventRootCode": "01"})
    demand = {"EventCode": "10", "EventRootCode": "10"}
    first = imported([gdelt_file(*lost, demand, name="lost.csv")], "gdelt2")
    second = imported([gdelt_file(*whole, demand, name="whole.csv")], "gdelt2")
    assert first.events.sha256 == second.events.sha256
    assert list(first.events.cameo) == ["042", "10"]
    assert first.report.fates["uncounted"] == 1, "010 is a statement, not the root 10, a demand"


def test_icews_intensity_tells_a_lost_zero_from_a_root(imported, tmp_path, samples):
    header, row = (samples / "icews-made-up.tab").read_text(encoding="utf-8").splitlines()[:2]
    cells = row.split("\t")
    cells[4], cells[10] = "United States", "China"
    lines = [header]
    for number, (code, intensity) in enumerate([("20", "3.0"), ("20", "-10"), ("57", "8"), ("057", "8")]):
        cells[0], cells[6], cells[7], cells[14] = str(number), code, intensity, f"City {number}"
        lines.append("\t".join(cells))
    path = tmp_path / "events.tab"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    got = imported([path], "icews")
    assert sorted(zip(got.events.id, got.events.cameo, strict=True)) == [
        ("icews-1", "20"),
        ("icews-2", "057"),
        ("icews-3", "057"),
    ]
    assert got.report.fates["uncounted"] == 1


def test_a_visit_and_its_hosting_are_one_act_of_the_traveller(imported, gdelt_file):
    visit = {"EventCode": "042", "EventRootCode": "04", "ActionGeo_FullName": "Beijing"}
    host = {
        "EventCode": "043",
        "EventRootCode": "04",
        "ActionGeo_FullName": "Beijing",
        "Actor1CountryCode": "CHN",
        "Actor2CountryCode": "USA",
    }
    got = imported([gdelt_file(visit, host)], "gdelt2")
    (event,) = got.events.rows()
    assert (event.initiator, event.recipient, event.cameo) == ("USA", "CHN", "042")
    assert got.report.fates["mirrored"] == 1
    alone = imported([gdelt_file(host, name="host.csv")], "gdelt2")
    (event,) = alone.events.rows()
    assert (event.initiator, event.recipient, event.cameo) == ("USA", "CHN", "042")


POLECAT = (
    "Event ID\tEvent Date\tEvent Type\tEvent Mode\tIntensity\tQuad Code\tContexts\tActor Name\t"
    "Actor Country\tActor COW\tPrimary Actor Sector\tActor Sectors\tActor Title\tActor Name Raw\t"
    "Wikipedia Actor ID\tRecipient Name\tRecipient Country\tRecipient COW\tPrimary Recipient Sector\t"
    "Recipient Sectors\tRecipient Title\tRecipient Name Raw\tWikipedia Recipient ID\tPlacename\tCity\t"
    "District\tProvince\tCountry\tLatitude\tLongitude\tGeoNames ID\tRaw Placename\tFeature Type\tSource\t"
    "Publication Date\tStory People\tStory Organizations\tStory Locations\tLanguage\tVersion"
)


def test_polecat_rows_are_read_by_the_names_of_their_columns(imported, tmp_path):
    names = POLECAT.split("\t")
    assert len(names) == 40

    def row(**given):
        cells = dict.fromkeys(names, "None") | {name.replace("_", " "): cell for name, cell in given.items()}
        return "\t".join(cells[name] for name in names)

    rows = [
        row(Event_ID="p1", Event_Date="2023-01-05", Event_Type="CONSULT", Event_Mode="visit",
            Actor_Country="USA", Recipient_Country="CHN", Publication_Date="2023-01-06", Placename="Beijing"),
        # Two accuse one; those who meet are all named as actors; an act that is none of its day.
        row(Event_ID="p2", Event_Date="2023-01-05", Event_Type="SANCTION", Actor_Country="USA; GBR",
            Recipient_Country="CHN", Publication_Date="2023-01-05"),
        row(Event_ID="p3", Event_Date="2023-01-05", Event_Type="PROTEST", Event_Mode="demo",
            Actor_Country="CHN", Recipient_Country="USA", Publication_Date="2023-01-05"),
        row(Event_ID="p4", Event_Date="2023-02-02", Event_Type="CONSULT", Event_Mode="multilateral",
            Actor_Country="USA; CHN; RUS", Publication_Date="2023-02-02"),
        row(Event_ID="p5", Event_Date="2023-03-04", Event_Type="ASSAULT", Actor_Country="USA",
            Recipient_Country="CHN", Contexts="hypothetical; military", Publication_Date="2023-03-04"),
    ]  # fmt: skip
    path = tmp_path / "ngecEvents.DV.2023.txt"
    # Some published files carry surplus tabs at the end of their lines.
    path.write_text("\n".join([POLECAT, rows[0] + "\t\t", *rows[1:]]) + "\n")
    got = imported([path], "polecat")
    found = [(event.id, event.category, str(event.known_date)) for event in got.events.rows()]
    assert found == [
        ("polecat-p1", "visit", "2023-01-06"),
        ("polecat-p2", "channel_closure", "2023-01-05"),
        ("polecat-p4", "visit", "2023-02-02"),
    ]
    assert (got.report.lines, got.report.rows) == (5, 1 + 2 + 1 + 3 + 1)
    assert got.report.fates == {"others": 3, "uncounted": 1, "no_act": 1}


def test_acled_actors_give_their_country_and_deaths_their_severity(imported, tmp_path):
    path = tmp_path / "acled.csv"
    header = (
        "event_id_cnty,event_date,year,time_precision,disorder_type,event_type,sub_event_type,actor1,"
        "assoc_actor_1,inter1,actor2,assoc_actor_2,inter2,interaction,civilian_targeting,iso,region,country,"
        "admin1,admin2,admin3,location,latitude,longitude,geo_precision,source,source_scale,notes,fatalities,"
        "tags,timestamp"
    )
    rows = [
        'IND1,15 June 2020,2020,1,Political violence,Battles,Armed clash,Military Forces of India (2014-),,1,'
        'Military Forces of China (2012-),,1,11,,356,South Asia,India,Ladakh,,,Galwan,34.7,78.2,1,Reuters,'
        'International,"Soldiers fight with clubs.\nTwenty die, says India.",20,,1593000000',
        'IND2,2020-09-07,2020,1,Political violence,Battles,Armed clash,Military Forces of China (2012-),,1,'
        'Military Forces of India (2014-),,1,11,,356,South Asia,India,Ladakh,,,Pangong,34.7,78.2,1,Reuters,'
        'International,Shots in the air.,0,,1600000000',
        'IND3,2020-07-01,2020,1,Demonstrations,Protests,Peaceful protest,Protesters (India),,6,,,0,60,,356,'
        'South Asia,India,Delhi,,,Delhi,28.6,77.2,1,PTI,National,Goods are burnt.,0,,1594000000',
    ]  # fmt: skip
    path.write_text("\n".join([header, *rows]) + "\n")
    got = imported([path], "acled", "IND,CHN")
    found = [(event.id, str(event.date), event.initiator, event.severity) for event in got.events.rows()]
    assert found == [("acled-IND1", "2020-06-15", "IND", 5), ("acled-IND2", "2020-09-07", "CHN", 4)]
    assert got.events.summary[0] == "Soldiers fight with clubs. Twenty die, says India."
    assert str(got.events.known_date[0]) == "2020-06-24"
    assert got.report.fates == {"actorless": 1}


@pytest.mark.parametrize(
    ("actor", "country"),
    [
        ("Military Forces of the United States (2021-)", "USA"),
        ("Police Forces of India (2014-) Border Security Force", "IND"),
        ("Military Forces of the Democratic Republic of Congo (2019-)", "COD"),
        ("Rioters (Ivory Coast)", "CIV"),
        ("Protesters (International)", None),
        ("JNIM: Group for Support of Islam and Muslims", None),
    ],
)
def test_the_country_of_an_acled_actor_is_read_from_its_name(actor, country):
    with duckdb.connect() as connection:
        connection.execute(f"CREATE MACRO country_of(t) AS {MACROS['country_of(t)']}")
        query = f"SELECT {LAYOUTS['acled'].fields['actor_a']} FROM (SELECT ? AS actor1)"
        ((name,),) = connection.execute(query, [actor]).fetchall()
    assert country_names().get(name) == country


@pytest.fixture(scope="module")
def cameo_to_plover(samples):
    """(CAMEO code, PLOVER event, mode) as published."""
    with (samples / "cameo-to-plover.csv").open(encoding="utf-8", newline="") as stream:
        return [(row["cameo"], row["event"], row["mode"]) for row in csv.DictReader(stream)]


@pytest.mark.parametrize("system", get_args(System))
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


@pytest.mark.parametrize("system", get_args(System))
def test_mirrors_name_codes_that_exist_and_do_not_lead_on(system):
    held = shipped_crosswalk(system)
    for key, (counts_as, mutual) in mirrors(system).items():
        assert key in held
        assert (counts_as, key[1]) in held
        if not mutual:
            assert counts_as != key[0]
            assert (counts_as, key[1]) not in mirrors(system)
