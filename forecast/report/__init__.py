"""A saved run → ``report.pdf``: content in words and numbers, figures, and a typst template.

The listing is the flow: ``sections`` (with the sentences of ``front_page``, ``explanation``, ``evidence``,
``method``) turn the records of a run into ``blocks``, ``content`` gathers them, ``printable`` keeps what the
typeface can show, ``figures`` draws, ``pdf`` compiles, ``build`` ties them to the run folder. Text from data
reaches the template only as data. ``matplotlib`` and ``typst`` are imported nowhere else in the product.
"""

from forecast.report.build import build_report, compile_report
from forecast.report.options import Impact, ReportOptions, report_options
from forecast.report.run_records import RunRecords

__all__ = ["Impact", "ReportOptions", "RunRecords", "build_report", "compile_report", "report_options"]
