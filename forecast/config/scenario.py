"""A change of a run, and a scenario, which is one with a name and a reason: types, checks, and reading.

What can be said without knowing the run is checked here; what refers to it (names of priors, ids of past
events, days after its as-of date) is checked when a scenario is put upon a run (``forecast.scenarios``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from forecast.config import field_types as kinds
from forecast.config.schema import Config, ReactionConfig, reaction_faults, title_of
from forecast.config.settings_file import (
    Fault,
    KeyPath,
    Place,
    Settings,
    SettingsFile,
    SourceMap,
    YamlValue,
    dotted_path,
    optional,
    parse_yaml,
    plain_scalar,
    read_yaml,
    several,
)
from forecast.errors import ConfigError
from forecast.events.cells import DateOrder, day_written
from forecast.records.forecast import BeliefStated

OPTIONS, PAGE = "options", "scenario-page"
UNNAMED = {OPTIONS: "Stated on the command line.", PAGE: "Stated on the scenario page."}
"""Scenarios to which nobody gave a title, options of the command line and the page, with what made them."""
_ACT_SHAPE = (
    "DATE:category[/subcategory]:severity[:probability][:by[:towards]], e.g. 2023-09-01:visit:4:0.7 or "
    "2023-09-01:dispute/taiwan_visit:4:USA (DATE may be FIRST..LAST)"
)
_HAPPENED = "DAY:category[/subcategory]:severity:by[:towards], e.g. 2020-01-03:military_incident:5:USA"
_BELIEF_SHAPE = "TARGET:FIRST..LAST:RATIO, e.g. taiwan_drills:2024-05-20..2024-06-19:2"


class AssumedAct(Settings):
    """A future act that the scenario assumes: on a day, or some time within a window."""

    date: kinds.Day | None = optional("its day; give either date or window")
    window: kinds.Window | None = optional("[first day, last day]: it happens once, any day as likely")
    category: kinds.Category = Field(description="category of the act in the codebook")
    subcategory: kinds.Subcategory | None = optional(
        "what kind of act of its category, as event files name it"
    )
    severity: kinds.Severity = Field(description="severity it would be coded with, 1 to 5")
    by: kinds.Actor | None = optional(
        "who acts; required where a target counts such acts of some actors only"
    )
    towards: kinds.Actor | None = optional("towards whom; required where a target counts such acts by that")
    probability: kinds.Probability = Field(default=1.0, description="probability that it happens, 0 to 1")
    label: kinds.Text | None = optional("what it is, in a few words")
    seen: bool = Field(
        default=False,
        description="true: that it is seen tells of tension and level; false: it is done, whatever these",
    )

    @property
    def first_day(self) -> Date:
        """Its day, or the first of its window."""
        day = self.window[0] if self.window else self.date
        assert day is not None  # the checks of the scenario have seen to it
        return day

    @property
    def last_day(self) -> Date | None:
        """The last day of its window; ``None`` for an act with a day of its own."""
        return self.window[1] if self.window else None


class LeftOutEvents(Settings):
    """Past events taken out: one by its id, or all that a description fits."""

    id: kinds.Text | None = optional("id of one event, as in events.csv")
    category: kinds.Category | None = optional("only events of this category")
    from_: kinds.Day | None = Field(default=None, alias="from", description="only events from this day on")
    to: kinds.Day | None = optional("only events up to this day")
    min_severity: kinds.Severity | None = optional("only events at least this severe")


LeftOut = Annotated[
    LeftOutEvents, BeforeValidator(lambda entry: {"id": entry} if isinstance(entry, str) else entry)
]


class CalendarChange(Settings):
    """Another calendar than that of the config."""

    replace: tuple[AssumedAct, ...] | None = optional("acts in place of the whole calendar; [] for none")
    extend: Annotated[tuple[AssumedAct, ...], kinds.EMPTY_LIST] = several("acts beside those of the calendar")
    probability: Annotated[Mapping[kinds.Text, kinds.Probability], kinds.EMPTY_MAPPING] = Field(
        default_factory=dict, description="other probabilities of acts of the calendar, by their label"
    )


class Belief(Settings):
    """A belief on a target within a window."""

    target: kinds.Text = Field(description="name of the target")
    window: kinds.Window = Field(description="[first day, last day] on which it holds")
    ratio: float = Field(
        ge=0.0,
        le=1000.0,
        description="how many times as likely on each of these days, given none before; 0: it cannot happen "
        "on them",
    )

    def stated(self, as_of: Date) -> BeliefStated:
        """Return it as a record of a run as of a day holds it."""
        first, last = self.window
        from_now = first == as_of + timedelta(days=1)
        return BeliefStated(
            target=self.target, first_day=first, last_day=last, ratio=self.ratio, from_now=from_now
        )


class Change(SettingsFile):
    """What is asked of a run: other beliefs, another future, or another past. Without any: the run itself."""

    priors: Annotated[Mapping[kinds.PriorName, kinds.PriorValue], kinds.EMPTY_MAPPING] = Field(
        default_factory=dict, description="word, distribution or quantiles by prior name"
    )
    events: Annotated[tuple[AssumedAct, ...], kinds.EMPTY_LIST] = several("future acts that are assumed")
    beliefs: Annotated[tuple[Belief, ...], kinds.EMPTY_LIST] = several(
        "beliefs on targets: so many times as likely in a window"
    )
    without: Annotated[tuple[LeftOut, ...], kinds.EMPTY_LIST] = several(
        "past events taken out: ids, or descriptions of several"
    )
    new_subcategories: kinds.Texts = several("subcategories that the record does not have")
    calendar: CalendarChange | None = optional("changes of the config's calendar")
    reactions: Annotated[Mapping[kinds.KeyName, ReactionConfig], kinds.EMPTY_MAPPING] = Field(
        default_factory=dict,
        description="reactions beside those of the config, or in place of those of the same name",
    )

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("change", {(): "change"}))

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> Change:
        """Read a change from the settings of a scenario file, as Python has them (``ConfigError``)."""
        return Change.checked(settings, SourceMap("change", {(): "change"}))

    def disagreements(self) -> Iterator[Fault]:
        """Yield every disagreement between settings; what refers to a run is checked with it."""
        calendar = self.calendar or CalendarChange()
        lists: tuple[tuple[KeyPath, Sequence[AssumedAct]], ...] = (
            (("events",), self.events),
            (("calendar", "replace"), calendar.replace or ()),
            (("calendar", "extend"), calendar.extend),
        )
        yield from _act_faults([((*path, at), act) for path, acts in lists for at, act in enumerate(acts)])
        for key in ("extend", "probability") if calendar.replace is not None else ():
            if getattr(calendar, key):
                message = "is for the config's calendar, which 'replace' takes away; put it into replace"
                yield Fault(("calendar", key), message)
        yield from _belief_faults(self.beliefs)
        yield from _past_faults(self.without)
        yield from reaction_faults(self.reactions)


class Scenario(Change):
    """A change of a run with a name and the reason for it."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of this format")
    name: kinds.FolderName = Field(description="short name, unique among the scenarios of a run")
    label: kinds.Text | None = optional("name in tables; made from the short name when absent")
    rationale: kinds.LongText = Field(description="why it is worth asking, and where its numbers come from")

    _source: SourceMap = PrivateAttr(default_factory=lambda: SourceMap("scenario"))

    def disagreements(self) -> Iterator[Fault]:
        """Yield every disagreement between settings, and that there is no change."""
        calendar = self.calendar or CalendarChange()
        changes = (self.priors, self.events, self.beliefs, self.without, self.reactions)
        if not any((*changes, calendar.replace is not None, calendar.extend, calendar.probability)):
            keys = "priors, events, beliefs, without, calendar, reactions"
            yield Fault((), f"the scenario changes nothing; give at least one of {keys}")
        yield from super().disagreements()

    @property
    def title(self) -> str:
        """The label, or the short name as words."""
        return self.label or title_of(self.name)


