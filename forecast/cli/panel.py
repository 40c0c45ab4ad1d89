"""``forecast panel``: the pooled hazard that is learned from the records of many dyads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.cli.options import Output, argument, option, refuse_unwritable, takes_options
from forecast.cli.progress import listening
from forecast.cli.terminal import BLANK, Part, Table, left, right, text
from forecast.errors import InputError
from forecast.progress import StageProgress
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.pooled_hazard.coefficients import PooledHazard

app = typer.Typer(
    name="panel",
    no_args_is_help=True,
    help="The pooled hazard, learned on other dyads: what model families panel and combined use.",
)


@app.command("learn")
@takes_options
def learn(
    folder: Path = argument("DIR", "Folder of coded event files, one dyad a file."),
    *,
    out: Path = option(..., "--out", "File to write, for model.panel in a config.", "FILE"),
    source: str = option("not stated", "--source", "Origin and terms of the events, for the file.", "TEXT"),
    force: bool = option(False, "--force", "Replace the file."),
    output: Output,
) -> None:
    """Learn coefficients from many dyads, and once without each: seconds for thirty of them."""
    refuse_unwritable(out, force=force)
    if out.suffix.lower() == ".csv":
        raise InputError(f"--out: {out} would be taken for a file of events. Give a name that ends in .json")
    with listening(shown=output.for_people) as listen:
        from forecast.bench.accuracy import read_dyads
        from forecast.events.reading import write_whole
        from forecast.pooled_hazard.learning import learn_hazard

        dyads = read_dyads(folder)
        learned = learn_hazard(
            dyads,
            source=source,
            command=f"forecast panel learn {folder.name} --out {out.name}",
            listen=lambda done, planned: listen(StageProgress("learn", done, planned)),
        )
        write_whole(out, (learned.model_dump_json(by_alias=True) + "\n").encode())
    facts = {"written": str(out), "panel": learned.model_dump(mode="json", by_alias=True)}
    short = sorted(dyads.keys() - {one.name for one in learned.provenance.dyads})
    output.print(facts | {"left_out": short}, (*_summary(learned, out), *_left_out(short)))


def _left_out(short: Sequence[str]) -> Iterator[Part]:
    from forecast.pooled_hazard.learning import FIRST_ORIGIN_DAYS

    if short:
        yield text(
            f"Left out, since their records have {FIRST_ORIGIN_DAYS} days or fewer: {', '.join(short)}."
        )


@app.command("show")
@takes_options
def show(
    file: Path | None = argument(
        "[FILE]", "A file that 'forecast panel learn' wrote; the shipped one if absent.", None
    ),
    *,
    output: Output,
) -> None:
    """Show coefficients with their errors, and what they were learned from."""
    from forecast.pooled_hazard.coefficients import read_hazard, shipped_hazard

    known = read_hazard(file) if file else shipped_hazard()
    output.print({"panel": known.model_dump(mode="json", by_alias=True)}, _summary(known, None))


def _summary(learned: PooledHazard, out: Path | None) -> Iterator[Part]:
    from forecast.pooled_hazard.learning import LEAST_DYADS

    told = learned.provenance
    events = sum(one.events for one in told.dyads)
    first, last = min(one.first for one in told.dyads), max(one.last for one in told.dyads)
    yield text(
        f"Learned from {count(len(told.dyads), 'dyad')} with {events:,} events, {first} to {last}, and "
        f"{len(told.targets)} kinds of target: {told.rows:,} rows."
    )
    if len(told.dyads) < LEAST_DYADS:
        yield text(
            f"Caution: {count(len(told.dyads), 'dyad')} cannot tell how dyads differ. Forecasts rest on the "
            "past of these alone, and intervals are too narrow for others."
        )
    yield text(f"Source: {told.source}. Command: {told.command}.")
    yield BLANK
    rows = [
        (name, f"{mean:+.3f}", f"{learned.covariance[place][place] ** 0.5:.3f}")
        for place, (name, mean) in enumerate(zip(("intercept", *learned.features), learned.mean, strict=True))
    ]
    yield Table((left("Feature", 22), right("effect", 8), right("error", 8)), rows)
    units = "dyads" if len(told.dyads) >= LEAST_DYADS else "rows"
    yield text(
        "Effect: change of the log hazard for one standard deviation of the feature over the panel; its "
        f"error takes {units} as units."
    )
    if out:
        yield text(f"Written to {out}. To use it, set model.panel in a config.")
