"""Gates a posterior must pass before its numbers are used.

Thresholds follow Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding,
and localization: an improved R-hat", doi:10.1214/20-BA1221.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from forecast.inference.posterior import Posterior

RHAT_MAX = 1.01
ESS_MIN = 400.0
DIVERGENCE_SHARE_MAX = 0.001
BFMI_MIN = 0.3


@dataclass(frozen=True)
class GateReport:
    """Worst diagnostics over all monitored quantities, and the gates that failed in words."""

    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    bfmi_min: float
    failures: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """All gates were passed."""
        return not self.failures


def check_gates(
    posterior: Posterior, quantities: Mapping[str, NDArray[np.float64]] | None = None
) -> GateReport:
    """Check every variable of the posterior and further quantities made from its draws.

    Parameters
    ----------
    posterior : Posterior
    quantities : mapping, optional
        Name → values of shape (draw,), chains one after the other: the milestone probabilities. A
        quantity that is the same in all draws (an event that never came up) has no diagnostics.
    """
    monitored = dict(posterior.variables) | dict(quantities or {})
    rhat, bulk, tail = dict[str, float](), dict[str, float](), dict[str, float]()
    for name, values in monitored.items():
        chains = values.reshape(posterior.n_chains, -1, *values.shape[1:])
        if np.ptp(chains) == 0.0:
            continue
        # A part that stands still divides nothing by nothing; the result, no number, fails the gate.
        with np.errstate(divide="ignore", invalid="ignore"):
            rhat[name] = float(np.max(array_stats.rhat(chains, chain_axis=0, draw_axis=1)))
            bulk[name] = float(np.min(array_stats.ess(chains, chain_axis=0, draw_axis=1, method="bulk")))
            if name not in (quantities or {}):
                # Shares of few paths take few values: the tail quantiles of such a quantity mean nothing.
                both = array_stats.ess(chains, chain_axis=0, draw_axis=1, method="tail", prob=(0.05, 0.95))
                tail[name] = float(np.min(both))
    energy = posterior.tree["sample_stats"]["energy"].values
    bfmi = float(np.min(array_stats.bfmi(energy, chain_axis=0, draw_axis=1)))
    divergences = posterior.divergences
    failures = _worst(
        "R-hat", rhat, RHAT_MAX, above=True, remedy="sample longer (sampler.draws, sampler.tune)"
    )
    for label, ess in (("bulk ESS", bulk), ("tail ESS", tail)):
        failures += _worst(label, ess, ESS_MIN, above=False, remedy="more sampler.draws")
    allowed = DIVERGENCE_SHARE_MAX * posterior.n_draws
    if divergences > allowed:
        failures.append(
            f"{divergences} divergent transitions, at most {allowed:g} allowed: raise sampler.target_accept"
        )
    if bfmi < BFMI_MIN:
        failures.append(f"BFMI {bfmi:.2f}, at least {BFMI_MIN:g} needed: raise sampler.tune")
    return GateReport(
        rhat[_worst_name(rhat, above=True)],
        bulk[_worst_name(bulk, above=False)],
        tail[_worst_name(tail, above=False)],
        divergences,
        bfmi,
        tuple(failures),
    )


def worst_report(reports: Mapping[str, GateReport]) -> GateReport:
    """Join the reports of several models, by name: the worst of each value, and all failures."""
    if len(reports) == 1:
        return next(iter(reports.values()))
    every = reports.values()
    return GateReport(
        rhat_max=max(one.rhat_max for one in every),
        ess_bulk_min=min(one.ess_bulk_min for one in every),
        ess_tail_min=min(one.ess_tail_min for one in every),
        divergences=sum(one.divergences for one in every),
        bfmi_min=min(one.bfmi_min for one in every),
        failures=tuple(f"{name}: {failure}" for name, one in reports.items() for failure in one.failures),
    )


def _worst_name(values: Mapping[str, float], *, above: bool) -> str:
    # A diagnostic that is no number (a part of a variable stood still) is worse than any number; plain
    # max and min would pass it by or not, depending on the order.
    return max(values, key=lambda name: (np.isnan(values[name]), values[name] if above else -values[name]))


def _worst(label: str, values: dict[str, float], bound: float, *, above: bool, remedy: str) -> list[str]:
    name = _worst_name(values, above=above)
    value = values[name]
    if np.isfinite(value) and (value <= bound if above else value >= bound):
        return []
    limit = f"at most {bound:g} allowed" if above else f"at least {bound:g} needed"
    digits = 3 if above else 0
    return [f"{label} of {name} is {value:.{digits}f}, {limit}: {remedy}"]
