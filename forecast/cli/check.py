"""``forecast check`` and ``schema``: a config validated and read back in English; the contracts of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast.cli.options import (
    EARLIER,
    RUNS,
    DatedOptions,
    Output,
    check_figure,
    option,
    takes_options,
)
from forecast.cli.priors import elicited_facts, set_priors
from forecast.cli.terminal import BLANK, Part, Table, left, line, right, text
from forecast.wording import count, listing, long_day, percent, plain_number, points, times
from forecast.wording.cautions import HEAD, caution_lines

if TYPE_CHECKING:
    from forecast.events.duplicates import DuplicateGroup
    from forecast.priors import NamedPrior
    from forecast.runs.inputs import Inputs
    from forecast.sensitivity.prior_predictive import PriorPredictive


@takes_options
def check(
    case: DatedOptions,
    plot: Path | None = option(
        None, "--plot", "Draw the priors that the config sets, and what all imply (.svg, .png, .pdf).", "FILE"
    ),
    out: Path = option(RUNS, "--out", "Folder of the runs, where the last earlier one is looked for.", "DIR"),
    earlier: Path | None = EARLIER,
    *,
    output: Output,
) -> None:
    """Validate a config and its events, read it back in plain English; nothing is fitted."""
    from forecast.config import config_hash, describe_config
    from forecast.config.questions import question_lines, questions
    from forecast.events.duplicates import likely_repeats
    from forecast.events.dyads import selection_notes
    from forecast.runs.cautions import acts_a_month, cautions_of
    from forecast.runs.earlier_copy import earlier_copy
    from forecast.runs.inputs import read_inputs
    from forecast.scenarios import plan_scenarios
    from forecast.sensitivity.prior_predictive import prior_predictive

    check_figure(plot, "--plot")
    loaded = case.load()
    inputs = read_inputs(loaded, earlier_copy(loaded, out, earlier))
    plans = plan_scenarios(inputs, inputs.scenarios)
    cautions = cautions_of(inputs)
    pace = acts_a_month(inputs.data, inputs.priors)
    implied = prior_predictive(inputs, loaded.sampler.seed)
    repeats = likely_repeats(inputs.events)
    changed = [prior for prior in inputs.priors.priors.values() if prior.origin != "default"]
    if plot:
        _draw(changed, inputs, implied, plot)
    facts = {
        "valid": True,
        "name": loaded.name,
        "config_sha256": config_hash(loaded),
        "events": len(inputs.events),
        "dyad": inputs.dyad.to_dict(),
        "scale": inputs.scale.model_dump(mode="json"),
        "questions": questions(loaded, inputs.scale),
        "rows_left_out": inputs.rows_left_out,
        "left_out": [one._asdict() for one in inputs.left_out],
        "reading": [*inputs.events.notes],
        "likely_repeats": [
            {"lines": list(one.lines), "ids": list(one.ids), "reason": one.reason} for one in repeats
        ],
        "notes": [*selection_notes(inputs.dyad, inputs.events, inputs.left_out)],
        "kinds": [
            {"name": name, "title": inputs.kind_title(name), "acts": acts, "counted": counted}
            for name, acts, counted in _counted(inputs)
        ],
        "events_fitted": len(inputs.events.between(inputs.data.grid.start, inputs.config.as_of)),
        "cautions": [one.model_dump(mode="json") for one in cautions],
        "acts_a_month": {"priors": _total(pace, 0), "data": _total(pace, 1)},
        "prior_predictive": vars(implied),
        "known_share_of_last_weeks": inputs.data.completeness[0][-1:-5:-1].tolist(),
        "priors_set": [_set_prior(prior) for prior in changed],
        "plot": str(plot) if plot else None,
        "scenarios": [plan.scenario.name for plan in plans],
    }
    if output.for_people:
        typer.echo(describe_config(loaded, question_lines(loaded, inputs.scale)))
    sections = {
        "Kinds of act that the model tells apart": map(_item, _kinds(inputs)),
        "Priors as understood": set_priors(changed),
        "Scenarios": (
            _item(f"{plan.scenario.title} ({plan.scenario.name}): {plan.in_words}.") for plan in plans
        ),
        HEAD: map(_item, caution_lines(cautions)),
        "Data": map(_item, (*_data(inputs, repeats), _pace(pace))),
        "What the priors imply for a year ahead, before the fit (simulated)": _implied(inputs, implied),
    }
    filled = {title: parts for title, some in sections.items() if (parts := tuple(some))}
    shown = [part for title, parts in filled.items() for part in (BLANK, text(title), *parts)]
    output.print(facts, (*shown, *((BLANK, line(f"Figure   {plot}")) if plot else ())))


def _total(pace: Mapping[str, tuple[float, float]], of: int) -> float:
    return sum(both[of] for both in pace.values())


def _pace(pace: Mapping[str, tuple[float, float]]) -> str:
    prior, data = (plain_number(_total(pace, of)) for of in (0, 1))
    return f"Acts a month: {data} in the data; the base rates of the priors imply {prior}."


def _item(said: str) -> Part:
    return text(said, indent=2, hang=4)


def _draw(changed: list[NamedPrior], inputs: Inputs, implied: PriorPredictive, path: Path) -> None:
    from forecast.report.drawing import write_figure
    from forecast.report.prior_figure import draw_priors

    titles = {name: inputs.kind_title(name) for name in inputs.data.layout.streams}
    titles |= {rule.name: inputs.config.target_title(rule.name) for rule in inputs.rules}
    write_figure(draw_priors(changed, implied, titles), path)


def _set_prior(prior: NamedPrior) -> dict[str, object]:
    facts = {"name": prior.name, "distribution": str(prior.distribution), "plain": prior.reading}
    return facts | elicited_facts(prior)


def _data(inputs: Inputs, repeats: Sequence[DuplicateGroup]) -> Iterator[str]:
    import numpy as np

    from forecast.events.duplicates import repeats_in_words
    from forecast.events.dyads import Direction, left_out_in_words, selection_notes

    events, grid, day, dyad = inputs.events, inputs.data.grid, inputs.config.as_of, inputs.dyad
    known, fitted = count(len(events), "event"), len(events.between(grid.start, day))
    yield f"{known} known by {long_day(day)}, {fitted:,} of them from {long_day(grid.start)} on."
    a, b = inputs.config.dyad.names
    _, forth, back, theatre = np.bincount(dyad.directions(events), minlength=len(Direction)).tolist()
    third = f", {theatre:,} with third parties ({', '.join(dyad.theatre)})" if dyad.theatre else ""
    yield f"{forth:,} by {a} towards {b}, {back:,} by {b} towards {a}{third}."
    if inputs.left_out:
        yield f"Left out as acts of others: {left_out_in_words(inputs.left_out, inputs.rows_left_out)}."
    for note in selection_notes(dyad, events, inputs.left_out):
        yield f"Note: {note}"
    for note in events.notes:
        yield f"Reading: {note}."
    for note in repeats_in_words(repeats, events.source):
        yield f"Duplicates: {note}."
    if delay := inputs.delay:
        recent = ", ".join(percent(float(share)) for share in inputs.data.completeness[0][-1:-5:-1])
        source = f"estimated from {delay.acts:,} acts" if delay.acts else "as stated"
        yield f"Reporting delay, {source}: mean {delay.mean_days:.1f} days."
        yield f"Taken to be known of the last weeks, the latest first: {recent}."
    for rule in inputs.rules:
        seen = int(rule.mask(events.between(grid.start, day)).sum())
        remark = f"seen {times(seen)}" if seen else "never seen"
        yield f"{inputs.config.target_title(rule.name)}: {remark}."


def _counted(inputs: Inputs) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield each kind of act: its name, its categories with severities, and how many are in the data."""
    layout = inputs.data.layout
    totals = inputs.data.counts[0].sum(axis=0).tolist()
    for place, name in enumerate(layout.streams):
        yield name, layout.acts_in_words(place), int(totals[place])


