"""Page 1 of the brief, read back from the PDF: every number worked out again from ``forecast.json`` alone."""

import json
import math
import re
from datetime import date

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.blocks import Alert
from forecast.records.cautions import FewEvents, NotConverged
from forecast.records.explained import Indicator
from forecast.records.forecast import Forecast
from forecast.report.build import build_report, make_content, write_figures
from forecast.report.html_page import render_page
from forecast.report.run_records import ReportOptions
from forecast.report.sections.brief import brief_section
from forecast.report.sections.data import coverage_sentences

QUIET_DAY = date(2023, 11, 17)


def words_of(text):
    return re.sub(r"\s+", " ", text).replace("\u200b", "")


@pytest.fixture(scope="session")
def brief_run(factory, tmp_path_factory):
    """A run folder with indicators, and its report."""
    forecast = factory.forecast(factory.events)
    target = forecast.target(forecast.headline.target)
    first, *_, last = target.milestones
    quiet = (last.probability - first.probability) / (1 - first.probability)
    one = Indicator(
        code="quiet",
        by=QUIET_DAY,
        milestone=first.name,
        probability=quiet,
        change=quiet - last.probability,
        mcse=0.002,
    )
    forecast = forecast.model_copy(update={"indicators": (one,), "drivers_tried": 24})
    folder = factory.write_run(tmp_path_factory.mktemp("brief") / "run", forecast, events=factory.events)
    build_report(folder, ReportOptions())
    return folder


@pytest.fixture(scope="session")
def front(brief_run):
    return words_of(PdfReader(brief_run / "brief.pdf").pages[0].extract_text())


@pytest.fixture(scope="session")
def record(brief_run):
    """``forecast.json`` as any program reads it."""
    return json.loads((brief_run / "forecast.json").read_text(encoding="utf-8"))


def shown(probability):
    """Percent as page 1 shows it, by the rule of docs/report.md."""
    exact = 100 * probability
    if exact < 0.1 or exact > 99.9:
        return "<0.1%" if exact < 50 else ">99.9%"
    digits = 0 if 5 <= exact <= 95 else 1
    text = f"{math.floor(exact * 10**digits + 0.5) / 10**digits:.{digits}f}"
    return f"{text.removesuffix('.0')}%"


def headline_of(record):
    target = next(one for one in record["targets"] if one["name"] == record["headline"]["target"])
    return target, next(one for one in target["milestones"] if one["name"] == record["headline"]["milestone"])


def test_the_brief_is_two_pages_and_the_report_begins_with_them(brief_run):
    brief, report = (PdfReader(brief_run / name).pages for name in ("brief.pdf", "report.pdf"))
    assert len(brief) == 2
    assert len(report) > 4
    for one, other in zip(brief, report, strict=False):
        # The page counts differ: "1 of 2", "1 of 9".
        texts = [re.sub(r"\d+ of \d+$", "", words_of(page.extract_text()).strip()) for page in (one, other)]
        assert texts[0] == texts[1]


def test_the_judgement_is_the_headline_of_the_record_in_one_sentence(front, record):
    target, milestone = headline_of(record)
    low, high = (shown(one).rstrip("%") for one in milestone["interval90"])
    assert milestone["words"] == wording.words(milestone["probability"])
    sentence = f"{milestone['words'].capitalize()} ({shown(milestone['probability'])})"
    assert f"{sentence}: military confrontation, as in August 2022, February and April 2023, before" in front
    assert f"plausible range {low}–{high}%" in front
    assert "Low confidence: only three past cases. What counts: Collision" in front
    assert target["observed_before"] == 3


def test_both_base_rates_are_named_and_can_be_checked_by_hand(front, record):
    _, milestone = headline_of(record)
    days = (date.fromisoformat(milestone["date"]) - date.fromisoformat(record["as_of"])).days
    by_hand = 1 - math.exp(-3 / 2381 * days)
    assert (
        f"Base rates: {shown(milestone['baseline']['probability'])} of past {days}-day windows held one "
        f"(smoothed); a constant rate from the same three cases gives {shown(by_hand)}." in front
    )


