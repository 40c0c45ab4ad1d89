"""A run → forecasts on record, one a target and milestone; what was on record about its questions before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from forecast.config import Config
from forecast.events.dyads import DyadRule
from forecast.ledger.chain import (
    DIGITS,
    ForecastEntry,
    Ledger,
    Question,
    RuleInWords,
    RunEntry,
    rounded_chance,
    with_id,
)
from forecast.ledger.store import write_ledger
from forecast.panel import TargetRule
from forecast.records.analysis import OtherForecast, PastForecast
from forecast.records.forecast import Baseline, Forecast, MilestoneForecast, TargetForecast
from forecast.records.scale import STANDARD, Scale
from forecast.runs.inputs import config_scale, dyad_rule, target_rules
from forecast.wording import question_text

LEDGER_FILE = "ledger.sqlite"
"""Name of the ledger in the folder of the runs."""


@dataclass(frozen=True, kw_only=True)
class RunOrigin:
    """What a run was made from, whose acts it counts, when, and where it is kept (``None``: nowhere).

    ``manifest_sha256`` is the hash of what its manifest says for good.
    """

    dyad: DyadRule
    config_sha256: str
    data_sha256: str
    code_version: str
    made_on: datetime
    run_folder: Path | None
    manifest_sha256: str | None = None


@dataclass(frozen=True)
class Recorded:
    """How many forecasts were added, how many were on record before, and the head of the chain."""

    added: int
    known: int
    head: str


def record_forecast(
    path: Path, forecast: Forecast, rules: Sequence[TargetRule], origin: RunOrigin
) -> Recorded:
    """Put the forecasts of a run on record; what is there already stays as it was.

    The folder of the run goes on record with the hash of its manifest. A milestone on the day after the as-of
    date leaves no day for anything to happen, so it is not recorded. ``LedgerError`` as ``write_ledger``.
    """
    entries = forecast_entries(forecast, rules, origin)
    with write_ledger(path) as writer:
        added = sum([writer.append(entry) for entry in entries])
        if origin.run_folder is not None and origin.manifest_sha256 is not None:
            run = {"run_id": forecast.run_id, "manifest_sha256": origin.manifest_sha256}
            writer.append(with_id(RunEntry, **run, run_folder=_readable(origin.run_folder)))
    return Recorded(added, len(entries) - added, writer.ledger.head)


def forecast_entries(
    forecast: Forecast, rules: Sequence[TargetRule], origin: RunOrigin
) -> list[ForecastEntry]:
    """Make the entries of a run, in the order of its targets and milestones."""
    rule_of = {rule.name: rule for rule in rules}
    return [
        entry
        for target in forecast.targets
        for milestone in target.milestones
        if (entry := _entry(forecast, target, milestone, rule_of[target.name], origin)).question.horizon_days
    ]


class RunQuestion(NamedTuple):
    """A question of a run by the names of its target and milestone."""

    target: str
    milestone: str
    question: Question


def questions_of(config: Config) -> list[RunQuestion]:
    """Return every question that a run of a config asks."""
    dyad, scale = dyad_rule(config), config_scale(config)
    return [
        RunQuestion(rule.name, milestone.name, make_question(dyad, rule, config.as_of, milestone.date, scale))
        for rule in target_rules(config)
        for milestone in config.milestones
    ]


def history_of(ledger: Ledger, asked: Sequence[RunQuestion]) -> tuple[PastForecast, ...]:
    """Earlier forecasts of the same questions, oldest first; of one as-of day the last that was recorded."""
    last = {}
    for target, milestone, question in asked:
        for entry in ledger.forecasts:
            as_of = entry.question.as_of
            same = entry.question.model_copy(update={"as_of": question.as_of}) == question
            if as_of < question.as_of and same and not entry.failed and ledger.standing(entry) != "void":
                last[target, milestone, as_of] = PastForecast(
                    target=target,
                    milestone=milestone,
                    as_of=as_of,
                    probability=entry.probability,
                    interval90=entry.interval90,
                    hindcast=entry.hindcast,
                )
    return tuple(sorted(last.values(), key=lambda forecast: forecast.as_of))


def others_of(ledger: Ledger, asked: Sequence[RunQuestion], as_of: date) -> tuple[OtherForecast, ...]:
    """What others said of the same questions, whatever day they were asked on, the latest first.

    Of one forecaster and question the last answer, of a market its last price up to the as-of date if it has
    one; a question of the same rule that ends on another day is told with its difference. Answers that were
    declared void are left out.
    """
    others: dict[tuple[str, str, str], OtherForecast] = {}
    for entry in sorted(ledger.judgements, key=lambda entry: entry.made_on):
        theirs = entry.question
        rules = [ours for ours in asked if _same_rule(ours.question, theirs)]
        if not rules or ledger.standing(entry) == "void":
            continue
        same = next((ours for ours in rules if ours.question.milestone == theirs.milestone), None)
        differs = [entry.differs] if entry.differs else []
        if same is None:
            nearest = min(rules, key=lambda ours: abs((ours.question.milestone - theirs.milestone).days))
            differs.append(f"ends on {theirs.milestone}, not on {nearest.question.milestone}")
        if theirs.as_of != as_of:
            differs.append(f"counts events after {theirs.as_of}, not after {as_of}")
        key = ((same or rules[0]).target, theirs.id, entry.forecaster)
        after = entry.made_on.date() > as_of
        if key in others and entry.price and after and not others[key].after_as_of:
            continue  # the run compares itself with what the market knew
        others[key] = OtherForecast(
            target=key[0],
            milestone=same.milestone if same else None,
            forecaster=entry.forecaster,
            made_on=entry.made_on.date(),
            probability=entry.probability,
            link=entry.link,
            ends=theirs.milestone,
            asked_as_of=theirs.as_of,
            differs=tuple(differs),
            after_as_of=after,
        )
    return tuple(sorted(others.values(), key=lambda other: other.made_on, reverse=True))


def _same_rule(ours: Question, theirs: Question) -> bool:
    return theirs.model_copy(update={"as_of": ours.as_of, "milestone": ours.milestone}) == ours


def make_question(
    dyad: DyadRule, rule: TargetRule, as_of: date, milestone: date, scale: Scale | None = None
) -> Question:
    """Make a question; the order of actors and categories does not matter; ``None`` is the standard scale."""
    sides = {"+".join(side): side for side in (tuple(sorted(dyad.a)), tuple(sorted(dyad.b)))}
    low, high = dyad.sides
    return Question(
        dyad=(low, high),
        sides=(sides[low], sides[high]),
        theatre=tuple(sorted(dyad.theatre)),
        any_of=tuple(sorted(set(rule.any_of))),
        min_severity=rule.min_severity,
        by=tuple(sorted(set(rule.by))) or None,
        scale=None if scale is None or scale.key == STANDARD else scale.key,
        as_of=as_of,
        milestone=milestone,
    )


def _entry(
    forecast: Forecast,
    target: TargetForecast,
    milestone: MilestoneForecast,
    rule: TargetRule,
    origin: RunOrigin,
) -> ForecastEntry:
    lower, upper = milestone.interval90
    baseline = milestone.baseline
    return with_id(
        ForecastEntry,
        question=make_question(origin.dyad, rule, forecast.as_of, milestone.date, forecast.scale),
        name=forecast.name,
        dyad_label=forecast.dyad.label,
        target=target.name,
        target_label=target.label,
        rule=_rule_in_words(forecast, target, milestone) if target.counts else None,
        milestone_name=milestone.name,
        milestone_label=milestone.label,
        model=forecast.model,
        probability=rounded_chance(milestone.probability),
        mcse=round(milestone.mcse, DIGITS),
        interval90=(rounded_chance(lower), rounded_chance(upper)),
        words=milestone.words,
        baseline=Baseline(name=baseline.name, probability=rounded_chance(baseline.probability)),
        converged=forecast.converged,
        config_sha256=origin.config_sha256,
        data_sha256=origin.data_sha256,
        code_version=origin.code_version,
        run_id=forecast.run_id,
        run_folder=None if origin.run_folder is None else _readable(origin.run_folder),
        made_on=origin.made_on.replace(microsecond=0),
    )


def _rule_in_words(forecast: Forecast, target: TargetForecast, milestone: MilestoneForecast) -> RuleInWords:
    anchors = {kind: forecast.scale.anchor(kind, target.min_severity) for kind in target.any_of}
    return RuleInWords(
        question=question_text(
            target.label, forecast.dyad.label, forecast.as_of, milestone.date, forecast.reported_by
        ),
        counts=target.counts,
        does_not_count=target.does_not_count,
        edge_cases=target.edge_cases,
        anchors={category: text for category, text in anchors.items() if text},
    )


def _readable(path: Path) -> str:
    # A file name may hold bytes that are no text; JSON may not.
    return path.as_posix().encode("utf-8", errors="replace").decode("utf-8")