def load_scenario(path: str | Path) -> Scenario:
    """Read and check one scenario file (``ConfigError``, once, with every fault and its place)."""
    settings, source = read_yaml(Path(path))
    return Scenario.checked(settings, source, Path(path))


def load_scenarios(config: Config) -> tuple[Scenario, ...]:
    """Read the scenarios that a config lists, in its order (``ConfigError``: see ``refuse_same_names``)."""
    paths = [config.base_folder / Path(path).expanduser() for path in config.scenarios]
    scenarios = tuple(map(load_scenario, paths))
    refuse_same_names(scenarios)
    return scenarios


def refuse_same_names(scenarios: Sequence[Scenario]) -> None:
    """Refuse scenarios of one name by a ``ConfigError`` that says where the two are."""
    first: dict[str, Scenario] = {}
    for scenario in scenarios:
        other = first.setdefault(scenario.name, scenario)
        if other is not scenario:
            places = " and ".join(str(read.source_path or "the options") for read in (other, scenario))
            raise ConfigError(
                f"two scenarios are named '{scenario.name}': {places}; give each a name of its own"
            )


def _act_faults(acts: Sequence[tuple[KeyPath, AssumedAct]]) -> Iterator[Fault]:
    first: dict[object, KeyPath] = {}
    for path, act in acts:
        if act.seen and act.probability != 1.0:
            yield Fault((*path, "probability"), "what is seen has happened; remove it, or seen")
        if (act.date is None) == (act.window is None):
            given = "both are given" if act.date is not None else "neither is given"
            yield Fault(path, f"an act needs either date or window; {given}")
        same = tuple(act.model_dump(exclude={"probability", "seen"}).values())
        if first.setdefault(same, path) != path:
            advice = "remove one, or tell them apart by their labels"
            yield Fault(path, f"the same act as {dotted_path(first[same])}; {advice}")


