"""Simple forecasts from one dyad's own past: what a model has to beat, and what a combination may take in.

``windows``  origins, what is known before each, and whether the target happened after it
``methods``  five forecasts by name, at one origin or at all
"""
