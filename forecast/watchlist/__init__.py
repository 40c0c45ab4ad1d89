"""Many dyads at once.

``dyads`` (files → acts → run folder → row), ``watch`` (rows → ranks → folder, telling), ``page`` (what
people see), ``backtest`` (rows at past origins, joined to outcomes).
"""
