"""The method in plain words, and whether its sampler can be trusted."""

from __future__ import annotations

from forecast.report.blocks import Block, Heading, Prose, Section
from forecast.report.evidence import health_sentences
from forecast.report.method import method_sections
from forecast.report.run_records import RunRecords


def method_section(run: RunRecords) -> Section:
    """What the model is, what it is not, and the checks of its sampler."""
    blocks: list[Block] = []
    for heading, paragraphs in method_sections(
        run.forecast.model, has_tension=run.analysis.tension is not None
    ):
        blocks.append(Heading(text=heading))
        blocks += [Prose(text=paragraph) for paragraph in paragraphs]
    blocks.append(Heading(text="Can the sampler be trusted?"))
    blocks += [Prose(text=sentence) for sentence in health_sentences(run.forecast, run.analysis)]
    return Section(name="method", title="Method", blocks=tuple(blocks))
