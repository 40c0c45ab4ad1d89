"""What ended with 0.4: keys of files, commands and options, each with what to use instead.

Whoever names one of them gets its line in place of "unknown key" or "no such command".
"""

from __future__ import annotations

from collections.abc import Sequence

KEYS = {
    "events.sources": "ended with 0.4: leave it out; a store holds one source",
    "events.audit": "ended with 0.4: leave it out; events merge measures how far two coders agree",
    "exposures": "ended with 0.4: use decision, which states what acting and being surprised cost",
    "headline.threshold": "ended with 0.4: leave it out; forecast reconcile says what reaches a chance",
    "on_change.mail": "ended with 0.4: use on_change.command (docs/howto.md shows mail)",
    "on_change.webhook": "ended with 0.4: use on_change.command (docs/howto.md shows a webhook)",
    "sampler.paths_per_draw": "ended with 0.4: leave it out; chances are exact, and no path is simulated",
    "sampler.engine": "ended with 0.4: leave it out; compiled code always samples",
    "stale": "ended with 0.4: leave it out; a dyad whose feed is old is stamped, not refused",
    "types": "ended with 0.4: use reactions, which state what an act brings about (docs/scenarios.md)",
    "shock": "ended with 0.4: leave it out; dyads are listed one by one, not as 'any of the list'",
}
"""By dotted key of a config, scenario, watchlist or bed; places in lists are left out."""

COMMANDS = {
    "bench calibration": "ended with 0.4: use tools/studies in the repository",
    "bench convergence": "ended with 0.4: use tools/studies in the repository",
    "bench ingest": "ended with 0.4: bench accuracy is what is measured now",
    "bench page": "ended with 0.4: bench accuracy is what is measured now",
    "bench speed": "ended with 0.4: use the times that forecast run prints",
    "events audit": "ended with 0.4: have a second coder code rows anew, and use events merge",
    "events crosswalk": "ended with 0.4: use events codebook CATEGORY, which prints its codes",
    "events summary": "ended with 0.4: use events validate, which describes the file too",
    "events code": "ended with 0.4: use a spreadsheet and events validate, or events draft",
    "events status": "ended with 0.4: use check or watch, which tell a stale store",
    "ledger stamp": "ended with 0.4: use ledger verify, and any public stamp of its head (docs/howto.md)",
    "mcp": "ended with 0.4: every command answers with --json, which an assistant can read",
    "panel learn": "ended with 0.4: use tools/learn in the repository",
    "panel show": "ended with 0.4: forecast/pooled_hazard.json holds them",
    "priors show": "ended with 0.4: use forecast priors CONFIG",
    "priors learn": "ended with 0.4: use tools/learn in the repository",
    "schema ledger": "ended with 0.4: ledger export writes CSV",
    "stress": "ended with 0.4: use decision in the config, which states what acting and being surprised cost",
}
"""By command and subcommand."""

