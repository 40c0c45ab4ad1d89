"""A scale of severity that users write: a YAML file of anchors, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from forecast.config.cross_checks import mapping_in
from forecast.config.faults import Fault, shown
from forecast.config.field_types import folder_name
from forecast.config.writing import as_yaml
from forecast.config.yaml_source import read_yaml
from forecast.errors import did_you_mean
from forecast.events.codebook import CATEGORIES, SEVERITIES, category_fault, own_scale, packaged_scale
from forecast.records.scale import ANY, PACKAGED, Scale

LONGEST_ANCHOR = 300
_KEYS = ("schema", "name", "anchors")
_GRADES = {str(one): one for one in SEVERITIES}


def load_scale(asked: str, folder: Path) -> Scale:
    """Return the scale of the package of that name, or that of a file of anchors found from a folder.

    Raises
    ------
    ConfigError
        The file cannot be read, or is no scale; lists every fault with its line.
    """
    if asked in PACKAGED:
        return packaged_scale(asked)
    path = folder / Path(asked).expanduser()
    settings, source = read_yaml(path)
    if faults := list(_faults(settings)):
        raise source.error(faults)
    anchors = {
        category: {_GRADES[grade]: str(text).strip() for grade, text in mapping_in(row).items()}
        for category, row in mapping_in(settings["anchors"]).items()
    }
    return own_scale(str(settings.get("name") or folder_name(path.stem) or "scale"), anchors)


def scale_yaml(scale: Scale, categories: Sequence[str]) -> str:
    """Return the anchors of some categories as a file to begin a scale of one's own with."""
    anchors = {name: {str(grade): text for grade, text in scale.anchors[name].items()} for name in categories}
    plain = as_yaml({"schema": 1, "anchors": anchors})
    return (
        "# A scale of severity: change the anchors. Categories left out have those of the standard scale.\n"
        + plain
    )


def _faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    for key in settings:
        if key not in _KEYS:
            yield Fault((key,), f"unknown key.{did_you_mean(key, _KEYS)} Allowed: {', '.join(_KEYS)}")
    if settings.get("schema", 1) != 1:
        yield Fault(("schema",), f"got {shown(settings['schema'])}; expected 1, the version of this format")
    name = settings.get("name")
    if name is not None and (not isinstance(name, str) or name in PACKAGED or folder_name(name) != name):
        yield Fault(
            ("name",),
            f"got {shown(name)}; expected a name of your own such as 'line-of-contact' (a-z, 0-9, -)",
        )
    rows = mapping_in(settings.get("anchors"))
    if not rows:
        yield Fault(
            ("anchors",) if "anchors" in settings else (),
            "no anchor; give them by category and severity under 'anchors', as 'forecast events codebook "
            "--scale armed --yaml' prints them",
        )
    for category, row in rows.items():
        if category not in (ANY, *CATEGORIES):
            yield Fault(("anchors", category), category_fault(category))
        else:
            yield from _row_faults(category, row)


def _row_faults(category: str, row: object) -> Iterator[Fault]:
    given = mapping_in(row)
    if not given:
        yield Fault(("anchors", category), f"got {shown(row)}; expected an anchor a severity, e.g. 1: text")
    for grade, text in given.items():
        path = ("anchors", category, grade)
        if grade not in _GRADES:
            yield Fault(path, "no severity; expected a whole number from 1 to 5")
        elif not isinstance(text, str) or not text.strip():
            yield Fault(path, f"no anchor (got {shown(text)}); say in a sentence what such an act looks like")
        elif len(text) > LONGEST_ANCHOR:
            yield Fault(path, f"{len(text)} characters; expected an anchor of at most {LONGEST_ANCHOR}")
    severities = sorted(_GRADES[grade] for grade in given if grade in _GRADES)
    for one in range(severities[0], severities[-1]) if severities else ():
        if one not in severities:
            message = f"no anchor for severity {one}, between {severities[0]} and {severities[-1]}"
            yield Fault(("anchors", category), message)
