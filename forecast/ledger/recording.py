"""A run → forecasts on record, one a target and milestone; events → outcomes, by the rule of each question.

And what was on record about the questions of a run before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from forecast import __version__
from forecast.config import Config, config_hash, load_config
from forecast.errors import ForecastError, LedgerError
from forecast.evaluation.study import decisive_versions
from forecast.events.cells import DateOrder
from forecast.events.codebook import packaged_scale, pair_named
from forecast.events.dyads import FEW_SHARE, DyadRule, actors_of, main_pairs, pairs_in_words
from forecast.events.table import EventTable
from forecast.ledger.store import Ledger, LedgerWriter, is_about, open_ledger, write_ledger
from forecast.phrases.chances import anchors_of
from forecast.records import ledger as records
from forecast.records.analysis import OtherForecast, OwnReason, PastForecast
from forecast.records.base import STANDARD, Scale
from forecast.records.forecast import Baseline, MilestoneForecast, Reporter, TargetForecast
from forecast.runs.files import CONFIG
from forecast.runs.inputs import reporter_of, target_rules
from forecast.runs.run import run_id
from forecast.targets import ActClass, TargetRule
from forecast.wording import count, shown_difference

LEDGER_FILE = "ledger.sqlite"
"""Name of the ledger in the folder of the runs."""


@dataclass(frozen=True, kw_only=True)
class RunOrigin:
    """What a run asks of which events, whose acts it counts, when it was made, and where it is kept.

    ``run_folder`` is ``None`` where it is kept nowhere; ``manifest_sha256`` is the hash of what its manifest
    says for good.
    """

    run_id: str
    name: str
    label: str
    as_of: date
    model: str
    scale: Scale
    reporter: Reporter
    dyad: DyadRule
    config_sha256: str
    data_sha256: str
    code_version: str
    made_on: datetime
    run_folder: Path | None
    manifest_sha256: str | None = None
    program: str | None = None

    @classmethod
    def of(
        cls, config: Config, events: EventTable, run_folder: Path | None, manifest_sha256: str | None = None
    ) -> RunOrigin:
        """Describe a run of a config on events that is made now."""
        return cls(
            run_id=run_id(config, events),
            name=config.name,
            label=config.dyad.title,
            as_of=config.as_of,
            model=config.model.family,
            scale=packaged_scale(config.scale),
            reporter=reporter_of(config, events),
            dyad=config.dyad.rule,
            config_sha256=config_hash(config),
            data_sha256=events.sha256,
            code_version=__version__,
            made_on=datetime.now(UTC),
            run_folder=run_folder,
            manifest_sha256=manifest_sha256,
            program=decisive_versions(),
        )


def record_forecast(
    path: Path,
    targets: Sequence[TargetForecast],
    rules: Sequence[TargetRule],
    origin: RunOrigin,
    *,
    converged: bool = True,
) -> tuple[int, str]:
    """Put a run on record; return how many forecasts were new, and the head (``LedgerError``).

    What is there stays.
    """
    entries = forecast_entries(targets, rules, origin, converged=converged)
    with write_ledger(path) as writer:
        added = sum([writer.append(entry) for entry in entries])
        if origin.run_folder is not None and origin.manifest_sha256 is not None:
            run = {"run_id": origin.run_id, "manifest_sha256": origin.manifest_sha256}
            writer.append(records.with_id(records.RunEntry, **run, run_folder=_readable(origin.run_folder)))
    return added, writer.ledger.head


def forecast_entries(
    targets: Sequence[TargetForecast],
    rules: Sequence[TargetRule],
    origin: RunOrigin,
    *,
    converged: bool = True,
) -> list[records.ForecastEntry]:
    """Make the entries of a run, in the order of its targets and milestones."""
    rule_of = {rule.name: rule for rule in rules}
    asked = (
        (target, at, make_question(origin.dyad, rule_of[target.name], origin.as_of, at.date, origin.scale))
        for target in targets
        for at in target.milestones
    )
    return [forecast_entry(*answer, origin, converged=converged) for answer in asked]


def dates_on_record(ledger: Ledger) -> DateOrder:
    """Return how the events of the last run that is still there write their days, by its config."""
    for entry in reversed([*ledger.forecasts]):
        with suppress(ForecastError):
            return load_config(Path(entry.run_folder or "") / CONFIG).events.dates
    return "iso"


class RunQuestion(NamedTuple):
    """A question of a run by the names of its target and milestone."""

    target: str
    milestone: str
    question: records.Question


def questions_of(config: Config) -> list[RunQuestion]:
    """Return every question that a run of a config asks."""
    dyad, scale = config.dyad.rule, packaged_scale(config.scale)
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
        days = {"as_of": theirs.as_of, "milestone": theirs.milestone}
        rules = [ours for ours in asked if ours.question.model_copy(update=days) == theirs]
        if not rules or ledger.standing(entry) == "void":
            continue
        same = next((ours for ours in rules if ours.question.milestone == theirs.milestone), None)
        nearest = min(rules, key=lambda ours: abs((ours.question.milestone - theirs.milestone).days))
        key = ((same or rules[0]).target, theirs.id, entry.forecaster)
        after = entry.made_on.date() > as_of
        recorded = ledger.record(entry.id).recorded_on.date()
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
            nearest=None if same else nearest.question.milestone,
            differs=entry.differs,
            after_as_of=after,
            recorded_on=recorded
            if recorded > entry.made_on.date() + timedelta(days=records.GRACE_DAYS)
            else None,
        )
    return tuple(sorted(others.values(), key=lambda other: other.made_on, reverse=True))


def said_of(
    ledger: Ledger, config: Config, events: EventTable, targets: Sequence[TargetForecast]
) -> tuple[OtherForecast, ...]:
    """What is on record of the questions of a run beside its own answers: of this program, then of others."""
    asked, origin = questions_of(config), RunOrigin.of(config, events, None)
    return (*_ours(ledger, asked, origin, targets), *others_of(ledger, asked, config.as_of))


def _ours(
    ledger: Ledger, asked: Sequence[RunQuestion], origin: RunOrigin, targets: Sequence[TargetForecast]
) -> tuple[OtherForecast, ...]:
    """What other runs and watches of this program said of the same questions where they show another number.

    Of a config and model the last, up to the as-of date of this run; with what differs beside the day.
    """
    said = {(one.name, at.name): at.probability for one in targets for at in one.milestones}
    found: dict[tuple[str, ...], OtherForecast] = {}
    for entry in sorted(ledger.forecasts, key=lambda entry: (entry.question.as_of, entry.made_on)):
        theirs = entry.question
        same = [ours for ours in asked if ours.question.model_copy(update={"as_of": theirs.as_of}) == theirs]
        if not same or theirs.as_of > origin.as_of or entry.failed:
            continue
        target, milestone, _ = same[0]
        own = (entry.name, entry.model) == (origin.name, origin.model)
        if own or ledger.standing(entry) == "void" or (target, milestone) not in said:
            continue
        differs: tuple[tuple[OwnReason, bool], ...] = (
            ("model", entry.model != origin.model),
            ("events", entry.data_sha256 != origin.data_sha256),
            ("program", entry.code_version != origin.code_version),
        )
        reasons = [name for name, holds in differs if holds]
        found[target, milestone, entry.name, entry.model] = OtherForecast(
            target=target,
            milestone=milestone,
            forecaster=entry.name,
            made_on=entry.made_on.date(),
            probability=entry.probability,
            ends=theirs.milestone,
            asked_as_of=theirs.as_of,
            after_as_of=False,
            ours=tuple(reasons) or ("settings",),
        )
    return tuple(
        one
        for (target, milestone, *_), one in found.items()
        if shown_difference(one.probability, said[target, milestone])
    )


def make_question(
    dyad: DyadRule, rule: TargetRule, as_of: date, milestone: date, scale: Scale | None = None
) -> records.Question:
    """Make a question; the order of actors and categories does not matter; ``None`` is the standard scale."""
    sides = {"+".join(side): side for side in (tuple(sorted(dyad.a)), tuple(sorted(dyad.b)))}
    low, high = dyad.sides
    return records.Question(
        dyad=(low, high),
        sides=(sides[low], sides[high]),
        theatre=tuple(sorted(dyad.theatre)),
        any_of=tuple(sorted(set(rule.any_of))),
        min_severity=rule.min_severity,
        by=tuple(sorted(set(rule.by))) or None,
        scale=None if scale is None or scale.name == STANDARD else scale.name,
        as_of=as_of,
        milestone=milestone,
        condition=None,
    )


def forecast_entry(
    target: TargetForecast,
    milestone: MilestoneForecast,
    question: records.Question,
    origin: RunOrigin,
    *,
    converged: bool = True,
) -> records.ForecastEntry:
    """Make the entry of what a run answers to one question of its target and milestone."""
    lower, upper = milestone.interval90
    baseline = milestone.baseline
    return records.with_id(
        records.ForecastEntry,
        question=question,
        name=origin.name,
        dyad_label=origin.label,
        target=target.name,
        target_label=target.label,
        grave=target.grave,
        rule=records.Rule(
            reporter=origin.reporter,
            counts=target.counts,
            does_not_count=target.does_not_count,
            edge_cases=target.edge_cases,
            anchors=anchors_of(target, origin.scale, target.min_severity),
            anchors_below=anchors_of(target, origin.scale, target.min_severity - 1),
        ),
        milestone_name=milestone.name,
        milestone_label=milestone.label,
        model=origin.model,
        probability=records.rounded_chance(milestone.probability),
        mcse=round(milestone.mcse, records.DIGITS),
        interval90=(records.rounded_chance(lower), records.rounded_chance(upper)),
        baseline=Baseline(name=baseline.name, probability=records.rounded_chance(baseline.probability)),
        converged=converged,
        config_sha256=origin.config_sha256,
        data_sha256=origin.data_sha256,
        code_version=origin.code_version,
        program=origin.program,
        run_id=origin.run_id,
        run_folder=None if origin.run_folder is None else _readable(origin.run_folder),
        made_on=origin.made_on.replace(microsecond=0),
    )


def _readable(path: Path) -> str:
    # A file name may hold bytes that are no text; JSON may not.
    return path.as_posix().encode("utf-8", errors="replace").decode("utf-8")


# Outcomes


_LISTED = ("new", "corrected", "open")
_COUNTED = ("open_met", "unchanged", "void", "other_scales", "other_dyads")


@dataclass(kw_only=True)
class Resolved:
    """What a file of events did to the questions of a ledger.

    The file covers days ``through`` one that was ``stated``, or the last ``known_date``; no row names the
    actors ``unseen``. ``found`` holds resolutions (``new``, ``corrected``) and questions; those in
    ``open_met`` have their yes already, and wait for their day: else what happens would count sooner than
    what does not.
    """

    dyad: tuple[str, str]
    scale: str
    through: date
    stated: bool
    unseen: tuple[str, ...]
    found: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _LISTED + _COUNTED})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the resolutions, the open questions, and the number of the others."""
        return {
            "dyad": "-".join(self.dyad),
            "scale": self.scale,
            "unseen_actors": [*self.unseen],
            "through": self.through.isoformat(),
            "through_stated": self.stated,
            **{name: [entry.model_dump(mode="json") for entry in self.found[name]] for name in _LISTED},
            **{f"n_{name}": len(self.found[name]) for name in _COUNTED},
        }


