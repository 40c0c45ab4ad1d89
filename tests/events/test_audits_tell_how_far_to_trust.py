"""An audit: a stratified sample, verdicts one by one, rates with their error, records drawn from them."""

import csv
import json
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.errors import EventError
from forecast.events.audit import Judged, draw_sample, drawn_records, make_audit, rate_draws, read_audit
from forecast.events.codebook import standard_scale
from forecast.events.table import Event, EventTable

ANCHORS = standard_scale().anchors


def table_of(cells: list[tuple[str, int]], start: date = date(2018, 1, 1)) -> EventTable:
    return EventTable.from_events(
        [
            Event(
                id=f"e{place:05d}",
                date=start + timedelta(days=place // 4),
                known_date=start + timedelta(days=place // 4),
                initiator="USA",
                recipient="CHN",
                category=category,
                severity=severity,
                summary=f"act {place}",
            )
            for place, (category, severity) in enumerate(cells)
        ],
        "made",
        has_verified=False,
    )


def judge(event: Event, verdict: str = "true", category: str | None = None, severity: int | None = None):
    return Judged(
        id=event.id,
        date=event.date,
        known_date=event.known_date,
        initiator=event.initiator,
        target=event.recipient,
        category=event.category,
        severity=event.severity,
        verdict=verdict,
        right_category=category,
        right_severity=severity,
    )


TABLE = table_of([("sanction", 2)] * 600 + [("dispute", 3)] * 300 + [("military_incident", 5)] * 20)


def test_a_sample_has_rows_of_every_cell_and_is_drawn_by_its_seed():
    sample = draw_sample(TABLE, 60, 3)
    assert len({one.id for one in sample}) == 60
    cells = Counter((one.category, one.severity) for one in sample)
    roots = {("sanction", 2): 600**0.5, ("dispute", 3): 300**0.5, ("military_incident", 5): 20**0.5}
    total = sum(roots.values())
    assert all(abs(cells[one] - 60 * root / total) <= 1 for one, root in roots.items())
    assert [one.id for one in draw_sample(TABLE, 60, 3)] == [one.id for one in sample]
    assert {one.id for one in draw_sample(TABLE, 60, 4)} != {one.id for one in sample}
    assert len(draw_sample(TABLE, 10_000, 3)) == len(TABLE), "never more than there are"


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
        rate_draws(one, np.random.default_rng(2))[:, -1, 1].mean() for one in (alike, unlike)
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
    share = held / 480
    # 480 intervals of 8 that share a fit: three standard errors of a share of 0.9.
    assert share == pytest.approx(0.9, abs=0.045)


def audited(table: EventTable, size: int, wrong: dict[str, object] | None = None):
    """Judge a sample: the first tenth as ``wrong`` says, the others true."""
    sample = draw_sample(table, size, 1)
    return make_audit(
        table,
        [
            judge(one, **(wrong or {})) if place < size // 10 else judge(one)
            for place, one in enumerate(sample)
        ],
        1,
    )


def test_an_audit_without_errors_draws_no_other_record():
    audit = audited(TABLE, 60)
    assert audit.overall.wrong == 0
    assert 0 < audit.overall.interval90[1] < 0.08, "what 60 rows cannot exclude is told"
    assert drawn_records(TABLE, audit, ANCHORS, 5, 1) == []


def test_records_are_as_judged_and_drawn_at_the_rates_found():
    audit = audited(TABLE, 100, {"verdict": "repeat"})
    records = drawn_records(TABLE, audit, ANCHORS, 50, 1)
    repeats = {one.id for one in audit.judged if one.verdict == "repeat"}
    true = {one.id for one in audit.judged if one.verdict == "true"}
    for one in records:
        held = set(one.id.tolist())
        assert not held & repeats
        assert true <= held
    lost = np.array([1 - (len(one) - len(true)) / (len(TABLE) - 100) for one in records])
    assert lost.mean() == pytest.approx(0.1, abs=0.03)
    # Wider than the binomial of known rates: the rates are uncertain too.
    assert lost.std() > 1.5 * (0.1 * 0.9 / 820) ** 0.5
    again = drawn_records(TABLE, audit, ANCHORS, 50, 1)
    assert [one.sha256 for one in again] == [one.sha256 for one in records]


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"verdict": "wrong category", "category": "dispute", "severity": 2}, {("dispute", 2)}),
        ({"verdict": "wrong category"}, set()),
        ({"verdict": "not this pair"}, set()),
    ],
)
def test_a_wrong_row_becomes_what_was_found_instead(wrong, allowed):
    table = table_of([("sanction", 2)] * 400)
    audit = audited(table, 50, wrong)
    for record in drawn_records(table, audit, ANCHORS, 5, 2):
        cells = set(zip(record.category.tolist(), record.severity.tolist(), strict=True))
        assert cells == {("sanction", 2)} | allowed
        assert (len(record) < len(table)) == (not allowed)


