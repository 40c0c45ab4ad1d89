"""A saved run → its report: ``run_records``, words, tables, charts, sections of blocks, ``build``.

Text from data reaches the templates only as data. ``matplotlib`` and ``typst`` are imported nowhere else.
"""
