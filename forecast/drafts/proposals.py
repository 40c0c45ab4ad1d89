"""The file of proposals: what a model drafted, and what a person decided on each, one write a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from forecast.errors import EventError
from forecast.events.coding import add_event, code_event, open_event_file
from forecast.events.dyads import DyadRule
from forecast.events.merging import Unit
from forecast.events.reading import read_cells, write_whole
from forecast.events.table import OWN_PREFIX, Event, EventTable
from forecast.records.base import Record
from forecast.records.scale import Scale
from forecast.storage import content_of, read_json

CODER = "draft+person"
"""Coder of an accepted act, in column ``x_coder`` of its event file; ``x_sentence`` is what it rests on."""

Decision = Literal["waiting", "accepted", "changed", "refused"]


class Proposal(Record):
    """An act as drafted: cells of an event file, the anchor of its severity, the sentence that it rests on.

    ``event`` are the cells as a person accepted them, with the id of the event; ``stored`` is whether the
    event file holds it.
    """

    id: str
    article: str = Field(description="path or address of the article")
    article_sha256: str
    cells: dict[str, str] = Field(description="columns of the codebook, as text")
    anchor: str
    sentence: str = Field(description="as the article has it")
    decision: Decision = "waiting"
    event: dict[str, str] | None = None
    stored: bool = False

    def same_act(self, other: Proposal) -> bool:
        """Whether two proposals are one act from one sentence."""
        judged = ("date", "initiator", "target", "category")
        return self.sentence == other.sentence and all(self.cells[one] == other.cells[one] for one in judged)

    @property
    def drafted(self) -> Event:
        """The act as the model drafted it."""
        return _event_of(self.cells, self.id)

    @property
    def coded(self) -> Event | None:
        """The act as a person accepted it; ``None`` where that did not happen."""
        return None if self.event is None else _event_of(self.event, self.event["id"])


class ReadArticle(Record):
    """An article that a model was asked about, by name and hash of its text."""

    name: str
    sha256: str
    model: str


class Proposals(Record):
    """All proposals of a file, for acts of one dyad by one scale."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    dyad: dict[str, list[str]]
    scale: Scale
    articles: tuple[ReadArticle, ...] = ()
    proposals: tuple[Proposal, ...] = ()

    @property
    def rule(self) -> DyadRule:
        """Whose acts were asked for."""
        return DyadRule.from_dict(self.dyad)

    def waiting(self) -> list[Proposal]:
        """Proposals on which nothing was decided."""
        return [one for one in self.proposals if one.decision == "waiting"]

    def drafted(self) -> EventTable:
        """All acts as drafted."""
        return EventTable.from_events((one.drafted for one in self.proposals), "draft", has_verified=False)

    def reviewed_units(self) -> list[Unit]:
        """What was decided, as two codings: the draft's, and the person's of what was not refused."""
        units = []
        for one in self.proposals:
            if one.decision != "waiting":
                units.append(Unit({0: one.drafted} | ({1: one.coded} if one.coded else {})))
        return units


def _event_of(cells: dict[str, str], name: str) -> Event:
    values, faults = read_cells(_without_own(cells))
    if faults:
        raise EventError(f"proposal {name}: {faults[0][0]}: {faults[0][1]}")
    known = values.get("known_date") or values["date"]
    return Event(
        recipient=values.pop("target"),
        **values | {"id": name, "known_date": known, "verified": values.get("verified") or False},
    )


