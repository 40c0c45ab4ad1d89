"""What a run from weekly scores reads, checked as a whole before any work: rows, series, targets, priors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from forecast.config import ScoreConfig, ScoreTarget
from forecast.errors import PriorError
from forecast.weekly_scores.parameters import ScorePriors, score_priors
from forecast.weekly_scores.reading import WeeklyScore, read_weekly_scores, scores_known_by
from forecast.weekly_scores.series import ScoreRule, ScoreSeries


@dataclass(frozen=True)
class ScoreInputs:
    """What a run from weekly scores reads, checked: every row, the series as known, rules and priors."""

    config: ScoreConfig
    rows: tuple[WeeklyScore, ...]
    series: ScoreSeries
    rules: tuple[ScoreRule, ...]
    priors: ScorePriors


def read_score_inputs(config: ScoreConfig) -> ScoreInputs:
    """Read the scores and resolve targets and priors; nothing is fitted.

    Raises
    ------
    ConfigError
        No such file, a direction that the file does not have, or a prior that is not valid; with the line.
    EventError
        The file has faults or too few weeks.
    """
    source = config.scores.source
    if not config.scores_path.is_file():
        raise config.error(("scores", "source"), f"no such file: {config.scores_path}")
    rows = read_weekly_scores(config.scores_path, source)
    series = series_known_by(config, rows, config.as_of)
    for name, target in config.targets.items():
        if target.direction != "both" and target.direction not in series.directions:
            raise config.error(
                ("targets", name, "direction"),
                f"the file has no scores {target.direction}; it has {', '.join(series.directions)}",
            )
    try:
        priors = score_priors(
            config.model.priors,
            n_directions=len(series.directions),
            acts_known=series.acts is not None,
        )
    except PriorError as error:
        name, _, message = str(error).partition(": ")
        raise config.error(("model", "priors", name), message) from error
    rules = tuple(ScoreRule(name, one.direction, one.score_below) for name, one in config.targets.items())
    return ScoreInputs(config, rows, series, rules, priors)


def series_known_by(config: ScoreConfig, rows: tuple[WeeklyScore, ...], as_of: date) -> ScoreSeries:
    """Return the series of the config's dyad as known on a day; errors as ``scores_known_by``."""
    return scores_known_by(
        rows, config.dyad.a, config.dyad.b, as_of, start=config.scores.start, source=config.scores.source
    )


def score_definition(config: ScoreConfig, target: ScoreTarget) -> str:
    """Return when a target is met, e.g. ``a week with a score below −20 (USA towards CHN)``."""
    a, b = config.dyad.a, config.dyad.b
    who = {"a_to_b": f"{a} towards {b}", "b_to_a": f"{b} towards {a}", "both": "both directions together"}
    bound = f"{target.score_below:g}".replace("-", "−")
    return f"a week with a score below {bound} ({who[target.direction]})"
