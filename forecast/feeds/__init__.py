"""Event feeds of the field → our coded events: what was done with every row is counted and reported.

An import (``importing``) reads files into candidates (``reading``), chooses which are kept, and writes them
and a report.
"""
