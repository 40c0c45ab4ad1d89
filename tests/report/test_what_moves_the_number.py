"""Reactions, scenarios and assumptions: each shown with what it does to the number, and no more."""

import math
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from forecast import wording
from forecast.blocks import Chart, Table
from forecast.cli.terminal import lines_of
from forecast.events.codebook import SEVERITIES
from forecast.phrases.assumptions import (
    assumed_now,
    assumption_moves,
    event_moves,
    measured_sentences,
    odds_factor,
    rests_on_sentence,
)
from forecast.phrases.reactions import chain, reaction_sentence
from forecast.phrases.scenarios import table_reading, what_it_assumes
from forecast.phrases.sources import confidence
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    FollowedBy,
    NumberSensitivity,
    ReactionCase,
    ReactionEffect,
    ReactionFacts,
    ScheduledAct,
    Sensitivity,
    ShiftEnd,
    WeightPull,
)
from forecast.records.forecast import (
    ActAssumed,
    ActsNamed,
    AnswerNamed,
    BeliefStated,
    Difference,
    ExpectationChanged,
    GateFailure,
    ReactionStated,
)
from forecast.report.charts import draw_moves
from forecast.report.forecast_sections import (
    assumptions_section,
    changes_section,
    moves_section,
    rationales_section,
    scenarios_section,
    sources_section,
)
from forecast.report.page_1 import bottom_line, brief_section
from forecast.report.tables import scenario_comparison, sensitivity_blocks
from forecast.sensitivity.labels import with_labels
from tests.report.conftest import (
    altered,
    each_milestone,
    make_forecast,
    make_records,
    make_scenario,
    said_in,
    table_in,
    with_headline,
)


def case(day, answered=None, *, over=True):
    return ReactionCase(
        date=day, event_id="a", severity=3, what="A <b>visit</b>.", answered_on=answered, over=over
    )


@pytest.fixture
def visits():
    stated = {"name": "visits", "label": "Visits to the island", "days": 14, "chance": "learned"}
    trigger, answer = (
        ActsNamed(category="visit", severities=SEVERITIES),
        AnswerNamed(categories=("sanction",)),
    )
    counts = {"by_severity": (), "by_chance": 0.1}
    return ReactionFacts(
        stated=ReactionStated(**stated, trigger=trigger, answer=answer, uses_record=True),
        cases=11,
        answer=FollowedBy(target=None, followed=4, answers=4, **counts),
        targets=(FollowedBy(target="military_confrontation", followed=3, answers=1, **counts),),
        shown=(
            case(date(2023, 7, 1), over=False),
            case(date(2022, 8, 2), date(2022, 8, 4)),
            *(case(date(2021, 1, day)) for day in range(1, 10)),
        ),
        prior=0.3,
        prior90=(0.03, 0.83),
        chance_stated=False,
        chance=0.45,
        chance90=(0.2, 0.7),
        target="military_confrontation",
        severity=3,
        effects=(
            ReactionEffect(days=7, date=date(2023, 7, 18), probability=0.24, base=0.014, mcse=0.009),
            ReactionEffect(days=None, date=date(2024, 11, 5), probability=0.66, base=0.55, mcse=0.005),
        ),
    )


def test_a_run_without_reactions_has_no_such_section(forecast):
    assert changes_section(make_records(forecast)) is None


