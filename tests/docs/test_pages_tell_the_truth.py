"""What README and docs show is true: commands, output, examples, figures; and every name has its place."""

import contextlib
import importlib
import importlib.util
import io
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from pypdf import PdfReader

import forecast
from forecast import wording
from forecast.cli import main
from forecast.cli.terminal import lines_of
from forecast.config import load_config, writing
from forecast.grid import HALF_SATURATION, KNOT_STEPS, STEP_DAYS
from forecast.inference import sampling
from forecast.inference.importance import PARETO_K_MAX
from forecast.phrases.assumptions import VISITS_ELSEWHERE
from forecast.phrases.sources import (
    CLOSE_POINTS,
    FAR_APART_POINTS,
    FEW_CASES,
    MANY_CASES,
    NARROW_POINTS,
    WIDE_POINTS,
)
from forecast.priors.named import parameter_groups
from forecast.records.analysis import CRISIS_FROM, STRAINED_FROM, Analysis
from forecast.records.forecast import Forecast
from forecast.report.page_1 import bottom_line
from forecast.report.run_records import read_run_records
from forecast.runs.inputs import read_inputs

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs/python.md").read_text(encoding="utf-8")
MODEL = (ROOT / "docs/model.md").read_text(encoding="utf-8")
READING = (ROOT / "docs/report.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "reports/sample"
WORKED_CASE = ROOT / "configs/us-china-2023.yaml"
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "reports/README.md", ROOT / "tools/README.md"]
)
FILES = (".json", ".yaml", ".toml", ".sqlite")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def shell_commands(page: str) -> list[list[str]]:
    """Return the ``forecast`` commands of the shell blocks of a page, as arguments."""
    lines = (line for block in blocks(page, "sh") for line in block.splitlines())
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("forecast ")]


def printed(arguments: list[str]) -> tuple[int, str]:
    out, before = io.StringIO(), sys.argv
    sys.argv = ["forecast", *arguments]
    try:
        with contextlib.redirect_stdout(out):
            try:
                main()
                return 0, out.getvalue()
            except SystemExit as end:
                return int(end.code or 0), out.getvalue()
    finally:
        sys.argv = before


