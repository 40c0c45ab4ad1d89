"""The scenario page as one file: it works offline, and answers from tables of what single changes do.

The modules of the page are put into one script. The file may load nothing: its policy names the hashes of its
script and style. It computes no model: the engine of the served page is asked once for each change, when the
page is written:

* *acts*: every category and severity on a few days. An act moves only the futures that have not met a target
  by its day, so the table holds the change per such future, by days since the act. That depends little on the
  day, so that the page can interpolate between few days. A target that an act meets itself has no entry: it
  is certain from the day of the act on.
* *scheduled acts*: the probability when the act is certain, minus that when it is ruled out.
* *beliefs*: the change of log odds at each stop of the slider, in proportion between whole steps.
* *past acts*: the same for each that the page can leave out.
* *ranges*: how wide the range of a target is, should the target become likelier.

Where the engine withholds numbers, the table holds its reason.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from forecast.app.engine import ANSWERED_DRAWS, Engine, points_of
from forecast.app.page_model import PageModel, PagePrior, page_model
from forecast.app.state import shown_folder
from forecast.errors import InputError
from forecast.inference.importance import EFFECTIVE_DRAWS_MIN
from forecast.models.draws import Floats
from forecast.panel import Kind, TargetRule
from forecast.records.forecast import ScenarioForecast, ScenarioTarget
from forecast.report.scenario_words import trust_sentence
from forecast.runs.run import Run, read_run
from forecast.scenarios.evaluate import SCENARIO_PATHS
from forecast.storage import write_file

Table = dict[str, Any]
"""A part of what the page carries, as JSON holds it; ``types.d.ts`` names its keys."""

LAGS = (0, 3, 7, 14, 21, 28, 42, 63, *range(84, 3000, 28))
"""Days after an act at which its effect is tabulated."""
DAYS = (0, 42, 63, 84, 105, 126, 210, *range(336, 3000, 126))
"""Days after the origin on which acts are tried: dense while most futures are open."""
ALIKE = 0.001
"""Acts whose curves differ by less on the first day are tabulated once."""
GRAVE = 4
"""Severity from which on a scheduled act changes much of what an act before it does."""
BEFORE_GRAVE = (14, 7)
"""Days before such an act on which acts are tried too."""
FEW_DAYS = 4
"""Acts that move little are tried on every so many of these days."""
LITTLE = 0.01
"""Change of every milestone up to which an act moves little."""
BELIEF_DAYS = (14, 28, 56)
"""Days at which the effect of a belief is tabulated, beside the milestones."""
CHANCES = (0.05, 0.1, 0.2, 0.4, 0.7, 0.95)
"""Chances of an act that meets a target, at which the width of its range is tabulated."""
_PROBED = 8
"""Severities are told apart on every so many of the draws."""
_LEAST = 1e-6
"""Probability below which log odds are not taken."""
ENTRY, OF_A_LIST = "page.js", "runs.js"
"""The module that starts the page, and the one that lists runs and is not part of it."""
_STYLE = '<link rel="stylesheet" href="page.css">'
_SCRIPT = '<script type="module" src="page.js"></script>'
_ICON = '<link rel="icon" href="icon.svg" type="image/svg+xml">'
_IMPORT = re.compile(r'^import\s*\{[^}]*\}\s*from\s*"\./[\w.]+";$\n?', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)


def write_static_page(run_dir: Path, file: Path) -> int:
    """Write the page of a saved run as one file.

    Returns
    -------
    int
        Its size in bytes.

    Raises
    ------
    RunFolderError
        The folder holds no run that can be read.
    InputError
        The file's name does not end in ``.html``, or its folder is not there.
    """
    if file.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{file}: the page is written as HTML; give a name that ends in .html")
    if not file.parent.is_dir():
        raise InputError(f"{file}: there is no folder {file.parent}. Make it first")
    content = static_page(read_run(run_dir)).encode()
    write_file(file, content)
    return len(content)


def static_page(run: Run) -> str:
    """Return the page of a run as the text of one file."""
    page = files("forecast.app") / "page"
    modules = [one for one in page.iterdir() if one.name.endswith(".js") and one.name != OF_A_LIST]
    script = bundle({one.name: one.read_text(encoding="utf-8") for one in modules})
    style = (page / "page.css").read_text(encoding="utf-8")
    icon = base64.b64encode((page / "icon.svg").read_bytes()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    whole = (page / "index.html").read_text(encoding="utf-8")
    payload = json.dumps({"schema": 1, "packed": _packed(run)})
    parts = {
        '<meta charset="utf-8">': '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        _ICON: f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">',
        _STYLE: f"<style>{style}</style>",
        _SCRIPT: f'<script type="application/json" id="static-run">{payload}</script>\n'
        f'<script type="module">{script}</script>',
        "<title>Scenarios</title>": f"<title>Scenarios: {html.escape(run.forecast.dyad.label)}</title>",
    }
    for mark, part in parts.items():
        if whole.count(mark) != 1:
            raise ValueError(f"index.html must hold once: {mark}")
        whole = whole.replace(mark, part)
    return whole


def _packed(run: Run) -> str:
    """Return what the page knows, as compressed JSON in base64."""
    engine = Engine(run, max(1, run.n_draws // ANSWERED_DRAWS))
    model = page_model(engine)
    said = model.model_dump(mode="json", by_alias=True)
    # The key of a scenario file is 'schema', and that of the records too.
    said["schema"] = said.pop("schema_", 1)
    # A new fit needs the sampler, which no page carries.
    said["refit"] = False
    # A page may be mailed: it names no folders of the machine that wrote it.
    folder = run.folder
    shown = "RUN_DIR" if folder is None else folder.name if folder.is_absolute() else shown_folder(folder)
    table = tabulate(engine, model) if engine.tweaks else None
    content = {"model": said, "folder": shown, "table": table, "why": None if table else engine.no_tweaks}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def bundle(sources: Mapping[str, str]) -> str:
    """Put modules into one script; no two of them may give the same name to something of their own.

    Raises ``ValueError`` for a module that writes imports or exports in another form than ours.
    """
    parts = []
    for name in sorted(sources, key=lambda name: (name == ENTRY, name)):
        body = _EXPORT.sub("", _IMPORT.sub("", sources[name]))
        if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
            raise ValueError(f"{name}: an import or export in a form that cannot be put into one file")
        parts.append(body)
    # Nothing in the script may end the element that holds it.
    return "\n".join(parts).replace("</", "<\\/").replace("<!--", "<\\!--")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def tabulate(engine: Engine, model: PageModel) -> Table:
    """Ask an engine for every single change that the page offers."""
    days = sorted(
        {*(day for day in BELIEF_DAYS if day < model.horizon_days), *(one.day for one in model.milestones)}
    )
    return {
        **_acts(engine, model),
        "errors": {
            one.name: [round(row.mcse, 5) for row in one.milestones] for one in engine.run.forecast.targets
        },
        "ranges": {one.name: list(_ranges(engine, one)) for one in engine.run.inputs.rules},
        "draws": engine.run.n_draws,
        "leastDraws": EFFECTIVE_DRAWS_MIN,
        "scheduled": {one.label: _scheduled(engine, one.label) for one in model.calendar},
        "beliefDays": days,
        "beliefs": {one.name: _belief(engine, one, days) for one in model.priors},
        "past": {one.id: _weighed(engine, {"without": [one.id]}, days) for one in model.past},
    }


def _ask(engine: Engine, change: Mapping[str, object]) -> ScenarioForecast:
    return engine.all_targets(engine.read(dict(change)))


def _curves(engine: Engine, target: ScenarioTarget) -> tuple[Floats, Floats]:
    """Probability by day under a change, and in the run."""
    base = engine.run.forecast.target(target.name).curve.probability
    return np.array(target.curve.probability), np.array(base)


def _errors(target: ScenarioTarget) -> list[float]:
    return [round(one.difference.mcse, 5) for one in target.milestones]


def _acts(engine: Engine, model: PageModel) -> Table:
    """Effects of acts, and which of them each category and severity has."""
    probe = Engine(engine.run, _PROBED * engine.every)
    probed: dict[object, int] = {}
    firsts: list[list[ScenarioTarget]] = []
    effects: list[list[Table]] = []
    layout, severities = engine.run.inputs.data.layout, [one.value for one in model.severities]
    categories = [one.name for one in model.categories]
    # Of an actor only what differs from acts of others has a row of its own.
    own = [
        (name, by)
        for name, by in product(categories, layout.sources[1:])
        if any(layout.targets_met(name, one, by) != layout.targets_met(name, one) for one in severities)
    ]
    rows = [*((name, "") for name in categories), *own]
    kinds: dict[str, list[int]] = {":".join(filter(None, row)): [] for row in rows}
    for (category, by), severity in product(rows, severities):
        kind = (category, severity, by)
        # Severities of a category that differ on none of these futures are one kind to the model.
        seen = (category, *(one.curve.probability for one in _ask(probe, _act(engine, kind, 0)).targets))
        if seen not in probed:
            first = _moved(engine, kind, 0)
            place = next((place for place, one in enumerate(firsts) if _alike(one, first)), len(firsts))
            if place == len(firsts):
                firsts.append(first)
                effects.append(list(_effects(engine, kind, first)))
            probed[seen] = place
        kinds[":".join(filter(None, (category, by)))].append(probed[seen])
    paths = SCENARIO_PATHS * -(-engine.run.n_draws // engine.every)
    return {"kinds": kinds, "acts": effects, "unseen": 3 / paths}


def _moved(engine: Engine, kind: Kind, day: int) -> list[ScenarioTarget]:
    """What a certain act does to the targets that it does not meet itself."""
    rules = engine.run.inputs.rules
    met = {one.name for one in rules if one.meets(*kind)}
    if len(met) == len(rules):
        return []
    return [one for one in _ask(engine, _act(engine, kind, day)).targets if one.name not in met]


def _alike(some: list[ScenarioTarget], others: list[ScenarioTarget]) -> bool:
    """Whether two acts leave the same targets open and come to the same for each."""
    if [one.name for one in some] != [one.name for one in others]:
        return False
    pairs = [(a.curve.probability, b.curve.probability) for a, b in zip(some, others, strict=True)]
    return not pairs or float(np.abs(np.diff(pairs, axis=1)).max()) < ALIKE


def _act(engine: Engine, kind: Kind, day: int, chance: float = 1.0) -> dict[str, object]:
    category, severity, by = kind
    date = engine.run.inputs.data.grid.origin + timedelta(days=day)
    act = {"date": date.isoformat(), "category": category, "severity": severity, "probability": chance}
    if engine.run.inputs.data.layout.directed(category, severity):
        act["by"] = by or _other_actor(engine)
    return {"events": [act]}


def _other_actor(engine: Engine) -> str:
    """Return an actor that no target names; where each is named by one, the first."""
    actors, named = engine.run.inputs.dyad.actors, engine.run.inputs.data.layout.sources
    return next((one for one in actors if one not in named), actors[0])


def _days(engine: Engine) -> list[int]:
    """Days on which acts are tried: more of them just before grave acts that are scheduled."""
    inputs = engine.run.inputs
    origin = inputs.data.grid.origin
    grave = [(act.date - origin).days for act in inputs.config.calendar if act.severity >= GRAVE]
    days = {*DAYS, *(day - before for day in grave for before in BEFORE_GRAVE)}
    return sorted(day for day in days if 0 <= day < engine.run.hits.horizon_days)


def _effects(engine: Engine, kind: Kind, first: list[ScenarioTarget]) -> Iterator[Table]:
    """Effects of a certain act, day by day; ``first`` is what it does on the first."""
    run = engine.run
    ends = [
        run.hits.horizon_days,
        *((one.date - run.inputs.data.grid.origin).days for one in run.inputs.config.milestones),
    ]
    little = all(abs(row.difference.value) < LITTLE for one in first for row in one.milestones)
    for place, day in enumerate(_days(engine) if first else [0]):
        if little and place % FEW_DAYS:
            continue
        lags = sorted({one for one in (*LAGS, *(end - day for end in ends)) if 0 <= one <= ends[0] - day})
        targets = {}
        for one in _moved(engine, kind, day) if day else first:
            now, base = _curves(engine, one)
            effect = (now - base)[day + np.array(lags)] / max(1.0 - base[day], _LEAST)
            targets[one.name] = {"effect": effect.round(5).tolist(), "error": _errors(one)}
        yield {"day": day, "lags": lags, "targets": targets}


def _ranges(engine: Engine, rule: TargetRule) -> Iterator[dict[str, list[float]]]:
    """Curves of a target, with their ranges, where an act makes it more and more likely."""
    known = engine.run.forecast.target(rule.name)
    for chance in CHANCES:
        kind = rule.any_of[0], rule.min_severity, rule.by[0] if rule.by else ""
        found = _ask(engine, _act(engine, kind, 0, chance))
        points = points_of(found.target(rule.name).curve, known)
        yield {key: [round(getattr(one, key), 4) for one in points] for key in ("probability", "low", "high")}


def _scheduled(engine: Engine, label: str) -> Table:
    """Change of each target's curve, at the days of the chart, from an act ruled out to a certain one."""
    never, surely = (_ask(engine, {"calendar": {label: chance}}) for chance in (0.0, 1.0))
    table = {}
    for one, other in zip(never.targets, surely.targets, strict=True):
        known = engine.run.forecast.target(one.name)
        low, high = ([point.probability for point in points_of(each.curve, known)] for each in (one, other))
        effect = (np.array(high) - low).round(5).tolist()
        table[one.name] = {
            "effect": effect,
            "error": np.hypot(_errors(one), _errors(other)).round(5).tolist(),
        }
    return table


