import csv
import hashlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.events import app
from forecast.errors import EventError
from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    COOPERATIVE,
    SEVERITIES,
    armed_scale,
    cameo_fault,
    category_kind,
    category_label,
    category_meaning,
    own_categories,
    severity_word,
    standard_scale,
)
from forecast.events.reading import read_events
from forecast.events.summary import saturated
from forecast.events.table import COLUMNS, REQUIRED

DATA = Path(__file__).resolve().parents[2] / "forecast/events/data"
DOC = Path(__file__).resolve().parents[2] / "docs/codebook.md"


def test_categories_keep_the_order_of_arrays_that_were_saved():
    assert COOPERATIVE == ("visit", "channel_opening", "cooperation")
    assert CONFLICTUAL == ("channel_closure", "sanction", "military_incident", "military_posture", "dispute")
    assert [category_kind(name) for name in CATEGORIES] == ["cooperative"] * 3 + ["conflictual"] * 5
    with (DATA / "categories.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(row["name"] for row in csv.DictReader(file)) == CATEGORIES


def test_every_category_and_severity_has_an_anchor_of_its_own():
    anchors = [
        standard_scale().anchor(name, severity) for name in ("any", *CATEGORIES) for severity in SEVERITIES
    ]
    assert all(anchors)
    assert len(set(anchors)) >= 44
    assert [severity_word(level) for level in SEVERITIES] == [
        "routine",
        "notable",
        "serious",
        "major",
        "extreme",
    ]


def test_what_is_off_the_codebook_is_refused_with_a_suggestion():
    with pytest.raises(EventError, match="Did you mean 'military_incident'"):
        category_label("Military incident")
    with pytest.raises(EventError, match="severity 7 is not on the scale"):
        severity_word(7)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("42", "Its leading zero seems lost .* did you mean '042'"),
        ("841", r"did you mean '0841' \(Releases people\)"),
        ("1639", "Its parent '163' .* is known"),
        ("abc", "Allowed: 2 to 4 digits such as '042'"),
    ],
)
def test_what_is_no_cameo_code_is_told_with_what_may_be_meant(code, message):
    assert re.search(message, cameo_fault(code))


def test_the_page_states_every_column_category_and_anchor():
    text = DOC.read_text(encoding="utf-8")
    for name in COLUMNS:
        assert re.search(rf"^\| .*`{name}`.* \|", text, re.MULTILINE), name
    assert all(f"| `{name}` | yes |" in text for name in REQUIRED)
    for name in CATEGORIES:
        assert category_meaning(name) in text
        assert all(standard_scale().anchor(name, severity) in text for severity in SEVERITIES)


def test_the_standard_anchors_are_those_that_old_files_were_coded_by():
    # A change of an anchor changes what old codings mean: it needs a scale of its own, as 'armed' is.
    digest = hashlib.sha256((DATA / "severity.csv").read_bytes()).hexdigest()
    assert digest == "449d8470c5a5342f81d117ad47b759de49fac8ad35be6d02ea5c6a7e0798f08d"


def test_the_armed_scale_has_every_severity_of_its_categories_and_no_other():
    assert own_categories(armed_scale()) == ("cooperation", "military_incident", "military_posture")
    text = DOC.read_text(encoding="utf-8")
    for name in CATEGORIES:
        for severity in SEVERITIES:
            anchor, standard = armed_scale().anchor(name, severity), standard_scale().anchor(name, severity)
            assert (anchor != standard) == (name in own_categories(armed_scale())) or anchor == standard == ""
            assert f"{severity}. {anchor}" in text


# Fewer people killed than the next severity of the scale begins with.
LEAST_DEATHS = {2: 1, 3: 5, 4: 10, 5: 50, 6: 10**9}


def armed_examples() -> list[list[str]]:
    section = DOC.read_text(encoding="utf-8").split("**Examples**")[1].split("## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if re.match(r"\| \d{4}-", line)]
    return [[cell.strip(" `") for cell in cells] for cells in lines]


def test_the_examples_of_the_armed_scale_are_events_and_keep_to_it(event_file):
    examples = armed_examples()
    assert len(examples) >= 15
    lines = ["date,initiator,target,category,severity"]
    for day, actors, _, category, severity, killed, _ in examples:
        initiator, target = actors.split(" → ")
        lines.append(f"{day},{initiator},{target},{category},{severity}")
        assert category in own_categories(armed_scale())
        assert int(killed or 0) < LEAST_DEATHS[int(severity) + 1]
    table = read_events(event_file("\n".join(lines)))
    assert table.notes == ()
    assert {"PAK", "Jaish-e-Mohammed", "Hezbollah", "LBN"} <= set(table.recipient) | set(table.initiator)
    assert set(table.severity[table.category == "military_incident"]) >= {2, 4, 5}


def test_incidents_that_are_mostly_of_the_highest_severity_are_named(coded, us_china):
    extreme = [(f"2020-01-{day:02d}", "military_incident", 5) for day in range(1, 17)]
    milder = [(f"2020-02-{day:02d}", "military_incident", 3) for day in range(1, 11)]
    scale = standard_scale()
    assert saturated(us_china, scale) is None
    assert saturated(coded(*extreme[:4]), scale) is None
    assert saturated(coded(*extreme[:3], *milder), scale) is None
    found = saturated(coded(*extreme, *milder), scale)
    assert (found.code, found.scale, found.severity) == ("saturated_scale", "standard", 5)
    assert found.text.startswith("16 of 26 military incidents have severity 5")
    assert "scale: armed" in found.text
    # On the armed scale there is no finer one of the package to name.
    assert "scale: armed" not in saturated(coded(*extreme, *milder), armed_scale()).text
    assert saturated(coded(*milder), scale).severity == 3


def test_the_command_prints_the_scale_that_is_asked_for(snapshot):
    asked = (
        ["--scale", "armed"],
        ["military_incident", "--scale", "armed"],
        ["sanction", "--scale", "armed"],
        ["visit"],
    )
    assert {
        " ".join(words): CliRunner().invoke(app, ["codebook", *words]).stdout for words in asked
    } == snapshot


def test_the_python_example_of_the_page_holds():
    block = re.search(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    exec(compile(block[1], str(DOC), "exec"), {})
