"""A first config: drafted for a record of events as commented YAML, or an example of the package.

``forecast/examples`` is a link to ``configs/``, so that a checkout has one copy of the examples; building a
wheel puts the files themselves there.
"""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from forecast.config.describe import just_below, what_counts
from forecast.config.schema import BUNDLED_PREFIX, UNNAMED, MilestoneConfig, TargetConfig, milestones_after
from forecast.config.settings_file import folder_name
from forecast.config.writing import flow_yaml
from forecast.errors import EventError, InputError, did_you_mean, escaped
from forecast.events.cells import DateOrder
from forecast.events.codebook import (
    CONFLICTUAL,
    SEVERITIES,
    category_label,
    packaged_scale,
    pair_title,
    severity_word,
)
from forecast.events.dyads import (
    DyadRule,
    PairRows,
    actors_of,
    left_out_in_words,
    main_pairs,
    near_actors,
    pairs_in_words,
)
from forecast.events.reading import is_store
from forecast.events.summary import saturated, scale_of
from forecast.events.table import EventTable
from forecast.records.notices import Notice
from forecast.records.scale import ARMED, STANDARD, Scale
from forecast.wording import USUAL_IN_WORDS, count, listing, long_day, times, with_article

WIDTH = 108
WATCHLIST = "watchlist"
EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us-china": ("us-china-2023.yaml", "scenarios", "us-china-track-record"),
        "own-data": ("own-data-template.yaml", "example-events.csv"),
        WATCHLIST: ("watchlist", "watchlist-track-record"),
    }
)
"""Name of an example → its files and folders below ``forecast/examples``, the config first."""
_FOR_EDITORS = b"# yaml-language-server:"

ENOUGH = 3
"""Fewer days with an act fix a forecast poorly; other targets are proposed first."""
CROWDED_SHARE = 0.9
RECENT_MONTHS = 36
LEAST_MONTHS = 6
"""A target met in this share of the last months is nearly certain by any milestone; rarer ones come first.
Of a shorter record nothing is said."""


class _Kind(NamedTuple):
    """Categories of a target, what it is called, and which severities to ask for, the best first."""

    any_of: tuple[str, ...]
    key: str
    noun: str
    severities: tuple[int, ...]


# The gravest incident that a record holds often enough; of wider sets an act that is major, or near it.
_KINDS = (
    _Kind(("military_incident",), "military_incident", "military incident", (5, 4, 3, 2, 1)),
    _Kind(CONFLICTUAL, "conflict", "act of conflict", (4, 3, 5, 2, 1)),
    _Kind(("sanction", "channel_closure"), "coercion", "sanction or closed channel", (4, 3, 5, 2, 1)),
)
_FORCE = _Kind(("military_posture",), "military_posture", "show of force", (4, 3, 5, 2))
_WAR = _Kind(("military_incident", "military_posture"), "war", "war", (5,))
_MOBILISATION = _Kind(("military_posture",), "mobilisation", "mobilisation for war", (5,))
_RUPTURE = _Kind(
    tuple(category for category in CONFLICTUAL if category != "military_incident"), "rupture", "rupture", (5,)
)
_GRAVEST = {
    ("military_incident", STANDARD): ("lethal_clash", "A lethal clash or a blockade"),
    ("military_incident", ARMED): ("war", "War, or a clash with fifty dead or more"),
    ("war", STANDARD): ("lethal_clash", "A lethal clash, a blockade or mobilisation for war"),
    ("war", ARMED): ("war", "War, mobilisation for it, or a clash with fifty dead or more"),
    ("war", ""): ("gravest_clash", "The gravest clash or show of force"),
    ("mobilisation", ""): ("mobilisation", "Mobilisation for war, or a blockade"),
    ("rupture", ""): ("rupture", "Relations broken, an embargo, or mobilisation for war"),
}
"""Key and title of targets of the highest severity, by kind and scale; without a scale those of any."""
MANY_SHARE, MANY_ROWS, MOST_THIRD = 0.05, 3, 3
"""Acts from which on a third party is asked about, beside those of the pair and at least; how many are."""


