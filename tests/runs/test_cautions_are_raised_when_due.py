"""Every caution has its code, its numbers and its sentence; none is raised without cause."""

from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from forecast.config import load_config
from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.models.draws import prior_draws, stream_draws
from forecast.models.intensity import chains_end
from forecast.models.survival import Chances
from forecast.phrases.notices import caution_lines, notice_text
from forecast.priors.population import record_priors
from forecast.records.forecast import Diagnostics, Forecast, GateFailure
from forecast.records.notices import NoticeCode
from forecast.runs.cautions import (
    cautions_of,
    far_from_baseline,
    not_converged,
    stale_events,
)
from forecast.runs.inputs import read_inputs
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule

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
ROOT = Path(__file__).resolve().parents[2]


def every(days: int, first: str, last: str, category: str = "visit", severity: int = 2):
    """Rows of one kind at even distance, from the first day to the last."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    steps = range((end - start).days // days + 1)
    return [(start + timedelta(days=days * step), category, severity) for step in steps]


CALM = every(30, "2017-01-03", "2021-12-30")
STEADY = (*CALM, *every(180, "2017-03-01", "2021-12-01", "sanction", 4))
"""Seventy events in five years without a change, ten of them of the target, the last one a few days ago."""
TARGET = ("sanction", 4)


@pytest.fixture
def case(tmp_path):
    """Write rows of (day, category, severity) and a config; return the path of the config."""

    def write(*rows):
        lines = [f"{day},AAA,BBB,{category},{severity}" for day, category, severity in rows]
        text = "\n".join(["date,initiator,target,category,severity", *lines, ""])
        (tmp_path / "events.csv").write_text(text, encoding="utf-8")
        (tmp_path / "case.yaml").write_text(CONFIG, encoding="utf-8")
        return tmp_path / "case.yaml"

    return write


@pytest.fixture
def found(case):
    """Cautions of a run by code; the last one of each."""

    def read(*rows, priors=(), **settings):
        stated = [f"{name.replace('__', '.')}={value}" for name, value in settings.items()]
        stated += [f"model.priors.{prior}" for prior in priors]
        return {one.code: one for one in cautions_of(read_inputs(load_config(case(*rows), stated)))}

    return read


def test_a_steady_record_that_fits_its_priors_raises_no_caution(found):
    assert found(*STEADY) == {}


FEW = [*every(180, "2017-03-01", "2021-12-01", "sanction", 4), *every(90, "2017-01-03", "2021-12-20")]
# One event every 30 days up to 30 September 2019: 33 gaps over 990 days, then 824 days without any.
GAP = [*every(30, "2017-01-13", "2019-09-30"), *every(300, "2017-01-13", "2019-08-01", "sanction", 4)]
CRISIS = every(1, "2019-05-01", "2019-05-31", "sanction", 4)
REST = [row for row in every(50, "2017-01-03", "2021-12-30") if f"{row[0]:%Y-%m}" != "2019-05"]
HARDLY = ("2019-01-01", "sanction", 2)
RAISED = {
    "few": (
        FEW[:29],
        {},
        {"code": "few_events", "events": 29, "needed": 30},
        "Only 29 events in the data, fewer than 30: too few to fix any number.",
    ),
    "never seen": (
        [*CALM, HARDLY],
        {},
        {"code": "few_target_events", "target": "crisis", "events": 0, "days": 0, "needed": 3},
        "Serious crisis: never seen. Its numbers rest on assumptions.",
    ),
    "seen twice": (
        [*CALM, ("2019-05-01", *TARGET), ("2020-05-01", "sanction", 5)],
        {},
        {"code": "few_target_events", "events": 2, "days": 2},
        "Serious crisis: seen twice, fewer than 3 times. So few cases fix its numbers poorly.",
    ),
    "seen on one day": (
        [*CALM, *[("2019-05-01", *TARGET)] * 4],
        {},
        {"code": "few_target_events", "events": 4, "days": 1},
        "Serious crisis: seen once (4 events of a day count once), fewer than 3 times. So few cases "
        "fix its numbers poorly.",
    ),
    "stale": (
        GAP,
        {},
        {
            "code": "stale_events",
            "last_date": "2019-09-30",
            "gap_days": 824,
            "longest_gap_days": 30,
            "probability": pytest.approx((990 / 1814) ** 33, rel=1e-12),
        },
        "Last event 30 September 2019, 27 months before the as-of date: at this",
    ),
    "later rows": (
        [*STEADY, ("2022-01-02", "visit", 2), ("2022-03-05", "visit", 2)],
        {},
        {"code": "events_after_as_of", "rows": 2, "first": "2022-01-02", "last": "2022-03-05"},
        "2 rows of the file became known after the as-of date, between 2 January 2022 and 5 March 2022, and "
        "were left out.",
    ),
    "late start": (
        STEADY,
        {"events__start": "2018-01-01"},
        {"code": "late_start", "start": "2018-01-01", "first_date": "2017-01-03", "rows": 15},
        "The config starts on 1 January 2018: 15 earlier rows of the file, from 3 January 2017 on, were not "
        "used.",
    ),
    "every week": (
        every(7, "2017-01-03", "2021-12-30", *TARGET),
        {},
        {"code": "target_saturated", "unit": "week", "met": pytest.approx(260, abs=1), "of": 261},
        "Serious crisis: met in 261 of 261 weeks",
    ),
    "every month": (
        every(28, "2017-01-03", "2021-12-30", *TARGET),
        {},
        {"code": "target_saturated", "unit": "month", "met": 60, "of": 60},
        "Serious crisis: met in 60 of 60 months",
    ),
    "one episode": (
        [*CRISIS, *REST[:20]],
        {},
        {"code": "one_episode", "events": 31, "of": 51, "first": "2019-05-01", "last": "2019-05-31"},
        "31 of 51 events lie between 1 May 2019 and 31 May 2019: the data tell of one",
    ),
    # 70 acts in 1,827 days: 1.166 a month. The prior has 14 rates: three kinds of
    # cooperation, five of conflict by two sides, and the target.
    "priors far off": (
        STEADY,
        {"priors": ("baseline.weekly_rate=LogNormal(mu=-1, sigma=1)",)},
        {
            "code": "prior_far_from_data",
            "stream": None,
            "prior_acts_a_month": pytest.approx(14 * np.exp(-1) * 365.25 / 84),
            "data_acts_a_month": pytest.approx(len(STEADY) / (1827 / 7) * 365.25 / 84),
        },
        "The priors imply 22 acts a month, the data hold 1.2: more than 10 times apart. Check model.priors "
        "and events.start.",
    ),
    "one prior far off": (
        STEADY,
        {"priors": ("baseline.weekly_rate.visit=LogNormal(mu=-9, sigma=0.1)",)},
        {"code": "prior_far_from_data", "stream": "visit"},
        "The priors imply 0.00054 acts of visit a month, the data hold 1",
    ),
}


@pytest.mark.parametrize("name", RAISED)
def test_a_caution_has_its_numbers_and_its_sentence(found, name):
    rows, settings, expected, sentence = RAISED[name]
    caution = found(*rows, **settings)[expected["code"]]
    values = caution.model_dump()
    assert {key: values[key] for key in expected} == expected
    assert notice_text(caution).startswith(sentence)


@pytest.mark.parametrize(
    ("rows", "settings", "code"),
    [
        (FEW[:30], {}, "few_events"),
        ([*CALM, *((f"20{year}-05-01", *TARGET) for year in (18, 19, 20))], {}, "few_target_events"),
        (GAP, {"as_of": "2019-10-20"}, "stale_events"),
        (every(40, "2017-01-03", "2021-12-30", *TARGET), {}, "target_saturated"),
        ([*CRISIS, *REST], {}, "one_episode"),
        # 14 × e^−2.1 × 4.348 = 7.5 a month
        (STEADY, {"priors": ("baseline.weekly_rate=LogNormal(mu=-2.1, sigma=1)",)}, "prior_far_from_data"),
        (STEADY, {"model__family": "pooled_hazard"}, "learned_later"),
    ],
)
def test_just_short_of_its_limit_a_caution_is_not_raised(found, rows, settings, code):
    assert code not in found(*rows, **settings)


def test_targets_hardly_seen_share_one_line(case):
    path = case(*CALM, ("2019-05-01", *TARGET), ("2019-06-01", "military_incident", 2))
    war = "targets:\n  war: {any_of: [military_incident], min_severity: 5, label: War}\n"
    path.write_text(CONFIG.replace("targets:\n", war), encoding="utf-8")
    lines = caution_lines(cautions_of(read_inputs(load_config(path))))
    assert lines[0] == (
        "Seen fewer than 3 times: War, never seen; Serious crisis, seen once. So "
        "few cases fix their numbers poorly; those of a target never seen rest on assumptions."
    )
    assert not any("Serious crisis" in line for line in lines[1:])


DAILY = tuple(f"2017-01-{day:02}" for day in range(1, 31))


@pytest.mark.parametrize(
    ("days", "as_of", "stale"),
    [
        # 1 gap of 10 days: (10 / (10 + g)) < 0.01 from 991 days on
        (("2017-01-01", "2017-01-11"), "2019-09-28", False),
        (("2017-01-01", "2017-01-11"), "2019-09-30", True),
        # every day for a month, but a shorter gap than 14 days changes no forecast
        (DAILY, "2017-02-12", False),
        (DAILY, "2017-02-13", True),
        # bursts with a pause of half a year between them: a pause of four months was there before
        ((*DAILY, *(day.replace("-01-", "-07-", 1) for day in DAILY)), "2017-11-30", False),
        # one day has no pace: a year is the limit
        (("2017-01-01", "2017-01-01"), "2017-12-31", False),
        (("2017-01-01",), "2018-01-01", True),
    ],
)
def test_staleness_follows_the_gaps_of_the_record(coded, days, as_of, stale):
    table = coded(*((day, "visit", 2) for day in days))
    assert bool(stale_events(table.date, np.datetime64(as_of, "D"))) is stale


def test_a_fit_that_failed_its_gates_is_a_caution():
    known = {"rhat_max": 1.0, "ess_bulk_min": 900, "ess_tail_min": 900, "divergences": 0, "bfmi_min": 0.9}
    assert not_converged(Diagnostics(**known, failures=())) == ()
    failed = GateFailure(code="rhat", quantity="x", value=1.2, limit=1.01)
    (caution,) = not_converged(Diagnostics(**known, failures=(failed,)))
    assert (caution.code, caution["failures"]) == ("not_converged", 1)


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
    target = Forecast.model_validate_json((ROOT / "reports/sample/forecast.json").read_bytes()).targets[0]
    first, *others = target.milestones
    base = first.baseline.model_copy(update={"probability": baseline, "periods": 3})
    asked = first.model_copy(update={"probability": probability, "baseline": base})
    changed = target.model_copy(update={"milestones": (*others, asked)})
    cautions = far_from_baseline([changed])
    assert [(one["target"], one["milestone"]) for one in cautions] == [(target.name, asked.name)] * far
    # A record that holds less than three such periods has no share to compare with.
    few = asked.model_copy(update={"baseline": base.model_copy(update={"periods": 2})})
    assert far_from_baseline([target.model_copy(update={"milestones": (*others, few)})]) == ()


def test_what_was_learned_after_the_as_of_date_is_told(found):
    early = [*every(30, "1992-01-03", "1996-12-30"), *every(180, "1992-03-01", "1996-12-01", "sanction", 4)]
    settings = {"as_of": "1997-01-01", "events__start": "1992-01-01", "model__family": "pooled_hazard"}
    told = found(*early, **settings, milestones="[{name: new-year, date: 1998-01-01}]")["learned_later"]
    assert (told["parts"], told["last"]) == (["priors", "pooled hazard"], "2004-06-30")


def test_a_record_far_longer_than_those_learned_from_is_told_where_the_panel_answers(found):
    def told(first, family):
        acts = every(60, f"{first}-01-03", "2021-12-30")
        cases = every(600, f"{first}-03-01", "2021-12-01", "sanction", 4)
        return found(*acts, *cases, model__family=family, events__start=f"{first}-01-01")

    # The longest record that the shipped coefficients were learned from, first act to last.
    longer = told(1940, "pooled_hazard")["longer_than_learned"]
    assert (round(longer["years"]), round(longer["longest"])) == (82, 44)
    assert "longer_than_learned" in told(1940, "combined")
    assert "longer_than_learned" not in told(1940, "model")
    assert "longer_than_learned" not in told(1990, "pooled_hazard")


def test_a_target_of_a_kind_that_no_pair_taught_is_told_where_the_panel_answers(found):
    visits = {"targets__talks": "{any_of: [visit], min_severity: 1, label: Talks}"}
    for family, told in (("pooled_hazard", True), ("combined", True), ("model", False)):
        assert ("kind_not_learned" in found(*STEADY, model__family=family, **visits)) is told
    assert found(*STEADY, model__family="pooled_hazard", **visits)["kind_not_learned"]["target"] == "talks"


def test_every_code_of_a_caution_stands_on_the_page_that_explains_them():
    source = (ROOT / "forecast/runs/cautions.py").read_text(encoding="utf-8")
    codes = {code for code in get_args(NoticeCode) if f'"{code}"' in source} | {"saturated_scale"}
    page = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    assert len(codes) > 15
    assert [code for code in sorted(codes) if f"| `{code}` |" not in page] == []


START, WEEKS, DAYS = date(2010, 1, 4), 60, 364


@pytest.fixture
def chances(coded):
    rows = [
        (START + timedelta(days=day), category, severity)
        for category, severity, every in (("visit", 2, 20), ("sanction", 2, 12), ("dispute", 4, 90))
        for day in range(0, 7 * WEEKS, every)
    ]
    layout = stream_layout((TargetRule("major", ("sanction", "dispute"), 4),), DyadRule(("A",), ("B",)))
    data = acts_of(coded(*rows), TimeGrid(START, START + timedelta(days=7 * WEEKS)), layout)
    # Tension and drift hardly move the rates, so that one future is like another; graver acts do no more.
    small = ("tension.scale", "drift.scale", "answers.severity", "answers.gravity", "follow_on.number")
    calm = dict.fromkeys(small[:4], "LogNormal(mu=-4, sigma=0.1)") | {small[4]: "few"}

    def of(**changes: str) -> Chances:
        stated = calm | {name.replace("__", "."): one for name, one in changes.items()}
        priors = record_priors(data, None).changed(stated, "config")
        variables = prior_draws(priors, 4, data.grid.n_knots, np.random.default_rng(3))
        return Chances(data, priors, stream_draws(layout, variables, priors), DAYS, 1)

    return of


@pytest.mark.parametrize(("number", "ends"), [(0.9, True), (1.1, False)])
def test_chains_end_where_an_act_brings_about_less_than_one(chances, number, ends):
    # So many answers an act of conflict, half by the same side; no burst is large enough to bring fewer.
    stated = f"LogNormal(mu={np.log(number / 2)}, sigma=0.01)"
    made = chances(answers__number=stated, answers__most="LogNormal(mu=7, sigma=0.1)")
    assert chains_end(made).tolist() == [ends] * len(made.draws)