def test_a_severity_is_moved_by_the_step_found_and_stays_on_the_scale():
    table = table_of([("sanction", 2)] * 200 + [("visit", 1)] * 200)
    sample = draw_sample(table, 60, 1)
    judged = [
        judge(one, "wrong severity", severity=1)
        if one.category == "sanction" and place % 3 == 0
        else judge(one)
        for place, one in enumerate(sample)
    ]
    for record in drawn_records(table, make_audit(table, judged, 1), ANCHORS, 5, 2):
        cells = set(zip(record.category.tolist(), record.severity.tolist(), strict=True))
        assert cells == {("sanction", 2), ("sanction", 1), ("visit", 1)}, "no visit of severity 0"


def test_known_errors_are_undone_on_average():
    """Truth with known counts, coded with known errors, audited: the records have the true counts."""
    rng = np.random.default_rng(8)
    truth = [("military_posture", 2)] * 500 + [("dispute", 2)] * 300
    coded, right = [], []
    for cell in truth:
        shifted = rng.random() < 0.2 and cell[0] == "military_posture"
        coded.append(("military_posture", 3) if shifted else cell)
        right.append(cell)
        if rng.random() < 0.25:
            coded.append(cell)
            right.append(None)
    table = table_of(coded)
    by_id = dict(zip([f"e{place:05d}" for place in range(len(coded))], right, strict=True))
    sample = draw_sample(table, 200, 4)
    judged = []
    for one in sample:
        true = by_id[one.id]
        if true is None:
            judged.append(judge(one, "repeat"))
        elif true != (one.category, one.severity):
            judged.append(judge(one, "wrong severity", severity=true[1]))
        else:
            judged.append(judge(one))
    records = drawn_records(table, make_audit(table, judged, 1), ANCHORS, 40, 6)
    for cell, n in Counter(truth).items():
        counts = np.array(
            [((one.category == cell[0]) & (one.severity == cell[1])).sum() for one in records], dtype=float
        )
        # Of the postures, repeats and shifts cancel in the count as coded; of the disputes nothing does.
        if cell[0] == "dispute":
            assert abs(counts.mean() - n) < abs(coded.count(cell) - n) / 2


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


EVENTS = """\
id,date,initiator,target,category,severity,summary,source_url
a1,2022-01-05,USA,CHN,sanction,2,A listing,https://example.org/a
a2,2022-02-05,CHN,USA,dispute,3,=HYPERLINK("x"),
a3,2022-03-05,USA,CHN,visit,1,A meeting,https://example.org/c
"""


