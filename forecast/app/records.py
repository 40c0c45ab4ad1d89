"""What the page is told, as records: ``docs/page.md`` explains each.

Probabilities are in [0, 1] and differences in parts of one; a day is counted from the origin, the first day
ahead.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from forecast.records.base import Interval, Record

Triple = tuple[float, float, float]
"""5%, 50% and 95% quantiles."""


class Point(Record):
    """Probability of the target before a day, with its 90% interval."""

    day: int
    date: date
    probability: float
    low: float
    high: float


class AnswerMilestone(Record):
    """The target before one milestone under the state, and its difference from the run."""

    name: str
    probability: float
    low: float
    high: float
    difference: float
    difference_mcse: float
    difference_at_most: float | None = None


class BaseProbability(Record):
    """What the run itself says."""

    probability: float
    low: float
    high: float


class Answer(Record):
    """The answer to a state; numbers are ``None`` where they are withheld."""

    status: Literal["ready", "withheld"]
    reason: str | None = None
    target: str
    milestone: str
    probability: float | None = None
    low: float | None = None
    high: float | None = None
    words: str | None = None
    sentence: str
    base: BaseProbability
    difference: float | None = None
    difference_mcse: float | None = None
    difference_at_most: float | None = None
    assumed: float | None = None
    model_adds: float | None = None
    curve: tuple[Point, ...] = ()
    milestones: tuple[AnswerMilestone, ...] = ()
    pareto_k: float | None = None
    effective_draws: float | None = None
    trust: str
    method: str
    changes: tuple[str, ...]
    command: str
    milliseconds: float


class Named(Record):
    """A name of the config, with what people call it."""

    name: str
    label: str


class PageTarget(Named):
    """A target that can be asked for; a small chance of a ``grave`` one is said in odds."""

    definition: str
    grave: bool


class PageMilestone(Named):
    """A milestone that can be asked for."""

    date: date
    day: int


class BaseMilestone(BaseProbability):
    """What the run says of a target before a milestone; ``subject`` is what is asked, within a sentence."""

    words: str
    subject: str
    sentence: str


class BaseTarget(Record):
    """What the run says of a target."""

    curve: tuple[Point, ...]
    milestones: dict[str, BaseMilestone]


class PriorText(Record):
    """A prior: in words or as a distribution, and its quantiles on the human scale."""

    text: str
    quantiles: Triple


class PriorWord(Record):
    """A word that stands for a prior."""

    word: str
    quantiles: Triple


class PriorStop(Record):
    """A place of the slider: the prior moved by so many steps of its own spread, as a state holds it."""

    steps: float
    quantiles: Triple
    statement: str
    text: str


class PosteriorQuantiles(Record):
    """What the run found."""

    quantiles: Triple


class HumanUnit(Record):
    """The scale that the values of a prior are shown on.

    Quantiles on it are stated as ``{name: {q05: …, median: …, q95: …}}``.
    """

    name: str
    meaning: str
    min: float
    max: float
    log: bool


class PagePrior(Named):
    """A belief that can be moved, the most influential first.

    ``effect`` is the change of the headline's log odds for one step of the prior's spread; ``None`` where the
    draws cannot tell. ``reliable`` are the steps between which they can stand for the moved belief.
    """

    help: str
    unit: str
    effect: float | None
    moves: bool
    key: bool
    words: tuple[PriorWord, ...]
    prior: PriorText
    posterior: PosteriorQuantiles
    scale: HumanUnit
    stops: tuple[PriorStop, ...]
    reliable: Interval


class PageAct(Record):
    """A scheduled act."""

    label: str
    date: date
    category: str
    severity: int
    by: str
    probability: float


class PageCategory(Named):
    """A category of the codebook."""

    conflict: bool
    meaning: str


class PageSeverity(Record):
    """A severity of the scale, with its anchor by category."""

    value: int
    label: str
    anchors: dict[str, str]


class PastAct(Record):
    """A past event, with what it did to the headline."""

    id: str
    date: date
    text: str
    category: str
    severity: int
    effect: float
    error: float


class PageLimits(Record):
    """What a state may hold at most."""

    acts: int


class PageStep(Record):
    """One source of the headline: its name, what it adds, and the probability with it."""

    name: str
    change: float
    probability: float


class PageModel(Record):
    """All that the page knows of a run when it opens.

    ``actors`` are those that can act, where a target counts acts of some only; else none.
    """

    schema_: Literal[1] = 1
    run_id: str
    title: str
    sides: tuple[str, str]
    as_of: date
    converged: bool
    failures: tuple[str, ...]
    tweaks: bool
    refit: bool
    horizon_days: int
    headline: dict[str, str]
    targets: tuple[PageTarget, ...]
    milestones: tuple[PageMilestone, ...]
    base: dict[str, BaseTarget]
    priors: tuple[PagePrior, ...]
    calendar: tuple[PageAct, ...]
    categories: tuple[PageCategory, ...]
    severities: tuple[PageSeverity, ...]
    actors: tuple[str, ...]
    past: tuple[PastAct, ...]
    cautions: tuple[str, ...]
    waterfall: tuple[PageStep, ...]
    limits: PageLimits
    run_folder_name: str
