"""How Sphinx builds the manual; ``make docs`` lays out its sources in ``build/docs/source``."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import forecast

project = "forecast"
author = "The forecast project"
project_copyright = "The forecast project, Apache-2.0"
release = version = forecast.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
]

templates_path = ["templates"]
# Options are written with two hyphens.
smartquotes = False

html_theme = "furo"
html_title = f"forecast {release}"
html_copy_source = False
html_show_sphinx = False

html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

linkcheck_timeout = 20
# Examples of addresses, not addresses.
linkcheck_ignore = [r"https?://…"]


def _write_math(translator, node):  # noqa: ANN001, ANN202 - Sphinx's own interface
    """Write a formula as MathML, which browsers set themselves: the usual renderer fetches a script."""
    block = isinstance(node, nodes.math_block)
    translator.body.append(tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def setup(app):  # noqa: ANN001, ANN201
    """Register the renderer of formulas."""
    app.add_html_math_renderer("mathml", (_write_math, None), (_write_math, None))
