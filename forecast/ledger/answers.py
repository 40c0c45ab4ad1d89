"""What the ledger commands answer: plain values for a program, blocks for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from forecast.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Group,
    Heading,
    Pairs,
    Prose,
    Table,
    cells,
    plain_table,
    right,
)
from forecast.errors import LedgerError
from forecast.evaluation.score_table import FEWEST_OUTCOMES
from forecast.events.countries import pair_named
from forecast.events.dyads import near_actors
from forecast.ledger.chain import SHOWN_DIGITS, Ledger
from forecast.ledger.entries import (
    ForecastEntry,
    JudgementEntry,
    ProbabilityEntry,
    ResolutionEntry,
    RunEntry,
    VoidEntry,
)
from forecast.ledger.resolving import Resolved
from forecast.ledger.scoring import GroupScore, LedgerScores
from forecast.wording import count, interval_percent, number, percent, share

_SHOWN_ACTS = 5
_GROUP_HEADS = {
    "horizon": "By horizon",
    "target": "By target",
    "dyad": "By pair",
    "model": "By model",
    "made": "By time",
}
_Fields = Iterator[tuple[str, str]]


def refuse_unknown_pair(ledger: Ledger, pair: str) -> None:
    """Raise ``LedgerError`` for a pair that nothing on record is about."""
    asked = ledger.questions.values()
    if not any(question.is_about(pair) for question in asked):
        near = near_actors(pair_named(pair), {actor for question in asked for actor in question.dyad})
        known = ", ".join(sorted({question.pair for question in asked})) or "none"
        raise LedgerError(f"--dyad: nothing on record is about '{pair}'.{near} On record: {known}")


def summary(ledger: Ledger, entry: ProbabilityEntry) -> dict[str, Any]:
    """Return a forecast and what became of it as plain values."""
    resolution = ledger.resolution_of(entry.question.id)
    return entry.model_dump(mode="json", exclude={"provenance"}) | {
        "question_id": entry.question.id,
        "standing": ledger.standing(entry),
        "failed": entry.failed,
        "outcome": resolution.outcome if resolution else None,
        "imported": bool(entry.provenance),
    }


def everything(ledger: Ledger, subject: str) -> dict[str, Any]:
    """Return a record with its place in the chain, or a question with everything on record about it."""

    def resolutions(question_id: str) -> list[dict[str, Any]]:
        return [entry.model_dump(mode="json") for entry in ledger.resolutions.get(question_id, [])]

    if subject not in ledger:
        return {
            "question_id": subject,
            "question": ledger.questions[subject].model_dump(mode="json"),
            "forecasts": [summary(ledger, entry) for entry in _answers_to(ledger, subject)],
            "resolutions": resolutions(subject),
        }
    record = ledger.record(subject)
    content: dict[str, Any] = {
        "sequence": record.sequence,
        "hash": record.hash,
        "recorded_on": record.recorded_on.isoformat(),
        "clock_behind_s": record.clock_behind_s,
        "entry": record.entry.model_dump(mode="json"),
    }
    if isinstance(record.entry, ProbabilityEntry):
        content["question_id"] = record.entry.question.id
        content["standing"] = ledger.standing(record.entry)
        content["resolutions"] = resolutions(record.entry.question.id)
    return content


def _answers_to(ledger: Ledger, question_id: str) -> list[ForecastEntry | JudgementEntry]:
    return [entry for entry in ledger.answers if entry.question.id == question_id]


def listed(
    ledger: Ledger, entries: Sequence[ForecastEntry | JudgementEntry], left_out: int = 0
) -> Iterator[Block]:
    """A row a forecast: id, days, target, probability, what happened; ``left_out`` failed ones counted."""
    of_failed = "of runs that did not converge"
    without = f"{count(left_out, 'forecast')} {of_failed} left out: --failed lists them."
    if not entries:
        yield Prose(f"{ledger.path}: no such forecast on record.{f' {without}' if left_out else ''}")
        return
    rows = []
    for entry in entries:
        ending = _ending(ledger, entry)
        target = entry.target if isinstance(entry, ForecastEntry) else f"({entry.forecaster})"
        texts = (
            *(entry.id[:SHOWN_DIGITS], str(entry.question.as_of), str(entry.question.milestone)),
            *(entry.question.pair, target, percent(entry.probability), ending),
        )
        rows.append([Cell(text, tone="fine" if ending in ("failed", "void") else "plain") for text in texts])
    yield plain_table(("Id", "As of", "Before", "Pair", "Target", right("Chance"), "Ends"), rows)
    failed = sum(entry.failed for entry in entries)
    if failed:
        yield Prose(f"{count(failed, 'forecast')} {of_failed}: not scored.")
    if left_out:
        yield Prose(without)
    yield Prose("One with everything recorded: forecast ledger show ID", tone="fine")


def _ending(ledger: Ledger, entry: ProbabilityEntry) -> str:
    standing = ledger.standing(entry)
    if entry.failed and standing != "void":
        return "failed"
    resolution = ledger.resolution_of(entry.question.id)
    return ("yes" if resolution.outcome else "no") if standing == "resolved" and resolution else standing


def shown(ledger: Ledger, subject: str) -> Iterator[Block]:
    """Everything on record about a forecast, a question or an outcome."""
    if subject not in ledger:
        yield Heading(f"Question {subject[:SHOWN_DIGITS]}")
        yield from listed(ledger, _answers_to(ledger, subject))
        yield from _set_fields(_outcomes(ledger, subject))
        return
    yield Heading(f"{ledger.record(subject).entry.kind.capitalize()} {subject[:SHOWN_DIGITS]}")
    yield from _set_fields(_record_fields(ledger, subject))


def _set_fields(fields: _Fields) -> Iterator[Block]:
    # No table, whose cells would break long paths and hashes.
    return (Prose(said, lead=f"{name}:") for name, said in fields)


def _record_fields(ledger: Ledger, subject: str) -> _Fields:
    record = ledger.record(subject)
    match record.entry:
        case RunEntry() as run:
            yield "Run", f"{run.run_id}, {run.run_folder}"
            yield "Manifest", f"sha256 {run.manifest_sha256}"
        case VoidEntry() as void:
            yield "Void", f"{void.subject[:SHOWN_DIGITS]}: {void.reason}"
        case ResolutionEntry() as resolution:
            yield _outcome(resolution)
        case ForecastEntry() | JudgementEntry() as answer:
            yield from _answer_fields(ledger, answer)
    yield "Recorded", f"{record.recorded_on:%Y-%m-%d %H:%M:%S} UTC, record {record.sequence}"
    if record.clock_behind_s:
        yield "Clock", f"stood {record.clock_behind_s} s behind an earlier record"
    yield "Hash", record.hash
    for step in record.entry.provenance:
        yield "Came from", f"a chain with head {step.chain_head[:16]}…, there {step.hash[:16]}…"


def _answer_fields(ledger: Ledger, entry: ForecastEntry | JudgementEntry) -> _Fields:
    question = entry.question
    severity = "" if question.min_severity == 1 else f" of severity {question.min_severity} or more"
    by = f" by {' or '.join(question.by)}" if question.by else ""
    kinds = " or ".join(kind.replace("_", " ") for kind in question.any_of)
    rule = f"{kinds}{severity}{by}, scale {question.scale_key}"
    window = f"after {question.as_of} and before {question.milestone}"
    chance = f"{percent(entry.probability)} ({entry.probability:g})"
    if isinstance(entry, JudgementEntry):
        yield "Pair", question.pair
        yield "Target", rule
        yield "Window", window
        yield "Chance", f"{chance} by {entry.forecaster}"
        if facts := entry.market:
            yield "Market", f"{facts.site} {facts.key}: {facts.title}"
            if marks := [*([facts.traded] if facts.traded else []), *facts.marks]:
                yield "Marks", "; ".join(marks)
        if entry.differs:
            yield "Differs", entry.differs
        if entry.link:
            yield "Link", entry.link
    else:
        yield "Pair", f"{entry.dyad_label} ({question.pair})"
        yield "Target", f"{entry.target_label} ({entry.target}): {rule}"
        if entry.rule:
            yield "Question", entry.rule.question
            yield "Counts", entry.rule.counts
            yield "Does not", entry.rule.does_not_count
            yield from (("Edge case", case) for case in entry.rule.edge_cases)
        yield "Window", f"{window} ({entry.milestone_label})"
        span = f"90% interval {interval_percent(entry.interval90)}, Monte Carlo error {entry.mcse:g}"
        yield "Chance", f"{chance}, {span}: {entry.words}"
        yield "Baseline", f"{percent(entry.baseline.probability)} ({entry.baseline.name})"
        fit = "did not converge: not scored" if entry.failed else "converged"
        yield "Model", f"{entry.model}, forecast {entry.code_version}; {fit}"
        yield "Run", f"{entry.run_id}, {entry.run_folder or 'not kept'}"
        yield "Config", f"sha256 {entry.config_sha256[:16]}…, data {entry.data_sha256[:16]}…"
    late = " (hindcast: part of the answer could be known)" if entry.hindcast else ""
    yield "Made on", f"{entry.made_on:%Y-%m-%d %H:%M:%S} UTC{late}"
    yield "Question", question.id[:SHOWN_DIGITS]
    yield from _outcomes(ledger, question.id)
    if void := ledger.void_of(entry):
        yield "Void", void.reason


def _outcomes(ledger: Ledger, question_id: str) -> _Fields:
    resolutions = ledger.resolutions.get(question_id, [])
    yield from map(_outcome, resolutions) if resolutions else (("Outcome", "open"),)


def _outcome(entry: ResolutionEntry) -> tuple[str, str]:
    acts = ", ".join(entry.acts[:_SHOWN_ACTS]) + (" …" if len(entry.acts) > _SHOWN_ACTS else "")
    said = f"yes, on {entry.decided_on} ({acts})" if entry.outcome else "no"
    where = f"{entry.events_source}, which reaches {entry.through}"
    return "Corrected" if entry.corrects else "Outcome", f"{said}; by {where}"


def resolved(done: Resolved, source: str) -> Iterator[Block]:
    """What a file of events settled, and what stays open until when."""
    coverage = done.coverage
    why = "as stated" if coverage.stated else "the last day on which anything became known"
    yield Prose(
        f"{source}: acts of {'-'.join(coverage.dyad)}, taken to cover the days through {coverage.through} "
        f"({why}). Severities on the scale '{coverage.scale}'."
    )
    if coverage.unseen:
        unseen = " or ".join(coverage.unseen)
        yield Prose(f"No row names {unseen}. Does the file cover their acts?", tone="warning")
    yes = sum(resolution.outcome for resolution in done.new)
    if done.new:
        said = f"Resolved: {count(len(done.new), 'question')}: {yes} yes, {len(done.new) - yes} no."
    else:
        said = "No newly resolved questions."
    before = f" {count(len(done.unchanged), 'question')} unchanged." if done.unchanged else ""
    yield Prose(said + before)
    if done.corrected:
        corrected = count(len(done.corrected), "outcome")
        yield Prose(f"{corrected} corrected; the earlier ones stay on record.", tone="warning")
    if done.open:
        soonest = min(question.milestone for question in done.open)
        yield Prose(
            f"{count(len(done.open), 'question')} open: the events do not reach the milestone. The next is "
            f"over when they cover the day before {soonest}."
        )
    if done.open_met:
        yield Prose(
            f"{count(len(done.open_met), 'open question')} met already. They wait for their milestone like "
            "the others, so that a yes does not count sooner than a no."
        )
    for questions, kind, where in (
        (done.void, "void question", ""),
        (done.other_scales, "question", " on other scales"),
        (done.other_dyads, "question", " on other pairs"),
    ):
        if questions:
            yield Prose(f"{count(len(questions), kind)}{where} left alone.")


def scored(scores: LedgerScores, path: Path, written: Sequence[Path]) -> Iterator[Block]:
    """Counts, the score of every group, calibration, misses and others' answers."""
    counts = scores.counts
    parts = [f"{counts.scored:,} scored", f"{counts.open:,} open", f"{counts.void:,} void"]
    parts += [f"{counts.unconverged:,} not converged"] if counts.unconverged else []
    parts += [f"{counts.repeated:,} repeated"] if counts.repeated else []
    yield Heading(f"{path}: {count(counts.forecasts, 'forecast')} on record, {', '.join(parts)}.")
    if counts.void and scores.void_share is not None:
        yield Prose(f"Void share: {percent(scores.void_share)} of void and scored.")
    if scores.warnings:
        yield Bullets(scores.warnings)
    everything, *others = scores.groups
    rows = [_score_row("All", everything)]
    if scores.without_early:
        rows.append(_score_row("without early answers", scores.without_early))
    groups = [Group(rows=tuple(rows), marked=(0,))]
    for by, head in _GROUP_HEADS.items():
        members = [group for group in others if group.by == by]
        if len(members) > 1 or by == "target":
            groups.append(
                Group(rows=tuple(_score_row(member.group, member) for member in members), label=head)
            )
    numbers = map(right, ("n", "yes", "Brier", "±", "base", "log"))
    yield Table(columns=(Column(""), *numbers, Column("Skill (90%)")), groups=tuple(groups))
    claim = everything.claim
    if claim != "none":
        excludes = "(the interval of the skill excludes 0)"
        yield Prose(f"Over all, the forecasts are {claim} than the baseline {excludes}.")
    yield Prose(
        "Brier and log score: lower is better. ± is the standard error, by blocks of neighbouring as-of "
        "dates. base is the Brier score of the baseline that was recorded with each forecast. An asterisk: "
        f"the interval excludes 0, and there are {FEWEST_OUTCOMES} outcomes of either kind. Without it no "
        "skill is claimed.",
        tone="fine",
    )
    early = f"{count(counts.early, 'question')} with a yes in the first half of the window"
    yield Prose(f"Early: {early}. Left out, only slower answers remain.", tone="fine")
    yield from _calibration(scores)
    yield _misses(scores)
    yield from _beside(scores)
    if written:
        yield Pairs(tuple(("Written", str(place)) for place in written))