def resolve_ledger(
    path: Path,
    events: EventTable,
    *,
    today: date,
    through: date | None = None,
    dyad: str | None = None,
    scale: str | None = None,
) -> Resolved:
    """Look up in a ledger's file what happened by the last day covered, and put it on record.

    What was resolved before stays, unless the events now say otherwise: then a new resolution points to the
    old one. Unless given, the dyad is the most frequent pair that is asked about and has ``FEW_SHARE`` of the
    rows, the last day covered is the last ``known_date``, and the scale that of the questions.

    ``LedgerError``: no ledger, no such question, several scales, no act of the pair, or a day from ``today``
    on.
    """
    ledger = open_ledger(path)
    held = main_pairs(events)
    pair = _main_pair(held, ledger) if dyad is None else _given_pair(dyad, ledger)
    asked = [question for question in ledger.questions.values() if _is_covered(question, pair)]
    if not asked:
        known = ", ".join(sorted({question.pair for question in ledger.questions.values()})) or "none yet"
        advice = "" if dyad else " If the file is about another pair, say which: `dyad` A-B"
        raise LedgerError(
            f"{events.source}: is about {'-'.join(pair)}, which no forecast on record is about. On record: "
            f"{known}. The file holds {pairs_in_words(held)}.{advice}"
        )
    if not any(DyadRule(*question.sides).mask(events).any() for question in asked):
        raise LedgerError(
            f"{events.source}: holds no act between {pair[0]} and {pair[1]}. It holds {pairs_in_words(held)}"
        )
    last: date = through or events.known_date.max().astype(object)
    if last >= today:
        what = "`through`" if through else "the last known_date"
        raise LedgerError(
            f"{events.source}: {what} is {last}, but only days that are over can be covered: the latest is "
            f"{today - timedelta(days=1)} (UTC). Give an earlier `through`"
        )
    sides = {actor for question in asked for actor in DyadRule(*question.sides).actors}
    done = Resolved(
        dyad=pair,
        scale=_scale(asked, events, pair, scale),
        through=last,
        stated=through is not None,
        unseen=tuple(sorted(sides - actors_of(events))),
    )
    with write_ledger(path) as writer:
        for question in list(writer.ledger.questions.values()):
            _look_up(writer, events, question, done)
    return done


