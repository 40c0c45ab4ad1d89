"""Random and crafted damage to every input: each case must be taken, or refused with one message.

Run by ``make fuzz``. The tests run a short form of it with a fixed seed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import shutil
import sqlite3
import string
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SLOW_S = 2.0
NASTY = (
    "",
    "\x00",
    "\x1b[31m",
    "\ud800",
    "\\ud800",
    '"\\ud800"',
    "\u202e",
    "\ufeff",
    "'",
    '"',
    "[" * 3_000,
    "{" * 3_000,
    "[[[[",
    "- - - -",
    "&a *a",
    "!!python/object:os.system",
    "<<: x",
    "=1+1",
    "1e999",
    "-1e-400",
    ".inf",
    ".nan",
    "9" * 400,
    "9" * 5_000,
    "0x10",
    "1_000",
    "-0",
    "0001-01-01",
    "9999-12-31",
    "2023-02-30",
    "0001-01-01T00:00:00+14:00",
    "10000-01-01",
    "null",
    "~",
    "true",
    "{}",
    "[]",
    "[null]",
    "{a: {b: c}}",
    "? [a, b]\n: c",
    "../../../etc/passwd",
    "/dev/zero",
    "x" * 140_000,
    "é" * 3_000,
    "𝕏",
    "\r",
    "\t",
    "\n\n",
    ",,,,",
    ";;;;",
    "Normal(0, 0)",
    "LogNormal(1e308, 1e308)",
    "Beta(-1, nan)",
    "q05=9 q95=1",
)


def damaged(text: str, chance: random.Random) -> str:
    """Return a text with one to four damages."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        begin = chance.randrange(len(text) + 1)
        end = min(len(text), begin + chance.choice((0, 1, 1, 3, 10, 60)))
        match chance.randrange(9):
            case 0:
                text = text[:begin] + chance.choice(NASTY) + text[end:]
            case 1:
                text = text[:begin] + text[end:]
            case 2:
                text = text[:begin] + text[begin:end] * chance.choice((2, 3, 50)) + text[end:]
            case 3:
                lines = text.split("\n")
                one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case 4:
                text = text[:begin] + chance.choice(string.printable) + text[begin:]
            case 5:
                text = (
                    text[:begin] + chr(chance.choice((0, 7, 127, 160, 0x202E, 0xFEFF, 0x1F600))) + text[end:]
                )
            case 6:
                text = text[:begin]
            case _:
                text = _value_replaced(text, chance)
    return text


def _value_replaced(text: str, chance: random.Random) -> str:
    """Put something else where a value of YAML, JSON or a table stands."""
    lines = text.split("\n")
    number = chance.randrange(len(lines))
    line = lines[number]
    for mark in chance.sample((": ", ",", "\t", ";", '":', "="), 6):
        if mark in line:
            places = [place for place in range(len(line)) if line.startswith(mark, place)]
            place = chance.choice(places) + len(mark)
            end = min(
                (found for sign in ",\t;}]" if (found := line.find(sign, place)) >= 0), default=len(line)
            )
            lines[number] = line[:place] + chance.choice(NASTY) + line[end:]
            break
    return "\n".join(lines)


