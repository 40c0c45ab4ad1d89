"""An audit: a stratified sample, a sheet of verdicts, rates with their error, and a caution with a run."""

import csv
import json
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config import load_config
from forecast.errors import ConfigError, EventError
from forecast.events.audit import draw_sample, make_audit, rate_draws, read_audit, read_verdicts
from forecast.events.codebook import standard_scale
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs
from tests.conftest import an_act


def table_of(cells: list[tuple[str, int]]) -> EventTable:
    first = date(2018, 1, 1)
    events = (
        an_act(f"e{place:05d}", first + timedelta(days=place // 4), category=category, severity=severity)
        for place, (category, severity) in enumerate(cells)
    )
    return EventTable.from_events(events, "made", has_verified=False)


def test_a_sample_has_rows_of_every_cell_and_is_drawn_by_its_seed():
    rows = {("sanction", 2): 600, ("dispute", 3): 300, ("military_incident", 5): 20}
    table = table_of([cell for cell, number in rows.items() for _ in range(number)])
    sample = draw_sample(table, 60, 3)
    assert len({event.id for event in sample}) == 60
    cells = Counter((event.category, event.severity) for event in sample)
    total = sum(number**0.5 for number in rows.values())
    assert all(abs(cells[cell] - 60 * number**0.5 / total) <= 1 for cell, number in rows.items())
    assert [event.id for event in draw_sample(table, 60, 3)] == [event.id for event in sample]
    assert {event.id for event in draw_sample(table, 60, 4)} != {event.id for event in sample}
    assert len(draw_sample(table, 10_000, 3)) == len(table), "never more than there are"


def test_one_cell_alone_has_the_beta_posterior():
    # With one cell shared rate and own rate cannot be told apart but for the concentration: between the
    # beta of its counts alone and that of its counts and one table.
    draws = rate_draws(np.array([[80, 20]]), np.random.default_rng(1), 4000)[:, 0, 1]
    assert draws.mean() == pytest.approx(0.2, abs=0.02)
    assert draws.std() == pytest.approx((0.2 * 0.8 / 101) ** 0.5, rel=0.1)


def test_small_cells_are_drawn_to_the_others_as_far_as_these_agree():
    alike = np.array([[45, 5]] * 6 + [[1, 1]])
    unlike = np.array([[50, 0], [0, 50], [50, 0], [0, 50], [50, 0], [0, 50], [1, 1]])
    agreed, differing = (
        rate_draws(counts, np.random.default_rng(2))[:, -1, 1].mean() for counts in (alike, unlike)
    )
    assert agreed < 0.2, "a half of two rows is no half where six cells say a tenth"
    assert differing == pytest.approx(0.5, abs=0.08)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    held = 0
    for trial in range(60):
        truth = rng.beta(2, 8, size=8)
        wrong = rng.binomial(12, truth)
        draws = rate_draws(np.column_stack([12 - wrong, wrong]), np.random.default_rng(trial), 300)[:, :, 1]
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        held += int(((low <= truth) & (truth <= high)).sum())
    # 480 intervals of 8 that share a fit: three standard errors of a share of 0.9.
    assert held / 480 == pytest.approx(0.9, abs=0.045)


EVENTS = """\
id,date,initiator,target,category,severity,summary,source_url
a1,2022-01-05,USA,CHN,sanction,2,A listing,https://example.org/a
a2,2022-02-05,CHN,USA,dispute,3,=HYPERLINK("x"),
a3,2022-03-05,USA,CHN,visit,1,A meeting,https://example.org/c
"""


@pytest.fixture
def drawn(command, tmp_path, monkeypatch):
    """An event file, and the rows of the sheet that was drawn from it, by id."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_text(EVENTS)
    assert command("audit", "events.csv")[0] == 1
    with (tmp_path / "audit.csv").open(newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["id"])


def fill_in(rows, delimiter=","):
    with open("audit.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def test_a_sheet_that_is_filled_in_gives_the_rates(command, drawn, tmp_path):
    assert {row["summary"][:2] for row in drawn} == {"A ", "'="}, "no formula for a spreadsheet"
    assert not (tmp_path / "audit.json").exists()
    for row, verdict in zip(drawn, ("True", "Repeat", "wrong category"), strict=True):
        row |= {"verdict": verdict, "category": "what a person wrote over"}
    fill_in([*drawn[:2], drawn[2] | {"verdict": ""}], ";")
    code, out, _ = command("audit", "events.csv", "--json")
    assert (code, json.loads(out)["waiting"]) == (1, 1)
    fill_in(drawn, ";")
    code, out, _ = command("audit", "events.csv", "--json")
    facts = json.loads(out)
    assert (code, facts["waiting"]) == (0, 0)
    assert facts["verdicts"] == {"repeat": 1, "true": 1, "wrong category": 1}
    assert {rate["category"] for rate in facts["categories"]} == {"sanction", "dispute", "visit"}
    audit = read_audit(tmp_path / "audit.json")
    assert (audit.overall.wrong, audit.overall.audited) == (2, 3)
    assert "2 of 3 rows are wrong" in command("audit", "events.csv")[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "truee"}, "audit.csv:2: verdict 'truee'. Did you mean 'true'? Allowed: true, wrong"),
        ({"verdict": "wrong severity"}, "right_severity is another severity"),
        ({"verdict": "wrong severity", "right_severity": "7"}, "right_severity: "),
        ({"verdict": "wrong category", "right_category": "war", "right_severity": "2"}, "right_category is"),
        ({"verdict": "wrong category", "right_category": "visit"}, "given together, or neither"),
        ({"verdict": "true", "right_severity": "2"}, "'true' has no right category or severity"),
        ({"right_severity": "2"}, "verdict ''"),
        ({"id": "zz"}, "id 'zz' is no row of the event file"),
        ({"id": "a3"}, "id 'a3' stands twice"),
    ],
)
def test_a_sheet_that_is_wrong_is_one_message(drawn, tmp_path, change, message):
    drawn[0] |= change
    fill_in(drawn)
    with pytest.raises(EventError) as refused:
        read_verdicts(tmp_path / "audit.csv", read_events("events.csv"), standard_scale())
    assert message in str(refused.value)


def test_a_correction_beyond_the_scale_is_refused(drawn, tmp_path):
    drawn[0] |= {"verdict": "wrong category", "right_category": "visit", "right_severity": "5"}
    fill_in(drawn)
    anchors = {**standard_scale().anchors, "visit": {1: "a"}}
    scale = standard_scale().model_copy(update={"anchors": anchors})
    with pytest.raises(EventError, match="has no visit of severity 5"):
        read_verdicts(tmp_path / "audit.csv", read_events("events.csv"), scale)


# With a run

CONFIG = """\
dyad: {a: USA, b: CHN}
as_of: 2022-01-01
events: {source: "bundled:us-china", audit: audit.json}
targets: {crisis: {any_of: [sanction, dispute, military_posture], min_severity: 3}}
"""


@pytest.fixture
def audited(tmp_path, us_china, monkeypatch):
    """Write a config and an audit with so many wrong rows; return the config's path."""

    def write(wrong: int):
        monkeypatch.chdir(tmp_path)
        sample = draw_sample(us_china, 80, 1)
        fill_in(
            [
                {"id": event.id, "verdict": "repeat" if place < wrong else "true"}
                | {"right_category": "", "right_severity": ""}
                for place, event in enumerate(sample)
            ]
        )
        verdicts = read_verdicts(tmp_path / "audit.csv", us_china, standard_scale())
        text = make_audit(us_china, list(verdicts.values()), 1).model_dump_json(by_alias=True)
        (tmp_path / "audit.json").write_text(text)
        (tmp_path / "case.yaml").write_text(CONFIG)
        return tmp_path / "case.yaml"

    return write


def test_errors_that_an_audit_found_are_a_caution_and_nothing_else(audited):
    inputs = read_inputs(load_config(audited(16)))
    caution = cautions_of(inputs)[0]
    assert (caution.code, caution.audited, caution.wrong) == ("coding_errors", 80, 16)
    low, high = caution.interval90
    assert 0.1 < low < caution.rate < high < 0.35
    assert "An audit found 16 of 80 events wrongly coded" in caution.text
    plain = read_inputs(load_config(audited(0)))
    assert "coding_errors" not in {caution.code for caution in cautions_of(plain)}
    assert plain.events.sha256 == inputs.events.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: None, "audit.json: cannot be read"),
        (lambda text: "{}", "not an audit"),
        (lambda text: "[" * 100_000, "not an audit"),
        (lambda text: text.replace('"id":"', '"id":"of-another-file-'), "judges no row of bundled:us-china"),
    ],
)
def test_an_audit_that_does_not_fit_is_refused_with_its_line(audited, change, message):
    path = audited(0)
    audit = path.with_name("audit.json")
    text = change(audit.read_text())
    audit.unlink() if text is None else audit.write_text(text)
    with pytest.raises(ConfigError, match=message) as refused:
        read_inputs(load_config(path))
    assert "case.yaml:3" in str(refused.value)
    assert "\n" not in str(refused.value)
