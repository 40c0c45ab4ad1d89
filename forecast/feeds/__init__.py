"""Event feeds of the field → our coded events: what was done with every row is counted and reported.

``importing`` reads published files and writes an event file, ``store`` fetches what GDELT 2 publishes and
keeps it by month.
"""
