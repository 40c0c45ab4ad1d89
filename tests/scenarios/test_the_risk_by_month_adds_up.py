"""Risk by month: the months give the curve back, a known rate is found, and a date matters when it does."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from forecast.simulation import NEVER
from forecast.simulation.probabilities import FirstPassages

from forecast.panel import FutureAct
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.runs.summaries import measure_monthly_risk, months_ahead


def run_with(base, first):
    """A run whose paths meet the headline target on these days, shape (draw, path), and the other never."""
    horizon = base.simulation.horizon_days
    days = np.where(first < horizon, first, NEVER).astype(np.int32)
    hits = FirstPassages(
        ("escalation", "lethal"),
        base.inputs.data.grid.origin,
        np.stack([days, np.full_like(days, NEVER)]),
        None,
        horizon,
        0.0,
    )
    inputs = replace(base.inputs, calendar=())
    return replace(base, inputs=inputs, mixture=Mixture(inputs, DirectAnswers({}), hits))


def draw_days(rate_by_day, shape, seed):
    """First days under a daily hazard, shape (day,): the inverse of its cumulative sum."""
    waits = np.random.default_rng(seed).exponential(size=shape)
    return np.searchsorted(np.cumsum(rate_by_day), waits)


def test_months_cover_the_days_to_the_last_milestone_once():
    months = months_ahead(date(2023, 7, 11), date(2024, 2, 1))
    days = [one.first + timedelta(days=n) for one in months for n in range(one.days)]
    assert days == [date(2023, 7, 11) + timedelta(days=n) for n in range(205)]
    assert all(one.first.month == one.last.month for one in months)
    assert months_ahead(date(2023, 7, 11), date(2023, 7, 11)) == []


@pytest.mark.parametrize("name", ["base", "mixed"])
def test_months_give_the_forecast_at_the_last_milestone_back(name, request):
    run = request.getfixturevalue(name)
    risks = measure_monthly_risk(run)
    assert [one.target for one in risks] == ["escalation", "lethal"]
    for risk in risks:
        asked = run.forecast.target(risk.target).milestones[-1].probability
        assert sum(one.probability for one in risk.months) == pytest.approx(asked, abs=1e-9)
        stays_away = np.prod([1 - one.hazard for one in risk.months])
        assert 1 - stays_away == pytest.approx(asked, abs=1e-9)


def test_a_known_rate_is_the_hazard_of_every_month_and_no_date_matters(base):
    rate = np.full(400, 0.004)
    risk = measure_monthly_risk(run_with(base, draw_days(rate, (1000, 24), 3)))[0]
    for month in risk.months:
        known = -np.expm1(-0.004 * month.days)
        assert abs(month.hazard - known) < 4 * month.hazard_mcse, month.first_day
        assert 0 < month.hazard_mcse < 0.1 * known
    assert not risk.months_differ
    assert not risk.date_matters
    assert risk.sentence.startswith("No date matters: no event is scheduled, and months do not differ")


def test_a_month_of_double_rate_is_found(base):
    rate = np.full(400, 0.004)
    rate[31:62] = 0.008  # August, from an origin of 1 July
    risk = measure_monthly_risk(run_with(base, draw_days(rate, (1000, 24), 4)))[0]
    assert risk.months_differ
    assert risk.highest == date(2022, 8, 1)
    known = 30 * (-np.expm1(-0.008 * 31) / 31 - -np.expm1(-0.004 * 30) / 30)
    assert risk.difference == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize("family", ["model", "mixed"])
def test_a_scheduled_act_that_meets_the_target_makes_its_month_matter(run_of, run_from, family, base):
    inputs = base.inputs if family == "model" else run_of(family).inputs
    act = FutureAct(date(2022, 9, 15), "sanction", 4, 0.3, label="Sweeping controls")
    run = run_from(replace(inputs, calendar=(act,)))
    risk = measure_monthly_risk(run)[0]
    assert risk.date_matters
    by_month = {one.first_day.month: one for one in risk.months}
    september = by_month[9]
    without = september.hazard - september.scheduled
    # Where the act comes by its own chance, 1 − h = (1 − 0.3)(1 − h of the rest).
    assert september.scheduled == pytest.approx(0.3 * (1 - without), abs=0.01)
    assert abs(by_month[8].scheduled) <= 4 * by_month[8].scheduled_mcse + 1e-12
    assert risk.sentence.startswith("September 2022 matters most: scheduled events add ")


def test_dates_stand_in_their_months_and_the_last_milestone_on_the_month_it_closes(base):
    months = measure_monthly_risk(base)[0].months
    dated = {one.label: month.first_day for month in months for one in month.dated}
    assert dated == {
        "A minister visits": date(2022, 9, 1),
        "Autumn": date(2022, 10, 1),
        "New year": date(2022, 12, 1),
    }


def test_a_target_never_seen_has_no_constant_rate_but_past_windows(base):
    lethal = measure_monthly_risk(base)[1]
    assert all(one.constant_rate is None and 0 < one.past_windows < 0.1 for one in lethal.months)
