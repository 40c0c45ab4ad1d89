"""A first config: drafted from a record as commented YAML, a template, or an example of the package.

``data/draft.yaml`` and ``data/template.yaml`` hold what every draft has. ``forecast/examples`` is a link to
``configs/``, so that a checkout has one copy of the examples; building a wheel puts the files there.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from importlib.resources import files
from itertools import product
from math import expm1
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from forecast.config.schema import UNNAMED, MilestoneConfig, TargetConfig, milestones_after
from forecast.config.settings_file import folder_name
from forecast.config.writing import flow_yaml
from forecast.errors import EventError, InputError, did_you_mean, escaped
from forecast.events.cells import BUNDLED_PREFIX, DateOrder
from forecast.events.codebook import (
    CONFLICTUAL,
    SEVERITIES,
    acted,
    actor_in_sentence,
    category_label,
    packaged_scale,
    pair_title,
    severity_word,
)
from forecast.events.dyads import DyadRule, PairRows, actors_of, main_pairs, near_actors, pairs_in_words
from forecast.events.question import Question, read_question
from forecast.events.reading import is_store
from forecast.events.summary import STANDARD_REASON, saturated, scale_of
from forecast.events.table import EventTable
from forecast.phrases.chances import question_read, what_counts, what_does_not
from forecast.phrases.data import left_out_in_words
from forecast.phrases.notices import notice_text
from forecast.precedents import find_reactions
from forecast.records.base import ARMED, STANDARD, Scale
from forecast.records.notices import Notice
from forecast.targets import TargetRule
from forecast.wording import USUAL_IN_WORDS, count, in_lines, listing, long_day, times, with_article

WIDTH = 108
WATCHLIST = "watchlist"
EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us-china": ("us-china-2023.yaml", "scenarios", "us-china-track-record"),
        "own-data": ("own-data-template.yaml", "example-events.csv", "notebook.ipynb"),
        WATCHLIST: ("watchlist", "watchlist-track-record"),
    }
)
"""Name of an example → its files and folders below ``forecast/examples``, the config first."""
_FOR_EDITORS = b"# yaml-language-server:"

ENOUGH = 3
"""Fewer days with an act fix a forecast poorly; other targets are proposed first."""
CROWDED_SHARE, RECENT_MONTHS, LEAST_MONTHS = 0.9, 36, 6
"""A target met in this share of the last months is nearly certain by any milestone; rarer ones come first.
Of a record shorter than the least nothing is said."""
OPEN = (0.05, 0.9)
"""Chances by a constant rate between which the answer to a first question is open."""
MAIN_SHARE = 0.9
"""A pair with this share of the rows is the one meant; what is left out is said."""
MANY_SHARE, MANY_ROWS, MOST_THIRD = 0.05, 3, 3
"""Acts from which on a third party is asked about, beside those of the pair and at least; how many are."""


class _Kind(NamedTuple):
    """Categories of a target, what it is called, and which severities to ask for, the best first."""

    any_of: tuple[str, ...]
    key: str
    noun: str
    severities: tuple[int, ...] = (5,)


# The gravest incident that a record holds often enough; of wider sets an act that is major, or near it.
_KINDS = (
    _Kind(("military_incident",), "military_incident", "military incident", (5, 4, 3, 2, 1)),
    _Kind(CONFLICTUAL, "conflict", "act of conflict", (4, 3, 5, 2, 1)),
    _Kind(("sanction", "channel_closure"), "coercion", "sanction or closed channel", (4, 3, 5, 2, 1)),
)
_FORCE = _Kind(("military_posture",), "military_posture", "show of force", (4, 3, 5, 2))
_RUPTURE = _Kind(tuple(name for name in CONFLICTUAL if name != "military_incident"), "rupture", "rupture")
_GRAVEST = {
    ("military_incident", STANDARD): ("lethal_clash", "A lethal clash or a blockade"),
    ("military_incident", ARMED): ("war", "War, or a clash with fifty dead or more"),
    ("military_posture", ""): ("mobilisation", "Mobilisation for war, or a blockade"),
    ("rupture", ""): ("rupture", "Relations broken, an embargo, or mobilisation for war"),
}
"""Key and title of targets of the highest severity, by kind and scale; without a scale those of any."""


@dataclass(frozen=True, kw_only=True)
class ProposedTarget:
    """A target, and how often a record holds it; ``crowded``: met in nearly every recent month."""

    name: str
    label: str
    rule: TargetConfig
    ids: frozenset[str]
    days: int
    months: int
    last: date | None
    crowded: bool

    @property
    def seen(self) -> str:
        """How often it was seen; acts of one day are one case."""
        return times(self.days) + (f" ({len(self.ids):,} acts)" if len(self.ids) > self.days else "")

    @property
    def caution(self) -> str:
        """Why it is a poor one, or nothing."""
        if not self.ids:
            return "never seen, so the forecast will rest on priors"
        if self.days < ENOUGH:
            return "so few that they fix the forecast poorly"
        return "met nearly every month, so that its forecast will be near certain" if self.crowded else ""


class ThirdParty(NamedTuple):
    """An actor whose acts with the sides are left out: how many, and with which sides."""

    actor: str
    rows: int
    sides: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a first config holds.

    ``known`` are all rows of ``source`` known on ``as_of``, ``acts`` those of the dyad. ``scale`` is as the
    config names it, for a reason; ``saturated`` tells that it hardly tells incidents apart.
    """

    dyad: DyadRule
    as_of: date
    source: str
    dates: DateOrder
    known: EventTable
    acts: EventTable
    targets: tuple[ProposedTarget, ...]
    scale: str
    scale_reason: str
    saturated: Notice | None
    question: Question | None = None

    @property
    def milestones(self) -> tuple[MilestoneConfig, ...]:
        """The day asked about, or the usual ones."""
        if self.question is None:
            return milestones_after(self.as_of)
        return (MilestoneConfig(name="asked", label="the day asked about", date=self.question.day),)

    @property
    def headline(self) -> tuple[ProposedTarget, str, str]:
        """The target asked about, or the gravest that is neither rare nor nearly certain; its day; and why.

        The chance is that of a constant rate, half a day added, before the last milestone or an earlier one.
        """
        *earlier, last = self.milestones
        if self.question is not None:
            return self.targets[0], last.name, "as asked"
        days = (self.as_of - self.acts.date[0].astype(object)).days + 1
        seen = [target for target in self.targets if target.ids]
        gravest = sorted(seen, key=lambda target: (-target.rule.min_severity, -target.days))
        for milestone, target in product((last, *reversed(earlier)), gravest):
            ahead = (milestone.date - self.as_of).days
            if OPEN[0] <= -expm1(-(target.days + 0.5) / days * ahead) <= OPEN[1]:
                why = "the gravest of these that is neither rare nor nearly certain by then"
                return target, milestone.name, why
        most = max(seen or self.targets, key=lambda target: (not target.crowded, target.days))
        return most, last.name, "of these the one that is known best"

    @cached_property
    def reactions(self) -> tuple[str, ...]:
        """What passes chance by far, as reactions of a config; none where one side alone acts."""
        rules = [
            TargetRule(one.name, one.rule.any_of, one.rule.min_severity, one.rule.acting)
            for one in self.targets
        ]
        rules.sort(key=lambda rule: rule.name != self.headline[0].name)
        start: date = self.acts.date[0].astype(object)
        with suppress(InputError):
            return find_reactions(self.acts, self.dyad, rules, start, self.as_of).far
        return ()

    @cached_property
    def left_out(self) -> Sequence[PairRows]:
        """Acts of others in the file, by pair."""
        return self.dyad.left_out(self.known)

    @property
    def third_parties(self) -> tuple[ThirdParty, ...]:
        """Actors with many acts with a side that are left out, the most first."""
        own, found = self.dyad.actors, dict[str, Counter[str]]()
        for initiator, recipient, rows in self.left_out:
            if (initiator in own) != (recipient in own):
                third, side = (recipient, initiator) if initiator in own else (initiator, recipient)
                found.setdefault(third, Counter())[side] += rows
        least = max(MANY_ROWS, MANY_SHARE * len(self.acts))
        every = [ThirdParty(name, by.total(), tuple(sorted(by))) for name, by in found.items()]
        many = sorted((third for third in every if third.rows >= least), key=lambda third: -third.rows)
        return tuple(many[:MOST_THIRD])

    @property
    def questions(self) -> Iterator[str]:
        """Whether each third party belongs to a side or the theatre, and how to say so."""
        a, b = self.dyad.a, self.dyad.b
        for actor, rows, sides in self.third_parties:
            key, joined = ("b", (a, (*b, actor))) if {*sides} <= {*a} else ("a", ((*a, actor), b))
            pair = shlex.quote(",".join("+".join(side) for side in joined))
            with_side = f"on the side of {' + '.join(b if key == 'b' else a)}"
            yield (
                f"{actor}: {count(rows, 'act')} with {listing(sides)} left out. Does it act {with_side}? "
                f"Then --pair {pair} (here {key}: {_flow_list(joined[key == 'b'])}). Do its acts count, but "
                f"for neither side? Then --theatre {shlex.quote(actor)} (here theatre: [{flow_yaml(actor)}])."
            )