def test_a_reaction_is_told_with_its_cases_chance_and_effect(forecast, visits, analysis):
    analysis = altered(analysis, reactions=(visits,))
    section = changes_section(make_records(forecast, analysis))
    said = str(section)
    for sentence in (reaction_sentence(visits.stated, TITLES), *chain(visits, TITLES)):
        assert sentence in said
    (chart,) = (block for block in section.blocks if isinstance(block, Chart))
    lines = {line.get_gid(): len(line.get_xdata()) for line in chart.draw().axes[0].lines}
    drawn = {gid: number for gid, number in lines.items() if gid.startswith("cases:")}
    # Of 2 August 2022 the answer is the event itself; the other cases had no answer.
    assert drawn == {"cases:target": 1, "cases:answer": 0, "cases:none": 10}
    now = forecast.headline_milestone.probability
    up = (*visits.effects[:-1], altered(visits.effects[-1], base=now, probability=now + 0.11))
    fortnight = altered(visits.effects[0], days=14)
    analysis = altered(analysis, reactions=(altered(visits, effects=(fortnight, *up)),))
    front = brief_section(make_records(forecast, analysis))
    first, soon, *_ = table_in(front, "moves-it").groups[0].rows
    assert (first[0].text, first[1].value) == ("Watch for: Visit, severity 3", pytest.approx(now + 0.11))
    assert (soon[0].text, soon[1].text) == ("14 days after it", "1.4 → 24%")
    # The evidence under a chance is of the event that the chance is of.
    assert "“Military confrontation” followed 3 of 11 such acts within 14 days (all one case)." in said_in(
        front
    )
    still = tuple(altered(one, probability=now + 0.0001) for one in up)
    calm = altered(analysis, reactions=(altered(visits, effects=still),))
    rows = table_in(brief_section(make_records(forecast, calm)), "moves-it").groups[0].rows
    assert [cell.text for cell in rows[-1]] == ["Visit, severity 3", "under a point"]
    itself = altered(analysis, reactions=(altered(visits, severity=None, counts_itself=True, effects=()),))
    run = make_records(forecast, itself)
    assert "Visit, severity" not in str(brief_section(run))
    assert "counts as the event itself" in str(changes_section(run))


def test_page_1_shows_scenarios_of_acts_and_facts_before_and_after_the_largest_first(forecast):
    act = {"first_day": DAY, "last_day": DAY, "category": "dispute", "severity": 3, "label": ""}
    done = ActAssumed(**act, probability=1.0, meets=())
    changes = {"small": 0.004, "lower": -0.05, "higher": 0.12, "believed": 0.3, "unclear": 0.02}
    made = [
        altered(
            make_scenario(forecast, name, change, mcse=0.02 if name == "unclear" else 0.002),
            acts=(done if name != "believed" else altered(done, probability=0.5),),
        )
        for name, change in changes.items()
    ]
    shown = table_in(brief_section(make_records(altered(forecast, scenarios=tuple(made)))), "moves-it")
    told = [[cell.text for cell in row] for row in shown.groups[0].rows]
    assert told == [
        [f"Watch for: {made[2].label}", "43 → 55%"],
        [made[4].label, "43 → 45%"],
        [made[1].label, "43 → 38%"],
        ["No new case before 13 Jan 2024", "43 → 29%"],
        [made[0].label, "under a point"],
    ]


def test_all_scheduled_events_before_the_headlines_day_are_printed_and_later_ones_counted(forecast, analysis):
    milestone = forecast.headline_milestone
    acts = tuple(
        ScheduledAct(
            date=milestone.date + timedelta(days=ahead),
            category="visit",
            severity=2,
            probability=0.7,
            label=f"Visit {place}",
        )
        for place, ahead in enumerate([*range(-30, 0), 0, 5])
    )
    table = table_in(sources_section(make_records(forecast, altered(analysis, calendar=acts))), "calendar")
    assert [row[1].text for row in table.groups[0].rows] == [f"Visit {place}" for place in range(30)]
    assert table.title.endswith("After 5 Nov 2024: 2 more events")


def test_a_trigger_before_a_milestone_within_a_week_is_told_without_days_between(forecast, analysis, visits):
    near = altered(analysis, reactions=(altered(visits, effects=visits.effects[-1:]),))
    table = table_in(brief_section(make_records(forecast, near)), "moves-it")
    assert not any("days after it" in row[0].text for row in table.groups[0].rows)


DAY = date(2023, 11, 17)


def section_of(forecast):
    return scenarios_section(make_records(forecast))


