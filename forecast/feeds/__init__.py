"""Event feeds of the field → our coded events: what was done with every row is counted and reported.

An import (``importing``) reads files (``unpacking``, ``clean_rows``), gives every row a fate in DuckDB
(``engine``), chooses among the candidates of all files (``keeping``) and writes events (``output``) and a
``report``. Formats and codes are data (``formats``, ``crosswalk``). Nothing is imported here: the engine is
loaded by the command that needs it.
"""
