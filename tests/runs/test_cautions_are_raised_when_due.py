"""Every caution has its code, its numbers and its sentence; none is raised without cause."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.records.forecast import Diagnostics, Forecast, GateFailure
from forecast.records.notices import caution_lines
from forecast.runs.cautions import (
    acts_a_month,
    cautions_of,
    far_from_baseline,
    not_converged,
    one_episode,
    stale_events,
)
from forecast.runs.inputs import read_inputs
from forecast.wording import time_between

CONFIG = """\
name: small
dyad: {a: AAA, b: BBB}
as_of: 2022-01-01
events: {source: events.csv, start: 2017-01-01}
targets:
  crisis: {any_of: [sanction, military_incident], min_severity: 4, label: Serious crisis}
milestones:
  - {name: new-year, date: 2023-01-01}
sampler: {seed: 5}
"""
SAMPLE = Path(__file__).resolve().parents[2] / "reports/sample/forecast.json"


@pytest.fixture
def case(tmp_path):
    """Write rows of (day, category, severity) and a config; return the path of the config."""

    def write(*rows: tuple[date | str, str, int]):
        lines = [f"{day},AAA,BBB,{category},{severity}" for day, category, severity in rows]
        text = "\n".join(["date,initiator,target,category,severity", *lines, ""])
        (tmp_path / "events.csv").write_text(text, encoding="utf-8")
        (tmp_path / "case.yaml").write_text(CONFIG, encoding="utf-8")
        return tmp_path / "case.yaml"

    return write


@pytest.fixture
def found(case):
    """Cautions of a run by code; the last one of each."""

    def read(*rows, priors: tuple[str, ...] = (), **settings: str):
        stated = [f"{name.replace('__', '.')}={value}" for name, value in settings.items()]
        stated += [f"model.priors.{prior}" for prior in priors]
        return {one.code: one for one in cautions_of(read_inputs(load_config(case(*rows), stated)))}

    return read


def every(days: int, first: str, last: str, category: str = "visit", severity: int = 2):
    """Rows of one kind at even distance, from the first day to the last."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [
        (start + timedelta(days=days * step), category, severity)
        for step in range((end - start).days // days + 1)
    ]


STEADY = (*every(30, "2017-01-03", "2021-12-30"), *every(180, "2017-03-01", "2021-12-01", "sanction", 4))
"""Seventy events in five years without a change, ten of them of the target, the last one a few days ago."""


def test_a_steady_record_that_fits_its_priors_raises_no_caution(found):
    assert found(*STEADY) == {}


def test_fewer_than_thirty_events_used_are_few(found):
    rows = [*every(180, "2017-03-01", "2021-12-01", "sanction", 4), *every(90, "2017-01-03", "2021-12-20")]
    assert "few_events" not in found(*rows[:30])
    one = found(*rows[:29])["few_events"]
    assert (one["events"], one["needed"]) == (29, 30)
    assert one.text == "Only 29 events in the data, fewer than 30: every figure rests mostly on assumptions."


@pytest.mark.parametrize(
    ("rows", "events", "days", "said"),
    [
        ((), 0, 0, "Serious crisis: never seen in the data. Its figures rest mostly on assumptions."),
        (
            (("2019-05-01", "sanction", 4), ("2020-05-01", "sanction", 5)),
            2,
            2,
            "Serious crisis: seen twice, fewer than 3 times. Its figures rest mostly on assumptions.",
        ),
        (
            (("2019-05-01", "sanction", 4),) * 4,
            4,
            1,
            "Serious crisis: seen once (4 events of a day count once), fewer than 3 times. Its figures rest "
            "mostly on assumptions.",
        ),
    ],
)
def test_a_target_seen_on_fewer_than_three_days_is_hardly_seen(found, rows, events, days, said):
    calm = every(30, "2017-01-03", "2021-12-30")
    one = found(*calm, ("2019-01-01", "sanction", 2), *rows)["few_target_events"]
    assert (one["target"], one["events"], one["days"], one["needed"]) == ("crisis", events, days, 3)
    assert one.text == said
    thrice = ((f"20{year}-05-01", "sanction", 4) for year in (18, 19, 20))
    assert "few_target_events" not in found(*calm, *thrice)