@pytest.fixture
def events(tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    return tmp_path / "events.csv"


@pytest.fixture
def audit_with(command, monkeypatch, events):
    """Run the command with keys."""
    import io

    def run(keys: str, *more: str):
        import sys

        from forecast.cli import main

        monkeypatch.chdir(events.parent)
        monkeypatch.setattr(sys, "argv", ["forecast", "events", "audit", "events.csv", *more])
        monkeypatch.setattr(sys, "stdin", io.StringIO(keys))
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


def test_verdicts_are_kept_one_by_one_and_make_an_audit(audit_with, tmp_path, capsys):
    assert audit_with("t\nq\n") == 1
    assert not (tmp_path / "audit.json").exists()
    assert audit_with("s\n9\ns\n1\nx\nc\n\n") == 0
    audit = read_audit(tmp_path / "audit.json", standard_scale())
    first, second, third = audit.judged
    assert first.verdict == "true"
    assert (second.verdict, second.right_severity) in {("wrong severity", 1)} or second.category == "visit"
    assert third.right is None
    assert audit.overall.wrong == 2
    sheet = rows_of(tmp_path / "audit.csv")
    assert {row["summary"][:2] for row in sheet} == {"A ", "'="}, "no formula for a spreadsheet"
    said = capsys.readouterr()
    assert "Source: https://example.org" in said.out
    assert "Expected: t true" in said.err


def test_a_sheet_filled_in_elsewhere_is_read(command, events, tmp_path):
    command("audit", "events.csv", "--json")
    sheet = tmp_path / "audit.csv"
    rows = rows_of(sheet)
    for row in rows:
        row["verdict"] = "Repeat" if row["id"] == "a2" else "true"
        row["category"] = "what a person wrote over"
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    code, out, _ = command("audit", "events.csv", "--json")
    facts = json.loads(out)
    assert (code, facts["waiting"], facts["verdicts"]) == (0, 0, {"repeat": 1, "true": 2})
    assert {one["category"] for one in facts["categories"]} == {"sanction", "dispute", "visit"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"verdict": "truee"},
            "audit.csv:2: verdict 'truee'. Did you mean 'true'? Allowed: true, wrong",
        ),
        ({"verdict": "wrong severity"}, "right_severity is another severity"),
        ({"verdict": "wrong severity", "right_severity": "7"}, "right_severity: "),
        ({"verdict": "wrong category", "right_category": "war", "right_severity": "2"}, "right_category is"),
        ({"verdict": "true", "right_severity": "2"}, "'true' has no right category or severity"),
        ({"right_severity": "2"}, "verdict ''"),
        ({"id": "zz"}, "id 'zz' is no row of the event file"),
        ({"id": "a3"}, "id 'a3' stands twice"),
    ],
)
def test_a_sheet_that_is_wrong_is_one_message(command, events, tmp_path, change, message):
    command("audit", "events.csv", "--json")
    sheet = tmp_path / "audit.csv"
    rows = sorted(rows_of(sheet), key=lambda row: row["id"])
    rows[0] |= change
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    code, _, err = command("audit", "events.csv", "--json")
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "audit.json").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{}", "no audit"),
        ("[" * 100_000, "no audit"),
        ('{"schema": 2}', "no audit"),
    ],
)
def test_a_file_that_is_no_audit_is_refused(tmp_path, content, message):
    path = tmp_path / "audit.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(EventError, match=message):
        read_audit(path, standard_scale())


def test_a_correction_beyond_the_scale_is_refused(tmp_path):
    path = tmp_path / "audit.json"
    audit = audited(TABLE, 20, {"verdict": "wrong category", "category": "visit", "severity": 5})
    path.write_text(audit.model_dump_json(by_alias=True))
    anchors = {**ANCHORS, "visit": {1: "a"}}
    with pytest.raises(EventError, match="has no visit of severity 5"):
        read_audit(path, standard_scale().model_copy(update={"anchors": anchors}))


def test_an_audit_knows_no_row_that_became_known_later():
    audit = audited(TABLE, 60, {"verdict": "repeat"})
    middle = sorted(one.known_date for one in audit.judged)[30]
    known = audit.known_by(middle)
    assert 0 < len(known.judged) < len(audit.judged)
    assert max(one.known_date for one in known.judged) <= middle
