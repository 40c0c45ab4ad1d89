"""``forecast sensitivity``: how far a call rests on assumptions, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from forecast import wording
from forecast.cli.options import RUN_DIR, Output, check_figure, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, line, right, text
from forecast.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from forecast.records.analysis import Analysis, NumberSensitivity, Robustness, ShiftEnd
    from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast

_MOST_BARS = 14
_MOST_CROSSINGS = 6


@takes_options
def sensitivity(
    run_dir: Path = RUN_DIR,
    target: str | None = option(None, "--target", "Target; the headline's when absent.", "NAME"),
    milestone: str | None = option(None, "--milestone", "Milestone; the headline's when absent.", "NAME"),
    threshold: str | None = option(
        None, "--threshold", "Also tell what takes the chance across P, e.g. 0.6 or 60%.", "P"
    ),
    all_targets: bool = option(False, "--all", "Break-evens of every target, not of one."),
    plot: Path | None = option(None, "--plot", "Draw the tornado chart (.svg, .png, .pdf).", "FILE"),
    *,
    output: Output,
) -> None:
    """Say what each probability rests on, what each assumption does to one, and what would change the words.

    Nothing is fitted: the draws of the run are reweighted, and where they cannot tell, it says so.
    """
    check_figure(plot, "--plot")
    bound = _share(threshold)

    from forecast.records.analysis import Analysis
    from forecast.records.forecast import Forecast
    from forecast.runs.folder import read_record, refuse_changed_files

    refuse_changed_files(run_dir, advice="")
    forecast = read_record(run_dir / "forecast.json", Forecast)
    analysis = read_record(run_dir / "analysis.json", Analysis)
    asked_target = _known(target, [one.name for one in forecast.targets], "--target")
    names = [one.name for one in forecast.targets[0].milestones]
    asked_milestone = _known(milestone, names, "--milestone")
    found = _robustness(run_dir, forecast, analysis, asked_target, asked_milestone, bound, all_targets)
    if plot:
        from forecast.report.drawing import write_figure
        from forecast.report.sections.assumptions import draw_tornado

        write_figure(draw_tornado(forecast, found), plot)
    drawn = (BLANK, line(f"Figure   {plot}")) if plot else ()
    output.print(found.model_dump_json(), chain(_findings(forecast, found), drawn))


def _robustness(
    run_dir: Path,
    forecast: Forecast,
    analysis: Analysis,
    target: str | None,
    milestone: str | None,
    threshold: float | None,
    all_targets: bool,
) -> Robustness:
    """What the run measured itself, if that is what is asked; else it is measured now."""
    kept, headline = analysis.robustness, forecast.headline
    if (
        kept is not None
        and not all_targets
        and (kept.target, kept.milestone) == (target or headline.target, milestone or headline.milestone)
        and threshold in (None, kept.threshold)
    ):
        return kept

    from forecast.scenarios import read_run
    from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness

    base = read_run(run_dir)
    options = RobustnessOptions(
        target=target,
        milestone=milestone,
        threshold=base.inputs.config.headline.threshold if threshold is None else threshold,
        all_targets=all_targets,
    )
    return measure_robustness(base, options, kept.sensitivities if kept else None)


def _share(stated: str | None) -> float | None:
    if stated is None:
        return None
    percent = stated.strip().endswith("%")
    try:
        value = float(stated.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = float("nan")
    if not 0.0 < value < 1.0:
        allowed = "a probability between 0 and 1, as 0.6 or 60%"
        raise InputError(f"--threshold: got '{stated}'; expected {allowed}")
    return value


def _known(name: str | None, names: list[str], option: str) -> str | None:
    if name is None or name in names:
        return name
    raise InputError(
        f"{option}: the run has no '{name}'.{did_you_mean(name, tuple(names))} It has: {', '.join(names)}"
    )


def _findings(forecast: Forecast, found: Robustness) -> Iterator[Part]:
    """Yield labels, effects of assumptions and break-evens."""
    from forecast.wording.sensitivity import note_sentence

    if not forecast.converged:
        yield text("DID NOT CONVERGE – do not use these numbers.", "bold")
        yield BLANK
    yield from _labels(forecast, found.sensitivities)
    yield BLANK
    yield from _tornado(forecast, found)
    yield BLANK
    yield from _break_evens(forecast, found)
    for note in found.notes:
        yield BLANK
        yield text(note_sentence(note, forecast))


def _labels(forecast: Forecast, sensitivities: Sequence[NumberSensitivity]) -> Iterator[Part]:
    from forecast.wording.sensitivity import (
        REASON_WORDS,
        SENSITIVE,
        assumptions_pull,
        group_label,
        odds_text,
        strength,
    )

    pulls = right("Priors", 6), right("odds", 13), right("Data", 5), right("odds", 13)
    columns = right("Before", 11), right("Chance", 6), left("Rests on", 12), *pulls
    yield text("What each number rests on", "bold")
    yield Table(columns, ())
    for target in forecast.targets:
        yield text(target.label, "bold")
        known = {one.milestone: one for one in sensitivities if one.target == target.name}
        rows = (
            (
                wording.short_day(milestone.date),
                wording.percent(milestone.probability),
                one.rests_on,
                wording.number(assumptions_pull(one)),
                odds_text(one.priors, milestone.probability),
                wording.number(strength(one.data)),
                odds_text(one.data, milestone.probability),
            )
            for milestone in target.milestones
            if (one := known.get(milestone.name))
        )
        yield Table(columns, rows, heads=False)
        for reason, one in {one.reason: one for one in known.values()}.items():
            why = f"{REASON_WORDS[reason]} (strongest: {group_label(one.groups[0].name)})"
            yield text(f"{one.rests_on}: {why}.", "dim", indent=2)
    yield text(
        f"Priors, data: how far the log odds move with twice their weight, 0 to 1; from {SENSITIVE:g} it "
        "counts, "
        "and the larger decides. Odds: what twice the weight would multiply the odds by, ± Monte Carlo "
        "error.",
        "dim",
    )


def _tornado(forecast: Forecast, found: Robustness) -> Iterator[Part]:
    from forecast.wording.sensitivity import assumed_text, assumption_label, titles_of

    target = forecast.target(found.target)
    milestone = next(one for one in target.milestones if one.name == found.milestone)
    yield text(f"What each assumption does to {_question(target, milestone)}", "bold")
    columns = left("Assumption (now)", 40), right("one step down", 17), right("one step up", 17)
    shown, titles = found.tornado[:_MOST_BARS], titles_of(forecast)
    rows: list[Sequence[str]] = []
    for bar in shown:
        rows.append((assumption_label(bar.name, bar.act, titles), _end(bar.lower), _end(bar.upper)))
        now, low, high = map(assumed_text, (bar.now, bar.lower.assumed, bar.upper.assumed))
        rows.append((f"  {now}", low, high))
    yield Table(columns, rows, ("", "dim") * len(shown))
    hidden = len(found.tornado) - len(shown)
    more = f" {hidden} more with smaller effects: --json." if hidden else ""
    yield text(
        "Change in points ± Monte Carlo error. A step moves the middle of the prior to its 16% or 84% "
        f"quantile; a scheduled event surely fails to happen, or surely happens.{more}",
        "dim",
    )


def _break_evens(forecast: Forecast, found: Robustness) -> Iterator[Part]:
    from forecast.wording.sensitivity import break_even_sentence, crossing_first, rest_sentence, titles_of

    yield text("What would change the words", "bold")
    for target in forecast.targets:
        mine = [one for one in found.break_evens if one.target == target.name]
        for milestone in target.milestones if mine else ():
            here = [one for one in mine if one.milestone == milestone.name]
            crossing = crossing_first(here, target.name, milestone.name)
            yield text(_question(target, milestone), "bold", indent=2)
            for one in crossing[:_MOST_CROSSINGS]:
                yield text(f"– {break_even_sentence(one, titles_of(forecast))}", indent=4, hang=6)
            yield text(rest_sentence(here, min(len(crossing), _MOST_CROSSINGS)), "dim", indent=4)


def _question(target: TargetForecast, milestone: MilestoneForecast) -> str:
    chance = wording.percent(milestone.probability)
    return f"{target.label} before {wording.long_day(milestone.date)} ({chance})"


def _end(end: ShiftEnd) -> str:
    from forecast.wording.sensitivity import change_with_error

    if end.change is None or end.mcse is None:
        return "needs a refit"
    return change_with_error(end.change, end.mcse)
