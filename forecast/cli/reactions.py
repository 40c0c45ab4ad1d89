"""``forecast reactions``: what answered what in the record of a run or a config, and what set off cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.blocks import Block, Entry, Heading, Prose, Table, Verbatim, plain_table, right
from forecast.cli.options import JSON, argument, option, print_answer
from forecast.errors import InputError
from forecast.wording import count, listing, long_day, number, percent, short_day

if TYPE_CHECKING:
    from forecast.precedents import Answered, PastCase, Reactions, SetOff
    from forecast.runs.inputs import Inputs

_OF_HEADLINE, _OF_OTHERS, _CASES = 5, 3, 4
_DRAWS, _ACTS, _LEAST_SHARE = 200, 6, 0.02
"""Draws by which cases are shared out; earlier acts named of a case at most, and their least share."""
_FACTORS = {
    "other_acts": "other earlier acts",
    "tension": "tension between the two",
    "level": "conflict ran high for years",
    "nothing_known": "nothing known: it comes at its own rate",
}


def reactions(
    source: Path = argument("RUN|CONFIG", "Folder of a saved run, or config file (YAML)."),
    days: int = option(
        14, "--days", "Days after an act within which an answer is looked for.", "N", min=1, max=180
    ),
    as_json: bool = JSON,
) -> None:
    """Say what answered what in this record, against chance alone, and what set off each past case.

    Classes of acts by category, subcategory, side and severity; answers are the targets, and grave conflict
    by the other side. What set off a case is told by the draws of a run; a config has none.
    """
    found, inputs = found_in(source, days)
    print_answer(as_json, found.to_dict() if as_json else {}, _blocks(found, inputs))


def found_in(source: Path, days: int) -> tuple[Reactions, Inputs]:
    """Return what answered what within so many days in the record of a run or a config, and its inputs."""
    from forecast.precedents import find_reactions

    inputs, set_off = _read(source)
    headline = inputs.config.headline.target
    rules = sorted(inputs.rules, key=lambda rule: rule.name != headline)
    start, as_of = inputs.data.grid.start, inputs.config.as_of
    return find_reactions(inputs.events, inputs.dyad, rules, start, as_of, days, set_off), inputs


def _read(source: Path) -> tuple[Inputs, Mapping[tuple[str, date], SetOff] | str]:
    """Read the record, and what set off its past cases; or why that is not known."""
    from forecast.config import load_config
    from forecast.runs import files
    from forecast.runs.inputs import read_data
    from forecast.runs.run import read_case

    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder. Give a run folder, or a config (YAML)")
    if not source.is_dir():
        return read_data(load_config(source)), "A fit tells it: give the folder of a run"
    forecast, inputs = read_case(source)
    if not (source / files.POSTERIOR).is_file():
        return inputs, f"The run was kept without its draws ({files.POSTERIOR}), which tell it"
    if not forecast.converged:
        return inputs, "The run did not converge, so its draws tell nothing"
    return inputs, _set_off(inputs, source / files.POSTERIOR)


def _set_off(inputs: Inputs, posterior: Path) -> Mapping[tuple[str, date], SetOff]:
    """What set off each past case of each target: means over its acts and over evenly spaced draws."""
    import numpy as np

    from forecast.inference.posterior import read_posterior
    from forecast.models.draws import record_of, stream_draws
    from forecast.models.intensity import set_off
    from forecast.precedents import EarlierAct, SetOff

    data, fit = inputs.data, read_posterior(posterior)
    draws = stream_draws(data.layout, fit.variables, inputs.priors)
    draws = draws.rows(slice(None, None, max(1, len(draws) // _DRAWS)))
    record, start, kinds = record_of(data), data.grid.start, data.layout.kinds
    used = inputs.events.between(start, inputs.config.as_of)
    same: dict[tuple[int, int, int], list[EarlierAct]] = {}
    for event, stream in zip(used.rows(), data.layout.assign(used).tolist(), strict=True):
        kind = event.initiator, event.category, event.subcategory, event.severity, event.summary
        key = (event.date - start).days, stream, event.severity - 1
        same.setdefault(key, []).append(EarlierAct(str(event.id), event.date, 0, *kind))
    keys = [*zip(record.day.tolist(), record.stream.tolist(), record.grade.tolist(), strict=True)]
    # An occasion is no event.
    acts = [same[key].pop(0) if key in same else None for key in keys]
    cases = [j for j, (_, stream, _) in enumerate(keys) if stream >= 0 and kinds[stream].cell]
    shares = set_off(data, inputs.priors, draws, record.day[cases], record.stream[cases])
    found = {}
    for q, rule in enumerate(inputs.rules):
        met = [place for place, j in enumerate(cases) if q in kinds[keys[j][1]].cell]
        for day in sorted({keys[cases[place]][0] for place in met}):
            own = [place for place in met if keys[cases[place]][0] == day]
            of_acts, *factors = (part[own].mean(axis=0) for part in shares)
            largest = [j for j in np.argsort(-of_acts, kind="stable")[:_ACTS] if of_acts[j] >= _LEAST_SHARE]
            named = [(act, float(of_acts[j])) for j in largest if (act := acts[j])]
            parts = {act.id: share for act, share in named}
            parts["other_acts"] = max(float(of_acts.sum()) - sum(parts.values()), 0.0)
            parts |= zip(("tension", "level", "nothing_known"), map(float, factors), strict=True)
            on = start + timedelta(days=day)
            earlier = tuple(replace(act, days_before=(on - act.date).days) for act, _ in named)
            found[rule.name, on] = SetOff(_rounded(parts, 3), earlier)
    return found


def _rounded(shares: Mapping[str, float], digits: int) -> dict[str, float]:
    """Round shares so that they still sum to one: what is cut off most is rounded up."""
    whole = 10**digits
    cut = {name: int(share * whole) for name, share in shares.items()}
    rest = sorted(shares, key=lambda name: cut[name] - shares[name] * whole)
    for name in rest[: whole - sum(cut.values())]:
        cut[name] += 1
    return {name: parts / whole for name, parts in cut.items()}


def _blocks(found: Reactions, inputs: Inputs) -> Iterator[Block]:
    from forecast.precedents import GRAVE_ANSWER, LEAST_RATIO

    headline, titles = inputs.config.headline.target, inputs.config.target_title
    first, last = (short_day(day) for day in (inputs.data.grid.start, inputs.config.as_of))
    within = count(found.days, "day")
    yield Prose(
        f"{inputs.config.dyad.title}, {first} to {last}: what followed what within {within} "
        "(answers on the same day do not count)."
    )
    yield Prose(
        f"Looked at: {count(len(found.found), 'pair')} of a class of acts and an answer. Among so many some "
        "look strong by chance, so the ratios are shrunk. A class chosen after its cases deserves the same "
        "doubt."
    )
    if not found.found:
        yield Prose(f"No class has three cases with {within} of record after them.")
    quiet = []
    for rule in sorted(inputs.rules, key=lambda rule: rule.name != headline):
        shown = _telling(found, rule.name, _OF_HEADLINE if rule.name == headline else _OF_OTHERS)
        n = sum(case.target == rule.name for case in found.past)
        if shown:
            yield _table(shown, f"What “{titles(rule.name)}” followed ({count(n, 'past case')})")
        elif n:
            quiet.append(f"“{titles(rule.name)}”")
    if grave := _telling(found, GRAVE_ANSWER, _OF_OTHERS):
        third = " or the theatre" if inputs.dyad.theatre else ""
        title = f"What conflict of severity 3 or more by the other side{third} (a grave answer) followed"
        yield _table(grave, title)
    if quiet:
        yield Prose(
            f"Before {listing(quiet)} no class stands out, and none that was answered twice comes to "
            f"{LEAST_RATIO} times chance."
        )
    yield from _past(found, headline, titles(headline))
    if found.yaml is None:
        yield Prose("No class that a reaction can state was answered clearly more often than by chance.")
        return
    yield Heading("For the config")
    yield Verbatim(tuple(found.yaml.splitlines()))


def _telling(found: Reactions, answer: str, most: int) -> list[Answered]:
    """Return the clearest pairs of an answer that are worth showing, by their ratio."""
    own = [pair for pair in found.found if pair.answer == answer and (pair.stands_out or pair.explains)]
    return sorted(own[:most], key=lambda pair: -pair.asked.ratio)


def _table(pairs: list[Answered], title: str) -> Table:
    from forecast.precedents import acts_in_plain_words

    rows = []
    for pair in pairs:
        low, high = (number(end, 1) for end in pair.asked.ratio90)
        answered = f"{pair.asked.answered} of {pair.asked.cases}"
        ratio = f"{number(pair.asked.ratio, 1)} ({low}–{high})"
        rows.append((acts_in_plain_words(pair.acts), answered, percent(pair.asked.base), ratio))
    heads = "Acts", right("answered"), right("by chance"), right("ratio (90%)")
    return plain_table(heads, rows, title)


def _past(found: Reactions, headline: str, title: str) -> Iterator[Block]:
    """What set off the last cases of the headline, and each target's on average."""
    own = [case for case in found.past if case.target == headline]
    if not own:
        yield Prose(f"“{title}” has no past case.")
        return
    if found.no_shares:
        yield Prose(f"{found.no_shares}.", "What set off past cases is not known.")
        return
    more = f"; the last {_CASES} of {len(own)}, all with --json" if len(own) > _CASES else ""
    yield Heading(f"What set off “{title}”, in shares of the model's intensity{more}")
    for case in own[-_CASES:]:
        yield Entry(long_day(case.date), (plain_table(("", ""), _rows(case), lines=False),))


def _rows(case: PastCase) -> Iterator[tuple[str, str]]:
    assert case.set_off
    shares = _rounded(case.set_off.shares, 2)
    for act in case.set_off.acts:
        before = count(act.days_before, "day")
        yield percent(shares[act.id]), f"{before} before, {act.by}: {act.summary}"
    for name, words in _FACTORS.items():
        if shares[name]:
            yield percent(shares[name]), words
