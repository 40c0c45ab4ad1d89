"""What is said of a forecast: judgement, confidence, assumptions, scenarios.

One rule for report, terminal and page. Likelihood is said in the words of ICD 203, of the probability alone.
Confidence is said apart from it, as ICD 203 asks: low, moderate or high, by the weakest of what the judgement
rests on, with the reasons.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from forecast.events.codebook import CATEGORIES, code_in_words, whose_acts
from forecast.events.dyads import DyadRule
from forecast.phrases.notices import gate_texts
from forecast.phrases.targets import what_counts as counts_of
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    DriftNow,
    MilestoneChange,
    NumberSensitivity,
    ReactionMeasured,
    Sensitivity,
    TrackRecord,
    TrackRow,
    WeightPull,
    own_record,
    windows_like,
)
from forecast.records.forecast import (
    FEWEST_PERIODS,
    ActAssumed,
    Forecast,
    MilestoneForecast,
    RestsOn,
    ScenarioForecast,
    ScenarioKind,
    ScenarioMilestone,
    ScenarioReason,
    Step,
    TargetForecast,
    WaterfallStep,
    least_change,
)
from forecast.records.notices import Notice
from forecast.records.scale import Scale
from forecast.report.palette import name_category
from forecast.streams import StreamLayout
from forecast.targets import TargetRule
from forecast.wording import (
    LEAST_WORDED,
    NO_FORECAST,
    count,
    first_clauses,
    interval_percent,
    listing,
    long_day,
    month_name,
    number,
    odds,
    on_scale,
    percent,
    points,
    short_day,
    shorten,
    shown_percent,
    signed_points,
    small_number,
    times,
    title_in_sentence,
    words,
)

Level = Literal["low", "moderate", "high"]
LEVELS: tuple[Level, ...] = ("low", "moderate", "high")
FEW_CASES, MANY_CASES = 5, 20
"""Past cases below which confidence is low, and from which they allow it to be high."""
WIDE_POINTS, NARROW_POINTS = 40, 20
"""Width of the plausible range above which confidence is low, and up to which it may be high."""
FAR_APART_POINTS, CLOSE_POINTS = 20, 10
"""Distance of the members of a combination, likewise."""
MOST_IN_CHART = 12
"""Milestones that a chart can name and number."""
SENSITIVE = 0.05
"""Pull per doubling of the weight from which a chance counts as sensitive (Kallioinen et al. 2024)."""
OTHER_PAIRS = {"pooled_hazard": "other pairs"}
"""What a member is called beside the model where there is no room to explain it."""
FACTOR_APART = 3.0
"""Ratio of what members say from which on it stands beside the number."""
LEAST_SHOWN = 0.01
"""Change of a chance below which a table says ``≈``: it may turn a rounded figure, and tells nothing."""
_NONE = 0.0005
"""Least bound of a change that is told."""
_CERTAIN = 1e-9
"""Distance from 0 or 1 within which a chance is stated, and not computed."""
NO_BACKTEST = "This run has no backtest."
NEVER_TESTED = "Never tested: no backtest of this event so far ahead."
STEP_NAMES: dict[Step, str] = {
    "base_rate": "base rate",
    "own_rates": "the model",
    "other_pairs": "what other pairs teach",
    "drift": "level of conflict now",
    "tension": "tension now and ahead",
    "reactions": "reactions to future acts",
    "recent_acts": "what past acts still bring about",
    "scheduled_events": "scheduled events",
}
_RESTS_ON: dict[RestsOn, str] = {
    "data-driven": "data",
    "prior-driven": "assumptions",
    "conflict": "both, which pull apart",
    "unclear": "data or assumptions (the draws cannot tell which)",
}
_BY_REASON: dict[str, str] = {
    "never observed": "assumptions (never seen)",
    "too few cases": "few cases",
    "nothing moves it": "both",
}
REASON_WORDS = {
    "never observed": "no case in the data fixes it",
    "too few cases": "one or two fix it poorly",
    "too few draws": "there are too few of them",
    "priors move it little": "more or less weight on the assumptions moves it little",
    "within the noise": "more or less weight on either moves it by no more than Monte Carlo error",
    "nothing moves it": "twice the weight of data or assumptions moves it little",
    "data do not move it": "it moves with the weight of the assumptions, and not with that of the data",
    "priors lower it against the data": "the assumptions lower it against the data",
    "priors raise it against the data": "the assumptions raise it against the data",
    "priors move it more": "it moves more with the weight of the assumptions than with that of the data",
    "data move it more": "it moves more with the weight of the data than with that of the assumptions",
}
METHOD_WORDS = {
    "only_future": "Only the future changes, so the draws of the run serve as they are.",
    "only_priors": "Only priors change: the draws of the run are weighted by the ratio of the priors.",
    "priors_and_future": (
        "Priors and the future change: the draws of the run are weighted by the ratio of the priors."
    ),
    "acts_seen": "The draws of the run are weighted by the chance that each gave to what is seen.",
    "draws_moved": (
        "The parameters are moved to the same quantiles of the new priors and weighted by what the record "
        "says of them there."
    ),
    "reactions_of_record": (
        "The record holds acts that a stated reaction answers, so the model must be fitted again."
    ),
    "past_taken_out": "Past events are taken out, so the model must be fitted again.",
    "weights_not_trusted": (
        "The draws of the run cannot stand for these priors (Pareto k {value:.2f}, at most {limit:g} "
        "allowed)."
    ),
    "too_few_effective_draws": (
        "Too few draws of the run fit these priors ({value:.0f} effective draws, at least {limit:.0f} "
        "needed)."
    ),
}
_POOR_DATA = {
    "few_events": "few events",
    "stale_events": "no recent events",
    "one_episode": "one episode holds {} of the events",
    "late_start": "part of the record is not used",
    "prior_far_from_data": "assumed rates are far from the data",
}
_MOST_CASES_NAMED = 4
_LONG_TITLE = 36
"""Signs of a title from which on a label has its first clause; of two titles half of them each."""
_LARGEST_LOG = 9.0
"""Log odds beyond which a linear rate of change says nothing."""
_RATE = "baseline.weekly_rate"
_ASSUMPTIONS = {
    _RATE: "Base rate: {kind}",
    "tension.scale": "Size of swings in tension",
    "tension.persistence": "How long tension lasts",
    "tension.loading": "Tie to tension: {kind}",
    "drift.scale": "Size of drift over years",
    "answers.number": "Answers by {kind}",
    "answers.in_kind": "Answers in kind by {kind}",
    "answers.half_life_days": "Half-life of answers",
    "answers.severity": "Answers to graver acts",
    "answers.gravity": "Gravity of answers",
    "follow_on.number": "Cooperation that follows",
    "follow_on.half_life_days": "Half-life of what follows cooperation",
    "reaction.number": "Chance of an answer: {kind}",
    "reaction.half_life_days": "Half-life of answers: {kind}",
    "reaction.severity": "Answers to graver triggers: {kind}",
    "reaction.gravity": "Gravity of answers: {kind}",
    "ballast": "Calming: {kind}",
    "ballast.half_life_days": "Half-life of calming",
}
"""Label of each group of priors."""
_ANSWERERS = {"same_side": "the side that acted", "other_side": "the other side"}
Titles = Mapping[str, str]
"""What people call targets, reactions and rates of a run, by name."""
NO_TITLES: Titles = {}


def capitalised(text: str) -> str:
    """Return a text with its first letter large, and the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"