def test_every_target_and_milestone_stands_on_page_1_with_its_numbers(front, record):
    place = 0
    for target in record["targets"]:
        seen = target["observed_before"]
        for one in target["milestones"]:
            rates = [one["baseline"]["probability"], one["constant_rate"]] if seen else []
            row = " ".join(
                (
                    f"{wording.short_day(date.fromisoformat(one['date']))} · {one['label'].split(',')[0]}",
                    shown(one["probability"]),
                    wording.interval_percent(tuple(one["interval90"])),
                    one["words"],
                    *(map(shown, rates) if seen else ("none", "none")),
                )
            )
            found = front.find(row, place)
            assert found >= place, row
            place = found + len(row)


def test_an_indicator_is_the_conditional_chance_of_the_record(front, record):
    target, milestone = headline_of(record)
    before = target["milestones"][0]["probability"]
    then = (milestone["probability"] - before) / (1 - before)
    assert f"No such event before 17 November 2023: {shown(then)}." in front


def test_reasons_are_the_largest_drivers_beyond_their_error(front, record):
    clear = sorted(
        (one for one in record["drivers"] if abs(one["change"]) > 2 * one["mcse"]),
        key=lambda one: -abs(one["change"]),
    )
    assert clear
    for one in clear[:2]:
        day = wording.long_day(date.fromisoformat(one["date"]))
        assert f"{wording.signed_points(one['change'])} points from {day}: " in front


def test_every_percentage_on_page_1_is_in_the_record(front, record):
    known = {"0%", "100%", "25%", "50%", "75%"} | {
        shown(value)
        for target in record["targets"]
        for one in target["milestones"]
        for value in (
            *(one["probability"], *one["interval90"], one["baseline"]["probability"]),
            *([one["constant_rate"]] if one["constant_rate"] is not None else []),
        )
    }
    known |= {shown(one["probability"]) for one in record["indicators"]}
    found = {
        f"{number}%" for pair in re.findall(r"(?:([\d.]+)–)?([\d.]+)%", front) for number in pair if number
    }
    assert len(found) > 20
    assert found <= known


def test_what_was_never_seen_has_no_base_rate(front):
    group = front[front.index("Lethal clash between forces no past case") :]
    assert group.count("none none") == 4


def test_without_history_and_track_record_page_1_says_so(front):
    assert "No earlier forecast of this question is on record." in front
    assert "Never tested this high, or this far." in front


@pytest.mark.parametrize("name", ["brief.pdf", "report.pdf"])
def test_no_type_in_print_is_smaller_than_eight_points(brief_run, name):
    sizes = set()

    def note(text, current, matrix, _font, size):
        if text.strip():
            sizes.add(round(size * abs(current[3] * matrix[3]), 2))

    for page in PdfReader(brief_run / name).pages:
        page.extract_text(visitor_text=note)
    assert len(sizes) > 4
    assert min(sizes) >= 8.0


def test_page_2_has_what_counts_and_the_severity_scale(brief_run):
    text = words_of(PdfReader(brief_run / "brief.pdf").pages[1].extract_text())
    for part in ("This run compares no scenarios.", "Scheduled events", "Past cases", "5 extreme"):
        assert part in text
    assert "8 Apr 2023" in text


@pytest.mark.parametrize("rows", [1, 40])
def test_the_brief_stays_two_pages_however_much_there_is_to_say(factory, tmp_path, rows):
    from datetime import timedelta

    milestones = tuple(
        (f"m{k}", f"A milestone with a long name that goes on and on, number {k}", day)
        for k in range(1, rows + 1)
        for day in [factory.as_of + timedelta(days=12 * k)]
    )
    targets = tuple(
        (f"target_{k}", f"Event {k}: {'very ' * 12}long", "A definition. " * 20, 3, 0.001) for k in range(7)
    )
    cautions = tuple(FewEvents(text=f"Caution {k}. " * 12, events=k, needed=30) for k in range(12))
    forecast = factory.forecast(factory.events, milestones=milestones, targets=targets, cautions=cautions)
    folder = factory.write_run(tmp_path / "run", forecast, events=factory.events)
    build_report(folder, ReportOptions(), brief_only=True)
    pages = PdfReader(folder / "brief.pdf").pages
    assert len(pages) == 2
    assert "9 more in the appendix." in words_of(pages[0].extract_text())
    assert not (folder / "report.pdf").exists()


FEW = FewEvents(text="Only 12 events in the data, fewer than 30.", events=12, needed=30)
FAILED = NotConverged(text="The fit failed 2 checks.", failures=2)


