"""What a target is: its rule, what counts and what does not, and whose reports settle it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from forecast.config.schema import TargetConfig
from forecast.events.codebook import COOPERATIVE, SEVERITIES, category_label, code_in_words
from forecast.records.base import Scale
from forecast.records.forecast import Reporter, TargetForecast
from forecast.wording import in_sentence, long_day, title_in_sentence

_MOST_KINDS = 2
"""Categories of a target up to which their anchors are quoted without their names."""


def either(names: Iterable[str]) -> str:
    """Codes as alternatives, e.g. ``sanction or dispute``."""
    *first, last = map(code_in_words, names)
    return f"{', '.join(first)} or {last}" if first else last


def target_rule_text(target: TargetConfig | TargetForecast) -> str:
    """State when a target is met, e.g. ``sanction or dispute of severity 4 or 5 by CHN``."""
    least = target.min_severity
    severity = {5: "severity 5", 4: "severity 4 or 5", 1: "any severity"}.get(
        least, f"severity {least} or more"
    )
    whose = f" by {' or '.join(target.by)}" if target.by else ""
    return f"{either(target.any_of)} of {severity}{whose}"


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
    anchors = _anchors(target, scale, target.min_severity)
    return counts_text(target.counts, target.any_of, target.min_severity, anchors)


def what_does_not(target: TargetConfig | TargetForecast, scale: Scale) -> str:
    """State what comes close to a target and does not count."""
    anchors = _anchors(target, scale, target.min_severity - 1)
    return does_not_count_text(target.does_not_count, target.counts, target.any_of, anchors)


def _anchors(target: TargetConfig | TargetForecast, scale: Scale, severity: int) -> dict[str, str]:
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
