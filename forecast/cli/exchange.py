"""``forecast ledger export`` and ``import``: what a ledger gives to others and takes from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import typer

from forecast.cli.options import LEDGER, Output, argument, day_option, ledger_place, option, takes_options
from forecast.errors import InputError


def export(
    ledger: Path | None = LEDGER,
    form: Literal["jsonl", "hubverse", "hubverse-outcomes", "questions"] = option(
        "jsonl",
        "--format",
        "jsonl: the chain; hubverse: forecasts, hubverse-outcomes: what happened, as CSV; "
        "questions: the open ones, a sheet for others to answer.",
    ),
    out: Path | None = option(None, "--out", "Where to write; standard output when absent.", "FILE"),
) -> None:
    """Write the ledger for others: JSON Lines, hubverse tables, or a sheet of questions."""
    from forecast.ledger import exchange
    from forecast.ledger.store import open_ledger

    opened = open_ledger(ledger_place(ledger))
    written = exchange.FORMATS[form](opened)
    if out is None:
        typer.echo(written, nl=False)
    else:
        exchange.write_out(written, out)


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which question of a market is which of ours, as a person says."""

    match: str | None = option(None, "--match", "Of a market: the id of its question.", "ID")
    run: Path | None = option(None, "--run", "Run whose question it is.", "RUN")
    target: str | None = option(None, "--target", "Target of the run.", "NAME")
    before: str | None = option(None, "--before", "Milestone of the run, by name or day.", "DAY")
    question: str | None = option(None, "--question", "In place of a run's: an id on record.", "ID")
    differs: str | None = option(None, "--differs", "How its wording differs from yours, or: same.", "TEXT")
    opposite: bool = option(False, "--opposite", "It asks the reverse: 1 minus its price counts.")
    link: str | None = option(None, "--link", "Address of the question, where the file has none.", "URL")

    @property
    def stated(self) -> dict[str, str]:
        """What is given, as a sheet of matches would write it."""
        given = {name: one for name, one in vars(self).items() if one not in (None, False)}
        return {name: "yes" if one is True else str(one) for name, one in given.items()}


@takes_options
def import_(
    source: str = argument("FILE", "What to read; of a market also an http(s) address."),
    ledger: Path | None = LEDGER,
    form: Literal["jsonl", "csv", "market"] | None = option(
        None,
        "--format",
        "jsonl: a colleague's export (or ledger); csv: probabilities of others; market: prices as Metaculus, "
        "Polymarket, Manifold or Kalshi export them. When absent: market for an address, a name in .json and "
        "with the options of a match, else jsonl.",
    ),
    matches: Path | None = option(
        None, "--matches", "Sheet with match,differs,run,target,before (and question,opposite,link).", "FILE"
    ),
    day: datetime | None = day_option(None, "--day", "Day of the prices, where the file does not say it."),
    *,
    asked: Match,
    output: Output,
) -> None:
    """Take over a colleague's chain, or the probabilities of a crowd, a market or an expert.

    Questions of a market are matched by hand; without a match they are listed with their ids.
    """
    stated = asked.stated
    of_market = [*stated, *(["matches"] if matches else []), *(["day"] if day else [])]
    if form is None:
        form = "market" if of_market or "://" in source or source.endswith(".json") else "jsonl"
    if form == "market":
        if day is not None:
            day = day.replace(tzinfo=UTC)
        _import_market(source, ledger, asked.run, stated, matches, day, output)
        return
    if of_market:
        raise InputError(f"--{of_market[0]}: not with --format {form}. It is for prices of a market")

    from forecast.blocks import Prose
    from forecast.ledger import exchange
    from forecast.ledger.store import open_ledger, write_ledger

    file, path = Path(source), ledger_place(ledger)
    if form == "jsonl":
        chain = exchange.read_chain_file(file)
        with write_ledger(path) as writer:
            done = exchange.import_chain(writer, chain)
        facts: dict[str, object] = dict(vars(done))
        said = [
            f"Records: {done.added} added, {done.known} known before; head of {file.name}: {done.head[:16]}…"
        ]
        if done.different:
            said.append(
                f"Of the known, with another probability there: {done.different}. What was on record stays."
            )
        if done.refused:
            said.append(f"Not taken, since they contradict what is on record here: {done.refused}.")
    else:
        judgements, empty = exchange.read_answers(file, open_ledger(path), now=datetime.now(UTC))
        with write_ledger(path) as writer:
            added = sum([writer.append(judgement) for judgement in judgements])
        known = len(judgements) - added
        facts = {"added": added, "known": known, "empty": empty}
        said = [f"Probabilities: {added} added, {known} known before."]
        said += [f"Rows left out, without a probability: {empty}."] if empty else []
    facts |= {"ledger": str(path), "ledger_head": writer.ledger.head}
    output.print(facts, map(Prose, said))


def _import_market(
    source: str,
    ledger: Path | None,
    run: Path | None,
    stated: dict[str, str],
    matches: Path | None,
    day: datetime | None,
    output: Output,
) -> None:
    """List the questions of a site, or put the prices of those that are matched on record."""
    from forecast.blocks import Bullets, Prose
    from forecast.ledger import matching
    from forecast.ledger.chain import Ledger
    from forecast.ledger.sites import read_source
    from forecast.ledger.store import open_ledger, write_ledger
    from forecast.storage.reading import check_rows, read_rows

    if day is not None and day > datetime.now(UTC):
        raise InputError(f"--day: {day:%Y-%m-%d} lies ahead")
    if matches and (given := [name for name in stated if name != "run"]):
        raise InputError(f"--{given[0]}: not with --matches, which holds one match a row")
    if not matches and stated and "match" not in stated:
        raise InputError("--match: is missing. Without any option of a match the questions are listed")
    markets = read_source(source, day)
    now = datetime.now(UTC)
    if not matches and not stated:
        facts: dict[str, object] = {"questions": matching.listed_facts(markets), "added": 0}
        output.print(facts, matching.listed_markets(markets, source))
        return
    path = ledger_place(ledger, *([run.absolute().parent.parent] if run else []))
    # A ledger that is not there is made only when every match is sound.
    opened = open_ledger(path) if path.exists() else Ledger(str(path))

    def check(texts: dict[str, str]) -> matching.Matched:
        match = matching.Match(**({"differs": ""} | texts))
        return matching.check_match(match, markets, opened, now, stated_day=day is not None)

    if matches:
        rows = read_rows(matches, matching.MATCH_COLUMNS, matching.MORE_COLUMNS, help="Give one match a row")
        default = {"run": str(run)} if run else {}
        found = check_rows(rows, lambda row: check(default | {n: t for n, t in row.cells.items() if t}))
    else:
        found = [check(stated)]
    matching.refuse_twice(found)
    entries = [entry for one in found for entry in one.entries]
    with write_ledger(path) as writer:
        added = sum([writer.append(entry) for entry in entries])
    facts = {"added": added, "known": len(entries) - added, "matches": [one.facts for one in found]}
    facts |= {"ledger": str(path), "ledger_head": writer.ledger.head}
    said = f"Prices: {added:,} added, {len(entries) - added:,} known before."
    output.print(facts, (Bullets(tuple(one.sentence for one in found)), Prose(said)))
