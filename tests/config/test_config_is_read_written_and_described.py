import os
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from forecast.config import (
    Config,
    config_hash,
    describe_config,
    load_config,
    resolved_yaml,
    target_definition,
)
from forecast.errors import ConfigError


def test_defaults_are_those_documented(write):
    config = load_config(write(("headline: {target: clash, milestone: talks}\n", "")))
    sampler = config.sampler
    assert (sampler.draws, sampler.tune, sampler.chains, sampler.target_accept) == (1000, 400, 4, 0.9)
    assert sampler.paths_per_draw == 16
    assert (config.step, config.model.family, config.report.paper, config.events.format) == (
        "week",
        "combined",
        "a4",
        "coded",
    )


def test_the_smallest_config_has_a_name_milestones_and_a_seed(tmp_path):
    path = tmp_path / "US China (2).yaml"
    small = "dyad: {a: USA, b: CHN}\nas_of: 2023-07-10\nevents: {source: e.csv}\n"
    path.write_text(small + "targets: {crisis: {any_of: [sanction], min_severity: 4}}\n", encoding="utf-8")
    config = load_config(path)
    assert config.name == "us-china-2"
    assert [(one.name, one.title, one.date) for one in config.milestones] == [
        ("days_30", "30 days ahead", date(2023, 8, 9)),
        ("days_90", "90 days ahead", date(2023, 10, 8)),
        ("days_180", "180 days ahead", date(2024, 1, 6)),
    ]
    assert config.headline.milestone == "days_180"
    assert config.sampler.seed == 1
    assert "6 January 2024: 180 days ahead (days_180)." in describe_config(config)
    # They move with the day of the forecast, and other settings are held against them.
    assert load_config(path, as_of=date(2023, 1, 1)).milestones[0].date == date(2023, 1, 31)
    with pytest.raises(ConfigError, match="no milestone is named 'days_60'"):
        load_config(path, ["headline.target=crisis", "headline.milestone=days_60"])
    with pytest.raises(ConfigError, match="9999-12-31 is not after as_of"):
        load_config(path, ["as_of=9999-12-31"])


def test_without_a_headline_the_first_target_and_the_last_milestone_make_it(write):
    config = load_config(write(("headline: {target: clash, milestone: talks}\n", "")))
    assert (config.headline.target, config.headline.milestone) == ("crisis", "election")
    assert config.headline_milestone.title == "General election"


@pytest.mark.parametrize("section", ["calendar", "model", "report"])
def test_a_section_with_all_its_entries_commented_out_is_empty(write, section):
    kept = [
        line
        for line in write().read_text().splitlines()
        if not line.startswith(("calendar", "model", "  - {date"))
    ]
    kept = [line for line in kept if not line.startswith(("  priors", "    tension", "    ballast"))]
    config = load_config(write(text="\n".join([*kept, f"{section}:"])))
    assert (config.calendar, config.model.priors) == ((), {})


def test_labels_are_made_from_names_when_absent(config):
    assert config.target_title("clash") == "Clash"
    assert config.milestone("talks").title == "Talks"
    assert config.dyad.title == "AAA – BBB"
    with pytest.raises(KeyError, match="nothing"):
        config.milestone("nothing")


def test_a_config_built_in_python_is_checked_as_a_whole(config):
    settings = config.model_dump(by_alias=True)
    assert Config(**settings) == config
    with pytest.raises(ValidationError, match=r"milestones\.0\.date: 2023-11-17 is not after as_of"):
        Config(**{**settings, "as_of": date(2024, 1, 1)})


def test_a_later_stage_can_raise_with_the_line_of_a_key(write):
    path = write()
    config = load_config(path, ["model.priors.excitation.half_life_days=LogNormal(mu=3.0, sigma=0.5)"])
    places = {
        ("events", "source"): f"{path}:6:3",
        ("milestones", 1, "date"): f"{path}:17:5",
        ("model", "priors", "tension.persistence"): f"{path}:23:5",
        ("model", "priors", "ballast.visit", "q95"): f"{path}:24:45",
        # Left at their defaults: the nearest key above.
        ("sampler", "draws"): f"{path}:25:1",
        ("report", "paper"): f"{path}:1:1",
    }
    for key, place in places.items():
        assert str(config.error(key, "no such file")) == f"{place}: {'.'.join(map(str, key))}: no such file"
    option = "--set model.priors.excitation.half_life_days"
    assert str(config.error(("model", "priors", "excitation.half_life_days"), "no")) == f"{option}: no"


def test_event_paths_start_from_the_folder_of_the_config(write, tmp_path):
    assert load_config(write()).events_path == tmp_path / "events.csv"
    assert load_config(write(("events.csv", "/data/e.csv"))).events_path == Path("/data/e.csv")
    assert load_config(write(("events.csv", "bundled:us-china"))).events_path is None


