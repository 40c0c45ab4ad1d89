"""What is on record: questions as they are asked, outcomes, what a file of events settled, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from forecast.events.codebook import acted
from forecast.phrases.chances import (
    counts_text,
    does_not_count_text,
    question_text,
    reporter_text,
    severity_from,
)
from forecast.phrases.notices import enough_text
from forecast.records.analysis import FEWEST_EPISODES, FEWEST_OUTCOMES
from forecast.records.base import Interval
from forecast.records.forecast import Claim
from forecast.records.ledger import (
    Condition,
    Counts,
    ForecastEntry,
    JudgementEntry,
    PersonScore,
    ProbabilityEntry,
    Question,
    ResolutionEntry,
    SealEntry,
    SealScores,
)
from forecast.wording import chance_words, count, interval_percent, listing, long_day, number, percent

_SHOWN_ACTS = 5


def condition_text(condition: Condition) -> str:
    """E.g. ``within 14 days of dispute/taiwan_visit ≥ 3 by USA``."""
    kind = "/".join((condition.category, *condition.subcategory))
    bar = f" ≥ {min(condition.severities)}" if min(condition.severities) > 1 else ""
    by = acted(condition.by)
    return f"within {count(condition.days, 'day')} of {kind}{bar}{by}"


def asked_text(entry: ForecastEntry) -> str:
    """Name of the target, with the condition."""
    condition = entry.question.condition
    return entry.target + (f" {condition_text(condition)}" if condition else "")


def rule_text(question: Question) -> str:
    """State the rule of a question: categories, severity, whose acts, and the scale."""
    severity = "" if question.min_severity == 1 else f" of {severity_from(question.min_severity)}"
    by = acted(question.by or ())
    kinds = " or ".join(kind.replace("_", " ") for kind in question.any_of)
    return f"{kinds}{severity}{by}, scale {question.scale_key}"


def window_text(question: Question) -> str:
    """State between which days an act counts."""
    window = f"after {question.as_of} and before {question.milestone}"
    condition = question.condition
    return f"{condition_text(condition)}, the first {window}" if condition else window


def question_on_record(entry: ForecastEntry) -> Iterator[tuple[str, str]]:
    """Yield how a question was put to people: its text, and what counts, each with its head."""
    rule, question = entry.rule, entry.question
    if rule is None:
        return
    days = question.as_of, question.milestone
    text = question_text(entry.target_label, entry.dyad_label, *days, reporter_text(rule.reporter))
    if condition := question.condition:
        within = condition_text(condition)
        text = f"{within[:1].upper()}{within[1:]}, the first in the window: {text}"
    yield "Question", text
    yield "Counts", counts_text(rule.counts, question.any_of, question.min_severity, rule.anchors)
    below = does_not_count_text(rule.does_not_count, rule.counts, question.any_of, rule.anchors_below)
    if below:
        yield "Does not", below
    yield from (("Edge case", case) for case in rule.edge_cases)


def chance_text(entry: ProbabilityEntry) -> str:
    """State a probability on record, rounded and as it stands."""
    return f"{percent(entry.probability)} ({entry.probability:g})"


def outcome_text(entry: ResolutionEntry) -> str:
    """State what happened to a question, and by which events."""
    acts = ", ".join(entry.acts[:_SHOWN_ACTS]) + (" …" if len(entry.acts) > _SHOWN_ACTS else "")
    answer = f"yes, on {entry.decided_on} ({acts})" if entry.outcome else "no"
    if entry.outcome is None:
        answer = "void, never triggered"
    elif entry.triggered_on:
        answer += f", triggered on {entry.triggered_on}"
    return f"{answer}; by {entry.events_source}, which reaches {entry.through}"


def late_text(entry: ProbabilityEntry) -> str:
    """State that an answer was made late, or by a fit that failed; nothing where all is well."""
    late = " A hindcast: part of the answer could be known." if entry.hindcast else ""
    return late + (" The run did not converge: not scored." if entry.failed else "")


def span_text(entry: ForecastEntry) -> str:
    """State range, error and words of a forecast on record."""
    words = chance_words(entry.probability, grave=entry.grave)
    return f"90% interval {interval_percent(entry.interval90)}, Monte Carlo error {entry.mcse:g}: {words}"


def made_by_text(entry: ForecastEntry) -> str:
    """State which model and version made a forecast, and whether its fit converged."""
    fit = "did not converge: not scored" if entry.failed else "converged"
    return f"{entry.model}, forecast {entry.code_version}; {fit}"


def made_on_text(entry: ProbabilityEntry) -> str:
    """State when an answer was made."""
    late = " (hindcast: part of the answer could be known)" if entry.hindcast else ""
    return f"{entry.made_on:%Y-%m-%d %H:%M:%S} UTC{late}"


def none_on_record_text(path: str) -> str:
    """State that no forecast is listed."""
    return f"{path}: no such forecast on record."


def failed_text(forecasts: int) -> str:
    """State how many of the listed forecasts are of runs that failed."""
    return f"{count(forecasts, 'forecast')} of runs that did not converge: not scored."


def failed_left_out_text(forecasts: int) -> str:
    """State how many forecasts are not listed."""
    return f"{count(forecasts, 'forecast')} of runs that did not converge left out: --failed lists them."


def judged_text(entry: JudgementEntry, label: str, recorded: date) -> str:
    """State whose judgement of which question was put on record, and when it was made."""
    question, made = entry.question, entry.made_on.date()
    late = f", recorded on {long_day(recorded)}" if recorded != made else ""
    days = f"after {long_day(question.as_of)} and before {long_day(question.milestone)}"
    asked = f"“{label}” ({question.pair}), {days}; made on {long_day(made)}{late}"
    return f"On record: {entry.forecaster} on {asked}.{late_text(entry)}"


def pooled_text(probability: float, persons: int) -> str:
    """State the pool of people and model."""
    people = count(persons, "person", "people")
    return f"{percent(probability)} (mean log odds of {people} and the model)"


def conditional_text(entry: ForecastEntry) -> str:
    """State which conditional question was put on record."""
    condition = entry.question.condition
    asked = condition_text(condition) if condition else ""
    return f"On record: {entry.target_label}, {asked}.{late_text(entry)}"


def clock_text(question: Question) -> str:
    """State what starts the clock of a conditional question."""
    return (
        f"The first such act before {long_day(question.milestone)} starts the clock; without one the "
        "question is void. The chance is that after such an act on the first day ahead."
    )


def cases_text(cases: int, answered: int) -> str:
    """State how many cases of a trigger were followed."""
    if not cases:
        return "none on record"
    were = "was" if cases == 1 else "were"
    return f"{answered or 'none'} of {count(cases, 'case')} on record {were} followed"


# What a file of events settled


def covered_text(source: str, pair: str, through: date, scale: str, *, stated: bool) -> str:
    """State which days a file of events covers, and by which scale."""
    why = "as stated" if stated else "the last day on which anything became known"
    return (
        f"{source}: acts of {pair}, taken to cover the days through {through} ({why}). Severities on the "
        f"scale '{scale}'."
    )


def resolved_text(answers: Sequence[int | None], unchanged: int) -> str:
    """State how many questions were settled anew, and how many stay as they were."""
    text = "No newly resolved questions."
    if answers:
        untriggered = f", {number} void, never triggered" if (number := answers.count(None)) else ""
        split = f"{answers.count(1)} yes, {answers.count(0)} no{untriggered}"
        text = f"Resolved: {count(len(answers), 'question')}: {split}."
    return text + (f" {count(unchanged, 'question')} unchanged." if unchanged else "")


def unseen_text(actors: Sequence[str]) -> str:
    """State that no row of a file names actors of the questions."""
    return f"No row names {' or '.join(actors)}. Does the file cover their acts?"


def corrected_text(outcomes: int) -> str:
    """State how many outcomes a file corrected."""
    return f"{count(outcomes, 'outcome')} corrected; the earlier ones stay on record."


def open_text(questions: Sequence[Question]) -> str:
    """State how many questions stay open, and when the next one is over."""
    soonest = min(question.milestone for question in questions)
    return (
        f"{count(len(questions), 'question')} open: the events do not reach the milestone. The next is over "
        f"when they cover the day before {soonest}."
    )


def met_text(questions: int) -> str:
    """State that open questions have their yes already."""
    return (
        f"{count(questions, 'open question')} met already. They wait for their milestone like the others, so "
        "that a yes does not count sooner than a no."
    )


def left_alone_texts(left: Mapping[str, int]) -> Iterator[str]:
    """State how many questions a file did not touch, by reason."""
    kinds = {"void": ("void question", ""), "other_scales": ("question", " on other scales")}
    kinds["other_dyads"] = ("question", " on other pairs")
    for why, (kind, where) in kinds.items():
        if left.get(why):
            yield f"{count(left[why], kind)}{where} left alone."


# What commands did


def imported_texts(added: int, known: int, left_out: Mapping[str, int]) -> Iterator[str]:
    """State how many answers of others were taken in, and how many left out by reason."""
    yield f"Probabilities: {added:,} added, {known:,} known before."
    if left_out:
        yield f"Left out: {', '.join(f'{number:,} {why}' for why, number in left_out.items())}."


def hindcast_texts(
    path: str,
    added: int,
    days: Sequence[date],
    skipped: int,
    unconverged: Sequence[date],
    too_little: Sequence[date],
) -> Iterator[str]:
    """State how many forecasts of past days were put on record, and of which days none was."""
    yield (
        f"{path}: {count(added, 'forecast')} added, as of {count(len(days), 'day')} from {days[0]} to "
        f"{days[-1]}; {count(skipped, 'day')} {'was' if skipped == 1 else 'were'} on record before."
    )
    if unconverged:
        yield f"Did not converge, recorded as such and not scored: {', '.join(map(str, unconverged))}."
    if too_little:
        yield f"Too little record for a forecast, so not recorded: {', '.join(map(str, too_little))}."


# Scores


def on_record_text(path: str, counts: Counts) -> str:
    """State how many forecasts a ledger holds, and what became of them."""
    parts = [f"{counts.scored:,} scored", f"{counts.open:,} open", f"{counts.void:,} void"]
    parts += [f"{counts.unconverged:,} not converged"] if counts.unconverged else []
    parts += [f"{counts.repeated:,} repeated"] if counts.repeated else []
    return f"{path}: {count(counts.forecasts, 'forecast')} on record, {', '.join(parts)}."


def nothing_to_score_text(counts: Counts) -> str:
    """State why nothing on record can be scored yet, as a clause."""
    if not counts.forecasts:
        return "holds no forecast yet. 'forecast run' puts them on record"
    kinds = {
        "open": counts.open,
        "void": counts.void,
        "of runs that did not converge": counts.unconverged,
        "later answers to the same question": counts.repeated,
    }
    held = {what: some for what, some in kinds.items() if some}
    each = listing(f"{some:,} {'is' if some == 1 else 'are'} {what}" for what, some in held.items())
    whose = f"of {count(counts.forecasts, 'forecast')} {each}"
    if len(held) == 1:
        all_are = "the only forecast is" if counts.forecasts == 1 else "all forecasts are"
        whose = f"{all_are} {next(iter(held))}"
    look = "; 'forecast ledger resolve' looks up what happened" if counts.open else ""
    return f"nothing can be scored yet: {whose}{look}"


def range_text(interval: tuple[float, float] | None) -> str:
    """State the range that a person gives; nothing without one."""
    return f", range {interval_percent(interval)}" if interval else ""


_ENOUGH = enough_text(FEWEST_OUTCOMES, FEWEST_EPISODES)
SCORES_READ = (
    "Brier and log score: lower is better. ± is the standard error, by blocks of neighbouring as-of dates. "
    "base is the Brier score of the baseline that was recorded with each forecast. An asterisk: the interval "
    f"excludes 0, and {_ENOUGH} stand behind it. Without it no skill is claimed, and only an interval that "
    "holds 0 is shown."
)
PERSONS_READ = (
    "Questions that at least one person, market or crowd answered. Brier and log score: lower is better. "
    "Model: the model's Brier score on the same questions; lead: by how much theirs is lower. An asterisk: "
    f"it exceeds twice its error, and there are {FEWEST_OUTCOMES} outcomes of either kind; without it there "
    "are too few questions to tell who is better. Skill is the gain on the base rate's Brier score. The "
    "equal pool is the mean log odds of people and model."
)
HEAD_PROVES = (
    "Whoever holds the file can rewrite all of it. The head proves something where you cannot change it: "
    "note it elsewhere ('verify --head' compares)."
)


def overall_text(claim: Claim) -> str:
    """State whether the forecasts of a ledger are better or worse than the baseline."""
    return f"Over all, the forecasts are {claim} than the baseline (the interval of the skill excludes 0)."


def slope_text(slope: float, interval90: Interval) -> str:
    """State how calibrated the forecasts of a ledger are."""
    low, high = (number(end, 2) for end in interval90)
    return f"Slope {number(slope, 2)} (90% interval {low} to {high}); 1 is calibrated, below 1 too extreme."


def answered_late_text(score: PersonScore) -> str:
    """State how many questions a forecaster answered late."""
    return (
        f"{score.by}: of {count(score.n, 'question')}, {score.n_late:,} answered more than a week after the "
        "as-of date"
    )


_RUN_STATES = {
    "as recorded": "as recorded",
    "not here": "not found, so not checked",
    "replaced": "replaced by another run, so not checked",
}


def verified_texts(facts: Mapping[str, Any]) -> Iterator[str]:
    """State what was checked of a sound ledger: its records, a head noted earlier, the runs on record."""
    records, at = facts["records"], facts["stated_head_at"]
    yield f"{facts['ledger']}: {count(records, 'record')}, chain unbroken."
    if at:
        yield f"The stated head is record {at}; {count(records - at, 'record')} since."
    for state, meaning in _RUN_STATES.items():
        if runs := sum(run["state"] == state for run in facts["runs"]):
            yield f"{count(runs, 'run folder')}: {meaning}."


_REFUSALS = {
    "missing": "no forecast on record",
    "unconverged": "the fit did not converge",
    "void": "declared void",
    "settings": "made with other settings",
    "program": "made by another version of the program",
    "late": "put on record more than a week after the as-of date",
}


def sealed_text(seal: SealEntry) -> str:
    """State what a seal holds: questions, windows, rivals."""
    asked = [sealed.question for sealed in seal.forecasts]
    first, last = min(one.origin for one in asked), max(one.milestone for one in asked)
    configs = listing(sorted({sealed.name for sealed in seal.forecasts}))
    rivals = listing(["the base rate", *seal.rivals])
    windows = f"The first window opens on {long_day(first)}, the last ends before {long_day(last)}"
    return f"{count(len(asked), 'question')} of {configs}. {windows}. Scored beside {rivals}."


def refused_texts(scores: SealScores) -> Iterator[str]:
    """State which sealed forecasts do not count and why; nothing where all do."""
    for one in scores.refused:
        window = f"as of {long_day(one.as_of)}, before {long_day(one.milestone)}"
        yield f"{one.name}, {one.target}, {window}: {_REFUSALS[one.why]}."


def as_sealed_text(scores: SealScores) -> str:
    """State how many forecasts were made as sealed."""
    made = scores.sealed - len(scores.refused)
    return f"{made:,} of {count(scores.sealed, 'forecast')} made as sealed on {long_day(scores.sealed_on)}."
