"""What all files that users write have in common: frozen, no unknown keys, settings that agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from forecast.config.faults import Fault, SourceMap, cross_error


class Section(BaseModel):
    """Base of every part of the config: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsFile(Section):
    """Base of a whole file that users write: its settings agree, and it knows where they were written.

    Built from values that do not fit, it raises ``pydantic.ValidationError``; its reader (``load_config``,
    ``load_scenario``) raises ``ConfigError`` instead, with the line of every fault.
    """

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("config"))
    _source_path: Path | None = PrivateAttr(None)

    def _disagreements(self, settings: Mapping[str, object]) -> list[Fault]:
        raise NotImplementedError

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        faults = self._disagreements(self.model_dump(by_alias=True))
        if faults:
            raise cross_error(faults)
        return self

    # Two files are equal when they ask the same, wherever they were read from.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @property
    def source_path(self) -> Path | None:
        """The file that was read; ``None`` for what was built in Python or from options."""
        return self._source_path
