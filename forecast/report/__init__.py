"""A saved run → ``report.pdf``: content in words and numbers, figures, and a typst template.

The listing is the flow: ``run_records`` reads the folder, ``sections`` turn the records into ``blocks`` with
their figures, ``content`` gathers them, ``pdf`` and ``html_page`` set them, ``build`` puts the files into the
run folder. Text from data reaches the templates only as data. ``matplotlib`` and ``typst`` are imported
nowhere else in the product.
"""