def _look_up(writer: LedgerWriter, events: EventTable, question: records.Question, done: Resolved) -> None:
    """Put on record what happened, or count the question among those that stay as they are."""
    found, standing = done.found, writer.ledger.resolution_of(question.id)
    left_alone = {
        "other_dyads": not _is_covered(question, done.dyad),
        "other_scales": question.scale_key != done.scale,
        "void": question.id in writer.ledger.voids,
    }
    if why := next((name for name, is_so in left_alone.items() if is_so), None):
        found[why].append(question)
        return
    triggered_on = first_trigger(events, question, done.through)
    acts = acts_that_met(events, question, done.through, triggered_on)
    if not question.is_over(done.through, triggered_on):
        # What is resolved was so by a file that reached further.
        found["unchanged" if standing else "open"].append(question)
        found["open_met"] += [question] if len(acts) and not standing else []
        return
    untriggered = question.condition is not None and triggered_on is None
    resolution = records.with_id(
        records.ResolutionEntry,
        question_id=question.id,
        outcome=None if untriggered else int(len(acts) > 0),
        triggered_on=triggered_on,
        decided_on=acts.date[0].astype(object) if len(acts) else None,
        acts=tuple(acts.id.tolist()),
        through=done.through,
        events_source=events.source,
        events_sha256=events.sha256,
        corrects=standing.id if standing else None,
    )
    if standing and standing.same_answer(resolution):
        found["unchanged"].append(question)
    else:
        writer.append(resolution)
        found["corrected" if standing else "new"].append(resolution)


