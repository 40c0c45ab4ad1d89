"""A target and its chance before a milestone: rule, likelihood, range, base rates, sources and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from forecast.config.schema import TargetConfig
from forecast.events.codebook import (
    COOPERATIVE,
    SEVERITIES,
    acted,
    actor_in_sentence,
    category_label,
    code_in_words,
    whose_acts,
)
from forecast.events.question import Question
from forecast.records.analysis import Analysis, MilestoneChange, TensionSeries, TrackRow
from forecast.records.base import Scale
from forecast.records.forecast import (
    DatedChance,
    Decision,
    Forecast,
    MemberForecast,
    MilestoneForecast,
    NumberOfEvents,
    OutsideShare,
    OutsideView,
    Reporter,
    Step,
    TargetForecast,
)
from forecast.wording import (
    LEAST_WORDED,
    NO_FORECAST,
    capitalised,
    chance_words,
    count,
    either,
    in_sentence,
    interval_percent,
    listing,
    long_day,
    month_name,
    number,
    percent,
    rounded,
    share,
    signed_points,
    small_number,
    span_in_words,
    times,
    title_in_sentence,
    with_article,
    words,
)

_SHORT = {"model": "first model", "pooled_hazard": "second model"}
"""What members are called where there is no room to explain them."""
FACTOR_APART = 3.0
"""Ratio of what members say from which on it stands beside the number."""
LEAST_SHOWN = 0.01
"""Change of a chance below which a table says ``≈``: it may turn a rounded figure, and tells nothing."""
_NONE = 0.0005
"""Least bound of a change that is told."""
_MOST_CASES_NAMED, _LONGEST_NAME = 4, 60
Titles = Mapping[str, str]
"""What people call targets, reactions and rates of a run, by name."""
NO_TITLES: Titles = {}


def plural(number: int, one: str, more: str) -> str:
    """Return the word that goes with a number of things."""
    return one if number == 1 else more


def chosen_milestones(
    milestones: tuple[MilestoneForecast, ...], always: str, most: int
) -> tuple[MilestoneForecast, ...]:
    """Return at most ``most`` (≥ 3) milestones in order: first, last, the one ``always``, others evenly."""
    last = len(milestones) - 1
    if last < most:
        return milestones
    places = {round(k * last / (most - 1)) for k in range(most)}
    asked = next((k for k, milestone in enumerate(milestones) if milestone.name == always), None)
    if asked is not None and asked not in places:
        places.remove(min(places - {0, last}, key=lambda place: abs(place - asked)))
        places.add(asked)
    return tuple(milestones[place] for place in sorted(places))


def question_sentence(target: TargetForecast, milestone: DatedChance, *, thin: bool = False) -> str:
    """The answer to one question in one sentence, with the likelihood first; none of a ``thin`` record."""
    # A name that only says how many days it lies ahead would say the day twice; the table has long ones.
    unsaid = milestone.name.startswith("days_") or len(milestone.label) > _LONGEST_NAME
    name = "" if unsaid else f" ({milestone.label})"
    subject = f"{title_in_sentence(target.label)} before {long_day(milestone.date)}{name}"
    if thin or (target.grave and milestone.probability < LEAST_WORDED):
        return f"{capitalised(subject)}: {NO_FORECAST if thin else percent(milestone.probability)}."
    word = words(milestone.probability)
    link = " of" if word.endswith("chance") else ":"
    return f"{word.capitalize()} ({percent(milestone.probability)}){link} {subject}."


def fits_sentence(milestone: DatedChance) -> str:
    """The 90% range, e.g. ``"Anything from 19% to 91% fits the evidence (90% range)."``."""
    low, high = map(percent, milestone.interval90)
    ends = f"from {low} {'up' if high.startswith('>') else f'to {high}'}"
    if low.startswith("<"):
        ends = "at all" if high.startswith(">") else f"up to {high}"
    return f"Anything {ends} fits the evidence (90% range)."


def likelihood(target: TargetForecast, milestone: DatedChance, *, thin: bool = False) -> str:
    """Words for a chance; none of a ``thin`` record."""
    return NO_FORECAST if thin else chance_words(milestone.probability, grave=target.grave)


def seen_sentence(target: TargetForecast, days: int) -> str:
    """When a target was seen in so many days of record, by month or the last time; and before it."""
    return f"{_seen_in_record(target, span_in_words(days))}{_seen_before_record(target)}"


def _seen_in_record(target: TargetForecast, span: str) -> str:
    if not target.observed_before:
        return f"Never in {span} of record: the number rests on assumptions and milder acts."
    months = sorted({date(case.date.year, case.date.month, 1) for case in target.cases})
    if len(target.cases) < target.observed_before or len(months) > _MOST_CASES_NAMED:
        last = f", most recently on {long_day(target.cases[-1].date)}" if target.cases else ""
        return f"{capitalised(times(target.observed_before))} in {span}{last}."
    only = "once, in" if target.observed_before == 1 else "only in"
    return f"Seen {only} {listing(f'{month_name(day)} {day.year}' for day in months)} in {span}."


def _seen_before_record(target: TargetForecast) -> str:
    if target.silent_since is None:
        return ""
    told = "last seen on" if target.seen_then else "none since"
    return f" Before the record: {told} {long_day(target.silent_since)}."


def cases_evenly(target: TargetForecast, days: int) -> str:
    """What a constant rate counts, e.g. ``"Two cases in 6½ years, spread evenly"``."""
    return f"{_cases_in(target, days)}, spread evenly"


def _cases_in(target: TargetForecast, days: int) -> str:
    number = target.observed_before
    cases = f"{small_number(number)} {plural(number, 'case', 'cases')}"
    return f"{capitalised(cases)} in {span_in_words(days)}"


def periods_with_one(days: int) -> str:
    """Name the share of past periods of a length in which a target happened."""
    return f"Past periods of {span_in_words(days)} with one"


def quiet_record_allows(days: int) -> str:
    """Name the bound that a record of so many days without a target sets to its chance."""
    return f"Upper bound after {span_in_words(days)} without one"


def highest_tested(*, came: bool) -> str:
    """Name the highest chance that a backtest forecast, and what came of it."""
    return f"Highest chance in past tests ({'it came' if came else 'it did not come'})"


def tests_of_row(chance: float, row: TrackRow | None) -> str:
    """How a chance stands beside the tests of its question as far ahead."""
    if row is None:
        return "never tested"
    beyond = f", none above {percent(row.highest_said)}" if chance > row.highest_said else ""
    return f"tests said {percent(row.mean_said)}{beyond}; {share(row.n_hits / row.n)} came true"


def without_event(day: date) -> str:
    """Name the chance without the past event that moves it most."""
    return f"Without the event of {long_day(day)}"


def member_alone(member: MemberForecast) -> str:
    """Name what one member of a combination says."""
    return f"{capitalised(_SHORT.get(member.name, member.label))} alone"


def scale_in_words(milestone: DatedChance, ticks: Sequence[tuple[float, str, str]]) -> str:
    """Say in words what the scale of the answer draws."""
    beside = "; ".join(f"{text}: {shown}" for _, shown, text in ticks)
    now, span = percent(milestone.probability), interval_percent(milestone.interval90)
    return f"Scale from 0 to 100%: {now}, range {span}. {beside}"


def mostly_other(counts: Mapping[str, int]) -> str:
    """What the days of a target were mostly, e.g. ``"mostly trade and diplomacy: 13 of 16"``."""
    kind, most = max(counts.items(), key=lambda one: one[1])
    whole = sum(counts.values())
    return f"mostly {kind}: {most} of {whole}" if 2 * most > whole else ""


def dates_alike(occasions: Sequence[str]) -> str:
    """Say that milestones are dates, of which the model knows only the ``occasions`` that reactions name."""
    named = f", except {listing(f'“{one}”' for one in occasions)}" if occasions else ""
    return f"In the model no date adds risk by itself{named}."


_NO_OUTSIDE = {
    "no_such_kind": "such events were not counted there",
    "one_side": "there, events were counted whoever acted",
    "no_quiet": "one came in the last half-year or in this crisis; there, all came after quiet",
    "no_such_case": "none was in this situation",
}


def outside_tick(view: OutsideView, share: OutsideShare) -> str:
    """Name the share of other pairs in the same situation in which such an event followed."""
    where = "in quiet" if view.crisis_days is None else "in a crisis"
    return f"Other pairs {where}, within {count(share.days, 'day')}"


def outside_view_sentence(view: OutsideView, days: int = 30) -> str:
    """How often such an event followed where other pairs stood as these do now; else why nothing tells."""
    if view.missing:
        return f"Not compared with other pairs: {_NO_OUTSIDE[view.missing]}."
    share = min(view.shares, key=lambda share: abs(share.days - days))
    cases = "quiet months" if view.crisis_days is None else "crises"
    if view.first:
        cases = "first-time crises" if cases == "crises" else "quiet months without an earlier case"
    age = f" and {count(view.crisis_days, 'day')} into the crisis" if view.crisis_days else ""
    return (
        f"Of {share.cases:,} {cases} of {view.pairs} other {plural(view.pairs, 'pair', 'pairs')}, "
        f"{share.followed:,} ({percent(share.followed / share.cases)}) brought such an event within "
        f"{share.days} days; with each source given the same weight{age}, {percent(share.share)} "
        f"({interval_percent(share.interval90)})."
    )


def rule_and_actors(target: TargetForecast, scale: Scale, longest: int | None = None) -> str:
    """What meets the target (by kinds and severity, if that is over ``longest`` letters), and whose acts."""
    rule = what_counts(target, scale).rstrip(".")
    if longest is not None and len(rule) >= longest:
        rule = capitalised(target_rule_text(target))
    return f"{rule}. {whose_acts(target.by)}".rstrip()


def number_sentence(number: NumberOfEvents, milestone: DatedChance) -> str:
    """How many, e.g. ``"Expected before 5 November 2024: 0.9, at most 3 in nine of ten futures."``."""
    most = number.most_in(0.9)
    bound = f"at most {most:,}" if most else "none"
    mean = expected_number(number.expected)
    return f"Expected before {long_day(milestone.date)}: {mean}, {bound} in nine of ten futures."


def expected_number(mean: float) -> str:
    """A mean number of events."""
    return "less than 0.1" if mean < 0.095 else f"{mean:.1f}" if mean < 9.95 else f"{mean:,.0f}"


def seen_before(target: TargetForecast) -> str:
    """How often the target was seen in the data."""
    return f"seen {times(target.observed_before)}" if target.observed_before else "never seen"


def cases_marked(target: TargetForecast, first: date) -> str:
    """Which past cases a chart from a day on marks: ``past cases``, or ``the last 10 of 18 past cases``."""
    shown = sum(case.date >= first for case in target.cases)
    if target.observed_before == len(target.cases) or shown < len(target.cases):
        return "past cases"
    return f"the last {shown} of {target.observed_before:,} past cases"


def step_line(step: Step, target: TargetForecast, days: int, analysis: Analysis, *, second: str) -> str:
    """Name a step from the start to the forecast; ``second`` is what another model learned from."""
    drift, tension = analysis.drift, analysis.tension
    state = tension_state(tension)
    return {
        "base_rate": f"Start: {in_sentence(_cases_in(target, days))}",
        "own_rates": "Average pace, answers counted apart"
        if target.observed_before
        else "Start: our assumption",
        "other_pairs": f"Mean with a second model, of {second or 'other pairs'}",
        "drift": f"Conflict of recent years {number(drift.mean, 1)} times its average",
        "tension": f"Relations {state} than usual" if state else "Tension near its average",
        "reactions": "New acts that are answered in turn",
        "recent_acts": "After-effects of recent acts",
        "scheduled_events": "Scheduled events",
    }[step]


def only_reporting(without: float) -> str:
    """State the forecast if a higher level of conflict is only fuller reporting."""
    return f"{percent(without)} if only reporting grew"


_USUAL = 0.25
"""Distance of tension from its average, in its standard deviations, below which it counts as usual."""


def tension_state(tension: TensionSeries) -> str:
    """``calmer`` or ``tenser`` than usual; empty near the average."""
    now = tension.mean[-1]
    return "calmer" if now < -_USUAL else "tenser" if now > _USUAL else ""


def cases_in_words(target: TargetForecast) -> str:
    """How many past cases there are, e.g. ``"two past cases"``; those of one day are one."""
    return f"{small_number(target.observed_before)} past {plural(target.observed_before, 'case', 'cases')}"


def members_say(milestone: MilestoneForecast, least_factor: float = FACTOR_APART) -> str:
    """What each member says, scheduled events included; nothing of one, or where less far apart."""
    members = [member for member in milestone.members or () if member.weight > 0]
    said = [member.with_acts for member in members]
    if len(said) < 2 or max(said) < least_factor * min(said):
        return ""
    each = ((_SHORT.get(one.name, one.label), one) for one in members)
    return ", ".join(f"{label} {percent(one.with_acts)}" for label, one in each)


def chance(answer: MilestoneForecast | MilestoneChange) -> str:
    """Chance with its interval, e.g. ``"49% (plausible range 21–77%)"``."""
    return f"{percent(answer.probability)} (plausible range {interval_percent(answer.interval90)})"


def shown_error(mcse: float) -> str:
    """Monte Carlo error in percentage points, e.g. ``"±0.4"``; ``"<0.1"`` where that would show nothing."""
    shown = abs(rounded(100.0 * mcse, 1))
    return f"±{shown}" if shown else "<0.1"


def shown_change(change: float, mcse: float) -> str:
    """Change in percentage points with its error, e.g. ``"+1.2 ±0.4"``; alone where that is under 0.05."""
    error = shown_error(mcse)
    return f"{signed_points(change)} {error}" if error.startswith("±") else signed_points(change)


def rows_beside(more: int) -> str:
    """Rows of the same day that were left out with an event."""
    return f"and {small_number(more)} more {plural(more, 'row', 'rows')} of that day" if more else ""


def stands_out(change: float, mcse: float) -> bool:
    """Whether a change is more than twice its Monte Carlo error, and shows."""
    return abs(change) > 2 * mcse and signed_points(change) != "0.0"


def target_titles(forecast: Forecast) -> Titles:
    """What people call each target, by name."""
    return {target.name: target.label for target in forecast.targets}


def decision_text(decision: Decision, probability: float) -> str:
    """State whether a headline is a reason to act, by the costs stated."""
    low, high = decision.threshold_range
    span = percent(decision.threshold)
    if low < high:
        span = f"{interval_percent((low, high))} (middle {span})"
    advice = {
        "act": "is above it, so act",
        "wait": "is below it, so wait",
        "depends": "lies within it, so it depends on the costs",
    }[decision.advice]
    return (
        f"By the costs stated, acting pays from {span}: {percent(probability)} {advice}; the chance that "
        f"the true probability is that high is {percent(decision.chance_above)}."
    )


_MOST_KINDS = 2
"""Categories of a target up to which their anchors are quoted without their names."""


def target_rule_text(target: TargetConfig | TargetForecast) -> str:
    """State when a target is met, e.g. ``sanction or dispute of severity 4 or 5 by CHN``."""
    whose = acted(target.acting if isinstance(target, TargetConfig) else target.by)
    return f"{either(map(code_in_words, target.any_of))} of {severity_from(target.min_severity)}{whose}"


def severity_from(least: int) -> str:
    """Severities from one on, e.g. ``severity 4 or 5``."""
    more = {5: "severity 5", 4: "severity 4 or 5", 1: "any severity"}
    return more.get(least, f"severity {least} or more")


def counts_text(
    stated: str | None, any_of: Sequence[str], min_severity: int, anchors: Mapping[str, str]
) -> str:
    """State what counts: in the words of its author, else by the anchors of the least severity."""
    if stated:
        return stated
    worse = "; or more" if {*any_of} & {*COOPERATIVE} else "; or worse"
    return f"{_quoted(any_of, anchors)}{worse if min_severity < SEVERITIES[-1] else ''}."


def does_not_count_text(
    stated: str | None, counts: str | None, any_of: Sequence[str], anchors_below: Mapping[str, str]
) -> str:
    """State what comes close and does not count; nothing where the author says what counts, and not that."""
    # Anchors say what comes close to anchors, and nothing of a rule in the author's own words.
    if stated or counts:
        return stated or ""
    return f"{_quoted(any_of, anchors_below)}." if anchors_below else "Acts of other categories."


def what_counts(target: TargetConfig | TargetForecast, scale: Scale) -> str:
    """State what counts as a target, by a scale where its author does not say it."""
    anchors = anchors_of(target, scale, target.min_severity)
    return counts_text(target.counts, target.any_of, target.min_severity, anchors)


def what_does_not(target: TargetConfig | TargetForecast, scale: Scale) -> str:
    """State what comes close to a target and does not count."""
    anchors = anchors_of(target, scale, target.min_severity - 1)
    return does_not_count_text(target.does_not_count, target.counts, target.any_of, anchors)


def question_read(question: Question, rule: TargetConfig, scale: Scale) -> str:
    """State how a question in words is read: the kind of act, who acts, by when, and what is left out."""
    kinds = either(category_label(kind).lower() for kind in rule.any_of)
    who = acted(rule.acting, actor_in_sentence) or " by either side"
    graver = " or more" if rule.min_severity < SEVERITIES[-1] else ""
    aside = listing(f"'{word}'" for word in question.aside)
    left = f" Left out of the rule: {aside}; any such act counts." if aside else ""
    act = f"{with_article(kinds).lower()} of severity {rule.min_severity}{graver}{who}"
    counts = in_sentence(what_counts(rule, scale)).rstrip(".")
    return f"“{question.text}” is read as {act} before {long_day(question.day)}. That counts: {counts}.{left}"


def anchors_of(target: TargetConfig | TargetForecast, scale: Scale, severity: int) -> dict[str, str]:
    """Return what acts of the categories of a target are like at a severity; none below the least."""
    return {kind: scale.anchor(kind, severity) for kind in target.any_of} if severity else {}


def _quoted(any_of: Sequence[str], anchors: Mapping[str, str]) -> str:
    """Anchors by category, each named where they are many."""
    texts = [(kind, anchors[kind].rstrip(".")) for kind in any_of if kind in anchors]
    if len(texts) > _MOST_KINDS:
        return "; ".join(
            f"{in_sentence(category_label(kind)) if place else category_label(kind)} – {in_sentence(text)}"
            for place, (kind, text) in enumerate(texts)
        )
    quoted = [text for _, text in texts]
    return "; ".join([*quoted[:1], *map(in_sentence, quoted[1:])])


def reporter_text(reporter: Reporter) -> str:
    """State whose reports settle a question: of rows without a source, those of the coder."""
    if reporter.stated:
        return reporter.stated
    whose = "the sources that {} names" if reporter.sourced else "the coder of {}"
    return whose.format(reporter.events)


_PARTICIPLE = re.compile(
    r"\b(?:\w{2,}ed|broken|shot|cut|sunk|taken|held)\b(?=,|$| (?:or|and|by|off|in|at|down)\b)"
)


def question_text(label: str, dyad: str, as_of: date, milestone: date, reported_by: str) -> str:
    """A target of a dyad and a milestone as a forecasting platform would ask it."""
    # A participle behind its noun ("A consulate closed") makes no question with "happen".
    named = f"“{label}”" if _PARTICIPLE.search(label) else title_in_sentence(label)
    return (
        f"Will {named} ({dyad}) happen after {long_day(as_of)} and before "
        f"{long_day(milestone)}, as reported by {reported_by}?"
    )
