"""The ``forecast`` command: one module a command, exit codes, nothing heavy imported before it is needed."""

from __future__ import annotations

import sys

INTERRUPTED = 130
STOPPED = "interrupted; nothing was written."


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
    print(f"forecast: {message}", file=sys.stderr)
    sys.exit(code)
