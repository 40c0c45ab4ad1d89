"""A realistic run without a sampler: records whose table, curve and headline come from one array."""

import hashlib
import io
import json
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pypdf import PdfReader

from forecast.baselines import BASELINES, observe_outcomes
from forecast.blocks import Prose, Table, walk
from forecast.evaluation.score_table import join_forecasts, make_forecasts, score_forecasts
from forecast.evaluation.track_record import make_track_record
from forecast.events.codebook import standard_scale
from forecast.events.reading import load_events
from forecast.records.analysis import (
    Analysis,
    DataSummary,
    DriftNow,
    DyadActs,
    LedgerSummary,
    OtherForecast,
    ParameterSummary,
    SamplerSummary,
    ScheduledAct,
    TensionSeries,
)
from forecast.records.forecast import (
    Baseline,
    ChanceTable,
    Diagnostics,
    Difference,
    Driver,
    DyadRecord,
    Forecast,
    GateFailure,
    Headline,
    MethodReason,
    MilestoneForecast,
    Reporter,
    ScenarioForecast,
    ScenarioMilestone,
    ScenarioTarget,
    TargetCase,
    TargetForecast,
    WaterfallStep,
)
from forecast.records.notices import notice
from forecast.report.build import build_report, make_content, set_pdf, write_figures
from forecast.report.run_records import ReportOptions, RunRecords
from forecast.report.typesetting import typeface, using_typeface
from forecast.runs.files import output_hashes, record_outputs
from forecast.targets import TargetRule

AS_OF, MADE_ON = date(2023, 7, 10), date(2026, 11, 29)
HORIZON_DAYS = 485
MILESTONES = (
    ("apec-2023", "APEC leaders' meeting in San Francisco", date(2023, 11, 17)),
    ("taiwan-election-2024", "Taiwan's presidential election", date(2024, 1, 13)),
    ("taiwan-inauguration-2024", "Inauguration of Taiwan's president", date(2024, 5, 20)),
    ("us-election-2024", "US presidential election", date(2024, 11, 5)),
)
TARGETS = (
    ("major_escalation", "Major escalation", "Any conflictual act of severity 4 or more", 20, 0.0042),
    ("military_confrontation", "Military confrontation", "A military act of severity 4 or more", 3, 0.0011),
    ("lethal_clash", "Lethal clash between forces", "A military incident of severity 5", 0, 0.00006),
)
CONFLICT = ("sanction", "channel_closure", "military_incident", "military_posture", "dispute")
RULES = (
    TargetRule("major_escalation", CONFLICT, 4),
    TargetRule("military_confrontation", ("military_incident", "military_posture"), 4),
    TargetRule("lethal_clash", ("military_incident",), 5),
)
KINDS = ("visit", "channel_opening", "cooperation", *CONFLICT)
PARAMETERS = (
    *(
        (f"baseline.weekly_rate.{kind}", "Acts of this kind a week on average", "acts a week")
        for kind in KINDS
    ),
    *(
        (f"tension.loading.{kind}", "How strongly it follows tension", "share of tension.scale")
        for kind in KINDS
    ),
    *((f"ballast.{kind}", "How much many recent acts calm", "log rate") for kind in KINDS),
    ("tension.scale", "How far a swing in tension moves the log rate of conflictual acts", "log rate"),
    ("tension.persistence", "Days after which a swing in tension has faded to 37%", "days"),
    ("answers.half_life_days", "Days within which half of the answers have come", "days"),
    ("answers.severity", "How much more conflict a graver act brings about", "log rate a severity"),
)
EVENTS = load_events("bundled:us-china", Path()).known_by(AS_OF)
FAILURES = (
    GateFailure(code="rhat", quantity="tension.scale", value=1.043, limit=1.01),
    GateFailure(code="ess_bulk", quantity="P(major escalation)", value=120.0, limit=400.0),
)
MANIFEST = {
    "run_id": "us-china-2023-2023-07-10-3f9a1c",
    "config_sha256": hashlib.sha256(b"config").hexdigest(),
    "data_sha256": hashlib.sha256(b"data").hexdigest(),
    "code_version": "0.1.0",
    "seed": 20230710,
}