def draft_config(
    events: EventTable,
    dyad: DyadRule | None,
    as_of: date,
    *,
    scale: str | None = None,
    question: str | None = None,
) -> Draft:
    """Draft a config from what was known on a day; finds what is not given (``EventError``: it cannot)."""
    known = events.known_by(as_of)
    if not len(known):
        first = events.known_date.min()
        raise EventError(
            f"{events.source}: nothing was known on {as_of}: the first event became known on {first}. "
            "Give a later `as_of`"
        )
    asked = None if question is None else read_question(question, as_of, actors_of(known))
    dyad = _dyad_of(known, asked.dyad(dyad) if asked else dyad, as_of)
    acts = known.select(dyad.mask(known))
    if acts.date[0] == np.datetime64(as_of, "D"):
        raise EventError(
            f"{events.source}: {count(len(acts), 'act')} of the pair, all on {as_of}, the as-of "
            "date: a forecast needs days of record before it. Give a later `as_of`, or more events"
        )
    found, reason = scale_of(acts)
    used = packaged_scale(scale) if scale else found
    targets = () if asked and not {*acts.category} & {*CONFLICTUAL} else _propose(acts, as_of, used)
    if asked:
        wanted = _asked_target(acts, as_of, asked, dyad, used)
        others = [one for one in targets if one.ids != wanted.ids and one.name != wanted.name]
        targets = (wanted, *others)
    return Draft(
        dyad=dyad,
        as_of=as_of,
        source=events.source,
        dates=events.dates,
        known=known,
        acts=acts,
        targets=targets,
        scale=used.name,
        scale_reason="as asked for" if scale else reason,
        saturated=saturated(acts, used),
        question=asked,
    )