def plural(number: int, one: str, more: str) -> str:
    """Return the word that goes with a number of things."""
    return one if number == 1 else more


# The headline and its milestone


def headline_pair(forecast: Forecast) -> tuple[TargetForecast, MilestoneForecast]:
    """Return the target and the milestone of the bottom line (``KeyError`` where there is none)."""
    target = forecast.target(forecast.headline.target)
    return target, named(target.milestones, forecast.headline.milestone)


def named[M: MilestoneForecast](milestones: tuple[M, ...], name: str) -> M:
    """Return the milestone of that name (``KeyError`` when there is none)."""
    return {milestone.name: milestone for milestone in milestones}[name]


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


def days_ahead(forecast: Forecast) -> int:
    """Days after the as-of date and before the headline's milestone: those of the window that is asked of."""
    return (headline_pair(forecast)[1].date - forecast.as_of).days - 1


def judgement_sentence(forecast: Forecast) -> str:
    """The answer to the headline question in one sentence: likelihood and plausible range first."""
    target, milestone = headline_pair(forecast)
    # Within the sentence, or whoever quotes it leaves the range out.
    return question_sentence(target, milestone, f", plausible range {interval_percent(milestone.interval90)}")


def question_sentence(target: TargetForecast, milestone: MilestoneForecast, range_said: str = "") -> str:
    """The answer to one question in one sentence, with the likelihood first."""
    like = f", {_cases(target)}," if target.cases else ""
    name = "" if re.fullmatch(r"within \d+ days", milestone.label) else f" ({milestone.label})"
    subject = f"{title_in_sentence(target.label)}{like} before {long_day(milestone.date)}{name}"
    if milestone.words == NO_FORECAST or (target.grave and milestone.probability < LEAST_WORDED):
        return f"{capitalised(subject)}: {milestone.words}."
    word = words(milestone.probability)
    link = " of" if word.endswith("chance") else ":"
    return f"{word.capitalize()} ({percent(milestone.probability)}{range_said}){link} {subject}."