CONFIG = """\
name: us-china-2023
dyad: {a: USA, b: CHN}
as_of: 2023-07-10
events: {source: events.csv}
targets:
  major_escalation:
    any_of: [sanction, channel_closure, military_incident, military_posture, dispute]
    min_severity: 4
  military_confrontation: {any_of: [military_incident, military_posture], min_severity: 4}
  lethal_clash: {any_of: [military_incident], min_severity: 5}
milestones:
  - {name: us-election-2024, date: 2024-11-05}
headline: {target: military_confrontation, milestone: us-election-2024}
model: {family: model}
sampler: {seed: 11}
"""


def altered(record, **fields):
    """The record with some fields changed."""
    return record.model_copy(update=fields)


def each_milestone(record, **fields):
    """The forecast or scenario with all its milestones changed."""
    targets = (
        altered(one, milestones=tuple(altered(each, **fields) for each in one.milestones))
        for one in record.targets
    )
    return altered(record, targets=tuple(targets))


def settled(forecast):
    """The forecast with the chances of its milestones, and of its scenarios', in the tables by day."""

    def of(record):
        targets = []
        for target in record.targets:
            days, *columns = dict(target.chances).values()
            table = dict(zip(days, zip(*columns, strict=True), strict=True))
            table |= {one.date: (one.probability, *one.interval90) for one in target.milestones}
            day, rows = zip(*sorted(table.items()), strict=True)
            mean, low, high = zip(*rows, strict=True)
            targets.append(altered(target, chances=ChanceTable(day=day, mean=mean, low=low, high=high)))
        return altered(record, targets=tuple(targets))

    return altered(of(forecast), scenarios=tuple(map(of, forecast.scenarios)))


def with_headline(forecast, **fields):
    """The forecast with its headline milestone changed."""
    asked, now = forecast.headline_target, forecast.headline_milestone
    targets = (
        altered(
            one, milestones=tuple(altered(each, **fields) if each is now else each for each in one.milestones)
        )
        if one is asked
        else one
        for one in forecast.targets
    )
    return altered(forecast, targets=tuple(targets))


def make_target(name, label, definition, observed, rate, milestones=MILESTONES):
    days = np.arange(1, HORIZON_DAYS + 1)
    rates = rate * np.exp(np.random.default_rng(len(name)).normal(0, 0.35, 400))
    chances = 1 - np.exp(-np.outer(rates, days))
    mean, low, high = chances.mean(0), *np.quantile(chances, [0.05, 0.95], axis=0)
    dates = [AS_OF + timedelta(days=int(day)) for day in days]
    made = []
    for key, text, day in milestones:
        i = (day - AS_OF).days - 1
        p = float(mean[i])
        said = {"interval90": (float(low[i]), float(high[i])), "probability": p, "mcse": 0.004}
        smoothed, counted = min(0.99, 0.8 * p + 0.02), min(0.98, 0.8 * p)
        base = Baseline(name="climatology", probability=smoothed, counted=counted)
        made.append(MilestoneForecast(name=key, label=text, date=day, baseline=base, **said))
    return TargetForecast(
        name=name,
        label=label,
        counts="Collision, or an intruding aircraft shot down, without deaths; or worse.",
        does_not_count="Unsafe intercepts.",
        any_of=CONFLICT,
        min_severity=4,
        observed_before=observed,
        milestones=tuple(made),
        chances=ChanceTable(day=tuple(dates), mean=tuple(mean), low=tuple(low), high=tuple(high)),
    )


def with_cases(target):
    """The target with its rule, its past cases, and a constant rate at every milestone."""
    rule = next((one for one in RULES if one.name == target.name), None)
    if rule is None:
        return target
    met = list(EVENTS.select(rule.mask(EVENTS)).rows())
    rate = len({one.date for one in met}) / 2381
    milestones = tuple(
        altered(one, constant_rate=1 - float(np.exp(-rate * (one.date - AS_OF).days)) if met else None)
        for one in target.milestones
    )
    cases = tuple(TargetCase(event_id=one.id, date=one.date) for one in met)[-10:]
    counts = {"any_of": rule.any_of, "min_severity": rule.min_severity}
    return altered(target, **counts, cases=cases, milestones=milestones)


