"""Reactions: what sets one off, what answers it, how its cases were followed, and how likely it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forecast.config.schema import LEARNED
from forecast.events.codebook import SEVERITIES, actor_in_sentence, code_in_words
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
    by = f" by {either(map(actor_in_sentence, acts.by))}" if acts.by else ""
    return f"{code_in_words(acts.category)}{kinds}{grades}{by}"


def trigger_phrase(stated: ReactionStated) -> str:
    """Return what sets a reaction off: its class of acts, or its occasion."""
    trigger = stated.trigger
    return acts_phrase(trigger) if isinstance(trigger, ActsNamed) else f"“{trigger.label}”"


def answer_phrase(answer: AnswerNamed, titles: Titles) -> str:
    """Return what counts as an answer: a target by its title, or kinds of conflict and who acts."""
    if answer.target:
        return title_in_sentence(titles.get(answer.target, answer.target))
    by = f" by {either(map(actor_in_sentence, answer.by))}" if answer.by else ""
    return f"any {either(map(code_in_words, answer.categories)) or 'conflict'}{by}"


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


def reaction_paragraphs(reaction: ReactionFacts, titles: Titles) -> Iterator[str]:
    """State a reaction, how its cases were followed, and its chance."""
    yield reaction_sentence(reaction.stated, titles)
    yield " ".join(record_of_reaction(reaction, titles))
    yield from chance_of_answer(reaction)


def followed_clause(reaction: ReactionFacts, counted: FollowedBy, titles: Titles) -> str:
    """How many cases an answer or a target followed, in how many distinct answers, and by chance alone."""
    cases, followed, days = reaction.cases, counted.followed, count(reaction.stated.days, "day")
    if not cases:
        return "no past case whose days are over"
    what = answer_phrase(reaction.stated.answer, titles)
    if counted.target:
        what = title_in_sentence(titles[counted.target])
    chance = "" if counted.by_chance is None else f" (by chance {percent(counted.by_chance)})"
    then = f"followed within {days} by {what}{chance}"
    if cases == 1:
        return f"the one past case was {'' if followed else 'not '}{then}"
    if not followed:
        return f"none of {cases} cases was {then}"
    in_all = f", {small_number(counted.answers)} in all" if counted.answers < followed else ""
    return f"{followed} of {cases} cases were {then}{in_all}"


def followed_sentence(reaction: ReactionFacts, counted: FollowedBy, titles: Titles) -> str:
    """How many past triggers a target followed, in how many distinct cases, and of those as grave.

    ``"Large drills followed 4 of 29 such acts within 14 days, two in all; at severity 4, one of one."``
    """
    title = answer_phrase(reaction.stated.answer, titles)
    if counted.target:
        title = title_in_sentence(titles[counted.target])
    number, days = counted.followed, count(reaction.stated.days, "day")
    many = "the one such act" if reaction.cases == 1 else f"{number or 'none'} of {reaction.cases} such acts"
    then = "did not follow" if reaction.cases == 1 and not number else "followed"
    in_all = f", {small_number(counted.answers)} in all" if counted.answers < number else ""
    grades = [one for one in counted.by_severity if one.severity == reaction.severity and one.cases]
    grave = ""
    if grades and len(counted.by_severity) > 1:
        of, some = map(small_number, (grades[0].cases, grades[0].followed))
        grave = f"; at severity {reaction.severity}, {some if grades[0].followed else 'none'} of {of}"
    return f"{capitalised(title)} {then} {many} within {days}{in_all}{grave}."


def trigger_line(reaction: ReactionFacts) -> str:
    """What sets a reaction off, in a few words: kinds of act without their category, and the severity."""
    trigger = reaction.stated.trigger
    if isinstance(trigger, OccasionNamed):
        return trigger.label
    kinds = either(map(code_in_words, trigger.subcategory or (trigger.category,)))
    by = f" by {either(map(actor_in_sentence, trigger.by))}" if trigger.by else ""
    return capitalised(f"{kinds}{by}") + (f", severity {reaction.severity}" if reaction.severity else "")


def may_flatter(reaction: ReactionFacts, counted: FollowedBy) -> bool:
    """Whether the cases were followed more often than by chance, so that a class chosen after them gains."""
    return counted.followed > reaction.cases * (counted.by_chance or 0)


FLATTERS = "the count may flatter the class if it was chosen after the cases"


def record_of_reaction(reaction: ReactionFacts, titles: Titles) -> Iterator[str]:
    """State how the cases of a reaction were followed: by its answer, then by the target of its effects."""
    if not reaction.cases:
        yield "The record holds no case whose days are over."
        return
    counts = [reaction.answer]
    if reaction.stated.answer.target != reaction.target:
        counts += [count for count in reaction.targets if count.target == reaction.target]
    said = "; ".join(followed_clause(reaction, counted, titles) for counted in counts)
    flatters = f"; {FLATTERS}" if any(may_flatter(reaction, counted) for counted in counts) else ""
    yield f"The record: {said}{flatters}. Answers on the same day do not count."
    grades = [grade for grade in counts[-1].by_severity if grade.severity is not None]
    if len(grades) > 1:
        each = listing(f"{grade.followed} of {grade.cases} at severity {grade.severity}" for grade in grades)
        yield (
            f"Of these last, by severity of the trigger: {each}."
            if len(counts) > 1
            else (f"By severity of the trigger: {each}.")
        )


def chance_of_answer(reaction: ReactionFacts) -> Iterator[str]:
    """State the chance of an answer, before and after the record."""
    of_acts = reaction.effects or reaction.counts_itself
    trigger = "a trigger of severity 4" if of_acts else "the occasion"
    before = f"mean {percent(reaction.prior)} ({interval_percent(reaction.prior90)})"
    # What is stated holds for the days of the reaction; a few answers come later.
    later = ", within these days or later" if reaction.chance_stated else ""
    beyond = " beyond those to any act as grave" if of_acts else ""
    said = f"Chance that {trigger} brings about an answer{beyond}{later}"
    if reaction.counts_itself:
        yield "A trigger counts as the event itself, so no effect of one is shown."
    if not reaction.stated.uses_record:
        yield f"{said}: {before}, as the config states it, whatever the record says."
        return
    source = "by the config's statement" if reaction.chance_stated else "our assumption"
    after = f"{percent(reaction.chance)} (90% interval {interval_percent(reaction.chance90)})"
    yield f"{said}: {after}. Before the record, {source}: {before}."


def stated_chance(chance: str | float | Mapping[str, object]) -> str:
    """Return a chance as the author states it; ``learned from the record`` where nothing is stated."""
    if isinstance(chance, str):
        return "learned from the record" if chance == LEARNED else chance
    if isinstance(chance, float | int):
        return percent(float(chance))
    ends = (f"{level} = {value:g}" for level, value in chance.items() if isinstance(value, float | int))
    return f"quantiles {', '.join(ends)}"
