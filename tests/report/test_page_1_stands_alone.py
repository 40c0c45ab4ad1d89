"""Page 1, read back from the PDF: every number worked out again from the records of the run alone."""

import io
import logging
import math
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.app.engine import page_blocks
from forecast.blocks import Alert, Answer, Rise
from forecast.cli.terminal import lines_of
from forecast.config.schema import ImpactConfig
from forecast.phrases.chances import chosen_milestones, dates_alike, question_sentence, seen_sentence
from forecast.phrases.notices import caution_lines, notice_text
from forecast.phrases.sources import confidence
from forecast.records.analysis import Outcome
from forecast.records.forecast import Baseline, Decision, MemberForecast, OutsideShare, OutsideView
from forecast.records.notices import notice, thin_record
from forecast.report.build import build_report, make_content, render_page, set_pdf, write_figures
from forecast.report.forecast_sections import questions_section
from forecast.report.page_1 import bottom_line, brief_section, parts_of, questions_table, why
from forecast.report.run_records import ReportOptions, read_run_records
from tests.report.conftest import (
    AS_OF,
    EVENTS,
    SIX,
    TARGETS,
    altered,
    each_milestone,
    make_analysis,
    make_forecast,
    make_records,
    summer,
    table_in,
    with_headline,
    with_waterfall,
    write_run,
)

LEVEL = "Level of conflict: 1.2 (0.7–1.9) times its average, so perhaps no change"

FEW, FAILED = notice("few_events", events=12, needed=30), notice("not_converged", failures=2)
GAP = {"gap_days": 99, "longest_gap_days": None, "probability": None}
STALE = notice("stale_events", last_date=date(2023, 4, 2), as_of=AS_OF, **GAP)


def words_of(text):
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="session")
def front(base_run):
    return words_of(PdfReader(base_run / "brief.pdf").pages[0].extract_text())


@pytest.fixture
def page_of(tmp_path):
    """Page 1 of records as a PDF reader has it: ``page_of(run)``."""

    def read(run):
        brief = make_content(run, ("brief",))
        pdf = set_pdf(run, brief, write_figures(brief, tmp_path), ())
        (page,) = PdfReader(io.BytesIO(pdf)).pages
        return page

    return read


def least_type(page):
    sizes = set()

    def note(text, current, matrix, _font, size):
        if text.strip():
            sizes.add(round(size * abs(current[3] * matrix[3]), 2))

    page.extract_text(visitor_text=note)
    assert len(sizes) > 3
    return min(sizes)


def shown(probability):
    """Percent as page 1 shows it, by the rule of docs/report.md."""
    exact = 100 * probability
    if exact < 0.1 or exact > 99.9:
        return "<0.1%" if exact < 50 else ">99.9%"
    digits = 0 if 5 <= exact <= 95 else 1
    text = f"{math.floor(exact * 10**digits + 0.5) / 10**digits:.{digits}f}"
    return f"{text.removesuffix('.0')}%"


def number(text):
    """The number at the head of a cell."""
    return float(text.split()[0].replace("−", "-"))


def test_the_brief_is_one_page_and_the_report_begins_with_it(base_run):
    brief, report = (PdfReader(base_run / name).pages for name in ("brief.pdf", "report.pdf"))
    assert len(brief) == 1
    assert 3 < len(report) <= 8
    # The page counts differ: "1 of 1", "1 of 6".
    first = (words_of(page.extract_text()).strip() for page in (brief[0], report[0]))
    texts = [re.sub(r"\d+ of \d+$", "", one) for one in first]
    assert texts[0] == texts[1]


def test_the_scenario_page_has_the_blocks_of_page_1_on_the_same_scale(base_run):
    run = read_run_records(base_run)
    blocks = [*page_blocks(brief_section(run).blocks)]
    whole = run.forecast.headline_milestone.probability
    steps = next(block.rows for block in blocks if block.heading.startswith("Why "))
    assert [row[1].span for row in steps][-1] == (0, whole)
    assert all(row[1].text for row in steps)
    for said in ("What would move it", "How tense it is now", "How far to trust it"):
        assert said in [block.heading for block in blocks]


def test_a_start_of_40_points_is_a_step(forecast):
    forecast = with_waterfall(forecast)
    first, *steps = forecast.waterfall
    changed = altered(forecast, waterfall=(altered(first, probability=0.4), *steps))
    rows = why(make_records(changed)).groups[0].rows
    assert [row[1].text for row in rows if row[0].text.startswith("Start")] == ["40"]


