"""Scenarios: what one states, what its answer rests on, and why it hardly moves the headline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from forecast.config import Config
from forecast.config.scenario import Change
from forecast.config.schema import title_of
from forecast.events.codebook import SEVERITIES, acted, actor_in_sentence, category_label, code_in_words, way
from forecast.phrases.assumptions import assumption_label
from forecast.phrases.chances import LEAST_SHOWN, Titles, plural
from forecast.phrases.check import prior_text
from forecast.phrases.notices import UNUSABLE, gate_texts
from forecast.phrases.reactions import answer_phrase
from forecast.records.forecast import (
    ActAssumed,
    Basis,
    BeliefStated,
    EventBasis,
    Forecast,
    KindBasis,
    NoEffect,
    PriorBasis,
    RateBasis,
    ReactionBasis,
    ScenarioForecast,
    ScenarioKind,
    ScenarioMilestone,
    ScenarioReason,
)
from forecast.wording import (
    capitalised,
    count,
    day_span,
    interval_percent,
    listing,
    long_day,
    number,
    percent,
    short_day,
    shorten,
    signed_points,
    small_number,
    title_in_sentence,
)

NOT_CARRIED = (
    "Events that include the one believed rise and fall with it; events within it can only fall. Others stay."
)
UNDER_A_POINT = "under a point"
NOTHING_MOVES_IT = "Nothing that was asked moves it by a point."


def quiet_until(day: date, seen: int) -> str:
    """Name a time without the event, which was ``seen`` so often."""
    return f"No {'new ' if seen else ''}case before {short_day(day)}"


def named_first(labels: Sequence[str], length: int) -> str:
    """Name the first of some things whole, as many as have room, and how many others there are."""
    shown = next((n for n in range(len(labels), 1, -1) if len("; ".join(labels[:n])) <= length), 1)
    others = [f"{len(labels) - shown} more"] if len(labels) > shown else []
    return "; ".join([shorten(labels[0], length), *map(title_in_sentence, labels[1:shown]), *others])


_NO_EFFECT: Mapping[NoEffect, str] = {
    "after_milestone": "All that it assumes falls after the milestone of the headline.",
    "not_carried": NOT_CARRIED,
    "within_error": "No measurable change.",
    "no_dependence": "The headline does not depend on this.",
    "no_dependence_on_priors": "The headline does not depend on these priors.",
    "cooperation": "Under 0.1 points: the model gives such acts little effect.",
    "few_answers": "Under 0.1 points: the model expects few answers before the milestone.",
}
_CALMING = {
    "record": "How far such acts calm is estimated from a prior and the record.",
    "prior": "How far such acts calm rests on a prior alone.",
    "none": "The model knows no effect of such acts here.",
}


def no_effect_sentence(scenario: ScenarioForecast) -> str:
    """Say why a scenario hardly moves the headline; nothing where it does."""
    return _NO_EFFECT[scenario.no_effect] if scenario.no_effect else ""


def basis_sentence(scenario: ScenarioForecast, titles: Titles) -> str:
    """Say what the answer to a scenario rests on: beliefs, a new fit, cases, priors."""
    parts = [f"Assumed {belief_phrase(belief, titles)}." for belief in scenario.beliefs]
    if scenario.taken_out:
        parts.append(f"A new fit without {count(scenario.taken_out, 'past event')}.")
    return " ".join((*parts, *(_basis(one, titles) for one in scenario.basis)))


def _basis(basis: Basis, titles: Titles) -> str:
    match basis:
        case ReactionBasis():
            return _of_reaction(basis, titles)
        case KindBasis():
            return _of_kind(basis, titles)
        case EventBasis(targets=targets):
            several = f"{len(targets)} of the {len(titles)} events"
            what = title_in_sentence(titles[targets[0]]) if len(targets) == 1 else several
            return f"The act itself counts as {what}."
        case PriorBasis():
            return _of_priors(basis)
        case RateBasis(prior=prior, whole=whole):
            return f"{prior} moves one part of the target; {whole} moves all of it."


def _of_reaction(basis: ReactionBasis, titles: Titles) -> str:
    stated, cases, followed, found = basis.reaction, basis.cases, basis.followed, []
    if basis.chance90:
        low, middle, high = basis.chance90
        before = ", before the record" if cases and stated.uses_record else ""
        found.append(f"its chance is stated as {percent(middle)} ({interval_percent((low, high))}){before}")
    if cases:
        answer = answer_phrase(stated.answer, titles)
        found.append(_counted(cases, followed, "case", "cases", stated.days, answer))
        if followed and cases > 1 and stated.answer.target != basis.target:
            target = title_in_sentence(titles[basis.target])
            found[-1] += (
                f", {small_number(basis.target_followed) if basis.target_followed else 'none'} by {target}"
            )
    if severity := basis.severity:
        of = f"of severity {severity}" + (" or more" if severity < SEVERITIES[-1] else "")
        grave, after = basis.grave_cases, basis.grave_followed
        said = f"{after} of the {grave} {of}" if grave else f"none of them was {of}"
        found.append(f"the one {of} was{'' if after else ' not'}" if grave == 1 else said)
    if basis.of_act and not followed:
        found.append("the change includes the effect of any act of that severity")
    return f"“{stated.title}”: {'; '.join(found)}."


def _of_kind(basis: KindBasis, titles: Titles) -> str:
    outside = " outside the named reactions" if basis.beside_named else ""
    who = f", by {actor_in_sentence(basis.by)}" if basis.by else ""
    graver = " or more" if basis.severity < SEVERITIES[-1] else ""
    kind = f"act{outside} ({category_label(basis.category).lower()}, severity {basis.severity}{graver}{who})"
    title = title_in_sentence(titles[basis.target])
    case, several = f"day with such an {kind}", f"days with such an {kind}"
    said = f"{capitalised(_counted(basis.cases, basis.followed, case, several, basis.days, title))}."
    if not basis.cases:
        said = f"The record holds no such {kind}{' of which the days are over' if basis.seen else ''}."
    if basis.conflict:
        return f"{said} The model answers such acts as often as any act of conflict of that severity."
    return f"{said} {_CALMING[basis.calming]}" if basis.calming else said


def _counted(cases: int, followed: int, case: str, several: str, days: int, answer: str) -> str:
    then = f"followed within {days} days by {answer}"
    if cases == 1:
        return f"the one past {case} was {'' if followed else 'not '}{then}"
    found = f"{small_number(followed) if followed else 'none'} {'were' if followed > 1 else 'was'}"
    return f"of {cases} past {several}, {found} {then}"


def _of_priors(basis: PriorBasis) -> str:
    several = len(basis.names) > 1
    these, at = ("these estimates", "their priors") if several else ("this estimate", "its prior")
    if not basis.at_prior:
        return f"Prior and record both shape {these}."
    if several:
        these = f"{small_number(len(basis.at_prior))} of {len(basis.names)} estimates"
    if basis.acts > 1:
        return f"The {basis.acts} acts of this kind on record hardly move {these} from {at}."
    return f"The record leaves {these} at {at}."


def belief_phrase(belief: BeliefStated, titles: Titles) -> str:
    """Return a belief, e.g. ``twice as likely from 20 May to 19 June 2024: “Lethal”``."""
    ratio = {0.5: "half", 2.0: "twice"}.get(belief.ratio, f"{belief.ratio:g} times")
    said = f"{ratio} as likely" if belief.ratio else "not to happen" if belief.from_now else "impossible"
    first, last = long_day(belief.first_day), long_day(belief.last_day)
    # The title stands last: nobody knows whether it is singular, or a sentence.
    return f"{said} from {first} to {last}: {title_in_sentence(titles[belief.target])}"


def change_title(change: Change, config: Config) -> str:
    """Return what a change states, as the title of a scenario that has none."""
    titles = {name: config.target_title(name) for name in config.targets}
    said = "; ".join(_stated(change, config, titles))
    return shorten(capitalised(said), 200)


def _stated(change: Change, config: Config, titles: Titles) -> Iterator[str]:
    for place, act in enumerate(change.events):
        kind = f" ({code_in_words(act.subcategory)})" if act.subcategory else ""
        acting = way(act.by or "", act.towards or "")
        by = acted([acting] if acting else (), actor_in_sentence)
        sure = "" if act.probability == 1 else f" ({percent(act.probability)})"
        days = day_span(act.first_day, act.last_day or act.first_day)
        category = category_label(act.category)
        category = category.lower() if place else category
        yield f"{category}{kind} of severity {act.severity}{by} {days}{sure}"
    for belief in change.beliefs:
        yield belief_phrase(belief.stated(config.as_of), titles)
    for name, value in change.priors.items():
        yield f"prior {name}: {prior_text(value)}"
    for name, reaction in change.reactions.items():
        yield f"reaction {reaction.label or title_of(name)}"
    if change.calendar is not None:
        yield "another calendar"
    if change.without:
        yield f"without {listing(past.id or 'some' for past in change.without)}"


# How it is computed, and how its numbers are read

_CERTAIN = 1e-9
"""Distance from 0 or 1 within which a chance is stated, and not computed."""
METHOD_WORDS = {
    "only_future": "Only the future changes, so the draws of the run serve as they are.",
    "only_priors": "Only priors change: the draws of the run are weighted by the ratio of the priors.",
    "priors_and_future": (
        "Priors and the future change: the draws of the run are weighted by the ratio of the priors."
    ),
    "acts_seen": "The draws of the run are weighted by the chance that each gave to what is seen.",
    "draws_moved": (
        "The parameters are moved to the same quantiles of the new priors and weighted by what the record "
        "says of them there."
    ),
    "reactions_of_record": (
        "The record holds acts that a stated reaction answers, so the model must be fitted again."
    ),
    "past_taken_out": "Past events are taken out, so the model must be fitted again.",
    "weights_not_trusted": (
        "The draws of the run cannot stand for these priors (Pareto k {value:.2f}, at most {limit:g} "
        "allowed)."
    ),
    "too_few_effective_draws": (
        "Too few draws of the run fit these priors ({value:.0f} effective draws, at least {limit:.0f} "
        "needed)."
    ),
}
AT_MOST = "Rises may be overstated"
"""Of acts done: tension moves over weeks, so what moves both sides for days counts as answers."""
KINDS: dict[ScenarioKind, tuple[str, str]] = {
    "done": (
        "this is done",
        f"The change is the effect of these acts. {AT_MOST}: something else may move both sides.",
    ),
    "given": (
        "this turns out so",
        "The forecast once this is known. After an act: its effect, plus what it reveals about the "
        f"relationship. {NOT_CARRIED}",
    ),
    "belief": (
        "you believe otherwise",
        "The change follows from what you put in; it is no finding.",
    ),
}
"""Of each kind of scenario its head after ``If``, and how its change is read."""


def if_words(kinds: Sequence[ScenarioKind]) -> tuple[str, str]:
    """Return the head of scenarios of these kinds, and how to read their change."""
    heads, read = zip(*(KINDS[kind] for kind in kinds), strict=True)
    mixed = "Several things change at once; the change is that of all together."
    return f"If {listing(heads)}", read[0] if len(kinds) == 1 else mixed


def by_effect(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> list[ScenarioForecast]:
    """Scenarios by kind, done first; in each the largest change of the headline first, then of any target."""
    kinds = [*KINDS]

    def size(scenario: ScenarioForecast) -> tuple[list[int], bool, float, float]:
        kind = [*map(kinds.index, scenario.kinds)]
        if scenario.withheld:
            return kind, True, 0.0, 0.0
        asked = forecast.headline.milestone
        changes = {target.name: abs(target.milestone(asked).difference.value) for target in scenario.targets}
        known = changes[forecast.headline.target]
        # What a table shows as no change sorts as none, so that the other targets decide.
        return kind, False, -known if known >= LEAST_SHOWN else 0.0, -max(changes.values())

    return sorted(scenarios, key=size)


def reason_sentence(reason: ScenarioReason) -> str:
    """Say why a scenario was computed as it was."""
    return METHOD_WORDS[reason.code].format(**dict(reason))


def method_sentence(scenario: ScenarioForecast) -> str:
    """Name the method with its reason and what the weights are worth."""
    return f"{scenario.method}. {_why_so(scenario)}"


def _why_so(scenario: ScenarioForecast) -> str:
    """Say why a scenario was computed as it was and, of a reweighting, what the weights are worth."""
    worth = ""
    if scenario.method == "reweight" and scenario.effective_draws is not None:
        left = number(scenario.effective_draws, 0)
        worth = f" They are worth {left} independent draws; the errors allow for that."
    return f"{reason_sentence(scenario.reason)}{worth}"


WITHHELD = {"no_refit": "needs a new fit", "too_few_draws": "too uncertain"}
"""What stands in place of numbers."""


def withheld_sentence(scenario: ScenarioForecast, ask: str = "; leave out --no-refit to make it") -> str:
    """Say why a scenario has no numbers, and how to get them."""
    if scenario.withheld == "too_few_draws":
        return f"{capitalised('; '.join(gate_texts(scenario.failures)))}."
    return f"{reason_sentence(scenario.reason)} A new fit takes about as long as the run{ask}."


def trust_sentence(scenario: ScenarioForecast) -> str:
    """Say in one plain sentence how far the numbers of a scenario can be trusted."""
    if scenario.withheld:
        return withheld_sentence(scenario, ask="")
    if scenario.failures:
        return f"{UNUSABLE}: {'; '.join(gate_texts(scenario.failures))}."
    passed = " The model was fitted again and passed its checks." if scenario.method == "refit" else ""
    return f"{_why_so(scenario)}{passed}"


def is_assumed(answer: ScenarioMilestone) -> bool:
    """Whether the answer is no result: the scenario itself says that the event happens, or does not.

    However little that changes; of an act that may be the event a part of the change is assumed, and told.
    """
    return answer.difference.value != 0 and min(answer.probability, 1 - answer.probability) < _CERTAIN


def assumed_part(answer: ScenarioMilestone) -> str:
    """The part of a change that acts make which are the event itself; empty where there is none."""
    part = signed_points(answer.by_assumption or 0.0)
    return "" if part == "0.0" or is_assumed(answer) else f"{part} assumed"


def what_it_assumes(scenario: ScenarioForecast, target: str, most: int, titles: Titles) -> str:
    """Acts with their chance, those that meet the target first and marked; then what else differs."""

    def told(act: ActAssumed) -> str:
        sure = "certain" if act.probability == 1 else percent(act.probability)
        return f"{'● ' if target in act.meets else ''}{act.label or category_label(act.category)} ({sure})"

    acts = sorted(scenario.acts, key=lambda act: (target not in act.meets, -act.probability))
    parts = [told(act) for act in acts[:most]]
    if len(acts) > most:
        parts.append(f"and {count(len(acts) - most, 'more act')}")
    for change in scenario.expectations:
        moved = f"{percent(change.after)}, from {percent(change.before)}"
        sure = {0.0: "does not happen", 1.0: "certain"}.get(change.after, moved)
        parts.append(f"{change.label} ({sure})")
    if scenario.taken_out:
        parts.append(f"{count(scenario.taken_out, 'past event')} taken out")
    if scenario.priors:
        small = {name: title_in_sentence(title) for name, title in titles.items()}
        labels = [f"“{assumption_label(name, titles=small)}”" for name in scenario.priors[:2]]
        labels += [f"{small_number(len(scenario.priors) - 2)} more"] * (len(scenario.priors) > 2)
        parts.append(f"another prior for {listing(labels)}")
    text = "; ".join(filter(None, parts)).replace("; and ", " and ")
    return capitalised(text) or basis_sentence(scenario, titles) or shorten(scenario.rationale, 120)


LEFT_ALONE = "= not affected"
_READING_SCENARIOS = {
    "●": "● The scenario assumes this event, or rules it out: no result.",
    "±": "Changes are in points, with their Monte Carlo error.",
    "≈": "≈ under a point.",
    "=": f"{LEFT_ALONE}.",
    "–": "– no measurable change.",
}
"""How to read each sign of the table of scenarios."""


def table_reading(shown: str, left_out: int) -> str:
    """Say how to read the signs that a table shows, and how many events it leaves out."""
    reading = [said for sign, said in _READING_SCENARIOS.items() if sign in shown]
    if left_out:
        left, them = plural(left_out, "event is", "events are"), plural(left_out, "it", "them")
        reading.append(
            f"{capitalised(small_number(left_out))} {left} left out: scenarios move {them} less, or assume "
            f"{them}. The table in report.html has all."
        )
    return " ".join(reading)


AFTER_SHOWN = 14
"""Days after an assumed act of which the terminal tells the effect."""


def kinds_read(scenarios: Sequence[ScenarioForecast]) -> str:
    """How to read the kinds that are there."""
    there = {kind for one in scenarios for kind in one.kinds}
    read = (
        f"{capitalised(kind)}, if {head}: {text}" for kind, (head, text) in KINDS.items() if kind in there
    )
    return f"Kinds. {' '.join(read)}"


def changes_read(
    scenarios: Sequence[ScenarioForecast], *, milestone: str | None = None, after: bool = False
) -> str:
    """How to read the changes that are shown: of one milestone, or of every one; and of days ``after``."""
    moved = [
        one
        for scenario in scenarios
        for target in scenario.targets
        for one in target.milestones
        if milestone in (None, one.name)
    ]
    text = "Change: points against the run, ± Monte Carlo error from 0.05 on."
    if any(map(is_assumed, moved)):
        text += " Assumed: the scenario assumes the event, or rules it out: no result."
    if any(map(assumed_part, moved)):
        text += " ●: an act that is the event itself makes the change, or a part of it."
    if not all(one.carried for one in moved):
        text += f" {LEFT_ALONE}."
    if after:
        text += (
            f" {AFTER_SHOWN} days on: from the day of the first assumed act to {AFTER_SHOWN} days after "
            "it, given none before."
        )
    return text
