import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.errors import EventError
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    COOPERATIVE,
    SEVERITIES,
    cameo_codes,
    cameo_entry,
    category_kind,
    category_label,
    category_meaning,
    countries,
    severity_anchor,
    severity_word,
)
from forecast.events.table import COLUMNS, REQUIRED

DATA = Path(__file__).resolve().parents[2] / "forecast/events/data"
DOC = Path(__file__).resolve().parents[2] / "docs/codebook.md"


def test_categories_keep_their_order_in_code_and_in_the_data_file():
    with (DATA / "categories.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(row["name"] for row in rows) == CATEGORIES
    assert CATEGORIES[:3] == COOPERATIVE
    assert CATEGORIES[3:] == CONFLICTUAL
    assert [row["kind"] for row in rows] == [category_kind(name) for name in CATEGORIES]


def test_every_category_and_severity_has_an_anchor_of_its_own():
    anchors = [severity_anchor(name, severity) for name in ("any", *CATEGORIES) for severity in SEVERITIES]
    assert all(anchors)
    assert len(set(anchors)) >= 44
    assert [severity_word(level) for level in SEVERITIES] == [
        "routine",
        "notable",
        "serious",
        "major",
        "extreme",
    ]


def test_cameo_codes_of_lookup_and_scale_are_all_known_with_their_scores(shared_data: Path):
    lookup = (shared_data / "samples/LOOKUP-CAMEO.eventcodes.txt").read_text(encoding="latin-1")
    codes = {line.split("\t")[0] for line in lookup.splitlines()[1:] if line.strip()}
    assert codes <= set(cameo_codes())
    with (shared_data / "samples/cameo.scale.csv").open(newline="") as file:
        scale = {row["code"]: float(row["goldstein"]) for row in csv.DictReader(file)}
    assert {code: cameo_entry(code).goldstein for code in scale} == scale
    assert all(cameo_entry(code).goldstein_of == code for code in scale)


def test_a_code_without_a_figure_takes_that_of_its_nearest_parent():
    assert cameo_entry("0251").goldstein_of == "025"
    assert cameo_entry("0251").goldstein == -0.3
    assert cameo_entry("129").goldstein_of == "12"


def test_a_cameo_code_has_a_category_and_a_severity_or_neither():
    for entry in cameo_codes().values():
        assert (entry.category is None) == (entry.severity is None)
        assert entry.category is None or entry.category in CATEGORIES
        assert entry.severity is None or entry.severity in SEVERITIES


def test_defaults_agree_with_the_coders_where_a_code_is_used_for_one_category_only(us_china):
    coded: dict[str, set[str]] = {}
    for event in us_china.rows():
        coded.setdefault(event.cameo, set()).add(event.category)
    single = {code: found for code, found in coded.items() if len(found) == 1}
    differing = {code for code, found in single.items() if cameo_entry(code).category not in found}
    # 043 is used for Taiwan transits, 050 for working groups, 170 and 195 are single incidents.
    assert differing <= {"043", "050", "170"}
    assert len(single) > 25


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("42", "Its leading zero seems lost .* did you mean '042'"),
        ("841", "did you mean '0841' \\(Releases people\\)"),
        ("1639", "Its parent '163' .* is known"),
        ("abc", "Allowed: 2 to 4 digits such as '042'"),
    ],
)
def test_an_unknown_cameo_code_is_explained(code: str, message: str):
    with pytest.raises(EventError, match=message):
        cameo_entry(code)


def test_names_off_the_codebook_are_refused_with_a_suggestion():
    with pytest.raises(
        EventError, match=r"unknown category 'Military incident'. Did you mean 'military_incident'"
    ):
        category_label("Military incident")
    with pytest.raises(EventError, match="Did you mean 'sanction'"):
        category_meaning("sanctions")
    with pytest.raises(EventError, match=r"unknown category 'zzz'. Allowed: visit, "):
        category_kind("zzz")
    with pytest.raises(EventError, match="severity 7 is not on the scale"):
        severity_anchor("visit", 7)


def test_country_codes_are_those_of_iso_3166():
    assert len(countries()) == 249
    assert (countries()["USA"], countries()["CHN"], countries()["TWN"]) == ("US", "CN", "TW")
    assert all(re.fullmatch("[A-Z]{3}", code) for code in countries())


def test_the_codebook_needs_no_numpy():
    code = "import sys, forecast.events.codebook; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_states_every_column_category_and_anchor():
    text = DOC.read_text(encoding="utf-8")
    for name in COLUMNS:
        assert re.search(rf"^\| .*`{name}`.* \|", text, re.MULTILINE), name
    assert all(f"| `{name}` | yes |" in text for name in REQUIRED)
    for name in CATEGORIES:
        assert category_meaning(name) in text
        assert all(severity_anchor(name, severity) in text for severity in SEVERITIES)


def test_the_python_example_of_the_page_holds():
    block = re.search(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    exec(compile(block[1], str(DOC), "exec"), {})
