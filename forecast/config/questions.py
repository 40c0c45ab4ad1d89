"""Every target as a question with its resolution rule: what counts, what does not, whose acts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecast.config.describe import target_definition
from forecast.config.faults import Fault
from forecast.config.schema import BUNDLED_PREFIX, Config, MilestoneConfig, TargetConfig
from forecast.records.scale import ANY, Scale
from forecast.wording import in_sentence, listing, long_day, question_text

_MOST_KINDS = 2
"""Categories of a target whose anchors are quoted one by one; of more the anchor for any act is."""


def target_facts(config: Config, name: str, scale: Scale) -> dict[str, Any]:
    """Return what a target is, as the fields of ``TargetForecast``: title, rule, and whether it is grave."""
    target = config.targets[name]
    return {
        "name": name,
        "label": config.target_title(name),
        "definition": target_definition(target),
        "any_of": target.any_of,
        "min_severity": target.min_severity,
        "by": target.by,
        "counts": target.counts or what_counts(target, scale),
        "does_not_count": target.does_not_count or just_below(target, scale),
        "edge_cases": target.edge_cases,
        "grave": config.is_grave(name),
    }


def reported_by(config: Config) -> str:
    """Return whose reports settle the questions of a config."""
    source = config.events.source
    name = source if source.startswith(BUNDLED_PREFIX) else Path(source).name
    return config.events.reported_by or f"the sources that {name} names"


def _question(config: Config, name: str, milestone: MilestoneConfig) -> str:
    return question_text(
        config.target_title(name), config.dyad.title, config.as_of, milestone.date, reported_by(config)
    )


def questions(config: Config, scale: Scale) -> list[dict[str, Any]]:
    """Return the questions of a config, one a target; ``question`` asks it for the headline's milestone."""
    return [
        {
            "target": name,
            "label": facts["label"],
            "question": _question(config, name, config.headline_milestone),
            "by_milestone": [
                {
                    "milestone": one.name,
                    "date": one.date.isoformat(),
                    "question": _question(config, name, one),
                }
                for one in config.milestones
            ],
            **{key: facts[key] for key in ("definition", "by", "counts", "does_not_count", "edge_cases")},
            "scale": scale.name,
            "anchors": {one: scale.anchors[one] for one in facts["any_of"]},
        }
        for name in config.targets
        for facts in [target_facts(config, name, scale)]
    ]


def question_lines(config: Config, scale: Scale) -> Iterator[str]:
    """Yield the questions of a config with their rules, as ``forecast check`` prints them."""
    for asked in questions(config, scale):
        yield asked["question"]
        yield f"  Counts: {asked['counts']}"
        yield f"  Does not count: {asked['does_not_count']}"
        if asked["by"]:
            yield f"  Only acts by {' or '.join(asked['by'])}."
        for case in asked["edge_cases"]:
            yield f"  Edge case: {case}"
        yield f"  Coded as: {asked['definition']}, scale '{asked['scale']}'."
    others = [long_day(one.date) for one in config.milestones if one != config.headline_milestone]
    if others:
        yield f"Each is asked before {listing(tuple(others))} as well."


def what_counts(target: TargetConfig, scale: Scale) -> str:
    """Return what counts by the anchors of a scale, where the author does not say it."""
    worse = "; or worse" if any(scale.greatest(one) > target.min_severity for one in target.any_of) else ""
    return f"{_quoted(target, scale, target.min_severity)}{worse}."


def just_below(target: TargetConfig, scale: Scale) -> str:
    """Return what comes close and does not count, by the anchors just below."""
    below = target.min_severity - 1
    quoted = _quoted(target, scale, below) if below else ""
    return f"{quoted}." if quoted else "Acts of other categories."


def _quoted(target: TargetConfig, scale: Scale, severity: int) -> str:
    """Anchors of a severity: of each category where they are few, else of any act."""
    few = len(target.any_of) <= _MOST_KINDS
    rows = target.any_of if few else (ANY,)
    anchors = [text.rstrip(".") for one in rows if (text := scale.anchor(one, severity))]
    said = "; ".join([*anchors[:1], *map(in_sentence, anchors[1:])])
    if few or not said:
        return said
    kinds = listing(tuple(name.replace("_", " ") for name in target.any_of))
    return f"{kinds[:1].upper()}{kinds[1:]}: {in_sentence(said)}"


def scale_faults(config: Config, scale: Scale) -> Iterator[Fault]:
    """Yield targets and scheduled acts of a severity for which the scale has no anchor."""
    for name, target in config.targets.items():
        for category in target.any_of:
            least, greatest = scale.least(category), scale.greatest(category)
            where = f"the scale '{scale.name}' codes {category} from {least} to {greatest}"
            if target.min_severity < least:
                message = f"{target.min_severity} is below the least anchor: {where}. Take {least} or more"
                yield Fault(("targets", name, "min_severity"), message)
            if target.min_severity > greatest:
                message = f"no {category} can be of severity {target.min_severity}: {where}. Leave it out"
                yield Fault(("targets", name, "any_of"), message)
    for index, act in enumerate(config.calendar):
        if scale.anchor(act.category, act.severity) is None:
            message = f"the scale '{scale.name}' has no anchor for {act.category} of severity {act.severity}"
            yield Fault(("calendar", index, "severity"), message)