def _weighed(engine: Engine, change: Mapping[str, object], days: list[int]) -> Table:
    """Change of log odds under other beliefs or another past; or why it is withheld."""
    found = _ask(engine, change)
    told: Table = {
        "k": None if found.pareto_k is None else round(min(max(found.pareto_k, -99.0), 99.0), 3),
        "draws": None if found.effective_draws is None else round(found.effective_draws, 1),
        "trust": trust_sentence(found),
    }
    if found.withheld:
        return {**told, "withheld": True}
    targets = {}
    for one in found.targets:
        ends = (np.clip(curve[days], _LEAST, 1 - _LEAST) for curve in _curves(engine, one))
        then, before = map(special.logit, ends)
        targets[one.name] = {"effect": (then - before).round(4).tolist(), "error": _errors(one)}
    return {**told, "targets": targets}


def _belief(engine: Engine, prior: PagePrior, days: list[int]) -> dict[str, Table]:
    """Answers for the stops of a slider, by how a state holds them."""

    def ask(statement: str) -> Table:
        return _weighed(engine, {"priors": {prior.name: statement}}, days)

    stops = {one.steps: one.statement for one in prior.stops if one.steps}
    whole = {steps: ask(statement) for steps, statement in stops.items() if steps % 1 == 0}
    told: dict[str, Table] = {}
    for steps, statement in stops.items():
        outer = whole[math.copysign(math.ceil(abs(steps)), steps)]
        inner = whole.get(math.copysign(math.floor(abs(steps)), steps))
        # Where an end is withheld, only the draws can tell what lies between.
        sure = "withheld" not in outer and (inner is None or "withheld" not in inner)
        told[statement] = _between(inner, outer, abs(steps) % 1 or 1.0) if sure else ask(statement)
    return told


def _between(inner: Table | None, outer: Table, part: float) -> Table:
    """Effects between two whole steps, trusted as the outer; ``None`` is the run's own belief."""
    targets = {}
    for name, far in outer["targets"].items():
        near = inner["targets"][name] if inner else {key: [0.0] * len(far[key]) for key in far}
        ends = {key: (np.array(near[key]), np.array(far[key])) for key in far}
        targets[name] = {key: (a + part * (b - a)).round(5).tolist() for key, (a, b) in ends.items()}
    return {**outer, "targets": targets}
