"""``forecast scenario`` on a saved run: tables, JSON, charts, exit codes, and nothing heavy loaded."""

import json
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from forecast.config import load_config
from forecast.config.scenario import scenario_from_options
from forecast.priors.population import record_priors, shipped_population
from forecast.records.forecast import ScenarioForecast
from forecast.runs.inputs import read_inputs
from forecast.runs.run import read_run, write_run
from forecast.scenarios import compare_scenarios
from forecast.wording import words
from tests.conftest import seal

CLASH = "2022-08-15:military_incident:5:0.5"
RATE = "baseline.weekly_rate.escalation=LogNormal(-3.8, 0.4)"
SANCTION = "  - {date: 2022-08-15, category: sanction, severity: 4}"


# -- a saved run


def test_a_saved_run_is_the_run_it_was_made_from(base, run_folder):
    again = read_run(run_folder)
    assert again.samples.variables.keys() == base.samples.variables.keys()
    for name, values in base.samples.variables.items():
        assert again.samples.variables[name].tobytes() == values.tobytes()
    assert again.forecast == base.forecast
    assert (again.inputs.data.counts == base.inputs.data.counts).all()
    np.testing.assert_array_equal(again.mixture.survival.values, base.mixture.survival.values)


def test_a_saved_run_keeps_the_population_that_its_priors_came_from(folder, run_from, tmp_path):
    own = shipped_population().model_dump(mode="json", by_alias=True)
    own["groups"]["tension.scale"] = {"all": {"centre": 0.4, "spread": 0.3, "values": 7}}
    (tmp_path / "own.yaml").write_text(json.dumps(own), encoding="utf-8")
    (tmp_path / "events.csv").write_bytes((folder / "events.csv").read_bytes())
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    changed = text.replace("population: none", "population: own.yaml")
    (tmp_path / "config.yaml").write_text(changed, encoding="utf-8")
    run = run_from(read_inputs(load_config(tmp_path / "config.yaml")))
    (saved := tmp_path / "runs" / "made").mkdir(parents=True)
    write_run(run, saved, saved)
    seal(saved)
    (tmp_path / "own.yaml").unlink()
    again = read_run(saved).inputs
    assert again.priors == run.inputs.priors
    plain = record_priors(again.data, None)
    assert again.priors.priors["tension.scale"].distribution != plain.priors["tension.scale"].distribution


def of_another_run(place):
    config = place / "config.resolved.yaml"
    config.write_text(config.read_text().replace("lethal:", "deadly:"))


def of_another_model(place):
    with h5py.File(place / "posterior.nc", "a") as file:
        del file["posterior/answers.severity"]


DAMAGE = {
    "do not belong together": of_another_run,
    "has no draws of answers.severity; the run was made by another version": of_another_model,
}
for _name in ("posterior.nc", "forecast.json", "events.csv", "config.resolved.yaml"):
    DAMAGE[f"{_name}:"] = lambda place, name=_name: (place / name).write_bytes(b"nonsense")
    DAMAGE[_name] = lambda place, name=_name: (place / name).unlink()


