"""``forecast events draft`` and ``review``: acts proposed by a language model, decided on by a person."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.blocks import Block, Bullets, Entry, Prose, Verbatim
from forecast.cli.options import Answer, Output, argument, day, day_option, option, parts_of, takes_options
from forecast.cli.terminal import show, show_progress
from forecast.errors import InputError
from forecast.progress import StageProgress
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.drafts.drafting import Refusal
    from forecast.drafts.proposals import Proposal, ProposalFile
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
    "category": "Category (? for the codebook)",
    "severity": "Severity 1 to 5 (? for what each means)",
    "summary": "What happened, in one neutral sentence",
}
"""Columns that a person may change, and how they are asked for."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose acts are asked for, and by which scale."""

    config: Path | None = option(None, "--config", "Config whose pair and scale are used.", "FILE")
    pair: str | None = option(None, "--pair", "The pair, without a config.", "A,B")
    scale: str | None = option(None, "--scale", "Its scale: standard, armed, or a file of anchors.", "SCALE")

    def read(self) -> tuple[DyadRule, Scale]:
        """Return the pair and the scale."""
        from forecast.config import load_config
        from forecast.config.writing import load_scale
        from forecast.events.dyads import DyadRule
        from forecast.events.reading import read_cells
        from forecast.runs.inputs import config_scale, dyad_rule

        if (self.config is None) == (self.pair is None):
            raise InputError("whose acts? Give --config FILE, or --pair A,B such as --pair USA,CHN")
        if self.config is not None:
            if self.scale is not None:
                raise InputError("--scale has no effect with --config, which names its scale. Leave it out")
            config = load_config(self.config)
            return dyad_rule(config), config_scale(config)
        actors = parts_of(self.pair or "")
        if len(actors) != 2:
            raise InputError(f"--pair {self.pair}: expected two actors, such as USA,CHN")
        values, faults = read_cells(dict(zip(("initiator", "target"), actors, strict=True)))
        if faults:
            raise InputError(f"--pair {self.pair}: {faults[0][1]}")
        rule = DyadRule((values["initiator"],), (values["target"],))
        return rule, load_scale(self.scale or "standard", Path())


@takes_options
def draft(
    articles: list[str] = argument(
        "ARTICLE…", "Files of text or HTML, web addresses, or files of addresses, one a line."
    ),
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
    *,
    asked: Asked,
    published: datetime | None = day_option(None, "--published", "Day of articles that do not say theirs."),
    timeout: float = option(120.0, "--timeout", "Most seconds for one answer.", "SECONDS", min=1, max=3600),
    output: Output,
) -> None:
    """Have a language model propose acts from articles; 'events review' makes events of them.

    Each act must quote a sentence of the article and pass the checks of the codebook; others are refused and
    counted. The variable FORECAST_DRAFT_KEY holds the key of the endpoint, if it wants one. An article that
    the file of proposals knows is not sent again. Exit code 1 when an article gave no usable answer.
    """
    from forecast.drafts.articles import named_articles, read_article
    from forecast.drafts.drafting import Draft, Refusal, draft_article
    from forecast.drafts.endpoint import KEY_VARIABLE, RefusedError, endpoint_at
    from forecast.drafts.proposals import ReadArticle, begin_proposals
    from forecast.storage import locked

    rule, scale = asked.read()
    at = endpoint_at(endpoint, model, timeout, os.environ.get(KEY_VARIABLE, ""))
    names = named_articles(articles)
    refusals: list[Refusal] = []
    failed, skipped = 0, 0
    with locked(out):
        file = begin_proposals(out, rule, scale)
        before = len(file.content.proposals)
        with show_progress(shown=output.for_people) as draw:
            for done, name in enumerate(names):
                draw(StageProgress("draft", done, len(names)))
                try:
                    article = read_article(name, day(published), timeout)
                except RefusedError as error:
                    made = Draft(refusals=(Refusal(error.kind, name, str(error)),), failed=True)
                else:
                    read = ReadArticle(name=name, sha256=article.sha256, model=model)
                    if file.was_read(read):
                        skipped += 1
                        continue
                    made = draft_article(article, at, rule, scale)
                    if made.proposals or not made.refusals:
                        file = file.with_article(read, made.proposals)
                refusals += made.refusals
                failed += made.failed
            draw(StageProgress("draft", len(names), len(names)))
    added = file.content.proposals[before:]
    kinds = Counter(one.kind for one in refusals)
    facts = {
        "out": str(out) if file.content.articles else None,
        "articles": len(names),
        "skipped": skipped,
        "failed": failed,
        "proposals": [one.model_dump(mode="json") for one in added],
        "waiting": len(file.content.waiting()),
        "refused": dict(sorted(kinds.items())),
        "refusals": [vars(one) for one in refusals],
    }
    output.print(facts, _drafted(file, added, refusals, len(names), skipped))
    if failed:
        raise typer.Exit(1)


