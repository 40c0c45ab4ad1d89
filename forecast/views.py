"""What a value shows of itself in a notebook."""

from __future__ import annotations

from typing import Any, ClassVar


class ShownInNotebooks:
    """A value that notebooks show as a table with a chart.

    ``load`` returns by name what packages above make of it; ``forecast/__init__.py``, which knows them all,
    sets it.
    """

    load: ClassVar[Any]

    def _repr_html_(self) -> str:
        html: str = self.load("html_of")(self)
        return html