def make_drivers():
    rows = sorted(EVENTS.rows(), key=lambda event: (-event.severity, -event.date.toordinal(), event.id))[:12]
    changes = np.sort(np.random.default_rng(7).normal(0.008, 0.02, 12))[::-1]
    same = ("date", "category", "severity", "summary")
    return tuple(
        Driver(
            **{name: getattr(row, name) for name in same},
            event_id=row.id,
            source=row.source_outlet,
            change=float(change),
            mcse=0.003,
        )
        for row, change in zip(rows, changes, strict=True)
    )


SIX = tuple(
    (f"t{k}", f"Event {k}: {label}", "A definition.", seen, rate)
    for k, label, seen, rate in (
        (0, "any major escalation", 40, 0.004),
        (1, "large drills that ring an island or a capital", 3, 0.001),
        (2, "a lethal clash", 0, 0.00006),
        (3, "a collision, shoot-down or seizure", 12, 0.002),
        (4, "a blockade", 0, 0.0001),
        (5, "an embassy closed", 1, 0.0003),
    )
)


def summer(number):
    return tuple(
        (f"m{k}", f"Meeting of leaders, number {k}", date(2023, 7, 10) + timedelta(days=480 * k // number))
        for k in range(1, number + 1)
    )


def make_forecast(
    *, converged=True, milestones=MILESTONES, targets=TARGETS, label="United States – China", cautions=()
):
    rhat, ess = (1.006, 812.0) if converged else (1.043, 120.0)
    checks = {"rhat_max": rhat, "ess_bulk_min": ess, "ess_tail_min": 733.0, "bfmi_min": 0.81}
    return Forecast(
        run_id="us-china-2023-2023-07-10-3f9a1c",
        name="us-china-2023",
        dyad=DyadRecord(a="USA", b="CHN", label=label),
        as_of=AS_OF,
        made_on=MADE_ON,
        hindsight=True,
        model="model",
        converged=converged,
        fits=(Diagnostics(**checks, divergences=2, failures=() if converged else FAILURES),),
        scale=standard_scale(),
        reporter=Reporter(events="events.csv", sourced=True),
        targets=tuple(with_cases(make_target(*target, milestones=milestones)) for target in targets),
        headline=Headline(target=targets[min(1, len(targets) - 1)][0], milestone=milestones[-1][0]),
        cautions=cautions,
        drivers=make_drivers(),
        versions={"python": "3.13.5", "pymc": "6.4.0", "numpy": "2.5.5", "typst": "0.15.2"},
    )


def make_tension():
    weeks = 338
    first = AS_OF - timedelta(days=7 * weeks)
    rng = np.random.default_rng(3)
    x = np.zeros(weeks)
    for t in range(1, weeks):
        x[t] = 0.95 * x[t - 1] + 0.31 * rng.normal()
    return TensionSeries(
        date=tuple(first + timedelta(days=7 * t) for t in range(weeks)),
        mean=tuple(map(float, x)),
        lower90=tuple(map(float, x - 0.6)),
        upper90=tuple(map(float, x + 0.6)),
    )


def make_parameters():
    rng = np.random.default_rng(5)
    made = []
    for index, (name, meaning, unit) in enumerate(PARAMETERS):
        centre = 100.0 if unit == "days" else float(rng.normal(0.5, 0.6))
        spread = 40.0 if unit == "days" else 0.5
        shift = float(rng.normal(0, 0.6)) * spread
        made.append(
            ParameterSummary(
                name=name,
                meaning=meaning,
                unit=unit,
                prior=f"Normal({centre:.2f}, {spread:.1f})",
                prior_origin="config" if index % 9 == 4 else "default",
                prior_mean=centre,
                prior_interval90=(centre - 1.64 * spread, centre + 1.64 * spread),
                posterior_mean=centre + shift,
                posterior_interval90=(centre + shift - 0.5 * spread, centre + shift + 0.5 * spread),
                **{"mcse": 0.01, "rhat": 1.002, "ess_bulk": 1500.0},
            )
        )
    return tuple(made)


def make_analysis(*, warnings=()):
    kinds, counts = np.unique(EVENTS.category.astype(str), return_counts=True)
    visit = {"category": "visit"}
    return Analysis(
        tension=make_tension(),
        drift=DriftNow(mean=1.2, interval90=(0.7, 1.9)),
        parameters=make_parameters(),
        data=DataSummary(
            source="bundled:us-china",
            sha256=EVENTS.sha256,
            rows=len(EVENTS),
            rows_fitted=len(EVENTS) - 4,
            first_date=date(2017, 1, 20),
            last_date=EVENTS.date[-1].item(),
            start=date(2017, 1, 1),
            verified_share=float(EVENTS.verified.mean()),
            counts_by_category=dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
            limits=(
                "Coding is denser in recent years: about 9 events a month in 2017–19, 15 in 2022–23; levels "
                "drift for reasons that are not tension.",
                "257 rows are from general knowledge; about 5% of the days may be off by one.",
            ),
            dyad=DyadActs(
                a=("USA",), b=("CHN",), theatre=(), rows_a_to_b=600, rows_b_to_a=200, rows_theatre=0
            ),
        ),
        calendar=(
            ScheduledAct(date=date(2023, 7, 16), severity=2, probability=0.95, label="In Beijing", **visit),
            ScheduledAct(date=date(2023, 11, 15), severity=4, probability=0.6, label="Leaders meet", **visit),
        ),
        sampler=SamplerSummary(chains=4, draws=1000, tune=400, target_accept=0.9, seed=20230710, reruns=0),
        warnings=tuple(
            notice("unused_backtest", refusal=notice("unreadable", fault=text)) for text in warnings
        ),
    )


def with_waterfall(forecast):
    """The forecast with its steps: a base rate, what adds to it, and what scheduled events take away."""
    milestone = forecast.headline_milestone
    so_far = milestone.constant_rate or milestone.baseline.probability
    steps = [WaterfallStep(step="base_rate", probability=so_far, change=0.0, error=0.0)]
    for name, change in (("own_rates", 0.05), ("tension", -0.06), ("drift", 0.08), ("other_pairs", 0.02)):
        so_far = min(max(so_far + change, 0.01), 0.99)
        steps.append(WaterfallStep(step=name, probability=so_far, change=change, error=0.004))
    left = milestone.probability - so_far
    last = WaterfallStep(step="scheduled_events", probability=milestone.probability, change=left, error=0.003)
    told = np.round([100 * one.probability for one in (*steps, last)], 1)
    shown = (round(float(one), 1) for one in np.diff(told, prepend=0.0))
    stepped = (altered(one, points=points) for one, points in zip((*steps, last), shown, strict=True))
    return altered(forecast, waterfall=tuple(stepped))


def make_others(forecast):
    """A ledger without forecasts of our own, and what somebody else said."""
    target = forecast.target(forecast.headline.target)
    other = OtherForecast(
        target=target.name,
        milestone=forecast.headline.milestone,
        forecaster="Polymarket",
        link="https://polymarket.com/market/drills",
        made_on=date(2023, 7, 3),
        probability=0.22,
        ends=target.milestones[-1].date,
        asked_as_of=AS_OF,
        differs="counts blockades only",
        after_as_of=False,
    )
    counts = dict.fromkeys(("n_forecasts", "n_scored", "n_yes", "n_hindcasts"), 0)
    none = {"brier": None, "baseline_brier": None, "claim": "none"}
    elsewhere = other.model_copy(update={"milestone": "another", "probability": 0.77})
    return LedgerSummary(head="0" * 64, others=(other, elsewhere), **counts, **none)


def write_run(folder, forecast=None, analysis=None):
    forecast, analysis = forecast or make_forecast(), analysis or make_analysis()
    forecast = settled(forecast)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "forecast.json").write_text(forecast.model_dump_json(by_alias=True), encoding="utf-8")
    (folder / "analysis.json").write_text(analysis.model_dump_json(by_alias=True), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (folder / "config.resolved.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "events.csv").write_text(EVENTS.canonical_csv(), encoding="utf-8")
    record_outputs(folder, output_hashes(folder))
    return folder


SEED = 11


def make_backtest():
    """Forecasts of real windows by made-up models: ours see a little of the outcome, baselines less."""
    random = np.random.default_rng(3)
    origins = np.arange("2019-01", "2023-07", dtype="datetime64[M]").astype("datetime64[D]")
    horizons = np.array([30, 90])
    tables = []
    for rule in RULES:
        outcomes = observe_outcomes(EVENTS, rule, origins, horizons, AS_OF)
        for model in ("model", "combined", *BASELINES):
            sharpness = 1.5 if model in ("model", "combined") else 0.8
            pull = sharpness * (np.nan_to_num(outcomes.outcome) - 0.5)
            logit = -0.6 + pull + random.normal(0, 0.7, outcomes.outcome.shape)
            tables.append(make_forecasts(outcomes, 1 / (1 + np.exp(-logit)), who=model))
    return join_forecasts(tables)


def record_of(forecasts, table, model, cases):
    return make_track_record(
        forecasts,
        table,
        model,
        cases=cases,
        data_end=date(2023, 7, 5),
        forecasts_sha256=hashlib.sha256(b"forecasts").hexdigest(),
        seed=SEED,
    )


@pytest.fixture(scope="session")
def backtest():
    """A backtest in memory: ``forecasts``, ``table`` and the ``record`` of the model."""
    forecasts = make_backtest()
    table = score_forecasts(forecasts, seed=SEED)
    cases = {rule.name: sorted(set(EVENTS.date[rule.mask(EVENTS)].tolist())) for rule in RULES}
    record = record_of(forecasts, table, "model", cases)
    return SimpleNamespace(
        forecasts=forecasts, table=table, record=record, rules=RULES, seed=SEED, cases=cases
    )


def make_records(forecast, analysis=None, **more):
    known = {"analysis": analysis or make_analysis(), "events": EVENTS, "manifest": MANIFEST}
    return RunRecords(forecast=forecast, **known, **more)


def said_in(section):
    """The paragraphs of a section as one text."""
    return " ".join(f"{one.lead} {one.text}" for one in walk(section.blocks) if isinstance(one, Prose))


def table_in(section, name):
    """The table of a section, by name."""
    return next(one for one in walk(section.blocks) if isinstance(one, Table) and one.name == name)


@pytest.fixture(scope="session")
def forecast():
    """The ordinary forecast."""
    return make_forecast()


@pytest.fixture(scope="session")
def analysis():
    """The ordinary analysis."""
    return make_analysis()


@pytest.fixture(scope="session")
def base_run(tmp_path_factory):
    """A run folder with its report, built once: path of the folder."""
    forecast = with_waterfall(make_forecast())
    place = tmp_path_factory.mktemp("run") / "base"
    folder = write_run(place, forecast, make_analysis())
    (folder / "ledger_record.json").write_text(make_others(forecast).model_dump_json(by_alias=True))
    build_report(folder, ReportOptions(author="A. Analyst", organisation="Strait Risk Desk"))
    return folder


@pytest.fixture
def compiled(tmp_path):
    """Compile records to a PDF reader: ``compiled(forecast, analysis, **options)``."""

    def compile_records(forecast, analysis=None, *, track_record=None, **options):
        run = make_records(forecast, analysis, track_record=track_record, options=ReportOptions(**options))
        with using_typeface(typeface(run.options.fonts)):
            content = make_content(run)
            pdf = set_pdf(run, content, write_figures(content, tmp_path))
        return PdfReader(io.BytesIO(pdf))

    return compile_records


def make_scenario(forecast, name, change, *, mcse=0.002, **fields):
    """Every chance moved by ``change``."""
    targets = []
    for target in forecast.targets:
        milestones = []
        for one in target.milestones:
            moved = min(max(one.probability + change, 0.0), 1.0)
            values = {
                "probability": moved,
                "interval90": tuple(sorted((moved, min(one.interval90[1] + 0.01, 1.0)))),
                "difference": Difference(value=change, mcse=mcse),
            }
            values |= {"name": one.name, "label": one.label, "date": one.date, "mcse": one.mcse}
            milestones.append(ScenarioMilestone(**values))
        targets.append(ScenarioTarget(name=target.name, milestones=milestones, chances=target.chances))
    known = {"label": f"Label of {name}", "method": "exact", "pareto_k": None, "effective_draws": None}
    known |= {"failures": (), "withheld": None}
    return ScenarioForecast(
        name=name,
        rationale=f"Reason of {name}.",
        reason=MethodReason(code="only_future"),
        targets=tuple(targets),
        **known | fields,
    )


def with_scenarios(forecast, label):
    """The forecast with two scenarios of the label given."""
    made = (make_scenario(forecast, "up", 0.05), make_scenario(forecast, "down", -0.04))
    return altered(forecast, scenarios=tuple(altered(one, label=label, rationale=label) for one in made))
