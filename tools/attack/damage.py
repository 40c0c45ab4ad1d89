"""Random and crafted damage to every input: each case must be taken, or refused with one message.

Run by ``make fuzz``; the tests run a short form of it, the same every time.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import shutil
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from forecast.config import load_config, load_scenario
from forecast.config.watchlist import load_watchlist
from forecast.config.writing import read_logo
from forecast.errors import ForecastError
from forecast.events.dyads import DyadRule
from forecast.events.reading import read_events
from forecast.feeds.importing import LAYOUTS, ImportOptions, Layout, import_feed
from forecast.ledger.judgements import EXPORTS, read_forecasts, read_prices
from forecast.ledger.recording import RunOrigin, record_forecast
from forecast.ledger.store import integrity_faults, open_ledger, write_ledger
from forecast.phrases.check import describe_config
from forecast.pooled_hazard import read_hazard
from forecast.priors.population import read_population
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.records.ledger import JudgementEntry, with_id
from forecast.runs.files import read_manifest, read_record, run_hash
from forecast.targets import TargetRule

ROOT = Path(__file__).resolve().parents[2]
WORKED, SAMPLE = ROOT / "configs/us-china-2023.yaml", ROOT / "reports/sample"
PART = 100
"""Cases between two looks at the clock, each part from a seed of its own."""
SLOWEST_S = 20.0
"""Most cases take a hundredth of a second on an idle machine; a shared one is much slower."""
NOW = datetime(2030, 1, 1, tzinfo=UTC)
NASTY = (
    *("", "\x00", "\x1b[31m", "\ud800", "\\ud800", '"\\ud800"', "\u202e", "\ufeff", "'", '"', "\r"),
    *("\t", "\n\n", "{}", "[]", "[null]", "{a: {b: c}}", "? [a, b]\n: c", ",,,,", ";;;;", "/dev/zero"),
    *("[" * 3_000, "{" * 3_000, "[[[[", "- - - -", "&a *a", "!!python/object:os.system", "<<: x", "=1+1"),
    *("1e999", "-1e-400", ".inf", ".nan", "9" * 400, "9" * 5_000, "0x10", "1_000", "-0", "null", "~", "true"),
    *("0001-01-01", "9999-12-31", "2023-02-30", "0001-01-01T00:00:00+14:00", "10000-01-01", "𝕏"),
    *("Normal(0, 0)", "LogNormal(1e308, 1e308)", "Beta(-1, nan)", "q05=9 q95=1", "../../../etc/passwd"),
    *("x" * 140_000, "é" * 3_000),
)
_MARKS = (": ", ",", "\t", ";", '":', "=")


class Reader(NamedTuple):
    """An input: how it is read, and sound samples by the name of their file; ``binary`` ones are no text."""

    read: Callable[[Path], object]
    samples: list[tuple[str, bytes]]
    binary: bool = False


@st.composite
def damaged_texts(draw: st.DrawFn, text: str) -> bytes:
    """Draw a text with one to four damages."""
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3, 4)))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.sampled_from((0, 1, 1, 3, 10, 60))))
        kind = draw(st.sampled_from(("value", "value", "nasty", "cut", "repeat", "lines", "any", "end")))
        lines = text.split("\n")
        one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match kind:
            case "nasty":
                text = text[:begin] + draw(st.sampled_from(NASTY)) + text[end:]
            case "cut":
                text = text[:begin] + text[end:]
            case "repeat":
                text = text[:begin] + text[begin:end] * draw(st.sampled_from((2, 3, 50))) + text[end:]
            case "lines":
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case "any":
                text = text[:begin] + draw(st.text(min_size=1, max_size=3)) + text[end:]
            case "end":
                text = text[:begin]
            case "value":
                lines[one] = draw(value_replaced(lines[one]))
                text = "\n".join(lines)
    return text.encode("utf-8", errors="surrogatepass")


@st.composite
def value_replaced(draw: st.DrawFn, line: str) -> str:
    """Draw a line with something else where a value of YAML, JSON or a table stands."""
    places = [at + len(mark) for mark in _MARKS for at in range(len(line)) if line.startswith(mark, at)]
    if not places:
        return line
    place = draw(st.sampled_from(places))
    ends = [found for sign in ",\t;}]" if (found := line.find(sign, place)) >= 0]
    return line[:place] + draw(st.sampled_from(NASTY)) + line[min(ends, default=len(line)) :]


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw bytes with some changed, cut or repeated."""
    changed = bytearray(content)
    for _ in range(draw(st.sampled_from((1, 1, 2, 8, 40)))):
        if not changed:
            break
        place = draw(st.integers(0, len(changed) - 1))
        match draw(st.sampled_from(("byte", "byte", "bit", "ones", "end"))):
            case "byte":
                changed[place] = draw(st.integers(0, 255))
            case "bit":
                changed[place] ^= 1 << draw(st.integers(0, 7))
            case "ones":
                width = draw(st.sampled_from((1, 4, 100)))
                changed[place : place + width] = b"\xff" * draw(st.sampled_from((0, 1, 4)))
            case "end" if draw(st.integers(0, 3)) == 0:
                del changed[place:]
    return bytes(changed)


