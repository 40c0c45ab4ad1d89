"""Articles, the acts that a language model proposes from them, and what a person decides on them.

The text of an article is data: it stands between marks that its author cannot know, and whatever the model
makes of it is checked here by the same rules. No act becomes an event without a person. The file of
proposals is written at each step, whole, so that nothing is decided twice or lost.
"""

from __future__ import annotations

import csv
import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http import HTTPStatus
from importlib.resources import files
from itertools import count
from pathlib import Path
from ssl import create_default_context
from string import Template
from typing import Any, Literal, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forecast.errors import EventError, InputError, clean_text, shown
from forecast.events.cells import CellFault, FaultyEventsError, RowFault, latest_day, parse_day
from forecast.events.codebook import CATEGORIES, category_meaning
from forecast.events.dyads import DyadRule
from forecast.events.reading import (
    HEADER_ALONE,
    UnreadableError,
    decode,
    read_columns,
    read_events,
    write_whole,
)
from forecast.events.table import COLUMNS, OWN_PREFIX, REQUIRED, Event, EventTable
from forecast.records.base import Record, Scale
from forecast.storage import content_of, csv_text, plain, read_json, read_plain

KEY_VARIABLE = "FORECAST_DRAFT_KEY"
MAX_BYTES, MAX_CHARS = 5_000_000, 100_000
"""Of a file, and of the text in it."""
MAX_ARTICLES = 500
HEAD = ("title", "outlet", "url", "date")
"""Lines such as ``date: 2023-02-04`` that may stand above the text of a file, up to an empty line."""

_HEAD_LINE = re.compile(rf"({'|'.join(HEAD)})[ \t]*:[ \t]*(\S.*)", re.IGNORECASE)
_WEB = re.compile(r"https?://\S+", re.ASCII)
CODER = "draft+person"
"""Coder of an accepted act, in column ``x_coder`` of its event file; ``x_sentence`` is what it rests on."""
MAX_ANSWER_BYTES = 1_000_000
ANSWER_S = 120.0
"""Seconds without an answer."""
MAX_ACTS = 40
"""Acts of one article; an answer with more is refused as a whole."""
MIN_SENTENCE_WORDS, MAX_SENTENCE_CHARS, MAX_SUMMARY_CHARS = 4, 1_000, 300
OLDEST = timedelta(days=366)
"""An act further back than that is the article's history, not its news."""

_PATH = "/chat/completions"
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)
_ALIKE = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\N{NO-BREAK SPACE}": " "}
)

Decision = Literal["waiting", "accepted", "refused"]
Cells = dict[str, str]
"""An act as the cells of an event file, by column."""


# Articles: text files


