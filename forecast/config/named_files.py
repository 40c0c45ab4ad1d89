"""Files that a config names, checked before any work: logo, fonts, a scale of severity of one's own."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from forecast.config.cross_checks import mapping_in
from forecast.config.faults import Fault, shown
from forecast.config.field_types import folder_name
from forecast.config.writing import as_yaml
from forecast.config.yaml_source import read_yaml
from forecast.errors import InputError, did_you_mean
from forecast.events.codebook import CATEGORIES, SEVERITIES, category_fault, own_scale, packaged_scale
from forecast.records.scale import ANY, PACKAGED, Scale
from forecast.storage import open_plain, read_plain

LARGEST_BYTES = 1_000_000
LARGEST_DOTS = 25_000_000
"""Of a picture: each takes four bytes when the page is set, however small the file."""
_MOST_READ = 200_000_000
_FONT_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}svg"
LONGEST_ANCHOR = 300
_KEYS = ("schema", "name", "anchors")
_GRADES = {str(severity): severity for severity in SEVERITIES}


@dataclass(frozen=True)
class Logo:
    """An image: the file it came from, its content, and its media type."""

    path: Path
    content: bytes
    media_type: str


def read_logo(path: Path) -> Logo:
    """Read a logo and make sure that it is an image of the kind that its name says.

    Raises ``InputError``: the file cannot be read, is larger than 1 MB, or is no SVG or PNG image.
    """
    try:
        content = read_plain(path, _MOST_READ)
    except OSError as error:
        raise InputError(
            f"{path}: the logo cannot be read ({error.strerror or error}). Give the path of an SVG or PNG "
            "file, or leave report.logo out."
        ) from error
    kind = path.suffix.lower()
    if len(content) > LARGEST_BYTES:
        raise InputError(
            f"{path}: the logo has {len(content):,} bytes; at most {LARGEST_BYTES:,} are allowed. "
            "Give a smaller file, an SVG if there is one."
        )
    if kind == ".png":
        fault, media_type = _png_fault(content), "image/png"
    elif kind == ".svg":
        fault, media_type = _svg_fault(content), "image/svg+xml"
    else:
        fault, media_type = f"the name ends in '{kind}'", ""
    if fault:
        raise InputError(
            f"{path}: the logo is no image that can be set: {fault}. Allowed: an SVG or PNG file."
        )
    return Logo(path, content, media_type)


def _png_fault(content: bytes) -> str:
    if not content.startswith(_PNG_SIGNATURE) or content[12:16] != b"IHDR" or len(content) < 24:
        return "it does not begin as a PNG file does"
    width, height = struct.unpack(">II", content[16:24])
    if width * height > LARGEST_DOTS:
        return f"it has {width:,} x {height:,} dots, more than {LARGEST_DOTS:,}"
    return "" if width and height else "it has no width or no height"


def _uses_in_uses(root: ElementTree.Element) -> bool:
    """Whether an SVG repeats (``use``) an element that repeats others in turn."""
    uses = [element for element in root.iter() if element.tag.endswith("}use")]
    asked = {value.removeprefix("#") for use in uses for name, value in use.items() if name.endswith("href")}
    named = (element for element in root.iter() if element.get("id") in asked)
    return any(inner.tag.endswith("}use") for element in named for inner in element.iter())


def _svg_fault(content: bytes) -> str:
    if b"<!ENTITY" in content:
        return "it defines entities, which are not read"
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        return f"it is not valid XML ({error})"
    if _uses_in_uses(root):
        return "it uses a part that uses others, which can repeat without end"
    return "" if root.tag == _SVG else f"its first element is '{root.tag}', not 'svg' of the SVG namespace"


def refuse_no_font(path: Path) -> None:
    """Refuse a file that does not begin as a TTF, OTF or TTC file does.

    Raises ``InputError``: the file cannot be read, or is no font.
    """
    try:
        with open_plain(path, _MOST_READ) as file:
            signature = file.read(4)
    except OSError as error:
        raise InputError(
            f"{path}: the font cannot be read ({error.strerror or error}). Give the path of a TTF, OTF or "
            "TTC file, or leave it out of report.fonts."
        ) from error
    if signature not in _FONT_SIGNATURES:
        raise InputError(f"{path}: is no font file. Allowed: TTF, OTF, TTC.")


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
    if faults := list(_scale_faults(settings)):
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


def _scale_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
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
    for severity in range(severities[0], severities[-1]) if severities else ():
        if severity not in severities:
            message = f"no anchor for severity {severity}, between {severities[0]} and {severities[-1]}"
            yield Fault(("anchors", category), message)
