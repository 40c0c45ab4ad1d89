"""Coded events: a file → rows → values (``cells``) → ``EventTable`` (``table``, ``reading``), and back.

What codes mean is data (``codebook``). On tables work ``dyads``, ``duplicates`` and ``summary``; ``drafts``
are acts that a language model proposes. Nothing is imported here, so that the codebook costs no NumPy import.
"""
