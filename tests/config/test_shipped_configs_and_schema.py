import csv
import json
import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from forecast.config import describe_config, load_config, resolved_yaml
from forecast.config.writing import schema_of

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "../shared"
WORKED_CASE = ROOT / "configs/us-china-2023.yaml"
TEMPLATE = ROOT / "configs/own-data-template.yaml"


@pytest.mark.parametrize("path", [WORKED_CASE, TEMPLATE], ids=lambda path: path.stem)
def test_shipped_configs_are_valid_and_survive_resolving(path, tmp_path):
    config = load_config(path)
    again = tmp_path / "again.yaml"
    again.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(again) == config
    assert describe_config(config).startswith(f"'{config.name}'")


def test_milestones_of_the_worked_case_were_known_on_the_day():
    with (SHARED / "data/milestones-2023-07-10.csv").open(encoding="utf-8", newline="") as file:
        known = {date.fromisoformat(row["date"]) for row in csv.DictReader(file)}
    assert {milestone.date for milestone in load_config(WORKED_CASE).milestones} <= known


def test_what_the_worked_case_says_of_the_data_is_true():
    with (SHARED / "data/us-china-2017-2023.csv").open(encoding="utf-8", newline="") as file:
        events = list(csv.DictReader(file))
    assert f"the {len(events)} coded events" in WORKED_CASE.read_text(encoding="utf-8")
    config = load_config(WORKED_CASE)
    assert "If it happens it meets" not in describe_config(config)
    met = {
        name: [
            e["date"]
            for e in events
            if e["category"] in target.any_of
            and int(e["severity"]) >= target.min_severity
            and e["initiator"] in (target.by or (e["initiator"],))
        ]
        for name, target in config.targets.items()
    }
    assert met["taiwan_drills"] == ["2022-08-04", "2023-04-08"]
    assert met["collision"] == ["2023-02-04"]
    assert met["lethal_clash"] == []


def test_commented_examples_of_priors_are_valid(tmp_path):
    text = WORKED_CASE.read_text(encoding="utf-8")
    examples = re.findall(r"(?m)^  #   ([a-z_.]+: .+)$", text)
    assert len(examples) == 4
    block = "  priors:\n" + "".join(f"    {example}\n" for example in examples)
    path = tmp_path / "tried.yaml"
    path.write_text(re.sub(r"(?m)^  priors: \{\}.*\n", block, text), encoding="utf-8")
    assert load_config(path).model.priors == {
        "tension.persistence": "slow",
        "answers.half_life_days": "LogNormal(mu=1.1, sigma=0.5)",
        "answers.number.other_side": "many",
        "ballast.visit": {"q05": -0.1, "median": 0.1, "q95": 0.4},
    }


def test_configs_name_the_committed_schema_in_their_first_line():
    for path in (WORKED_CASE, TEMPLATE):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        reference = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / reference).resolve() == ROOT / "docs/config.schema.json"


@pytest.mark.parametrize("name", ["config", "forecast"])
def test_schemas_are_of_draft_2020_12_and_every_reference_leads_somewhere(name):
    schema = schema_of(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema))
    assert references
    assert set(references) <= set(schema["$defs"])
    assert "schema" in schema["properties"]


def test_yaml_examples_of_the_reference_page_are_valid(tmp_path):
    page = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) >= 2
    base = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    whole = 0
    for block in map(yaml.safe_load, blocks):
        # A block that holds all that is required stands alone.
        alone = {"dyad", "as_of", "events", "targets"} <= block.keys()
        whole += alone
        path = tmp_path / "block.yaml"
        path.write_text(yaml.safe_dump(block if alone else {**base, **block}), encoding="utf-8")
        load_config(path)
    assert whole == 1