def _drafted(
    file: ProposalFile, added: Sequence[Proposal], refusals: Sequence[Refusal], articles: int, skipped: int
) -> Iterator[Block]:
    before = f", {skipped:,} of them asked about before" if skipped else ""
    yield Prose(f"{count(articles, 'article')}{before}: {count(len(added), 'act')} proposed.")
    yield Bullets(tuple(f"{proposal.id}: {_in_short(proposal.cells)}" for proposal in added))
    if refusals:
        kinds = Counter(refusal.kind for refusal in refusals)
        said = [f"{refusal.article}: {refusal.kind}: {refusal.message}" for refusal in refusals]
        hidden = len(refusals) - SHOWN_REFUSALS
        more = [f"and {hidden:,} more. All of them: --json"] if hidden > 0 else []
        listed = ", ".join(f"{kind} {number:,}" for kind, number in sorted(kinds.items()))
        yield Entry(f"Refused: {listed}", (Bullets((*said[:SHOWN_REFUSALS], *more)),))
    if file.content.waiting():
        waiting = count(len(file.content.waiting()), "proposal")
        yield Prose(f"{file.path} holds {waiting} to decide: forecast events review {file.path} EVENTS.csv")
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
    from forecast.drafts.proposals import open_proposals
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
    units, coders = content.reviewed_units(), ("draft", "draft+person")
    if against is not None:
        units, coders = list(match_events([content.drafted(), read_events(against)])), ("draft", against.stem)
    agreement = measure_agreement(units, seed)
    decisions = Counter(one.decision for one in content.proposals)
    facts = {
        "proposals": [one.model_dump(mode="json") for one in content.proposals],
        "decisions": {name: decisions[name] for name in ("waiting", "accepted", "changed", "refused")},
        "file": None if file is None else str(file),
        "coders": list(coders),
        "events": len(units),
        "shared": sum(len(unit.rows) > 1 for unit in units),
        "agreement": [vars(one) for one in agreement],
    }
    answer.print(facts, _standing(facts["decisions"], coders, len(units), agreement, seen=against is None))  # type: ignore[arg-type]


def _standing(
    decisions: dict[str, int],
    coders: tuple[str, str],
    events: int,
    agreement: Sequence[Agreement],
    *,
    seen: bool,
) -> Iterator[Block]:
    from forecast.events.answers import agreement_blocks

    yield Prose(", ".join(f"{name} {number:,}" for name, number in decisions.items()).capitalize() + ".")
    if not events:
        return
    yield Prose(f"{coders[0]} beside {coders[1]}, {count(events, 'event')}:")
    yield from agreement_blocks(agreement)
    if seen:
        yield Prose(
            "The person saw the draft first, so true agreement is lower. An own coding (--against) tells."
        )


def _decide(file: ProposalFile, events: Path) -> ProposalFile:
    """Ask for every proposal that waits; end of input and ``q`` stop."""
    waiting = file.content.waiting()
    for place, proposal in enumerate(waiting, start=1):
        show([Verbatim(("",)), *_asked_about(proposal, file, events, f"{place} of {len(waiting)}")])
        while True:
            key = _one_key(KEYS)
            if key == "?":
                show(_help_of("severity", proposal.cells["category"], file.content.scale))
            elif key == "q":
                return file
            elif key == "s":
                break
            elif key == "r":
                file = file.refuse(proposal)
                break
            elif key == "a":
                file = file.accept(proposal, events)
                break
            elif key == "c":
                file = file.accept(proposal, events, _changed(proposal, file, events))
                break
            else:
                typer.echo(f"  Expected: {KEYS}", err=True)
    return file


def _asked_about(proposal: Proposal, file: ProposalFile, events: Path, place: str) -> Iterator[Block]:
    from forecast.events.coding import open_event_file
    from forecast.events.merging import nearest_acts

    cells = proposal.cells
    table = open_event_file(events).table
    near = [] if table is None else nearest_acts(proposal.drafted, table)
    acts = (
        f"{act.id}: {act.date} {act.initiator} to {act.recipient} {act.category} {act.severity}: "
        f"{act.summary}"
        for act in near
    )
    yield Entry(
        f"{proposal.id} ({place})  {_in_short(cells)}",
        (
            Prose(f"Sentence: {proposal.sentence}"),
            Prose(f"Severity {cells['severity']} ({file.content.scale.name}): {proposal.anchor}"),
            Prose(f"From: {cells.get('source_url', proposal.article)}, {cells['source_date']}"),
            Prose("Nearest acts of the file:" if near else "The file has no act of this pair near that day."),
            Bullets(tuple(acts)),
        ),
    )


def _one_key(meaning: str) -> str:
    """Ask for one key of a terminal, or the first sign of a line of other input; ``q`` at its end."""
    typer.echo(f"  [{meaning}] ", err=True, nl=False)
    if sys.stdin.isatty():
        key = str(typer.getchar())
        typer.echo(key if key.isprintable() else "", err=True)
        return "q" if key in ("\x04", "") else key.lower()
    given = sys.stdin.readline()
    typer.echo(err=True)
    return given.strip()[:1].lower() if given else "q"


def _changed(proposal: Proposal, file: ProposalFile, events: Path) -> dict[str, str]:
    """Ask for each column, what was drafted when left empty; a wrong answer is told and asked for again."""
    from forecast.events.coding import coding_faults, open_event_file

    opened, scale = open_event_file(events), file.content.scale
    cells = dict(proposal.cells)
    for name, question in CHANGEABLE.items():
        while True:
            given = _ask(f"{question} [{cells.get(name, '')}]")
            if given == "?":
                show(_help_of(name, cells["category"], scale))
                continue
            changed = cells | ({name: given} if given else {})
            wrong = [message for column, message in coding_faults(changed, opened, scale) if column == name]
            if not wrong:
                cells = changed
                break
            typer.echo(f"  {wrong[0]}", err=True)
    return cells


def _ask(question: str) -> str:
    try:
        return str(typer.prompt(question, default="", show_default=False, err=True)).strip()
    except typer.Abort as stop:  # Typer's word for Ctrl-C and for the end of input
        raise KeyboardInterrupt from stop


def _help_of(name: str, category: str, scale: Scale) -> tuple[Block, ...]:
    """What the codebook says of a column."""
    from forecast.events.answers import categories_table, severities_table

    if name == "category":
        return (categories_table(),)
    if name == "severity":
        return (severities_table(scale, category),)
    return (Prose("'forecast events codebook' prints the codebook."),)