def _cases(target: TargetForecast) -> str:
    """Months of the past cases, ``"as in August 2022 and April 2023"``; of many the day of the last."""
    days = sorted({date(case.date.year, case.date.month, 1) for case in target.cases})
    if len(target.cases) < target.observed_before or len(days) > _MOST_CASES_NAMED:
        return f"most recently on {long_day(max(case.date for case in target.cases))}"
    return f"as in {listing(f'{month_name(day)} {day.year}' for day in days)}"


def base_rate_sentence(forecast: Forecast) -> str:
    """Both base rates, named; of a target that was never seen the one that the waterfall starts from."""
    target, milestone = headline_pair(forecast)
    days, told = f"{days_ahead(forecast):,}", milestone.baseline.told
    few = f"the record holds fewer than {small_number(FEWEST_PERIODS)} periods of {days} days"
    if not target.observed_before:
        share = f"{few}, too few for a share of them."
        if told is not None:
            share = f"smoothing, which allows for what was not yet seen, gives {percent(told)} of past "
            share += f"{days}-day periods."
        return f"Base rate: it has never happened in the data. {capitalised(share)}"
    if told is not None:
        few = f"it happened in {percent(told)} of past {days}-day periods (smoothed)"
    rate, cases = milestone.constant_rate, cases_in_words(target).replace(" past ", " ")
    gives = "" if rate is None else f"; a constant rate from {cases} gives {percent(rate)}"
    return f"Base rates: {few}{gives}."


def what_counts(target: TargetForecast, scale: Scale, longest: int | None = None) -> str:
    """What meets the target: the author's rule, or the anchors of the scale; and whose acts.

    A rule of more than ``longest`` letters is told by kinds and severity, and not cut.
    """
    rule = counts_of(target, scale).rstrip(".")
    if longest is not None and len(rule) >= longest:
        rule = target.definition[:1].upper() + target.definition[1:]
    return f"{rule}. {whose_acts(target.by)}".rstrip()


def seen_before(target: TargetForecast) -> str:
    """How often the target was seen in the data."""
    return f"seen {times(target.observed_before)} in the data" if target.observed_before else "never seen"


def cases_marked(target: TargetForecast, first: date) -> str:
    """Which past cases a chart from a day on marks: ``past cases``, or ``the last 10 of 18 past cases``."""
    shown = sum(case.date >= first for case in target.cases)
    if target.observed_before == len(target.cases) or shown < len(target.cases):
        return "past cases"
    return f"the last {shown} of {target.observed_before:,} past cases"


def counted_as(milestone: MilestoneForecast) -> str:
    """Name the base rate that the waterfall starts from; empty where it is no count of the record."""
    if milestone.constant_rate is not None:
        return "constant rate"
    return "" if milestone.baseline.told is None else "share of past periods"


def step_name(forecast: Forecast, step: WaterfallStep, level: DriftNow | None = None) -> str:
    """Name a step; the base rate by what it counts, and the ``level`` of conflict by what is known of it."""
    counted = counted_as(headline_pair(forecast)[1])
    if step.step == "base_rate":
        return f"Base rate: {counted}" if counted else "No base rate: smoothing alone"
    if step.step == "own_rates" and counted:
        return f"The model instead of a {counted}"
    if step.step == "drift" and level is not None:
        return f"Level of conflict: {level_of_conflict(level)}"
    return capitalised(STEP_NAMES[step.step])


def level_of_conflict(level: DriftNow) -> str:
    """Level of conflict with its interval, e.g. ``1.4 (1.1–1.8) times its average``."""
    least, most = level.interval90
    unclear = ", so perhaps no change" if least < 1 < most else ""
    return f"{number(level.mean, 1)} ({number(least, 1)}–{number(most, 1)}) times its average{unclear}"


def cases_in_words(target: TargetForecast) -> str:
    """How many past cases there are, e.g. ``"two past cases"``; those of one day are one."""
    return f"{small_number(target.observed_before)} past {plural(target.observed_before, 'case', 'cases')}"


