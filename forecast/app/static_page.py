"""The scenario page as one file: it works offline and answers from tables that are written with it.

The modules of the page are put into one script, each a function that returns its exports, in the order in
which they need one another. The file may load nothing: its policy names the hashes of its script and style.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from forecast.app.engine import Engine
from forecast.app.opening import ANSWERED_DRAWS
from forecast.app.page_model import page_model
from forecast.app.state import shown_folder
from forecast.app.tabulated import tabulate
from forecast.errors import InputError
from forecast.runs.run import Run, read_run
from forecast.storage import write_file

ENTRY = "page.js"
_INSTEAD = {"source.js": "source_static.js"}
"""Modules of the served page, and what stands in their place."""
_STYLE = '<link rel="stylesheet" href="page.css">'
_SCRIPT = '<script type="module" src="page.js"></script>'
_ICON = '<link rel="icon" href="icon.svg" type="image/svg+xml">'
_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./([\w.]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) ?\*? ?(\w+))", re.MULTILINE)
_NAME = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def write_static_page(run_dir: Path, file: Path) -> int:
    """Write the page of a saved run as one file.

    Returns
    -------
    int
        Its size in bytes.

    Raises
    ------
    RunFolderError
        The folder holds no run that can be read.
    InputError
        The file's name does not end in ``.html``, or its folder is not there.
    """
    if file.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{file}: the page is written as HTML; give a name that ends in .html")
    if not file.parent.is_dir():
        raise InputError(f"{file}: there is no folder {file.parent}. Make it first")
    content = static_page(read_run(run_dir)).encode()
    write_file(file, content)
    return len(content)


def static_page(run: Run) -> str:
    """Return the page of a run as the text of one file."""
    page = files("forecast.app") / "page"
    modules = [one for one in page.iterdir() if one.name.endswith(".js")]
    script = bundle({one.name: one.read_text(encoding="utf-8") for one in modules})
    style = (page / "page.css").read_text(encoding="utf-8")
    icon = base64.b64encode((page / "icon.svg").read_bytes()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    whole = (page / "index.html").read_text(encoding="utf-8")
    payload = json.dumps({"schema": 1, "packed": _packed(run)})
    parts = {
        '<meta charset="utf-8">': '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        _ICON: f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">',
        _STYLE: f"<style>{style}</style>",
        _SCRIPT: f'<script type="application/json" id="static-run">{payload}</script>\n'
        f'<script type="module">{script}</script>',
        "<title>Scenarios</title>": f"<title>Scenarios: {html.escape(run.forecast.dyad.label)}</title>",
    }
    for mark, part in parts.items():
        if whole.count(mark) != 1:
            raise ValueError(f"index.html must hold once: {mark}")
        whole = whole.replace(mark, part)
    return whole


def _packed(run: Run) -> str:
    """Return what the page knows, as compressed JSON in base64."""
    engine = Engine(run, max(1, run.n_draws // ANSWERED_DRAWS))
    model = page_model(engine)
    said = model.model_dump(mode="json", by_alias=True)
    # The key of a scenario file is 'schema', and that of the records too.
    said["schema"] = said.pop("schema_", 1)
    # A new fit needs the sampler, which no page carries.
    said["refit"] = False
    # A page may be mailed: it names no folders of the machine that wrote it.
    folder = run.folder
    shown = "RUN_DIR" if folder is None else folder.name if folder.is_absolute() else shown_folder(folder)
    table = tabulate(engine, model) if engine.tweaks else None
    content = {"model": said, "folder": shown, "table": table, "why": None if table else engine.no_tweaks}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def bundle(sources: Mapping[str, str]) -> str:
    """Put the modules that the page needs into one script.

    Raises
    ------
    ValueError
        A module that is not there, that needs itself, or that writes imports in another form.
    """
    parts = ['"use strict";']
    for name in _order(sources):
        body = _IMPORT.sub(_as_constant, sources[name])
        exports = ", ".join(_NAME.findall(body))
        body = _EXPORT.sub("", body)
        if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
            raise ValueError(f"{name}: an import or export in a form that cannot be put into one file")
        parts.append(f"const {_variable(name)} = (() => {{\n{body}\nreturn {{{exports}}};\n}})();")
    # Nothing in the script may end the element that holds it.
    return "\n".join(parts).replace("</", "<\\/").replace("<!--", "<\\!--")


def _order(sources: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the modules that the page needs, each after all that it needs itself."""
    seen: dict[str, None] = {}

    def visit(one: str, above: tuple[str, ...]) -> None:
        if one in above:
            raise ValueError(f"modules need one another: {' → '.join((*above, one))}")
        if one not in sources:
            raise ValueError(f"{above[-1] if above else one}: there is no module {one}")
        if one in seen:
            return
        for _, needed in _IMPORT.findall(sources[one]):
            visit(_INSTEAD.get(needed, needed), (*above, one))
        seen[one] = None

    visit(ENTRY, ())
    return tuple(seen)


def _as_constant(found: re.Match[str]) -> str:
    return f"const {{{_renamed(found[1])}}} = {_variable(found[2])};"


def _renamed(names: str) -> str:
    return ", ".join(re.sub(r"\s+as\s+", ": ", one.strip()) for one in names.split(",") if one.strip())


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", _INSTEAD.get(name, name).removesuffix(".js"))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
