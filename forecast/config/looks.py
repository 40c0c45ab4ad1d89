"""Files that give a report its looks, the logo and fonts, checked before any work is done with them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from forecast.errors import InputError
from forecast.storage import open_plain, read_plain

LARGEST_BYTES = 1_000_000
LARGEST_DOTS = 25_000_000
"""Of a picture: each takes four bytes when the page is set, however small the file."""
_MOST_READ = 200_000_000
_FONT_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}svg"


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
    uses = [one for one in root.iter() if one.tag.endswith("}use")]
    asked = {value.removeprefix("#") for one in uses for name, value in one.items() if name.endswith("href")}
    named = (one for one in root.iter() if one.get("id") in asked)
    return any(inner.tag.endswith("}use") for one in named for inner in one.iter())


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