@dataclass(frozen=True, kw_only=True)
class ProposedTarget:
    """A target, and how often a record holds it; ``crowded``: met in nearly every recent month."""

    name: str
    rule: TargetConfig
    ids: frozenset[str] = frozenset()
    days: int = 0
    months: int = 0
    last: date | None = None
    crowded: bool = False

    @property
    def label(self) -> str:
        """Its title."""
        return self.rule.label or self.name

    @property
    def seen(self) -> str:
        """How often it was seen; acts of one day are one case."""
        return times(self.days) + (f" ({len(self.ids):,} acts)" if len(self.ids) > self.days else "")

    @property
    def caution(self) -> str:
        """Why it is a poor one, or nothing."""
        if self.days < ENOUGH:
            few = "so few that they fix the forecast poorly"
            return few if self.ids else "never seen, so the forecast will rest on priors"
        return "met nearly every month, so that its forecast will be near certain" if self.crowded else ""


class LeftOutParty(NamedTuple):
    """An actor whose acts with the sides are left out: how many, and with which sides."""

    actor: str
    rows: int
    sides: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a first config holds.

    ``known`` are all rows of ``source`` known on ``as_of``, ``acts`` those of the dyad; without events both
    are ``None``, and ``as_of`` may be. ``scale`` is as the config names it, for a reason; ``saturated`` tells
    that it hardly tells incidents apart.
    """

    dyad: DyadRule
    as_of: date | None
    source: str
    known: EventTable | None
    acts: EventTable | None
    targets: tuple[ProposedTarget, ...]
    dates: DateOrder = "iso"
    scale: str = STANDARD
    scale_reason: str = "the codebook's own; armed is for relations with routine fire"
    saturated: Notice | None = None

    @property
    def title(self) -> str:
        """The pair, countries by name."""
        return pair_title(self.dyad.a, self.dyad.b)

    @property
    def name(self) -> str:
        """The pair as the name of a file, e.g. ``usa-chn``."""
        return folder_name(" ".join((*self.dyad.a, *self.dyad.b))) or UNNAMED

    @property
    def milestones(self) -> tuple[MilestoneConfig, ...]:
        """The usual ones; none before ``as_of`` is filled in."""
        return milestones_after(self.as_of) if self.as_of else ()

    @property
    def headline(self) -> ProposedTarget:
        """The gravest target that was seen, of several the one with most cases; the first where none was."""
        seen = [target for target in self.targets if target.ids]
        return max(seen, key=lambda one: (one.rule.min_severity, one.days), default=self.targets[0])

    @property
    def why_headline(self) -> str:
        """Why it is the headline."""
        top = self.headline.rule.min_severity
        alike = sum(one.rule.min_severity == top for one in self.targets if one.ids)
        return (
            "of the gravest of these the one seen most often"
            if alike > 1
            else "the gravest of these that was seen"
        )

    @property
    def left_out(self) -> Sequence[PairRows]:
        """Acts of others in the file, by pair."""
        return () if self.known is None else self.dyad.left_out(self.known)

    @property
    def third_parties(self) -> tuple[LeftOutParty, ...]:
        """Actors with many acts with a side that are left out, the most first."""
        own, found = self.dyad.actors, dict[str, dict[str, int]]()
        for initiator, recipient, rows in self.left_out:
            if (initiator in own) == (recipient in own):
                continue
            third, side = (recipient, initiator) if initiator in own else (initiator, recipient)
            by_side = found.setdefault(third, {})
            by_side[side] = by_side.get(side, 0) + rows
        asked = [LeftOutParty(name, sum(by.values()), tuple(sorted(by))) for name, by in found.items()]
        least = max(MANY_ROWS, MANY_SHARE * (0 if self.acts is None else len(self.acts)))
        many = sorted((one for one in asked if one.rows >= least), key=lambda one: -one.rows)
        return tuple(many[:MOST_THIRD])

    @property
    def questions(self) -> Iterator[str]:
        """Whether each third party belongs to a side or the theatre, and how to say so."""
        a, b = self.dyad.a, self.dyad.b
        for actor, rows, sides in self.third_parties:
            key, joined = ("b", (a, (*b, actor))) if {*sides} <= {*a} else ("a", ((*a, actor), b))
            pair = shlex.quote(",".join("+".join(side) for side in joined))
            side = flow_list(joined[key == "b"])
            with_side = f"on the side of {' + '.join(b if key == 'b' else a)}"
            yield (
                f"{actor}: {count(rows, 'act')} with {listing(sides)} left out. Does it act {with_side}? "
                f"Then --pair {pair} (here {key}: {side}). Do its acts count, but for neither side? Then "
                f"--theatre {shlex.quote(actor)} (here theatre: {flow_list((actor,))})."
            )


def flow_list(actors: Sequence[str]) -> str:
    """Return actors as a list in YAML."""
    return f"[{', '.join(map(flow_yaml, actors))}]"


def draft_config(
    events: EventTable,
    dyad: DyadRule | None,
    as_of: date,
    *,
    dates: DateOrder = "iso",
    scale: str | None = None,
) -> Draft:
    """Draft a config from what was known on a day; finds what is not given (``EventError``: it cannot)."""
    known = events.known_by(as_of)
    if not len(known):
        first = events.known_date.min()
        raise EventError(
            f"{events.source}: nothing was known on {as_of}: the first event became known on {first}. "
            "Give a later `as_of`"
        )
    dyad = _dyad_of(known, dyad, as_of)
    acts = known.select(dyad.mask(known))
    if acts.date[0] == np.datetime64(as_of, "D"):
        raise EventError(
            f"{events.source}: {count(len(acts), 'act')} of the pair, all on {as_of}, the as-of "
            "date: a forecast needs days of record before it. Give a later `as_of`, or more events"
        )
    found, reason = scale_of(acts)
    used = packaged_scale(scale) if scale else found
    return Draft(
        dyad=dyad,
        as_of=as_of,
        source=events.source,
        known=known,
        acts=acts,
        targets=_propose(acts, as_of, used),
        dates=dates,
        scale=used.name,
        scale_reason="as asked for" if scale else reason,
        saturated=saturated(acts, used),
    )


def blank_draft(dyad: DyadRule, as_of: date | None) -> Draft:
    """Draft a config for events that are still to be coded, with targets as examples."""
    military = ("military_incident", "military_posture")
    examples = (
        ("major_escalation", "Major escalation in any field", CONFLICTUAL, 4),
        ("collision", "A collision, shoot-down or seizure", military[:1], 4),
        ("lethal_clash", "A lethal clash, a blockade or mobilisation for war", military, SEVERITIES[-1]),
    )
    targets = tuple(
        ProposedTarget(name=name, rule=TargetConfig(label=label, any_of=any_of, min_severity=severity))
        for name, label, any_of, severity in examples
    )
    draft = Draft(dyad=dyad, as_of=as_of, source="", known=None, acts=None, targets=targets)
    return replace(draft, source=f"{draft.name}.csv")


def _dyad_of(known: EventTable, dyad: DyadRule | None, as_of: date) -> DyadRule:
    pairs = main_pairs(known)
    held = pairs_in_words(pairs)
    if dyad is None:
        a, b = next(iter(pairs))
        if len(pairs) > 1:
            raise EventError(
                f"{known.source}: holds {len(pairs):,} pairs: {held}. Say which, e.g. --pair {a},{b}"
            )
        return DyadRule((a,), (b,))
    if not replace(dyad, theatre=()).mask(known).any():
        hint = near_actors(dyad.actors, actors_of(known))
        sides = " and ".join("+".join(side) for side in (dyad.a, dyad.b))
        raise EventError(
            f"{known.source}: no act between {sides} was known on {as_of}.{hint} It holds {held}"
        )
    return dyad


def _propose(acts: EventTable, as_of: date, scale: Scale) -> tuple[ProposedTarget, ...]:
    """Propose a grave incident, a major act of any kind and an act of coercion, as far as they were seen.

    Where severity hardly tells incidents apart a show of force comes first; last comes the gravest target
    that the ``scale`` knows. Taken are those that other acts meet than those before, on ``ENOUGH`` days, and
    not in nearly every recent month; without one, the rarest of those that come all the time, or the one seen
    most.

    Raises ``EventError``: no act is one of conflict.
    """
    seen = frozenset(acts.category.tolist())
    if not seen & {*CONFLICTUAL}:
        raise EventError(
            f"{acts.source}: no target can be proposed: none of the {count(len(acts), 'act')} known on "
            f"{as_of} is one of conflict ({', '.join(CONFLICTUAL)}). An escalation is forecast from such "
            "acts: code them, or write targets of your own into a config"
        )
    alike = saturated(acts, scale) is not None
    proposed: list[ProposedTarget] = []
    others: list[ProposedTarget] = []
    for kind in (_FORCE, *_KINDS) if alike else _KINDS:
        any_of = tuple(category for category in kind.any_of if category in seen)
        each = [_target(acts, as_of, kind, any_of, severity, scale) for severity in kind.severities if any_of]
        fit = [target for target in each if target.days >= ENOUGH and not target.crowded]
        proposed += [target for target in fit if all(target.ids != other.ids for other in proposed)][:1]
        others += each
    if not proposed:
        crowded = [target for target in others if target.days >= ENOUGH]
        most = max(others, key=lambda target: (len(target.ids), target.rule.min_severity))
        proposed = [min(crowded, key=lambda target: len(target.ids), default=most)]
    return (*proposed, *_gravest(acts, as_of, scale, proposed, alike=alike))


def _gravest(
    acts: EventTable, as_of: date, scale: Scale, proposed: Sequence[ProposedTarget], *, alike: bool
) -> Iterator[ProposedTarget]:
    """Yield the gravest target, unless it is proposed already: a clash or war, or a break where none fits.

    Where incidents are ``alike`` in severity one more says little: then it is mobilisation for war.
    """
    top = SEVERITIES[-1]
    rules = [target.rule for target in proposed]
    there = any(rule.min_severity == top and {*rule.any_of} <= {*_WAR.any_of} for rule in rules)
    if there and not alike:
        return
    clash = ((acts.category == "military_incident") & (acts.severity == top)).any() and not there
    for kind in (_WAR, _MOBILISATION, _RUPTURE) if clash or not alike else (_MOBILISATION, _RUPTURE):
        if not np.isin(acts.category, kind.any_of).any():
            continue
        target = _target(acts, as_of, kind, kind.any_of, top, scale)
        is_new = all(target.ids != other.ids or not other.ids for other in proposed)
        if not target.crowded and is_new:
            yield target
            return


def _target(
    acts: EventTable, as_of: date, kind: _Kind, any_of: tuple[str, ...], severity: int, scale: Scale
) -> ProposedTarget:
    met = acts.select(np.isin(acts.category, any_of) & (acts.severity >= severity))
    months = np.unique(met.date.astype("datetime64[M]"))
    recent = min(RECENT_MONTHS, _months_until(acts, as_of))
    met_recently = int((months > np.datetime64(as_of, "M") - np.timedelta64(recent, "M")).sum())
    key, noun = kind.key, kind.noun
    if len(any_of) == 1 and kind.any_of not in (_MOBILISATION.any_of, _FORCE.any_of):
        key, noun = any_of[0], category_label(any_of[0]).lower()
    word = "" if severity == 1 else severity_word(severity)
    named = _GRAVEST.get((key, scale.name)) or _GRAVEST.get((key, ""))
    if severity < SEVERITIES[-1] or named is None:
        named = f"{word}_{key}".lstrip("_"), with_article(f"{word} {noun}".lstrip())
    rule = TargetConfig(any_of=any_of, min_severity=severity)
    texts = {"label": named[1], "counts": what_counts(rule, scale), "does_not_count": just_below(rule, scale)}
    return ProposedTarget(
        name=named[0],
        rule=rule.model_copy(update=texts),
        ids=frozenset(met.id.tolist()),
        days=len(np.unique(met.date)),
        months=len(months),
        last=met.date[-1].astype(object) if len(met) else None,
        crowded=recent >= LEAST_MONTHS and met_recently >= CROWDED_SHARE * recent,
    )


def _months_until(acts: EventTable, as_of: date) -> int:
    """Calendar months from the first act to a day, both included."""
    first: date = acts.date[0].astype(object)
    return 12 * (as_of.year - first.year) + as_of.month - first.month + 1


def source_from(source: str, folder: Path) -> str:
    """Return the source of events as a config in ``folder`` names it."""
    if source.startswith(BUNDLED_PREFIX):
        return source
    path = Path(os.path.relpath(Path(source).expanduser().resolve(), folder.resolve())).as_posix()
    # What would be read as a home folder or a bundled set is a file here.
    return f"./{path}" if path.startswith(("~", BUNDLED_PREFIX)) else path


def draft_yaml(draft: Draft, path: Path) -> str:
    """Return the draft as the text of a config that will be written to ``path``."""
    return "\n".join((*_head(draft, path), *_record(draft, path), *_targets(draft), *_days(draft), ""))


def _head(draft: Draft, path: Path) -> Iterator[str]:
    day = f" as of {long_day(draft.as_of)}" if draft.as_of else ""
    file = shlex.quote(escaped(path.name))
    yield f"""\
