"""Event feeds of the field → our coded events: what was done with every row is counted and reported.

``layout``      what a format looks like: columns, syntax, the expression of each field
``gdelt``, ``icews``, ``plover``, ``acled``, ``keds``, ``own_csv``   one module a format
``formats``     all formats by name
``detect``      what a file looks like, when it is not what was announced
``unpack``      .zip, .gz and plain files → blocks of whole lines; a corrupt file is named
``clean_rows``  blocks → rows of even width in UTF-8, with what could not be used
``crosswalk``   code → category, severity and score; read, written, replaced by the user's
``actors``      country codes and names → ISO 3166-1; groups of actors to exclude
``switches``    what the user chose: dyads and noise handling
``options``     what the user says of an import, checked as a whole
``fates``       every reason for which a row is not kept, in words
``batches``     files → batches of clean rows, unpacked in a thread of its own
``statement``   the SQL that decides the fate of each row
``engine``      DuckDB runs it: counts and candidates, in bounded memory
``journal``     what was read already, beside the output: an import can be stopped and resumed
``repeats``     re-reports, mirrored rows, the cap a day
``thinning``    the archive's growing volume taken out
``keeping``     candidates of all files → rows kept
``cautions``    what the user should know before building on the events
``report``      what happened to every row
``writing``     kept rows → CSV or Parquet, whole or not at all
``importing``   the order of it all
``commands``    ``forecast events import`` and ``crosswalk``

Nothing is imported here: the engine is loaded by the command that needs it.
"""
