"""How long the page waits for an answer: requests to a server of this machine, one after the other."""

from __future__ import annotations

import json
import random
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import numpy as np

from forecast.app.engine import Engine, open_engine
from forecast.app.guard import ADDRESS, listening_on, server_of
from forecast.app.page_model import PageModel, page_model
from forecast.app.refits import Refits
from forecast.app.server import run_app
from forecast.blocks import Block, Prose, plain_table, right
from forecast.errors import InputError
from forecast.records.base import Record

State = dict[str, object]
_TOKEN = "bench"
_WARM = 20
"""Answers of each kind before any is counted."""


class KindTiming(Record):
    """Answers to one kind of change: milliseconds by the clock, and of the processor."""

    kind: str
    answers: int
    withheld: int
    median_ms: float
    p95_ms: float
    processor_ms: float


class PageTiming(Record):
    """What was measured; memory is the peak of the process, before and after the last changes."""

    draws: int
    played: int
    model_ms: float
    kinds: tuple[KindTiming, ...]
    changes: int
    peak_before_mebibytes: float
    peak_after_mebibytes: float

    def blocks(self) -> Iterator[Block]:
        """Yield the waiting times by kind of change, and the memory."""
        rows = (
            (
                timing.kind,
                *(f"{spent:.0f}" for spent in (timing.median_ms, timing.p95_ms, timing.processor_ms)),
                str(timing.withheld),
            )
            for timing in self.kinds
        )
        title = f"Answers, milliseconds ({self.played:,} of {self.draws:,} draws played anew)"
        heads = map(right, ("median", "95%", "processor", "withheld"))
        yield plain_table(("", *heads), rows, title)
        before, after = self.peak_before_mebibytes, self.peak_after_mebibytes
        yield Prose(f"All that the page knows at first: {self.model_ms:.0f} ms, once.")
        further = f"{self.changes:,} further changes"
        yield Prose(f"Peak memory {before:.0f} MiB, {after:.0f} MiB after {further}.")


def measure_page(run_dir: Path, changes: int, tell: Callable[[str], None]) -> PageTiming:
    """Change beliefs, acts and scheduled acts of a run, and wait for each answer as a browser does.

    Raises ``InputError`` for a run that takes no changes.
    """
    engine = open_engine(run_dir)
    if not engine.tweaks:
        raise InputError(f"{run_dir}: {engine.no_tweaks}")
    begun = time.perf_counter()
    model = page_model(engine)
    model_ms = 1000 * (time.perf_counter() - begun)
    engine.warm_up()
    chance = random.Random(1)
    kinds: dict[str, Callable[[], State]] = {
        "a belief": lambda: _belief(model, chance),
        "an act": lambda: _act(model, chance, sure=False),
        "a certain act": lambda: _act(model, chance, sure=True),
        "a scheduled act": lambda: _scheduled(model, chance),
        "a belief and an act": lambda: _belief(model, chance) | _act(model, chance, sure=False),
    }
    if not model.calendar:
        del kinds["a scheduled act"]
    with _asking(engine) as ask:
        timings = []
        for kind, make in kinds.items():
            tell(kind)
            for _ in range(_WARM):
                ask(make())
            timings.append(_timed(kind, [make() for _ in range(changes)], ask))
        tell("memory")
        before = _peak()
        rest = [make for make in kinds.values() for _ in range(changes)]
        for make in rest:
            ask(make())
    return PageTiming(
        draws=engine.run.n_draws,
        played=-(-engine.run.n_draws // engine.every),
        model_ms=model_ms,
        kinds=tuple(timings),
        changes=len(rest),
        peak_before_mebibytes=before,
        peak_after_mebibytes=_peak(),
    )


def _timed(kind: str, states: list[State], ask: Callable[[State], str]) -> KindTiming:
    waited, withheld = [], 0
    processor = time.process_time()
    for state in states:
        begun = time.perf_counter()
        withheld += ask(state) == "withheld"
        waited.append(1000 * (time.perf_counter() - begun))
    return KindTiming(
        kind=kind,
        answers=len(states),
        withheld=withheld,
        median_ms=float(np.median(waited)),
        p95_ms=float(np.quantile(waited, 0.95)),
        processor_ms=1000 * (time.process_time() - processor) / len(states),
    )


def _belief(model: PageModel, chance: random.Random) -> State:
    prior = chance.choice([one for one in model.priors if one.key])
    low, high = prior.reliable
    stop = chance.choice([one for one in prior.stops if low <= one.steps <= high])
    return {"priors": {prior.name: stop.statement}}


def _act(model: PageModel, chance: random.Random, *, sure: bool) -> State:
    day = model.as_of + timedelta(days=chance.randint(1, model.horizon_days - 1))
    act = {
        "date": day.isoformat(),
        "category": chance.choice(model.categories).name,
        "severity": chance.randint(1, 5),
        "probability": 1.0 if sure else round(chance.uniform(0.05, 0.95), 2),
    }
    return {"events": [act]}


def _scheduled(model: PageModel, chance: random.Random) -> State:
    return {"calendar": {chance.choice(model.calendar).label: round(chance.random(), 2)}}


@contextmanager
def _asking(engine: Engine) -> Iterator[Callable[[State], str]]:
    """Serve the page in a thread; gives a function that asks for an answer and returns its status."""
    with listening_on(0) as listening:
        port = listening.getsockname()[1]
        server = server_of(run_app(engine, Refits(), _TOKEN, (f"{ADDRESS}:{port}",)))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        connection = HTTPConnection(ADDRESS, port)
        headers = {"Content-Type": "application/json", "X-Forecast-Token": _TOKEN}

        def ask(state: State) -> str:
            connection.request("POST", "/answer", json.dumps(state), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != 200:
                raise InputError(f"the page refused a change: {answer['error']}")
            return str(answer["status"])

        try:
            yield ask
        finally:
            connection.close()
            server.should_exit = True
            thread.join()


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
