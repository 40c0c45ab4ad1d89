"""The one place that knows the order of the stages: read, fit, forecast, judge, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from forecast.config import Config
from forecast.errors import ForecastError, InputError, LedgerError
from forecast.evaluation.track_record import decision_of
from forecast.events.table import EventTable
from forecast.inference import sampling
from forecast.inference.posterior import Posterior
from forecast.inference.sampling import PosteriorDensity, SamplingProgress, check_gates
from forecast.ledger.recording import LEDGER_FILE, RunOrigin, questions_of, record_forecast, said_of
from forecast.ledger.scoring import summarise_ledger
from forecast.ledger.store import Ledger, refuse_unusable
from forecast.progress import Clock, Listener, StageProgress
from forecast.records.analysis import LedgerSummary, ReactionFacts, Sensitivity
from forecast.records.forecast import Diagnostics, DyadRecord, Forecast, Gate, Headline
from forecast.records.ledger import GRACE_DAYS
from forecast.records.notices import Notice
from forecast.runs import summaries
from forecast.runs.cautions import (
    cautions_of,
    far_from_baseline,
    not_converged,
    require_converged,
    too_little,
    warn_of,
    without_warnings,
)
from forecast.runs.compiling import compiled_beside
from forecast.runs.files import claimed, open_run, refuse_existing, run_place
from forecast.runs.inputs import Inputs, inputs_from
from forecast.runs.mixture import Mixture
from forecast.runs.run import Run, chances_of, mixture_of, run_id, sampler_options, versions
from forecast.runs.summaries import target_forecasts
from forecast.scenarios import compare_scenarios, plan_scenarios
from forecast.sensitivity.drivers import measure_drivers
from forecast.sensitivity.labels import with_labels
from forecast.sensitivity.news import earlier_answers
from forecast.sensitivity.reactions import measure_reactions
from forecast.sensitivity.shifts import measure_sensitivity
from forecast.sensitivity.waterfall import measure_waterfall
from forecast.storage import day_made
from forecast.workflows.report import save_run


def fit(
    events: EventTable | str | Path | object | None,
    config: Config | str | Path | Mapping[str, object] | Inputs,
    listen: Listener | None = None,
    *,
    drivers: bool = True,
    keep: Callable[[Run], None] | None = None,
    clock: Clock | None = None,
) -> Run:
    """Fit a config to events and forecast, all in memory: nothing is written.

    Parameters
    ----------
    events : EventTable, path, name or data frame
        Coded events: a file or a store, ``"bundled:us-china"``, a table, or a frame of pandas, Polars or
        PyArrow with the columns of an event file. They take the place of those that the config names;
        ``None`` reads those.
    config : Config, path, mapping or Inputs
        A mapping has the keys of a config file; ``Inputs`` are events and config that were read already.
    listen : callable, optional
        Told of each stage and its progress.
    drivers : bool
        Whether to measure which events moved the headline, and how far it rests on assumptions.
    keep : callable, optional
        Given the run as soon as its probabilities are known, without drivers and scenarios.
    clock : Clock, optional
        The seconds of what was done before.

    Raises
    ------
    InputError
        Config or events cannot be used; every fault with its place.
    NotConvergedError
        The sampler could not run at all.

    Warns
    -----
    NotConvergedWarning
        The posterior fails a gate: the run is returned all the same, with ``forecast.converged`` false.
    CautionWarning
        For each caution and warning of the run.
    """
    clock = clock or Clock()
    with clock.time("read"):
        if listen:
            listen(StageProgress("read"))
        inputs = inputs_from(events, config)
    run = run_of_inputs(inputs, listen, drivers=drivers, keep=keep, clock=clock)
    warn_of(run, stacklevel=3)
    return run


def run_of_inputs(
    inputs: Inputs,
    listen: Listener | None = None,
    *,
    drivers: bool = True,
    keep: Callable[[Run], None] | None = None,
    clock: Clock | None = None,
) -> Run:
    """Run all stages on inputs that are read already, as ``fit``."""
    tell, clock = listen or (lambda progress: None), clock or Clock()
    plan_scenarios(inputs, inputs.scenarios)  # faults are told before anything is computed
    config = inputs.config
    judged = fit_and_judge(inputs, tell, clock.time)
    posterior, mixture, gates = judged.samples, judged.mixture, judged.gates
    with clock.time("chances"):
        targets = target_forecasts(mixture, posterior.n_chains)
    forecast = Forecast(
        schema=8,
        run_id=run_id(config, inputs.events),
        name=config.name,
        dyad=DyadRecord(a=config.dyad.names[0], b=config.dyad.names[1], label=config.dyad.title),
        as_of=config.as_of,
        made_on=day_made(),
        hindsight=day_made() > config.as_of + timedelta(days=GRACE_DAYS),
        model=config.model.family,
        converged=gates.converged,
        fits=(gates,),
        targets=targets,
        headline=Headline(target=config.headline.target, milestone=config.headline.milestone),
        scale=inputs.scale,
        reporter=inputs.reporter,
        cautions=(*not_converged(gates), *far_from_baseline(targets), *cautions_of(inputs)),
        members=mixture.members(),
        decision=None if any(too_little(inputs)) else decision_of(mixture),
        drivers=(),
        versions=versions(),
    )
    base = Run(inputs, posterior, mixture, forecast, seconds=clock.seconds)
    if keep:
        keep(replace(base, analysis=summaries.analysis_of(base)))
    more: dict[str, object] = {}
    sensitivity: Sensitivity | None = None
    reactions: tuple[ReactionFacts, ...] = ()
    untold: tuple[Notice, ...] = ()
    if drivers:
        with clock.time("drivers"):
            tell(StageProgress("drivers"))
            moved = measure_drivers(base, listen=tell)
            more |= {"drivers": moved.shown, "drivers_tried": moved.tried}
            more["waterfall"] = measure_waterfall(base)
            untold = moved.untold
        with clock.time("assumptions"):
            tell(StageProgress("assumptions"))
            sensitivity = measure_sensitivity(base)
    if inputs.scenarios:
        with clock.time("scenarios"):
            more["scenarios"] = compare_scenarios(base, inputs.scenarios, listen=tell)
    if drivers:
        with clock.time("ahead"):
            tell(StageProgress("ahead"))
            reactions = measure_reactions(base)
    forecast = forecast.model_copy(update=more)
    analysis = summaries.analysis_of(base, untold, sensitivity, reactions)
    if sensitivity:
        forecast = with_labels(forecast, sensitivity)
    return replace(base, forecast=forecast, analysis=analysis)


class Judged(NamedTuple):
    """The posterior, the forecast, and what the gates say of both."""

    samples: Posterior
    mixture: Mixture
    gates: Diagnostics


def fit_and_judge(
    inputs: Inputs,
    listen: Listener | None = None,
    timed: Callable[[str], AbstractContextManager[None]] = lambda stage: nullcontext(),
) -> Judged:
    """Fit, forecast, and check the gates, milestone probabilities included.

    ``timed`` wraps the stages ``fit`` and ``chances``. ``NotConvergedError`` when the sampler could not run
    at all.
    """
    tell = listen or (lambda progress: None)
    with timed("fit"), compiled_beside():
        tell(StageProgress("compile"))
        options = sampler_options(inputs.config)
        density = PosteriorDensity.of(inputs.data, inputs.priors)
        posterior = sampling.fit(density, options, _sampling_listener(tell))
    with timed("chances"):
        tell(StageProgress("chances"))
        mixture = mixture_of(inputs, chances_of(inputs, posterior))
        survival = mixture.survival
        monitored = {
            f"P({name} before {asked.name})": 1 - survival.of(name)[:, (asked.date - survival.origin).days]
            for name in survival.targets
            for asked in inputs.config.milestones
        }
        gates = check_gates(posterior, monitored)
    return Judged(posterior, mixture, gates)


def run_forecast(
    config: Config | Inputs,
    *,
    out: Path = Path("reports"),
    force: bool = False,
    allow_unconverged: bool = False,
    ledger: Path | None = None,
    on_record: bool = True,
    since: Path | None = None,
    listen: Listener | None = None,
    clock: Clock | None = None,
) -> tuple[Run, Path]:
    """Make a forecast, write its run folder, put it on record, and return run and folder.

    The run is saved as soon as it is fitted: when a later stage fails, it stands without what that stage
    would have added, and is on record. ``out`` is the folder of the runs. ``force`` replaces a run that is
    there; ``allow_unconverged`` returns one that failed its gates, instead of raising; ``since`` is the
    earlier run to say what is new since, the last beside this one when absent. The ``ledger`` is
    ``out/ledger.sqlite`` when absent, and is left alone unless ``on_record``; a run that did not converge
    goes there as failed. ``listen`` is told of each stage and its progress; ``clock`` as in ``fit``.

    Raises ``InputError``: the config, the events, the place of the run folder or the ledger cannot be used;
    ``NotConvergedError``: a gate failed and ``allow_unconverged`` is not set; the run folder is written all
    the same, its report stamped. Warns as ``fit``.
    """
    read, config = config, config.config if isinstance(config, Inputs) else config
    folder = run_place(config, out)
    place = ledger or out / LEDGER_FILE
    book: Ledger | None = None
    fitted: list[Run] = []

    def before(run: Run) -> LedgerSummary | None:
        """What other runs had put on record when this one began."""
        if book is None:
            return None
        found = summarise_ledger(book, config.dyad.rule.sides, questions_of(config), run.forecast.run_id)
        others = said_of(book, config, run.inputs.events, run.forecast.targets)
        return found.model_copy(update={"others": others})

    def save(run: Run, *, report: bool = True) -> None:
        def record(manifest: str) -> None:
            if on_record:
                put_on_record(run, place, folder, manifest)

        keep = partial(save_run, run, folder, force=force, kept=bool(fitted), report=report, since=since)
        try:
            keep(ledger_record=before(run), record=record)
        except LedgerError as error:
            if not fitted:
                # The report would tell of the ledger as if the run were on it.
                with suppress(ForecastError):
                    keep()
                error.add_note(f"The run is saved in {folder}, but not on record. Run it again with --force.")
            raise
        fitted.append(run)

    refuse_existing(folder, force=force)
    if since is not None:
        if since.resolve() == folder.resolve():
            raise InputError(
                f"--since: {since} is the run that this one replaces. Give another run, or copy it"
            )
        earlier_answers(open_run(since), config)
    with claimed(folder):
        refuse_existing(folder, force=force)
        if on_record:
            book = refuse_unusable(place)
        try:
            with without_warnings():  # raised or told below
                run = fit(None, read, listen, keep=partial(save, report=False), clock=clock)
            if listen:
                listen(StageProgress("report"))
            save(run)
        except BaseException as error:
            if fitted:
                error.add_note(
                    f"The run is saved in {folder}{', and on record' if on_record else ''}, without what "
                    f"was still to do. 'forecast report {folder}' builds its report."
                )
            raise
    if not allow_unconverged:
        require_converged(run.forecast, folder, place if on_record else None)
    warn_of(run, stacklevel=3)
    return run, folder


def put_on_record(run: Run, ledger: Path, folder: Path | None, manifest: str | None = None) -> int:
    """Put the forecasts of a run into a ledger; what is there already stays as it was.

    ``manifest`` is the hash of that of its folder. A run on too little record is no forecast: nothing of it
    goes there.

    Raises ``LedgerError``: the ledger cannot be used.
    """
    if run.forecast.too_little:
        return 0
    inputs = run.inputs
    origin = RunOrigin.of(inputs.config, inputs.events, folder, manifest)
    made = run.forecast
    return record_forecast(ledger, made.targets, inputs.rules, origin, converged=made.converged)[0]


_FAILED: Mapping[Gate, str] = {
    "rhat": "chains disagreed",
    "ess_bulk": "too few independent draws",
    "ess_tail": "too few independent draws",
    "divergences": "too many divergences",
    "bfmi": "energy hardly moved",
}
"""Why it is sampled again."""


def _sampling_listener(tell: Listener) -> Callable[[SamplingProgress], None]:
    def listen(progress: SamplingProgress) -> None:
        stage, note = "sample", f"{progress.divergences} divergences" if progress.divergences else ""
        if progress.rerun:
            stage = f"sample_{progress.rerun + 1}"
            note = f"longer: {', '.join(dict.fromkeys(map(_FAILED.__getitem__, progress.failed)))}"
        tell(StageProgress(stage, progress.finished, progress.planned, note))

    return listen