def test_targets_hardly_seen_share_one_line(case):
    rows = (*every(30, "2017-01-03", "2021-12-30"), ("2019-05-01", "sanction", 4))
    path = case(*rows, ("2019-06-01", "military_incident", 2))
    war = "targets:\n  war: {any_of: [military_incident], min_severity: 5, label: War}\n"
    path.write_text(CONFIG.replace("targets:\n", war), encoding="utf-8")
    lines = caution_lines(cautions_of(read_inputs(load_config(path))))
    assert lines[0] == (
        "Targets seen fewer than 3 times: War, never seen in the data; Serious crisis, seen once. Their "
        "figures rest mostly on assumptions."
    )
    assert not any("Serious crisis" in line for line in lines[1:])


def test_a_gap_that_the_pace_of_the_record_rules_out_is_stale(found):
    # One event every 30 days up to 30 September 2019: 33 gaps over 990 days, then 824 days without any.
    rows = [*every(30, "2017-01-13", "2019-09-30"), *every(300, "2017-01-13", "2019-08-01", "sanction", 4)]
    one = found(*rows)["stale_events"]
    assert (one["last_date"], one["gap_days"], one["longest_gap_days"]) == ("2019-09-30", 824, 30)
    assert one["probability"] == pytest.approx((990 / 1814) ** 33, rel=1e-12)
    assert one.text.startswith("Last event 30 September 2019, 27 months before the as-of date: at this")
    assert "stale_events" not in found(*rows, as_of="2019-10-20")


@pytest.mark.parametrize(
    ("days", "as_of", "stale"),
    [
        # 1 gap of 10 days: (10 / (10 + g)) < 0.01 from 991 days on
        (("2017-01-01", "2017-01-11"), "2019-09-28", False),
        (("2017-01-01", "2017-01-11"), "2019-09-30", True),
        # every day for a month, but a shorter gap than 14 days changes no forecast
        (tuple(f"2017-01-{day:02}" for day in range(1, 31)), "2017-02-12", False),
        (tuple(f"2017-01-{day:02}" for day in range(1, 31)), "2017-02-13", True),
        # bursts with a pause of half a year between them: a pause of four months was there before
        (
            (*(f"2017-01-{day:02}" for day in range(1, 31)), *(f"2017-07-{day:02}" for day in range(1, 31))),
            "2017-11-30",
            False,
        ),
        # one day has no pace: a year is the limit
        (("2017-01-01", "2017-01-01"), "2017-12-31", False),
        (("2017-01-01",), "2018-01-01", True),
    ],
)
def test_staleness_follows_the_gaps_of_the_record(coded, days, as_of, stale):
    import numpy as np

    table = coded(*((day, "visit", 2) for day in days))
    assert bool(stale_events(table.date, np.datetime64(as_of, "D"))) is stale


def test_rows_after_the_as_of_date_are_counted(found):
    one = found(*STEADY, ("2022-01-02", "visit", 2), ("2022-03-05", "visit", 2))["events_after_as_of"]
    assert (one["rows"], one["first"], one["last"]) == (2, "2022-01-02", "2022-03-05")
    assert one.text == (
        "2 rows of the file became known after the as-of date, between 2 January 2022 and 5 March 2022, and "
        "were left out."
    )
    one = found(*STEADY, ("2022-01-02", "visit", 2))["events_after_as_of"]
    assert one.text.endswith("after the as-of date, on 2 January 2022, and was left out.")


def test_coding_that_grows_denser_is_told_with_its_month(found):
    # Two acts a month, then ten from January 2020 on.
    rows = [
        (date(year, month, 1 + day), "visit", 2)
        for year in range(2017, 2022)
        for month in range(1, 13)
        for day in range(2 if year < 2020 else 10)
    ]
    one = found(*rows, ("2017-02-20", "sanction", 4))["density_changes"]
    (change,) = one["breaks"]
    assert change["month"] == "2020-01"
    assert (change["before"], change["after"]) == (pytest.approx(73 / 36), 10)
    assert one.text.startswith(
        "Acts a month change their level: 2 to 10 from 2020-01 on. Did the coding change"
    )


