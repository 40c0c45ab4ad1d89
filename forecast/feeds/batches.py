"""Files → batches of clean rows on disk, unpacked in a thread of its own while the engine works.

Small files share a batch, so that thousands of quarter-hour files cost one statement; a large file spans
several, and counts only when its end was read.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from forecast.feeds.clean_rows import Faults, RowCleaner, Rows, WrongFormatError
from forecast.feeds.detect import wrong_format
from forecast.feeds.layout import Layout
from forecast.feeds.statement import Part
from forecast.feeds.unpack import Block, CorruptFileError, is_parquet, read_blocks

BATCH_BYTES = 128_000_000
BATCH_FILES = 400
READ_AHEAD = 2


@dataclass(frozen=True)
class Finished:
    """A file that was read to its end."""

    key: str
    path: Path
    lines: int
    faults: Faults


@dataclass(frozen=True)
class Failed:
    """A file that could not be read to its end, or is of another format."""

    key: str
    path: Path
    reason: str
    wrong_format: bool


@dataclass
class Batch:
    """Rows to judge at once, and the files that end (or fail) with them."""

    parts: list[Part] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        """Whether the engine should have it now."""
        return self.size >= BATCH_BYTES or len(self.finished) + len(self.failed) >= BATCH_FILES


def make_batches(files: Sequence[tuple[str, Path]], layout: Layout, folder: Path) -> Iterator[Batch]:
    """Yield batches of rows.

    Parameters
    ----------
    files : sequence of (str, Path)
        Key and path of each file.
    layout : Layout
    folder : Path
        Where the rows are put; each batch's are to be deleted by whoever takes it.
    """
    batch, numbers = Batch(), count()
    for key, path in files:
        own: list[Part] = []
        try:
            if is_parquet(path):
                if layout.spread is not None or layout.syntax == "keds":
                    raise CorruptFileError(f"{layout.name} files are read as published text, not as Parquet")
                own = [Part(key, path, None, 0)]
                batch.parts += own
                batch.finished.append(Finished(key, path, 0, Faults()))
                batch.size += path.stat().st_size * 4
            else:
                cleaner, lines = RowCleaner(layout, str(path)), 0
                for block, last in _with_last(read_blocks(path)):
                    rows = _cleaned(cleaner, block, layout, last=last)
                    lines += rows.lines
                    if rows.count:
                        target = folder / f"rows-{next(numbers):08d}.tsv"
                        target.write_bytes(rows.content)
                        own.append(Part(key, target, rows.columns, rows.count))
                        batch.parts.append(own[-1])
                        batch.size += len(rows.content)
                    if batch.full and not last:
                        yield batch
                        batch, own = Batch(), []
                batch.finished.append(Finished(key, path, lines, cleaner.faults))
        except (CorruptFileError, WrongFormatError) as error:
            for part in own:
                batch.parts.remove(part)
                part.path.unlink(missing_ok=True)
            batch.failed.append(Failed(key, path, str(error), isinstance(error, WrongFormatError)))
        if batch.full:
            yield batch
            batch = Batch()
    if batch.finished or batch.failed:
        yield batch


@contextmanager
def read_ahead(batches: Iterator[Batch]) -> Iterator[Iterator[Batch]]:
    """Let batches be made in a thread while earlier ones are used; the thread ends with the block."""
    waiting: queue.Queue[Batch | BaseException | None] = queue.Queue(READ_AHEAD)
    stopped = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for batch in batches:
                put(batch)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # handed to the user of the batches, who raises it
            put(error)

    def take() -> Iterator[Batch]:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    maker = threading.Thread(target=make, name="unpack", daemon=True)
    maker.start()
    try:
        yield take()
    finally:
        stopped.set()
        maker.join(timeout=10)


def _cleaned(cleaner: RowCleaner, block: Block, layout: Layout, *, last: bool) -> Rows:
    try:
        return cleaner.clean(block, last=last)
    except WrongFormatError as error:
        lines = block.content[:200_000].decode("utf-8", errors="replace").split("\n")[:20]
        raise WrongFormatError(wrong_format(layout.name, lines, str(error))) from error


def _with_last(blocks: Iterator[Block]) -> Iterator[tuple[Block, bool]]:
    """Yield each block, and whether it is the last of its text."""
    held: Block | None = None
    for block in blocks:
        if held is not None:
            yield held, block.text != held.text
        held = block
    if held is None:
        raise CorruptFileError("the file is empty")
    yield held, True
