"""The method in half a page; in full, with the checks of its sampler and every parameter, for the page."""

from __future__ import annotations

from itertools import groupby

from forecast import wording
from forecast.blocks import (
    Block,
    Cell,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    one_group,
)
from forecast.panel import TargetRule, stream_layout
from forecast.records.analysis import Analysis, ParameterSummary
from forecast.records.forecast import Forecast
from forecast.report.assumption_words import group_of
from forecast.report.judgement import learned_paragraphs, members_sentence
from forecast.report.palette import describe_model
from forecast.report.run_records import RunRecords

_CALMING = {"visit": "visits", "channel_opening": "channels that open", "cooperation": "cooperative acts"}
_FINDINGS = {
    # Parameter: what a positive value means, what a negative one means, and the question it answers.
    f"ballast.{kind}": (
        f"after {name} conflictual acts come less often",
        f"after {name} conflictual acts come more often",
        f"whether {name} calm",
    )
    for kind, name in _CALMING.items()
}
UNMOVED_SHIFT, UNMOVED_WIDTH = 0.25, 0.9
"""Of a posterior that the data left as it was: largest move of its mean, in half-widths of the prior, and
least width, in widths of the prior."""
_FORECAST = (
    "The model plays the relationship forward, week by week, thousands of times from every plausible "
    "setting. Its probability is the share of these futures in which the target happens before the day of "
    "the milestone."
)
_SHORT = (
    "The model assumes that the rate of each kind of act depends on the pair's own record, on how tense "
    "the relationship is (inferred from all acts, lasting months), on what has just happened (acts bring "
    "about further acts, graver ones more), on recent cooperation, and on a level of conflict that drifts "
    "over years.",
    "An event that never happened takes its rate from milder acts and from how often others went further.",
)
_MORE = (
    "The equations are in docs/model.md, every prior in docs/priors.md, and how to read this report in "
    "docs/report.md, all in the manual of the program. Priors, parameters, scores, events and hashes are in "
    "report.html; the tables are attached to this file as CSV."
)
_MOVED = (
    "Members that know no scheduled events are moved by what these do to the odds in the model's futures; an "
    "event that meets a target itself counts with its own probability."
)
_INTERVAL = (
    "The plausible range (a 90% interval) shows how far the probability moves between plausible settings{}; "
    "it does not cover errors in the data or a world that changes its rules."
)
_NOT = (
    "The model does not know intentions, secret talks or plans. It sees what was made public and coded, and "
    "coding may be denser in some years than in others. It estimates how often such acts follow, not why. "
    "An act without precedent, or a shift of policy after the last event known, is outside it "
    "unless a scenario puts it in."
)


def method_section(run: RunRecords) -> Section:
    """The method in half a page: what the forecast is, its range, its checks, and where to read more."""
    several = len(run.forecast.members) > 1
    paragraphs = (
        " ".join((*describe_model(run.forecast.model)[:1], *_SHORT)),
        f"{_FORECAST} {_INTERVAL.format(' and members' if several else '')}",
        " ".join(health_sentences(run.forecast, run.analysis)),
        _MORE,
    )
    return Section("method", "Method", tuple(Prose(one) for one in paragraphs))


def methods_section(run: RunRecords) -> Section:
    """For the page alone: the model in full, what the data say of it, what was learned, every check."""
    several = len(run.forecast.members) > 1
    parts = (
        ("What the model is", describe_model(run.forecast.model)),
        ("What the data say of it", tuple(parameter_sentences(run.analysis.parameters))),
        ("What was put together", (members_sentence(run.forecast.members), _MOVED) if several else ()),
        ("What was learned from other pairs", tuple(learned_paragraphs(run.analysis.learned))),
        ("What the model is not", (_NOT,)),
        (
            "Did the sampler explore fully?",
            (*check_sentences(run.forecast, run.analysis), *(one.sentence for one in run.analysis.warnings)),
        ),
    )
    blocks: list[Block] = []
    for heading, paragraphs in parts:
        if paragraphs:  # a run of a family that this version does not know has none on its model
            blocks += [Heading(heading), *(Prose(paragraph) for paragraph in paragraphs)]
    return Section("methods", "Method in full", tuple(blocks), printed=False)


def parameter_sentences(parameters: tuple[ParameterSummary, ...]) -> list[str]:
    """Say of each such parameter what the data show, with its interval, or that they are silent."""
    said = []
    silent: list[str] = []
    for name, (positive, negative, question) in _FINDINGS.items():
        found = next((one for one in parameters if one.name == name), None)
        if found is None:
            continue
        lower, upper = found.posterior_interval90
        interval = f"{wording.number(lower)} to {wording.number(upper)}"
        shown = f"{wording.number(found.posterior_mean)}, 90% interval {interval}"
        if lower > 0 or upper < 0:
            said.append(f"The data show that {positive if lower > 0 else negative} ({shown}).")
        elif _is_unmoved(found):
            silent.append(question)
        else:
            said.append(f"The data do not settle {question} ({shown}).")
    if silent:
        questions = f"{', '.join(silent[:-1])}{', or ' if len(silent) > 1 else ''}{silent[-1]}"
        said.append(f"The data are silent on {questions}: the model's answer is its prior.")
    return said


def _is_unmoved(one: ParameterSummary) -> bool:
    """Whether the posterior is the prior: the data added nothing."""
    low, high = one.prior_interval90
    lower, upper = one.posterior_interval90
    half = (high - low) / 2
    moved = abs(one.posterior_mean - one.prior_mean)
    return moved < UNMOVED_SHIFT * half and upper - lower > UNMOVED_WIDTH * (high - low)


