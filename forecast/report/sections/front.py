"""Page 1 above its table: the bottom line and what it rests on."""

from __future__ import annotations

from forecast.report.blocks import Alert, Block, BottomLine, Prose, Section
from forecast.report.change import change_line, change_sentences
from forecast.report.front_page import foundations, headline_content
from forecast.report.run_records import RunRecords
from forecast.report.track_sentence import track_sentence
from forecast.wording.warnings import warning_sentence


def front_section(run: RunRecords) -> Section:
    """Bottom line, foundations, warnings; a box above them when the fit did not converge."""
    forecast = run.forecast
    line = headline_content(forecast)
    blocks: list[Block] = []
    if not forecast.converged:
        failures = forecast.diagnostics.failures or ("The run is recorded as not converged.",)
        blocks.append(
            Alert(text="This run did not converge: its numbers must not be used.", items=tuple(failures))
        )
    blocks.append(
        BottomLine(
            percent=line["percent"],
            interval=f"90% interval {line['interval']}",
            sentence=line["sentence"],
            change=change_line(forecast, run.previous),
            details=(f"{line['frequency']} {line['baseline']}",),
        )
    )
    rests_on = [
        *change_sentences(forecast, run.previous),
        *foundations(forecast, run.analysis),
        track_sentence(forecast, run.track_record),
    ]
    blocks += [Prose(text=sentence) for sentence in rests_on]
    warnings = [warning_sentence(warning) for warning in run.analysis.warnings]
    blocks += [Prose(text=text, lead="Note:", tone="warning") for text in (*run.notes, *warnings)]
    return Section(name="front", title=None, blocks=tuple(blocks))
