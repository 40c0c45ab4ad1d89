"""Coded events: a file → ``rows`` of text → ``cells`` → ``EventTable`` (``reading``), and back.

What codes mean is data (``codebook``, ``countries``). On tables work ``dyads``, ``duplicates``, ``summary``,
``merging`` and ``feed_faults``. Nothing is imported here, so that the codebook costs no NumPy import.
"""
