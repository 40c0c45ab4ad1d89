"""What a notebook and a prompt show of a run: short, escaped, with the numbers of ``forecast.json``."""

from datetime import date
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr

from forecast import load_config, wording
from forecast.errors import InputError
from forecast.events.table import EventTable
from forecast.inference.posterior import Posterior
from forecast.models.survival import Survival
from forecast.report.notebook import html_of
from forecast.runs.inputs import read_inputs
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.runs.run import Run
from tests.conftest import an_act
from tests.report.conftest import EVENTS, altered, make_forecast, with_scenarios

HOSTILE = '<script>alert("x")</script>&amp;'


@pytest.fixture(scope="module")
def run(request):
    """A run with the records made for tests, and draws of its own size."""
    inputs = read_inputs(load_config(request.config.rootpath / "configs/us-china-2023.yaml"))
    draws = xr.Dataset({"level": (("chain", "draw"), np.zeros((2, 5)))})
    posterior = Posterior(xr.DataTree.from_dict({"posterior": draws}), 0.9, 10)
    names = tuple(inputs.config.targets)
    ahead = Survival(names, date(2023, 7, 11), np.ones((10, len(names), 485)))
    mixture = Mixture(inputs, DirectAnswers({}), ahead, chances=SimpleNamespace(draws=range(10)))
    return Run(inputs, posterior, mixture, make_forecast())


def tree(html):
    """Parse HTML that is well-formed XML, which is what proves that nothing in it is left open."""
    return ElementTree.fromstring(html.replace("&nbsp;", " "))


def cells(html):
    rows = [["".join(cell.itertext()).strip() for cell in row] for row in tree(html).iter("tr")]
    return [[cell.replace("\xa0", " ") for cell in row] for row in rows]


def test_a_prompt_shows_a_line_not_a_megabyte(run):
    for value in (run, run.forecast, run.inputs, run.events, *run.forecast.targets):
        assert len(repr(value)) < 400, type(value)
        assert "\n" not in repr(value)
    assert repr(run).startswith("Run(Forecast(run_id='us-china-2023-2023-07-10-3f9a1c', as_of=2023-07-10, ")
    curve = run.forecast.targets[0].curve
    assert f"probability=<{len(curve.probability)} items>" in repr(curve)
    assert all(len(repr(one)) < 200 for one in run.forecast.targets[0].milestones)


def test_the_table_of_a_forecast_has_its_numbers(run):
    html = run.forecast._repr_html_()
    rows = cells(html)
    for target in run.forecast.targets:
        for one in target.milestones:
            chance, plausible = wording.percent(one.probability), wording.interval_percent(one.interval90)
            day = f"{wording.short_day(one.date)} · {one.label.split(',')[0]}"
            assert [day, chance, plausible] in [row[:3] for row in rows]
    assert len(html) < 30_000
    assert html_of(run).startswith(html)


def test_scenarios_show_chance_and_change(forecast):
    forecast = with_scenarios(forecast, "A label")
    scenario = next(one for one in forecast.scenarios if not one.withheld)
    one = scenario.targets[0].milestones[0]
    assert wording.signed_points(one.difference.value) in html_of(scenario)
    assert wording.percent(one.probability) in " ".join(cells(html_of(scenario))[1])
    assert scenario.label in html_of(forecast)


def test_events_show_counts_by_kind_and_the_latest_first(run):
    html = run.events._repr_html_()
    assert len(html) < 20_000
    counted = {row[0]: row[1] for row in cells(html) if len(row) == 2}
    assert counted["Visit"] == f"{(run.events.category == 'visit').sum():,}"
    latest = [row[0] for row in cells(html) if len(row) == 4][1:]
    days = run.events.date[-8:][::-1]
    assert latest == [wording.short_day(day.item()) for day in days]


def test_nothing_of_the_data_is_markup(forecast):
    act = an_act(initiator=HOSTILE, summary=HOSTILE)
    events = EventTable.from_events([act], HOSTILE)
    target = altered(forecast.targets[0], label=HOSTILE, definition=HOSTILE)
    dyad = altered(forecast.dyad, label=HOSTILE)
    forecast = altered(forecast, targets=(target, *forecast.targets[1:]), dyad=dyad)
    for value in (events, target, forecast):
        html = html_of(value)
        assert "<script" not in html
        assert "alert" in "".join(tree(html).itertext())


def test_no_events_and_a_fit_that_failed_are_said(forecast):
    assert "No events" in html_of(EVENTS.select(np.zeros(len(EVENTS), dtype=bool)))
    failed = altered(forecast, converged=False)
    assert "DID NOT CONVERGE – do not use these numbers." in html_of(failed)


def test_a_frame_has_a_row_a_milestone_and_day(run):
    frame = run.to_frame()
    one = run.forecast.target("military_confrontation").milestones[-1]
    asked = frame[(frame.what == "forecast") & (frame.who == "forecast")]
    (row,) = asked[(asked.target == "military_confrontation") & (asked.day == str(one.date))].to_dict(
        "records"
    )
    assert (row["chance"], row["low"], row["high"]) == (one.probability, *one.interval90)
    assert row["day"].date() == one.date
    curves = run.to_frame("curves", "polars")
    assert curves.height == sum(len(target.curve.date) for target in run.forecast.targets)
    with pytest.raises(InputError, match="content: got 'all'; expected one of table, curves"):
        run.to_frame("all")
