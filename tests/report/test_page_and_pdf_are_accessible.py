"""``report.html`` and ``report.pdf`` as WCAG and PDF/UA-1 ask, as far as programs can see."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pikepdf
import pytest
from pdfua import Severity, validate

from forecast.blocks import Answer, Beside, Chart
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.report.build import make_content, render_page
from forecast.report.run_records import ReportOptions
from tests.report.conftest import EVENTS, TARGETS, make_analysis, make_forecast, make_records

VOID = {"meta", "br", "img", "link", "hr", "input"}
HOSTILE = '<script>alert(1)</script> {{7*7}} "><img src=x onerror=alert(1)> &amp;'
FOREIGN = "中国 الصين 🚀"


class Page(HTMLParser):
    """Elements in order, each with its attributes, its text, and the names of those it stands in."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self._open = [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        element = SimpleNamespace(
            tag=tag, attributes=dict(attrs), text="", inside=[one.tag for one in self._open]
        )
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop().tag == tag

    def handle_data(self, text):
        for element in self._open:
            element.text += text

    def all(self, tag):
        return [one for one in self.elements if one.tag == tag]


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


@pytest.fixture(scope="module")
def source(base_run):
    return (base_run / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


@pytest.fixture(scope="module")
def run(base_run):
    return make_records(
        Forecast.model_validate_json((base_run / "forecast.json").read_bytes()),
        Analysis.model_validate_json((base_run / "analysis.json").read_bytes()),
        options=ReportOptions(author="A. Analyst", organisation="Strait Risk Desk"),
    )


def test_nothing_is_fetched_and_nothing_runs(page, source):
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("iframe")
    for element in page.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"{element.tag} {name}"
            if name in ("src", "xlink:href", "href") and element.tag != "a":
                assert value.startswith(("#", "data:")), f"{element.tag} {name}={value[:60]}"
    assert "url(http" not in source
    assert "@import" not in source
    heads = [one.attributes for one in page.all("meta")]
    (policy,) = [one["content"] for one in heads if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_every_table_has_a_caption_and_heads_with_a_scope(page, run):
    content = make_content(run)
    tables = content.tables()
    assert [one.text for one in page.all("caption")] == [table.title for table in tables]
    heads = page.all("th")
    assert heads
    assert {one.attributes.get("scope") for one in heads} == {"col", "row", "rowgroup"}
    scrolled = [one for one in page.all("div") if one.attributes.get("role") == "group"]
    assert len(scrolled) == len(tables) + len(content.charts())
    assert all(one.attributes["tabindex"] == "0" and one.attributes["aria-label"] for one in scrolled)


def test_every_figure_says_in_words_what_it_shows(page, run):
    content = make_content(run)
    (answer,) = (one for part in content.sections for one in part.blocks if isinstance(one, Answer))
    shown = [one for one in page.all("div") if one.attributes.get("role") == "img"]
    alts = [answer.alt, *(chart.alt for chart in content.charts())]
    assert [one.attributes["aria-label"] for one in shown] == alts
    for svg in page.all("svg"):
        assert svg.attributes["aria-hidden"] == "true"


def test_all_events_can_be_taken_from_the_page(page):
    links = [one.attributes for one in page.all("a")]
    (address,) = [one["href"] for one in links if one.get("download") == "events.csv"]
    carried = base64.b64decode(address.removeprefix("data:text/csv;charset=utf-8;base64,"))
    assert carried == EVENTS.canonical_csv().encode()


def test_hostile_and_foreign_text_is_shown_as_it_is():
    targets = tuple((name, f"{label} {HOSTILE}", FOREIGN, n, rate) for name, label, _, n, rate in TARGETS)
    run = make_records(
        make_forecast(targets=targets, label=f"{FOREIGN}\u202e{HOSTILE}"),
        make_analysis(warnings=(HOSTILE,)),
        options=ReportOptions(author=HOSTILE, classification=HOSTILE),
    )
    content = make_content(run)
    without_charts = replace(
        content,
        sections=tuple(
            replace(part, blocks=tuple(one for one in part.blocks if not isinstance(one, Chart | Beside)))
            for part in content.sections
        ),
    )
    text = render_page(run, without_charts.as_json(), ())
    page = Page(text)
    assert not page.all("script")
    assert not page.all("img")
    assert "\u202e" not in text
    shown = squeeze(page.all("main")[0].text)
    assert HOSTILE in shown
    assert FOREIGN in shown


@pytest.fixture(scope="module")
def pdf(base_run):
    with pikepdf.open(base_run / "report.pdf") as opened:
        yield opened


@pytest.fixture(scope="module")
def elements(pdf):
    """Structure elements in reading order, with the roles of those they stand in."""
    found = []

    def walk(node, inside):
        if isinstance(node, pikepdf.Array):
            for child in node:
                walk(child, inside)
        elif isinstance(node, pikepdf.Dictionary):
            role = str(node.get("/S", "")).lstrip("/")
            if role:
                found.append((role, node, inside))
            if "/K" in node:
                walk(node["/K"], (*inside, role) if role else inside)

    walk(pdf.Root.StructTreeRoot, ())
    return found


def test_a_checker_of_the_standard_finds_no_error(base_run):
    report = validate(str(base_run / "report.pdf"))
    found = [(one.rule_id, one.message) for one in report.findings if one.severity >= Severity.WARNING]
    assert found == []


def test_the_file_is_tagged_and_shows_its_title_in_its_language(pdf):
    assert bool(pdf.Root.MarkInfo.Marked)
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert str(pdf.Root.Lang) == "en-GB"
    assert all(str(page.obj.get("/Tabs", "")) == "/S" for page in pdf.pages)
    with pdf.open_metadata() as metadata:
        assert metadata["dc:title"] == "Escalation risk: United States – China"
        assert metadata["pdfuaid:part"] == "1"
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")


def test_every_figure_has_an_alternative_text(elements):
    figures = [node for role, node, _ in elements if role == "Figure"]
    assert figures
    assert all(len(str(node.get("/Alt", ""))) > 3 for node in figures)


def test_every_head_of_a_table_says_what_it_is_the_head_of(elements):
    heads = [node for role, node, _ in elements if role == "TH"]
    assert heads
    for node in heads:
        attributes = node["/A"]
        attributes = attributes if isinstance(attributes, pikepdf.Array) else [attributes]
        assert any(str(one.get("/Scope", "")) in ("/Column", "/Row", "/Both") for one in attributes)


def test_every_link_is_tagged_and_says_where_it_leads(pdf, elements):
    links = [note for page in pdf.pages for note in page.get("/Annots", []) if note["/Subtype"] == "/Link"]
    assert links
    assert all(str(note.get("/Contents", "")) and "/StructParent" in note for note in links)
    assert sum(role == "Link" for role, _, _ in elements) > 0


def test_the_events_are_attached_with_their_relation_and_kind(pdf):
    relations = {str(one.F): str(one.AFRelationship) for one in pdf.Root.AF}
    assert relations.pop("events.csv") == "/Source"
    assert set(relations.values()) == {"/Supplement"}
    assert {str(one.EF.F.Subtype) for one in pdf.Root.AF} == {"/text/csv"}
    assert all(str(one.Desc) for one in pdf.Root.AF)


@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_barrier(base_run, open_page, axe, width):
    page = open_page((base_run / "report.html").as_uri(), width=width)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # The brief, and a line for each part that can be opened: some ten screens of a phone.
    assert page.evaluate("document.documentElement.scrollHeight") < 9_000
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_link_to_a_part_opens_it(base_run, open_page):
    page = open_page((base_run / "report.html").as_uri())
    link = page.locator("nav a").nth(3)
    name = link.get_attribute("href")
    assert not page.is_visible(f"{name} > *")
    link.click()
    assert page.locator(f"{name} > *").first.is_visible()


def test_axe_sees_a_barrier(base_run, open_page, axe, tmp_path):
    source = (base_run / "report.html").read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(source.replace('<html lang="en-GB"', "<html", 1), encoding="utf-8")
    assert any(found.startswith("html-has-lang") for found in axe(open_page(broken.as_uri())))