def asked_of(forecast, one):
    found = one.target(forecast.headline.target).milestones
    return next(each for each in found if each.name == forecast.headline.milestone)


@pytest.fixture(scope="module")
def assumed(forecast):
    """A scenario that moves every chance by 12 points, 10 of them met by assumption."""
    made = each_milestone(make_scenario(forecast, "balloon", 0.12), by_assumption=0.1)
    act = {"first_day": DAY, "last_day": DAY, "severity": 4}
    shot = {"category": "military_incident", "meets": ("military_confrontation",)} | act
    return altered(
        made,
        acts=(
            ActAssumed(label="A craft is seen", category="dispute", probability=1.0, meets=(), **act),
            ActAssumed(label="It is shot down", probability=0.5, **shot),
        ),
        expectations=(ExpectationChanged(label="Leaders meet", before=0.6, after=0.4),),
        priors=("ballast.visit",),
    )


def test_a_run_without_scenarios_has_no_such_part(forecast):
    assert section_of(forecast) is None
    assert rationales_section(make_records(forecast)) is None


def test_the_table_shows_every_scenario_with_all_targets(forecast):
    gate = GateFailure(code="bfmi", value=0.2, limit=0.3)
    scenarios = (
        make_scenario(forecast, "grave", 0.12),
        make_scenario(forecast, "beliefs", -0.05, method="reweight", pareto_k=0.314, effective_draws=1234.5),
        make_scenario(forecast, "kept-back", 0.3, method="refit", withheld="no_refit"),
        make_scenario(forecast, "failed", 0.02, method="refit", failures=(gate,)),
    )
    forecast = altered(forecast, scenarios=scenarios)
    (table,) = (block for block in section_of(forecast).blocks if isinstance(block, Table))
    (first,), (grave, beliefs, _, kept_back) = (group.rows for group in table.groups)
    assert first[0].text == "This forecast"
    assert grave[1].value == asked_of(forecast, scenarios[0]).probability
    assert grave[1].text == wording.percent(grave[1].value)
    assert (grave[2].text, grave[3].note) == ("+12.0", "+12.0")
    assert beliefs[2].text.startswith("−5.0")
    assert {cell.text for cell in kept_back[1:]} == {"needs a new fit"}
    assert len(grave) == len(table.columns) == 2 + len(forecast.targets)
    said = said_in(rationales_section(make_records(forecast)))
    assert "They are worth 1,235 independent draws; the errors allow for that." in said
    assert "Do not use these numbers: BFMI" in said


@pytest.mark.parametrize(
    ("probability", "change", "by_assumption"),
    [(1.0, 0.3, 0.3), (1.0, 0.004, 0.004), (0.0, -0.007, None)],
    ids=["certain", "nearly certain before", "known not to happen"],
)
def test_a_target_that_is_met_by_assumption_is_no_finding(forecast, probability, change, by_assumption):
    made = each_milestone(
        make_scenario(forecast, "clash", 0.3),
        by_assumption=by_assumption,
        probability=probability,
        difference=Difference(value=change, mcse=0.002),
    )
    forecast = altered(forecast, scenarios=(made,))
    table = table_in(section_of(forecast), "scenarios")
    # No number, no share of past forecasts, and no column for an event that is nowhere but assumed.
    assert [cell.text for cell in table.groups[1].rows[0][1:]] == ["●", ""]
    assert [cell.note for cell in table.groups[1].rows[0][1:]] == ["assumed", ""]
    every = table_in(rationales_section(make_records(forecast)), "all-scenarios")
    assert [cell.text for cell in every.groups[1].rows[0][1:]] == ["●", "", "●", "●"]
    (compared,) = (one for one in scenario_comparison(forecast, [made]) if isinstance(one, Table))
    assert [tuple(cell.text for cell in one.rows[1][2:]) for one in compared.groups] == [("assumed", "")] * 3


