"""A sealed test: a plan goes on the chain before its windows open, and is scored when all have closed.

What is sealed is each question with the config, model and program that have to answer it, and the events
known on the day. Whatever differs later is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from forecast.config import config_hash
from forecast.config.seal import SealPlan
from forecast.errors import LedgerError
from forecast.evaluation.study import decisive_versions
from forecast.ledger.recording import questions_of
from forecast.ledger.scoring import (
    BASE_RATE,
    MODEL,
    compare_forecasters,
    first_answers,
    resolved_forecasts,
)
from forecast.ledger.store import Ledger
from forecast.records.ledger import (
    GRACE_DAYS,
    ForecastEntry,
    PersonScore,
    Refusal,
    SealedForecast,
    SealEntry,
    SealRefusal,
    SealScores,
    with_id,
)
from forecast.runs.inputs import load_config_events
from forecast.wording import count, listing


def seal_of(plan: SealPlan, sealed_on: date) -> SealEntry:
    """Return what a plan seals on a day (``InputError``: it, a config or an event file is not usable)."""
    asked, data = dict[str, SealedForecast](), dict[str, str]()
    for day in sorted(set(plan.as_of)):
        for config in plan.configs_as_of(day):
            for target, _, question in questions_of(config):
                sealed = SealedForecast(
                    question=question,
                    name=config.name,
                    target=target,
                    model=config.model.family,
                    config_sha256=config_hash(config),
                )
                if asked.setdefault(question.id, sealed) is not sealed:
                    both = f"{asked[question.id].name} and {config.name}"
                    raise plan.error(("configs",), f"{both} ask the same question about {question.pair}")
            if config.name not in data:
                events = load_config_events(config)
                data[config.name] = events.select(config.dyad.rule.mask(events)).known_by(sealed_on).sha256
    return with_id(
        SealEntry,
        name=plan.name,
        sealed_on=sealed_on,
        forecasts=tuple(asked.values()),
        rivals=plan.rivals,
        data_sha256=data,
        program=decisive_versions(),
    )


def refuse_begun(plan: SealPlan, today: date) -> None:
    """Refuse a plan of which a window has opened (``ConfigError``)."""
    if (first := min(plan.as_of)) < today:
        opened = first + timedelta(days=1)
        raise plan.error(
            ("as_of",),
            f"the window of {first} opened on {opened}. The first day that can be sealed is {today}",
        )


def score_seal(ledger: Ledger, plan: SealPlan, today: date) -> SealScores:
    """Score the forecasts of a sealed plan that were made as sealed, and name the others.

    ``LedgerError``: no such seal, the plan, a config or events known then are others by now, or a window is
    open or not resolved.
    """
    seal = ledger.seals.get(plan.name)
    if seal is None:
        known = ", ".join(sorted(ledger.seals)) or "none"
        raise LedgerError(f"{ledger.path}: no plan '{plan.name}' is sealed. On record: {known}")
    now = seal_of(plan, seal.sealed_on)
    parts = {"rivals": "rivals", "forecasts": "questions or settings", "data_sha256": "events known then"}
    if changed := [text for part, text in parts.items() if getattr(seal, part) != getattr(now, part)]:
        raise LedgerError(
            f"{plan.source_path}: not as sealed on {seal.sealed_on}: {listing(changed)} changed. Put back "
            "what was sealed"
        )
    questions = [sealed.question for sealed in seal.forecasts]
    if waiting := [one.milestone for one in questions if not one.is_over(today - timedelta(days=1))]:
        raise LedgerError(
            f"{ledger.path}: '{plan.name}' has {len(waiting)} of {count(len(questions), 'window')} open, the "
            f"last until {max(waiting) - timedelta(days=1)}. Test it after that day"
        )
    answers = [(sealed, *_answer(ledger, sealed, seal.program)) for sealed in seal.forecasts]
    made = [entry for _, entry, why in answers if entry and not why]
    if unresolved := sum(ledger.resolution_of(entry.question.id) is None for entry in made):
        raise LedgerError(
            f"{ledger.path}: '{plan.name}' has {unresolved} of {count(len(questions), 'question')} not "
            "resolved. 'forecast ledger resolve' looks up what happened"
        )
    refused = (
        SealRefusal(
            name=sealed.name,
            target=sealed.target,
            as_of=sealed.question.as_of,
            milestone=sealed.question.milestone,
            why=why,
        )
        for sealed, _, why in answers
        if why
    )
    return SealScores(
        schema=1,
        id=seal.id,
        name=seal.name,
        sealed_on=seal.sealed_on,
        sealed=len(questions),
        refused=tuple(refused),
        scores=tuple(_scores(ledger, made, seal.rivals)),
    )


def _answer(
    ledger: Ledger, sealed: SealedForecast, program: str
) -> tuple[ForecastEntry | None, Refusal | None]:
    """Return the first forecast that answers a question, and why it does not count, if so."""
    same = sealed.question, sealed.name, sealed.model
    entries = [one for one in ledger.forecasts if (one.question, one.name, one.model) == same]
    entry = next((one for one in entries if one.converged), None)
    if entry is None:
        return None, "unconverged" if entries else "missing"
    recorded = ledger.record(entry.id).recorded_on.date()
    faults: dict[Refusal, bool] = {
        "void": ledger.standing(entry) == "void",
        "settings": entry.config_sha256 != sealed.config_sha256,
        "program": entry.program != program,
        "late": recorded > entry.question.as_of + timedelta(days=GRACE_DAYS),
    }
    return entry, next((name for name, holds in faults.items() if holds), None)


def _scores(ledger: Ledger, made: list[ForecastEntry], rivals: tuple[str, ...]) -> Iterator[PersonScore]:
    said = first_answers(ledger, of_persons=False) | first_answers(ledger, of_persons=True)
    rows = []
    for entry, outcome, _ in resolved_forecasts(ledger, made):
        chances = {MODEL: entry.probability, BASE_RATE: entry.baseline.probability}
        for name in rivals:
            answer = said.get(name, {}).get(entry.question.id)
            if answer and not answer.hindcast:
                chances[name] = answer.probability
        rows += [(name, entry.question, chance, outcome) for name, chance in chances.items()]
    yield from compare_forecasters(rows, {}) if rows else ()
