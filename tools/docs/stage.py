"""Pages of the repository as the sources of a site: one folder, with links that lead to its own pages.

A page of the site and the page of the repository are one text. On a code host a link leads to a file beside
the page; here the same link leads to a page of the site, or to a copy of the file to download.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = {
    "README.md": "overview.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "reports/README.md": "run-folder.md",
    "tools/README.md": "laboratory.md",
    "docs/README.md": "index.md",
}
"""Pages that do not lie in ``docs/`` under their own name, and their names on the site."""
FOLDERS = {"configs": "examples.md", "reports/sample": "gallery.md"}
"""Folders that a page links to, by how their path begins, and the page of the site that shows them."""
SHOWN = {
    "forecast/__init__.py": "api.md",
    "forecast/events/data/severity.csv": "severities.md",
    "forecast/events/data/severity_armed.csv": "severities.md",
}
"""Files that the site shows as a page made from them."""
_LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"(^```.*?^```[^\n]*$|`[^`\n]+`)", flags=re.MULTILINE | re.DOTALL)


def pages(root: Path = ROOT) -> dict[str, str]:
    """Return path in the repository → name on the site, for every page."""
    found = {path.relative_to(root).as_posix(): path.name for path in sorted((root / "docs").glob("*.md"))}
    return found | {path: name for path, name in OUTSIDE.items() if (root / path).is_file()}


def stage(source: Path, generated: Mapping[str, str], root: Path = ROOT) -> None:
    """Write every page into ``source``, files that they link to, and generated pages with the index."""
    known = pages(root)
    written = dict(generated)
    for path, name in known.items():
        text = (root / path).read_text(encoding="utf-8")
        written[name] = rewritten(text, path, known, source, root)
    index = titled(written["index.md"])
    written["index.md"] = index + "".join(contents(index, generated))
    for name, text in written.items():
        put(source / name, text.encode())
    for pattern in ("*.schema.json", "*.csv"):
        for path in (root / "docs").glob(pattern):
            put(source / path.name, path.read_bytes())
    for path in (root / "docs/images").iterdir():
        put(source / "images" / path.name, path.read_bytes())
    for old in source.glob("*.md"):
        if old.name not in written:
            old.unlink()


def put(path: Path, content: bytes) -> None:
    """Write a file where its content changed, so that a second build does no more than it has to."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def rewritten(text: str, page: str, known: Mapping[str, str], source: Path, root: Path = ROOT) -> str:
    """Return a page's text with links that lead inside the site; code is left as it is."""

    def lead(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        path = os.path.normpath(os.path.join(os.path.dirname(page), target)).replace(os.sep, "/")
        if leads := known.get(path) or SHOWN.get(path):
            return f"]({leads}{anchor})"
        if path.startswith("docs/") and (root / path).is_file():
            return f"]({path.removeprefix('docs/')})"
        if (root / path).is_dir():
            (shown,) = {to for folder, to in FOLDERS.items() if path.startswith(folder)} or {"index.md"}
            return f"]({shown})"
        if (root / path).is_file() and not path.endswith(".md"):
            put(source / "files" / path, (root / path).read_bytes())
            return f"](files/{path})"
        raise SystemExit(f"{page}: link to {target}: no such file, or a page that the site does not hold")

    parts = _FENCE.split(text)
    return "".join(part if number % 2 else _LINK.sub(lead, part) for number, part in enumerate(parts))


def titled(index: str) -> str:
    """Return the index with links that are named after a file named after the title of its page."""
    return re.sub(r"\[[\w./-]+\.md\]\(", "[](", index)


def contents(index: str, generated: Mapping[str, str]) -> Iterator[str]:
    """Yield the site's table of contents: the pages that each section of the index names, in its order."""
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        title = section.split("\n", 1)[0]
        named = [name for name in re.findall(r"\]\(([\w-]+\.md)\)", section) if name != "index.md"]
        more = [*generated] if title == "Reference" else []
        if listed := list(dict.fromkeys([*named, *more])):
            yield f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(listed) + "\n```\n"