def members_say(
    milestone: MilestoneForecast, least_factor: float = FACTOR_APART, shown: Callable[[float], str] = percent
) -> str:
    """What each member says, e.g. ``model 26%, other pairs 7%``; nothing of one, or where less far apart.

    With scheduled events, so that their mean is the forecast.
    """
    members = [member for member in milestone.members or () if member.weight > 0]
    said = [member.said for member in members]
    if len(said) < 2 or max(said) < least_factor * min(said):
        return ""
    shown = odds if milestone.words.startswith("about 1 in") else shown
    each = ((OTHER_PAIRS.get(one.name, one.label), one) for one in members)
    apart = "" if all(one.with_acts is not None for one in members) else " (scheduled events apart)"
    return ", ".join(f"{label} {shown(one.said)}" for label, one in each) + apart


def rests_on_words(label: NumberSensitivity) -> str:
    """What a number rests on in a few words: the one rule of ``docs/sensitivity.md``."""
    return _BY_REASON.get(label.reason) or _RESTS_ON[label.rests_on]


def rests_on_sentence(forecast: Forecast, label: NumberSensitivity) -> str:
    """Say what a number rests on, and why."""
    target = forecast.target(label.target)
    if label.reason == "never observed":
        return "This was never seen in the data, so the number rests on our assumptions."
    if label.reason == "too few cases":
        fix = plural(target.observed_before, "fixes", "fix")
        return f"{capitalised(cases_in_words(target))} {fix} this number poorly."
    if label.rests_on == "conflict":
        data = "raise" if label.data.change > 0 else "lower"
        priors = "raise" if label.priors.change > 0 else "lower"
        return (
            f"Data and assumptions pull apart: trusting the data more would {data} the number, trusting our "
            f"assumptions more would {priors} it."
        )
    if label.rests_on == "unclear":
        why = REASON_WORDS[label.reason]
        return f"The draws cannot tell whether the headline rests on data or on assumptions: {why}."
    return f"The headline rests on {rests_on_words(label)}: {REASON_WORDS[label.reason]}."


def measured_sentences(forecast: Forecast, sensitivity: Sensitivity, *, few: bool) -> Iterator[str]:
    """What moves the headline: each case where they are few, or one event; one assumption; and its range."""
    target, milestone = headline_pair(forecast)
    cases = {case.event_id for case in target.cases} if few else set()
    own = [driver for driver in forecast.drivers if driver.event_id in cases]
    without = [(f"of {long_day(one.date)}", percent(milestone.probability - one.change)) for one in own]
    if without:
        (day, left), *others = without
        more = [f"; without that {day}, {left}" for day, left in others]
        yield f"Without that {day} on record it would be {left}{''.join(more)}."
    elif forecast.drivers and not cases:
        most = max(abs(driver.change) for driver in forecast.drivers)
        yield f"Leaving out one past event changes it by up to {points(max(most, _NONE))}."
    ends = [end for bar in sensitivity.assumptions for end in (bar.lower, bar.upper)]
    if known := [abs(end.change) for end in ends if end.change is not None]:
        told = ", where the draws can tell" if len(known) < len(ends) else ""
        yield f"One step of one assumption changes it by up to {points(max(*known, _NONE))}{told}."
    yield f"Its plausible range is {interval_percent(milestone.interval90)}."


# Confidence


class Reason(NamedTuple):
    """What the judgement rests on, how far that carries, and how it is said."""

    level: Level
    text: str


class Confidence(NamedTuple):
    """The level, by the weakest reason, and all reasons, the weakest first."""

    level: Level
    reasons: tuple[Reason, ...]

    @property
    def sentence(self) -> str:
        """Level and the reasons that hold it there, e.g. ``"Low confidence: only three past cases."``."""
        holding = [reason.text for reason in self.reasons if reason.level == self.level]
        return f"{self.level.capitalize()} confidence: {'; '.join(holding)}."


def confidence(
    forecast: Forecast, record: TrackRecord | None, target: TargetForecast | None = None
) -> Confidence:
    """How sure we are of a target before the headline's milestone, by the weakest of what it rests on."""
    target = target or headline_pair(forecast)[0]
    milestone = named(target.milestones, forecast.headline.milestone)
    found = _reasons(forecast, target, milestone, record)
    reasons = sorted(found, key=lambda reason: LEVELS.index(reason.level))
    return Confidence(reasons[0].level, tuple(reasons))


