"""A config read back in plain English, and every target as a question with its resolution rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import path as os_path
from typing import Any

from forecast.config.schema import Config, MilestoneConfig, reaction_stated
from forecast.events.codebook import acted, actor_in_sentence, code_in_words, is_way, way, whose_acts
from forecast.phrases.chances import (
    question_text,
    reporter_text,
    target_rule_text,
    what_counts,
    what_does_not,
)
from forecast.phrases.reactions import reaction_sentence
from forecast.records.base import Scale
from forecast.records.forecast import Reporter
from forecast.wording import count, either, in_lines, listing, long_day, share, span_in_words

WIDTH = 80


def describe_config(config: Config, questions: Iterable[str] = ()) -> str:
    """Return what the config asks, in plain English, with ``questions`` in place of its targets."""
    targets = (
        f"{config.target_title(name)} ({name}): met by one act of {target_rule_text(target)}."
        for name, target in config.targets.items()
    )
    titles = {name: config.target_title(name) for name in config.targets}
    title, day = titles[config.headline.target], long_day(config.headline_milestone.date)
    sections = {
        "Questions": tuple(questions) or tuple(targets),
        "Milestones": (
            *(
                _milestone_line(milestone, config)
                for milestone in sorted(config.milestones, key=lambda milestone: milestone.date)
            ),
            f"The headline: '{title}' before {day}.",
        ),
        "Scheduled events": _calendar_lines(config),
        "Reactions": (
            f"{one.title} ({one.name}): {reaction_sentence(one, titles)}"
            for one in (
                reaction_stated(name, reaction, config) for name, reaction in config.reactions.items()
            )
        ),
        "Settings that are not the defaults": _changed_settings(config),
    }
    blocks = [_paragraph(_what_it_is(config)), _paragraph(_what_it_reads(config))]
    for title, lines in sections.items():
        for place, line in enumerate(lines):
            blocks += [] if place else [f"\n{title}"]
            inner = line.lstrip()
            blocks.append(_paragraph(inner, indent="  " + line[: len(line) - len(inner)]))
    return "\n".join(blocks)


def _paragraph(text: str, indent: str = "") -> str:
    return "\n".join(in_lines(text, WIDTH, indent, f"{indent}  " if indent else ""))


def _what_it_is(config: Config) -> str:
    origin = f", read from {config.source_path}" if config.source_path else ""
    pair = f"{config.dyad.title} ({' and '.join(config.dyad.names)})"
    return f"'{config.name}'{origin}: risk of escalation, {pair}, as of {long_day(config.as_of)}."


def _what_it_reads(config: Config) -> str:
    where, path = config.events.source, config.events_path
    if path is not None:
        outside = os_path.relpath(path.resolve(), config.base_folder.resolve()).startswith("..")
        where = f"{path.resolve()} (outside the folder of the config)" if outside else str(path)
    first = "start with the file"
    if start := config.events.start:
        weeks = count((config.as_of - start).days // 7, "week")
        first = f"start on {long_day(start)} ({weeks} of data)"
    dates = config.events.dates
    order = "" if dates == "iso" else f" (days written as {dates})"
    return (
        f"Events come from {where}{order}; they {first}, are counted by day and side, and stop at what was "
        f"known on {long_day(config.as_of)}.{_delay(config)}"
    )


def _delay(config: Config) -> str:
    delay, how = config.events.reporting_delay, "as estimated from known_date"
    if delay == "none":
        return ""
    if delay != "estimated":
        how = f"{share(delay.same_day)} on the day, the others after {delay.mean_days:g} days on average"
    return f" Recent weeks are corrected for acts that become known late ({how})."


def _milestone_line(milestone: MilestoneConfig, config: Config) -> str:
    """Name its day, and how far ahead it lies, where its label does not say that."""
    days = (milestone.date - config.as_of).days - 1
    ahead = "" if milestone.title == f"within {count(days, 'day')}" else f", {span_in_words(days)} ahead"
    return f"{long_day(milestone.date)}: {milestone.title} ({milestone.name}){ahead}."


def _calendar_lines(config: Config) -> Iterator[str]:
    for act in config.calendar:
        chance = f"with probability {100 * act.probability:g}%"
        if act.probability in (0.0, 1.0):
            chance = "taken as certain" if act.probability else "switched off (probability 0%)"
        of, acting = f"/{act.subcategory}" if act.subcategory else "", way(act.by or "", act.towards or "")
        by = acted([acting] if acting else (), actor_in_sentence)
        kind = f"{code_in_words(act.category)}{of}, severity {act.severity}{f',{by}' if by else ''}"
        met = [
            config.target_title(name)
            for name, target in config.targets.items()
            if act.category in target.any_of
            and act.severity >= target.min_severity
            and is_way(acting, target.acting)
        ]
        meets = f" If it happens it meets the target '{either(map(code_in_words, met))}'." if met else ""
        yield f"{long_day(act.date)}: {act.label} ({kind}), {chance}.{meets}"


def _changed_settings(config: Config) -> Iterator[str]:
    for name, value in config.model.priors.items():
        yield f"Prior {name}: {prior_text(value)}."
    for section in ("model", "sampler"):
        changed = getattr(config, section).model_dump(exclude_defaults=True, exclude={"priors", "seed"})
        yield from (f"{section}.{key}: {value}." for key, value in changed.items())


def prior_text(value: str | Mapping[str, float] | Mapping[str, Mapping[str, float]]) -> str:
    """Return a prior as it is stated: a word, a distribution, or quantiles."""
    if isinstance(value, str):
        return value
    for scale, quantiles in value.items():
        if isinstance(quantiles, Mapping):
            return f"{scale} with {prior_text(quantiles)}"
    return f"quantiles {', '.join(f'{level} = {number:g}' for level, number in value.items())}"


def questions(config: Config, reporter: Reporter, scale: Scale) -> list[dict[str, Any]]:
    """Return the questions of a config, one a target; ``question`` asks it for the headline's milestone."""

    def asked(name: str, milestone: MilestoneConfig) -> str:
        days, judge = (config.as_of, milestone.date), reporter_text(reporter)
        return question_text(config.target_title(name), config.dyad.title, *days, judge)

    return [
        {
            "target": name,
            "label": config.target_title(name),
            "question": asked(name, config.headline_milestone),
            "by_milestone": [
                {
                    "milestone": milestone.name,
                    "date": milestone.date.isoformat(),
                    "question": asked(name, milestone),
                }
                for milestone in config.milestones
            ],
            "definition": target_rule_text(target),
            "by": target.acting,
            "counts": what_counts(target, scale),
            "does_not_count": what_does_not(target, scale),
            "edge_cases": target.edge_cases,
            "scale": scale.name,
            "anchors": {category: scale.anchors[category] for category in target.any_of},
        }
        for name, target in config.targets.items()
    ]


def question_lines(config: Config, reporter: Reporter, scale: Scale) -> Iterator[str]:
    """Yield the questions of a config with their rules, as ``forecast check`` prints them."""
    for asked in questions(config, reporter, scale):
        yield asked["question"]
        yield f"  Counts: {asked['counts']}"
        if asked["does_not_count"]:
            yield f"  Does not count: {asked['does_not_count']}"
        if asked["by"]:
            yield f"  {whose_acts(asked['by'])}"
        for case in asked["edge_cases"]:
            yield f"  Edge case: {case}"
        yield f"  Coded as: {asked['definition']}, scale '{asked['scale']}'."
    others = [
        long_day(milestone.date) for milestone in config.milestones if milestone != config.headline_milestone
    ]
    if others:
        yield f"Each is asked before {listing(tuple(others))} as well."
