"""``forecast priors``: what a forecast believes before its events, and what the data made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forecast.cli.options import Answer, ConfigOptions, option, takes_options
from forecast.errors import InputError, PriorError, did_you_mean

if TYPE_CHECKING:
    from forecast.records.analysis import ParameterSummary


@takes_options
def priors(
    case: ConfigOptions,
    explain: str | None = option(
        None, "--explain", "One prior in full: meaning, unit, words, reason.", "NAME"
    ),
    run: Path | None = option(
        None, "--run", "With --explain: a saved run, to show what the data made of it.", "RUN_DIR"
    ),
    *,
    answer: Answer,
) -> None:
    """List every prior: name, meaning, unit, words, value, 90% interval, and where it came from."""
    from forecast.runs.inputs import read_data

    if run and not explain:
        raise InputError("--run: shows what the data made of one prior; name it with --explain NAME")
    inputs = read_data(case.load())
    known = inputs.priors.priors
    chosen = list(known.values())
    if explain:
        names = (*known, *(prior.group.name for prior in chosen))
        chosen = [prior for prior in chosen if explain in (prior.name, prior.group.name)]
        if not chosen:
            raise PriorError(
                f"{explain}: unknown prior.{did_you_mean(explain, names)} 'forecast priors' lists them all."
            )
    after: dict[str, ParameterSummary] = {}
    if run:
        from forecast.records.analysis import Analysis
        from forecast.runs.files import read_record, refuse_changed_files

        refuse_changed_files(run, advice="")
        after = {learned.name: learned for learned in read_record(run / "analysis.json", Analysis).parameters}
    from forecast.report.case_check import explain_prior, list_priors, prior_facts

    known_after = [(prior, inputs, after.get(prior.name)) for prior in chosen]
    facts = {"priors": [prior_facts(*given) for given in known_after] if answer.json else []}
    explained = (explain_prior(*given) for given in known_after)
    answer.print(facts, explained if explain else list_priors(chosen, inputs))
