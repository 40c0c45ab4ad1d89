"""What the ``events`` commands answer: a file checked, a file described, coders merged, as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forecast.blocks import Block, Bullets, Entry, Heading, Pairs, Prose, Table, plain_table, right
from forecast.events.codebook import (
    CATEGORIES,
    SEVERITIES,
    cameo_codes,
    category_kind,
    category_label,
    category_meaning,
    own_categories,
    severity_word,
    standard_scale,
)
from forecast.events.duplicates import DuplicateReport
from forecast.events.merging import RELIABLE, RULES, TENTATIVE, Agreement, Merged, Rule, Unit
from forecast.events.summary import SHORTEST, Coverage, EventSummary
from forecast.events.table import EventTable
from forecast.records.notices import FeedFault
from forecast.records.scale import ANY, Scale
from forecast.wording import count, number

SHOWN_GROUPS = 20
SHOWN_GAPS = 10
SHOWN_DISAGREEMENTS = 20
YEARS_A_TABLE = 8
_BREAK_WORDS = {
    "events": "events a month",
    "world": "rows of the whole archive a month",
    "share": "the dyad's share of the archive",
}


def _listed(head: str, items: Sequence[str], most: int, where: str = "--json") -> Entry:
    """Return a list under a head, the first ``most`` of it; ``where`` says what holds all."""
    hidden = len(items) - most
    more = (f"and {hidden:,} more. All of them: {where}",) if hidden > 0 else ()
    return Entry(head, (Bullets((*items[:most], *more)),))


def codebook_blocks(category: str | None, scale: Scale) -> Iterator[Block]:
    """Yield the codebook: all categories with what severities mean, or one with its CAMEO codes too."""
    if category:
        yield Prose(category_meaning(category), lead=f"{category_label(category)}:")
        yield severities_table(scale, category, "Severity")
        yield codes_table(category, "CAMEO codes")
        return
    yield categories_table("Categories")
    own = own_categories(scale)
    for one in own:
        yield severities_table(scale, one, f"Severity of {category_label(one).lower()}")
    head = "Severity of all other categories" if own else "Severity"
    yield severities_table(standard_scale() if own else scale, None, head)


def categories_table(title: str = "") -> Table:
    """Return the categories and what they mean."""
    rows = [(one, f"{category_kind(one)}. {category_meaning(one)}") for one in CATEGORIES]
    return plain_table(("", ""), rows, title)


def severities_table(scale: Scale, category: str | None, title: str = "") -> Table:
    """Return what severities mean for a category, or for any."""
    anchors = scale.anchors[category or ANY]
    rows = [(f"{one} {severity_word(one)}", text) for one, text in sorted(anchors.items())]
    return plain_table(("", ""), rows, title)


def codes_table(category: str | None, title: str = "") -> Table:
    """Return the CAMEO codes of a category, or of all."""
    rows = [(one.code, one.label) for one in cameo_codes().values() if category in (None, one.category)]
    return plain_table(("", ""), rows, title)


def checked_file(
    source: str, events: EventTable, unlisted: Sequence[str], cautions: Sequence[str], report: DuplicateReport
) -> Iterator[Block]:
    """Yield that a file has no faults, what to bear in mind, and which rows may be one event twice."""
    yield Prose(f"{source}: {count(len(events), 'event')}, {events.date[0]} to {events.date[-1]}. No faults.")
    for note in events.notes:
        yield Prose(f"{note}.", lead="Note:")
    if unlisted:
        yield Prose(f"Actors that are not ISO 3166-1 countries (accepted): {', '.join(unlisted)}.")
    for caution in cautions:
        yield Prose(caution, lead="Note:")
    if report.groups:
        groups = count(len(report.groups), "group")
        items = [
            f"lines {', '.join(map(str, group.lines))} ({', '.join(group.ids)}): {group.reason}"
            for group in report.groups
        ]
        head = f"{groups} of rows may be one event each (nothing was dropped)"
        yield _listed(head, items, SHOWN_GROUPS)
    else:
        yield Prose("No rows look like one event coded twice.")
    if report.not_compared:
        yield Prose(f"{report.not_compared:,} pairs of rows were too many to compare.")


def described_file(
    described: EventSummary, coverage: Coverage, faults: Sequence[FeedFault]
) -> Iterator[Block]:
    """Yield counts by category, severity and year, actors, gaps, breaks, feed faults and known limits."""
    yield Prose(f"{described.source}: {described.rows:,} events.")
    span = f"Acts from {described.first_date} to {described.last_date}"
    yield Prose(f"{span}; the latest became public on {described.last_known_date}.")
    if described.verified_share is None:
        yield Prose("The file does not say which rows were verified.")
    else:
        unnamed = described.verified_without_page
        more = f" {unnamed:,} of them do not name the page." if unnamed else ""
        yield Prose(f"Verified against the source page: {described.verified_share:.0%} of the rows.{more}")
    if described.late_known_share:
        yield Prose(f"Became public later than it happened: {described.late_known_share:.0%}.")
    yield _severities(described)
    yield from _years(described)
    yield Heading("Record")
    yield Prose(f"Actors: {', '.join(f'{name} {rows:,}' for name, rows in described.actors.items())}.")
    if described.unlisted_actors:
        yield Prose(f"Not ISO 3166-1 countries: {', '.join(described.unlisted_actors)}.")
    if not described.gaps:
        yield Prose("No span of 30 days or more without an act.")
    yield from _coverage(coverage)
    for fault in faults:
        yield Prose(fault.text, lead="Feed:", tone="warning")
    if described.gaps:
        gaps = [f"{gap.first} to {gap.last}: {gap.days} days" for gap in described.gaps]
        yield _listed("Longest spans without an act (30 days or more)", gaps, SHOWN_GAPS)
    if described.limits:
        yield Entry("Known limits", (Bullets(described.limits),))
    yield Pairs((("sha256", described.sha256),))


def _severities(described: EventSummary) -> Table:
    heads = *(f"{severity} {severity_word(severity)}" for severity in SEVERITIES), "All"
    rows = []
    for name, counts in described.by_category_severity.items():
        row = [counts[severity] for severity in SEVERITIES]
        rows.append((category_label(name), *map(_count, (*row, sum(row)))))
    return plain_table(("Category", *map(right, heads)), rows, "Events by category and severity")


def _years(described: EventSummary) -> Iterator[Table]:
    """Yield one table for every ``YEARS_A_TABLE`` years, so that none is wider than a terminal."""
    every = list(described.by_year_category)
    for years in (every[at : at + YEARS_A_TABLE] for at in range(0, len(every), YEARS_A_TABLE)):
        counts = [described.by_year_category[year] for year in years]
        rows = [(category_label(name), *(_count(acts[name]) for acts in counts)) for name in CATEGORIES]
        rows.append(("All", *(_count(sum(acts.values())) for acts in counts)))
        rows.append(("A month", *(f"{described.per_month_by_year[year]:.1f}" for year in years)))
        heads = (right(str(year)) for year in years)
        yield plain_table(("Category", *heads), rows, f"Events by year, {years[0]} to {years[-1]}")


def _count(rows: int) -> str:
    return f"{rows:,}" if rows else "–"


def _coverage(coverage: Coverage) -> Iterator[Block]:
    yield Prose(f"Rows that may repeat another: {coverage.duplicate_share:.0%}.")
    if coverage.world is not None and any(coverage.world):
        years: dict[str, list[int]] = {}
        for month, events, volume in zip(coverage.months, coverage.events, coverage.world, strict=True):
            before = years.get(month[:4], [0, 0])
            years[month[:4]] = [before[0] + events, before[1] + volume]
        shares = ", ".join(
            f"{year} {100_000 * events / volume:.1f}" if volume else f"{year} –"
            for year, (events, volume) in years.items()
        )
        head = "Events for every 100,000 rows of the whole archive, by year (whole months)"
        yield Prose(f"{head}: {shares}.")
    for level in coverage.breaks:
        change = f"went from {level.before:,.1f} to {level.after:,.1f}"
        if level.series == "share":
            change = f"changed by a factor of {level.after / level.before:.2g}" if level.before else "began"
        yield Prose(f"Break: {_BREAK_WORDS[level.series]} {change} in {level.month} (p {level.p_value:.1g}).")
    if coverage.breaks:
        yield Prose("A break may be in the reporting, not in the relation: see docs/import.md.")
    elif len(coverage.months) >= 2 * SHORTEST:
        yield Prose("No break in the level of the monthly counts (a slow drift is none).")


def agreement_blocks(agreement: Sequence[Agreement]) -> Iterator[Block]:
    """Yield the table of agreement between codings, and what its figures allow."""
    rows = (
        (
            agreed.name,
            "–" if agreed.equal is None else f"{agreed.equal:.0%}",
            "–" if agreed.alpha is None else number(agreed.alpha),
            "" if agreed.interval90 is None else " to ".join(map(number, agreed.interval90)),
        )
        for agreed in agreement
    )
    title = "Agreement on the shared events (Krippendorff's alpha: 1 full, 0 as by chance)"
    yield plain_table(("", right("equal"), right("alpha"), "90% interval"), rows, title)
    safe = f"From {RELIABLE:g} conclusions from the coding are safe, from {TENTATIVE:g} tentative"
    yield Prose(f"{safe}; below, the codebook or the training needs work.", tone="fine")


def merged_files(
    coders: Sequence[Mapping[str, object]],
    units: Sequence[Unit],
    agreement: Sequence[Agreement],
    merged: Merged,
    rule: Rule,
) -> Iterator[Block]:
    """Yield how far coders agree, where they do not, and by what rule that was resolved."""
    shared = sum(len(unit) > 1 for unit in units)
    yield Prose(f"{len(units):,} events in {len(coders)} files, {shared:,} of them in two files or more.")
    held = "{coder}: {events:,} events, {alone:,} that no other file has"
    yield Bullets(tuple(held.format(**counts) for counts in coders))
    yield from agreement_blocks(agreement)
    items = []
    for item in merged.disagreements:
        given = ", ".join(f"{coder} {value}" for coder, value in item.values.items())
        items.append(f"{item.event}: {item.property}: {given}; taken: {item.taken}")
    head = f"Disagreements: {len(items):,}"
    yield _listed(head, items, SHOWN_DISAGREEMENTS, "--json, or x_resolved") if items else Prose(f"{head}.")
    yield Prose(f"Disagreements were resolved by: {RULES[rule]}.")
