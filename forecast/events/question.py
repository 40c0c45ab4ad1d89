"""A question in words → who acts on whom, what kind of act, how grave, and by when.

``Will Chinese and Indian soldiers kill each other before 31 December 2020?`` is read by the words of the
codebook: ``data/question_words.csv`` has words by category, each with the piece of the anchors, on either
scale, that says how grave the act is. A word that has no place stops the reading, so that no rule is wider
than its question in silence; some (*border*, *drone*) are set aside, which the rule says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from forecast.errors import InputError, did_you_mean, shown
from forecast.events.cells import IN_WORDS, MONTHS, day_written
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITIES,
    SEVERITY_WORDS,
    actor_title,
    country_code,
    packaged_rows,
)
from forecast.events.dyads import DyadRule
from forecast.records.base import ARMED, STANDARD, Scale
from forecast.wording import days_meant, listing, long_day, small_number

_MOST_WORDS, _MOST_SIGNS = 6, 500
_TOGETHER = {"meet", "summit"}
_INTENT = {"plan", "plans", "planned", "planning"}  # *plane* has the same stem
_ARTICLES = {"a", "an", "the", "its", "their", "any", "new"}
_MUTUAL, _PASSIVE = {"between", "with"}, {"be", "been", "being", "get", "got", "suffer", "suffers"}
_M = f"(?:{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in MONTHS)})"
_D = r"\d{1,2}(?:st|[nr]d|th)?"
_SPAN = re.compile(
    rf"\b(?:\d{{4}}-\d\d-\d\d|{_D} (?:of )?{_M},? \d{{4}}|{_M} {_D},? \d{{4}}|{_M},? \d{{4}}"
    rf"|{_D} (?:of )?{_M}|{_M} {_D}|(?:18|19|20)\d\d)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(before|by|on or before|no later than|not later than|until|till|through|in|during|on|after|since)"
    r"( the end of)?(?: the)? ?$",
    re.IGNORECASE,
)
_NUMBERS = {small_number(number): number for number in range(1, 11)} | {"": 1, "a": 1, "an": 1, "twelve": 12}
_AHEAD = re.compile(
    r"\b(?:within|in|over|during) (?:the )?(?:next |coming |following )?"
    rf"(\d+|{'|'.join(filter(None, _NUMBERS))}|) ?(day|week|fortnight|month|year)s?\b",
    re.IGNORECASE,
)
_THIS = re.compile(r"\b(?:(?:before|by) the end of the|this|by this) (month|year)\b", re.IGNORECASE)
_WORD = re.compile(r"(?:[A-Za-z]\.){2,}|[^\W_]+(?:['’][^\W_]+)*")


class _Kind(NamedTuple):
    """Words that name an act, their categories, and the piece of an anchor on each scale.

    Of an empty piece any severity will do; a dash means that the scale has no such act. The role is that of
    an ``act``, of one ``suffered`` by whom the words name, or of one that is told as wider than its words.
    """

    words: str
    role: str
    categories: tuple[str, ...]
    standard: str
    armed: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a question asks for.

    ``by`` and ``towards`` are who acts on whom, ``mutual`` that either may. The act comes before ``day``.
    ``least`` is a severity that the question names. ``aside`` are words that the rule cannot tell.
    """

    text: str
    kinds: tuple[_Kind, ...]
    by: tuple[str, ...]
    towards: tuple[str, ...]
    mutual: bool
    day: date
    least: int
    aside: tuple[str, ...]

    def dyad(self, given: DyadRule | None) -> DyadRule | None:
        """Return the pair that is asked about, or the one given; ``None``: the question names one side."""
        actors = {*self.by, *self.towards}
        if given is not None:
            if others := sorted(actors - {*given.actors}):
                raise _fault(
                    f"{listing(others)} is not of the pair {'–'.join(given.sides)}. Name it in `pair`"
                )
            return given
        if self.mutual and len(actors) > 2:
            raise _fault(f"names {listing(sorted(actors))}: say who stands on which side with `pair`")
        if self.mutual:
            return DyadRule(*((actor,) for actor in (*self.by, *self.towards))) if len(actors) == 2 else None
        return DyadRule(self.by, self.towards) if self.by and self.towards else None

    def rule(self, scale: Scale) -> tuple[tuple[str, ...], int]:
        """Return categories and least severity on a scale (``InputError``: it has none, or several)."""
        found = [(kind, *_graded(kind, scale)) for kind in self.kinds]
        for kind, categories, _ in found:
            if not categories:
                raise _fault(
                    f"the scale '{scale.name}' has no severity for '{kind.words}': see 'forecast events "
                    f"codebook {kind.categories[0]} --scale {scale.name}', and write the target into a config"
                )
        different = {categories for _, categories, _ in found}
        alternatives = re.search(r"\bor\b", self.text) and len(found) > 1
        if len(different) > 1 and (not alternatives or len({severity for *_, severity in found}) > 1):
            named = [f"'{kind.words}' ({listing(categories)})" for kind, categories, _ in found]
            raise _fault(f"asks about several acts: {listing(named)}. Ask one question for each")
        categories = tuple(name for name in CATEGORIES if any(name in held for held in different))
        severity = (min if alternatives else max)(severity for *_, severity in found)
        return categories, max(severity, self.least)


