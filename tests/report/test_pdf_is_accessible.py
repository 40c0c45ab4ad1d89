"""PDF/UA-1 as far as a program can see: structure, tags, fonts and metadata of the file itself.

The compiler enforces the standard; ``pdfua`` runs the rules it has (16 of 106 of the Matterhorn protocol),
and the checks below it are our own. Together they are no certificate of conformance.
"""

import pikepdf
import pytest
from pdfua import Severity, validate


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
