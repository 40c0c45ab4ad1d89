"""How a prior can be written: one valid example of each form for a parameter, made from its own default."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.priors.resolve import DEFAULT, NamedPrior, PriorStatement

_LEVELS = (("q05", 0.05), ("median", 0.5), ("q95", 0.95))


def statement_examples(prior: NamedPrior) -> dict[str, PriorStatement]:
    """Return a statement of each form, by what the form is called, each of them valid for ``prior``.

    Returns
    -------
    dict
        ``word``, ``distribution``, ``quantiles`` and ``quantiles on the scale '...'``.
    """
    default = prior.default
    word = next(iter(prior.group.words), DEFAULT)
    own = {name: _rounded(float(default.quantile(level))) for name, level in _LEVELS}
    scale = prior.group.scale
    on_scale = {
        name: _rounded(scale.of(float(default.quantile(1 - level if scale.falls else level))))
        for name, level in _LEVELS
    }
    return {
        "word": word,
        "distribution": str(default),
        "quantiles": own,
        f"quantiles on the scale '{scale.name}' ({scale.meaning})": {scale.name: on_scale},
    }


def statement_text(statement: PriorStatement) -> str:
    """Return a statement as it is written in a config."""
    if isinstance(statement, Mapping):
        inner = ", ".join(f"{key}: {statement_text(value)}" for key, value in statement.items())  # type: ignore[arg-type]
        return f"{{{inner}}}"
    return statement if isinstance(statement, str) else f"{statement:g}"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") + 0.0  # adding zero turns −0 into 0