def scale_of(run):
    (answer,) = (one for one in brief_section(run).blocks if isinstance(one, Answer))
    return answer


def test_the_scale_has_the_counts_of_the_record_and_what_was_tested_in_their_order(forecast, backtest):
    milestone, target = forecast.headline_milestone, forecast.headline_target
    by_hand = 1 - math.exp(-3 / 2381 * (milestone.date - forecast.as_of).days)
    told = with_headline(forecast, baseline=Baseline(name="climatology", probability=0.2, counted=0.18))
    rows = (
        altered(row, horizon_days=483, highest_said=0.44, highest_came=False)
        for row in backtest.record.rows
        if row.target == target.name and row.horizon_days == 30
    )
    largest = altered(forecast.drivers[0], change=0.11, mcse=0.003)
    run = make_records(
        altered(told, drivers=(largest, *forecast.drivers[1:2])),
        track_record=altered(backtest.record, rows=tuple(rows)),
    )
    answer = scale_of(run)
    assert (answer.chance, answer.low, answer.high) == (milestone.probability, *milestone.interval90)
    assert [tick.text for tick in answer.ticks] == [
        "Past periods of 16 months with one",
        f"Without the event of {wording.long_day(largest.date)}",
        "Highest chance in past tests (it did not come)",
        "Three cases in 6½ years, spread evenly",
    ]
    values = [0.18, milestone.probability - 0.11, 0.44, by_hand]
    assert [tick.value for tick in answer.ticks] == pytest.approx(values, abs=2e-3)
    assert all(tick.percent == wording.percent(tick.value) for tick in answer.ticks)


def test_of_an_event_never_seen_the_scale_has_the_bound_of_the_record_and_no_rate(forecast, analysis):
    members = tuple(
        MemberForecast(name=name, label=name, weight=0.5, probability=p, with_acts=p, interval90=(0.1, 0.9))
        for name, p in (("model", 0.26), ("pooled_hazard", 0.07))
    )
    moved = with_headline(forecast, members=members, constant_rate=None)
    never = tuple(altered(one, observed_before=0, cases=()) for one in moved.targets)
    answer = scale_of(make_records(altered(moved, targets=never, drivers=()), analysis))
    days = (forecast.as_of - analysis.data.start).days + 1
    # The rate at which a record of so many days is quiet with 5%.
    bound = 1 - math.exp(-(-math.log(0.05) / days) * forecast.days_ahead)
    assert [(tick.text, tick.value) for tick in answer.ticks] == [
        ("Second model alone", 0.07),
        ("First model alone", 0.26),
        ("Upper bound after 6½ years without one", pytest.approx(bound)),
    ]
    assert "Never in 6½ years of record" in answer.detail


@pytest.mark.parametrize(("days", "placed"), [(365, True), (180, False)])
@pytest.mark.parametrize(("crisis", "where"), [(None, "in quiet"), (3, "in a crisis")])
def test_the_outside_view_is_a_tick_where_it_looks_about_as_far_ahead(forecast, days, placed, crisis, where):
    share = OutsideShare(days=days, cases=120, followed=12, share=0.11, interval90=(0.02, 0.3))
    view = OutsideView(crisis_days=crisis, pairs=40, shares=(share,))
    told = tuple(altered(one, outside=view) for one in forecast.targets)
    ticks = {tick.text: tick.value for tick in scale_of(make_records(altered(forecast, targets=told))).ticks}
    assert (ticks.get(f"Other pairs {where}, within {days} days") == 0.11) is placed


@pytest.mark.parametrize("seen", [0, 3])
@pytest.mark.parametrize("periods", [2, 3])
def test_a_share_of_fewer_than_three_past_periods_is_told_nowhere(forecast, analysis, seen, periods):
    counted = 0.9931 if seen and periods == 3 else None
    base = Baseline(name="climatology", probability=0.9951, periods=periods, counted=counted)
    never = {} if seen else {"constant_rate": None}
    changed = with_headline(forecast, baseline=base, **never)
    targets = tuple(altered(one, observed_before=seen) for one in changed.targets)
    changed = altered(changed, targets=targets)
    run = make_records(with_waterfall(changed), analysis)
    blocks = (*bottom_line(run), table_in(questions_section(run), "milestones"))
    said = " ".join(" ".join(lines_of(blocks)).split())
    assert wording.percent(base.probability) not in said
    assert (wording.percent(0.9931) in said) is (counted is not None)


