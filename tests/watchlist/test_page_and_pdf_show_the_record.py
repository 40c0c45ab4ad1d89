"""Page, PDF and table hold the numbers of ``watch.json``, and treat names as text."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.cli.terminal import WIDTH, lines_of
from forecast.config.watchlist import load_watchlist
from forecast.ledger.chain import JudgementEntry, with_id
from forecast.ledger.store import open_ledger, write_ledger
from forecast.watchlist.page import page_sentence, watch_answer
from forecast.watchlist.watch import run_watch

from .conftest import PAIRS, write_dyads, write_list

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_dyads(folder)
    dyads = [f"{{a: {a}, b: {b}}}" for a, b in PAIRS]
    dyads[0] = dyads[0].replace("}", f", label: '{EVIL}'}}")
    path = write_list(folder, dyads=[*dyads, "{a: NOA, b: NOB}"], extra="triggers: {ready: 20%, go: 50%}\n")
    return run_watch(load_watchlist(path), out=folder)


def test_every_probability_of_the_record_is_in_page_and_pdf(made):
    watch, folder = made
    page = (folder / "watch.html").read_text()
    pdf = " ".join(one.extract_text() for one in PdfReader(folder / "watch.pdf").pages)
    for one in watch.dyads:
        for target in one.targets:
            for milestone in target.milestones:
                shown = wording.percent(milestone.probability)
                assert shown.replace("<", "&lt;").replace(">", "&gt;") in page
                assert shown in pdf
    assert "the event files hold no acts between NOA and NOB" in re.sub(r"\s+", " ", page)


def test_a_name_is_text_wherever_it_is_shown(made):
    _, folder = made
    page = (folder / "watch.html").read_text()
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_the_table_has_a_row_for_each_question_and_one_for_a_dyad_that_failed(made):
    watch, folder = made
    rows = list(csv.DictReader(io.StringIO((folder / "watch.csv").read_text())))
    assert len(rows) == 3 * 3 + 1
    by_key = {(row["dyad"], row["milestone"]): row for row in rows}
    for one in watch.dyads:
        for target in one.targets:
            for milestone in target.milestones:
                row = by_key[one.name, milestone.name]
                assert float(row["probability"]) == milestone.probability
                assert (float(row["lower90"]), float(row["upper90"])) == milestone.interval90
    assert by_key["noa-nob", ""]["state"] == "failed"


def test_the_terminal_table_fits_and_ranks(made):
    lines = lines_of(watch_answer(*made))
    assert max(map(len, lines)) <= WIDTH
    assert "4 dyads: 3 fine, 1 failed" in " ".join(lines)


def test_every_dyad_says_how_its_scenario_page_is_opened(made):
    watch, folder = made
    page = (folder / "watch.html").read_text()
    commands = re.findall(r"forecast run (\S+)/config\.resolved\.yaml --set model\.family=combined", page)
    assert commands == [one.name for one in watch.dyads if one.targets]
    for name in commands:
        assert (folder / name / "config.resolved.yaml").is_file()
    fitted = watch.dyads[0].model_copy(update={"model": "model"})
    assert page_sentence(fitted, "panel").endswith(f"forecast app {fitted.name}")


def test_what_others_say_stands_in_record_page_pdf_and_table(tmp_path):
    write_dyads(tmp_path)
    ledger, path = tmp_path / "ledger.sqlite", write_list(tmp_path)
    assert not any(
        one.others for one in run_watch(load_watchlist(path), out=tmp_path, ledger=ledger)[0].dyads
    )
    asked = next(iter(open_ledger(ledger).forecasts)).question
    price = with_id(
        JudgementEntry,
        question=asked,
        forecaster="Manifold",
        probability=0.4321,
        made_on=datetime(2010, 1, 3, tzinfo=UTC),
        differs="counts threats",
        price=True,
    )
    with write_ledger(ledger) as writer:
        writer.append(price)
    watch, folder = run_watch(load_watchlist(path), out=tmp_path, ledger=ledger)
    (dyad,) = [one for one in watch.dyads if one.others]
    (other,) = dyad.others
    assert (other.forecaster, other.probability, other.ends) == ("Manifold", 0.4321, asked.milestone)
    said = "Manifold: 43% on 3 January 2010. Differs: counts threats."
    page = re.sub(r"\s+", " ", (folder / "watch.html").read_text())
    pdf = " ".join(" ".join(one.extract_text() for one in PdfReader(folder / "watch.pdf").pages).split())
    assert said in page
    assert "43% on 3 January 2010" in pdf
    rows = list(csv.DictReader(io.StringIO((folder / "watch.csv").read_text())))
    assert [one["others"] for one in rows if one["others"]] == ["Manifold 0.4321 on 2010-01-03"]
