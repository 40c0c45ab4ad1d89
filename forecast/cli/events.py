"""``forecast events``: coded events checked, merged, drafted, imported and kept; what codes mean.

NumPy and the event modules are imported inside the commands, so that ``forecast --help`` costs nothing.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.blocks import Block, Bullets, Entry, Prose, Table, Verbatim, paired, plain_table, right
from forecast.cli.options import (
    DATES,
    JSON,
    QUIET,
    DateOrder,
    ScaleName,
    argument,
    day_option,
    option,
    print_answer,
    print_notes,
    read_actors,
)
from forecast.cli.terminal import listening, reading, show, show_progress
from forecast.errors import EventError, InputError, UnfinishedError
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITIES,
    cameo_codes,
    category_fault,
    category_kind,
    category_label,
    category_meaning,
    category_named,
    own_categories,
    packaged_scale,
    severity_word,
    standard_scale,
)
from forecast.progress import StageProgress
from forecast.wording import count, number, sourced_in_words

if TYPE_CHECKING:
    from forecast.events.drafts import Proposal, Proposals
    from forecast.events.duplicates import DuplicateGroup
    from forecast.events.summary import EventSummary
    from forecast.events.table import EventTable
    from forecast.feeds.store import StoreUpdate
    from forecast.records.base import Scale

SHOWN, SHOWN_GAPS, SHOWN_FILES = 20, 10, 5
"""Items of a list that a terminal shows, gaps, and files of a store."""
KEYS = "a accept, r refuse, s skip, q stop"
YEARS_A_TABLE = 8


app = typer.Typer(
    name="events",
    help="Coded events: check, describe, code by hand, merge, import a feed.",
    no_args_is_help=True,
)

SOURCE = argument("FILE", "A coded CSV, Parquet or .xlsx file, or bundled:us-china.")


@app.command()
def validate(
    source: str = SOURCE,
    dates: DateOrder = DATES,
    out: Path | None = option(None, "--out -o", "Write the events as read, by the codebook, as CSV.", "FILE"),
    as_json: bool = JSON,
) -> None:
    """Check a file and describe it: every fault with its line, else what it holds and what looks wrong.

    Exit code 2 when the file has faults.
    """
    from forecast.events.duplicates import find_duplicates
    from forecast.events.reading import write_events
    from forecast.events.summary import Feed, feed_faults, saturated, summarise
    from forecast.phrases.notices import feed_fault_text, notice_text

    if out:
        _refuse_existing(out)
    with reading(shown=not as_json):
        events = _inspect(source, dates, as_json)
        groups, not_compared = find_duplicates(events)
        described = summarise(events)
    if out:
        write_events(events, out)
    caution = saturated(events, standard_scale())
    notes = [*(f"{note}." for note in events.notes), *([notice_text(caution)] if caution else [])]
    if not_compared:
        notes.append(f"{not_compared:,} pairs of rows were too many to compare.")
    faults = feed_faults((Feed.of_table(events, source),), events.known_date.max().item())
    duplicates = [
        {name: getattr(group, name) for name in ("ids", "lines", "likeness", "reason")} for group in groups
    ]
    facts: dict[str, Any] = {"source": source, "valid": True, "faults": [], "notes": notes}
    facts |= {"written": str(out) if out else None, "duplicates": duplicates}
    facts |= {"pairs_not_compared": not_compared, **described.model_dump(mode="json")}
    facts |= {"feed_faults": [fault.model_dump(mode="json") for fault in faults]}
    texts = [feed_fault_text(fault) for fault in faults]
    print_answer(as_json, facts, _described(described, notes, texts, groups, out))


@app.command()
def merge(
    files: list[Path] = argument("FILES", "Two or more coders' files; the first one leads."),
    out: Path | None = option(
        None, "--out -o", "Where to write the merged events; only the table when absent.", "FILE"
    ),
    dates: DateOrder = DATES,
    as_json: bool = JSON,
) -> None:
    """Match the events of several coders, show how far they agree, and write one file.

    Rows of two files are one event when actors, day and content speak for it (docs/codebook.md). The
    merged file says in its columns x_coders, x_rows and x_resolved where each row comes from.
    """
    from forecast.events.duplicates import match_events, measure_agreement, merge_units
    from forecast.events.reading import read_events, write_whole

    if len(files) < 2:
        raise EventError("one file alone has nothing to be merged with. Give the files of two coders or more")
    _refuse_repeats(files, "coder's file")
    stems = [file.stem for file in files]
    coders = [str(file) if stems.count(file.stem) > 1 else file.stem for file in files]
    if out is not None:
        _refuse_existing(out)
    tables = [read_events(file, dates=dates) for file in files]
    print_notes(f"{table.source}: {note}." for table in (() if as_json else tables) for note in table.notes)
    units = match_events(tables)
    agreement = measure_agreement(units)
    verified = any(table.has_verified for table in tables)
    disagreements, text = merge_units(units, coders, has_verified=verified)
    if out is not None:
        write_whole(out, text.encode())
    facts = {
        "coders": [
            {
                "coder": coder,
                "events": sum(place in unit for unit in units),
                "alone": sum([*unit] == [place] for unit in units),
            }
            for place, coder in enumerate(coders)
        ],
        "events": len(units),
        "shared": sum(len(unit) > 1 for unit in units),
        "agreement": agreement,
        "disagreements": disagreements,
        "out": None if out is None else str(out),
    }
    print_answer(as_json, facts, _merged_files(facts))


@app.command()
def codebook(
    category: str | None = argument("CATEGORY", "One category; all when absent.", default=None),
    scale: ScaleName = option("standard", "--scale", "What severities mean; armed is for routine fire."),
    as_json: bool = JSON,
) -> None:
    """Print the codebook: categories, what each severity means, and the CAMEO codes of a category."""
    from forecast.events.codebook import codebook_facts

    if category is not None and (category := category_named(category)) not in CATEGORIES:
        raise EventError(category_fault(category))
    of = packaged_scale(scale)
    print_answer(as_json, codebook_facts(category, of), _codebook_blocks(category, of))


def _refuse_existing(out: Path) -> None:
    if out.suffix != ".csv":
        raise EventError(f"{out}: events are written as CSV. Give a name that ends in .csv")
    if out.exists():
        raise EventError(f"{out}: exists. Give the name of a new file, or remove it first")


def _inspect(source: str, dates: DateOrder, as_json: bool) -> EventTable:
    """Read the events; for a program every fault is answered, with code 2."""
    from forecast.events.cells import FaultyEventsError, RowFault
    from forecast.events.reading import load_events

    try:
        return load_events(source, Path.cwd(), dates=dates)
    except EventError as error:
        if not as_json:
            raise
        alone = RowFault(None, "", str(error).removeprefix(f"{source}: "))
        faults = error.faults if isinstance(error, FaultyEventsError) else (alone,)
    print_answer(True, {"source": source, "valid": False, "faults": [asdict(one) for one in faults]}, ())
    raise typer.Exit(2)


def _refuse_repeats(paths: Sequence[Path], what: str) -> None:
    places = [path.resolve() for path in paths]
    if twice := next((path for path in paths if places.count(path.resolve()) > 1), None):
        raise InputError(f"{twice}: given twice. Give each {what} once")


# What is answered


def _listed(head: str, items: Sequence[str], most: int, where: str = "--json") -> Entry:
    """Return a list under a head, the first ``most`` of it; ``where`` says what holds all."""
    hidden = len(items) - most
    more = (f"and {hidden:,} more. All of them: {where}",) if hidden > 0 else ()
    return Entry(head, (Bullets((*items[:most], *more)),))


def _codebook_blocks(category: str | None, scale: Scale) -> Iterator[Block]:
    """Yield the codebook: all categories with what severities mean, or one with its CAMEO codes too."""
    if category:
        yield Prose(category_meaning(category), lead=f"{category_label(category)}:")
        yield severities_table(scale, category, "Severity")
        codes = (
            (coding.code, coding.label) for coding in cameo_codes().values() if coding.category == category
        )
        yield plain_table(("", ""), codes, "CAMEO codes")
        return
    rows = ((name, f"{category_kind(name)}. {category_meaning(name)}") for name in CATEGORIES)
    yield plain_table(("", ""), rows, "Categories")
    own = own_categories(scale)
    for name in own:
        yield severities_table(scale, name, f"Severity of {category_label(name).lower()}")
    head = "Severity of all other categories" if own else "Severity"
    yield severities_table(standard_scale() if own else scale, None, head)


def severities_table(scale: Scale, category: str | None, title: str = "") -> Table:
    """Return what severities mean for a category, or for any."""
    anchors = scale.anchors[category or "any"]
    rows = [(f"{severity} {severity_word(severity)}", text) for severity, text in sorted(anchors.items())]
    return plain_table(("", ""), rows, title)


def _described(
    described: EventSummary,
    notes: Sequence[str],
    faults: Sequence[str],
    suspects: Sequence[DuplicateGroup],
    written: Path | None,
) -> Iterator[Block]:
    """Yield what a file without faults holds, what was guessed, and what may be wrong with it."""
    span = f"{described.first_date} to {described.last_date}, known by {described.last_known_date}"
    yield Prose(f"{described.source}: {count(described.rows, 'event')}, {span}. No faults.")
    for note in notes:
        yield Prose(note, lead="Note:")
    for fault in faults:
        yield Prose(fault, lead="Feed:", tone="warning")
    heads = *(f"{severity} {severity_word(severity)}" for severity in SEVERITIES), "All"
    by_severity = [
        (category_label(name), *map(_count, (*counts.values(), sum(counts.values()))))
        for name, counts in described.by_category_severity.items()
        if any(counts.values())
    ]
    yield plain_table(("Category", *map(right, heads)), by_severity, "Events by category and severity")
    yield from _years(described)
    yield Prose(f"Actors: {', '.join(f'{name} {rows:,}' for name, rows in described.actors.items())}.")
    if described.unlisted_actors:
        unlisted = ", ".join(described.unlisted_actors)
        yield Prose(f"Actors that are not ISO 3166-1 countries (accepted): {unlisted}.")
    rows, unnamed, known = described.rows, described.verified_without_page, described.verified_share
    more = f" {unnamed:,} of the pages read are not named." if unnamed else ""
    read = None if known is None else round(known * rows)
    yield Prose(sourced_in_words(described.rows_sourced, rows, read) + more)
    if described.late_known_share:
        yield Prose(f"Became public later than it happened: {described.late_known_share:.0%}.")
    if described.gaps:
        gaps = [f"{gap['first']} to {gap['last']}: {gap['days']} days" for gap in described.gaps]
        yield _listed("Longest spans without an act (30 days or more)", gaps, SHOWN_GAPS)
    if suspects:
        items = [
            f"lines {', '.join(map(str, group.lines))} ({', '.join(group.ids)}): {group.reason}"
            for group in suspects
        ]
        head = f"{count(len(suspects), 'group')} of rows may be one event each (nothing was dropped)"
        yield _listed(head, items, SHOWN)
    else:
        yield Prose("No rows look like one event coded twice.")
    if described.limits:
        yield Entry("Known limits", (Bullets(described.limits),))
    yield paired((*((("Written", str(written)),) if written else ()), ("sha256", described.sha256)))


def _years(described: EventSummary) -> Iterator[Table]:
    """Yield one table for every ``YEARS_A_TABLE`` years, so that none is wider than a terminal."""
    every = list(described.by_year_category)
    for years in (every[at : at + YEARS_A_TABLE] for at in range(0, len(every), YEARS_A_TABLE)):
        counts = [described.by_year_category[year] for year in years]
        seen = (name for name in CATEGORIES if any(acts[name] for acts in counts))
        rows = [(category_label(name), *(_count(acts[name]) for acts in counts)) for name in seen]
        rows.append(("All", *(_count(sum(acts.values())) for acts in counts)))
        if len(every) > 1:
            rows.append(("A month", *(f"{described.per_month_by_year[year]:.1f}" for year in years)))
        heads = (right(str(year)) for year in years)
        yield plain_table(("Category", *heads), rows, f"Events by year, {years[0]} to {years[-1]}")


def _count(rows: int) -> str:
    return f"{rows:,}" if rows else "–"


def _merged_files(facts: dict[str, Any]) -> Iterator[Block]:
    """Yield how far coders agree, and where they do not."""
    from forecast.events.duplicates import RELIABLE, TENTATIVE

    coders = facts["coders"]
    shared = f"{facts['shared']:,} of them in two files or more"
    yield Prose(f"{facts['events']:,} events in {len(coders)} files, {shared}.")
    held = "{coder}: {events:,} events, {alone:,} that no other file has"
    yield Bullets(tuple(held.format(**counts) for counts in coders))
    rows = (
        (
            agreed["name"],
            "–" if agreed["equal"] is None else f"{agreed['equal']:.0%}",
            "–" if agreed["alpha"] is None else number(agreed["alpha"]),
            " to ".join(map(number, agreed["interval90"] or ())),
        )
        for agreed in facts["agreement"]
    )
    title = "Agreement on the shared events (Krippendorff's alpha: 1 full, 0 as by chance)"
    yield plain_table(("", right("equal"), right("alpha"), "90% interval"), rows, title)
    safe = f"From {RELIABLE:g} conclusions from the coding are safe, from {TENTATIVE:g} tentative"
    yield Prose(f"{safe}; below, the codebook or the training needs work.", tone="fine")
    items = []
    for item in facts["disagreements"]:
        given = ", ".join(f"{coder} {value}" for coder, value in item["values"].items())
        items.append(f"{item['event']}: {item['property']}: {given}; taken: {item['taken']}")
    head = f"Disagreements: {len(items):,}"
    yield _listed(head, items, SHOWN, "--json, or x_resolved") if items else Prose(f"{head}.")
    yield Prose("Taken is what the first file that holds the event gave.")
    if facts["out"]:
        yield paired((("Written", f"{facts['out']}, {facts['events']:,} events"),))


# Drafts


@app.command()
def draft(
    articles: list[Path] = argument("ARTICLE…", "Text files."),
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
    config: Path = option(..., "--config", "Config whose pair and scale are used.", "FILE"),
    published: date | None = day_option(None, "--published", "Day of articles that do not say theirs."),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Have a language model propose acts from articles; 'events review' makes events of them.

    Each act must quote a sentence of the article and pass the checks of the codebook; others are refused and
    counted. The variable FORECAST_DRAFT_KEY holds the key of the endpoint, if it wants one. An article that
    the file of proposals knows is not sent again. Exit code 1 when an article gave no usable answer.
    """
    from forecast.config import load_config
    from forecast.events.drafts import (
        KEY_VARIABLE,
        MAX_ARTICLES,
        Endpoint,
        RefusedError,
        begin_proposals,
        draft_article,
        read_article,
    )
    from forecast.storage import locked

    loaded = load_config(config)
    rule, anchors = loaded.dyad.rule, packaged_scale(loaded.scale)
    at = Endpoint.at(endpoint, model, os.environ.get(KEY_VARIABLE, ""))
    _refuse_repeats(articles, "article")
    if len(articles) > MAX_ARTICLES:
        raise InputError(f"{len(articles):,} articles. Allowed: at most {MAX_ARTICLES} at a time")
    refusals: list[dict[str, str]] = []
    failed, skipped = 0, 0
    with locked(out), show_progress(shown=not (as_json or quiet)) as draw:
        file = begin_proposals(out, rule, anchors)
        before = len(file.proposals)
        for done, path in enumerate(articles):
            draw(StageProgress("draft", done, len(articles)))
            try:
                article = read_article(path, published)
                if file.was_read(article, model):
                    skipped += 1
                    continue
                kept, refused = draft_article(article, at, rule, anchors)
                if kept or not refused:
                    file = file.with_article(article, model, kept)
            except RefusedError as error:
                refused = [error]
                failed += 1
            refusals += [{"kind": why.kind, "article": str(path), "message": str(why)} for why in refused]
        draw(StageProgress("draft", len(articles), len(articles)))
    added = file.proposals[before:]
    kinds = dict(sorted(Counter(refusal["kind"] for refusal in refusals).items()))
    facts = {
        "out": str(out) if file.articles else None,
        "articles": len(articles),
        "skipped": skipped,
        "failed": failed,
        "proposals": [proposal.model_dump(mode="json") for proposal in added],
        "waiting": len(file.waiting()),
        "refused": kinds,
        "refusals": refusals,
    }
    asked_before = f", {skipped:,} of them asked about before" if skipped else ""
    head = f"{count(len(articles), 'article')}{asked_before}: {count(len(added), 'act')} proposed."
    print_answer(as_json, facts, (Prose(head), *_drafted(file, added, refusals, kinds)))
    if failed:
        raise typer.Exit(1)


