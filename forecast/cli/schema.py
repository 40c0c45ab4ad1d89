"""``forecast schema``: the JSON Schema of a config or of ``forecast.json``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Contract(StrEnum):
    """What has a schema."""

    CONFIG = "config"
    FORECAST = "forecast"


def schema(contract: Annotated[Contract, typer.Argument(help="Which schema.", show_default=False)]) -> None:
    """Print the JSON Schema of a config or of forecast.json, for editors and other programs."""
    from forecast.config import config_schema, forecast_schema, schema_text

    typer.echo(schema_text(config_schema() if contract is Contract.CONFIG else forecast_schema()), nl=False)
