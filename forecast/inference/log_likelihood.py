"""Log likelihood of any counts under given draws: what reweighting is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecast.models.data import likelihood_data
from forecast.models.draws import StreamDraws
from forecast.models.kernel import DYNAMICS, STREAM_ROWS, value_and_gradient
from forecast.panel.series import EventCounts


def log_likelihood(data: EventCounts, draws: StreamDraws) -> NDArray[np.float64]:
    """Log likelihood of counts and marks under each draw, up to a constant; shape (draw,).

    The constant depends on neither draws nor counts of a given total, so that differences between draws
    are exact. The draws must have the knots that the grid needs.
    """
    arrays = tuple(vars(likelihood_data(data)).values())
    streams = np.stack([getattr(draws, row) for row in STREAM_ROWS], axis=1)
    dynamics = np.stack([getattr(draws, name) for name in DYNAMICS], axis=1)
    return np.array(
        [
            value_and_gradient(streams[i], dynamics[i], draws.innovations[i], draws.level[i], *arrays)[0][0]
            for i in range(len(draws))
        ]
    )
