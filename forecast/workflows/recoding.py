"""Errors of coding in the forecast: records as they may truly be, each fitted, and what they do to it.

Multiple imputation: the forecast is the mean over records drawn from what an audit found, and its interval
holds what differs between them (Rubin 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forecast.events.audit import drawn_records
from forecast.families.mixing import Recoded
from forecast.records.cautions import CodingErrorsFound
from forecast.records.explained import AsCoded, CodingErrors
from forecast.records.forecast import TargetForecast
from forecast.runs.inputs import Inputs, inputs_of
from forecast.runs.mixture import Mixture
from forecast.runs.run import stage_seeds
from forecast.runs.summaries import target_forecasts

RECORDS = 5
"""Records that are drawn and fitted; a finite number makes the interval wider, never narrower."""


def possible_records(inputs: Inputs) -> list[Inputs]:
    """Return what a run would read of each drawn record; none without an audit that found errors."""
    if inputs.audit is None:
        return []
    seed = stage_seeds(inputs.config).records
    drawn = drawn_records(inputs.events, inputs.audit, inputs.scale.anchors, RECORDS, seed)
    # What was observed begins on the same day, whichever of the first rows are in error.
    observed = inputs.config.events.model_copy(update={"start": inputs.data.grid.start})
    config = inputs.config.model_copy(update={"events": observed})
    return [replace(inputs_of(config, one), audit=None) for one in drawn]


def with_coding_errors(mixture: Mixture, records: Sequence[Mixture]) -> Mixture:
    """Return the forecast with what the records do to it; as it was where there are none."""
    if not records:
        return mixture
    recoded = {
        rule.name: Recoded.of(
            mixture.as_coded(rule.name, mixture.answers.get(rule.name)),
            [one.as_coded(rule.name, one.answers.get(rule.name)) for one in records],
            mixture.least,
        )
        for rule in mixture.inputs.rules
    }
    return replace(mixture, recoded=recoded)


def coding_errors(mixture: Mixture) -> CodingErrors | None:
    """Return what an audit found, and the forecast without it; ``None`` where it changed nothing."""
    audit = mixture.inputs.audit
    if audit is None or not mixture.recoded:
        return None
    plain = target_forecasts(replace(mixture, recoded={}))
    return CodingErrors(
        audited=len(audit.judged),
        wrong=sum(one.verdict != "true" for one in audit.judged),
        rate=audit.overall.rate,
        interval90=audit.overall.interval90,
        records=RECORDS,
        as_coded=tuple(
            AsCoded(
                target=target.name, milestone=one.name, probability=one.probability, interval90=one.interval90
            )
            for target in plain
            for one in target.milestones
        ),
    )


def coding_caution(
    found: CodingErrors | None, targets: Sequence[TargetForecast], target: str, milestone: str
) -> tuple[CodingErrorsFound, ...]:
    """Return the caution that tells the widening of the headline; nothing without errors."""
    if found is None:
        return ()
    (before,) = (one for one in found.as_coded if (one.target, one.milestone) == (target, milestone))
    (asked,) = (one for one in targets if one.name == target)
    (now,) = (one for one in asked.milestones if one.name == milestone)
    return (
        CodingErrorsFound(
            audited=found.audited,
            wrong=found.wrong,
            as_coded=before.probability,
            as_coded_interval90=before.interval90,
            probability=now.probability,
            interval90=now.interval90,
        ),
    )
