"""Outlets that need a second source: blogs, aggregators, partisan and state media, by their domain.

The list, ``data/outlets.csv``, is the coder's judgement of outlets that the bundled events cite. An outlet
that is not on it is not vouched for.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from urllib.parse import urlsplit


@cache
def weak_outlets() -> Mapping[str, str]:
    """Return domain → kind of each weak outlet: blog, aggregator, partisan, state media, forum."""
    text = (files("forecast.events") / "data/outlets.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["domain"]: row["kind"] for row in csv.DictReader(text.splitlines())})


def weak_kind(url: str) -> str | None:
    """Return the kind of weak outlet behind an address (its domain, or one above it); ``None`` for others."""
    try:
        host = (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:  # brackets that are no address of version 6
        return None
    labels = host.split(".")
    above = (".".join(labels[place:]) for place in range(len(labels)))
    return next((weak_outlets()[name] for name in above if name in weak_outlets()), None)
