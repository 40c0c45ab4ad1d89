"""``forecast priors --explain`` and ``forecast check --plot``: in full, in plain terms, or refused."""

import json
import math
import re
from datetime import date

import pytest

HALVED = "model.priors.ballast.visit={effect: {median: -50%, q05: -70%, q95: 0%}}"


def flat(text: str) -> str:
    return " ".join(text.split())


def test_one_prior_is_explained_in_full(case, command):
    ended = command("priors", case(), "--explain", "ballast.visit", "--set", HALVED)
    assert (ended.code, ended.err) == (0, "")
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    shown = flat(ended.out)
    for text in (
        "ballast.visit [config] How much many recent acts of this kind lower the rate of conflictual acts",
        "Unit: log rate at full effect.",
        "lower the rate of conflictual acts by 47% (90% between −71% and −3%)",
        "q05 −70% was asked, −71% is met; median −50% was asked, −47% is met",
        "Default: Normal(mu=0, sigma=0.1)",
        "'calms strongly' = Normal(mu=0.8, sigma=0.2); median 0.8, 90% between 0.471 and 1.13.",
        "ballast.visit: {effect: {q05: -0.1517, median: 0, q95: 0.1788}}",
    ):
        assert text in shown, text


def test_the_rate_of_acts_that_were_seen_rests_on_the_record(case, command):
    ended = command("priors", case(), "--explain", "baseline.weekly_rate.sanction")
    assert (ended.code, ended.err) == (0, "")
    # One sanction below severity 4 in 79 weeks; with half an act, 1.5 in 1.5 years.
    assert "1 such act in the 1.5 years of the record; with half an act added, 0.99 a year." in flat(
        ended.out
    )
    assert "The prior is centred on this rate, 90% between 0.19 and 5.2 times as much." in flat(ended.out)
    (row,) = json.loads(
        command("priors", case(), "--explain", "baseline.weekly_rate.sanction", "--json").out
    )["priors"]
    assert (row["record"]["acts"], row["record"]["milder"]) == (1, [])
    assert row["record"]["weekly"] == pytest.approx(1.5 / ((date(2023, 7, 11) - date(2022, 1, 5)).days / 7))


def test_the_rate_of_acts_that_never_happened_comes_from_milder_ones(case, command):
    path = case(
        config=("    min_severity: 4\n", "    min_severity: 4\n  war: {any_of: [dispute], min_severity: 5}\n")
    )
    ended = command("priors", path, "--explain", "baseline.weekly_rate.war")
    assert (ended.code, ended.err) == (0, "")
    shown = flat(ended.out)
    assert "This never happened in the 1.5 years of the record." in shown
    assert "Acts one severity milder (Crisis): 1; with half an act added, 0.99 a year." in shown
    assert re.search(
        r"go one severity further is \d+% on average in other pairs of countries, 90% between", shown
    )
    assert re.search(r"The silence lowers it further in the fit: at this rate about [\d.]+ such acts", shown)
    (row,) = json.loads(command("priors", path, "--explain", "baseline.weekly_rate.war", "--json").out)[
        "priors"
    ]
    told = row["record"]
    assert (told["acts"], told["milder"], told["steps"]) == (1, ["crisis"], 1)
    assert row["kind"] == "War"
    # Medians multiply: rate of the milder acts, share, and what the population says of a multiple.
    assert row["median"] == pytest.approx(told["weekly"] * math.exp(told["log_share"]), rel=0.5)


def test_two_severities_without_an_act_are_two_steps(case, command):
    path = case(
        config=("any_of: [sanction, dispute]\n    min_severity: 4", "any_of: [dispute]\n    min_severity: 5")
    )
    path.write_text(
        path.read_text().replace("targets:\n", "targets:\n  grave: {any_of: [dispute], min_severity: 4}\n")
    )
    ended = command("priors", path, "--explain", "baseline.weekly_rate.crisis")
    assert "Acts two severities milder (dispute): 1;" in flat(ended.out)


def test_a_posterior_is_shown_from_a_run_only(case, command, tmp_path):
    ended = command("priors", case(), "--run", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "--run: shows what the data made of one prior; name it with --explain NAME" in ended.err
    ended = command("priors", case(), "--explain", "ballast.visit", "--run", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "analysis.json: file missing" in ended.err


def test_programs_get_stated_and_achieved_quantiles(case, command):
    ended = command("priors", case(), "--explain", "ballast.visit", "--set", HALVED, "--json")
    (row,) = json.loads(ended.out)["priors"]
    assert [one["name"] for one in row["elicited"]] == ["q05", "median", "q95"]
    assert [one["stated"] for one in row["elicited"]] == [-0.7, -0.5, 0.0]
    assert row["median"] == pytest.approx(0.632, abs=0.001)
    assert row["default"] == {"distribution": "Normal(mu=0, sigma=0.1)"} | {
        name: pytest.approx(value, abs=1e-3)
        for name, value in (("q05", -0.1645), ("median", 0), ("q95", 0.1645))
    }


def test_check_reads_set_priors_back(case, command):
    shown = flat(command("check", case(), "--set", HALVED).out)
    assert "Priors as understood ballast.visit: Normal(mu=0.6324, sigma=0.366)" in shown
    assert "Recent acts of this kind lower the rate of conflictual acts by 47%" in shown


@pytest.mark.parametrize(("name", "begins"), [("p.svg", b"<?xml"), ("p.png", b"\x89PNG"), ("p.pdf", b"%PDF")])
def test_a_figure_is_drawn_in_the_format_of_its_name(case, command, tmp_path, name, begins):
    ended = command("check", case(), "--set", HALVED, "--plot", tmp_path / name, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_figure_shows_each_set_prior_beside_its_default(case, command, tmp_path):
    command("check", case(), "--set", HALVED, "--plot", tmp_path / "set.svg", "--quiet")
    command("check", case(), "--plot", tmp_path / "none.svg", "--quiet")
    drawn = (tmp_path / "set.svg").read_text()
    assert 'id="default:ballast.visit"' in drawn
    assert 'id="set:ballast.visit"' in drawn
    assert drawn.count('id="set:') == 1
    bare = (tmp_path / "none.svg").read_text()
    assert 'id="set:' not in bare
    assert bare.count('id="span:') == 10  # eight categories, acts that meet the target, and all
    assert 'id="span:crisis"' in bare


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "p.jpeg",
            "--plot: .*p.jpeg ends in '.jpeg'. Allowed: .svg, .png, .pdf",
        ),
        ("no/p.svg", "--plot: .*the folder .*no does not exist"),
    ],
)
def test_a_figure_that_cannot_be_written_is_refused_before_any_work(case, command, tmp_path, name, says):
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
)


def test_priors_that_cannot_be_are_refused(case, command, snapshot):
    said = {}
    for statement in REFUSED:
        ended = command("check", case(), "--set", statement)
        assert (ended.code, ended.out) == (2, "")
        assert "--set model.priors." in ended.err
        said[statement] = ended.err.rstrip()
    assert said == snapshot