def _dyad_of(known: EventTable, dyad: DyadRule | None, as_of: date) -> DyadRule:
    pairs = main_pairs(known)
    held = pairs_in_words(pairs)
    if dyad is None:
        a, b = next(iter(pairs))
        if pairs[a, b] < MAIN_SHARE * sum(pairs.values()):
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
    that the ``scale`` knows. Targets met on ``ENOUGH`` days, and not in nearly every month, go before others.

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
    # The gravest target of all, unless it is proposed already: a clash or war, or a break where neither fits.
    # Where incidents are alike in severity one more says little: then it is mobilisation for war.
    top = SEVERITIES[-1]
    rules = [target.rule for target in proposed]
    there = any(rule.min_severity == top and {*rule.any_of} <= {*_KINDS[0].any_of} for rule in rules)
    clash = ((acts.category == "military_incident") & (acts.severity == top)).any() and not there
    for kind in () if there and not alike else (_KINDS[0], _FORCE, _RUPTURE):
        if (kind is _KINDS[0] and alike and not clash) or not seen & {*kind.any_of}:
            continue
        target = _target(acts, as_of, kind, kind.any_of, top, scale)
        if not target.crowded and all(target.ids != other.ids or not other.ids for other in proposed):
            return (*proposed, target)
    return tuple(proposed)


def _target(
    acts: EventTable,
    as_of: date,
    kind: _Kind,
    any_of: tuple[str, ...],
    severity: int,
    scale: Scale,
    **acting: Sequence[object],
) -> ProposedTarget:
    stated = TargetConfig.model_validate({"any_of": any_of, "min_severity": severity, **acting})
    met = acts.select(TargetRule("", any_of, severity, stated.acting).mask(acts))
    months = np.unique(met.date.astype("datetime64[M]"))
    recent = min(RECENT_MONTHS, _months_until(acts, as_of))
    met_recently = int((months > np.datetime64(as_of, "M") - np.timedelta64(recent, "M")).sum())
    key, noun = kind.key, kind.noun
    if len(any_of) == 1 < len(kind.any_of):
        key, noun = any_of[0], category_label(any_of[0]).lower()
    word = "" if severity == 1 else severity_word(severity)
    name, label = f"{word}_{key}".lstrip("_"), with_article(f"{word} {noun}".lstrip())
    if severity == SEVERITIES[-1]:
        name, label = _GRAVEST.get((key, scale.name)) or _GRAVEST.get((key, "")) or (name, label)
    if stated.acting:
        name, label = f"asked_{name}", label + acted(stated.acting, actor_in_sentence)
    rule = stated.model_copy(update={"label": label})
    texts = {"counts": what_counts(rule, scale), "does_not_count": what_does_not(rule, scale)}
    return ProposedTarget(
        name=name,
        label=label,
        rule=rule.model_copy(update=texts),
        ids=frozenset(met.id.tolist()),
        days=len(np.unique(met.date)),
        months=len(months),
        last=met.date[-1].astype(object) if len(met) else None,
        crowded=recent >= LEAST_MONTHS and met_recently >= CROWDED_SHARE * recent,
    )