def health_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """Whether the fit passed its checks, and how many draws stand behind it."""
    worst, how = forecast.diagnostics, analysis.sampler
    again = f" after {wording.count(how.reruns, 'automatic rerun')}" if how.reruns else ""
    checks = wording.count(len(worst.failures), "check").capitalize()
    failed = f"{checks} of the fit failed{again}: do not use the numbers."
    return (
        f"The fit passed all its checks{again}." if forecast.converged else failed,
        f"It rests on {how.chains * how.draws:,} posterior draws, each played forward "
        f"{wording.count(how.paths_per_draw, 'time')}.",
    )


def check_sentences(forecast: Forecast, analysis: Analysis) -> tuple[str, ...]:
    """What each check of the sampler found, with its limit."""
    worst, how = forecast.diagnostics, analysis.sampler
    draws = how.chains * how.draws
    return (
        *health_sentences(forecast, analysis),
        f"{wording.count(how.chains, 'chain')}, {how.tune:,} tuning draws each, target acceptance "
        f"{how.target_accept:.2f}, seed {how.seed}.",
        f"Do the chains agree? The largest R-hat is {worst.rhat_max:.3f}; up to 1.010 passes.",
        f"Is the sample large enough? It is worth at least {wording.number(worst.ess_bulk_min, 0)} "
        f"independent draws for the centre and {wording.number(worst.ess_tail_min, 0)} for the tails "
        "of every quantity; from 400 passes.",
        f"{_divergence_sentence(worst.divergences, draws)} The smallest energy fraction (BFMI) is "
        f"{worst.bfmi_min:.2f}; from 0.30 passes.",
        "These checks cover the milestone probabilities themselves, not only the parameters.",
    )


def _divergence_sentence(divergences: int, draws: int) -> str:
    if divergences == 0:
        return "No draw diverged."
    share = 100 * divergences / draws
    return f"{wording.count(divergences, 'draw')} of {draws:,} diverged ({share:.2f}%; up to 0.10% passes)."


_KINDS = (
    "The targets cut the acts into kinds that the model tells apart: acts that meet no target, by category, "
    "and acts that meet the same targets, named after the narrowest one and counted at most once a day."
)
_READING = (
    "Each parameter with its mean and 90% interval before (prior) and after (posterior) the data. A prior "
    "that the config sets is marked with a star."
)


def parameters_section(run: RunRecords) -> Section:
    """For the page alone: the kinds of act that the model counts, and every parameter before and after."""
    keyed = groupby(run.analysis.parameters, key=lambda one: (_group_name(one), one.meaning, one.unit))
    table = Table(
        name="parameters",
        title="Prior and posterior of every parameter",
        columns=(
            Column("Parameter", 30),
            Column("Prior"),
            Column("Mean", 11, "right"),
            Column("90% interval", 21),
            Column("After data", 11, "right"),
            Column("90% interval", 21),
            Column("R-hat", 9, "right"),
        ),
        groups=tuple(
            Group(label=meaning, note=f"({unit}) · {name}", rows=tuple(_cells(one, name) for one in members))
            for (name, meaning, unit), members in keyed
        ),
        lines=False,
    )
    blocks = (Prose(_KINDS), kinds_table(run), Prose(_READING), table)
    return Section("parameters", "What was assumed and what the data say", blocks, printed=False)


def kinds_table(run: RunRecords) -> Table:
    """Each kind of act that the model counts: which acts, how many were seen, and how many a year."""
    forecast, events = run.forecast, run.events.between(run.analysis.data.start, run.forecast.as_of)
    layout = stream_layout(
        [TargetRule(one.name, one.any_of, one.min_severity, one.by) for one in forecast.targets]
    )
    streams = layout.assign(events)
    years = ((forecast.as_of - run.analysis.data.start).days + 1) / 365.25
    rows = []
    for place, name in enumerate(layout.streams):
        days = events.date[streams == place]
        seen = len(days) if place < len(layout.ordinary) else len(set(days.tolist()))
        rows.append(
            (
                Cell(name.replace("_", " ")),
                Cell("; ".join(layout.acts_in_words(place))),
                Cell(f"{seen:,}", value=seen),
                Cell(wording.plain_number(seen / years), value=seen / years),
            )
        )
    return Table(
        name="kinds",
        title="What the model counts",
        columns=(
            Column("Kind", 40),
            Column("Acts"),
            Column("Seen", 14, "right"),
            Column("A year", 16, "right"),
        ),
        groups=one_group(rows),
        lines=False,
        whole=True,
    )


def _cells(one: ParameterSummary, group: str) -> tuple[Cell, ...]:
    element = one.name.removeprefix(group).lstrip(".")
    # Rates of rare acts would show as 0.00.
    figure = wording.plain_number if 0 < one.prior_interval90[1] < 0.1 else wording.number
    return (
        Cell(element.replace("_", " ") if element else "all"),
        Cell(one.prior + ("" if one.prior_origin == "default" else "*"), tone="fine"),
        Cell(figure(one.prior_mean)),
        Cell(" to ".join(map(figure, one.prior_interval90))),
        Cell(figure(one.posterior_mean), weight="semibold"),
        Cell(" to ".join(map(figure, one.posterior_interval90))),
        Cell(wording.number(one.rhat, 3), tone="fine"),
    )


def _group_name(one: ParameterSummary) -> str:
    # ``ballast.visit`` is the element 'visit' of the group 'ballast'.
    return group_of(one.name)[0] or one.name