@pytest.mark.parametrize(("message", "damage"), DAMAGE.items(), ids=DAMAGE)
def test_a_folder_that_is_not_whole_is_refused(command, run_folder, tmp_path, message, damage):
    broken = shutil.copytree(run_folder, tmp_path / "broken")
    damage(broken)
    seal(broken)
    ended = command("scenario", broken, "--event", CLASH)
    assert (ended.code, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


# -- the command


def test_the_table_shows_run_scenario_change_and_words(command, run_folder):
    ended = command("scenario", run_folder, "--event", CLASH)
    assert ended.code == 0, ended.err
    assert "Method: exact. Only the future changes" in ended.out
    (found,) = compare_scenarios(read_run(run_folder), [scenario_from_options([], [CLASH], [])])
    one = found.target("lethal").milestones[0]
    row = next(line for line in ended.out.split("\nLethal\n")[1].splitlines() if "1 Oct 2022" in line)
    assert f"+{100 * one.difference.value:.1f} ±{100 * one.difference.mcse:.1f}" in row
    assert row.endswith(words(one.probability))
    assert max(map(len, ended.out.splitlines())) <= 80
    text = " ".join(command("scenario", run_folder, "--prior", RATE).out.split())
    assert re.search(
        r"Method: reweight\. .* They are worth [0-9,]+ independent draws; the errors allow", text
    )


def test_the_chance_within_days_of_the_act_stands_first(command, run_folder):
    ended = command("scenario", run_folder, "--event", "2022-08-15:sanction:3:1:USA")
    (scenario,) = command("scenario", run_folder, "--do", "2022-08-15:sanction:3:1:USA", "--json").facts[
        "scenarios"
    ]
    (after,) = (one for one in scenario["targets"][0]["after"] if one["days"] == 14)
    row = next(line for line in ended.out.splitlines() if "14 days on" in line)
    assert f"+{100 * (after['probability'] - after['base']):.1f}" in row
    assert "14 days on: from the day" in " ".join(ended.out.split())
    compared = command("scenario", run_folder, "--event", "2022-08-15:sanction:3:1:USA", "--compare")
    assert "14 days on" not in " ".join(compared.out.split())


TITLES = (
    (("--do", "2022-08-15:sanction:3:USA"), "Sanction of severity 3 by the United States on 15 August 2022"),
    (
        ("--do", "2022-08-15..2022-09-15:visit:2:0.4", "--do", "2022-08-01:dispute:4"),
        "Visit of severity 2 between 15 August 2022 and 15 September 2022 (40%); dispute of severity 4 on 1 "
        "August 2022",
    ),
    (
        ("--belief", "lethal:2022-08-01..2022-08-30:0.5"),
        "Half as likely from 1 August 2022 to 30 August 2022: “Lethal”",
    ),
    (("--prior", RATE), f"Prior {RATE.replace('=', ': ')}"),
)


@pytest.mark.parametrize(("options", "title"), TITLES, ids=[title for _, title in TITLES])
def test_options_are_titled_by_what_they_state(base, options, title):
    given = {"--do": [], "--belief": [], "--prior": []}
    for option, text in zip(options[::2], options[1::2], strict=True):
        given[option].append(text)
    stated = scenario_from_options(given["--prior"], given["--do"], (), (), given["--belief"])
    (found,) = compare_scenarios(base, [stated])
    assert found.label == title


def test_an_act_seen_is_told_beside_the_same_act_done(command, run_folder):
    seen, done = command("scenario", run_folder, "--see", "2022-08-15:sanction:3:1:USA", "--json").facts[
        "scenarios"
    ]
    assert (seen["name"], done["name"]) == ("options", "options-done")
    assert (seen["method"], done["method"]) == ("reweight", "exact")
    assert np.isfinite(seen["pareto_k"])
    told = command("scenario", run_folder, "--see", "2022-08-15:sanction:3:1:USA").out
    assert "They are worth" in " ".join(told.split())
    (by_do,) = command("scenario", run_folder, "--do", "2022-08-15:sanction:3:1:USA", "--json").facts[
        "scenarios"
    ]
    assert done["targets"] == by_do["targets"]


def test_a_belief_is_stated_as_a_ratio(command, run_folder):
    arguments = ("scenario", run_folder, "--belief", "escalation:2022-08-01..2022-08-30:2")
    (found,) = command(*arguments, "--json").facts["scenarios"]
    stated = {"target": "escalation", "first_day": "2022-08-01", "last_day": "2022-08-30", "ratio": 2.0}
    assert found["beliefs"] == [{**stated, "from_now": False}]
    assert found["targets"][0]["milestones"][0]["difference"]["value"] > 0
    assert command(*arguments).code == 0


def test_json_is_one_object_of_the_records_and_a_file_says_what_options_say(
    command, run_folder, written, tmp_path
):
    options = ("--event", CLASH, "--prior", RATE)
    both = command("scenario", run_folder, written("events:", SANCTION), *options, "--json")
    assert (both.code, both.err) == (0, "")
    found = [ScenarioForecast.model_validate(one) for one in both.facts["scenarios"]]
    assert [one.name for one in found] == ["tried", "options"]
    assert found[0].targets[0].milestones[0].difference.value > 0
    (tmp_path / "made.yaml").write_text(command("scenario", run_folder, *options, "--yaml").out)
    (by_file,) = command("scenario", run_folder, tmp_path / "made.yaml", "--json").facts["scenarios"]
    assert by_file == both.facts["scenarios"][1]


def test_the_comparison_shows_every_scenario(command, run_folder, written):
    arguments = (
        *("scenario", run_folder, written("events:", SANCTION, "label: A <b>sanction</b>")),
        *("--event", CLASH),
    )
    ended = command(*arguments, "--compare")
    assert ended.code == 0, ended.err
    head = ended.out.split("\nLethal")[0]
    assert all(label in head for label in ("The run", "A <b>sanction</b>", "Military incident of severity 5"))


def test_numbers_that_need_a_new_fit_are_withheld_when_none_is_wanted(command, run_folder):
    arguments = ("scenario", run_folder, "--without", "e4", "--no-refit")
    ended = command(*arguments)
    assert ended.code == 1
    assert "Withheld: Past events are taken out, so the model must be fitted again." in ended.out
    assert "%" not in ended.out.split("Change:")[0]
    assert "needs a new fit" in command(*arguments, "--compare").out


def test_what_too_few_draws_can_tell_is_withheld_or_stamped(command, run_folder):
    acts = (f"{day}:military_incident:5:1:{by}" for day, by in (("2022-07-20", "USA"), ("2022-09-01", "CHN")))
    arguments = ("scenario", run_folder, *(part for act in acts for part in ("--see", act)))
    ended = command(*arguments)
    assert ended.code == 1
    assert "Withheld: What is seen fits too few draws of the run (worth " in " ".join(ended.out.split())
    assert "too uncertain" in command(*arguments, "--compare").out
    for form in ((), ("--compare",)):
        ended = command(*arguments, *form, "--allow-unconverged")
        assert (ended.code, "Do not use these numbers" in ended.out) == (0, True)


BAD_INPUT = (
    (),
    ("--prior", "balast.visit=calms"),
    ("--see", "2022-08-01:sanction:3:0.5"),
    ("--see", "2022-08-01:sanction"),
    *(("--belief", f"{one}") for one in ("escalation:2022-08-01:2", "escalation:2022-08-01..2022-08-30:-1")),
    ("--belief", "escalation:2022-08-01..2022-08-30:2", "--belief", "escalation:2022-08-15..2022-09-15:3"),
    *(
        ("--belief", f"{one}:2")
        for one in ("escalate:2022-08-01..2022-08-30", "lethal:2022-06-30..2022-08-30")
    ),
    ("--belief", "lethal:2022-12-01..2023-02-01:2"),
    *(("--prior", f"rate.{one}") for one in ("lethal=few", "lethal=5000 a year", "letal=0.4 a year")),
    ("--prior", "rate.lethal=Beta(2, 3)"),
    ("--belief", "lethal:2022-08-01..2022-08-30:0", "--event", "2022-08-10:military_incident:5"),
    ("--belief", "escalation:2022-08-01..2022-08-30:0", "--belief", "lethal:2022-08-15..2022-09-30:2"),
    ("--event", "2022-06-01:sanction:3"),
    ("--event", "2022-08-01:sanction:3:1.2"),
    ("--without", "e7"),
    ("missing.yaml",),
    ("--yaml",),
)


def test_bad_input_is_one_message_and_code_two(command, run_folder, written, snapshot):
    messages = {}
    for arguments in BAD_INPUT:
        ended = command("scenario", run_folder, *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), arguments
        messages[" ".join(arguments)] = ended.err.replace(str(run_folder), "RUN")
    assert messages == snapshot
    one, two = (written("events:", SANCTION, file=file) for file in ("one.yaml", "two.yaml"))
    ended = command("scenario", run_folder, one, two)
    assert ended.code == 2
    assert f"two scenarios are named 'tried': {one} and {two}" in ended.err


@pytest.fixture
def config_with(tmp_path, folder):
    """Write the config with the scenarios of these files beside it."""

    def write(*files):
        (tmp_path / "events.csv").write_bytes((folder / "events.csv").read_bytes())
        listed = ", ".join(str(file) for file in files)
        text = (folder / "config.yaml").read_text()
        (tmp_path / "config.yaml").write_text(f"{text}scenarios: [{listed}]\n")
        return tmp_path / "config.yaml"

    return write


def test_a_check_reads_the_scenarios_back(command, config_with, written):
    config = config_with(written("label: A hard autumn", "without: [e1]", "events:", SANCTION))
    ended = command("check", config)
    assert ended.code == 0, ended.err
    assert "A hard autumn (tried): Sanction of severity 4 on 15 August 2022; without e1." in ended.out
    assert command("check", config, "--json").facts["scenarios"] == ["tried"]


@pytest.mark.parametrize("name", ["check", "run"])
def test_faults_of_scenarios_are_found_before_any_work(command, config_with, written, tmp_path, name):
    one = written("events:", "  - {date: 2022-06-01, category: sanction, severity: 3}")
    two = written("priors: {balast.visit: calms}", name="other", file="two.yaml")
    options = ["--out", tmp_path / "runs"] if name == "run" else []
    ended = command(name, config_with(one, two), *options)
    assert (ended.code, ended.out) == (2, "")
    assert f"{one}:4:6: events[0].date: 2022-06-01 is not after the as-of date" in ended.err
    assert f"{two}:3:10: priors.balast.visit: unknown prior" in ended.err
    assert not (tmp_path / "runs").exists()


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
