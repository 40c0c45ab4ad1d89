"""The example files that come with the package, shown whole."""

from __future__ import annotations

from pathlib import Path

from stage import ROOT, put

HEAD = """\
# Example files

`forecast new --example us-china`, `own-data` or `watchlist` lays these out in `configs/`.
"""


def examples(source: Path) -> str:
    """Copy the examples into ``source`` and return the page that shows them."""
    parts = [HEAD]
    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        name = path.relative_to(ROOT).as_posix()
        put(source / "files" / name, path.read_bytes())
        parts.append(f"\n## {name}\n\n```{{literalinclude}} files/{name}\n:language: yaml\n```\n")
    return "".join(parts)