# {draft.title}{day}, written by 'forecast new'. Change what you like.
#
#   forecast check {file}     explains this file in plain English; fits nothing
#   forecast run   {file}     fits, writes the report
#
# All other keys have defaults; docs/config.md explains each. 'forecast events codebook' prints
# what categories and severities mean.
"""
    name = flow_yaml(folder_name(path.stem) or draft.name)
    yield from _line(f"name: {name}", "names the folder of the runs")
    yield f"""
# Whose acts count: those between the two sides, either way. A side may be several actors
# (a: [USA, NAT]); a theatre (theatre: [TWN]) adds acts between a side and a third party.
dyad: {{{", ".join(_sides(draft.dyad))}}}"""
    if draft.left_out:
        rows = sum(pair.rows for pair in draft.left_out)
        yield from _comment(
            f"Left out are the file's acts of others: {left_out_in_words(draft.left_out, rows)}."
        )
    for question in draft.questions:
        yield from _comment(f"CHANGE? {question}")
    yield ""
    what = "the day of the forecast; nothing that became known later is read"
    if draft.as_of:
        yield from _line(f"as_of: {draft.as_of}", what)
    else:
        yield from _line("as_of:", f"FILL IN, e.g. 2024-01-31: {what}")


def _sides(dyad: DyadRule) -> Iterator[str]:
    for key, side in (("a", dyad.a), ("b", dyad.b), ("theatre", dyad.theatre)):
        if side:
            yield f"{key}: {flow_yaml(side[0]) if len(side) == 1 and key != 'theatre' else flow_list(side)}"


def _record(draft: Draft, path: Path) -> Iterator[str]:
    yield "\nevents:"
    if draft.acts is None or draft.as_of is None:
        yield from _line(
            f"  source: {flow_yaml(draft.source)}", "CHANGE: your file, from the folder of this one"
        )
        yield "  # A spreadsheet will do (docs/codebook.md); 'forecast events import' reads event feeds."
        return
    between = "the two sides" + (", or of one with the theatre" if draft.dyad.theatre else "")
    key = "store" if is_store(Path(draft.source).expanduser()) else "source"
    place = flow_yaml(source_from(draft.source, path.parent))
    yield from _line(f"  {key}: {place}", "from the folder of this file")
    if draft.dates != "iso":
        yield from _line(f"  dates: {draft.dates}", "how the file writes days")
    yield from _line(f"  start: {draft.acts.date[0]}", f"the first act between {between}")
    last = long_day(draft.acts.date[-1].astype(object))
    yield from _comment(
        f"The record: {count(len(draft.acts), 'act')} known on {long_day(draft.as_of)}, the last of {last}; "
        "'forecast events validate' describes it."
    )


def _targets(draft: Draft) -> Iterator[str]:
    yield ""
    yield from _line(f"scale: {draft.scale}", f"what severities mean: {draft.scale_reason}")
    if draft.saturated:
        yield from _comment(f"CHANGE? {draft.saturated.text}")
    yield """
