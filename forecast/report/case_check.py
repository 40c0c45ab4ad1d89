"""What ``forecast check`` tells of a case before any fit, in blocks for people and as facts for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from forecast.blocks import Alert, Block, Bullets, Heading, Verbatim, plain_table, right
from forecast.config import config_hash, describe_config
from forecast.config.describe import question_lines, questions
from forecast.events.duplicates import DuplicateGroup, likely_repeats, repeats_in_words
from forecast.events.dyads import Direction, left_out_in_words, selection_notes
from forecast.priors import NamedPrior
from forecast.records.cautions import HEAD, Caution, caution_lines
from forecast.report.prior_tables import elicited_facts, set_priors
from forecast.runs.cautions import acts_a_month, cautions_of
from forecast.runs.inputs import Inputs
from forecast.runs.summaries import PriorPredictive, prior_predictive
from forecast.scenarios.plan import ScenarioPlan, plan_scenarios
from forecast.wording import count, listing, long_day, percent, plain_number, points, times


@dataclass(frozen=True, kw_only=True)
class CaseCheck:
    """A case that was read: its cautions, rates, likely repeats and scenarios, and what the priors imply."""

    inputs: Inputs
    scenarios: tuple[ScenarioPlan, ...]
    cautions: tuple[Caution, ...]
    pace: Mapping[str, tuple[float, float]]
    """Acts a month by kind, as the priors and as the data have them."""
    implied: PriorPredictive
    repeats: tuple[DuplicateGroup, ...]

    @property
    def set_priors(self) -> list[NamedPrior]:
        """Priors that the config sets."""
        return [prior for prior in self.inputs.priors.priors.values() if prior.origin != "default"]

    @property
    def titles(self) -> dict[str, str]:
        """Titles of kinds of act and of targets, by name."""
        inputs = self.inputs
        kinds = {name: inputs.kind_title(name) for name in inputs.data.layout.streams}
        return kinds | {rule.name: inputs.config.target_title(rule.name) for rule in inputs.rules}

    def acts_a_month(self) -> tuple[float, float]:
        """Return all acts a month, as the priors and as the data have them."""
        return sum(prior for prior, _ in self.pace.values()), sum(data for _, data in self.pace.values())

    def kinds(self) -> Iterator[tuple[str, tuple[str, ...], int]]:
        """Yield each kind of act: its name, its categories with severities, and how many are in the data."""
        layout = self.inputs.data.layout
        totals = self.inputs.data.counts.sum(axis=0).tolist()
        for place, name in enumerate(layout.streams):
            yield name, layout.acts_in_words(place), int(totals[place])

    def facts(self) -> dict[str, object]:
        """Return what programs get."""
        inputs = self.inputs
        prior_rate, data_rate = self.acts_a_month()
        return {
            "valid": True,
            "name": inputs.config.name,
            "config_sha256": config_hash(inputs.config),
            "events": len(inputs.events),
            "dyad": inputs.dyad.to_dict(),
            "scale": inputs.scale.model_dump(mode="json"),
            "questions": questions(inputs.config, inputs.scale),
            "rows_left_out": inputs.rows_left_out,
            "left_out": [pair._asdict() for pair in inputs.left_out],
            "reading": [*inputs.events.notes],
            "likely_repeats": [
                {"lines": list(group.lines), "ids": list(group.ids), "reason": group.reason}
                for group in self.repeats
            ],
            "notes": [*selection_notes(inputs.dyad, inputs.events, inputs.left_out)],
            "kinds": [
                {"name": name, "title": inputs.kind_title(name), "acts": acts, "counted": counted}
                for name, acts, counted in self.kinds()
            ],
            "events_fitted": len(inputs.events.between(inputs.data.grid.start, inputs.config.as_of)),
            "cautions": [caution.model_dump(mode="json") for caution in self.cautions],
            "acts_a_month": {"priors": prior_rate, "data": data_rate},
            "prior_predictive": vars(self.implied),
            "known_share_of_last_weeks": inputs.data.completeness[-1:-5:-1].tolist(),
            "priors_set": [
                {"name": prior.name, "distribution": str(prior.distribution), "plain": prior.reading}
                | elicited_facts(prior)
                for prior in self.set_priors
            ],
            "scenarios": [plan.scenario.name for plan in self.scenarios],
        }

    def blocks(self) -> Iterator[Block]:
        """Yield the config in plain English, what was read, and what the priors imply."""
        inputs = self.inputs
        asked = question_lines(inputs.config, inputs.scale)
        yield Verbatim(tuple(describe_config(inputs.config, asked).splitlines()))
        yield Heading("Kinds of act that the model tells apart")
        yield Bullets(tuple(self._kinds()))
        if self.set_priors:
            yield Heading("Priors as understood")
            yield from set_priors(self.set_priors)
        if self.scenarios:
            yield Heading("Scenarios")
            titles = (
                f"{plan.scenario.title} ({plan.scenario.name}): {plan.in_words}." for plan in self.scenarios
            )
            yield Bullets(tuple(titles))
        if cautions := caution_lines(self.cautions):
            yield Alert(text=HEAD, items=tuple(cautions), tone="caution")
        yield Heading("Data")
        yield Bullets(tuple(self._data()))
        yield from self._implied()

    def _kinds(self) -> Iterator[str]:
        ordinary = self.inputs.data.layout.ordinary
        counted = list(self.kinds())
        title = self.inputs.kind_title
        plain = tuple(f"{title(name)} {acts:,}" for name, _, acts in counted[: len(ordinary)])
        if plain:
            yield f"Acts that meet no target, by category: {listing(plain)}."
        for name, acts, days in counted[len(ordinary) :]:
            seen = f"seen on {count(days, 'day')}" if days else "never seen"
            yield f"{title(name)} ({name}): {'; '.join(acts)}; {seen}."

    def _data(self) -> Iterator[str]:
        inputs = self.inputs
        events, grid, day, dyad = inputs.events, inputs.data.grid, inputs.config.as_of, inputs.dyad
        known, fitted = count(len(events), "event"), len(events.between(grid.start, day))
        yield f"{known} known by {long_day(day)}, {fitted:,} of them from {long_day(grid.start)} on."
        a, b = inputs.config.dyad.names
        _, forth, back, theatre = np.bincount(dyad.directions(events), minlength=len(Direction)).tolist()
        third = f", {theatre:,} with third parties ({', '.join(dyad.theatre)})" if dyad.theatre else ""
        yield f"{forth:,} by {a} towards {b}, {back:,} by {b} towards {a}{third}."
        if inputs.left_out:
            yield f"Left out as acts of others: {left_out_in_words(inputs.left_out, inputs.rows_left_out)}."
        for note in selection_notes(dyad, events, inputs.left_out):
            yield f"Note: {note}"
        for note in events.notes:
            yield f"Reading: {note}."
        for note in repeats_in_words(self.repeats, events.source):
            yield f"Duplicates: {note}."
        if delay := inputs.delay:
            recent = ", ".join(percent(float(share)) for share in inputs.data.completeness[-1:-5:-1])
            source = f"estimated from {delay.acts:,} acts" if delay.acts else "as stated"
            yield f"Reporting delay, {source}: mean {delay.mean_days:.1f} days."
            yield f"Taken to be known of the last weeks, the latest first: {recent}."
        for rule in inputs.rules:
            seen = int(rule.mask(events.between(grid.start, day)).sum())
            remark = f"seen {times(seen)}" if seen else "never seen"
            yield f"{inputs.config.target_title(rule.name)}: {remark}."
        prior, data = map(plain_number, self.acts_a_month())
        yield f"Acts a month: {data} in the data; the base rates of the priors imply {prior}."

    def _implied(self) -> Iterator[Block]:
        implied, titles = self.implied, self.titles
        rows = (
            (
                titles.get(name, name),
                plain_number(middle),
                f"{plain_number(low)} to {plain_number(high)}",
                plain_number(implied.observed_a_month[name]),
            )
            for name, (low, middle, high) in implied.acts_a_month.items()
        )
        columns = "Acts a month", right("median"), right("90% interval"), right("in the data")
        yield plain_table(columns, rows, "What the priors imply for a year ahead, before the fit (simulated)")
        said = (
            f"{titles[name]} within a year: {percent(probability)} (Monte Carlo error "
            f"{points(implied.mcse[name], 0)})."
            for name, probability in implied.target_within_year.items()
        )
        yield Bullets(tuple(said))


def check_case(inputs: Inputs) -> CaseCheck:
    """Look a case over: scenarios are planned, priors are simulated, nothing is fitted."""
    return CaseCheck(
        inputs=inputs,
        scenarios=tuple(plan_scenarios(inputs, inputs.scenarios)),
        cautions=tuple(cautions_of(inputs)),
        pace=acts_a_month(inputs.data, inputs.priors),
        implied=prior_predictive(inputs, inputs.config.sampler.seed),
        repeats=tuple(likely_repeats(inputs.events)),
    )
