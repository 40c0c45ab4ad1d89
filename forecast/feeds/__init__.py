"""Event feeds of the field → our coded events: what was done with every row is counted and reported.

``layout``      what a format looks like: columns, syntax, the expression of each field
``formats``     GDELT, ICEWS, PLOVER, POLECAT, ACLED, KEDS; which of them a file looks like
``crosswalk``   codes → category, severity and scale value; actors → ISO 3166-1
``options``     what the user says of an import, checked as a whole
``unpack``      .zip, .gz and plain files → blocks of whole lines; a corrupt file is named
``clean_rows``  blocks → rows of even width in UTF-8, with what could not be used
``fates``       every reason for which a row is not kept, and the SQL that decides it
``engine``      DuckDB runs it: counts and candidates, in bounded memory
``journal``     what was read already, beside the output: an import can be stopped and resumed
``reading``     files → candidates on disk, unpacked in a thread, entered in the journal
``keeping``     candidates of all files → rows kept: repeats, the cap a day, the archive's growth
``writing``     kept rows → CSV or Parquet, whole or not at all
``report``      what happened to every row, and what to know before building on the events
``importing``   the order of it all

Nothing is imported here: the engine is loaded by the command that needs it.
"""
