"""No sentence of ours stands in a record, and nothing reads our sentences again."""

import ast
import inspect
import typing
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from forecast import records
from forecast.phrases.data import learned_paragraph, other_text
from forecast.phrases.notices import caution_lines
from forecast.records.analysis import Analysis, LedgerSummary
from forecast.records.base import Record
from forecast.records.forecast import Forecast

from .conftest import FIELDS, sentences_of

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "reports/sample"

REASONS = {field: reason for reason, fields in FIELDS.items() for field in fields.split()}


def record_types():
    for module in iter_modules(records.__path__):
        loaded = import_module(f"forecast.records.{module.name}")
        for kind in vars(loaded).values():
            own = inspect.isclass(kind) and kind.__module__ == loaded.__name__
            if own and issubclass(kind, Record) and kind is not Record:
                yield kind


def holds_text(annotation) -> bool:
    """Whether any text may stand in a field; a literal is a code."""
    if annotation is str:
        return True
    if typing.get_origin(annotation) is typing.Literal or inspect.isclass(annotation):
        return any(map(holds_text, typing.get_args(annotation))) and not inspect.isclass(annotation)
    return any(map(holds_text, typing.get_args(annotation)))


def test_every_field_of_text_is_an_id_a_users_text_or_data():
    texts = {
        name: kind.__name__
        for kind in record_types()
        for name, field in kind.model_fields.items()
        if name in inspect.get_annotations(kind) and holds_text(field.annotation)
    }
    assert {name: where for name, where in texts.items() if name not in REASONS} == {}
    assert set(REASONS) - set(texts) == set(), "no reason stands for a field that left"


@pytest.mark.parametrize("name", ["forecast", "analysis", "track_record", "ledger_record"])
def test_no_file_of_a_run_holds_a_sentence_of_ours(name):
    found = sentences_of((SAMPLE / f"{name}.json").read_text(encoding="utf-8"))
    # Of what was learned from, the source is told as the file of the coefficients names it.
    assert [(field, text) for field, text in found if field != "source"] == []


def test_what_is_said_of_a_run_stands_in_none_of_its_files():
    forecast = Forecast.model_validate_json((SAMPLE / "forecast.json").read_bytes())
    analysis = Analysis.model_validate_json((SAMPLE / "analysis.json").read_bytes())
    ledger = LedgerSummary.model_validate_json((SAMPLE / "ledger_record.json").read_bytes())
    stated = [
        *caution_lines(forecast.cautions, without=()),
        *map(learned_paragraph, analysis.learned),
        *(other_text(other, forecast.as_of) for other in ledger.others),
    ]
    assert len(stated) > 2
    # Where learned data come from is told in the words of the file that holds them.
    terms = " ".join(learned.source for learned in analysis.learned)
    files = "".join(path.read_text(encoding="utf-8") for path in SAMPLE.glob("*.json"))
    for text in stated:
        assert text not in files
        parts = (part for part in text.split(". ") if len(part.split()) > 4)
        assert not any(part in files for part in parts if part not in terms)


PARSERS = {
    "blocks": "names of its own classes",
    "app.server": "requests of a browser",
    "cli.app": "messages of the parser of the command line",
    "cli.terminal": "long words, to break them",
    "config.field_types": "what users write",
    "config.scenario": "what users write",
    "config.settings_file": "what users write",
    "errors": "characters that no terminal may get, and names of arguments",
    "evaluation.study": "an address that a user gives",
    "events.cells": "cells of event files",
    "events.codebook": "names of countries in event files",
    "events.question": "questions that users write",
    "events.drafts": "articles and answers of a language model",
    "events.duplicates": "summaries in event files",
    "events.reading": "event files",
    "events.summary": "summaries in event files",
    "feeds.importing": "feeds",
    "feeds.store": "feeds",
    "ledger.judgements": "what users write",
    "phrases.chances": "titles that users write",
    "phrases.assumptions": "titles that users write",
    "pooled_hazard": "names of the actors of a pair",
    "priors.named": "priors that users write",
    "precedents": "subcategories of event files, to name a reaction",
    "frames": "names of packages",
    "report.charts": "drawings, as SVG",
    "report.typesetting": "drawings, as SVG, and blanks and addresses in texts of users",
    "storage": "names of files",
    "wording": "days and titles that users write",
    "workflows.draft": "example files of the package",
}
"""Modules that search or cut text, and whose text it is."""


def cuts_text(tree: ast.AST) -> bool:
    """Whether a module uses patterns, or cuts a text at a mark."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(name.name == "re" for name in node.names):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method, given = node.func.attr, [one.value for one in node.args if isinstance(one, ast.Constant)]
            if method in ("partition", "rpartition") or (
                method == "split" and given and " " in str(given[0])
            ):
                return True
    return False


def test_nothing_reads_our_own_sentences_again():
    found = set()
    for path in (ROOT / "forecast").rglob("*.py"):
        if cuts_text(ast.parse(path.read_text(encoding="utf-8"))):
            found.add(".".join(path.relative_to(ROOT / "forecast").with_suffix("").parts))
    assert found - set(PARSERS) == set(), "it parses text of nobody else"
    assert set(PARSERS) - found == set(), "it parses nothing any more"


def test_records_know_one_another_in_one_direction():
    imports = {}
    for module in iter_modules(records.__path__):
        tree = ast.parse((ROOT / "forecast/records" / f"{module.name}.py").read_text(encoding="utf-8"))
        wanted = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
        known = (name.removeprefix("forecast.records.") for name in wanted if "forecast.records." in name)
        imports[module.name] = set(known)
    assert tuple(TopologicalSorter(imports).static_order())  # raises CycleError where they know each other