def _score_row(label: str, group: GroupScore) -> tuple[Cell, ...]:
    return cells(
        *(label, f"{group.n:,}", f"{group.n_yes:,}", f"{group.brier.value:.3f}"),
        "–" if group.brier.se is None else f"{group.brier.se:.3f}",
        *(f"{group.baseline_brier:.3f}", f"{group.log.value:.3f}", _skill(group)),
    )


def _skill(group: GroupScore) -> str:
    # Against a baseline that is all but perfect a skill is a huge number without a meaning.
    if group.skill is None or abs(group.skill.value) >= 10:
        return "–"
    said = f"{number(100 * group.skill.value, 0)}%"
    if group.skill.interval90:
        low, high = (number(100 * end, 0) for end in group.skill.interval90)
        said += f" ({low} to {high})"
    return said + ("" if group.claim == "none" else " *")


def _calibration(scores: LedgerScores) -> Iterator[Block]:
    rows = [
        (
            *(percent(each.forecast_mean), share(each.observed_share), f"{each.number:,}"),
            f"{share(each.lower90)} to {share(each.upper90)}",
        )
        for each in scores.calibration[0].bins
    ]
    columns = right("forecast"), right("happened"), right("n"), "90% of calibrated ones"
    yield plain_table(columns, rows, "Calibration")
    slope = scores.calibration_slope
    if slope and slope.interval90:
        low, high = (number(end, 2) for end in slope.interval90)
        said = f"Slope {number(slope.value, 2)} (90% interval {low} to {high})"
        yield Prose(f"{said}; 1 is calibrated, below 1 too extreme.", tone="fine")


