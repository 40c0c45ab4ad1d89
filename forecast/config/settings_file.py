"""What all files that users write have in common: frozen, no unknown keys, settings that agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator

from forecast.config.faults import Fault, KeyPath, SourceMap, cross_error, field_faults
from forecast.errors import ConfigError


class Section(BaseModel):
    """Base of every part of the config: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsFile(Section):
    """Base of a whole file that users write: its settings agree, and it knows where they were written.

    Built from values that do not fit, it raises ``pydantic.ValidationError``; ``checked`` raises
    ``ConfigError`` instead, with the line of every fault.
    """

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("config"))
    _source_path: Path | None = PrivateAttr(None)

    @classmethod
    def checked(
        cls,
        settings: Mapping[str, object],
        source: SourceMap,
        path: Path | None = None,
        faults: Iterable[Fault] = (),
    ) -> Self:
        """Check settings as a whole; ``source`` says where each was written, ``path`` the file.

        Raises ``ConfigError`` once, with every fault, those given included.
        """
        try:
            made = cls.model_validate(settings)
        except ValidationError as error:
            own = [cls.as_written(fault, settings) for fault in field_faults(error, cls)]
            raise source.error([*faults, *own, *cls.disagreements(settings)]) from error
        if given := [*faults]:
            raise source.error(given)
        made._source, made._source_path = source, path
        return made

    @staticmethod
    def disagreements(settings: Mapping[str, object]) -> list[Fault]:
        """Return every disagreement between settings; what cannot be read is left to the type checks."""
        raise NotImplementedError

    @staticmethod
    def as_written(fault: Fault, settings: Mapping[str, object]) -> Fault:
        """Return a fault at the key that was written, where the types read another form of it."""
        return fault

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        faults = self.disagreements(self.model_dump(by_alias=True))
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

    @property
    def base_folder(self) -> Path:
        """Folder that relative paths start from: the file's own, or the current one without a file."""
        return self._source_path.parent if self._source_path else Path()

    def locate(self, key_path: str | KeyPath) -> str:
        """Return where a key was set: ``file:line:column``, or e.g. ``--set sampler.draws``.

        A key left at its default has the place of the nearest key above it.
        """
        return self._source.locate(self._path(key_path))

    def error(self, key_path: str | KeyPath, message: str) -> ConfigError:
        """Return (not raise) an error about one key, for checks that need more than the file."""
        return self.errors([Fault(self._path(key_path), message)])

    def errors(self, faults: Iterable[Fault]) -> ConfigError:
        """Return (not raise) one error about several keys."""
        return self._source.error(faults)

    def _path(self, key_path: str | KeyPath) -> KeyPath:
        return self._source.path_of(key_path) if isinstance(key_path, str) else key_path
