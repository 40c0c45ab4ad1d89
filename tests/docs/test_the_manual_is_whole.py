"""The manual: every command, option, key and public name has its place; its tools notice what is wrong."""

import contextlib
import importlib.util
import io
import json
import re
import sys
from pathlib import Path

import pytest

import forecast
from forecast.cli import main
from forecast.config import writing

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
)
JSON_PAGE = (ROOT / "docs/json.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "configs/example-events.csv"


def tool(name: str):
    sys.path.insert(0, str(ROOT / "tools/docs"))
    try:
        spec = importlib.util.spec_from_file_location(f"manual_{name}", ROOT / f"tools/docs/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"manual_{name}"] = module
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(ROOT / "tools/docs"))


api, commands, contracts, shown, stage = map(tool, ("api", "commands", "contracts", "shown", "stage"))
COMMANDS = dict(commands.commands())


def answer(*arguments: object) -> str:
    out, before = io.StringIO(), sys.argv
    sys.argv = ["forecast", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main()
    finally:
        sys.argv = before
    return out.getvalue()


def named(word: str, text: str = WRITTEN) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_names_every_command(name):
    assert named(f"forecast {name}"), "name it in the page of docs/ that it belongs to"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_names_every_option(name):
    missing = [
        one.opts[0]
        for one in commands.options(COMMANDS[name])
        if not any(map(named, [*one.opts, *one.secondary_opts]))
    ]
    assert missing == [], "name them in the page of docs/ that the command belongs to"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_option_and_argument_has_a_help(name):
    command = COMMANDS[name]
    assert command.help
    every = [*commands.options(command), *commands.arguments(command)]
    assert [one.name for one in every if not (one.help or "").endswith((".", "?"))] == []


def test_the_command_reference_holds_what_the_help_prints(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    sections = dict(
        re.findall(r"^## forecast ([\w -]+)\n(.*?)(?=^## |\Z)", commands.reference(), re.M | re.S)
    )
    assert set(sections) == set(COMMANDS)
    for name, section in sections.items():
        said = answer(*name.split(), "--help")
        printed = set(re.findall(r"^│ \*? +(--[a-z0-9-]+)", said, re.M)) - {"--help"}
        assert {one for one in printed if not named(one, section)} == set(), name
    assert sum(len(re.findall(r"^\| `--", one, re.M)) for one in sections.values()) > 150


def every_schema() -> dict[str, object]:
    return {name: writing.schema_of(name) for name in writing.SCHEMAS}


@pytest.mark.parametrize("name", every_schema())
def test_the_schemas_of_the_docs_are_current(name):
    committed = (ROOT / f"docs/{name}.schema.json").read_text(encoding="utf-8")
    assert committed == writing.schema_text(every_schema()[name]), (
        f"forecast schema {name} > docs/{name}.schema.json"
    )
    assert answer("schema", name) == committed


def test_every_schema_has_its_row_and_its_keys_on_the_site():
    rows = set(re.findall(r"^\| `(\w+)` \|.*\.schema\.json", JSON_PAGE, re.M))
    assert rows == set(every_schema()) == {*contracts.WRITTEN, *contracts.READ}
    assert {path.name.partition(".")[0] for path in (ROOT / "docs").glob("*.schema.json")} == rows


@pytest.mark.parametrize("name", contracts.WRITTEN)
def test_every_key_of_a_file_that_users_write_is_described(name):
    schema = every_schema()[name]
    page = {"config": "config", "scenario": "scenarios", "watchlist": "watchlist"}[name]
    explained = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    keys = [
        (label, key, one)
        for label, whole in contracts.objects(schema)
        for key, one in whole["properties"].items()
    ]
    assert len(keys) > 20
    assert [(label, key) for label, key, one in keys if not contracts.described(one, schema)] == []
    shared = (ROOT / "docs/config.md").read_text(encoding="utf-8") + explained
    assert [(label, key) for label, key, _ in keys if key != "$schema" and not named(key, shared)] == []


@pytest.mark.parametrize("name", contracts.HEADS)
def test_the_pages_of_keys_hold_every_key(name):
    page = contracts.page(name)
    for contract in contracts.HEADS[name][2]:
        for _, whole in contracts.objects(every_schema()[contract]):
            assert [key for key in whole["properties"] if f"`{key}`" not in page] == []


def test_every_public_name_stands_once_in_the_api_reference():
    listed = re.findall(r"^   forecast\.(\w+)$", api.page(), re.M)
    assert sorted(set(listed) & set(forecast.__all__)) == sorted(forecast.__all__)
    assert len(listed) == len(set(listed))


def keys_of(command: str) -> set[str]:
    (cell,) = re.findall(rf"^\| `forecast {command}` \| (.*) \|$", JSON_PAGE, re.M)
    return set(re.findall(r"`(\w+)`", cell))


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("new", ("new", EXAMPLE, "--out", "new.yaml")),
        ("new --example", ("new", "--example", "own-data")),
        ("check", ("check", "own/own-data-template.yaml")),
        ("priors", ("priors", "own/own-data-template.yaml")),
        ("events validate", ("events", "validate", EXAMPLE)),
        ("events merge", ("events", "merge", EXAMPLE, "own/example-events.csv", "--out", "merged.csv")),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_keys_of_an_answer_are_those_documented(command, arguments, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    answer("new", "--example", "own-data", "--out", "own")
    assert set(json.loads(answer(*arguments, "--json"))) == keys_of(command)


def test_every_command_that_answers_in_json_has_its_row():
    answering = {
        name for name, one in COMMANDS.items() if any("--json" in option.opts for option in one.params)
    }
    rows = set(re.findall(r"^\| `forecast ([\w -]+?)(?: --example)?` \|", JSON_PAGE, re.M))
    assert rows == {name for name in answering if not name.startswith("bench")}


def test_links_lead_to_pages_of_the_site_or_to_copies(tmp_path):
    known = stage.pages()
    text = "[a](model.md#tension) [b](../README.md) [c](../tools/supply.py) [d](../configs/) `[e](f)`"
    assert stage.rewritten(text, "docs/x.md", known, tmp_path) == (
        "[a](model.md#tension) [b](overview.md) [c](files/tools/supply.py) [d](examples.md) `[e](f)`"
    )
    assert (tmp_path / "files/tools/supply.py").is_file()


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path):
    with pytest.raises(SystemExit, match=r"docs/x\.md: link to nowhere\.md: no such file"):
        stage.rewritten("[a](nowhere.md)", "docs/x.md", {}, tmp_path)


def test_the_index_leads_to_every_page_in_the_order_of_its_sections():
    known = stage.pages()
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = stage.rewritten(index, "docs/README.md", known, Path())
    titled = stage.titled(linked)
    assert ".md](" not in titled
    listed = "".join(stage.contents(titled, {"api.md": ""}))
    found = re.findall(r"^([\w-]+\.md)$", listed, re.M)
    assert sorted(found) == sorted({*known.values(), "api.md"} - {"index.md"})


@pytest.mark.parametrize(
    ("block", "printed", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\n", "a\nb\nc\n", True),
        ("…\nc\n", "a\nb\nc\n", True),
        ("a\n…\nb\n", "a\nb\n", True),
        ("a.c\n", "abc\n", False),
        (" 1 Mar    20%  7–37%  +0.5 ± 0.1\n", " 1 Mar     18%  9.5–36%  +0.4 ± 0.1\n", True),
        (" 1 Mar    20%  7–37%  +0.5 ± 0.1\n", " 1 Mar    20%  7–41%  +0.5 ± 0.1\n", False),
        (" 1 Mar    20%\n", " 2 Mar    20%\n", False),
    ],
)
def test_a_block_is_compared_line_by_line(block, printed, same):
    assert shown.matches(block, printed) is same


def test_a_page_that_shows_another_output_is_found(tmp_path):
    page = "```sh\necho one\necho two\n```\n\n```text\none\nthree\n```\n"
    assert [(block, out) for _, block, out in shown.run_page(page, tmp_path)] == [
        ("one\nthree\n", "one\ntwo\n")
    ]


def test_a_command_that_fails_stops_the_page(tmp_path):
    with pytest.raises(SystemExit, match=r"^false: exit code 1"):
        shown.run_page("```sh\nfalse\n```\n", tmp_path)