# What could happen. A target is met by one act of any of these categories, at least this severe.
# The comments say what counts by the scale. To say it in your own words, write counts: and
# does_not_count:. With by: [ACTOR] only acts of one side count; edge_cases: lists doubtful ones.
targets:"""
    for target in draft.targets:
        yield from _line(f"  {target.name}:", _seen(target, draft))
        yield f"    label: {flow_yaml(target.label)}"
        yield f"    any_of: [{', '.join(target.rule.any_of)}]"
        yield f"    min_severity: {target.rule.min_severity}"
        if target.rule.counts:
            yield from _comment(f"Counts: {target.rule.counts}", "    ")
            yield from _comment(f"Does not count: {target.rule.does_not_count}", "    ")


def _seen(target: ProposedTarget, draft: Draft) -> str:
    if draft.acts is None or draft.as_of is None:
        return "CHANGE: your own, as many as you like" if target is draft.targets[0] else ""
    months = count(_months_until(draft.acts, draft.as_of), "month")
    if not target.ids:
        return f"never seen in {months}, so the forecast will rest on priors"
    last = f", last on {long_day(target.last)}" if target.last else ""
    seen = f"seen {target.seen}, in {target.months:,} of {months}{last}"
    return f"{seen}; {target.caution}" if target.caution else seen


def _days(draft: Draft) -> Iterator[str]:
    yield "\n# By when. The forecast is the probability that a target is met after as_of and before the day."
    if draft.as_of is None:
        yield f"""\