def test_cases_are_told_by_their_month_and_of_many_the_last_by_its_day(forecast):
    target = forecast.headline_target
    said = seen_sentence(target, 2382)
    assert said == "Seen only in August 2022, February 2023 and April 2023 in 6½ years."
    many = seen_sentence(altered(target, observed_before=22), 2382)
    assert many == f"22 times in 6½ years, most recently on {wording.long_day(target.cases[-1].date)}."
    one = altered(target, observed_before=1, cases=target.cases[:1])
    assert seen_sentence(one, 400) == "Seen once, in August 2022 in 13 months."
    never = altered(target, observed_before=0, cases=(), silent_since=date(1975, 10, 20), seen_then=True)
    assert seen_sentence(never, 2382).endswith(" Before the record: last seen on 20 October 1975.")


def test_every_target_stands_in_a_row_with_all_its_milestones_in_whole_percents(forecast):
    major, *others = forecast.targets
    run = make_records(altered(forecast, targets=(altered(major, observed_before=16), *others)))
    table = questions_table(run)
    milestones = forecast.headline_target.milestones
    assert [column.head for column in table.columns[1:-2]] == [
        wording.short_day(one.date) for one in milestones
    ]
    rows = {row[0].text: row for row in table.groups[0].rows}
    for target in run.forecast.targets:
        name, *chances, span, cases = rows[target.label]
        assert [cell.text for cell in chances] == [
            wording.whole_percent(one.probability) for one in target.milestones
        ]
        assert span.value == target.milestone(forecast.headline.milestone).interval90
        assert cases.text == (str(target.observed_before) if target.observed_before else "none")
        assert (name.weight == "semibold") is (target.name == forecast.headline.target)
    # What counts acts of any kind stands last, with what it mostly was.
    assert [*rows][-1] == "Major escalation"
    assert re.fullmatch(r"mostly trade and diplomacy: \d+ of \d+", rows["Major escalation"][0].note)


def test_a_table_of_small_chances_keeps_their_decimals(forecast):
    small = each_milestone(forecast, probability=0.012, interval90=(0.0004, 0.03))
    (row, *_) = questions_table(make_records(small)).groups[0].rows
    assert [cell.text for cell in row[1:-1]] == [*["1.2%"] * 4, "<0.1–3%"]


def test_a_grave_event_below_5_percent_is_told_in_percent_and_never_as_almost_no_chance(forecast):
    moved = each_milestone(forecast, probability=0.037, interval90=(0.01, 0.12))
    grave = tuple(altered(one, grave=True) for one in moved.targets)
    run = make_records(with_waterfall(altered(forecast, targets=grave)))
    said = " ".join(lines_of(bottom_line(run)))
    assert "3.7%. Anything from 1% to 12% fits" in said
    assert "no chance" not in said


def test_the_steps_go_from_the_count_to_the_forecast_and_add_up_as_printed(forecast):
    forecast = with_waterfall(forecast)
    run = make_records(forecast)
    table = table_in(brief_section(run), "why")
    first, *steps, last = table.groups[0].rows
    now = wording.percent(forecast.headline_milestone.probability)
    assert (table.title, last[1].text) == (f"Why {now}", now)
    assert first[0].text == "Start: three cases in 6½ years"
    assert sum(number(row[1].text) for row in (first, *steps)) == number(now.rstrip("%"))
    # Fuller reporting is asked about, until its author says that coding is complete.
    assert any(row[1].note.endswith("if only reporting grew") for row in steps)
    whole = altered(run.analysis, data=altered(run.analysis.data, coding_complete=True))
    answered = table_in(brief_section(make_records(forecast, whole)), "why")
    assert not any(row[1].note for row in answered.groups[0].rows)
    marks = [row[1].mark for row in (first, *steps, last)]
    assert all(isinstance(one, Rise) for one in marks)
    assert [one.start for one in marks[1:-1]] == pytest.approx([one.end for one in marks[:-2]])
    assert marks[-2].end == marks[-1].end == forecast.headline_milestone.probability