def _drafted(
    file: Proposals, added: Sequence[Proposal], refusals: Sequence[dict[str, str]], kinds: dict[str, int]
) -> Iterator[Block]:
    yield Bullets(tuple(f"{proposal.id}: {_in_short(proposal.cells)}" for proposal in added))
    if refusals:
        lines = ["{article}: {kind}: {message}".format(**refusal) for refusal in refusals]
        listed = ", ".join(f"{kind} {number:,}" for kind, number in kinds.items())
        yield _listed(f"Refused: {listed}", lines, SHOWN)
    if waiting := len(file.waiting()):
        command = f"forecast events review {file.path} EVENTS.csv"
        yield Prose(f"{file.path} holds {count(waiting, 'proposal')} to decide: {command}")
    elif not file.articles:
        yield Prose("Nothing was written.")


def _in_short(cells: dict[str, str]) -> str:
    who = f"{cells['initiator']} to {cells['target']}"
    return f"{cells['date']} {who} {cells['category']} {cells['severity']}: {cells.get('summary', '')}"


@app.command()
def review(
    proposals: Path = argument("PROPOSALS", "File that 'events draft' wrote."),
    file: Path | None = argument(
        "FILE", "Event file (CSV) that accepted acts go to; made when absent.", default=None
    ),
    as_json: bool = JSON,
) -> None:
    """Decide on each proposal with one key; what is accepted goes to the event file at once.

    a accepts, r refuses, s leaves it for later, q stops. Each shows its sentence, its anchor and the nearest
    acts of the file. Stop whenever you like: every decision is kept. Accepted rows carry x_coder
    draft+person; change them in the file. Without FILE, or with --json, it tells how things stand.
    """
    from forecast.events.drafts import open_proposals
    from forecast.storage import locked

    with locked(proposals):
        opened = open_proposals(proposals)
        if file is not None and not as_json:
            opened = _decide(opened, file)
    decisions = dict.fromkeys(("waiting", "accepted", "refused"), 0)
    decisions |= Counter(proposal.decision for proposal in opened.proposals)
    facts = {
        "proposals": [proposal.model_dump(mode="json") for proposal in opened.proposals],
        "decisions": decisions,
        "file": None if file is None else str(file),
    }
    head = ", ".join(f"{decision} {number:,}" for decision, number in decisions.items()).capitalize()
    print_answer(as_json, facts, (Prose(f"{head}."),))


