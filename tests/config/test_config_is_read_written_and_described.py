"""What a config holds when little is stated; what is written out is read back; what is said in English."""

import os
import re
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
    assert (config.headline.target, config.headline.milestone) == ("crisis", "days_180")
    sampler = config.sampler
    assert (sampler.seed, sampler.draws, sampler.tune, sampler.chains, sampler.target_accept) == (
        1,
        800,
        150,
        4,
        0.9,
    )
    assert (config.step, config.model.family, config.report.paper) == ("week", "combined", "a4")
    assert "6 January 2024: 180 days ahead (days_180)." in describe_config(config)
    # They move with the day of the forecast, and other settings are held against them.
    assert load_config(path, as_of=date(2023, 1, 1)).milestones[0].date == date(2023, 1, 31)
    with pytest.raises(ConfigError, match="no milestone is named 'days_60'"):
        load_config(path, ["headline.target=crisis", "headline.milestone=days_60"])
    with pytest.raises(ConfigError, match="9999-12-31 is not after as_of"):
        load_config(path, ["as_of=9999-12-31"])


def test_a_section_with_all_its_entries_commented_out_is_empty(write):
    empty = re.sub(r"(?m)^(calendar|model):\n(  .*\n)+", r"\1:\n", write().read_text()) + "report:\n"
    config = load_config(write(text=empty))
    assert (config.calendar, config.model.priors, config.report.paper) == ((), {}, "a4")


def test_labels_are_made_from_names_when_absent(config):
    titles = (config.target_title("clash"), config.milestone("talks").title, config.dyad.title)
    assert titles == ("Clash", "Talks", "AAA – BBB")


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
    option = "`overrides` model.priors.excitation.half_life_days"
    assert str(config.error(("model", "priors", "excitation.half_life_days"), "no")) == f"{option}: no"


def test_the_resolved_text_leaves_nothing_implicit_and_reads_back_equal(write, tmp_path):
    config = load_config(write())
    text = resolved_yaml(config)
    (tmp_path / "again.yaml").write_text(text, encoding="utf-8")
    again = load_config(tmp_path / "again.yaml")
    assert (again, resolved_yaml(again)) == (config, text)
    plain = yaml.safe_load(text)
    assert plain["sampler"]["draws"] == 800
    assert {"paper": "a4", "logo": None, "fonts": [], "impact": {}}.items() <= plain["report"].items()


def test_a_resolved_text_kept_elsewhere_still_finds_the_event_file(write, tmp_path):
    config = load_config(write())
    assert config.events_path == tmp_path / "events.csv"
    assert load_config(write(("events.csv", "/data/e.csv"))).events_path == Path("/data/e.csv")
    assert load_config(write(("events.csv", "bundled:us-china"))).events_path is None
    saved = tmp_path / "reports" / "run" / "config.resolved.yaml"
    saved.parent.mkdir(parents=True)
    saved.write_text(resolved_yaml(config, saved.parent), encoding="utf-8")
    again = load_config(saved)
    assert again.events.source == "../../events.csv"
    assert os.path.samefile(again.events_path.parent, tmp_path)


def test_the_hash_follows_the_settings_and_not_the_file(write):
    reference = config_hash(load_config(write()))
    assert len(reference) == 64
    assert config_hash(load_config(write(("name: small\n", "# a remark\nname:   'small'\n")))) == reference
    assert config_hash(load_config(write(("{seed: 7}", "{draws: 800, seed: 7}")))) == reference
    swapped = ("min_severity: 4\n", "min_severity: 4\n  later: {any_of: [visit], min_severity: 4}\n")
    first = load_config(write(swapped))
    second = load_config(write(("  crisis:", "  later: {any_of: [visit], min_severity: 4}\n  crisis:")))
    assert list(first.targets) != list(second.targets)
    assert config_hash(first) == config_hash(second)
    assert config_hash(load_config(write(("{seed: 7}", "{seed: 8}")))) != reference
    assert config_hash(load_config(write(("0.95", "0.94")))) != reference
    assert load_config(write(("{seed: 7}", "{seed: 8}"))) != load_config(write())


def test_the_description_says_what_was_asked(config):
    text = " ".join(describe_config(config).split())
    for phrase in (
        "risk of escalation, AAA – BBB (AAA and BBB), as of 10 July 2023",
        "start on 20 January 2017 (337 weeks of data)",
        "The headline: 'Clash' before 17 November 2023.",
        "Crisis (crisis): met by one act of sanction or dispute of severity 4 or 5.",
        "5 November 2024: General election (election), 484 days ahead.",
        "16 July 2023: Envoy (visit, severity 2), with probability 95%.",
        "Prior tension.persistence: slow.",
        "Prior ballast.visit: quantiles q05 = -0.1, median = 0.1, q95 = 0.4.",
    ):
        assert phrase in text
    assert "seed" not in text
    assert max(map(len, describe_config(config).splitlines())) <= 80


def test_the_description_warns_of_what_may_not_be_meant(write, tmp_path):
    act = "category: dispute, severity: 4, probability: 0.5"
    config = write(
        ("category: visit, severity: 2, probability: 0.95", act), ("events.csv", "../elsewhere/e.csv")
    )
    text = " ".join(describe_config(load_config(config)).split())
    assert "If it happens it meets the target 'Crisis'." in text
    assert f"{tmp_path.parent / 'elsewhere' / 'e.csv'} (outside the folder of the config)" in text


def test_a_target_is_defined_in_words(write):
    words = {1: "of any severity", 3: "of severity 3 or more", 4: "of severity 4 or 5", 5: "of severity 5"}
    for severity, said in words.items():
        config = load_config(write(("min_severity: 4", f"min_severity: {severity}")))
        assert target_definition(config.targets["crisis"]) == f"sanction or dispute {said}"


def test_a_file_by_itself_is_the_source_of_events(write):
    short = load_config(
        write(("events:\n  source: events.csv\n  start: 2017-01-20\n", "events: events.csv\n"))
    )
    long = load_config(write(("  start: 2017-01-20\n", "")))
    assert short == long
    assert short.events.source == "events.csv"
