"""Event feeds of the field → our coded events: what was done with every row is counted and reported.

``candidates`` reads published files into sound rows of the dyads asked for, ``importing`` chooses which are
kept and writes an event file, ``store`` fetches what GDELT 2 publishes and keeps it by month.
"""
