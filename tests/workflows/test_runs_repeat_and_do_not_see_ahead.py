"""Same question, same bytes; another seed, other numbers; what became known later changes nothing."""

import json
import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config import load_config
from forecast.events.reading import load_events
from forecast.runs.inputs import read_inputs

AS_OF = date(2022, 1, 1)


def without_timings(run) -> str:
    """The forecast but for its timings, and for the count of rows that became known too late to be used."""
    content = json.loads(run.forecast.model_dump_json())
    content.pop("timings_s")
    late = [one for one in content["cautions"] if one["code"] == "events_after_as_of"]
    assert len(late) == 1
    content["cautions"].remove(late[0])
    return json.dumps(content)


def poisoned(rows):
    """Everything that became known after the as-of date is deleted, made worse, or joined by more."""
    kept = []
    for number, row in enumerate(rows):
        if date.fromisoformat(row["known_date"] or row["date"]) <= AS_OF:
            kept.append(row)
        elif number % 3:
            kept.append({**row, "severity": "5", "category": "military_incident", "summary": "Poison"})
    # Acts before the as-of date that nobody knew of then.
    for number in range(40):
        day, known = AS_OF - timedelta(days=number), AS_OF + timedelta(days=1 + number)
        secret = {**rows[-1], "id": f"secret-{number}", "category": "military_incident", "severity": "5"}
        kept.append({**secret, "date": str(day), "end_date": "", "known_date": str(known)})
    return kept


def test_the_same_question_gives_the_same_bytes_whatever_became_known_later(
    case, event_rows, forecast_of, kept, tmp_path
):
    rows = poisoned(event_rows)
    assert sum(row["summary"] == "Poison" for row in rows) > 100
    run = forecast_of(case(tmp_path, rows))
    assert without_timings(run) == without_timings(kept)
    assert run.inputs.events.canonical_csv() == kept.inputs.events.canonical_csv()


def test_the_poison_is_seen_once_it_is_known(case, event_rows, tmp_path):
    config = load_config(case(tmp_path, poisoned(event_rows)))
    assert read_inputs(config).rules[2].mask(read_inputs(config).events).sum() == 0
    later = config.model_copy(update={"as_of": AS_OF + timedelta(days=40)})
    assert read_inputs(later).rules[2].mask(read_inputs(later).events).sum() >= 40


def test_another_seed_gives_other_numbers_for_the_same_question(config, forecast_of, kept):
    other, first = forecast_of(config, "sampler.seed=6").forecast, kept.forecast
    assert other.targets[0].curve.probability != first.targets[0].curve.probability
    assert other.targets[0].curve.date == first.targets[0].curve.date
    assert other.run_id != first.run_id


def test_as_of_cuts_what_is_read(config, command):
    ended = command("check", config, "--as-of", "2021-06-30", "--json")
    assert ended.code == 0, ended.err
    known = load_events(str(config.parent / "events.csv"), config.parent).known_date
    assert json.loads(ended.out)["events"] == (known <= np.datetime64("2021-06-30")).sum()


@pytest.mark.slow
def test_two_processes_give_the_same_forecast(config, tiny, unconverged, tmp_path):
    for name in ("one", "two"):
        command = [
            sys.executable,
            "-m",
            "forecast",
            "run",
            str(config),
            "--out",
            str(tmp_path / name),
        ]
        subprocess.run([*command, "--allow-unconverged", *tiny], check=True)
    one, two = (tmp_path / name / "small/2022-01-01/forecast.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
