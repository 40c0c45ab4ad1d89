"""Stamp, failed gates, never-observed targets, sparse runs."""

import logging

import pytest

from forecast.report.page_1 import questions_table
from forecast.report.words import chosen_milestones
from tests.report.conftest import AS_OF, TARGETS, make_forecast, make_records

STAMP = "DID NOT CONVERGE – do not use"


def test_an_unconverged_run_is_stamped_on_every_page_and_names_its_failures(compiled):
    reader = compiled(make_forecast(converged=False))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 3
    assert all(STAMP in text for text in texts)
    assert "R-hat of tension.scale is 1.043, at most 1.01 allowed" in " ".join(texts[0].split())
    assert "do not use these numbers" in texts[0]


def test_forty_milestones_are_all_printed_under_their_target(compiled):
    from datetime import timedelta

    many = tuple((f"m{i}", f"Milestone {i:02d}", AS_OF + timedelta(days=12 * i)) for i in range(1, 41))
    forecast = make_forecast(milestones=many)
    reader = compiled(forecast)
    rest = " ".join(page.extract_text() for page in list(reader.pages)[1:])
    notes = [column.note for column in questions_table(make_records(forecast)).columns[2:]]
    assert len(notes) == 6
    assert (notes[0], notes[-1]) == ("Milestone 01", "Milestone 40")
    for i in range(1, 41):
        assert rest.count(f"· Milestone {i:02d}") == len(TARGETS)


def test_a_selection_keeps_first_last_and_headline_and_never_more_than_asked():
    from datetime import timedelta

    many = tuple((f"m{i}", f"M {i}", AS_OF + timedelta(days=i)) for i in range(1, 201))
    target = make_forecast(milestones=many).targets[0]
    for most in (3, 8, 12):
        for named in ("m1", "m2", "m77", "m199", "m200"):
            names = [one.name for one in chosen_milestones(target.milestones, named, most)]
            assert len(names) == most
            assert {"m1", named, "m200"} <= set(names)
            assert names == sorted(names, key=lambda name: int(name[1:]))
    assert chosen_milestones(target.milestones, "m5", 200) == target.milestones


@pytest.mark.parametrize("paper", [("a4", (595, 842)), ("us-letter", (612, 792))])
def test_paper_is_as_asked_and_typst_has_nothing_to_warn_of(compiled, caplog, paper, forecast):
    name, size = paper
    with caplog.at_level(logging.WARNING, logger="forecast.report"):
        box = compiled(forecast, paper=name).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == size
    assert caplog.records == []
