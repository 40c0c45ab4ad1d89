"""Coded events: files → ``EventTable``.

``codebook``    categories, severity anchors, CAMEO codes, as data
``table``       the columns of a file, and ``EventTable``: frozen NumPy columns, and its canonical CSV
``countries``   names of countries → codes
``rows``        CSV or Parquet → rows of text with true line numbers, or faults
``workbook``    the same for a sheet of an .xlsx workbook
``spelling``    cells as people write them → as the codebook does, each change noted
``cells``       text of one cell → value, with the message when it cannot be
``reading``     strict reader of coded files: every fault, with its line; the writer
``bundled``     data sets shipped with the package
``dyads``       whose acts count for a dyad
``coding``      one event coded by hand, added to a file
``duplicates``  rows that may be one event twice
``summary``     counts, gaps, shares
``coverage``    counts a month beside the archive's volume, and breaks
``merging``     several coders' files → one
``agreement``   how far coders agree

Nothing is imported here, so that the codebook costs no NumPy import.
"""