def _belief_faults(beliefs: Sequence[Belief]) -> Iterator[Fault]:
    for index, belief in enumerate(beliefs):
        first, last = belief.window
        for place, other in enumerate(beliefs[:index]):
            if other.target == belief.target and other.window[0] <= last and first <= other.window[1]:
                same = f"overlaps the window of beliefs[{place}] on '{belief.target}'"
                yield Fault(("beliefs", index, "window"), f"{same}; state one ratio for each day")


def _past_faults(entries: Sequence[LeftOutEvents]) -> Iterator[Fault]:
    for index, entry in enumerate(entries):
        described = list(entry.model_dump(exclude={"id"}, exclude_none=True, by_alias=True))
        path = ("without", index)
        if entry.id is not None and described:
            message = f"an id names one event, so {described[0]} would be ignored; remove one of them"
            yield Fault(path, message)
        if entry.id is None and not described:
            yield Fault(path, "describes no event; give an id, or category, from, to, min_severity")
        if entry.from_ and entry.to and entry.from_ > entry.to:
            yield Fault((*path, "to"), f"{entry.to} is before {entry.from_}, so no event fits")


def scenario_from_options(
    priors: Sequence[str],
    events: Sequence[str],
    without: Sequence[str],
    seen: Sequence[str] = (),
    beliefs: Sequence[str] = (),
    new: Sequence[str] = (),
    dates: DateOrder = "iso",
) -> Scenario | None:
    """Read the options as one scenario, each by its shape; ``None`` when there are none.

    Of probability and actor either may come first: one that is no number says who acts. ``events`` are done,
    ``without`` ids of past events, ``new`` subcategories, ``dates`` how days are written. Raises
    ``ConfigError``: every option that cannot be read, by its name.
    """
    if not (priors or events or without or seen or beliefs):
        if new:
            raise ConfigError("`new_subcategory`: goes with --do or --see; a file has new_subcategories")
        return None
    places: dict[KeyPath, Place] = {}
    faults: list[str] = []
    stated: dict[str, YamlValue] = {}
    for text in priors:
        name, _, written = map(str.strip, text.partition("="))
        option = f"--prior {name}"
        if not name or not written:
            faults.append(f"--prior {text}: write NAME=PRIOR, e.g. --prior 'ballast.visit=calms'")
        elif name in stated:
            faults.append(f"{option}: given twice; keep one")
        else:
            places["priors", name] = option
            is_mapping = written.startswith("{")
            stated[name] = parse_yaml(written, option)[0] if is_mapping else plain_scalar(written)
    # Key of the setting → the entries that options state, each with the option as it was written.
    entries: dict[str, list[YamlValue]] = {"events": [], "beliefs": [], "without": []}
    for key, option, texts, read, shape in (
        ("events", "--do", events, _act_of, _ACT_SHAPE),
        ("events", "--see", seen, _act_of, _ACT_SHAPE),
        ("beliefs", "--belief", beliefs, _belief_of, _BELIEF_SHAPE),
        ("without", "--without", without, lambda text, _: text, ""),
    ):
        for text in texts:
            if (entry := read(text, dates)) is None:
                faults.append(f"{option} {text}: write {shape}")
            else:
                places[key, len(entries[key])] = f"{option} {text}"
                entries[key].append({**entry, "seen": True} if option == "--see" else entry)
    if faults:
        raise ConfigError("\n".join(faults))
    listed = {"priors": stated, **entries, "new_subcategories": [*new]}
    given = {key: value for key, value in listed.items() if value}
    settings = {"name": OPTIONS, "rationale": UNNAMED[OPTIONS], **given}
    return Scenario.checked(settings, SourceMap(OPTIONS, places))