def _kinds(inputs: Inputs) -> Iterator[str]:
    ordinary = inputs.data.layout.ordinary
    counted = list(_counted(inputs))
    plain = [f"{inputs.kind_title(name)} {acts:,}" for name, _, acts in counted[: len(ordinary)]]
    if plain:
        yield f"Acts that meet no target, by category: {listing(tuple(plain))}."
    for name, acts, seen in counted[len(ordinary) :]:
        yield f"{inputs.kind_title(name)} ({name}): {'; '.join(acts)}; {_seen(seen)}."


def _seen(days: int) -> str:
    return f"seen on {count(days, 'day')}" if days else "never seen"


def _implied(inputs: Inputs, implied: PriorPredictive) -> Iterator[Part]:
    rows = (
        (
            name if name == "all" else inputs.kind_title(name),
            plain_number(middle),
            f"{plain_number(low)} to {plain_number(high)}",
            plain_number(implied.observed_a_month[name]),
        )
        for name, (low, middle, high) in implied.acts_a_month.items()
    )
    columns = (
        left("Acts a month", 34),
        right("median", 8),
        right("90% interval", 16),
        right("in the data", 11),
    )
    yield Table(columns, rows)
    for name, probability in implied.target_within_year.items():
        yield _item(
            f"{inputs.config.target_title(name)} within a year: {percent(probability)} (Monte Carlo error "
            f"{points(implied.mcse[name], 0)})."
        )


def schema(
    contract: Literal[
        "config", "scenario", "forecast", "analysis", "ledger", "watchlist", "watch"
    ] = typer.Argument(help="Which schema.", show_default=False),
) -> None:
    """Print a JSON Schema for other programs.

    Of a config, a scenario, forecast.json, analysis.json, a ledger's export, a watchlist, or watch.json.
    """
    from forecast.config import writing
    from forecast.ledger.exporting import ledger_schema

    makers = {
        "config": writing.config_schema,
        "scenario": writing.scenario_schema,
        "forecast": writing.forecast_schema,
        "analysis": writing.analysis_schema,
        "ledger": ledger_schema,
        "watchlist": writing.watchlist_schema,
        "watch": writing.watch_schema,
    }
    typer.echo(writing.schema_text(makers[contract]()), nl=False)
