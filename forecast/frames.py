"""Columns as data frames of pandas, Polars or PyArrow, and back, through Narwhals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from forecast.errors import InputError, shown

Backend = Literal["pandas", "polars", "pyarrow"]
BACKENDS: tuple[Backend, ...] = ("pandas", "polars", "pyarrow")


def make_frame(columns: Mapping[str, Any], backend: Backend) -> Any:  # noqa: ANN401 - a frame of the library asked for
    """Return columns of one length as a data frame.

    Raises ``InputError``: the library is none of ``BACKENDS``, or is not installed.
    """
    if backend not in BACKENDS:
        raise InputError(f"backend: got {shown(repr(backend))}; expected one of {', '.join(BACKENDS)}")
    import narwhals as nw

    try:
        made = {name: _typed(values) for name, values in columns.items()}
        return nw.from_dict(made, backend=backend).to_native()
    except ImportError as error:
        raise InputError(
            f"data frames of {backend} need a library that is not installed. Install it: "
            f"python -m pip install {backend}; or ask for another: {', '.join(BACKENDS)}"
        ) from error


def _typed(values: Any) -> Any:  # noqa: ANN401 - a list or an array
    """Days as an array, for Pandas would take a list of them as objects."""
    if isinstance(values, list) and values and all(type(value) is date for value in values):
        import numpy as np

        return np.array(values, dtype="datetime64[D]")
    return values


def columns_of(frame: object) -> dict[str, list[Any]]:
    """Return the columns of a data frame as lists of plain values, ``None`` where nothing is given.

    Raises ``InputError``: it is no data frame that Narwhals reads, or two of its columns have one name.
    """
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    try:
        read = nw.from_native(frame, eager_only=True)  # type: ignore[call-overload]
        names = read.columns
        # What pandas has for "nothing" (NaN, NaT, NA) is not equal to itself, or will not say.
        return {
            name: [None if _is_nothing(value) else value for value in read[name].to_list()] for name in names
        }
    except TypeError as error:
        raise InputError(
            f"got {type(frame).__name__}; expected a data frame of {', '.join(BACKENDS)} or another that "
            "Narwhals reads; a lazy one is collected first"
        ) from error
    except (DuplicateError, ValueError) as error:
        raise InputError(f"the data frame cannot be read: {shown(error, 200)}") from error


def _is_nothing(value: Any) -> bool:  # noqa: ANN401 - a cell of any type
    try:
        return not bool(value == value)
    except TypeError:
        return True
