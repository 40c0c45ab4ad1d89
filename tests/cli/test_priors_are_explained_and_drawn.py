"""``forecast priors`` and ``check --plot``: every prior in plain terms, with what it rests on, or refused."""

import math
import re
from datetime import date
from pathlib import Path

import pytest

from forecast.cli.terminal import WIDTH
from forecast.config import config_hash, load_config, resolved_yaml
from forecast.config.writing import as_yaml
from forecast.priors import parameter_groups
from forecast.priors.population import Spread, shipped_population
from forecast.runs.inputs import read_inputs

WORKED_CASE = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"
WAR = "{any_of: [dispute], min_severity: 5}"
HALVED = "model.priors.ballast.visit={effect: {median: -50%, q05: -70%, q95: 0%}}"


def flat(ended) -> str:
    assert (ended.code, ended.err) == (0, "")
    return " ".join(ended.out.split())


def test_every_prior_is_listed_once_with_meaning_unit_words_and_origin(command):
    changes = ("--set", "model.priors.tension.persistence=slow", "--set", "model.priors.ballast.visit=calms")
    ended = command("priors", WORKED_CASE, *changes)
    shown = flat(ended)
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    for group in parameter_groups():
        assert f"\n{group.name}" in f"\n{ended.out}"
        assert group.unit in ended.out
        assert " ".join(group.meaning.split()) in shown
    assert re.search(r" 43 weeks +22 to 83 weeks +slow +config\n", ended.out)
    assert re.search(
        r"  visit +−33% +−52% to −6\.9% +calms +config\n  channel_opening .* default\n", ended.out
    )
    assert re.search(r"\n  lethal_clash +A lethal clash, a blockade or", ended.out)
    assert "Words: none, follows; of some kinds: unknown, against." in shown
    names = [prior["name"] for prior in command("priors", WORKED_CASE, "--json").facts["priors"]]
    # Rate, spread and loading of each of 14 kinds, excitation of the 11 conflictual ones, and 12 more.
    assert len(set(names)) == len(names) == 14 * 3 + 11 + 12


def test_a_prior_is_explained_in_full(case, command, own, snapshot):
    """With what was asked and is met, what the record holds, and where the default comes from."""
    crisis = "    min_severity: 4\n"
    grave = "targets:\n  grave: {any_of: [dispute], min_severity: 4}\n"
    further = shipped_population().further.model_copy(update={"alpha": 30.0, "beta": 70.0})
    answers = {}
    for name, prior, changes, more in (
        ("stated", "ballast.visit", (), ("--set", HALVED)),
        # One sanction below severity 4 in 79 weeks; with half an act, 1.5 in 1.5 years.
        ("seen", "baseline.weekly_rate.sanction", (), ()),
        ("never seen", "baseline.weekly_rate.war", ((crisis, f"{crisis}  war: {WAR}\n"),), ()),
        (
            "two steps",
            "baseline.weekly_rate.crisis",
            ((f"[sanction, dispute]\n{crisis}", "[dispute]\n    min_severity: 5\n"), ("targets:\n", grave)),
            (),
        ),
        ("documented", "excitation.cross.dispute", (), ("--set", "model.population=none")),
        ("learned", "excitation.cross.dispute", (), ("--set", "model.population=own.yaml")),
        (
            "a share that is learned",
            "baseline.weekly_rate.war",
            ((crisis, f"{crisis}  war: {WAR}\n"),),
            ("--set", "model.population=own.yaml"),
        ),
    ):
        path = own(further=further)
        text = path.read_text().replace("own.yaml", "shipped")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path.write_text(text)
        ended = command("priors", path, "--explain", prior, *more)
        assert (ended.code, ended.err) == (0, "")
        answers[name] = ended.out
    assert answers == snapshot


def test_programs_get_what_was_stated_is_met_and_rests_on_the_record(case, command):
    def row(path, name: str, *options: str) -> dict:
        (found,) = command("priors", path, "--explain", name, *options, "--json").facts["priors"]
        return found

    stated = row(case(), "ballast.visit", "--set", HALVED)
    assert [(one["name"], one["stated"]) for one in stated["elicited"]] == [
        ("q05", -0.7),
        ("median", -0.5),
        ("q95", 0.0),
    ]
    assert stated["median"] == pytest.approx(0.632, abs=0.001)
    assert stated["default"]["distribution"] == "Normal(mu=0, sigma=0.1)"
    weekly = 1.5 / ((date(2023, 7, 11) - date(2022, 1, 5)).days / 7)
    record = row(case(), "baseline.weekly_rate.sanction")["record"]
    assert (record["acts"], record["milder"], record["weekly"]) == (1, [], pytest.approx(weekly))
    never = row(
        case(config=("    min_severity: 4\n", f"    min_severity: 4\n  war: {WAR}\n")),
        "baseline.weekly_rate.war",
    )
    record = never["record"]
    assert (record["acts"], record["milder"], record["steps"], never["kind"]) == (1, ["crisis"], 1, "War")
    # Medians multiply: rate of the milder acts, share, and what the population says of a multiple.
    assert never["median"] == pytest.approx(record["weekly"] * math.exp(record["log_share"]), rel=0.5)


def test_check_reads_set_priors_back(case, command):
    shown = flat(command("check", case(), "--set", HALVED))
    assert "Priors as understood ballast.visit: Normal(mu=0.6324, sigma=0.366)" in shown
    assert "Recent acts of this kind lower the rate of conflictual acts by 47%" in shown