def test_steps_under_a_point_are_one_line_and_one_that_prints_no_point_none(forecast):
    forecast = with_waterfall(forecast)
    start, *steps = forecast.waterfall
    changes = (0.004, 0.003, 0.05, 0.006, 0.0002)
    small = tuple(
        altered(one, change=change, probability=0.0) for one, change in zip(steps, changes, strict=True)
    )
    total = start.probability + sum(changes)
    moved = altered(with_headline(forecast, probability=total), waterfall=(start, *small))
    rows = table_in(brief_section(make_records(moved)), "why").groups[0].rows
    assert [row[0].text for row in rows][2:] == ["4 smaller steps", "This forecast"]
    still = altered(small[2], change=total - start.probability)
    bare = altered(moved, waterfall=(start, still, altered(small[0], change=0.0001)))
    rows = table_in(brief_section(make_records(bare)), "why").groups[0].rows
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("values", "total", "digits", "printed"),
    [
        ((0.3349, 0.014, 0.074), 0.423, 0, ["33", "+2", "+7"]),
        ((0.334, -0.014, 0.074), 0.394, 0, ["33", "−1", "+7"]),
        ((0.0124, 0.0033, 0.0033), 0.019, 1, ["1.2", "+0.4", "+0.3"]),
    ],
)
def test_printed_points_add_up_to_the_printed_total(values, total, digits, printed):
    assert parts_of(values, total, digits) == printed


def test_an_event_never_seen_starts_from_an_assumption_and_not_from_half_a_case(forecast):
    forecast = with_waterfall(forecast)
    never = tuple(altered(one, observed_before=0, cases=()) for one in forecast.targets)
    page = brief_section(make_records(altered(forecast, targets=never)))
    first, *_ = table_in(page, "why").groups[0].rows
    assert "No case before 13 Jan 2024" in [row[0].text for row in table_in(page, "moves-it").groups[0].rows]
    assert (first[0].text, first[1].mark.assumed) == ("Start: our assumption", True)
    assert first[1].mark.end == forecast.waterfall[1].probability


def test_quiet_by_the_next_look_lowers_the_chance_as_conditioning_says(forecast):
    rows = table_in(brief_section(make_records(with_waterfall(forecast))), "moves-it").groups[0].rows
    (quiet,) = [row for row in rows if row[0].text == "No new case before 13 Jan 2024"]
    target = forecast.headline_target
    gone, whole = target.milestones[1].probability, target.milestones[-1].probability
    assert quiet[1].value == pytest.approx((whole - gone) / (1 - gone))


@pytest.mark.parametrize(("events", "share"), [(3, "all"), (4, "most"), (2, "half")])
def test_the_share_of_one_episode_is_said(events, share):
    of = 3 if events == 3 else 4 if events == 2 else 6
    caution = notice("one_episode", events=events, of=of, first=AS_OF, last=AS_OF)
    forecast = with_waterfall(make_forecast(cautions=(caution,)))
    said = f"one episode holds {share} of the events"
    assert said in [one.text for one in confidence(forecast, None).reasons]


def test_what_weakens_the_number_stands_beside_its_step_or_in_a_box():
    kind = notice("kind_not_learned", target="military_confrontation", label="Other kinds")
    run = make_records(with_waterfall(make_forecast(cautions=(STALE, kind, FEW))))
    rows = table_in(brief_section(run), "why").groups[0].rows
    assert [row[0].text for row in rows if row[1].note] == ["Conflict of recent years 1.2 times its average"]
    (box,) = [one for one in brief_section(run).blocks if isinstance(one, Alert)]
    assert box.items == (*caution_lines((STALE, kind, FEW))[:2], "1 more under “Data and limits”.")


@pytest.mark.parametrize(
    ("came_on", "through", "said"),
    [
        (date(2024, 5, 23), date(2024, 12, 1), "came on 23 May 2024."),
        (date(2024, 11, 5), date(2024, 12, 1), "did not come before 5 November 2024."),
        (None, date(2024, 11, 4), "did not come before 5 November 2024."),
        (None, date(2024, 5, 1), "had not come by 1 May 2024, where the event file ends."),
        (None, AS_OF, "Not known: the event file ends on 10 July 2023."),
    ],
)
def test_what_happened_stands_in_a_box_where_it_is_asked_for(forecast, analysis, came_on, through, said):
    outcome = Outcome(target=forecast.headline.target, came_on=came_on, through=through)
    made = [
        brief_section(make_records(forecast, altered(analysis, outcomes=one))) for one in ((), (outcome,))
    ]
    hidden, shown = ([one for one in front.blocks if isinstance(one, Alert)] for front in made)
    (box,) = [one for one in shown if one not in hidden]
    assert box.text == "What happened"
    assert box.items[0].endswith(said)
    assert len(box.items) == 1 or "author may have known" in box.items[1]