def _decide(file: Proposals, events: Path) -> Proposals:
    """Ask for every proposal that waits; end of input and ``q`` stop."""
    waiting = file.waiting()
    for place, proposal in enumerate(waiting, start=1):
        show([Verbatim(("",)), _shown(proposal, file, events, f"{place} of {len(waiting)}")])
        while (key := _one_key()) not in ("a", "r", "s", "q"):
            typer.echo(f"  Expected: {KEYS}", err=True)
        match key:
            case "q":
                return file
            case "r":
                file = file.refuse(proposal)
            case "a":
                file = file.accept(proposal, events)
    return file


def _shown(proposal: Proposal, file: Proposals, events: Path, place: str) -> Block:
    from forecast.events.drafts import events_in
    from forecast.events.duplicates import nearest_acts

    cells = proposal.cells
    table = events_in(events)
    near = [] if table is None else nearest_acts(proposal.drafted, table)
    acts = (f"{act.id}: {_in_short({**vars(act), 'target': act.recipient})}" for act in near)
    return Entry(
        f"{proposal.id} ({place})  {_in_short(cells)}",
        (
            Prose(f"Sentence: {proposal.sentence}"),
            Prose(f"Severity {cells['severity']} ({file.scale.name}): {proposal.anchor}"),
            Prose(f"From: {cells.get('source_url', proposal.article)}, {cells.get('source_date', 'no day')}"),
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


# Feeds and stores


@app.command("import")
def import_events(
    files: list[Path] = argument("FILES…", "Files as published; .zip and .gz too."),
    out: Path = option(..., "--output -o", "Event file to write, a CSV.", "FILE"),
    source_format: str = option(..., "--format", "gdelt1, gdelt2, icews, polecat, acled or ucdp."),
    dyad: list[str] = option(..., "--dyad", "Two actors. Repeatable: many in one pass.", "A,B"),
    root_only: bool = option(False, "--root-only", "Root events alone."),
    min_sources: int = option(0, "--min-sources", "Least number of sources.", "N"),
    typed_actors: bool = option(False, "--typed-actors", "Acts of actors of a known type alone (GDELT)."),
    repeat_days: int = option(2, "--repeat-days", "The same act within so many days counts once.", "DAYS"),
    known_date: Literal["published", "act"] = option(
        "published", "--known-date", "Day an act counts as known: its publication, or its own day."
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Turn files of an event feed into coded events, and say what was done with every row."""
    from forecast.feeds.importing import ImportOptions, import_feed

    options = ImportOptions(
        source_format,
        dyad,
        root_only=root_only,
        min_sources=min_sources,
        typed_actors=typed_actors,
        repeat_days=repeat_days,
        known_date=known_date,
    )
    with show_progress(shown=not (as_json or quiet)) as draw:
        report = import_feed(
            files, options, out, listen=lambda done, total: draw(StageProgress("import", done, total))
        )
    print_answer(as_json, report.to_dict(), report.blocks())


@app.command()
def update(
    store: Path = option(..., "--store", "Folder of the store; made where it is missing.", "DIR"),
    pair: list[str] | None = option(
        None, "--pair", "Two actors, e.g. USA,CHN; kept with the store. Repeatable.", "A,B"
    ),
    since: date | None = day_option(
        None, "--since", "First day of publication; where the last update ended when absent."
    ),
    until: date | None = day_option(None, "--until", "Last day of publication; today when absent."),
    address: str | None = option(None, "--address", "A mirror of the feed; kept with the store.", "URL"),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Fetch what GDELT 2 published since the last update, and add the acts of your pairs to a store.

    Exit code 0: all files were read; 1: some are missing or wrong, and will be asked for again; 2: bad input.
    """
    pairs = tuple(map(_read_pair, pair or ()))
    with listening(shown=not (as_json or quiet)) as listen:
        from forecast.feeds.store import update_store

        report = update_store(store, listen, pairs, since, until, address or "")
    print_answer(as_json, report.to_dict(), _report(store, report))
    if report.failure:
        raise UnfinishedError(report.failure)
    if report.open_files:
        opened = count(len(report.open_files), "file")
        raise UnfinishedError(f"{opened} missing or wrong; the next update asks again. All of them: --json")


def _read_pair(text: str) -> tuple[str, str]:
    sides = read_actors(text, "--pair")
    if len(sides) != 2 or sides[0] == sides[1]:
        raise InputError(f"--pair: got '{text}'; expected two actors with a comma between, e.g. USA,CHN")
    return sides[0], sides[1]


def _report(store: Path, report: StoreUpdate) -> Iterator[Block]:
    facts = report.to_dict()
    numbers = [facts["added"], facts["repeated"], facts["refused"], *facts["files"].values()]
    heads = ("New acts", "Repeats", "Refused rows", "Files read", "Missing", "Wrong")
    row = [*(f"{number:,}" for number in numbers), facts["newest"] or "–"]
    yield plain_table((*map(right, heads), right("Newest act")), [row], f"{store}")
    for name, (state, reason) in list(report.open_files.items())[:SHOWN_FILES]:
        yield Prose(f"{name}: {state}: {reason}.", tone="warning")
