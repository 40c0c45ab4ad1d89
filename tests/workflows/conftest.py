"""Real runs made small: few draws, one compiled model for all of them."""

import csv
import json
import pickle
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast.config import load_config
from forecast.inference import sampling
from forecast.runs.run import Run
from forecast.workflows.forecast import fit

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
reactions:
  contact:
    label: A quarrel over Taiwan
    when: {category: dispute, subcategory: taiwan_*, by: USA}
    then: {category: military_posture, by: CHN}
scenarios: [drill.yaml]
model: {family: model}
sampler: {seed: 5, draws: 100, tune: 150, chains: 2}
"""
SCENARIO = """\
name: drill
label: A large drill
rationale: What a drill on the scale of the largest would do.
events:
  - {date: 2022-05-01, category: military_posture, severity: 4, probability: 0.5}
"""
SHORT_RERUNS = (sampling.Rerun(1, 20, 0.9),)
TINY = ("--set", "sampler.draws=20", "--set", "sampler.tune=20")


@pytest.fixture(scope="session")
def command(command):
    """Run the command; the automatic second sampling keeps the short warm-up of the first."""

    def run(*arguments: object):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sampling, "RERUNS", SHORT_RERUNS)
            return command(*arguments)

    return run


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
def config(once, case, us_china_rows) -> Path:
    return once("case", lambda place: case(place, us_china_rows)) / "config.yaml"


def keep_end(place: Path, ended) -> None:
    (place / "ended.json").write_text(json.dumps(ended._asdict()), encoding="utf-8")


def kept_end(place: Path) -> tuple[SimpleNamespace, Path]:
    """How the run of a place ended, and its folder."""
    ended = json.loads((place / "ended.json").read_text(encoding="utf-8"))
    return SimpleNamespace(**ended), place / "runs" / "small" / "2022-01-01"


@pytest.fixture(scope="session")
def finished(once, config, command):
    """The one real run that most tests read: how it ended, and its folder."""

    def run(place: Path) -> None:
        keep_end(place, command("run", config, "--out", place / "runs", "--allow-unconverged"))

    return kept_end(once("finished", run))


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
    return lambda config, *settings: fit(None, load_config(config, [*tiny[1::2], *settings]))


@pytest.fixture
def no_report(monkeypatch):
    """For tests of what surrounds a report, which takes seconds to set."""
    monkeypatch.setattr("forecast.workflows.report.build_report", lambda *of: None)


@pytest.fixture
def fitted_already(monkeypatch, kept):
    """Let commands take a run that was made before in the place of fitting one."""
    monkeypatch.setattr("forecast.workflows.forecast.fit", lambda events, config, listen=None, **_: kept)


@pytest.fixture(scope="session")
def made_unconverged(once, config, command) -> Path:
    """Where a tiny run lies that was not allowed to fail its gates, how it ended, and the run itself."""

    def run(place: Path) -> None:
        def keep(events, config, listen=None, **more):
            made = fit(events, config, listen, **more)
            (place / "run.pickle").write_bytes(pickle.dumps(made))
            return made

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("forecast.workflows.forecast.fit", keep)
            keep_end(place, command("run", config, "--out", place / "runs", *TINY))

    return once("unconverged", run)


@pytest.fixture(scope="session")
def kept(made_unconverged) -> Run:
    """The run in memory whose folder is ``unconverged``."""
    return pickle.loads((made_unconverged / "run.pickle").read_bytes())


@pytest.fixture(scope="session")
def unconverged(made_unconverged):
    """How a run ended that was not allowed to fail its gates, and its folder."""
    return kept_end(made_unconverged)
