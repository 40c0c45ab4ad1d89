"""Coded events: a file → ``rows`` of text → ``cells`` → ``EventTable`` (``reading``), and back.

What codes mean is data (``codebook``). On tables work ``dyads``, ``duplicates`` and ``summary``. Nothing is
imported here, so that the codebook costs no NumPy import.
"""
