"""Risk by month: the months give the curve back, a known rate is found, and a date matters when it does."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.models.survival import Survival
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.scenarios.answer import milestone_day
from forecast.sensitivity.months import measure_monthly_risk, months_ahead
from forecast.targets import FutureAct
from forecast.wording import month_span

N_DRAWS, SHAPE, RATE = 1000, 4.0, 0.004


def run_with(base, rate_by_day, seed):
    """A run whose draws meet the headline target at these daily hazards, shape (day,), and the other never.

    In each month each draw has the hazard times a gamma number of mean 1, apart from all others.
    """
    origin = base.inputs.data.grid.origin
    horizon, rng = base.mixture.horizon_days, np.random.default_rng(seed)
    days = [origin + timedelta(days=n) for n in range(horizon)]
    month = np.array([one.year * 12 + one.month for one in days])
    month -= month[0]
    times = rng.gamma(SHAPE, 1 / SHAPE, (N_DRAWS, month[-1] + 1))[:, month]
    alive = np.ones((N_DRAWS, 2, horizon + 1))
    alive[:, 0, 1:] = np.exp(-np.cumsum(rate_by_day[:horizon] * times, axis=1))
    inputs = replace(base.inputs, calendar=())
    survival = Survival(("escalation", "lethal"), origin, alive)
    return replace(base, inputs=inputs, made=Mixture(inputs, DirectAnswers({}), survival))


def chance_within(days, rate=RATE):
    """Mean over draws of the chance that the target is met on so many days of a month."""
    return 1 - (1 + rate * days / SHAPE) ** -SHAPE


def test_months_cover_the_days_to_the_last_milestone_once():
    months = months_ahead(date(2023, 7, 11), date(2024, 2, 1))
    days = [one.first + timedelta(days=n) for one in months for n in range(one.days)]
    assert days == [date(2023, 7, 11) + timedelta(days=n) for n in range(205)]
    assert all(one.first.month == one.last.month for one in months)
    assert months_ahead(date(2023, 7, 11), date(2023, 7, 11)) == []


@pytest.mark.parametrize(
    ("first", "end", "spans"),
    [
        (date(2024, 12, 25), date(2025, 3, 1), [38, 28]),
        (date(2024, 12, 10), date(2025, 2, 1), [22, 31]),
        (date(2024, 12, 1), date(2025, 2, 8), [31, 38]),
        (date(2024, 12, 25), date(2025, 2, 10), [47]),
        (date(2024, 12, 25), date(2025, 1, 16), [22]),
        (date(2024, 12, 25), date(2024, 12, 30), [5]),
    ],
)
def test_a_part_of_a_month_too_short_for_a_rate_joins_its_neighbour(first, end, spans):
    months = months_ahead(first, end)
    assert [one.days for one in months] == spans
    assert months[0].first == first
    assert months[-1].last == end - timedelta(days=1)


def test_a_month_with_a_stub_is_named_by_both():
    assert month_span(date(2024, 12, 25), date(2025, 1, 31)) == "December 2024–January 2025"
    assert month_span(date(2024, 12, 1), date(2024, 12, 31)) == "December 2024"


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
    risk = measure_monthly_risk(run_with(base, np.full(400, RATE), 3))[0]
    for month in risk.months:
        known = chance_within(month.days)
        assert abs(month.hazard - known) < 4 * month.hazard_mcse, month.first_day
        assert 0 < month.hazard_mcse < 0.1 * known
    assert not risk.months_differ
    assert risk.effect is None
    for month in risk.months:
        assert month.in_30_days == pytest.approx(chance_within(30), rel=0.15)


def test_a_month_of_double_rate_is_found(base):
    rate = np.full(400, RATE)
    rate[31:62] = 2 * RATE  # August, from an origin of 1 July
    risk = measure_monthly_risk(run_with(base, rate, 4))[0]
    assert risk.months_differ
    assert risk.highest == date(2022, 8, 1)
    known = chance_within(30, 2 * RATE) - chance_within(30)
    assert abs(risk.difference - known) < 4 * risk.difference_mcse
    assert risk.difference_mcse < 0.1 * known


def test_no_month_after_the_milestone_of_the_headline_is_named(base):
    rate = np.full(400, RATE)
    rate[31:62], rate[123:153] = 2 * RATE, 4 * RATE  # August, and November, after its milestone in autumn
    config = base.inputs.config
    asked = config.model_copy(update={"headline": config.headline.model_copy(update={"milestone": "autumn"})})
    sooner = replace(base, inputs=replace(base.inputs, config=asked))
    risk = measure_monthly_risk(run_with(sooner, rate, 4))[0]
    assert (risk.months_differ, risk.highest) == (True, date(2022, 8, 1))
    assert risk.months[-1].last_day.month == 12


@pytest.mark.parametrize("family", ["model", "mixed"])
def test_a_scheduled_act_that_meets_the_target_makes_its_month_matter(run_of, run_from, family, base):
    inputs = base.inputs if family == "model" else run_of(family).inputs
    act = FutureAct(date(2022, 9, 15), "sanction", 4, 0.3, label="Sweeping controls")
    run = run_from(replace(inputs, calendar=(act,)))
    risk = measure_monthly_risk(run)[0]
    assert risk.effect
    by_month = {one.first_day.month: one for one in risk.months}
    september = by_month[9]
    without = september.hazard - september.scheduled
    # Where the act comes by its own chance, 1 − h = (1 − 0.3)(1 − h of the rest).
    assert september.scheduled == pytest.approx(0.3 * (1 - without), abs=0.01)
    assert abs(by_month[8].scheduled) <= 4 * by_month[8].scheduled_mcse + 1e-12
    assert risk.effect.month == september.first_day
    # At the rate of a month of 30 days the act adds as much.
    assert risk.effect.added == pytest.approx(september.scheduled)
    headline = run.inputs.config.headline
    day = milestone_day(run, headline.milestone)
    whole, plain = (one.probability(headline.target, day) for one in (run.mixture, run.mixture.without_acts))
    assert (risk.effect.chance, risk.effect.without) == (whole, plain)
    # Part of what the act adds to its month only brings the event forward.
    assert 0 < whole - plain < september.scheduled


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
