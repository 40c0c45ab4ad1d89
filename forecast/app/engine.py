"""A run kept in memory behind the page: what the page opens with, the states that it sends, their answers.

The numbers are those of ``forecast scenario``, by the same code. Probabilities are in [0, 1] and differences
in parts of one. ``docs/page.md`` explains the answer.

A state says ``run``, ``target`` and ``milestone``, and a diff of the run: ``priors``, ``events``,
``beliefs``, ``reactions`` and ``without`` as a scenario file has them, and ``calendar``, probabilities by the
label of a scheduled act.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Literal

import numpy as np

from forecast import wording
from forecast.blocks import Answer, Beside, Block, Cell, Heading, Move, Prose, Rise, Table, Tick
from forecast.config import Scenario
from forecast.config.scenario import PAGE, UNNAMED
from forecast.config.settings_file import Fault, SourceMap, dotted_path
from forecast.errors import ConfigError, InputError, did_you_mean, shown
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES, act_parties, category_label
from forecast.phrases.assumptions import assumption_label, titles_of
from forecast.phrases.bulletin import withheld_text
from forecast.phrases.chances import (
    members_say,
    question_sentence,
    rows_beside,
    rule_and_actors,
    shown_change,
    target_titles,
)
from forecast.phrases.notices import UNCONVERGED, caution_lines, gate_texts, too_little_text
from forecast.phrases.scenarios import (
    NOT_CARRIED,
    basis_sentence,
    if_words,
    no_effect_sentence,
    trust_sentence,
)
from forecast.priors import Distribution, NamedPrior
from forecast.priors.distributions import shifted
from forecast.records import forecast as records
from forecast.records.base import Record, one_named
from forecast.report.page_1 import brief_section
from forecast.report.run_records import read_run_records
from forecast.report.tables import reconciled
from forecast.runs.inputs import Inputs, known_subcategories
from forecast.runs.run import Run
from forecast.scenarios.answer import parameter_draws
from forecast.scenarios.basis import LEAST_SHOWN
from forecast.scenarios.bulletin import bulletin
from forecast.scenarios.evaluate import chance_after, evaluate_plan
from forecast.scenarios.plan import Plan, plan_change
from forecast.sensitivity.reconcile import reconcile

MOST_ACTS = 50
"""Acts that a state may assume, and past events that it may take out."""
STOPS = tuple(0.25 * place for place in range(-8, 9))
"""Places of a slider, in steps of the prior's own spread."""
_PARTS = ("priors", "events", "beliefs", "reactions", "without")
_NEW = "new_subcategories"
_KEYS = ("run", "target", "milestone", *_PARTS, "calendar", _NEW)
_MOST_DEEP = 12
_LEVELS = (0.05, 0.5, 0.95)
EFFECT_DAYS = 30
"""Days after an assumed act of which the effect curve tells each."""
_UNUSABLE = "This run did not converge. Its numbers must not be used."