@st.composite
def damaged_files(draw: st.DrawFn, reader: Reader) -> tuple[str, bytes]:
    """Draw the name of a file for a reader, and its damaged content."""
    name, sound = draw(st.sampled_from(reader.samples))
    return name, draw(damaged_bytes(sound) if reader.binary else damaged_texts(sound.decode()))


def attack(reader: Reader, cases: int, drawn_from: str = "0") -> tuple[int, int]:
    """Try so many cases of a seed; return how many were tried, and how many refused."""
    tried = refused = 0

    @seed(drawn_from)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged_files(reader))
    def read(case: tuple[str, bytes]) -> None:
        nonlocal tried, refused
        name, content = case
        tried += 1
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            path = Path(folder) / name
            path.write_bytes(content)
            begun = time.perf_counter()
            try:
                reader.read(path)
            except ForecastError:
                refused += 1
            assert time.perf_counter() - begun < SLOWEST_S

    read()
    return tried, refused


def readers(folder: Path) -> dict[str, Reader]:
    """Return every reader of the package with sound samples of what it reads, some made in the folder."""
    ledger, answers, prices = sample_ledger(folder)
    example = read_events(ROOT / "configs/example-events.csv")
    example.to_frame("polars").write_parquet(folder / "events.parquet")
    events = "\n".join((ROOT / "configs/example-events.csv").read_text(encoding="utf-8").split("\n")[:40])

    def text_of(path: Path) -> str:
        return path.read_text(encoding="utf-8", errors="surrogatepass")

    def export(opened: object) -> None:
        for form in EXPORTS.values():
            form(opened)

    def read_run_manifest(path: Path) -> None:
        shutil.move(path, path.with_name("manifest.json"))
        read_manifest(path.parent)
        run_hash(path.parent)

    def of(path: str) -> list[tuple[str, bytes]]:
        return [(Path(path).name, (ROOT / path).read_bytes())]

    made = {
        "config": Reader(
            lambda path: describe_config(load_config(path)),
            [*of("configs/us-china-2023.yaml"), *of("configs/own-data-template.yaml")],
        ),
        "override": Reader(lambda path: load_config(WORKED, [text_of(path)]), texts(OVERRIDES)),
        "prior": Reader(
            lambda path: load_config(WORKED, [f"model.priors.excitation.severity={text_of(path)}"]),
            texts(PRIORS),
        ),
        "scenario": Reader(
            load_scenario,
            [(one.name, one.read_bytes()) for one in sorted((ROOT / "configs/scenarios").glob("*.yaml"))],
        ),
        "watchlist": Reader(load_watchlist, [("w.yaml", WATCHLIST)]),
        "events": Reader(read_events, [("e.csv", events.encode())]),
        "event bytes": Reader(
            read_events,
            [("e.csv", events.encode()), ("e.parquet", (folder / "events.parquet").read_bytes())],
            binary=True,
        ),
        "ledger": Reader(
            lambda path: (export(open_ledger(path)), integrity_faults(path)),
            [("l.sqlite", ledger.read_bytes())],
            binary=True,
        ),
        "answers": Reader(lambda path: read_forecasts(path, open_ledger(ledger), NOW), [("a.csv", answers)]),
        "prices": Reader(lambda path: read_prices(path, open_ledger(ledger), NOW), [("p.csv", prices)]),
        "forecast.json": Reader(lambda path: read_record(path, Forecast), of("reports/sample/forecast.json")),
        "analysis.json": Reader(lambda path: read_record(path, Analysis), of("reports/sample/analysis.json")),
        "manifest": Reader(read_run_manifest, [("m.json", (SAMPLE / "manifest.json").read_bytes())]),
        "logo": Reader(read_logo, [("l.svg", SVG), ("l.png", PNG)], binary=True),
        "population": Reader(read_population, of("forecast/priors/population.yaml")),
        "hazard": Reader(read_hazard, of("forecast/pooled_hazard.json")),
    }
    for name in ("gdelt2", *FEEDS):
        layout, lines = LAYOUTS[name], feed_sample(name)
        made[f"feed {name}"] = Reader(importer(layout), [("f.txt", lines)])
        made[f"packed {name}"] = Reader(importer(layout), packed(lines), binary=True)
    return made


