"""A saved run → ``report.pdf``: content in words and numbers, figures, and a typst template.

The listing is the flow: ``content`` (with ``front_page``, ``explanation``, ``evidence``, ``method``)
turns the records of a run into strings, ``printable`` keeps of them what the typeface can show,
``figures`` draws, ``pdf`` compiles, ``build`` ties them to the run folder. Text from data reaches the
template only as data. ``matplotlib`` and ``typst`` are imported nowhere else in the product.
"""

from forecast.report.build import ReportOptions, build_report, compile_report

__all__ = ["ReportOptions", "build_report", "compile_report"]
