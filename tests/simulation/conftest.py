from datetime import date, timedelta

import numpy as np
import pytest

from forecast.models.draws import prior_draws, stream_draws
from forecast.panel import TargetRule, TimeGrid, count_events, stream_layout
from forecast.priors.population import record_priors

START = date(2022, 1, 1)
NESTED = (
    TargetRule("conflict", ("military_incident", "military_posture", "sanction", "dispute"), 3),
    TargetRule("military", ("military_incident", "military_posture"), 3),
    TargetRule("major", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
)
"""Each within the one before."""


@pytest.fixture(scope="session")
def nested():
    return NESTED


@pytest.fixture(scope="session")
def nested_layout():
    return stream_layout(NESTED)


@pytest.fixture(scope="session")
def any_dispute():
    """Streams of which the last holds every dispute, and the others one other category each."""
    return stream_layout([TargetRule("quarrel", ("dispute",), 1)])


@pytest.fixture(scope="session")
def quiet_past(coded):
    """A past of so many days in which nothing happened."""

    def make(layout, days: int = 70):
        return count_events(coded(), TimeGrid(START, START + timedelta(days=days)), layout)

    return make


@pytest.fixture(scope="session")
def past(us_china):
    """The bundled events of a year and a half; the last week has three days."""

    def count(targets):
        return count_events(us_china, TimeGrid(START, date(2023, 7, 11)), stream_layout(targets))

    return count


@pytest.fixture(scope="session")
def from_prior():
    """Draws from the priors of a record; ``changed`` states some of them otherwise."""

    def draw(panel, n_draws: int, n_knots: int | None = None, **changed: str):
        priors = record_priors(panel, None).changed(
            {name.replace("__", "."): stated for name, stated in changed.items()}, "config"
        )
        variables = prior_draws(priors, n_draws, n_knots or panel.grid.n_knots, np.random.default_rng(4))
        return stream_draws(panel.layout, variables, priors)

    return draw


@pytest.fixture(scope="session")
def assert_shares():
    """Shares of independent paths lie within 4.5 standard errors of their probabilities."""

    def check(shares, probabilities, n_paths: int) -> None:
        shares, probabilities = np.asarray(shares), np.asarray(probabilities)
        error = np.sqrt(probabilities * (1 - probabilities) / n_paths) + 1e-12
        z = (shares - probabilities) / error
        assert np.abs(z).max() < 4.5, f"shares {shares}, probabilities {probabilities}, z {z.round(1)}"

    return check
