"""Data that can hardly tell anything, or contradict the priors: a forecast with cautions, or one error."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from forecast.config import load_config
from forecast.phrases.notices import notice_text
from forecast.records.notices import Notice
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs

KINDS = ("visit", "sanction", "dispute", "military_incident")
CONFIG = """\
name: little
dyad: {a: AAA, b: BBB}
as_of: 2022-01-01
events: {source: events.csv}
targets:
  crisis: {any_of: [sanction, military_incident], min_severity: 4}
milestones:
  - {name: month, date: 2022-02-01}
  - {name: half-year, date: 2022-07-01}
sampler: {seed: 5}
%s"""
SHORT = ("sampler.draws=60", "sampler.tune=60", "sampler.chains=2")
MODEL = "model.family=model"


class Little(NamedTuple):
    """Rows of (day, category, severity), what more the config states, and cautions that must be raised."""

    rows: list[tuple[str, str, int]]
    cautions: set[str]
    more: str = ""


def every(days: int, first: str, number: int) -> list[str]:
    return [str(date.fromisoformat(first) + timedelta(days=days * step)) for step in range(number)]


def mixed(days: list[str]) -> list[tuple[str, str, int]]:
    """One act a day, kinds and severities in turn."""
    return [(day, KINDS[place % 4], 1 + place % 5) for place, day in enumerate(days)]


def prior(name: str, distribution: str) -> str:
    return f"model:\n  priors:\n    {name}: {distribution}\n"


REGULAR = mixed(every(6, "2017-01-03", 303))
CASES = {
    "one event today": Little([("2022-01-01", "sanction", 4)], {"few_events", "few_target_events"}),
    "all on the last day": Little(mixed(["2022-01-01"] * 60), {"one_episode", "few_target_events"}),
    "a target every day": Little(
        [(day, "military_incident", 5) for day in every(1, "2017-01-03", 1825)], {"target_saturated"}
    ),
    "a busy week and thirty empty years": Little(
        mixed(every(1, "1991-01-01", 7) * 10), {"one_episode", "stale_events"}
    ),
    "a prior far above the data": Little(
        REGULAR, {"prior_far_from_data"}, more=prior("baseline.weekly_rate", "LogNormal(mu=4, sigma=0.01)")
    ),
}
RULED_OUT = Little(
    REGULAR, {"not_converged"}, more=prior("baseline.weekly_rate.crisis", "LogNormal(mu=-20, sigma=0.01)")
)
"""A prior under which the target, seen every month, hardly comes by itself: chains do not mix."""


def write(folder: Path, case: Little) -> Path:
    lines = [f"{day},AAA,BBB,{category},{severity}" for day, category, severity in case.rows]
    text = "\n".join(["date,initiator,target,category,severity", *lines, ""])
    (folder / "events.csv").write_text(text, encoding="utf-8")
    (folder / "little.yaml").write_text(CONFIG % case.more, encoding="utf-8")
    return folder / "little.yaml"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_with_the_data_is_named_before_any_fit(case, tmp_path):
    found = {one.code for one in cautions_of(read_inputs(load_config(write(tmp_path, case), [MODEL])))}
    assert case.cautions <= found
    # A record as regular as a clock is neither few nor stale nor one episode.
    if case.rows is REGULAR:
        assert not {"few_events", "few_target_events", "stale_events", "one_episode"} & found


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES.values(), RULED_OUT], ids=[*CASES, "a prior that rules it out"])
def test_a_run_ends_in_a_forecast_with_its_cautions_or_in_one_error(case, command, tmp_path):
    path = write(tmp_path, case)
    short = [part for one in (*SHORT, MODEL) for part in ("--set", one)]
    ended = command("run", path, "--out", tmp_path, "--no-ledger", "--json", "--allow-unconverged", *short)
    if ended.code:
        assert ended.code in (1, 2)
        assert ended.out == ""
        assert ended.err.startswith("forecast: ")
        assert ended.err.count("\n") == 1
        return
    forecast = json.loads(ended.out)
    assert case.cautions <= {one["code"] for one in forecast["cautions"]}
    lines = [notice_text(Notice.model_validate(caution)) for caution in forecast["cautions"]]
    assert all(line.endswith((".", "?")) for line in lines)
    assert (tmp_path / "little/2022-01-01/report.pdf").is_file()
