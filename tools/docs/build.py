"""Build the manual as a site: ``build/docs/html/index.html``. Run by ``make docs``.

Pages of ``docs/`` and the reference pages that are made from the program are laid out in one folder, then
Sphinx builds from there. A warning is an error: a page that nothing leads to, a link that leads nowhere, a
docstring that cannot be read.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from api import page as api_page  # noqa: E402
from commands import reference  # noqa: E402
from contracts import page as keys_page  # noqa: E402
from contracts import severities_page  # noqa: E402
from examples import examples  # noqa: E402
from gallery import gallery  # noqa: E402
from stage import stage  # noqa: E402

PLACE = ROOT / "build/docs"


def fetched_from_elsewhere(site: Path) -> list[str]:
    """Return the pages that load a script, a style or a picture from another place."""
    loads = re.compile(
        r"<(?:script|img|iframe)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*stylesheet[^>]*\"(?:https?:)?//"
    )
    return [
        path.name for path in sorted(site.rglob("*.html")) if loads.search(path.read_text(encoding="utf-8"))
    ]


def main() -> None:
    """Lay out the sources and build the site, or check the links that leave it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--builder", default="html", choices=("html", "linkcheck"), help="what Sphinx makes")
    given = parser.parse_args()
    began = time.monotonic()
    source = PLACE / "source"
    generated = {
        "commands.md": reference(),
        "config-keys.md": keys_page("config-keys"),
        "json-keys.md": keys_page("json-keys"),
        "severities.md": severities_page(),
        "api.md": api_page(),
        "examples.md": examples(source),
        "gallery.md": gallery(source),
    }
    stage(source, generated)
    command = [sys.executable, "-m", "sphinx", "-b", given.builder, "-W", "--keep-going", "-q", "-j", "auto"]
    command += [
        "-c",
        str(ROOT / "docs"),
        "-d",
        str(PLACE / "doctrees"),
        str(source),
        str(PLACE / given.builder),
    ]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    if given.builder == "html":
        shutil.rmtree(PLACE / "html", ignore_errors=True)
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": paths})
    if ended.returncode == 0 and given.builder == "html":
        if fetching := fetched_from_elsewhere(PLACE / "html"):
            sys.exit("these pages fetch something from elsewhere: " + ", ".join(fetching))
        index = (PLACE / "html/index.html").relative_to(ROOT)
        print(f"The manual: {index} ({time.monotonic() - began:.0f} s)")
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