def test_when_it_was_made_is_told_on_every_door(front, base_run, forecast):
    said = "as of 10 July 2023 · Made 29 November 2026, in hindsight"
    assert said in front
    assert "Made 29 November 2026, in hindsight" in (base_run / "report.html").read_text("utf-8")
    run = make_records(forecast)
    assert "Made 29 November 2026, in hindsight." in " ".join(lines_of(bottom_line(run)))
    early = altered(run.forecast, made_on=date(2023, 7, 11), hindsight=False)
    assert make_content(replace(run, forecast=early)).meta["made"] == "Made 11 July 2023"


def test_a_record_of_few_events_or_under_a_year_is_stamped_and_no_forecast(forecast):
    for events, days, stamped in ((5, 365, False), (4, 365, True), (900, 364, True)):
        run = make_records(altered(forecast, cautions=tuple(thin_record(events, days))))
        content = make_content(run)
        assert (content.stamp is not None) is stamped
        assert ([part.name for part in content.sections] == ["brief", "data"]) is stamped
        said = " ".join(lines_of(bottom_line(run)))
        assert ("TOO LITTLE RECORD – no forecast." in said) is stamped
        assert (f"Too little record for a forecast: {events} events in {days} days; below" in said) is stamped
        assert (scale_of(run).chance is None, "How far to trust it" in said) == (stamped, not stamped)
        assert ("The last acts on record" in said) is stamped
        assert not stamped or "%" not in said
    target, milestone = forecast.headline_target, forecast.headline_milestone
    said = question_sentence(target, milestone, thin=True)
    assert said.endswith(": too little record for a forecast.")
    assert "%" not in said


def test_whether_to_act_is_said_in_one_sentence_where_costs_are_stated(forecast):
    costs = {"act": (1.0, 1.0), "surprised": (8.0, 20.0), "advice": "act", "chance_above": 0.97}
    stated = Decision(threshold=0.079, threshold_range=(0.05, 0.125), **costs)
    assert "acting pays" not in " ".join(lines_of(bottom_line(make_records(forecast))))
    said = " ".join(lines_of(bottom_line(make_records(altered(forecast, decision=stated)))))
    assert "acting pays from 5–13% (middle 8%): 43% is above it, so act" in said


def test_others_and_that_milestones_are_only_dates_stand_on_page_1(front, forecast, analysis):
    assert "In the model no date adds risk by itself." in front
    assert "Polymarket: 22% on 3 July 2023. Differs: counts blockades only." in front
    assert "Polymarket: 77%" not in front, "of another milestone"
    assert dates_alike(["The vote", "The talks"]) == (
        "In the model no date adds risk by itself, except “The vote” and “The talks”."
    )


def test_what_was_not_measured_is_said_and_what_is_not_there_is_left_out(forecast):
    said = " ".join(lines_of(bottom_line(make_records(forecast))))
    assert (
        f"Why {wording.percent(forecast.headline_milestone.probability)}: Not measured in this run." in said
    )
    assert "This run has no backtest." in said
    assert "Others say" not in said


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("plain", {}),
        ("six by six", {"targets": SIX, "milestones": summer(6)}),
        ("one", {"targets": SIX[1:2], "milestones": summer(1)}),
        ("never seen", {"targets": SIX[2:3]}),
        ("forty cases", {"targets": SIX[:1]}),
        ("long", {}),
        ("unconverged", {"converged": False}),
    ],
)
def test_page_1_is_one_page_of_8_points_and_400_words_whatever_the_run(page_of, paper, case, options):
    forecast = with_waterfall(make_forecast(**options))
    title = "A title of one hundred and forty signs " * 4 if case == "long" else None
    impact = {"lethal_clash": ImpactConfig(level="severe", rationale="No way back.")}
    options = ReportOptions(paper=paper, title=title and title[:140], impact=impact)
    page = page_of(make_records(forecast, make_analysis(), options=options))
    assert least_type(page) >= 8.0
    text = words_of(page.extract_text())
    assert "How far to trust it" in text
    assert len(text.split()) <= 400
    assert ("DID NOT CONVERGE" in text) is (case == "unconverged")


def test_page_1_stays_one_page_and_counts_what_it_leaves_out(page_of):
    milestones = tuple(
        (f"m{k}", f"A milestone with a long name that goes on, number {k}", AS_OF + timedelta(days=12 * k))
        for k in range(1, 41)
    )
    targets = tuple(
        (f"target_{k}", f"Event {k}: {'very ' * 12}long", "A definition. " * 20, 3, 0.001) for k in range(7)
    )
    cautions = tuple(notice("few_events", events=k, needed=30) for k in range(12))
    forecast = make_forecast(milestones=milestones, targets=targets, cautions=cautions)
    run = make_records(forecast)
    page = page_of(run)
    text = words_of(page.extract_text())
    title = questions_table(run).title
    assert title.endswith("1 further event and 36 further milestones on the next page.")
    assert least_type(page) >= 8.0
    assert "10 more under “Data and limits”." in text


