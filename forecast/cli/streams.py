"""Standard output and error: nothing that a terminal cannot show ends a command."""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys

from forecast.errors import safe_lines

_ESCAPE = "forecast.escape"


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks as JSON would, so that an answer in JSON stays one."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", errors="surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


class _SafeFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return safe_lines(super().format(record))


def prepare_streams() -> None:
    """Let both streams write any text, and show warnings as all other foreign text is shown."""
    codecs.register_error(_ESCAPE, _escaped)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPE)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_SafeFormatter())
