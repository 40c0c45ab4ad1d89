"""The colours of the report on a dark screen: same hue and meaning, readable on the dark ground."""

from __future__ import annotations

import colorsys
import re

from forecast.config.field_types import relative_luminance

DARK_GROUND = "#12181F"
_LEAST_CONTRAST = 5.0
_TEXT_CONTRAST = 12.0
_GREY_BELOW = 0.35
_GROUND_FROM = 0.55
"""Relative luminance from which a colour is a ground or a hairline, and not a line, a dot or a text."""
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b")


def dark_colour(colour: str) -> str:
    """Return the colour that takes the place of ``#RRGGBB`` on the dark ground.

    Lines, dots and texts become lighter until they stand out (WCAG 2.2 level AA asks for a contrast of
    4.5); light grounds and hairlines become dark ones of the same hue.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*_shares(colour))
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


def with_variables(style: str) -> str:
    """Return a text with every ``#RRGGBB`` in it replaced by its variable."""
    return _COLOUR.sub(lambda found: variable(found.group()), style)


def colours_in(text: str) -> set[str]:
    """Every ``#RRGGBB`` of a text, in lower case."""
    return {found.lower() for found in _COLOUR.findall(text)}


def definitions(colours: set[str], *, dark: bool) -> str:
    """CSS declarations of the variables of these colours."""
    return "".join(f"--c-{one[1:]}:{dark_colour(one) if dark else one};" for one in sorted(colours))


def _shares(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(hue: float, lightness: float, saturation: float) -> str:
    shares = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * share):02x}" for share in shares)
