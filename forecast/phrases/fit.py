"""How the posterior was fitted, what its checks found, and how the model works in short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.wording import count, number

_FORECAST = (
    "Under each plausible setting the chance is computed day by day; only tension and drift are drawn ahead. "
    "The probability is the mean over settings."
)


_SHORT = (
    "The model assumes that acts come by themselves or answer an act of the days before. How many come by "
    "themselves depends on the pair's own record, on how tense the relationship is (inferred from all acts, "
    "lasting months), on recent cooperation, and on a level of conflict that drifts over years. How many "
    "answer depends on who acted and how gravely.",
    "An event that never happened takes its rate from milder acts and from how often others went further.",
)


_MORE = "Equations are in docs/model.md, priors in docs/priors.md, all scores and hashes in report.html."


_INTERVAL = (
    "The plausible range (a 90% interval) shows how far the probability moves between plausible settings{}; "
    "it does not cover errors in the data or a world that changes its rules."
)


def health_sentence(forecast: Forecast, analysis: Analysis) -> str:
    """Whether the fit passed its checks."""
    how, failures = analysis.sampler, len(forecast.diagnostics.failures)
    again = f" after {count(how.reruns, 'automatic rerun')}" if how.reruns else ""
    failed = f"{count(failures, 'check').capitalize()} of the fit failed{again}: do not use the numbers."
    return f"The fit passed all its checks{again}." if forecast.converged else failed


def check_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """What each check of the sampler found, with its limit."""
    worst, how = forecast.diagnostics, analysis.sampler
    draws, diverged = how.chains * how.draws, "No draw diverged."
    if worst.divergences:
        part = f"{100 * worst.divergences / draws:.2f}%; up to 0.10% passes"
        diverged = f"{count(worst.divergences, 'draw')} of {draws:,} diverged ({part})."
    return (
        health_sentence(forecast, analysis),
        f"{count(how.chains, 'chain')}, {how.tune:,} tuning draws each, target acceptance "
        f"{how.target_accept:.2f}, seed {how.seed}.",
        f"Do the chains agree? The largest R-hat is {worst.rhat_max:.3f}; up to 1.010 passes, and "
        "above it what noise alone explains.",
        f"Is the sample large enough? It is worth at least {number(worst.ess_bulk_min, 0)} independent draws "
        f"for the centre and {number(worst.ess_tail_min, 0)} for the tails of every quantity; from 400 "
        "passes.",
        f"{diverged} The smallest energy fraction (BFMI) is {worst.bfmi_min:.2f}; from 0.30 passes.",
        "These checks cover the milestone probabilities themselves, not only the parameters.",
    )


def method_paragraphs(forecast: Forecast, analysis: Analysis, model: Sequence[str]) -> Iterator[str]:
    """Yield what the forecast is, its range, whether the fit is sound, and where to read more."""
    several = " and members" if len(forecast.members) > 1 else ""
    yield " ".join((*model[:1], *_SHORT))
    yield f"{_FORECAST} {_INTERVAL.format(several)} {health_sentence(forecast, analysis)} {_MORE}"


_ABOUT = {
    "model": "The forecast is that of one model of all kinds of acts.",
    "pooled_hazard": "The forecast is that of a hazard learned on other pairs of countries.",
    "combined": (
        "The forecast is the equal-weight mean of a model of all kinds of acts and a hazard learned on other "
        "pairs of countries."
    ),
}
_POOLED_HAZARD = (
    "The pooled hazard starts from how often a target came to this pair, recent cases first (its "
    "gamma–Poisson rate). Other pairs of countries teach how far to depart from it: by what came "
    "lately, beside what is usual for this pair, and by how long ago the last case was. The fewer "
    "cases a target has, the less it departs; one that never happened keeps its own rate."
)
_MODEL = (
    "Public acts between the two sides are coded by day, side, kind and severity. The targets cut them into "
    "cells of acts that meet the same targets; acts that meet none are told apart by kind and side. The "
    "model assumes that acts come in two ways. Some come by themselves, at the rate of the record, moved by "
    "how tense the relationship is, by recent cooperation, and by how the level of conflict has moved over "
    "the years. Others answer an act of the days before.",
    "Both sides answer acts of conflict: the other side, and the side that acted with a further act. Half of "
    "the answers come within a few days. Graver acts are answered more often, and by graver acts. Part of "
    "the answers are of the same kind as the act. Their number is kept below the point at which one act "
    "would set off an endless chain. A reaction that the config names has answers of its own. Cooperation "
    "leads to further cooperation of its kind.",
    "Tension is not observed. It is inferred from all kinds of acts at once as a wave that lasts months; its "
    "unit is its own standard deviation. Calm, strained and crisis are readings of this wave by fixed "
    "thresholds, not states of the model. Beneath it the level of conflict drifts over years, as when a war "
    "ends, and a forecast starts from where this level stands.",
    "A target that never happened takes its rate from the next milder kind of act and from how often acts go "
    "one step further in other pairs of countries, lowered by its own silence.",
)


def describe_method(family: str) -> tuple[str, ...]:
    """What the forecast is, then its members; empty for a family that this version does not know."""
    if family not in _ABOUT:
        return ()
    return (_ABOUT[family], *(() if family == "model" else (_POOLED_HAZARD,)), *_MODEL)
