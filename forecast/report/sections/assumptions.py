"""What the number rests on: assumptions that move it, what would change its word; the figure of priors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from forecast import wording
from forecast.blocks import Block, Bullets, Chart, Prose, Section
from forecast.events.codebook import CATEGORIES
from forecast.records.analysis import AssumptionEffect, Robustness, ShiftEnd
from forecast.records.forecast import Forecast, MilestoneForecast, RestsOn
from forecast.report.answers import PULLS, labels_table
from forecast.report.assumption_words import (
    LABEL_WORDS,
    REASON_WORDS,
    Titles,
    assumed_text,
    assumption_label,
    bar_title,
    break_even_sentence,
    crossing_first,
    note_sentence,
    rest_sentence,
    titles_of,
)
from forecast.report.drawing import (
    blank_figure,
    fix_ticks,
    list_rows,
    note,
    one_line,
    points_axis,
    report_style,
    whiskers,
    wrap_label,
)
from forecast.report.judgement import headline_pair, named
from forecast.report.palette import ACCENT, INK, MUTED, RULE, category_colour, name_category, target_colour
from forecast.report.run_records import RunRecords

if TYPE_CHECKING:
    from forecast.priors import NamedPrior
    from forecast.runs.summaries import PriorPredictive

MOST_BARS = 12
_DOWN = "#8FB3D4"
"""Lighter than the accent, so that both ends differ without colour too."""
MOST_PRINTED = 8
_MOST_CROSSINGS = 3
TITLE = "What the number rests on"
LABEL_VERBS: dict[RestsOn, str] = {
    "data-driven": "rest on data",
    "prior-driven": "rest on assumptions",
    "conflict": "are a compromise of the two",
    "unclear": "cannot be told",
}
_LABEL_SIGNS = 44
_COLUMNS = 2
_ROW_INCHES = 1.45
_TAIL = 0.005
"""Share of a prior beyond each end of the drawn range."""
_OF_THE_MODEL = (
    "Pulls, odds and bars are of the forecast. Priors and data move the model in it; the pooled hazard is "
    "held, and its own assumptions were not tested."
)


def assumptions_section(run: RunRecords) -> Section:
    """What the headline rests on, the assumptions that move it most, and what would change its word."""
    forecast, found = run.forecast, run.analysis.robustness
    if found is None or not found.sensitivities:
        unknown = Prose("What the number rests on was not measured in this run: see “forecast sensitivity”.")
        return Section("assumptions", TITLE, (unknown,))
    target, milestone = headline_pair(forecast)
    blocks: list[Block] = [
        Prose(f"{LABEL_WORDS[one.rests_on]}: {REASON_WORDS[one.reason]}. {_all_questions(found)}")
        for one in found.sensitivities
        if (one.target, one.milestone) == (target.name, milestone.name)
    ]
    if shown_bars(found):
        chart = Chart(
            name="assumptions",
            headline=_headline(forecast, found),
            alt=_describe(forecast, found),
            caption="Change of the chance, in points, when the middle of an assumption moves one step down "
            "(light) or up (dark), to its 16% or 84% quantile; a scheduled event surely fails to happen, or "
            "surely happens. Whiskers: Monte Carlo error. In brackets: as assumed now.",
            draw=lambda: draw_tornado(forecast, found, MOST_PRINTED),
        )
        blocks.append(chart)
    blocks += _break_evens(forecast, found, (milestone,)) if found.break_evens else []
    return Section("assumptions", TITLE, tuple(blocks))


def labels_section(run: RunRecords) -> Section | None:
    """For the page alone: what every number rests on, and what would change the word of each milestone."""
    forecast, found = run.forecast, run.analysis.robustness
    if found is None or not found.sensitivities:
        return None
    blocks: list[Block] = [
        labels_table(forecast, found.sensitivities, colour=target_colour),
        Prose(PULLS, tone="fine"),
        *([Prose(_OF_THE_MODEL, tone="fine")] if len(forecast.members) > 1 else []),
    ]
    others = forecast.target(found.target).milestones
    blocks += _break_evens(forecast, found, others) if found.break_evens else []
    blocks += [Prose(note_sentence(note, forecast), tone="fine") for note in found.notes]
    return Section("labels", "What every number rests on", tuple(blocks), printed=False)


def _all_questions(found: Robustness) -> str:
    """How many of all numbers rest on what."""
    counts = Counter(one.rests_on for one in found.sensitivities)
    said = [f"{counts[label]} {words}" for label, words in LABEL_VERBS.items() if counts[label]]
    numbers = wording.count(len(found.sensitivities), "chance")
    return f"Of {numbers} in this report, {wording.listing(tuple(said))}."


def _headline(forecast: Forecast, found: Robustness) -> str:
    """Name the assumption that moves the headline most."""
    first = shown_bars(found)[0]
    ends = [abs(end.change) for end in (first.lower, first.upper) if end.change is not None]
    label = assumption_label(first.name, first.act, titles_of(forecast))
    most = wording.points(max(ends), 0)
    return f"The assumption that moves it most is “{label}”: by up to {most} a step"


def _describe(forecast: Forecast, found: Robustness) -> str:
    def end(one: ShiftEnd) -> str:
        change = "needs a refit" if one.change is None else wording.signed_points(one.change)
        return f"{assumed_text(one.assumed)}: {change}"

    titles = titles_of(forecast)
    bars = "; ".join(
        f"{bar_title(bar, titles)}: {end(bar.lower)}, {end(bar.upper)}"
        for bar in shown_bars(found)[:MOST_PRINTED]
    )
    return f"Bar chart of the change of the headline chance, in percentage points, by assumption. {bars}."


def _break_evens(
    forecast: Forecast, found: Robustness, milestones: Sequence[MilestoneForecast]
) -> Iterator[Block]:
    """What alone would change the word for the chance before each of these milestones."""
    target = forecast.target(found.target)
    for milestone in milestones:
        here = [
            one for one in found.break_evens if (one.target, one.milestone) == (target.name, milestone.name)
        ]
        if not here:
            continue
        crossing = crossing_first(here, target.name, milestone.name)[:_MOST_CROSSINGS]
        now = wording.percent(milestone.probability)
        rest = rest_sentence(here, len(crossing))
        lead = f"What would change the word for {now} before {wording.long_day(milestone.date)}."
        if not crossing:
            yield Prose(rest, lead=lead)
            continue
        yield Prose("Each of these alone would:", lead=lead)
        said = [break_even_sentence(one, titles_of(forecast)) for one in crossing]
        yield Bullets((*said, *([rest] if rest else [])))


def shown_bars(robustness: Robustness) -> tuple[AssumptionEffect, ...]:
    """Bars that have something to show, the widest first."""
    known = [bar for bar in robustness.tornado if (bar.lower.change, bar.upper.change) != (None, None)]
    return tuple(known[:MOST_BARS])


def _row_label(bar: AssumptionEffect, titles: Titles) -> str:
    """Assumption with what the run assumes, which stays whole where the name is cut."""
    now = f" ({assumed_text(bar.now)})"
    name = one_line(assumption_label(bar.name, bar.act, titles), 2 * _LABEL_SIGNS - len(now))
    return wrap_label(f"{name}{now}", _LABEL_SIGNS)


def draw_tornado(forecast: Forecast, robustness: Robustness, most: int = MOST_BARS) -> Figure:
    """Draw one bar an assumption: the change of the probability for a step down and a step up, in points.

    Whiskers show ± one Monte Carlo standard error; each end is labelled with what is assumed there.
    """
    bars = shown_bars(robustness)[:most]
    target = forecast.target(robustness.target)
    milestone = named(target.milestones, robustness.milestone)
    with report_style():
        figure = blank_figure(0.6 + 0.31 * max(len(bars), 1))
        axes = figure.add_subplot()
        places = list_rows(axes, [_row_label(bar, titles_of(forecast)) for bar in bars])
        for place, bar in zip(places, bars, strict=True):
            for end, colour, other in ((bar.lower, _DOWN, bar.upper), (bar.upper, ACCENT, bar.lower)):
                if end.change is None:
                    continue
                change = 100 * end.change
                axes.barh(place, change, height=0.55, color=colour, gid=f"bar:{bar.name}")
                error = 100 * (end.mcse or 0.0)
                whiskers(axes, change, place, error)
                same_side = other.change is not None and other.change * end.change > 0
                smaller = same_side and abs(other.change or 0.0) > abs(end.change)
                outward = (-1 if end.change < 0 else 1) * (-1 if smaller else 1)
                origin = 0.0 if smaller else change + outward * error
                text, ha = assumed_text(end.assumed), "left" if outward > 0 else "right"
                note(axes, text, (origin, place), (4 * outward, 0), ha=ha, colour=MUTED)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        ends = [end for bar in bars for end in (bar.lower, bar.upper) if end.change]
        reach = max((100 * (abs(end.change or 0) + (end.mcse or 0)) for end in ends), default=1.0)
        axes.set_xlim(-1.45 * reach, 1.45 * reach)
        points_axis(
            axes,
            f"Change of {wording.percent(milestone.probability)} in points (light: step down, dark: step up)",
        )
    return figure


def draw_priors(changed: Sequence[NamedPrior], implied: PriorPredictive, titles: Mapping[str, str]) -> Figure:
    """Draw one density a changed prior (default grey, set coloured), and simulated years below.

    ``changed`` are the priors that differ from their default; none leaves the simulated years alone.
    ``titles`` gives kinds of act and targets their names for readers.
    """
    n_rows = -(-len(changed) // _COLUMNS)
    kinds = len(implied.acts_a_month)
    below = 0.75 + 0.19 * max(kinds, len(implied.target_within_year) + 1)
    with report_style():
        figure = blank_figure(_ROW_INCHES * n_rows + below)
        grid = figure.add_gridspec(n_rows + 1, _COLUMNS, height_ratios=[*([_ROW_INCHES] * n_rows), below])
        for place, prior in enumerate(changed):
            _draw_density(figure.add_subplot(grid[place // _COLUMNS, place % _COLUMNS]), prior)
        _draw_acts(figure.add_subplot(grid[n_rows, 0]), implied, titles)
        _draw_targets(figure.add_subplot(grid[n_rows, 1]), implied, titles)
    return figure


def _draw_density(axes: Axes, prior: NamedPrior) -> None:
    ends = np.array([one.quantile([_TAIL, 1 - _TAIL]) for one in (prior.default, prior.distribution)])
    points = np.linspace(ends[:, 0].min(), ends[:, 1].max(), 400)
    before, after = (np.exp(one.log_density(points)) for one in (prior.default, prior.distribution))
    axes.fill_between(points, before, color=RULE, linewidth=0, gid=f"default:{prior.name}")
    axes.plot(points, after, color=ACCENT, linewidth=1.6, gid=f"set:{prior.name}")
    axes.set_title(
        f"{prior.name}\n{wrap_label(prior.reading, 46)}", loc="left", fontsize=8.5, color=INK, linespacing=1.3
    )
    # A density without bound at an end of the range would flatten the other curve.
    finite = np.concatenate([before, after])
    axes.set_ylim(0, 1.08 * min(finite.max(), 6 * np.quantile(finite, 0.9) + 1e-300))
    axes.set_xlim(points[0], points[-1])
    axes.yaxis.set_major_locator(FixedLocator([]))
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"{prior.group.unit} (grey: default, line: as set)")


def _draw_acts(axes: Axes, implied: PriorPredictive, titles: Mapping[str, str]) -> None:
    names = list(implied.acts_a_month)
    kinds = [
        name_category(name) if name in CATEGORIES else wrap_label(titles.get(name, "All kinds"), 24)
        for name in names
    ]
    places = list_rows(axes, kinds)
    for place, name in zip(places, names, strict=True):
        low, middle, high = (max(value, 0.01) for value in implied.acts_a_month[name])
        colour = category_colour(name) if name in CATEGORIES else MUTED
        axes.plot([low, high], [place, place], color=colour, linewidth=3.4, alpha=0.45, gid=f"span:{name}")
        axes.plot([middle], [place], "|", color=colour, markersize=8, markeredgewidth=1.6)
        axes.plot([max(implied.observed_a_month[name], 0.01)], [place], "o", color=INK, markersize=3)
    axes.set_xscale("log")
    fix_ticks(axes.xaxis, [0.01, 0.1, 1, 10, 100, 1000], ["≤0.01", "0.1", "1", "10", "100", "1,000"])
    axes.minorticks_off()
    axes.set_title("Acts a month, by the priors alone", loc="left", color=INK)
    axes.set_xlabel("Bar: 90% of simulated years; tick: median; dot: the data")


def _draw_targets(axes: Axes, implied: PriorPredictive, titles: Mapping[str, str]) -> None:
    names = list(implied.target_within_year)
    places = list_rows(axes, [wrap_label(titles[name], 24) for name in names], least=3)
    values = [implied.target_within_year[name] for name in names]
    errors = [implied.mcse[name] for name in names]
    axes.barh(places, values, height=0.55, color=ACCENT, alpha=0.75)
    whiskers(axes, values, places, errors)
    for place, value, error in zip(places, values, errors, strict=True):
        note(axes, wording.percent(value), (value + error, place), (4, 0))
    axes.set_xlim(0, 1.14)
    fix_ticks(axes.xaxis, [0, 0.5, 1], ["0%", "50%", "100%"])
    axes.set_title("Target within a year, by the priors alone", loc="left", color=INK)
    axes.set_xlabel("Whiskers: Monte Carlo error")
