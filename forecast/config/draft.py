"""A first config: drafted for a record of events as commented YAML, or an example of the package.

``forecast/examples`` is a link to ``configs/``, so that a checkout has one copy of the examples; building a
wheel puts the files themselves there.
"""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import numpy as np

from forecast.config.proposed_targets import ProposedTarget, months_until, propose_targets
from forecast.config.schema import BUNDLED_PREFIX, UNNAMED, MilestoneConfig, milestones_after
from forecast.config.settings_file import folder_name
from forecast.config.writing import flow_yaml
from forecast.errors import EventError, InputError, did_you_mean, escaped
from forecast.events.cells import DateOrder
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES
from forecast.events.countries import pair_title
from forecast.events.dyads import (
    DyadRule,
    actors_of,
    left_out_in_words,
    main_pairs,
    near_actors,
    pairs_in_words,
)
from forecast.events.stores import is_store
from forecast.events.summary import saturated, scale_of
from forecast.events.table import EventTable
from forecast.records.event_cautions import SaturatedScale
from forecast.records.horizons import USUAL_IN_WORDS
from forecast.records.scale import STANDARD, Scale
from forecast.wording import count, in_sentence, listing, long_day, times

WIDTH = 108

WATCHLIST = "watchlist"
EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us-china": ("us-china-2023.yaml", "scenarios", "us-china-track-record"),
        "own-data": ("own-data-template.yaml", "example-events.csv"),
        WATCHLIST: ("watchlist",),
    }
)
"""Name of an example → its files and folders below ``forecast/examples``, the config first."""
_FOR_EDITORS = "# yaml-language-server:"

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a first config holds.

    ``known`` are all rows of ``source`` known on ``as_of``, ``acts`` those between the sides; both are
    ``None`` where no events are at hand, and then ``as_of`` may be ``None`` as well: to be filled in.
    ``dates`` is how the file writes days. ``crowded`` are targets that were not proposed: they were met in
    nearly every recent month. ``scale`` is as the config names it, for a reason; ``saturated`` tells that it
    hardly tells incidents apart.
    """

    a: str
    b: str
    as_of: date | None
    source: str
    known: EventTable | None
    acts: EventTable | None
    targets: tuple[ProposedTarget, ...]
    crowded: tuple[ProposedTarget, ...] = ()
    dates: DateOrder = "iso"
    scale: str = STANDARD
    scale_reason: str = "the codebook's own; armed is for relations with routine fire"
    saturated: SaturatedScale | None = None

    @property
    def milestones(self) -> tuple[MilestoneConfig, ...]:
        """The days ahead; none before ``as_of`` is filled in."""
        return milestones_after(self.as_of) if self.as_of else ()

    @property
    def months(self) -> int:
        """Calendar months from the first act to the as-of date, both included."""
        return 0 if self.acts is None or self.as_of is None else months_until(self.acts, self.as_of)


def draft_config(
    events: EventTable,
    pair: Pair | None,
    as_of: date,
    *,
    dates: DateOrder = "iso",
    scale: tuple[str, Scale] | None = None,
) -> Draft:
    """Draft a config from what the events held on a day; nothing that became known later is read.

    Without ``pair`` the events must be of one pair of actors. ``dates`` is how their file writes days.
    ``scale`` is that of the severities, as the config will name it; found from the events when absent.

    Raises
    ------
    EventError
        Nothing was known on that day, the pair is not there or not clear, all acts are of the as-of date, or
        none is an act of conflict.
    """
    known = events.known_by(as_of)
    if not len(known):
        first = events.known_date.min()
        raise EventError(
            f"{events.source}: nothing was known on {as_of}: the first event became known on {first}. "
            "Give a later --as-of"
        )
    a, b = _pair_of(known, pair, as_of)
    acts = known.select(DyadRule((a,), (b,)).mask(known))
    if acts.date[0] == np.datetime64(as_of, "D"):
        raise EventError(
            f"{events.source}: {count(len(acts), 'act')} between {a} and {b}, all on {as_of}, the as-of "
            "date: a forecast needs days of record before it. Give a later --as-of, or more events"
        )
    found, reason = scale_of(acts)
    name, used = scale or (found.name, found)
    proposed = propose_targets(acts, as_of, used)
    return Draft(
        a=a,
        b=b,
        as_of=as_of,
        source=events.source,
        known=known,
        acts=acts,
        targets=proposed.targets,
        crowded=proposed.crowded,
        dates=dates,
        scale=name,
        scale_reason="as asked for" if scale else reason,
        saturated=saturated(acts, used),
    )


def blank_draft(pair: Pair, as_of: date | None) -> Draft:
    """Draft a config for events that are still to be coded, with targets as examples."""
    military = ("military_incident", "military_posture")
    examples = (
        ("major_escalation", "Major escalation in any field", CONFLICTUAL, 4),
        ("collision", "A collision, shoot-down or seizure", military[:1], 4),
        ("lethal_clash", "A lethal clash, a blockade or mobilisation for war", military, SEVERITIES[-1]),
    )
    targets = tuple(
        ProposedTarget(name=name, label=label, any_of=any_of, min_severity=severity)
        for name, label, any_of, severity in examples
    )
    a, b = pair
    source = f"{pair_name(pair)}.csv"
    return Draft(a=a, b=b, as_of=as_of, source=source, known=None, acts=None, targets=targets)


def pair_name(pair: Pair) -> str:
    """Return a pair as the name of a file, e.g. ``usa-chn``."""
    return folder_name(" ".join(pair)) or UNNAMED


def _pair_of(known: EventTable, pair: Pair | None, as_of: date) -> Pair:
    pairs = main_pairs(known)
    held = pairs_in_words(pairs)
    if pair is None:
        if len(pairs) > 1:
            example = ",".join(next(iter(pairs)))
            raise EventError(
                f"{known.source}: holds {len(pairs):,} pairs: {held}. Say which, e.g. --pair {example}"
            )
        return next(iter(pairs))
    if (min(pair), max(pair)) not in pairs:
        hint = near_actors(pair, actors_of(known))
        raise EventError(
            f"{known.source}: no act between {' and '.join(pair)} was known on {as_of}.{hint} It holds {held}"
        )
    return pair


def draft_yaml(draft: Draft, path: Path) -> str:
    """Return the draft as the text of a config that will be written to ``path``."""
    return "\n".join(
        (*_head(draft, path), *_whose(draft), *_when(draft, path), *_what(draft), *_rest(draft), "")
    )


def source_from(source: str, folder: Path) -> str:
    """Return the source of events as a config in ``folder`` names it."""
    if source.startswith(BUNDLED_PREFIX):
        return source
    place = Path(source).expanduser().resolve()
    try:
        named = Path(os.path.relpath(place, folder.resolve())).as_posix()
    except ValueError:  # on another drive
        named = place.as_posix()
    # What would be read as a home folder or a bundled set is a file here.
    return f"./{named}" if named.startswith(("~", BUNDLED_PREFIX)) else named


def _head(draft: Draft, path: Path) -> Iterator[str]:
    day = f" as of {long_day(draft.as_of)}" if draft.as_of else ""
    yield f"# {pair_title([draft.a], [draft.b])}{day}, written by 'forecast new'. Change what you like."
    yield "#"
    name = shlex.quote(escaped(path.name))
    yield f"#   forecast check {name}     explains this file in plain English; fits nothing"
    yield f"#   forecast run   {name}     fits, simulates, writes the report"
    yield "#"
    yield "# All other keys have defaults; docs/config.md explains each. 'forecast events codebook' prints"
    yield "# what categories and severities mean."
    yield ""
    yield from _line(
        f"name: {flow_yaml(folder_name(path.stem) or pair_name((draft.a, draft.b)))}",
        "names the folder of the runs",
    )


def _whose(draft: Draft) -> Iterator[str]:
    yield ""
    yield "# Whose acts count: those between the two sides, either way. A side may be several actors"
    yield "# (a: [USA, NAT]); a theatre (theatre: [TWN]) adds acts between a side and a third party."
    yield f"dyad: {{a: {flow_yaml(draft.a)}, b: {flow_yaml(draft.b)}}}"
    if draft.known is None:
        return
    left_out = DyadRule((draft.a,), (draft.b,)).left_out(draft.known)
    if left_out:
        rows = sum(pair.rows for pair in left_out)
        yield from _comment(f"Left out are the file's acts of others: {left_out_in_words(left_out, rows)}.")


def _when(draft: Draft, path: Path) -> Iterator[str]:
    yield ""
    said = "the day of the forecast; nothing that became known later is read"
    if draft.as_of:
        yield from _line(f"as_of: {draft.as_of}", said)
    else:
        yield from _line("as_of:", f"FILL IN, e.g. 2024-01-31: {said}")
    yield ""
    yield "events:"
    if draft.acts is None or draft.as_of is None:
        yield from _line(
            f"  source: {flow_yaml(draft.source)}", "CHANGE: your file, from the folder of this one"
        )
        yield "  # A spreadsheet will do (docs/codebook.md); 'forecast events import' reads event feeds."
        return
    key = "store" if is_store(Path(draft.source).expanduser()) else "source"
    yield from _line(
        f"  {key}: {flow_yaml(source_from(draft.source, path.parent))}", "from the folder of this file"
    )
    if draft.dates != "iso":
        yield from _line(f"  dates: {draft.dates}", "how the file writes days")
    yield from _line(f"  start: {draft.acts.date[0]}", "the first act between the two sides")
    yield ""
    last = long_day(draft.acts.date[-1].astype(object))
    yield from _comment(
        f"The record: {count(len(draft.acts), 'act')} known on {long_day(draft.as_of)}, the last of {last}, "
        "by category and severity:"
    )
    yield from _counts(draft.acts)


def _counts(acts: EventTable) -> Iterator[str]:
    yield f"#   {'':<18}{''.join(f'{severity:>7}' for severity in SEVERITIES)}"
    for name in CATEGORIES:
        severities = acts.severity[acts.category == name]
        if len(severities):
            cells = (int((severities == severity).sum()) for severity in SEVERITIES)
            yield f"#   {name:<18}{''.join(f'{cell or "–":>7}' for cell in cells)}"
    if unseen := [name for name in CATEGORIES if name not in acts.category]:
        yield from _comment(f"Never seen: {', '.join(unseen)}.")


def _what(draft: Draft) -> Iterator[str]:
    yield ""
    yield from _line(f"scale: {flow_yaml(draft.scale)}", f"what severities mean: {draft.scale_reason}")
    if draft.saturated:
        yield from _comment(f"CHANGE? {draft.saturated.text}")
    yield ""
    yield "# What could happen. A target is met by one act of any of these categories, at least this severe."
    yield "# The comments say what counts by the scale. To say it in your own words, write counts: and"
    yield "# does_not_count:. With by: [ACTOR] only acts of one side count; edge_cases: lists doubtful ones."
    yield "targets:"
    for target in draft.targets:
        yield from _line(f"  {target.name}:", _seen(target, draft))
        yield f"    label: {flow_yaml(target.label)}"
        yield f"    any_of: [{', '.join(target.any_of)}]"
        yield f"    min_severity: {target.min_severity}"
        if target.counts:
            yield from _comment(f"Counts: {target.counts}", "    ")
            yield from _comment(f"Does not count: {target.does_not_count}", "    ")
    if draft.crowded:
        yield from _comment(f"Left out as met nearly every month: {crowded_in_words(draft)}.", "  ")
    yield ""
    yield "# By when. The forecast is the probability that a target is met after as_of and before the day."
    if draft.as_of is None:
        yield f"# {USUAL_IN_WORDS} days after as_of unless you name days of your own, within ten years:"
        yield "# milestones:"
        yield "#   - {name: general-election, label: General election, date: 2024-11-05}"
        return
    yield "milestones:"
    for milestone in draft.milestones:
        yield f"  - {{name: {milestone.name}, label: {milestone.label}, date: {milestone.date}}}"
    yield "# Or dated events that matter to you, e.g.  - {name: general-election, date: YYYY-MM-DD}"
    yield ""
    last = draft.milestones[-1].name
    yield from _line(
        f"headline: {{target: {draft.targets[0].name}, milestone: {last}}}", "the question answered first"
    )


def _seen(target: ProposedTarget, draft: Draft) -> str:
    if draft.acts is None:
        return "CHANGE: your own, as many as you like" if target is draft.targets[0] else ""
    last = f", last on {long_day(target.last)}" if target.last else ""
    if not target.events:
        return f"never seen in {count(draft.months, 'month')}, so the forecast will rest on priors"
    seen = f"seen {times(target.events)}, in {target.months:,} of {count(draft.months, 'month')}{last}"
    return f"{seen}; {target.caution}" if target.caution else seen


def crowded_in_words(draft: Draft) -> str:
    """Return which targets come too often to be asked for, and how often they were seen."""
    return listing(tuple(f"{in_sentence(target.label)} ({times(target.events)})" for target in draft.crowded))


def _rest(draft: Draft) -> Iterator[str]:
    yield ""
    yield "# Scheduled events, each with the probability that it happens. Remove the brackets to list some:"
    yield "calendar: []"
    yield "#  - {date: YYYY-MM-DD, category: visit, severity: 2, probability: 0.7, label: Ministers meet}"
    yield ""
    yield from _line("sampler: {seed: 1}", "the same seed gives the same numbers")


def _line(setting: str, said: str) -> Iterator[str]:
    """Yield a setting with its comment behind it, or above it where both are too long for a line."""
    whole = f"{setting:<31} # {said}" if said else setting
    if len(whole) <= WIDTH:
        yield whole
    else:
        indent = " " * (len(setting) - len(setting.lstrip()))
        yield from _comment(said, indent)
        yield setting


def _comment(said: str, indent: str = "") -> Sequence[str]:
    return textwrap.wrap(
        said,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def example_files(name: str) -> dict[str, bytes]:
    """Return the files of an example by their path in the folder that they are laid out in, the config first.

    The line that tells editors where a checkout keeps the schema is left out.

    Raises
    ------
    InputError
        No example has that name, or the package is without it.
    """
    if name not in EXAMPLES:
        raise InputError(
            f"--example: no example is named '{name}'.{did_you_mean(name, EXAMPLES)} "
            f"Allowed: {', '.join(EXAMPLES)}"
        )
    root = files("forecast") / "examples"
    contents: dict[str, bytes] = {}
    for part in EXAMPLES[name]:
        place = root / part
        inside = [*place.iterdir()] if place.is_dir() else []
        inside.sort(key=lambda path: (not path.name.endswith(".yaml"), path.name))
        for path, one in [(f"{part}/{one.name}", one) for one in inside] or [(part, place)]:
            try:
                contents[path] = _without_editor_line(one.read_bytes())
            except OSError as error:
                # Git on a system without links leaves a text file in the place of the folder.
                raise InputError(
                    f"--example: {one} cannot be read ({error.strerror}); copy the folder configs/ of the "
                    "repository instead"
                ) from error
    return contents


def _without_editor_line(content: bytes) -> bytes:
    first, _, rest = content.partition(b"\n")
    return rest.removeprefix(b"#\n") if first.startswith(_FOR_EDITORS.encode()) else content
