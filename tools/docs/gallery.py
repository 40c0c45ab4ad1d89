"""The gallery: every chart of the sample report, drawn anew, with what it says."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from stage import ROOT, put

import forecast

CHARTS = {
    "course": "What earlier forecasts said of the headline, and how its chance grows by day.",
    "cases-taiwan_contact": "What followed each case of a declared reaction, by severity.",
    "tension": "How tense the relationship is: latent tension with its 90% interval by week, and past cases.",
    "assumptions": "What each assumption does to the headline when it is moved to either end of its prior.",
    "track-record": "How often it happened when a backtest said about as much.",
}
HEAD = """\
# Gallery

The charts of the [sample report](files/reports/sample/report.pdf), drawn when this manual was built.
`forecast report RUN_DIR --figures DIR` writes the same charts of any run as SVG and PNG. The sample is also
here as [one HTML page](files/reports/sample/report.html) and as [a brief of one
page](files/reports/sample/brief.pdf).
"""


def gallery(source: Path) -> str:
    """Draw the charts of the sample into ``source`` and return the page that shows them."""
    with tempfile.TemporaryDirectory() as folder:
        run, figures = Path(folder, "run"), Path(folder, "figures")
        shutil.copytree(ROOT / "reports/sample", run)
        built = forecast.rebuild_report(run, figures=figures)
        for name in {built.brief.name, *built.names}:
            put(source / "files/reports/sample" / name, (built.folder / name).read_bytes())
        drawn = sorted(path.stem for path in figures.glob("*.svg"))
        if drawn != sorted(CHARTS):
            raise SystemExit(f"tools/docs/gallery.py: CHARTS and what the report draws differ: {drawn}")
        for name in drawn:
            put(source / "charts" / f"{name}.svg", (figures / f"{name}.svg").read_bytes())
    shown = (
        f"\n## {name.replace('-', ' ').capitalize()}\n\n{said}\n\n![{said}](charts/{name}.svg)\n"
        for name, said in CHARTS.items()
    )
    return HEAD + "".join(shown)
