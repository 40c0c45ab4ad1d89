"""The ``forecast`` command: one module a command, exit codes, nothing heavy imported before it is needed."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

INTERRUPTED, FAULT, USAGE = 130, 3, 2
PIPE_CLOSED, SIGNALLED = 141, 128
REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG),
    *(errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EIO),
}
"""What a system answers of a path that it will not open, or not for this user."""
STOPPED = "interrupted; nothing was written."
TRACEBACK = "FORECAST_TRACEBACK"
"""Variable that adds the traceback to the message of a fault of the program."""

# Python searches all objects for garbage when it ends; once a model is compiled, that takes seconds, in
# which a command that has said its last word, such as "interrupted", would seem to go on.
atexit.register(gc.freeze)


def script() -> None:
    """Run the command as a process of its own, which a signal ends at once.

    Another thread may be compiling, and Python would wait for it, up to half a minute.
    """
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int) or end.code <= SIGNALLED:
            raise
        atexit._run_exitfuncs()
        os._exit(end.code)


def main() -> None:
    """Run the command line: what goes wrong becomes one message and an exit code, never a traceback.

    Expected errors have their own code. Any other exception is a fault of the program: code 3, and where to
    report it.
    """
    message, code = "", 0
    try:
        # Imported here, so that Ctrl-C ends cleanly from the first tenth of a second on.
        from forecast.cli.app import app
        from forecast.cli.terminal import clean_up_on_signals, found_in, prepare_streams
        from forecast.errors import ForecastError
        from forecast.storage import day_made

        clean_up_on_signals()
        prepare_streams()
        try:
            day_made()  # libraries read SOURCE_DATE_EPOCH, too, and fail without a word of it
            message, code = _outcome(app)
        except ForecastError as error:
            message, code = _with_notes(str(error), error), error.exit_code
            if code == INTERRUPTED and (stop := found_in(error)):
                code = _stopped(stop)[1]
    except KeyboardInterrupt as stop:
        message, code = _stopped(stop)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            end.code = PIPE_CLOSED  # Typer gives 1, which means something else here
        if end.code != INTERRUPTED:
            raise
        # Typer turns Ctrl-C into this code, without a word.
        message, code = _stopped(found_in(end))
    if terminal := sys.modules.get("forecast.cli.terminal"):
        terminal.forget_signals()
    if message:
        from forecast.errors import MOST_LINES, on_command_line, safe_lines

        try:
            lines = safe_lines(message, len(message) if code == FAULT else MOST_LINES)
            print(f"forecast: {on_command_line(lines)}", file=sys.stderr, flush=True)
        except OSError:  # it cannot be told; the code stays
            _abandon(sys.stderr)
    if code:
        sys.exit(code)


def _outcome(app: Callable[..., object]) -> tuple[str, int]:
    """Run a command; its errors of the terminal and its faults become a message and a code."""
    from forecast.errors import ForecastError

    try:
        try:
            app(prog_name="forecast")
        finally:
            # What is left in the buffer is part of the answer.
            if sys.stdout is not None:
                sys.stdout.flush()
    except ForecastError:
        raise
    except BrokenPipeError:
        _abandon(sys.stdout)
        return "", PIPE_CLOSED
    except OSError as error:
        full = error.filename
        if full is None:  # also where no folder for temporary files can be used
            full = _full_folder()
        elif error.errno in REFUSED:
            return f"{full}: cannot be used ({error.strerror}). Check path and permissions", USAGE
        elif error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return _fault(error)
        _abandon(sys.stdout)
        if full:
            return f"{full}: no space left. Free some, or name another folder, and run it again", USAGE
        return f"the answer cannot be written ({error.strerror or error}). Check free space", USAGE
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 20) : error.end]
        return f"'{near}': holds bytes that are no text in UTF-8", USAGE
    except MemoryError:
        return "the machine has not enough memory for this. Give it less data or fewer draws", USAGE
    except Exception as error:
        return _fault(error)
    return "", 0


def _full_folder() -> str | None:
    """Name what takes no more: the current folder, that for temporary files or for code, or the home."""
    import shutil

    for name, folder in (
        ("", os.getcwd()),
        ("TMPDIR=", os.environ.get("TMPDIR", "/tmp")),  # `tempfile` asks for one that is not full
        ("NUMBA_CACHE_DIR=", os.environ.get("NUMBA_CACHE_DIR")),
        ("", os.path.expanduser("~")),
    ):
        if folder and os.path.isdir(folder) and shutil.disk_usage(folder).free < 1_000_000:
            return f"{name}{folder}"
    return None


def _fault(error: Exception) -> tuple[str, int]:
    import traceback

    from forecast import __version__
    from forecast.cli.terminal import stop_behind

    if stop := stop_behind(error):
        for note in getattr(error, "__notes__", ()):
            stop.add_note(note)
        return _stopped(stop)

    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "forecast" in frame.filename]
    where = f", {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    message = (
        f"internal error ({type(error).__name__}: {error}{where}).\nThis is a fault of forecast "
        f"{__version__}, not of what you gave it. Please report it in the project's issue tracker, "
        f"with the command and what {TRACEBACK}=1 adds to this message."
    )
    if os.environ.get(TRACEBACK):
        message += "\n" + "".join(traceback.format_exception(error))
    return _with_notes(message, error), FAULT


def _with_notes(message: str, error: BaseException) -> str:
    return "\n".join((message, *getattr(error, "__notes__", ())))


def _stopped(stop: KeyboardInterrupt | None) -> tuple[str, int]:
    number = getattr(stop, "number", None)
    code = INTERRUPTED if number is None else 128 + int(number)
    # Python adds a note of its own to an interrupt that comes while a class is made.
    given = getattr(stop, "__notes__", ())
    notes = [note for note in given if not note.startswith("Error calling __set_name__")]
    if number is not None:
        return "\n".join(("ended by a signal.", *notes)) if notes else "ended by a signal.", code
    return "\n".join(("interrupted.", *notes)) if notes else STOPPED, code


def _abandon(stream: TextIO) -> None:
    # Python writes what is left once more when it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
