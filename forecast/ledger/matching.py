"""Questions of sites matched to ours by hand → their prices as judgements on record.

Nothing is matched by likeness of words. Who matches says whether the site asks the reverse, and how its
wording differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forecast.blocks import Block, Bullets, Prose, plain_table, right
from forecast.errors import InputError, LedgerError, did_you_mean, shown
from forecast.ledger.chain import SHOWN_DIGITS, Ledger
from forecast.ledger.entries import JudgementEntry, Question, rounded_chance, with_id
from forecast.ledger.exchange import target_names
from forecast.ledger.judging import question_of_run
from forecast.ledger.markets import MarketQuestion, Price
from forecast.records.explained import UNITS, MarketFacts, Site
from forecast.wording import count, listing, long_day, percent

MATCH_COLUMNS = ("match", "differs")
MORE_COLUMNS = ("run", "target", "before", "question", "opposite", "link")
SAME = "same"
_OF_RUN = ("run", "target", "before")
_POLARITY = {"yes": True, "no": False, "": False}
_LONGEST_TITLE = 90
AHEAD, LATE, SHUT, EARLY = (
    "of days ahead",
    "on or after the milestone",
    "after it closed",
    "before the last one known on the as-of date",
)


@dataclass(frozen=True)
class Match:
    """Which question of a site is which of ours, as text: one of a run, or ``question``, an id on record."""

    match: str
    differs: str
    run: str = ""
    target: str = ""
    before: str = ""
    question: str = ""
    opposite: str = ""
    link: str = ""


@dataclass(frozen=True)
class Matched:
    """A checked match: its prices as judgements, the oldest first, and how many were left out why."""

    market: MarketQuestion
    name: str
    entries: tuple[JudgementEntry, ...]
    left_out: Mapping[str, int]

    @property
    def question(self) -> Question:
        """The question of ours."""
        return self.entries[0].question

    @property
    def facts(self) -> dict[str, object]:
        """What a program is told."""
        last = self.entries[-1]
        days = [entry.made_on.date().isoformat() for entry in self.entries]
        return {
            "question_id": self.question.id,
            "target": self.name,
            "milestone": self.question.milestone.isoformat(),
            "probability": last.probability,
            "prices": len(days),
            "first": days[0],
            "last": days[-1],
            "link": last.link,
            "differs": last.differs,
            "left_out": dict(self.left_out),
        } | (last.market.model_dump(mode="json") if last.market else {})

    @property
    def sentence(self) -> str:
        """What a person is told."""
        last = self.entries[-1]
        facts = last.market
        assert facts is not None
        said = f"{percent(last.probability)} on {long_day(last.made_on.date())}"
        if len(self.entries) > 1:
            said += f", {count(len(self.entries), 'day')} from {long_day(self.entries[0].made_on.date())}"
        wording = f"wording differs: {last.differs}" if last.differs else "wording is the same"
        marks = [*([facts.traded] if facts.traded else []), *facts.marks, wording]
        marks += [f"left out: {number:,} {why}" for why, number in self.left_out.items()]
        before = f"{self.name} before {long_day(self.question.milestone)}"
        return f"{facts.site} {facts.key} is {before}: {said} ({'; '.join(marks)})."


def check_match(
    match: Match, markets: Sequence[MarketQuestion], ledger: Ledger, now: datetime, *, stated_day: bool
) -> Matched:
    """Check a match and make its entries; nothing is written.

    Of a history what was known last on the as-of date is kept, and every later day before the milestone on
    which the market was open. ``stated_day``: the user gave the day of prices that have none.

    Raises
    ------
    InputError
        The source has no such question, or one without Yes and No or without a price; the run or the ledger
        has none; wording or polarity are not stated; no price is of a day that can count.
    LedgerError
        The question is void, or another market of the site is on record for it.
    """
    market = _market(match, markets)
    name, question = _ours(match, ledger)
    if not match.differs.strip():
        raise InputError(
            f"--differs: is missing. Say how the wording of {market.site} differs from the rule of "
            f"'{name}', or {SAME}"
        )
    opposite = _POLARITY.get(match.opposite.strip().casefold())
    if opposite is None:
        raise InputError(f"--opposite: got '{shown(match.opposite)}'; expected yes or no")
    if stated_day and market.history:
        raise InputError(f"--day: the prices of {market.site} {market.key} have their own days. Leave it out")
    _refuse_other(ledger, question, market, opposite=opposite)
    prices, left_out = _that_count(market, question, now)
    differs = None if match.differs.strip().casefold() == SAME else match.differs.strip()
    entries = (
        _entry(market, question, price, opposite=opposite, differs=differs, link=match.link.strip())
        for price in prices
    )
    return Matched(market, name, tuple(entries), left_out)


def _market(match: Match, markets: Sequence[MarketQuestion]) -> MarketQuestion:
    wanted = match.match.strip()
    found = [one for one in markets if wanted in (one.key, *one.names)]
    if len(found) != 1:
        keys = [one.key for one in markets]
        known = ", ".join(map(shown, keys[:10])) + (" …" if len(keys) > 10 else "")
        how = "has no question" if not found else f"has {len(found)} questions"
        hint = "" if found else did_you_mean(wanted, keys)
        raise InputError(f"--match: the source {how} '{shown(wanted)}'.{hint} It has: {known}")
    if found[0].refusal:
        raise InputError(f"--match: {found[0].site} '{shown(wanted)}' cannot be used: {found[0].refusal}")
    return found[0]


def _ours(match: Match, ledger: Ledger) -> tuple[str, Question]:
    stated = {name: getattr(match, name).strip() for name in _OF_RUN}
    wanted = match.question.strip().lower()
    if not wanted:
        if missing := [name for name, text in stated.items() if not text]:
            raise InputError(
                f"--{missing[0]}: is missing. Give --run, --target and --before, or --question with an id on "
                "record"
            )
        asked = question_of_run(Path(stated["run"]), stated["target"], stated["before"])
        return stated["target"], asked.question
    if given := [name for name in ("target", "before") if stated[name]]:
        raise InputError(f"--{given[0]}: not with --question, which names the question already")
    found = [key for key in ledger.questions if key.startswith(wanted)]
    if len(found) != 1:
        several = f"{len(found)} questions begin" if found else "no question begins"
        raise InputError(f"--question: {several} with '{shown(wanted)}' in {ledger.path}")
    return target_names(ledger)[found[0]][0], ledger.questions[found[0]]


def _refuse_other(ledger: Ledger, question: Question, market: MarketQuestion, *, opposite: bool) -> None:
    if question.id in ledger.voids:
        raise LedgerError(f"this question was declared void: {ledger.voids[question.id].reason}")
    for entry in ledger.judgements:
        there = entry.market
        if there is None or entry.question.id != question.id or ledger.standing(entry) == "void":
            continue
        if there.site == market.site and (there.key, there.opposite) != (market.key, opposite):
            reverse = " as the reverse" if there.opposite else ""
            raise LedgerError(
                f"--match: {there.site} {shown(there.key)} is on record for this question{reverse}. A "
                "question takes one market of a site: declare that void first (forecast ledger void "
                f"{entry.id[:SHOWN_DIGITS]})"
            )


def _that_count(
    market: MarketQuestion, question: Question, now: datetime
) -> tuple[list[Price], dict[str, int]]:
    """Return the prices that can count, and how many others there are by reason."""
    faults = [(_fault(price, market, question, now), price) for price in market.prices]
    sound = [price for why, price in faults if not why]
    if not sound:
        why, price = faults[-1]
        raise InputError(
            f"--match: no price of {market.site} '{shown(market.key)}' counts before "
            f"{question.milestone}: the last, of {price.on:%Y-%m-%d}, is {why}"
        )
    early = [price for price in sound if price.on.date() <= question.as_of]
    kept = early[-1:] + sound[len(early) :]
    left_out = Counter(why for why, _ in faults if why)
    left_out.update({EARLY: len(early) - 1} if len(early) > 1 else {})
    return kept, dict(left_out)


def _fault(price: Price, market: MarketQuestion, question: Question, now: datetime) -> str:
    if price.on.date() > now.date():
        return AHEAD
    if price.on.date() >= question.milestone:
        return LATE
    return SHUT if market.closed and market.closes is not None and price.on >= market.closes else ""


def _entry(
    market: MarketQuestion,
    question: Question,
    price: Price,
    *,
    opposite: bool,
    differs: str | None,
    link: str,
) -> JudgementEntry:
    probability = 1 - price.probability if opposite else price.probability
    facts = MarketFacts(
        site=market.site,
        key=market.key,
        title=market.title,
        opposite=opposite,
        volume=None if price.volume is None else float(round(price.volume)),
        forecasters=price.forecasters,
        thin=market.thin(price),
        closed=market.closes.date() if market.closed and market.closes else None,
    )
    return with_id(
        JudgementEntry,
        question=question.model_dump(),
        forecaster=market.site,
        probability=rounded_chance(probability),
        made_on=datetime(*price.on.timetuple()[:3], tzinfo=UTC),
        link=link or market.link,
        differs=differs,
        market=facts.model_dump(),
    )


def refuse_twice(matched: Sequence[Matched]) -> None:
    """Raise ``InputError`` where two questions of a site are matched to one of ours."""
    seen: dict[tuple[Site, str], str] = {}
    for one in matched:
        place = one.market.site, one.question.id
        if place in seen:
            raise InputError(
                f"'{seen[place]}' and '{one.market.key}' are both matched to {one.name} before "
                f"{one.question.milestone}. A question takes one market of a site: keep one match"
            )
        seen[place] = one.market.key


def listed_facts(markets: Sequence[MarketQuestion]) -> list[dict[str, object]]:
    """The questions of a source for a program."""
    return [
        {
            "site": one.site,
            "match": one.key,
            "title": one.title,
            "link": one.link,
            "day": one.prices[-1].on.date().isoformat() if one.prices else None,
            "price": one.prices[-1].probability if one.prices else None,
            "volume": one.prices[-1].volume if one.prices else None,
            "forecasters": one.prices[-1].forecasters if one.prices else None,
            "days": len(one.prices),
            "thin": one.thin(one.prices[-1]) if one.prices else None,
            "closed": one.closed,
            "refusal": one.refusal or None,
        }
        for one in markets
    ]


def listed_markets(markets: Sequence[MarketQuestion], source: str) -> Iterator[Block]:
    """The questions of a source for a person, and how to match one."""
    rows = []
    for one in markets:
        last = one.prices[-1] if one.prices else None
        thin = ", thin" if last and one.thin(last) else ""
        traded = [] if last is None or last.volume is None else [f"{last.volume:,.0f} {UNITS[one.site]}"]
        traded += [] if last is None or last.forecasters is None else [f"{last.forecasters:,} people"]
        rows.append(
            (
                *(shown(one.key), shown(one.title, _LONGEST_TITLE), str(last.on.date()) if last else "–"),
                *(percent(last.probability) if last else "–", ", ".join(traded) or "–"),
                *(f"{len(one.prices):,}", ("closed" if one.closed else "open") + thin),
            )
        )
    heads = "Id", "Question", "Day", right("Price"), "Traded", right("Days")
    yield plain_table((*heads, "State"), rows, listing(tuple(sorted({one.site for one in markets}))))
    if refused := tuple(f"{shown(one.key)} cannot be used: {one.refusal}" for one in markets if one.refusal):
        yield Bullets(refused)
    yield Prose(
        "Nothing was put on record. Say which question is which of yours: forecast ledger import "
        f"{shown(source)} --match ID --run RUN --target TARGET --before DAY --differs same (or how its "
        "wording differs), with --opposite where it asks the reverse; or many in a sheet with --matches."
    )