def test_cautions_stand_in_a_box_on_page_1_and_in_the_page(factory, compiled, tmp_path):
    forecast = factory.forecast(factory.events, cautions=(FEW,))
    page = words_of(compiled(forecast).pages[0].extract_text())
    assert "Read with caution" in page
    assert FEW.text in page
    assert "Low confidence: only three past cases." in page
    records = factory.records(forecast)
    content = make_content(records)
    html = words_of(render_page(records, content.as_json(), write_figures(content, tmp_path)))
    box = '<div class="alert caution" role="note"><p><strong>Read with caution</strong></p>'
    assert f"{box}<ul><li>{FEW.text}</li></ul></div>" in html


def test_without_cautions_there_is_no_box(factory, front):
    assert "Read with caution" not in front
    blocks = brief_section(factory.records(factory.forecast(factory.events))).blocks
    assert not any(isinstance(one, Alert) for one in blocks)


def test_a_failed_fit_is_told_once_in_its_own_box(factory):
    forecast = factory.forecast(factory.events, converged=False, cautions=(FAILED, FEW))
    boxes = [one for one in brief_section(factory.records(forecast)).blocks if isinstance(one, Alert)]
    assert [(one.tone, one.items) for one in boxes] == [("alarm", boxes[0].items), ("caution", (FEW.text,))]
    assert FAILED.text not in boxes[0].items


def test_rows_without_a_page_that_was_read_are_counted(factory):
    forecast, analysis = factory.forecast(factory.events), factory.analysis(factory.events)
    said = " ".join(coverage_sentences(forecast, analysis))
    assert "For 592 of the 849 rows (70%) a page that reports the act was read; 257 rest on general" in said


def test_the_curve_gives_the_same_number_as_the_table(brief_run):
    forecast = Forecast.model_validate_json((brief_run / "forecast.json").read_bytes())
    for target in forecast.targets:
        at = dict(zip(target.curve.date, target.curve.probability, strict=True))
        for one in target.milestones:
            assert at[one.date] == one.probability


def test_only_the_parts_chosen_are_in_the_report(factory, tmp_path):
    folder = factory.write_run(tmp_path / "run", events=factory.events)
    build_report(folder, ReportOptions(sections=("data", "drivers")))
    reader = PdfReader(folder / "report.pdf")
    titles = [mark.title for mark in reader.outline if not isinstance(mark, list)]
    assert titles == ["Where the number comes from, and which past events move it", "The data"]
    assert len(PdfReader(folder / "brief.pdf").pages) == 2


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


@pytest.mark.parametrize("name", ["brief.pdf", "report.pdf"])
def test_both_files_claim_accessibility_and_archival_standards(base_run, name):
    metadata = PdfReader(base_run / name).xmp_metadata.stream.get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata


def test_every_figure_has_an_alternative_text_with_its_numbers(factory, base_run):
    forecast = factory.forecast(factory.events)
    alternatives = factory.alternatives(PdfReader(base_run / "report.pdf"))
    course, curve, tension = [text for text in dict.fromkeys(alternatives) if "chart" in text]
    for target in forecast.targets:
        for one in target.milestones:
            assert f"{wording.percent(one.probability)} (plausible range" in curve
            assert f"{wording.percent(one.probability)} (plausible range" in course
    assert "now " in tension
    assert re.search(r"\d+ of sanction", tension)


def test_every_table_has_its_caption_in_the_tag_tree(base_run, factory):
    reader = PdfReader(base_run / "report.pdf")
    tags = []

    def walk(node):
        node = node.get_object()
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif hasattr(node, "get"):
            tags.append(node.get("/S"))
            if "/K" in node:
                walk(node["/K"])

    walk(reader.trailer["/Root"]["/StructTreeRoot"])
    content = make_content(factory.records(factory.forecast(factory.events)))
    assert tags.count("/Table") == len(content.tables())
    assert tags.count("/Caption") == len(content.tables()) + len(content.charts())


def test_no_page_ends_on_a_heading(base_run):
    reader = PdfReader(base_run / "report.pdf")
    headings = {
        mark.title for marks in reader.outline for mark in (marks if isinstance(marks, list) else [marks])
    }
    for page in reader.pages:
        lines = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
        body = [line for line in lines if not line.startswith("Run us-china-2023")]
        assert body[-1] not in headings
