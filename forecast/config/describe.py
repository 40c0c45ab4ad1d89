"""A config read back in plain English, for ``forecast check`` and for the eye of its author."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from os import path as os_path

from forecast.config.schema import CalendarAct, Config, MilestoneConfig, TargetConfig
from forecast.wording import count, long_day, share

WIDTH = 80


def describe_config(config: Config, asked: Iterable[str] = ()) -> str:
    """Return what the config asks, in plain English, in lines of at most ``WIDTH`` signs.

    ``asked`` are its questions with their rules (``forecast.config.questions``).
    """
    blocks = [
        _paragraph(_what_it_is(config)),
        _paragraph(_what_it_reads(config)),
        *_section("Headline question", [_headline_question(config)]),
        *_section("Targets", _target_lines(config)),
        *_section("Questions as a forecasting platform would ask them", asked),
        *_section("Milestones", (_milestone_line(milestone, config) for milestone in config.milestones)),
        *_section("Expected acts", _calendar_lines(config)),
        *_section("Priors", _prior_lines(config)),
        *_section("Sampling", [_sampling(config)]),
    ]
    return "\n".join(blocks)


def target_definition(target: TargetConfig) -> str:
    """Return when a target is met, e.g. ``sanction or dispute of severity 4 or 5 by CHN``."""
    severity = {5: "severity 5", 4: "severity 4 or 5", 1: "any severity"}.get(target.min_severity)
    by = f" by {' or '.join(target.by)}" if target.by else ""
    return f"{_either(target.any_of)} of {severity or f'severity {target.min_severity} or more'}{by}"


def _what_it_is(config: Config) -> str:
    origin = f", read from {config.source_path}" if config.source_path else ""
    dyad = config.dyad
    pair = f"{dyad.title} ({' and '.join(dyad.names)})"
    return f"'{config.name}'{origin}: risk of escalation between {pair}, as of {long_day(config.as_of)}."


def _what_it_reads(config: Config) -> str:
    path = config.events_path
    where = config.events.source
    if path is not None:
        outside = os_path.relpath(path.resolve(), config.base_folder.resolve()).startswith("..")
        where = f"{path.resolve()} (outside the folder of the config)" if outside else str(path)
    start = config.events.start
    first = (
        f"start on {long_day(start)} ({count((config.as_of - start).days // 7, 'week')} of data)"
        if start
        else "start with the file"
    )
    dates = config.events.dates
    order = "" if dates == "iso" else f" (days written as {dates})"
    return (
        f"Events come from {where}{order}; they {first}, are counted by {config.step}, and stop at what was "
        f"known on {long_day(config.as_of)}.{_delay(config)}"
    )


def _delay(config: Config) -> str:
    asked, how = config.events.reporting_delay, "as estimated from known_date"
    if asked == "none":
        return ""
    if asked != "estimated":
        how = f"{share(asked.same_day)} on the day, the others after {asked.mean_days:g} days on average"
    return f" Recent weeks are corrected for acts that become known late ({how})."


def _headline_question(config: Config) -> str:
    name, milestone = config.headline.target, config.headline_milestone
    target = f"'{config.target_title(name)}' ({target_definition(config.targets[name])})"
    threshold = config.headline.threshold
    matters = "" if threshold is None else f" A chance of {100 * threshold:g}% is where it would matter."
    return (
        f"Will the target {target} be met after {long_day(config.as_of)} and before "
        f"{long_day(milestone.date)} ({', '.join(_milestone_words(milestone, config))})?{matters}"
    )


def _target_lines(config: Config) -> Iterator[str]:
    for name, target in config.targets.items():
        yield f"{config.target_title(name)} ({name}): met by one act of {target_definition(target)}."


def _milestone_line(milestone: MilestoneConfig, config: Config) -> str:
    title, *ahead = _milestone_words(milestone, config)
    return f"{long_day(milestone.date)}: {', '.join((f'{title} ({milestone.name})', *ahead))}."


def _milestone_words(milestone: MilestoneConfig, config: Config) -> list[str]:
    """Return its title and how far ahead it is, once where the title says just that."""
    return list(dict.fromkeys((milestone.title, f"{_ahead(milestone.date, config)} ahead")))


def _calendar_lines(config: Config) -> Iterator[str]:
    for act in config.calendar:
        kind = f"{_words(act.category)}, severity {act.severity}{f', by {act.by}' if act.by else ''}"
        line = f"{long_day(act.date)}: {act.label} ({kind}), {_chance(act)}."
        met = [
            config.target_title(name)
            for name, target in config.targets.items()
            if act.category in target.any_of
            and act.severity >= target.min_severity
            and (not target.by or act.by in target.by)
        ]
        yield line + (f" If it happens it meets the target '{_either(met)}'." if met else "")
    if not config.calendar:
        yield "None are listed; the model expects only what it has learnt."


def _prior_lines(config: Config) -> Iterator[str]:
    for name, value in config.model.priors.items():
        yield f"{name}: {_prior_text(value)} instead of the default."
    source = {
        "none": "are the documented defaults",
        "shipped": "are the defaults of the package, learned from other dyads",
    }.get(config.model.population, f"are defaults learned from other dyads, in {config.model.population}")
    which = "others" if config.model.priors else "priors"
    yield f"All {which} {source}; rates follow the record (model family '{config.model.family}')."


def _sampling(config: Config) -> str:
    sampler = config.sampler
    kept = sampler.chains * sampler.draws
    return (
        f"{sampler.chains} chains of {sampler.draws:,} draws after {sampler.tune:,} warm-up steps (target "
        f"acceptance {sampler.target_accept:g}), {sampler.paths_per_draw} simulated futures a draw "
        f"({kept * sampler.paths_per_draw:,} in all), seed {sampler.seed}."
    )


def _chance(act: CalendarAct) -> str:
    if act.probability in (0.0, 1.0):
        return "taken as certain" if act.probability else "switched off (probability 0%)"
    return f"with probability {100 * act.probability:g}%"


def _prior_text(value: str | Mapping[str, float] | Mapping[str, Mapping[str, float]]) -> str:
    if isinstance(value, str):
        return value
    for scale, quantiles in value.items():
        if isinstance(quantiles, Mapping):
            return f"{scale} with quantiles {_quantile_text(quantiles)}"
    return f"quantiles {_quantile_text(value)}"


def _quantile_text(quantiles: Mapping[str, object]) -> str:
    return ", ".join(f"{level} = {number:g}" for level, number in quantiles.items())


def _ahead(day: date, config: Config) -> str:
    return count((day - config.as_of).days, "day")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _either(names: Iterable[str]) -> str:
    *first, last = map(_words, names)
    return f"{', '.join(first)} or {last}" if first else last


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    for place, line in enumerate(lines):
        if not place:
            yield f"\n{title}"
        inner = line.lstrip()
        yield _paragraph(inner, indent="  " + line[: len(line) - len(inner)])


def _paragraph(text: str, indent: str = "") -> str:
    hanging = f"{indent}  " if indent else ""
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False
    )