@dataclass(frozen=True)
class ProposalFile:
    """Proposals and where they are kept; each change is written at once, whole."""

    path: Path
    content: Proposals

    def with_article(self, article: ReadArticle, drafted: Sequence[Proposal]) -> ProposalFile:
        """Add what an article gave, and write the file; an act that is there already is not added again."""
        held = self.content.proposals
        new = [one for one in drafted if not any(one.same_act(other) for other in held)]
        numbered = [
            one.model_copy(update={"id": f"p{len(held) + place}"}) for place, one in enumerate(new, start=1)
        ]
        update = {"articles": (*self.content.articles, article), "proposals": (*held, *numbered)}
        return self._written(self.content.model_copy(update=update))

    def was_read(self, article: ReadArticle) -> bool:
        """Whether this model was asked about this text already."""
        return any(
            (one.sha256, one.model) == (article.sha256, article.model) for one in self.content.articles
        )

    def refuse(self, proposal: Proposal) -> ProposalFile:
        """Write that a person refused a proposal."""
        return self._with(proposal.model_copy(update={"decision": "refused"}))

    def accept(self, proposal: Proposal, events: Path, changed: dict[str, str] | None = None) -> ProposalFile:
        """Add an act to an event file, with changed cells if there are any, and write that it was accepted.

        The decision is written first: what is interrupted in between is put right by ``finish``.

        Raises ``EventError``: the act is not by the codebook, or the file cannot be added to.
        """
        cells = changed or proposal.cells
        coded = code_event(cells, open_event_file(events), self.content.scale, _own(proposal))
        decision = "accepted" if cells == proposal.cells else "changed"
        decided = proposal.model_copy(update={"decision": decision, "event": dict(coded.cells)})
        file = self._with(decided)
        return file.finish(events)

    def finish(self, events: Path) -> ProposalFile:
        """Add to the event file what was accepted and is not there, as after an interruption."""
        file = self
        for one in self.content.proposals:
            if one.event is None or one.stored:
                continue
            opened, event = open_event_file(events), one.event
            if one.coded not in (opened.table.rows() if opened.table else ()):
                # Another act may have taken the id since.
                cells = {name: words for name, words in _without_own(event).items() if name != "id"}
                coded = code_event(cells, opened, self.content.scale, _own(one))
                add_event(opened, coded)
                event = dict(coded.cells)
            file = file._with(one.model_copy(update={"event": event, "stored": True}))
        return file

    def _with(self, changed: Proposal) -> ProposalFile:
        proposals = tuple(changed if one.id == changed.id else one for one in self.content.proposals)
        return self._written(self.content.model_copy(update={"proposals": proposals}))

    def _written(self, content: Proposals) -> ProposalFile:
        write_whole(self.path, content.model_dump_json(by_alias=True, indent=1).encode())
        return replace(self, content=content)


def _without_own(cells: Mapping[str, str]) -> dict[str, str]:
    return {column: words for column, words in cells.items() if not column.startswith(OWN_PREFIX)}


def _own(proposal: Proposal) -> dict[str, str]:
    return {"x_coder": CODER, "x_sentence": proposal.sentence}


def open_proposals(path: Path) -> ProposalFile:
    """Read a file of proposals.

    Raises ``EventError``: there is none, it cannot be read, or is no such file.
    """
    advice = "Give the file that 'forecast events draft' wrote"
    try:
        with content_of(path, EventError, advice):
            content = Proposals.model_validate_json(read_json(path))
            for one in content.proposals:
                _ = one.drafted, one.coded
        _ = content.rule
    except OSError as error:
        raise EventError(f"{path}: cannot be read ({error.strerror or error}). {advice}") from error
    except (ValidationError, KeyError, ValueError) as error:
        said = error.errors()[0] if isinstance(error, ValidationError) else None
        why = f"{'.'.join(map(str, said['loc']))}: {said['msg']}" if said else str(error)
        raise EventError(f"{path}: not a file of proposals ({why}). {advice}") from error
    return ProposalFile(path, content)


def begin_proposals(path: Path, rule: DyadRule, scale: Scale) -> ProposalFile:
    """Open a file of proposals to which more are added, or begin one; nothing is written yet.

    Raises ``EventError``: as ``open_proposals``; the file is of another dyad or scale, or has no folder.
    """
    if not path.exists():
        if not path.absolute().parent.is_dir():
            raise EventError(f"{path}: there is no folder {path.parent}. Make it first, or give another path")
        return ProposalFile(path, Proposals(dyad=rule.to_dict(), scale=scale))
    file = open_proposals(path)
    if file.content.dyad != rule.to_dict() or file.content.scale != scale:
        raise EventError(
            f"{path}: holds proposals for {file.content.rule.in_words()} by the scale "
            f"'{file.content.scale.name}', not those asked for. Give another --out"
        )
    return file
