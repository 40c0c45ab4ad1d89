"""What is kept of a list: a folder a watch, one in it a dyad, and the forecasts that go on record.

``<out>/<list>/<as-of>/`` holds the files of the watch and a folder a dyad; ``<out>/<list>/watch.atom`` is
the feed, at an address that stays. What is finished stays, whatever happens to the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import ValidationError, model_validator

from forecast import __version__
from forecast.config import config_hash
from forecast.config.describe import reported_by
from forecast.config.watchlist import Watchlist
from forecast.config.writing import resolved_yaml
from forecast.errors import BusyError, EventError, RunFolderError
from forecast.evaluation.study import decisive_versions
from forecast.events.reading import read_events, write_events
from forecast.events.table import EventTable
from forecast.ledger.recording import RunOrigin, forecast_entries, others_of, questions_of
from forecast.ledger.store import open_ledger, write_ledger
from forecast.records.base import Probability, Record
from forecast.records.cautions import Caution
from forecast.records.forecast import Diagnostics, Forecast, Headline, TargetForecast
from forecast.records.forecast import DyadRecord as DyadName
from forecast.records.watch import DyadEntry, Failure, Watch, WeightsRecord, Work
from forecast.runs import files
from forecast.runs.folder import (
    changed_run_folder,
    kind_of,
    new_run_folder,
    output_hashes,
    read_manifest,
    write_json,
    write_record,
)
from forecast.runs.inputs import config_scale, dyad_rule, target_rules
from forecast.runs.run import run_id, write_run
from forecast.storage import locked, read_json, remove_stale, write_file
from forecast.watchlist.dyad_runs import Fitted, Job, Result, read_fitted

WATCH, TABLE, PDF, PAGE, FEED = "watch.json", "watch.csv", "watch.pdf", "watch.html", "watch.atom"
DYAD, TOLD, OUTBOX = "dyad.json", "told.json", "outbox.json"
_DAYS = "????-??-??"
_NUMBERS = ("targets", "cautions", "work", "counterfactual", "weights", "failure")
"""What a dyad's file takes from its result."""


class DyadRecord(Record):
    """What is kept of a finished dyad: the hash of all that the numbers depend on, and the numbers."""

    key: str
    earlier: str | None
    """Hash of the events of the watch before that ``counterfactual`` was made from."""
    targets: tuple[TargetForecast, ...] = ()
    cautions: tuple[Caution, ...] = ()
    work: Work = "direct"
    counterfactual: tuple[TargetForecast, ...] | None = None
    weights: WeightsRecord | None = None
    code: str = ""
    """Version of the code that the numbers were made by."""
    failure: Failure | None = None


class Known(Record):
    """What a receiver knows of a dyad: its trigger, and the headline that the next step is counted from."""

    trigger: str | None = None
    question: Headline | None = None
    probability: Probability | None = None
    mcse: float = 0.0
    as_of: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _trigger_alone(cls, value: object) -> object:
        """Read the trigger alone, as version 0.2 kept it."""
        return {"trigger": value} if value is None or isinstance(value, str) else value


class Told(Record):
    """What the receivers of ``on_change`` were told last, by dyad; ``None``: never told anything."""

    webhook: dict[str, Known] | None = None
    command: dict[str, Known] | None = None
    mail: dict[str, Known] | None = None


class Alert(Record):
    """A change on its way by e-mail to one address."""

    id: str
    to: str
    headline: str
    text: str
    mail: str | None = None
    """The mail that it was in when its sending was interrupted, which may have arrived."""


class Outbox(Record):
    """Alerts of a list that no mail server has taken yet, the oldest first."""

    alerts: tuple[Alert, ...] = ()


def watch_place(watchlist: Watchlist, out: Path) -> Path:
    """Where a watch of this list is kept: ``<out>/<name>/<as_of>``."""
    return out / watchlist.name / watchlist.as_of.isoformat()


def open_watch(folder: Path) -> None:
    """Make the folder of a watch, or go on with the one that is there.

    Raises
    ------
    RunFolderError
        It holds something of another kind, or cannot be written.
    """
    remove_stale(folder)
    if folder.exists() and any(folder.iterdir()) and kind_of(folder) != "watch":
        raise RunFolderError(f"{folder}: holds no watch. Move it away, or use another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / files.MANIFEST).exists():
            write_json({"kind": "watch", "code_version": __version__}, folder / files.MANIFEST)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror or error})") from error


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Hold the list for one watch at a time; that of a process that died is taken over.

    Raises
    ------
    RunFolderError
        Another watch of this list is at work, or the folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(place))
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{place}: cannot be written ({error.strerror or error})") from error
        except BusyError as error:
            raise RunFolderError(
                f"{place}: another watch of this list is at work. Wait until it ends, or use another --out"
            ) from error
        yield


