"""``forecast report`` with its options, and the template of one's own that docs/report.md shows."""

import json
import re
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from forecast.runs.files import output_hashes, record_outputs
from tests.report.conftest import altered, write_run

PAGE = (Path(__file__).resolve().parents[2] / "docs/report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("runs") / "2023-07-10")
    record_outputs(folder, [])
    return folder


@pytest.fixture(scope="module")
def earlier(tmp_path_factory, forecast):
    day = forecast.as_of.replace(month=6)
    changed = altered(forecast, as_of=day, run_id="us-china-2023-june")
    return write_run(tmp_path_factory.mktemp("earlier") / "2023-06-10", changed)


@pytest.fixture(scope="module")
def answer(run, earlier, command, tmp_path_factory):
    """Everything asked for at once: the answer of the command, its folders, the PDF."""
    place = tmp_path_factory.mktemp("parts")
    template = place / "own.typ"
    (source,) = re.findall(r"```typst\n(.*?)```", PAGE, flags=re.DOTALL)
    template.write_text(source.replace("#set document", '#set text(lang: "en")\n#set document'), "utf-8")
    code, out, err = command(
        *("report", run, "--previous", earlier, "--template", template, "--paper", "us-letter"),
        *("--figures", place / "figures", "--csv", place / "tables", "--json"),
    )
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_answer_names_every_file_and_each_is_there(answer, run):
    assert answer["report"] == str(run / "report.pdf")
    assert answer["page"] == str(run / "report.html")
    assert {Path(name).suffix for name in answer["figures"]} == {".svg", ".png"}
    assert {Path(name).suffix for name in answer["tables"]} == {".csv"}
    for name in (answer["report"], answer["page"], *answer["figures"], *answer["tables"]):
        assert Path(name).stat().st_size > 0


def test_the_template_of_the_docs_sets_the_content_of_the_run(answer):
    reader = PdfReader(answer["report"])
    text = " ".join(page.extract_text() for page in reader.pages)
    assert "Past events that move it most" in text
    assert reader.metadata.title == "Escalation risk: United States – China"


def test_the_earlier_run_is_kept_in_the_run_folder_and_its_hash_with_it(answer, run):
    previous = json.loads((run / "previous_run.json").read_text(encoding="utf-8"))
    assert previous["as_of"] == "2023-06-10"
    assert json.loads((run / "manifest.json").read_text())["outputs_sha256"] == output_hashes(run)
    assert "since 10 Jun 2023" in (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--template", "no-such.typ"), "no-such.typ: the template cannot be read (No such file"),
        (("--previous", "no-such-run"), "no-such-run: there is no such folder"),
        (("--paper", "a5"), "a5"),
        (("--csv", __file__), "test_report_command_makes_what_is_asked.py: cannot be written"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_clear_error_and_leaves_the_report(
    run, command, arguments, message
):
    before = output_hashes(run)
    code, out, err = command("report", run, *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert output_hashes(run) == before


def test_a_build_that_fails_does_not_keep_the_earlier_run_it_was_given(earlier, command, tmp_path):
    folder = write_run(tmp_path / "2023-07-10")
    (tmp_path / "bad.typ").write_text("#nonsense", encoding="utf-8")
    before = output_hashes(folder)
    code, _, err = command("report", folder, "--previous", earlier, "--template", tmp_path / "bad.typ")
    assert code == 2
    assert "bad.typ: typst could not set the report: unknown variable: nonsense" in err
    assert "bad.typ:1" in err.replace(str(tmp_path), "")
    assert output_hashes(folder) == before


def test_a_use_that_the_terms_bar_is_refused_by_the_acts_of_the_run(run, command, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    text = (folder / "events.csv").read_text(encoding="utf-8")
    first = text.splitlines()[1].partition(",")[0]
    (folder / "events.csv").write_text(text.replace(f"{first},", "acled-1,"), encoding="utf-8")
    record_outputs(folder, ["events.csv"])
    before = output_hashes(folder)
    code, _, err = command("report", folder, "--use", "client")
    assert code == 2
    assert "events.csv: the terms bar use 'client' of 1 act of acled (acled-1): Commercial use" in err
    assert output_hashes(folder) == before