def flipped(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with some changed, cut or repeated."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        if not changed:
            break
        place = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0 | 1:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 2:
                changed[place : place + 1] = bytes([changed[place] ^ (1 << chance.randrange(8))])
            case 3:
                changed[place : place + chance.choice((1, 4, 100))] = b"\xff" * chance.choice((0, 1, 4))
            case 4:
                if chance.random() < 0.3:
                    del changed[place:]
    return bytes(changed)


@dataclass
class Target:
    """An input: how it is read, from what it is made, and whether damage is of text or of bytes."""

    name: str
    read: Callable[[Path], object]
    samples: list[tuple[str, bytes]]
    binary: bool = False
    weight: int = 1


@dataclass
class Tally:
    """What became of the cases of a target."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    slow: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)


def make_targets(folder: Path, *, engine: bool) -> list[Target]:
    """Return every reader of the package with sound samples of what it reads."""
    from forecast.config import describe_config, load_config, load_scenario
    from forecast.config.named_files import read_logo
    from forecast.config.watchlist import load_watchlist
    from forecast.events.reading import read_events
    from forecast.feeds.crosswalk import shipped_crosswalk, with_mapping
    from forecast.feeds.formats import LAYOUTS
    from forecast.ledger.chain import Ledger
    from forecast.ledger.exchange import (
        chain_lines,
        hubverse_forecasts,
        hubverse_outcomes,
        question_sheet,
        read_answers,
        read_chain_file,
    )
    from forecast.ledger.store import integrity_faults, open_ledger
    from forecast.pooled_hazard.coefficients import read_hazard
    from forecast.priors.population import read_population
    from forecast.records.analysis import Analysis
    from forecast.records.forecast import Forecast
    from forecast.runs.folder import read_manifest, read_record, run_hash

    config = (ROOT / "configs/us-china-2023.yaml").read_bytes()
    small = (ROOT / "configs/own-data-template.yaml").read_bytes()
    scenarios = [(one.name, one.read_bytes()) for one in sorted((ROOT / "configs/scenarios").glob("*.yaml"))]
    events = "\n".join((ROOT / "configs/example-events.csv").read_text(encoding="utf-8").split("\n")[:40])
    sample = ROOT / "reports/sample"
    now = datetime(2030, 1, 1, tzinfo=UTC)
    ledger, answers = _sample_ledger(folder)

    def read_config(path: Path) -> None:
        describe_config(load_config(path))

    def read_override(path: Path) -> None:
        load_config(
            ROOT / "configs/us-china-2023.yaml", [path.read_text(encoding="utf-8", errors="surrogatepass")]
        )

    def read_prior(path: Path) -> None:
        text = path.read_text(encoding="utf-8", errors="surrogatepass")
        load_config(ROOT / "configs/us-china-2023.yaml", [f"model.priors.excitation.severity={text}"])

    def read_ledger(path: Path) -> None:
        book: Ledger = open_ledger(path)
        integrity_faults(path)
        _use(book)

    def _use(book: Ledger) -> None:
        hubverse_forecasts(book), hubverse_outcomes(book), question_sheet(book), chain_lines(book)

    def read_lines(path: Path) -> None:
        _use(read_chain_file(path))

    def read_run_file(kind: type, name: str) -> Callable[[Path], object]:
        return lambda path: read_record(path, kind)

    def read_run_manifest(path: Path) -> None:
        place = path.with_name("manifest.json")
        shutil.move(path, place)
        read_manifest(place.parent)
        run_hash(place.parent)

    chain = chain_lines(open_ledger(ledger)).encode()
    targets = [
        Target("config", read_config, [("c.yaml", config), ("c.yaml", small)], weight=4),
        Target("override", read_override, [("o", text) for text in _OVERRIDES], weight=3),
        Target("prior", read_prior, [("p", text) for text in _PRIORS], weight=3),
        Target("scenario", load_scenario, scenarios, weight=4),
        Target("watchlist", load_watchlist, [("w.yaml", _WATCHLIST)], weight=2),
        Target("events", read_events, [("e.csv", events.encode())], weight=4),
        Target(
            "event bytes", read_events, [("e.csv", events.encode()), *_packed_events(folder)], binary=True
        ),
        Target("ledger", read_ledger, [("l.sqlite", ledger.read_bytes())], binary=True, weight=2),
        Target("chain", read_lines, [("l.jsonl", chain)], weight=3),
        Target(
            "answers",
            lambda path: read_answers(path, open_ledger(ledger), now=now),
            [("a.csv", answers)],
            weight=2,
        ),
        Target("mapping", lambda path: with_mapping(shipped_crosswalk("cameo"), path), [("m.csv", _MAPPING)]),
        Target(
            "forecast.json",
            read_run_file(Forecast, "f"),
            [("f.json", (sample / "forecast.json").read_bytes())],
        ),
        Target(
            "analysis.json",
            read_run_file(Analysis, "a"),
            [("a.json", (sample / "analysis.json").read_bytes())],
        ),
        Target("manifest", read_run_manifest, [("m.json", (sample / "manifest.json").read_bytes())]),
        Target("logo", lambda path: read_logo(path), [("l.svg", _SVG), ("l.png", _PNG)], binary=True),
    ]
    population = (ROOT / "forecast/priors/population.yaml").read_bytes()
    hazard = (ROOT / "forecast/pooled_hazard/coefficients.json").read_bytes()
    targets += [
        Target("population", read_population, [("p.yaml", population)]),
        Target("hazard", read_hazard, [("h.json", hazard)]),
    ]
    for layout in LAYOUTS.values():
        lines = _feed_sample(layout.name)
        targets.append(Target(f"feed {layout.name}", _cleaner(layout), [("f.txt", lines)], weight=2))
        packed = [(name, content) for name, content in _packed(lines)]
        targets.append(Target(f"packed {layout.name}", _cleaner(layout), packed, binary=True))
        if engine:
            targets.append(Target(f"import {layout.name}", _importer(layout, folder), [("f.txt", lines)]))
    return targets


_OVERRIDES = tuple(
    text.encode()
    for text in (
        "sampler.draws=2000",
        "milestones.us-election-2024.date=2024-11-06",
        "headline.milestone=us-election-2024",
        "model.priors.excitation.severity=Normal(0, 1)",
        "model.family=model",
        "milestones.0.name=[a, b]",
        "milestones={name: x, date: 2024-01-01}",
        "calendar=[{date: 2023-09-01, category: visit, severity: 2, probability: 0.5, label: x}]",
        "report.fonts=[a.ttf]",
        "dyad.a=[USA, NAT]",
        "events.start=2017-01-01",
    )
)
_PRIORS = tuple(
    text.encode()
    for text in (
        "Normal(0, 1)",
        "LogNormal(mu=-0.5, sigma=0.3)",
        "weak",
        "{q05: 0.1, q95: 0.9}",
        "{q05: 0.1, q50: 0.3, q95: 0.9}",
        "Gamma(2, 0.1)",
        "Beta(2, 3)",
        "HalfNormal(1)",
    )
)
_WATCHLIST = b"""schema: 1
name: trial
as_of: 2010-01-04
horizons: [30, 90]
events: ["dyads/*.csv"]
targets:
  force: {any_of: [military_incident], min_severity: 5}
model: {family: panel}
dyads:
  - {a: AAA, b: BBB}
  - {a: CCC, b: DDD, label: "C and D"}
triggers: {ready: 20%, set: 35%, go: 50%}
"""
_MAPPING = b"""code,category,severity,mode,label,score
190,military_incident,5,,Use of force,-10
042,visit,2,,Visit,3
010,,,,Statement,
"""
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def _feed_sample(name: str) -> bytes:
    if name in ("gdelt1", "gdelt2"):
        columns = 58 if name == "gdelt1" else 61
        rows = []
        for number in range(12):
            cells = [""] * columns
            cells[0], cells[1] = str(number), "20200101"
            cells[5] = cells[7] = "USA"
            cells[15] = cells[17] = "CHN"
            cells[25], cells[26], cells[27], cells[28] = "1", "173", "173", "17"
            cells[29], cells[30], cells[31], cells[32], cells[33] = "4", "-5.0", "10", "1", "10"
            cells[56 if columns == 58 else 59] = "20200101" if columns == 58 else "20200101000000"
            rows.append("\t".join(cells))
        return ("\n".join(rows) + "\n").encode()
    return _FEEDS[name].encode()


_FEEDS = {
    "icews": (
        "Event ID\tEvent Date\tSource Name\tSource Sectors\tSource Country\tEvent Text\tCAMEO Code\t"
        "Intensity\tTarget Name\tTarget Sectors\tTarget Country\tStory ID\tSentence Number\tPublisher\t"
        "City\tDistrict\tProvince\tCountry\tLatitude\tLongitude\n"
        + "1\t2018-06-01\tTrump\tGovernment\tUnited States\tMake statement\t173\t-5.0\tXi\t"
        "Government\tChina\t9\t1\tXinhua\tBeijing\t\t\tChina\t39.9\t116.4\n" * 6
    ),
    "plover": (
        '{"id": "a", "date": "2020-01-01", "source": [{"code": "USA"}, {"code": "GBR"}], '
        '"recipient": [{"code": "CHN"}], "event": ["ACCUSE"], "mode": ["allege"], "text": "said"}\n'
        '{"id": "c", "date": "2020-01-03", "source": ["CHN"], "target": ["USA"], "event": "RETREAT"}\n' * 4
    ),
    "polecat": (
        "Event ID\tEvent Date\tEvent Type\tEvent Mode\tContexts\tActor Country\tRecipient Country\t"
        "Intensity\tHeadline\tStory Date\tActor Name\tRecipient Name\tActor Sector\tRecipient Sector\n"
        + "p1\t2023-01-05\tCONSULT\tvisit\tdiplomatic\tUSA\tCHN\t3\tTitle\t2023-01-06\tBlinken\tQin\t"
        "GOV\tGOV\n" * 5
    ),
    "acled": (
        "event_id_cnty,event_date,event_type,sub_event_type,actor1,actor2,country,location,source,notes,"
        "fatalities,timestamp\n"
        + 'IND1,15 June 2020,Battles,Armed clash,Military Forces of India (2014-),"Military Forces of China",'
        'India,Galwan,Reuters,"a ""clash""",20,1592352000\n' * 5
    ),
    "keds": "930401\tNAT\tSER\t190\t(FORCE)\n930402\tSER\tNAT\t042\t(VISIT)\n" * 5,
}