def _asked_target(
    acts: EventTable, as_of: date, question: Question, dyad: DyadRule, scale: Scale
) -> ProposedTarget:
    """Return the target that a question asks about; it says who acts where that leaves anybody out."""
    any_of, severity = question.rule(scale)
    named = next((kind for kind in (*_KINDS, _FORCE) if kind.any_of == any_of), None)
    noun = " or ".join(category_label(category).lower() for category in any_of)
    kind = named or _Kind(any_of, "_or_".join(any_of), noun)
    by, towards, several = question.by, question.towards, len(dyad.actors) > 2
    acting: dict[str, Sequence[Sequence[str] | str]] = {}
    if question.mutual:
        a, b = ([name for name in (*by, *towards) if (name in dyad.a) is first] for first in (True, False))
        if several and a and b:
            acting["between"] = (a, b)
    elif by or several:
        acting |= {"by": by, "towards": towards if several else ()}
    elif towards:
        acting["by"] = dyad.b if towards[0] in dyad.a else dyad.a
    return _target(acts, as_of, kind, any_of, severity, scale, **acting)


def _months_until(acts: EventTable, as_of: date) -> int:
    """Calendar months from the first act to a day, both included."""
    return int((np.datetime64(as_of, "M") - acts.date[0].astype("datetime64[M]")).astype(int)) + 1


# Texts


def file_stem(dyad: DyadRule) -> str:
    """Return a pair as the name of a file, e.g. ``usa-chn``."""
    return folder_name(" ".join((*dyad.a, *dyad.b))) or UNNAMED


def template_yaml(dyad: DyadRule, as_of: date | None, path: Path, scale: str | None = None) -> str:
    """Return the text of a config for events that are still to be coded, with targets as examples."""
    day = _line(f"as_of: {as_of}" if as_of else "as_of:", f"{'' if as_of else _TO_FILL_IN}{_AS_OF}")
    source = f"  source: {flow_yaml(f'{file_stem(dyad)}.csv')}"
    return _filled(
        "template.yaml",
        dyad,
        path,
        as_of=day,
        source=_line(source, "CHANGE: your file, from the folder of this one"),
        scale=_scale(scale or STANDARD, "as asked for" if scale else STANDARD_REASON),
        horizons=USUAL_IN_WORDS,
    )


def draft_yaml(draft: Draft, path: Path) -> str:
    """Return the draft as the text of a config that will be written to ``path``."""
    headline, day, why = draft.headline
    asked = f"{{target: {headline.name}, milestone: {day}}}"
    others = []
    if draft.question:
        read = question_read(draft.question, headline.rule, packaged_scale(draft.scale))
        others.append(f"Asked: {read}")
    if draft.left_out:
        left = left_out_in_words(draft.left_out, sum(pair.rows for pair in draft.left_out))
        others.append(f"Left out are the file's acts of others: {left}.")
    others += [f"CHANGE? {question}" for question in draft.questions]
    scale = [_scale(draft.scale, draft.scale_reason)]
    scale += [_comment(f"CHANGE? {notice_text(draft.saturated)}")] if draft.saturated else []
    return _filled(
        "draft.yaml",
        draft.dyad,
        path,
        day=long_day(draft.as_of),
        others="".join(f"\n{_comment(text)}" for text in others),
        as_of=_line(f"as_of: {draft.as_of}", _AS_OF),
        record="\n".join(_record(draft, path.parent)),
        scale="\n".join(scale),
        targets="\n".join(line for target in draft.targets for line in _target_lines(target, draft)),
        horizons=USUAL_IN_WORDS,
        milestones="".join(
            f"milestones:\n  - {{name: {one.name}, label: {one.label}, date: {one.date}}}\n"
            for one in draft.milestones
            if draft.question
        ),
        reactions="".join(f"{line}\n" for line in _reaction_lines(draft)),
        headline=_line(f"headline: {asked}", f"the question answered first: {why}"),
    )


