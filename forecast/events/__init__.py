"""Coded events: files → ``EventTable``.

``codebook``    categories, severity anchors, CAMEO codes, as data
``columns``     the columns of an event file, in their canonical order
``table``       ``EventTable``: frozen NumPy columns, and its canonical CSV
``faults``      one thing wrong with a file, and the message that lists all
``cells``       text of one cell → value, with the message when it cannot be
``csv_source``  bytes → rows with true line numbers
``reading``     strict reader of coded CSV: every fault, with its line; the writer
``parquet_file`` the same as Parquet
``bundled``     data sets shipped with the package
``duplicates``  rows that may be one event twice
``summary``     counts, gaps, shares
``change_point`` breaks in the level of monthly counts
``coverage``    counts a month beside the archive's volume, and breaks
``commands``    ``forecast events validate`` and ``summary``

Nothing is imported here, so that the codebook costs no NumPy import.
"""
