"""One text for one value: JSON by the rules of RFC 8785, so that a hash means the same everywhere.

Keys are sorted, nothing is spaced, numbers are in plain decimal notation as ECMAScript writes them: 0.25,
0.00001, 1. Numbers are rounded to ``DIGITS`` decimals where they enter the ledger, which keeps them in the
range where that notation has no exponent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

DIGITS = 6
"""Decimals kept of every number on record; the Monte Carlo error of a probability is far larger."""


def canonical_json(value: object) -> str:
    """Return JSON-like values as canonical text.

    Raises
    ------
    ValueError
        A number is not finite, or too small or too large for plain notation.
    TypeError
        A value is none that JSON knows, or a key is no text.
    """
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of JSON are texts")
        items = (f"{canonical_json(key)}:{canonical_json(value[key])}" for key in sorted(value))
        return "{" + ",".join(items) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(canonical_json(item) for item in value) + "]"
    raise TypeError(f"JSON knows no {type(value).__name__}")


def content_hash(value: object) -> str:
    """Return the SHA-256 of the canonical text, 64 hex digits."""
    return sha256_of(canonical_json(value))


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def _number(value: float) -> str:
    if not (value == 0 or 1e-6 <= abs(value) < 1e15):
        raise ValueError(f"{value!r} has no plain decimal notation; round it to {DIGITS} decimals first")
    text = format(Decimal(repr(abs(value) if value == 0 else value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
