"""Parameters of the model of weekly scores: meaning and default prior, changed by what a config states.

Scores are in units of ``ScoreSeries.unit`` (the typical size of a score), so that the defaults fit any scale.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from forecast.errors import PriorError
from forecast.priors.distributions import Distribution, parse_distribution
from forecast.priors.elicitation import fit_quantiles


@dataclass(frozen=True)
class ScoreParameter:
    """One parameter, or one a direction.

    Parameters
    ----------
    name : str
        As in ``model.priors``.
    meaning, unit : str
    default : Distribution
    by_direction : bool
        Whether each direction has its own, with the same prior.
    needs_acts : bool
        Whether it is in the model only when the number of acts is known.
    """

    name: str
    meaning: str
    unit: str
    default: Distribution
    by_direction: bool = False
    needs_acts: bool = False

    @property
    def variable(self) -> str:
        """Name in models and posteriors."""
        return self.name.replace(".", "_")


def _prior(family: str, *values: float) -> Distribution:
    return Distribution(family, values)


PARAMETERS: tuple[ScoreParameter, ...] = (
    ScoreParameter("tone.mean", "average score of an act", "units", _prior("Normal", 0, 1), True),
    ScoreParameter(
        "tone.swing", "how far the latent tone moves it", "units", _prior("LogNormal", -0.9, 0.7), True
    ),
    ScoreParameter("tone.persistence", "how long tone lasts", "days", _prior("LogNormal", 5.0, 0.8)),
    ScoreParameter(
        "tone.with_activity",
        "tone of an act when activity is one deviation up",
        "units",
        _prior("Normal", 0, 0.3),
    ),
    ScoreParameter(
        "activity.weekly_acts", "acts in an average week", "acts", _prior("LogNormal", 0, 1.5), True, True
    ),
    ScoreParameter(
        "activity.swing",
        "how far latent activity moves the log of acts (or of the spread of scores)",
        "log",
        _prior("LogNormal", -0.5, 0.6),
        True,
    ),
    ScoreParameter("activity.persistence", "how long activity lasts", "days", _prior("LogNormal", 5.0, 0.8)),
    ScoreParameter(
        "activity.shape",
        "evenness of the acts of a week (small: bursts)",
        "",
        _prior("LogNormal", 0.7, 1.0),
        True,
        True,
    ),
    ScoreParameter(
        "activity.echo",
        "acts that follow on one act of either side",
        "acts",
        _prior("LogitNormal", -1.5, 1.0),
        True,
        True,
    ),
    ScoreParameter(
        "activity.echo_half_life_days", "how long they do", "days", _prior("LogNormal", 2.3, 0.6), False, True
    ),
    ScoreParameter("noise.scale", "spread of one act's score", "units", _prior("LogNormal", 0, 0.5), True),
    ScoreParameter(
        "noise.growth",
        "0: spread grows with the root of acts, 1: in proportion",
        "",
        _prior("Beta", 2, 2),
        False,
        True,
    ),
    ScoreParameter(
        "noise.tail",
        "degrees of freedom of Student's t above 2 (small: outliers)",
        "",
        _prior("Gamma", 2, 0.1),
    ),
    ScoreParameter(
        "noise.together",
        "correlation of the two directions within a week, 0 to 1 for −1 to 1",
        "",
        _prior("Beta", 2, 2),
    ),
)


@dataclass(frozen=True)
class ScorePriors:
    """A prior for every parameter of a model, by name, and which were stated."""

    distributions: Mapping[str, Distribution]
    stated: frozenset[str]


def parameters_of(*, n_directions: int, acts_known: bool) -> tuple[ScoreParameter, ...]:
    """Return the parameters that are in the model of a series."""
    return tuple(
        one
        for one in PARAMETERS
        if (acts_known or not one.needs_acts) and (n_directions > 1 or one.name != "noise.together")
    )


def score_priors(
    statements: Mapping[str, str | Mapping[str, object]], *, n_directions: int, acts_known: bool
) -> ScorePriors:
    """Return the defaults, changed by what is stated.

    Raises
    ------
    PriorError
        A name is not in this model, a text is not readable, or its support does not fit. The message
        starts with the name.
    """
    known = {one.name: one for one in parameters_of(n_directions=n_directions, acts_known=acts_known)}
    distributions = {name: one.default for name, one in known.items()}
    for name, statement in statements.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise PriorError(f"{name}: no parameter of this model.{hint} Allowed: {', '.join(known)}")
        distributions[name] = _read(known[name], statement)
    return ScorePriors(distributions, frozenset(statements))


def _read(parameter: ScoreParameter, statement: str | Mapping[str, object]) -> Distribution:
    try:
        if isinstance(statement, Mapping):
            return fit_quantiles(statement, parameter.default.support)
        found = parse_distribution(statement)
    except PriorError as error:
        raise PriorError(f"{parameter.name}: {error}") from error
    inside = {"real": {"real", "positive", "unit"}, "positive": {"positive", "unit"}, "unit": {"unit"}}
    if found.support not in inside[parameter.default.support]:
        allowed = {"positive": "above 0", "unit": "between 0 and 1", "real": "any number"}
        raise PriorError(
            f"{parameter.name}: {found} puts mass where it cannot be ({allowed[parameter.default.support]})"
        )
    return found
