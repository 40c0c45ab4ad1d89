"""Where the headline comes from, and how such forecasts did, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast.records.analysis import LearnedFrom
from forecast.records.explained import OwnRecord, Step, WaterfallStep
from forecast.records.forecast import Forecast
from forecast.wording.judgement import asked, days_ahead
from forecast.wording.numbers import listing, percent, shown_percent, signed_points

NEVER_TESTED = "Never tested this high, or this far."
STEP_NAMES: dict[Step, str] = {
    "base_rate": "base rate",
    "own_rates": "this pair's own rates",
    "recent_acts": "recent events",
    "tension": "tension",
    "drift": "level of conflict in recent years",
    "other_pairs": "what other pairs teach",
    "scheduled_events": "scheduled events",
}


def waterfall_sentence(forecast: Forecast) -> str:
    """From the base rate to the headline in one sentence; empty where it was not measured."""
    if not forecast.waterfall:
        return ""
    first, *steps = forecast.waterfall
    changes = listing(tuple(f"{STEP_NAMES[one.step]} {signed_points(one.change)}" for one in steps))
    return (
        f"From a base rate of {percent(first.probability)} to {percent(steps[-1].probability)}, in points: "
        f"{changes}."
    )


def step_name(forecast: Forecast, step: WaterfallStep) -> str:
    """Name a step; of the base rate, which of the two it is."""
    if step.step != "base_rate":
        name = STEP_NAMES[step.step]
        return f"{name[:1].upper()}{name[1:]}"
    _, milestone = asked(forecast)
    return "Share of past windows" if milestone.constant_rate is None else "Constant rate of past cases"


def record_sentences(forecast: Forecast, record: OwnRecord) -> Iterator[str]:
    """How forecasts of the headline target did at such a distance, in a few sentences."""
    if record.never_tested:
        yield NEVER_TESTED
        return
    assert record.horizon_days is not None
    assert record.highest_said is not None
    assert record.mean_said is not None
    came = "it happened" if record.highest_came else "it did not happen"
    days = days_ahead(forecast, record.horizon_days)
    yield (
        f"At {days:,} days it happened in {record.held:,} of {record.windows:,} past windows; "
        f"we said {percent(record.mean_said)} on average and {percent(record.highest_said)} at most ({came})."
    )
    probability = asked(forecast)[1].probability
    if shown_percent(probability) != shown_percent(record.highest_said) and probability > record.highest_said:
        yield f"Never tested as high as {percent(probability)}."
    yield from _skills(record)


def _skills(record: OwnRecord) -> Iterator[str]:
    pairs = (
        (record.skill_windows, record.skill_windows_se, "the share of past windows"),
        (record.skill_constant_rate, record.skill_constant_rate_se, "the constant rate"),
    )
    told = [
        f"{'better' if skill > 0 else 'worse'} than {base} by {abs(100 * skill):.0f}%"
        + ("" if error is None else f" ± {100 * error:.0f}")
        for skill, error, base in pairs
        if skill is not None
    ]
    if told:
        yield f"Brier score {listing(tuple(told))}."


def learned_sentence(learned: Sequence[LearnedFrom]) -> str:
    """What other pairs taught, in one sentence; empty where nothing was learned from any."""
    if not learned:
        return ""
    parts = [
        f"{one.part} from {one.clause}" + (", this pair left out" if one.own_left_out else "")
        for one in learned
    ]
    return f"Learned from other pairs: {'; '.join(parts)}."


def learned_paragraphs(learned: Sequence[LearnedFrom]) -> Iterator[str]:
    """The same in full: every pair, the source, and what was left out."""
    for one in learned:
        own = (
            f" Left out, as records of this pair: {', '.join(one.own_left_out)}." if one.own_left_out else ""
        )
        yield (
            f"{one.part[:1].upper()}{one.part[1:]}: {one.clause}. {'; '.join(one.pairs)}. "
            f"Source: {one.source}.{own}"
        )
