"""Bring an environment to a lock, and touch a stamp in its folder: requirements.lock .venv/.run.

``.unfinished`` stands in the folder from before the first file until after the last, so a set-up that was cut
short is thrown away and started anew, never taken for a whole one. One set-up works at a time.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps")
NO_SPACE = ("No space left", "quota exceeded")


def main(lock: Path, stamp: Path) -> str | None:
    """Return why it did not succeed, or ``None``."""
    folder = stamp.parent
    mark, python = folder / ".unfinished", folder / "bin/python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Of the folder above: this one may be thrown away. The system takes the lock away when the last process
    # of a set-up ends, however it ends.
    held = os.open(folder.parent, os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another make is installing here; waiting for it", file=sys.stderr)
        fcntl.flock(held, fcntl.LOCK_EX)
        if not mark.exists() and is_newer(stamp, lock, Path("pyproject.toml")):
            return None
    except OSError:  # a file system without locks
        pass
    was_whole = not mark.exists() and is_usable(python)
    try:
        if not was_whole:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            mark.touch()
            run(sys.executable, "-m", "venv", folder)
        mark.touch()
        print(f"Installing {lock} into {folder} (the first time takes a minute or two)", file=sys.stderr)
        # Wheels only: a source build would need a compiler and unpinned build tools.
        # A lock is whole, so nothing is resolved; what is never imported is never compiled.
        run(python, *INSTALL, "--require-hashes", "--only-binary=:all:", "-r", lock)
        run(python, *INSTALL, "--no-build-isolation", "-e", ".")
        mark.unlink()
        stamp.touch()
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stdout.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        if any(words in said for words in NO_SPACE):
            return (
                f"no space left. {folder} needs 1.4 GB, and the folder for temporary files (TMPDIR) 0.6 GB. "
                "Free some, and run make again"
            )
        if "Retrying (Retry" in said:
            if was_whole:  # and is: nothing is installed before everything is there
                mark.unlink()
            return (
                "the package index cannot be reached. Run make again with a network; without one, "
                "PIP_NO_INDEX=1 PIP_FIND_LINKS=WHEELS make … takes a folder of wheels"
            )
        return said
    return None


def is_newer(stamp: Path, *others: Path) -> bool:
    """Whether a file is there, and newer than each of others."""
    return stamp.exists() and all(stamp.stat().st_mtime > other.stat().st_mtime for other in others)


def is_usable(python: Path) -> bool:
    """Whether an environment's Python starts, is one of those supported, and has pip."""
    try:
        asked = subprocess.run(
            ["tools/find-python"], env={**os.environ, "PYTHON": str(python)}, capture_output=True
        )
        return asked.returncode == 0 and subprocess.run([python, "-c", "import pip"]).returncode == 0
    except OSError:
        return False


def run(*command: str | Path) -> None:
    """Run a step; what it says is kept in memory, since a full disk would not take it."""
    subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, close_fds=False
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill is told as Ctrl-C is
    try:
        failure = main(*map(Path, sys.argv[1:]))
    except KeyboardInterrupt:
        failure = "interrupted. The next make starts the set-up anew"
    if failure:
        sys.exit(f"{Path(sys.argv[0]).name}: {failure}")