class StateError(InputError):
    """A state that cannot be answered; ``key`` is its place in the state, ``None`` where it has none."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class State:
    """A question, and the diff of the run that it is asked of; ``scenario`` is ``None`` without a diff."""

    target: str
    milestone: str
    scenario: Scenario | None


@dataclass(frozen=True)
class _Places(SourceMap):
    """Turns the faults of a scenario into one ``StateError`` with the first key, e.g. ``events[0].date``."""

    def error(self, faults: Iterable[Fault]) -> ConfigError:
        first, *others = faults
        more = f" ({len(others)} more)" if others else ""
        calendar = first.path[:2] == ("calendar", "probability")
        key = dotted_path(tuple(key for key in first.path if not calendar or key != "probability"))
        raise StateError(f"{key}: {first.message}{more}".removeprefix(": "), key or None)


def _known(content: Mapping[str, object], key: str, default: str, known: tuple[str, ...]) -> str:
    given = content.get(key, default)
    if given not in known:
        hint = did_you_mean(str(given), known)
        raise StateError(f"{key}: the run has no {shown(given)}.{hint} It has: {', '.join(known)}", key)
    return str(given)


def _refuse_odd(value: object, depth: int = 0) -> None:
    """Refuse what no YAML file holds either: deep nesting, halves of surrogate pairs."""
    if depth > _MOST_DEEP:
        raise StateError(f"the state is nested more than {_MOST_DEEP} deep")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise StateError("a text of the state is not valid Unicode") from error
    elif isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _refuse_odd(part, depth + 1)


class PriorStop(Record):
    """A place of the slider: the prior moved by so many steps of its own spread, as a state holds it.

    ``short`` is its middle and ``text`` all of it, before the data; ``with_record`` its middle with the data.
    """

    steps: float
    statement: str
    short: str
    text: str
    with_record: str


class PagePrior(Record):
    """A belief that can be moved; ``reaction``: the chance of one; ``stops`` ascend."""

    name: str
    label: str
    help: str
    stops: tuple[PriorStop, ...]
    reaction: bool = False


class PageAct(Record):
    """A scheduled act; ``detail`` says its day, its kind and how likely the run takes it to be."""

    label: str
    date: date
    category: str
    probability: float
    detail: str


class PageCategory(Record):
    """A category of the codebook, and what its severities 1, 2, … are on the scale of the run.

    ``subcategories`` are those of the record and of reactions, ``actor_needed`` the least severity at which
    it must be said who acts; ``None`` where it need not.
    """

    name: str
    label: str
    conflict: bool
    severities: tuple[str, ...]
    subcategories: tuple[str, ...]
    actor_needed: int | None


class PastAct(Record):
    """A past event, and rows left out with it; ``effect`` is how the headline changes without them."""

    id: str
    also: tuple[str, ...]
    date: date
    text: str
    kind: str
    effect: str


class PageCell(Record):
    """A cell of a table; it draws its ``span`` on the scale from 0 to 1, from the first to the second."""

    text: str
    note: str
    span: tuple[float, float] | None


class PageBlock(Record):
    """A block of the report as the page shows it: a heading, a paragraph or a table."""

    heading: str = ""
    text: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[PageCell, ...], ...] = ()


def page_blocks(blocks: Iterable[Block]) -> Iterator[PageBlock]:
    """Yield the blocks that the page shows; figures are the report's alone."""
    for block in blocks:
        if isinstance(block, Beside):
            yield from page_blocks((*block.left, *block.right))
        elif isinstance(block, Heading):
            yield PageBlock(heading=block.text)
        elif isinstance(block, Prose):
            yield PageBlock(text=f"{block.lead} {block.text}".strip())
        elif isinstance(block, Table):
            rows = tuple(tuple(map(_cell, row)) for group in block.groups for row in group.rows)
            heads = tuple(column.head for column in block.columns)
            yield PageBlock(heading=block.title, heads=heads, rows=rows)


def _cell(cell: Cell) -> PageCell:
    match cell.mark:
        case Rise(start=first, end=second) | Move(before=first, after=second):
            return PageCell(text=cell.text, note=cell.note, span=(first, second))
    return PageCell(text=cell.text, note=cell.note, span=None)


class PageModel(Record):
    """All that the page knows of a run when it opens.

    ``stamp`` says why a run that did not converge must not be used; ``counts`` what counts as each target.
    ``actors`` are those that can act. Priors stand in the order of their effect; none where nothing may be
    changed.
    """

    run_id: str
    title: str
    as_of: date
    made: str
    stamp: str | None
    headline: records.Headline
    ticks: tuple[Tick, ...]
    page_1: tuple[PageBlock, ...]
    targets: tuple[records.TargetForecast, ...]
    counts: dict[str, str]
    milestones: tuple[records.MilestoneForecast, ...]
    priors: tuple[PagePrior, ...]
    calendar: tuple[PageAct, ...]
    categories: tuple[PageCategory, ...]
    actors: tuple[str, ...]
    past: tuple[PastAct, ...]
    cautions: tuple[str, ...]
    most_acts: int = MOST_ACTS