def texts(samples: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """Return the texts as files."""
    return [("text", text.encode()) for text in samples]


OVERRIDES = (
    "sampler.draws=2000",
    "milestones.us-election-2024.date=2024-11-06",
    "headline.milestone=us-election-2024",
    "model.priors.excitation.severity=Normal(0, 1)",
    "model.family=model",
    "milestones=[{name: us-election-2024, date: 2024-11-05}]",
    "calendar=[{date: 2023-09-01, category: visit, severity: 2, probability: 0.5, label: x}]",
    "report.fonts=[a.ttf]",
    "dyad.a=[USA, NAT]",
    "events.start=2017-01-01",
)
PRIORS = (
    "Normal(0, 1)",
    "LogNormal(mu=-0.5, sigma=0.3)",
    "weak",
    "{q05: 0.1, q95: 0.9}",
    "{q05: 0.1, q50: 0.3, q95: 0.9}",
    "Gamma(2, 0.1)",
    "Beta(2, 3)",
    "HalfNormal(1)",
)
WATCHLIST = b"""schema: 1
name: trial
as_of: 2010-01-04
horizons: [30, 90]
events: ["dyads/*.csv"]
targets:
  force: {any_of: [military_incident], min_severity: 5}
model: {family: pooled_hazard}
dyads:
  - {a: AAA, b: BBB}
  - {a: CCC, b: DDD, label: "C and D"}
triggers: {ready: 20%, set: 35%, go: 50%}
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
FEEDS = {
    "icews": (
        "Event ID\tEvent Date\tSource Name\tSource Sectors\tSource Country\tEvent Text\tCAMEO Code\t"
        "Intensity\tTarget Name\tTarget Sectors\tTarget Country\tStory ID\tSentence Number\tPublisher\t"
        "City\tDistrict\tProvince\tCountry\tLatitude\tLongitude\n"
        + "1\t2018-06-01\tTrump\tGovernment\tUnited States\tMake statement\t173\t-5.0\tXi\t"
        "Government\tChina\t9\t1\tXinhua\tBeijing\t\t\tChina\t39.9\t116.4\n" * 6
    ),
    "polecat": (
        "Event ID\tEvent Date\tEvent Type\tEvent Mode\tContexts\tActor Country\tRecipient Country\t"
        "Intensity\tHeadline\tStory Date\tActor Name\tRecipient Name\tActor Sector\tRecipient Sector\n"
        + "p1\t2023-01-05\tCONSULT\tvisit\tdiplomatic\tUSA\tCHN\t3\tTitle\t2023-01-06\tBlinken\tQin\t"
        "GOV\tGOV\n" * 5
    ),
    "acled": (
        "event_id_cnty,event_date,event_type,sub_event_type,actor1,actor2,country,location,source,notes,"
        "fatalities,timestamp\n" + "IND1,15 June 2020,Battles,Armed clash,Military Forces of India (2014-),"
        '"Military Forces of China (2012-)",India,Galwan,Reuters,"a ""clash""",20,1592352000\n' * 5
    ),
}