def kept_dyad(folder: Path, job: Job) -> Result | None:
    """Return a finished dyad, if its numbers depend on the same things; a failed one is tried again."""
    record = _read(folder / DYAD, DyadRecord)
    earlier = job.earlier.sha256 if job.earlier is not None else None
    if record is None or (record.key, record.earlier) != (job.key, earlier) or record.failure is not None:
        return None
    return Result(record.targets, record.cautions, "unchanged", record.counterfactual)


def _read[R: Record](path: Path, kind: type[R]) -> R | None:
    """Read a file of a watch; ``None`` where it is not there or not whole."""
    try:
        return kind.model_validate_json(read_json(path))
    except (OSError, ValidationError):
        return None


def keep_dyad(folder: Path, job: Job, result: Result) -> None:
    """Write the folder of a finished dyad, whole, with its run where one was fitted."""
    record = DyadRecord(
        key=job.key,
        earlier=job.earlier.sha256 if job.earlier is not None else None,
        code="" if result.failure else decisive_versions(),
        **{name: getattr(result, name) for name in _NUMBERS},
    )
    if folder.exists() and kind_of(folder) not in ("run", "watched dyad"):
        raise RunFolderError(f"{folder}: is in the way of a dyad. Move it away, or use another --out")
    kind = kind_of(folder) if folder.exists() else "watched dyad"
    with new_run_folder(folder, force=True, kind="run" if kind == "run" else "watched dyad") as filling:
        if result.run is not None:
            write_run(result.run, filling, folder)
        else:
            write_events(job.events.known_by(job.config.as_of), filling / files.EVENTS)
            write_file(filling / files.CONFIG, resolved_yaml(job.config, folder))
        write_record(record, filling / DYAD)
        made: dict[str, object] = {"code_version": __version__, "data_sha256": job.events.sha256}
        made["outputs_sha256"] = output_hashes(filling)
        write_json({"kind": "run" if result.run else "watched dyad"} | made, filling / files.MANIFEST)


def earlier_watch(place: Path, as_of: date) -> tuple[Watch, Path] | None:
    """Return the last watch before a day, and its folder; one that cannot be read is passed over."""
    for folder in _folders_before(place, as_of.isoformat()):
        watch = read_watch(folder)
        if watch is not None:
            return watch, folder
    return None


def read_watch(folder: Path) -> Watch | None:
    """Return the watch that a folder holds; ``None`` where there is none yet."""
    return _read(folder / WATCH, Watch)


def _folders_before(place: Path, day: str) -> list[Path]:
    """Folders of earlier watches of a list, the last first."""
    return sorted((one for one in place.glob(_DAYS) if one.name < day), reverse=True)


def last_told(folder: Path) -> Told:
    """Return what the receivers were told last: of the watch in a folder, else of the last one before it.

    A watch that was stopped may have told of changes, too.
    """
    own = _read(folder / TOLD, Told)
    if own is not None:
        return own
    # A watch that is there and told nobody was not asked to.
    earlier = [] if (folder / WATCH).exists() else _folders_before(folder.parent, folder.name)
    return next((told for one in earlier if (told := _read(one / TOLD, Told)) is not None), Told())


def write_told(folder: Path, told: Told) -> None:
    """Keep what the receivers were told (``RunFolderError`` where it cannot be written)."""
    _write_whole(folder / TOLD, (told.model_dump_json(indent=1) + "\n").encode())


def read_outbox(place: Path) -> tuple[Alert, ...]:
    """Return the alerts of a list that wait (``RunFolderError``: what is kept of them cannot be read)."""
    path = place / OUTBOX
    if not path.exists():
        return ()
    outbox = _read(path, Outbox)
    if outbox is None:
        raise RunFolderError(
            f"{path}: cannot be read; the alerts in it are not sent. Mend it or move it away"
        )
    return outbox.alerts


