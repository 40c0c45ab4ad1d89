"""A model of acts that answer acts, by day and by side: streams, density, definition, chances, simulator.

A study: no command of the package uses it. ``tools/studies/cluster_scores.py`` scores it on past origins.
"""
