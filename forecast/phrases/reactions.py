"""Reactions: what sets one off, what answers it, how its cases were followed, and how likely it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from forecast.config.schema import LEARNED
from forecast.events.codebook import SEVERITIES, acted, actor_in_sentence, code_in_words, ways
from forecast.phrases.chances import Titles
from forecast.records.analysis import FollowedBy, ReactionFacts
from forecast.records.forecast import ActsNamed, AnswerNamed, OccasionNamed, ReactionStated
from forecast.wording import (
    capitalised,
    count,
    either,
    interval_percent,
    listing,
    long_day,
    percent,
    small_number,
    title_in_sentence,
)


def acts_phrase(acts: ActsNamed) -> str:
    """Return a class of acts, e.g. ``dispute (Taiwan visit or Taiwan transit) of severity 3 or 4 by USA``."""
    kinds = f" ({either(map(code_in_words, acts.subcategory))})" if acts.subcategory else ""
    grades = ""
    if acts.severities != SEVERITIES:
        least, most = min(acts.severities), max(acts.severities)
        several = acts.severities == tuple(range(least, most + 1)) and len(acts.severities) > 2
        grades = either(map(str, acts.severities))
        if several:
            grades = f"{least} or more" if most == SEVERITIES[-1] else f"{least} to {most}"
        grades = f" of severity {grades}"
    return f"{code_in_words(acts.category)}{kinds}{grades}{acted(acts.by, actor_in_sentence)}"


def trigger_phrase(stated: ReactionStated) -> str:
    """Return what sets a reaction off: its class of acts, or its occasion."""
    trigger = stated.trigger
    return acts_phrase(trigger) if isinstance(trigger, ActsNamed) else f"“{trigger.label}”"


def answer_phrase(answer: AnswerNamed, titles: Titles) -> str:
    """Return what counts as an answer: a target by its title, or kinds of conflict and who acts."""
    if answer.target:
        return title_in_sentence(titles.get(answer.target, answer.target))
    acting = acted(ways(answer.by, answer.towards), actor_in_sentence)
    return f"any {either(map(code_in_words, answer.categories)) or 'conflict'}{acting}"


def reaction_sentence(stated: ReactionStated, titles: Titles) -> str:
    """State a reaction: what sets it off, what follows within which time, how likely."""
    verb, past = "is answered by", ""
    if not isinstance(stated.trigger, ActsNamed):
        verb = "is followed by"
        past = f", as on {listing(map(long_day, stated.trigger.past))}," if stated.trigger.past else ""
    ignored = "" if stated.uses_record else ", whatever the record says"
    return (
        f"{capitalised(trigger_phrase(stated))}{past} {verb} {answer_phrase(stated.answer, titles)} within "
        f"{count(stated.days, 'day')}, chance {stated_chance(stated.chance)}{ignored}."
    )


def chain(reaction: ReactionFacts, titles: Titles) -> Iterator[str]:
    """From the cases of a reaction to what one trigger does to the headline event, a line a link."""
    stated = reaction.stated
    if not reaction.cases:
        yield "The record holds no such act whose days are over."
    else:
        grades = [one for one in reaction.answer.by_severity if one.severity is not None]
        each = listing(f"{one.cases} of severity {one.severity}" for one in grades)
        yield f"{count(reaction.cases, 'such act')} on record{f': {each}' if len(grades) > 1 else ''}."
        said = followed_sentence(reaction, reaction.followed_by(reaction.target), titles)
        if stated.answer.target != reaction.target:
            wider, by_chance = answer_phrase(stated.answer, titles), reaction.answer.by_chance
            luck = "" if by_chance is None else f" (by chance {percent(by_chance)})"
            said += f" {capitalised(wider)} followed {reaction.answer.followed or 'none'}{luck}."
        yield said
    title, said = title_in_sentence(titles[reaction.target]), _chance_of_answer(reaction)
    near = [one for one in reaction.effects[:-1] if one.days == stated.days] or reaction.effects[:-1][-1:]
    if near and near[0].days == stated.days and not stated.answer.target:
        grave = 1 - (1 - near[0].probability) / (1 - near[0].base)
        part = percent(min(grave / reaction.chance, 1.0))
        said += f" Where an answer comes, about {part} of the time one is grave enough to count as {title}."
    yield said
    if reaction.counts_itself:
        yield "Such an act counts as the event itself, so no effect of one is shown."
    elif reaction.effects:
        late, soon = reaction.effects[-1], ""
        if near:
            soon = f"to {percent(near[0].probability)} within {count(near[0].days or 0, 'day')} of it and "
        yield (
            f"So one such act tomorrow moves {title} {soon}from {percent(late.base)} to "
            f"{percent(late.probability)} before {long_day(late.date)}."
        )


def followed_sentence(reaction: ReactionFacts, counted: FollowedBy, titles: Titles) -> str:
    """How many past triggers a target followed, in how many distinct cases, and of those as grave.

    ``"Large drills followed 4 of 29 such acts within 14 days (two different cases); at severity 4, one of
    one."``
    """
    title = answer_phrase(reaction.stated.answer, titles)
    if counted.target:
        title = title_in_sentence(titles[counted.target])
    number, days = counted.followed, count(reaction.stated.days, "day")
    many = "the one such act" if reaction.cases == 1 else f"{number or 'none'} of {reaction.cases} such acts"
    then = "did not follow" if reaction.cases == 1 and not number else "followed"
    cases = "all one case" if counted.answers == 1 else f"{small_number(counted.answers)} different cases"
    in_all = f" ({cases})" if counted.answers < number else ""
    grades = [one for one in counted.by_severity if one.severity == reaction.severity and one.cases]
    grave = ""
    if grades and len(counted.by_severity) > 1:
        of, some = map(small_number, (grades[0].cases, grades[0].followed))
        grave = f"; at severity {reaction.severity}, {some if grades[0].followed else 'none'} of {of}"
    elif reaction.severity and counted.by_severity and not grades:
        grave = f"; {'it was not' if reaction.cases == 1 else 'none was'} of severity {reaction.severity}"
    return f"{capitalised(title)} {then} {many} within {days}{in_all}{grave}."


def trigger_line(reaction: ReactionFacts) -> str:
    """What sets a reaction off, in a few words: kinds of act without their category, and the severity."""
    trigger = reaction.stated.trigger
    if isinstance(trigger, OccasionNamed):
        return trigger.label
    kinds = either(map(code_in_words, trigger.subcategory or (trigger.category,)))
    by = f" by {either(map(actor_in_sentence, trigger.by))}" if trigger.by else ""
    return capitalised(f"{kinds}{by}") + (f", severity {reaction.severity}" if reaction.severity else "")


def _chance_of_answer(reaction: ReactionFacts) -> str:
    """State the chance of an answer, before and after the record."""
    of = reaction.severity
    trigger = f"Such an act of severity {of}" if of else "The occasion"
    before = f"{percent(reaction.prior)} ({interval_percent(reaction.prior90)})"
    if not reaction.stated.uses_record:
        return f"{trigger} would provoke some answer: {before}, as the author states it."
    source = "the author stated" if reaction.chance_stated else "before the record"
    after = f"{percent(reaction.chance)} ({interval_percent(reaction.chance90)})"
    before += "" if of in (None, 4) else " for severity 4"
    return f"{trigger} would provoke some answer: {after}; {source} {before}."


def cases_alt(reaction: ReactionFacts, followed: Collection[date], titles: Titles) -> str:
    """Say in words what the timeline of a reaction draws; ``followed``: cases that the target followed."""
    title = title_in_sentence(titles[reaction.target])
    days = listing(map(long_day, sorted(followed))) or "none"
    return f"Timeline of {count(len(reaction.shown), 'case')} by severity. Followed by {title}: {days}."


def cases_caption(reaction: ReactionFacts, titles: Titles) -> str:
    """Say how the timeline of a reaction is read."""
    title = title_in_sentence(titles[reaction.target])
    within = count(reaction.stated.days, "day")
    return (
        f"Filled: {title} followed within {within}. Grey: another answer. Hollow: none. If this class was "
        "chosen after its cases, the link looks stronger than it is."
    )


def stated_chance(chance: str | float | Mapping[str, object]) -> str:
    """Return a chance as the author states it; ``learned from the record`` where nothing is stated."""
    if isinstance(chance, str):
        return "learned from the record" if chance == LEARNED else chance
    if isinstance(chance, float | int):
        return percent(float(chance))
    ends = {level: float(value) for level, value in chance.items() if isinstance(value, float | int)}
    if ends.keys() == {"q05", "median", "q95"}:
        return f"{percent(ends['median'])} ({interval_percent((ends['q05'], ends['q95']))})"
    names = (level if level == "median" else f"{percent(float(f'0.{level[1:]}'))} quantile" for level in ends)
    return ", ".join(f"{name} {percent(value)}" for name, value in zip(names, ends.values(), strict=True))