def _reasons(
    forecast: Forecast, target: TargetForecast, milestone: MilestoneForecast, record: TrackRecord | None
) -> Iterator[Reason]:
    if seen := target.observed_before:
        level = _graded(seen, FEW_CASES, MANY_CASES)
        cases = cases_in_words(target)
        yield Reason(level, f"only {cases}" if level == "low" else cases)
    else:
        yield Reason("low", "no past case, so the figure reflects our assumptions")
    lower, upper = (float(shown_percent(end)) for end in milestone.interval90)
    level = _graded(lower - upper, -WIDE_POINTS, -NARROW_POINTS)
    yield Reason(level, f"a plausible range {upper - lower:.0f} points wide")
    match milestone.rests_on:
        case "prior-driven" if seen >= FEW_CASES:
            yield Reason("low", "the figure rests on assumptions more than on data")
        case "conflict":
            yield Reason("moderate", "assumptions and data pull apart")
        case "data-driven":
            yield Reason("high", "the figure rests on the data")
    members = [member for member in milestone.members or () if member.weight > 0]
    if len(members) > 1:
        shown = [float(shown_percent(member.said)) for member in members]
        level = _graded(min(shown) - max(shown), -FAR_APART_POINTS, -CLOSE_POINTS)
        yield Reason(level, f"the mean of two: {members_say(milestone, 0.0)}")
    poor = dict.fromkeys(
        with_share(_POOR_DATA[one.code], one) for one in forecast.cautions if one.code in _POOR_DATA
    )
    if poor:
        yield Reason("moderate", listing(tuple(poor)))
    if record is None:
        yield Reason("moderate", "no backtest")
    else:
        yield _skill(windows_like(forecast, record, target.name, milestone.date))


def with_share(text: str, caution: Notice) -> str:
    """Put the share of the events that one episode holds into its words; other words have no place for it."""
    if caution.code != "one_episode":
        return text
    events, of = caution["events"], caution["of"]
    return text.format("all" if events == of else "most" if 2 * events > of else "half")


def _graded(value: float, low: float, high: float) -> Level:
    """Level of a value that is better when larger."""
    return "low" if value < low else "high" if value >= high else "moderate"


def _skill(row: TrackRow | None) -> Reason:
    if row is None:
        return Reason("moderate", "not tested so far ahead")
    days = f"{row.horizon_days:,} days ahead"
    if row.claim == "worse":
        return Reason("low", f"worse than the share of past periods {days}")
    if row.claim == "none":
        return Reason("moderate", f"not shown to beat the share of past periods {days}")
    return Reason("high", f"better than the share of past periods {days}")


def record_sentences(forecast: Forecast, tested: TrackRecord | None) -> Iterator[str]:
    """How forecasts of the headline target did at such a distance."""
    record = own_record(forecast, tested)
    if tested is None:
        yield NO_BACKTEST
        return
    if record.never_tested:
        yield NEVER_TESTED
        return
    assert record.highest_said is not None
    assert record.mean_said is not None
    held, episodes = record.held or 0, record.episodes or 0
    apart = "overlapping " if record.overlapping else ""
    periods = f"of {record.windows:,} {apart}test periods of {record.horizon_days:,} days"
    past = f"{small_number(episodes)} past {plural(episodes, 'episode', 'episodes')}".capitalize()
    yield f"{past} fell into {held:,} {periods}." if held else f"It happened in none {periods}."
    came = "it happened" if record.highest_came else "it did not happen"
    average, highest = percent(record.mean_said), percent(record.highest_said)
    yield f"Our forecasts averaged {average}; the highest was {highest} ({came})."
    probability = headline_pair(forecast)[1].probability
    if shown_percent(probability) != shown_percent(record.highest_said) and probability > record.highest_said:
        yield f"Never tested as high as {percent(probability)}."
    beaten = "the share of past periods"
    if record.skill_windows90:
        yield f"Against {beaten}: {skill_span(record.skill_windows90)}."
        beaten = "it"
    if record.claim == "none":
        yield f"Too few cases to say whether we beat {beaten}."


def skill_span(interval: tuple[float, float]) -> str:
    """A 90% interval of a skill as a comparison, e.g. ``"anything from 24% worse to 40% better"``."""
    low, high = (round(100 * end) for end in interval)
    if low < 0 < high:
        return f"anything from {-low}% worse to {high}% better"
    ends = sorted((abs(low), abs(high)))
    span = f"{ends[0]}%" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}%"
    return f"{span} {'worse' if low + high < 0 else 'better'}"


def said_came(row: TrackRow | None) -> str:
    """What forecasts of such a window said on average, and in what share it came, e.g. ``"22 → 23%"``."""
    if row is None:
        return "–"
    came = row.n_hits / row.n
    return f"{percent(row.mean_said)[:-1]} → {percent(came) if 0 < came < 1 else f'{came:.0%}'}"


# Reactions