def test_the_resolved_text_leaves_nothing_implicit_and_reads_back_equal(write, tmp_path):
    config = load_config(write())
    text = resolved_yaml(config)
    again = tmp_path / "again.yaml"
    again.write_text(text, encoding="utf-8")
    assert load_config(again) == config
    assert resolved_yaml(load_config(again)) == text
    plain = yaml.safe_load(text)
    assert plain["sampler"]["draws"] == 1000
    assert plain["report"] == {
        "paper": "a4",
        "title": None,
        "sections": None,
        "track_record": None,
        "author": None,
        "organisation": None,
        "logo": None,
        "classification": None,
        "accent": None,
        "fonts": [],
        "impact": {},
    }


def test_a_resolved_text_kept_elsewhere_still_finds_the_event_file(write, tmp_path):
    config = load_config(write())
    folder = tmp_path / "reports" / "run"
    folder.mkdir(parents=True)
    saved = folder / "config.resolved.yaml"
    saved.write_text(resolved_yaml(config, folder), encoding="utf-8")
    again = load_config(saved)
    assert again.events.source == "../../events.csv"
    assert os.path.samefile(again.events_path.parent, tmp_path)


def test_configs_are_equal_when_they_ask_the_same(write, tmp_path):
    config = load_config(write())
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(write().read_text(), encoding="utf-8")
    assert load_config(elsewhere) == config
    assert load_config(elsewhere, ["sampler.seed=8"]) != config
    assert config != "small"


def test_the_hash_follows_the_settings_and_not_the_file(write):
    reference = config_hash(load_config(write()))
    assert len(reference) == 64
    assert config_hash(load_config(write(("name: small\n", "# a remark\nname:   'small'\n")))) == reference
    assert config_hash(load_config(write(("{seed: 7}", "{draws: 1000, seed: 7}")))) == reference
    swapped = ("min_severity: 4\n", "min_severity: 4\n  later: {any_of: [visit], min_severity: 4}\n")
    first = load_config(write(swapped))
    second = load_config(write(("  crisis:", "  later: {any_of: [visit], min_severity: 4}\n  crisis:")))
    assert list(first.targets) != list(second.targets)
    assert config_hash(first) == config_hash(second)
    assert config_hash(load_config(write(("{seed: 7}", "{seed: 8}")))) != reference
    assert config_hash(load_config(write(("0.95", "0.94")))) != reference


def test_the_description_says_what_was_asked(config):
    text = " ".join(describe_config(config).split())
    for phrase in (
        "risk of escalation between AAA – BBB (AAA and BBB), as of 10 July 2023",
        "start on 20 January 2017 (337 weeks of data)",
        "Will the target 'Clash' (military incident of severity 5) be met after 10 July 2023 and before "
        "17 November 2023 (Talks, 130 days ahead)?",
        "Crisis (crisis): met by one act of sanction or dispute of severity 4 or 5.",
        "5 November 2024: General election (election), 484 days ahead.",
        "16 July 2023: Envoy (visit, severity 2), with probability 95%.",
        "tension.persistence: slow instead of the default.",
        "ballast.visit: quantiles q05 = -0.1, median = 0.1, q95 = 0.4 instead of the default.",
        "4 chains of 1,000 draws after 400 warm-up steps",
        "64,000 in all), seed 7.",
    ):
        assert phrase in text
    assert max(map(len, describe_config(config).splitlines())) <= 80


def test_the_description_warns_of_an_expected_act_that_meets_a_target(write):
    act = "category: dispute, severity: 4, probability: 0.5"
    text = describe_config(load_config(write(("category: visit, severity: 2, probability: 0.95", act))))
    assert "If it happens it meets the target 'Crisis'." in " ".join(text.split())


def test_the_description_shows_an_event_file_outside_the_folder(write, tmp_path):
    inside = describe_config(load_config(write()))
    outside = describe_config(load_config(write(("source: events.csv", "source: ../elsewhere/e.csv"))))
    assert "outside the folder" not in inside
    assert f"{tmp_path.parent / 'elsewhere' / 'e.csv'} (outside the folder of the config)" in " ".join(
        outside.split()
    )


@pytest.mark.parametrize(
    ("severity", "words"),
    [(1, "of any severity"), (3, "of severity 3 or more"), (4, "of severity 4 or 5"), (5, "of severity 5")],
)
def test_a_target_is_defined_in_words(write, severity, words):
    config = load_config(write(("min_severity: 4", f"min_severity: {severity}")))
    assert target_definition(config.targets["crisis"]) == f"sanction or dispute {words}"