_AS_OF = "the day of the forecast; nothing that became known later is read"
_TO_FILL_IN = "FILL IN, e.g. 2024-01-31: "


def _filled(template: str, dyad: DyadRule, path: Path, **parts: str) -> str:
    written = [
        f"{key}: {flow_yaml(side[0]) if len(side) == 1 and key != 'theatre' else _flow_list(side)}"
        for key, side in vars(dyad).items()
        if side
    ]
    name = folder_name(path.stem) or file_stem(dyad)
    text = (files("forecast.workflows") / "data" / template).read_text(encoding="utf-8")
    return Template(text).substitute(
        title=pair_title(dyad.a, dyad.b),
        file=shlex.quote(escaped(path.name)),
        name=_line(f"name: {flow_yaml(name)}", "names the folder of the runs"),
        dyad=f"{{{', '.join(written)}}}",
        **parts,
    )


def _record(draft: Draft, folder: Path) -> Iterator[str]:
    source, theatre = draft.source, ", or of one with the theatre" * bool(draft.dyad.theatre)
    key = "store" if is_store(Path(source).expanduser()) else "source"
    if not source.startswith(BUNDLED_PREFIX):
        source = Path(os.path.relpath(Path(source).expanduser().resolve(), folder.resolve())).as_posix()
        # What would be read as a home folder or a bundled set is a file here.
        source = f"./{source}" if source.startswith(("~", BUNDLED_PREFIX)) else source
    yield _line(f"  {key}: {flow_yaml(source)}", "from the folder of this file")
    if draft.dates != "iso":
        yield _line(f"  dates: {draft.dates}", "how the file writes days")
    yield _line(f"  start: {draft.acts.date[0]}", f"the first act between the two sides{theatre}")
    last = long_day(draft.acts.date[-1].astype(object))
    yield _comment(
        f"The record: {count(len(draft.acts), 'act')} known on {long_day(draft.as_of)}, the last of {last}; "
        "'forecast events validate' describes it."
    )


def _scale(name: str, reason: str) -> str:
    return _line(f"scale: {name}", f"what severities mean: {reason}")


def _target_lines(target: ProposedTarget, draft: Draft) -> Iterator[str]:
    months = count(_months_until(draft.acts, draft.as_of), "month")
    seen = f"never seen in {months}, so the forecast will rest on priors"
    if target.last:
        seen = f"seen {target.seen}, in {target.months:,} of {months}, last on {long_day(target.last)}"
        seen += f"; {target.caution}" if target.caution else ""
    yield _line(f"  {target.name}:", seen)
    yield f"    label: {flow_yaml(target.label)}"
    yield f"    any_of: [{', '.join(target.rule.any_of)}]"
    yield f"    min_severity: {target.rule.min_severity}"
    for key in ("by", "towards", "between"):
        if actors := getattr(target.rule, key):
            groups = [_flow_list(one) if key == "between" else flow_yaml(one) for one in actors]
            yield f"    {key}: [{', '.join(groups)}]"
    yield _comment(f"Counts: {target.rule.counts}", "    ")
    yield _comment(f"Does not count: {target.rule.does_not_count}", "    ")


def _reaction_lines(draft: Draft) -> Iterator[str]:
    """Reactions that pass chance by far, as a comment: the names below one key."""
    if draft.reactions:
        yield "# Acts that were answered far more often than by chance. They were found in the record: take"
        yield "# one in only where you know a reason; 'forecast reactions' has the cases.\n# reactions:"
    for text in draft.reactions:
        yield from (f"# {line}" for line in text.splitlines()[1:])
    yield from [""] * bool(draft.reactions)


def _flow_list(actors: Sequence[str]) -> str:
    return f"[{', '.join(map(flow_yaml, actors))}]"


def _line(setting: str, comment: str) -> str:
    """Return a setting with its comment behind it, or above it where both are too long for a line."""
    whole = f"{setting:<31} # {comment}"
    indent = " " * (len(setting) - len(setting.lstrip()))
    return whole if len(whole) <= WIDTH else f"{_comment(comment, indent)}\n{setting}"


def _comment(text: str, indent: str = "") -> str:
    return "\n".join(in_lines(text, WIDTH, f"{indent}# "))


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
