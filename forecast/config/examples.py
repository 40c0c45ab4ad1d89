"""Example configs that travel with the package, laid out in a folder of the user.

``forecast/examples`` is a link to ``configs/``, so that a checkout has one copy of them; building a wheel
puts the files themselves there.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from forecast.errors import InputError, did_you_mean

WATCHLIST = "watchlist"
EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us-china": ("us-china-2023.yaml", "scenarios", "us-china-track-record"),
        "own-data": ("own-data-template.yaml", "example-events.csv"),
        WATCHLIST: ("watchlist",),
    }
)
"""Name of an example → its files and folders below ``forecast/examples``, the config first."""
_FOR_EDITORS = "# yaml-language-server:"


def example_files(name: str) -> dict[str, bytes]:
    """Return the files of an example by their path in the folder that they are laid out in, the config first.

    The line that tells editors where a checkout keeps the schema is left out.

    Raises
    ------
    InputError
        No example has that name, or the package is without it.
    """
    if name not in EXAMPLES:
        raise InputError(
            f"--example: no example is named '{name}'.{did_you_mean(name, EXAMPLES)} "
            f"Allowed: {', '.join(EXAMPLES)}"
        )
    root = files("forecast") / "examples"
    found: dict[str, bytes] = {}
    for part in EXAMPLES[name]:
        place = root / part
        inside = sorted(place.iterdir(), key=_settings_first) if place.is_dir() else []
        for path, one in [(f"{part}/{one.name}", one) for one in inside] or [(part, place)]:
            try:
                found[path] = _without_editor_line(one.read_bytes())
            except OSError as error:
                # Git on a system without links leaves a text file in the place of the folder.
                raise InputError(
                    f"--example: {one} cannot be read ({error.strerror}); copy the folder configs/ of the "
                    "repository instead"
                ) from error
    return found


def _settings_first(place: Traversable) -> tuple[bool, str]:
    return not place.name.endswith(".yaml"), place.name


def _without_editor_line(content: bytes) -> bytes:
    first, _, rest = content.partition(b"\n")
    return rest.removeprefix(b"#\n") if first.startswith(_FOR_EDITORS.encode()) else content
