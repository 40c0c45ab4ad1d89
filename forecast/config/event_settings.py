"""The settings of the events: where they are, what they may be used for, how late they become known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from forecast.config.faults import Section
from forecast.config.field_types import EMPTY_LIST, Day, Number, Text


class DelayConfig(Section):
    """How late acts become known, where the events do not record it."""

    same_day: Number = Field(gt=0.0, lt=1.0, description="share of acts known on the day itself")
    mean_days: Number = Field(ge=1.0, le=90.0, description="mean delay of the others, in days")


def _kind_of_delay(value: object) -> str:
    return "[stated]" if isinstance(value, (Mapping, DelayConfig)) else "[word]"


# Tags in brackets are no keys, so that faults name the setting as it is written.
ReportingDelay = Annotated[
    Annotated[Literal["none", "estimated"], Tag("[word]")] | Annotated[DelayConfig, Tag("[stated]")],
    Discriminator(_kind_of_delay),
]


class EventsConfig(Section):
    """The coded events that the model learns from."""

    # A store is a source too, so that whoever reads events reads either.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required", None))

    source: Text = Field(
        description="'bundled:us-china', or a CSV, Parquet or .xlsx file, from the folder of the config; or "
        "give store"
    )
    store: Text | None = Field(
        default=None,
        description="a folder that 'forecast events update' fills, in place of source",
    )
    sources: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="sources of the store that count, e.g. [gdelt2]; all when absent"
    )
    use: Literal["client", "internal"] | None = Field(
        default=None,
        description="what the forecast is for: acts whose terms bar that use are refused",
    )
    licensed: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="sources of which you hold a licence for this use, e.g. [acled]"
    )
    start: Day | None = Field(
        default=None, description="first day used; the first event of the file when absent"
    )
    dates: Literal["iso", "dmy", "mdy"] = Field(
        default="iso",
        description="how the file writes days: iso 2020-02-13, dmy 13/02/2020, mdy 02/13/2020",
    )
    format: Literal["coded"] = Field(default="coded", description="columns of the file: our codebook's")
    reported_by: Text | None = Field(
        default=None,
        description="whose reports settle a question, e.g. 'Reuters or AP'; the sources that the events name "
        "when absent",
    )
    audit: Text | None = Field(
        default=None,
        description="error rates of the coding, a file of 'forecast events audit' from the folder of the "
        "config; errors are a caution",
    )
    reporting_delay: ReportingDelay = Field(
        default="none",
        description="correct recent weeks for acts not yet known: none, estimated (from known_date), or "
        "{same_day, mean_days}",
    )

    @model_validator(mode="before")
    @classmethod
    def _store_as_source(cls, stated: object) -> object:
        if isinstance(stated, Mapping) and stated.get("store") and "source" not in stated:
            return {**stated, "source": stated["store"]}
        return stated