def test_a_start_later_than_the_file_is_told_with_the_rows_it_leaves_out(found):
    one = found(*STEADY, events__start="2018-01-01")["late_start"]
    assert (one["start"], one["first_date"], one["rows"]) == ("2018-01-01", "2017-01-03", 15)
    assert one.text == (
        "The config starts on 1 January 2018: 15 earlier rows of the file, from 3 January 2017 on, were not "
        "used."
    )


@pytest.mark.parametrize(
    ("step", "unit", "met", "of"), [(7, "week", 260, 261), (28, "month", 60, 60), (40, None, 0, 0)]
)
def test_a_target_met_in_nearly_every_week_or_month_is_saturated(found, step, unit, met, of):
    one = found(*every(step, "2017-01-03", "2021-12-30", "sanction", 4)).get("target_saturated")
    assert (one and (one["unit"], one["met"], one["of"])) == (unit and (unit, pytest.approx(met, abs=1), of))


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2024-10-17", "2024-11-01", "15 days"),
        ("2024-10-17", "2026-12-20", "26 months"),
        ("2024-10-17", "2026-12-16", "25 months"),
        ("1991-01-07", "2022-01-01", "30 years"),
    ],
)
def test_a_span_is_told_in_days_months_or_years(first, last, said):
    assert time_between(date.fromisoformat(first), date.fromisoformat(last)) == said


@pytest.mark.parametrize(("record_days", "found"), [(1700, False), (1800, True)])
def test_an_episode_lasts_a_fiftieth_of_a_long_record(coded, record_days, found):
    # 35 days from the first to the last: a fiftieth of 1,800 days is 36, of 1,700 days 34.
    days = coded(("2019-06-01", "visit", 1), ("2019-07-06", "visit", 1)).date
    assert bool(one_episode(days.tolist(), record_days)) is found


def test_most_events_in_one_month_are_one_episode(found):
    crisis = every(1, "2019-05-01", "2019-05-31", "sanction", 4)
    rest = [row for row in every(50, "2017-01-03", "2021-12-30") if f"{row[0]:%Y-%m}" != "2019-05"]
    assert (len(crisis), len(rest)) == (31, 36)
    assert "one_episode" not in found(*crisis, *rest)
    one = found(*crisis, *rest[:20])["one_episode"]
    assert (one["events"], one["of"]) == (31, 51)
    assert (one["first"], one["last"]) == ("2019-05-01", "2019-05-31")
    assert one.text.startswith("31 of 51 events lie between 1 May 2019 and 31 May 2019: the data tell of one")


def test_base_rates_more_than_tenfold_from_the_data_are_told_with_both_numbers(found):
    # 70 acts in 1,827 days: 1.166 a month. The prior has nine streams: eight categories, and the target.
    near = found(*STEADY, priors=("baseline.weekly_rate=LogNormal(mu=-1.6, sigma=1)",))
    assert "prior_far_from_data" not in near  # 9 × e^−1.6 × 4.348 = 7.9 a month
    far = ("baseline.weekly_rate=LogNormal(mu=-1, sigma=1)",)
    everything = found(*STEADY, priors=far)["prior_far_from_data"]
    assert everything["stream"] is None
    weeks_a_month = 365.25 / 12 / 7
    assert everything["prior_acts_a_month"] == pytest.approx(9 * 2.718281828**-1 * weeks_a_month)
    assert everything["data_acts_a_month"] == pytest.approx(len(STEADY) / (1827 / 7) * weeks_a_month)
    assert everything.text == (
        "The priors imply 14 acts a month, the data hold 1.2: more than 10 times apart. Check model.priors "
        "and events.start."
    )


