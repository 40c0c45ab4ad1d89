"""What all records of a run share: frozen, without unknown keys, probabilities in [0, 1]."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Interval = tuple[float, float]


class Record(BaseModel):
    """Base of the record types: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class WrittenText(Record):
    """A sentence as it stands in a record of schema 1."""

    code: Literal["text"] = "text"
    text: str
