"""What the commands of the ledger show: forecasts on record, outcomes, scores, judgements; made of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from forecast.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Group,
    Heading,
    Prose,
    Table,
    Verbatim,
    cells,
    paired,
    plain_table,
    right,
)
from forecast.ledger.judgements import Conditional, PersonalJudgement
from forecast.ledger.recording import Resolved
from forecast.ledger.scoring import MODEL
from forecast.ledger.store import Ledger, Verified
from forecast.phrases import ledger as phrases
from forecast.phrases.notices import notice_text
from forecast.records.analysis import skill_told
from forecast.records.ledger import (
    SHOWN_DIGITS,
    ForecastEntry,
    GroupScore,
    JudgementEntry,
    LedgerScores,
    PersonScore,
    ProbabilityEntry,
    ResolutionEntry,
    RunEntry,
    SealEntry,
    SealScores,
    VoidEntry,
)
from forecast.report.palette import name_model
from forecast.wording import interval_percent, number, percent, share, shorten

_GROUP_HEADS = {
    "horizon": "By horizon",
    "target": "By target",
    "dyad": "By pair",
    "model": "By model",
    "made": "By time",
}


# Forecasts on record


def listed(
    ledger: Ledger, entries: Sequence[ForecastEntry | JudgementEntry], left_out: int = 0
) -> Iterator[Block]:
    """A row a forecast, conditional ones under their condition; ``left_out`` failed ones are counted."""
    if not entries:
        without = f" {phrases.failed_left_out_text(left_out)}" if left_out else ""
        yield Prose(f"{phrases.none_on_record_text(ledger.path)}{without}")
        return
    names = {entry.question.id: entry.target for entry in ledger.forecasts}
    by_condition: dict[str, list[tuple[Cell, ...]]] = {"": []}
    for entry in entries:
        question, ending = entry.question, _ending(ledger, entry)
        made, recorded = entry.made_on.date(), ledger.record(entry.id).recorded_on.date()
        asked = names.get(question.id) or shorten(phrases.rule_text(question), 60)
        by = entry.forecaster if isinstance(entry, JudgementEntry) else "model"
        days = (str(question.as_of), str(question.milestone)), (str(made), str(recorded) * (recorded != made))
        more = (percent(entry.probability), ""), (ending, "")
        texts = (entry.id[:SHOWN_DIGITS], ""), days[0], (question.pair, asked), (by, ""), days[1], *more
        fine: Literal["fine", "plain"] = "fine" if ending in ("failed", "void") else "plain"
        row = tuple(Cell(text, note=note, tone=fine) for text, note in texts)
        condition = phrases.condition_text(question.condition) if question.condition else ""
        by_condition.setdefault(condition, []).append(row)
    columns = (
        *(Column("Id"), Column("As of / before"), Column("Pair / target"), Column("By")),
        *(Column("Made / recorded"), right("Chance"), Column("Ends")),
    )
    groups = (Group(rows=tuple(rows), label=label) for label, rows in by_condition.items() if rows)
    yield Table(columns=columns, groups=tuple(groups))
    if failed := sum(entry.failed for entry in entries):
        yield Prose(phrases.failed_text(failed))
    if left_out:
        yield Prose(phrases.failed_left_out_text(left_out))
    yield Prose("One with everything recorded: forecast ledger show ID", tone="fine")


def _ending(ledger: Ledger, entry: ProbabilityEntry) -> str:
    standing = ledger.standing(entry)
    if entry.failed and standing != "void":
        return "failed"
    resolution = ledger.resolution_of(entry.question.id)
    return ("yes" if resolution.outcome else "no") if standing == "resolved" and resolution else standing


def details(ledger: Ledger, subject: str) -> Iterator[Block]:
    """Everything on record about a forecast, a question or an outcome."""
    if subject in ledger:
        yield Heading(f"{ledger.record(subject).entry.kind.capitalize()} {subject[:SHOWN_DIGITS]}")
        fields = _record_fields(ledger, subject)
    else:
        yield Heading(f"Question {subject[:SHOWN_DIGITS]}")
        yield from listed(ledger, [entry for entry in ledger.answers if entry.question.id == subject])
        fields = _outcomes(ledger, subject)
    # No table, whose cells would break long paths and hashes.
    yield from (Prose(text, lead=f"{name}:") for name, text in fields)


def _record_fields(ledger: Ledger, subject: str) -> Iterator[tuple[str, str]]:
    record = ledger.record(subject)
    match record.entry:
        case RunEntry() as run:
            yield "Run", f"{run.run_id}, {run.run_folder}"
            yield "Manifest", f"sha256 {run.manifest_sha256}"
        case SealEntry() as seal:
            yield "Seal", f"{seal.name}, {seal.sealed_on}: {phrases.sealed_text(seal)}"
            yield "Program", seal.program
        case VoidEntry() as void:
            yield "Void", f"{void.subject[:SHOWN_DIGITS]}: {void.reason}"
        case ResolutionEntry() as resolution:
            yield _outcome(resolution)
        case ForecastEntry() | JudgementEntry() as answer:
            yield from _answer_fields(ledger, answer)
    yield "Recorded", f"{record.recorded_on:%Y-%m-%d %H:%M:%S} UTC, record {record.sequence}"
    yield "Hash", record.hash


def _answer_fields(ledger: Ledger, entry: ForecastEntry | JudgementEntry) -> Iterator[tuple[str, str]]:
    question = entry.question
    rule, window = phrases.rule_text(question), phrases.window_text(question)
    chance = phrases.chance_text(entry)
    if isinstance(entry, JudgementEntry):
        yield "Pair", question.pair
        yield "Target", rule
        yield "Window", window
        yield "Chance", f"{chance} by {entry.forecaster}"
        for name, text in (("Because", entry.because), ("Differs", entry.differs), ("Link", entry.link)):
            if text:
                yield name, text
    else:
        yield "Pair", f"{entry.dyad_label} ({question.pair})"
        yield "Target", f"{entry.target_label} ({entry.target}): {rule}"
        yield from phrases.question_on_record(entry)
        yield "Window", f"{window} ({entry.milestone_label})"
        yield "Chance", f"{chance}, {phrases.span_text(entry)}"
        yield "Baseline", f"{percent(entry.baseline.probability)} ({name_model(entry.baseline.name)})"
        yield "Model", phrases.made_by_text(entry)
        yield "Run", f"{entry.run_id}, {entry.run_folder or 'not kept'}"
        yield "Config", f"sha256 {entry.config_sha256[:16]}…, data {entry.data_sha256[:16]}…"
    yield "Made on", phrases.made_on_text(entry)
    yield "Question", question.id[:SHOWN_DIGITS]
    yield from _outcomes(ledger, question.id)
    if void := ledger.void_of(entry):
        yield "Void", void.reason


def _outcomes(ledger: Ledger, question_id: str) -> Iterator[tuple[str, str]]:
    resolutions = ledger.resolutions.get(question_id, [])
    yield from map(_outcome, resolutions) if resolutions else (("Outcome", "open"),)


def _outcome(entry: ResolutionEntry) -> tuple[str, str]:
    return "Corrected" if entry.corrects else "Outcome", phrases.outcome_text(entry)


def sealed_plan(seal: SealEntry, head: str) -> Iterator[Block]:
    """What was sealed, and the head that proves when."""
    yield Prose(phrases.sealed_text(seal), lead=f"Sealed '{seal.name}':")
    yield Verbatim((f"Head {head}",))
    yield Prose(phrases.HEAD_PROVES)


def scored_seal(scores: SealScores) -> Iterator[Block]:
    """How the forecasts of a sealed plan did, and which do not count."""
    yield Prose(phrases.as_sealed_text(scores))
    if scores.refused:
        yield Bullets(tuple(phrases.refused_texts(scores)))
    if scores.scores:
        yield from scored_persons(scores.scores)


def verified(checked: Verified) -> Iterator[Block]:
    """What is said of a sound ledger and of the runs on record."""
    yield from map(Prose, phrases.verified_texts(checked.facts))
    yield Verbatim((f"Head {checked.facts['head']}",))
    yield Prose(phrases.HEAD_PROVES)


def settled(done: Resolved, source: str) -> Iterator[Block]:
    """What a file of events settled, and what stays open until when."""
    found = done.found
    pair, stated = "-".join(done.dyad), done.stated
    yield Prose(phrases.covered_text(source, pair, done.through, done.scale, stated=stated))
    if done.unseen:
        yield Prose(phrases.unseen_text(done.unseen), tone="warning")
    yield Prose(phrases.resolved_text([entry.outcome for entry in found["new"]], len(found["unchanged"])))
    if found["corrected"]:
        yield Prose(phrases.corrected_text(len(found["corrected"])), tone="warning")
    if found["open"]:
        yield Prose(phrases.open_text(found["open"]))
    if found["open_met"]:
        yield Prose(phrases.met_text(len(found["open_met"])))
    yield from map(Prose, phrases.left_alone_texts({why: len(questions) for why, questions in found.items()}))


# Judgements


def judgement(judged: PersonalJudgement, ledger: Ledger) -> Iterator[Block]:
    """What was put on record, beside the model and the pool."""
    entry, (probability, persons) = judged.entry, judged.pool(ledger)
    yield Prose(phrases.judged_text(entry, judged.target_label, ledger.record(entry.id).recorded_on.date()))
    yield paired(
        (
            (entry.forecaster, f"{percent(entry.probability)}{phrases.range_text(entry.interval)}"),
            ("Model", percent(judged.milestone.probability)),
            ("Pooled", phrases.pooled_text(probability, persons)),
        )
    )


def conditional(answer: Conditional) -> Iterator[Block]:
    """What a run says of a conditional question, and the cases behind it."""
    entry = answer.entry
    yield Prose(phrases.conditional_text(entry))
    yield paired(
        (
            ("Model", f"{percent(entry.probability)}, 90% interval {interval_percent(entry.interval90)}"),
            ("Cases", phrases.cases_text(answer.cases, answer.answered)),
            ("Other days", percent(entry.baseline.probability)),
        )
    )
    yield Prose(phrases.clock_text(entry.question), tone="fine")


# Scores


def scored(scores: LedgerScores, path: Path) -> Iterator[Block]:
    """Counts, the score of every group, calibration and misses."""
    yield Heading(phrases.on_record_text(str(path), scores.counts))
    if scores.counts.void and scores.void_share is not None:
        yield Prose(f"Void share: {percent(scores.void_share)} of void and scored.")
    if scores.warnings:
        yield Bullets(tuple(map(notice_text, scores.warnings)))
    everything, *others = scores.groups
    groups = [Group(rows=(_score_row("All", everything),), marked=(0,))]
    for by, head in _GROUP_HEADS.items():
        members = [group for group in others if group.by == by]
        if len(members) > 1 or by == "target":
            groups.append(
                Group(rows=tuple(_score_row(member.group, member) for member in members), label=head)
            )
    numbers = map(right, ("n", "yes", "Brier", "±", "base", "log"))
    yield Table(columns=(Column(""), *numbers, Column("Skill (90%)")), groups=tuple(groups))
    if everything.claim != "none":
        yield Prose(phrases.overall_text(everything.claim))
    yield Prose(phrases.SCORES_READ, tone="fine")
    yield from _calibration(scores)
    misses = [
        (
            *(miss.id[:SHOWN_DIGITS], str(miss.as_of), str(miss.milestone), miss.target),
            *(percent(miss.probability), "happened" if miss.outcome else "did not happen"),
        )
        for miss in scores.largest_misses
    ]
    if misses:
        columns = "Id", "As of", "Before", "Target", right("Said"), "It"
        yield plain_table(columns, misses, "Largest misses, of each episode the worst")
    else:
        yield Prose("No forecast was on the wrong side of an even chance.")


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
        yield Prose(phrases.slope_text(slope.value, slope.interval90), tone="fine")


def _score_row(label: str, group: GroupScore) -> tuple[Cell, ...]:
    return cells(
        *(label, f"{group.n:,}", f"{group.n_yes:,}", f"{group.brier.value:.3f}"),
        "–" if group.brier.se is None else f"{group.brier.se:.3f}",
        *(f"{group.baseline_brier:.3f}", f"{group.log.value:.3f}", _skill_cell(group)),
    )


def _skill_cell(group: GroupScore) -> str:
    interval = skill_told(group.skill, group.claim)
    # Against a baseline that is all but perfect a skill is a huge number without a meaning.
    if group.skill is None or interval is None or not group.n_yes or abs(group.skill.value) >= 10:
        return "–"
    value, low, high = (number(100 * part, 0) for part in (group.skill.value, *interval))
    return f"{value}% ({low} to {high})" + ("" if group.claim == "none" else " *")


def scored_persons(scores: Sequence[PersonScore]) -> Iterator[Block]:
    """A row a forecaster, with an asterisk where it is sure who was better, and who answered late."""
    rows = [
        (
            *(score.by, f"{score.n:,}", f"{score.n_yes:,}", _with_error(score.brier, score.brier_se)),
            *(f"{score.log:.3f}", f"{score.model_brier:.3f}"),
            "–" if score.by == MODEL else _with_error(score.lead, score.lead_se) + " *" * score.sure,
            "–" if score.skill is None else f"{number(100 * score.skill, 0)}%",
        )
        for score in scores
    ]
    yield plain_table(("By", *map(right, ("n", "yes", "Brier", "log", "Model", "Lead", "Skill"))), rows)
    if late := [phrases.answered_late_text(score) for score in scores if score.n_late]:
        yield Bullets(tuple(late))
    yield Prose(phrases.PERSONS_READ, tone="fine")


def _with_error(value: float, error: float | None) -> str:
    return number(value, 3) + ("" if error is None else f" ± {number(error, 3)}")