# those that end {USUAL_IN_WORDS} days unless you name days of your own, within ten years:
# milestones:
#   - {{name: general-election, label: General election, date: 2024-11-05}}"""
    else:
        yield "milestones:"
        for milestone in draft.milestones:
            yield f"  - {{name: {milestone.name}, label: {milestone.label}, date: {milestone.date}}}"
        yield "# Or dated events that matter to you, e.g.  - {name: general-election, date: YYYY-MM-DD}\n"
        headline = f"{{target: {draft.headline.name}, milestone: {draft.milestones[-1].name}}}"
        yield from _line(f"headline: {headline}", f"the question answered first: {draft.why_headline}")
    yield """
# Scheduled events, each with the probability that it happens. Remove the brackets to list some:
calendar: []
#  - {date: YYYY-MM-DD, category: visit, severity: 2, probability: 0.7, label: Ministers meet}
"""
    yield from _line("sampler: {seed: 1}", "the same seed gives the same numbers")


def _line(setting: str, comment: str) -> Iterator[str]:
    """Yield a setting with its comment behind it, or above it where both are too long for a line."""
    whole = f"{setting:<31} # {comment}" if comment else setting
    if len(whole) <= WIDTH:
        yield whole
    else:
        yield from _comment(comment, " " * (len(setting) - len(setting.lstrip())))
        yield setting


def _comment(text: str, indent: str = "") -> Sequence[str]:
    start = f"{indent}# "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=start,
        break_on_hyphens=False,
        break_long_words=False,
    )


def example_files(name: str) -> dict[str, bytes]:
    """Return the files of an example by their path, the config first (``InputError``: no such example)."""
    if name not in EXAMPLES:
        raise InputError(
            f"--example: no example is named '{name}'.{did_you_mean(name, EXAMPLES)} "
            f"Allowed: {', '.join(EXAMPLES)}"
        )
    root = files("forecast") / "examples"
    contents: dict[str, bytes] = {}
    for part in EXAMPLES[name]:
        inside = [*(root / part).iterdir()] if (root / part).is_dir() else []
        names = [f"{part}/{file.name}" for file in inside] or [part]
        for path in sorted(names, key=lambda path: (not path.endswith(".yaml"), path)):
            first, _, rest = (content := (root / path).read_bytes()).partition(b"\n")
            contents[path] = rest.removeprefix(b"#\n") if first.startswith(_FOR_EDITORS) else content
    return contents