def test_cautions_without_a_step_stand_in_a_box_on_page_1_and_in_the_page(page_of, tmp_path):
    run = make_records(make_forecast(cautions=(FEW,)))
    text = words_of(page_of(run).extract_text())
    assert f"Read with caution: {notice_text(FEW)}" in text
    content = make_content(run)
    html = words_of(render_page(run, content.as_json(), write_figures(content, tmp_path)))
    box = '<div class="alert caution" role="note"><p><strong>Read with caution</strong></p>'
    assert f"{box}<ul><li>{notice_text(FEW)}</li></ul></div>" in html


def test_a_failed_fit_is_told_once_in_its_own_box():
    forecast = make_forecast(converged=False, cautions=(FAILED, FEW))
    boxes = [one for one in brief_section(make_records(forecast)).blocks if isinstance(one, Alert)]
    assert [(one.tone, one.items) for one in boxes] == [
        ("alarm", boxes[0].items),
        ("caution", (notice_text(FEW),)),
    ]
    assert notice_text(FAILED) not in boxes[0].items


def test_only_the_parts_chosen_are_in_the_report(tmp_path):
    folder = write_run(tmp_path / "run")
    build_report(folder, ReportOptions(sections=("data", "sources")))
    reader = PdfReader(folder / "report.pdf")
    titles = [mark.title for mark in reader.outline if not isinstance(mark, list)]
    assert titles == ["Where the number comes from", "Data and limits"]
    assert len(PdfReader(folder / "brief.pdf").pages) == 1


def test_the_file_carries_author_day_and_bookmarks_and_no_page_ends_on_a_heading(base_run):
    reader = PdfReader(base_run / "report.pdf")
    assert reader.metadata.author == "A. Analyst"
    assert reader.metadata["/CreationDate"].startswith("D:20261129")
    titles = [mark.title for mark in reader.outline if not isinstance(mark, list)]
    assert {"How far to trust it", "Every event and milestone", "Where the number comes from"} <= set(titles)
    assert titles[-1] == "Method"
    inner = [mark.title for marks in reader.outline if isinstance(marks, list) for mark in marks]
    for page in reader.pages:
        lines = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
        body = [line for line in lines if not line.startswith("Run us-china-2023")]
        assert body[-1] not in (*titles, *inner)


def test_what_is_not_printed_is_attached_as_csv_and_stands_in_the_page(base_run, analysis):
    attached = PdfReader(base_run / "report.pdf").attachments
    assert attached["events.csv"] == [EVENTS.canonical_csv().encode()]
    assert {"parameters.csv", "run.csv"} <= set(attached)
    (parameters,) = attached["parameters.csv"]
    assert len(parameters.decode().splitlines()) == 1 + len(analysis.parameters)
    text = " ".join(page.extract_text() for page in PdfReader(base_run / "report.pdf").pages)
    assert "baseline.weekly_rate" not in text
    assert "baseline.weekly_rate" in (base_run / "report.html").read_text("utf-8")
    assert not PdfReader(base_run / "brief.pdf").attachments


def test_an_unconverged_run_is_stamped_on_every_page_and_names_its_failures(compiled):
    reader = compiled(make_forecast(converged=False))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 3
    assert all("DID NOT CONVERGE – do not use" in text for text in texts)
    assert "R-hat of tension.scale is 1.043, at most 1.01 allowed" in " ".join(texts[0].split())
    assert "do not use these numbers" in texts[0]


def test_forty_milestones_are_all_printed_under_their_target(compiled):
    many = tuple((f"m{i}", f"Milestone {i:02d}", AS_OF + timedelta(days=12 * i)) for i in range(1, 41))
    forecast = make_forecast(milestones=many)
    reader = compiled(forecast)
    rest = " ".join(page.extract_text() for page in list(reader.pages)[1:])
    notes = [column.note for column in questions_table(make_records(forecast)).columns[1:-2]]
    assert len(notes) == 4
    assert (notes[0], notes[-1]) == ("Milestone 01", "Milestone 40")
    for i in range(1, 41):
        assert rest.count(f"· Milestone {i:02d}") == len(TARGETS)


def test_a_selection_keeps_first_last_and_headline_and_never_more_than_asked():
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