def test_the_table_reads_what_it_holds_and_shows_the_events_that_are_moved(forecast):
    moved = make_scenario(forecast, "moved", 0.12)
    others = [one for one in moved.targets if one.name != forecast.headline.target]
    still = altered(
        others[0], milestones=make_scenario(forecast, "still", 0.0).target(others[0].name).milestones
    )
    kept = [still if one.name == still.name else one for one in moved.targets]
    section = section_of(altered(forecast, scenarios=(altered(moved, targets=tuple(kept)),)))
    heads = [one.head for one in table_in(section, "scenarios").columns]
    assert heads[3:] == [forecast.target(others[1].name).label]
    assert table_reading("", 1) in said_in(section)
    assert not [sign for sign in "●≈–→" if sign in said_in(section)]


def test_the_part_that_is_assumed_stands_under_the_change(forecast, assumed):
    forecast = altered(forecast, scenarios=(assumed,))
    row = table_in(section_of(forecast), "scenarios").groups[1].rows[0]
    assert (row[2].text, row[2].note) == ("+12.0", "+10.0 assumed")
    assert row[3].note == "+12.0, +10.0 assumed"


TITLES = {one.name: one.label for one in make_forecast().targets}
ON = {"first_day": DAY, "last_day": DAY}
DONE = ActAssumed(label="", category="dispute", severity=4, probability=1.0, meets=(), **ON)


def believed(ratio, *, from_now):
    return BeliefStated(target="lethal_clash", ratio=ratio, from_now=from_now, **ON)


MEET = ExpectationChanged(label="Leaders meet", before=0.6, after=0.0)
HEADS = (
    ({"acts": (DONE,)}, "If this is done"),
    ({"expectations": (MEET,)}, "If this is done"),
    ({"acts": (DONE,), "taken_out": 2}, "If this is done and you believe otherwise"),
    ({"acts": (altered(DONE, seen=True),)}, "If this turns out so"),
    ({"beliefs": (believed(0.0, from_now=True),)}, "If this turns out so"),
    ({"beliefs": (believed(0.0, from_now=False),)}, "If you believe otherwise"),
    ({"beliefs": (believed(2.0, from_now=True),)}, "If you believe otherwise"),
    ({"acts": (altered(DONE, probability=0.3),)}, "If you believe otherwise"),
    ({"expectations": (altered(MEET, after=0.3),)}, "If you believe otherwise"),
    ({"reactions": ("Drills answer",)}, "If you believe otherwise"),
)


def test_the_table_is_headed_by_the_kinds_of_scenario_and_reads_each(forecast):
    made = make_scenario(forecast, "made", 0.12)
    scenarios = [altered(made, name=f"s{place}", **change) for place, (change, _) in enumerate(HEADS)]
    _, *groups = table_in(section_of(altered(forecast, scenarios=tuple(scenarios))), "scenarios").groups
    heads = Counter(head for _, head in HEADS)
    assert [(one.label, len(one.rows)) for one in groups] == [*heads.items()]
    assert all(one.detail for one in groups)
    told = lines_of([*scenario_comparison(forecast, scenarios)])
    assert "done, belief" in "\n".join(told)


def test_what_is_assumed_is_printed_with_the_acts_that_are_the_event_itself_first(assumed):
    assert what_it_assumes(assumed, "military_confrontation", 5, TITLES) == (
        "● It is shot down (50%); A craft is seen (certain); Leaders meet (40%, from 60%); another prior "
        "for “Calming: visit”"
    )
    assert what_it_assumes(assumed, "lethal_clash", 1, TITLES).startswith(
        "A craft is seen (certain) and 1 more act;"
    )


def pull(name, change):
    return WeightPull(name=name, change=change, mcse=0.004, strength=0.3)


def weeks(value):
    return Assumed(parameter=7 * value, value=value, scale="weeks")


