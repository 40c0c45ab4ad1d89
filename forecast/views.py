"""What a value shows of itself in a notebook, and what it becomes: made above it, by name, when first asked.

A run, a forecast and an event table stand low in the house; HTML and charts are made in ``report``. As with
the public names of the package, nothing is loaded before it is used. This is the one place that looks up.
"""

from __future__ import annotations

import importlib
from typing import Any, Literal

View = Literal["html", "plots", "events_of_frame"]

MADE_BY: dict[View, tuple[str, str]] = {
    "html": ("forecast.report.notebook", "html_of"),
    "plots": ("forecast.report.plots", "RunPlots"),
    "events_of_frame": ("forecast.events.reading", "events_of_frame"),
}


def maker(view: View) -> Any:  # noqa: ANN401 - each view has its own signature
    """Return the function or class that makes a view."""
    module, name = MADE_BY[view]
    return getattr(importlib.import_module(module), name)


class ShownInNotebooks:
    """A value that notebooks show as a table with a chart."""

    def _repr_html_(self) -> str:
        shown: str = maker("html")(self)
        return shown