def _packed(content: bytes) -> Iterator[tuple[str, bytes]]:
    import gzip

    yield "f.gz", gzip.compress(content, mtime=0)
    for number, method in enumerate((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("rows.csv", content)
        yield f"f{number}.zip", buffer.getvalue()


def _packed_events(folder: Path) -> list[tuple[str, bytes]]:
    from forecast.events.reading import read_events, write_events

    table = read_events(ROOT / "configs/example-events.csv")
    write_events(table, folder / "events.parquet")
    return [("e.parquet", (folder / "events.parquet").read_bytes())]


def _cleaner(layout: object) -> Callable[[Path], object]:
    from forecast.errors import EventError
    from forecast.feeds.clean_rows import RowCleaner, WrongFormatError
    from forecast.feeds.unpacking import CorruptFileError, read_blocks

    def clean(path: Path) -> None:
        cleaner, held = RowCleaner(layout, str(path)), None
        try:
            for block in read_blocks(path):
                if held is not None:
                    cleaner.clean(held, last=block.text != held.text)
                held = block
            if held is not None:
                cleaner.clean(held, last=True)
        except (CorruptFileError, WrongFormatError) as error:
            raise EventError(str(error)) from error

    return clean


def _importer(layout: object, folder: Path) -> Callable[[Path], object]:
    from forecast.feeds.crosswalk import shipped_crosswalk
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import ImportOptions, Switches

    def run(path: Path) -> None:
        options = ImportOptions(
            layout=layout,
            crosswalk=shipped_crosswalk(layout.system),
            dyads=(("CHN", "USA"), ("CHN", "IND"), ("NAT", "SER")),
            switches=Switches(),
        )
        import_feed([path], options, path.with_name("out.csv"), fresh=True)

    return run


def _sample_ledger(folder: Path) -> tuple[Path, bytes]:
    """Return a ledger of the sample run's forecasts with judgements and outcomes, and an answer sheet."""
    from forecast.events.dyads import DyadRule
    from forecast.ledger.exchange import read_answers
    from forecast.ledger.recording import RunOrigin, record_forecast
    from forecast.ledger.store import open_ledger, write_ledger
    from forecast.panel.streams import TargetRule
    from forecast.records.forecast import Forecast
    from forecast.runs.folder import read_record

    made = read_record(ROOT / "reports/sample/forecast.json", Forecast)
    rules = [TargetRule(target.name, ("military_incident",), 4) for target in made.targets]
    origin = RunOrigin(
        dyad=DyadRule(("USA",), ("CHN",)),
        config_sha256="a" * 64,
        data_sha256="b" * 64,
        code_version="0",
        made_on=datetime(2023, 7, 11, tzinfo=UTC),
        run_folder=Path("reports/sample"),
        manifest_sha256="c" * 64,
    )
    path = folder / "sample.sqlite"
    record_forecast(path, made, rules, origin)
    target, milestone = made.targets[0], made.targets[0].milestones[0]
    answers = (
        "dyad,target,as_of,milestone,forecaster,probability,made_on\n"
        f"USA-CHN,{target.name},{made.as_of},{milestone.date},crowd,0.4,2023-07-12\n"
        f"USA-CHN,{target.name},{made.as_of},{milestone.date},expert,0.6,2023-07-12T10:00:00+02:00\n"
    ).encode()
    sheet = folder / "answers.csv"
    sheet.write_bytes(answers)
    now = datetime(2030, 1, 1, tzinfo=UTC)
    judgements, _ = read_answers(sheet, open_ledger(path), now=now)
    with write_ledger(path) as writer:
        for one in judgements:
            writer.append(one)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    return path, answers


def run(cases: int, seed: int, *, engine: bool = True, only: str = "") -> Tally:
    """Try so many cases over all targets, the same for the same seed."""
    from forecast.errors import ForecastError

    chance, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        targets = [one for one in make_targets(folder, engine=engine) if only in one.name]
        weights = [0.02 if one.name.startswith("import") else one.weight for one in targets]
        for _ in range(cases):
            target = chance.choices(targets, weights)[0]
            file, sound = chance.choice(target.samples)
            if target.binary:
                content = flipped(sound, chance)
            else:
                content = damaged(sound.decode(), chance).encode("utf-8", errors="surrogatepass")
            work = folder / "case"
            work.mkdir()
            path = work / file
            path.write_bytes(content)
            tally.tried[target.name] += 1
            began = time.perf_counter()
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    target.read(path)
            except ForecastError:
                tally.refused[target.name] += 1
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                kept = (
                    Path(tempfile.gettempdir())
                    / f"fuzz-{target.name.replace(' ', '-')}-{len(tally.tracebacks)}"
                )
                kept.write_bytes(content)
                tally.tracebacks.append(
                    f"{target.name}: {type(error).__name__}: {str(error)[:100]!r} at "
                    f"{where.filename}:{where.lineno} ({kept})"
                )
            if (took := time.perf_counter() - began) > SLOW_S:
                tally.slow.append(f"{target.name}: {took:.1f} s")
            shutil.rmtree(work)
    return tally


def main() -> None:
    """Try the cases, print the figures; exit code 1 where a case ended in a traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    given = parser.parse_args()
    began = time.perf_counter()
    tally = run(given.cases, given.seed, only=given.only)
    for name, number in sorted(tally.tried.items()):
        print(f"{name:<18}{number:>8} tried {tally.refused[name]:>8} refused")
    print(
        f"{tally.tried.total()} cases, {tally.refused.total()} refused, {len(tally.tracebacks)} tracebacks, "
        f"{len(tally.slow)} slower than {SLOW_S:g} s; {time.perf_counter() - began:.0f} s, seed {given.seed}"
    )
    for line in (*sorted(set(tally.tracebacks)), *tally.slow[:20]):
        print(f"  {line}")
    sys.exit(bool(tally.tracebacks))


if __name__ == "__main__":
    main()
