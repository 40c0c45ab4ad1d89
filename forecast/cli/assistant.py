"""Saved runs for assistants (Model Context Protocol): each tool answers as a command does; none writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from forecast import __version__
from forecast.blocks import Block
from forecast.cli.ledger import summary_of
from forecast.cli.options import ledger_place
from forecast.cli.reactions import found_in
from forecast.cli.terminal import lines_of
from forecast.config.scenario import acts_from_options, scenario_from_options
from forecast.errors import ForecastError, InputError, did_you_mean
from forecast.ledger.store import open_ledger
from forecast.phrases.chances import question_sentence
from forecast.records.base import Record
from forecast.report.bulletin import bulletin_blocks
from forecast.report.page_1 import bottom_line
from forecast.report.run_records import read_run_records
from forecast.report.tables import scenario_tables
from forecast.runs.files import run_folders, run_hash
from forecast.runs.run import Run, read_case, read_run
from forecast.scenarios import compare_scenarios
from forecast.scenarios.bulletin import bulletin

Answer = dict[str, Any]

_INSTRUCTIONS = (
    "Forecasts of escalation between two countries before dated milestones. Begin with list_runs. Tell each "
    "probability with its range and its as-of date, and none that is withheld or of a run that did not "
    "converge. Severities go from 1, routine, to 5, extreme."
)


def server_of(reports: Path) -> MCPServer[Any]:
    """Return a server of the runs in a folder, for reading alone."""
    server: MCPServer[Any] = MCPServer(
        "forecast", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR"
    )
    runs = SavedRuns(reports)
    for tool in (runs.list_runs, runs.read_forecast, runs.ask, runs.bulletin, runs.reactions, runs.ledger):
        server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))(_telling(tool))
    return server


def _telling(tool: Callable[..., Answer]) -> Callable[..., Answer]:
    """Return a tool whose expected errors reach the assistant as they would a user."""

    @wraps(tool)
    def answered(*given: Any, **named: Any) -> Answer:  # noqa: ANN401 - what the tool takes
        try:
            return tool(*given, **named)
        except ForecastError as error:
            raise ToolError(str(error)) from error

    return answered


def _both(blocks: Iterable[Block], **facts: Record) -> Answer:
    """Return an answer in words, as the terminal has it, and its record."""
    text = "\n".join(lines_of(blocks))
    return {"text": text} | {
        name: fact.model_dump(mode="json", by_alias=True) for name, fact in facts.items()
    }


class SavedRuns:
    """What can be asked of the runs of a folder; ``run`` is a place in it, as ``list_runs`` tells it."""

    def __init__(self, reports: Path) -> None:
        self.reports = reports
        self._read = lru_cache(maxsize=2)(lambda folder, _hash: read_run(folder))

    def _places(self) -> dict[str, Path]:
        return {one.relative_to(self.reports).as_posix(): one for one in run_folders(self.reports)}

    def _folder(self, run: str) -> Path:
        places = self._places()
        if run not in places:
            there = ", ".join(places) or "none"
            raise InputError(f"no run '{run}'.{did_you_mean(run, places)} There are: {there}")
        return places[run]

    def _run(self, run: str) -> Run:
        folder = self._folder(run)
        return self._read(folder, run_hash(folder))

    def list_runs(self) -> Answer:
        """List the saved runs: place, question, as-of date, and the chance of the headline with its range."""
        rows: list[Answer] = []
        for place, folder in self._places().items():
            try:
                forecast, _ = read_case(folder)
            except ForecastError as error:
                rows.append({"run": place, "unreadable": str(error)})
                continue
            asked, row = forecast.headline_milestone, {"run": place, "as_of": forecast.as_of.isoformat()}
            row["question"] = question_sentence(forecast.headline_target, asked)
            known = {"probability": asked.probability, "interval90": asked.interval90}
            rows.append(row | (known if forecast.converged else {"converged": False}))
        return {"runs": rows}

    def read_forecast(self, run: str) -> Answer:
        """Read a forecast: page 1 in words, and forecast.json."""
        records = read_run_records(self._folder(run))
        return _both(bottom_line(records), forecast=records.forecast)

    def ask(
        self,
        run: str,
        do: list[str] | None = None,
        see: list[str] | None = None,
        priors: list[str] | None = None,
        beliefs: list[str] | None = None,
        without: list[str] | None = None,
    ) -> Answer:
        """Ask a change of a run; numbers that would need a new fit are withheld.

        Acts ahead, done or seen: DATE:CATEGORY[/SUBCATEGORY]:SEVERITY[:PROBABILITY[:BY]]. Priors: NAME=PRIOR.
        Beliefs: TARGET:FIRST..LAST:RATIO. Without: ids of past events.
        """
        stated = scenario_from_options(priors or (), do or (), without or (), see or (), beliefs or ())
        if stated is None:
            raise InputError("nothing is asked: give do, see, priors, beliefs or without")
        base = self._run(run)
        (found,) = compare_scenarios(base, [stated], refit=False)
        return _both(scenario_tables(base.forecast, [found]), scenario=found)

    def bulletin(self, run: str, acts: list[str], summary: str = "") -> Answer:
        """Tell what acts that came after a run change: DAY:CATEGORY[/SUBCATEGORY]:SEVERITY:BY[:TOWARDS]."""
        made = bulletin(self._run(run), acts_from_options(acts), summary=summary)
        return _both(bulletin_blocks(made), bulletin=made)

    def reactions(self, run: str, days: int = 14) -> Answer:
        """Say what answered what in the record within so many days, against chance alone."""
        return found_in(self._folder(run), days)[0].to_dict()

    def ledger(self) -> Answer:
        """List the forecasts on record in the folder's ledger, with what became of them."""
        opened = open_ledger(ledger_place(None, self.reports))
        return {"forecasts": [summary_of(opened, entry) for entry in opened.answers if not entry.failed]}