def _scale(
    asked: Sequence[records.Question], events: EventTable, pair: tuple[str, str], stated: str | None
) -> str:
    counts = Counter(question.scale_key for question in asked)
    known = ", ".join(f"{name} ({count(number, 'question')})" for name, number in sorted(counts.items()))
    if stated and stated not in counts:
        raise LedgerError(
            f"`scale`: no question about {'-'.join(pair)} is on the scale '{stated}'. On record: {known}"
        )
    if not stated and len(counts) > 1:
        raise LedgerError(
            f"{events.source}: questions about {'-'.join(pair)} are on several scales: {known}. Say by which "
            f"the file is coded, e.g. `scale` {asked[0].scale_key}"
        )
    return stated or asked[0].scale_key


def acts_of(condition: records.Condition) -> ActClass:
    """Return the class of acts that starts the clock of a question."""
    return ActClass(condition.category, condition.subcategory, condition.severities, condition.by)


def acts_that_met(
    events: EventTable, question: records.Question, through: date, triggered_on: date | None = None
) -> EventTable:
    """Acts that meet the rule, by their own date in the window [as-of + 1, milestone), up to a day.

    Of a conditional question: on the days after the trigger, none without one. The day of the trigger does
    not count, since the order within it is unknown.
    """
    rule = TargetRule("", question.any_of, question.min_severity, question.by or ())
    first, last = question.origin, question.milestone - timedelta(days=1)
    if question.condition:
        began = triggered_on or date.max - timedelta(days=question.condition.days)
        first, last = began + timedelta(days=1), began + timedelta(days=question.condition.days)
    inside = _acts_of(events, question).between(first, min(last, through))
    return inside.select(rule.mask(inside))


def first_trigger(events: EventTable, question: records.Question, through: date) -> date | None:
    """Day of the first act in the window that starts the clock; ``None`` without one, or a condition."""
    if question.condition is None:
        return None
    last = min(question.milestone - timedelta(days=1), through)
    inside = _acts_of(events, question).between(question.origin, last)
    day: date | None = min(inside.date[acts_of(question.condition).mask(inside)].tolist(), default=None)
    return day


def _acts_of(events: EventTable, question: records.Question) -> EventTable:
    return events.select(DyadRule(*question.sides, question.theatre).mask(events))


def _is_covered(question: records.Question, pair: tuple[str, str]) -> bool:
    """Whether a file about a pair answers a question: one actor of each side, or the sides themselves."""
    rule = DyadRule(*question.sides)
    low, high = pair
    return question.dyad == pair or (low in rule.a and high in rule.b) or (low in rule.b and high in rule.a)


def _main_pair(held: Mapping[tuple[str, str], int], ledger: Ledger) -> tuple[str, str]:
    """The most frequent pair that is asked about, unless it has few rows; else the most frequent of all."""
    enough = FEW_SHARE * sum(held.values())
    asked = (
        pair
        for pair, rows in held.items()
        if rows >= enough and any(_is_covered(question, pair) for question in ledger.questions.values())
    )
    return next(asked, next(iter(held), ("", "")))


def _given_pair(dyad: str, ledger: Ledger) -> tuple[str, str]:
    for question in ledger.questions.values():
        if is_about(question, dyad):
            return question.dyad
    codes = sorted(pair_named(dyad))
    if len(codes) != 2 or not all(codes) or codes[0] == codes[1]:
        raise LedgerError(f"`dyad`: '{dyad}' is no pair of codes. Expected e.g. USA-CHN")
    return codes[0], codes[1]
