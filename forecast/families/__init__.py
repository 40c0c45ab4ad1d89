"""The model families that ``model.family`` of a config chooses from.

A new family is one module here and one line in ``FAMILIES``. ``family`` says what a family must offer.
"""

from __future__ import annotations

from forecast.errors import InputError, did_you_mean
from forecast.families.combination import COMBINED, ENSEMBLE, PANEL_ALONE
from forecast.families.family import ModelFamily
from forecast.families.stream_families import FOCUSED, JOINT, TARGET

FAMILIES: dict[str, ModelFamily] = {
    family.name: family for family in (JOINT, FOCUSED, TARGET, PANEL_ALONE, ENSEMBLE, COMBINED)
}


def family_named(name: str) -> ModelFamily:
    """Return the family of that name.

    Raises
    ------
    InputError
        There is none; lists those there are.
    """
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise InputError(f"got {name!r}; allowed: {known}.{did_you_mean(name, FAMILIES)}")
    return FAMILIES[name]