def feed_sample(name: str) -> bytes:
    """Return a sound file of a feed."""
    if name in FEEDS:
        return FEEDS[name].encode()
    rows = []
    for number in range(12):
        cells = [""] * 61
        cells[:2] = str(number), "20200101"
        cells[5] = cells[7] = "USA"
        cells[15] = cells[17] = "CHN"
        cells[25:34] = "1", "173", "173", "17", "4", "-5.0", "10", "1", "10"
        cells[-2] = "20200101000000"
        rows.append("\t".join(cells) + "\n")
    return "".join(rows).encode()


def packed(content: bytes) -> list[tuple[str, bytes]]:
    """Return the content in each kind of packing."""
    made = [("f.gz", gzip.compress(content, mtime=0))]
    for number, method in enumerate((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("rows.csv", content)
        made.append((f"f{number}.zip", buffer.getvalue()))
    return made


def importer(layout: Layout) -> Callable[[Path], object]:
    """Return what imports a file of this feed."""
    options = ImportOptions(layout.name, ("CHN,USA", "CHN,IND", "NAT,SER"))
    return lambda path: import_feed([path], options, path.with_name("out.csv"))


def sample_ledger(folder: Path) -> tuple[Path, bytes, bytes]:
    """A ledger of the sample run's forecasts with judgements, and sheets of answers and of prices."""
    made = read_record(SAMPLE / "forecast.json", Forecast)
    origin = RunOrigin(
        run_id=made.run_id,
        name=made.name,
        label=made.dyad.label,
        as_of=made.as_of,
        model=made.model,
        scale=made.scale,
        reporter=made.reporter,
        dyad=DyadRule(("USA",), ("CHN",)),
        config_sha256="a" * 64,
        data_sha256="b" * 64,
        code_version="0",
        made_on=datetime(2023, 7, 11, tzinfo=UTC),
        run_folder=Path("reports/sample"),
        manifest_sha256="c" * 64,
    )
    path = folder / "sample.sqlite"
    rules = [TargetRule(target.name, ("military_incident",), 4) for target in made.targets]
    record_forecast(path, made.targets, rules, origin)
    with write_ledger(path) as writer:
        question = next(writer.ledger.forecasts).question
        asked = {"question": question, "forecaster": "crowd", "probability": 0.4, "made_on": NOW}
        writer.append(with_id(JudgementEntry, **asked))
    answers = (
        "question,dyad,forecaster,probability,made_on\n"
        f"{question.id},CHN-USA,crowd,0.4,2023-07-12\n"
        f"{question.id},CHN-USA,expert,0.6,2023-07-12T10:00:00+02:00\n"
    )
    prices = (
        "date,question,probability,source,link\n"
        f"2023-07-12,{question.id[:10]},40%,market,https://example.org\n"
        f"2023-07-13,{question.id[:10]},0.5,market,\n"
    )
    return path, answers.encode(), prices.encode()


def run(
    cases: int,
    drawn_from: int = 0,
    seconds: float = float("inf"),
    shown: Callable[[str], object] = lambda line: None,
) -> tuple[int, int]:
    """Attack every reader; return how many cases were tried, and how many refused.

    Each reader gets so many cases, or those of so many seconds; ``shown`` gets a line about each.
    """
    every = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, reader in readers(Path(folder)).items():
            begun, tried, refused = time.perf_counter(), 0, 0
            while tried < cases and time.perf_counter() - begun < seconds:
                found = attack(reader, min(PART, cases - tried), f"{drawn_from} {name} {tried}")
                tried, refused = tried + found[0], refused + found[1]
            every.append((tried, refused))
            shown(f"{name:<16}{tried:>8} tried {refused:>8} refused {time.perf_counter() - begun:>6.0f} s")
    return sum(one for one, _ in every), sum(other for _, other in every)


def main() -> None:
    """Run the cases; a case that is neither taken nor refused ends the run, made as small as it can be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=int, default=3000, help="cases a reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="most seconds a reader")
    given = parser.parse_args()
    tried, refused = run(given.cases, given.seed, given.seconds, lambda line: print(line, flush=True))
    print(f"{tried} cases, {refused} refused with one message, the others taken")


if __name__ == "__main__":
    main()
