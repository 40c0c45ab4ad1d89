"""Page 1, read back from the PDF, against the records it was made from."""

import re
from datetime import date

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.records.cautions import FewEvents, NotConverged
from forecast.records.forecast import Forecast
from forecast.report.blocks import Alert
from forecast.report.build import write_figures
from forecast.report.content import make_content
from forecast.report.html_page import render_page
from forecast.report.sections.front import foundations, front_section


def words_of(text):
    return re.sub(r"\s+", " ", text).replace("\u200b", "")


@pytest.fixture(scope="session")
def front(base_run):
    return words_of(PdfReader(base_run / "report.pdf").pages[0].extract_text())


@pytest.fixture(scope="session")
def forecast(base_run):
    return Forecast.model_validate_json((base_run / "forecast.json").read_bytes())


def test_every_target_and_milestone_stands_on_page_1_with_its_numbers(front, forecast):
    place = 0
    for target in forecast.targets:
        for one in target.milestones:
            row = " ".join(
                (
                    one.label,
                    wording.short_day(one.date),
                    wording.percent(one.probability),
                    wording.interval_percent(one.interval90),
                    one.words,
                    wording.percent(one.baseline.probability),
                    f"±{100 * one.mcse:.1f}",
                )
            )
            found = front.find(row, place)
            assert found >= place, row
            place = found + len(row)


def test_every_percentage_on_page_1_is_in_the_forecast_or_the_data(front, forecast, factory):
    known = {"0", "100", "90"} | {
        wording.percent(value).strip("<>%")
        for target in forecast.targets
        for one in target.milestones
        for value in (one.probability, *one.interval90, one.baseline.probability)
    }
    known.add(wording.percent(factory.analysis(factory.events).data.verified_share).strip("%"))
    shown = {number for pair in re.findall(r"(?:(\d+)–)?[<>]?(\d+)%", front) for number in pair if number}
    assert shown
    assert shown <= known


def test_the_bottom_line_has_number_interval_words_and_frequency_of_the_headline(front, forecast):
    target = forecast.target(forecast.headline.target)
    (one,) = [m for m in target.milestones if m.name == forecast.headline.milestone]
    assert (
        f"{wording.percent(one.probability)} 90% interval {wording.interval_percent(one.interval90)}" in front
    )
    assert (
        f"{target.label} {wording.predicate(one.probability, one.interval90)} before 5 November 2024" in front
    )
    assert f"In {one.frequency} simulated futures" in front


FEW = FewEvents(text="Only 12 events in the data, fewer than 30.", events=12, needed=30)
FAILED = NotConverged(text="The fit failed 2 checks.", failures=2)


def test_cautions_stand_in_a_box_on_page_1_and_in_the_page(factory, compiled, tmp_path):
    forecast = factory.forecast(factory.events, cautions=(FEW,))
    page = words_of(compiled(forecast).pages[0].extract_text())
    assert "Read with caution" in page
    assert FEW.text in page
    records = factory.records(forecast)
    content = make_content(records)
    shown = words_of(render_page(records, content, write_figures(content, tmp_path)))
    box = '<div class="alert caution" role="note"><p><strong>Read with caution</strong></p>'
    assert f"{box}<ul><li>{FEW.text}</li></ul></div>" in shown


def test_without_cautions_there_is_no_box(factory, front):
    assert "Read with caution" not in front
    blocks = front_section(factory.records(factory.forecast(factory.events))).blocks
    assert not any(isinstance(one, Alert) for one in blocks)


def test_a_failed_fit_is_told_once_in_its_own_box(factory):
    forecast = factory.forecast(factory.events, converged=False, cautions=(FAILED, FEW))
    boxes = [one for one in front_section(factory.records(forecast)).blocks if isinstance(one, Alert)]
    assert [(one.tone, one.items) for one in boxes] == [("alarm", boxes[0].items), ("caution", (FEW.text,))]
    assert FAILED.text not in boxes[0].items


def test_the_events_are_told_from_the_start_of_the_config_on(factory):
    analysis = factory.analysis(factory.events)
    forecast = factory.forecast(factory.events)
    assert "845 coded events from 20 January 2017 to" in foundations(forecast, analysis)[0]
    data = analysis.data.model_copy(update={"start": date(2019, 1, 1), "rows_fitted": 36})
    later = analysis.model_copy(update={"data": data})
    assert "36 coded events from 1 January 2019 to" in foundations(forecast, later)[0]


def test_the_curve_on_page_2_gives_the_same_number_as_the_table(forecast):
    for target in forecast.targets:
        at = dict(zip(target.curve.date, target.curve.probability, strict=True))
        for one in target.milestones:
            assert at[one.date] == one.probability


def test_the_file_carries_title_author_day_language_bookmarks_and_the_events(base_run, factory):
    reader = PdfReader(base_run / "report.pdf")
    assert reader.metadata.title == "Escalation risk: United States – China"
    assert reader.metadata.author == "A. Analyst"
    assert reader.metadata["/CreationDate"].startswith("D:20230710")
    assert reader.trailer["/Root"]["/Lang"] == "en-GB"
    assert "How the chance grows with time" in [
        mark.title for mark in reader.outline if not isinstance(mark, list)
    ]
    assert reader.attachments["events.csv"] == [factory.events.canonical_csv().encode()]


def test_the_file_claims_accessibility_and_archival_standards(base_run):
    metadata = PdfReader(base_run / "report.pdf").xmp_metadata.stream.get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata


def test_every_figure_has_an_alternative_text_with_its_numbers(factory, base_run, forecast):
    alternatives = factory.alternatives(PdfReader(base_run / "report.pdf"))
    curve, tension, drivers = [text for text in dict.fromkeys(alternatives) if "chart" in text]
    for target in forecast.targets:
        for one in target.milestones:
            assert f"{wording.percent(one.probability)} (90% interval" in curve
    assert "now " in tension
    assert re.search(r"\d+ of sanction", tension)
    for driver in forecast.drivers:
        assert f"{wording.signed_points(driver.change)} (±0.3)" in drivers


def test_no_page_ends_on_a_heading(base_run):
    reader = PdfReader(base_run / "report.pdf")
    headings = {
        mark.title for marks in reader.outline for mark in (marks if isinstance(marks, list) else [marks])
    }
    for page in reader.pages:
        lines = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
        body = [line for line in lines if not line.startswith("Run us-china-2023")]
        assert body[-1] not in headings
