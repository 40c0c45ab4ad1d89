"""``forecast schema``: the JSON Schemas of what users write and of what other programs read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Contract(StrEnum):
    """What has a schema."""

    CONFIG = "config"
    SCENARIO = "scenario"
    FORECAST = "forecast"
    LEDGER = "ledger"


def schema(contract: Annotated[Contract, typer.Argument(help="Which schema.", show_default=False)]) -> None:
    """Print a JSON Schema for other programs.

    Of a config, a scenario, forecast.json, or a ledger's export.
    """
    from forecast.config.writing import config_schema, forecast_schema, scenario_schema, schema_text

    if contract is Contract.LEDGER:
        from forecast.ledger.exporting import ledger_schema

        content = ledger_schema()
    else:
        makers = {
            Contract.CONFIG: config_schema,
            Contract.SCENARIO: scenario_schema,
            Contract.FORECAST: forecast_schema,
        }
        content = makers[contract]()
    typer.echo(schema_text(content), nl=False)
