"""Real rows of the formats, counted by plain Python beside the engine."""

import csv
from collections import Counter
from datetime import date

from forecast.events.codebook import cameo_codes

MIRRORED = {"043": "042"}
MUTUAL = {"040", "041", "044", "046", "057", "061", "062"}


def lines_of(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def counted_by_hand(rows):
    """Count acts of (day, known, initiator, target, code, place), in any order, by the written rules."""
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
        group = (*sorted((a, b)), code, place) if code in MUTUAL else (a, b, code, place)
        side = a < b if code in MUTUAL else not swapped
        again = [other for other in kept if other[0] == group and abs((other[2] - day).days) <= 1]
        if any(other[1] == side for other in again):
            fates["repeated"] += 1
        elif again:
            fates["mirrored"] += 1
        else:
            kept.append((group, side, day, number))
    return fates, {number for *_, number in kept}


def compact(text):
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def test_gdelt_2_rows_are_kept_as_counted_by_hand(imported, samples):
    path = samples / "gdelt2-20201113.export.CSV"
    got = imported([path], "gdelt2")
    between = [row for row in lines_of(path) if {row[7], row[17]} == {"USA", "CHN"}]
    assert len(between) == 88
    fates, kept = counted_by_hand(
        (row[0], compact(row[1]), compact(row[59]), row[7], row[17], row[26], row[52], int(row[31]))
        for row in between
    )
    assert got.report.rows == 2824
    assert {name: got.report.fates[name] for name in fates} == dict(fates)
    assert set(got.events.id) == {f"gdelt2-{number}" for number in kept}


def test_gdelt_1_reads_57_and_58_columns_of_one_file(imported, samples):
    path = samples / "gdelt1-20160728.export.CSV"
    rows = lines_of(path)
    assert Counter(map(len, rows)) == {58: 509, 57: 201}
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
    path = samples / "icews-2018-06-sample.tab"
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    between = [
        row for row in rows if {row["Source Country"], row["Target Country"]} == {"United States", "China"}
    ]
    assert len(between) == 101
    by_name = [row for row in rows if {row["Source Name"], row["Target Name"]} == {"United States", "China"}]
    assert len(by_name) < len(between), "names alone would lose the persons and bodies of a country"
    got = imported([path], "icews")
    counted = {f"icews-{row['Event ID']}" for row in between if cameo_codes()[row["CAMEO Code"]].category}
    assert set(got.events.id) <= counted
    repeats = sum(got.report.fates.get(name, 0) for name in ("repeated", "mirrored"))
    assert got.report.kept + repeats == len(counted)
    outlets = {f"icews-{row['Event ID']}": row["Publisher"] for row in between}
    assert all(event.source_outlet == outlets[event.id] for event in got.events.rows())