def _graded(kind: _Kind, scale: Scale) -> tuple[tuple[str, ...], int]:
    """Categories whose anchors have the piece of a kind of act, and the least severity that has it."""
    piece = {STANDARD: kind.standard, ARMED: kind.armed}[scale.name].lower()
    held = {
        name: min((n for n in SEVERITIES if piece in scale.anchor(name, n).lower()), default=0)
        for name in kind.categories
    }
    if not piece:
        return kind.categories, SEVERITIES[0]
    return tuple(name for name in held if held[name]), min(filter(None, held.values()), default=0)


def read_question(text: str, as_of: date, known: Collection[str]) -> Question:
    """Read a question about the actors of a file (``InputError``: what has no place in a rule)."""
    if len(text) > _MOST_SIGNS:
        raise _fault(f"{len(text):,} characters. Allowed: at most {_MOST_SIGNS}, one question")
    day, undated = _read_day(" ".join(text.split()), as_of)
    words = _WORD.findall(undated)
    roles = _words()
    if denied := [word for word in words if word.lower().endswith("n't") or roles.get(_stem(word)) == "not"]:
        raise _fault(
            f"'{denied[0]}' asks that something does not happen. Ask whether it happens: the chance of the "
            "other is what is left to 100%"
        )
    if counted := [word for word in words if word[0].isdigit() or _NUMBERS.get(word.lower(), 1) > 1]:
        raise _fault(f"'{counted[0]}' has no place in a rule: one act meets it, and a number cannot be asked")
    actors = [*_found(words, range(len(words)), lambda part: _actor(part, known))]
    taken = {place for start, _, number in actors for place in range(start, start + number)}
    joined = {two - 1 for two, *_ in actors if two and words[two - 1].lower() == "and"}
    # An act may have actors, an article or a passive within: *relations between A and B be cut*.
    rest = [
        place
        for place in range(len(words))
        if place not in taken | joined and words[place].lower() not in _ARTICLES | _MUTUAL | _PASSIVE
    ]
    kinds = [*_found(words, rest, lambda part: _kinds().get(_stems(part)))]
    taken |= {place for start, _, number in kinds for place in rest[rest.index(start) :][:number]}
    left = {place: word for place, word in enumerate(words) if place not in taken}
    least = max(
        (SEVERITY_WORDS.get(word.lower(), SEVERITIES[0]) for word in left.values()), default=SEVERITIES[0]
    )
    role = {word: roles.get(_stem(word), "") for word in left.values() if word.lower() not in SEVERITY_WORDS}
    role |= {word: "" for word in role if word.lower() in _INTENT}
    aside = [word for word in role if role[word] == "aside"]
    unplaced = next((word for word in role if not role[word]), "")
    if unplaced:
        alike = [kind.words for kind in _kinds().values() if " " not in kind.words]
        alike += [word.title() for word, code in _demonyms().items() if code in known]
        alike += map(actor_title, known)
        near = did_you_mean(unplaced, [*SEVERITY_WORDS, *alike], 0.75)
        raise _fault(
            f"cannot place '{shown(unplaced)}'.{near} A rule has actors "
            "of the file, a kind of act (clash, kill, attack, drill, sanction, expel, threat …) and a day"
        )
    if kinds and (lasts := [word for word in words[kinds[-1][0] + 1 :] if word.lower() in ("hold", "holds")]):
        raise _fault(f"'{lasts[0]}' asks that something lasts. Ask for the act that would end it")
    if not kinds:
        raise _fault("names no act. Say which, e.g. kill, clash, attack, shoot down, drill, sanction, expel")
    for _, actor, _ in actors:
        if actor not in known:
            who = f"{actor} ({actor_title(actor)})" if actor_title(actor) != actor else actor
            held = sorted(known) if len(known) <= 10 else [*sorted(known)[:9], f"{len(known) - 9:,} others"]
            raise _fault(f"{who} is not in the event file, which holds {listing(held)}")
    aside += [kind.words for _, kind, _ in kinds if kind.role == "wide"]
    by, towards, mutual = _parties(words, actors, *kinds[0][:2])
    mutual |= bool({kind.words for _, kind, _ in kinds} & _TOGETHER)
    if {*by} & {*towards}:  # *A attack B or B attack A*
        by, towards, mutual = (), tuple(dict.fromkeys((*by, *towards))), True
    return Question(
        text=text,
        kinds=tuple(dict.fromkeys(kind for _, kind, _ in kinds)),
        by=by,
        towards=towards,
        mutual=mutual,
        day=day,
        least=least,
        aside=tuple(aside),
    )


