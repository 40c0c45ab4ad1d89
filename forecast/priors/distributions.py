"""The distributions a prior may be, as data: text in, density, quantiles and draws out.

Only NumPy and ``scipy.special`` are used, so that reading and describing priors stays fast; the models
translate a ``Distribution`` into PyMC's by its family name.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from forecast.errors import PriorError, did_you_mean

Support = Literal["real", "positive", "unit"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DistributionFamily:
    """A family: parameters, support, functions of (x or p, *parameters); ``level`` undoes ``quantile``."""

    parameters: tuple[str, ...]
    support: Support
    log_density: Callable[..., Any]
    quantile: Callable[..., Any]
    level: Callable[..., Any]
    mean: Callable[..., float]
    draw: Callable[..., Any]


def _normal_log_density(x: Floats, mu: float, sigma: float) -> Floats:
    return -0.5 * ((x - mu) / sigma) ** 2 - math.log(sigma) - 0.5 * math.log(2 * math.pi)


def _logit_normal_mean(mu: float, sigma: float) -> float:
    # No closed form: Gauss–Hermite quadrature, exact to far below print precision at 60 nodes.
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return float(weights @ scipy.special.expit(mu + sigma * nodes) / weights.sum())


FAMILIES: dict[str, DistributionFamily] = {
    "Normal": DistributionFamily(
        ("mu", "sigma"),
        "real",
        _normal_log_density,
        lambda p, mu, sigma: mu + sigma * scipy.special.ndtri(p),
        lambda x, mu, sigma: scipy.special.ndtr((x - mu) / sigma),
        lambda mu, sigma: mu,
        lambda rng, size, mu, sigma: rng.normal(mu, sigma, size),
    ),
    "LogNormal": DistributionFamily(
        ("mu", "sigma"),
        "positive",
        lambda x, mu, sigma: _normal_log_density(np.log(x), mu, sigma) - np.log(x),
        lambda p, mu, sigma: np.exp(mu + sigma * scipy.special.ndtri(p)),
        lambda x, mu, sigma: scipy.special.ndtr((np.log(x) - mu) / sigma),
        lambda mu, sigma: math.exp(mu + sigma**2 / 2),
        lambda rng, size, mu, sigma: rng.lognormal(mu, sigma, size),
    ),
    "LogitNormal": DistributionFamily(
        ("mu", "sigma"),
        "unit",
        lambda x, mu, sigma: (
            _normal_log_density(scipy.special.logit(x), mu, sigma) - np.log(x) - np.log1p(-x)
        ),
        lambda p, mu, sigma: scipy.special.expit(mu + sigma * scipy.special.ndtri(p)),
        lambda x, mu, sigma: scipy.special.ndtr((scipy.special.logit(x) - mu) / sigma),
        _logit_normal_mean,
        lambda rng, size, mu, sigma: scipy.special.expit(rng.normal(mu, sigma, size)),
    ),
    "HalfNormal": DistributionFamily(
        ("sigma",),
        "positive",
        lambda x, sigma: _normal_log_density(x, 0.0, sigma) + math.log(2),
        lambda p, sigma: sigma * scipy.special.ndtri((1 + p) / 2),
        lambda x, sigma: 2 * scipy.special.ndtr(x / sigma) - 1,
        lambda sigma: sigma * math.sqrt(2 / math.pi),
        lambda rng, size, sigma: np.abs(rng.normal(0, sigma, size)),
    ),
    "Exponential": DistributionFamily(
        ("lam",),
        "positive",
        lambda x, lam: math.log(lam) - lam * x,
        lambda p, lam: -np.log1p(-p) / lam,
        lambda x, lam: -np.expm1(-lam * x),
        lambda lam: 1 / lam,
        lambda rng, size, lam: rng.exponential(1 / lam, size),
    ),
    "Gamma": DistributionFamily(
        ("alpha", "beta"),
        "positive",
        lambda x, a, b: a * math.log(b) - scipy.special.gammaln(a) + (a - 1) * np.log(x) - b * x,
        lambda p, a, b: scipy.special.gammaincinv(a, p) / b,
        lambda x, a, b: scipy.special.gammainc(a, b * x),
        lambda a, b: a / b,
        lambda rng, size, a, b: rng.gamma(a, 1 / b, size),
    ),
    "Beta": DistributionFamily(
        ("alpha", "beta"),
        "unit",
        lambda x, a, b: (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - scipy.special.betaln(a, b),
        lambda p, a, b: scipy.special.betaincinv(a, b, p),
        lambda x, a, b: scipy.special.betainc(a, b, x),
        lambda a, b: a / (a + b),
        lambda rng, size, a, b: rng.beta(a, b, size),
    ),
}

_INSIDE: dict[Support, Callable[[Floats], NDArray[np.bool_]]] = {
    "real": np.isfinite,
    "positive": lambda x: np.isfinite(x) & (x > 0),
    "unit": lambda x: (x > 0) & (x < 1),
}


@dataclass(frozen=True)
class Distribution:
    """A univariate distribution: a key of ``FAMILIES`` and its parameters, e.g. ``Beta(4, 8)``.

    Parameterisations are PyMC's: ``LogNormal`` and ``LogitNormal`` take mean and standard deviation of the
    logarithm and of the logit, ``Gamma`` shape and rate. Raises ``PriorError``: no such family or parameters.
    """

    family: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            hint = did_you_mean(self.family, FAMILIES, cutoff=0.5)
            raise PriorError(
                f"unknown distribution {self.family!r}; allowed are {', '.join(FAMILIES)}.{hint}"
            )
        family = FAMILIES[self.family]
        if len(self.values) != len(family.parameters):
            raise PriorError(
                f"{self.family} takes {len(family.parameters)} parameter(s) "
                f"({', '.join(family.parameters)}), got {len(self.values)}"
            )
        for name, value in zip(family.parameters, self.values, strict=True):
            if not math.isfinite(value) or (name != "mu" and value <= 0):
                allowed = "a finite number" if name == "mu" else "a finite number above 0"
                raise PriorError(f"{self.family}: {name} must be {allowed}, got {value:g}")

    @property
    def support(self) -> Support:
        """Where the density is positive: the real line, x > 0, or 0 < x < 1."""
        return FAMILIES[self.family].support

    @property
    def mean(self) -> float:
        """Expected value."""
        return float(FAMILIES[self.family].mean(*self.values))

    def log_density(self, x: ArrayLike) -> Floats:
        """Log density at ``x`` (any shape); −inf outside the support."""
        points = np.asarray(x, dtype=np.float64)
        inside = _INSIDE[self.support](points)
        safe = np.where(inside, points, 0.5)
        return np.where(inside, FAMILIES[self.family].log_density(safe, *self.values), -np.inf)

    def quantile(self, probability: ArrayLike) -> Floats:
        """Quantiles at ``probability`` in (0, 1), same shape."""
        return np.asarray(FAMILIES[self.family].quantile(np.asarray(probability), *self.values))

    def carried(self, x: ArrayLike, other: Distribution) -> Floats:
        """Values of this distribution at the same quantiles of another, so that draws become its draws."""
        level = FAMILIES[self.family].level(np.asarray(x), *self.values)
        return other.quantile(np.clip(level, 1e-12, 1 - 1e-12))

    def times(self, factor: float) -> Distribution:
        """Distribution of so many times the quantity (``PriorError``: of one that is not scaled)."""
        first, *rest = self.values
        match self.family:
            case "LogNormal":
                return Distribution(self.family, (first + math.log(factor), *rest))
            case "HalfNormal":
                return Distribution(self.family, (first * factor,))
            case "Exponential":
                return Distribution(self.family, (first / factor,))
            case "Gamma":
                return Distribution(self.family, (first, rest[0] / factor))
        raise PriorError(f"a rate is no {self.family}; use LogNormal, Gamma, Exponential or HalfNormal")

    def draw(self, rng: np.random.Generator, size: int | tuple[int, ...]) -> Floats:
        """Independent draws of shape ``size``."""
        return np.asarray(FAMILIES[self.family].draw(rng, size, *self.values))

    def __str__(self) -> str:
        names = FAMILIES[self.family].parameters
        # Adding zero turns −0 into 0.
        inner = ", ".join(f"{name}={value + 0.0:.4g}" for name, value in zip(names, self.values, strict=True))
        return f"{self.family}({inner})"


def parse_distribution(text: str) -> Distribution:
    """Read ``Family(…)`` with positional or named numbers, never evaluated (``PriorError``: it is none)."""
    shape_hint = "write a distribution such as 'Normal(0, 0.1)' or 'LogNormal(mu=3, sigma=0.5)'"
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise PriorError(f"cannot read {text!r}: {shape_hint}") from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise PriorError(f"cannot read {text!r}: {shape_hint}")
    family = call.func.id
    names = FAMILIES[family].parameters if family in FAMILIES else ()
    given = [_number(node, text) for node in call.args]
    named: dict[str, float] = {}
    for keyword in call.keywords:
        if keyword.arg is None or (names and keyword.arg not in names[len(given) :]) or keyword.arg in named:
            raise PriorError(
                f"{family} has no free parameter {keyword.arg!r} in {text!r}; it takes {', '.join(names)}"
            )
        named[keyword.arg] = _number(keyword.value, text)
    missing = [name for name in names[len(given) :] if name not in named]
    if missing:
        raise PriorError(f"{family} lacks {', '.join(missing)} in {text!r}; it takes {', '.join(names)}")
    rest = [named[name] for name in names[len(given) :]]
    return Distribution(family, (*given, *rest))


def _number(node: ast.expr, text: str) -> float:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError) as error:  # TypeError: a set of lists
        raise PriorError(f"cannot read {text!r}: parameters must be plain numbers") from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PriorError(f"cannot read {text!r}: parameters must be plain numbers, got {value!r}")
    # A whole number may be too large to be a float; the check for finite parameters then refuses it.
    return float(value) if abs(value) <= sys.float_info.max else math.inf


_ONE_STEP = (1 + math.erf(math.sqrt(0.5))) / 2


def shifted(distribution: Distribution, steps: float) -> Distribution:
    """Return the prior moved up (or, for negative ``steps``, down) by steps of its own spread.

    One step moves the median to where the prior has its 84% quantile (for the normal families exactly: one
    standard deviation of the value, its logarithm or its logit), so that steps compare between parameters.
    The normal families keep their spread on the scale of their own; ``Gamma``, ``Exponential`` and
    ``HalfNormal`` are stretched; ``Beta`` keeps its sum of parameters while the logit of its mean moves.
    """
    if steps == 0.0:
        return distribution
    family, values = distribution.family, distribution.values
    match family:
        case "Normal" | "LogNormal" | "LogitNormal":
            return Distribution(family, (values[0] + steps * values[1], values[1]))
        case "Beta":
            mean, total = values[0] / sum(values), sum(values)
            odds = _step(distribution, scipy.special.logit)
            moved = float(scipy.special.expit(scipy.special.logit(mean) + steps * odds))
            return Distribution(family, (moved * total, (1 - moved) * total))
        case "Gamma":
            return Distribution(family, (values[0], values[1] / _factor(distribution, steps)))
        case "Exponential":
            return Distribution(family, (values[0] / _factor(distribution, steps),))
        case "HalfNormal":
            return Distribution(family, (values[0] * _factor(distribution, steps),))
    raise ValueError(f"no shift is known for {family}")


def _factor(distribution: Distribution, steps: float) -> float:
    return math.exp(steps * _step(distribution, math.log))


def _step(distribution: Distribution, link: Callable[[float], float]) -> float:
    middle, high = distribution.quantile([0.5, _ONE_STEP]).tolist()
    return float(link(high) - link(middle))
