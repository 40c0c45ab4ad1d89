"""Real runs made small: few draws, few paths, one compiled model for all of them."""

import csv
from datetime import date
from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.inference import sampling
from forecast.runs.run import Run
from forecast.workflows.forecast import make_forecast

AS_OF = date(2022, 1, 1)
CONFIG = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN], label: United States – China}
as_of: 2022-01-01
events: {source: events.csv, start: 2017-01-01}
targets:
  major_escalation:
    any_of: [sanction, channel_closure, military_incident, military_posture, dispute]
    min_severity: 4
  military_confrontation: {any_of: [military_incident, military_posture], min_severity: 4}
  lethal_clash: {any_of: [military_incident], min_severity: 5}
milestones:
  - {name: spring, date: 2022-04-01}
  - {name: party-congress, label: Party congress, date: 2022-10-16}
  - {name: new-year, date: 2023-01-01}
headline: {target: military_confrontation, milestone: party-congress}
calendar:
  - {date: 2022-03-18, category: channel_opening, severity: 2, probability: 0.7, label: Leaders' call}
scenarios: [drill.yaml]
model: {family: model}
sampler: {seed: 5, draws: 100, tune: 150, chains: 2, paths_per_draw: 4}
"""
SCENARIO = """\
name: drill
label: A large drill
rationale: What a drill on the scale of the largest would do.
events:
  - {date: 2022-05-01, category: military_posture, severity: 4, probability: 0.5}
"""
SHORT_RERUNS = (sampling.Rerun(1, 20, 0.9),)
TINY = (
    "--set",
    "sampler.draws=20",
    "--set",
    "sampler.tune=20",
    "--set",
    "sampler.paths_per_draw=2",
)


@pytest.fixture(scope="session")
def command(command):
    """Run the command; the automatic second sampling keeps the short warm-up of the first."""

    def run(*arguments: object):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sampling, "RERUNS", SHORT_RERUNS)
            return command(*arguments)

    return run


@pytest.fixture(scope="session")
def event_rows(shared_data) -> list[dict[str, str]]:
    with (shared_data / "us-china-2017-2023.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def case():
    """Write a config and its events into a folder; return the path of the config."""

    def write(folder: Path, rows: list[dict[str, str]]) -> Path:
        with (folder / "events.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        (folder / "drill.yaml").write_text(SCENARIO, encoding="utf-8")
        return folder / "config.yaml"

    return write


@pytest.fixture(scope="session")
def config(tmp_path_factory, case, event_rows) -> Path:
    return case(tmp_path_factory.mktemp("case"), event_rows)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, config, command):
    """The one real run that most tests read: how it ended, and its folder."""
    out = tmp_path_factory.mktemp("runs")
    ended = command("run", config, "--out", out, "--allow-unconverged")
    return ended, out / "small" / "2022-01-01"


@pytest.fixture(scope="session")
def run_folder(finished) -> Path:
    return finished[1]


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Options that make a run tiny; it cannot converge."""
    return TINY


@pytest.fixture
def forecast_of(monkeypatch, tiny):
    """Make a tiny forecast in memory, as ``unconverged`` is made but for its report."""
    monkeypatch.setattr(sampling, "RERUNS", SHORT_RERUNS)
    return lambda config, *settings: make_forecast(load_config(config, [*tiny[1::2], *settings]))


@pytest.fixture
def no_report(monkeypatch):
    """For tests of what surrounds a report, which takes seconds to set."""
    monkeypatch.setattr("forecast.workflows.report.build_report", lambda *of: None)


@pytest.fixture
def fitted_already(monkeypatch, kept):
    """Let commands take a run that was made before in the place of fitting one."""
    monkeypatch.setattr(
        "forecast.workflows.forecast.make_forecast", lambda config, listen=None, **_: kept[-1]
    )


@pytest.fixture(scope="session")
def kept() -> list[Run]:
    """Runs in memory, in the order they were made."""
    return []


@pytest.fixture(scope="session")
def unconverged(tmp_path_factory, config, kept, command):
    """A tiny run that was not allowed to fail its gates."""
    out = tmp_path_factory.mktemp("unconverged")

    def keep(config, listen=None, **more):
        kept.append(make_forecast(config, listen, **more))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.workflows.forecast.make_forecast", keep)
        return command("run", config, "--out", out, *TINY), out / "small" / "2022-01-01"
