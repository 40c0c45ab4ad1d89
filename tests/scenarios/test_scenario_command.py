"""``forecast scenario`` on a saved run: tables, JSON, charts, exit codes, and nothing heavy loaded."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from forecast.config import load_config
from forecast.config.scenario import scenario_from_options
from forecast.events.reading import read_events, write_events
from forecast.priors.population import record_priors, shipped_population
from forecast.records.forecast import ScenarioForecast
from forecast.runs.inputs import read_inputs
from forecast.runs.run import read_run, write_run
from forecast.scenarios import compare_scenarios

CLASH = "2022-08-15:military_incident:5:0.5"
RATE = "baseline.weekly_rate.escalation=LogNormal(-3.8, 0.4)"
SANCTION = "  - {date: 2022-08-15, category: sanction, severity: 4}"


def test_a_saved_run_is_the_run_it_was_made_from(base, run_folder):
    again = read_run(run_folder)
    assert again.variables.keys() == base.variables.keys()
    for name, values in base.variables.items():
        assert again.variables[name].tobytes() == values.tobytes()
    for name, days in base.first_day.items():
        assert (again.first_day[name] == days).all()
    assert again.forecast == base.forecast
    assert (again.inputs.data.counts == base.inputs.data.counts).all()


def test_a_run_that_counted_every_row_of_its_file_is_read_with_all_of_them(base, run_folder, tmp_path):
    # Runs made before dyads selected events: no theatre in the config, and rows that it would leave out.
    old = shutil.copytree(run_folder, tmp_path / "old")
    config = old / "config.resolved.yaml"
    text = config.read_text()
    assert "  theatre:\n  - TWN\n  - HKG\n  - CAN\n" in text
    config.write_text(text.replace("  theatre:\n  - TWN\n  - HKG\n  - CAN\n", ""))
    events = read_events(old / "events.csv")
    towards = np.where(events.id == "e6", "TWN", events.recipient)
    write_events(replace(events, recipient=towards), old / "events.csv")
    again = read_run(old)
    assert again.inputs.config.dyad.theatre == ()
    assert (again.inputs.data.counts == base.inputs.data.counts).all()


def test_paths_of_an_older_simulator_are_made_anew(base, run_folder, tmp_path, monkeypatch):
    # Otherwise they would be compared with paths on other random numbers.
    other = shutil.copytree(run_folder, tmp_path / "other")
    from forecast.runs.mixture import DirectAnswers, Mixture
    from forecast.runs.run import write_paths
    from forecast.simulation import simulate_first_passages

    inputs = base.inputs
    hits = simulate_first_passages(inputs.data, base.draws, base.simulation)
    with monkeypatch.context() as older:
        older.setattr("forecast.runs.run.RANDOM_STREAMS", -1)
        write_paths(Mixture(inputs, DirectAnswers({}), hits), base.n_chains, other / "paths.nc")
    again = read_run(other)
    assert all((again.first_day[name] == days).all() for name, days in base.first_day.items())


def test_the_table_shows_run_scenario_change_and_words(command, run_folder):
    ended = command("scenario", run_folder, "--event", CLASH)
    assert ended.code == 0, ended.err
    assert "Method: simulate. Only the future changes" in ended.out
    (found,) = compare_scenarios(read_run(run_folder), [scenario_from_options([], [CLASH], [])])
    one = found.target("lethal").milestones[0]
    row = next(line for line in ended.out.split("Lethal")[1].splitlines() if "1 Oct 2022" in line)
    change = f"+{100 * one.difference.value:.1f} ± {100 * one.difference.mcse:.1f}"
    assert change in row
    assert row.endswith(one.words)
    assert max(map(len, ended.out.splitlines())) <= 80


def test_weights_are_shown_with_what_they_are_worth(command, run_folder):
    ended = command("scenario", run_folder, "--prior", RATE)
    assert ended.code == 0, ended.err
    text = " ".join(ended.out.split())
    assert re.search(r"Method: reweight\. .* Pareto k [−0-9.]+, [0-9,]+ effective draws\.", text)


def test_json_is_one_object_of_the_records(command, run_folder, written):
    file = written("events:", "  - {date: 2022-08-15, category: sanction, severity: 4}")
    ended = command("scenario", run_folder, file, "--event", CLASH, "--json")
    assert ended.code == 0
    assert ended.err == ""
    content = json.loads(ended.out)
    found = [ScenarioForecast.model_validate(one) for one in content["scenarios"]]
    assert [one.name for one in found] == ["tried", "options"]
    assert found[0].targets[0].milestones[0].difference.value > 0


def test_comparison_and_chart_show_every_scenario(command, run_folder, written, tmp_path):
    file = written(
        "events:", "  - {date: 2022-08-15, category: sanction, severity: 4}", "label: A <b>sanction</b>"
    )
    for kind, begins in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        out = tmp_path / f"chart.{kind}"
        ended = command("scenario", run_folder, file, "--event", CLASH, "--compare", "--out", out)
        assert ended.code == 0, ended.err
        assert out.read_bytes().startswith(begins)
    head, *_ = ended.out.split("\nLethal")
    for label in ("The run", "A <b>sanction</b>", "Options"):
        assert label in head
    again = tmp_path / "again.svg"
    command("scenario", run_folder, file, "--event", CLASH, "--out", again)
    assert again.read_bytes() == (tmp_path / "chart.svg").read_bytes()


def test_options_printed_as_a_file_say_the_same(command, run_folder, tmp_path):
    options = ("--event", CLASH, "--prior", RATE)
    printed = command("scenario", run_folder, *options, "--yaml")
    assert printed.code == 0
    (tmp_path / "made.yaml").write_text(printed.out)
    by_options, by_file = (
        json.loads(command("scenario", run_folder, *given, "--json").out)["scenarios"]
        for given in (options, [tmp_path / "made.yaml"])
    )
    assert by_options == by_file


def test_numbers_that_need_a_new_fit_are_withheld_when_none_is_wanted(command, run_folder):
    ended = command("scenario", run_folder, "--without", "e4", "--no-refit")
    assert ended.code == 1
    assert "Withheld: Past events are taken out, so the model must be fitted again." in ended.out
    assert "%" not in ended.out.split("Change:")[0]
    compared = command("scenario", run_folder, "--without", "e4", "--no-refit", "--compare")
    assert re.search(r"withheld +new fit", compared.out)


BAD_INPUT = (
    (),
    *(("--prior", f"{one}") for one in ("balast.visit=calms", "severity.level.4=Normal(-1.2, 0.5)")),
    ("--prior", "excitation.branching.dispute=weak"),
    ("--event", "2022-06-01:sanction:3"),
    ("--event", "2022-08-01:sanction:3:1.2"),
    ("--without", "e7"),
    ("--event", CLASH, "--out", "chart.gif"),
    ("--event", CLASH, "--out", "no/where.svg"),
    ("missing.yaml",),
    ("--yaml",),
)


def test_bad_input_is_one_message_and_code_two(command, run_folder, snapshot):
    said = {}
    for arguments in BAD_INPUT:
        ended = command("scenario", run_folder, *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), arguments
        said[" ".join(arguments)] = ended.err.replace(str(run_folder), "RUN")
    assert said == snapshot


@pytest.fixture
def config_with(tmp_path, folder):
    """Write the config with the scenarios of these files beside it."""

    def write(*files):
        (tmp_path / "events.csv").write_bytes((folder / "events.csv").read_bytes())
        text = (folder / "config.yaml").read_text()
        listed = ", ".join(str(file) for file in files)
        (tmp_path / "config.yaml").write_text(f"{text}scenarios: [{listed}]\n")
        return tmp_path / "config.yaml"

    return write


def test_a_check_reads_the_scenarios_back(command, config_with, written):
    config = config_with(written("label: A hard autumn", "without: [e1]", "events:", SANCTION))
    ended = command("check", config)
    assert ended.code == 0, ended.err
    assert "A hard autumn (tried): 1 assumed act and 1 past event taken out." in ended.out
    assert json.loads(command("check", config, "--json").out)["scenarios"] == ["tried"]


@pytest.mark.parametrize("name", ["check", "run"])
def test_faults_of_scenarios_are_found_before_any_work(command, config_with, written, tmp_path, name):
    one = written("events:", "  - {date: 2022-06-01, category: sanction, severity: 3}")
    two = written("priors: {balast.visit: calms}", name="other", file="two.yaml")
    options = ["--out", tmp_path / "runs"] if name == "run" else []
    ended = command(name, config_with(one, two), *options)
    assert (ended.code, ended.out) == (2, "")
    assert f"{one}:4:6: events.0.date: 2022-06-01 is not after the as-of date" in ended.err
    assert f"{two}:3:10: priors.balast.visit: unknown prior" in ended.err
    assert not (tmp_path / "runs").exists()


def test_two_scenarios_of_one_name_are_refused(command, run_folder, written):
    act = "  - {date: 2022-08-15, category: sanction, severity: 4}"
    one, two = (written("events:", act, file=file) for file in ("one.yaml", "two.yaml"))
    ended = command("scenario", run_folder, one, two)
    assert ended.code == 2
    assert f"two scenarios are named 'tried': {one} and {two}" in ended.err


@pytest.mark.parametrize(
    "name", ["posterior.nc", "paths.nc", "forecast.json", "events.csv", "config.resolved.yaml"]
)
def test_a_folder_that_is_not_whole_is_refused(command, run_folder, tmp_path, name):
    broken = shutil.copytree(run_folder, tmp_path / "broken")
    (broken / name).unlink()
    ended = command("scenario", broken, "--event", CLASH)
    assert (ended.code, ended.out) == (2, "")
    assert name in ended.err
    (broken / name).write_bytes(b"nonsense")
    ended = command("scenario", broken, "--event", CLASH)
    assert (ended.code, ended.out) == (2, "")
    assert name in ended.err


def test_paths_that_no_run_could_have_are_refused_before_they_are_read(command, run_folder, tmp_path):
    bomb = shutil.copytree(run_folder, tmp_path / "bomb")
    with h5py.File(bomb / "paths.nc", "a") as file:
        shape = file["first_day"].shape
        del file["first_day"]
        file.create_dataset("first_day", (*shape[:3], 10**9), "i4", chunks=(1, 1, 1, 1000))
    ended = command("scenario", bomb, "--event", CLASH)
    assert (ended.code, ended.out) == (2, "")
    assert "paths.nc: not the paths of a run (first_day makes more than the " in ended.err


def test_files_of_another_run_are_refused(command, run_folder, tmp_path):
    mixed = shutil.copytree(run_folder, tmp_path / "mixed")
    config = mixed / "config.resolved.yaml"
    config.write_text(config.read_text().replace("lethal:", "deadly:"))
    ended = command("scenario", mixed, "--event", CLASH)
    assert ended.code == 2
    assert "do not belong together" in ended.err


def test_a_run_of_another_model_is_refused(command, run_folder, tmp_path):
    old = shutil.copytree(run_folder, tmp_path / "old")
    with h5py.File(old / "posterior.nc", "a") as file:
        del file["posterior/excitation_severity"]
    ended = command("scenario", old, "--event", CLASH)
    assert (ended.code, ended.out) == (2, "")
    assert "has no draws of excitation.severity; the run was made by another version" in ended.err


def test_nothing_heavy_is_loaded_for_an_answer(run_folder):
    heavy = {"arviz", "arviz_stats", "matplotlib", "nutpie", "pandas", "pymc", "pytensor", "xarray"}
    arguments = ["forecast", "scenario", str(run_folder), "--event", CLASH, "--prior", RATE, "--json"]
    code = (
        "import sys; from forecast.cli import main\n"
        f"sys.argv = {arguments!r}\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('\\nloaded', *{name.partition('.')[0] for name in sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(result.stdout.splitlines()[-1].split())
    assert "h5py" in loaded
    assert not loaded & heavy


def test_a_saved_run_keeps_the_population_that_its_priors_came_from(folder, run_from, tmp_path):
    own = shipped_population().model_dump(mode="json", by_alias=True)
    own["groups"]["tension.scale"] = {"all": {"centre": 0.4, "spread": 0.3, "values": 7}}
    (tmp_path / "own.yaml").write_text(json.dumps(own), encoding="utf-8")
    (tmp_path / "events.csv").write_bytes((folder / "events.csv").read_bytes())
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    assert "population: none" in text
    (tmp_path / "config.yaml").write_text(
        text.replace("population: none", "population: own.yaml"), encoding="utf-8"
    )
    run = run_from(read_inputs(load_config(tmp_path / "config.yaml")))
    saved = tmp_path / "runs" / "made"
    saved.mkdir(parents=True)
    write_run(run, saved, saved)
    (tmp_path / "own.yaml").unlink()
    again = read_run(saved)
    assert again.inputs.priors == run.inputs.priors
    assert again.inputs.priors.priors["tension.scale"].distribution != (
        record_priors(again.inputs.data, None).priors["tension.scale"].distribution
    )


def test_a_change_that_no_path_shows_is_told_as_below_a_bound(command, run_folder):
    arguments = ("scenario", run_folder, "--event", "2022-08-15:visit:1:0.0001")
    shown = command(*arguments).out
    assert "0.0 (< 0.01)" in shown
    assert "no path that was played shows a change" in " ".join(shown.split())
    assert "±" not in shown.split("Change: ")[0]
    found = json.loads(command(*arguments, "--json").out)
    change = found["scenarios"][0]["targets"][0]["milestones"][0]["difference"]
    assert change == {"value": 0.0, "mcse": 0.0, "at_most": pytest.approx(1e-4)}
