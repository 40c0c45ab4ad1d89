"""A case before any fit, and its priors, as blocks for people and as facts for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from forecast.blocks import (
    Alert,
    Block,
    Bullets,
    Column,
    Entry,
    Group,
    Heading,
    Prose,
    Table,
    Verbatim,
    cells,
    plain_table,
    right,
)
from forecast.config import config_hash
from forecast.events.codebook import CATEGORIES
from forecast.events.duplicates import DuplicateGroup, likely_repeats
from forecast.events.dyads import Direction
from forecast.models.draws import prior_draws, stream_draws
from forecast.models.intensity import chains_end
from forecast.models.survival import Chances
from forecast.phrases import check as phrases
from forecast.phrases.assumptions import element_title, rate_title
from forecast.phrases.chances import counts_text, outside_view_sentence
from forecast.phrases.data import left_out_in_words, record_notes, repeats_in_words, selection_notes
from forecast.phrases.notices import HEAD, TOO_LITTLE, caution_lines, notice_text
from forecast.phrases.scenarios import change_title
from forecast.priors import Distribution, NamedPrior
from forecast.priors.named import TARGET_RATE, statement_examples, statement_text
from forecast.priors.population import BASELINE, OwnRate, further_share, own_rates, record_priors
from forecast.records.notices import STAMPED, Notice
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import Inputs
from forecast.wording import (
    count,
    long_day,
    on_scale,
    percent,
    plain_number,
    small_number,
    sourced_in_words,
    times,
)

if TYPE_CHECKING:
    from forecast.scenarios.plan import Plan

_YEAR, _PRIOR_DRAWS = 364, 400


@dataclass(frozen=True, kw_only=True)
class CaseCheck:
    """A case that was read: its cautions, rates, likely repeats and scenarios, and what the priors imply."""

    inputs: Inputs
    scenarios: tuple[Plan, ...]
    cautions: tuple[Notice, ...]
    implied: Mapping[str, float]
    """Chance of each target within a year, by the priors alone."""
    repeats: tuple[DuplicateGroup, ...]

    @property
    def set_priors(self) -> list[NamedPrior]:
        """Priors that the config sets."""
        return [prior for prior in self.inputs.priors.priors.values() if prior.origin != "default"]

    def facts(self) -> dict[str, object]:
        """Return what programs get."""
        inputs = self.inputs
        return {
            "valid": True,
            "name": inputs.config.name,
            "config_sha256": config_hash(inputs.config),
            "events": len(inputs.events),
            "events_sourced": inputs.events.sourced,
            "dyad": inputs.dyad.to_dict(),
            "scale": inputs.scale.model_dump(mode="json"),
            "questions": phrases.questions(inputs.config, inputs.reporter, inputs.scale),
            "rows_left_out": inputs.rows_left_out,
            "left_out": [pair._asdict() for pair in inputs.left_out],
            "reading": [*inputs.events.notes],
            "likely_repeats": [
                {"lines": list(group.lines), "ids": list(group.ids), "reason": group.reason}
                for group in self.repeats
            ],
            "notes": [*self._notes()],
            "events_fitted": len(inputs.events.between(inputs.data.grid.start, inputs.config.as_of)),
            "cautions": [caution.model_dump(mode="json") for caution in self.cautions],
            "within_a_year": dict(self.implied),
            "known_share_of_last_weeks": inputs.data.weekly_completeness[-1:-5:-1].tolist(),
            "priors_set": [
                {"name": prior.name, "distribution": str(prior.distribution), "plain": prior.reading}
                for prior in self.set_priors
            ],
            "scenarios": [plan.scenario.name for plan in self.scenarios],
        }

    def _notes(self) -> Iterator[str]:
        inputs = self.inputs
        titles = {name: inputs.config.target_title(name) for name in inputs.config.targets}
        yield from selection_notes(inputs.dyad, inputs.events, inputs.left_out)
        yield from record_notes(inputs.config, inputs.rules, titles, inputs.events)

    def blocks(self) -> Iterator[Block]:
        """Yield the config in plain English, what was read, and what the priors imply."""
        inputs = self.inputs
        asked = phrases.question_lines(inputs.config, inputs.reporter, inputs.scale)
        yield Verbatim(tuple(phrases.describe_config(inputs.config, asked).splitlines()))
        if self.set_priors:
            yield Heading("Priors as understood")
            yield from set_priors(self.set_priors)
        if self.scenarios:
            yield Heading("Scenarios")
            titles = (
                f"{plan.scenario.title} ({plan.scenario.name}): {change_title(plan.change, inputs.config)}."
                for plan in self.scenarios
            )
            yield Bullets(tuple(titles))
        yield Heading("Data")
        yield Bullets(tuple(self._data()))
        thin = tuple(notice_text(one) for one in self.cautions if one.code in STAMPED)
        if thin:
            yield Alert(text=TOO_LITTLE, items=thin, tone="caution")
        if cautions := caution_lines(self.cautions):
            yield Alert(text=HEAD, items=tuple(cautions), tone="caution")

    def _data(self) -> Iterator[str]:
        inputs = self.inputs
        events, grid, day, dyad = inputs.events, inputs.data.grid, inputs.config.as_of, inputs.dyad
        used = events.between(grid.start, day)
        a, b = inputs.config.dyad.names
        _, forth, back, theatre = np.bincount(dyad.directions(used), minlength=len(Direction)).tolist()
        third = f", {theatre:,} with third parties ({', '.join(dyad.theatre)})" if dyad.theatre else ""
        both = f"{forth:,} by {a} towards {b}, {back:,} by {b} towards {a}"
        yield f"{count(len(used), 'event')}: {both}{third}."
        read = int(events.verified.sum()) if events.has_verified else None
        yield sourced_in_words(events.sourced, len(events), read)
        if inputs.left_out:
            yield f"Left out as acts of others: {left_out_in_words(inputs.left_out, inputs.rows_left_out)}."
        for note in self._notes():
            yield f"Note: {note}"
        for note in events.notes:
            yield f"Reading: {note}."
        for note in repeats_in_words(self.repeats, events.source):
            yield f"Duplicates: {note}."
        if delay := inputs.delay:
            recent = ", ".join(percent(float(share)) for share in inputs.data.weekly_completeness[-1:-5:-1])
            source = f"estimated from {delay.acts:,} acts" if delay.acts else "as stated"
            yield f"Reporting delay, {source}: mean {delay.mean_days:.1f} days."
            yield f"Taken to be known of the last weeks, the latest first: {recent}."
        for rule in inputs.rules:
            met = used.date[rule.mask(used)]
            days = len(np.unique(met))
            rows = f" ({len(met):,} acts)" if len(met) > days else ""
            seen = f"seen {times(days)}{rows}, last on {long_day(met[-1].item())}" if days else "never seen"
            implied = percent(self.implied[rule.name])
            yield (
                f"{inputs.config.target_title(rule.name)}: {seen}; within a year {implied} by the priors "
                f"alone, before any fit. {outside_view_sentence(inputs.outside(rule))}"
            )


def check_case(inputs: Inputs) -> CaseCheck:
    """Look a case over: scenarios are planned, nothing is fitted."""
    plans: tuple[Plan, ...] = ()
    if inputs.scenarios:
        from forecast.scenarios.plan import plan_scenarios

        plans = tuple(plan_scenarios(inputs, inputs.scenarios))
    return CaseCheck(
        inputs=inputs,
        scenarios=plans,
        cautions=tuple(cautions_of(inputs)),
        implied=_chances_within_a_year(inputs, inputs.config.sampler.seed),
        repeats=tuple(likely_repeats(inputs.events)),
    )


_SPAN = [0.05, 0.5, 0.95]


def list_priors(priors: Sequence[NamedPrior], inputs: Inputs) -> Iterator[Block]:
    """Yield the kinds of act, and every prior under its group: median, 90% interval, word and origin."""
    layout = inputs.data.layout
    kinds = [
        (name, rate_title(name, layout, inputs.config)) for name in layout.rates if name not in CATEGORIES
    ]
    kinds += [(one.name, one.label) for one in layout.reactions]
    yield Prose(
        "Names of kinds: categories; acts that meet no target, by category and side; targets; reactions."
    )
    yield plain_table(("", ""), kinds)
    groups = []
    for name, priors_of_group in groupby(priors, key=lambda prior: prior.group.name):
        members = list(priors_of_group)
        group, first = members[0].group, members[0]
        # Words of one kind may be none of another: what follows tension may go against it, or not.
        common = [word for word in group.words if all(word in prior.group.words for prior in members)]
        others = {word: None for prior in members for word in prior.group.words if word not in common}
        some = f"; of some kinds: {', '.join(others)}" if others else ""
        detail = f"{group.meaning}. Words: {', '.join(common)}{some}. Shown: {group.scale.meaning}."
        same = len({(prior.distribution, prior.origin) for prior in members}) == 1
        if same and first.element:
            detail += f" Kinds: {', '.join(prior.element or '' for prior in members)}."
        rows = []
        for prior in members[:1] if same else members:
            element = f"all {len(members)} kinds" if same and prior.element else prior.element or ""
            low, middle, high = map(group.scale.of, prior.distribution.quantile(_SPAN).tolist())
            least, most = sorted((low, high))
            word = prior.words if prior.words and prior.words in prior.group.words else ""
            span = f"{on_scale(least, group.scale.name, unit=False)} to {group.scale.short(most)}"
            rows.append(cells(element, group.scale.short(middle), span, word, prior.origin))
        label = f"{name}{'.KIND' if first.element else ''}  [{group.unit}]"
        groups.append(Group(label=label, detail=detail, rows=tuple(rows)))
    heads = Column("Kind"), right("Median"), Column("90% interval"), Column("Word"), Column("From")
    yield Table(columns=heads, groups=tuple(groups))
    yield Prose(
        "Each line: median, 90% interval, the word that stands for it, and where the prior came from. Set "
        "one in the config under model.priors, or for one run, e.g. --set "
        "model.priors.tension.persistence=slow. A name without .KIND sets all of its kinds. More on one: "
        "--explain NAME."
    )


def whole_rate(name: str, cells: Sequence[str], inputs: Inputs) -> Block:
    """Say what ``rate.TARGET`` moves; the priors of its parts, the ``cells``, follow."""
    title = inputs.config.target_title(name.removeprefix(TARGET_RATE))
    several = f"moves {count(len(cells), 'prior')} at once, each by its share of the default rate"
    return Entry(
        name,
        (
            Prose(f"How often “{title}” happens in all. Stated, it {several}:"),
            Bullets(tuple(cells)),
            Prose("As a number, a distribution of acts a week, or quantiles:"),
            Verbatim((f"{name}: 0.4 a year",)),
        ),
    )


def explain_prior(prior: NamedPrior, inputs: Inputs) -> Entry:
    """Return one prior in full."""
    words = (
        f"'{word}' = {_spread(known)} {_reading(prior, known)}."
        for word, known in (*prior.group.words.items(), ("default", prior.default))
    )
    examples: list[Block] = []
    for form, statement in statement_examples(prior).items():
        lead = "As " if form.startswith("quantiles") else "As a "
        examples += [Prose(f"{lead}{form}:"), Verbatim((f"{prior.name}: {statement_text(statement)}",))]
    return Entry(
        f"{prior.name}  [{prior.origin}]",
        (
            *map(Prose, _explanation(prior, inputs)),
            Entry("Words", (Bullets(tuple(words)),)),
            Entry("To set it, under model.priors in the config", tuple(examples)),
        ),
    )


def _explanation(prior: NamedPrior, inputs: Inputs) -> Iterator[str]:
    scale = prior.group.scale
    documented = _documented(prior, inputs)
    yield f"{prior.group.meaning}."
    if prior.element and prior.element not in CATEGORIES:
        yield f"Kind: {_element_title(prior, inputs)}."
        if prior.group.name == BASELINE:
            layout = inputs.data.layout
            kinds = {stream.category for stream in layout.of_rate(prior.element)}
            for q in layout.narrowest(layout.of_rate(prior.element)[0].cell):
                rule = layout.targets[q]
                held = [kind for kind in rule.any_of if kind in kinds]
                anchors = {kind: inputs.scale.anchor(kind, rule.min_severity) for kind in held}
                counts = counts_text(None, held, rule.min_severity, anchors)
                yield f"What counts, on the scale '{inputs.scale.name}': {counts}"
    yield f"Unit: {prior.group.unit}. Read as: {scale.meaning}."
    yield f"Prior: {_spread(prior.distribution)}"
    yield f"In plain terms: {prior.reading}."
    if prior.origin != "default":
        yield f"Default: {_spread(prior.default)}"
    if prior.group.name == BASELINE:
        yield f"Where the default comes from: {' '.join(_rate_origin(prior, inputs))}"
    which = ""
    if prior.default != documented:
        which = "documented "
        yield (
            "The default is learned from other dyads (model.population). The documented one: "
            f"{_spread(documented)}"
        )
    yield f"Why the {which}default: {prior.group.reason}"


def set_priors(priors: Sequence[NamedPrior]) -> tuple[Block, ...]:
    """Return the priors that a config sets, as they were understood."""
    return tuple(
        Entry(
            f"{prior.name}: {_spread(prior.distribution)}",
            (Prose(f"{_reading(prior, prior.distribution)}."),),
        )
        for prior in priors
    )


def prior_facts(prior: NamedPrior, inputs: Inputs) -> dict[str, object]:
    """Return one prior for programs: the same as in words, and every quantile."""
    documented = _documented(prior, inputs)
    facts: dict[str, object] = {
        "name": prior.name,
        "kind": _element_title(prior, inputs),
        "meaning": prior.group.meaning,
        "unit": prior.group.unit,
        "distribution": str(prior.distribution),
        "word": prior.words,
        "words": {word: str(known) for word, known in prior.group.words.items()},
        **_quantiles(prior.distribution),
        "plain": prior.reading,
        "scale": prior.group.scale.name,
        "scale_meaning": prior.group.scale.meaning,
        "default": {"distribution": str(prior.default), **_quantiles(prior.default)},
        "documented": {"distribution": str(documented), **_quantiles(documented)},
        "examples": statement_examples(prior),
        "origin": prior.origin,
        "reason": prior.group.reason,
    }
    if prior.group.name == BASELINE:
        facts["record"] = _own_rate(prior, inputs)._asdict()
    return facts


def _quantiles(distribution: Distribution) -> dict[str, float]:
    lower, median, upper = distribution.quantile(_SPAN).tolist()
    return {"q05": lower, "median": median, "q95": upper}


def _documented(prior: NamedPrior, inputs: Inputs) -> Distribution:
    return record_priors(inputs.data, None).priors[prior.name].default


def _element_title(prior: NamedPrior, inputs: Inputs) -> str | None:
    return prior.element and element_title(prior.element, inputs.data.layout, inputs.config)


def _own_rate(prior: NamedPrior, inputs: Inputs) -> OwnRate:
    place = inputs.data.layout.rates.index(str(prior.element))
    return own_rates(inputs.data, inputs.population)[place]


def _rate_origin(prior: NamedPrior, inputs: Inputs) -> Iterator[str]:
    """Say how the default of a rate follows from this record, with its numbers."""
    own, scale = _own_rate(prior, inputs), prior.group.scale
    weeks = inputs.data.weeks
    length = f"{plain_number(weeks * 7 / 365.25)} years"
    low, middle, high = prior.default.quantile(_SPAN).tolist()
    seen = f"with half an act added, {scale.short(scale.of(own.weekly))}."
    if not own.steps:
        yield f"{count(own.acts, 'such act')} in the {length} of the record; {seen}"
        least, most = (plain_number(end / own.weekly) for end in (low, high))
        yield (
            f"The prior is centred on {plain_number(middle / own.weekly)} times this rate, since answers "
            f"bring the rest; 90% between {least} and {most} times."
        )
        return
    steps = "one severity" if own.steps == 1 else f"{small_number(own.steps)} severities"
    share = further_share(inputs.population)
    few, many = (percent(end) for end in share.quantile([0.05, 0.95]).tolist())
    yield (
        f"Such acts never happened in the {length} of the record. Acts {steps} milder: {own.acts:,}; {seen} "
        f"Times the share of acts that go one severity further ({percent(share.mean)}, 90% between {few} and "
        f"{many}) a step, less what answers bring, it is {scale.short(scale.of(middle))}."
    )


def _spread(distribution: Distribution) -> str:
    low, middle, high = distribution.quantile(_SPAN).tolist()
    return f"{distribution}; median {middle:.3g}, 90% between {low:.3g} and {high:.3g}."


def _reading(prior: NamedPrior, distribution: Distribution) -> str:
    low, middle, high = distribution.quantile(_SPAN).tolist()
    said = prior.group.scale.read(low, middle, high)
    return said[:1].upper() + said[1:]


def _chances_within_a_year(inputs: Inputs, seed: int) -> dict[str, float]:
    """Chance of each target in the year after the record, by priors alone where chains of answers end."""
    data = inputs.data
    variables = prior_draws(inputs.priors, _PRIOR_DRAWS, data.grid.n_knots, np.random.default_rng(seed))
    draws = stream_draws(data.layout, variables, inputs.priors)
    chances = Chances(data, inputs.priors, draws, _YEAR, seed)
    hit = 1 - chances.survival().values[chains_end(chances), :, -1].mean(axis=0)
    return dict(zip((target.name for target in data.layout.targets), hit.tolist(), strict=True))
