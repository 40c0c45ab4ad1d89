"""How Sphinx builds the manual; ``make docs`` lays out its sources in ``build/docs/source``."""

import forecast

project = "forecast"
author = "The forecast developers"
project_copyright = "The forecast developers, Apache-2.0"
release = version = forecast.__version__

extensions = [
    "myst_nb",
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

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4

# A page runs its code each time the manual is built, so that what it shows was computed by this version.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

linkcheck_timeout = 20
# Examples of addresses, not addresses.
linkcheck_ignore = [r"https?://…"]
