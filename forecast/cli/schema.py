"""``forecast schema``: the JSON Schema of a config, of ``forecast.json`` or of a ledger's export."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Contract(StrEnum):
    """What has a schema."""

    CONFIG = "config"
    FORECAST = "forecast"
    LEDGER = "ledger"


def schema(contract: Annotated[Contract, typer.Argument(help="Which schema.", show_default=False)]) -> None:
    """Print the JSON Schema of a config, of forecast.json or of a ledger's export, for other programs."""
    from forecast.config import config_schema, forecast_schema, schema_text

    if contract is Contract.LEDGER:
        from forecast.ledger.exporting import ledger_schema

        content = ledger_schema()
    else:
        content = config_schema() if contract is Contract.CONFIG else forecast_schema()
    typer.echo(schema_text(content), nl=False)
