import re
from pathlib import Path

import yaml

from forecast.config import load_score_config, score_config_schema
from forecast.weekly_scores.parameters import PARAMETERS
from forecast.weekly_scores.reading import COLUMNS, LEAST_ACTIVE, LEAST_WEEKS, read_weekly_scores

PAGE = (Path(__file__).resolve().parents[2] / "docs/scores.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found
    return found[1]


def test_the_priors_of_the_page_are_those_in_use():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \|.*\| `(\w+\(.*?\))` \|$", PAGE, flags=re.MULTILINE))
    assert rows == {one.name: str(one.default) for one in PARAMETERS}


def test_the_config_of_the_page_is_valid_and_names_known_keys(tmp_path):
    path = tmp_path / "shown.yaml"
    path.write_text(block("yaml"), encoding="utf-8")
    config = load_score_config(path)
    assert config.targets["cold_week"].score_below == -20
    assert config.headline.milestone == "us-election-2024"
    assert set(yaml.safe_load(block("yaml"))) <= set(score_config_schema()["properties"])


def test_the_file_of_the_page_is_read(tmp_path):
    path = tmp_path / "shown.csv"
    path.write_text(block("csv"), encoding="utf-8")
    assert [(row.score, row.acts) for row in read_weekly_scores(path)] == [(-4.4, 3), (1.0, 1)]
    assert {name for name in COLUMNS if f"`{name}`" in PAGE} == set(COLUMNS)


def test_the_bounds_of_the_page_are_those_in_use():
    assert f"At least {LEAST_WEEKS} weeks, {LEAST_ACTIVE} of them with a score" in PAGE
