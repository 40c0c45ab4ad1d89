"""Content and figures → ``report.html``: one file that needs nothing else, neither network nor script.

On a dark screen each colour gives way to one of the same hue and meaning that is readable on the dark ground.
"""

from __future__ import annotations

import base64
import colorsys
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from forecast.blocks import Block, as_content
from forecast.config.field_types import relative_luminance
from forecast.report.palette import ACCENT
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import visible_content

LARGEST_ATTACHMENT = 2_000_000
"""Bytes of ``events.csv`` up to which the page carries it."""
_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_BEFORE_SVG = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*"')
_WIDE = re.compile(r'viewBox="0 0 ([\d.]+)')
_SMALLEST_POINTS, _LEAST_PIXELS = 8, 12
"""Smallest type of a figure, and how large it has to be on a screen."""
DARK_GROUND = "#12181F"
_LEAST_CONTRAST = 5.0
_TEXT_CONTRAST = 12.0
_GREY_BELOW = 0.35
_GROUND_FROM = 0.55
"""Relative luminance from which a colour is a ground or a hairline, and not a line, a dot or a text."""
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b")


def render_page(run: RunRecords, content: Mapping[str, Any], figures: tuple[Path, ...]) -> str:
    """Return the page of a run, the same for the same input."""
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in figures}
    logo, events = run.options.logo, run.events.canonical_csv().encode()
    address = data_address(events, "text/csv;charset=utf-8") if len(events) <= LARGEST_ATTACHMENT else None
    return render_content(
        content,
        drawn,
        logo=logo and data_address(logo.content, logo.media_type),
        events={"count": f"{len(run.events):,}", "address": address},
    )


def render_content(
    content: Mapping[str, Any], drawn: Mapping[str, str], *, extension: str | None = None, **values: object
) -> str:
    """Return content as a page; all but our figures (SVG by name) is escaped by the template engine.

    ``extension`` is a template that extends ``page.html``; ``values`` are what it shows beside the content.
    """
    shown = visible_content(content)
    charts = {name: _inline_svg(text, name) for name, text in drawn.items()}
    frame = {"ground": "#ffffff", "box": "#eef2f6"} | {
        name: value["colour"] for name, value in content["colours"].items()
    }
    colours = {one.lower() for one in frame.values()} | set(_colours_of(shown["sections"]))
    colours |= {found.lower() for text in drawn.values() for found in _COLOUR.findall(text)}
    environment = _environment()
    template = environment.from_string(extension) if extension else environment.get_template("page.html")
    return template.render(
        **shown,
        charts=charts,
        least={name: _least_width(text) for name, text in drawn.items()},
        frame={name: Markup(variable(value)) for name, value in frame.items()},
        light=Markup(definitions(colours, dark=False)),
        dark=Markup(definitions(colours - {"#ffffff"}, dark=True) + f"--c-ffffff:{DARK_GROUND};"),
        **values,
    )


def render_blocks(blocks: Iterable[Block]) -> str:
    """Return blocks without charts as an element without styles or scripts, e.g. for a notebook."""
    frame = {"rule": "currentColor", "accent": ACCENT}
    module = _environment(paint=str).get_template("blocks.html").make_module({"frame": frame})
    shown = visible_content(as_content(tuple(blocks)))
    return f"<div>{''.join(module.block(block) for block in shown)}</div>"  # type: ignore[attr-defined]


def _colours_of(content: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Every colour that a block or a cell names."""
    if isinstance(content, list):
        for one in content:
            yield from _colours_of(one)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in ("colour", "swatch") and value is not None:
                yield value.lower()
            else:
                yield from _colours_of(value)


def _environment(paint: Callable[[str], str] = lambda colour: variable(colour)) -> Environment:
    environment = Environment(
        loader=PackageLoader("forecast.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["paint"] = lambda colour: Markup(paint(colour))
    return environment


def _inline_svg(text: str, name: str) -> Markup:
    """Return a figure as an element of the page: ids of its own, colours that follow the screen."""
    body = _LEFT_OUT.sub("", _BEFORE_SVG.sub("", text))
    sized = _SIZE.sub(lambda found: found.group(1) or "", body, count=2)
    named = _ID.sub(lambda found: f"{found.group()}{name}-", sized)
    hidden = named.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    return Markup(_COLOUR.sub(lambda found: variable(found.group()), hidden))


def _least_width(text: str) -> int:
    """Pixels that a figure must be wide for its smallest type to be readable on a phone."""
    found = _WIDE.search(text)
    return round(float(found[1]) * _LEAST_PIXELS / _SMALLEST_POINTS) if found else 0


def data_address(content: bytes, media_type: str) -> str:
    """Address that holds its content itself."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def dark_colour(colour: str) -> str:
    """Return the colour of the same hue that takes the place of ``#RRGGBB`` on the dark ground.

    Lines, dots and texts get lighter until they stand out (WCAG 2.2 AA: contrast 4.5), light grounds darker.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*(one / 255 for one in bytes.fromhex(colour[1:])))
    # Text is nearly grey and keeps the contrast it has on white; colours need no more than to stand out.
    wanted = min(contrast(colour, "#FFFFFF"), _TEXT_CONTRAST) if saturation < _GREY_BELOW else _LEAST_CONTRAST
    if relative_luminance(colour) >= _GROUND_FROM:
        return _hex(hue, 0.13 + 0.9 * (1 - lightness) * 0.6, 0.7 * saturation)
    while contrast(_hex(hue, lightness, saturation), DARK_GROUND) < wanted and lightness < 1:
        lightness = min(1.0, lightness + 0.02)
    return _hex(hue, lightness, saturation)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def variable(colour: str) -> str:
    """CSS value that is this colour on a light screen and its counterpart on a dark one."""
    return f"var(--c-{colour[1:].lower()})"


def definitions(colours: set[str], *, dark: bool) -> str:
    """CSS declarations of the variables of these colours."""
    return "".join(f"--c-{one[1:]}:{dark_colour(one) if dark else one};" for one in sorted(colours))


def _hex(hue: float, lightness: float, saturation: float) -> str:
    shares = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * share):02x}" for share in shares)
