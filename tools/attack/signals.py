"""Real signals at random moments: 130 or 143 and one line, no fault of ours, nothing left.

Commands start anew for every signal, half of them with an empty cache of compiled code, so that many signals
come while libraries are imported or code is compiled. One that ends before its signal does not count.

Run by ``make signals``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/us-china-2023.yaml"
SHORT = ("--set", "sampler.draws=50", "--set", "sampler.tune=50", "--set", "sampler.max_minutes=1")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
FIRST_S, HANGS_S = 20.0, 120
"""Within so many seconds a signal comes, sooner where commands end before; and most that an end may take."""


def commands(place: Path, made: Path) -> list[tuple[str, ...]]:
    """Return the commands that get signals; ``made`` is a folder with a run."""
    run = str(next(made.glob("*/*/manifest.json")).parent)
    return [
        ("check", str(CONFIG)),
        ("run", str(CONFIG), *SHORT, "--out", str(place), "--force", "--allow-unconverged"),
        ("scenario", run, "--do", "2023-08-01:sanction:4:1:USA"),
        ("report", run),
        ("events", "validate", str(ROOT / "configs/example-events.csv")),
    ]


def forecast(command: tuple[str, ...], code: Path) -> subprocess.Popen[str]:
    """Start a command with this cache of compiled code."""
    return subprocess.Popen(
        [sys.executable, "-m", "forecast", *command],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(code)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # In the background of a shell Ctrl-C would be ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def fault_of(code: int, said: str, number: signal.Signals) -> str:
    """Say what is wrong with how a command ended, empty where nothing is."""
    lines = [line for line in said.splitlines() if line.startswith("forecast: ")]
    if code == -number and not said:  # before a line of ours ran
        return ""
    # Where Python is ending already the system ends it; a shell sees the same code.
    if code not in (-number, CODES[number]):
        return f"exit code {code}: {said[-300:]}"
    if "Traceback" in said or "internal error" in said or len(lines) != 1:
        return f"{len(lines)} messages: {said[-300:]}"
    return ""


def main() -> None:
    """Send signals; exit code 1 where a command did not end as promised."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--most", type=int, default=200, help="signals")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    drawn, broken, sent, done = random.Random(given.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        made, warm, out = place / "made", place / "warm", place / "out"
        if forecast(("run", str(CONFIG), *SHORT, "--out", str(made), "--allow-unconverged"), warm).wait():
            raise RuntimeError("the run to ask cannot be made")
        known = commands(out, made)
        for command in known:  # so that its code is compiled once
            forecast(command, warm).wait()
        lasts_s: dict[tuple[tuple[str, ...], bool], float] = {}
        while sent < given.most:
            which, cold = known[sent % len(known)], drawn.random() < 0.5
            code = place / f"cold-{sent}-{done}" if cold else warm
            kind = drawn.choice([*CODES])
            # Python itself answers what comes in its first moments, before any line of ours runs.
            after = drawn.uniform(0.3, lasts_s.get((which, cold), FIRST_S))
            began = time.perf_counter()
            child = forecast(which, code)
            try:
                said = child.communicate(timeout=after)[1]
            except subprocess.TimeoutExpired:
                child.send_signal(kind)
                try:
                    said = child.communicate(timeout=HANGS_S)[1]
                except subprocess.TimeoutExpired:
                    child.kill()
                    said = f"hangs for {HANGS_S} s"
            if child.returncode == 0:
                lasts_s[which, cold] = max(time.perf_counter() - began, 0.6)
                done += 1
                continue
            sent += 1
            if fault := fault_of(child.returncode, said, kind):
                broken += 1
                where = f"{which[0]}{' (cold)' if cold else ''} {kind.name} after {after:.2f} s"
                print(f"  {where}: {fault}", flush=True)
            if sent % 10 == 0:
                print(
                    f"{sent} signals, {done} commands that ended before theirs, {broken} promises broken",
                    flush=True,
                )
        ended = forecast(known[1], warm).wait()
        left = [path.name for path in out.rglob("*") if ".forecast-" in path.name]
        if ended or left:
            broken += 1
            print(f"  the next run ends with {ended}; left: {left[:3]}")
    print(f"{broken} promises broken")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