@pytest.fixture(scope="module")
def sensitivity(forecast):
    target, milestone = forecast.headline.target, forecast.headline.milestone
    labels = ("data-driven", "conflict", "prior-driven")
    end = ShiftEnd(assumed=weeks(7.3), probability=0.53, change=0.03, mcse=0.004)
    return Sensitivity(
        target=target,
        milestone=milestone,
        labels=tuple(
            NumberSensitivity(
                target=one.name,
                milestone=each.name,
                rests_on=labels[place],
                reason="priors move it more",
                priors=pull("all priors", -0.021),
                data=pull("data", 0.034),
                groups=(pull("tension.persistence", 0.01),),
            )
            for place, one in enumerate(forecast.targets)
            for each in one.milestones
        ),
        assumptions=(AssumptionEffect(name="tension.persistence", now=weeks(4), lower=end, upper=end),),
    )


@pytest.fixture(scope="module")
def run(forecast, sensitivity, analysis):
    analysis = altered(analysis, sensitivity=sensitivity)
    return make_records(forecast, analysis)


def test_the_terminal_has_every_label_and_change(run, forecast, sensitivity):
    table = next(block for block in sensitivity_blocks(forecast, sensitivity) if isinstance(block, Table))
    said = ("data", "both, which pull apart", "assumptions")
    for group, target, label in zip(table.groups, forecast.targets, said, strict=True):
        assert group.label == target.label
        assert [tuple(cell.text for cell in row[:4]) for row in group.rows] == [
            (
                wording.short_day(one.date),
                wording.percent(one.probability),
                label,
                "0.30",
            )
            for one in target.milestones
        ]
        for row, one in zip(group.rows, target.milestones, strict=True):
            room = one.probability * (1 - one.probability)
            assert math.log(row[4].value) == pytest.approx(-0.021 / room)
            assert math.log(row[6].value) == pytest.approx(0.034 / room)


def test_twice_the_weight_never_takes_a_chance_out_of_its_range():
    for change in (-0.5, -0.05, 0.05, 0.5):
        for probability in (0.001, 0.02, 0.5, 0.98):
            odds = odds_factor(pull("data", change), probability) * probability / (1 - probability)
            assert 0 < odds / (1 + odds) < 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"rests_on": "prior-driven", "reason": "too few cases"},
            "Three past cases fix this number poorly.",
        ),
        (
            {"rests_on": "conflict", "reason": "priors lower it against the data"},
            "trusting the data more would raise the number, trusting our assumptions more would lower it.",
        ),
        (
            {"rests_on": "data-driven", "reason": "nothing moves it"},
            "The headline rests on both: twice the weight of data or assumptions moves it little.",
        ),
        (
            {"rests_on": "unclear", "reason": "within the noise"},
            "Whether the headline rests on data or on assumptions is too uncertain to say: more or less",
        ),
    ],
)
def test_what_the_headline_rests_on_is_said_once_in_a_sentence(forecast, sensitivity, changes, said):
    label = next(one for one in sensitivity.labels if one.target == forecast.headline.target)
    assert said in rests_on_sentence(forecast, altered(label, **changes))


def test_few_cases_are_left_out_one_by_one_and_no_assumption_is_said_to_carry_them(forecast, sensitivity):
    target = forecast.target(forecast.headline.target)
    changes = zip(target.cases[-2:], (0.14, 0.17), strict=True)
    drivers = tuple(
        altered(forecast.drivers[0], event_id=case.event_id, date=case.date, change=change)
        for case, change in changes
    )
    left = altered(with_headline(forecast, probability=0.56, interval90=(0.19, 0.91)), drivers=drivers)
    days = [wording.long_day(case.date) for case in target.cases[-2:]]
    few = [*measured_sentences(left, sensitivity, few=True)]
    assert few == [
        f"Without that of {days[0]} on record it would be 42%; without that of {days[1]}, 39%.",
        "One step of one assumption changes it by up to 3.0 points.",
        "Its plausible range is 19–91%.",
    ]
    assert [*measured_sentences(left, sensitivity, few=False)] == [
        "Leaving out one past event changes it by up to 17.0 points.",
        *few[1:],
    ]
    unknown = altered(sensitivity.assumptions[0].lower, change=None, probability=None, mcse=None)
    bars = (altered(sensitivity.assumptions[0], lower=unknown),)
    said = [*measured_sentences(altered(left, drivers=()), altered(sensitivity, assumptions=bars), few=True)]
    others = "others are too uncertain to show without a new fit"
    assert said[0] == f"One step of one assumption changes it by up to 3.0 points; {others}."