def _misses(scores: LedgerScores) -> Block:
    if not scores.largest_misses:
        return Prose("No forecast was on the wrong side of an even chance.")
    rows = [
        (
            *(miss.id[:SHOWN_DIGITS], str(miss.as_of), str(miss.milestone), miss.target),
            *(percent(miss.probability), "happened" if miss.outcome else "did not happen"),
        )
        for miss in scores.largest_misses
    ]
    columns = "Id", "As of", "Before", "Target", right("Said"), "It"
    return plain_table(columns, rows, "Largest misses, of each episode the worst")


def _beside(scores: LedgerScores) -> Iterator[Block]:
    if not scores.beside:
        return
    rows = []
    for other in scores.beside:
        bound = other.difference
        difference = number(bound.value, 3) + ("" if bound.se is None else f" ± {number(bound.se, 3)}")
        briers = f"{other.brier:.3f}", f"{other.our_brier:.3f}"
        rows.append((other.forecaster, f"{other.n:,}", f"{other.n_yes:,}", *briers, difference))
    numbers = map(right, ("n", "yes", "Brier", "ours"))
    yield plain_table(("Others, same questions", *numbers, "ours − theirs"), rows)
    for other in scores.beside:
        if other.n_late:
            made = f"{other.forecaster} made {other.n_late:,} of theirs"
            yield Prose(f"{made} more than a week after the as-of date.", tone="warning")
