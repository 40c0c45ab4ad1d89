"""Content and figures → ``report.html``: one file that needs nothing else, neither network nor script."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from forecast.report import palette
from forecast.report.content import Content
from forecast.report.printable import visible_content
from forecast.report.run_records import RunRecords
from forecast.report.screen_colours import DARK_GROUND, colours_in, definitions, variable, with_variables

LARGEST_ATTACHMENT = 2_000_000
"""Bytes of ``events.csv`` up to which the page carries it."""
_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_BEFORE_SVG = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*"')


def render_page(run: RunRecords, content: Content, figures: tuple[Path, ...]) -> str:
    """Return the page; the same input gives the same text.

    Every text from data is escaped by the template engine. Only the figures, which are drawn here, enter as
    markup.
    """
    shown = visible_content(content.as_json())
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in figures}
    charts = {name: _inline_svg(text, name) for name, text in drawn.items()}
    frame = {"ground": "#ffffff", "box": "#eef2f6"} | {
        name: value["colour"] for name, value in content.colours.items()
    }
    colours = {one.lower() for one in frame.values()} | set(_colours_of(shown["sections"]))
    colours = colours.union(*(colours_in(text) for text in drawn.values()))
    page = _environment().get_template("page.html")
    return page.render(
        **shown,
        charts=charts,
        frame={name: Markup(variable(value)) for name, value in frame.items()},
        light=Markup(definitions(colours, dark=False)),
        dark=Markup(definitions(colours - {"#ffffff"}, dark=True) + f"--c-ffffff:{DARK_GROUND};"),
        logo=_logo_address(run),
        events=_events_address(run),
        accent=palette.ACCENT,
    )


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


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("forecast.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["paint"] = lambda colour: Markup(variable(colour))
    return environment


def _inline_svg(text: str, name: str) -> Markup:
    """Return a figure as an element of the page: ids of its own, colours that follow the screen."""
    body = _LEFT_OUT.sub("", _BEFORE_SVG.sub("", text))
    sized = _SIZE.sub(lambda found: found.group(1) or "", body, count=2)
    named = _ID.sub(lambda found: f"{found.group()}{name}-", sized)
    hidden = named.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    return Markup(with_variables(hidden))


def _logo_address(run: RunRecords) -> str | None:
    logo = run.options.logo
    return None if logo is None else _data_address(logo.content, logo.media_type)


def _events_address(run: RunRecords) -> dict[str, Any]:
    content = run.events.canonical_csv().encode()
    carried = len(content) <= LARGEST_ATTACHMENT
    return {
        "count": f"{len(run.events):,}",
        "address": _data_address(content, "text/csv;charset=utf-8") if carried else None,
    }


def _data_address(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
