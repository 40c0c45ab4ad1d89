"""``forecast run`` and ``report``: fit, simulate, write the run folder, print the bottom line.

Every row of the table is one line of at most 80 signs: milestones are named once, above it, and known by
their day in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast import wording
from forecast.cli.options import (
    EARLIER,
    LEDGER,
    RUN_DIR,
    RUNS,
    DatedOptions,
    Output,
    ledger_place,
    option,
    takes_options,
)
from forecast.cli.scenario import headline_scenarios
from forecast.cli.terminal import BLANK, Part, Table, left, line, listening, right, show, text
from forecast.errors import InputError

if TYPE_CHECKING:
    from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
    from forecast.records.history import TrackRecord

_CHANCES = right("Chance", 6), right("Plausible", 11), right("Windows", 7), right("Rate", 5)
_COLUMNS = right("Before", 11), *_CHANCES, left("In words")


@takes_options
def run(
    case: DatedOptions,
    out: Path = option(RUNS, "--out", "Folder of the runs; this one goes to DIR/<name>/<as_of>.", "DIR"),
    force: bool = option(False, "--force", "Replace a run that is there already."),
    allow_unconverged: bool = option(
        False,
        "--allow-unconverged",
        "End with code 0 even if the fit did not converge; the report stays stamped.",
    ),
    ledger: Path | None = LEDGER,
    no_ledger: bool = option(False, "--no-ledger", "Leave this run off the record, e.g. a trial."),
    earlier: Path | None = EARLIER,
    *,
    output: Output,
) -> None:
    """Fit the model, simulate the futures, write the run folder with its PDF report, put it on record."""
    if ledger and no_ledger:
        raise InputError("--ledger names a ledger and --no-ledger uses none: give one of them")
    place = None if no_ledger else ledger_place(ledger, out)
    loaded = case.load()

    from forecast.events.duplicates import likely_repeats, repeats_in_words
    from forecast.events.dyads import selection_notes
    from forecast.runs.earlier_copy import earlier_copy
    from forecast.runs.folder import refuse_existing, run_place
    from forecast.runs.inputs import read_inputs
    from forecast.scenarios import plan_scenarios

    # The run checks both again; here they answer before the seconds that loading the sampler takes.
    refuse_existing(run_place(loaded, out), force=force)
    inputs = read_inputs(loaded, earlier_copy(loaded, out, earlier))
    plan_scenarios(inputs, inputs.scenarios)
    if not output.quiet:
        for note in selection_notes(inputs.dyad, inputs.events, inputs.left_out):
            typer.echo(f"Note: {note}", err=True)
        repeats = repeats_in_words(likely_repeats(inputs.events), inputs.events.source)
        for note in (*inputs.events.notes, *repeats):
            typer.echo(f"Note: {note}.", err=True)
    if place:
        from forecast.ledger.store import refuse_unusable

        refuse_unusable(place)

    with listening(shown=output.for_people) as listen:
        from forecast.workflows.forecast import run_forecast
        from forecast.workflows.report import track_record_of
        from forecast.workflows.verdict import require_converged, without_warnings

        with without_warnings():  # they stand in the summary
            finished, folder = run_forecast(
                loaded,
                out=out,
                force=force,
                allow_unconverged=True,
                ledger=place,
                on_record=place is not None,
                earlier=earlier,
                listen=listen,
            )
    if output.json:
        typer.echo((folder / "forecast.json").read_text(encoding="utf-8"), nl=False)
    if not allow_unconverged:
        require_converged(finished.forecast, folder, place)
    if output.for_people:
        files = {
            "Brief": folder / "brief.pdf",
            "Report": folder / "report.pdf",
            "Numbers": folder / "forecast.json",
            "Ledger": place,
        }
        written = (line(f"{name:<9}{path}") for name, path in files.items() if path)
        show((*bottom_line(finished.forecast, track_record_of(folder)), *written))
        if place:
            failed = "" if finished.forecast.converged else " as failed: neither listed nor scored"
            show([text(f"On record{failed}; --no-ledger leaves a run off the record.", "dim", indent=9)])


def bottom_line(forecast: Forecast, record: TrackRecord | None = None) -> Iterator[Part]:
    """Yield the judgement, every target × milestone, and what scenarios change."""
    from forecast.wording.cautions import HEAD, caution_lines
    from forecast.wording.warnings import failure_sentence

    if not forecast.converged:
        yield text("DID NOT CONVERGE – do not use these numbers.", "bold red")
        for failure in forecast.diagnostics.failures:
            yield text(failure_sentence(failure), "red", indent=2)
        yield BLANK
    yield from _headline(forecast, record)
    cautions = caution_lines([one for one in forecast.cautions if one.code != "not_converged"])
    if cautions:
        yield text(HEAD, "bold yellow")
        yield from (text(f"- {one}", "yellow", hang=2) for one in cautions)
    yield BLANK
    yield text(f"{forecast.dyad.label}, as of {wording.long_day(forecast.as_of)}. Milestones:")
    milestones = forecast.targets[0].milestones
    days = ((wording.short_day(one.date), one.label) for one in milestones)
    yield Table((right(width=11), left()), days, heads=False)
    yield BLANK
    yield Table(_COLUMNS, ())
    for target in forecast.targets:
        yield from _group(forecast, target)
    yield from _members(forecast)
    yield BLANK
    apart = ", which also covers how far the members are apart" if len(forecast.members) > 1 else ""
    yield text(
        f"Plausible: nine in ten plausible settings of the model give a chance in this range{apart}. Base "
        "rates: the share of past windows of the same length that held one (smoothed), and a constant rate "
        "from the same events; none where nothing was seen.",
        "dim",
    )
    yield from headline_scenarios(forecast)


def _headline(forecast: Forecast, record: TrackRecord | None) -> Iterator[Part]:
    from forecast.records.history import own_record
    from forecast.report.questions import what_counts
    from forecast.wording.explained import record_sentences, waterfall_sentence
    from forecast.wording.judgement import (
        asked,
        base_rate_sentence,
        confidence,
        judgement_sentence,
        range_sentence,
    )

    target, milestone = asked(forecast)
    yield text(judgement_sentence(forecast), "bold")
    yield text(f"{range_sentence(milestone)}. {confidence(forecast, record).sentence}")
    yield text(f"What counts: {what_counts(target)}")
    yield text(base_rate_sentence(forecast))
    if said := waterfall_sentence(forecast):
        yield text(said)
    yield text(" ".join(record_sentences(forecast, own_record(forecast, record))))


def _members(forecast: Forecast) -> Iterator[Part]:
    """Yield what each member says; nothing where there is one."""
    from forecast.wording.members import members_sentence

    if len(forecast.members) < 2:
        return
    yield BLANK
    yield text("What each member says, without the scheduled events", "bold")
    columns = right("Before", 11), *(right(one.name, max(len(one.name), 6)) for one in forecast.members)
    yield Table(columns, ())
    names = [one.name for one in forecast.members]
    for target in forecast.targets:
        yield text(target.label)
        rows = (
            (wording.short_day(one.date), *(said.get(name, "–") for name in names))
            for one, said in (
                (one, {member.name: wording.percent(member.probability) for member in one.members or ()})
                for one in target.milestones
            )
        )
        yield Table(columns, rows, heads=False)
    yield text(members_sentence(forecast.members), "dim")


def _group(forecast: Forecast, target: TargetForecast) -> Iterator[Part]:
    seen = target.observed_before
    record = f"seen {wording.times(seen)}" if seen else "never observed"
    yield text(f"{target.label} ({record})", "bold" if seen else "bold yellow")
    yield text(target.definition, "dim", indent=2)
    asked = forecast.headline.milestone if target.name == forecast.headline.target else None
    yield Table(
        _COLUMNS,
        (
            (
                wording.short_day(one.date),
                wording.percent(one.probability),
                wording.interval_percent(one.interval90),
                *_base_rates(target, one),
                one.words,
            )
            for one in target.milestones
        ),
        ("bold" if one.name == asked else "" for one in target.milestones),
        heads=False,
    )


def _base_rates(target: TargetForecast, milestone: MilestoneForecast) -> tuple[str, str]:
    if not target.observed_before:
        return "none", "none"
    rate = milestone.constant_rate
    return wording.percent(milestone.baseline.probability), "–" if rate is None else wording.percent(rate)


@takes_options
def report(
    run_dir: Path = RUN_DIR,
    previous: Path | None = option(
        None, "--previous", "Earlier run, to show the change since then.", "RUN_DIR"
    ),
    figures: Path | None = option(None, "--figures", "Write every chart there too, as SVG and PNG.", "DIR"),
    csv: Path | None = option(None, "--csv", "Write every table there too, as CSV.", "DIR"),
    template: Path | None = option(None, "--template", "Typst template of your own for the PDF.", "FILE"),
    paper: Literal["a4", "us-letter"] | None = option(
        None, "--paper", "Paper of the PDF, in place of report.paper."
    ),
    brief: bool = option(False, "--brief", "Only the two pages of the brief: brief.pdf."),
    force: bool = option(
        False, "--force", "Build from files that were altered after the run; the report says so."
    ),
    *,
    output: Output,
) -> None:
    """Build the report of a saved run again (brief.pdf, report.pdf, report.html); nothing is fitted."""
    from forecast.workflows.report import rebuild_report

    if brief and template:
        raise InputError("--template is for report.pdf, which --brief does not write: give one of them")
    built = rebuild_report(
        run_dir,
        previous=previous,
        template=template,
        paper=paper,
        figures=figures,
        tables=csv,
        brief_only=brief,
        force=force,
    )
    files = {"figures": built.exported_figures, "tables": built.exported_tables}
    heads = {"brief": "Brief", "report": "Report", "page": "Page", "figures": "Charts", "tables": "Tables"}
    written = {"brief": built.brief, "report": built.pdf, "page": built.page}
    said = [f"{heads[name]}: {path}" for name, path in written.items() if path]
    said += [f"{heads[name]}: {len(made)} files in {made[0].parent}" for name, made in files.items() if made]
    facts: dict[str, object] = {name: str(path) for name, path in written.items() if path}
    facts |= {name: [str(path) for path in made] for name, made in files.items()}
    output.print(facts, map(text, said))
