"""Page 1 above its table: the bottom line, what it rests on, and warnings."""

from __future__ import annotations

from forecast import wording
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.report.blocks import Alert, Block, BottomLine, Prose, Section
from forecast.report.previous_run import change_line, change_sentences
from forecast.report.questions import headline_pair, stands_out
from forecast.report.run_records import RunRecords
from forecast.report.sections.track_record import track_sentence
from forecast.report.typeface import shorten
from forecast.wording.sensitivity import LABEL_WORDS
from forecast.wording.warnings import failure_sentence, warning_sentence


def front_section(run: RunRecords) -> Section:
    """Bottom line, foundations, warnings; a box above them when the fit did not converge."""
    forecast = run.forecast
    blocks: list[Block] = []
    if not forecast.converged:
        failures = tuple(map(failure_sentence, forecast.diagnostics.failures))
        blocks.append(
            Alert(
                text="This run did not converge: its numbers must not be used.",
                items=failures or ("The run is recorded as not converged.",),
            )
        )
    rests_on = [
        *change_sentences(forecast, run.previous),
        *foundations(forecast, run.analysis),
        track_sentence(forecast, run.track_record),
    ]
    warnings = (*run.notes, *map(warning_sentence, run.analysis.warnings))
    return Section(
        "front",
        None,
        (
            *blocks,
            bottom_line(run),
            *(Prose(sentence) for sentence in rests_on),
            *(Prose(warning, lead="Note:", tone="warning") for warning in warnings),
        ),
    )


def bottom_line(run: RunRecords) -> BottomLine:
    """Sentence, big number, interval, change, natural frequency and simple baseline of the headline."""
    target, milestone = headline_pair(run.forecast)
    probability, interval, baseline = milestone.probability, milestone.interval90, milestone.baseline
    gap = wording.shown_difference(probability, baseline.probability)
    place = "the same as" if wording.signed_points(gap, 0) == "0" else "above" if gap > 0 else "below"
    distance = "" if place == "the same as" else f"{wording.points(gap, 0)} "
    futures = wording.frequency(probability).replace("<", "fewer than ").replace(">", "more than ")
    return BottomLine(
        percent=wording.percent(probability),
        interval=f"90% interval {wording.interval_percent(interval)}",
        sentence=f"{target.label} {wording.predicate(probability, interval)} before "
        f"{wording.long_day(milestone.date)} ({shorten(milestone.label, 90)}).",
        change=change_line(run.forecast, run.previous),
        details=(
            f"In {futures} simulated futures it happens by then. The forecast is {distance}{place} the "
            f"{wording.percent(baseline.probability)} of the simple baseline ({baseline.name}).",
        ),
    )


def foundations(forecast: Forecast, analysis: Analysis) -> list[str]:
    """What the bottom line rests on: the data, what was and was not seen, the event that moved it most."""
    data = analysis.data
    checked = (
        ""
        if data.verified_share is None
        else f"; {wording.share(data.verified_share)} of them were checked against their source"
    )
    sentences = [
        f"It rests on {wording.count(data.rows_fitted, 'coded event')} from "
        f"{wording.long_day(data.first_date)} to {wording.long_day(data.last_date)}{checked}.",
        _seen_sentence(forecast),
    ]
    label = headline_pair(forecast)[1].rests_on
    if label:
        sentences.append(f"{LABEL_WORDS[label]} (see “How far the call rests on assumptions”).")
    if forecast.drivers:
        sentences.append(_largest_driver(forecast))
    return sentences


def _seen_sentence(forecast: Forecast) -> str:
    seen = [
        f"{shorten(target.label, 80)}, {wording.times(target.observed_before)}"
        for target in forecast.targets
        if target.observed_before
    ]
    unseen = tuple(shorten(target.label, 80) for target in forecast.targets if not target.observed_before)
    parts = []
    if seen:
        parts.append(f"Seen in the data: {'; '.join(seen)}.")
    if unseen:
        parts.append(
            f"Not seen in the data, so the figure reflects our assumptions: {wording.listing(unseen)}."
        )
    return " ".join(parts)


def _largest_driver(forecast: Forecast) -> str:
    largest = max(forecast.drivers, key=lambda driver: abs(driver.change))
    if not stands_out(largest.change, largest.mcse):
        return "No single past event moves the bottom line by more than its Monte Carlo error."
    direction = "lower" if largest.change > 0 else "higher"
    summary = shorten(largest.summary.rstrip("."), 130)
    return (
        f"The past event that moves it most is of {wording.long_day(largest.date)} (“{summary}”). "
        f"Without it the number would be {wording.points(largest.change)} {direction}."
    )