def test_one_stated_base_rate_is_compared_with_its_own_stream(found):
    prior = ("baseline.weekly_rate.visit=LogNormal(mu=-9, sigma=0.1)",)
    one = found(*STEADY, priors=prior)["prior_far_from_data"]
    assert one["stream"] == "visit"
    assert one.text.startswith("The priors imply 0.00054 acts of visit a month, the data hold 1")


def test_acts_a_month_of_the_data_are_those_of_the_panel(case):
    inputs = read_inputs(load_config(case(*STEADY)))
    pace = acts_a_month(inputs.data, inputs.priors)
    assert sum(data for _, data in pace.values()) == pytest.approx(len(STEADY) / 1827 * 365.25 / 12)


def test_a_fit_that_failed_its_gates_is_a_caution():
    fine = Diagnostics(
        rhat_max=1.0, ess_bulk_min=900, ess_tail_min=900, divergences=0, bfmi_min=0.9, failures=()
    )
    assert not_converged(fine) == ()
    failures = (GateFailure(code="rhat", quantity="x", value=1.2, limit=1.01),)
    (caution,) = not_converged(fine.model_copy(update={"failures": failures}))
    assert (caution.code, caution["failures"]) == ("not_converged", 1)
    assert caution.text == "The fit failed 1 check of its sampler: do not use the numbers."


@pytest.mark.parametrize(
    ("probability", "baseline", "far"),
    # The odds of 1/3 are 1/2: a twentieth of them are 1/40, a chance of 1/41.
    [
        (1 / 40, 1 / 3, False),
        (1 / 42, 1 / 3, True),
        (1 / 3, 1 / 42, True),
        (0.0, 0.05, False),
        (0.0, 0.1, True),
    ],
)
def test_odds_twenty_times_those_of_the_baseline_are_far_from_it(probability, baseline, far):
    target = Forecast.model_validate_json(SAMPLE.read_bytes()).targets[0]
    first, *others = target.milestones
    asked = first.model_copy(
        update={
            "probability": probability,
            "baseline": first.baseline.model_copy(update={"probability": baseline}),
        }
    )
    found = far_from_baseline([target.model_copy(update={"milestones": (*others, asked)})])
    assert [(one["target"], one["milestone"]) for one in found] == [(target.name, asked.name)] * far


def test_what_was_learned_after_the_as_of_date_is_told(found):
    early = [*every(30, "1992-01-03", "1996-12-30"), *every(180, "1992-03-01", "1996-12-01", "sanction", 4)]
    told = found(
        *early,
        as_of="1997-01-01",
        events__start="1992-01-01",
        milestones="[{name: new-year, date: 1998-01-01}]",
        model__family="panel",
    )
    assert told["learned_later"]["parts"] == ["priors", "pooled hazard"]
    assert told["learned_later"]["last"] == "2004-06-30"
    assert "learned_later" not in found(*STEADY, model__family="panel", priors=())


def test_a_record_far_longer_than_those_learned_from_is_told_where_the_panel_answers(found):
    def told(first, family):
        acts = [
            *every(60, f"{first}-01-03", "2021-12-30"),
            *every(600, f"{first}-03-01", "2021-12-01", "sanction", 4),
        ]
        return found(*acts, model__family=family, events__start=f"{first}-01-01")

    # The longest record that the shipped coefficients were learned from, first act to last.
    longer = told(1940, "panel")["longer_than_learned"]
    assert (round(longer["years"]), round(longer["longest"])) == (82, 44)
    assert "longer_than_learned" in told(1940, "combined")
    assert "longer_than_learned" not in told(1940, "model")
    assert "longer_than_learned" not in told(1990, "panel")


def test_a_target_of_a_kind_that_no_pair_taught_is_told_where_the_panel_answers(found):
    visits = {"targets__talks": "{any_of: [visit], min_severity: 1, label: Talks}"}
    for family, told in (("panel", True), ("combined", True), ("model", False)):
        raised = found(*STEADY, model__family=family, **visits)
        assert ("kind_not_learned" in raised) is told
    assert found(*STEADY, model__family="panel", **visits)["kind_not_learned"]["target"] == "talks"
    assert "kind_not_learned" not in found(*STEADY, model__family="panel", priors=())
