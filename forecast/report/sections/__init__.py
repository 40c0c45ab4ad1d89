"""Sections of the report, one a module: text, table and figure, from the records of a run."""