def write_outbox(place: Path, alerts: Sequence[Alert]) -> None:
    """Keep the alerts of a list that wait (``RunFolderError`` where they cannot be written)."""
    outbox = Outbox(alerts=tuple(alerts))
    _write_whole(place / OUTBOX, (outbox.model_dump_json(indent=1) + "\n").encode())


def earlier_events(folder: Path, dyad: str, known: EventTable) -> EventTable | None:
    """Return the events that an earlier watch knew of a dyad; ``None`` where it kept none, or the same."""
    try:
        if read_manifest(folder / dyad).get("data_sha256") == known.sha256:
            return None
        return read_events(folder / dyad / files.EVENTS)
    except (EventError, RunFolderError):
        return None


def last_fit(folder: Path, dyad: str) -> Fitted | None:
    """Return the fit behind a dyad's numbers in an earlier watch; ``None`` without one by this version."""
    record = _read(folder / dyad / DYAD, DyadRecord)
    if record is None or record.work not in ("fitted", "reweighted") or record.code != decisive_versions():
        return None
    day = record.weights.fitted_as_of.isoformat() if record.weights else folder.name
    return read_fitted(folder.parent / day / dyad)


def write_watch(watch: Watch, folder: Path, made: dict[str, bytes]) -> None:
    """Write the files of a watch, all in one step: ``watch.json``, those made from it, and their hashes."""
    written = made | {WATCH: (watch.model_dump_json(by_alias=True, indent=1) + "\n").encode()}
    with changed_run_folder(folder) as filling:
        for name, content in written.items():
            write_file(filling / name, content)
        hashes = {name: hashlib.sha256(written[name]).hexdigest() for name in sorted(written)}
        about: dict[str, object] = {"kind": "watch", "code_version": __version__}
        write_json(about | {"outputs_sha256": hashes}, filling / files.MANIFEST)


def _write_whole(path: Path, content: bytes) -> None:
    try:
        write_file(path, content)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written ({error.strerror or error})") from error


def write_feed(place: Path, content: bytes) -> None:
    """Write the feed of the list at the address that stays."""
    _write_whole(place / FEED, content)


def with_others(watch: Watch, ledger: Path | None, jobs: Mapping[str, Job]) -> Watch:
    """Add what others said of the questions, by a ledger if it is there; ``jobs`` by the name of the dyad."""
    if ledger is None or not ledger.exists():
        return watch
    opened = open_ledger(ledger)
    dyads = (
        one.model_copy(update={"others": others_of(opened, questions_of(jobs[one.name].config), watch.as_of)})
        if one.targets
        else one
        for one in watch.dyads
    )
    return watch.model_copy(update={"dyads": tuple(dyads)})


NOT_SAMPLED = Diagnostics(
    rhat_max=float("nan"),
    ess_bulk_min=float("nan"),
    ess_tail_min=float("nan"),
    divergences=0,
    bfmi_min=float("nan"),
    failures=(),
)
"""Diagnostics where the record of a dyad was all that was at hand: nothing failed."""


def put_watch_on_record(
    ledger: Path, entries: Sequence[DyadEntry], jobs: Mapping[str, Job], folder: Path
) -> int:
    """Put the forecasts of a watch into a ledger, one a dyad, target and milestone; return how many are new.

    What is there already stays as it was; dyads without numbers are not recorded. ``jobs`` are by the name of
    the dyad, ``folder`` is that of the watch. Raises ``LedgerError`` where the ledger cannot be used.
    """
    every = []
    for one in entries:
        if one.targets:
            job = jobs[one.name]
            origin = RunOrigin(
                dyad=dyad_rule(job.config),
                config_sha256=config_hash(job.config),
                data_sha256=job.events.sha256,
                code_version=__version__,
                made_on=datetime.now(UTC),
                run_folder=folder / one.name,
            )
            every += forecast_entries(_forecast(one, job), target_rules(job.config), origin)
    with write_ledger(ledger) as book:
        return sum([book.append(entry) for entry in every])


def _forecast(one: DyadEntry, job: Job) -> Forecast:
    return Forecast(
        schema=5,
        run_id=run_id(job.config, job.events),
        name=job.config.name,
        dyad=DyadName(a=one.a, b=one.b, label=one.label),
        as_of=job.config.as_of,
        model=one.model or job.config.model.family,
        converged=True,
        fits=(NOT_SAMPLED,),
        targets=one.targets,
        headline=one.question,
        scale=config_scale(job.config),
        reported_by=reported_by(job.config),
        drivers=(),
        timings_s={},
        versions={},
    )
