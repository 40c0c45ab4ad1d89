"""Many dyads at once: read, forecast, ranked, put together, and told.

The modules in the order of the flow: ``event_files`` (files → acts of each dyad), ``dyad_runs`` (one dyad →
numbers), ``folder`` (what is kept), ``ranking`` (ranks, changes, triggers), ``shared_shock`` and
``joint_paths`` (the list as a whole), ``notifying`` (who is told), ``wording`` and ``page`` (what is shown),
``watch`` (the order).
"""
