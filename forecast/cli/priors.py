"""``forecast priors``: every prior of a config by name, with its meaning and where it came from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from forecast.cli.options import (
    Answer,
    ConfigOptions,
    Output,
    argument,
    option,
    refuse_unwritable,
    takes_options,
)
from forecast.cli.terminal import BLANK, Part, Table, left, listening, right, text
from forecast.errors import InputError, PriorError, did_you_mean
from forecast.events.codebook import CATEGORIES
from forecast.progress import StageProgress
from forecast.wording import count, listing, percent, plain_number, small_number

if TYPE_CHECKING:
    from typer._click import Context

    from forecast.priors import Distribution, NamedPrior
    from forecast.priors.elicitation import Elicited
    from forecast.priors.population import OwnRate, Population
    from forecast.records.analysis import ParameterSummary
    from forecast.runs.inputs import Inputs


class _ShowsByDefault(TyperGroup):
    """Commands of which ``show`` may go unnamed: ``forecast priors CONFIG``."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="priors",
    cls=_ShowsByDefault,
    no_args_is_help=True,
    help="Show the priors of a config: forecast priors CONFIG; or learn default priors from many dyads.",
)


@app.command("show")
@takes_options
def show_priors(
    case: ConfigOptions,
    explain: str | None = option(
        None, "--explain", "One prior in full: meaning, unit, words, reason.", "NAME"
    ),
    run: Path | None = option(
        None, "--run", "With --explain: a saved run, to show what the data made of it.", "RUN_DIR"
    ),
    *,
    answer: Answer,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% interval, and where it came from."""
    from forecast.runs.inputs import read_data

    if run and not explain:
        raise InputError("--run: shows what the data made of one prior; name it with --explain NAME")
    inputs = read_data(case.load())
    known = inputs.priors.priors
    chosen = list(known.values())
    if explain:
        names = (*known, *(prior.group.name for prior in chosen))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(
                f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all."
            )
    after: dict[str, ParameterSummary] = {}
    if run:
        from forecast.records.analysis import Analysis
        from forecast.runs.folder import read_record, refuse_changed_files

        refuse_changed_files(run, advice="")
        after = {one.name: one for one in read_record(run / "analysis.json", Analysis).parameters}
    facts = (
        {"priors": [_as_dict(prior, inputs, after.get(prior.name)) for prior in chosen]}
        if answer.json
        else {}
    )
    explained = (part for prior in chosen for part in _explained(prior, inputs, after.get(prior.name)))
    answer.print(facts, explained if explain else _listed(chosen, inputs))


@app.command("learn")
@takes_options
def learn(
    folder: Path = argument("DIR", "Folder of coded event files, one dyad a file."),
    *,
    out: Path = option(..., "--out", "File to write, for model.population in a config.", "FILE"),
    source: str = option("not stated", "--source", "Origin and terms of the events, for the file.", "TEXT"),
    seed: int = option(1, "--seed", "Seed of thinning and fits.", min=0),
    keep: Path | None = option(
        None, "--keep", "Keep finished fits in this folder, and go on from those there.", "FOLDER"
    ),
    force: bool = option(False, "--force", "Replace the file."),
    output: Output,
) -> None:
    """Learn default priors from many dyads: about forty minutes for thirty of them."""
    refuse_unwritable(out, force=force)
    with listening(shown=output.for_people) as listen:
        from forecast.bench.accuracy import read_dyads
        from forecast.events.reading import write_whole
        from forecast.inference.posterior import SamplerOptions
        from forecast.workflows.population import LearningOptions, learn_population, population_yaml

        options = LearningOptions(
            sampler=SamplerOptions(seed=seed, draws=300, tune=300),
            source=source,
            command=f"forecast priors learn {folder.name} --out {out.name} --seed {seed}",
        )

        def told(done: int, planned: int) -> None:
            listen(StageProgress("learn", done, planned))

        learned = learn_population(read_dyads(folder), options, told, keep=keep)
        write_whole(out, population_yaml(learned).encode())
    facts = {"written": str(out), "population": learned.model_dump(mode="json", by_alias=True)}
    output.print(facts, _summary(learned, out))


def _summary(learned: Population, out: Path) -> Iterator[Part]:
    from forecast.priors.population import further_share

    told = learned.provenance
    span = f"{told.first} to {told.last}"
    yield text(f"Learned from {len(told.dyads)} dyads with {told.events:,} events, {span}.")
    rows = [
        (group, kind, f"{one.centre:.2f}", f"{one.spread:.2f}", str(one.values))
        for group, kinds in learned.groups.items()
        for kind, one in kinds.items()
    ]
    heads = left("Group", 32), left("Streams", 12)
    yield Table((*heads, *(right(head, 7) for head in ("centre", "spread", "values"))), rows)
    share = further_share(learned)
    low, high = share.quantile([0.05, 0.95]).tolist()
    yield text(
        f"Of acts of a kind {percent(share.mean)} go one severity further, on average over dyads (90% "
        f"between {percent(low)} and {percent(high)})."
    )
    yield text(f"Written to {out}. To use it, set model.population in a config.")


def _as_dict(prior: NamedPrior, inputs: Inputs, posterior: ParameterSummary | None) -> dict[str, object]:
    from forecast.priors.population import BASELINE, record_priors
    from forecast.priors.resolve import statement_examples

    documented = record_priors(inputs.data, None).priors[prior.name].default
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
    lower, median, upper = distribution.quantile([0.05, 0.5, 0.95]).tolist()
    return {"q05": lower, "median": median, "q95": upper}


def _listed(priors: Sequence[NamedPrior], inputs: Inputs) -> Iterator[Part]:
    """One block a group: its name, meaning and words, then a line for each prior in it."""
    cells = [(name, inputs.kind_title(name)) for name in inputs.data.layout.streams if name not in CATEGORIES]
    yield text("Kinds of act: the categories, for acts that meet no target, and those that the targets cut:")
    yield Table((left(width=24, wraps=True), left(width=52, wraps=True)), cells, heads=False)
    yield BLANK
    for name, members in groupby(priors, key=lambda prior: prior.group.name):
        own = list(members)
        group = own[0].group
        yield text(f"{name}{'.KIND' if own[0].element else ''}  [{group.unit}]")
        yield text(f"{group.meaning}.", indent=2)
        # Words of one kind may be none of another: what follows tension may go against it, or not.
        common = [word for word in group.words if all(word in prior.group.words for prior in own)]
        others = {word: None for prior in own for word in prior.group.words if word not in common}
        some = f"; of some kinds: {', '.join(others)}" if others else ""
        yield text(f"Words: {', '.join(common)}{some}. Shown: {group.scale.meaning}.", indent=2)
        same = len({(prior.distribution, prior.origin) for prior in own}) == 1
        if same and own[0].element:
            yield text(f"Kinds: {', '.join(prior.element or '' for prior in own)}.", indent=2)
        rows = []
        for prior in own[:1] if same else own:
            element = f"all {len(own)} kinds" if same and prior.element else prior.element or ""
            low, middle, high = map(group.scale.of, prior.distribution.quantile([0.05, 0.5, 0.95]).tolist())
            least, most = map(group.scale.short, sorted((low, high)))
            word = prior.words if prior.words and prior.words in prior.group.words else ""
            span = f"{least.split(' ')[0]} to {most}"
            rows.append((element, group.scale.short(middle), span, word, prior.origin))
        yield Table(_COLUMNS, rows, heads=False)
        yield BLANK
    yield text(
        "Each line: median, 90% interval, the word that stands for it, and where the prior came from. Set "
        "one in the config under model.priors, or for one run, e.g. --set "
        "model.priors.tension.persistence=slow. A name without .KIND sets all of its kinds. More on one: "
        "--explain NAME."
    )


_COLUMNS = (
    left(width=24, wraps=True),
    right(width=11),
    left(width=20, wraps=True),
    left(width=8, wraps=True),
    left(width=8),
)


def _explained(prior: NamedPrior, inputs: Inputs, posterior: ParameterSummary | None) -> Iterator[Part]:
    """One prior in full, and what the data made of it where a run is given."""
    from forecast.config.questions import what_counts
    from forecast.priors.population import BASELINE, record_priors
    from forecast.priors.resolve import statement_examples, statement_text

    scale = prior.group.scale
    documented = record_priors(inputs.data, None).priors[prior.name].default
    yield text(f"{prior.name}  [{prior.origin}]")
    yield text(f"{prior.group.meaning}.", indent=2)
    if prior.element and prior.element not in CATEGORIES:
        yield text(f"Kind: {inputs.kind_title(prior.element)}.", indent=2)
        for name in inputs.kind_targets(prior.element):
            counts = what_counts(inputs.config.targets[name], inputs.scale)
            yield text(f"What counts, on the scale '{inputs.scale.name}': {counts}", indent=2)
    yield text(f"Unit: {prior.group.unit}. Read as: {scale.meaning}.", indent=2)
    yield text(f"Prior: {_spread(prior.distribution)}", indent=2)
    yield text(f"In plain terms: {prior.reading}.", indent=2)
    if prior.elicited:
        yield text(f"Fitted to quantiles: {_achieved(prior.elicited)}.", indent=2)
    if prior.origin != "default":
        yield text(f"Default: {_spread(prior.default)}", indent=2)
    if prior.group.name == BASELINE:
        yield text(f"Where the default comes from: {' '.join(_rate_origin(prior, inputs))}", indent=2)
    if prior.default != documented:
        yield text(
            f"The default is learned from other dyads (model.population). The documented one: "
            f"{_spread(documented)}",
            indent=2,
        )
    yield text(
        f"Why the {'documented ' if prior.default != documented else ''}default: {prior.group.reason}",
        indent=2,
    )
    if posterior is not None:
        yield from _learned(prior, posterior)
    yield text("Words", indent=2)
    for word, known in (*prior.group.words.items(), ("default", prior.default)):
        yield text(f"{word!r} = {_spread(known)}", indent=4)
        yield text(f"{_reading(prior, known)}.", indent=6)
    yield text("To set it, under model.priors in the config", indent=2)
    for form, statement in statement_examples(prior).items():
        yield text(f"{prior.name}: {statement_text(statement)}", indent=4)
        yield text(f"a {form}" if not form.startswith("quantiles") else form, indent=6)


def _own_rate(prior: NamedPrior, inputs: Inputs) -> OwnRate:
    from forecast.priors.population import own_rate

    return own_rate(inputs.data, inputs.data.layout.streams.index(str(prior.element)), inputs.population)


def _rate_origin(prior: NamedPrior, inputs: Inputs) -> Iterator[str]:
    """Say how the default of a rate follows from this record, with its numbers."""
    from forecast.priors.population import further_share

    own, scale = _own_rate(prior, inputs), prior.group.scale
    weeks = inputs.data.weeks
    length = f"{plain_number(weeks * 7 / 365.25)} years"
    low, middle, high = prior.default.quantile([0.05, 0.5, 0.95]).tolist()
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


def _learned(prior: NamedPrior, posterior: ParameterSummary) -> Iterator[Part]:
    low, high = posterior.posterior_interval90
    reading = prior.group.scale.read(low, posterior.posterior_mean, high)
    mean = f"mean {posterior.posterior_mean:.3g}, 90% between {low:.3g} and {high:.3g}"
    yield text(f"After the data: {mean}: {reading}.", indent=2)
    share = (high - low) / (posterior.prior_interval90[1] - posterior.prior_interval90[0])
    left_over = f"{min(share, 9.99):.0%} of the width of the prior that the run used ({posterior.prior})"
    yield text(f"The data left {left_over}.", indent=2)


def set_priors(priors: Sequence[NamedPrior]) -> Iterator[Part]:
    """Yield the priors that a config sets, as they were understood."""
    for prior in priors:
        yield text(f"{prior.name}: {_spread(prior.distribution)}", indent=2)
        yield text(f"{_reading(prior, prior.distribution)}.", indent=4)
        if prior.elicited:
            yield text(f"Fitted to quantiles: {_achieved(prior.elicited)}.", indent=4)


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
    low, middle, high = distribution.quantile([0.05, 0.5, 0.95]).tolist()
    return f"{distribution}; median {middle:.3g}, 90% between {low:.3g} and {high:.3g}."


def _reading(prior: NamedPrior, distribution: Distribution) -> str:
    low, middle, high = distribution.quantile([0.05, 0.5, 0.95]).tolist()
    said = prior.group.scale.read(low, middle, high)
    return said[:1].upper() + said[1:]
