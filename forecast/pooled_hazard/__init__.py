"""The pooled hazard: how likely a target is, learned on other dyads and adjusted to one dyad's own past.

``coefficients`` reads what ``tools/learn/pooled_hazard.py`` wrote; ``hazard`` forecasts by it.
"""