def page_model(run: Run) -> PageModel:
    """Describe a run for the page; without beliefs where none may be changed."""
    forecast, config, made = run.forecast, run.inputs.config, run.forecast.made_on
    scale, converged, layout = forecast.scale, forecast.converged, run.inputs.data.layout
    failures = "; ".join(gate_texts(forecast.diagnostics.failures))
    known = {0.0: "0%", 1.0: "100%"}  # unlike a target, an act can be certain
    # Of every event the page has a table of its own.
    page_1 = [block for block in _page_1(run) if not (isinstance(block, Table) and block.name == "questions")]
    return PageModel(
        run_id=forecast.run_id,
        title=forecast.dyad.label,
        as_of=forecast.as_of,
        made=f"Made {wording.long_day(made)}, in hindsight" if forecast.hindsight and made else "",
        stamp=too_little_text(forecast) if converged else f"{UNCONVERGED}. {failures}",
        headline=forecast.headline,
        ticks=tuple(tick for block in page_1 if isinstance(block, Answer) for tick in block.ticks),
        page_1=tuple(page_blocks(page_1)),
        targets=forecast.targets,
        counts={target.name: rule_and_actors(target, scale) for target in forecast.targets},
        milestones=forecast.targets[0].milestones,
        priors=tuple(page_priors(run)) if converged else (),
        calendar=tuple(
            PageAct(
                label=act.label,
                date=act.date,
                category=act.category,
                probability=act.probability,
                detail=f"{wording.short_day(act.date)}; {act_kind(run, act.category, act.severity)}; "
                f"in the run {known.get(act.probability) or wording.percent(act.probability)}",
            )
            for act in config.calendar
        ),
        categories=tuple(
            PageCategory(
                name=name,
                label=category_label(name),
                conflict=name in CONFLICTUAL,
                severities=tuple(scale.anchor(name, severity).rstrip(".") for severity in SEVERITIES),
                subcategories=_subcategories(run.inputs, name),
                actor_needed=next((s for s in SEVERITIES if layout.directed(name, s)), None),
            )
            for name in CATEGORIES
        ),
        actors=run.inputs.dyad.actors,
        past=tuple(
            PastAct(
                id=driver.event_id,
                also=driver.also,
                date=driver.date,
                text=", ".join(filter(None, (driver.summary.rstrip("."), rows_beside(len(driver.also))))),
                kind=act_kind(run, driver.category, driver.severity),
                effect=f"{shown_change(-driver.change, driver.mcse)} points",
            )
            for driver in sorted(forecast.drivers, key=lambda driver: -abs(driver.change))
        ),
        cautions=tuple(caution_lines(forecast.cautions, without=())),
    )


def _page_1(run: Run) -> tuple[Block, ...]:
    """Page 1 of the report; nothing of a run that has none on disk, or of one that nobody may use."""
    usable = run.analysis and run.forecast.converged and not run.forecast.too_little
    return brief_section(read_run_records(run.folder)).blocks if usable and run.folder else ()


def _subcategories(inputs: Inputs, category: str) -> tuple[str, ...]:
    """Subcategories of a category that reactions name, and those of its acts in the record."""
    named = (
        kind
        for reaction in inputs.reactions
        if reaction.when and reaction.when.category == category
        for kind in reaction.when.subcategory
        if "*" not in kind
    )
    return tuple(dict.fromkeys([*named, *known_subcategories(inputs.events, category)]))


def act_kind(run: Run, category: str, severity: int) -> str:
    """A kind of act with the anchor of its severity, e.g. ``sanction of severity 3 (“A listing”)``."""
    anchor = run.forecast.scale.anchor(category, severity).rstrip(".")
    return f"{category_label(category).lower()} of severity {severity} (“{anchor}”)"


def page_priors(run: Run) -> Iterator[PagePrior]:
    """Yield every prior of the model, those that the run found to move the headline first, the most first."""
    measured = run.analysis.sensitivity if run.analysis else None
    moving = [moved.name for moved in measured.assumptions] if measured else []
    reactions = {reaction.name: reaction.label for reaction in run.inputs.data.layout.reactions}
    titles, priors = titles_of(run.forecast, reactions), run.inputs.priors.priors
    labels = {f"reaction.number.{name}": label for name, label in reactions.items()}
    for name in dict.fromkeys([*(name for name in moving if name in priors), *priors]):
        group = priors[name].group
        yield PagePrior(
            name=name,
            label=labels.get(name) or assumption_label(name, titles=titles),
            help=wording.capitalised(group.scale.meaning) if name in labels else group.meaning,
            stops=tuple(_stops(run, priors[name])),
            reaction=name in labels,
        )


