"""Gates a posterior must pass before its numbers are used.

Thresholds follow Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding,
and localization: an improved R-hat", doi:10.1214/20-BA1221.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from forecast.inference.posterior import Posterior
from forecast.records.forecast import Diagnostics, Gate, GateFailure

RHAT_MAX = 1.01
ESS_MIN = 400.0
DIVERGENCE_SHARE_MAX = 0.001
BFMI_MIN = 0.3


def check_gates(
    posterior: Posterior,
    quantities: Mapping[str, NDArray[np.float64]] | None = None,
) -> Diagnostics:
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
    divergences, drawn = posterior.divergences, np.asarray(energy).size
    failures = [
        *_worst("rhat", rhat, RHAT_MAX, above=True),
        *_worst("ess_bulk", bulk, ESS_MIN, above=False),
        *_worst("ess_tail", tail, ESS_MIN, above=False),
    ]
    allowed = DIVERGENCE_SHARE_MAX * drawn
    if divergences > allowed:
        failures.append(GateFailure(code="divergences", value=divergences, limit=allowed))
    if bfmi < BFMI_MIN:
        failures.append(GateFailure(code="bfmi", value=bfmi, limit=BFMI_MIN))
    return Diagnostics(
        rhat_max=rhat[_worst_name(rhat, above=True)],
        ess_bulk_min=bulk[_worst_name(bulk, above=False)],
        ess_tail_min=tail[_worst_name(tail, above=False)],
        divergences=divergences,
        bfmi_min=bfmi,
        failures=tuple(failures),
    )


def _worst_name(values: Mapping[str, float], *, above: bool) -> str:
    # A diagnostic that is no number (a part of a variable stood still) is worse than any number; plain
    # max and min would pass it by or not, depending on the order.
    return max(values, key=lambda name: (np.isnan(values[name]), values[name] if above else -values[name]))


def _worst(gate: Gate, values: Mapping[str, float], limit: float, *, above: bool) -> list[GateFailure]:
    name = _worst_name(values, above=above)
    value = values[name]
    if np.isfinite(value) and (value <= limit if above else value >= limit):
        return []
    return [GateFailure(code=gate, quantity=name, value=value, limit=limit)]
