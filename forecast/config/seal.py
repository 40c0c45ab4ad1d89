"""The plan of a sealed test: which configs forecast on which days, and what they are scored beside."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from forecast.config.field_types import ONE_OR_MORE, Day, FolderName, Text
from forecast.config.schema import UNNAMED, Config, load_config
from forecast.config.settings_file import SettingsFile, load_settings, several


class SealPlan(SettingsFile):
    """A plan as it is written: every target and milestone of its configs is asked as of each of its days."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: FolderName = Field(default=UNNAMED, description="name of the test, sealed once")
    configs: Annotated[tuple[Text, ...], ONE_OR_MORE, Field(min_length=1)] = Field(
        description="config files from the folder of the plan: dyad, targets, milestones, settings, events"
    )
    as_of: Annotated[tuple[Day, ...], ONE_OR_MORE, Field(min_length=1)] = Field(
        description="days of the forecasts; a window opens on the day after"
    )
    rivals: tuple[Text, ...] = several(
        "forecasters on record that are scored beside; the base rate always is one"
    )

    def configs_as_of(self, day: date) -> list[Config]:
        """Read the configs as ``forecast run --as-of`` does (``ConfigError``)."""
        return [load_config(self.base_folder / Path(name).expanduser(), as_of=day) for name in self.configs]


def load_plan(path: Path) -> SealPlan:
    """Read and check the plan of a sealed test (``ConfigError``, once, with every fault)."""
    return load_settings(SealPlan, path, ())
