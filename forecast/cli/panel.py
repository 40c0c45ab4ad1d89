"""``forecast panel``: the pooled hazard that is learned from the records of many dyads."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.blocks import Block, Prose, plain_table, right
from forecast.cli.options import Output, argument, option, refuse_unwritable, takes_options
from forecast.cli.terminal import listening
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
    folders: list[Path] = argument("DIR...", "Folders of coded event files: a coder each, one dyad a file."),
    *,
    out: Path = option(..., "--out", "File to write, for model.panel in a config.", "FILE"),
    ends: Path | None = option(
        None, "--ends", "CSV file: file, observed_until. A record without it ends with its last act.", "FILE"
    ),
    coder: list[str] | None = option(
        None, "--coder", "Name of the coder of a folder, in their order. Default: the folder's name.", "NAME"
    ),
    least_acts: int = option(
        30, "--least-acts", "Learn a kind of target from coders that note so many such acts.", "N", min=1
    ),
    source: str = option("not stated", "--source", "Origin and terms of the events, for the file.", "TEXT"),
    force: bool = option(False, "--force", "Replace the file."),
    output: Output,
) -> None:
    """Learn coefficients from many dyads, and once without each: a minute or two for a hundred of them."""
    refuse_unwritable(out, force=force)
    if out.suffix.lower() == ".csv":
        raise InputError(f"--out: {out} would be taken for a file of events. Give a name that ends in .json")
    with listening(shown=output.for_people) as listen:
        from forecast.bench.beds import read_dyads
        from forecast.events.reading import write_whole
        from forecast.pooled_hazard.learning import learn_hazard
        from forecast.pooled_hazard.records import coder_names, records_of

        coder_names(folders, coder or ())
        read = [(folder, read_dyads(folder)) for folder in folders]
        records = records_of(read, coders=coder or (), ends=ends)
        learned = learn_hazard(
            records,
            least_acts=least_acts,
            source=source,
            command=_command(folders, out, ends, coder or (), least_acts),
            listen=lambda done, planned: listen(StageProgress("learn", done, planned)),
        )
        write_whole(out, (learned.model_dump_json(by_alias=True) + "\n").encode())
    facts = {"written": str(out), "panel": learned.model_dump(mode="json", by_alias=True)}
    used = {(dyad.coder, dyad.name) for dyad in learned.provenance.dyads}
    short = sorted(
        f"{record.coder}/{name}"
        for record in records
        for name in record.dyads
        if (record.coder, name) not in used
    )
    output.print(facts | {"left_out": short}, (*_summary(learned, out), *_left_out(short)))


def _command(
    folders: Sequence[Path], out: Path, ends: Path | None, coders: Sequence[str], least_acts: int
) -> str:
    """Return the command without folders of the machine, for the file."""
    parts = ["forecast panel learn", *(folder.name for folder in folders), f"--out {out.name}"]
    parts += [f"--ends {ends.name}"] if ends else []
    parts += [f"--coder {shlex.quote(coder)}" for coder in coders]
    return " ".join([*parts, f"--least-acts {least_acts}"])


def _left_out(short: Sequence[str]) -> Iterator[Block]:
    from forecast.pooled_hazard.learning import FIRST_ORIGIN_DAYS

    if short:
        yield Prose(
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


def _summary(learned: PooledHazard, out: Path | None) -> Iterator[Block]:
    from forecast.pooled_hazard.learning import LEAST_DYADS

    provenance = learned.provenance
    yield Prose(
        f"Learned from {provenance.in_words()}. {provenance.rows:,} rows of "
        f"{count(len(provenance.targets), 'kind')} of target."
    )
    for coder in learned.coders:
        n = sum(dyad.coder == coder.coder for dyad in provenance.dyads)
        if n < LEAST_DYADS:
            yield Prose(
                f"Caution: {count(n, 'dyad')} of {coder.coder} cannot tell how dyads differ. Forecasts rest "
                "on the past of these alone, and intervals are too narrow for others."
            )
    yield Prose(f"Source: {provenance.source}. Command: {provenance.command}.")
    for line in provenance.listed():
        yield Prose(line)
    for coder in learned.coders:
        n = len(learned.features) + 1
        rows = [
            (
                name,
                f"{coder.mean[place]:+.3f}",
                f"{coder.covariance[place][place] ** 0.5:.3f}",
                f"{coder.mean[n + place]:+.3f}",
            )
            for place, name in enumerate(("intercept", *learned.features))
        ]
        heads = "Feature", right("effect"), right("error"), right("military")
        yield plain_table(heads, rows, f"Coefficients learned from {coder.coder}")
    yield Prose(
        "Effect: change of the log hazard, against the dyad's own gamma-Poisson rate, for one standard "
        "deviation of the feature; its error takes dyads as units. Military: what is added for a target of "
        "military acts alone, beside one without any."
    )
    if out:
        yield Prose(f"Written to {out}. To use it, set model.panel in a config.")