def trigger_words(one: ReactionMeasured) -> str:
    """Acts that set a reaction off: what its label says of them, or their class."""
    sentence = one.sentence.partition(f"({one.name}): ")[2]
    sentence = code_in_words(sentence)
    found = (re.match(r"(.+?) (?:is|are) (?:answered|followed) by ", text) for text in (one.label, sentence))
    return next((capitalised(match[1]) for match in found if match), one.label)


def answered_words(one: ReactionMeasured) -> str:
    """How many past triggers were answered, beside what chance alone gives, and how the class was chosen."""
    if not one.cases:
        return "no past case whose days are over"
    alone = f" (by chance {percent(one.by_chance)})" if one.by_chance is not None else ""
    sentence = one.sentence.partition(f"({one.name}): ")[2]
    found = re.search(r" is (?:answered|followed) by (.+?) within ", sentence)
    answer = code_in_words(found[1]) if found else "an answer"
    answer = answer if answer.startswith("an ") else f"any {answer}"
    followed = f"followed within {count(one.days, 'day')} by {answer}{alone}"
    above = one.answered > one.cases * (one.by_chance or 0)
    chosen = "; the count may flatter the class if it was chosen after the cases" if above else ""
    return f"{one.answered} of {count(one.cases, 'case')} {followed}{chosen}"


# Errors and changes


def chance(answer: MilestoneForecast | MilestoneChange) -> str:
    """Chance with its interval, e.g. ``"49% (plausible range 21–77%)"``."""
    return f"{percent(answer.probability)} (plausible range {interval_percent(answer.interval90)})"


def shown_error(mcse: float) -> str:
    """Monte Carlo error in percentage points, e.g. ``"±0.4"``; ``"<0.1"`` where that would show nothing."""
    shown = points(mcse).split(" ")[0]
    return "<0.1" if shown == "0.0" else f"±{shown}"


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


# Assumptions


def titles_of(forecast: Forecast, reactions: Titles = NO_TITLES) -> Titles:
    """Titles by which assumptions are named: of reactions, targets, and rates of a part of their acts."""
    # A cell is told from the category that its target is named after.
    titles = dict(reactions) | {
        f"{target.name}.target" if target.name in CATEGORIES else target.name: target.label
        for target in forecast.targets
    }
    rules = (TargetRule(one.name, one.any_of, one.min_severity, one.by) for one in forecast.targets)
    sides = (tuple(side.split("+")) for side in (forecast.dyad.a, forecast.dyad.b))
    layout = StreamLayout(tuple(rules), DyadRule(*sides))
    for at, rate in enumerate(layout.rates):
        streams = [one for one, own in zip(layout.kinds, layout.rate_of, strict=True) if own == at]
        met, kinds = layout.narrowest(streams[0].cell), dict.fromkeys(one.category for one in streams)
        if len(met) == 1 and {*layout.targets[met[0]].any_of} - {*kinds}:
            title = _short_title(forecast.targets[met[0]].label, _LONG_TITLE)
            titles[f"{_RATE}.{rate}"] = f"{title} ({' or '.join(map(code_in_words, kinds))})"
    return titles


def group_of(name: str) -> tuple[str, str]:
    """Group of priors and element that a name is made of; an empty group where none is known."""
    fitting = [group for group in _ASSUMPTIONS if name == group or name.startswith(f"{group}.")]
    group = max(fitting, key=len, default="")
    return group, name.removeprefix(group).removeprefix(".")


def group_label(name: str) -> str:
    """Name of a group of assumptions, e.g. ``base rate`` for ``baseline.weekly_rate``."""
    known = _ASSUMPTIONS.get(name)
    return known.split(":")[0].split(" {")[0].removesuffix(" by").lower() if known else name.replace("_", " ")


def assumption_label(name: str, act: str | None = None, titles: Titles = NO_TITLES) -> str:
    """Short name of an assumption for tables and charts, e.g. ``Calming: visit``, ``Scheduled: A visit``."""
    if act is not None:
        return f"Scheduled: {act}"
    group, element = group_of(name)
    kind = titles.get(name) or _kind(element, titles)
    return _ASSUMPTIONS[group].format(kind=kind) if group else name


def now_text(bar: AssumptionEffect) -> str:
    """What the run assumes, and whether its record has a say in it."""
    return assumed_now(bar) + ("" if bar.told else ", this record cannot tell")


def assumed_now(bar: AssumptionEffect) -> str:
    """What the run assumes; of a chance, whose mean is told elsewhere, that it is the median."""
    return ("median " if bar.now.scale == "chance" else "") + assumed_text(bar.now)


def assumed_text(assumed: Assumed) -> str:
    """What is assumed, on its human scale."""
    return on_scale(assumed.value, assumed.scale)


