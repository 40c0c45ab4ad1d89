"""``python -m forecast``."""

from forecast.cli import script

script()