def acts_from_options(texts: Sequence[str], new: Sequence[str] = (), dates: DateOrder = "iso") -> Change:
    """Read acts that happened, each by its shape (``ConfigError``: every one that cannot be read)."""
    acts = [_act_of(text, dates) for text in texts]
    if faulty := [
        f"--act {text}: write {_HAPPENED}" for text, act in zip(texts, acts, strict=True) if not act
    ]:
        raise ConfigError("\n".join(faulty))
    places: dict[KeyPath, Place] = {("events", place): f"--act {text}" for place, text in enumerate(texts)}
    return Change.checked({"events": acts, "new_subcategories": [*new]}, SourceMap(OPTIONS, places))


def _belief_of(text: str, dates: DateOrder) -> dict[str, YamlValue] | None:
    target, window, ratio = (*map(str.strip, text.split(":")), "", "")[:3]
    first, _, last = window.partition("..")
    if text.count(":") != 2 or not (target and first and last and ratio):
        return None
    return {
        "target": target,
        "window": [_day_of(first, dates), _day_of(last, dates)],
        "ratio": plain_scalar(ratio),
    }


def _day_of(text: str, dates: DateOrder) -> str:
    """Return a day as the event file writes it in the form that is checked."""
    return day_written(text, dates) or text


def _act_of(text: str, dates: DateOrder) -> dict[str, YamlValue] | None:
    parts = [part.strip() for part in text.split(":")]
    if not 3 <= len(parts) <= 6 or not all(parts):
        return None
    day, category, severity, *rest = parts
    # Names say who acts, and towards whom; what begins like a number is meant as one.
    named = [part for part in rest if part[0].isalpha()]
    rest = [part for part in rest if part not in named]
    if len(rest) > 1 or len(named) > 2:
        return None
    first, dots, last = day.partition("..")
    act: dict[str, YamlValue] = {"date": _day_of(day, dates)}
    if dots:
        act = {"window": [_day_of(first, dates), _day_of(last, dates)]}
    category, slash, subcategory = map(str.strip, category.partition("/"))
    if slash and not subcategory:
        return None
    act |= {"category": category, "severity": plain_scalar(severity)}
    if slash:
        act["subcategory"] = subcategory
    act |= dict(zip(("by", "towards"), named, strict=False))
    if rest:
        act["probability"] = plain_scalar(rest[0])
    return act
