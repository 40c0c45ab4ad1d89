"""The ``forecast`` command: one module a command, exit codes, nothing heavy imported before it is needed."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line: expected errors become one message and an exit code, never a traceback."""
    try:
        # Imported here, so that Ctrl-C ends cleanly from the first tenth of a second on.
        from forecast.cli.app import app
        from forecast.errors import ForecastError

        try:
            app()
        except ForecastError as error:
            print(f"forecast: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _end_interrupted()
    except SystemExit as end:
        if end.code == INTERRUPTED:  # Typer turns Ctrl-C into this code, without a word
            _end_interrupted()
        raise


def _end_interrupted() -> None:
    print("forecast: interrupted; nothing was written.", file=sys.stderr)
    sys.exit(INTERRUPTED)
