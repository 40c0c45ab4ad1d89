"""Priors as blocks and as facts: all of a config, one explained, and those learned from many dyads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from forecast.blocks import (
    Block,
    Bullets,
    Column,
    Entry,
    Group,
    Prose,
    Table,
    Verbatim,
    cells,
    plain_table,
    right,
)
from forecast.config.describe import what_counts
from forecast.events.codebook import CATEGORIES
from forecast.priors import Distribution, NamedPrior
from forecast.priors.named import Elicited, statement_examples, statement_text
from forecast.priors.population import BASELINE, OwnRate, Population, further_share, own_rate, record_priors
from forecast.records.analysis import ParameterSummary
from forecast.runs.inputs import Inputs
from forecast.wording import count, listing, percent, plain_number, small_number

_SPAN = [0.05, 0.5, 0.95]


def list_priors(priors: Sequence[NamedPrior], inputs: Inputs) -> Iterator[Block]:
    """Yield the kinds of act, and every prior under its group: median, 90% interval, word and origin."""
    kinds = [(name, inputs.kind_title(name)) for name in inputs.data.layout.streams if name not in CATEGORIES]
    yield Prose("Kinds of act: the categories, for acts that meet no target, and those that the targets cut:")
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
            least, most = map(group.scale.short, sorted((low, high)))
            word = prior.words if prior.words and prior.words in prior.group.words else ""
            span = f"{least.split(' ')[0]} to {most}"
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


def explain_prior(prior: NamedPrior, inputs: Inputs, posterior: ParameterSummary | None) -> Entry:
    """Return one prior in full, and what the data made of it where a run is given."""
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
            *map(Prose, _explanation(prior, inputs, posterior)),
            Entry("Words", (Bullets(tuple(words)),)),
            Entry("To set it, under model.priors in the config", tuple(examples)),
        ),
    )


def _explanation(prior: NamedPrior, inputs: Inputs, posterior: ParameterSummary | None) -> Iterator[str]:
    scale = prior.group.scale
    documented = _documented(prior, inputs)
    yield f"{prior.group.meaning}."
    if prior.element and prior.element not in CATEGORIES:
        yield f"Kind: {inputs.kind_title(prior.element)}."
        for name in inputs.kind_targets(prior.element):
            counts = what_counts(inputs.config.targets[name], inputs.scale)
            yield f"What counts, on the scale '{inputs.scale.name}': {counts}"
    yield f"Unit: {prior.group.unit}. Read as: {scale.meaning}."
    yield f"Prior: {_spread(prior.distribution)}"
    yield f"In plain terms: {prior.reading}."
    if prior.elicited:
        yield f"Fitted to quantiles: {_achieved(prior.elicited)}."
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
    if posterior is not None:
        low, high = posterior.posterior_interval90
        reading = scale.read(low, posterior.posterior_mean, high)
        mean = f"mean {posterior.posterior_mean:.3g}, 90% between {low:.3g} and {high:.3g}"
        share = (high - low) / (posterior.prior_interval90[1] - posterior.prior_interval90[0])
        yield f"After the data: {mean}: {reading}."
        yield (
            f"The data left {min(share, 9.99):.0%} of the width of the prior that the run used "
            f"({posterior.prior})."
        )


def set_priors(priors: Sequence[NamedPrior]) -> tuple[Block, ...]:
    """Return the priors that a config sets, as they were understood."""
    return tuple(
        Entry(
            f"{prior.name}: {_spread(prior.distribution)}",
            (
                Prose(f"{_reading(prior, prior.distribution)}."),
                *([Prose(f"Fitted to quantiles: {_achieved(prior.elicited)}.")] if prior.elicited else ()),
            ),
        )
        for prior in priors
    )


def describe_population(population: Population, path: Path) -> Iterator[Block]:
    """Yield what was learned from many dyads, by group and kind of stream, and where it was written."""
    told = population.provenance
    span = f"{told.first} to {told.last}"
    yield Prose(f"Learned from {len(told.dyads)} dyads with {told.events:,} events, {span}.")
    rows = [
        (group, kind, f"{learned.centre:.2f}", f"{learned.spread:.2f}", str(learned.values))
        for group, kinds in population.groups.items()
        for kind, learned in kinds.items()
    ]
    yield plain_table(("Group", "Streams", right("centre"), right("spread"), right("values")), rows)
    share = further_share(population)
    low, high = share.quantile([0.05, 0.95]).tolist()
    yield Prose(
        f"Of acts of a kind {percent(share.mean)} go one severity further, on average over dyads (90% "
        f"between {percent(low)} and {percent(high)})."
    )
    yield Prose(f"Written to {path}. To use it, set model.population in a config.")


def prior_facts(prior: NamedPrior, inputs: Inputs, posterior: ParameterSummary | None) -> dict[str, object]:
    """Return one prior for programs: the same as in words, and every quantile."""
    documented = _documented(prior, inputs)
    facts: dict[str, object] = {
        "name": prior.name,
        "kind": prior.element and inputs.kind_title(prior.element),
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
        "word_quantiles": {word: _quantiles(known) for word, known in prior.group.words.items()},
        "examples": statement_examples(prior),
        "origin": prior.origin,
        "reason": prior.group.reason,
    }
    if prior.group.name == BASELINE:
        facts["record"] = _own_rate(prior, inputs)._asdict()
    learned = {} if posterior is None else {"posterior": posterior.model_dump(mode="json")}
    return facts | elicited_facts(prior) | learned


def elicited_facts(prior: NamedPrior) -> dict[str, object]:
    """Return the quantiles that a prior was fitted to, stated and achieved, if there are any."""
    return {"elicited": [vars(one) for one in prior.elicited.quantiles]} if prior.elicited else {}


def _quantiles(distribution: Distribution) -> dict[str, float]:
    lower, median, upper = distribution.quantile(_SPAN).tolist()
    return {"q05": lower, "median": median, "q95": upper}


def _documented(prior: NamedPrior, inputs: Inputs) -> Distribution:
    return record_priors(inputs.data, None).priors[prior.name].default


def _own_rate(prior: NamedPrior, inputs: Inputs) -> OwnRate:
    return own_rate(inputs.data, inputs.data.layout.streams.index(str(prior.element)), inputs.population)


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
        yield f"The prior is centred on this rate, 90% between {least} and {most} times as much."
        return
    share = further_share(inputs.population)
    few, many = share.quantile([0.05, 0.95]).tolist()
    steps = "one severity" if own.steps == 1 else f"{small_number(own.steps)} severities"
    milder = listing(tuple(map(inputs.kind_title, own.milder)))
    dyads = "" if inputs.population is None else " in other pairs of countries"
    yield f"This never happened in the {length} of the record."
    yield f"Acts {steps} milder ({milder}): {own.acts:,}; {seen}"
    yield (
        f"The share of acts that go one severity further is {percent(share.mean)} on average{dyads}, 90% "
        f"between {percent(few)} and {percent(many)}."
    )
    share_of_all = percent(math.exp(own.log_share))
    together = "" if own.steps == 1 else f" for all {small_number(own.steps)} steps"
    yield (
        f"Its middle on a log scale is {share_of_all}{together}, so that the prior is centred on "
        f"{scale.short(scale.of(middle))}."
    )
    yield (
        f"The silence lowers it further in the fit: at this rate about {plain_number(middle * weeks)} such "
        f"acts would have been expected in {length}, and at the upper end of the prior "
        f"{plain_number(high * weeks)}."
    )


def _achieved(elicited: Elicited) -> str:
    """Stated quantiles beside those of the fitted distribution."""

    def shown(value: float) -> str:
        return elicited.scale.short(value) if elicited.scale else f"{value:.3g}"

    if elicited.exact:
        return ", ".join(f"{one.name} {shown(one.stated)}" for one in elicited.quantiles) + "; all met"
    return "; ".join(
        f"{one.name} {shown(one.stated)} was asked, {shown(one.achieved)} is met"
        for one in elicited.quantiles
    )


def _spread(distribution: Distribution) -> str:
    low, middle, high = distribution.quantile(_SPAN).tolist()
    return f"{distribution}; median {middle:.3g}, 90% between {low:.3g} and {high:.3g}."


def _reading(prior: NamedPrior, distribution: Distribution) -> str:
    low, middle, high = distribution.quantile(_SPAN).tolist()
    said = prior.group.scale.read(low, middle, high)
    return said[:1].upper() + said[1:]
