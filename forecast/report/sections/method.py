"""The method in plain words, and whether its sampler can be trusted."""

from __future__ import annotations

from forecast import wording
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.report.blocks import Block, Heading, Prose, Section
from forecast.report.model_families import describe_model
from forecast.report.run_records import RunRecords

_FORECAST = (
    "The forecast plays the relationship forward, day by day, thousands of times from every plausible "
    "setting of the model. A probability is the share of these futures in which the target happens before "
    "the day of the milestone. The 90% interval shows how far that share moves between plausible settings; "
    "it does not cover errors in the data or a world that changes its rules."
)
_NOT = (
    "The model does not know intentions, secret talks or plans. It sees what was made public and coded, and "
    "coding is denser in recent years. It says how often relationships like this one went wrong, not why "
    "they must. An act without precedent, or a shift of policy after the last event known, is outside it "
    "unless a scenario puts it in."
)


def method_section(run: RunRecords) -> Section:
    """What the model is, what it is not, and the checks of its sampler."""
    parts = (
        ("What the model is", describe_model(run.forecast.model)),
        ("From model to forecast", (_FORECAST,)),
        ("What the model is not", (_NOT,)),
        ("Can the sampler be trusted?", health_sentences(run.forecast, run.analysis)),
    )
    blocks: list[Block] = []
    for heading, paragraphs in parts:
        if paragraphs:  # a run of a family that this version does not know has none on its model
            blocks += [Heading(heading), *(Prose(paragraph) for paragraph in paragraphs)]
    return Section("method", "Method", tuple(blocks))


def health_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """How the posterior was sampled and what its checks say, in words."""
    worst, how = forecast.diagnostics, analysis.sampler
    draws = how.chains * how.draws
    again = f" after {wording.count(how.reruns, 'automatic rerun')}" if how.reruns else ""
    verdict = (
        f"All checks passed{again}."
        if forecast.converged
        else f"{wording.count(len(worst.failures), 'check').capitalize()} failed{again}: "
        "do not use the numbers."
    )
    return (
        f"{verdict} The posterior holds {draws:,} draws from {wording.count(how.chains, 'chain')}, after "
        f"{how.tune:,} tuning draws each, at a target acceptance of {how.target_accept:.2f} and seed "
        f"{how.seed}. Sampling took {wording.number(how.seconds, 0)} seconds.",
        f"Do the chains agree? The largest R-hat is {worst.rhat_max:.3f}; up to 1.010 passes.",
        f"Is the sample large enough? It is worth at least {wording.number(worst.ess_bulk_min, 0)} "
        f"independent draws for the centre and {wording.number(worst.ess_tail_min, 0)} for the tails "
        "of every quantity; from 400 passes.",
        f"Did the sampler explore fully? {_divergence_sentence(worst.divergences, draws)} The smallest "
        f"energy fraction (BFMI) is {worst.bfmi_min:.2f}; from 0.30 passes.",
        "These checks cover the milestone probabilities themselves, not only the parameters. Each draw was "
        f"played forward {wording.count(how.paths_per_draw, 'time')}.",
    )


def _divergence_sentence(divergences: int, draws: int) -> str:
    if divergences == 0:
        return "No draw diverged."
    share = 100 * divergences / draws
    return f"{wording.count(divergences, 'draw')} of {draws:,} diverged ({share:.2f}%; up to 0.10% passes)."