def _kind(element: str, titles: Titles) -> str:
    """What people call the acts of a stream: those of a cell by the narrowest targets that they meet."""
    if element in _ANSWERERS:
        return _ANSWERERS[element]
    if element in titles:
        return _short_title(titles[element], _LONG_TITLE)
    names = element.split("+")
    if any(name in titles for name in names):
        shown = (_short_title(titles.get(name, code_in_words(name)), _LONG_TITLE // 2) for name in names)
        first, *others = shown
        others = [one if one.startswith("“") else title_in_sentence(one) for one in others]
        return f"{listing((first, *others))} at once"
    what, *more = element.split(".")
    by = f" by {more[-1]}" if more else ""
    return code_in_words(f"{', '.join((what, *more[:-1]))}{by}")


def _short_title(title: str, longest: int) -> str:
    """Return a title as a label has it: up to its first further clause, where it is long."""
    title = re.split(r" (?:is|are) (?:answered|followed) by ", title, maxsplit=1)[0]
    first = re.split(r",? (?:that|which|or|in any|for) |, ", title, maxsplit=1)[0]
    return f"{first}{'”' if first.startswith('“') else ''}" if len(title) > longest else title


def assumptions_pull(sensitivity: NumberSensitivity) -> float:
    """Pull of the assumptions: of all together, or of one group where the others undo it."""
    return max(sensitivity.priors.strength, sensitivity.groups[0].strength)


def odds_factor(pull: WeightPull, probability: float) -> float:
    """What twice the weight multiplies the odds by: the rate of change, carried on upon log odds."""
    room = max(probability * (1 - probability), 1e-9)
    return math.exp(min(max(pull.change / room, -_LARGEST_LOG), _LARGEST_LOG))


def odds_text(pull: WeightPull, probability: float) -> str:
    """The same with its Monte Carlo error, e.g. ``×0.80 ±0.05``."""
    factor = odds_factor(pull, probability)
    error = factor * pull.mcse / max(probability * (1 - probability), 1e-9)
    return f"×{number(factor)} ±{number(error)}"


class MoveEnd(NamedTuple):
    """The headline chance at one end of a move, and what is assumed there."""

    chance: float
    said: str


class Move(NamedTuple):
    """What the headline would be without an event, or with an assumption moved either way."""

    label: str
    ends: tuple[MoveEnd, ...]
    of_event: bool = False


def event_moves(forecast: Forecast, most: int = 4) -> list[Move]:
    """Events whose effect on the headline is clear, left out one at a time, the largest first."""
    _, milestone = headline_pair(forecast)
    least = least_change(milestone.probability)
    clear = [one for one in forecast.drivers if one.clear and abs(one.change) >= least]
    found = []
    for one in sorted(clear, key=lambda driver: -abs(driver.change))[:most]:
        left = min(max(milestone.probability - one.change, 0.0), 1.0)
        label = f"Without {short_day(one.date)}: {first_clauses(one.summary, 66)}"
        found.append(Move(label, (MoveEnd(left, percent(left)),), of_event=True))
    return found


def assumption_moves(sensitivity: Sensitivity, titles: Titles = NO_TITLES, most: int = 6) -> list[Move]:
    """Assumptions that the draws can move one step at least one way, the largest effect first."""
    found: list[Move] = []
    for one in sensitivity.assumptions:
        ends = tuple(
            MoveEnd(end.probability, assumed_text(end.assumed))
            for end in (one.lower, one.upper)
            if end.probability is not None
        )
        if ends and len(found) < most:
            label = assumption_label(one.name, one.act, titles)
            found.append(Move(f"{shorten(label, 70)} ({assumed_text(one.now)})", ends))
    return found


# Scenarios

KINDS: dict[ScenarioKind, tuple[str, str]] = {
    "done": ("this is done", "The change is what the model says that these acts bring about."),
    "given": (
        "this turns out so",
        "The forecast once this is known. The change after an act is what it tells and what it brings about, "
        "together. A belief on one event moves that event and those that include it or lie in it; others "
        "keep their forecast.",
    ),
    "belief": (
        "you believe otherwise",
        "The change is what you put in, carried through the model: no finding.",
    ),
}
"""Of each kind of scenario its head after ``If``, and how its change is read."""


def if_words(kinds: Sequence[ScenarioKind]) -> tuple[str, str]:
    """Return the head of scenarios of these kinds, and how to read their change."""
    heads, read = zip(*(KINDS[kind] for kind in kinds), strict=True)
    mixed = "Several things are changed at once; their parts are not told apart."
    return f"If {listing(heads)}", read[0] if len(kinds) == 1 else mixed


def by_effect(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> list[ScenarioForecast]:
    """Scenarios by kind, done first; in each the largest change first, those without numbers last.

    The change is that of the headline, then of any target. Report and terminal show scenarios in this order.
    """
    kinds = [*KINDS]

    def size(scenario: ScenarioForecast) -> tuple[list[int], bool, float, float]:
        kind = [*map(kinds.index, scenario.kinds)]
        if scenario.withheld:
            return kind, True, 0.0, 0.0
        asked = forecast.headline.milestone
        changes = {
            target.name: abs(named(target.milestones, asked).difference.value) for target in scenario.targets
        }
        known = changes[forecast.headline.target]
        # What a table shows as no change sorts as none, so that the other targets decide.
        return kind, False, -known if known >= LEAST_SHOWN else 0.0, -max(changes.values())

    return sorted(scenarios, key=size)


def scenario_answer(scenario: ScenarioForecast, target: str, milestone: str) -> ScenarioMilestone:
    """Return what a scenario says to one question."""
    return named(scenario.target(target).milestones, milestone)


def reason_sentence(reason: ScenarioReason) -> str:
    """Say why a scenario was computed as it was."""
    return METHOD_WORDS[reason.code].format(**dict(reason))


def method_sentence(scenario: ScenarioForecast) -> str:
    """Name the method with its reason and, of a reweighting, what the weights are worth."""
    worth = ""
    if scenario.method == "reweight" and scenario.effective_draws is not None:
        left = number(scenario.effective_draws, 0)
        worth = f" They are worth {left} independent draws; the errors allow for that."
    return f"{scenario.method}. {reason_sentence(scenario.reason)}{worth}"


def withheld_sentence(scenario: ScenarioForecast, ask: str = "; leave out --no-refit to make it") -> str:
    """Say why a scenario has no numbers, and how to get them."""
    return f"{reason_sentence(scenario.reason)} A new fit takes about as long as the run{ask}."


def trust_sentence(scenario: ScenarioForecast) -> str:
    """Say in one plain sentence how far the numbers of a scenario can be trusted."""
    if scenario.withheld:
        return withheld_sentence(scenario, ask="")
    if scenario.failures:
        failed = "; ".join(gate_texts(scenario.failures))
        return f"The new fit did not converge, so its numbers must not be used: {failed}."
    passed = " The model was fitted again and passed its checks." if scenario.method == "refit" else ""
    return f"{method_sentence(scenario).partition('. ')[2]}{passed}"


def is_assumed(answer: ScenarioMilestone) -> bool:
    """Whether the answer is no result: the scenario itself says that the event happens, or does not.

    However little that changes; of an act that may be the event a part of the change is assumed, and told.
    """
    return answer.difference.value != 0 and min(answer.probability, 1 - answer.probability) < _CERTAIN


def assumed_part(answer: ScenarioMilestone) -> str:
    """The part of a change that acts make which are the event itself; empty where there is none."""
    part = signed_points(answer.by_assumption or 0.0)
    return "" if part == "0.0" or is_assumed(answer) else f"{part} assumed"


def what_it_assumes(scenario: ScenarioForecast, target: str, most: int) -> str:
    """Acts with their chance, those that meet the target first and marked; then what else differs."""

    def told(act: ActAssumed) -> str:
        sure = "certain" if act.probability == 1 else percent(act.probability)
        return f"{'● ' if target in act.meets else ''}{act.label or name_category(act.category)} ({sure})"

    acts = sorted(scenario.acts, key=lambda act: (target not in act.meets, -act.probability))
    parts = [told(act) for act in acts[:most]]
    if len(acts) > most:
        parts.append(f"and {count(len(acts) - most, 'more act')}")
    for change in scenario.expectations:
        moved = f"{percent(change.after)}, from {percent(change.before)}"
        sure = {0.0: "does not happen", 1.0: "certain"}.get(change.after, moved)
        parts.append(f"{change.label} ({sure})")
    if scenario.taken_out:
        parts.append(f"{count(scenario.taken_out, 'past event')} taken out")
    if scenario.priors:
        titles = {one.name: title_in_sentence(one.label) for one in scenario.targets}
        labels = [f"“{assumption_label(name, titles=titles)}”" for name in scenario.priors[:2]]
        labels += [f"{small_number(len(scenario.priors) - 2)} more"] * (len(scenario.priors) > 2)
        parts.append(f"another prior for {listing(labels)}")
    text = "; ".join(filter(None, parts)).replace("; and ", " and ")
    return capitalised(text) or scenario.rests_on or shorten(scenario.rationale, 120)
