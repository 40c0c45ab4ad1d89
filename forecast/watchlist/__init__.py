"""Many dyads at once: read, forecast, ranked, put together, and told.

The modules in the order of the flow: ``event_files`` (files → acts of each dyad), ``dyad_runs`` (one dyad →
numbers), ``folder`` (what is kept), ``ranking`` and ``triggers``, ``shared_shock``, ``joint_paths`` and
``outlook`` (the list as a whole), ``atom`` and ``notifying`` (who is told), ``table``, ``wording`` and
``page`` (what is shown), ``watch`` (the order).
"""
