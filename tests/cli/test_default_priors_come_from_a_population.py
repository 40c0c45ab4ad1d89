"""``model.population``: what defaults rest on is said, or refused in a line."""

import json

import pytest

from forecast.config import config_hash, load_config, resolved_yaml
from forecast.config.writing import as_yaml
from forecast.priors.population import Spread, shipped_population
from forecast.runs.inputs import read_inputs

MAKE = "Make one with tools/learn/population.py"
FAULTS = {
    "missing": (None, "population.yaml: no such file"),
    "empty": ("", f"population.yaml: the file is empty. {MAKE}"),
    "damaged": ("schema: 2\ngroups: [\n", "population.yaml:3:1: not valid YAML"),
    "another file": ("name: case\n", f"population.yaml: holds no population. {MAKE}"),
    "of another version": ("schema: 1\n", "population.yaml:1:1: schema: got 1; this version reads 2. Make"),
    "cut off": ("schema: 2\n", "population.yaml:1:1: provenance: required key is missing"),
}


def population_yaml(learned) -> str:
    return as_yaml(learned.model_dump(mode="json", by_alias=True))


def flat(text: str) -> str:
    return " ".join(text.split())


def refused(ended, says: str) -> None:
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1, ended.err
    assert says in ended.err


def asked(case, population: str):
    return case(config=("sampler:", f"model: {{population: {population}}}\nsampler:"))


@pytest.mark.parametrize("verb", ["check", "priors", "run"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_holds_no_population_is_refused_in_one_line(case, command, fault, verb):
    path = asked(case, "population.yaml")
    text, says = FAULTS[fault]
    if text is not None:
        (path.parent / "population.yaml").write_text(text, encoding="utf-8")
    ended = command(verb, path)
    refused(ended, says)
    assert "case.yaml:11:9: model.population: " in ended.err
    assert not (path.parent / "reports").exists()


def test_a_misspelt_word_is_answered_with_the_word(case, command):
    refused(command("check", asked(case, "shiped")), "Did you mean 'shipped'?")


@pytest.mark.parametrize(
    ("population", "says"),
    [
        (
            "shipped",
            "All priors are the defaults of the package, learned from other dyads; rates follow the record",
        ),
        ("none", "All priors are the documented defaults"),
        ("own.yaml", "All priors are defaults learned from other dyads, in own.yaml"),
    ],
)
def test_check_says_where_defaults_come_from(case, command, population, says):
    path = asked(case, population)
    (path.parent / "own.yaml").write_text(population_yaml(shipped_population()), encoding="utf-8")
    ended = command("check", path)
    assert (ended.code, ended.err) == (0, "")
    assert says in flat(ended.out)


@pytest.fixture
def own(case):
    """Return a config with a population of its own, in which other conflict brings about half of all acts."""

    def write(**changes: object):
        path = asked(case, "own.yaml")
        half = {"excitation.cross": {"conflict": Spread(centre=0.0, spread=0.2, values=30)}}
        made = shipped_population().model_copy(update={"groups": half, **changes})
        (path.parent / "own.yaml").write_text(population_yaml(made), encoding="utf-8")
        return path

    return write


def test_a_learned_default_is_explained_beside_the_documented_one(case, command, own):
    name = "excitation.cross.dispute"
    learned = command("priors", own(), "--explain", name)
    said = (
        "The default is learned from other dyads (model.population). The documented one: "
        "LogitNormal(mu=-1, sigma=1); median 0.269"
    )
    assert said in flat(learned.out)
    assert "Why the documented default: A share" in flat(learned.out)
    (row,) = json.loads(command("priors", own(), "--explain", name, "--json").out)["priors"]
    assert row["documented"]["distribution"] == "LogitNormal(mu=-1, sigma=1)"
    assert row["default"]["distribution"] == row["distribution"] != row["documented"]["distribution"]
    documented = command("priors", asked(case, "none"), "--explain", name)
    assert "learned" not in documented.out
    assert "Why the default: A share" in flat(documented.out)


def test_the_share_of_acts_that_go_further_is_that_of_the_population(command, own):
    further = shipped_population().further.model_copy(update={"alpha": 30.0, "beta": 70.0})
    path = own(further=further)
    path.write_text(
        path.read_text().replace("targets:\n", "targets:\n  war: {any_of: [sanction], min_severity: 5}\n")
    )
    ended = command("priors", path, "--explain", "baseline.weekly_rate.war")
    assert (
        "The share of acts that go one severity further is 30% on average in other pairs of countries, 90% "
        "between 23% and 38%. Its middle on a log scale is 30%, so that the prior is centred on 0.29 a "
        "year."
    ) in flat(ended.out)
    # Without a population the share is a documented one, and no other pair is named.
    documented = flat(command("priors", asked_war(path), "--explain", "baseline.weekly_rate.war").out)
    assert "is 20% on average, 90% between" in documented


def asked_war(path):
    path.write_text(path.read_text().replace("own.yaml", "none"))
    return path


def test_words_of_some_kinds_are_listed_as_such(case, command):
    shown = flat(command("priors", case()).out)
    assert "Words: none, follows; of some kinds: unknown, against." in shown


def test_a_file_of_the_shipped_population_gives_the_shipped_priors(case, own):
    path = asked(case, "own.yaml")
    (path.parent / "own.yaml").write_text(population_yaml(shipped_population()), encoding="utf-8")
    same = read_inputs(load_config(path)).priors
    assert same == read_inputs(load_config(asked(case, "shipped"))).priors
    assert same != read_inputs(load_config(own())).priors


def test_a_saved_run_names_its_copy_and_its_hash_follows_the_content(case, tmp_path):
    path = asked(case, "own.yaml")
    file = path.parent / "own.yaml"
    text = population_yaml(shipped_population())
    file.write_text(text, encoding="utf-8")
    config = load_config(path)
    assert "population: population.yaml" in resolved_yaml(config, tmp_path / "elsewhere")
    before = config_hash(config)
    file.write_text(text.replace("seed: 1", "seed: 2"), encoding="utf-8")
    assert config_hash(load_config(path)) != before