def test_a_figure_shows_each_set_prior_beside_its_default_in_the_format_of_its_name(case, command, tmp_path):
    for name, begins in (("p.svg", b"<?xml"), ("p.png", b"\x89PNG"), ("p.pdf", b"%PDF")):
        ended = command("check", case(), "--set", HALVED, "--plot", tmp_path / name, "--quiet")
        assert (ended.code, ended.out, ended.err) == (0, "", "")
        assert (tmp_path / name).read_bytes().startswith(begins)
    drawn = (tmp_path / "p.svg").read_text()
    assert 'id="default:ballast.visit"' in drawn
    assert 'id="set:ballast.visit"' in drawn
    assert drawn.count('id="set:') == 1
    assert drawn.count('id="span:') == 10  # eight categories, acts that meet the target, and all
    for name, says in (
        ("p.jpeg", "--plot: .*p.jpeg ends in '.jpeg'. Allowed: .svg, .png, .pdf"),
        ("no/p.svg", "--plot: .*the folder .*no does not exist"),
    ):
        ended = command("check", case(), "--plot", tmp_path / name)
        assert (ended.code, ended.out) == (2, "")
        assert re.search(says, ended.err)


REFUSED = (
    "model.priors.ballast.visit={effect: {q05: 0%, median: -50%}}",
    "model.priors.ballast.visit={efect: {q05: 0%, median: 50%}}",
    "model.priors.ballast.visits=calms",
    "model.priors.severity.level.4=often",
    "model.priors.excitation.branching.visit=weak",
    "model.priors.excitation.cross.visit=weak",
    "model.priors.tension.persistence=Normal(100, 20)",
    "model.priors.tension.persistence={q05: -20, q95: 100}",
    "model.priors.ballast.visit={q05: 0, median: 0.01, q95: 10}",
    "model.population=shiped",
)


def test_priors_that_cannot_be_are_refused(case, command, tmp_path, snapshot):
    refusals = {}
    for statement in REFUSED:
        ended = command("check", case(), "--set", statement)
        assert (ended.code, ended.out) == (2, "")
        assert "--set model.p" in ended.err
        refusals[statement] = ended.err.rstrip().replace(f"{tmp_path}/", "")
    assert refusals == snapshot
    for options, says in (
        ((), "--run: shows what the data made of one prior; name it with --explain NAME"),
        (("--explain", "ballast.visit"), "analysis.json: file missing"),
    ):
        ended = command("priors", case(), *options, "--run", tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err


def with_population(case, population: str):
    return case(config=("sampler:", f"model: {{population: {population}}}\nsampler:"))


def population_yaml(learned) -> str:
    return as_yaml(learned.model_dump(mode="json", by_alias=True))


@pytest.fixture
def own(case):
    """Return a config with a population of its own, in which other conflict brings about half of all acts."""

    def write(**changes: object):
        path = with_population(case, "own.yaml")
        half = {"excitation.cross": {"conflict": Spread(centre=0.0, spread=0.2, values=30)}}
        learned = shipped_population().model_copy(update={"groups": half, **changes})
        (path.parent / "own.yaml").write_text(population_yaml(learned), encoding="utf-8")
        return path

    return write


FAULTS = {
    "population.yaml: no such file": None,
    "population.yaml: the file is empty. Make one with tools/learn/population.py": "",
    "population.yaml:3:1: not valid YAML": "schema: 2\ngroups: [\n",
    "population.yaml: holds no population. Make one with tools/learn/population.py": "name: case\n",
    "population.yaml:1:1: schema: got 1; this version reads 2. Make": "schema: 1\n",
    "population.yaml:1:1: provenance: required key is missing": "schema: 2\n",
}


def test_a_file_that_holds_no_population_is_refused_in_one_line(case, command):
    path = with_population(case, "population.yaml")
    for says, text in FAULTS.items():
        if text is not None:
            (path.parent / "population.yaml").write_text(text, encoding="utf-8")
        ended = command("check", path)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert says in ended.err
        assert "case.yaml:11:9: model.population: " in ended.err


def test_check_says_where_defaults_come_from(case, command, own):
    own()
    for population, says in (
        ("shipped", "All priors are the defaults of the package, learned from other dyads; rates follow"),
        ("none", "All priors are the documented defaults"),
        ("own.yaml", "All priors are defaults learned from other dyads, in own.yaml"),
    ):
        assert says in flat(command("check", with_population(case, population)))


def test_a_file_of_the_shipped_population_gives_the_shipped_priors_and_the_hash_follows_it(
    case, own, tmp_path
):
    other = read_inputs(load_config(own())).priors
    path = with_population(case, "own.yaml")
    text = population_yaml(shipped_population())
    (path.parent / "own.yaml").write_text(text, encoding="utf-8")
    config = load_config(path)
    assert read_inputs(config).priors == read_inputs(load_config(path, ["model.population=shipped"])).priors
    assert read_inputs(config).priors != other
    assert "population: population.yaml" in resolved_yaml(config, tmp_path / "elsewhere")
    before = config_hash(config)
    (path.parent / "own.yaml").write_text(text.replace("seed: 1", "seed: 2"), encoding="utf-8")
    assert config_hash(config) != before