class RefusedError(Exception):
    """An article or an answer cannot be used: ``kind`` is counted, the message says what came."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Article:
    """A text and where it is from; ``name`` is as given."""

    name: str
    text: str
    title: str
    outlet: str
    url: str
    published: date

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_article(path: Path, published: date | None) -> Article:
    """Read a text file; ``published`` is the day of one that does not say its own.

    Raises ``InputError``: it cannot be read, or is no text; ``RefusedError``: no text, too much, or no day.
    """
    try:
        content = decode(read_plain(path, MAX_BYTES))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnreadableError as error:
        place = f"{path}:{error.line}" if error.line else f"{path}"
        raise InputError(f"{place}: {error}. An article is a text file") from error
    text, head = _of_text(content)
    if not text:
        raise RefusedError("no text", "holds no text")
    if len(text) > MAX_CHARS:
        what = f"{len(text):,} characters. Allowed: at most {MAX_CHARS:,}; cut it into parts"
        raise RefusedError("too large", what)
    try:
        day = parse_day(head["date"][:10]) if "date" in head else published
    except CellFault as fault:
        raise RefusedError("no day", f"date: {fault}") from fault
    if day is None:
        advice = "Begin the file with 'date: YYYY-MM-DD', or give --published"
        raise RefusedError("no day", f"has no day of publication. {advice}")
    if day > latest_day():
        raise RefusedError("no day", f"published on {day}, which is ahead")
    url = head.get("url", "")
    title, outlet = head.get("title", "")[:300], head.get("outlet", "")[:100]
    return Article(str(path), text, title, outlet, url if _WEB.fullmatch(url) else "", day)


def _of_text(content: str) -> tuple[str, dict[str, str]]:
    lines, head = content.splitlines(), dict[str, str]()
    for place, line in enumerate(lines):
        if found := _HEAD_LINE.fullmatch(line.strip()):
            head[found[1].lower()] = clean_text(found[2])
        elif head and not line.strip():
            return _paragraphs(lines[place:]), head
        else:
            break
    # A head ends with an empty line; what only looks like one is text.
    return _paragraphs(lines), {}


def _paragraphs(lines: Iterable[str]) -> str:
    return "\n".join(filter(None, (" ".join(clean_text(line).split()) for line in lines)))


# Proposals


class Proposal(Record):
    """An act as drafted: cells of an event file, the anchor of its severity, the sentence that it rests on.

    ``event`` are the cells as a person accepted them, with the id of the event.
    """

    id: str
    article: str = Field(description="path or address of the article")
    article_sha256: str
    cells: Cells = Field(description="columns of the codebook, as text")
    anchor: str
    sentence: str = Field(description="as the article has it")
    decision: Decision = "waiting"
    event: Cells | None = None

    def same_act(self, other: Proposal) -> bool:
        """Whether two proposals are one act from one sentence."""
        judged = ("date", "initiator", "target", "category")
        same = all(self.cells[column] == other.cells[column] for column in judged)
        return self.sentence == other.sentence and same

    @model_validator(mode="after")
    def _codes_acts(self) -> Self:
        try:
            _ = self.drafted, self.event and coded_act(self.event)
        except FaultyEventsError as error:
            raise ValueError(f"proposal {self.id}: {error.faults[0].located('')}") from error
        return self

    @property
    def drafted(self) -> Event:
        """The act as the model drafted it."""
        return coded_act(self.cells | {"id": self.id})


class Proposals(Record):
    """All proposals of a file, for acts of one dyad by one scale; each change is written at once, whole.

    ``articles`` are those that a model was asked about: ``name``, ``sha256`` of the text, ``model``.
    """

    schema_: Literal[1] = Field(default=1, alias="schema")
    dyad: DyadRule
    scale: Scale
    articles: tuple[dict[str, str], ...] = ()
    proposals: tuple[Proposal, ...] = ()
    path: Path = Field(default=Path(), exclude=True, description="the file")

    def waiting(self) -> list[Proposal]:
        """Proposals on which nothing was decided."""
        return [proposal for proposal in self.proposals if proposal.decision == "waiting"]

    def was_read(self, article: Article, model: str) -> bool:
        """Whether this model was asked about this text already."""
        return (article.sha256, model) in {(held["sha256"], held["model"]) for held in self.articles}

    def with_article(self, article: Article, model: str, drafted: Sequence[Proposal]) -> Proposals:
        """Add what an article gave; an act that is there already is not added again."""
        proposals = [*self.proposals]
        for proposal in drafted:
            if not any(proposal.same_act(other) for other in proposals):
                proposals.append(proposal.model_copy(update={"id": f"p{len(proposals) + 1}"}))
        read = {"name": article.name, "sha256": article.sha256, "model": model}
        return self._written(articles=(*self.articles, read), proposals=tuple(proposals))

    def refuse(self, proposal: Proposal) -> Proposals:
        """Write that a person refused a proposal."""
        return self._with(proposal, decision="refused")

    def accept(self, proposal: Proposal, events: Path) -> Proposals:
        """Add an act to an event file, and write that it was accepted (``EventError``: it cannot be)."""
        event = add_event(events, proposal.cells, proposal.sentence)
        return self._with(proposal, decision="accepted", event=event)

    def _with(self, proposal: Proposal, **changes: object) -> Proposals:
        new = proposal.model_copy(update=changes)
        return self._written(proposals=tuple(new if held == proposal else held for held in self.proposals))

    def _written(self, **changes: object) -> Proposals:
        content = self.model_copy(update=changes)
        write_whole(self.path, content.model_dump_json(by_alias=True, indent=1).encode())
        return content


def open_proposals(path: Path) -> Proposals:
    """Read a file of proposals (``EventError``: there is none, or it is no such file)."""
    advice = "Give the file that 'forecast events draft' wrote"
    try:
        with content_of(path, EventError, advice):
            file = Proposals.model_validate_json(read_json(path))
    except OSError as error:
        raise EventError(f"{path}: cannot be read ({error.strerror or error}). {advice}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in first["loc"][-1:] if isinstance(part, str))
        reason = first["msg"].removeprefix("Value error, ")
        raise EventError(f"{path}: not a file of proposals ({place}{reason}). {advice}") from error
    return file.model_copy(update={"path": path})


def begin_proposals(path: Path, rule: DyadRule, scale: Scale) -> Proposals:
    """Open a file of proposals, or begin one (``EventError``: it is of another dyad or scale)."""
    if not path.exists():
        return Proposals(dyad=rule, scale=scale, path=path)
    file = open_proposals(path)
    if file.dyad != rule or file.scale != scale:
        held = f"{file.dyad.in_words()} by the scale '{file.scale.name}'"
        raise EventError(f"{path}: holds proposals for {held}, not those asked for. Give another --out")
    return file


# What a model is asked


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers, and the key, which no text shows."""

    address: str
    model: str
    key: str = field(default="", repr=False)

    @classmethod
    def at(cls, address: str, model: str, key: str) -> Self:
        """Return an endpoint; one without a path such as ``http://127.0.0.1:8080`` gets ``/v1`` and the rest.

        Raises ``InputError``: the address is no plain one, or the key would travel in the clear.
        """
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            url = httpx.URL("")
        fault = ""
        if url.scheme not in ("http", "https") or not url.host or (url.port or 1) > 65_535:
            fault = f"--endpoint {shown(address)}: not a web address. Expected e.g. http://127.0.0.1:8080/v1"
        elif url.userinfo or url.query or url.fragment:
            fault = f"--endpoint: no user, password, '?' or '#' here. The key goes into {KEY_VARIABLE}"
        elif not key.isascii() or not key.isprintable() or " " in key:
            fault = f"{KEY_VARIABLE}: holds blanks or signs that no key has. Set it again"
        elif key and url.scheme == "http" and not _is_inside(url.host):
            fault = f"--endpoint {address}: {KEY_VARIABLE} would go unencrypted. Use https, or unset it"
        if fault:
            raise InputError(fault)
        path = (url.path.rstrip("/") or "/v1").removesuffix(_PATH) + _PATH
        return cls(str(url.copy_with(path=path)), model, key)

    def ask(self, messages: list[dict[str, str]]) -> str:
        """Return what the model says to the messages (``RefusedError``: no completion, or none in time)."""
        question = {"model": self.model, "messages": messages, "temperature": 0}
        body = json.dumps(question | {"response_format": {"type": "json_object"}}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            answer = json.loads(self._post(body, headers))["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise RefusedError("not JSON", "the endpoint did not answer with a chat completion") from error
        if not isinstance(answer, str):
            raise RefusedError("not JSON", "the chat completion holds no text")
        if self.key and self.key in answer:
            raise RefusedError("not JSON", "the answer repeats the key")
        return answer

    def _post(self, body: bytes, headers: dict[str, str]) -> bytes:
        try:
            # No proxy and no redirect; the certificates of the system, as its administrator set them.
            with httpx.Client(timeout=ANSWER_S, trust_env=False, verify=create_default_context()) as client:
                answer = client.post(self.address, headers=headers, content=body)
        except httpx.TimeoutException as error:
            raise RefusedError("too slow", f"no answer for {ANSWER_S:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RefusedError("not reached", f"no answer ({type(error).__name__})") from error
        if answer.status_code != HTTPStatus.OK:
            # Never the words of the server, which may repeat what was sent to it.
            raise RefusedError("HTTP error", f"the endpoint answered HTTP {answer.status_code}")
        if len(answer.content) > MAX_ANSWER_BYTES:
            raise RefusedError("too large", f"an answer of over {MAX_ANSWER_BYTES:,} bytes")
        return answer.content


def _is_inside(host: str) -> bool:
    """Whether a host is named as one of this machine or of a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def messages_for(article: Article, rule: DyadRule, scale: Scale) -> list[dict[str, str]]:
    """Return the messages of a chat: the codebook and the rules, then the text between marks."""
    # Of the text itself: nobody can write a text that holds the mark made of it.
    mark = f"ARTICLE-{article.sha256[:24]}"
    heads = {"Published": str(article.published), "Title": article.title, "Outlet": article.outlet}
    head = [f"{name}: {words}" for name, words in heads.items() if words]
    codebook = []
    for category in CATEGORIES:
        codebook.append(f"{category}: {category_meaning(category)}")
        codebook += [f"  {severity}: {text}" for severity, text in sorted(scale.anchors[category].items())]
    prompt = (files("forecast.events") / "data" / "coding_prompt.txt").read_text(encoding="utf-8")
    instructions = Template(prompt.rstrip("\n")).substitute(
        mark=mark,
        dyad=rule.in_words(),
        actors=", ".join(rule.actors),
        most=MAX_ACTS,
        categories=", ".join(CATEGORIES),
        longest=MAX_SUMMARY_CHARS,
        codebook="\n".join(codebook),
    )
    return [
        {"role": "system", "content": instructions},
        {"role": "user", "content": "\n".join([f"<{mark}>", *head, "", article.text, f"</{mark}>"])},
    ]


# What is kept of its answer


class DraftedAct(BaseModel):
    """An act as the model should give it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    date: str
    initiator: str
    target: str
    category: str
    severity: int | str
    anchor: str
    sentence: str
    summary: str = Field(max_length=MAX_SUMMARY_CHARS)


def draft_article(
    article: Article, endpoint: Endpoint, rule: DyadRule, scale: Scale
) -> tuple[list[Proposal], list[RefusedError]]:
    """Ask a model for the acts of an article; return what passes, and why the rest is refused."""
    kept: list[Proposal] = []
    refused: list[RefusedError] = []
    for act in acts_of(endpoint.ask(messages_for(article, rule, scale))):
        try:
            proposal = checked(act, article, rule, scale)
            if any(proposal.same_act(other) for other in kept):
                raise RefusedError("repeat", "the same act of the same sentence came twice")
            kept.append(proposal)
        except RefusedError as error:
            refused.append(error)
    return kept, refused


def acts_of(answer: str) -> list[object]:
    """Return the acts of an answer, unchecked (``RefusedError``: not as asked for, or over ``MAX_ACTS``)."""
    if fenced := _FENCE.fullmatch(answer):
        answer = fenced[1]
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError) as error:
        what = f"the model answered '{shown(clean_text(answer[:60]))}', no JSON"
        raise RefusedError("not JSON", what) from error
    acts = content["acts"] if isinstance(content, dict) and set(content) == {"acts"} else None
    if not isinstance(acts, list):
        raise RefusedError("not as asked", 'the answer is not {"acts": [...]}')
    if len(acts) > MAX_ACTS:
        raise RefusedError("too many acts", f"{len(acts):,} acts of one article. Allowed: at most {MAX_ACTS}")
    return acts


def checked(act: object, article: Article, rule: DyadRule, scale: Scale) -> Proposal:
    """Return an act as a proposal (``RefusedError``: it fails a check)."""
    try:
        read = DraftedAct.model_validate(act)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "an act"
        raise RefusedError("not as asked", f"{where}: {fault['msg']}") from error
    given = {name: " ".join(clean_text(str(value)).split()) for name, value in read}
    quoted, cited = given.pop("sentence"), given.pop("anchor")
    sentence = standing_in(quoted, article.text)
    if sentence is None:
        raise RefusedError("sentence not in the text", f"'{shown(quoted)}' does not stand in the article")
    try:
        coded_act(given)
    except FaultyEventsError as error:
        raise RefusedError("not by the codebook", error.faults[0].located("")) from error
    published = str(article.published)
    initiator, target, day = given["initiator"], given["target"], date.fromisoformat(given["date"])
    if (min(initiator, target), max(initiator, target)) not in rule.pairs:
        pair = f"{shown(initiator)} towards {shown(target)}"
        raise RefusedError("another pair", f"{pair}; asked: {rule.in_words()}")
    if day > article.published:
        raise RefusedError("day ahead", f"{day} is after the article of {published}")
    if day < article.published - OLDEST:
        raise RefusedError("day long past", f"{day} is more than a year before the article of {published}")
    anchor = scale.anchor(given["category"], int(given["severity"]))
    if _plain(cited).casefold().rstrip(".") != _plain(anchor).casefold().rstrip("."):
        what = f"{given['category']} {given['severity']} cites '{shown(cited)}', not its own anchor"
        raise RefusedError("another anchor", what)
    source = {
        # An article makes an act known no earlier than its own day; the person may know better.
        "known_date": published,
        "source_outlet": article.outlet,
        "source_title": article.title,
        "source_url": article.url,
        "source_date": published,
    }
    return Proposal(
        id="",
        article=article.name,
        article_sha256=article.sha256,
        cells=given | {column: words for column, words in source.items() if words},
        anchor=anchor,
        sentence=sentence,
    )


def standing_in(sentence: str, text: str) -> str | None:
    """Return a sentence as the text has it, but for blanks and marks; ``None``: not there, or short."""
    wanted = _plain(sentence)
    if len(wanted.split()) < MIN_SENTENCE_WORDS or len(wanted) > MAX_SENTENCE_CHARS:
        return None
    whole = " ".join(text.split())
    # Signs are replaced one by one, so that places in both texts are the same.
    place = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", whole.translate(_ALIKE))
    return whole[place.start() : place.end()] if place else None


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(_ALIKE)


# The event file that accepted acts go to


def add_event(path: Path, cells: Cells, sentence: str) -> Cells:
    """Add an act to an event file, as its last row, with a new id; return its cells.

    An act that the file holds already, as after an interruption, is not added again. Raises ``EventError``:
    what is missing or wrong in the act, one line a column, or the file cannot be added to.
    """
    given = {column: clean_text(words) for column, words in cells.items() if clean_text(words)}
    try:
        act = coded_act(given, str(path))
    except FaultyEventsError as error:
        advice = "Nothing was added. 'forecast events codebook' prints the codebook."
        raise EventError(f"{error}\n{advice}") from error
    rows, table = _rows_of(path)
    given |= {"initiator": act.initiator, "target": act.recipient, "known_date": str(act.known_date)}
    acts = {} if table is None else {row.id: replace(row, id=act.id) for row in table.rows()}
    stem = f"{act.initiator}-{act.recipient}-{act.date:%Y%m%d}".lower()
    is_new = not (held := [name for name, row in acts.items() if row == act])
    free = (name for number in count(1) if (name := f"{stem}-{number:02d}") not in acts)
    given["id"] = next(iter(held or free))
    # Every row of a file says whether its source was verified, or none.
    if table is None or table.has_verified:
        given.setdefault("verified", "no")
    event = {column: given[column] for column in COLUMNS if column in given}
    if is_new:
        written = event | {"x_coder": CODER, "x_sentence": sentence}
        header, *body = rows or [list(COLUMNS)]
        absent = [column for column in written if column not in header]
        body = [[*row, *[""] * len(absent)] for row in body]
        columns = [*header, *absent]
        text = csv_text([columns, *body, [written.get(column, "") for column in columns]])
        write_whole(path, text.encode())
    return event


def _rows_of(path: Path) -> tuple[list[list[str]], EventTable | None]:
    """Rows of cells of an event file with the header, none without a file, and its events."""
    if not path.exists():
        return [], None
    table = None
    try:
        table = read_events(path)
    except FaultyEventsError as error:
        # A header without rows is no file to forecast from, but one to begin with.
        if error.faults != (HEADER_ALONE,):
            raise EventError(f"{error}\nNothing was added. Mend the file first.") from error
    with suppress(UnicodeDecodeError):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [[*map(plain, cells)] for cells in csv.reader(stream)]
        if set(REQUIRED) <= set(rows[0]):
            return [row for row in rows if any(row)], table
    raise EventError(
        f"{path}: not written by the codebook (a CSV in UTF-8 with commas and its names of columns). Nothing "
        f"was added. Make such a file first: forecast events validate {path} --out NEW.csv"
    )


def events_in(path: Path) -> EventTable | None:
    """Return the events of a file to which acts can be added, ``None`` where it has none."""
    return _rows_of(path)[1]


def coded_act(cells: Mapping[str, str], source: str = "") -> Event:
    """Return the act that cells of the codebook's columns state.

    Raises ``FaultyEventsError``: all that is missing or wrong; ``source`` is where they are from.
    """
    given = {name: [clean_text(words)] for name, words in cells.items() if name in COLUMNS}
    columns, faults = read_columns(given, [None])
    faults += [RowFault(None, name, "missing. It is required") for name in REQUIRED if name not in given]
    others = [name for name in cells if name not in COLUMNS and not name.startswith(OWN_PREFIX)]
    faults += [RowFault(None, name, "no column of the codebook") for name in others]
    if faults:
        raise FaultyEventsError(source, faults)
    values: dict[str, Any] = {name: column.tolist()[0] for name, column in columns.items()}
    absent = {"id": "", "known_date": values["date"], "verified": False}
    values |= {name: values.get(name) or value for name, value in absent.items()}
    return Event(recipient=values.pop("target"), **values)
