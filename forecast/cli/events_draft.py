"""``forecast events draft`` and ``review``: acts proposed by a language model, decided on by a person."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.blocks import Block, Bullets, Entry, Prose, Verbatim
from forecast.cli.options import Answer, Output, argument, day, day_option, option, read_pair, takes_options
from forecast.cli.terminal import show, show_progress
from forecast.errors import InputError
from forecast.progress import StageProgress
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.events.drafts import Proposal, ProposalFile
    from forecast.events.dyads import DyadRule
    from forecast.events.merging import Agreement
    from forecast.records.scale import Scale

SHOWN_REFUSALS = 20
KEYS = "a accept, c change, r refuse, s skip, ? the anchors, q stop"
CHANGEABLE = {
    "date": "Day of the act (YYYY-MM-DD)",
    "known_date": "Day it became public",
    "initiator": "Who acts (three letters)",
    "target": "Towards whom (three letters)",
    "category": "Category",
    "severity": "Severity, 1 to 5",
    "summary": "What happened, in one neutral sentence",
}
"""Columns that a person may change, and how they are asked for."""


@takes_options
def draft(
    articles: list[Path] = argument("ARTICLE…", "Files of text or HTML."),
    model: str = option(..., "--model", "The model, as the endpoint names it.", "NAME"),
    endpoint: str = option(
        ...,
        "--endpoint",
        "OpenAI-compatible, e.g. http://127.0.0.1:8080/v1. Texts go there alone.",
        "ADDRESS",
    ),
    out: Path = option(
        Path("proposals.json"), "--out -o", "File of proposals; an existing one grows.", "FILE"
    ),
    config: Path | None = option(None, "--config", "Config whose pair and scale are used.", "FILE"),
    pair: str | None = option(None, "--pair", "The pair, without a config.", "A,B"),
    scale: str | None = option(None, "--scale", "Its scale: standard, armed, or a file of anchors.", "SCALE"),
    published: datetime | None = day_option(None, "--published", "Day of articles that do not say theirs."),
    timeout: float = option(120.0, "--timeout", "Most seconds for one answer.", "SECONDS", min=1, max=3600),
    *,
    output: Output,
) -> None:
    """Have a language model propose acts from articles; 'events review' makes events of them.

    Each act must quote a sentence of the article and pass the checks of the codebook; others are refused and
    counted. The variable FORECAST_DRAFT_KEY holds the key of the endpoint, if it wants one. An article that
    the file of proposals knows is not sent again. Exit code 1 when an article gave no usable answer.
    """
    from forecast.events.articles import MAX_ARTICLES, RefusedError, read_article
    from forecast.events.drafts import KEY_VARIABLE, Endpoint, ReadArticle, begin_proposals, draft_article
    from forecast.storage import locked

    rule, anchors = _whose_acts(config, pair, scale)
    at = Endpoint.at(endpoint, model, timeout, os.environ.get(KEY_VARIABLE, ""))
    places = [path.resolve() for path in articles]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise InputError(f"{twice}: given twice. Give each article once")
    if page := next((path for path in articles if path.parts[0] in ("http:", "https:")), None):
        raise InputError(f"{page}: pages by address ended with 0.4: save the page, and give its file")
    if len(articles) > MAX_ARTICLES:
        raise InputError(f"{len(articles):,} articles. Allowed: at most {MAX_ARTICLES} at a time")
    refusals: list[dict[str, str]] = []
    failed, skipped = 0, 0
    with locked(out), show_progress(shown=output.for_people) as draw:
        file = begin_proposals(out, rule, anchors)
        before = len(file.content.proposals)
        for done, path in enumerate(articles):
            draw(StageProgress("draft", done, len(articles)))
            try:
                article = read_article(path, day(published))
                read = ReadArticle(name=article.name, sha256=article.sha256, model=model)
                if file.was_read(read):
                    skipped += 1
                    continue
                kept, refused = draft_article(article, at, rule, anchors)
                if kept or not refused:
                    file = file.with_article(read, kept)
            except RefusedError as error:
                refused = [error]
                failed += 1
            refusals += [{"kind": why.kind, "article": str(path), "message": str(why)} for why in refused]
        draw(StageProgress("draft", len(articles), len(articles)))
    added = file.content.proposals[before:]
    kinds = dict(sorted(Counter(refusal["kind"] for refusal in refusals).items()))
    facts = {
        "out": str(out) if file.content.articles else None,
        "articles": len(articles),
        "skipped": skipped,
        "failed": failed,
        "proposals": [proposal.model_dump(mode="json") for proposal in added],
        "waiting": len(file.content.waiting()),
        "refused": kinds,
        "refusals": refusals,
    }
    asked_before = f", {skipped:,} of them asked about before" if skipped else ""
    head = f"{count(len(articles), 'article')}{asked_before}: {count(len(added), 'act')} proposed."
    output.print(facts, (Prose(head), *_drafted(file, added, refusals, kinds)))
    if failed:
        raise typer.Exit(1)


def _whose_acts(config: Path | None, pair: str | None, scale: str | None) -> tuple[DyadRule, Scale]:
    from forecast.config import load_config
    from forecast.config.writing import load_scale
    from forecast.events.dyads import DyadRule
    from forecast.runs.inputs import config_scale, dyad_rule

    if config is not None and pair is None:
        if scale is not None:
            raise InputError("--scale has no effect with --config, which names its scale. Leave it out")
        loaded = load_config(config)
        return dyad_rule(loaded), config_scale(loaded)
    if pair is None or config is not None:
        raise InputError("whose acts? Give --config FILE, or --pair A,B such as --pair USA,CHN")
    a, b = read_pair(pair)
    return DyadRule((a,), (b,)), load_scale(scale or "standard", Path())


def _drafted(
    file: ProposalFile,
    added: Sequence[Proposal],
    refusals: Sequence[dict[str, str]],
    kinds: dict[str, int],
) -> Iterator[Block]:
    yield Bullets(tuple(f"{proposal.id}: {_in_short(proposal.cells)}" for proposal in added))
    if refusals:
        lines = ["{article}: {kind}: {message}".format(**refusal) for refusal in refusals[:SHOWN_REFUSALS]]
        if (hidden := len(refusals) - SHOWN_REFUSALS) > 0:
            lines.append(f"and {hidden:,} more. All of them: --json")
        listed = ", ".join(f"{kind} {number:,}" for kind, number in kinds.items())
        yield Entry(f"Refused: {listed}", (Bullets(tuple(lines)),))
    if waiting := len(file.content.waiting()):
        command = f"forecast events review {file.path} EVENTS.csv"
        yield Prose(f"{file.path} holds {count(waiting, 'proposal')} to decide: {command}")
    elif not file.content.articles:
        yield Prose("Nothing was written.")


def _in_short(cells: dict[str, str]) -> str:
    who = f"{cells['initiator']} to {cells['target']}"
    return f"{cells['date']} {who} {cells['category']} {cells['severity']}: {cells.get('summary', '')}"


@takes_options
def review(
    proposals: Path = argument("PROPOSALS", "File that 'events draft' wrote."),
    file: Path | None = argument(
        "FILE", "Event file (CSV) that accepted acts go to; made when absent.", default=None
    ),
    against: Path | None = option(
        None, "--against", "A person's own coding of the same articles, to compare with.", "FILE"
    ),
    seed: int = option(0, "--seed", "Seed of the bootstrap of the intervals.", min=0),
    *,
    answer: Answer,
) -> None:
    """Decide on each proposal with one key; what is accepted goes to the event file at once.

    a accepts, c changes, r refuses, s leaves it for later, q stops. Each shows its sentence, its anchor and
    the nearest acts of the file. Stop whenever you like: every decision is kept. Accepted rows carry
    x_coder draft+person. Without FILE, or with --json, it asks nothing and tells how things stand.
    """
    from forecast.events.drafts import CODER, open_proposals
    from forecast.events.merging import match_events, measure_agreement
    from forecast.events.reading import read_events
    from forecast.storage import locked

    with locked(proposals):
        opened = open_proposals(proposals)
        if file is not None:
            opened = opened.finish(file)
            if answer.for_people:
                opened = _decide(opened, file)
    content = opened.content
    units, other = content.reviewed_units(), CODER
    if against is not None:
        units, other = match_events([content.drafted(), read_events(against)]), against.stem
    agreement = measure_agreement(units, seed)
    decisions = dict.fromkeys(("waiting", "accepted", "changed", "refused"), 0)
    decisions |= Counter(proposal.decision for proposal in content.proposals)
    facts = {
        "proposals": [proposal.model_dump(mode="json") for proposal in content.proposals],
        "decisions": decisions,
        "file": None if file is None else str(file),
        "coders": ["draft", other],
        "events": len(units),
        "shared": sum(len(unit) > 1 for unit in units),
        "agreement": [vars(agreed) for agreed in agreement],
    }
    head = ", ".join(f"{decision} {number:,}" for decision, number in decisions.items()).capitalize()
    compared = _compared(other, len(units), agreement, seen=against is None) if units else ()
    answer.print(facts, (Prose(f"{head}."), *compared))


def _compared(other: str, events: int, agreement: Sequence[Agreement], *, seen: bool) -> Iterator[Block]:
    from forecast.cli.events import agreement_blocks

    yield Prose(f"draft beside {other}, {count(events, 'event')}:")
    yield from agreement_blocks(agreement)
    if seen:
        yield Prose(
            "The person saw the draft first, so true agreement is lower. An own coding (--against) tells."
        )


def _decide(file: ProposalFile, events: Path) -> ProposalFile:
    """Ask for every proposal that waits; end of input and ``q`` stop."""
    from forecast.cli.events import severities_table

    waiting = file.content.waiting()
    for place, proposal in enumerate(waiting, start=1):
        show([Verbatim(("",)), _shown(proposal, file, events, f"{place} of {len(waiting)}")])
        while (key := _one_key()) not in ("a", "c", "r", "s", "q"):
            if key == "?":
                show([severities_table(file.content.scale, proposal.cells["category"])])
            else:
                typer.echo(f"  Expected: {KEYS}", err=True)
        match key:
            case "q":
                return file
            case "r":
                file = file.refuse(proposal)
            case "a":
                file = file.accept(proposal, events)
            case "c":
                file = file.accept(proposal, events, _changed(proposal, file.content.scale))
    return file


def _shown(proposal: Proposal, file: ProposalFile, events: Path, place: str) -> Block:
    from forecast.events.drafts import open_event_file
    from forecast.events.merging import nearest_acts

    cells = proposal.cells
    table = open_event_file(events).table
    near = [] if table is None else nearest_acts(proposal.drafted, table)
    acts = (f"{act.id}: {_in_short({**vars(act), 'target': act.recipient})}" for act in near)
    return Entry(
        f"{proposal.id} ({place})  {_in_short(cells)}",
        (
            Prose(f"Sentence: {proposal.sentence}"),
            Prose(f"Severity {cells['severity']} ({file.content.scale.name}): {proposal.anchor}"),
            Prose(f"From: {cells.get('source_url', proposal.article)}, {cells['source_date']}"),
            Prose("Nearest acts of the file:" if near else "The file has no act of this pair near that day."),
            Bullets(tuple(acts)),
        ),
    )


def _one_key() -> str:
    """Ask for one key of a terminal, or the first sign of a line of other input; ``q`` at its end."""
    typer.echo(f"  [{KEYS}] ", err=True, nl=False)
    if sys.stdin.isatty():
        key = str(typer.getchar())
        typer.echo(key if key.isprintable() else "", err=True)
        return "q" if key in ("\x04", "") else key.lower()
    given = sys.stdin.readline()
    typer.echo(err=True)
    return given.strip()[:1].lower() if given else "q"


def _changed(proposal: Proposal, scale: Scale) -> dict[str, str]:
    """Ask for each column, what was drafted when left empty; a wrong answer is told and asked for again."""
    from forecast.events.drafts import act_faults

    cells = dict(proposal.cells)
    for name, question in CHANGEABLE.items():
        while True:
            try:
                prompt = f"{question} [{cells.get(name, '')}]"
                given = str(typer.prompt(prompt, default="", show_default=False, err=True)).strip()
            except typer.Abort as stop:  # Typer's word for Ctrl-C and for the end of input
                raise KeyboardInterrupt from stop
            changed = cells | ({name: given} if given else {})
            wrong = [message for column, message in act_faults(changed, scale) if column == name]
            if not wrong:
                cells = changed
                break
            typer.echo(f"  {wrong[0]}", err=True)
    return cells
