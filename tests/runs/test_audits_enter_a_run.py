"""An audit in a config: read with the run, refused with its line, without effect where it found nothing."""

from datetime import date

import pytest

from forecast.config import load_config
from forecast.errors import ConfigError
from forecast.events.audit import Judged, draw_sample, make_audit
from forecast.runs.inputs import read_inputs
from forecast.workflows.recoding import RECORDS, possible_records, with_coding_errors

CONFIG = """\
dyad: {a: USA, b: CHN}
as_of: 2022-01-01
events: {source: "bundled:us-china", audit: audit.json}
targets: {crisis: {any_of: [sanction, dispute, military_posture], min_severity: 3}}
"""


@pytest.fixture
def audited(tmp_path, us_china):
    """Write a config and an audit whose rows, but for the first ones, are true; return the config's path."""

    def write(wrong: int, **how: object):
        sample = draw_sample(us_china, 80, 1)
        judged = [
            Judged.model_validate(
                {
                    **{name: getattr(one, name) for name in ("id", "date", "known_date", "initiator")},
                    "target": one.recipient,
                    "category": one.category,
                    "severity": one.severity,
                    "verdict": "true",
                }
                | (how if place < wrong else {})
            )
            for place, one in enumerate(sample)
        ]
        text = make_audit(us_china, judged, 1).model_dump_json(by_alias=True)
        (tmp_path / "audit.json").write_text(text)
        (tmp_path / "case.yaml").write_text(CONFIG)
        return tmp_path / "case.yaml"

    return write


def test_an_audit_without_errors_leaves_the_forecast_as_it_is(audited):
    inputs = read_inputs(load_config(audited(0)))
    assert inputs.audit is not None
    assert possible_records(inputs) == []
    mixture = object()
    assert with_coding_errors(mixture, []) is mixture


def test_a_run_reads_records_that_lack_the_errors(audited):
    inputs = read_inputs(load_config(audited(16, verdict="repeat")))
    assert max(one.known_date for one in inputs.audit.judged) <= date(2022, 1, 1)
    records = possible_records(inputs)
    assert len(records) == RECORDS
    for one in records:
        assert one.audit is None
        assert one.data.grid == inputs.data.grid
        assert 0.5 < len(one.events) / len(inputs.events) < 0.95
    assert len({one.events.sha256 for one in records}) == RECORDS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{}", "no audit"),
        (lambda text: text.replace('"id":"', '"id":"of-another-file-'), "judges no row of bundled:us-china"),
    ],
)
def test_an_audit_that_does_not_fit_is_refused_with_its_line(audited, change, message):
    path = audited(0)
    audit = path.with_name("audit.json")
    audit.write_text(change(audit.read_text()))
    with pytest.raises(ConfigError, match=message) as refused:
        read_inputs(load_config(path))
    assert "case.yaml:3" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_audit_is_refused_with_its_line(audited):
    path = audited(0)
    path.with_name("audit.json").unlink()
    with pytest.raises(ConfigError, match=r"case\.yaml:3.*audit\.json: cannot be read"):
        read_inputs(load_config(path))
