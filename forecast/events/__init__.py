"""Coded events: files → ``EventTable``.

``codebook``      categories, scales of severity, CAMEO codes, weak outlets, as data
``countries``     names of countries → codes
``cells``         text of one cell → value, with the message when it cannot be; cells as people write them
``table``         the columns of a file, and ``EventTable``: frozen NumPy columns, and its canonical CSV
``rows``          CSV → rows of text with true line numbers, or faults
``typed_tables``  the same for Parquet and .xlsx
``reading``       strict reader of coded files: every fault, with its line; the writer; bundled sets
``dyads``         whose acts count for a dyad
``coding``        one event coded by hand, added to a file
``merging``       several coders' files → one, and how far they agree
``duplicates``    rows that may be one event twice
``summary``       counts, gaps, shares; counts a month beside the archive's volume, and breaks
``feed_faults``   is a feed still what it was

Nothing is imported here, so that the codebook costs no NumPy import.
"""