def test_a_run_that_was_not_measured_says_so(forecast):
    assert "was not measured" in said_in(assumptions_section(make_records(forecast)))


def test_what_carries_the_headline_is_a_reason_for_confidence_on_page_1_and_terminal(forecast, sensitivity):
    labelled = with_labels(forecast, sensitivity)
    reasons = [one.text for one in confidence(labelled, None).reasons]
    assert "assumptions and data pull apart" in reasons
    assert "assumptions and data pull apart" not in [one.text for one in confidence(forecast, None).reasons]
    said = confidence(labelled, None).sentence
    assert said in " ".join(lines_of(bottom_line(make_records(labelled))))


def bar(name, *changes):
    """A bar by its change one step down, to 2 weeks, and up, to 7; ``None`` where it needs a refit."""
    lower, upper = (
        ShiftEnd(
            assumed=weeks(assumed),
            probability=None if change is None else 0.5 + change,
            change=change,
            mcse=None if change is None else 0.004,
        )
        for assumed, change in zip((2, 7), changes, strict=True)
    )
    return AssumptionEffect(name=name, now=weeks(4), lower=lower, upper=upper)


@pytest.mark.parametrize(("scale", "said"), [("chance", "median 22%"), ("probability", "22%")])
def test_a_chance_whose_mean_is_told_elsewhere_is_said_to_be_the_median(scale, said):
    now = Assumed(parameter=0.25, value=0.22, scale=scale)
    assert assumed_now(altered(bar("reaction.number.line", -0.05, 0.07), now=now)) == said


def test_each_event_and_each_known_end_of_an_assumption_is_a_dot_on_the_scale_of_the_chance(
    forecast, sensitivity
):
    bars = (
        bar("wide", -0.05, 0.07),
        bar("tension.persistence", 0.01, 0.03),
        bar("ballast.military_force", None, -0.02),
        bar("none", None, None),
    )
    events = event_moves(with_headline(forecast, probability=0.5))
    moves = [*events[:2], *assumption_moves(altered(sensitivity, assumptions=bars))]
    asked = forecast.headline_milestone
    figure = draw_moves(altered(asked, probability=0.5, interval90=(0.2, 0.8)), moves)
    figure.canvas.draw()
    (axes,) = figure.axes
    names = [name.get_window_extent() for name in axes.get_yticklabels()]
    assert not any(one.overlaps(below) for one, below in pairwise(names))
    dots = {line.get_gid(): line.get_xdata() for line in axes.lines if "move:" in str(line.get_gid())}
    largest = max(forecast.drivers, key=lambda driver: abs(driver.change))
    assert dots[f"move:{events[0].label}"] == pytest.approx([0.5 - largest.change])
    assert [[*map(float, dots[f"move:{one.label}"])] for one in moves[2:]] == [
        pytest.approx(ends) for ends in ([0.45, 0.57], [0.51, 0.53], [0.48])
    ]
    assert [one.label for one in moves[2:]] == [
        "wide: 2 or 7 for 4 weeks",
        "How long tension lasts: 2 or 7 for 4 weeks",
        "Calming: military force: 7 for 4 weeks",
    ]


def test_the_page_lists_every_assumption_and_the_pdf_none_of_the_list(run):
    section = moves_section(run)
    assert not section.printed
    assert len(table_in(section, "moves").groups[0].rows) == len(run.analysis.sensitivity.assumptions)