def _stops(run: Run, prior: NamedPrior) -> Iterator[PriorStop]:
    scale, moved = prior.group.scale, {steps: shifted(prior.distribution, steps) for steps in STOPS}
    quantiles = {steps: prior.quantile(_LEVELS).tolist() for steps, prior in moved.items()}
    for steps in sorted(STOPS, key=lambda steps: scale.of(quantiles[steps][1])):
        yield PriorStop(
            steps=steps,
            statement=str(moved[steps]),
            short=scale.short(scale.of(quantiles[steps][1])),
            text=scale.read(*quantiles[steps]),
            with_record=middle_with_record(run, prior, moved[steps]),
        )


def middle_with_record(run: Run, prior: NamedPrior, stated: Distribution) -> str:
    """Middle of what the draws say under a prior in place of the run's own; rough where these are few."""
    values, scale = parameter_draws(run, prior.name), prior.group.scale
    ratio = stated.log_density(values) - prior.distribution.log_density(values)
    weights = np.exp(ratio - ratio.max())
    middle = float(np.quantile(values, 0.5, weights=weights, method="inverted_cdf"))
    return scale.short(scale.of(middle))


class AnswerMilestone(Record):
    """The target before one milestone under the state, its difference from the run, and both in words.

    ``assumed``: the part of the difference that acts make by being the event; ``None`` where more is stated.
    """

    name: str
    probability: float
    interval90: tuple[float, float]
    difference: float
    mcse: float
    assumed: float | None
    chance: str
    range: str
    run: str
    change: str


class EffectPoint(records.AfterAct):
    """The chance some days after the first assumed act, in words too; day 0 is that of the act.

    ``milestone``: up to the milestone that is asked for.
    """

    milestone: bool = False
    chance: str
    run: str


class PageAnswer(Record):
    """The answer to a state: chances by day and before milestones, none where they are withheld.

    ``chance``, ``range``, ``sentence``, ``change``, ``read``, ``rests_on`` and ``trust`` are what the page
    prints.
    """

    status: Literal["ready", "withheld"] = "ready"
    target: str
    milestone: str
    method: str = "run"
    chances: records.ChanceTable | None = None
    milestones: tuple[AnswerMilestone, ...] = ()
    effect: tuple[EffectPoint, ...] = ()
    chance: str = "Withheld"
    range: str = ""
    sentence: str
    change: str = ""
    read: str = ""
    trust: str = "These are the numbers of the run."
    rests_on: str = ""


class PageReconciled(Record):
    """What it takes for the run to say a probability, in the words and rows of ``forecast reconcile``."""

    blocks: tuple[PageBlock, ...]