@pytest.fixture(scope="module")
def sample() -> Forecast:
    return Forecast.model_validate_json((SAMPLE / "forecast.json").read_bytes())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page):
    named = re.findall(r"(?<![\w/.*-])((?:forecast|tests|configs|tools)/[\w./-]*\w)", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_of_the_package_that_a_page_gives_exist(page):
    named = set(re.findall(r"(?<![\w/.-])forecast(?:\.[A-Za-z_]\w*)+", page.read_text("utf-8")))
    assert [name for name in sorted(named) if not name.endswith(FILES) and not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, *rest = name.split(".")
    found = importlib.import_module(module)
    for part in rest:
        module = f"{module}.{part}"
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


NEED_A_RUN = ("run", "report", "scenario", "sensitivity")  # shown with one in tests/scenarios


@pytest.mark.parametrize(
    "arguments",
    [one for one in shell_commands(README) if one[0] not in NEED_A_RUN and one[:2] != ["events", "import"]],
    ids=" ".join,
)
def test_a_command_of_the_readme_runs(arguments, monkeypatch, tmp_path):
    (tmp_path / "reports").mkdir()  # some write files there
    for name in ("configs", "reports/sample"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    if arguments == ["check", "mine.yaml"]:
        printed(["new", "configs/example-events.csv", "--out", "mine.yaml"])
    code, out = printed(arguments)
    assert code == 0
    assert out


def test_the_output_in_the_readme_is_what_the_sample_prints():
    printed = lines_of(bottom_line(read_run_records(SAMPLE)))
    (text,) = blocks(README, "text")
    assert shown.matches(text, "\n".join(printed) + "\n"), "paste what make sample printed"


def test_the_sample_is_of_the_worked_case_and_converged(sample):
    config = load_config(WORKED_CASE)
    assert sample.converged
    assert (sample.name, sample.as_of) == (config.name, config.as_of)
    assert [target.name for target in sample.targets] == list(config.targets)
    analysis = Analysis.model_validate_json((SAMPLE / "analysis.json").read_bytes())
    assert (analysis.sampler.chains, analysis.sampler.draws) == (config.sampler.chains, config.sampler.draws)
    names = {prior.name for prior in analysis.parameters}
    assert names == set(read_inputs(config).priors.priors), "run make sample"


def test_the_evidence_beside_a_chance_of_drills_is_of_drills():
    analysis = Analysis.model_validate_json((SAMPLE / "analysis.json").read_bytes())
    (meetings,) = analysis.reactions
    drills = meetings.followed_by("taiwan_drills")
    assert (meetings.cases, drills.followed, drills.answers) == (29, 4, 2)
    assert (meetings.answer.target, meetings.answer.followed) == (None, 13)
    front = " ".join(PdfReader(SAMPLE / "brief.pdf").pages[0].extract_text().split())
    assert "drills that ring Taiwan followed 4 of 29 such acts within 14 days (two different cases)" in front
    assert "13 of 29" not in front


def test_the_sample_is_light_and_its_report_is_built_again(tmp_path):
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 3_500_000
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE, copy)
    (copy / "report.pdf").unlink()
    code, _ = printed(["report", str(copy)])
    assert code == 0
    assert (copy / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_the_reaction_shown_in_the_readme_is_valid(tmp_path):
    (block,) = blocks(README, "yaml")
    settings = yaml.safe_load(WORKED_CASE.read_text(encoding="utf-8"))
    path = tmp_path / "shown.yaml"
    path.write_text(
        yaml.safe_dump({**settings, **yaml.safe_load(block)}, allow_unicode=True), encoding="utf-8"
    )
    code, out = printed(["priors", str(path), "--json"])
    assert code == 0
    assert "reaction.number.taiwan_contact" in {prior["name"] for prior in json.loads(out)["priors"]}


@pytest.mark.slow
@pytest.mark.filterwarnings("error::forecast.errors.NotConvergedWarning")
def test_the_first_python_of_the_manual_converges(monkeypatch, tmp_path):
    code = blocks(PYTHON, "python")[0]
    monkeypatch.chdir(ROOT)
    names = {}
    exec(compile(code.replace("reports/mine", str(tmp_path / "mine")), "python.md", "exec"), names)
    assert names["run"].forecast.converged
    assert (tmp_path / "mine/report.pdf").is_file()


def test_the_example_that_reads_forecast_json_runs(monkeypatch):
    (code,) = blocks(READING, "python")
    monkeypatch.chdir(ROOT)
    exec(compile(code, "report.md", "exec"), {})


def test_the_limits_of_confidence_on_the_reading_page_are_those_in_use():
    rows = {
        "past cases": (f"fewer than {FEW_CASES}", f"{FEW_CASES}–{MANY_CASES - 1}", f"{MANY_CASES} or more"),
        "width of the plausible range": (
            f"over {WIDE_POINTS} points",
            f"{NARROW_POINTS + 1}–{WIDE_POINTS}",
            f"up to {NARROW_POINTS}",
        ),
        "members of a combination apart": (
            f"over {FAR_APART_POINTS} points",
            f"{CLOSE_POINTS + 1}–{FAR_APART_POINTS}",
            f"up to {CLOSE_POINTS}",
        ),
    }
    for name, cells in rows.items():
        assert f"| {name} | {' | '.join(cells)} |" in READING


def test_the_words_of_the_reading_page_are_those_in_use():
    shown = re.findall(r"\| ([a-z ]+) \| (\d+)–(\d+)% \|", READING)
    assert [(word, int(low), int(high)) for word, low, high in shown] == list(wording.BANDS)


def defaults_of(group):
    yield group.default
    if group.cooperative:
        yield group.cooperative.default


def test_the_model_page_names_every_prior_with_its_default():
    rows = {
        name: re.findall(r"`(\w+\([^`]+\))`", default)
        for name, default in re.findall(r"^\| .*\| `([a-z_.]+)` \|.*?\| (.*) \|$", MODEL, flags=re.MULTILINE)
    }
    expected = {
        group.name: [str(one) for one in dict.fromkeys(defaults_of(group))] for group in parameter_groups()
    }
    assert rows == expected


def test_the_figures_of_the_model_page_are_those_in_use():
    text = " ".join(MODEL.split())
    days = KNOT_STEPS * STEP_DAYS
    phrases = [
        "at knots four weeks apart",
        f"exp(−{days}/τ)",
        f"N[t,j]/(N[t,j]+{HALF_SATURATION:g})",
        f"every milestone probability is at most {sampling.RHAT_MAX:g}, or no larger",
        f"bulk at least {sampling.ESS_MIN:g} for all of them",
        f"tail at least {sampling.ESS_MIN:g} for parameters",
        f"At most {100 * sampling.DIVERGENCE_SHARE_MAX:g}% divergent draws",
        f"BFMI at least {sampling.BFMI_MIN:g}",
        f"*calm* below {STRAINED_FROM:g}, *strained* from {STRAINED_FROM:g}",
        f"*crisis* from {CRISIS_FROM:g} standard deviations",
    ]
    assert days == 28
    assert [phrase for phrase in phrases if phrase not in text] == []
    drivers = (ROOT / "docs/sensitivity.md").read_text(encoding="utf-8")
    assert f"Where Pareto k is above {PARETO_K_MAX:g}, the change is too uncertain to show" in drivers


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
    return printed([str(one) for one in arguments])[1]


def named(word: str, text: str = WRITTEN) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


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
    assert sum(len(re.findall(r"^\| `--", one, re.M)) for one in sections.values()) > 140


def every_schema() -> dict[str, object]:
    return {name: writing.schema_of(name) for name in writing.SCHEMAS}


def test_what_followed_visits_elsewhere_is_what_the_study_counted():
    page = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
    for source, pairs, expected in (
        ("KEDS", "2,195 visits of 32 pairs", "6% more often than expected (+3 to +9%"),
        ("ICEWS", "763 visits of 146 pairs", "as often as expected (−5 to +6%"),
    ):
        row = next(line for line in page.splitlines() if line.startswith(f"| {source}, visit |"))
        visits, of_pairs, ratio, low, high = re.search(
            r"([\d,]+) \((\d+)\).*\*\*([\d.]+)\*\* \(([\d.]+)–([\d.]+)\)", row
        ).groups()
        assert pairs == f"{visits} visits of {of_pairs} pairs"
        shown = [f"{100 * (float(one) - 1):+.0f}".replace("-", "−") for one in (ratio, low, high)]
        often = "as often as" if shown[0] == "+0" else f"{shown[0][1:]}% more often than"
        assert expected == f"{often} expected ({shown[1]} to {shown[2]}%"
        assert f"{expected}; {source}, {pairs})" in VISITS_ELSEWHERE


@pytest.mark.parametrize("name", contracts.WRITTEN)
def test_the_schemas_for_editors_are_current(name):
    committed = (ROOT / f"docs/{name}.schema.json").read_text(encoding="utf-8")
    assert committed == writing.schema_text(every_schema()[name]), (
        f"forecast schema {name} > docs/{name}.schema.json"
    )
    assert answer("schema", name) == committed


def test_every_schema_has_its_row_and_its_keys_on_the_site():
    section = JSON_PAGE.partition("## Files with a schema")[2].partition("\n\nEvery field")[0]
    rows = set(re.findall(r"^\| `(\w+)` \|", section, re.M))
    assert rows == set(every_schema()) == {*contracts.WRITTEN, *contracts.READ}
    written = {path.name.partition(".")[0] for path in (ROOT / "docs").glob("*.schema.json")}
    assert written == set(contracts.WRITTEN)


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
    assert rows == set(answering)


def test_the_index_leads_to_every_page_in_the_order_of_its_sections():
    known = stage.pages()
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = stage.rewritten(index, "docs/README.md", known, Path())
    titled = stage.titled(linked)
    assert ".md](" not in titled
    listed = "".join(stage.contents(titled, {"api.md": ""}))
    found = re.findall(r"^([\w-]+\.md)$", listed, re.M)
    assert sorted(found) == sorted({*known.values(), "api.md"} - {"index.md"})


@pytest.mark.slow
def test_the_notebook_goes_from_a_frame_to_a_chart_and_a_plot_of_draws(monkeypatch, tmp_path):
    import matplotlib as mpl

    mpl.use("Agg")
    answer("new", "--example", "own-data", "--out", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    cells = json.loads((tmp_path / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 10
    known: dict[str, object] = {}
    for source in code:
        exec(source, known)
        if "\nrun" in source:
            assert "Anything from" in known["run"]._repr_html_()
