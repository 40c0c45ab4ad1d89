"""``forecast priors``: every prior in plain terms, with what it rests on, or refused."""

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
    # 21 rates, 8 loadings, 3 kinds that calm, two who answer, a reaction, and 10 that are one each.
    assert len(set(names)) == len(names) == 21 + 8 + 3 + 2 * 2 + 4 + 10


def test_the_rate_of_a_target_is_explained_with_each_of_its_parts_by_what_is_in_it(command):
    shown = flat(command("priors", WORKED_CASE, "--explain", "rate.lethal_clash"))
    assert "it moves 3 priors at once" in shown
    clash = "A lethal clash, a blockade or mobilisation for war"
    assert f"Kind: A collision, shoot-down or seizure + {clash} (military incident)." in shown
    # Of a cell without incidents no lethal clash is among what counts.
    only = flat(command("priors", WORKED_CASE, "--explain", "baseline.weekly_rate.lethal_clash"))
    assert f"Kind: {clash} (military posture). What counts, on the scale 'standard': Mobilisation" in only
    assert "Did you mean 'lethal_clash'?" in command("priors", WORKED_CASE, "--explain", "rate.lethal").err


def test_a_prior_is_explained_in_full(case, command, own, snapshot):
    """With what was asked and is met, what the record holds, and where the default comes from."""
    crisis = "    min_severity: 4\n"
    grave = "targets:\n  grave: {any_of: [dispute], min_severity: 4}\n"
    further = shipped_population().further.model_copy(update={"alpha": 30.0, "beta": 70.0})
    answers = {}
    for name, prior, changes, more in (
        ("stated", "ballast.visit", (), ("--set", HALVED)),
        # One sanction below severity 4 in 79 weeks; with half an act, 1.5 in 1.5 years.
        ("seen", "baseline.weekly_rate.sanction.USA", (), ()),
        ("never seen", "baseline.weekly_rate.war", ((crisis, f"{crisis}  war: {WAR}\n"),), ()),
        (
            "two steps",
            "baseline.weekly_rate.crisis",
            ((f"[sanction, dispute]\n{crisis}", "[dispute]\n    min_severity: 5\n"), ("targets:\n", grave)),
            (),
        ),
        ("documented", "answers.in_kind.other_side", (), ("--set", "model.population=none")),
        ("learned", "answers.in_kind.other_side", (), ("--set", "model.population=own.yaml")),
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
    assert stated["median"] == pytest.approx(0.632, abs=0.001)
    assert stated["default"]["distribution"] == "Normal(mu=0, sigma=0.1)"
    weekly = 1.5 / ((date(2023, 7, 11) - date(2022, 1, 5)).days / 7)
    record = row(case(), "baseline.weekly_rate.sanction.USA")["record"]
    assert (record["acts"], record["milder"], record["weekly"]) == (1, [], pytest.approx(weekly))
    never = row(
        case(config=("    min_severity: 4\n", f"    min_severity: 4\n  war: {WAR}\n")),
        "baseline.weekly_rate.war",
    )
    record = never["record"]
    assert (record["acts"], record["milder"], record["steps"], never["kind"]) == (
        1,
        ["dispute.USA", "dispute.CHN"],
        2,
        "War",
    )
    # Medians multiply: rate of the milder acts, share, and what the population says of a multiple.
    assert never["median"] == pytest.approx(record["weekly"] * math.exp(record["log_share"]), rel=0.5)


def with_population(case, population: str):
    return case(config=("sampler:", f"model: {{population: {population}}}\nsampler:"))


def population_yaml(learned) -> str:
    return as_yaml(learned.model_dump(mode="json", by_alias=True))


@pytest.fixture
def own(case):
    """Return a config with a population of its own, in which half of the answers are in kind."""

    def write(**changes: object):
        path = with_population(case, "own.yaml")
        half = {"answers.in_kind": {"other_side": Spread(centre=0.0, spread=0.2, values=30)}}
        learned = shipped_population().model_copy(update={"groups": half, **changes})
        (path.parent / "own.yaml").write_text(population_yaml(learned), encoding="utf-8")
        return path

    return write


def test_what_cannot_be_explained_is_refused(case, command):
    for options, says in (
        (("--set", "model.priors.ballast.visits=calms"), "--set model.priors.ballast.visits: "),
        (("--set", "model.population=shiped"), "--set model.population: "),
    ):
        ended = command("priors", case(), *options)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert says in ended.err
    ended = command("check", with_population(case, "none.yaml"))
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "case.yaml:11:9: model.population: " in ended.err


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