@dataclass(frozen=True)
class Engine:
    """Answers states of one run; may be asked from several threads."""

    run: Run
    fitting: threading.Lock = field(default_factory=threading.Lock)
    """Held while a new fit is made: one at a time."""

    def read(self, content: object) -> State:
        """Read a state as JSON gives it (``StateError``: another run, or refused as a scenario file is)."""
        config, run_id = self.run.inputs.config, self.run.forecast.run_id
        if not isinstance(content, dict):
            raise StateError("a state is a mapping of keys: " + ", ".join(_KEYS))
        _refuse_odd(content)
        for key in content:
            if key not in _KEYS:
                hint = did_you_mean(str(key), _KEYS)
                raise StateError(f"{shown(key)}: unknown key.{hint} Allowed: {', '.join(_KEYS)}", shown(key))
        if (given := content.get("run", run_id)) != run_id:
            raise StateError(
                f"this state is of the run {shown(given)}; the page shows {run_id}. Open the page of that "
                "run, or state it here anew",
                "run",
            )
        target = _known(content, "target", config.headline.target, tuple(config.targets))
        milestones = tuple(milestone.name for milestone in config.milestones)
        milestone = _known(content, "milestone", config.headline.milestone, milestones)
        settings: dict[str, Any] = {key: content[key] for key in _PARTS if content.get(key)}
        for key in ("events", "beliefs", "without"):
            if isinstance(settings.get(key), list) and len(settings[key]) > MOST_ACTS:
                raise StateError(f"{key}: {len(settings[key])} entries; at most {MOST_ACTS} are allowed", key)
        if chances := content.get("calendar"):
            settings["calendar"] = {"probability": chances}
        if not settings:
            return State(target, milestone, None)
        named = {"name": PAGE, "rationale": UNNAMED[PAGE], **settings, _NEW: content.get(_NEW, [])}
        return State(target, milestone, Scenario.checked(named, _Places("the page")))

    def plan(self, state: State) -> Plan:
        """Put the diff of a state upon the run (``StateError`` where there is none, or it does not fit)."""
        if state.scenario is None:
            raise StateError("nothing is changed: move a belief or add an act")
        if not self.run.forecast.converged:
            raise StateError(
                "this run did not converge, so nothing can be built upon its numbers. Run it again with more "
                "draws"
            )
        return plan_change(self.run.inputs, state.scenario)

    def reconcile(self, content: object) -> PageReconciled:
        """Say what would have to be believed for the run to say ``probability`` (``StateError``)."""
        given = dict(content) if isinstance(content, dict) else {}
        goal = given.pop("probability", None)
        state = self.read(given)
        if state.scenario is not None:
            raise StateError("a probability is asked of the run as it is; leave out what is changed")
        if isinstance(goal, bool) or not isinstance(goal, int | float) or not 0 < goal < 1:
            raise StateError("probability: must be above 0 and below 1, e.g. 0.4", "probability")
        if not self.run.forecast.converged:
            raise StateError(_UNUSABLE)
        found = reconcile(self.run, float(goal), target=state.target, milestone=state.milestone)
        reactions = {reaction.name: reaction.label for reaction in self.run.inputs.data.layout.reactions}
        return PageReconciled(blocks=tuple(page_blocks(reconciled(self.run.forecast, found, reactions))))

    def warm_up(self) -> None:
        """Compute what any act does that the page's controls can ask for, so that no answer waits for it."""
        if not self.run.forecast.converged:
            return
        inputs = self.run.inputs
        seen = {"date": inputs.data.grid.origin.isoformat(), "category": "visit", "severity": 1, "seen": True}
        # What an act that is done asks for, and one that is seen.
        self.run.mixture  # noqa: B018
        self.answer(self.read({"events": [seen | act_parties(inputs.who_acts("visit", 1) or "")]}))

    def refit(self, state: State, stopped: Callable[[], bool]) -> PageAnswer:
        """Answer a state by a new fit where one is needed; ends soon after ``stopped`` says so.

        Raises ``StateError``: as ``plan``, and while another fit is made, or where this one was stopped.
        """

        def tell(note: str) -> None:
            if stopped():
                raise StateError("the new fit was cancelled")

        self.plan(state)
        if not self.fitting.acquire(blocking=False):
            raise StateError("another new fit is being made; wait for it or cancel it")
        try:
            return self.answer(state, tell)
        finally:
            self.fitting.release()

    def bulletin(self, state: State) -> bytes:
        """Return the bulletin of the acts of a state, which happened, as a PDF.

        Raises ``StateError``: there is no act, or too few draws are left; as ``forecast.scenarios.bulletin``.
        """
        # Imported where it is needed: a page that makes none need not load the typesetter.
        from forecast.report.bulletin import bulletin_pdf

        with self.fitting:
            made = bulletin(self.run, state.scenario or ())
        if made.withheld:
            raise StateError(withheld_text(made))
        report = self.run.inputs.config.report
        return bulletin_pdf(made, paper=report.paper, classification=report.classification)

    def answer(self, state: State, refit: Callable[[str], None] | None = None) -> PageAnswer:
        """Answer a state; with ``refit``, told of the progress, by a new fit where the draws cannot tell."""
        known, asked = self.run.forecast.target(state.target), state.milestone
        thin = self.run.forecast.too_little is not None
        answer = partial(PageAnswer, target=state.target, milestone=asked)
        if state.scenario is None:
            if not self.run.forecast.converged:
                return answer(status="withheld", sentence=_UNUSABLE)
            same = {"change": "Nothing changed yet: this is the forecast of the run."}
            return answer(**_numbers(known, known, asked, thin=thin) | same)
        plan, tell = self.plan(state), refit or (lambda note: None)
        scenario = evaluate_plan(self.run, plan, refit=refit is not None, tell=tell, targets=(state.target,))
        trust = trust_sentence(scenario)
        said: dict[str, Any] = {
            "method": scenario.method,
            "trust": trust,
            "read": ": ".join(if_words(scenario.kinds)),
            "rests_on": basis_sentence(scenario, target_titles(self.run.forecast)),
        }
        if scenario.withheld or scenario.failures:
            run = wording.percent(known.milestone(asked).probability)
            return answer(status="withheld", range=f"The run says {run}", sentence=trust, **said)
        now = scenario.target(state.target)
        if not now.milestone(asked).carried:
            said["read"] = NOT_CARRIED
        elif scenario.no_effect and known.name == self.run.forecast.headline.target:
            said["read"] = no_effect_sentence(scenario)
        effect = tuple(_effect(known, scenario, asked))
        return answer(effect=effect, **said, **_numbers(known, now, asked, thin=thin))


