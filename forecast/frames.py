"""Columns as data frames of pandas, Polars or PyArrow, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib import import_module
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
    made = {name: _typed(values) for name, values in columns.items()}
    try:
        library = import_module(backend)
    except ImportError as error:
        raise InputError(
            f"data frames of {backend} need a library that is not installed. Install it: "
            f"python -m pip install {backend}; or ask for another: {', '.join(BACKENDS)}"
        ) from error
    return library.table(made) if backend == "pyarrow" else library.DataFrame(made)


def _typed(values: Any) -> Any:  # noqa: ANN401 - a list or an array
    """Days as an array, for Pandas would take a list of them as objects."""
    if isinstance(values, list) and values and all(type(value) is date for value in values):
        import numpy as np

        return np.array(values, dtype="datetime64[D]")
    return values


def columns_of(frame: object) -> dict[str, list[Any]]:
    """Return the columns of a data frame as lists of plain values, ``None`` where nothing is given.

    Raises ``InputError``: it is no data frame of ``BACKENDS``, or two of its columns have one name.
    """
    table: Any = frame
    kind = _kind_of(frame)
    if kind is None:
        raise InputError(
            f"got {type(frame).__name__}; expected a data frame of {', '.join(BACKENDS)}; a lazy one is "
            "collected first"
        )
    names = [str(name) for name in (table.column_names if kind == "pyarrow" else table.columns)]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(f"the data frame cannot be read: two columns are called {shown(twice[0])}")
    if kind == "pyarrow":
        read = table.to_pydict()
    else:
        read = table.to_dict(orient="list") if kind == "pandas" else table.to_dict(as_series=False)
    # What pandas has for "nothing" (NaN, NaT, NA) is not equal to itself, or will not say.
    return {
        str(name): [None if _is_nothing(value) else value for value in values]
        for name, values in read.items()
    }


def _kind_of(frame: object) -> str | None:
    """Library of a data frame, or of what it derives from."""
    kinds = {"DataFrame": ("pandas", "polars"), "Table": ("pyarrow",)}
    for base in type(frame).__mro__:
        library = base.__module__.partition(".")[0]
        if library in kinds.get(base.__name__, ()):
            return library
    return None


def _is_nothing(value: Any) -> bool:  # noqa: ANN401 - a cell of any type
    try:
        return not bool(value == value)
    except TypeError:
        return True
