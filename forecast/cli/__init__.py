"""The ``forecast`` command: one module a command, exit codes, nothing heavy imported before it is needed."""

from __future__ import annotations

import atexit
import gc
import sys

INTERRUPTED = 130
STOPPED = "interrupted; nothing was written."

# Python searches all objects for garbage when it ends; once a model is compiled, that takes seconds, in
# which a command that has said its last word, such as "interrupted", would seem to go on.
atexit.register(gc.freeze)


def main() -> None:
    """Run the command line: expected errors become one message and an exit code, never a traceback."""
    try:
        # Imported here, so that Ctrl-C ends cleanly from the first tenth of a second on.
        from forecast.cli.app import app
        from forecast.errors import ForecastError

        try:
            app()
            return
        except ForecastError as error:
            message, code = str(error), error.exit_code
    except KeyboardInterrupt:
        message, code = STOPPED, INTERRUPTED
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        message, code = STOPPED, INTERRUPTED  # Typer turns Ctrl-C into this code, without a word
    if code == INTERRUPTED:
        # Python ends ``python -m`` by a signal, whatever the code, if Ctrl-C fell into a text that was
        # executed (libraries do so while they compile); it forgets that when it next executes a text.
        exec("")
    print(f"forecast: {message}", file=sys.stderr)
    sys.exit(code)