def _parties(
    words: Sequence[str], actors: Sequence[tuple[int, str, int]], at: int, kind: _Kind
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Who acts on whom, by the words between the actors and the act; and whether either may."""
    small = [word.lower() for word in words]
    by, towards = list[str](), list[str]()
    mutual = any((one, two) in (("each", "other"), ("one", "another")) for one, two in pairwise(small))
    passive = kind.role == "suffered" or bool(actors and {*small[actors[0][0] : at]} & _PASSIVE)
    agent = {"by", "from"} if "military_incident" in kind.categories else {"by"}
    both = {"between"} if "channel_closure" in kind.categories else _MUTUAL  # *break relations with*
    last, linked = 0, set[str]()
    for place, actor, number in actors:
        between = {*small[last:place]}
        linked = linked if {"and", "or"} & between and last <= at else set[str]()
        linked |= between
        mutual |= bool(between & both)
        after = place > at
        (by if (after and linked & agent) or not (after or passive) else towards).append(actor)
        last = place + number
    mutual |= (not towards and len({*by}) > 1) or (not by and len({*towards}) > 1)
    return tuple(dict.fromkeys(by)), tuple(dict.fromkeys(towards)), mutual


# Days


def _read_day(text: str, as_of: date) -> tuple[date, str]:
    """Return the day before which the act must come, and the question without it."""
    while numbers := re.search(r"\b\d{1,2}[./-]\d{1,2}[./-]\d{4}\b", text):
        days = {written for way in IN_WORDS if (written := day_written(numbers[0], way))}
        if len(days) != 1:
            meant = days_meant(numbers[0]) or "YYYY-MM-DD"
            raise _fault(f"'{numbers[0]}' is a day in numbers: write {meant}")
        text = text.replace(numbers[0], days.pop())
    if quarter := re.search(r"\bq([1-4])(?: of)? ((?:18|19|20)\d\d)\b", text, re.IGNORECASE):
        end = _later(date(int(quarter[2]), 3 * int(quarter[1]) - 2, 1), 3, "month")
        raise _fault(f"'{quarter[0]}' does not say by when. Write 'before {long_day(end)}'")
    spans = [*_SPAN.finditer(text)]
    if len(spans) > 1:
        named = listing(f"'{found[0]}'" for found in spans)
        raise _fault(f"names several days: {named}. A forecast counts from its as-of date to one day")
    if spans:
        found = spans[0]
        start = _BEFORE.search(text[: found.start()])
        day, phrase = (
            _stated(found[0], start, as_of),
            text[start.start() if start else found.start() : found.end()],
        )
    elif this := _THIS.search(text):
        unit, phrase = this[1].lower(), this[0]
        day = _later(as_of.replace(day=1, month=1 if unit == "year" else as_of.month), 1, unit)
    elif ahead := _AHEAD.search(text):
        number, phrase = _NUMBERS.get(ahead[1].lower()) or int(ahead[1]), ahead[0]
        day = _later(as_of, min(number, 10_000), ahead[2].lower()) + timedelta(1)
    else:
        raise _fault("names no day. Add one, e.g. 'before 31 December 2030' or 'within 90 days'")
    if (day - as_of).days < 2:
        raise _fault(
            f"'{phrase}' ends on or before the as-of date ({long_day(as_of)}). Give a later day, or an "
            "earlier --as-of"
        )
    if day > _later(as_of, 10, "year"):
        raise _fault(f"'{phrase}' lies more than ten years after {long_day(as_of)}; no model reaches so far")
    return day, text.replace(phrase, " ", 1)


def _stated(span: str, start: re.Match[str] | None, as_of: date) -> date:
    """Return the day before which an act must come for a day, a month or a year, and the words before it."""
    first, unit = _first_day(span)
    if first is None:
        what = "is no day of the calendar" if re.search(r"\d{4}", span) else "has no year"
        raise _fault(f"'{span}' {what}. Write e.g. 'before {long_day(date(as_of.year + 1, 12, 31))}'")
    word, end = (start[1].lower(), bool(start[2])) if start else ("", False)
    after = _later(first, 1, unit)
    if word == "before" and not end:
        return first
    if word == "by" and unit != "day" and not end:
        raise _fault(
            f"'by {span}' can mean before it begins or before it ends: write 'before {long_day(first)}' or "
            f"'before {long_day(after)}'"
        )
    if word in ("in", "during") and first > as_of + timedelta(1):
        raise _fault(
            f"'{start and start[0]}{span}' opens after the as-of date ({long_day(as_of)}), from which a "
            f"forecast counts: write 'before {long_day(after)}', or give a later --as-of"
        )
    if word in ("after", "since"):
        message = (
            f"'{word} {span}' is when it counts from: a forecast counts from its as-of date. Leave it out"
        )
        raise _fault(f"{message}, and say by when")
    if word in ("on", "") or (word in ("in", "during") and unit == "day"):
        raise _fault(
            f"'{(start and start[0]) or ''}{span}' does not say by when. Write 'before {long_day(after)}'"
        )
    return after


def _first_day(span: str) -> tuple[date | None, str]:
    """First day of a day, a month or a year in words, and which of them it is."""
    plain = re.sub(r"\bof |,", "", span)
    if len(plain) == 4:
        return date(int(plain), 1, 1), "year"
    month, _, year = plain.partition(" ")
    if re.fullmatch(_M, month, re.IGNORECASE) and len(year) == 4:
        written = day_written(f"1 {month} {year}")
        return (date.fromisoformat(written) if written else None), "month"
    written = day_written(plain)
    with suppress(ValueError):
        return date.fromisoformat(written or ""), "day"
    return None, "day"


def _later(day: date, number: int, unit: str) -> date:
    """Return the day so many days, weeks, months or years later; the last of a month that is shorter."""
    if unit in ("month", "year"):
        months = day.month - 1 + number * (12 if unit == "year" else 1)
        year, month = min(day.year + months // 12, date.max.year - 1), months % 12 + 1
        last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(1)).day
        return date(year, month, min(day.day, last))
    return day + timedelta(number * {"day": 1, "week": 7, "fortnight": 14}[unit])


# Words


@cache
def _words() -> Mapping[str, str]:
    """Stem → role of words that are no act: ``plain``, ``aside`` (told as left out of the rule), ``not``."""
    return {
        _stem(word): row["role"]
        for row in packaged_rows("question_words.csv")
        if not row["categories"]
        for word in row["words"].split("|")
    }


@cache
def _kinds() -> Mapping[str, _Kind]:
    """Stems of words → the act that they name."""
    kinds: dict[str, _Kind] = {}
    for row in packaged_rows("question_words.csv"):
        for words in row["words"].split("|") if row["role"] in ("act", "suffered", "wide") else ():
            categories = tuple(row["categories"].split())
            kind = _Kind(words, row["role"], categories, row["standard"], row["armed"])
            kinds.setdefault(_stems(words), kind)
    return kinds


@cache
def _demonyms() -> Mapping[str, str]:
    """Words for people of a country, and some capitals, in small letters → code of the country."""
    return {row["word"].lower(): row["alpha3"] for row in packaged_rows("demonyms.csv")}


def _found[T](
    words: Sequence[str], places: Sequence[int], read: Callable[[str], T | None]
) -> Iterator[tuple[int, T, int]]:
    """Yield what words at some places mean, the longest first: where it begins, what, and how many words."""
    at = 0
    while at < len(places):
        for number in range(min(_MOST_WORDS, len(places) - at), 0, -1):
            meant = read(" ".join(words[place] for place in places[at : at + number]))
            if meant is not None:
                yield places[at], meant, number
                break
        at += number if meant is not None else 1


def _actor(text: str, known: Collection[str]) -> str | None:
    """Return the actor that some words name: one of the file in its own letters, or a country."""
    plain = re.sub(r"['’]s?$", "", text)
    folded = plain.casefold()
    if own := next((name for name in known if name.casefold() == folded), None):
        return own if len(folded) > 2 or plain.isupper() else None
    if plain.isupper() and (long := next((name for name in known if _initials(name) == plain), None)):
        return long
    code = _demonyms().get(folded) or _demonyms().get(folded.removesuffix("s"))
    if folded == "us" and plain != "US":
        return None
    return code or country_code(plain)


def _initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in words).upper() if len(words) > 1 else ""


def _stems(text: str) -> str:
    return " ".join(map(_stem, text.split()))


def _stem(word: str) -> str:
    """Return a word without the endings of its forms: ``killed``, ``kills`` and ``kill`` become one."""
    word = re.sub(r"['’]s$", "", word.lower())
    if len(word) < 3:
        return word.upper()  # *us* is no form of *use*
    if word.endswith("ies") and len(word) > 4:
        word = f"{word[:-3]}y"
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 1 and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    word = word.removesuffix("e")
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _fault(message: str) -> InputError:
    return InputError(f"--question: {message}")
