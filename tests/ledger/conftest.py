"""Forecasts made up for the ledger: no model is fitted here."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from forecast.events.codebook import standard_scale
from forecast.events.dyads import DyadRule
from forecast.ledger.recording import RunOrigin, forecast_entries, record_forecast, resolve_ledger
from forecast.ledger.store import open_ledger, write_ledger
from forecast.records.base import Scale
from forecast.records.forecast import (
    Baseline,
    ChanceTable,
    Diagnostics,
    DyadRecord,
    Forecast,
    Headline,
    MilestoneForecast,
    Reporter,
    TargetForecast,
)
from forecast.targets import TargetRule

TODAY = date(2026, 1, 1)
RULES = {
    "crisis": TargetRule("crisis", ("sanction", "dispute"), 4),
    "clash": TargetRule("clash", ("military_incident",), 5),
}


@pytest.fixture(autouse=True)
def no_ledger_by_name(monkeypatch):
    monkeypatch.delenv("FORECAST_LEDGER", raising=False)


def make_forecast(
    as_of: date,
    probabilities: dict[str, dict[int, float]],
    *,
    converged: bool = True,
    name: str = "small",
    dyad: tuple[str, str] = ("USA", "CHN"),
    baseline: float = 0.3,
    model: str = "joint",
    scale: Scale | None = None,
    counts: str | None = None,
    does_not_count: str | None = None,
) -> Forecast:
    """Make a forecast from target → days in the window → probability."""
    targets = tuple(
        TargetForecast(
            name=target,
            label=target.title(),
            any_of=("sanction",),
            min_severity=4,
            counts=counts,
            does_not_count=does_not_count,
            observed_before=1,
            milestones=tuple(
                MilestoneForecast(
                    name=f"in-{days}",
                    label=f"{days} days ahead",
                    date=as_of + timedelta(days=days + 1),
                    probability=probability,
                    mcse=0.01,
                    interval90=(probability / 2, (1 + probability) / 2),
                    baseline=Baseline(name="climatology", probability=baseline),
                )
                for days, probability in by_days.items()
            ),
            chances=ChanceTable(day=(), mean=(), low=(), high=()),
        )
        for target, by_days in probabilities.items()
    )
    return Forecast(
        run_id=f"{name}-{as_of:%Y%m%d}",
        name=name,
        dyad=DyadRecord(a=dyad[0], b=dyad[1], label=" – ".join(dyad)),
        as_of=as_of,
        model=model,
        converged=converged,
        fits=(
            Diagnostics(
                rhat_max=1.0, ess_bulk_min=900, ess_tail_min=900, divergences=0, bfmi_min=0.9, failures=()
            ),
        ),
        scale=scale or standard_scale(),
        reporter=Reporter(events="events.csv", sourced=True),
        targets=targets,
        headline=Headline(target=targets[0].name, milestone=targets[0].milestones[0].name),
        drivers=(),
        versions={},
    )


def origin_of(
    forecast: Forecast, *, made_on: datetime | None = None, config: str = "a", acts: DyadRule | None = None
) -> RunOrigin:
    made = made_on or datetime.combine(forecast.as_of, datetime.min.time(), UTC)
    return RunOrigin(
        run_id=forecast.run_id,
        name=forecast.name,
        label=forecast.dyad.label,
        as_of=forecast.as_of,
        model=forecast.model,
        scale=forecast.scale,
        reporter=forecast.reporter,
        dyad=acts or DyadRule((forecast.dyad.a,), (forecast.dyad.b,)),
        config_sha256=config * 64,
        data_sha256="d" * 64,
        code_version="0.1.0",
        made_on=made,
        run_folder=Path("reports/small"),
    )


def entries_of(forecast: Forecast):
    rules, made = list(RULES.values()), forecast.converged
    return forecast_entries(forecast.targets, rules, origin_of(forecast), converged=made)


class LedgerCase:
    """A ledger in a folder of its own, and short ways to fill it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def ledger(self):
        return open_ledger(self.path)

    def record(self, as_of: str, probabilities, *, made_on=None, config="a", rules=None, acts=None, **how):
        forecast = make_forecast(date.fromisoformat(as_of), probabilities, **how)
        return record_forecast(
            self.path,
            forecast.targets,
            rules or list(RULES.values()),
            origin_of(forecast, made_on=made_on, config=config, acts=acts),
            converged=forecast.converged,
        )

    def record_all(self, forecasts):
        """Put many on record at once, from (as-of date, probabilities, settings) a forecast."""
        with write_ledger(self.path) as writer:
            for as_of, probabilities, how in forecasts:
                forecast = make_forecast(date.fromisoformat(as_of), probabilities, **how)
                for entry in entries_of(forecast):
                    writer.append(entry)

    def resolve(self, events, *, today=TODAY, through=None, dyad=None, scale=None):
        day = through and date.fromisoformat(through)
        return resolve_ledger(self.path, events, today=today, through=day, dyad=dyad, scale=scale)


@pytest.fixture
def case(tmp_path) -> LedgerCase:
    return LedgerCase(tmp_path / "ledger.sqlite")


@pytest.fixture
def entries():
    """Make the entries of a forecast without a ledger."""

    def make(as_of: str, probabilities, **how):
        forecast = make_forecast(date.fromisoformat(as_of), probabilities, **how)
        return entries_of(forecast)

    return make


@pytest.fixture
def made_forecast():
    return make_forecast
