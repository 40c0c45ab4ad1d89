"""Many dyads at once.

``events`` (files → acts of a dyad), ``watch`` (acts → forecasts, each in a folder → the folder of the list),
``changes`` (rank, trigger, what moved, the command that gets it), ``backtest`` (the list at past origins, and
what a watch knows of that), ``page`` (what people see).
"""