def _numbers(
    known: records.TargetForecast,
    target: records.TargetForecast | records.ScenarioTarget,
    asked: str,
    *,
    thin: bool,
) -> dict[str, Any]:
    """The numbers of an answer, and their words, for a target that is the run's own or moved."""
    now = target.milestone(asked)
    rows = tuple(map(_row, known.milestones, target.milestones))
    plausible = f"Plausible range {wording.interval_percent(now.interval90)}"
    members = members_say(now) if isinstance(now, records.MilestoneForecast) else ""
    return {
        "chances": target.chances,
        "milestones": rows,
        "chance": wording.percent(now.probability),
        "range": "; ".join(filter(None, (plausible, members))),
        "sentence": question_sentence(known, now, thin=thin),
        "change": _change_sentence(one_named(rows, "milestone", asked)),
    }


def _row(known: records.MilestoneForecast, now: records.DatedChance) -> AnswerMilestone:
    change, assumed = records.Difference(value=0.0, mcse=0.0), None
    if isinstance(now, records.ScenarioMilestone):
        change, assumed = now.difference, now.by_assumption
    return AnswerMilestone(
        name=now.name,
        probability=now.probability,
        interval90=now.interval90,
        difference=change.value,
        mcse=change.mcse,
        assumed=assumed,
        chance=wording.percent(now.probability),
        range=wording.interval_percent(now.interval90),
        run=wording.percent(known.probability),
        change=shown_change(change.value, change.mcse),
    )


def _effect(
    known: records.TargetForecast, scenario: records.ScenarioForecast, milestone: str
) -> Iterator[EffectPoint]:
    """Yield the points of the effect curve, day by day and to the milestone."""
    target, dates = scenario.target(known.name), known.chances.day
    first = (scenario.acts[0].first_day - dates[0]).days if scenario.acts else len(dates)
    last = (known.milestone(milestone).date - dates[0]).days
    ends = [*range(first + 1, min(first + EFFECT_DAYS + 2, len(dates)))]
    for place, end in enumerate(ends + [last] * (last > first)):
        now, run = (chance_after(one.chances.mean, first, end) for one in (target, known))
        yield EffectPoint(
            days=end - first - 1,
            date=dates[end - 1],
            milestone=place == len(ends),
            probability=now,
            base=run,
            chance=wording.percent(now),
            run=wording.percent(run),
        )


def _change_sentence(asked: AnswerMilestone) -> str:
    """What a state changes against the run, with its error, and what of it acts make that are the event."""
    run = f"the run ({asked.run})"
    if abs(asked.difference) < LEAST_SHOWN and asked.mcse < LEAST_SHOWN:
        return f"No visible change from {run}."
    clear = "" if abs(asked.difference) > 2 * asked.mcse else ": no clear change"
    said = f"{asked.change} points against {run}{clear}."
    if asked.assumed:
        said += f" Of this, {wording.signed_points(asked.assumed)} is assumed: the act itself is the event."
    return said