_BY_SET = ("run", "check", "backtest", "priors", "ledger hindcast")
OPTIONS = {
    " --quiet": "ended with 0.4: use > /dev/null; progress shows on a terminal alone",
    **{
        f"{name} --use": "ended with 0.4: use events.use in the config, or --set events.use=…"
        for name in _BY_SET
    },
    **{f"{name} --dates": "ended with 0.4: use --set events.dates=dmy, or the config" for name in _BY_SET},
    **{f"{name} --seed": "ended with 0.4: use --set sampler.seed=7, or the config" for name in _BY_SET},
    "watch --events": "ended with 0.4: use --set events=[FILE], from the folder of the list",
    "watch --strict": "ended with 0.4: leave it out; dyads without acts fail, and the exit code is 1",
    "watch --use": "ended with 0.4: use the key use of the list, or --set use=client",
    "app --static": "ended with 0.4: use forecast app RUN_DIR, or report.html, which works offline",
    "backtest --horizons milestones": "ended with 0.4: give days; a report takes the tested distance nearest",
    "backtest --resume": "ended with 0.4: leave it out; the same command goes on with a stopped backtest",
    **{
        f"bench accuracy --{name}": "ended with 0.4: write a bed (docs/backtest.md), which says it"
        for name in ("any-of", "min-severity", "from", "until")
    },
    "bench accuracy --quick": "ended with 0.4: use --origins quarterly",
    "bench accuracy --prior": "ended with 0.4: leave it out; model.priors of a config change a backtest",
    "check --plot": "ended with 0.4: use forecast priors, which lists every prior with its interval",
    "events import --cap-per-day": "ended with 0.4: leave it out; repeats count once, others each",
    "events draft --pair": "ended with 0.4: use --config, which names the pair",
    "events draft --scale": "ended with 0.4: use --config, which names the scale",
    "events import --codes": "ended with 0.4: keds text is no longer read",
    "events import --column": "ended with 0.4: name columns as docs/codebook.md does; no import is needed",
    "events import --format csv": "ended with 0.4: a table of categories and severities is an event file",
    "events import --format keds": "ended with 0.4: make a table of it by docs/codebook.md",
    "events import --format plover": "ended with 0.4: use --format polecat, which has the same codes",
    "events import --exclude": "ended with 0.4: use --root-only or --min-sources, which leave most noise out",
    "events import --keep-repeats": "ended with 0.4: leave it out; use --repeat-days 0 for one a day",
    "events import --mapping": "ended with 0.4: change category or severity in the event file that it writes",
    "events import --min-mentions": "ended with 0.4: use --min-sources",
    "events import --normalise": "ended with 0.4: leave it out; start the record late instead (events.start)",
    "events import --strict": "ended with 0.4: read set_aside and dropped of --json",
    "events codebook --yaml": "ended with 0.4: use --scale armed, or say on a target what counts",
    "events merge --force": "ended with 0.4: give the name of a new file",
    "events merge --min-coders": "ended with 0.4: the merged file says in x_coders who has a row",
    "events review --against": "ended with 0.4: use events merge, which compares two coders' files",
    "events update --source acled": "ended with 0.4: download its file and use events import",
    "events update --source ucdp": "ended with 0.4: download its file and use events import",
    "events update --source": "ended with 0.4: leave it out; a store holds gdelt2",
    "judge --sheet": "ended with 0.4: use judge for each person and question",
    "ledger export --out": "ended with 0.4: use > FILE; the CSV goes to standard output",
    "ledger export --format hubverse": "ended with 0.4: use --format csv",
    "ledger export --format hubverse-outcomes": "ended with 0.4: use --format csv",
    "ledger export --format jsonl": "ended with 0.4: use --format csv; the ledger's file is its chain",
    "ledger import --format jsonl": "ended with 0.4: use --format csv, or name the other file with --ledger",
    "ledger import --format market": "ended with 0.4: use --format prices, a CSV",
    "ledger import --match": "ended with 0.4: use --format prices; 'question' holds the id of yours",
    "ledger import --matches": "ended with 0.4: use --format prices; 'question' holds the id of yours",
    "ledger score --figure": "ended with 0.4: leave it out; the table prints the calibration, --json has it",
    "ledger score --csv": "ended with 0.4: use --json, whose groups hold every score",
    "ledger score --failed": "ended with 0.4: leave it out; ledger list --failed shows such forecasts",
    "ledger score --unconverged": "ended with 0.4: leave it out; ledger list --failed shows such forecasts",
    "priors --run": "ended with 0.4: use report.html, whose parameters show prior and posterior",
    "report --docx": "ended with 0.4: use report.pdf or report.html; --xlsx writes the numbers",
    "report --office-template": "ended with 0.4: use report.pdf or report.html; --xlsx writes the numbers",
    "report --pptx": "ended with 0.4: use --figures DIR, which writes the charts for slides",
    "report --csv": "ended with 0.4: use --xlsx; the PDF carries its tables as CSV",
    "report --template": "ended with 0.4: use the keys under report in the config, or report.html",
    "scenario --out": "ended with 0.4: use --json, or --compare, which puts scenarios side by side",
    "sensitivity --all": "ended with 0.4: use reconcile, which says what would have to change for a chance",
    "sensitivity --plot": "ended with 0.4: use forecast report RUN_DIR --figures DIR, which writes the chart",
    "sensitivity --threshold": "ended with 0.4: use reconcile, which says what would lead to a chance",
    "watch --test-mail": "ended with 0.4: use on_change.command (docs/howto.md shows mail)",
}
"""By command and option, and its value where the option stays without it; not those that need no other."""


def ended_key(path: Sequence[str | int]) -> str | None:
    """Return what to say of a key that ended, given its path in a file; ``None`` of any other."""
    return KEYS.get(".".join(key for key in path if isinstance(key, str)))


def ended_usage(arguments: Sequence[str]) -> str | None:
    """Return what to say of a command line that names what ended; ``None`` of any other."""
    words = [word for argument in arguments for word in _split(argument)]
    if "--" in words:
        words = words[: words.index("--")]
    for name, line in COMMANDS.items():
        command = name.split()
        if words[: len(command)] == command:
            return f"'{name.strip()}' {line}"
    for name, line in OPTIONS.items():
        before, dashes, option = name.partition(" --")
        command, wanted = before.split(), (dashes.strip() + option).split()
        rest = words[len(command) :]
        named = any(rest[place : place + len(wanted)] == wanted for place in range(len(rest)))
        if words[: len(command)] == command and named:
            return f"'{name.strip()}' {line}"
    return None


def _split(argument: str) -> list[str]:
    return argument.split("=", 1) if argument.startswith("--") else [argument]
